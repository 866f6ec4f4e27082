//! The blocks down, in the middle and up: what they hold, and how they are built of the weights.

use kiln_tensor::layers::{Conv2d, GroupNorm, Linear};
use kiln_tensor::ops::{ConvSpec, ConvThen};
use kiln_tensor::{Act, Tensor, Vars, VarsError};

use super::config::{Config, Kind, modules, side};
use super::hooks::{Hooks, Traced};
use super::transformer::SpatialTransformer;
use crate::error::NetError;

/// What every module of one run is given.
pub(super) struct Step<'a> {
    /// The time vector after its SiLU.
    pub(super) emb: &'a Tensor<2>,
    pub(super) context: &'a Tensor<3>,
    pub(super) hooks: &'a Hooks<'a>,
}

/// A group norm that must have these channels.
pub(super) fn group_norm(vars: &Vars, c: usize, groups: usize, eps: f32) -> Result<GroupNorm, VarsError> {
    vars.get("weight", &[c])?;
    GroupNorm::new(vars, groups, eps)
}

/// Two convolutions with the time between them, added to what came in.
#[derive(Debug)]
pub(super) struct ResBlock {
    norm_in: GroupNorm,
    conv_in: Conv2d,
    emb: Linear,
    norm_out: GroupNorm,
    conv_out: Conv2d,
    skip: Option<Conv2d>,
    c_out: usize,
}

impl ResBlock {
    pub(super) fn new(vars: &Vars, c_in: usize, emb: usize, groups: usize) -> Result<Self, VarsError> {
        let conv = ConvSpec::padded(1);
        let c_out = Conv2d::new(&vars.at("in_layers.2"), conv)?.c_out();
        let skip = if vars.has("skip_connection.weight") {
            let at = vars.at("skip_connection");
            // 1x1 in every known model; the original code also knows 3x3.
            let kernel = at.shape("weight").map_or(1, |s| if s.last() == Some(&3) { 3 } else { 1 });
            Some(Conv2d::sized(&at, c_in, c_out, kernel, ConvSpec::padded(kernel / 2))?)
        } else if c_in == c_out {
            None
        } else {
            return Err(vars.odd(format!(
                "\"{}\" goes from {c_in} to {c_out} channels, but there is no skip_connection",
                vars.full("in_layers.2.weight")
            )));
        };
        Ok(Self {
            norm_in: group_norm(&vars.at("in_layers.0"), c_in, groups, 1e-5)?,
            conv_in: Conv2d::sized(&vars.at("in_layers.2"), c_in, c_out, 3, conv)?,
            emb: Linear::sized(&vars.at("emb_layers.1"), emb, c_out)?,
            norm_out: group_norm(&vars.at("out_layers.0"), c_out, groups, 1e-5)?,
            conv_out: Conv2d::sized(&vars.at("out_layers.3"), c_out, c_out, 3, conv)?,
            skip,
            c_out,
        })
    }

    fn forward(&self, x: &Tensor<4>, emb: &Tensor<2>) -> Tensor<4> {
        let shift = self.emb.forward(emb);
        let h = self.norm_in.forward(x, Act::Silu);
        let h = self.conv_in.forward_then(&h, ConvThen { shift: Some(&shift), ..ConvThen::default() });
        let h = self.norm_out.forward(&h, Act::Silu);
        let skip = self.skip.as_ref().map(|skip| skip.forward(x));
        self.conv_out
            .forward_then(&h, ConvThen { add: Some(skip.as_ref().unwrap_or(x)), ..ConvThen::default() })
    }
}

#[derive(Debug)]
enum Module {
    Conv(Conv2d),
    Res(Box<ResBlock>),
    Transformer(Box<SpatialTransformer>),
    Up(Conv2d),
}

/// A numbered block.
#[derive(Debug)]
pub(super) struct Block {
    modules: Vec<(String, Module)>,
}

