//! Prompts.

use crate::encode;
use crate::runtime::Runtime;
use crate::values::{Sizes, TextValue, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use std::sync::Arc;

pub(super) fn nodes(runtime: &Arc<Runtime>) -> Vec<Node> {
    vec![encode_prompt(runtime.clone()), encode_sdxl(runtime.clone()), encode_refiner(runtime.clone())]
}

const SYNTAX: &str = "`(word:1.2)` counts more, `(word:0.8)` less, `embedding:name` puts in a learned word. Long texts \
                      are read in several windows.";

/// EncodePrompt: text as the model reads it.
fn encode_prompt(runtime: Arc<Runtime>) -> Node {
    Node::pure("EncodePrompt", 1, move |cx| {
        let clip: TextValue = take(cx, "clip")?;
        let text = cx.text("text")?;
        let conditioning = encode::prompt(cx, &runtime, &clip, &text, None).map_err(|e| at(e, "text"))?;
        cx.set("conditioning", conditioning);
        Ok(())
    })
    .title("Prompt")
    .category("diffusion/prompt")
    .doc(format!("What a picture should show, or should not, in words. {SYNTAX}"))
    .input("clip", names::CLIP, "The text encoders of the model.")
    .param(Param::prompt("text", "").doc("The words."))
    .output("conditioning", names::CONDITIONING, "The words as the model reads them.")
    .on_device()
}

fn at(error: NodeError, port: &str) -> NodeError {
    if error.port.is_some() { error } else { error.at(port.to_owned()) }
}

fn pixels(name: &'static str, default: i64) -> Param {
    Param::int(name, default, 0..=16_384).unit("px")
}

fn number(cx: &Cx<'_>, name: &str) -> Result<usize, NodeError> {
    cx.count(name)
}

/// EncodePromptSdxl: a text for each encoder, and the sizes SDXL is told.
fn encode_sdxl(runtime: Arc<Runtime>) -> Node {
    Node::pure("EncodePromptSdxl", 1, move |cx| {
        let clip: TextValue = take(cx, "clip")?;
        let (text_l, text_g) = (cx.text("text_l")?, cx.text("text_g")?);
        let sizes = Sizes::Base {
            width: number(cx, "width")?,
            height: number(cx, "height")?,
            crop_w: number(cx, "crop_w")?,
            crop_h: number(cx, "crop_h")?,
            target_width: number(cx, "target_width")?,
            target_height: number(cx, "target_height")?,
        };
        let conditioning = encode::two_prompts(cx, &runtime, &clip, &text_l, &text_g, Some(sizes)).map_err(|e| at(e, "text_g"))?;
        cx.set("conditioning", conditioning);
        Ok(())
    })
    .title("Prompt for SDXL")
    .category("diffusion/prompt")
    .doc(format!(
        "A text for each of SDXL's two encoders, and the sizes SDXL was trained to be told: a larger width and height \
         than the picture's make it sharper, a crop shifts it. {SYNTAX}"
    ))
    .input("clip", names::CLIP, "The text encoders of the model.")
    .param(pixels("width", 1024).doc("The width the picture is said to have had."))
    .param(pixels("height", 1024).doc("The height."))
    .param(pixels("crop_w", 0).doc("How much is said to be cropped on the left."))
    .param(pixels("crop_h", 0).doc("How much is said to be cropped at the top."))
    .param(pixels("target_width", 1024).doc("The width it is said to have now."))
    .param(pixels("target_height", 1024).doc("The height."))
    .param(Param::prompt("text_g", "").doc("The words for the larger encoder: the picture in sentences."))
    .param(Param::prompt("text_l", "").doc("The words for the smaller encoder: often the same, or keywords of style."))
    .output("conditioning", names::CONDITIONING, "The words as the model reads them.")
    .on_device()
}

/// EncodePromptRefiner: text for the SDXL refiner.
fn encode_refiner(runtime: Arc<Runtime>) -> Node {
    Node::pure("EncodePromptRefiner", 1, move |cx| {
        let clip: TextValue = take(cx, "clip")?;
        let text = cx.text("text")?;
        let sizes = Sizes::Refiner {
            width: number(cx, "width")?,
            height: number(cx, "height")?,
            aesthetic: cx.float("ascore")?,
        };
        let conditioning =
            encode::prompt(cx, &runtime, &clip, &text, Some(sizes)).map_err(|e| at(e, "text"))?;
        cx.set("conditioning", conditioning);
        Ok(())
    })
    .title("Prompt for the SDXL refiner")
    .category("diffusion/prompt")
    .doc(format!("Text for the SDXL refiner, with how good the picture should look. {SYNTAX}"))
    .input("clip", names::CLIP, "The text encoder of the refiner.")
    .param(
        Param::float("ascore", 6.0, 0.0..=1000.0)
            .step(0.01)
            .doc("How good it should look: 6 for what is wanted, 2.5 for what is not."),
    )
    .param(pixels("width", 1024).doc("The width the picture is said to have had."))
    .param(pixels("height", 1024).doc("The height."))
    .param(Param::prompt("text", "").doc("The words."))
    .output("conditioning", names::CONDITIONING, "The words as the model reads them.")
    .on_device()
}
