//! What an autoencoder's weights say about it.

use kiln_tensor::Vars;

use crate::error::NetError;

/// The configuration of an autoencoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Channels of a picture.
    pub image_channels: usize,
    /// Channels of a latent.
    pub latent_channels: usize,
    /// Channels between the two halves; the same as the latent's wherever `post_quant_conv` does not change them.
    pub z_channels: usize,
    /// Channels at each resolution, the full one first.
    pub channels: Vec<usize>,
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    pub res_blocks: usize,
    /// Groups of every group norm: 32, or the largest divisor of it that divides all channels.
    pub groups: usize,
}

impl Config {
    /// Reads it off the names and shapes at `vars`; either half will do.
    pub fn infer(vars: &Vars) -> Result<Self, NetError> {
        let (half, list, extra) = if vars.has_below("decoder") {
            ("decoder", "up", 1)
        } else if vars.has_below("encoder") {
            ("encoder", "down", 0)
        } else {
            return Err(vars
                .odd(format!(
                    "no autoencoder: there is neither \"{}\" nor \"{}\"",
                    vars.full("decoder.conv_in.weight"),
                    vars.full("encoder.conv_in.weight")
                ))
                .into());
        };
        let vars_of_half = vars.at(half);
        // (out, in) of a convolution.
        let sides = |name: &str| match *vars_of_half.any(name)?.shape() {
            [c_out, c_in, ..] => Ok((c_out, c_in)),
            ref other => Err(vars_of_half
                .odd(format!("\"{}\" is no convolution: its shape is {other:?}", vars_of_half.full(name)))),
        };
        let levels = vars_of_half.count(list);
        if levels == 0 || levels > 8 {
            return Err(vars
                .odd(format!("an autoencoder of {levels} resolutions: 1 to 8 are possible here"))
                .into());
        }
        let channels = (0..levels)
            .map(|level| Ok(sides(&format!("{list}.{level}.block.0.conv1.weight"))?.0))
            .collect::<Result<Vec<_>, NetError>>()?;
        let blocks = vars_of_half.count(&format!("{list}.0.block"));
        let (first, last) = (sides("conv_in.weight")?, sides("conv_out.weight")?);
        let (image_channels, z_channels) =
            if half == "decoder" { (last.0, first.1) } else { (first.1, last.0 / 2) };
        let latent_channels = vars.shape("post_quant_conv.weight").and_then(|s| s.get(1).copied());
        let quant = vars.shape("quant_conv.weight").and_then(|s| s.first().map(|n| n / 2));
        if channels.contains(&0) || image_channels * z_channels == 0 {
            let what = format!("an autoencoder of {channels:?} channels, {z_channels} between its halves");
            return Err(vars.odd(what).into());
        }
        let groups = channels.iter().fold(32, |a, b| gcd(a, *b)).max(1);
        Ok(Self {
            image_channels,
            latent_channels: latent_channels.or(quant).unwrap_or(z_channels),
            z_channels,
            channels,
            res_blocks: blocks.saturating_sub(extra),
            groups,
        })
    }

    /// How many pixels a latent's pixel stands for, along each side.
    #[must_use]
    pub fn factor(&self) -> usize {
        1 << self.channels.len().saturating_sub(1)
    }

    /// Channels of the lowest resolution.
    pub(super) fn deepest(&self) -> usize {
        self.channels.last().copied().unwrap_or(0)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
