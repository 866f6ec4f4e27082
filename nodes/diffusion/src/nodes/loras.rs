//! LoRAs named in a text, `<lora:name:0.8>`: as prompts of other programs have them, and as traits ask for them.

use crate::runtime::{Runtime, read_lora};
use crate::values::{Change, ModelValue, StoredFile, TextValue, names, take};
use kiln_core::{Node, NodeError, Param};
use kiln_types::Value;
use kiln_types::names::TEXT;
use std::sync::Arc;

/// So many LoRAs may lie on one model.
const MOST: usize = 32;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![load_loras_from_text(runtime.clone())]
}

/// One LoRA of a text.
#[derive(Debug, PartialEq)]
struct Tag {
    name: String,
    model: f32,
    clip: f32,
}

/// The LoRAs that a text names, and the text without them.
fn tags(text: &str) -> Result<(Vec<Tag>, String), NodeError> {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut left = text;
    while let Some(at) = left.find("<lora:") {
        rest.push_str(&left[..at]);
        let inside = &left[at + "<lora:".len()..];
        let Some((tag, after)) = inside.split_once('>') else {
            let shown: String = left[at..].chars().take(60).collect();
            return Err(NodeError::new(format!("{shown:?} has no end")).hint("write it like <lora:name:0.8>"));
        };
        let mut parts = tag.split(':').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let mut strength = |otherwise: f32| match parts.next() {
            None | Some("") => Ok(otherwise),
            Some(word) => {
                word.parse().ok().filter(|v: &f32| v.is_finite() && v.abs() <= 100.0).ok_or_else(|| {
                    NodeError::new(format!("<lora:{tag}>: {word:?} is no strength"))
                        .hint("write it like <lora:name:0.8>")
                })
            }
        };
        let model = strength(1.0)?;
        let clip = strength(model)?;
        if name.is_empty() {
            return Err(
                NodeError::new(format!("<lora:{tag}> names no file")).hint("write it like <lora:name:0.8>")
            );
        }
        found.push(Tag { name, model, clip });
        if found.len() > MOST {
            return Err(NodeError::new(format!("the text names more than {MOST} LoRAs")));
        }
        left = after;
    }
    rest.push_str(left);
    let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((found, words))
}

/// LoadLorasFromText: every LoRA that a text names, on a model and its text encoders.
fn load_loras_from_text(runtime: Arc<Runtime>) -> Node {
    Node::pure("LoadLorasFromText", 1, move |cx| {
        let (tags, words) = tags(&cx.text("text")?).map_err(|e| e.at("text"))?;
        let factor = cx.float32("factor")?;
        let mut model: ModelValue = take(cx, "model")?;
        let mut clip: Option<TextValue> = if cx.has("clip") { Some(take(cx, "clip")?) } else { None };
        for tag in &tags {
            let file = StoredFile::from(&cx.model("loras", &tag.name).map_err(|e| e.at("text"))?);
            read_lora(std::path::Path::new(&file.path)).map_err(|e| e.at("text"))?;
            let (for_model, for_clip) = (tag.model * factor, tag.clip * factor);
            if for_model != 0.0 {
                model.weights.changes.push(Change::Lora { file: file.clone(), strength: for_model });
                runtime.fits(&model.weights, &file).map_err(|e| e.at("text"))?;
            }
            if let Some(clip) = clip.as_mut().filter(|_| for_clip != 0.0) {
                clip.weights.changes.push(Change::Lora { file, strength: for_clip });
            }
        }
        cx.set("model", model);
        match clip {
            Some(clip) => cx.set("clip", clip),
            None => cx.set("clip", Value::None),
        }
        cx.set("words", words.as_str());
        Ok(())
    })
    .title("Load LoRAs from text")
    .category("diffusion/models")
    .doc(
        "Changes a model by every LoRA that a text names, <lora:name:0.8>, in their order: as prompts of other programs \
         have them, and as TraitLoras writes them for a collection. A second number, <lora:name:0.8:0.5>, is for the \
         text encoders. The text without them comes out as a prompt.",
    )
    .input("model", names::MODEL, "The model to change.")
    .optional("clip", names::CLIP, "The text encoders to change along.")
    .param(Param::prompt("text", "").doc("The text; LoRAs lie in a `loras` folder."))
    .param(Param::float("factor", 1.0, -100.0..=100.0).step(0.05).doc("All strengths times this."))
    .output("model", names::MODEL, "The changed model.")
    .output("clip", names::CLIP, "The changed text encoders; nothing when none came in.")
    .output("words", TEXT, "The text without the LoRAs.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_words() {
        let (found, words) =
            tags("a fox <lora:gold:0.8> in <lora:a/b.safetensors:1:0.5>snow <lora:plain>").unwrap();
        let tag = |name: &str, model, clip| Tag { name: name.into(), model, clip };
        assert_eq!(found, [tag("gold", 0.8, 0.8), tag("a/b.safetensors", 1.0, 0.5), tag("plain", 1.0, 1.0)]);
        assert_eq!(words, "a fox in snow");
        assert_eq!(tags("").unwrap(), (Vec::new(), String::new()));
        for bad in ["<lora:x:much>", "<lora:x", "<lora::1>", "<lora:x:NaN>", "<lora:x:1e9>"] {
            assert!(tags(bad).is_err(), "{bad}");
        }
        assert!(tags(&"<lora:x>".repeat(40)).is_err());
    }
}
