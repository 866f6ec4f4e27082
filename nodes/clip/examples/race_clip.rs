//! One side of `race.py`: an image tower, timed one forward at a time.
//!
//! Reads commands, one a line, and answers with seconds: `open FILE BATCH` opens a CLIP and looks at a batch once, `run`
//! looks again, `memory` tells the peak of resident memory in megabytes, `quit` ends.
#![allow(clippy::print_stdout, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops")]

use kiln_clip::Towers;
use kiln_tensor::Compute;
use kiln_tensor::compute::values;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let mut towers: Option<(Towers, Vec<f32>)> = None;
    let look = |of: &Option<(Towers, Vec<f32>)>| {
        let (towers, planes) = of.as_ref().unwrap();
        values(towers.vision().unwrap().forward(planes, &|| false).unwrap()).unwrap()
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let begun = Instant::now();
        let answer = match words.as_slice() {
            ["open", file, batch] => {
                let made = Towers::open(Path::new(file), &Compute::cpu()).unwrap();
                let side = made.vision().unwrap().config().side;
                let len = batch.parse::<usize>().unwrap() * 3 * side * side;
                let planes = (0..len).map(|i| (i * 7919 % 1009) as f32 / 252.0 - 2.0).collect();
                towers = Some((made, planes));
                look(&towers);
                begun.elapsed().as_secs_f64()
            }
            ["run"] => {
                look(&towers);
                begun.elapsed().as_secs_f64()
            }
            ["memory"] => peak(),
            _ => break,
        };
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}
