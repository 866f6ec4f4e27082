//! The weights of a denoising network.

use crate::{Named, layer};

/// What a network is like.
#[derive(Clone, Debug)]
pub struct Unet {
    /// Channels of what goes in: 4, or 9 for inpainting.
    pub inputs: usize,
    /// Channels at each size, the largest pictures first, each with how deep its transformers are.
    pub levels: Vec<(usize, usize)>,
    /// How wide a word is.
    pub context: usize,
    /// Do transformers begin and end with a linear layer?
    pub linear: bool,
    /// Width of the vector beside the text.
    pub vector: Option<usize>,
}

/// One residual block and transformer a level, as in [`Unet::weights`].
pub struct Place {
    /// The block's name in checkpoints, such as `input_blocks.1`.
    pub block: String,
    /// Its attention's name in diffusers, such as `down_blocks.0.attentions.0`.
    pub diffusers: String,
    /// Channels in it.
    pub channels: usize,
    /// How deep its transformer is.
    pub depth: usize,
}

impl Unet {
    /// Every weight below `model.diffusion_model.`; one residual block a level on the way down, two on the way up.
    #[must_use]
    pub fn weights(&self) -> Vec<Named> {
        let first = self.levels[0].0;
        let time = 4 * first;
        let mut all = Vec::new();
        layer(&mut all, "time_embed.0", &[time, first]);
        layer(&mut all, "time_embed.2", &[time, time]);
        if let Some(vector) = self.vector {
            layer(&mut all, "label_emb.0.0", &[time, vector]);
            layer(&mut all, "label_emb.0.2", &[time, time]);
        }
        layer(&mut all, "input_blocks.0.0", &[first, self.inputs, 3, 3]);
        let mut skips = vec![first];
        let (mut n, mut now) = (1, first);
        for (level, &(channels, depth)) in self.levels.iter().enumerate() {
            residual(&mut all, &format!("input_blocks.{n}.0"), now, channels, time);
            self.transformer(&mut all, &format!("input_blocks.{n}.1"), channels, depth);
            now = channels;
            skips.push(now);
            n += 1;
            if level + 1 < self.levels.len() {
                layer(&mut all, &format!("input_blocks.{n}.0.op"), &[now, now, 3, 3]);
                skips.push(now);
                n += 1;
            }
        }
        residual(&mut all, "middle_block.0", now, now, time);
        self.transformer(&mut all, "middle_block.1", now, self.middle());
        residual(&mut all, "middle_block.2", now, now, time);
        let mut n = 0;
        for (level, &(channels, depth)) in self.levels.iter().enumerate().rev() {
            for block in 0..2 {
                let skip = skips.pop().unwrap_or(first);
                residual(&mut all, &format!("output_blocks.{n}.0"), now + skip, channels, time);
                self.transformer(&mut all, &format!("output_blocks.{n}.1"), channels, depth);
                now = channels;
                if block == 1 && level > 0 {
                    let at = if depth > 0 { 2 } else { 1 };
                    layer(&mut all, &format!("output_blocks.{n}.{at}.conv"), &[now, now, 3, 3]);
                }
                n += 1;
            }
        }
        layer(&mut all, "out.0", &[now]);
        layer(&mut all, "out.2", &[4, now, 3, 3]);
        all
    }

    fn middle(&self) -> usize {
        self.levels.last().map_or(1, |l| l.1.max(1))
    }

    /// The last block on the way up, which sees the first skip.
    #[must_use]
    pub fn last(&self) -> String {
        format!("output_blocks.{}.", self.levels.len() * 2 - 1)
    }

    fn transformer(&self, all: &mut Vec<Named>, name: &str, c: usize, depth: usize) {
        if depth == 0 {
            return;
        }
        let ends: &[usize] = if self.linear { &[c, c] } else { &[c, c, 1, 1] };
        layer(all, &format!("{name}.norm"), &[c]);
        layer(all, &format!("{name}.proj_in"), ends);
        layer(all, &format!("{name}.proj_out"), ends);
        for i in 0..depth {
            let block = format!("{name}.transformer_blocks.{i}");
            for (attention, sees) in [("attn1", c), ("attn2", self.context)] {
                all.push((format!("{block}.{attention}.to_q.weight"), vec![c, c]));
                all.push((format!("{block}.{attention}.to_k.weight"), vec![c, sees]));
                all.push((format!("{block}.{attention}.to_v.weight"), vec![c, sees]));
                layer(all, &format!("{block}.{attention}.to_out.0"), &[c, c]);
            }
            layer(all, &format!("{block}.ff.net.0.proj"), &[8 * c, c]);
            layer(all, &format!("{block}.ff.net.2"), &[c, 4 * c]);
            for norm in ["norm1", "norm2", "norm3"] {
                layer(all, &format!("{block}.{norm}"), &[c]);
            }
        }
    }

    /// Where transformers are.
    #[must_use]
    pub fn transformers(&self) -> Vec<Place> {
        let mut all = Vec::new();
        let top = self.levels.len() - 1;
        for (level, &(channels, depth)) in self.levels.iter().enumerate() {
            let place = |block: String, diffusers: String| Place { block, diffusers, channels, depth };
            all.push(place(
                format!("input_blocks.{}.1", 1 + 2 * level),
                format!("down_blocks.{level}.attentions.0"),
            ));
            for i in 0..2 {
                let up = top - level;
                all.push(place(
                    format!("output_blocks.{}.1", 2 * up + i),
                    format!("up_blocks.{up}.attentions.{i}"),
                ));
            }
        }
        all.push(Place {
            block: "middle_block.1".to_owned(),
            diffusers: "mid_block.attentions.0".to_owned(),
            channels: self.levels[top].0,
            depth: self.middle(),
        });
        all.retain(|p| p.depth > 0);
        all
    }
}

fn residual(all: &mut Vec<Named>, name: &str, from: usize, to: usize, time: usize) {
    layer(all, &format!("{name}.in_layers.0"), &[from]);
    layer(all, &format!("{name}.in_layers.2"), &[to, from, 3, 3]);
    layer(all, &format!("{name}.emb_layers.1"), &[to, time]);
    layer(all, &format!("{name}.out_layers.0"), &[to]);
    layer(all, &format!("{name}.out_layers.3"), &[to, to, 3, 3]);
    if from != to {
        layer(all, &format!("{name}.skip_connection"), &[to, from, 1, 1]);
    }
}
