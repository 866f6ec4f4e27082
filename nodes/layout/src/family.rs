//! The families of models, and a model taken apart.

use kiln_tensor::WeightMap;

/// A family: networks of one construction that share their text encoders and their latents. A small or slimmed relative
/// counts as the family it resembles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Stable Diffusion 1.x: text from CLIP-L.
    Sd1,
    /// Stable Diffusion 2.x: text from OpenCLIP-H.
    Sd2,
    /// SDXL: text from CLIP-L and OpenCLIP-G.
    SdxlBase,
    /// The SDXL refiner: text from OpenCLIP-G.
    SdxlRefiner,
}

impl Family {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sd1 => "Stable Diffusion 1",
            Self::Sd2 => "Stable Diffusion 2",
            Self::SdxlBase => "SDXL",
            Self::SdxlRefiner => "SDXL refiner",
        }
    }

    /// What latents are multiplied with before the network sees them.
    #[must_use]
    pub const fn latent_scale(self) -> f32 {
        match self {
            Self::Sd1 | Self::Sd2 => 0.18215,
            Self::SdxlBase | Self::SdxlRefiner => 0.13025,
        }
    }
}

/// What the network's output means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PredictionKind {
    /// The noise.
    Eps,
    /// The velocity, between noise and picture.
    V,
}

/// The latents a model works on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latent {
    /// Their channels.
    pub channels: usize,
    /// What they are multiplied with before the network sees them.
    pub scale: f32,
}

/// The text encoders of these families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextKind {
    /// OpenAI's CLIP ViT-L/14.
    ClipL,
    /// OpenCLIP ViT-H/14.
    OpenClipH,
    /// OpenCLIP ViT-bigG/14.
    OpenClipG,
}

impl TextKind {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClipL => "CLIP-L",
            Self::OpenClipH => "OpenCLIP-H",
            Self::OpenClipG => "OpenCLIP-G",
        }
    }
}

/// One text encoder. Its names start at `text_model.` (transformers) or at `token_embedding.weight` and
/// `transformer.resblocks.` (OpenCLIP), as the file has them.
#[derive(Clone, Debug)]
pub struct TextPart {
    /// Which one it is.
    pub kind: TextKind,
    /// Its weights.
    pub weights: WeightMap,
}

/// A VAE by itself.
#[derive(Clone, Debug)]
pub struct VaePart {
    /// Its weights, by their original names.
    pub weights: WeightMap,
    /// The channels of its latents.
    pub latent_channels: usize,
}

/// A model taken apart. Parts that a file does not have are absent.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The family.
    pub family: Family,
    /// What the network predicts.
    pub prediction: PredictionKind,
    /// Whether the noise schedule ends at pure noise (zero terminal signal-to-noise ratio).
    pub zsnr: bool,
    /// The denoising network, by its original names below `model.diffusion_model.`.
    pub unet: Option<WeightMap>,
    /// The VAE, by its original names below `first_stage_model.`.
    pub vae: Option<WeightMap>,
    /// The text encoders, in the order the family uses them.
    pub text: Vec<TextPart>,
    /// Channels that go into the network: 4, or 9 for inpainting models.
    pub in_channels: usize,
    /// The latents.
    pub latent: Latent,
    /// What a person should know: names nobody knows, parts left out.
    pub notes: Vec<String>,
}
