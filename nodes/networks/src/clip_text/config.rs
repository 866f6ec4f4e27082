//! What a text encoder's weights say about it.

use kiln_tensor::{Act, Vars};

use crate::error::NetError;
use crate::transformer::{BlockShape, Naming};

pub(super) struct Names {
    pub(super) tokens: &'static str,
    pub(super) positions: &'static str,
    pub(super) layers: &'static str,
    pub(super) norm: &'static str,
    /// Below a layer: the first matrix of its feed-forward part.
    pub(super) widen: &'static str,
}

impl Naming {
    pub(super) fn names(self) -> Names {
        match self {
            Self::HuggingFace => Names {
                tokens: "text_model.embeddings.token_embedding.weight",
                positions: "text_model.embeddings.position_embedding.weight",
                layers: "text_model.encoder.layers",
                norm: "text_model.final_layer_norm",
                widen: "mlp.fc1",
            },
            Self::OpenClip => Names {
                tokens: "token_embedding.weight",
                positions: "positional_embedding",
                layers: "transformer.resblocks",
                norm: "ln_final",
                widen: "mlp.c_fc",
            },
        }
    }
}

/// The configuration of a text encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose names the weights have.
    pub naming: Naming,
    /// The width of a token's vector.
    pub width: usize,
    /// How many layers.
    pub layers: usize,
    /// The width inside a feed-forward part.
    pub intermediate: usize,
    /// How many tokens there are.
    pub vocabulary: usize,
    /// How many slots a window can have.
    pub positions: usize,
    /// Attention heads, of 64 each unless set otherwise.
    pub heads: usize,
    /// The activation: not to be seen from the weights, so it goes by kind (OpenAI's CLIP-L alone has the quick one).
    pub activation: Act,
    /// The token that ends a text; the first one is where the text is pooled.
    pub end: u32,
}

impl Config {
    /// One of its layers.
    #[must_use]
    pub fn block(&self) -> BlockShape {
        BlockShape {
            naming: self.naming,
            width: self.width,
            intermediate: self.intermediate,
            heads: self.heads,
            activation: self.activation,
            causal: true,
        }
    }

    /// Reads it off the names and shapes at `vars`.
    pub fn infer(vars: &Vars) -> Result<Self, NetError> {
        let naming = [Naming::HuggingFace, Naming::OpenClip]
            .into_iter()
            .find(|naming| vars.has(naming.names().tokens))
            .ok_or_else(|| {
                vars.odd(format!(
                    "no CLIP text encoder: there is neither \"{}\" nor \"{}\"",
                    vars.full(Naming::HuggingFace.names().tokens),
                    vars.full(Naming::OpenClip.names().tokens)
                ))
            })?;
        let names = naming.names();
        let table = |name: &str| match *vars.any(name)?.shape() {
            [rows, width] => Ok((rows, width)),
            ref other => {
                Err(vars.odd(format!("\"{}\" is no table: its shape is {other:?}", vars.full(name))))
            }
        };
        let (vocabulary, width) = table(names.tokens)?;
        let (positions, _) = table(names.positions)?;
        let layers = vars.count(names.layers);
        let (intermediate, _) = table(&format!("{}.0.{}.weight", names.layers, names.widen))?;
        if width * layers * intermediate * positions == 0 {
            let what = format!(
                "a text encoder of {layers} layers, {width} wide ({intermediate} inside) with {positions} positions"
            );
            return Err(vars.odd(what).into());
        }
        let quick = naming == Naming::HuggingFace && width == 768;
        Ok(Self {
            naming,
            width,
            layers,
            intermediate,
            vocabulary,
            positions,
            heads: (width / 64).max(1),
            activation: if quick { Act::QuickGelu } else { Act::Gelu },
            end: 49407,
        })
    }
}
