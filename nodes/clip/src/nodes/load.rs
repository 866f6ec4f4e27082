//! Models from files.

use crate::head::Head;
use crate::preprocess::{Crop, Preprocess, Resizing};
use crate::towers::{Activation, Towers};
use crate::values::{AestheticHead, ClipTower, names};
use kiln_core::{Node, Param};
use kiln_shelf::StoredFile;
use kiln_tensor::Compute;
use std::path::Path;

pub(super) fn nodes() -> Vec<Node> {
    vec![load_clip(), load_head()]
}

/// LoadClip.
fn load_clip() -> Node {
    Node::pure("LoadClip", 1, |cx| {
        let file = StoredFile::from(&cx.file("file")?);
        let activation = match &*cx.text("activation")? {
            "quick_gelu" => Activation::QuickGelu,
            "gelu" => Activation::Gelu,
            _ => Activation::Auto,
        };
        let resizing =
            if &*cx.text("resizing")? == "transformers" { Resizing::Transformers } else { Resizing::Comfy };
        let crop = if &*cx.text("crop")? == "none" { Crop::None } else { Crop::Center };
        // Whether it is one shows here, not after the pictures were drawn. Mapped, not read.
        Towers::open_with(Path::new(&file.path), &Compute::cpu(), activation)
            .map_err(|e| kiln_core::NodeError::from(e).at("file"))?;
        let space = cx.text("space")?.to_string();
        cx.set("clip", ClipTower { file, activation, preprocess: Preprocess { resizing, crop }, space });
        Ok(())
    })
    .title("Load CLIP")
    .category("clip")
    .doc(
        "A CLIP from a file: its image tower, its text tower, or both. All sizes of OpenAI's and OpenCLIP's vision \
         transformers (ViT-B/32 to bigG/14) are told by their weights, under the names of transformers, OpenAI and \
         OpenCLIP; .safetensors or a torch checkpoint, which is read as data. The file is mapped, not copied.",
    )
    .param(
        Param::model("file", "clip_vision")
            .was(&["clip_name"])
            .doc("The file's name in a `clip_vision` or `clip` folder."),
    )
    .param(Param::choice("activation", &["auto", "quick_gelu", "gelu"]).doc(
        "The activation inside the layers, which no file tells. `auto` goes by kind: quick_gelu for OpenAI's sizes \
         (B/32, B/16, L/14) under transformers' names and for files with the marks of OpenAI's own training, gelu for \
         all others. Set it for LAION's B and L under transformers' names (gelu), and for DFN and MetaCLIP (quick_gelu).",
    ))
    .param(Param::choice("resizing", &["comfy", "transformers"]).doc(
        "Whose arithmetic brings pictures to the tower's size: ComfyUI's (bicubic on the samples) or the one of \
         transformers with Pillow (bicubic on bytes). They differ in the last bit of some pixels.",
    ))
    .param(Param::choice("crop", &["center", "none"]).doc(
        "What is seen of a picture that is not square: its middle, or all of it, squeezed.",
    ))
    .param(Param::text("space", "").doc(
        "What its embeddings are said to be made by: those of one name can be compared. Empty: the model's size and the \
         start of its file's hash. Give two files of one model, its image tower and its text tower, the same name.",
    ))
    .output("clip", names::TOWER, "The CLIP.")
}

/// LoadAestheticHead.
fn load_head() -> Node {
    Node::pure("LoadAestheticHead", 1, |cx| {
        let file = StoredFile::from(&cx.file("file")?);
        let head = Head::open(Path::new(&file.path)).map_err(|e| kiln_core::NodeError::from(e).at("file"))?;
        cx.set("width", i64::try_from(head.width()).unwrap_or(i64::MAX));
        cx.set("head", AestheticHead { file });
        Ok(())
    })
    .title("Load aesthetic head")
    .category("clip")
    .doc(
        "A small network that tells from a picture's embedding how much people would like it, about 1 to 10: LAION's \
         linear heads (for ViT-L/14 and ViT-B/32), and the improved predictor in both its forms (linearMSE, reluMSE), \
         .safetensors or .pth.",
    )
    .param(Param::model("file", "aesthetic").doc("The file's name in an `aesthetic` folder."))
    .output("head", names::HEAD, "The head.")
    .output("width", kiln_types::names::INT, "How many numbers the embeddings it judges have: 768 for ViT-L/14.")
}
