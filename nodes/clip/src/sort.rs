//! What a file holds: the weights of an image tower, of a text tower, or both, under the names people's files have.
//!
//! transformers calls them `vision_model.…` and `text_model.…`; OpenAI and OpenCLIP `visual.…` and, for the text tower,
//! nothing at all (`token_embedding.weight`), or `text.…` in some newer files. A training program may have put a word in
//! front of all of them.

use kiln_layout::{Looks, looks_like};
use kiln_networks::transformer::Naming;
use kiln_tensor::{Weight, WeightMap};
use kiln_weights::WeightFile;

use crate::error::ClipError;
use crate::vision;

/// What may stand in front of every name.
const PREFIXES: [&str; 7] =
    ["", "module.", "model.", "clip.", "clip_model.", "embedder.model.", "image_encoder."];

/// The weights of one tower, by the names its network asks for.
pub(crate) struct Tower {
    pub(crate) naming: Naming,
    pub(crate) weights: WeightMap,
}

/// What a file holds.
pub(crate) struct Sorted {
    pub(crate) vision: Option<Tower>,
    pub(crate) text: Option<Tower>,
    /// What cosines are multiplied by for probabilities, where the file says so.
    pub(crate) scale: Option<f64>,
    /// Whether OpenAI's own training left its marks.
    pub(crate) open_ai: bool,
}

/// What the names of other constructions begin with, or hold.
const OTHERS: [(&str, &str); 10] = [
    ("visual.layer1.", "a CLIP with a ResNet image tower (RN50 and its kin)"),
    ("visual.trunk.", "an OpenCLIP model with a timm image tower (ConvNeXt, SigLIP, EVA …)"),
    ("visual.blocks.", "an EVA-CLIP"),
    ("visual.attn_pool", "a CoCa"),
    ("vision_model.head.", "a SigLIP"),
    ("logit_bias", "a SigLIP"),
    ("text_model.encoder.layer.", "a CLIP with a BERT text tower (Chinese CLIP, AltCLIP …)"),
    ("text.transformer.encoder.layer.", "a CLIP with a BERT text tower"),
    ("text.transformer.embeddings.", "a CLIP with a BERT text tower"),
    ("vision_model.embeddings.cls_token", "a DINOv2"),
];

/// Sorts a file's weights; nothing of them is read but the scale.
pub(crate) fn sort(file: &WeightFile) -> Result<Sorted, ClipError> {
    let name = file_name(file);
    let foreign = |looks: String| ClipError::Foreign { file: name.clone(), wanted: "a CLIP", looks };
    match looks_like(file) {
        Looks::Model | Looks::ClipVision | Looks::Unknown => {}
        looks => return Err(foreign(looks.words())),
    }
    for prefix in PREFIXES {
        for (start, what) in OTHERS {
            if file.names().any(|n| n.strip_prefix(prefix).is_some_and(|n| n.starts_with(start))) {
                return Err(ClipError::NotYet { file: name, what });
            }
        }
    }
    let vision = PREFIXES.iter().find_map(|prefix| image_tower(file, prefix));
    let text = PREFIXES.iter().find_map(|prefix| text_tower(file, prefix));
    if vision.is_none() && text.is_none() {
        return Err(foreign(unknown(file)));
    }
    let ends =
        |end: &str| file.iter().find(|s| PREFIXES.iter().any(|p| s.name().strip_prefix(p) == Some(end)));
    let scale = ends("logit_scale").filter(|s| s.shape().iter().product::<usize>() == 1);
    // Stored as its logarithm; CLIP is trained with at most 100.
    let scale = scale.and_then(|s| s.to_f32().first().map(|v| libm::exp(f64::from(*v))));
    Ok(Sorted {
        vision,
        text,
        scale: scale.filter(|s| s.is_finite() && *s > 0.0),
        open_ai: ends("input_resolution").is_some() || ends("context_length").is_some(),
    })
}

/// The file's name without its folders.
pub(crate) fn file_name(file: &WeightFile) -> String {
    file.path().file_name().unwrap_or(file.path().as_os_str()).to_string_lossy().into_owned()
}

fn unknown(file: &WeightFile) -> String {
    if file.is_empty() {
        // OpenAI's own downloads: a program with its weights, which only torch can take apart.
        return "a TorchScript program, or an empty file; load it with torch.jit.load(...), save its state_dict() with \
                torch.save, or take a safetensors file"
            .to_owned();
    }
    match looks_like(file) {
        Looks::Unknown => Looks::Unknown.words(),
        _ => "a diffusion model or a part of one; its text encoder is no CLIP by itself".to_owned(),
    }
}

/// Those below `prefix`, with names changed by `rename`.
fn taken(file: &WeightFile, prefix: &str, rename: impl Fn(&str) -> Option<String>) -> WeightMap {
    let renamed = |name: &str| rename(name.strip_prefix(prefix)?);
    file.iter().filter_map(|s| Some((renamed(s.name())?, Weight::stored(s.clone())))).collect()
}

fn image_tower(file: &WeightFile, prefix: &str) -> Option<Tower> {
    let has = |name: &str| file.get(&format!("{prefix}{name}")).is_some();
    if has("visual.class_embedding") || has("visual.conv1.weight") {
        let own = |n: &str| n.starts_with("visual.").then(|| n.to_owned());
        return Some(Tower { naming: Naming::OpenClip, weights: taken(file, prefix, own) });
    }
    if has(vision::names(Naming::HuggingFace).class) {
        let own = |n: &str| {
            (n.starts_with("vision_model.") || n.starts_with("visual_projection.")).then(|| n.to_owned())
        };
        return Some(Tower { naming: Naming::HuggingFace, weights: taken(file, prefix, own) });
    }
    // An image tower that transformers saved alone has nothing in front of its names.
    if has("embeddings.class_embedding") {
        const OWN: [&str; 4] = ["embeddings.", "encoder.layers.", "pre_layrnorm.", "post_layernorm."];
        let own = |n: &str| {
            if n.starts_with("visual_projection.") {
                return Some(n.to_owned());
            }
            OWN.iter().any(|start| n.starts_with(start)).then(|| format!("vision_model.{n}"))
        };
        return Some(Tower { naming: Naming::HuggingFace, weights: taken(file, prefix, own) });
    }
    None
}

fn text_tower(file: &WeightFile, prefix: &str) -> Option<Tower> {
    let has = |name: &str| file.get(&format!("{prefix}{name}")).is_some();
    if has("text_model.embeddings.token_embedding.weight") {
        let own = |n: &str| {
            (n.starts_with("text_model.") || n.starts_with("text_projection")).then(|| n.to_owned())
        };
        return Some(Tower { naming: Naming::HuggingFace, weights: taken(file, prefix, own) });
    }
    const OWN: [&str; 5] = [
        "token_embedding.",
        "positional_embedding",
        "transformer.resblocks.",
        "ln_final.",
        "text_projection",
    ];
    let open = |n: &str| OWN.iter().any(|start| n.starts_with(start)).then(|| n.to_owned());
    if has("token_embedding.weight") {
        return Some(Tower { naming: Naming::OpenClip, weights: taken(file, prefix, open) });
    }
    has("text.token_embedding.weight").then(|| Tower {
        naming: Naming::OpenClip,
        weights: taken(file, prefix, |n| open(n.strip_prefix("text.")?)),
    })
}
