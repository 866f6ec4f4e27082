//! A simple judge: which named colour the body has, from the pixels alone.

use crate::color::{Lab, Rgb, Tones, body};
use crate::drawing::Drawing;
use crate::traits::Color;

/// Colours further from every tone of every name have no say.
const FAR: f32 = 0.085;

/// Tells body colours by their pixels.
#[derive(Clone, Debug)]
pub struct Judge {
    tones: Vec<(Color, Lab)>,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge {
    /// A judge that knows every named colour in light and shade.
    pub fn new() -> Self {
        let tones = Color::ALL
            .iter()
            .flat_map(|&color| {
                let Tones { base, light, shade, .. } = Tones::of(body(color));
                [base, light, shade, base.toward(shade, 0.5)].map(|tone| (color, tone.lab()))
            })
            .collect();
        Self { tones }
    }

    /// The named colour nearest to one pixel; none where it is like none of them.
    pub fn nearest(&self, pixel: Rgb) -> Option<Color> {
        let lab = pixel.lab();
        self.tones
            .iter()
            .map(|&(color, tone)| (lab.distance(tone), color))
            .filter(|&(distance, _)| distance < FAR)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, color)| color)
    }

    /// The colour most of these pixels (three or four bytes each) have, among those chosen.
    pub fn commonest(&self, pixels: &[u8], bytes: usize, chosen: impl Fn(usize) -> bool) -> Option<Color> {
        let mut votes = [0u32; Color::ALL.len()];
        for (place, pixel) in pixels.chunks_exact(bytes.max(3)).enumerate() {
            if chosen(place)
                && let Some(color) = self.nearest(Rgb(pixel[0], pixel[1], pixel[2]))
            {
                votes[color as usize] += 1;
            }
        }
        let best = (0..votes.len()).max_by_key(|&index| votes[index])?;
        if votes[best] == 0 { None } else { Color::ALL.get(best).copied() }
    }

    /// The colour of a drawing's body, from its head and torso.
    pub fn of_drawing(&self, drawing: &Drawing) -> Option<Color> {
        let side = drawing.size as usize;
        self.commonest(&drawing.picture, 4, |place| {
            let (x, y) = ((place % side) as f32 + 0.5, (place / side) as f32 + 0.5);
            drawing.alpha[place] == 255
                && [drawing.head, drawing.torso].iter().any(|&[cx, cy, rx, ry]| {
                    let (dx, dy) = ((x - cx) / rx.max(1.0), (y - cy) / ry.max(1.0));
                    dx * dx + dy * dy < 0.96
                })
        })
    }

    /// The colour of a figure known by its alpha alone, as in a picture that a model made: the commonest colour of
    /// all that is covered.
    pub fn of_covered(&self, rgb: &[u8], alpha: &[u8]) -> Option<Color> {
        self.commonest(rgb, 3, |place| alpha.get(place).is_some_and(|&a| a > 200))
    }
}
