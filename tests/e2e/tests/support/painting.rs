//! Small models in folders as people have them, and runs of graphs that draw with them.
#![allow(dead_code, reason = "every test uses its own part")]

use crate::support::{command, run};
use kiln_small::{Family, Model, checkpoint, embedding, lora, vae_file};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name the templates know Stable Diffusion 1 by.
pub const SD1: &str = "v1-5-pruned-emaonly-fp16.safetensors";

pub fn put(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub fn model(family: Family) -> Vec<u8> {
    checkpoint(family.model()).unwrap()
}

/// A folder with graphs, pictures and models in it.
pub struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    /// With Stable Diffusion 1, two LoRA and a learned word; and the templates.
    pub fn new() -> Self {
        let room = Self { folder: tempfile::tempdir().unwrap() };
        put(room.models("checkpoints").join(SD1), model(Family::Sd1));
        put(room.models("loras/first.safetensors"), lora(Family::Sd1.model()).unwrap());
        put(room.models("loras/second.safetensors"), lora(Model { family: Family::Sd1, salt: "b" }).unwrap());
        put(room.models("embeddings/charm.safetensors"), embedding("charm").unwrap());
        put(room.models("vae/other.safetensors"), vae_file("other", 4).unwrap());
        let graphs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../graphs");
        for entry in std::fs::read_dir(graphs).unwrap() {
            let path = entry.unwrap().path();
            put(room.path().join(path.file_name().unwrap()), std::fs::read(&path).unwrap());
        }
        room
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn models(&self, below: &str) -> PathBuf {
        self.path().join("models").join(below)
    }

    pub fn graph(&self, name: &str, nodes: &str) {
        put(self.path().join(name), format!("Graph(kiln: 1, title: \"t\", nodes: {{ {nodes} }})"));
    }

    /// Two pictures of 64 pixels, as the templates name them.
    pub fn pictures(&self) {
        let paper = |seed: u32, name: &str| {
            format!(
                r#""p{seed}": (type: "NoiseImage", with: {{ "size": (64, 64), "seed": {seed}, "kind": "fbm", "scale": 20 }}),
                "s{seed}": (type: "SaveImage", from: {{ "image": "p{seed}.image" }}, with: {{ "name": "{name}" }}),"#
            )
        };
        self.graph("pictures.ron", &format!("{}{}", paper(1, "photo"), paper(2, "mask")));
        self.good("pictures.ron --out drawn");
        for name in ["photo.png", "mask.png"] {
            std::fs::copy(self.path().join("drawn").join(name), self.path().join(name)).unwrap();
        }
    }

    /// `graph-run` with these words (`~` stands for a space within one) and the models, on the processor.
    pub fn command(&self, line: &str) -> Command {
        let mut c = command(self.path());
        c.args(line.split_whitespace().map(|w| w.replace('~', " ")));
        if line.starts_with("fmt") {
            return c;
        }
        c.args(["--device", "cpu"]);
        if !line.contains("--models") {
            c.arg("--models").arg(self.models(""));
        }
        c
    }

    pub fn good(&self, line: &str) -> String {
        let (code, out, err) = run(&mut self.command(line));
        assert_eq!(code, 0, "{line}: {out}{err}");
        out
    }

    /// Runs it; the summary.
    pub fn summary(&self, line: &str) -> Value {
        serde_json::from_str(&self.good(&format!("{line} --json"))).unwrap()
    }

    /// Runs it, which must end with `code`; what it said.
    pub fn bad(&self, line: &str, code: i32) -> String {
        let (got, out, err) = run(&mut self.command(line));
        assert_eq!(got, code, "{line}: {out}{err}");
        err
    }

    /// Every node's key.
    pub fn keys(&self, line: &str) -> BTreeMap<String, String> {
        let line = format!("keys {line} --json").replace("--item 0", "");
        let all: Value = serde_json::from_str(&self.good(&line)).unwrap();
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        all.as_array().unwrap().iter().map(|l| (text(&l["node"]), text(&l["key"]))).collect()
    }

    /// A picture's numbers.
    pub fn pixels(&self, path: &str) -> Vec<f32> {
        let bytes = std::fs::read(self.path().join(path)).unwrap();
        kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap().image.data().to_vec()
    }
}

/// How far a picture's numbers are from their mean.
pub fn deviation(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / values.len() as f32).sqrt()
}
