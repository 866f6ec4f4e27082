//! CLIP's image tower, a vision transformer: patches of the picture become tokens, a class token in front of them looks
//! at all of them through the layers, and what it has seen is projected to the space that texts are projected to, too.

use kiln_networks::NetError;
use kiln_networks::transformer::{Block, BlockShape, EPS, Naming};
use kiln_tensor::layers::{LayerNorm, Linear};
use kiln_tensor::{Act, Compute, Tensor, Vars, Weight};

/// No side of a tower's square is longer: public ones have 224 to 448.
const LONGEST_SIDE: usize = 2048;
/// No tower sees more patches: public ones have 49 to 1024.
const MOST_PATCHES: usize = 1 << 14;

pub(crate) struct Names {
    /// In front of all of them.
    pub(crate) class: &'static str,
    patch: &'static str,
    positions: &'static str,
    before: &'static str,
    layers: &'static str,
    widen: &'static str,
    after: &'static str,
}

pub(crate) fn names(naming: Naming) -> Names {
    match naming {
        Naming::HuggingFace => Names {
            class: "vision_model.embeddings.class_embedding",
            patch: "vision_model.embeddings.patch_embedding.weight",
            positions: "vision_model.embeddings.position_embedding.weight",
            // Misspelt in every file.
            before: "vision_model.pre_layrnorm",
            layers: "vision_model.encoder.layers",
            widen: "mlp.fc1.weight",
            after: "vision_model.post_layernorm",
        },
        Naming::OpenClip => Names {
            class: "visual.class_embedding",
            patch: "visual.conv1.weight",
            positions: "visual.positional_embedding",
            before: "visual.ln_pre",
            layers: "visual.transformer.resblocks",
            widen: "mlp.c_fc.weight",
            after: "visual.ln_post",
        },
    }
}

/// The configuration of an image tower.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionConfig {
    /// Its layers' names, width, heads and activation.
    pub block: BlockShape,
    /// How many layers.
    pub layers: usize,
    /// Pixels of a patch's side.
    pub patch: usize,
    /// Pixels of the side of the square it sees.
    pub side: usize,
    /// The width of what it gives.
    pub projection: usize,
}

impl VisionConfig {
    /// Reads it off the names and shapes at `vars`. What those do not tell: heads are 64 wide but in the towers of H, g,
    /// bigG and e (80, 88, 104 and 112); the activation is the one given.
    ///
    /// # Errors
    /// When a weight lacks, or shapes do not go together.
    pub fn infer(vars: &Vars, naming: Naming, activation: Act) -> Result<Self, NetError> {
        let names = names(naming);
        let shape = |name: &str| vars.any(name).map(|w| w.shape().to_vec());
        let odd = |name: &str, shape: &[usize], what: &str| -> NetError {
            vars.odd(format!("\"{}\" of shape {shape:?} {what}", vars.full(name))).into()
        };
        let kernel = shape(names.patch)?;
        let &[width, 3, patch, across] = kernel.as_slice() else {
            return Err(odd(names.patch, &kernel, "does not cut colour pictures into patches"));
        };
        let table = shape(names.positions)?;
        let &[positions, _] = table.as_slice() else {
            return Err(odd(names.positions, &table, "is no table"));
        };
        let patches = positions.saturating_sub(1);
        let grid = patches.isqrt();
        if patch != across || patch == 0 || patches == 0 || grid * grid != patches {
            return Err(odd(
                names.positions,
                &table,
                "does not cover a square of square patches and a class",
            ));
        }
        let side = grid.saturating_mul(patch);
        if patches > MOST_PATCHES || side > LONGEST_SIDE {
            let what = format!("is for {patches} patches of a square of {side} pixels, more than Kiln runs");
            return Err(odd(names.positions, &table, &what));
        }
        let widen = format!("{}.0.{}", names.layers, names.widen);
        let inner = shape(&widen)?;
        let &[intermediate, _] = inner.as_slice() else { return Err(odd(&widen, &inner, "is no matrix")) };
        let layers = vars.count(names.layers);
        if width == 0 || intermediate == 0 {
            return Err(odd(&widen, &inner, "is empty"));
        }
        let projection = match naming {
            Naming::HuggingFace => shape("visual_projection.weight")?.first().copied(),
            Naming::OpenClip => shape("visual.proj")?.get(1).copied(),
        };
        let block = BlockShape {
            naming,
            width,
            intermediate,
            heads: (width / head_width(width)).max(1),
            activation,
            causal: false,
        };
        Ok(Self { block, layers, patch, side, projection: projection.unwrap_or(0) })
    }

    /// The size as people write it: ViT-L/14, ViT-L/14@336.
    #[must_use]
    pub fn name(&self) -> String {
        let size = match self.block.width {
            384 => "S".to_owned(),
            512 => "M".to_owned(),
            768 => "B".to_owned(),
            1024 => "L".to_owned(),
            1280 => "H".to_owned(),
            1408 => "g".to_owned(),
            1664 => "bigG".to_owned(),
            1792 => "e".to_owned(),
            other => other.to_string(),
        };
        let side = if self.side == 224 { String::new() } else { format!("@{}", self.side) };
        format!("ViT-{size}/{}{side}", self.patch)
    }
}

