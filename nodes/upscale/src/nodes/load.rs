//! An upscaler from its file.

use kiln_core::{Node, NodeError, Param};
use kiln_shelf::StoredFile;
use kiln_tensor::Compute;
use kiln_types::names;
use std::path::Path;

use crate::upscaler::Upscaler;
use crate::value::{UPSCALE_MODEL, UpscaleModel, said};

/// LoadUpscaler.
pub(super) fn load_upscaler() -> Node {
    Node::pure("LoadUpscaler", 1, |cx| {
        let file = StoredFile::from(&cx.file("model")?);
        // Whether it is one shows here, not where it is used.
        let upscaler =
            Upscaler::open(Path::new(&file.path), &Compute::cpu()).map_err(|error| said(&error, "model"))?;
        let scale = upscaler.scale();
        cx.set("model", UpscaleModel { file, scale });
        let told = i64::try_from(scale).map_err(NodeError::new)?;
        cx.set("scale", told);
        Ok(())
    })
    .title("Load upscaler")
    .category("upscale")
    .doc(
        "A network that makes pictures larger and invents the detail they lack. ESRGAN and Real-ESRGAN in all their \
         sizes, old names and new, and compact models (SRVGG) are recognised by what is in the file: .pth (read as \
         data: nothing in it is run), .safetensors or .onnx. What else lies in such folders (SwinIR, HAT, DAT and \
         others) is refused by its name.",
    )
    .param(Param::model("model", "upscale_models").was(&["model_name"]).doc("The file's name in an `upscale_models` folder."))
    .output("model", UPSCALE_MODEL, "The upscaler.")
    .output("scale", names::INT, "How many times wider and higher its results are.")
}
