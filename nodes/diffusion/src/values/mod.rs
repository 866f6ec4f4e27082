//! What travels on the wires of diffusion nodes.
//!
//! A model is a description: which file, and what is changed about it. It weighs nothing, is stored as it is, and is
//! built where it is used ([`crate::runtime`]). Latents and conditionings are numbers on the host, the same whatever
//! device made them.

mod conditioning;
mod latent;
mod model;
mod sampling;

pub use conditioning::{Area, Concat, Conditioning, Entry, MaskArea, Sizes, Tokens};
pub use latent::{Latent, NoiseMask};
pub use model::{
    BlockRatios, Change, DiscretePrediction, EdmPrediction, FreeUSettings, ModelValue, Part, SpaceChoice,
    TextValue, VaeValue, WeightsValue,
};
pub use sampling::{GuiderValue, NoiseValue, SamplerValue, SigmasValue};

use kiln_core::{NodeError, Registry, codec::ObjectCodec};
pub use kiln_shelf::StoredFile;
use kiln_types::Object;
use std::sync::Arc;

/// Names of the types.
pub mod names {
    /// A diffusion model.
    pub const MODEL: &str = "Model";
    /// Text encoders.
    pub const CLIP: &str = "Clip";
    /// An autoencoder.
    pub const VAE: &str = "Vae";
    /// What a picture should show.
    pub const CONDITIONING: &str = "Conditioning";
    /// Latent pictures.
    pub const LATENT: &str = "Latent";
    /// Where noise comes from.
    pub const NOISE: &str = "Noise";
    /// A model with its conditionings.
    pub const GUIDER: &str = "Guider";
    /// A sampler with its settings.
    pub const SAMPLER: &str = "Sampler";
    /// Noise levels.
    pub const SIGMAS: &str = "Sigmas";
}

macro_rules! objects {
    (recipes { $($recipe:ty, $recipe_name:expr;)* } stored { $($ty:ty, $name:expr;)* }) => {
        $(objects!(object $recipe, $recipe_name);)*
        $(objects!(object $ty, $name);)*

        /// Says how the types of this family are stored. Models are not: their files may lie elsewhere next time, and
        /// naming them again costs nothing.
        pub fn add_codecs(registry: &mut Registry) {
            $(registry.add_codec($name, ObjectCodec {
                version: 1,
                encode: |o| postcard::to_stdvec(o.as_any().downcast_ref::<$ty>()?).ok(),
                decode: |version, bytes| {
                    let value: $ty = if version == 1 { postcard::from_bytes(bytes).ok()? } else { return None };
                    value.sound().then(|| Arc::new(value) as Arc<dyn Object>)
                },
            });)*
        }
    };
    (object $ty:ty, $name:expr) => {
        impl Object for $ty {
            fn type_name(&self) -> &'static str {
                $name
            }
            fn byte_size(&self) -> usize {
                self.bytes()
            }
            fn as_any(&self) -> &dyn std::any::Any {
                self
            }
        }
        impl From<$ty> for kiln_types::Value {
            fn from(value: $ty) -> Self {
                Self::Object(Arc::new(value))
            }
        }
    };
}

objects! {
    recipes {
    ModelValue, names::MODEL;
    TextValue, names::CLIP;
    VaeValue, names::VAE;
    GuiderValue, names::GUIDER;
    }
    stored {
    Conditioning, names::CONDITIONING;
    Latent, names::LATENT;
    NoiseValue, names::NOISE;
    SamplerValue, names::SAMPLER;
    SigmasValue, names::SIGMAS;
    }
}

/// The value of one of this family's types on an input.
///
/// # Errors
/// When the input is empty or holds another type.
pub fn take<T: Object + Clone>(cx: &kiln_core::Cx<'_>, port: &str) -> Result<T, NodeError> {
    let object = cx.object(port)?;
    object.as_any().downcast_ref::<T>().cloned().ok_or_else(|| {
        NodeError::new(format!("this is a {}, which does not fit here", object.type_name()))
            .at(port.to_owned())
    })
}
