//! The cheapest preview: a latent's channels, pixel by pixel, through a linear map to red, green and blue.
//!
//! Latents of these autoencoders are nearly pictures, an eighth as large: a linear map fitted by least squares from
//! latents to the small pictures they decode to gives recognisable colours.

use kiln_tensor::{Compute, Tensor, compute};

use crate::error::NetError;

/// A fitted linear map.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentRgb {
    /// For each latent channel, what it adds to red, green and blue, on a scale of -1 to 1.
    pub factors: Vec<[f32; 3]>,
    /// What is added to all.
    pub bias: [f32; 3],
}

impl LatentRgb {
    /// For latents of Stable Diffusion 1.x and 2.x as the UNet sees them: a linear map that users fitted and published.
    #[must_use]
    pub fn stable_diffusion() -> Self {
        Self {
            factors: vec![
                [0.3444, 0.1385, 0.0670],
                [0.1247, 0.4027, 0.1494],
                [-0.3192, 0.2513, 0.2103],
                [-0.1307, -0.1874, -0.7445],
            ],
            bias: [0.0; 3],
        }
    }

    /// For latents of SDXL as the UNet sees them: a linear map that users fitted and published.
    #[must_use]
    pub fn sdxl() -> Self {
        Self {
            factors: vec![
                [0.3816, 0.4930, 0.5320],
                [-0.3753, 0.1631, 0.1739],
                [0.1770, 0.3588, -0.2048],
                [-0.4350, -0.2644, -0.4289],
            ],
            bias: [0.0; 3],
        }
    }

    /// From (images, channels, height, width) to (images, 3, height, width), 0 to 1.
    pub fn picture(&self, latent: &Tensor<4>, compute: &Compute) -> Result<Tensor<4>, NetError> {
        let [n, c, h, w] = latent.dims();
        if c != self.factors.len() {
            return Err(NetError::Shape {
                what: "the latent of a preview".to_owned(),
                expected: format!("(images, {}, height, width)", self.factors.len()),
                found: latent.dims().to_vec(),
            });
        }
        let pixels = h * w;
        let latent = compute::values(latent.clone())?;
        let mut out = Vec::with_capacity(n * 3 * pixels);
        for image in 0..n {
            for (colour, bias) in self.bias.iter().enumerate() {
                for pixel in 0..pixels {
                    let mut sum = *bias;
                    for (channel, factor) in self.factors.iter().enumerate() {
                        sum += latent[(image * c + channel) * pixels + pixel] * factor[colour];
                    }
                    out.push(((sum + 1.0) / 2.0).clamp(0.0, 1.0));
                }
            }
        }
        Ok(compute.tensor(out, [n, 3, h, w]))
    }
}
