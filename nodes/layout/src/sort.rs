//! Which part of a model a name belongs to.

use std::collections::BTreeMap;

use kiln_weights::{Stored, WeightFile};

use crate::family::TextKind;

/// Where one name belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// The denoising network, by its original names or diffusers' ones.
    Unet(&'a str),
    /// The VAE, likewise.
    Vae(&'a str),
    /// A text encoder; which one is not always said.
    Text(Option<TextKind>, String),
    /// A name that says something by being there.
    Marker(&'a str),
    /// The averaged copy of a training.
    Ema,
    /// Schedule tables, counters: computed here, not read.
    Leftover,
    /// Nobody knows.
    Unknown,
}

impl Place<'_> {
    pub(crate) fn is_model(&self) -> bool {
        matches!(self, Self::Unet(_) | Self::Vae(_) | Self::Text(..) | Self::Ema)
    }
}

const TEXT_PREFIXES: [(&str, Option<TextKind>); 16] = [
    ("cond_stage_model.transformer.", Some(TextKind::ClipL)),
    ("cond_stage_model.clip_l.", Some(TextKind::ClipL)),
    ("cond_stage_model.clip_h.", Some(TextKind::OpenClipH)),
    ("cond_stage_model.clip_g.", Some(TextKind::OpenClipG)),
    ("cond_stage_model.model.", Some(TextKind::OpenClipH)),
    ("conditioner.embedders.0.transformer.", Some(TextKind::ClipL)),
    ("conditioner.embedders.0.model.", Some(TextKind::OpenClipG)),
    ("conditioner.embedders.1.model.", Some(TextKind::OpenClipG)),
    ("conditioner.embedders.1.transformer.", Some(TextKind::OpenClipG)),
    ("text_encoders.clip_l.", Some(TextKind::ClipL)),
    ("text_encoders.clip_h.", Some(TextKind::OpenClipH)),
    ("text_encoders.clip_g.", Some(TextKind::OpenClipG)),
    ("clip_l.", Some(TextKind::ClipL)),
    ("clip_g.", Some(TextKind::OpenClipG)),
    ("text_encoder_2.", Some(TextKind::OpenClipG)),
    ("text_encoder.", None),
];

const UNET_PREFIXES: [&str; 3] = ["model.diffusion_model.", "diffusion_model.", "unet."];

const UNET_STARTS: [&str; 14] = [
    "input_blocks.",
    "middle_block.",
    "output_blocks.",
    "time_embed.",
    "label_emb.",
    "out.0.",
    "out.2.",
    "down_blocks.",
    "mid_block.",
    "up_blocks.",
    "time_embedding.",
    "add_embedding.",
    "class_embedding.",
    "conv_norm_out.",
];

const VAE_PREFIXES: [&str; 2] = ["first_stage_model.", "vae."];

const VAE_STARTS: [&str; 11] = [
    "encoder.conv_in.",
    "encoder.conv_out.",
    "encoder.norm_out.",
    "encoder.conv_norm_out.",
    "encoder.down.",
    "encoder.down_blocks.",
    "encoder.mid",
    "decoder.conv_",
    "decoder.norm_out.",
    "decoder.up",
    "decoder.mid",
];

const LEFTOVER_STARTS: [&str; 8] = [
    "model_ema.decay",
    "model_ema.num_updates",
    "loss.",
    "first_stage_model.loss.",
    "cond_stage_model.logit_scale",
    "denoiser.",
    "sampler.",
    "global_step",
];

const LEFTOVERS: [&str; 15] = [
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "logvar",
    "scale_factor",
    "sigmas",
];

const MARKERS: [&str; 6] =
    ["v_pred", "ztsnr", "edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min"];

/// Inside a text encoder, but no weight of its network.
fn is_text_leftover(name: &str) -> bool {
    name.ends_with("position_ids")
        || name.ends_with("logit_scale")
        || name.ends_with("attn_mask")
        || ["visual.", "vision_model.", "visual_projection.", "positional_embedding_res"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// A text encoder's name with everything before `text_model.`, `text_projection` or OpenCLIP's own names taken off.
fn text_name(mut rest: &str) -> Option<String> {
    const OPEN: [&str; 5] = [
        "token_embedding.",
        "positional_embedding",
        "transformer.resblocks.",
        "ln_final.",
        "text_projection",
    ];
    loop {
        if rest.starts_with("text_model.") || OPEN.iter().any(|start| rest.starts_with(start)) {
            return Some(rest.to_owned());
        }
        if ["embeddings.", "encoder.layers.", "final_layer_norm."].iter().any(|start| rest.starts_with(start))
        {
            return Some(format!("text_model.{rest}"));
        }
        rest = rest.strip_prefix("transformer.").or_else(|| rest.strip_prefix("model."))?;
    }
}

/// Says where one name belongs.
pub(crate) fn place(name: &str) -> Place<'_> {
    if MARKERS.contains(&name) {
        return Place::Marker(name);
    }
    if LEFTOVERS.contains(&name) || LEFTOVER_STARTS.iter().any(|start| name.starts_with(start)) {
        return Place::Leftover;
    }
    if name.starts_with("model_ema.") {
        return Place::Ema;
    }
    if let Some(rest) = UNET_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        return Place::Unet(rest);
    }
    if let Some(rest) = VAE_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        return if rest.starts_with("model_ema.") { Place::Leftover } else { Place::Vae(rest) };
    }
    for (prefix, kind) in TEXT_PREFIXES {
        if let Some(rest) = name.strip_prefix(prefix) {
            if is_text_leftover(rest) || is_text_leftover(rest.strip_prefix("transformer.").unwrap_or(rest)) {
                return Place::Leftover;
            }
            return text_name(rest).map_or(Place::Unknown, |name| Place::Text(kind, name));
        }
    }
    // Without a prefix: a part in a file of its own.
    if UNET_STARTS.iter().any(|start| name.starts_with(start))
        || matches!(name, "conv_in.weight" | "conv_in.bias" | "conv_out.weight" | "conv_out.bias")
    {
        return Place::Unet(name);
    }
    if VAE_STARTS.iter().any(|start| name.starts_with(start))
        || name.starts_with("quant_conv.")
        || name.starts_with("post_quant_conv.")
    {
        return Place::Vae(name);
    }
    if is_text_leftover(name) || name.ends_with(".position_ids") {
        return Place::Leftover;
    }
    let bare =
        name.strip_prefix("transformer.").filter(|rest| !rest.starts_with("resblocks.")).unwrap_or(name);
    if bare.starts_with("text_model.")
        || bare.starts_with("transformer.resblocks.")
        || bare.starts_with("text_projection")
        || ["token_embedding.weight", "positional_embedding", "ln_final.weight", "ln_final.bias"]
            .contains(&bare)
    {
        return Place::Text(None, bare.to_owned());
    }
    Place::Unknown
}

