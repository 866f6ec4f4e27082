//! The weights of an autoencoder: four sizes of `channels` channels, so that a latent pixel is 8 pixels wide.

use crate::{Named, layer};

/// Every weight below `first_stage_model.`, for latents of so many channels.
#[must_use]
pub fn weights(channels: usize, latent: usize) -> Vec<Named> {
    let c = channels;
    let mut all = Vec::new();
    let block = |all: &mut Vec<Named>, name: String| {
        for i in ["1", "2"] {
            layer(all, &format!("{name}.norm{i}"), &[c]);
            layer(all, &format!("{name}.conv{i}"), &[c, c, 3, 3]);
        }
    };
    for (half, list, blocks) in [("encoder", "down", 1), ("decoder", "up", 2)] {
        let (first, last) = if half == "encoder" { (3, 2 * latent) } else { (latent, 3) };
        layer(&mut all, &format!("{half}.conv_in"), &[c, first, 3, 3]);
        for level in 0..4 {
            for i in 0..blocks {
                block(&mut all, format!("{half}.{list}.{level}.block.{i}"));
            }
            if half == "encoder" && level < 3 {
                layer(&mut all, &format!("encoder.down.{level}.downsample.conv"), &[c, c, 3, 3]);
            }
            if half == "decoder" && level > 0 {
                layer(&mut all, &format!("decoder.up.{level}.upsample.conv"), &[c, c, 3, 3]);
            }
        }
        block(&mut all, format!("{half}.mid.block_1"));
        block(&mut all, format!("{half}.mid.block_2"));
        layer(&mut all, &format!("{half}.mid.attn_1.norm"), &[c]);
        for part in ["q", "k", "v", "proj_out"] {
            layer(&mut all, &format!("{half}.mid.attn_1.{part}"), &[c, c, 1, 1]);
        }
        layer(&mut all, &format!("{half}.norm_out"), &[c]);
        layer(&mut all, &format!("{half}.conv_out"), &[last, c, 3, 3]);
    }
    layer(&mut all, "quant_conv", &[2 * latent, 2 * latent, 1, 1]);
    layer(&mut all, "post_quant_conv", &[latent, latent, 1, 1]);
    all
}
