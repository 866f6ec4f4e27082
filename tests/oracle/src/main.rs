//! Writes the models: `kiln-oracle DIR [sd15] [sdxl] [loras]`, into `DIR/checkpoints` and `DIR/loras`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "talking to a person is this program's work")]

use kiln_oracle::{Arch, LoraKind, checkpoint, lora};
use std::fs::{File, create_dir_all};
use std::io::BufWriter;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((dir, wants)) = args.split_first() else {
        eprintln!(
            "kiln-oracle DIR [sd15] [sdxl] [loras]: writes full-size models with pseudo-random weights"
        );
        std::process::exit(2);
    };
    let dir = Path::new(dir);
    let wanted = |name: &str| wants.is_empty() || wants.iter().any(|w| w == name);
    create_dir_all(dir.join("checkpoints"))?;
    create_dir_all(dir.join("loras"))?;
    for (name, arch) in [("sd15", Arch::Sd15), ("sdxl", Arch::Sdxl)] {
        let path = dir.join("checkpoints").join(format!("oracle_{name}.safetensors"));
        if wanted(name) && !path.exists() {
            println!("writing {}", path.display());
            // A file that is cut off must not look finished.
            let unfinished = path.with_extension("unfinished");
            checkpoint(arch, &mut BufWriter::with_capacity(1 << 20, File::create(&unfinished)?))?;
            std::fs::rename(unfinished, path)?;
        }
    }
    if wanted("loras") {
        for kind in LoraKind::ALL {
            lora(kind, &mut BufWriter::new(File::create(dir.join("loras").join(kind.file()))?))?;
        }
    }
    Ok(())
}
