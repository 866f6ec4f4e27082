//! Files as people have them, of small models.

use crate::unet::Unet;
use crate::{Named, numbers, text, vae};
use kiln_oracle::normal::normal;
use kiln_oracle::write::{Item, Store, write};
use std::io;

/// Which family a model resembles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Stable Diffusion 1.
    Sd1,
    /// Its inpainting form, with nine channels.
    Inpaint,
    /// Stable Diffusion 2.
    Sd2,
    /// SDXL.
    Sdxl,
    /// SDXL's refiner.
    Refiner,
}

/// A model: its family, and a word that its numbers hang on, to have several of one family.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The family.
    pub family: Family,
    /// Another word, other numbers.
    pub salt: &'static str,
}

impl Family {
    /// A model of this family.
    #[must_use]
    pub const fn model(self) -> Model {
        Model { family: self, salt: "" }
    }

    /// Its denoising network.
    #[must_use]
    pub fn unet(self) -> Unet {
        let (inputs, w) = (if self == Self::Inpaint { 9 } else { 4 }, text::WIDTH);
        // Heads are 64 wide in all families but the first, so only wide levels have transformers there.
        let (levels, linear, context, vector) = match self {
            Self::Sd1 | Self::Inpaint => ([(32, 1), (64, 1)], false, w, None),
            Self::Sd2 => ([(32, 0), (64, 1)], true, w, None),
            Self::Sdxl => ([(32, 0), (64, 2)], true, 2 * w, Some(w + 6 * 256)),
            Self::Refiner => ([(32, 0), (64, 1)], true, w, Some(w + 5 * 256)),
        };
        Unet { inputs, levels: levels.to_vec(), context, linear, vector }
    }

    /// Its text encoders, with the names they have in a checkpoint.
    #[must_use]
    pub fn text(self) -> Vec<Named> {
        let under = |prefix: &str, all: Vec<Named>| -> Vec<Named> {
            all.into_iter().map(|(n, s)| (format!("{prefix}{n}"), s)).collect()
        };
        match self {
            Self::Sd1 | Self::Inpaint => under("cond_stage_model.transformer.", text::clip()),
            Self::Sd2 => under("cond_stage_model.model.", text::open_clip()),
            Self::Refiner => under("conditioner.embedders.0.model.", text::open_clip()),
            Self::Sdxl => {
                let mut both = under("conditioner.embedders.0.transformer.", text::clip());
                both.extend(under("conditioner.embedders.1.model.", text::open_clip()));
                both
            }
        }
    }
}

const CHANNELS: usize = 32;

fn items(model: Model, all: Vec<Named>) -> Vec<Item> {
    let last = model.family.unet().last();
    all.into_iter()
        .map(|(name, shape)| {
            let (of, sides, last) = (name.clone(), shape.clone(), last.clone());
            Item {
                name,
                store: Store::F16,
                shape,
                make: Box::new(move || numbers::of(model.salt, &of, &sides, &last)),
            }
        })
        .collect()
}

fn under(prefix: &str, all: Vec<Named>) -> impl Iterator<Item = Named> {
    all.into_iter().map(move |(n, s)| (format!("{prefix}{n}"), s))
}

/// A whole model in one file.
///
/// # Errors
/// None: it is written to memory.
pub fn checkpoint(model: Model) -> io::Result<Vec<u8>> {
    let mut all: Vec<Named> = under("model.diffusion_model.", model.family.unet().weights()).collect();
    all.extend(under("first_stage_model.", vae::weights(CHANNELS, 4)));
    all.extend(model.family.text());
    let mut out = Vec::new();
    write(&mut out, items(model, all), &[])?;
    Ok(out)
}

/// An autoencoder alone, of latents with so many channels.
///
/// # Errors
/// None: it is written to memory.
pub fn vae_file(salt: &'static str, latent: usize) -> io::Result<Vec<u8>> {
    let all = under("first_stage_model.", vae::weights(CHANNELS, latent)).collect();
    let mut out = Vec::new();
    let named = items(Model { family: Family::Sd1, salt }, all);
    let named =
        named.into_iter().map(|i| Item { name: i.name.replace("first_stage_model.", ""), ..i }).collect();
    write(&mut out, named, &[])?;
    Ok(out)
}

/// A LoRA as kohya's trainer writes them: attention of the network and of the text encoders, rank 4, alpha 2.
///
/// # Errors
/// None: it is written to memory.
pub fn lora(model: Model) -> io::Result<Vec<u8>> {
    let mut modules: Vec<(String, usize, usize)> = Vec::new();
    let unet = model.family.unet();
    for place in unet.transformers() {
        for depth in 0..place.depth {
            for (attention, sees) in [("attn1", place.channels), ("attn2", unet.context)] {
                for (part, inputs) in [("to_q", place.channels), ("to_k", sees), ("to_v", sees)] {
                    let name = format!("{}.transformer_blocks.{depth}.{attention}.{part}", place.diffusers);
                    modules.push((format!("lora_unet_{}", name.replace('.', "_")), place.channels, inputs));
                }
            }
        }
    }
    let encoders: &[&str] = match model.family {
        Family::Sdxl => &["lora_te1", "lora_te2"],
        Family::Refiner => &["lora_te2"],
        _ => &["lora_te"],
    };
    for encoder in encoders {
        for i in 0..text::LAYERS {
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                let name = format!("{encoder}_text_model_encoder_layers_{i}_self_attn_{part}");
                modules.push((name, text::WIDTH, text::WIDTH));
            }
        }
    }
    const RANK: usize = 4;
    let mut items = Vec::new();
    for (module, out, inputs) in modules {
        let mut add = |end: &str, shape: Vec<usize>, deviation: f64| {
            let name = format!("{module}.{end}");
            let seed = format!("{}{name}", model.salt);
            let len = shape.iter().product();
            let make = Box::new(move || normal(&seed, len, deviation, 0.0));
            items.push(Item { name, store: Store::F16, shape, make });
        };
        add("lora_down.weight", vec![RANK, inputs], 1.0 / (inputs as f64).sqrt());
        add("lora_up.weight", vec![out, RANK], 0.6);
        let alpha = Box::new(|| vec![2.0]);
        items.push(Item {
            name: format!("{module}.alpha"),
            store: Store::F16,
            shape: Vec::new(),
            make: alpha,
        });
    }
    let mut out = Vec::new();
    write(&mut out, items, &[("ss_network_module", "networks.lora"), ("ss_network_dim", "4")])?;
    Ok(out)
}

/// A learned word of two vectors for CLIP-L, as textual inversion writes it.
///
/// # Errors
/// None: it is written to memory.
pub fn embedding(salt: &'static str) -> io::Result<Vec<u8>> {
    let item = Item {
        name: "emb_params".to_owned(),
        store: Store::F32,
        shape: vec![2, text::WIDTH],
        make: Box::new(move || normal(salt, 2 * text::WIDTH, 0.6, 0.0)),
    };
    let mut out = Vec::new();
    write(&mut out, vec![item], &[])?;
    Ok(out)
}
