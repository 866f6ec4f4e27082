//! The tiny autoencoder (TAESD and its relatives), for previews: a few convolutions with ReLU instead of the large
//! network, near enough to look at and some fifty times faster.
//!
//! It works on latents as the UNet sees them (scaled), and on pictures of 0 to 1. Its layers are numbered and have no
//! configuration: what each is shows in its weights.
//!
//! - `N.conv.0`, `N.conv.2`, `N.conv.4`: a residual block.
//! - `N.weight` with a bias: a convolution.
//! - `N.weight` without: a convolution that changes the size, by two. The encoder steps by two in it; the decoder
//!   doubles the picture before it.

use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::{self, ConvSpec, ConvThen};
use kiln_tensor::{Act, Compute, Tensor, Vars, VarsError, compute};

use crate::error::NetError;

/// Numbers are looked at up to here.
const MOST_LAYERS: usize = 64;

/// Doublings: three in the known models. More would let a small file ask for a huge picture.
const MOST_DOUBLINGS: u32 = 4;

/// Three convolutions, added to what came in.
#[derive(Debug)]
struct Block {
    convs: [Conv2d; 3],
    skip: Option<Conv2d>,
}

impl Block {
    fn new(vars: &Vars, c_in: usize) -> Result<(Self, usize), VarsError> {
        let (first, c) = conv(&vars.at("conv.0"), c_in, 1)?;
        let sized = |name: &str| Conv2d::sized(&vars.at(name), c, c, 3, ConvSpec::padded(1));
        let skip = if vars.has("skip.weight") {
            Some(Conv2d::sized(&vars.at("skip"), c_in, c, 1, ConvSpec::padded(0))?)
        } else if c == c_in {
            None
        } else {
            let what =
                format!("\"{}\" goes from {c_in} to {c} channels without a skip", vars.full("conv.0.weight"));
            return Err(vars.odd(what));
        };
        Ok((Self { convs: [first, sized("conv.2")?, sized("conv.4")?], skip }, c))
    }

    fn forward(&self, x: &Tensor<4>) -> Tensor<4> {
        let relu = || ConvThen { act: Act::Relu, ..ConvThen::default() };
        let h = self.convs[0].forward_then(x, relu());
        let h = self.convs[1].forward_then(&h, relu());
        let skip = self.skip.as_ref().map(|skip| skip.forward(x));
        let add = Some(skip.as_ref().unwrap_or(x));
        ops::act(Act::Relu, self.convs[2].forward_then(&h, ConvThen { add, ..ConvThen::default() }))
    }
}

/// A 3x3 convolution that must take these channels, with its channels out.
fn conv(vars: &Vars, c_in: usize, stride: usize) -> Result<(Conv2d, usize), VarsError> {
    let spec = ConvSpec::padded(1).stride(stride);
    let c_out = Conv2d::new(vars, spec)?.c_out();
    Ok((Conv2d::sized(vars, c_in, c_out, 3, spec)?, c_out))
}

#[derive(Debug)]
enum Layer {
    Conv(Conv2d),
    ConvRelu(Conv2d),
    Doubled(Conv2d),
    Block(Box<Block>),
}

fn run(layers: &Layers, mut h: Tensor<4>) -> Tensor<4> {
    for layer in &layers.layers {
        h = match layer {
            Layer::Conv(conv) => conv.forward(&h),
            Layer::ConvRelu(conv) => {
                conv.forward_then(&h, ConvThen { act: Act::Relu, ..ConvThen::default() })
            }
            Layer::Doubled(conv) => {
                let [_, _, height, width] = h.dims();
                let upsample = Some([2 * height, 2 * width]);
                conv.forward_then(&h, ConvThen { upsample, ..ConvThen::default() })
            }
            Layer::Block(block) => block.forward(&h),
        };
    }
    h
}

/// Which half.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Encoder,
    Decoder,
}

/// The view on the layers of one half, wherever the file has them, and the number of its first.
fn find(vars: &Vars, half: Half) -> Result<(Vars, usize), VarsError> {
    let (places, file, name) = match half {
        Half::Encoder => (["encoder.layers", "taesd_encoder", "encoder", ""], "0.weight", "encoder"),
        Half::Decoder => (["decoder.layers", "taesd_decoder", "decoder", ""], "1.weight", "decoder"),
    };
    for place in places {
        let at = if place.is_empty() { vars.clone() } else { vars.at(place) };
        // A file of one half has its layers at the top: the decoder's begin at 1, after a layer without weights.
        if place.is_empty() && !vars.has(file) {
            continue;
        }
        if let Some(first) = (0..2).find(|n| at.has(&format!("{n}.weight"))) {
            return Ok((at, first));
        }
    }
    Err(vars.odd(format!(
        "there is no {name} of a tiny autoencoder (encoder.layers.0.weight, 1.weight and so on)"
    )))
}

