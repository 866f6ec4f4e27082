//! What people run into with models: each is told which file, what is wrong with it and what to do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#[path = "support/painting.rs"]
mod painting;
mod support;

use kiln_small::{Family, lora, vae_file};
use painting::{Room, SD1, model, put};
use std::path::Path;

const DRAW: &str = "text-to-image.ron --set width=64 --set height=64 --set steps=2 --item 0 --out out";

/// A run that must fail, and the words it must say.
fn fails(room: &Room, line: &str, code: i32, words: &[&str]) {
    let said = room.bad(line, code);
    for word in words {
        assert!(said.contains(word), "{line}: {word:?} is missing in: {said}");
    }
}

/// A checkpoint with a weight that is not a number.
fn spoiled(bytes: &[u8], name: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let at = 8 + length + header[name]["data_offsets"][0].as_u64().unwrap() as usize + 10;
    let mut bytes = bytes.to_vec();
    bytes[at..at + 2].copy_from_slice(&0x7E00u16.to_le_bytes());
    bytes
}

/// A zip archive of one file, not compressed, as torch writes them.
fn zipped(name: &str, data: &[u8]) -> Vec<u8> {
    let crc = !data.iter().fold(!0u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()));
        crc
    });
    let mut middle = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    middle.extend(crc.to_le_bytes());
    middle.extend((data.len() as u32).to_le_bytes());
    middle.extend((data.len() as u32).to_le_bytes());
    middle.extend((name.len() as u16).to_le_bytes());
    middle.extend([0, 0]);
    let mut all = b"PK\x03\x04".to_vec();
    all.extend(&middle);
    all.extend(name.as_bytes());
    all.extend(data);
    let directory = all.len();
    all.extend(b"PK\x01\x02\x14\x00");
    all.extend(&middle);
    all.extend([0; 10]);
    all.extend(0u32.to_le_bytes());
    all.extend(name.as_bytes());
    let length = all.len() - directory;
    all.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    all.extend((length as u32).to_le_bytes());
    all.extend((directory as u32).to_le_bytes());
    all.extend([0, 0]);
    all
}

#[test]
fn damaged_and_foreign_files_are_named() {
    let room = Room::new();
    let whole = model(Family::Sd1);
    let file = |name: &str, bytes: &[u8]| put(room.models("checkpoints").join(name), bytes);
    file("short.safetensors", &whole[..5_000_000]);
    file("page.safetensors", b"<!DOCTYPE html><html><body>Please sign in</body></html>");
    file("unet.safetensors", &spoiled(&whole, "model.diffusion_model.middle_block.0.in_layers.2.weight"));
    let layer = "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.weight";
    file("text.safetensors", &spoiled(&whole, layer));
    file("vae.safetensors", &spoiled(&whole, "first_stage_model.decoder.conv_in.weight"));
    file("lora.safetensors", &lora(Family::Sd1.model()).unwrap());
    let nan = ["not a number", "download it again"];
    for (name, words) in [
        ("short.safetensors", &["model.checkpoint", "cut short", "download it again"][..]),
        ("page.safetensors", &["model.checkpoint", "web page", "download it again"]),
        ("unet.safetensors", &["middle_block.0.in_layers.2.weight", "sample.model", nan[0], nan[1]]),
        ("text.safetensors", &["encoder.layers.1.mlp.fc2.weight", ".clip", nan[0], nan[1]]),
        ("vae.safetensors", &["decoder.conv_in.weight", "decode.vae", nan[0], nan[1]]),
        ("lora.safetensors", &["looks like a LoRA", "a checkpoint is needed"]),
    ] {
        fails(&room, &format!("{DRAW} --set checkpoint={name}"), 1, &[&[name], words].concat());
    }
}