impl Block {
    /// `up_to`: the size an upsampling goes to, which is not always twice.
    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        step: &Step<'_>,
        up_to: Option<[usize; 2]>,
    ) -> Result<Tensor<4>, NetError> {
        let mut h = x;
        for (name, module) in &self.modules {
            step.hooks.go_on()?;
            h = match module {
                Module::Conv(conv) => conv.forward(&h),
                Module::Res(res) => res.forward(&h, step.emb),
                Module::Transformer(t) => t.forward(&h, step)?,
                Module::Up(conv) => {
                    let [_, _, height, width] = h.dims();
                    let upsample = Some(up_to.unwrap_or([2 * height, 2 * width]));
                    conv.forward_then(&h, ConvThen { upsample, ..ConvThen::default() })
                }
            };
            step.hooks.show(|| name.clone(), Traced::Picture(&h));
        }
        Ok(h)
    }
}

/// Builds blocks, keeping count of the channels and of the picture's size: a file whose blocks do not fit together is
/// an error here and not a panic later.
pub(super) struct Builder<'a> {
    vars: &'a Vars,
    config: &'a Config,
    emb: usize,
    /// Channels now.
    c: usize,
    /// How often the picture was halved.
    level: usize,
    /// Channels and level of the results left for the way up.
    skips: Vec<(usize, usize)>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(vars: &'a Vars, config: &'a Config, emb: usize) -> Self {
        Self { vars, config, emb, c: config.in_channels, level: 0, skips: Vec::new() }
    }

    pub(super) fn down(&mut self) -> Result<Vec<Block>, VarsError> {
        let mut blocks = Vec::new();
        for modules in side(self.vars, "input_blocks") {
            blocks.push(self.block(&modules)?);
            self.skips.push((self.c, self.level));
        }
        Ok(blocks)
    }

    pub(super) fn middle(&mut self) -> Result<Block, VarsError> {
        self.block(&modules(self.vars, "middle_block"))
    }

    pub(super) fn up(&mut self) -> Result<Vec<Block>, VarsError> {
        let mut blocks = Vec::new();
        for (i, modules) in side(self.vars, "output_blocks").into_iter().enumerate() {
            let Some((c, level)) = self.skips.pop() else {
                return Err(self.vars.odd("there are more output_blocks than input_blocks"));
            };
            if level != self.level {
                return Err(self.vars.odd(format!(
                    "\"{}\" is given two pictures of different sizes",
                    self.vars.full(&format!("output_blocks.{i}"))
                )));
            }
            self.c += c;
            blocks.push(self.block(&modules)?);
        }
        Ok(blocks)
    }

    /// The channels at the end.
    pub(super) fn finish(self) -> Result<usize, VarsError> {
        if self.skips.is_empty() && self.level == 0 {
            Ok(self.c)
        } else {
            Err(self.vars.odd("there are fewer output_blocks than input_blocks"))
        }
    }

    fn block(&mut self, modules: &[Vars]) -> Result<Block, VarsError> {
        let modules = modules
            .iter()
            .map(|vars| {
                let name = vars.full("");
                Ok((name.trim_end_matches('.').to_owned(), self.module(vars)?))
            })
            .collect::<Result<_, VarsError>>()?;
        Ok(Block { modules })
    }

    fn module(&mut self, vars: &Vars) -> Result<Module, VarsError> {
        Ok(match Kind::of(vars)? {
            Kind::Conv => Module::Conv(self.conv(vars, ConvSpec::padded(1))?),
            Kind::Res => {
                let res = ResBlock::new(vars, self.c, self.emb, self.config.groups)?;
                self.c = res.c_out;
                Module::Res(Box::new(res))
            }
            Kind::Transformer { depth } => {
                Module::Transformer(Box::new(SpatialTransformer::new(vars, self.c, depth, self.config)?))
            }
            Kind::Down => {
                self.level += 1;
                Module::Conv(self.conv(&vars.at("op"), ConvSpec::padded(1).stride(2))?)
            }
            Kind::Up => {
                self.level = self.level.checked_sub(1).ok_or_else(|| {
                    vars.odd(format!("\"{}\" would enlarge beyond the first size", vars.full("conv")))
                })?;
                Module::Up(self.conv(&vars.at("conv"), ConvSpec::padded(1))?)
            }
        })
    }

    fn conv(&mut self, vars: &Vars, spec: ConvSpec) -> Result<Conv2d, VarsError> {
        let c_out = Conv2d::new(vars, spec)?.c_out();
        let conv = Conv2d::sized(vars, self.c, c_out, 3, spec)?;
        self.c = c_out;
        Ok(conv)
    }
}
