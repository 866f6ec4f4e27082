//! The VAE's names: from diffusers to the original.

use super::{NameSet, renamed};

const OUTSIDE: [(&str, &str); 2] = [("quant_conv", "quant_conv"), ("post_quant_conv", "post_quant_conv")];

const HALF: [(&str, &str); 3] =
    [("conv_in", "conv_in"), ("conv_norm_out", "norm_out"), ("conv_out", "conv_out")];

const RES: [(&str, &str); 5] = [
    ("norm1", "norm1"),
    ("conv1", "conv1"),
    ("norm2", "norm2"),
    ("conv2", "conv2"),
    ("conv_shortcut", "nin_shortcut"),
];

/// diffusers named these twice.
const ATTENTION: [(&str, &str); 9] = [
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
    ("query", "q"),
    ("key", "k"),
    ("value", "v"),
    ("proj_attn", "proj_out"),
];

/// Turns diffusers' names of one VAE into original ones.
#[derive(Debug)]
pub struct VaeNames {
    /// diffusers counts the decoder's levels from the small pictures, the original from the large ones.
    decoder_levels: usize,
}

impl VaeNames {
    /// From the names of a VAE as diffusers saves it.
    #[must_use]
    pub fn of_diffusers<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = NameSet::new(names);
        let decoder_levels =
            (0_usize..).take_while(|level| names.any(&format!("decoder.up_blocks.{level}."))).count();
        Self { decoder_levels }
    }

    /// A weight's original name.
    #[must_use]
    pub fn original(&self, diffusers: &str) -> Option<String> {
        if let Some(name) = renamed(diffusers, OUTSIDE.iter().copied()) {
            return Some(name);
        }
        let (half, rest) = diffusers.split_once('.')?;
        if !matches!(half, "encoder" | "decoder") {
            return None;
        }
        let inside = self.inside(half, rest)?;
        Some(format!("{half}.{inside}"))
    }

    fn inside(&self, half: &str, rest: &str) -> Option<String> {
        if let Some(name) = renamed(rest, HALF.iter().copied()) {
            return Some(name);
        }
        let parts: Vec<&str> = rest.splitn(4, '.').collect();
        if let Some(in_mid) = rest.strip_prefix("mid_block.") {
            let (place, leaf) = match in_mid.splitn(3, '.').collect::<Vec<_>>().as_slice() {
                ["resnets", i, leaf] => {
                    (format!("mid.block_{}", number(i)?.checked_add(1)?), renamed(leaf, RES.iter().copied())?)
                }
                ["attentions", i, leaf] => (
                    format!("mid.attn_{}", number(i)?.checked_add(1)?),
                    renamed(leaf, ATTENTION.iter().copied())?,
                ),
                _ => return None,
            };
            return Some(format!("{place}.{leaf}"));
        }
        let [blocks, level, kind, inner] = parts.as_slice() else { return None };
        let level = number(level)?;
        let place = match (*blocks, half) {
            ("down_blocks", "encoder") => format!("down.{level}"),
            ("up_blocks", "decoder") => format!("up.{}", self.decoder_levels.checked_sub(level + 1)?),
            _ => return None,
        };
        let (i, leaf) = inner.split_once('.')?;
        let i = number(i)?;
        match *kind {
            "resnets" => Some(format!("{place}.block.{i}.{}", renamed(leaf, RES.iter().copied())?)),
            "attentions" => Some(format!("{place}.attn.{i}.{}", renamed(leaf, ATTENTION.iter().copied())?)),
            "downsamplers" if i == 0 => Some(format!("{place}.downsample.{leaf}")),
            "upsamplers" if i == 0 => Some(format!("{place}.upsample.{leaf}")),
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<usize> {
    // `+1` and `01` would be other names for the same block.
    text.parse().ok().filter(|n: &usize| n.to_string() == text && *n < 1000)
}
