//! The denoising network's names: original and diffusers, both ways.
//!
//! The original counts its blocks through (`input_blocks.4.1`), diffusers by level (`down_blocks.1.attentions.0`). Which
//! number is which block depends on how many there are of each, so the places are worked out from the names themselves:
//! any number of levels, blocks and transformer depths.

use std::collections::BTreeMap;

use super::{NameSet, renamed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Res,
    /// Attention and resampling blocks are called the same inside.
    Same,
}

/// Names outside the blocks: original, diffusers.
const OUTSIDE: [(&str, &str); 9] = [
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("label_emb.0.0", "add_embedding.linear_1"),
    ("label_emb.0.2", "add_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
    // Some relatives of SD2 keep their vector here; only ever read.
    ("label_emb.0.0", "class_embedding.linear_1"),
    ("label_emb.0.2", "class_embedding.linear_2"),
];

/// Names inside a residual block: original, diffusers.
const RES: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// Which block stands where, under both names.
#[derive(Debug, Default)]
pub struct UnetNames {
    to_diffusers: BTreeMap<String, (String, Block)>,
    to_original: BTreeMap<String, (String, Block)>,
}

impl UnetNames {
    /// From the names of a network in the original layout (below `model.diffusion_model.`).
    #[must_use]
    pub fn of_original<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = NameSet::new(names);
        let mut all = Self::default();
        let (mut level, mut i) = (0, 0);
        for n in 1_usize.. {
            let at = format!("input_blocks.{n}");
            if names.any(&format!("{at}.0.op.")) {
                all.add(
                    format!("{at}.0.op"),
                    format!("down_blocks.{level}.downsamplers.0.conv"),
                    Block::Same,
                );
                (level, i) = (level + 1, 0);
            } else if names.any(&format!("{at}.0.")) {
                all.add(format!("{at}.0"), format!("down_blocks.{level}.resnets.{i}"), Block::Res);
                if names.any(&format!("{at}.1.")) {
                    all.add(format!("{at}.1"), format!("down_blocks.{level}.attentions.{i}"), Block::Same);
                }
                i += 1;
            } else {
                break;
            }
        }
        let (mut res, mut attention) = (0, 0);
        for j in 0_usize.. {
            let at = format!("middle_block.{j}");
            if names.any(&format!("{at}.in_layers.")) {
                all.add(at, format!("mid_block.resnets.{res}"), Block::Res);
                res += 1;
            } else if names.any(&format!("{at}.")) {
                all.add(at, format!("mid_block.attentions.{attention}"), Block::Same);
                attention += 1;
            } else {
                break;
            }
        }
        (level, i) = (0, 0);
        for n in 0_usize.. {
            let at = format!("output_blocks.{n}");
            if !names.any(&format!("{at}.0.")) {
                break;
            }
            all.add(format!("{at}.0"), format!("up_blocks.{level}.resnets.{i}"), Block::Res);
            let mut last = false;
            for j in 1..=2 {
                if names.any(&format!("{at}.{j}.conv.")) {
                    let theirs = format!("up_blocks.{level}.upsamplers.0.conv");
                    all.add(format!("{at}.{j}.conv"), theirs, Block::Same);
                    last = true;
                } else if names.any(&format!("{at}.{j}.")) {
                    all.add(format!("{at}.{j}"), format!("up_blocks.{level}.attentions.{i}"), Block::Same);
                }
            }
            (level, i) = if last { (level + 1, 0) } else { (level, i + 1) };
        }
        all
    }

    /// From the names of a network as diffusers saves it.
    #[must_use]
    pub fn of_diffusers<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = NameSet::new(names);
        let mut all = Self::default();
        let mut n = 1_usize;
        for level in 0_usize.. {
            let at = format!("down_blocks.{level}");
            if !names.any(&format!("{at}.")) {
                break;
            }
            for i in 0_usize.. {
                let res = format!("{at}.resnets.{i}");
                if !names.any(&format!("{res}.")) {
                    break;
                }
                all.add(format!("input_blocks.{n}.0"), res, Block::Res);
                let attention = format!("{at}.attentions.{i}");
                if names.any(&format!("{attention}.")) {
                    all.add(format!("input_blocks.{n}.1"), attention, Block::Same);
                }
                n += 1;
            }
            let down = format!("{at}.downsamplers.0.conv");
            if names.any(&format!("{down}.")) {
                all.add(format!("input_blocks.{n}.0.op"), down, Block::Same);
                n += 1;
            }
        }
        let mut j = 0_usize;
        for i in 0_usize.. {
            let res = format!("mid_block.resnets.{i}");
            if !names.any(&format!("{res}.")) {
                break;
            }
            all.add(format!("middle_block.{j}"), res, Block::Res);
            j += 1;
            let attention = format!("mid_block.attentions.{i}");
            if names.any(&format!("{attention}.")) {
                all.add(format!("middle_block.{j}"), attention, Block::Same);
                j += 1;
            }
        }
        n = 0;
        for level in 0_usize.. {
            let at = format!("up_blocks.{level}");
            if !names.any(&format!("{at}.")) {
                break;
            }
            let up = format!("{at}.upsamplers.0.conv");
            for i in 0_usize.. {
                let res = format!("{at}.resnets.{i}");
                if !names.any(&format!("{res}.")) {
                    break;
                }
                all.add(format!("output_blocks.{n}.0"), res, Block::Res);
                let attention = format!("{at}.attentions.{i}");
                let has_attention = names.any(&format!("{attention}."));
                if has_attention {
                    all.add(format!("output_blocks.{n}.1"), attention, Block::Same);
                }
                let last = !names.any(&format!("{at}.resnets.{}.", i + 1));
                if last && names.any(&format!("{up}.")) {
                    let slot = if has_attention { 2 } else { 1 };
                    all.add(format!("output_blocks.{n}.{slot}.conv"), up.clone(), Block::Same);
                }
                n += 1;
            }
        }
        all
    }

    fn add(&mut self, original: String, diffusers: String, block: Block) {
        self.to_original.insert(diffusers.clone(), (original.clone(), block));
        self.to_diffusers.insert(original, (diffusers, block));
    }

    /// A weight's original name.
    #[must_use]
    pub fn original(&self, diffusers: &str) -> Option<String> {
        across(diffusers, &self.to_original, || RES.iter().map(|&(o, d)| (d, o)))
            .or_else(|| renamed(diffusers, OUTSIDE.iter().map(|&(o, d)| (d, o))))
    }

    /// A weight's name in diffusers.
    #[must_use]
    pub fn diffusers(&self, original: &str) -> Option<String> {
        across(original, &self.to_diffusers, || RES.iter().copied())
            .or_else(|| renamed(original, OUTSIDE.iter().copied()))
    }
}

fn across<'p, I: Iterator<Item = (&'p str, &'p str)>>(
    name: &str,
    places: &BTreeMap<String, (String, Block)>,
    res: impl Fn() -> I,
) -> Option<String> {
    // The longest place first: `input_blocks.3.0.op` before `input_blocks.3.0`.
    name.rmatch_indices('.').find_map(|(dot, _)| {
        let (place, block) = places.get(&name[..dot])?;
        let inside = &name[dot + 1..];
        match block {
            Block::Same => Some(format!("{place}.{inside}")),
            Block::Res => renamed(inside, res()).map(|inside| format!("{place}.{inside}")),
        }
    })
}
