//! The autoencoder between pictures and latents: AutoencoderKL, under its original names.

mod coder;
mod config;
mod parts;

use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::ConvSpec;
use kiln_tensor::{Compute, Tensor, Vars, VarsError};

pub use config::Config;
pub use parts::{Attention, ResBlock};

use self::coder::{Decoder, Encoder};
use crate::error::NetError;
use crate::tile::{Pass, Scale, Watch, tiled};

/// An autoencoder. Latents go in and come out as the network has them: whoever keeps them scaled divides before
/// decoding and multiplies after encoding.
#[derive(Clone, Debug)]
pub struct Vae {
    config: Config,
    /// A file may hold only one half.
    encoder: Result<Encoder, VarsError>,
    decoder: Result<Decoder, VarsError>,
    quant: Option<Conv2d>,
    post_quant: Option<Conv2d>,
    compute: Compute,
}

impl Vae {
    /// Built of the weights at `vars`, where `encoder.…` and `decoder.…` begin.
    pub fn new(vars: &Vars) -> Result<Self, NetError> {
        Self::with(vars, Config::infer(vars)?)
    }

    /// The same where something in the configuration is set by hand.
    pub fn with(vars: &Vars, config: Config) -> Result<Self, NetError> {
        let lacks = |name: &str| VarsError::Missing { file: vars.file().into(), name: vars.full(name) };
        let half = |name: &str| vars.has_below(name).then(|| vars.at(name));
        let encoder = half("encoder")
            .map(|vars| Encoder::new(&vars, &config))
            .transpose()?
            .ok_or_else(|| lacks("encoder.conv_in.weight"));
        let decoder = half("decoder")
            .map(|vars| Decoder::new(&vars, &config))
            .transpose()?
            .ok_or_else(|| lacks("decoder.conv_in.weight"));
        let double = 2 * config.z_channels;
        let optional = |name: &str, c_in, c_out| match half(name) {
            Some(vars) => Conv2d::sized(&vars, c_in, c_out, 1, ConvSpec::padded(0)).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            encoder,
            decoder,
            quant: optional("quant_conv", double, 2 * config.latent_channels)?,
            post_quant: optional("post_quant_conv", config.latent_channels, config.z_channels)?,
            compute: vars.compute().clone(),
            config,
        })
    }

    /// What was read off the weights.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many pixels a latent's pixel stands for, along each side.
    #[must_use]
    pub fn factor(&self) -> usize {
        self.config.factor()
    }

    /// Latents (images, latent channels, height, width) to pictures, about -1 to 1. Images are decoded one after the
    /// other: one alone takes enough memory.
    pub fn decode(&self, z: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        self.fits("a latent", z, self.config.latent_channels, 1)?;
        each_image(z, |z| self.decode_one(&z))
    }

    /// The same in overlapping tiles of `tile` latent pixels, averaged over three tile shapes: more work, but memory
    /// for a tile only.
    pub fn decode_tiled(
        &self,
        z: &Tensor<4>,
        tile: usize,
        overlap: usize,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, NetError> {
        self.fits("a latent", z, self.config.latent_channels, 1)?;
        let watch = Watch { progress, cancelled };
        let scale = Scale::Up(self.factor());
        tiled(z, &Pass::three(tile, overlap), scale, &self.compute, watch, &mut |z| self.decode_one(&z))
    }

    /// Pictures (images, channels, height, width) from -1 to 1 to latents: the middle of each distribution, so the
    /// same picture always gives the same latent.
    pub fn encode(&self, x: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        self.fits("a picture", x, self.config.image_channels, self.factor())?;
        each_image(x, |x| self.encode_one(&x))
    }

    /// The same in overlapping tiles of `tile` pixels. Height and width must be multiples of [`factor`](Self::factor).
    pub fn encode_tiled(
        &self,
        x: &Tensor<4>,
        tile: usize,
        overlap: usize,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, NetError> {
        self.fits("a picture", x, self.config.image_channels, self.factor())?;
        let watch = Watch { progress, cancelled };
        let f = self.factor();
        let scale = Scale::Down(f);
        tiled(x, &Pass::three(tile / f * f, overlap / f * f), scale, &self.compute, watch, &mut |x| {
            self.encode_one(&x)
        })
    }

    fn decode_one(&self, z: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        let decoder = self.decoder.as_ref().map_err(Clone::clone)?;
        Ok(match &self.post_quant {
            Some(conv) => decoder.forward(&conv.forward(z)),
            None => decoder.forward(z),
        })
    }

    fn encode_one(&self, x: &Tensor<4>) -> Result<Tensor<4>, NetError> {
        let encoder = self.encoder.as_ref().map_err(Clone::clone)?;
        let mut moments = encoder.forward(x);
        if let Some(conv) = &self.quant {
            moments = conv.forward(&moments);
        }
        // The mean comes first, then the logarithm of the variance.
        Ok(moments.narrow(1, 0, self.config.latent_channels))
    }

    fn fits(&self, what: &str, x: &Tensor<4>, channels: usize, least: usize) -> Result<(), NetError> {
        let [images, c, h, w] = x.dims();
        if images > 0 && c == channels && h >= least && w >= least {
            return Ok(());
        }
        Err(NetError::Shape {
            what: what.into(),
            expected: format!("(images, {channels}, height, width) with sides of at least {least}"),
            found: x.dims().to_vec(),
        })
    }
}

fn each_image(
    x: &Tensor<4>,
    run: impl Fn(Tensor<4>) -> Result<Tensor<4>, NetError>,
) -> Result<Tensor<4>, NetError> {
    let mut made =
        (0..x.dims()[0]).map(|image| run(x.clone().narrow(0, image, 1))).collect::<Result<Vec<_>, _>>()?;
    Ok(if made.len() == 1 { made.remove(0) } else { Tensor::cat(made, 0) })
}