/// The tensors of a file by part.
#[derive(Default)]
pub(crate) struct Sorted<'f> {
    pub(crate) unet: BTreeMap<String, &'f Stored>,
    pub(crate) vae: BTreeMap<String, &'f Stored>,
    pub(crate) text: BTreeMap<Option<TextKind>, BTreeMap<String, &'f Stored>>,
    pub(crate) markers: Vec<String>,
    pub(crate) ema: usize,
    /// Names nobody knows, counted by what comes before their first dot.
    pub(crate) unknown: BTreeMap<String, usize>,
}

/// Sorts a file's tensors by part. Single numbers, empty tensors and tables of integers are no weights.
pub(crate) fn sort(file: &WeightFile) -> Sorted<'_> {
    let mut sorted = Sorted::default();
    for tensor in file.iter() {
        let place = place(tensor.name());
        let weight = tensor.is_float() && !tensor.shape().is_empty() && !tensor.is_empty();
        match place {
            Place::Marker(name) => sorted.markers.push(name.to_owned()),
            Place::Ema => sorted.ema += 1,
            Place::Unet(name) if weight => {
                sorted.unet.insert(name.to_owned(), tensor);
            }
            Place::Vae(name) if weight => {
                sorted.vae.insert(name.to_owned(), tensor);
            }
            Place::Text(kind, name) if weight => {
                sorted.text.entry(kind).or_default().insert(name, tensor);
            }
            Place::Unknown => {
                let start = tensor.name().split('.').next().unwrap_or_default();
                *sorted.unknown.entry(start.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    sorted
}
