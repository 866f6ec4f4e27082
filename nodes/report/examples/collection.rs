//! A whole layered collection (pictures, metadata, rarity, report, seal) against a plain loop over the `image` crate that
//! writes pictures and small documents, on as many threads.
//!
//! `cargo run --release -p kiln-report --example collection -- ITEMS THREADS WORKERS ROUNDS` prints both times and their
//! ratio. Workers that wait for the disk do not compute: some more of them than there are threads for the loop keep the
//! processors busy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops"
)]

#[path = "../tests/layered/mod.rs"]
mod layered;

use std::time::Instant;

const SIDE: u32 = 512;
/// As graphs save by themselves.
const COMPRESSION: u8 = 4;

/// Processor time of this process so far, in seconds, where the system tells it.
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        |at: usize| after.split_whitespace().nth(at).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// How long something takes: by the clock, and of the processors.
fn measured(work: impl FnOnce()) -> (f64, f64) {
    let (begun, before) = (Instant::now(), worked());
    work();
    (begun.elapsed().as_secs_f64(), worked() - before)
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |otherwise: u64| args.next().and_then(|a| a.parse().ok()).unwrap_or(otherwise);
    let (items, threads) = (number(300), number(2) as usize);
    let (workers, rounds) = (number(3 * threads as u64) as usize, number(2));
    let base = tempfile::tempdir().unwrap();
    layered::layers(&base.path().join("layers"), SIDE);
    let lists = layered::lists(base.path(), items);
    let mut best = [(f64::INFINITY, f64::INFINITY); 2];
    for _ in 0..rounds {
        let out = tempfile::tempdir().unwrap();
        let plain = measured(|| layered::plain(&lists, out.path(), SIDE, threads, COMPRESSION));
        drop(out);
        let out = tempfile::tempdir().unwrap();
        let ours = measured(|| layered::collection(base.path(), out.path(), items, workers, COMPRESSION));
        drop(out);
        for (best, new) in best.iter_mut().zip([plain, ours]) {
            *best = (best.0.min(new.0), best.1.min(new.1));
        }
    }
    let each = |time: f64| time / items as f64 * 1000.0;
    for (name, (time, cpu)) in ["plain loop:", "collection:"].iter().zip(best) {
        println!("{name} {time:.2} s, {:.2} ms an item, {:.2} ms of a processor", each(time), each(cpu));
    }
    let [plain, ours] = best;
    println!("ratio: {:.3}; of processor time {:.3}", ours.0 / plain.0, ours.1 / plain.1);
}
