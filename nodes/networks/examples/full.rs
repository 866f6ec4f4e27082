//! A full-size UNet against recorded results, and where they part.
//!
//! ```text
//! cargo run --release -p kiln-networks --example full -- CHECKPOINT RESULT.npy… [--trace trace.json] [--times N]
//! ```
//!
//! A result is named `unet_HxW_tT.npy`; its inputs are made again from their names (`unet_x_HxW`, `unet_ctx`,
//! `unet_y`). `tests/reference/full_unet.py` makes checkpoints and results. A trace tells, for modules by name, the
//! mean, the deviation and some values of what came out; the first module that differs is said.
#![allow(clippy::print_stdout, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on stops")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use common::{normal, relative};
use kiln_networks::unet::{Hooks, Traced, UNet};
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Vars, Weight, WeightMap};
use kiln_weights::WeightFile;
use serde_json::Value;

const PREFIX: &str = "model.diffusion_model.";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let checkpoint = arguments.next().unwrap_or_else(|| panic!("which checkpoint?"));
    let (mut results, mut trace, mut times) = (Vec::new(), None, 1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--trace" => trace = arguments.next(),
            "--times" => times = arguments.next().unwrap().parse().unwrap(),
            _ => results.push(argument),
        }
    }
    let trace: Option<Value> = trace.map(|t| serde_json::from_slice(&std::fs::read(t).unwrap()).unwrap());

    let start = Instant::now();
    let file = WeightFile::open(Path::new(&checkpoint)).unwrap();
    let weights: WeightMap = file
        .iter()
        .filter_map(|s| Some((s.name().strip_prefix(PREFIX)?.to_owned(), Weight::stored(s.clone()))))
        .collect();
    let compute = Compute::cpu();
    let unet = UNet::new(&Vars::new(&checkpoint, Arc::new(weights), &compute)).unwrap();
    println!("{:?}\nbuilt in {:.2} s", unet.config(), start.elapsed().as_secs_f64());

    let mut worst: f64 = 0.0;
    for result in &results {
        let name = Path::new(result).file_stem().unwrap().to_str().unwrap();
        let (shape, wanted) = npy(result);
        let time: f32 = name.rsplit_once("_t").unwrap().1.parse().unwrap();
        let [n, _, h, w] = shape.try_into().unwrap();
        let config = unet.config();
        let make = |name: &str, len: usize| normal(name, len, 1.0, 0.0);
        let x = [n, config.in_channels, h, w];
        let x = compute.tensor(make(&format!("unet_x_{h}x{w}"), x.iter().product()), x);
        let context = [n, 77, config.context_dim.unwrap()];
        let context = compute.tensor(make("unet_ctx", context.iter().product()), context);
        let y = config.adm.map(|width| compute.tensor(make("unet_y", n * width), [n, width]));

        let noted = trace.as_ref().map(|t| &t[name]).filter(|t| t.is_object());
        let first = RefCell::new(None);
        let show = |name: &str, value: Traced<'_>| {
            let Some(noted) = noted.and_then(|t| t.get(name)) else { return };
            let off = differs(noted, value);
            if off > 1e-4 && first.borrow().is_none() {
                *first.borrow_mut() = Some(format!("{name}: off by {off:.2e} of the deviation"));
            }
        };
        let hooks = Hooks { trace: noted.is_some().then_some(&show), ..Hooks::default() };
        for _ in 0..times {
            let start = Instant::now();
            let out = unet.forward(&x, &vec![time; n], &context, y.as_ref(), &hooks).unwrap();
            let distance = relative(&wanted, &values(out).unwrap());
            worst = worst.max(distance);
            println!("{name} of {n}: relative L2 {distance:.2e}, {:.2} s", start.elapsed().as_secs_f64());
        }
        if noted.is_some() {
            println!("{}", first.into_inner().unwrap_or_else(|| "every traced module agrees".to_owned()));
        }
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status
            .lines()
            .filter(|l| l.starts_with("VmHWM") || l.starts_with("RssAnon"))
            .for_each(|l| println!("{l}"));
    }
    assert!(worst < 1e-4, "relative L2 {worst:.2e} is too far");
}

/// How far the noted values are off, in deviations.
fn differs(noted: &Value, value: Traced<'_>) -> f64 {
    let wanted: Vec<usize> =
        noted["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let found = match value {
        Traced::Picture(t) => values(t.clone()).unwrap(),
        // A picture there, rows here.
        Traced::Rows(t) if wanted.len() == 4 => values(t.clone().swap_dims(1, 2)).unwrap(),
        Traced::Rows(t) => values(t.clone()).unwrap(),
        Traced::Vector(t) => values(t.clone()).unwrap(),
    };
    if wanted.iter().product::<usize>() != found.len() {
        return f64::INFINITY;
    }
    let deviation = noted["std"].as_f64().unwrap().max(1e-6);
    let at = noted["at"].as_object().unwrap().iter();
    at.map(|(index, wanted)| {
        let index: usize = index.parse().unwrap();
        (f64::from(found[index]) - wanted.as_f64().unwrap()).abs() / deviation
    })
    .fold(0.0, f64::max)
}

/// Shape and values of a little-endian f32 array in C order.
fn npy(path: &str) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{path}: {header}");
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    (shape, bytes[end..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect())
}
