//! Looks: manners of drawing that a model can be taught later on, each quite unlike the usual one.

use crate::color::Rgb;
use crate::drawing::{Drawing, compose};
use crate::figure::{Figure, SIDES};
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape};
use crate::traits::{Eyes, Look};
use tiny_skia::Transform;

/// Pixel art is made from a drawing of this size.
pub(crate) const PIXEL_FINE: u32 = 128;
/// How many squares pixel art has across.
pub const PIXELS: u32 = 32;

/// What a look draws over the finished figure and scene: gold sparkles.
pub(crate) fn over(subject: &mut Pen, scene: &mut Pen, figure: &Figure, placing: &Transform) {
    if figure.look != Look::Gold {
        return;
    }
    let mut rng = figure.rng("sparkles");
    let gold = Rgb::hex(0xFF_E0_86);
    let mut spots = Vec::new();
    let at = &figure.at;
    for _ in 0..4 {
        let angle = rng.between(0.0, core::f32::consts::TAU);
        let reach = rng.between(0.84, 0.98);
        let on = At(
            at.head.0 + libm::cosf(angle) * at.rx * reach,
            at.head.1 - libm::fabsf(libm::sinf(angle)) * at.ry * reach,
        );
        let mut point = tiny_skia::Point::from_xy(on.0, on.1);
        placing.map_point(&mut point);
        spots.push((At(point.x, point.y), rng.between(4.0, 6.5)));
    }
    for _ in 0..9 {
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
    moonlit(subject, 1.0);
    moonlit(behind, 0.8);
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

/// Pixel art of a drawing: 32 squares across, few colours, hard edges.
pub(crate) fn pixel(fine: &Drawing, size: u32) -> Drawing {
    let count = (PIXELS * PIXELS) as usize;
    let step = (fine.size / PIXELS) as usize;
    let (subject_palette, behind_palette) =
        (palette(&fine.subject, Some(&fine.alpha), 20), palette(&fine.behind, None, 10));
    let mut small = vec![0u8; count * 4];
    let mut back = vec![0u8; count * 4];
    for square in 0..count {
        let (sx, sy) = (square % PIXELS as usize * step, square / PIXELS as usize * step);
        let places = (0..step * step).map(|i| (sy + i / step) * fine.size as usize + sx + i % step);
        let covered: u32 = places.clone().map(|p| u32::from(fine.alpha[p])).sum();
        let whole = covered * 2 >= (step * step) as u32 * 255;
        if whole {
            let own = places.clone().filter(|&p| fine.alpha[p] > 127);
            let color = commonest(own.map(|p| at(&fine.subject, p)), &subject_palette);
            small[square * 4..square * 4 + 4].copy_from_slice(&[color.0, color.1, color.2, 255]);
        }
        let color = commonest(places.map(|p| at(&fine.behind, p)), &behind_palette);
        back[square * 4..square * 4 + 4].copy_from_slice(&[color.0, color.1, color.2, 255]);
    }
    let grow = |small: &[u8]| {
        let mut large = Vec::with_capacity((size as usize) * (size as usize) * 4);
        for y in 0..size {
            for x in 0..size {
                let from = ((y * PIXELS / size) * PIXELS + x * PIXELS / size) as usize * 4;
                large.extend_from_slice(&small[from..from + 4]);
            }
        }
        large
    };
    let scale = size as f32 / fine.size as f32;
    compose(size, &grow(&small), grow(&back), fine.head.map(|v| v * scale))
}

fn at(pixels: &[u8], place: usize) -> Rgb {
    Rgb(pixels[place * 4], pixels[place * 4 + 1], pixels[place * 4 + 2])
}

fn far(a: Rgb, b: Rgb) -> i32 {
    let part = |a: u8, b: u8| (i32::from(a) - i32::from(b)) * (i32::from(a) - i32::from(b));
    2 * part(a.0, b.0) + 4 * part(a.1, b.1) + 3 * part(a.2, b.2)
}

fn nearest(color: Rgb, palette: &[Rgb]) -> usize {
    (0..palette.len()).min_by_key(|&index| far(color, palette[index])).unwrap_or(0)
}

/// The palette's colour that most of these are nearest to.
fn commonest(colors: impl Iterator<Item = Rgb>, palette: &[Rgb]) -> Rgb {
    let mut votes = vec![0u32; palette.len()];
    for color in colors {
        if let Some(vote) = votes.get_mut(nearest(color, palette)) {
            *vote += 1;
        }
    }
    let best = (0..votes.len()).max_by_key(|&index| (votes[index], palette.len() - index)).unwrap_or(0);
    palette.get(best).copied().unwrap_or(Rgb(0, 0, 0))
}

/// The few colours that stand for a picture's many: median cut.
fn palette(pixels: &[u8], alpha: Option<&[u8]>, count: usize) -> Vec<Rgb> {
    let mut all: Vec<[u8; 3]> = (0..pixels.len() / 4)
        .filter(|&place| alpha.is_none_or(|alpha| alpha[place] > 200))
        .map(|place| [pixels[place * 4], pixels[place * 4 + 1], pixels[place * 4 + 2]])
        .collect();
    if all.is_empty() {
        return vec![Rgb(0, 0, 0)];
    }
    all.sort_unstable();
    let mut boxes = vec![all];
    while boxes.len() < count {
        // Cut the box with the widest side, weighed by how many pixels it has.
        let widest = |colors: &[[u8; 3]]| {
            (0..3)
                .map(|part| {
                    let (low, high) =
                        colors.iter().fold((255u8, 0u8), |(l, h), c| (l.min(c[part]), h.max(c[part])));
                    (u32::from(high.saturating_sub(low)), part)
                })
                .max_by_key(|&(width, part)| (width, 3 - part))
                .unwrap_or((0, 0))
        };
        let choice = (0..boxes.len())
            .map(|index| {
                let (width, part) = widest(&boxes[index]);
                let weight = f64::from(width) * (boxes[index].len() as f64).sqrt().min(60.0);
                (weight as u64, index, part, width)
            })
            .filter(|&(_, index, _, width)| width > 8 && boxes[index].len() > 1)
            .max_by_key(|&(weight, index, ..)| (weight, usize::MAX - index));
        let Some((_, index, part, _)) = choice else { break };
        let mut colors = boxes.swap_remove(index);
        colors.sort_unstable_by_key(|c| (c[part], *c));
        // Cut half way between the ends, so that a few bright pixels get a colour of their own.
        let (low, high) = (colors[0][part], colors[colors.len() - 1][part]);
        let middle = (u16::from(low) + u16::from(high)).div_ceil(2) as u8;
        let cut = colors.partition_point(|c| c[part] < middle).clamp(1, colors.len() - 1);
        let upper = colors.split_off(cut);
        boxes.push(colors);
        boxes.push(upper);
    }
    boxes
        .iter()
        .map(|colors| {
            let n = colors.len().max(1) as u64;
            let mean =
                |part: usize| ((colors.iter().map(|c| u64::from(c[part])).sum::<u64>() + n / 2) / n) as u8;
            Rgb(mean(0), mean(1), mean(2))
        })
        .collect()
}
