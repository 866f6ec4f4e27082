//! Full-size models that anyone can make again, and what ComfyUI makes of them.
//!
//! Real weights are too large and not free to ship. These are of the real sizes, in the real layouts, with
//! pseudo-random numbers from integer arithmetic: the same file on every machine. `make_ckpt.py` and `make_lora.py`
//! beside this crate are the same generator in Python, which made the files the recordings in `cases/` were made with.

pub mod checkpoint;
pub mod lora;
pub mod normal;
pub mod write;

pub use checkpoint::{Arch, checkpoint};
pub use lora::{LoraKind, lora};

/// The first half of a file's blake3 hash, in hexadecimal digits.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}
