//! Whole workflows on full-size models against ComfyUI's latents and pictures.
//!
//! The quick form runs two cases of Stable Diffusion 1.5, the long one (`KILN_FULL=1`) all of them. The models are
//! written where `KILN_ORACLE` says, or beside the build.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on stops")]

use kiln_oracle::{Arch, LoraKind, checkpoint, lora};
use kiln_weights::WeightFile;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn full() -> bool {
    std::env::var_os("KILN_FULL").is_some()
}

/// The models' folder, with the model a case needs in it.
fn models(arch: Arch) -> PathBuf {
    let dir = std::env::var_os("KILN_ORACLE")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"), PathBuf::from);
    fs::create_dir_all(dir.join("checkpoints")).unwrap();
    fs::create_dir_all(dir.join("loras")).unwrap();
    let name = if arch == Arch::Sd15 { "oracle_sd15.safetensors" } else { "oracle_sdxl.safetensors" };
    let path = dir.join("checkpoints").join(name);
    if !path.exists() {
        let unfinished = dir.join(format!("{name}.{}", std::process::id()));
        checkpoint(arch, &mut BufWriter::with_capacity(1 << 20, File::create(&unfinished).unwrap())).unwrap();
        fs::rename(unfinished, &path).unwrap();
    }
    for kind in LoraKind::ALL {
        let path = dir.join("loras").join(kind.file());
        if !path.exists() {
            let unfinished = dir.join(format!("{}.{}", kind.file(), std::process::id()));
            lora(kind, &mut BufWriter::new(File::create(&unfinished).unwrap())).unwrap();
            fs::rename(unfinished, &path).unwrap();
        }
    }
    dir
}

/// The numbers of a `.npy` file of f32.
fn npy(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let text = String::from_utf8_lossy(&bytes[10..10 + header]);
    assert!(text.contains("'<f4'"), "{text}");
    bytes[10 + header..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn relative(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let off: f64 = ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let all: f64 = theirs.iter().map(|v| f64::from(*v).powi(2)).sum();
    (off / all).sqrt()
}

fn find(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with(".kiln") {
                todo.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn pixels(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let decoded = kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap();
    assert_eq!(decoded.image.channels(), 3);
    decoded.image.data().iter().map(|v| (v * 255.0).round()).collect()
}

/// Runs a case as a person would and compares everything it made.
fn run(case: &str, arch: Arch) {
    let models = models(arch);
    let work = tempfile::tempdir().unwrap();
    for input in fs::read_dir(here("inputs")).unwrap() {
        let path = input.unwrap().path();
        fs::copy(&path, work.path().join(path.file_name().unwrap())).unwrap();
    }
    let graph = work.path().join("workflow.json");
    fs::copy(here("cases").join(case).join("workflow_api.json"), &graph).unwrap();
    let out = work.path().join("out");
    let args = [
        "graph-run",
        graph.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--models",
        models.to_str().unwrap(),
        "--device",
        "cpu",
        "--no-cache",
        "--quiet",
    ];
    let code = graph_run::main(args.iter().map(Into::into));
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "{case} did not run");

    let latents = find(&out, ".latent");
    let file = WeightFile::open(&latents[0]).unwrap();
    let ours = file.get("latent_tensor").unwrap().to_f32();
    let off = relative(&ours, &npy(&here("cases").join(case).join("latent.npy")));
    let pictures = find(&out, ".png");
    assert!(!pictures.is_empty(), "{case} made no picture");
    for (index, picture) in pictures.iter().enumerate() {
        let theirs = pixels(&here("cases").join(case).join(format!("image{index}.png")));
        let ours = pixels(picture);
        assert_eq!(ours.len(), theirs.len());
        let most = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let differ = ours.chunks(3).zip(theirs.chunks(3)).filter(|(a, b)| a != b).count();
        let part = differ as f64 / (ours.len() / 3) as f64;
        eprintln!(
            "{case}: latent {off:.2e}, picture {index} off by {most} in {:.4} % of its pixels",
            part * 100.0
        );
        assert!(
            most <= 1.0 && part <= 0.001,
            "{case}: picture {index} is off by {most} in {:.3} % of its pixels",
            part * 100.0
        );
    }
    assert!(off < 1e-4, "{case}: the latent is off by {off:.3e}");
}

#[test]
fn the_models_are_the_ones_comfyui_had() {
    // The whole file's hash is checked in the long form; here some tensors of it, as the Python generator writes them.
    let mut bytes = Vec::new();
    lora(LoraKind::Sd15KohyaB, &mut bytes).unwrap();
    assert_eq!(bytes.len(), 1_650_584);
    assert_eq!(kiln_oracle::fingerprint(&bytes), "1e52e0651a618d9e1b9aeb559286e431");
}

#[test]
fn two_cases_give_comfyuis_pictures() {
    // One test, so that the model is written once.
    run("f1_inpaint_noisemask", Arch::Sd15);
    run("g_lora_kohya", Arch::Sd15);
}

#[test]
fn every_recorded_case_gives_comfyuis_picture() {
    if !full() {
        eprintln!("left out: the long form (KILN_FULL=1) runs every case, SDXL among them");
        return;
    }
    for entry in fs::read_dir(here("cases")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        run(&name, if name.starts_with('x') { Arch::Sdxl } else { Arch::Sd15 });
    }
}
