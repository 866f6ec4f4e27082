//! Full-size text encoders and autoencoders against recorded results.
//!
//! ```text
//! cargo run --release -p kiln-networks --example full_text_vae -- CHECKPOINT RESULTS PICTURE.ppm
//! cargo run --release -p kiln-networks --example full_text_vae -- CHECKPOINT decode 64x64 [TILE]
//! cargo run --release -p kiln-networks --example full_text_vae -- open FOLDER
//! ```
//!
//! The first holds a Stable Diffusion 1 checkpoint to a folder of results: `tokens.json`, `text_NAME_cond_sK.npy`
//! (every K-th channel), `text_NAME_pooled.npy`, `vae_decode_HxW_u16.npy` (of the latent `vae_z_HxW`, made again from
//! its name) and `vae_encode_WxH.npy` (of the picture). The second times a decoding and tells the memory it took. The
//! third reads what `tests/reference/clip_text.py full FOLDER` wrote.
#![allow(clippy::print_stdout, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on stops")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use common::{normal, relative};
use kiln_networks::clip_text::{ClipText, Layer, Slot};
use kiln_networks::vae::Vae;
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Tensor, Vars, Weight, WeightMap};
use kiln_weights::WeightFile;
use serde_json::Value;

/// A latent of Stable Diffusion 1 is so many times its autoencoder's.
const SCALE: f32 = 0.18215;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let far = match arguments[..] {
        ["open", folder] => ["h", "g"].iter().map(|name| open(Path::new(folder), name)).fold(0.0, f64::max),
        [checkpoint, "decode", size] => decode(checkpoint, size, None),
        [checkpoint, "decode", size, tile] => decode(checkpoint, size, Some(tile.parse().unwrap())),
        [checkpoint, results, picture] => {
            let vars = vars(checkpoint);
            texts(&vars, Path::new(results)).max(pictures(&vars, Path::new(results), picture))
        }
        _ => panic!("which checkpoint, which results, which picture?"),
    };
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status
            .lines()
            .filter(|l| l.starts_with("VmHWM") || l.starts_with("RssAnon"))
            .for_each(|l| println!("{l}"));
    }
    assert!(far < 1e-5, "relative L2 {far:.2e} is too far");
}

fn vars(checkpoint: &str) -> Vars {
    let file = WeightFile::open(Path::new(checkpoint)).unwrap();
    let weights: WeightMap = file.iter().map(|s| (s.name().to_owned(), Weight::stored(s.clone()))).collect();
    Vars::new(checkpoint, Arc::new(weights), &Compute::cpu())
}

fn texts(vars: &Vars, results: &Path) -> f64 {
    let clip = ClipText::new(&vars.at("cond_stage_model.transformer")).unwrap();
    println!("{:?}", clip.config());
    let tokens: Value = serde_json::from_slice(&std::fs::read(results.join("tokens.json")).unwrap()).unwrap();
    let tokens = tokens.as_object().unwrap();
    let encode = |name: &str| {
        let windows = tokens[name]["l"].as_array().unwrap();
        let slots = |w: &Value| w.as_array().unwrap().iter().map(|t| slot(&t[0])).collect();
        let encoded = clip.encode(&windows.iter().map(slots).collect::<Vec<Vec<_>>>(), Layer::LAST).unwrap();
        let weights =
            windows.iter().flat_map(|w| w.as_array().unwrap()).map(|t| t[1].as_f64().unwrap() as f32);
        (values(encoded.hidden).unwrap(), values(encoded.pooled).unwrap(), weights.collect::<Vec<_>>())
    };
    let (empty, ..) = encode("empty");
    let width = clip.width();
    let mut far: f64 = 0.0;
    for name in tokens.keys() {
        let Some((stride, wanted)) = [1, 2, 4, 8, 16].iter().find_map(|stride| {
            let path = results.join(format!("text_{name}_cond_s{stride}.npy"));
            path.exists().then(|| (*stride, npy(&path).1))
        }) else {
            continue;
        };
        let start = Instant::now();
        let (hidden, pooled, weights) = encode(name);
        let seconds = start.elapsed().as_secs_f64();
        let weighted = hidden.iter().enumerate().map(|(i, z)| {
            let (weight, none) = (weights[i / width], empty[i % empty.len()]);
            if weight == 1.0 { *z } else { (z - none) * weight + none }
        });
        let kept: Vec<f32> = weighted
            .enumerate()
            .filter(|(i, _)| (i % width).is_multiple_of(stride))
            .map(|(_, z)| z)
            .collect();
        let text = relative(&wanted, &kept);
        let whole = relative(&npy(&results.join(format!("text_{name}_pooled.npy"))).1, &pooled[..width]);
        println!("text {name}: relative L2 {text:.2e}, pooled {whole:.2e}, {seconds:.3} s");
        far = far.max(text).max(whole);
    }
    far
}

fn slot(id: &Value) -> Slot<'static> {
    Slot::Id(id.as_u64().unwrap() as u32)
}

