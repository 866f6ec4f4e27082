//! One side of `race.py`: whole networks, timed one forward at a time.
//!
//! Reads commands, one a line, and answers with seconds: `open unet|vae|clip CHECKPOINT` builds a network and runs it
//! once, `run` runs it again, `memory` tells the peak of resident memory in megabytes, `quit` ends.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops")]

#[path = "../tests/common/mod.rs"]
mod common;

use common::normal;
use kiln_networks::clip_text::{ClipText, Layer, Slot};
use kiln_networks::unet::{Hooks, UNet};
use kiln_networks::vae::Vae;
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Vars, Weight, WeightMap};
use kiln_weights::WeightFile;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

type Forward = Box<dyn Fn() -> f32>;

fn weights(checkpoint: &str, prefixes: &[&str]) -> Arc<WeightMap> {
    let file = WeightFile::open(Path::new(checkpoint)).unwrap();
    let named = |name: &str| prefixes.iter().find_map(|p| name.strip_prefix(p).map(str::to_owned));
    Arc::new(file.iter().filter_map(|s| Some((named(s.name())?, Weight::stored(s.clone())))).collect())
}

fn open(what: &str, checkpoint: &str, side: usize, batch: usize) -> Forward {
    let compute = Compute::cpu();
    let first = |v: Vec<f32>| v.first().copied().unwrap_or(0.0);
    match what {
        "unet" => {
            let unet =
                UNet::new(&Vars::new(checkpoint, weights(checkpoint, &["model.diffusion_model."]), &compute))
                    .unwrap();
            let config = unet.config();
            let x =
                compute.tensor::<4>(normal("x", batch * 4 * side * side, 1.0, 0.0), [batch, 4, side, side]);
            let width = config.context_dim.unwrap_or(768);
            let context =
                compute.tensor::<3>(normal("context", batch * 77 * width, 1.0, 0.0), [batch, 77, width]);
            let y = config.adm.map(|n| compute.tensor::<2>(normal("y", batch * n, 1.0, 0.0), [batch, n]));
            let times = vec![500.0; batch];
            Box::new(move || {
                first(
                    values(unet.forward(&x, &times, &context, y.as_ref(), &Hooks::default()).unwrap())
                        .unwrap(),
                )
            })
        }
        "vae" => {
            let vae =
                Vae::new(&Vars::new(checkpoint, weights(checkpoint, &["first_stage_model."]), &compute))
                    .unwrap();
            let z =
                compute.tensor::<4>(normal("z", batch * 4 * side * side, 1.0, 0.0), [batch, 4, side, side]);
            Box::new(move || first(values(vae.decode(&z).unwrap()).unwrap()))
        }
        _ => {
            let prefixes = ["cond_stage_model.transformer.", "conditioner.embedders.0.transformer."];
            let clip =
                ClipText::new(&Vars::new(checkpoint, weights(checkpoint, &prefixes), &compute)).unwrap();
            Box::new(move || {
                let window: Vec<Slot<'_>> =
                    (0..77).map(|i| Slot::Id(if i == 76 { 49_407 } else { 1000 + i })).collect();
                first(values(clip.encode(&vec![window; batch], Layer::LAST).unwrap().hidden).unwrap())
            })
        }
    }
}

fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let mut forward: Option<Forward> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        let answer = match words.as_slice() {
            ["open", what, checkpoint, side, batch] => {
                let made = open(what, checkpoint, side.parse().unwrap(), batch.parse().unwrap());
                made();
                forward = Some(made);
                begun.elapsed().as_secs_f64()
            }
            ["run"] => {
                forward.as_ref().unwrap()();
                begun.elapsed().as_secs_f64()
            }
            ["memory"] => peak(),
            _ => break,
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}
