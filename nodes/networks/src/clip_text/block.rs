//! One layer of a text encoder.

use kiln_tensor::layers::{LayerNorm, Linear};
use kiln_tensor::ops::{Attend, attention};
use kiln_tensor::{Act, Tensor, Vars};

use super::{Config, EPS, Naming};
use crate::error::NetError;

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
    heads: usize,
    activation: Act,
}

impl Block {
    /// The layer whose weights begin at `vars`.
    pub fn new(vars: &Vars, config: &Config) -> Result<Self, NetError> {
        let (width, inner) = (config.width, config.intermediate);
        let linear = |name: &str, k, n| Linear::sized(&vars.at(name), k, n);
        let norm = |name: &str| LayerNorm::new(&vars.at(name), width, EPS);
        let (heads, activation) = (config.heads, config.activation);
        Ok(match config.naming {
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
                heads,
                activation,
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
                heads,
                activation,
            },
        })
    }

    /// (windows, slots, width) to the same.
    #[must_use]
    pub fn forward(&self, x: &Tensor<3>) -> Tensor<3> {
        let [q, k, v] = self.project.forward(&self.norm1.forward(x));
        let seen = attention(&q, &k, &v, Attend { causal: true, ..Attend::heads(self.heads) });
        let x = self.out.forward_then(&seen, Act::None, Some(x));
        let inner = self.widen.forward_then(&self.norm2.forward(&x), self.activation, None);
        self.narrow.forward_then(&inner, Act::None, Some(&x))
    }
}
