//! A file taken apart into the parts of a model.

use std::collections::BTreeMap;
use std::path::Path;

use kiln_tensor::{Weight, WeightMap};
use kiln_weights::{Stored, WeightFile};

use crate::checks;
use crate::error::{LayoutError, shown};
use crate::family::{Family, Latent, Parts, TextKind, TextPart, VaePart};
use crate::looks::{Looks, looks_like};
use crate::names::text::is_open_clip;
use crate::names::unet::UnetNames;
use crate::names::vae::VaeNames;
use crate::prediction;
use crate::sort::{Sorted, sort};

/// Takes a file apart: a checkpoint, or a network, a VAE or a text encoder by itself.
///
/// # Errors
/// If it is something else, incomplete, or a model Kiln does not run.
pub fn recognise(file: &WeightFile) -> Result<Parts, LayoutError> {
    Found::in_file(file, "a checkpoint")?.into_parts()
}

/// The denoising network of a file; what else is in it is left out.
///
/// # Errors
/// As [`recognise`], or if there is no denoising network.
pub fn unet_only(file: &WeightFile) -> Result<Parts, LayoutError> {
    const WANTED: &str = "a denoising network";
    let parts = Found::in_file(file, WANTED)?.into_parts()?;
    if parts.unet.is_none() {
        let looks = if parts.vae.is_some() { "a VAE" } else { "a text encoder" };
        return Err(foreign(file, looks.to_owned(), WANTED));
    }
    Ok(Parts { vae: None, text: Vec::new(), ..parts })
}

/// The VAE of a file.
///
/// # Errors
/// As [`recognise`], or if there is no VAE.
pub fn vae_only(file: &WeightFile) -> Result<VaePart, LayoutError> {
    const WANTED: &str = "a VAE";
    let found = Found::in_file(file, WANTED)?;
    let Some(weights) = found.vae else {
        let looks = if found.unet.is_some() { "a denoising network without a VAE" } else { "a text encoder" };
        return Err(foreign(file, looks.to_owned(), WANTED));
    };
    let latent_channels = side(&weights, "decoder.conv_in.weight", 1).unwrap_or(0);
    Ok(VaePart { weights, latent_channels })
}

/// The text encoders of one or several files, in the order a family uses them.
///
/// # Errors
/// As [`recognise`], if a file has no text encoder, or two files have the same one.
pub fn text_only(files: &[&WeightFile]) -> Result<Vec<TextPart>, LayoutError> {
    const WANTED: &str = "a text encoder";
    let mut all: Vec<TextPart> = Vec::new();
    for file in files {
        let found = Found::in_file(file, WANTED)?;
        if found.text.is_empty() {
            let looks =
                if found.unet.is_some() { "a denoising network without text encoders" } else { "a VAE" };
            return Err(foreign(file, looks.to_owned(), WANTED));
        }
        for part in found.text {
            if all.iter().any(|other| other.kind == part.kind) {
                let what = format!("its text encoder {} was already given by another file", part.kind.name());
                return Err(LayoutError::odd(file.path(), what));
            }
            all.push(part);
        }
    }
    all.sort_by_key(|part| part.kind);
    Ok(all)
}

fn foreign(file: &WeightFile, looks: String, wanted: &'static str) -> LayoutError {
    let names = file.names().take(8).map(str::to_owned).collect();
    LayoutError::Foreign { file: file.path().to_path_buf(), looks, wanted, names }
}

/// The parts of one file (or of one folder of a diffusers model), with original names, each checked by itself.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) file: std::path::PathBuf,
    pub(crate) unet: Option<WeightMap>,
    pub(crate) vae: Option<WeightMap>,
    pub(crate) text: Vec<TextPart>,
    pub(crate) markers: Vec<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) notes: Vec<String>,
}

impl Found {
    pub(crate) fn in_file(file: &WeightFile, wanted: &'static str) -> Result<Self, LayoutError> {
        match looks_like(file) {
            Looks::Model => {}
            looks => return Err(foreign(file, looks.words(), wanted)),
        }
        let path = file.path();
        let sorted = sort(file);
        if sorted.unet.is_empty() && sorted.vae.is_empty() && sorted.text.is_empty() {
            if sorted.ema > 0 {
                return Err(LayoutError::OnlyEma { file: path.to_path_buf() });
            }
            return Err(foreign(file, Looks::Unknown.words(), wanted));
        }
        let mut found =
            Self { file: path.to_path_buf(), metadata: file.metadata().clone(), ..Self::default() };
        found.notes_of(file, &sorted);
        if !sorted.unet.is_empty() {
            let weights = unet_weights(&sorted.unet, &mut found.notes);
            checks::unet(path, &weights).map_err(|error| if_only_ema(error, &sorted, path))?;
            found.unet = Some(weights);
        } else if sorted.ema > 100 {
            found.notes.push(
                "the denoising network is there only as averaged weights (model_ema.*), which are not read"
                    .to_owned(),
            );
        }
        if !sorted.vae.is_empty() {
            let weights = vae_weights(path, &sorted.vae, &mut found.notes)?;
            checks::vae(path, &weights)?;
            found.vae = Some(weights);
        }
        for (kind, tensors) in sorted.text {
            found.text.push(text_part(path, kind, &tensors)?);
        }
        found.markers = sorted.markers;
        Ok(found)
    }

