//! Drawing with small models through the whole program: every template, the same bytes however it is run, and only what
//! changed is drawn again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#[path = "support/painting.rs"]
mod painting;
mod support;

use kiln_small::{Family, Model, checkpoint, embedding};
use painting::{Room, SD1, deviation, model, put};
use std::time::{Duration, Instant};
use support::{files, run};

const SMALL: &str = "--set width=64 --set height=64 --set steps=3";

#[test]
fn every_template_draws() {
    let room = Room::new();
    room.pictures();
    put(room.models("checkpoints/sd_xl_base_1.0.safetensors"), model(Family::Sdxl));
    put(room.models("checkpoints/sd_xl_refiner_1.0.safetensors"), model(Family::Refiner));
    for (name, sets, side) in [
        ("text-to-image", SMALL, (64, 64)),
        ("image-to-image", "--set size=64 --set steps=3", (64, 64)),
        ("inpaint", "--set steps=3", (64, 64)),
        ("two-pass", "--set size=64 --set steps=3", (96, 96)),
        ("lora-mix", "--set empty.width=64 --set empty.height=64 --set steps=3", (128, 64)),
        ("sdxl-refiner", "--set size=64 --set steps=4 --set switch~at=3", (64, 64)),
    ] {
        room.good(&format!("fmt --check {name}.ron"));
        room.good(&format!("check {name}.ron {sets}"));
        room.good(&format!("{name}.ron {sets} --item 0 --out {name}"));
        let pixels = room.pixels(&format!("{name}/00000.png"));
        assert_eq!(pixels.len(), side.0 * side.1 * 3, "{name}");
        let spread = deviation(&pixels);
        assert!((0.1..0.4).contains(&spread), "{name}: the picture's numbers deviate by {spread}");
    }
}

#[test]
fn every_family_draws_and_every_part_counts() {
    let room = Room::new();
    for (name, family) in [("inpaint", Family::Inpaint), ("two", Family::Sd2), ("xl", Family::Sdxl)] {
        put(room.models(&format!("checkpoints/{name}.safetensors")), model(family));
    }
    let mut seen = Vec::new();
    for name in [SD1, "inpaint.safetensors", "two.safetensors", "xl.safetensors"] {
        room.good(&format!("text-to-image.ron {SMALL} --item 0 --out {name} --set checkpoint={name}"));
        seen.push(room.pixels(&format!("{name}/00000.png")));
        // Words count; without a negative prompt's strength, the negative prompt does not.
        room.good(&format!(
            "text-to-image.ron {SMALL} --item 0 --out w --overwrite --set checkpoint={name} --set prompt=owl"
        ));
        assert!(seen.last() != Some(&room.pixels("w/00000.png")), "{name}: the prompt does not count");
    }
    for pair in seen.windows(2) {
        assert!(pair[0] != pair[1]);
    }
    room.good(&format!("text-to-image.ron {SMALL} --item 0 --out a --set cfg=1 --set negative=owl"));
    room.good(&format!("text-to-image.ron {SMALL} --item 0 --out b --set cfg=1 --set negative=fox"));
    assert!(room.pixels("a/00000.png") == room.pixels("b/00000.png"));
}

#[test]
fn threads_jobs_and_caches_do_not_change_a_byte() {
    let room = Room::new();
    let pictures = |out: &str, more: &str, threads: Option<&str>| {
        let line =
            format!("text-to-image.ron {SMALL} --items 0..4 --set sampler=dpmpp~2m~sde --out {out} {more}");
        let line = line.replace("dpmpp~2m~sde", "dpmpp_2m_sde");
        let mut c = room.command(&line);
        if let Some(threads) = threads {
            c.env("RAYON_NUM_THREADS", threads);
        }
        let (code, _, err) = run(&mut c);
        assert_eq!(code, 0, "{err}");
        files(&room.path().join(out))
    };
    let first = pictures("a", "--no-cache --jobs 1", Some("1"));
    assert_eq!(first.len(), 4);
    assert!(first == pictures("b", "--no-cache --jobs 4", Some("3")), "three threads, four items at once");
    assert!(first == pictures("c", "--jobs 2", None), "with a cache");
    assert!(first == pictures("d", "--jobs 2", None), "from the cache");
    let one = |k: &str| room.pixels(&format!("a/0000{k}.png"));
    assert!(one("0") != one("1") && one("1") != one("2"), "items have seeds of their own");
}

