//! From a picture of any size to what an image tower sees: a square, every number less the mean and divided by the
//! deviation that all CLIPs were trained with.
//!
//! Two ways are in use, and differ in the last bit of some pixels: ComfyUI resizes the samples ([`torch`]), transformers
//! resizes bytes ([`pillow`]). Only what is seen is computed: a strip of a thousand times its width costs no more memory
//! than a square.

mod pillow;
mod torch;

use kiln_types::Image;
use serde::{Deserialize, Serialize};

/// The mean of red, green and blue that CLIP was trained with.
pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// The deviation.
pub const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Whose arithmetic brings a picture to size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Resizing {
    /// The one of ComfyUI: bicubic on samples, then rounded to bytes.
    #[default]
    Comfy,
    /// The one of transformers' image processor with Pillow: bicubic on bytes.
    Transformers,
}

/// How a picture that is not square becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Crop {
    /// Its middle is seen.
    #[default]
    Center,
    /// All of it is seen, squeezed.
    None,
}

/// How pictures are brought to size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preprocess {
    /// Whose arithmetic.
    pub resizing: Resizing,
    /// What is seen of a picture that is not square.
    pub crop: Crop,
}

/// One axis: the size the picture would be resized to, and which stretch of that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    from: usize,
    to: usize,
    start: usize,
    seen: usize,
}

impl Preprocess {
    /// The axes down and across for a square of `side`.
    fn axes(self, height: usize, width: usize, side: usize) -> [Axis; 2] {
        if self.crop == Crop::None {
            return [height, width].map(|from| Axis { from, to: side, start: 0, seen: side });
        }
        let short = height.min(width);
        [height, width].map(|from| {
            let to = match self.resizing {
                // Halves go to the even number, as Python rounds.
                Resizing::Comfy => (side as f64 / short as f64 * from as f64).round_ties_even() as usize,
                // Cut off, as Python's int() does.
                Resizing::Transformers => (side * from) / short,
            };
            let to = to.max(side);
            Axis { from, to, start: (to - side) / 2, seen: side }
        })
    }

    /// The bytes a tower of `side` sees of one picture of a batch: `side * side * 3`, each 0 to 255.
    #[must_use]
    pub fn bytes(self, image: &Image, index: usize, side: usize) -> Vec<u8> {
        let [down, across] = self.axes(image.height(), image.width(), side);
        let frame = image.frame(index);
        match self.resizing {
            Resizing::Comfy => torch::resized(frame, image.channels(), down, across)
                .into_iter()
                // Halves go to the even number, as torch rounds; `as` maps a NaN to 0.
                .map(|v| (255.0 * v).clamp(0.0, 255.0).round_ties_even() as u8)
                .collect(),
            Resizing::Transformers => pillow::resized(frame, image.channels(), down, across),
        }
    }

    /// The same as the tower takes it: red, green and blue planes, normalised, appended to `out`.
    pub(crate) fn planes(self, image: &Image, index: usize, side: usize, out: &mut Vec<f32>) {
        let bytes = self.bytes(image, index, side);
        for (channel, (mean, std)) in MEAN.into_iter().zip(STD).enumerate() {
            out.extend(bytes.iter().skip(channel).step_by(3).map(|b| (f32::from(*b) / 255.0 - mean) / std));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_costs_no_more_than_what_is_seen() {
        let image = Image::zeros(1, 1, 60_000, 3).unwrap();
        for resizing in [Resizing::Comfy, Resizing::Transformers] {
            for crop in [Crop::Center, Crop::None] {
                assert_eq!(Preprocess { resizing, crop }.bytes(&image, 0, 224).len(), 224 * 224 * 3);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_black() {
        let image = Image::new(1, 8, 8, 3, vec![f32::NAN; 192]).unwrap();
        for resizing in [Resizing::Comfy, Resizing::Transformers] {
            let seen = Preprocess { resizing, crop: Crop::Center }.bytes(&image, 0, 8);
            assert_eq!(seen, vec![0; 192]);
        }
    }

    #[test]
    fn sizes_round_as_their_sources_do() {
        let axes = |resizing, h, w| Preprocess { resizing, crop: Crop::Center }.axes(h, w, 224);
        // 224 / 448 * 605 = 302.5: to the even number; cut off it is 302, too.
        assert_eq!(axes(Resizing::Comfy, 448, 605)[1], Axis { from: 605, to: 302, start: 39, seen: 224 });
        assert_eq!(axes(Resizing::Comfy, 448, 607)[1].to, 304);
        assert_eq!(axes(Resizing::Transformers, 448, 607)[1].to, 303);
    }
}
