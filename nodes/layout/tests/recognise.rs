//! Whole files of real names and shapes (their numbers a hole) taken apart, and strange files called what they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Shapes, below, hollow, hollow_with, shapes, shapes_of, under};
use kiln_layout::{
    Family, LayoutError, Looks, PredictionKind, TextKind, looks_like, recognise, recognise_folder, text_only,
    unet_only, vae_only,
};

const UNET: &str = "model.diffusion_model.";
const VAE: &str = "first_stage_model.";

fn join(parts: &[Shapes]) -> Shapes {
    parts.iter().flatten().map(|(n, s)| (n.clone(), s.clone())).collect()
}

#[test]
fn the_published_sd15_file_comes_apart() {
    let folder = tempfile::tempdir().unwrap();
    let all = shapes("sd15_file");
    let parts = recognise(&hollow(&folder.path().join("sd15.safetensors"), &all)).unwrap();
    assert_eq!((parts.family, parts.prediction, parts.zsnr), (Family::Sd1, PredictionKind::Eps, false));
    assert_eq!((parts.in_channels, parts.latent.channels, parts.latent.scale), (4, 4, 0.18215));
    assert_eq!(shapes_of(parts.unet.as_ref().unwrap()), below(UNET, &all));
    assert_eq!(shapes_of(parts.vae.as_ref().unwrap()), below(VAE, &all));
    assert_eq!(parts.text.len(), 1);
    assert_eq!(parts.text[0].kind, TextKind::ClipL);
    let mut text = below("cond_stage_model.transformer.", &all);
    text.remove("text_model.embeddings.position_ids").unwrap();
    assert_eq!(shapes_of(&parts.text[0].weights), text);
    assert_eq!(parts.notes, Vec::<String>::new());
}

#[test]
fn the_published_sdxl_file_comes_apart() {
    let folder = tempfile::tempdir().unwrap();
    let all = shapes("sdxl_file");
    let parts = recognise(&hollow(&folder.path().join("sdxl.safetensors"), &all)).unwrap();
    assert_eq!((parts.family, parts.prediction), (Family::SdxlBase, PredictionKind::Eps));
    assert_eq!(parts.latent.scale, 0.13025);
    assert_eq!(parts.unet.as_ref().unwrap().len(), 1680);
    assert_eq!(parts.text.iter().map(|t| t.kind).collect::<Vec<_>>(), [TextKind::ClipL, TextKind::OpenClipG]);
    assert_eq!(parts.text[0].weights.len(), 196);
    let mut big = below("conditioner.embedders.1.model.", &all);
    big.remove("logit_scale");
    assert_eq!(shapes_of(&parts.text[1].weights), big);
    assert_eq!(parts.notes, Vec::<String>::new());
}

#[test]
fn every_prefix_of_a_lone_network_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("unet.safetensors");
    for (name, family) in [
        ("sd15", Family::Sd1),
        ("sd21", Family::Sd2),
        ("sdxl", Family::SdxlBase),
        ("refiner", Family::SdxlRefiner),
        ("tiny_one", Family::Sd1),
        ("tiny_deep", Family::SdxlBase),
    ] {
        let original = shapes(&format!("{name}_unet_original"));
        let diffusers = shapes(&format!("{name}_unet_diffusers"));
        for all in [
            under(UNET, &original),
            under("diffusion_model.", &original),
            original.clone(),
            diffusers.clone(),
            under("unet.", &diffusers),
        ] {
            let parts = unet_only(&hollow(&file, &all)).unwrap();
            assert_eq!(parts.family, family, "{name}");
            assert_eq!(shapes_of(parts.unet.as_ref().unwrap()), original, "{name}");
            assert_eq!(parts.in_channels, if name == "tiny_deep" { 9 } else { 4 });
            assert_eq!(parts.notes, Vec::<String>::new());
        }
    }
}

#[test]
fn every_prefix_of_a_lone_vae_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vae.safetensors");
    for name in ["vae", "tiny_vae"] {
        let original = shapes(&format!("{name}_original"));
        let diffusers = shapes(&format!("{name}_diffusers"));
        let older: Shapes = diffusers
            .iter()
            .map(|(n, s)| {
                let n = n.replace(".to_q.", ".query.").replace(".to_k.", ".key.");
                (n.replace(".to_v.", ".value.").replace(".to_out.0.", ".proj_attn."), s.clone())
            })
            .collect();
        for all in [under(VAE, &original), under("vae.", &original), original.clone(), diffusers, older] {
            let vae = vae_only(&hollow(&file, &all)).unwrap();
            assert_eq!(shapes_of(&vae.weights), original);
            assert_eq!(vae.latent_channels, 4);
        }
    }
}

