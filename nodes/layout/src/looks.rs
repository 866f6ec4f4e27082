//! What a file looks like from its names alone, so that a wrong file is called what it is.

use kiln_weights::WeightFile;

use crate::names::NameSet;

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// A checkpoint, or a part of one, of the families Kiln runs: the names say no more.
    Model,
    /// Changes for a model.
    Lora,
    /// An upscaler: ESRGAN and its relatives.
    Upscaler,
    /// A ControlNet.
    ControlNet,
    /// A T2I adapter.
    T2iAdapter,
    /// An IP-Adapter.
    IpAdapter,
    /// Learned words.
    TextualInversion,
    /// A hypernetwork.
    Hypernetwork,
    /// A motion module for films.
    MotionModule,
    /// The state of an unfinished training.
    TrainingState,
    /// CLIP's picture side.
    ClipVision,
    /// A T5 text encoder.
    T5,
    /// A small stand-in for a VAE.
    TinyVae,
    /// A network of another construction, by name.
    OtherNetwork(&'static str),
    /// Weights packed in a way that needs more than their numbers.
    Packed(&'static str),
    /// Nothing known.
    Unknown,
}

impl Looks {
    /// In words, after "looks like".
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Model => "a model or a part of one",
            Self::Lora => "a LoRA (it belongs into a LoRA loader)",
            Self::Upscaler => "an upscaler (it belongs into an upscale model loader)",
            Self::ControlNet => "a ControlNet",
            Self::T2iAdapter => "a T2I adapter",
            Self::IpAdapter => "an IP-Adapter",
            Self::TextualInversion => "a textual inversion (write embedding:name in a prompt to use it)",
            Self::Hypernetwork => "a hypernetwork",
            Self::MotionModule => "a motion module for films",
            Self::TrainingState => "the state of an unfinished training",
            Self::ClipVision => "CLIP's picture encoder",
            Self::T5 => "a T5 text encoder",
            Self::TinyVae => "a tiny VAE for previews (TAESD)",
            Self::OtherNetwork(name) => return format!("a {name} model, of another construction"),
            Self::Packed(how) => return format!("a model packed as {how}; take the f16 file instead"),
            Self::Unknown => "nothing Kiln knows",
        }
        .to_owned()
    }
}

/// Any of these at the start of a name, with or without the checkpoint's own prefix, says which network it is.
const OTHERS: [(&str, &str); 16] = [
    ("double_blocks.0.img_attn", "Flux"),
    ("double_stream_modulation_img.", "Flux 2"),
    ("transformer_blocks.0.norm1_context", "Stable Diffusion 3 or Flux (diffusers)"),
    ("single_transformer_blocks.0.", "Flux (diffusers)"),
    ("joint_blocks.0.", "Stable Diffusion 3"),
    ("double_layers.0.", "AuraFlow"),
    ("single_transformer_blocks.", "AuraFlow"),
    ("cap_embedder.", "Lumina or Z-Image"),
    ("noise_refiner.", "Lumina or Z-Image"),
    ("clip_txt_mapper.", "Stable Cascade"),
    ("clip_txt_pooled_mapper.", "Stable Cascade"),
    ("patch_embedding.", "Wan"),
    ("txt_in.individual_token_refiner", "HunyuanVideo"),
    ("img_in.weight", "Qwen-Image"),
    ("y_embedder.", "PixArt"),
    ("x_embedder.proj.1.", "Cosmos"),
];

const PREFIXES: [&str; 4] = ["", "model.diffusion_model.", "diffusion_model.", "transformer."];

/// Says what a file looks like.
#[must_use]
pub fn looks_like(file: &WeightFile) -> Looks {
    let shape = |name: &str| file.get(name).map(|tensor| tensor.shape().to_vec());
    let mut looks = of_names(file.names());
    // One tensor alone tells nothing by its name: learned words are [n, width].
    if looks == Looks::Unknown
        && file.len() <= 4
        && file.names().all(|name| {
            ["emb_params", "string_to_param", "clip_l", "clip_g", "<", "embedding"]
                .iter()
                .any(|start| name.starts_with(start))
                && shape(name).is_some_and(|s| s.len() <= 2)
        })
        && !file.is_empty()
    {
        looks = Looks::TextualInversion;
    }
    looks
}

pub(crate) fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Looks {
    let all: Vec<&str> = names.collect();
    let set = NameSet::new(all.iter().copied());
    let ends = |ending: &str| all.iter().any(|name| name.ends_with(ending));
    let holds = |part: &str| all.iter().any(|name| name.contains(part));

    if ["lora_unet_", "lora_te", "lycoris_"].iter().any(|s| set.any(s))
        || [".lora_down.weight", ".lora_up.weight", ".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".oft_blocks"]
            .iter()
            .any(|s| ends(s))
        || holds(".lora_A.")
        || holds("lora.down.weight")
        || holds("lora_linear_layer.")
        || holds(".oft_R.")
    {
        return Looks::Lora;
    }
    if set.any("control_model.")
        || set.any("controlnet_")
        || set.any("input_hint_block.")
        || set.any("zero_convs.")
    {
        return Looks::ControlNet;
    }
    if set.any("image_proj.") && set.any("ip_adapter.") {
        return Looks::IpAdapter;
    }
    if holds("motion_modules.") || holds(".temporal_transformer.") {
        return Looks::MotionModule;
    }
    if set.any("body.0.rdb1.")
        || set.any("body.0.RDB1.")
        || set.any("model.1.sub.0.RDB1.")
        || set.any("params_ema.")
        || (set.any("conv_first.") && set.any("conv_last."))
        || (set.any("body.0.weight") && !set.any("body.0.in_conv"))
    {
        return Looks::Upscaler;
    }
    if set.any("adapter.body.") || (set.any("body.0.") && set.any("conv_in.")) {
        return Looks::T2iAdapter;
    }
    for (start, name) in OTHERS {
        if PREFIXES.iter().any(|prefix| set.any(&format!("{prefix}{start}"))) {
            return Looks::OtherNetwork(name);
        }
    }
    if holds(".time_stack.") || holds(".time_mixer.") || holds(".temporal_res_block.") {
        return Looks::OtherNetwork("Stable Video Diffusion");
    }
    if ends(".absmax") || holds(".quant_state.") {
        return Looks::Packed("4 bit (bitsandbytes)");
    }
    if set.any("scaled_fp8") || ends(".scale_weight") {
        return Looks::Packed("scaled fp8");
    }
    let sees = set.any("vision_model.") || set.any("visual.");
    if sees && !set.any("text_model.") && !set.any("token_embedding.") {
        return Looks::ClipVision;
    }
    if set.any("encoder.block.0.layer.") || holds("t5xxl.") && !set.any("model.diffusion_model.") {
        return Looks::T5;
    }
    if set.any("emb_params") || set.any("string_to_param") || set.any("string_to_token") {
        return Looks::TextualInversion;
    }
    if all.iter().any(|name| name.contains("optimizer_state") || name.contains("exp_avg"))
        || set.any("optimizer.")
    {
        return Looks::TrainingState;
    }
    if set.any("taesd_") || set.any("decoder.layers.") || (set.any("1.weight") && set.any("3.conv.0.")) {
        return Looks::TinyVae;
    }
    if all.iter().any(|name| name.starts_with("768.") || name.starts_with("320.")) {
        return Looks::Hypernetwork;
    }
    if all.iter().any(|name| crate::sort::place(name).is_model()) { Looks::Model } else { Looks::Unknown }
}
