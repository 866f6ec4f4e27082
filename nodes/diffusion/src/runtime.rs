//! Models where they are used: opened once, built once, kept within a budget.
//!
//! A [`crate::values::ModelValue`] says which file and what is changed about it; here it becomes a network. On the
//! processor weights stay in their mapped file and are widened as they are read, so building takes milliseconds; on a
//! graphics card they are sent when they are first used.

use crate::autoencoder::Autoencoder;
use crate::values::{Change, Part, StoredFile, TextValue, WeightsValue};
use kiln_core::NodeError;
use kiln_layout::lora::{Lora, LoraTarget};
use kiln_layout::merge::{Ratios, weighted};
use kiln_layout::{Family, Parts, PredictionKind, TextKind};
use kiln_networks::clip_text::ClipText;
use kiln_networks::error::NetError;
use kiln_networks::unet::UNet;
use kiln_networks::vae::Vae;
use kiln_shelf::Shelf;
use kiln_tensor::{Compute, DeviceChoice, Patch, Precision, Vars, Weight, WeightMap};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A network that denoises.
pub struct BuiltUnet {
    /// The network.
    pub unet: UNet,
    /// Where it runs.
    pub compute: Compute,
    /// The family's name, for people.
    pub family: &'static str,
    /// The family.
    pub kind: Family,
    /// Does it predict v?
    pub v_prediction: bool,
    /// Does its last step have no signal at all?
    pub zsnr: bool,
    /// What latents are multiplied by for it.
    pub latent_scale: f32,
    /// Channels of its latents.
    pub latent_channels: usize,
}

/// Text encoders of one model.
pub struct BuiltText {
    /// Each with its kind.
    pub encoders: Vec<(TextKind, ClipText)>,
    /// Where they run.
    pub compute: Compute,
}

/// An autoencoder.
pub struct BuiltVae {
    /// The network.
    pub vae: Autoencoder,
    /// Where it runs.
    pub compute: Compute,
}

/// The models of this family, on a shelf.
#[derive(Debug)]
pub struct Runtime {
    shelf: Arc<Shelf>,
}

impl std::ops::Deref for Runtime {
    type Target = Shelf;

    fn deref(&self) -> &Shelf {
        &self.shelf
    }
}