#[test]
fn text_encoders_are_known_by_their_names_and_widths() {
    let folder = tempfile::tempdir().unwrap();
    let sdxl = shapes("sdxl_file");
    let small = below("conditioner.embedders.0.transformer.", &sdxl);
    let big = below("conditioner.embedders.1.model.", &sdxl);
    let big_hf = transformers(&big);
    let one = folder.path().join("one");
    for all in [
        small.clone(),
        under("transformer.", &small),
        under("cond_stage_model.transformer.", &small),
        under("text_encoders.clip_l.transformer.", &small),
        // Some conversions left `text_model.` out.
        under("cond_stage_model.transformer.", &below("text_model.", &small)),
        under("text_encoder.", &small),
    ] {
        let text = text_only(&[&hollow(&one, &all)]).unwrap();
        assert_eq!(text[0].kind, TextKind::ClipL);
        assert_eq!(text[0].weights.len(), 196);
        assert!(text[0].weights.contains_key("text_model.final_layer_norm.weight"));
    }
    for all in [
        big.clone(),
        under("conditioner.embedders.0.model.", &big),
        under("text_encoders.clip_g.transformer.", &big_hf),
        under("text_encoder_2.", &big_hf),
        big_hf.clone(),
    ] {
        let text = text_only(&[&hollow(&one, &all)]).unwrap();
        assert_eq!(text[0].kind, TextKind::OpenClipG);
    }
    let two = folder.path().join("two");
    let both = text_only(&[&hollow(&one, &big), &hollow(&two, &small)]).unwrap();
    assert_eq!(both.iter().map(|t| t.kind).collect::<Vec<_>>(), [TextKind::ClipL, TextKind::OpenClipG]);
    let twice = text_only(&[&hollow(&one, &small), &hollow(&two, &small)]).unwrap_err().to_string();
    assert!(twice.ends_with("its text encoder CLIP-L was already given by another file"), "{twice}");
}

/// OpenCLIP's names as transformers has them.
fn transformers(open: &Shapes) -> Shapes {
    let mut all = Shapes::new();
    for (name, shape) in open {
        let theirs = kiln_layout::names::text::in_transformers(name);
        for one in &theirs {
            let mut shape = shape.clone();
            if theirs.len() == 3 {
                shape[0] /= 3;
            }
            all.insert(one.clone(), shape);
        }
    }
    all
}

#[test]
fn velocity_is_told_by_markers_metadata_or_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.safetensors");
    let none = BTreeMap::new();
    let sd2 = under(UNET, &shapes("sd21_unet_original"));
    let telltale = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias";
    let spread = |by: f32| (0..320).map(|i| if i % 2 == 0 { by } else { -by }).collect::<Vec<f32>>();
    for (by, kind) in [(0.0891, PredictionKind::Eps), (0.0909, PredictionKind::V)] {
        let parts = recognise(&hollow_with(&file, &sd2, &[(telltale, spread(by))], &none)).unwrap();
        assert_eq!((parts.family, parts.prediction), (Family::Sd2, kind));
    }
    let said = BTreeMap::from([("modelspec.prediction_type".to_owned(), "epsilon".to_owned())]);
    let parts = recognise(&hollow_with(&file, &sd2, &[(telltale, spread(0.2))], &said)).unwrap();
    assert_eq!(parts.prediction, PredictionKind::Eps);

    let mut marked = under(UNET, &shapes("sdxl_unet_original"));
    marked.insert("v_pred".to_owned(), vec![0]);
    let parts = recognise(&hollow(&file, &marked)).unwrap();
    assert_eq!((parts.prediction, parts.zsnr), (PredictionKind::V, false));
    marked.insert("ztsnr".to_owned(), vec![]);
    let parts = recognise(&hollow(&file, &marked)).unwrap();
    assert_eq!((parts.prediction, parts.zsnr), (PredictionKind::V, true));
    marked.insert("edm_mean".to_owned(), vec![1, 4, 1, 1]);
    let error = recognise(&hollow(&file, &marked)).unwrap_err();
    assert!(matches!(error, LayoutError::NotYet { .. }), "{error}");
}

