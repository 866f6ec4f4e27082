//! The layer CLIP's towers are stacked of: text encoders see what came before, image towers see everything.

use kiln_tensor::layers::{LayerNorm, Linear};
use kiln_tensor::ops::{Attend, attention};
use kiln_tensor::{Act, Tensor, Vars};

use crate::error::NetError;

/// The summand under every root of CLIP's norms.
pub const EPS: f32 = 1e-5;

/// Whose names the weights have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `layers.0.self_attn.q_proj …`
    HuggingFace,
    /// `resblocks.0.attn.in_proj_weight …`
    OpenClip,
}

/// How wide a layer is, and how it attends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockShape {
    /// Whose names the weights have.
    pub naming: Naming,
    /// The width of a token's vector.
    pub width: usize,
    /// The width inside the feed-forward part.
    pub intermediate: usize,
    /// Attention heads; they divide the width.
    pub heads: usize,
    /// The activation.
    pub activation: Act,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
}

/// The matrices in front of an attention.
#[derive(Clone, Debug)]
enum Project {
    /// One each, for q, k and v.
    Split(Box<[Linear; 3]>),
    /// One with the rows of q, k and v below each other.
    Joined(Linear),
}

impl Project {
    fn forward(&self, x: &Tensor<3>) -> [Tensor<3>; 3] {
        match self {
            Self::Split(layers) => layers.each_ref().map(|layer| layer.forward(x)),
            Self::Joined(qkv) => {
                let all = qkv.forward(x);
                let width = all.dims()[2] / 3;
                [0, 1, 2].map(|part| all.clone().narrow(2, part * width, width))
            }
        }
    }
}

/// Attention and feed-forward, each with a norm before and a sum after it.
#[derive(Clone, Debug)]
pub struct Block {
    norm1: LayerNorm,
    project: Project,
    out: Linear,
    norm2: LayerNorm,
    widen: Linear,
    narrow: Linear,
    shape: BlockShape,
}

impl Block {
    /// The layer whose weights begin at `vars`.
    ///
    /// # Errors
    /// When one lacks or has another shape.
    pub fn new(vars: &Vars, shape: &BlockShape) -> Result<Self, NetError> {
        let BlockShape { width, intermediate: inner, heads, .. } = *shape;
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(vars.odd(format!("a width of {width} cannot be cut into {heads} heads")).into());
        }
        let linear = |name: &str, k, n| Linear::sized(&vars.at(name), k, n);
        let norm = |name: &str| LayerNorm::new(&vars.at(name), width, EPS);
        Ok(match shape.naming {
            Naming::HuggingFace => Self {
                norm1: norm("layer_norm1")?,
                project: Project::Split(Box::new([
                    linear("self_attn.q_proj", width, width)?,
                    linear("self_attn.k_proj", width, width)?,
                    linear("self_attn.v_proj", width, width)?,
                ])),
                out: linear("self_attn.out_proj", width, width)?,
                norm2: norm("layer_norm2")?,
                widen: linear("mlp.fc1", width, inner)?,
                narrow: linear("mlp.fc2", inner, width)?,
                shape: *shape,
            },
            Naming::OpenClip => Self {
                norm1: norm("ln_1")?,
                project: Project::Joined(Linear::of(
                    vars.get("attn.in_proj_weight", &[3 * width, width])?,
                    Some(vars.get("attn.in_proj_bias", &[3 * width])?),
                    vars.compute(),
                )),
                out: linear("attn.out_proj", width, width)?,
                norm2: norm("ln_2")?,
                widen: linear("mlp.c_fc", width, inner)?,
                narrow: linear("mlp.c_proj", inner, width)?,
                shape: *shape,
            },
        })
    }

    /// (images or windows, tokens, width) to the same.
    #[must_use]
    pub fn forward(&self, x: &Tensor<3>) -> Tensor<3> {
        let [q, k, v] = self.project.forward(&self.norm1.forward(x));
        self.after(x, &q, &k, &v)
    }

    /// The same for each image's first token alone: (images, 1, width). What a last layer is asked for where only that
    /// token is read; the other tokens are only looked at.
    #[must_use]
    pub fn first(&self, x: &Tensor<3>) -> Tensor<3> {
        let [q, k, v] = self.project.forward(&self.norm1.forward(x));
        self.after(&x.clone().narrow(1, 0, 1), &q.narrow(1, 0, 1), &k, &v)
    }

    /// What follows the projections; `x` and `q` are of the same tokens.
    fn after(&self, x: &Tensor<3>, q: &Tensor<3>, k: &Tensor<3>, v: &Tensor<3>) -> Tensor<3> {
        let how = Attend { causal: self.shape.causal, ..Attend::heads(self.shape.heads) };
        let seen = attention(q, k, v, how);
        let x = self.out.forward_then(&seen, Act::None, Some(x));
        let inner = self.widen.forward_then(&self.norm2.forward(&x), self.shape.activation, None);
        self.narrow.forward_then(&inner, Act::None, Some(&x))
    }
}
