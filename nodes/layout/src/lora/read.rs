//! A LoRA file taken apart into modules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_weights::{Stored, WeightFile};

use super::error::LoraError;
use super::form::Form;
use super::names::Place;
use crate::looks::looks_like;

/// A LoRA file: what it does to each layer, by the name its trainer gave the layer.
#[derive(Debug)]
pub struct Lora {
    pub(super) file: PathBuf,
    pub(super) modules: BTreeMap<String, Module>,
    pub(super) unknown: Vec<String>,
    pub(super) made_for: Option<String>,
}

/// What is done to one layer.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) weight: Option<Arc<Form>>,
    pub(super) bias: Option<Arc<Form>>,
}

impl Module {
    /// Why this module does not fit this layer, if it does not.
    pub(super) fn misfit(&self, place: &Place) -> Option<String> {
        if let Some(why) = self.weight.as_ref().and_then(|form| form.misfit(&place.shape)) {
            return Some(why);
        }
        let form = self.bias.as_ref()?;
        match &place.bias {
            Some(bias) => form.misfit(&[bias.len]),
            None => Some("the layer has no bias to change".to_owned()),
        }
    }
}

/// What a tensor is to its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Down,
    Up,
    Mid,
    Alpha,
    /// Sizes of DoRA, per row or per column by their shape.
    Dora,
    /// Sizes of DoRA as PEFT saves them: always per row.
    Magnitude,
    Hada1A,
    Hada1B,
    Hada2A,
    Hada2B,
    HadaT1,
    HadaT2,
    Kron1,
    Kron1A,
    Kron1B,
    Kron2,
    Kron2A,
    Kron2B,
    KronT2,
    GloraA1,
    GloraA2,
    GloraB1,
    GloraB2,
    GloraMid,
    OftBlocks,
    OftScale,
    Diff,
    DiffBias,
    Set,
}

/// How names end.
const ENDINGS: [(&str, Role); 42] = [
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".lora_mid.weight", Role::Mid),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_A", Role::Down),
    (".lora_B", Role::Up),
    (".lora.alpha", Role::Alpha),
    ("_lora.alpha", Role::Alpha),
    (".alpha", Role::Alpha),
    (".dora_scale", Role::Dora),
    (".lora_magnitude_vector.weight", Role::Magnitude),
    (".lora_magnitude_vector", Role::Magnitude),
    (".hada_w1_a", Role::Hada1A),
    (".hada_w1_b", Role::Hada1B),
    (".hada_w2_a", Role::Hada2A),
    (".hada_w2_b", Role::Hada2B),
    (".hada_t1", Role::HadaT1),
    (".hada_t2", Role::HadaT2),
    (".lokr_w1", Role::Kron1),
    (".lokr_w1_a", Role::Kron1A),
    (".lokr_w1_b", Role::Kron1B),
    (".lokr_w2", Role::Kron2),
    (".lokr_w2_a", Role::Kron2A),
    (".lokr_w2_b", Role::Kron2B),
    (".lokr_t2", Role::KronT2),
    (".a1.weight", Role::GloraA1),
    (".a2.weight", Role::GloraA2),
    (".b1.weight", Role::GloraB1),
    (".b2.weight", Role::GloraB2),
    (".bm.weight", Role::GloraMid),
    (".oft_blocks", Role::OftBlocks),
    (".rescale", Role::OftScale),
    (".diff", Role::Diff),
    (".diff_b", Role::DiffBias),
    (".set_weight", Role::Set),
];

/// A norm's changes, under names of their own.
const NORM_ENDINGS: [(&str, Role); 2] = [(".w_norm", Role::Diff), (".b_norm", Role::DiffBias)];

/// Forms that are known and not computed.
const REFUSED: [(&str, &str); 7] = [
    (".oft_R.weight", "OFT as PEFT saves it"),
    (".oft_R", "OFT as PEFT saves it"),
    (".on_input", "IA3"),
    (".ia3_l", "IA3"),
    (".lokr_t1", "LoKr with a core on its first factor"),
    (".vera_lambda_b", "VeRA"),
    (".lora_embedding_A", "a LoRA on an embedding"),
];

/// The module a name belongs to, and what it is there.
fn split(name: &str) -> Option<(&str, Role)> {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    if let Some(found) = ENDINGS
        .iter()
        .chain(&NORM_ENDINGS)
        .find_map(|(ending, role)| name.strip_suffix(ending).map(|module| (module, *role)))
    {
        return Some(found);
    }
    // PEFT with the adapter's name in between: `.lora_A.default.weight`.
    for (middle, role) in
        [(".lora_A.", Role::Down), (".lora_B.", Role::Up), (".lora_magnitude_vector.", Role::Magnitude)]
    {
        if let Some((module, adapter)) = name.split_once(middle) {
            let adapter = adapter.strip_suffix(".weight").unwrap_or(adapter);
            if !adapter.is_empty() && !adapter.contains('.') && adapter != "bias" {
                return Some((module, role));
            }
        }
    }
    None
}