/// The first of a batch is what its seed gives alone; those behind it have noise of their own.
#[test]
fn a_batch_begins_with_its_seeds_own_picture() {
    let room = Room::new();
    let graph = std::fs::read_to_string(room.path().join("text-to-image.ron")).unwrap();
    put(room.path().join("many.ron"), graph.replace("{item:05}", "{index}"));
    put(room.path().join("one.ron"), graph.replace("{item:05}", "one"));
    room.good(&format!("many.ron {SMALL} --set empty.batch_size=3 --out many"));
    room.good(&format!("one.ron {SMALL} --out one"));
    let many: Vec<Vec<f32>> = (0..3).map(|k| room.pixels(&format!("many/{k}.png"))).collect();
    assert!(many[0] == room.pixels("one/one.png"));
    assert!(many[0] != many[1] && many[1] != many[2]);
}

#[test]
fn only_what_changed_is_drawn_again() {
    let room = Room::new();
    room.pictures();
    let counts = |line: &str| {
        let summary = room.summary(line);
        move |node: &str| summary["nodes"][node]["ran"].as_u64().unwrap()
    };
    // Over items with seeds of their own, what does not hang on the seed is made once.
    let ran = counts(&format!("text-to-image.ron {SMALL} --items 0..3 --out a --no-cache"));
    for (node, times) in
        [("model", 1), ("positive", 1), ("negative", 1), ("empty", 1), ("sample", 3), ("decode", 3)]
    {
        assert_eq!(ran(node), times, "{node}");
    }
    // The same again makes nothing.
    room.good(&format!("text-to-image.ron {SMALL} --items 0..3 --out b"));
    assert_eq!(room.summary(&format!("text-to-image.ron {SMALL} --items 0..3 --out b"))["ran"], 0);

    let line = "image-to-image.ron --set size=64 --set steps=2 --item 0";
    let before = room.keys(line);
    let differ = |more: &str| -> Vec<String> {
        let after = room.keys(&format!("{line} {more}"));
        before.iter().filter(|(node, key)| after[*node] != **key).map(|(node, _)| node.clone()).collect()
    };
    assert_eq!(differ("--set prompt=owl"), ["decode", "positive", "sample", "save"]);
    assert_eq!(differ("--set seed=9"), ["decode", "sample", "save"]);
    assert_eq!(differ("--set denoise=0.5"), ["decode", "sample", "save"]);
    assert_eq!(differ(""), [""; 0]);
}

