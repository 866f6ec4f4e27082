//! Drawing layers over each other, block by block: what is hidden is never touched.
//!
//! Sums are kept in 32-bit floats with alpha multiplied in, and every operation is one that all machines round alike,
//! so a picture has the same bits everywhere. Where a covering layer ends what lies below, its bytes come out as they
//! went in.

use super::blend::Blend;
use super::store::{BLOCK, Cover, Picture, Samples};
use kiln_types::Image;

/// One layer to draw.
pub struct Stroke<'a> {
    /// The picture; as large as the whole.
    pub picture: &'a Picture,
    /// How it acts on what lies below.
    pub blend: Blend,
    /// How strongly it shows, 0 to 1.
    pub opacity: f32,
}

impl Stroke<'_> {
    /// Whether nothing below its full blocks is ever seen.
    fn hides(&self) -> bool {
        self.blend == Blend::Normal && self.opacity >= 1.0
    }
}

/// What lies below all layers.
pub enum Base<'a> {
    /// One colour, alpha not multiplied in.
    Color([f32; 4]),
    /// A picture; as large as the whole.
    Picture(&'a Image),
}

impl Base<'_> {
    fn is_opaque(&self) -> bool {
        match self {
            Self::Color(c) => c[3] >= 1.0,
            Self::Picture(image) => !image.has_alpha(),
        }
    }
}

/// A block while it is drawn: alpha multiplied in.
type Block = [[f32; 4]; BLOCK];

/// The layers drawn from the bottom up: how many channels the result has, and its samples, alpha not multiplied in.
/// Without anything that shows through there are three channels, else four.
#[must_use]
pub fn draw(width: usize, height: usize, base: &Base<'_>, strokes: &[Stroke<'_>]) -> (usize, Vec<f32>) {
    let blocks = width.div_ceil(BLOCK);
    let strokes: Vec<&Stroke<'_>> = strokes.iter().filter(|s| s.opacity > 0.0).collect();
    // The lowest stroke that matters in each block, looked for once: it tells whether anything shows through.
    let mut firsts = Vec::with_capacity(blocks * height);
    let mut opaque = true;
    for at in 0..blocks * height {
        let hiding = strokes.iter().rposition(|s| s.hides() && s.picture.cover[at] == Cover::Full);
        opaque &= hiding.is_some() || base.is_opaque();
        firsts.push(hiding);
    }
    let channels = if opaque { 3 } else { 4 };
    let mut out = Vec::with_capacity(width * height * channels);
    let mut block: Block = [[0.0; 4]; BLOCK];
    for y in 0..height {
        for b in 0..blocks {
            let at = y * blocks + b;
            let x = b * BLOCK;
            let pixels = BLOCK.min(width - x);
            let from = y * width + x;
            let over = &mut block[..pixels];
            let solid = match firsts[at] {
                Some(first) => {
                    copy(over, strokes[first].picture, from);
                    true
                }
                None => begin(over, base, from),
            };
            for stroke in &strokes[firsts[at].map_or(0, |first| first + 1)..] {
                if stroke.picture.cover[at] != Cover::Empty {
                    lay(over, stroke, from, solid);
                }
            }
            finish(over, solid, channels, &mut out);
        }
    }
    (channels, out)
}

/// A covering layer's pixels as they are.
fn copy(over: &mut [[f32; 4]], picture: &Picture, from: usize) {
    let range = from * 4..(from + over.len()) * 4;
    match &picture.samples {
        Samples::Bytes(bytes) => {
            for (to, s) in over.iter_mut().zip(bytes[range].as_chunks::<4>().0) {
                *to = [f32::from(s[0]) / 255.0, f32::from(s[1]) / 255.0, f32::from(s[2]) / 255.0, 1.0];
            }
        }
        Samples::Floats(floats) => {
            for (to, s) in over.iter_mut().zip(floats[range].as_chunks::<4>().0) {
                *to = [s[0], s[1], s[2], 1.0];
            }
        }
    }
}

/// What lies below; tells whether it covers fully.
fn begin(over: &mut [[f32; 4]], base: &Base<'_>, from: usize) -> bool {
    match base {
        Base::Color([r, g, b, a]) => over.fill([r * a, g * a, b * a, *a]),
        Base::Picture(image) => {
            let channels = image.channels();
            let samples = &image.frame(0)[from * channels..];
            for (to, s) in over.iter_mut().zip(samples.chunks_exact(channels)) {
                let a = if channels > 3 { s[3].clamp(0.0, 1.0) } else { 1.0 };
                *to = [s[0] * a, s[1] * a, s[2] * a, a];
            }
        }
    }
    base.is_opaque()
}

