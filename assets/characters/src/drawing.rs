//! The whole drawing: the figure on its layer, the scene behind it, and both together.

use crate::figure::Figure;
use crate::looks;
use crate::pen::{At, Pen, UNITS, turned};
use crate::pixel;
use crate::rng::Rng;
use crate::traits::{Headgear, Kind, Look, Pose, Traits};
use tiny_skia::Transform;

/// The largest picture that is drawn, in pixels.
pub const LARGEST: u32 = 4096;

/// A drawn character.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width and height in pixels.
    pub size: u32,
    /// The character on its background: RGBA, all of it opaque.
    pub picture: Vec<u8>,
    /// How much of each pixel the character covers, with what it wears and holds, without its shadow.
    pub alpha: Vec<u8>,
    /// The character alone: RGBA, not premultiplied.
    pub subject: Vec<u8>,
    /// The background alone, with the shadow on the ground: RGBA, opaque.
    pub behind: Vec<u8>,
    /// Where the head is, in pixels: its middle, half its width and half its height.
    pub head: [f32; 4],
    /// Where the torso is, likewise; where all is one piece, it reaches into the head.
    pub torso: [f32; 4],
}

impl Drawing {
    /// The picture without its alpha: RGB.
    pub fn rgb(&self) -> Vec<u8> {
        self.picture.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()
    }
}

/// The numbers a picture cannot be drawn from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// A size of no use.
    #[error("a picture of {0}x{0} pixels: the size must be from 8 to {LARGEST}")]
    Size(u32),
    /// Traits that do not go together.
    #[error("these traits do not go together: {0}")]
    Traits(&'static str),
}

/// Draws a character; the seed decides what the traits leave open.
pub fn draw(traits: &Traits, seed: u64, size: u32) -> Result<Drawing, DrawError> {
    draw_in(traits, Look::Usual, seed, size)
}

/// Draws a character in a look.
pub fn draw_in(traits: &Traits, look: Look, seed: u64, size: u32) -> Result<Drawing, DrawError> {
    if !(8..=LARGEST).contains(&size) {
        return Err(DrawError::Size(size));
    }
    if let Some(why) = traits.problem() {
        return Err(DrawError::Traits(why));
    }
    if look == Look::Pixel {
        let (fine, figure, placing) = plain(traits, look, seed, pixel::FINE).ok_or(DrawError::Size(size))?;
        return Ok(pixel::pixel(&fine, &figure, placing, size));
    }
    plain(traits, look, seed, size).map(|(drawing, ..)| drawing).ok_or(DrawError::Size(size))
}

/// How the figure is placed in the picture.
pub(crate) struct Placing {
    /// The ground under the middle of the figure.
    pub(crate) ground: At,
    pub(crate) scale: f32,
    /// How far it is above the ground.
    pub(crate) above: f32,
    /// How far it leans, in degrees.
    lean: f32,
}

impl Placing {
    fn of(figure: &Figure) -> Self {
        let mut rng = Rng::of(figure.seed, "placing");
        let traits = &figure.traits;
        let jump = if figure.jumping { 11.0 } else { 0.0 };
        let hover = if traits.kind == Kind::Ghost { 4.0 } else { 0.0 };
        let high = figure.height() + jump + hover;
        let room = rng.between(103.0, 108.0);
        let [left, right] = figure.width();
        let scale = (room / high).min(rng.between(1.1, 1.18)).min(rng.between(117.0, 120.0) / (right - left));
        let spare = ((room - high * scale) * 0.5).max(0.0);
        let lean = if traits.pose == Pose::Leaning { rng.between(8.0, 12.0) * rng.side() } else { 0.0 };
        // The body stays near the middle, moved as far as what stands out on one side asks for.
        let (least, most) = (4.0 - left * scale, 124.0 - right * scale);
        let x = (64.0 - (left + right) * 0.3 * scale + rng.around(0.0, 2.5))
            .clamp(least.min(most), most.max(least));
        Self { ground: At(x - lean * 0.5, 116.5 - spare), scale, above: jump + hover, lean }
    }