fn latent([h, w]: [usize; 2]) -> Tensor<4> {
    let z = normal(&format!("vae_z_{h}x{w}"), 4 * h * w, 1.0, 0.0).into_iter().map(|v| v / SCALE).collect();
    Compute::cpu().tensor(z, [1, 4, h, w])
}

fn pictures(vars: &Vars, results: &Path, picture: &str) -> f64 {
    let vae = Vae::new(&vars.at("first_stage_model")).unwrap();
    println!("{:?}", vae.config());
    let (height, width, pixels) = ppm(picture);
    let [h, w] = [height / vae.factor(), width / vae.factor()];

    let (_, wanted) = npy(&results.join(format!("vae_decode_{h}x{w}_u16.npy")));
    let start = Instant::now();
    let found = values(vae.decode(&latent([h, w])).unwrap()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let plane = height * width;
    let found: Vec<f32> = (0..3 * plane)
        .map(|i| (((found[i % 3 * plane + i / 3] + 1.0) / 2.0).clamp(0.0, 1.0) * 65535.0).round())
        .collect();
    let off: Vec<f32> = wanted.iter().zip(&found).map(|(a, b)| (a - b).abs()).collect();
    let most = off.iter().fold(0.0f32, |a, b| a.max(*b));
    let other = off.iter().filter(|d| **d > 0.0).count() as f64 / off.len() as f64;
    let decoded = relative(&wanted, &found);
    println!(
        "decode {h}x{w}: relative L2 {decoded:.2e}; of 65535 steps at most {most} off, {:.2} % of the values; {seconds:.2} s",
        other * 100.0
    );

    let (_, wanted) = npy(&results.join(format!("vae_encode_{width}x{height}.npy")));
    let x: Vec<f32> =
        (0..3 * plane).map(|i| f32::from(pixels[i % plane * 3 + i / plane]) / 255.0 * 2.0 - 1.0).collect();
    let x = Compute::cpu().tensor(x, [1, 3, height, width]);
    let start = Instant::now();
    let mean = values(vae.encode(&x).unwrap()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let encoded = relative(&wanted, &mean);
    println!("encode {width}x{height}: relative L2 {encoded:.2e}, {seconds:.2} s");
    decoded.max(encoded)
}

fn decode(checkpoint: &str, size: &str, tile: Option<usize>) -> f64 {
    let vae = Vae::new(&vars(checkpoint).at("first_stage_model")).unwrap();
    let (h, w) = size.split_once('x').unwrap();
    let z = latent([h.parse().unwrap(), w.parse().unwrap()]);
    for _ in 0..2 {
        let start = Instant::now();
        let picture = match tile {
            Some(tile) => vae.decode_tiled(&z, tile, tile / 4, &mut |_, _| {}, &|| false).unwrap(),
            None => vae.decode(&z).unwrap(),
        };
        println!("decode {:?}: {:.2} s", picture.dims(), start.elapsed().as_secs_f64());
    }
    0.0
}

fn open(folder: &Path, name: &str) -> f64 {
    let clip =
        ClipText::new(&vars(folder.join(format!("open_{name}.safetensors")).to_str().unwrap())).unwrap();
    println!("{:?}", clip.config());
    let read = |what: &str| npy(&folder.join(format!("open_{name}_{what}.npy")));
    let (shape, tokens) = read("tokens");
    let windows: Vec<Vec<Slot<'_>>> =
        tokens.chunks(shape[1]).map(|w| w.iter().map(|id| Slot::Id(*id as u32)).collect()).collect();
    let start = Instant::now();
    let last = clip.encode(&windows, Layer::LAST).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let before = clip.encode(&windows, Layer::PENULTIMATE).unwrap();
    let off = [
        ("plain-2", values(before.hidden).unwrap()),
        ("normed-1", values(last.hidden).unwrap()),
        ("pooled", values(last.pooled).unwrap()),
        ("projected", values(last.projected.unwrap()).unwrap()),
    ]
    .map(|(what, found)| {
        let off = relative(&read(what).1, &found);
        println!("{name} {what}: relative L2 {off:.2e}");
        off
    });
    println!("{name}: {} windows in {seconds:.2} s", windows.len());
    off.into_iter().fold(0.0, f64::max)
}

/// Height, width and bytes of a binary picture of three channels.
fn ppm(path: &str) -> (usize, usize, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let head = bytes.splitn(5, u8::is_ascii_whitespace).collect::<Vec<_>>();
    let number = |i: usize| std::str::from_utf8(head[i]).unwrap().parse::<usize>().unwrap();
    assert!(
        head[0] == b"P6" && number(3) == 255 && head[4].len() == number(1) * number(2) * 3,
        "{path}: no P6 picture"
    );
    (number(2), number(1), head[4].to_vec())
}

/// Shape and values of a little-endian array in C order: f32, or u16 as it is.
fn npy(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    assert!(header.contains("'fortran_order': False"), "{}: {header}", path.display());
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let body = &bytes[end..];
    let values = if header.contains("'<u2'") {
        body.chunks_exact(2).map(|b| f32::from(u16::from_le_bytes(b.try_into().unwrap()))).collect()
    } else {
        assert!(header.contains("'<f4'"), "{}: {header}", path.display());
        body.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    (shape, values)
}
