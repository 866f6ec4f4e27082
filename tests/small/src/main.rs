//! Writes all small models to a folder, named and placed as people have them: `kiln-small DIR`.
#![allow(clippy::unwrap_used, reason = "a tool for tests")]

use kiln_small::{Family, Model, checkpoint, embedding, lora, vae_file};
use std::path::Path;

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "models".to_owned());
    let put = |name: &str, bytes: Vec<u8>| {
        let path = Path::new(&dir).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for (name, family) in [
        ("v1-5-pruned-emaonly-fp16", Family::Sd1),
        ("inpaint", Family::Inpaint),
        ("sd2", Family::Sd2),
        ("sd_xl_base_1.0", Family::Sdxl),
        ("sd_xl_refiner_1.0", Family::Refiner),
    ] {
        put(&format!("checkpoints/{name}.safetensors"), checkpoint(family.model()).unwrap());
    }
    put("loras/first.safetensors", lora(Family::Sd1.model()).unwrap());
    put("loras/second.safetensors", lora(Model { family: Family::Sd1, salt: "second" }).unwrap());
    put("loras/sdxl.safetensors", lora(Family::Sdxl.model()).unwrap());
    put("embeddings/charm.safetensors", embedding("charm").unwrap());
    put("vae/other.safetensors", vae_file("other", 4).unwrap());
}
