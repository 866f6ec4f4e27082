//! Where model files are: a graph names `sd15.safetensors`, and the folders of a models tree are searched for it.
//!
//! The trees people have work as they are: Kiln's own and ComfyUI's (`models/checkpoints`, `models/loras` …), and
//! A1111's (`models/Stable-diffusion`, `models/Lora`, `embeddings` …).

use crate::node::NodeError;
use std::path::{Path, PathBuf};

/// For each kind of model: its folder's name here, and the names other programs give it.
const FOLDERS: &[(&str, &[&str])] = &[
    ("checkpoints", &["checkpoints", "Stable-diffusion", "stable-diffusion", "StableDiffusion"]),
    ("unet", &["unet", "diffusion_models", "checkpoints", "Stable-diffusion"]),
    ("vae", &["vae", "VAE"]),
    ("text_encoders", &["text_encoders", "clip", "text_encoder"]),
    ("loras", &["loras", "Lora", "lora", "LyCORIS"]),
    ("embeddings", &["embeddings", "../embeddings", "textual_inversion"]),
    ("vae_approx", &["vae_approx", "VAE-approx", "vae"]),
    ("upscale_models", &["upscale_models", "ESRGAN", "RealESRGAN", "upscalers"]),
    ("clip_vision", &["clip_vision", "clip", "CLIP"]),
    ("background_removal", &["background_removal", "rembg", "onnx"]),
    ("aesthetic", &["aesthetic", "aesthetic_heads"]),
];

/// Endings that may be left out of a model's name.
const ENDINGS: &[&str] = &["", ".safetensors", ".ckpt", ".pt", ".pth", ".bin"];

/// The kinds of model folders there are.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    FOLDERS.iter().map(|f| f.0)
}

fn names_of(kind: &str) -> &'static [&'static str] {
    FOLDERS.iter().find(|f| f.0 == kind).map_or(&[], |f| f.1)
}

/// Every file of a kind in these trees, as a graph would name it, sorted.
#[must_use]
pub fn list(roots: &[PathBuf], kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    for root in roots {
        for folder in names_of(kind) {
            below(&root.join(folder), "", 0, &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

fn below(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok).take(10_000) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || found.len() > 100_000 {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if path.join("model_index.json").is_file() {
                found.push(format!("{prefix}{name}"));
            } else if depth < 4 {
                below(&path, &format!("{prefix}{name}/"), depth + 1, found);
            }
        } else if ENDINGS.iter().skip(1).chain(&[".onnx"]).any(|e| name.to_lowercase().ends_with(e)) {
            found.push(format!("{prefix}{name}"));
        }
    }
}

/// The file (or diffusers folder) of a kind that a graph names, if it is in one of the trees.
#[must_use]
pub fn find(roots: &[PathBuf], kind: &str, name: &str) -> Option<PathBuf> {
    // Workflows written on Windows have their subfolders with backslashes.
    let name = name.replace('\\', "/");
    let inside = Path::new(&name).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if name.is_empty() || !inside || name.contains('\0') {
        return None;
    }
    roots
        .iter()
        .flat_map(|root| names_of(kind).iter().map(move |f| root.join(f)))
        .flat_map(|folder| ENDINGS.iter().map(move |e| (folder.clone(), *e)))
        .map(|(folder, ending)| folder.join(format!("{name}{ending}")))
        .find(|p| p.exists())
}

/// Why there is no such model, with the nearest that is there.
pub(crate) fn missing(roots: &[PathBuf], kind: &str, name: &str) -> NodeError {
    if names_of(kind).is_empty() {
        return NodeError::new(format!("there is no file or folder {name:?}"))
            .hint("paths are relative to the graph's file");
    }
    let all = list(roots, kind);
    let error = NodeError::new(format!("there is no model {name:?} in the `{kind}` folders"));
    if let Some(near) = crate::words::nearest(name, all.iter()) {
        return error.hint(format!("did you mean {near:?}?"));
    }
    if all.is_empty() {
        let places = if roots.is_empty() {
            "name a models folder with --models DIR or $KILN_MODELS".to_owned()
        } else {
            let shown: Vec<String> =
                roots.iter().take(3).map(|r| r.join(kind).display().to_string()).collect();
            format!("put it into {}, or name another models folder with --models", shown.join(" or "))
        };
        return error.hint(places);
    }
    let some: Vec<&str> = all.iter().take(5).map(String::as_str).collect();
    error.hint(format!("there are {}{}", some.join(", "), if all.len() > 5 { " and others" } else { "" }))
}

/// The names of LoRAs a text calls for with `<lora:name:0.8>`.
#[must_use]
pub fn lora_names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("<lora:").skip(1).take(1000) {
        let Some((inside, _)) = piece.split_once('>') else { continue };
        let name = inside.split(':').next().unwrap_or_default().trim();
        if !name.is_empty() && !found.iter().any(|f| f == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Every model a text names: its kind, and its name.
pub(crate) fn named_in(text: &str) -> Vec<(&'static str, String)> {
    let embeddings = embedding_names(text).into_iter().map(|name| ("embeddings", name));
    embeddings.chain(lora_names(text).into_iter().map(|name| ("loras", name))).collect()
}

/// The names of embeddings a prompt calls for with `embedding:name`; what follows a name (`,`, `)`, `:1.2`) is left off.
#[must_use]
pub fn embedding_names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("embedding:").skip(1) {
        let end = piece
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ':'))
            .unwrap_or(piece.len());
        let name = piece[..end].to_owned();
        if !name.is_empty() && !found.contains(&name) {
            found.push(name);
        }
        if found.len() >= 1000 {
            break;
        }
    }
    found
}