    fn notes_of(&mut self, file: &WeightFile, sorted: &Sorted<'_>) {
        self.notes.extend(file.warnings().iter().cloned());
        for (start, count) in sorted.unknown.iter().take(20) {
            self.notes.push(format!("{count} tensors below {} are not known and not used", shown(start)));
        }
        if let Some((name, why)) = file.unreadable().iter().next() {
            let count = file.unreadable().len();
            self.notes
                .push(format!("{count} tensors cannot be read; the first is {}: it {why}", shown(name)));
        }
        if sorted.ema > 0 && !sorted.unet.is_empty() {
            self.notes.push(format!("{} averaged weights (model_ema.*) are left aside", sorted.ema));
        }
    }

    pub(crate) fn into_parts(mut self) -> Result<Parts, LayoutError> {
        let file = &self.file;
        if self.markers.iter().any(|marker| marker.starts_with("edm_")) {
            return Err(LayoutError::not_yet(
                file,
                "a model with continuous EDM noise levels (Playground 2.5, CosXL)",
            ));
        }
        let family = self.family()?;
        let in_channels =
            self.unet.as_ref().and_then(|unet| side(unet, "input_blocks.0.0.weight", 1)).unwrap_or(4);
        let channels = self
            .vae
            .as_ref()
            .and_then(|vae| side(vae, "decoder.conv_in.weight", 1))
            .or_else(|| self.unet.as_ref().and_then(|unet| side(unet, "out.2.weight", 0)))
            .unwrap_or(4);
        if let (Some(unet), Some(_)) = (&self.unet, &self.vae) {
            let out = side(unet, "out.2.weight", 0).unwrap_or(channels);
            if out != channels {
                let what = format!("its network makes {out} channels, but its VAE reads {channels}");
                return Err(LayoutError::odd(file, what));
            }
        }
        let prediction =
            prediction::of_file(family, self.unet.as_ref(), in_channels, &self.markers, &self.metadata);
        self.order_text(family);
        Ok(Parts {
            family,
            prediction: prediction.kind,
            zsnr: prediction.zsnr,
            unet: self.unet,
            vae: self.vae,
            text: self.text,
            in_channels,
            latent: Latent { channels, scale: family.latent_scale() },
            notes: self.notes,
        })
    }

    /// The family, from the network's vectors; from the text encoders when there is no network.
    fn family(&self) -> Result<Family, LayoutError> {
        let kinds: Vec<TextKind> = self.text.iter().map(|part| part.kind).collect();
        let has = |kind| kinds.contains(&kind);
        let Some(unet) = &self.unet else {
            return Ok(match () {
                () if has(TextKind::ClipL) && has(TextKind::OpenClipG) => Family::SdxlBase,
                () if has(TextKind::OpenClipG) => Family::SdxlRefiner,
                () if has(TextKind::OpenClipH) => Family::Sd2,
                () => Family::Sd1,
            });
        };
        if unet.contains_key("label_emb.weight") {
            return Err(LayoutError::not_yet(
                &self.file,
                "a network that takes class numbers (the x4 upscaler)",
            ));
        }
        let context = unet
            .iter()
            .find(|(name, _)| name.ends_with(".transformer_blocks.0.attn2.to_k.weight"))
            .and_then(|(_, weight)| weight.shape().get(1).copied());
        let vector = side(unet, "label_emb.0.0.weight", 1);
        let linear = unet
            .iter()
            .find(|(name, _)| name.ends_with(".proj_in.weight"))
            .is_some_and(|(_, weight)| weight.shape().len() == 2);
        Ok(match (vector, context) {
            (None, Some(768)) => Family::Sd1,
            (_, Some(1024)) => Family::Sd2,
            (None, _) if has(TextKind::OpenClipH) => Family::Sd2,
            (None, _) if has(TextKind::ClipL) => Family::Sd1,
            (None, _) => {
                if linear {
                    Family::Sd2
                } else {
                    Family::Sd1
                }
            }
            (Some(_), Some(1280)) | (Some(2560), _) => Family::SdxlRefiner,
            (Some(_), Some(2048)) | (Some(2816), _) => Family::SdxlBase,
            (Some(_), _) if has(TextKind::OpenClipG) && !has(TextKind::ClipL) => Family::SdxlRefiner,
            (Some(_), _) => Family::SdxlBase,
        })
    }