#[test]
fn a_diffusers_folder_comes_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let put = |part: &str, name: &str, shapes: &Shapes| {
        std::fs::create_dir_all(at.join(part)).unwrap();
        hollow(&at.join(part).join(name), shapes);
    };
    let sdxl = shapes("sdxl_file");
    put("unet", "diffusion_pytorch_model.safetensors", &shapes("sdxl_unet_diffusers"));
    put("vae", "diffusion_pytorch_model.safetensors", &shapes("vae_diffusers"));
    put("text_encoder", "model.safetensors", &below("conditioner.embedders.0.transformer.", &sdxl));
    put(
        "text_encoder_2",
        "model.safetensors",
        &transformers(&below("conditioner.embedders.1.model.", &sdxl)),
    );
    std::fs::write(at.join("model_index.json"), r#"{"_class_name": "StableDiffusionXLPipeline"}"#).unwrap();
    std::fs::create_dir(at.join("scheduler")).unwrap();
    let scheduler = |text: &str| std::fs::write(at.join("scheduler/scheduler_config.json"), text).unwrap();
    scheduler(r#"{"prediction_type": "epsilon", "beta_start": 0.00085, "beta_end": 0.012}"#);

    let parts = recognise_folder(at).unwrap();
    assert_eq!((parts.family, parts.prediction, parts.zsnr), (Family::SdxlBase, PredictionKind::Eps, false));
    assert_eq!(shapes_of(parts.unet.as_ref().unwrap()), shapes("sdxl_unet_original"));
    assert_eq!(shapes_of(parts.vae.as_ref().unwrap()), shapes("vae_original"));
    assert_eq!(parts.text.iter().map(|t| t.kind).collect::<Vec<_>>(), [TextKind::ClipL, TextKind::OpenClipG]);
    assert_eq!(parts.latent.scale, 0.13025);
    assert_eq!(parts.notes, Vec::<String>::new());

    scheduler(r#"{"prediction_type": "v_prediction", "rescale_betas_zero_snr": true, "beta_end": 0.02}"#);
    std::fs::write(at.join("vae/config.json"), r#"{"scaling_factor": 0.5}"#).unwrap();
    let parts = recognise_folder(at).unwrap();
    assert_eq!((parts.prediction, parts.zsnr, parts.latent.scale), (PredictionKind::V, true, 0.5));
    assert_eq!(parts.notes, ["its scheduler asks for other noise levels than its family's, which are used"]);

    scheduler("{");
    let error = recognise_folder(at).unwrap_err().to_string();
    assert!(error.contains("scheduler_config.json: it does not read as JSON"), "{error}");
    scheduler(r#"{"prediction_type": "sample"}"#);
    assert!(matches!(recognise_folder(at), Err(LayoutError::NotYet { .. })));
    scheduler("{}");

    // A part by itself is a model too.
    assert_eq!(recognise_folder(&at.join("unet")).unwrap().family, Family::SdxlBase);
    std::fs::remove_dir_all(at.join("text_encoder")).unwrap();
    assert_eq!(recognise_folder(at).unwrap().notes, ["the text encoder CLIP-L is missing"]);
    std::fs::remove_dir_all(at.join("unet")).unwrap();
    let error = recognise_folder(at).unwrap_err().to_string();
    assert!(error.contains("there is no unet folder"), "{error}");
    std::fs::write(at.join("model_index.json"), r#"{"_class_name": "FluxPipeline"}"#).unwrap();
    assert!(matches!(recognise_folder(at), Err(LayoutError::NotYet { .. })));
}

fn strange(folder: &Path, names: &[&str]) -> (Looks, String) {
    let all: Shapes = names.iter().map(|n| ((*n).to_owned(), vec![2, 2])).collect();
    let file = hollow(&folder.join("x.safetensors"), &all);
    (looks_like(&file), recognise(&file).unwrap_err().to_string().replace(folder.to_str().unwrap(), ""))
}

#[test]
fn other_files_are_called_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (names, looks) in [
        (vec!["lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"], Looks::Lora),
        (
            vec![
                "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
            ],
            Looks::Lora,
        ),
        (vec!["base_model.model.mid_block.attentions.0.proj_in.lora_A.default.weight"], Looks::Lora),
        (vec!["model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"], Looks::Upscaler),
        (vec!["conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight"], Looks::Upscaler),
        (
            vec!["control_model.input_blocks.0.0.weight", "control_model.zero_convs.0.0.weight"],
            Looks::ControlNet,
        ),
        (
            vec!["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"],
            Looks::ControlNet,
        ),
        (
            vec!["model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale"],
            Looks::OtherNetwork("Flux"),
        ),
        (
            vec!["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight"],
            Looks::OtherNetwork("Stable Diffusion 3"),
        ),
        (vec!["joint_blocks.0.x_block.attn.qkv.weight"], Looks::OtherNetwork("Stable Diffusion 3")),
        (vec!["emb_params"], Looks::TextualInversion),
        (vec!["clip_g", "clip_l"], Looks::TextualInversion),
        (vec!["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"], Looks::IpAdapter),
        (vec!["down_blocks.0.motion_modules.0.temporal_transformer.norm.weight"], Looks::MotionModule),
        (vec!["vision_model.embeddings.class_embedding"], Looks::ClipVision),
        (vec!["encoder.block.0.layer.0.SelfAttention.q.weight", "shared.weight"], Looks::T5),
        (vec!["scaled_fp8", "model.diffusion_model.input_blocks.0.0.weight"], Looks::Packed("scaled fp8")),
        (vec!["something.else"], Looks::Unknown),
    ] {
        let (found, error) = strange(folder.path(), &names);
        assert_eq!(found, looks, "{names:?}");
        assert!(
            error.starts_with("/x.safetensors looks like ") && error.contains("a checkpoint is needed here"),
            "{error}"
        );
    }
    let (_, error) = strange(folder.path(), &["joint_blocks.0.x", "joint_blocks.1.\u{1b}[2J"]);
    assert_eq!(
        error,
        "/x.safetensors looks like a Stable Diffusion 3 model, of another construction, but a checkpoint is needed here (it holds \"joint_blocks.0.x\", \"joint_blocks.1.\\u{1b}[2J\")"
    );
}

#[test]
fn a_part_where_another_is_needed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let vae = hollow(&folder.path().join("vae"), &shapes("vae_original"));
    let unet = hollow(&folder.path().join("unet"), &shapes("tiny_one_unet_original"));
    let error = unet_only(&vae).unwrap_err().to_string();
    assert!(error.contains("looks like a VAE, but a denoising network is needed here"), "{error}");
    let error = vae_only(&unet).unwrap_err().to_string();
    assert!(error.contains("looks like a denoising network without a VAE, but a VAE is needed"), "{error}");
    let error = text_only(&[&unet]).unwrap_err().to_string();
    assert!(error.contains("without text encoders, but a text encoder is needed"), "{error}");
    // As a checkpoint a VAE is one without a network.
    assert!(recognise(&vae).unwrap().unet.is_none());
}

#[test]
fn what_is_missing_or_odd_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.safetensors");
    let whole = under(UNET, &shapes("tiny_one_unet_original"));
    let mut all = whole.clone();
    all.remove("model.diffusion_model.time_embed.0.weight");
    all.remove("model.diffusion_model.out.2.weight");
    let error = recognise(&hollow(&file, &all)).unwrap_err().to_string();
    assert!(
        error.contains(
            "the denoising network lacks \"time_embed.0.weight\", \"out.2.weight\"; the file is incomplete"
        ),
        "{error}"
    );

    let mut all = whole.clone();
    all.insert("model.diffusion_model.out.2.weight".into(), vec![4, 32]);
    let error = recognise(&hollow(&file, &all)).unwrap_err().to_string();
    assert!(
        error.contains(
            "\"out.2.weight\" of the denoising network has the shape [4, 32], but 4 sides are needed"
        ),
        "{error}"
    );

    let mut all = join(&[whole.clone(), under(VAE, &shapes("tiny_vae_original"))]);
    all.insert("first_stage_model.decoder.conv_in.weight".into(), vec![32, 16, 3, 3]);
    let error = recognise(&hollow(&file, &all)).unwrap_err().to_string();
    assert!(error.contains("its network makes 4 channels, but its VAE reads 16"), "{error}");

    let mut all = whole.clone();
    for i in 0..3 {
        all.insert(format!("weird.{i}.weight"), vec![2]);
    }
    all.insert("model_ema.diffusion_modeltime_embed0weight".into(), vec![2]);
    let parts = recognise(&hollow(&file, &all)).unwrap();
    assert_eq!(
        parts.notes,
        [
            "3 tensors below \"weird\" are not known and not used",
            "1 averaged weights (model_ema.*) are left aside"
        ]
    );

    let ema: Shapes =
        (0..200).map(|i| (format!("model_ema.diffusion_modelinput_blocks{i}weight"), vec![2])).collect();
    assert!(matches!(recognise(&hollow(&file, &ema)), Err(LayoutError::OnlyEma { .. })));
}
