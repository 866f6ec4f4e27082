//! Models from files, and LoRA on top of them.

use crate::autoencoder::Autoencoder;
use crate::runtime::{Runtime, Wants, read_lora, tiny_weights};
use crate::values::{Change, ModelValue, Part, StoredFile, TextValue, VaeValue, WeightsValue, names, take};
use kiln_core::types::Value;
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_tensor::{Compute, Vars};
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![
        load_checkpoint(runtime.clone()),
        load_unet(runtime.clone()),
        load_vae(runtime.clone()),
        load_tiny_vae(),
        load_text_encoder(runtime.clone()),
        load_dual_text_encoder(runtime.clone()),
        load_lora(runtime.clone()),
        clip_skip(),
    ]
}

fn stored(cx: &Cx<'_>, param: &str) -> Result<StoredFile, NodeError> {
    Ok(StoredFile::from(&cx.file(param)?))
}

/// LoadCheckpoint: model, text encoders and autoencoder of one file.
fn load_checkpoint(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadCheckpoint", 1, move |cx| {
        let file = stored(cx, "checkpoint")?;
        let parts = runtime.parts(&file, Wants::Checkpoint).map_err(|e| e.at("checkpoint"))?;
        // A part that is not there is an error only where somebody uses it.
        if parts.unet.is_none() && parts.vae.is_none() && parts.text.is_empty() {
            return Err(NodeError::new(format!("{} holds no part of a checkpoint", file.name())).at("checkpoint"));
        }
        cx.set("model", ModelValue::of(file.clone(), Part::Checkpoint));
        cx.set("clip", TextValue { weights: WeightsValue::of(file.clone(), Part::Checkpoint), stop_at: None });
        cx.set("vae", VaeValue { weights: WeightsValue::of(file, Part::Checkpoint) });
        Ok(())
    })
    .title("Load checkpoint")
    .category("diffusion/models")
    .doc(
        "A whole model from one file: the diffusion network, the text encoders that go with it and the autoencoder \
         between pictures and latents. Stable Diffusion 1.x, 2.x, SDXL and its refiner, inpainting models and small \
         relatives are recognised by what is in the file, .safetensors or .ckpt (read as data: nothing in it is run), \
         or a diffusers folder. The file is mapped into memory, not copied.",
    )
    .param(Param::model("checkpoint", "checkpoints").was(&["ckpt_name"]).doc("The file's name in a `checkpoints` folder."))
    .output("model", names::MODEL, "The diffusion network.")
    .output("clip", names::CLIP, "The text encoders.")
    .output("vae", names::VAE, "The autoencoder.")
}

/// LoadUnet: a diffusion network alone.
fn load_unet(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadUnet", 1, move |cx| {
        let file = stored(cx, "file")?;
        let parts = runtime.parts(&file, Wants::Unet).map_err(|e| e.at("file"))?;
        if parts.unet.is_none() {
            return Err(NodeError::new(format!("{} holds no diffusion network", file.name())).at("file"));
        }
        cx.set("model", ModelValue::of(file, Part::Alone));
        Ok(())
    })
    .title("Load diffusion network")
    .category("diffusion/models")
    .doc("A diffusion network from a file that holds it alone, without text encoders and autoencoder.")
    .param(
        Param::model("file", "unet")
            .was(&["unet_name"])
            .doc("The file's name in a `unet` or `diffusion_models` folder."),
    )
    .output("model", names::MODEL, "The diffusion network.")
}

/// LoadVae: an autoencoder alone.
fn load_vae(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadVae", 1, move |cx| {
        let file = stored(cx, "file")?;
        let parts = runtime.parts(&file, Wants::Vae).map_err(|e| e.at("file"))?;
        if parts.vae.is_none() {
            return Err(NodeError::new(format!("{} holds no autoencoder", file.name())).at("file"));
        }
        cx.set("vae", VaeValue { weights: WeightsValue::of(file, Part::Alone) });
        Ok(())
    })
    .title("Load autoencoder")
    .category("diffusion/models")
    .doc(
        "An autoencoder (VAE) from a file that holds it alone: often a better one than the checkpoint's own.",
    )
    .param(Param::model("file", "vae").was(&["vae_name"]).doc("The file's name in a `vae` folder."))
    .output("vae", names::VAE, "The autoencoder.")
}

/// LoadTinyVae: a tiny autoencoder.
fn load_tiny_vae() -> Node {
    Node::pure("LoadTinyVae", 1, |cx| {
        let file = stored(cx, "file")?;
        let part = if &*cx.text("latents")? == "sdxl" { Part::TinySdxl } else { Part::TinySd };
        // Whether it is one shows here, not after the picture was drawn.
        let weights = tiny_weights(std::path::Path::new(&file.path)).map_err(|e| e.at("file"))?;
        let vars = Vars::new(file.name(), Arc::new(weights), &Compute::cpu());
        Autoencoder::tiny(&vars, 1.0).map_err(|e| e.at("file"))?;
        cx.set("vae", VaeValue { weights: WeightsValue::of(file, part) });
        Ok(())
    })
    .title("Load tiny autoencoder")
    .category("diffusion/models")
    .doc(
        "A tiny autoencoder (TAESD): nearly the full one's picture in a fraction of the time and memory. The file may \
         hold the decoder, the encoder, or both.",
    )
    .param(Param::model("file", "vae_approx").doc("The file's name in a `vae_approx` folder: taesd_decoder and its like."))
    .param(
        Param::choice("latents", &["sd", "sdxl"])
            .doc("Whose latents it was made for: those of SD 1.x and 2.x, or of SDXL."),
    )
    .output("vae", names::VAE, "The autoencoder.")
}

