//! CLIP text encoders: from token vectors to what a diffusion network attends to.
//!
//! One transformer with causal attention, under two sets of names: Hugging Face's (`text_model.encoder.layers.0 …`,
//! as CLIP-L has them in checkpoints) and OpenCLIP's (`transformer.resblocks.0 …`, as H and G have them). Both are
//! built here by looking at which names are there.

mod config;

use kiln_tensor::layers::{LayerNorm, Linear};
use kiln_tensor::{Compute, Tensor, Vars, Weight};

pub use config::Config;

pub use crate::transformer::{Block, Naming};

use crate::error::NetError;
use crate::transformer::EPS;

/// What stands in one slot of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot<'a> {
    /// A token of the vocabulary.
    Id(u32),
    /// A vector of the encoder's width in a token's place (textual inversion).
    Vector(&'a [f32]),
}

/// Which layer's output is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// -1 is the last layer, -2 the one before it, and so on; 0 and up count from the first. Beyond the layers there
    /// are, it is the last.
    pub index: i32,
    /// Whether the final layer norm goes over it, too.
    pub final_norm: bool,
}

impl Layer {
    /// The last layer with its norm: what Stable Diffusion 1 attends to.
    pub const LAST: Self = Self { index: -1, final_norm: true };
    /// The layer before the last as it is: what Stable Diffusion XL attends to.
    pub const PENULTIMATE: Self = Self { index: -2, final_norm: false };

    /// How many of `layers` layers lie up to and with this one.
    fn depth(self, layers: usize) -> usize {
        let steps = usize::try_from(self.index.unsigned_abs()).unwrap_or(usize::MAX);
        match self.index {
            ..0 if steps <= layers => layers - steps + 1,
            0.. if steps < layers => steps + 1,
            _ => layers,
        }
    }
}

/// Encoded windows.
#[derive(Debug)]
pub struct Encoded {
    /// The asked layer: (windows, slots, width).
    pub hidden: Tensor<3>,
    /// The last layer after its norm, at each window's first end token: (windows, width). Whatever layer was asked.
    pub pooled: Tensor<2>,
    /// The same through the text projection, where the file has one: (windows, projection width).
    pub projected: Option<Tensor<2>>,
}

/// A CLIP text encoder.
#[derive(Clone, Debug)]
pub struct ClipText {
    config: Config,
    tokens: Weight,
    positions: Weight,
    blocks: Vec<Block>,
    norm: LayerNorm,
    projection: Option<Linear>,
    compute: Compute,
}

impl ClipText {
    /// Built of the weights at `vars`, where `text_model.…` or `token_embedding.weight` begin.
    pub fn new(vars: &Vars) -> Result<Self, NetError> {
        Self::with(vars, Config::infer(vars)?)
    }

    /// The same where something in the configuration is set by hand.
    pub fn with(vars: &Vars, config: Config) -> Result<Self, NetError> {
        let width = config.width;
        if config.heads == 0 || !width.is_multiple_of(config.heads) {
            return Err(vars
                .odd(format!("a width of {width} cannot be cut into {} heads", config.heads))
                .into());
        }
        let names = config.naming.names();
        let blocks = (0..config.layers)
            .map(|i| Block::new(&vars.at(format!("{}.{i}", names.layers)), &config.block()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            tokens: vars.get(names.tokens, &[config.vocabulary, width])?,
            positions: vars.get(names.positions, &[config.positions, width])?,
            blocks,
            norm: LayerNorm::new(&vars.at(names.norm), width, EPS)?,
            projection: projection(vars, width)?,
            compute: vars.compute().clone(),
            config,
        })
    }

    /// What was read off the weights.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The width of a token's vector, before and after encoding.
    #[must_use]
    pub fn width(&self) -> usize {
        self.config.width
    }

    /// How many layers there are.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// The width of a projected text; none without a text projection.
    #[must_use]
    pub fn projection_width(&self) -> Option<usize> {
        self.projection.as_ref().map(Linear::n)
    }

