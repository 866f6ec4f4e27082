//! What a picture looks like while it is drawn.

use crate::runtime::{BuiltUnet, Runtime};
use kiln_networks::latent_rgb::LatentRgb;
use kiln_types::Image;
use std::sync::Arc;

/// Makes small pictures of latents on the way.
pub struct Previews {
    map: LatentRgb,
}

impl Previews {
    /// For this model's latents.
    #[must_use]
    pub fn new(_runtime: &Runtime, unet: &BuiltUnet) -> Self {
        let map = match unet.kind {
            kiln_layout::Family::Sd1 | kiln_layout::Family::Sd2 => LatentRgb::stable_diffusion(),
            _ => LatentRgb::sdxl(),
        };
        Self { map }
    }

    /// The first picture of a batch, an eighth as large; nothing when it cannot be made.
    pub fn picture(&mut self, scaled: &[f32], shape: [usize; 4]) -> Option<Arc<Image>> {
        let [_, channels, height, width] = shape;
        let plane = height * width;
        let first = scaled.get(..channels * plane)?;
        let mut rgb = Vec::with_capacity(plane * 3);
        for at in 0..plane {
            for c in 0..3 {
                let sum: f32 = self
                    .map
                    .factors
                    .iter()
                    .enumerate()
                    .filter(|(k, _)| *k < channels)
                    .map(|(k, f)| first[k * plane + at] * f[c])
                    .sum();
                rgb.push(((sum + self.map.bias[c]) * 0.5 + 0.5).clamp(0.0, 1.0));
            }
        }
        Image::new(1, height, width, 3, rgb).ok().map(Arc::new)
    }
}