/// LoadTextEncoder: a text encoder alone.
fn load_text_encoder(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadTextEncoder", 1, move |cx| {
        let file = stored(cx, "file")?;
        encoders(&runtime, &file, "file")?;
        cx.set("clip", TextValue { weights: WeightsValue::of(file, Part::Alone), stop_at: None });
        Ok(())
    })
    .title("Load text encoder")
    .category("diffusion/models")
    .doc("A text encoder from a file that holds it alone: CLIP-L (SD 1.x) or OpenCLIP H (SD 2.x), told by its weights.")
    .param(Param::model("file", "text_encoders").was(&["clip_name"]).doc("The file's name in a `text_encoders` or `clip` folder."))
    .output("clip", names::CLIP, "The text encoder.")
}

/// LoadDualTextEncoder: SDXL's two text encoders from two files.
fn load_dual_text_encoder(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadDualTextEncoder", 1, move |cx| {
        let mut files = Vec::new();
        for param in ["file1", "file2"] {
            let file = stored(cx, param)?;
            encoders(&runtime, &file, param)?;
            files.push(file);
        }
        cx.set(
            "clip",
            TextValue {
                weights: WeightsValue { files, part: Part::Alone, changes: Vec::new() },
                stop_at: None,
            },
        );
        Ok(())
    })
    .title("Load two text encoders")
    .category("diffusion/models")
    .doc("The two text encoders of SDXL (CLIP-L and OpenCLIP G) from two files, in any order.")
    .param(Param::model("file1", "text_encoders").was(&["clip_name1"]).doc("One."))
    .param(Param::model("file2", "text_encoders").was(&["clip_name2"]).doc("The other."))
    .output("clip", names::CLIP, "The text encoders.")
}

fn encoders(runtime: &Runtime, file: &StoredFile, param: &str) -> Result<(), NodeError> {
    let parts = runtime.parts(file, Wants::Text).map_err(|e| e.at(param.to_owned()))?;
    if parts.text.is_empty() {
        return Err(NodeError::new(format!("{} holds no text encoder", file.name())).at(param.to_owned()));
    }
    Ok(())
}

/// LoadLora: a LoRA on a model and its text encoders.
fn load_lora(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadLora", 1, move |cx| {
        let file = stored(cx, "lora")?;
        let (for_model, for_clip) = (cx.float32("strength_model")?, cx.float32("strength_clip")?);
        // Whether the file is one shows here; whether it fits shows where the weights are: in the model.
        read_lora(std::path::Path::new(&file.path)).map_err(|e| e.at("lora"))?;
        let mut model: ModelValue = take(cx, "model")?;
        if for_model != 0.0 {
            model.weights.changes.push(Change::Lora { file: file.clone(), strength: for_model });
            runtime.fits(&model.weights, &file).map_err(|e| e.at("lora"))?;
        }
        cx.set("model", model);
        if cx.has("clip") {
            let mut clip: TextValue = take(cx, "clip")?;
            if for_clip != 0.0 {
                clip.weights.changes.push(Change::Lora { file, strength: for_clip });
            }
            cx.set("clip", clip);
        } else {
            cx.set("clip", Value::None);
        }
        Ok(())
    })
    .title("Load LoRA")
    .category("diffusion/models")
    .doc(
        "Changes a model by a LoRA: a small file that teaches it a style, a character or a thing. Any number may follow \
         each other; they add up in order, and the checkpoint is not loaded again. Names as kohya, diffusers and PEFT \
         write them; LoRA, LoCon, LoHa, LoKr and DoRA. A LoRA for another family of models is refused.",
    )
    .input("model", names::MODEL, "The model to change.")
    .optional("clip", names::CLIP, "The text encoders to change along.")
    .param(Param::model("lora", "loras").was(&["lora_name"]).doc("The file's name in a `loras` folder."))
    .param(
        Param::float("strength_model", 1.0, -100.0..=100.0)
            .step(0.05)
            .doc("How strongly it changes the picture: 1 as it was trained, 0 not at all, below 0 its opposite."),
    )
    .param(
        Param::float("strength_clip", 1.0, -100.0..=100.0)
            .step(0.05)
            .doc("How strongly it changes what words mean."),
    )
    .output("model", names::MODEL, "The changed model.")
    .output("clip", names::CLIP, "The changed text encoders; nothing when none came in.")
}

/// ClipSkip: read an earlier layer of the text encoder.
fn clip_skip() -> Node {
    Node::pure("ClipSkip", 1, |cx| {
        let mut clip: TextValue = take(cx, "clip")?;
        clip.stop_at = Some(cx.int("stop_at_layer")? as i32);
        cx.set("clip", clip);
        Ok(())
    })
    .title("CLIP skip")
    .category("diffusion/prompt")
    .doc(
        "Reads the text at an earlier layer of the encoder. Many anime models were trained with -2; \"CLIP skip 2\" \
         elsewhere is -2 here.",
    )
    .input("clip", names::CLIP, "The text encoders.")
    .param(Param::int("stop_at_layer", -1, -24..=-1).doc("-1 is the last layer, -2 the one before it, and so on."))
    .output("clip", names::CLIP, "The text encoders, read there.")
}