/// The tensors of one module.
pub(super) struct Raw<'f> {
    pub(super) file: &'f Path,
    pub(super) module: &'f str,
    pub(super) tensors: BTreeMap<Role, &'f Stored>,
}

pub(super) fn read(file: &WeightFile) -> Result<Lora, LoraError> {
    let path = file.path();
    let mut raw: BTreeMap<&str, Raw<'_>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for tensor in file.iter() {
        let name = tensor.name();
        if let Some((_, form)) = REFUSED.iter().find(|(ending, _)| name.ends_with(ending)) {
            return Err(LoraError::Form { file: path.to_path_buf(), tensor: name.to_owned(), form });
        }
        let Some((module, role)) = split(name) else {
            unknown.push(name.to_owned());
            continue;
        };
        let entry = raw.entry(module).or_insert_with(|| Raw { file: path, module, tensors: BTreeMap::new() });
        if entry.tensors.insert(role, tensor).is_some() {
            return Err(LoraError::Twice { file: path.to_path_buf(), tensor: name.to_owned() });
        }
    }
    // A lone `.alpha` or `.rescale` makes no module.
    raw.retain(|_, module| {
        let lone = module.tensors.keys().all(|role| matches!(role, Role::Alpha | Role::OftScale));
        if lone {
            unknown.extend(module.tensors.values().map(|tensor| tensor.name().to_owned()));
        }
        !lone
    });
    if raw.is_empty() {
        return Err(LoraError::NotALora {
            file: path.to_path_buf(),
            looks: looks_like(file).words(),
            first: file.names().next().unwrap_or_default().to_owned(),
        });
    }
    let mut modules = BTreeMap::new();
    for (name, raw) in &raw {
        for tensor in raw.tensors.values() {
            if !tensor.is_float() || tensor.is_empty() {
                let why = if tensor.is_empty() { "it is empty" } else { "its numbers are no floats" };
                return Err(raw.odd(tensor, why));
            }
            if let Some(at) = tensor.first_not_finite() {
                return Err(LoraError::NotFinite {
                    file: path.to_path_buf(),
                    tensor: tensor.name().to_owned(),
                    at,
                });
            }
        }
        modules.insert((*name).to_owned(), raw.module()?);
    }
    let made_for = ["ss_base_model_version", "modelspec.architecture"]
        .iter()
        .find_map(|key| file.metadata().get(*key).cloned());
    Ok(Lora { file: path.to_path_buf(), modules, unknown, made_for })
}

impl<'f> Raw<'f> {
    pub(super) fn odd(&self, tensor: &Stored, why: impl Into<String>) -> LoraError {
        LoraError::Shape {
            file: self.file.to_path_buf(),
            tensor: tensor.name().to_owned(),
            found: tensor.shape().to_vec(),
            why: why.into(),
        }
    }

    pub(super) fn get(&self, role: Role) -> Option<&'f Stored> {
        self.tensors.get(&role).copied()
    }

    pub(super) fn need(
        &self,
        role: Role,
        has: &'static str,
        lacks: &'static str,
    ) -> Result<&'f Stored, LoraError> {
        self.get(role).ok_or_else(|| LoraError::Missing {
            file: self.file.to_path_buf(),
            module: self.module.to_owned(),
            has,
            lacks,
        })
    }

    /// The alpha, if there is one.
    pub(super) fn alpha(&self) -> Result<Option<f64>, LoraError> {
        let Some(tensor) = self.get(Role::Alpha) else { return Ok(None) };
        match tensor.to_f32().as_slice() {
            [alpha] => Ok(Some(f64::from(*alpha))),
            _ => Err(self.odd(tensor, "an alpha is a single number")),
        }
    }

    fn module(&self) -> Result<Module, LoraError> {
        let weight = Form::of(self)?.map(Arc::new);
        let bias = self.get(Role::DiffBias).map(|diff| Arc::new(Form::diff(diff)));
        if weight.is_none() && bias.is_none() {
            return Err(LoraError::Missing {
                file: self.file.to_path_buf(),
                module: self.module.to_owned(),
                has: "parts of a change",
                lacks: "lora_down and lora_up, or the like",
            });
        }
        Ok(Module { weight, bias })
    }
}
