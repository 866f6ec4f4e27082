//! One side of `race.py`: a network, timed one picture at a time.
//!
//! Reads commands, one a line, and answers with seconds: `open FILE SIDE` opens a model and looks at a square picture
//! once, `run` looks again, `memory` tells the peak of resident memory in megabytes, `quit` ends.
#![allow(clippy::print_stdout, reason = "a program that reports")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

use kiln_cutout::Cutout;
use kiln_tensor::Compute;
use kiln_types::Image;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

fn picture(side: usize) -> Image {
    let data = (0..side * side * 3).map(|i| (i * 7919 % 65_521) as f32 / 65_521.0).collect();
    Image::new(1, side, side, 3, data).unwrap()
}

fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let mut opened: Option<(Cutout, Image)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        let answer = match words.as_slice() {
            ["open", file, side] => {
                let cutout = Cutout::open(Path::new(file), &Compute::cpu()).unwrap();
                let image = picture(side.parse().unwrap());
                cutout.matte(&image, 0).unwrap();
                opened = Some((cutout, image));
                begun.elapsed().as_secs_f64()
            }
            ["run"] => {
                let (cutout, image) = opened.as_ref().unwrap();
                cutout.matte(image, 0).unwrap();
                begun.elapsed().as_secs_f64()
            }
            ["memory"] => peak(),
            _ => break,
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}
