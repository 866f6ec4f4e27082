//! Autoencoders: the full ones of checkpoints, and tiny ones that are nearly as good in a fraction of the time.

use crate::runtime::network_error;
use kiln_core::NodeError;
use kiln_networks::error::NetError;
use kiln_networks::taesd::{TinyDecoder, TinyEncoder};
use kiln_networks::vae::Vae;
use kiln_tensor::{Tensor, Vars};

/// An autoencoder between pictures (-1 to 1) and latents (without a model's scale).
pub enum Autoencoder {
    /// A full one.
    Full(Box<Vae>),
    /// A tiny one, of which a file may hold only one half.
    Tiny(Box<Tiny>),
}

/// A tiny autoencoder, or one half of it.
pub struct Tiny {
    decoder: Option<TinyDecoder>,
    encoder: Option<TinyEncoder>,
    /// What latents are multiplied by for it.
    scale: f32,
}

impl Autoencoder {
    /// A tiny one from its weights.
    ///
    /// # Errors
    /// When there is neither half of one.
    pub fn tiny(vars: &Vars, scale: f32) -> Result<Self, NodeError> {
        let decoder = TinyDecoder::new(vars);
        let encoder = TinyEncoder::new(vars).ok();
        match (decoder, encoder) {
            (Err(e), None) => {
                Err(NodeError::new(e).hint("a tiny autoencoder is named like taesd or taesdxl"))
            }
            (decoder, encoder) => Ok(Self::Tiny(Box::new(Tiny { decoder: decoder.ok(), encoder, scale }))),
        }
    }

    /// Channels of its latents.
    #[must_use]
    pub fn latent_channels(&self) -> usize {
        match self {
            Self::Full(vae) => vae.config().latent_channels,
            Self::Tiny(tiny) => {
                let own = tiny.decoder.as_ref().map(TinyDecoder::channels);
                own.or(tiny.encoder.as_ref().map(TinyEncoder::channels)).unwrap_or(4)
            }
        }
    }

    /// Pixels of a picture, along one side, for one of the latent.
    #[must_use]
    pub fn factor(&self) -> usize {
        match self {
            Self::Full(vae) => vae.factor(),
            Self::Tiny(tiny) => {
                let own = tiny.decoder.as_ref().map(TinyDecoder::scale);
                own.or(tiny.encoder.as_ref().map(TinyEncoder::scale)).unwrap_or(8)
            }
        }
    }

    /// Latent to picture; in tiles of (tile, overlap) latent pixels when they are given. A tiny one needs no tiles.
    ///
    /// # Errors
    /// When it has no decoder, the latent does not fit, or somebody cancels.
    pub fn decode(
        &self,
        z: &Tensor<4>,
        tiles: Option<(usize, usize)>,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, NodeError> {
        let done: Result<Tensor<4>, NetError> = match (self, tiles) {
            (Self::Full(vae), None) => vae.decode(z),
            (Self::Full(vae), Some((tile, overlap))) => {
                vae.decode_tiled(z, tile, overlap, progress, cancelled)
            }
            (Self::Tiny(tiny), _) => match &tiny.decoder {
                Some(decoder) => decoder.decode(&(z.clone() * tiny.scale)).map(|picture| picture * 2.0 - 1.0),
                None => return Err(half("encoder", "decoder").at("vae")),
            },
        };
        done.map_err(|e| network_error(&e))
    }

    /// Picture to latent; in tiles of (tile, overlap) pixels when they are given.
    ///
    /// # Errors
    /// When it has no encoder, the picture does not fit, or somebody cancels.
    pub fn encode(
        &self,
        x: &Tensor<4>,
        tiles: Option<(usize, usize)>,
        progress: &mut dyn FnMut(usize, usize),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, NodeError> {
        let done: Result<Tensor<4>, NetError> = match (self, tiles) {
            (Self::Full(vae), None) => vae.encode(x),
            (Self::Full(vae), Some((tile, overlap))) => {
                vae.encode_tiled(x, tile, overlap, progress, cancelled)
            }
            (Self::Tiny(tiny), _) => match &tiny.encoder {
                Some(encoder) => encoder.encode(&(x.clone() * 0.5 + 0.5)).map(|latent| latent / tiny.scale),
                None => return Err(half("decoder", "encoder").at("vae")),
            },
        };
        done.map_err(|e| network_error(&e))
    }
}

fn half(has: &str, lacks: &str) -> NodeError {
    NodeError::new(format!("this tiny autoencoder's file holds its {has} only"))
        .hint(format!("use the file with the {lacks}, or one with both"))
}
