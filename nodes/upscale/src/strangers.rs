//! Names for files that are something else: people put all kinds of models into one folder.

/// A beginning or a part of a weight's name, and what a file with such a weight is. The first that fits counts.
const KNOWN: [(&str, &str); 40] = [
    ("model.diffusion_model.", "a Stable Diffusion checkpoint"),
    ("conditioner.embedders.", "a Stable Diffusion XL checkpoint"),
    ("control_model.", "a ControlNet"),
    ("lora_unet_", "a LoRA"),
    ("lora_te", "a LoRA"),
    (".lora_A.", "a LoRA"),
    (".lora_up.", "a LoRA"),
    (".lora.up.", "a LoRA"),
    ("_lora.up.", "a LoRA"),
    ("relative_position_index_OCA", "a HAT upscaler"),
    ("overlap_attn", "a HAT upscaler"),
    ("relative_position_index_SA", "an ATD or HAT upscaler"),
    ("attn.attns.", "a DAT upscaler"),
    ("before_RG.", "a DAT upscaler"),
    ("residual_group.blocks.0.attn.cpb_mlp", "a Swin2SR upscaler"),
    ("residual_group.blocks.", "a SwinIR upscaler"),
    ("relative_position_bias_table", "a Swin transformer"),
    ("block_1.c1_r.", "a SPAN upscaler"),
    ("residual_layer.0.residual_layer.", "an OmniSR upscaler"),
    ("channe_mixer", "a PLKSR upscaler"),
    ("channel_mixer", "a PLKSR upscaler"),
    ("stylegan_decoder.", "GFPGAN, a restorer of faces"),
    ("quantize.embedding.", "CodeFormer or another model with a code book"),
    ("m_head.", "a SCUNet or DRUNet denoiser"),
    ("unet1.", "a waifu2x network"),
    ("encoder_level1.", "a Restormer"),
    ("body.0.rcab.", "an RCAN upscaler"),
    ("body.0.body.0.body.", "an RCAN upscaler"),
    ("body.0.body.0.", "an EDSR upscaler"),
    ("RRDB_trunk.", "an ESRGAN with other inner blocks"),
    ("model.1.sub.", "an ESRGAN with other inner blocks, or an SRResNet"),
    ("conv_first.", "an upscaler of another kind (SwinIR, HAT, SRResNet and others begin like this)"),
    ("decoder.conv_in.", "an autoencoder (VAE)"),
    ("first_stage_model.", "an autoencoder (VAE)"),
    ("text_model.", "a CLIP text encoder"),
    ("visual_projection", "a CLIP vision model"),
    ("transformer.resblocks.", "a CLIP model"),
    ("double_blocks.", "a Flux diffusion network"),
    ("joint_blocks.", "a Stable Diffusion 3 network"),
    ("input_blocks.", "a diffusion network"),
];

/// What a file with these weights is.
pub(crate) fn name(names: &[&str]) -> String {
    let Some(first) = names.first() else { return "a file without weights".into() };
    match KNOWN.iter().find(|(part, _)| names.iter().any(|n| n.contains(part))) {
        Some((_, what)) => (*what).to_owned(),
        None => {
            let shown: String = first.chars().filter(|c| !c.is_control()).take(80).collect();
            format!("no upscaler known here: {} weights, the first of them \"{shown}\"", names.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_named() {
        let told = |n: &str| name(&["a", n]);
        assert_eq!(told("layers.0.residual_group.blocks.0.attn.qkv.weight"), "a SwinIR upscaler");
        assert_eq!(told("layers.0.residual_group.overlap_attn.qkv.weight"), "a HAT upscaler");
        assert_eq!(told("layers.0.blocks.0.attn.attns.0.pos.pos_proj.weight"), "a DAT upscaler");
        assert_eq!(told("block_1.c1_r.sk.weight"), "a SPAN upscaler");
        assert_eq!(told("model.diffusion_model.input_blocks.0.0.weight"), "a Stable Diffusion checkpoint");
        assert_eq!(told("lora_unet_down_blocks_0.alpha"), "a LoRA");
        assert!(told("fc.weight").contains("2 weights, the first of them \"a\""));
        assert_eq!(name(&[]), "a file without weights");
    }
}
