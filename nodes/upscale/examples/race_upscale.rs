//! One side of `race.py`: an upscaler, timed one picture at a time.
//!
//! Reads commands, one a line, and answers with seconds: `open FILE SIDE` opens an upscaler and runs it once on a square
//! picture, `run` runs it again, `enlarge IN WIDTH HEIGHT TILE OUT` does that to a file of raw colours, `memory` tells the peak of resident memory in megabytes, `quit` ends.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops")]

use kiln_tensor::Compute;
use kiln_types::Image;
use kiln_upscale::{Tiles, Upscaler, Watch};
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

fn picture(side: usize) -> Image {
    let data = (0..side * side * 3).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
    Image::new(1, side, side, 3, data).unwrap()
}

fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn run(upscaler: &Upscaler, image: &Image, tiles: Tiles) -> Image {
    let watch = Watch { progress: &mut |_, _| (), cancelled: &|| false };
    upscaler.upscale(image, tiles, watch).unwrap()
}

fn main() {
    let mut opened: Option<(Upscaler, Image)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        let answer = match words.as_slice() {
            ["open", file, side] => {
                let upscaler = Upscaler::open(Path::new(file), &Compute::cpu()).unwrap();
                eprintln!("{}", upscaler.describe());
                let image = picture(side.parse().unwrap());
                run(&upscaler, &image, Tiles::default());
                opened = Some((upscaler, image));
                begun.elapsed().as_secs_f64()
            }
            ["run"] => {
                let (upscaler, image) = opened.as_ref().unwrap();
                run(upscaler, image, Tiles::default());
                begun.elapsed().as_secs_f64()
            }
            ["enlarge", from, width, height, tile, to] => {
                let (upscaler, _) = opened.as_ref().unwrap();
                let data: Vec<f32> = std::fs::read(from)
                    .unwrap()
                    .chunks_exact(4)
                    .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                    .collect();
                let image = Image::new(1, height.parse().unwrap(), width.parse().unwrap(), 3, data).unwrap();
                let tiles = Tiles { side: tile.parse().unwrap(), ..Tiles::default() };
                let made = run(upscaler, &image, tiles);
                let bytes: Vec<u8> = made.data().iter().flat_map(|v| v.to_le_bytes()).collect();
                std::fs::write(to, bytes).unwrap();
                begun.elapsed().as_secs_f64()
            }
            ["memory"] => peak(),
            _ => break,
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}
