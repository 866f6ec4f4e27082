//! What can be done to latents: scaled, laid over one another, mixed, cut, counted, kept in files.
//!
//! Plain functions from latents to latents, so that they can be tried without a graph. Where ComfyUI has the
//! operation, the numbers are its numbers.

pub mod arrange;
pub mod batch;
mod bislerp;
pub mod composite;
pub mod file;
pub mod mix;
pub mod resize;

use crate::values::Latent;
use kiln_core::NodeError;
use kiln_pixels::PixelError;
use kiln_types::Mask;

/// Every picture of a latent changed by an operation on masks, a mask for each channel; the noise mask stays as it is.
fn planes(latent: &Latent, work: impl Fn(&Mask) -> Result<Mask, PixelError>) -> Result<Latent, NodeError> {
    let [batch, channels, height, width] = latent.shape;
    let (mut samples, mut size) = (Vec::new(), [height, width]);
    for index in 0..batch {
        let picture = Mask::new(channels, height, width, latent.picture(index).to_vec())?;
        let made = work(&picture).map_err(NodeError::new)?;
        size = [made.height(), made.width()];
        if samples.is_empty() {
            // Refused before memory is asked for.
            samples = Latent::zeros([batch, channels, size[0], size[1]])?.samples;
            samples.clear();
        }
        samples.extend_from_slice(made.data());
    }
    latent.with([batch, channels, size[0], size[1]], samples)
}
