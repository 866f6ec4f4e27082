//! Pictures and masks: batches of f32 samples, sRGB-coded, straight alpha.

use std::fmt;

/// Why some numbers do not make a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureError {
    /// The number of samples is not batch x height x width x channels.
    Length {
        /// What the sizes ask for.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// A side, the batch or the channels are not allowed.
    Shape(String),
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, got } => write!(f, "{got} samples given where {expected} are needed"),
            Self::Shape(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for PictureError {}

/// No side of a picture is longer than this.
const MAX_SIDE: usize = 1 << 16;
/// No batch of pictures holds more samples than this (2 GiB of f32).
const MAX_SAMPLES: usize = 1 << 29;

fn checked_len(n: usize, h: usize, w: usize, c: usize) -> Result<usize, PictureError> {
    if n == 0 || h == 0 || w == 0 {
        return Err(PictureError::Shape(format!(
            "a picture of {n} x {h} x {w} (batch, height, width) is empty"
        )));
    }
    if h > MAX_SIDE || w > MAX_SIDE {
        return Err(PictureError::Shape(format!("{w}x{h} pixels: no side may be longer than {MAX_SIDE}")));
    }
    [h, w, c]
        .iter()
        .try_fold(n, |a, b| a.checked_mul(*b))
        .filter(|len| *len <= MAX_SAMPLES)
        .ok_or_else(|| PictureError::Shape(format!("a batch of {n} pictures of {w}x{h} is too large")))
}

/// A batch of pictures of one size: f32, `batch x height x width x channels`, sRGB-coded 0..1,
/// 3 channels or 4 with straight alpha last.
#[derive(Clone, PartialEq)]
pub struct Image {
    batch: usize,
    height: usize,
    width: usize,
    channels: usize,
    data: Vec<f32>,
}

impl Image {
    /// A batch from its samples, in row order, channels last.
    ///
    /// # Errors
    /// When a size is zero or too large, the channels are not 3 or 4, or the samples' number is wrong.
    pub fn new(
        batch: usize,
        height: usize,
        width: usize,
        channels: usize,
        data: Vec<f32>,
    ) -> Result<Self, PictureError> {
        if channels != 3 && channels != 4 {
            return Err(PictureError::Shape(format!(
                "{channels} channels: a picture has 3, or 4 with alpha"
            )));
        }
        let expected = checked_len(batch, height, width, channels)?;
        if data.len() != expected {
            return Err(PictureError::Length { expected, got: data.len() });
        }
        Ok(Self { batch, height, width, channels, data })
    }

    /// A batch whose every sample is zero.
    ///
    /// # Errors
    /// As [`Image::new`].
    pub fn zeros(batch: usize, height: usize, width: usize, channels: usize) -> Result<Self, PictureError> {
        Self::new(batch, height, width, channels, vec![0.0; checked_len(batch, height, width, channels)?])
    }

    /// Pictures in the batch.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }
    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }
    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
    /// 3, or 4 with straight alpha.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }
    /// Whether the fourth channel is there.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.channels == 4
    }
    /// All samples.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }
    /// All samples, to change.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }
    /// All samples, taken out.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
    /// Samples in one picture of the batch.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.height * self.width * self.channels
    }
    /// The samples of picture `index` of the batch; empty past the end.
    #[must_use]
    pub fn frame(&self, index: usize) -> &[f32] {
        let len = self.frame_len();
        self.data.get(index * len..(index + 1) * len).unwrap_or(&[])
    }
    /// The pictures of the batch, one after the other.
    pub fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.frame_len())
    }
    /// One pixel: its channels.
    #[must_use]
    pub fn pixel(&self, index: usize, y: usize, x: usize) -> &[f32] {
        let at = ((index * self.height + y) * self.width + x) * self.channels;
        &self.data[at..at + self.channels]
    }
    /// Bytes of memory the samples take.
    #[must_use]
    pub fn byte_size(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}x {}x{}, {} channels)", self.batch, self.width, self.height, self.channels)
    }
}

/// A batch of masks of one size: f32 0..1, 1 = selected.
#[derive(Clone, PartialEq)]
pub struct Mask {
    batch: usize,
    height: usize,
    width: usize,
    data: Vec<f32>,
}

impl Mask {
    /// A batch from its samples, in row order.
    ///
    /// # Errors
    /// When a size is zero or too large, or the samples' number is wrong.
    pub fn new(batch: usize, height: usize, width: usize, data: Vec<f32>) -> Result<Self, PictureError> {
        let expected = checked_len(batch, height, width, 1)?;
        if data.len() != expected {
            return Err(PictureError::Length { expected, got: data.len() });
        }
        Ok(Self { batch, height, width, data })
    }

    /// A batch with one value everywhere.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub fn filled(batch: usize, height: usize, width: usize, value: f32) -> Result<Self, PictureError> {
        Self::new(batch, height, width, vec![value; checked_len(batch, height, width, 1)?])
    }

    /// Masks in the batch.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }
    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }
    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
    /// All samples.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }
    /// All samples, to change.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }
    /// All samples, taken out.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
    /// Samples in one mask of the batch.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        self.height * self.width
    }
    /// The samples of mask `index` of the batch; empty past the end.
    #[must_use]
    pub fn frame(&self, index: usize) -> &[f32] {
        let len = self.frame_len();
        self.data.get(index * len..(index + 1) * len).unwrap_or(&[])
    }
    /// Bytes of memory the samples take.
    #[must_use]
    pub fn byte_size(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({}x {}x{})", self.batch, self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked_before_memory_is_taken() {
        assert!(Image::zeros(1, 0, 4, 3).is_err());
        assert!(Image::zeros(1, 4, 4, 2).is_err());
        assert!(Image::zeros(usize::MAX, 4, 4, 3).is_err());
        assert!(Image::zeros(1, 1 << 17, 4, 3).is_err());
        assert!(Mask::filled(1 << 20, 1 << 10, 1 << 10, 0.0).is_err());
        assert_eq!(Image::new(1, 1, 1, 3, vec![]), Err(PictureError::Length { expected: 3, got: 0 }));
    }
}
