//! FreeU: more of the network's backbone, less of the slow waves of its skip connections, where the network is widest.
//!
//! Half of the backbone's channels are scaled by `b`, and the lowest frequencies of the skip connection by `s`. The
//! lowest frequencies are the 2 x 2 in the middle of the centred spectrum, that is the frequencies 0 and -1 in both
//! directions; that square is not symmetric, so of the filtered spectrum's picture the real part is taken. Only four
//! coefficients change, so no fast transform is needed: they are computed, scaled, and the difference is added.

use kiln_tensor::{Compute, Tensor, compute};

use crate::error::NetError;

/// Which of the paper's two forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FreeUVersion {
    /// The backbone is scaled by `b` everywhere.
    V1,
    /// The backbone is scaled by 1 to `b`, as its mean over the channels is low or high at that pixel.
    #[default]
    V2,
}

/// What is scaled, and by how much. 1 is no change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreeU {
    /// The form.
    pub version: FreeUVersion,
    /// Backbone, at four times the model's channels.
    pub b1: f32,
    /// Backbone, at twice.
    pub b2: f32,
    /// Skip connection, at four times.
    pub s1: f32,
    /// Skip connection, at twice.
    pub s2: f32,
}

impl FreeU {
    /// Changes backbone and skip connection before they are joined; both come back unchanged at other widths.
    pub fn apply(
        &self,
        h: Tensor<4>,
        skip: Tensor<4>,
        model_channels: usize,
        compute: &Compute,
    ) -> Result<(Tensor<4>, Tensor<4>), NetError> {
        let c = h.dims()[1];
        let (b, s) = if c == 4 * model_channels {
            (self.b1, self.s1)
        } else if c == 2 * model_channels {
            (self.b2, self.s2)
        } else {
            return Ok((h, skip));
        };
        let (h_dims, skip_dims) = (h.dims(), skip.dims());
        let mut h = compute::values(h)?;
        let mut skip = compute::values(skip)?;
        backbone(&mut h, h_dims, b, self.version);
        let [_, _, height, width] = skip_dims;
        let filter = LowFrequencies::new(height, width);
        for plane in skip.chunks_exact_mut(height * width) {
            filter.scale(plane, s);
        }
        Ok((compute.tensor(h, h_dims), compute.tensor(skip, skip_dims)))
    }
}

fn backbone(h: &mut [f32], [_, c, height, width]: [usize; 4], b: f32, version: FreeUVersion) {
    let pixels = height * width;
    for image in h.chunks_exact_mut(c * pixels) {
        let scales: Vec<f32> = match version {
            FreeUVersion::V1 => vec![b; pixels],
            FreeUVersion::V2 => {
                normal_mean(image, c, pixels).into_iter().map(|mean| (b - 1.0) * mean + 1.0).collect()
            }
        };
        for plane in image.chunks_exact_mut(pixels).take(c / 2) {
            for (value, scale) in plane.iter_mut().zip(&scales) {
                *value *= scale;
            }
        }
    }
}

/// The mean over the channels, brought to 0 to 1 over the picture; 0 where it is the same everywhere.
fn normal_mean(image: &[f32], c: usize, pixels: usize) -> Vec<f32> {
    let mut mean = vec![0.0_f64; pixels];
    for plane in image.chunks_exact(pixels) {
        for (sum, value) in mean.iter_mut().zip(plane) {
            *sum += f64::from(*value);
        }
    }
    let mean: Vec<f32> = mean.into_iter().map(|sum| (sum / c as f64) as f32).collect();
    let low = mean.iter().copied().fold(f32::INFINITY, f32::min);
    let high = mean.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    mean.into_iter().map(|m| if range > 0.0 { (m - low) / range } else { 0.0 }).collect()
}

/// The waves of the frequencies 0 and -1 in both directions.
struct LowFrequencies {
    /// Cosine and sine over the pixels.
    waves: Vec<(Vec<f64>, Vec<f64>)>,
}

impl LowFrequencies {
    fn new(height: usize, width: usize) -> Self {
        // A side of one pixel has the one frequency 0.
        let frequencies = |n: usize| if n > 1 { 0..2 } else { 0..1 };
        let mut waves = Vec::new();
        for fy in frequencies(height) {
            for fx in frequencies(width) {
                let (mut cosine, mut sine) = (Vec::new(), Vec::new());
                for y in 0..height {
                    for x in 0..width {
                        let turns = (fy * y) as f64 / height as f64 + (fx * x) as f64 / width as f64;
                        let (s, c) = libm::sincos(turns * std::f64::consts::TAU);
                        cosine.push(c);
                        sine.push(s);
                    }
                }
                waves.push((cosine, sine));
            }
        }
        Self { waves }
    }

    /// Scales them in this plane.
    fn scale(&self, plane: &mut [f32], s: f32) {
        let scale = (f64::from(s) - 1.0) / plane.len() as f64;
        let dot = |wave: &[f64]| plane.iter().zip(wave).map(|(&v, w)| f64::from(v) * w).sum::<f64>();
        let sums: Vec<(f64, f64)> = self.waves.iter().map(|(c, s)| (dot(c), dot(s))).collect();
        for (i, value) in plane.iter_mut().enumerate() {
            let wave: f64 = self.waves.iter().zip(&sums).map(|((c, s), (a, b))| a * c[i] + b * s[i]).sum();
            *value = (f64::from(*value) + scale * wave) as f32;
        }
    }
}
