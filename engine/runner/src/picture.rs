//! Pictures for clients: fetched by key, made smaller, encoded by whoever knows how.

use crate::error::RunnerError;
use crate::message::{FetchPicture, MAX_LINE, Picture};
use kiln_core::Engine;
use kiln_types::{Image, Key, Mask, Value};
use std::sync::Arc;

/// Writes pictures as PNG files. The engine knows no file formats, so the program brings this.
pub trait PictureEncoder: Send + Sync {
    /// The PNG file of one picture of a batch.
    ///
    /// # Errors
    /// In words, when it cannot be written.
    fn png(&self, image: &Image, frame: usize) -> Result<Vec<u8>, String>;
}

impl<F: Fn(&Image, usize) -> Result<Vec<u8>, String> + Send + Sync> PictureEncoder for F {
    fn png(&self, image: &Image, frame: usize) -> Result<Vec<u8>, String> {
        self(image, frame)
    }
}

/// Finds a picture and makes it ready to be sent.
pub(crate) fn fetch(
    engine: &Engine,
    encoder: &dyn PictureEncoder,
    want: &FetchPicture,
) -> Result<Picture, RunnerError> {
    let gone = || RunnerError::NoValue { key: want.key.chars().take(80).collect() };
    let key: Key = want.key.parse().map_err(|_| gone())?;
    // What waits for a decision is told by the key of the value itself.
    let whole = || if want.output == 0 { engine.kept(&key) } else { None };
    let value = engine.value(&key, want.output).or_else(whole).ok_or_else(gone)?;
    let ty = value.ty().to_string();
    let odd = || RunnerError::NoPicture { key: key.short(), ty: ty.clone() };
    let (image, frame, count) = find(&value, want.index).ok_or_else(odd)?;
    let full = (image.width(), image.height());
    let (image, frame) = match want.max_side.map(|m| m.max(1) as usize) {
        Some(most) if full.0.max(full.1) > most => {
            (Arc::new(smaller(&image, frame, most).ok_or_else(odd)?), 0)
        }
        _ => (image, frame),
    };
    let png = encoder.png(&image, frame).map_err(|what| RunnerError::Encode { what })?;
    if png.len().div_ceil(3) * 4 > MAX_LINE - 4096 {
        return Err(RunnerError::TooLarge { bytes: png.len() as u64 });
    }
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Picture {
        key: key.to_string(),
        width: side(image.width()),
        height: side(image.height()),
        full_width: side(full.0),
        full_height: side(full.1),
        count: side(count),
        png,
    })
}

/// The picture of a value, its place in a batch, and how many pictures there are.
fn find(value: &Value, index: usize) -> Option<(Arc<Image>, usize, usize)> {
    match value {
        Value::Image(image) => (index < image.batch()).then(|| (image.clone(), index, image.batch())),
        Value::Mask(mask) => {
            let image = (index < mask.batch()).then(|| grey(mask, index)).flatten()?;
            Some((Arc::new(image), 0, mask.batch()))
        }
        Value::List(items) => match items.get(index)? {
            Value::List(_) => None,
            one => find(one, 0).map(|(image, frame, _)| (image, frame, items.len())),
        },
        _ => None,
    }
}

fn grey(mask: &Mask, frame: usize) -> Option<Image> {
    let data = mask.frame(frame).iter().flat_map(|v| [*v; 3]).collect();
    Image::new(1, mask.height(), mask.width(), 3, data).ok()
}

fn smaller(image: &Image, frame: usize, most: usize) -> Option<Image> {
    let (width, height, data) = kiln_core::small(image, frame, most)?;
    Image::new(1, height, width, image.channels(), data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_picture_is_the_mean() {
        let image = Image::new(1, 2, 4, 3, (0..24).map(|i| i as f32 / 24.0).collect()).unwrap();
        let small = smaller(&image, 0, 2).unwrap();
        assert_eq!((small.width(), small.height()), (2, 1));
        let mean: f32 = [0, 3, 12, 15].iter().map(|i| *i as f32 / 24.0).sum::<f32>() / 4.0;
        assert!((small.data()[0] - mean).abs() < 1e-6);
        let flat = Image::new(1, 7, 5, 4, vec![0.25; 140]).unwrap();
        for most in 1..7 {
            let small = smaller(&flat, 0, most).unwrap();
            assert!(small.data().iter().all(|v| (v - 0.25).abs() < 1e-6), "{most}");
            assert_eq!(small.height(), most);
        }
    }

    #[test]
    fn invisible_colours_do_not_bleed() {
        let image = Image::new(1, 1, 2, 4, vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!(smaller(&image, 0, 1).unwrap().data(), &[1.0, 0.0, 0.0, 0.5]);
    }
}
