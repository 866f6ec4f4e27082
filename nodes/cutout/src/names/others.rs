//! What a file is that is none of these networks, as far as its names show.

use kiln_weights::WeightFile;

/// The end of a sentence about a file nobody knows.
pub(super) const UNKNOWN: &str =
    "holds no network for background removal that Kiln knows: U²-Net, U²-NetP, IS-Net and MODNet are read";

/// A part of a name that only one kind of network has, the kind, and what to do.
const PARTS: [(&str, &str, &str); 22] = [
    ("squeeze_module.", "BiRefNet", REMOVER),
    ("decoder.ipt_blk", "BiRefNet", REMOVER),
    ("bb.layers.0.blocks", "BiRefNet", REMOVER),
    (
        "backbone.layers.0.blocks.0.attn.relative_position_bias_table",
        "a network around a Swin transformer",
        REMOVER,
    ),
    ("relative_position_index", "a network around a Swin transformer", REMOVER),
    ("image_encoder.trunk", "Segment Anything 2", POINTS),
    ("mask_decoder.", "Segment Anything", POINTS),
    ("mask_downscaling", "Segment Anything", POINTS),
    ("image_encoder.neck", "Segment Anything", POINTS),
    ("refiner.stem", "Robust Video Matting", VIDEO),
    ("backbone.features.0.0.weight", "Robust Video Matting", VIDEO),
    ("dfl.conv.weight", "a YOLO detector", DETECTOR),
    ("model.0.conv.weight", "a YOLO detector", DETECTOR),
    ("visual.conv1.weight", "CLIP", EMBEDS),
    ("vision_model.embeddings", "CLIP", EMBEDS),
    ("text_model.embeddings", "a text encoder", EMBEDS),
    ("model.diffusion_model.", "a Stable Diffusion checkpoint", CHECKPOINT),
    ("rdb1.conv1.weight", "an upscaler (ESRGAN)", UPSCALER),
    ("RDB1.conv1.0.weight", "an upscaler (ESRGAN)", UPSCALER),
    ("depth_head.", "a network that tells depth", NONE),
    ("lora_down", "a LoRA", LORA),
    ("decoder.mid.block_1", "an autoencoder of a diffusion model", NONE),
];

const REMOVER: &str =
    "it removes backgrounds, but Kiln does not read it yet; U²-Net, IS-Net and MODNet are read";
const POINTS: &str = "it wants to be told where the subject is; U²-Net, IS-Net and MODNet find it themselves";
const VIDEO: &str = "it is made for films; U²-Net, IS-Net and MODNet are read";
const DETECTOR: &str = "it draws boxes, not outlines; U²-Net, IS-Net and MODNet are read";
const EMBEDS: &str = "it finds no subjects; U²-Net, IS-Net and MODNet do";
const CHECKPOINT: &str = "load it as a checkpoint";
const UPSCALER: &str = "load it as an upscaler";
const LORA: &str = "load it as one";
const NONE: &str = "it finds no subjects; U²-Net, IS-Net and MODNet do";

/// Inputs of ONNX graphs that tell their kind.
const INPUTS: [(&str, &str, &str); 6] = [
    ("point_coords", "Segment Anything", POINTS),
    ("image_embeddings", "Segment Anything", POINTS),
    ("input_ids", "a text encoder", EMBEDS),
    ("r1i", "Robust Video Matting", VIDEO),
    ("images", "a detector (YOLO and its relatives)", DETECTOR),
    ("latent_sample", "an autoencoder of a diffusion model", NONE),
];

/// Operations on 8-bit numbers.
const QUANTISED: [&str; 5] =
    ["QLinearConv", "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear"];

/// What the file is, as the rest of a sentence about it.
pub(super) fn look(file: &WeightFile) -> Option<String> {
    let say = |(what, then): (&str, &str)| format!("is {what}: {then}");
    if let Some(found) = PARTS.iter().find(|(part, ..)| file.names().any(|name| name.contains(part))) {
        return Some(say((found.1, found.2)));
    }
    let graph = file.graph()?;
    if let Some(found) = INPUTS.iter().find(|(input, ..)| graph.inputs().iter().any(|name| name == input)) {
        return Some(say((found.1, found.2)));
    }
    let has = |ops: &[&str]| graph.nodes().iter().filter(|n| ops.contains(&n.op.as_str())).count();
    if has(&QUANTISED) > 0 {
        return Some(
            "is quantised to whole numbers, which Kiln does not compute with: get the model in 32 or 16 bit"
                .into(),
        );
    }
    // One softmax a layer: that is attention.
    if has(&["Softmax"]) >= 8 {
        return Some(say(("a transformer (BiRefNet or another)", REMOVER)));
    }
    None
}

/// A network of this shape that tells several things apart.
pub(super) fn classes(maps: usize) -> String {
    format!(
        "is a U²-Net that gives {maps} maps (one for each of several classes, as u2net_cloth_seg has for clothes): one that \
         gives a single map is needed here"
    )
}