/// The layers of one half.
#[derive(Debug)]
struct Layers {
    layers: Vec<Layer>,
    c_in: usize,
    c_out: usize,
    /// Pixels of the picture, along one side, for one of the latent.
    scale: usize,
}

fn layers(vars: &Vars, half: Half) -> Result<Layers, VarsError> {
    let (vars, first) = find(vars, half)?;
    let name = format!("{first}.weight");
    let weight = vars.any(&name)?;
    let [_, c_in, 3, 3] = *weight.shape() else {
        return Err(vars.odd(format!(
            "\"{}\" is no 3x3 convolution: {:?}",
            vars.full(&name),
            weight.shape()
        )));
    };
    let (mut c, mut halvings) = (c_in, 0);
    let mut layers = Vec::new();
    for n in first..MOST_LAYERS {
        let at = vars.at(n.to_string());
        if at.has("conv.0.weight") {
            let (block, c_out) = Block::new(&at, c)?;
            layers.push(Layer::Block(Box::new(block)));
            c = c_out;
        } else if at.has("weight") {
            let resizes = !at.has("bias");
            halvings += u32::from(resizes);
            let (conv, c_out) = conv(&at, c, if resizes && half == Half::Encoder { 2 } else { 1 })?;
            layers.push(match half {
                Half::Decoder if n == first => Layer::ConvRelu(conv),
                Half::Decoder if resizes => Layer::Doubled(conv),
                _ => Layer::Conv(conv),
            });
            c = c_out;
        }
    }
    if halvings > MOST_DOUBLINGS {
        return Err(vars.odd(format!("a tiny autoencoder that halves {halvings} times is not known here")));
    }
    Ok(Layers { layers, c_in, c_out: c, scale: 1 << halvings })
}

/// Latent to picture.
#[derive(Debug)]
pub struct TinyDecoder {
    layers: Layers,
    compute: Compute,
}

impl TinyDecoder {
    /// Takes the decoder of these weights: `decoder.layers.N`, `taesd_decoder.N`, `decoder.N` or, in a file of its own, `N`.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let layers = layers(vars, Half::Decoder)?;
        if layers.c_out != 3 {
            let what = format!("the decoder ends in {} channels, which is no picture", layers.c_out);
            return Err(vars.odd(what));
        }
        Ok(Self { layers, compute: vars.compute().clone() })
    }

    /// Channels of its latents.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.layers.c_in
    }

    /// Pixels of the picture, along one side, for one of the latent: 8 in the known models.
    #[must_use]
    pub fn scale(&self) -> usize {
        self.layers.scale
    }

    /// From (images, channels, height, width) to (images, 3, height, width) as many times larger as [`Self::scale`] says, about 0 to 1: not clamped.
    pub fn decode(&self, latent: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        fits("the latent of the tiny decoder", latent, self.layers.c_in)?;
        let dims = latent.dims();
        let mut soft = compute::values(latent.clone())?;
        for value in &mut soft {
            *value = libm::tanhf(*value / 3.0) * 3.0;
        }
        Ok(run(&self.layers, self.compute.tensor(soft, dims)))
    }
}

/// Picture to latent.
#[derive(Debug)]
pub struct TinyEncoder {
    layers: Layers,
}

impl TinyEncoder {
    /// Takes the encoder of these weights: `encoder.layers.N`, `taesd_encoder.N`, `encoder.N` or, in a file of its own, `N`.
    pub fn new(vars: &Vars) -> Result<Self, VarsError> {
        let layers = layers(vars, Half::Encoder)?;
        if layers.c_in != 3 {
            let what = format!("the encoder begins with {} channels, which is no picture", layers.c_in);
            return Err(vars.odd(what));
        }
        Ok(Self { layers })
    }

    /// Channels of its latents.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.layers.c_out
    }

    /// Pixels of the picture, along one side, for one of the latent: 8 in the known models.
    #[must_use]
    pub fn scale(&self) -> usize {
        self.layers.scale
    }

    /// From (images, 3, height, width) of 0 to 1 to (images, channels, height, width) as many
    /// times smaller as [`Self::scale`] says, rounded up.
    pub fn encode(&self, picture: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        fits("the picture for the tiny encoder", picture, 3)?;
        Ok(run(&self.layers, picture.clone()))
    }
}

fn fits(what: &str, x: &Tensor<4>, channels: usize) -> Result<(), NetError> {
    let [n, c, h, w] = x.dims();
    if n > 0 && c == channels && h > 0 && w > 0 {
        return Ok(());
    }
    let expected = format!("(images, {channels}, height, width)");
    Err(NetError::Shape { what: what.to_owned(), expected, found: x.dims().to_vec() })
}
