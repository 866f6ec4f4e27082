//! The UNet of Stable Diffusion 1.x, 2.x and SDXL, of the refiner, of inpainting models and of their small relatives:
//! from a noisy latent, a time and a text to the noise in it (or whatever the model was trained to predict).
//!
//! The network is a row of blocks down, one in the middle and a row up; every block down leaves its result for one
//! block up. A block is a short list of modules: residual block, spatial transformer, down- or upsampling. Which ones,
//! and of what width, is read off the names and shapes of the weights ([`Config::infer`]).

mod blocks;
mod config;
mod free_u;
mod hooks;
mod time;
mod transformer;

pub use config::{Config, Heads};
pub use free_u::{FreeU, FreeUVersion};
pub use hooks::{Hooks, Traced};
pub use time::timestep_embedding;

use kiln_tensor::layers::{Conv2d, GroupNorm, Linear};
use kiln_tensor::ops::{self, ConvSpec};
use kiln_tensor::{Act, Compute, Tensor, Vars, VarsError};

use self::blocks::{Block, Builder};
use crate::error::NetError;

/// Two linear layers with SiLU between: how time and label become one vector.
#[derive(Debug)]
struct Embed {
    first: Linear,
    second: Linear,
}

impl Embed {
    fn new(vars: &Vars, k: usize, width: usize) -> Result<Self, VarsError> {
        Ok(Self {
            first: Linear::sized(&vars.at("0"), k, width)?,
            second: Linear::sized(&vars.at("2"), width, width)?,
        })
    }

    fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        self.second.forward(&self.first.forward_then(x, Act::Silu, None))
    }
}

/// The network.
pub struct UNet {
    config: Config,
    compute: Compute,
    time: Embed,
    label: Option<Embed>,
    down: Vec<Block>,
    middle: Block,
    up: Vec<Block>,
    norm: GroupNorm,
    out: Conv2d,
}

