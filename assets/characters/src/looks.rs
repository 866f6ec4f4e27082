//! Looks: manners of drawing that a model can be taught later on, each quite unlike the usual one.

use crate::color::Rgb;
use crate::figure::{Figure, SIDES};
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape};
use crate::traits::{Eyes, Look};
use tiny_skia::Transform;

/// What a look draws over the finished figure and scene: gold sparkles.
pub(crate) fn over(subject: &mut Pen, scene: &mut Pen, figure: &Figure, placing: &Transform) {
    if figure.look != Look::Gold {
        return;
    }
    let mut rng = figure.rng("sparkles");
    let gold = Rgb::hex(0xFF_E0_86);
    let mut spots = Vec::new();
    let at = &figure.at;
    // On the upper rim of the head, away from the eyes.
    for _ in 0..3 {
        let angle = rng.between(0.12, 0.88) * core::f32::consts::PI;
        let reach = rng.between(0.84, 0.98);
        let on = At(
            at.head.0 + libm::cosf(angle) * at.rx * reach,
            at.head.1 - libm::fabsf(libm::sinf(angle)) * at.ry * reach,
        );
        let mut point = tiny_skia::Point::from_xy(on.0, on.1);
        placing.map_point(&mut point);
        spots.push((At(point.x, point.y), rng.between(4.0, 6.5)));
    }
    for _ in 0..8 {
        let side = rng.side();
        spots.push((
            At(64.0 + side * rng.between(26.0, 58.0), rng.between(8.0, 104.0)),
            rng.between(2.6, 6.0),
        ));
    }
    for (at, r) in spots {
        for pen in [&mut *scene, &mut *subject] {
            pen.fill(&Shape::circle(at, r * 1.2), Fill::glow(at, r * 1.2, gold, 0.75));
            pen.fill(&Shape::twinkle(at, r), Rgb::hex(0xFF_FB_E4));
        }
    }
}

/// What a look does to the finished pixels: moonlight.
pub(crate) fn grade(
    subject: &mut Vec<u8>,
    behind: &mut Vec<u8>,
    figure: &Figure,
    size: u32,
    placing: &Transform,
) {
    if figure.look != Look::Night {
        return;
    }
    moonlit(subject, 1.12);
    moonlit(behind, 0.6);
    let mut rng = figure.rng("moonlight");
    if let Some(mut pen) = Pen::on(core::mem::take(behind), size) {
        crate::scene::moonlight(&mut pen, &mut rng);
        *behind = pen.done();
    }
    if let Some(pen) = Pen::on(core::mem::take(subject), size) {
        let mut pen = pen.atop();
        pen.placed(*placing, |pen| figure.glowing_eyes(pen));
        *subject = pen.done();
    }
}

/// Turns premultiplied pixels to the blues and violets of moonlight.
fn moonlit(pixels: &mut [u8], strength: f32) {
    // From black through deep violet and blue to pale moonlight.
    let ramp = [[10.0, 8.0, 38.0], [44.0, 34.0, 104.0], [84.0, 92.0, 190.0], [196.0, 214.0, 255.0]];
    for pixel in pixels.chunks_exact_mut(4) {
        let a = f32::from(pixel[3]) / 255.0;
        if a <= 0.0 {
            continue;
        }
        let [r, g, b] = [0, 1, 2].map(|part| f32::from(pixel[part]) / a);
        let light = (0.3 * r + 0.59 * g + 0.11 * b) / 255.0 * 0.86 * strength;
        let step = (light * 3.0).clamp(0.0, 2.999);
        let (low, part) = (step as usize, step - libm::floorf(step));
        for (index, own) in [r, g, b].into_iter().enumerate() {
            let moon = ramp[low][index] + (ramp[low + 1][index] - ramp[low][index]) * part;
            let tint = [0.34, 0.36, 0.62][index];
            let value = (moon * 0.7 + own * tint * 0.3).clamp(0.0, 255.0) * a;
            pixel[index] = ((value + 0.5) as u8).min(pixel[3]);
        }
    }
}

impl Figure {
    /// Eyes that shine in the dark.
    fn glowing_eyes(&self, pen: &mut Pen) {
        let mut rng = self.rng("glow");
        let color = Rgb::hex(*rng.pick(&[0xFF_E2_5A, 0x6A_F2_E4, 0x9C_FF_8A]).unwrap_or(&0xFF_E2_5A));
        let s = self.at.eye;
        if self.traits.eyes == Eyes::Single {
            return shining(pen, self.at.eyes, 9.8 * s, 9.6 * s, color);
        }
        for (side, _) in SIDES {
            let eye = self.eye_at(side);
            let shut =
                self.traits.eyes == Eyes::Closed || (self.traits.eyes == Eyes::Wink && side == self.hold);
            if shut {
                pen.fill(&Shape::circle(eye, 10.0), Fill::glow(eye, 10.0, color, 0.5));
                let w = 5.6 * s;
                let arc = Outline::from(eye.by(-w, 1.8)).bend(eye.by(0.0, -4.0 * s), eye.by(w, 1.8)).open();
                pen.line(&arc, 2.4, color);
                continue;
            }
            match self.traits.eyes {
                Eyes::Dot => shining(pen, eye, 3.4 * s, 4.3 * s, color),
                Eyes::Sleepy => shining(pen, eye.by(0.0, 3.0 * s), 5.8 * s, 3.4 * s, color),
                Eyes::Anime => shining(pen, eye, 6.0 * s, 7.6 * s, color),
                _ => shining(pen, eye, 6.0 * s, 6.6 * s, color),
            }
        }
    }
}

fn shining(pen: &mut Pen, eye: At, rx: f32, ry: f32, color: Rgb) {
    let reach = rx.max(ry) * 2.1;
    pen.fill(&Shape::circle(eye, reach), Fill::glow(eye, reach, color, 0.7));
    let light = color.toward(Rgb(255, 255, 255), 0.65);
    pen.fill(&Shape::oval(eye, rx, ry), Fill::outward(eye, rx.max(ry), &[light, light, color]));
    pen.fill(&Shape::oval(eye, rx * 0.24, ry * 0.72), Ink(Rgb::hex(0x1A_14_36), 0.92));
    pen.fill(&Shape::circle(eye.by(-rx * 0.36, -ry * 0.4), rx * 0.2), Rgb(255, 255, 255));
}