    fn order_text(&mut self, family: Family) {
        self.text.sort_by_key(|part| part.kind);
        let missing: &[TextKind] = match family {
            Family::Sd1 => &[TextKind::ClipL],
            Family::Sd2 => &[TextKind::OpenClipH],
            Family::SdxlBase => &[TextKind::ClipL, TextKind::OpenClipG],
            Family::SdxlRefiner => &[TextKind::OpenClipG],
        };
        if self.text.is_empty() || self.unet.is_none() {
            return;
        }
        for kind in missing.iter().filter(|kind| !self.text.iter().any(|part| part.kind == **kind)) {
            self.notes.push(format!("the text encoder {} is missing", kind.name()));
        }
    }
}

fn if_only_ema(error: LayoutError, sorted: &Sorted<'_>, path: &Path) -> LayoutError {
    match error {
        LayoutError::Missing { .. } if sorted.ema > 100 => LayoutError::OnlyEma { file: path.to_path_buf() },
        other => other,
    }
}

pub(crate) fn side(weights: &WeightMap, name: &str, side: usize) -> Option<usize> {
    weights.get(name).and_then(|weight| weight.shape().get(side).copied())
}

/// The denoising network by original names; names that fit nowhere are noted.
fn unet_weights(tensors: &BTreeMap<String, &Stored>, notes: &mut Vec<String>) -> WeightMap {
    let diffusers =
        tensors.keys().any(|name| name.starts_with("down_blocks.") || name.starts_with("conv_in."));
    if !diffusers {
        return tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), Weight::stored((*tensor).clone())))
            .collect();
    }
    let names = UnetNames::of_diffusers(tensors.keys().map(String::as_str));
    renamed(tensors, |name| names.original(name), "the denoising network", notes)
}

fn vae_weights(
    path: &Path,
    tensors: &BTreeMap<String, &Stored>,
    notes: &mut Vec<String>,
) -> Result<WeightMap, LayoutError> {
    let diffusers = tensors
        .keys()
        .any(|name| name.starts_with("decoder.up_blocks.") || name.starts_with("encoder.down_blocks."));
    let mut weights = if diffusers {
        let names = VaeNames::of_diffusers(tensors.keys().map(String::as_str));
        renamed(tensors, |name| names.original(name), "the VAE", notes)
    } else {
        tensors.iter().map(|(name, tensor)| (name.clone(), Weight::stored((*tensor).clone()))).collect()
    };
    // diffusers keeps the attention's 1x1 convolutions as matrices.
    for (name, weight) in &mut weights {
        if name.contains("attn") && name.ends_with(".weight") && weight.shape().len() == 2 {
            let mut shape = weight.shape().to_vec();
            shape.extend([1, 1]);
            *weight = weight.reshaped(shape);
        }
    }
    if weights.keys().any(|name| name.contains("time_stack") || name.contains("time_conv")) {
        return Err(LayoutError::not_yet(path, "a VAE for films"));
    }
    Ok(weights)
}

fn renamed(
    tensors: &BTreeMap<String, &Stored>,
    original: impl Fn(&str) -> Option<String>,
    part: &str,
    notes: &mut Vec<String>,
) -> WeightMap {
    let mut weights = WeightMap::new();
    let mut odd = Vec::new();
    for (name, tensor) in tensors {
        match original(name) {
            Some(name) => {
                weights.insert(name, Weight::stored((*tensor).clone()));
            }
            None => odd.push(name),
        }
    }
    if let Some(first) = odd.first() {
        notes.push(format!(
            "{} tensors of {part} are not known and not used; the first is {}",
            odd.len(),
            shown(first)
        ));
    }
    weights
}

fn text_part(
    path: &Path,
    kind: Option<TextKind>,
    tensors: &BTreeMap<String, &Stored>,
) -> Result<TextPart, LayoutError> {
    let weights: WeightMap =
        tensors.iter().map(|(name, tensor)| (name.clone(), Weight::stored((*tensor).clone()))).collect();
    let open = is_open_clip(weights.keys().map(String::as_str));
    checks::text(path, &weights, open)?;
    let embedding =
        if open { "token_embedding.weight" } else { "text_model.embeddings.token_embedding.weight" };
    let kind = kind.unwrap_or_else(|| match side(&weights, embedding, 1) {
        Some(1280) => TextKind::OpenClipG,
        Some(1024) => TextKind::OpenClipH,
        _ if open => TextKind::OpenClipH,
        _ => TextKind::ClipL,
    });
    Ok(TextPart { kind, weights })
}