    fn transform(&self) -> Transform {
        Transform::from_row(
            self.scale,
            0.0,
            0.0,
            self.scale,
            self.ground.0,
            self.ground.1 - self.above * self.scale,
        )
        .pre_concat(turned(At(0.0, 0.0), self.lean))
    }
}

/// Draws without what happens to whole pictures.
fn plain(traits: &Traits, look: Look, seed: u64, size: u32) -> Option<(Drawing, Figure, Transform)> {
    let figure = Figure::new(traits, look, seed);
    let placing = Placing::of(&figure);
    let mut scene = Pen::new(size)?;
    crate::scene::draw(&mut scene, &figure, &placing);
    let mut sheet = Pen::new(size)?;
    let mut ovals = [[0.0; 4]; 2];
    sheet.placed(placing.transform(), |pen| {
        figure.draw(pen);
        let at = &figure.at;
        let scale = placing.scale * size as f32 / UNITS;
        ovals = [(at.head, at.rx, at.ry), (at.torso, at.torso_rx, at.torso_ry)].map(|(middle, rx, ry)| {
            let At(x, y) = pen.pixel(middle);
            [x, y, rx * scale, ry * scale]
        });
    });
    let mut sheet = sheet.atop();
    looks::over(&mut sheet, &mut scene, &figure, &placing.transform());
    let mut subject = sheet.done();
    let mut behind = scene.done();
    looks::grade(&mut subject, &mut behind, &figure, size, &placing.transform());
    Some((compose(size, &subject, behind, ovals), figure, placing.transform()))
}

impl Figure {
    /// All of the figure, from back to front.
    fn draw(&self, pen: &mut Pen) {
        self.behind(pen);
        self.back(pen);
        if !self.sitting {
            self.legs(pen);
        }
        self.arms(pen, true);
        self.torso(pen);
        if self.sitting {
            self.legs(pen);
        }
        // A bird's wings lie over what it wears.
        if self.traits.kind != Kind::Bird {
            self.arms(pen, false);
        }
        if !self.one_piece() {
            self.neckwear(pen);
        }
        self.head(pen);
        // A frog's eyes stand before its hat.
        let first = self.traits.kind == Kind::Frog
            && !matches!(self.traits.headgear, Headgear::Bow | Headgear::Flower);
        if first {
            self.headgear(pen);
        }
        self.face(pen);
        if self.one_piece() {
            self.neckwear(pen);
        }
        if self.traits.kind == Kind::Bird {
            self.arms(pen, false);
        }
        if !first {
            self.headgear(pen);
        }
        self.glasses(pen);
        self.held(pen);
    }
}

/// Puts a premultiplied subject onto an opaque background.
pub(crate) fn compose(size: u32, subject: &[u8], behind: Vec<u8>, ovals: [[f32; 4]; 2]) -> Drawing {
    let pixels = (size as usize) * (size as usize);
    let mut picture = Vec::with_capacity(pixels * 4);
    let mut alpha = Vec::with_capacity(pixels);
    let mut alone = Vec::with_capacity(pixels * 4);
    for (front, back) in subject.chunks_exact(4).zip(behind.chunks_exact(4)) {
        let a = u32::from(front[3]);
        for part in 0..3 {
            let under = (u32::from(back[part]) * (255 - a) + 127) / 255;
            picture.push((u32::from(front[part]) + under).min(255) as u8);
            let own = (u32::from(front[part]) * 255 + a / 2).checked_div(a).unwrap_or(0);
            alone.push(own.min(255) as u8);
        }
        picture.push(255);
        alone.push(front[3]);
        alpha.push(front[3]);
    }
    Drawing { size, picture, alpha, subject: alone, behind, head: ovals[0], torso: ovals[1] }
}