/// A layer laid over a block.
fn lay(over: &mut [[f32; 4]], stroke: &Stroke<'_>, from: usize, solid: bool) {
    let range = from * 4..(from + over.len()) * 4;
    match (&stroke.picture.samples, stroke.blend) {
        (Samples::Bytes(bytes), Blend::Normal) => {
            let share = stroke.opacity / 255.0;
            for (to, s) in over.iter_mut().zip(bytes[range].as_chunks::<4>().0) {
                let alpha = f32::from(s[3]) * share;
                let (part, keep) = (alpha / 255.0, 1.0 - alpha);
                to[0] = f32::from(s[0]) * part + to[0] * keep;
                to[1] = f32::from(s[1]) * part + to[1] * keep;
                to[2] = f32::from(s[2]) * part + to[2] * keep;
                to[3] = alpha + to[3] * keep;
            }
        }
        (Samples::Floats(floats), Blend::Normal) => {
            for (to, s) in over.iter_mut().zip(floats[range].as_chunks::<4>().0) {
                let alpha = s[3] * stroke.opacity;
                let keep = 1.0 - alpha;
                to[0] = s[0] * alpha + to[0] * keep;
                to[1] = s[1] * alpha + to[1] * keep;
                to[2] = s[2] * alpha + to[2] * keep;
                to[3] = alpha + to[3] * keep;
            }
        }
        (Samples::Bytes(bytes), blend) => {
            for (to, s) in over.iter_mut().zip(bytes[range].as_chunks::<4>().0) {
                let s = [s[0], s[1], s[2], s[3]].map(|v| f32::from(v) / 255.0);
                mix(to, s, blend, stroke.opacity, solid);
            }
        }
        (Samples::Floats(floats), blend) => {
            for (to, s) in over.iter_mut().zip(floats[range].as_chunks::<4>().0) {
                mix(to, *s, blend, stroke.opacity, solid);
            }
        }
    }
}

/// One pixel laid over another by a blend mode: its effect only where there is something below.
fn mix(to: &mut [f32; 4], s: [f32; 4], blend: Blend, opacity: f32, solid: bool) {
    let alpha = s[3] * opacity;
    if alpha <= 0.0 {
        return;
    }
    let below = if solid { 1.0 } else { to[3] };
    let straight = if below > 0.0 { [to[0] / below, to[1] / below, to[2] / below] } else { [0.0; 3] };
    let top = [s[0], s[1], s[2]];
    let mixed = blend.of(straight.map(|v| v.clamp(0.0, 1.0)), top);
    let keep = 1.0 - alpha;
    for at in 0..3 {
        let own = top[at] * (1.0 - below) + mixed[at].clamp(0.0, 1.0) * below;
        to[at] = own * alpha + to[at] * keep;
    }
    to[3] = alpha + to[3] * keep;
}