fn head_width(width: usize) -> usize {
    match width {
        1280 => 80,
        1408 => 88,
        1664 => 104,
        1792 => 112,
        _ => 64,
    }
}

/// An image tower.
#[derive(Clone, Debug)]
pub struct ImageTower {
    config: VisionConfig,
    class: Weight,
    positions: Weight,
    patches: Linear,
    before: LayerNorm,
    blocks: Vec<Block>,
    after: LayerNorm,
    projection: Linear,
    compute: Compute,
}

impl ImageTower {
    /// Built of the weights at `vars`.
    ///
    /// # Errors
    /// When one lacks or has another shape.
    pub fn new(vars: &Vars, config: VisionConfig) -> Result<Self, NetError> {
        let (names, block) = (names(config.block.naming), &config.block);
        let (width, patch) = (block.width, config.patch);
        let tokens = (config.side / patch) * (config.side / patch) + 1;
        let kernel = vars.get(names.patch, &[width, 3, patch, patch])?;
        let blocks = (0..config.layers)
            .map(|i| Block::new(&vars.at(format!("{}.{i}", names.layers)), block))
            .collect::<Result<_, _>>()?;
        let n = config.projection;
        let projection = match block.naming {
            Naming::HuggingFace => Linear::sized(&vars.at("visual_projection"), width, n)?,
            Naming::OpenClip => {
                // Stands right of its vector.
                let values = vars.get("visual.proj", &[width, n])?.to_f32();
                let turned = (0..n).flat_map(|o| values.iter().skip(o).step_by(n.max(1)).copied()).collect();
                Linear::of(Weight::from_f32(&[n, width], turned), None, vars.compute())
            }
        };
        Ok(Self {
            class: vars.get(names.class, &[width])?,
            positions: vars.get(names.positions, &[tokens, width])?,
            patches: Linear::of(kernel.reshaped(vec![width, 3 * patch * patch]), None, vars.compute()),
            before: LayerNorm::new(&vars.at(names.before), width, EPS)?,
            blocks,
            after: LayerNorm::new(&vars.at(names.after), width, EPS)?,
            projection,
            compute: vars.compute().clone(),
            config,
        })
    }

    /// What was read off the weights.
    #[must_use]
    pub fn config(&self) -> &VisionConfig {
        &self.config
    }

    /// What the class token has seen of pictures, projected: (images, width of the projection). `planes` are their
    /// normalised red, green and blue planes, as [`crate::Preprocess`] makes them.
    ///
    /// # Errors
    /// When the planes are not whole pictures, or `stop` says so between two layers.
    pub fn forward(&self, planes: &[f32], stop: &dyn Fn() -> bool) -> Result<Tensor<2>, NetError> {
        let mut x = self.tokens(planes)?;
        let last = self.blocks.len().saturating_sub(1);
        for (i, block) in self.blocks.iter().enumerate() {
            if stop() {
                return Err(NetError::Cancelled);
            }
            // Of the last layer only the class token is read.
            x = if i == last { block.first(&x) } else { block.forward(&x) };
        }
        let [n, _, width] = x.dims();
        let class = x.narrow(1, 0, 1).reshape([n, width]);
        Ok(self.projection.forward(&self.after.forward(&class)))
    }

    /// What goes into the layers: (images, 1 + patches, width).
    ///
    /// # Errors
    /// When the planes are not whole pictures.
    pub fn tokens(&self, planes: &[f32]) -> Result<Tensor<3>, NetError> {
        let VisionConfig { side, patch, block: BlockShape { width, .. }, .. } = self.config;
        let each = 3 * side * side;
        if planes.is_empty() || !planes.len().is_multiple_of(each) {
            return Err(NetError::Shape {
                what: "a batch of pictures for the image tower".into(),
                expected: format!("one or more of 3 x {side} x {side} numbers"),
                found: vec![planes.len()],
            });
        }
        let (n, grid) = (planes.len() / each, side / patch);
        let mut cut = Vec::with_capacity(planes.len());
        for image in planes.chunks_exact(each) {
            for at in 0..grid * grid {
                let corner = at / grid * patch * side + at % grid * patch;
                for plane in image.chunks_exact(side * side) {
                    for row in 0..patch {
                        let from = corner + row * side;
                        cut.extend_from_slice(plane.get(from..from + patch).unwrap_or(&[]));
                    }
                }
            }
        }
        let cut = self.compute.tensor(cut, [n, grid * grid, 3 * patch * patch]);
        let seen = self.patches.forward(&cut);
        let class = self.class.on::<3>(&self.compute, seen.dtype()).reshape([1, 1, width]);
        let tokens = Tensor::cat(vec![class.expand([n, 1, width]), seen], 1);
        let positions: Tensor<2> = self.positions.on(&self.compute, tokens.dtype());
        let [rows, _] = positions.dims();
        let placed = tokens + positions.reshape([1, rows, width]).expand([n, rows, width]);
        Ok(self.before.forward(&placed))
    }
}