#[test]
fn keys_hang_on_what_is_in_model_files_not_on_their_names() {
    let room = Room::new();
    let text = format!("text-to-image.ron {SMALL} --item 0");
    let key = |line: &str| room.keys(line)["decode"].clone();
    let before = key(&text);

    // Another name, another folder, another file beside it.
    put(room.models("checkpoints/deep/er.safetensors"), model(Family::Sd1));
    assert_eq!(before, key(&format!("{text} --set checkpoint=deep/er.safetensors")));
    put(room.models("embeddings/other.safetensors"), embedding("other").unwrap());
    assert_eq!(before, key(&text));

    // Other content under the same name.
    put(room.models("checkpoints").join(SD1), checkpoint(Model { family: Family::Sd1, salt: "x" }).unwrap());
    assert_ne!(before, key(&text));

    // A word that an embedding gives its meaning to, set here or coming from a node.
    let linked = "lora-mix.ron --set steps=2 --item 0 --set prompt=embedding:charm~owl";
    let set = format!("{text} --set prompt=embedding:charm~owl");
    let key_of = |line: &str, node: &str| room.keys(line)[node].clone();
    let a = key_of(&set, "positive");
    room.good(&format!("{linked} --out l1 --set empty.width=64 --set empty.height=64"));
    let picture = room.pixels("l1/00000.png");
    room.good(&format!("{linked} --out l2 --set empty.width=64 --set empty.height=64"));
    assert!(picture == room.pixels("l2/00000.png"));
    put(room.models("embeddings/charm.safetensors"), embedding("another charm").unwrap());
    assert_ne!(a, key_of(&set, "positive"));
    room.good(&format!("{linked} --out l3 --set empty.width=64 --set empty.height=64"));
    assert!(
        picture != room.pixels("l3/00000.png"),
        "a linked prompt's embedding changed and nothing was drawn anew"
    );

    // A LoRA's strength. Keys behind a linked prompt are known once it ran.
    let mix = "lora-mix.ron --set steps=2 --item 0 --set empty.width=64 --set empty.height=64 --out l4";
    let keys = |line: &str| {
        let summary = room.summary(line);
        ["left", "right"].map(|node| summary["nodes"][node]["key"].as_str().unwrap().to_owned())
    };
    let (before, after) = (keys(mix), keys(&format!("{mix} --overwrite --set one.strength_model=0.5")));
    assert_eq!(before[0], after[0], "without the LoRA");
    assert_ne!(before[1], after[1], "with it");
}

#[test]
fn a_long_run_stops_between_steps_and_goes_on_later() {
    let room = Room::new();
    let line = "text-to-image.ron --set width=256 --set height=256 --set steps=5000 --item 0 --out out";
    let started = Instant::now();
    let mut child = room.command(line).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let pid = child.id().to_string();
    assert!(child.try_wait().unwrap().is_none(), "5000 steps took less than {:?}", started.elapsed());
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let asked = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "it stopped {:?} after it was asked to",
        asked.elapsed()
    );
    assert!(!room.path().join("out/00000.png").exists());
    room.good(
        "text-to-image.ron --set width=64 --set height=64 --set steps=3 --items 0..2 --out out --resume",
    );
    assert!(room.path().join("out/00000.png").exists());
}

/// ComfyUI's first workflow, as its Export (API) writes it.
const COMFY: &str = r#"{
  "3": {"class_type": "KSampler", "inputs": {"seed": 156680208700286, "steps": 3, "cfg": 8, "sampler_name": "euler",
        "scheduler": "normal", "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
  "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly-fp16.safetensors"}},
  "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
  "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "beautiful scenery nature glass bottle landscape, purple galaxy bottle,", "clip": ["4", 1]}},
  "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
  "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
  "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}}
}"#;

#[test]
fn comfyuis_first_workflow_draws_and_so_do_models_placed_as_a1111_has_them() {
    let room = Room::new();
    put(room.path().join("workflow.json"), COMFY);
    room.good("workflow.json --out comfy");
    let comfy: Vec<_> =
        files(&room.path().join("comfy")).into_iter().filter(|f| f.0.ends_with(".png")).collect();
    assert_eq!(comfy.len(), 1, "{:?}", comfy.iter().map(|f| &f.0).collect::<Vec<_>>());

    let webui = room.path().join("webui");
    put(webui.join("models/Stable-diffusion/mine.safetensors"), model(Family::Sd1));
    put(webui.join("embeddings/charm.safetensors"), embedding("charm").unwrap());
    let line = format!("text-to-image.ron {SMALL} --item 0 --set prompt=embedding:charm~owl");
    room.good(&format!("{line} --out theirs --models webui/models --set checkpoint=mine.safetensors"));
    room.good(&format!("{line} --out ours"));
    assert!(room.pixels("theirs/00000.png") == room.pixels("ours/00000.png"));
}