impl Runtime {
    /// On a shelf that other families may use as well.
    #[must_use]
    pub fn on(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    /// A shelf of its own; see [`Shelf::new`].
    #[must_use]
    pub fn new(choice: DeviceChoice, precision: Option<Precision>, budget: Option<usize>) -> Self {
        Self::on(Arc::new(Shelf::new(choice, precision, budget)))
    }

    /// Models on the processor.
    #[must_use]
    pub fn cpu() -> Self {
        Self::new(DeviceChoice::Cpu, None, None)
    }

    /// The shelf.
    #[must_use]
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// A file taken apart; mapped, not read.
    pub fn parts(&self, file: &StoredFile, wants: Wants) -> Result<Arc<Parts>, NodeError> {
        let tag = match wants {
            Wants::Checkpoint => "checkpoint parts",
            Wants::Unet => "unet parts",
            Wants::Vae => "vae parts",
            Wants::Text => "text parts",
        };
        self.shared(tag, file.hash, || {
            let parts = recognise(Path::new(&file.path), wants)?;
            Ok((parts, 0))
        })
    }

    /// A network that denoises.
    pub fn unet(&self, value: &WeightsValue) -> Result<Arc<BuiltUnet>, NodeError> {
        self.shared("unet", value.digest(), || {
            let file = first(value)?;
            let parts =
                self.parts(file, if value.part == Part::Alone { Wants::Unet } else { Wants::Checkpoint })?;
            let base = parts.unet.as_ref().ok_or_else(|| lacks(file, "diffusion network"))?;
            let weights = self.changed(base, parts.family, value, Side::Unet, Use::Many)?;
            let bytes = bytes_of(&weights);
            let vars = Vars::new(file.name(), Arc::new(weights), self.compute()?);
            let unet = UNet::new(&vars).map_err(NodeError::new)?;
            let built = BuiltUnet {
                unet,
                compute: self.compute()?.clone(),
                family: parts.family.name(),
                kind: parts.family,
                v_prediction: parts.prediction == PredictionKind::V,
                zsnr: parts.zsnr,
                latent_scale: parts.latent.scale,
                latent_channels: parts.latent.channels,
            };
            Ok((built, bytes))
        })
    }

    /// The relation of noise levels and time steps a model is sampled with. Nothing is built for it.
    pub fn space(&self, model: &crate::values::ModelValue) -> Result<kiln_sampling::Space, NodeError> {
        let file = first(&model.weights)?;
        let parts = self
            .parts(file, if model.weights.part == Part::Alone { Wants::Unet } else { Wants::Checkpoint })?;
        Ok(crate::space::of(model, parts.prediction == PredictionKind::V, parts.zsnr))
    }

    /// Text encoders. They run in 32 bit on every device: they are small, and every later number hangs on them.
    pub fn text(&self, value: &TextValue) -> Result<Arc<BuiltText>, NodeError> {
        self.shared("text", value.weights.digest(), || {
            let mut encoders = Vec::new();
            let mut bytes = 0;
            for (index, (kind, weights)) in
                self.text_weights(&value.weights, Use::Many)?.into_iter().enumerate()
            {
                bytes += bytes_of(&weights);
                let file = value.weights.files.get(index).or_else(|| value.weights.files.first());
                let vars = Vars::new(file.map_or("", StoredFile::name), Arc::new(weights), &Compute::cpu());
                encoders.push((kind, ClipText::new(&vars).map_err(|e| network_error(&e))?));
            }
            if encoders.is_empty() {
                return Err(lacks(first(&value.weights)?, "text encoder"));
            }
            Ok((BuiltText { encoders, compute: Compute::cpu() }, bytes))
        })
    }

    /// The weights of text encoders, changed as the value says: for merging and saving. Each is made anew when it is read.
    pub fn text_maps(&self, value: &WeightsValue) -> Result<Vec<(TextKind, WeightMap)>, NodeError> {
        self.text_weights(value, Use::Once)
    }

    fn text_weights(&self, value: &WeightsValue, used: Use) -> Result<Vec<(TextKind, WeightMap)>, NodeError> {
        let mut found = Vec::new();
        for file in &value.files {
            let parts =
                self.parts(file, if value.part == Part::Alone { Wants::Text } else { Wants::Checkpoint })?;
            for text in &parts.text {
                let weights =
                    self.changed(&text.weights, parts.family, value, Side::Text(text.kind), used)?;
                found.push((text.kind, weights));
            }
        }
        found.sort_by_key(|f| f.0);
        Ok(found)
    }

    /// An autoencoder.
    pub fn vae(&self, value: &WeightsValue) -> Result<Arc<BuiltVae>, NodeError> {
        self.shared("autoencoder", value.digest(), || {
            let file = first(value)?;
            if let Some(scale) = tiny_scale(value.part) {
                let weights = tiny_weights(Path::new(&file.path))?;
                let bytes = bytes_of(&weights);
                let compute = self.compute()?.in_f32();
                let vae = Autoencoder::tiny(&Vars::new(file.name(), Arc::new(weights), &compute), scale)?;
                return Ok((BuiltVae { vae, compute }, bytes));
            }
            let parts =
                self.parts(file, if value.part == Part::Alone { Wants::Vae } else { Wants::Checkpoint })?;
            let base = parts.vae.as_ref().ok_or_else(|| lacks(file, "autoencoder"))?;
            // Half precision overflows in the autoencoders of this family.
            let compute = self.compute()?.in_f32();
            let weights: WeightMap = base.iter().map(|(n, w)| (n.clone(), w.fresh())).collect();
            let bytes = bytes_of(&weights);
            let vars = Vars::new(file.name(), Arc::new(weights), &compute);
            let vae = Vae::new(&vars).map_err(|e| network_error(&e))?;
            Ok((BuiltVae { vae: Autoencoder::Full(Box::new(vae)), compute }, bytes))
        })
    }

    /// The weights of a UNet, changed as the value says: for merging and saving. Each is made anew when it is read.
    pub fn unet_map(&self, value: &WeightsValue) -> Result<(WeightMap, Family), NodeError> {
        let file = first(value)?;
        let parts =
            self.parts(file, if value.part == Part::Alone { Wants::Unet } else { Wants::Checkpoint })?;
        let base = parts.unet.as_ref().ok_or_else(|| lacks(file, "diffusion network"))?;
        Ok((self.changed(base, parts.family, value, Side::Unet, Use::Once)?, parts.family))
    }

    fn changed(
        &self,
        base: &WeightMap,
        family: Family,
        value: &WeightsValue,
        side: Side,
        used: Use,
    ) -> Result<WeightMap, NodeError> {
        let mut weights: WeightMap = base.iter().map(|(n, w)| (n.clone(), w.fresh())).collect();
        let mut patches: BTreeMap<String, Vec<Arc<dyn Patch>>> = BTreeMap::new();
        for change in &value.changes {
            match change {
                Change::Lora { file, strength } => {
                    for (name, more) in self.lora(file, *strength, base, family, side)? {
                        patches.entry(name).or_default().extend(more);
                    }
                }
                Change::Merge { other, ratio } => {
                    let others = match side {
                        Side::Unet => self.unet_map(other)?.0,
                        Side::Text(kind) => {
                            let maps = self.text_maps(other)?;
                            maps.into_iter().find(|m| m.0 == kind).map(|m| m.1).unwrap_or_default()
                        }
                    };
                    let ratios = match side {
                        Side::Unet => Ratios::stretches(ratio.input, ratio.middle, ratio.out),
                        Side::Text(_) => Ratios::all(ratio.out),
                    };
                    for (name, more) in weighted(base, &others, &ratios).map_err(NodeError::new)? {
                        patches.entry(name).or_default().extend(more);
                    }
                }
            }
        }
        let numbers: usize = patches.keys().filter_map(|n| weights.get(n)).map(Weight::len).sum();
        // Changed weights are kept as 32-bit numbers when they fit well; else they are made anew each time.
        let keep = used == Use::Many && numbers.saturating_mul(4) <= self.budget() / 2;
        for (name, list) in patches {
            if let Some(weight) = weights.get_mut(&name) {
                *weight = weight.patched(list, keep);
            }
        }
        Ok(weights)
    }

    /// Whether a LoRA is one for this model.
    pub fn fits(&self, value: &WeightsValue, file: &StoredFile) -> Result<(), NodeError> {
        let base = first(value)?;
        let parts =
            self.parts(base, if value.part == Part::Alone { Wants::Unet } else { Wants::Checkpoint })?;
        let lora = self.shared("lora", file.hash, || Ok((read_lora(Path::new(&file.path))?, 0)))?;
        let text: Vec<(TextKind, &WeightMap)> = parts.text.iter().map(|t| (t.kind, &t.weights)).collect();
        let target = LoraTarget { unet: parts.unet.as_ref(), text: &text, family: parts.family };
        lora.apply(&target, 1.0, 1.0).map_err(NodeError::new)?;
        Ok(())
    }

    fn lora(
        &self,
        file: &StoredFile,
        strength: f32,
        base: &WeightMap,
        family: Family,
        side: Side,
    ) -> Result<BTreeMap<String, Vec<Arc<dyn Patch>>>, NodeError> {
        let lora = self.shared("lora", file.hash, || Ok((read_lora(Path::new(&file.path))?, 0)))?;
        let text_target;
        let target = match side {
            Side::Unet => LoraTarget { unet: Some(base), text: &[], family },
            Side::Text(kind) => {
                text_target = [(kind, base)];
                LoraTarget { unet: None, text: &text_target, family }
            }
        };
        let applied = lora.apply(&target, strength, strength).map_err(NodeError::new)?;
        Ok(match side {
            Side::Unet => applied.unet,
            Side::Text(_) => applied.text.into_iter().next().unwrap_or_default(),
        })
    }
}

/// What latents are multiplied by for a tiny autoencoder: those are made for latents as the model sees them.
fn tiny_scale(part: Part) -> Option<f32> {
    match part {
        Part::TinySd => Some(Family::Sd1.latent_scale()),
        Part::TinySdxl => Some(Family::SdxlBase.latent_scale()),
        Part::Checkpoint | Part::Alone => None,
    }
}

/// The weights of a tiny autoencoder's file, by their own names.
pub fn tiny_weights(path: &Path) -> Result<WeightMap, NodeError> {
    let file = kiln_weights::WeightFile::open(path).map_err(NodeError::new)?;
    Ok(file.iter().map(|s| (s.name().to_owned(), Weight::stored(s.clone()))).collect())
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Everything in it.
    Checkpoint,
    /// A diffusion network alone.
    Unet,
    /// An autoencoder alone.
    Vae,
    /// A text encoder alone.
    Text,
}

/// How often changed weights are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// By a network, for every picture.
    Many,
    /// When they are mixed into others, or saved.
    Once,
}

