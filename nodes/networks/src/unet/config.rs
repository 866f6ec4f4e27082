//! What a UNet is like, read off the names and shapes of its weights.

use kiln_tensor::{Vars, VarsError};

/// How attention is cut into heads. It is not in the file: the same weights could be cut in any way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heads {
    /// So many heads at every width (Stable Diffusion 1.x: 8).
    Count(usize),
    /// Heads of this width, as many as there are (Stable Diffusion 2.x, SDXL: 64).
    Width(usize),
}

impl Heads {
    /// How many heads attention of this width has; none when it cannot be cut so.
    #[must_use]
    pub fn of(self, width: usize) -> Option<usize> {
        match self {
            Self::Count(n) => (n > 0 && width.is_multiple_of(n)).then_some(n),
            Self::Width(w) => (w > 0 && width.is_multiple_of(w)).then(|| width / w),
        }
        .filter(|&n| n > 0)
    }
}

/// What a UNet is like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Channels of the latent that goes in: 4, or 9 for inpainting.
    pub in_channels: usize,
    /// Channels of what comes out.
    pub out_channels: usize,
    /// Channels after the first convolution (320).
    pub model_channels: usize,
    /// Channels of each level, from the largest pictures to the smallest: `model_channels` times the multipliers.
    pub channels: Vec<usize>,
    /// Residual blocks of each level on the way down; on the way up there is one more.
    pub res_blocks: Vec<usize>,
    /// Transformer blocks after each residual block on the way down; 0 is no transformer.
    pub down_depths: Vec<usize>,
    /// Transformer blocks in the middle.
    pub middle_depth: usize,
    /// Transformer blocks after each residual block on the way up.
    pub up_depths: Vec<usize>,
    /// Width of the text; none when there is no transformer.
    pub context_dim: Option<usize>,
    /// Do transformers begin and end with a linear layer (2.x, SDXL) rather than a 1x1 convolution (1.x)?
    pub linear_projection: bool,
    /// Width of the label vector `y` (SDXL: 2816, refiner: 2560), if the network takes one.
    pub adm: Option<usize>,
    /// How attention is cut into heads: 8 of them when the projections are convolutions and there is no label vector,
    /// else heads of width 64. Small models may need another choice: set this field.
    pub heads: Heads,
    /// Groups of the group norms: 32, or the largest power of two that divides the channels of every level.
    pub groups: usize,
}

/// What lies below a numbered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Conv,
    Res,
    Transformer { depth: usize },
    Down,
    Up,
}

impl Kind {
    pub(super) fn of(vars: &Vars) -> Result<Self, VarsError> {
        if vars.has("in_layers.2.weight") {
            Ok(Self::Res)
        } else if vars.has_below("transformer_blocks") {
            Ok(Self::Transformer { depth: vars.count("transformer_blocks") })
        } else if vars.has("op.weight") {
            Ok(Self::Down)
        } else if vars.has("conv.weight") {
            Ok(Self::Up)
        } else if vars.has("weight") {
            Ok(Self::Conv)
        } else {
            let name = vars.full("");
            let name = name.trim_end_matches('.');
            Err(vars.odd(format!("\"{name}\" is no block of a UNet that is known here")))
        }
    }
}

/// The modules of one block, in their order.
pub(super) fn modules(vars: &Vars, block: &str) -> Vec<Vars> {
    (0..vars.count(block)).map(|i| vars.at(format!("{block}.{i}"))).collect()
}

/// The modules of all blocks of one side (`input_blocks`, `output_blocks`).
pub(super) fn side(vars: &Vars, side: &str) -> Vec<Vec<Vars>> {
    (0..vars.count(side)).map(|i| modules(vars, &format!("{side}.{i}"))).collect()
}

/// The n-th number of a weight's shape.
pub(super) fn dim(vars: &Vars, name: &str, n: usize) -> Result<usize, VarsError> {
    let weight = vars.any(name)?;
    weight.shape().get(n).copied().filter(|&d| d > 0).ok_or_else(|| {
        vars.odd(format!("the weight \"{}\" has the shape {:?}", vars.full(name), weight.shape()))
    })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Config {
    /// Reads it off the weights.
    pub fn infer(vars: &Vars) -> Result<Self, VarsError> {
        let model_channels = dim(vars, "input_blocks.0.0.weight", 0)?;
        let down = side(vars, "input_blocks");
        let middle = modules(vars, "middle_block");
        let up = side(vars, "output_blocks");

        let mut channels = vec![model_channels];
        let mut res_blocks = vec![0];
        let mut down_depths = Vec::new();
        for module in down.iter().flatten() {
            match Kind::of(module)? {
                Kind::Conv => {}
                Kind::Res => {
                    down_depths.push(0);
                    if let (Some(c), Some(n)) = (channels.last_mut(), res_blocks.last_mut()) {
                        *c = dim(module, "in_layers.2.weight", 0)?;
                        *n += 1;
                    }
                }
                Kind::Transformer { depth } => {
                    if let Some(last) = down_depths.last_mut() {
                        *last = depth;
                    }
                }
                Kind::Down => {
                    channels.push(dim(module, "op.weight", 0)?);
                    res_blocks.push(0);
                }
                Kind::Up => {
                    return Err(vars.odd(format!("\"{}\" enlarges on the way down", module.full("conv"))));
                }
            }
        }

        let mut first_transformer = None;
        for module in down.iter().flatten().chain(&middle).chain(up.iter().flatten()) {
            if matches!(Kind::of(module)?, Kind::Transformer { .. }) {
                first_transformer = Some(module);
                break;
            }
        }
        let context_dim =
            first_transformer.map(|t| dim(t, "transformer_blocks.0.attn2.to_k.weight", 1)).transpose()?;
        let linear_projection = first_transformer
            .map(|t| t.any("proj_in.weight").map(|w| w.shape().len() == 2))
            .transpose()?
            .unwrap_or(false);
        let adm =
            if vars.has_below("label_emb") { Some(dim(vars, "label_emb.0.0.weight", 1)?) } else { None };
        let groups = channels.iter().fold(model_channels, |a, &b| gcd(a, b));
        let middle_depth = depths([middle].iter())?.first().copied().unwrap_or(0);
        Ok(Self {
            in_channels: dim(vars, "input_blocks.0.0.weight", 1)?,
            out_channels: dim(vars, "out.2.weight", 0)?,
            model_channels,
            channels,
            res_blocks,
            down_depths,
            middle_depth,
            up_depths: depths(up.iter())?,
            context_dim,
            linear_projection,
            adm,
            heads: if linear_projection || adm.is_some() { Heads::Width(64) } else { Heads::Count(8) },
            groups: 1 << groups.trailing_zeros().min(5),
        })
    }
}

/// The transformer blocks of every block.
fn depths<'a>(blocks: impl Iterator<Item = &'a Vec<Vars>>) -> Result<Vec<usize>, VarsError> {
    blocks
        .map(|modules| {
            let mut depth = 0;
            for module in modules {
                if let Kind::Transformer { depth: d } = Kind::of(module)? {
                    depth = d;
                }
            }
            Ok(depth)
        })
        .collect()
}