    /// Encodes windows, all of one length, in one go.
    pub fn encode(&self, windows: &[Vec<Slot<'_>>], layer: Layer) -> Result<Encoded, NetError> {
        let mut x = self.embed(windows)?;
        let depth = layer.depth(self.blocks.len());
        let mut hidden = None;
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x);
            if i + 1 == depth {
                hidden = Some(x.clone());
            }
        }
        let last = self.norm.forward(&x);
        let hidden = match hidden {
            Some(_) if depth == self.blocks.len() && layer.final_norm => last.clone(),
            Some(hidden) if layer.final_norm => self.norm.forward(&hidden),
            Some(hidden) => hidden,
            None => last.clone(),
        };
        let pooled = self.pool(windows, &last);
        let projected = self.projection.as_ref().map(|projection| projection.forward(&pooled));
        Ok(Encoded { hidden, pooled, projected })
    }

    /// Token and position vectors summed. Only the rows needed are read from the tables.
    fn embed(&self, windows: &[Vec<Slot<'_>>]) -> Result<Tensor<3>, NetError> {
        let (width, len) = (self.config.width, windows.first().map_or(0, Vec::len));
        if len == 0 || len > self.config.positions || windows.iter().any(|w| w.len() != len) {
            return Err(NetError::Shape {
                what: "a list of text windows".into(),
                expected: format!("at least one, all of one length from 1 to {}", self.config.positions),
                found: windows.iter().map(Vec::len).collect(),
            });
        }
        let places: Vec<usize> = (0..len).collect();
        let positions = self.positions.rows(&places).unwrap_or_default();
        let mut sum = Vec::with_capacity(windows.len() * len * width);
        for (window, slots) in windows.iter().enumerate() {
            for (slot, what) in slots.iter().enumerate() {
                let looked_up;
                let vector = match what {
                    Slot::Vector(vector) => *vector,
                    Slot::Id(id) => {
                        looked_up = self.token(*id).ok_or_else(|| self.no_token(window, slot, *id))?;
                        &looked_up
                    }
                };
                if vector.len() != width {
                    let why = format!(
                        "the vector put in its place has {} numbers, but this text encoder works with {width}; \
                         it was made for another model",
                        vector.len()
                    );
                    return Err(NetError::Token { window, slot, why });
                }
                let position = positions.get(slot * width..(slot + 1) * width).unwrap_or(&[]);
                sum.extend(vector.iter().zip(position).map(|(v, p)| v + p));
            }
        }
        Ok(self.compute.tensor(sum, [windows.len(), len, width]))
    }

    fn token(&self, id: u32) -> Option<Vec<f32>> {
        self.tokens.rows(&[usize::try_from(id).ok()?])
    }

    fn no_token(&self, window: usize, slot: usize, id: u32) -> NetError {
        let why = format!(
            "there is no token {id}: the vocabulary of this text encoder ends at {}",
            self.config.vocabulary.saturating_sub(1)
        );
        NetError::Token { window, slot, why }
    }

    /// The vectors at each window's first end token; at its last slot when there is none.
    fn pool(&self, windows: &[Vec<Slot<'_>>], last: &Tensor<3>) -> Tensor<2> {
        let [_, len, width] = last.dims();
        let rows = windows.iter().enumerate().map(|(i, slots)| {
            let end = slots.iter().position(|slot| *slot == Slot::Id(self.config.end)).unwrap_or(len - 1);
            last.clone().narrow(0, i, 1).narrow(1, end, 1).reshape([1, width])
        });
        Tensor::cat(rows.collect(), 0)
    }
}

/// A Linear's `text_projection.weight` (out, in), or the matrix `text_projection` (in, out) that stands right of its
/// vector.
fn projection(vars: &Vars, width: usize) -> Result<Option<Linear>, NetError> {
    if let Some(shape) = vars.shape("text_projection.weight") {
        let n = shape.first().copied().unwrap_or(0);
        return Ok(Some(Linear::sized(&vars.at("text_projection"), width, n)?));
    }
    let Some(matrix) = vars.maybe("text_projection") else { return Ok(None) };
    let n = matrix.shape().get(1).copied().unwrap_or(0);
    let matrix = vars.get("text_projection", &[width, n])?;
    let values = matrix.to_f32();
    let turned = (0..n).flat_map(|o| values.iter().skip(o).step_by(n.max(1)).copied()).collect();
    Ok(Some(Linear::of(Weight::from_f32(&[n, width], turned), None, vars.compute())))
}