/// Takes alpha out of the colours again, and writes them.
fn finish(over: &[[f32; 4]], solid: bool, channels: usize, out: &mut Vec<f32>) {
    if channels == 3 {
        over.iter().for_each(|p| out.extend_from_slice(&p[..3]));
        return;
    }
    for p in over {
        if solid {
            out.extend_from_slice(&[p[0], p[1], p[2], 1.0]);
        } else if p[3] > 0.0 {
            let a = p[3].min(1.0);
            out.extend_from_slice(&[p[0] / p[3], p[1] / p[3], p[2] / p[3], a]);
        } else {
            out.extend_from_slice(&[0.0; 4]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of bytes by a rule.
    fn picture(width: usize, height: usize, rule: impl Fn(usize, usize) -> [u8; 4]) -> Picture {
        let pixels = (0..width * height).flat_map(|at| rule(at % width, at / width));
        let samples: Vec<f32> = pixels.map(|v| f32::from(v) / 255.0).collect();
        Picture::new(&Image::new(1, height, width, 4, samples).unwrap(), false)
    }

    /// The same in 64 bit, without blocks: the definition.
    fn slow(at: usize, base: [f64; 4], strokes: &[Stroke<'_>]) -> [f64; 4] {
        let mut to = [base[0] * base[3], base[1] * base[3], base[2] * base[3], base[3]];
        for stroke in strokes {
            let Samples::Bytes(bytes) = &stroke.picture.samples else { unreachable!() };
            let s: [f64; 4] = std::array::from_fn(|c| f64::from(bytes[at * 4 + c]) / 255.0);
            let alpha = s[3] * f64::from(stroke.opacity);
            let below = to[3];
            let straight: [f32; 3] =
                std::array::from_fn(|c| if below > 0.0 { (to[c] / below) as f32 } else { 0.0 });
            let mixed = stroke.blend.of(straight, [s[0] as f32, s[1] as f32, s[2] as f32]);
            for c in 0..3 {
                let own = s[c] * (1.0 - below) + f64::from(mixed[c]) * below;
                let own = if stroke.blend == Blend::Normal { s[c] } else { own };
                to[c] = own * alpha + to[c] * (1.0 - alpha);
            }
            to[3] = alpha + to[3] * (1.0 - alpha);
        }
        if to[3] > 0.0 { [to[0] / to[3], to[1] / to[3], to[2] / to[3], to[3]] } else { [0.0; 4] }
    }

    #[test]
    fn blocks_and_shortcuts_give_what_the_definition_gives() {
        let (width, height) = (53, 31);
        let spot = |cx: usize, cy: usize, r: usize, color: [u8; 3]| {
            picture(width, height, move |x, y| {
                let d = x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2);
                let a = if d < r * r { 255 } else { 255usize.saturating_sub(6 * (d - r * r)) as u8 };
                [color[0], color[1], color[2], if d > r * r + 40 { 0 } else { a }]
            })
        };
        let ground = picture(width, height, |x, y| [(x * 4) as u8, (y * 8) as u8, 90, 255]);
        let layers =
            [spot(20, 12, 9, [200, 30, 40]), spot(30, 18, 12, [20, 130, 240]), spot(8, 25, 5, [255, 255, 0])];
        for blend in [Blend::Normal, Blend::Multiply, Blend::Overlay, Blend::Luminosity] {
            for (with_ground, opacity, base) in [
                (true, 1.0, [0.0; 4]),
                (false, 0.6, [0.0; 4]),
                (false, 1.0, [0.2, 0.4, 0.6, 0.5]),
                (true, 0.3, [1.0; 4]),
            ] {
                let mut strokes = Vec::new();
                if with_ground {
                    strokes.push(Stroke { picture: &ground, blend: Blend::Normal, opacity: 1.0 });
                }
                for (n, picture) in layers.iter().enumerate() {
                    let blend = if n == 1 { blend } else { Blend::Normal };
                    strokes.push(Stroke { picture, blend, opacity: if n == 2 { opacity } else { 1.0 } });
                }
                let (channels, made) = draw(width, height, &Base::Color(base), &strokes);
                assert_eq!(channels, if with_ground || base[3] >= 1.0 { 3 } else { 4 });
                for at in 0..width * height {
                    let wanted = slow(at, base.map(f64::from), &strokes);
                    for c in 0..channels {
                        let got = f64::from(made[at * channels + c]);
                        let near = (got - wanted[c]).abs() < 2e-5 || wanted[3] < 1e-3;
                        assert!(near, "{blend:?} pixel {at} channel {c}: {got} is not {}", wanted[c]);
                        // As bytes there is no difference, but where the exact value lies on the edge of two.
                        let exact = wanted[c] * 255.0;
                        if (exact.fract() - 0.5).abs() > 0.01 && wanted[3] > 0.01 {
                            assert_eq!((got * 255.0 + 0.5) as u8, (exact + 0.5) as u8);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_covering_layer_comes_out_as_it_went_in() {
        let top = picture(17, 3, |x, y| [(x * 15) as u8, (y * 100) as u8, 7, 255]);
        let below = picture(17, 3, |_, _| [9, 9, 9, 128]);
        let strokes = [
            Stroke { picture: &below, blend: Blend::Normal, opacity: 1.0 },
            Stroke { picture: &top, blend: Blend::Normal, opacity: 1.0 },
        ];
        let (channels, made) = draw(17, 3, &Base::Color([0.0; 4]), &strokes);
        assert_eq!(channels, 3);
        let Samples::Bytes(bytes) = &top.samples else { panic!() };
        for (pixel, s) in made.chunks_exact(3).zip(bytes.chunks_exact(4)) {
            assert_eq!(pixel, [s[0], s[1], s[2]].map(|v| f32::from(v) / 255.0));
        }
        let image = Image::new(1, 3, 17, 3, made.clone()).unwrap();
        assert_eq!(draw(17, 3, &Base::Picture(&image), &[]), (3, made));
    }
}
