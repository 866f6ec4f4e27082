//! LoRA files of every kind, as changes to the weights of a model.
//!
//! A file is read into modules ([`Lora::read`]), each with the tensors that change one layer. Applying it to a model
//! ([`Lora::apply`]) goes from the model's names to every name a trainer may have given them, since underscores cannot
//! be taken apart; what it gives back are changes by weight, computed in 32 bit when the weight is first used.

mod change;
mod error;
mod form;
mod maths;
mod names;
mod oft;
mod read;

use std::path::PathBuf;
use std::sync::Arc;

use kiln_tensor::WeightMap;
use kiln_weights::WeightFile;

pub use error::LoraError;
pub use read::Lora;

use crate::error::shown;
use crate::family::{Family, TextKind};
use crate::merge::Patches;
use change::Change;
use names::{Part, Place};

/// The model a LoRA is applied to. Parts that are not given are left alone, and so is what the file has for them.
#[derive(Clone, Copy)]
pub struct LoraTarget<'a> {
    /// The denoising network, by its original names.
    pub unet: Option<&'a WeightMap>,
    /// The text encoders.
    pub text: &'a [(TextKind, &'a WeightMap)],
    /// The family.
    pub family: Family,
}

/// What came of applying a LoRA.
#[derive(Default)]
pub struct Applied {
    /// Changes to the denoising network's weights.
    pub unet: Patches,
    /// Changes to the text encoders' weights, in the order they were given.
    pub text: Vec<Patches>,
    /// What fitted and what did not.
    pub report: Report,
}

/// What fitted and what did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Modules that change a weight.
    pub matched: usize,
    /// Modules for parts of the model that were not given.
    pub skipped: usize,
    /// Modules the model has no place for.
    pub unmatched: Vec<String>,
    /// Tensors of the file that belong to no module.
    pub unknown: Vec<String>,
}

impl Report {
    /// One line for people, when there is something to tell.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let all: Vec<String> = self.unmatched.iter().chain(&self.unknown).cloned().collect();
        (!all.is_empty()).then(|| {
            format!(
                "{} of {} modules were applied; not used: {}",
                self.matched,
                self.matched + self.unmatched.len(),
                crate::error::listed(&all)
            )
        })
    }
}

/// A module whose place was found, and what it does there.
struct Match<'a> {
    place: &'a Place,
    module: &'a read::Module,
}

impl Lora {
    /// Opens a file's modules.
    ///
    /// # Errors
    /// If it is no LoRA, of a form Kiln does not compute, incomplete, or holds what is no number.
    pub fn read(file: &WeightFile) -> Result<Self, LoraError> {
        read::read(file)
    }

    /// The changes this file makes to a model. With a strength of zero a part stays as it is.
    ///
    /// # Errors
    /// If the file was made for another model: shapes differ, or fewer than half of its modules have a place.
    pub fn apply(
        &self,
        target: &LoraTarget<'_>,
        strength_model: f32,
        strength_clip: f32,
    ) -> Result<Applied, LoraError> {
        let places = names::places(target);
        let mut report = Report { unknown: self.unknown.clone(), ..Report::default() };
        let mut matches = Vec::new();
        let mut misfit: Option<String> = None;
        for (name, module) in &self.modules {
            let text = names::is_text(name);
            if (text && target.text.is_empty()) || (!text && target.unet.is_none()) {
                report.skipped += 1;
                continue;
            }
            let Some(place) = places.get(name.as_str()) else {
                report.unmatched.push(name.clone());
                continue;
            };
            match module.misfit(place) {
                None => matches.push(Match { place, module }),
                // Inpainting models take more channels here than others of their family.
                Some(_) if place.weight == "input_blocks.0.0.weight" => report.unmatched.push(name.clone()),
                Some(why) => {
                    misfit.get_or_insert_with(|| format!("{}: {why}", shown(name)));
                    report.unmatched.push(name.clone());
                }
            }
        }
        report.matched = matches.len();
        let total = report.matched + report.unmatched.len();
        if misfit.is_some() || report.matched * 2 < total {
            let first = misfit
                .or_else(|| report.unmatched.first().map(|name| format!("{} is not in it", shown(name))))
                .unwrap_or_default();
            return Err(LoraError::OtherModel {
                file: self.file.clone(),
                matched: report.matched,
                total,
                first,
                hint: self.made_for.clone(),
            });
        }
        let mut applied =
            Applied { text: vec![Patches::new(); target.text.len()], report, ..Applied::default() };
        for Match { place, module } in matches {
            let (patches, strength) = match place.part {
                Part::Unet => (Some(&mut applied.unet), strength_model),
                Part::Text(i) => (applied.text.get_mut(i), strength_clip),
            };
            let Some(patches) = patches.filter(|_| strength != 0.0) else { continue };
            if let Some(form) = &module.weight {
                let change = Change::new(form.clone(), strength, place.third, place.turned);
                patches.entry(place.weight.clone()).or_default().push(Arc::new(change));
            }
            if let (Some(form), Some(bias)) = (&module.bias, &place.bias) {
                let change = Change::new(form.clone(), strength, place.third, false);
                patches.entry(bias.name.clone()).or_default().push(Arc::new(change));
            }
        }
        Ok(applied)
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &PathBuf {
        &self.file
    }

    /// How many modules it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }
}