#[test]
fn a_pickle_that_wants_to_run_something_runs_nothing() {
    let room = Room::new();
    let marker = room.path().join("marker");
    let mut pickle = b"\x80\x02cposix\nsystem\n(X".to_vec();
    let command = format!("touch {}", marker.display());
    pickle.extend((command.len() as u32).to_le_bytes());
    pickle.extend(command.as_bytes());
    pickle.extend(b"tR.");
    put(room.models("checkpoints/bare.ckpt"), &pickle);
    put(room.models("checkpoints/zip.ckpt"), zipped("archive/data.pkl", &pickle));
    for name in ["bare.ckpt", "zip.ckpt"] {
        let words = [name, "wants to run posix.system", "nothing was run"];
        fails(&room, &format!("{DRAW} --set checkpoint={name}"), 1, &words);
    }
    assert!(!marker.exists());
}

#[test]
fn names_that_are_not_there_get_a_suggestion() {
    let room = Room::new();
    let wrong = SD1.replace("pruned", "prund");
    fails(&room, &format!("{DRAW} --set checkpoint={wrong}"), 2, &["there is no model", "did you mean", SD1]);
    fails(&room, &format!("{DRAW} --set prompt=embedding:chram~owl"), 1, &["chram", "embeddings"]);
    assert!(!Path::new(&room.path().join("out/00000.png")).exists());
}

#[test]
fn parts_of_different_families_are_refused() {
    let room = Room::new();
    put(room.models("checkpoints/xl.safetensors"), model(Family::Sdxl));
    put(room.models("loras/xl.safetensors"), lora(Family::Sdxl.model()).unwrap());
    put(room.models("vae/wide.safetensors"), vae_file("wide", 8).unwrap());
    let words = ["one.lora", "xl.safetensors", "made for another model", " of 64 modules match"];
    fails(&room, "lora-mix.ron --item 0 --out out --set steps=2 --set first=xl.safetensors", 1, &words);

    let load = |name: &str, file: &str| {
        format!(r#""{name}": (type: "LoadCheckpoint", with: {{ "checkpoint": "{file}" }}),"#)
    };
    let models = load("one", SD1) + &load("xl", "xl.safetensors");
    let draw = |words: &str| {
        format!(
            r#"{models} "words": (type: "EncodePrompt", from: {{ "clip": "{words}.clip" }}, with: {{ "text": "owl" }}),
            "draw": (type: "Sample", from: {{ "latent": "empty.latent", "model": "one.model",
                "positive": "words.conditioning", "negative": "words.conditioning" }}, with: {{ "steps": 2 }}),"#
        )
    };
    let empty = r#""empty": (type: "EmptyLatent", with: { "width": 64, "height": 64 }),"#;
    let save = |vae: &str| {
        format!(
            r#""decode": (type: "DecodeLatent", from: {{ "latent": "draw.latent", "vae": "{vae}.vae" }}),
            "save": (type: "SaveImage", from: {{ "image": "decode.image" }}),"#
        )
    };
    room.graph("words.ron", &format!("{}{empty}{}", draw("xl"), save("one")));
    fails(&room, "words.ron --out out", 1, &["draw.positive", "128 numbers", "reads 64", "same checkpoint"]);

    let wide = r#""wide": (type: "LoadVae", with: { "file": "wide.safetensors" }),"#;
    room.graph("vae.ron", &format!("{}{empty}{wide}{}", draw("one"), save("wide")));
    fails(&room, "vae.ron --out out", 1, &["decode.latent", "4 channels", "has 8", "model that drew it"]);

    let photo = r#""paper": (type: "NoiseImage", with: { "size": (64, 64), "seed": 1, "kind": "fbm", "scale": 20 }),
        "empty": (type: "EncodeImage", from: { "image": "paper.image", "vae": "wide.vae" }),"#;
    room.graph("latent.ron", &format!("{}{photo}{wide}{}", draw("one"), save("one")));
    fails(&room, "latent.ron --out out", 1, &["draw.latent", "8 channels", "draws 4", "own autoencoder"]);
}