#[derive(Clone, Copy)]
enum Side {
    Unet,
    Text(TextKind),
}

fn first(value: &WeightsValue) -> Result<&StoredFile, NodeError> {
    value
        .files
        .first()
        .ok_or_else(|| NodeError::new("this model names no file: a fault of the node that made it"))
}

fn lacks(file: &StoredFile, what: &str) -> NodeError {
    NodeError::new(format!("{} has no {what}", file.name())).hint("load that part from another file")
}

fn bytes_of(weights: &WeightMap) -> usize {
    weights.values().map(Weight::bytes).sum()
}

fn recognise(path: &Path, wants: Wants) -> Result<Parts, NodeError> {
    if path.is_dir() {
        return kiln_layout::recognise_folder(path).map_err(NodeError::new);
    }
    let file = kiln_weights::WeightFile::open(path).map_err(NodeError::new)?;
    // What reading it found odd may be why it is not what was hoped for.
    let wrong = |error: kiln_layout::LayoutError| match file.warnings().first() {
        Some(warning) => NodeError::new(error).hint(warning.clone()),
        None => NodeError::new(error),
    };
    match wants {
        Wants::Checkpoint => kiln_layout::recognise(&file),
        Wants::Unet => kiln_layout::unet_only(&file),
        Wants::Vae => {
            kiln_layout::vae_only(&file).map(|vae| Parts { vae: Some(vae.weights), ..alone(Family::Sd1) })
        }
        Wants::Text => kiln_layout::text_only(&[&file]).map(|text| {
            let has = |kind| text.iter().any(|t| t.kind == kind);
            let family = match (has(TextKind::OpenClipG), has(TextKind::OpenClipH)) {
                (true, _) => Family::SdxlBase,
                (_, true) => Family::Sd2,
                _ => Family::Sd1,
            };
            Parts { text, ..alone(family) }
        }),
    }
    .map_err(wrong)
}

/// A model of which one part is known.
fn alone(family: Family) -> Parts {
    Parts {
        family,
        prediction: PredictionKind::Eps,
        zsnr: false,
        unet: None,
        vae: None,
        text: Vec::new(),
        in_channels: 4,
        latent: kiln_layout::Latent { channels: 4, scale: family.latent_scale() },
        notes: Vec::new(),
    }
}

/// A LoRA file, read.
pub fn read_lora(path: &Path) -> Result<Lora, NodeError> {
    let file = kiln_weights::WeightFile::open(path).map_err(NodeError::new)?;
    Lora::read(&file).map_err(NodeError::new)
}

/// A network's error as a node's.
pub fn network_error(error: &NetError) -> NodeError {
    match error {
        NetError::Cancelled => NodeError::cancelled(),
        other => NodeError::new(other.to_string()),
    }
}