impl UNet {
    /// Builds the network of the weights below `vars` (`input_blocks.0.0.weight` and so on).
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        Self::with_config(vars, Config::infer(vars)?)
    }

    /// The same with another number of heads or groups than [`Config::infer`] would choose: neither is in the file.
    /// Everything else must be as inferred.
    pub fn with_config(vars: &Vars, config: Config) -> Result<Self, VarsError> {
        let found = Config::infer(vars)?;
        if (Config { heads: config.heads, groups: config.groups, ..found.clone() }) != config {
            return Err(vars.odd(format!("these weights are those of {found:?}, not of {config:?}")));
        }
        let first = config.model_channels;
        let embed = config::dim(vars, "time_embed.0.weight", 0)?;
        let time = Embed::new(&vars.at("time_embed"), first, embed)?;
        let label = config.adm.map(|width| Embed::new(&vars.at("label_emb.0"), width, embed)).transpose()?;
        let mut builder = Builder::new(vars, &config, embed);
        let down = builder.down()?;
        let middle = builder.middle()?;
        let up = builder.up()?;
        let width = builder.finish()?;
        let norm = blocks::group_norm(&vars.at("out.0"), width, config.groups, 1e-5)?;
        let out = Conv2d::sized(&vars.at("out.2"), width, config.out_channels, 3, ConvSpec::padded(1))?;
        Ok(Self { compute: vars.compute().clone(), config, time, label, down, middle, up, norm, out })
    }

    /// What the network is like.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Runs it.
    ///
    /// - `x`: (images, channels, height, width); any height and width of at least one.
    /// - `timesteps`: one for each image, from 0 to 999, fractions allowed.
    /// - `context`: (images, tokens, width): the text. A network without transformers does not look at it.
    /// - `y`: (images, width): pooled text and sizes, for networks with a label embedding; others do not look at it.
    pub fn forward(
        &self,
        x: &Tensor<4>,
        timesteps: &[f32],
        context: &Tensor<3>,
        y: Option<&Tensor<2>>,
        hooks: &Hooks<'_>,
    ) -> Result<Tensor<4>, NetError> {
        self.check(x, timesteps, context, y)?;
        let emb = self.embed(timesteps, y, hooks);
        let step = blocks::Step { emb: &emb, context, hooks };

        let mut skips = Vec::with_capacity(self.down.len());
        let mut h = x.clone();
        for block in &self.down {
            h = block.forward(h, &step, None)?;
            skips.push(h.clone());
        }
        h = self.middle.forward(h, &step, None)?;
        for block in &self.up {
            // As many blocks up as down: the builder has seen to it.
            let Some(mut skip) = skips.pop() else { break };
            if let Some(free_u) = &hooks.free_u {
                (h, skip) = free_u.apply(h, skip, self.config.model_channels, &self.compute)?;
            }
            let size = skips.last().map(size_of);
            h = block.forward(Tensor::cat(vec![h, skip], 1), &step, size)?;
        }
        hooks.go_on()?;
        h = self.norm.forward(&h, Act::Silu);
        hooks.show(|| "out.1".to_owned(), Traced::Picture(&h));
        h = self.out.forward(&h);
        hooks.show(|| "out.2".to_owned(), Traced::Picture(&h));
        Ok(h)
    }

    /// The time (and label) vector, its SiLU taken: every residual block begins with that.
    fn embed(&self, timesteps: &[f32], y: Option<&Tensor<2>>, hooks: &Hooks<'_>) -> Tensor<2> {
        let width = self.config.model_channels;
        let time = timestep_embedding(timesteps, width, 10_000.0);
        let mut emb = self.time.forward(&self.compute.tensor(time, [timesteps.len(), width]));
        hooks.show(|| "time_embed".to_owned(), Traced::Vector(&emb));
        if let (Some(label), Some(y)) = (&self.label, y) {
            let label = label.forward(y);
            hooks.show(|| "label_emb".to_owned(), Traced::Vector(&label));
            emb = ops::add(emb, &label);
        }
        ops::act(Act::Silu, emb)
    }

    fn check(
        &self,
        x: &Tensor<4>,
        timesteps: &[f32],
        context: &Tensor<3>,
        y: Option<&Tensor<2>>,
    ) -> Result<(), NetError> {
        let c = &self.config;
        let [n, channels, h, w] = x.dims();
        if channels != c.in_channels || n == 0 || h == 0 || w == 0 {
            let expected = format!("(images, {}, height, width)", c.in_channels);
            return Err(wrong("the latent", expected, &x.dims()));
        }
        if timesteps.len() != n {
            return Err(wrong(
                "the list of timesteps",
                format!("one for each of {n} images"),
                &[timesteps.len()],
            ));
        }
        let [cn, tokens, width] = context.dims();
        if let Some(wanted) = c.context_dim
            && (cn != n || tokens == 0 || width != wanted)
        {
            return Err(wrong("the text", format!("({n} images, tokens, {wanted})"), &context.dims()));
        }
        match (c.adm, y.map(Tensor::dims)) {
            (None, _) => Ok(()),
            (Some(adm), Some(found)) if found == [n, adm] => Ok(()),
            (Some(adm), found) => {
                let found = found.map_or_else(Vec::new, |f| f.to_vec());
                let what = if found.is_empty() {
                    "the label vector y (there is none)"
                } else {
                    "the label vector y"
                };
                Err(wrong(what, format!("({n} images, {adm})"), &found))
            }
        }
    }
}

impl std::fmt::Debug for UNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UNet").field("config", &self.config).finish_non_exhaustive()
    }
}

fn size_of(x: &Tensor<4>) -> [usize; 2] {
    let [_, _, h, w] = x.dims();
    [h, w]
}

fn wrong(what: &str, expected: String, found: &[usize]) -> NetError {
    NetError::Shape { what: format!("for this UNet, {what}"), expected, found: found.to_vec() }
}
