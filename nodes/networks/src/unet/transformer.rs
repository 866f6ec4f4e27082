//! A transformer over a picture's pixels, which look at one another and at the text.

use kiln_tensor::layers::{GroupNorm, LayerNorm, Linear};
use kiln_tensor::ops::{self, Attend};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::blocks::{Step, group_norm};
use super::config::Config;
use super::hooks::{Hooks, Traced};
use crate::error::NetError;

/// Attention of rows over `context`, or over themselves.
#[derive(Debug)]
struct Attention {
    name: String,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    fn new(vars: &Vars, width: usize, context: usize, config: &Config) -> Result<Self, VarsError> {
        let q = Linear::new(&vars.at("to_q"))?;
        let inner = q.n();
        let heads = config.heads.of(inner).ok_or_else(|| {
            vars.odd(format!(
                "attention \"{}\" of width {inner} cannot be cut into heads as {:?} says: give this model its own number",
                vars.full("to_q"),
                config.heads
            ))
        })?;
        Ok(Self {
            name: vars.full(""),
            q: Linear::sized(&vars.at("to_q"), width, inner)?,
            k: Linear::sized(&vars.at("to_k"), context, inner)?,
            v: Linear::sized(&vars.at("to_v"), context, inner)?,
            out: Linear::sized(&vars.at("to_out.0"), inner, width)?,
            heads,
        })
    }

    /// `add` is added to what comes out.
    fn forward(&self, x: &Tensor<3>, context: &Tensor<3>, add: &Tensor<3>, hooks: &Hooks<'_>) -> Tensor<3> {
        let (q, k, v) = (self.q.forward(x), self.k.forward(context), self.v.forward(context));
        for (name, value) in [("to_q", &q), ("to_k", &k), ("to_v", &v)] {
            hooks.show(|| format!("{}{name}", self.name), Traced::Rows(value));
        }
        self.out.forward_then(&ops::attention(&q, &k, &v, Attend::heads(self.heads)), Act::None, Some(add))
    }
}

/// Self-attention, attention over the text, feed-forward; each added to what it was given.
#[derive(Debug)]
struct TransformerBlock {
    name: String,
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff_in: Linear,
    ff_out: Linear,
}

impl TransformerBlock {
    fn new(vars: &Vars, width: usize, config: &Config) -> Result<Self, VarsError> {
        let ff_out = Linear::new(&vars.at("ff.net.2"))?;
        let inner = ff_out.k();
        Ok(Self {
            name: vars.full(""),
            norm1: LayerNorm::new(&vars.at("norm1"), width, 1e-5)?,
            attn1: Attention::new(&vars.at("attn1"), width, width, config)?,
            norm2: LayerNorm::new(&vars.at("norm2"), width, 1e-5)?,
            attn2: Attention::new(&vars.at("attn2"), width, config.context_dim.unwrap_or(width), config)?,
            norm3: LayerNorm::new(&vars.at("norm3"), width, 1e-5)?,
            ff_in: Linear::sized(&vars.at("ff.net.0.proj"), width, 2 * inner)?,
            ff_out: Linear::sized(&vars.at("ff.net.2"), inner, width)?,
        })
    }

    fn forward(&self, x: &Tensor<3>, step: &Step<'_>) -> Tensor<3> {
        let show = |name: &str, x: &Tensor<3>| {
            step.hooks.show(|| format!("{}{name}", self.name), Traced::Rows(x));
        };
        let h = self.norm1.forward(x);
        show("norm1", &h);
        let x = self.attn1.forward(&h, &h, x, step.hooks);
        let h = self.norm2.forward(&x);
        show("norm2", &h);
        let x = self.attn2.forward(&h, step.context, &x, step.hooks);
        let h = self.norm3.forward(&x);
        show("norm3", &h);
        let h = self.ff_in.geglu(&h);
        show("ff.net.0", &h);
        self.ff_out.forward_then(&h, Act::None, Some(&x))
    }
}

/// Norm, pixels to rows, transformer blocks, rows to pixels, all added to the picture.
#[derive(Debug)]
pub(super) struct SpatialTransformer {
    name: String,
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<TransformerBlock>,
    proj_out: Linear,
}

impl SpatialTransformer {
    pub(super) fn new(vars: &Vars, c: usize, depth: usize, config: &Config) -> Result<Self, VarsError> {
        let proj_in = Linear::new(&vars.at("proj_in"))?;
        let inner = proj_in.n();
        Ok(Self {
            name: vars.full(""),
            norm: group_norm(&vars.at("norm"), c, config.groups, 1e-6)?,
            proj_in: Linear::sized(&vars.at("proj_in"), c, inner)?,
            blocks: (0..depth)
                .map(|i| TransformerBlock::new(&vars.at(format!("transformer_blocks.{i}")), inner, config))
                .collect::<Result<_, _>>()?,
            proj_out: Linear::sized(&vars.at("proj_out"), inner, c)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor<4>, step: &Step<'_>) -> Result<Tensor<4>, NetError> {
        let [_, _, height, width] = x.dims();
        let h = self.norm.forward(x, Act::None);
        step.hooks.show(|| format!("{}norm", self.name), Traced::Picture(&h));
        let mut rows = self.proj_in.from_picture(&h);
        drop(h);
        step.hooks.show(|| format!("{}proj_in", self.name), Traced::Rows(&rows));
        for (i, block) in self.blocks.iter().enumerate() {
            step.hooks.go_on()?;
            rows = block.forward(&rows, step);
            step.hooks.show(|| format!("{}transformer_blocks.{i}", self.name), Traced::Rows(&rows));
        }
        Ok(self.proj_out.to_picture(&rows, [height, width], Some(x)))
    }
}
