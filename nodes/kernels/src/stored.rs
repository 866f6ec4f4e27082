//! Weights as they lie in a file, and their widening to `f32`.

#![allow(unsafe_code, reason = "weights are read through pointers at any alignment")]

use std::sync::OnceLock;

use crate::check::need;
use crate::simd::{LANES, Path, Simd, Task, run};

/// The kinds of number a weight can be stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 16-bit float: 5 bits of exponent, 10 of fraction.
    F16,
    /// bfloat16: the upper half of an `F32`.
    BF16,
    /// 8-bit float e4m3fn: 4 bits of exponent, 3 of fraction, no infinities.
    F8E4M3,
    /// 8-bit float e5m2: 5 bits of exponent, 2 of fraction.
    F8E5M2,
}

impl Dtype {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            Dtype::F8E4M3 | Dtype::F8E5M2 => 1,
        }
    }
}

/// A weight as it lies in a file: little-endian, at any alignment. It is widened to `f32` while it
/// is packed for a multiplication, so a half weight never exists twice.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The kind of number.
    pub dtype: Dtype,
    /// The numbers, one after the other.
    pub bytes: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Numbers that are `f32` already.
    pub fn f32(values: &'a [f32]) -> Self {
        // SAFETY: any four bytes of an `f32` are bytes, and the length is the slice's.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) };
        Stored { dtype: Dtype::F32, bytes }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers as `f32`.
    pub fn widen(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.widen_into(&mut out);
        out
    }

    /// All numbers as `f32`, into a slice of the same length.
    ///
    /// # Panics
    /// When the lengths differ: a bug of the caller.
    pub fn widen_into(&self, out: &mut [f32]) {
        need(out.len() == self.len(), "widen_into: the slice has as many numbers as are stored");
        run(Path::current(), Widen { stored: *self, out });
    }

    /// The numbers `start .. start + out.len()`, with the instructions of `S`.
    #[inline(always)]
    pub(crate) fn widen_range<S: Simd>(&self, start: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        let bytes = &self.bytes[start * size..(start + out.len()) * size];
        match self.dtype {
            // SAFETY: `bytes` holds `out.len()` floats; every pattern of bits is an f32.
            Dtype::F32 => unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.as_mut_ptr().cast(), bytes.len());
            },
            Dtype::F16 => widen_pairs::<S>(bytes, out, |p| {
                // SAFETY: `widen_pairs` hands over 32 bytes.
                unsafe { S::widen_f16(p) }
            }),
            Dtype::BF16 => widen_pairs::<S>(bytes, out, |p| {
                // SAFETY: `widen_pairs` hands over 32 bytes.
                unsafe { S::widen_bf16(p) }
            }),
            Dtype::F8E4M3 => look_up(&tables().0, bytes, out),
            Dtype::F8E5M2 => look_up(&tables().1, bytes, out),
        }
    }
}

struct Widen<'a> {
    stored: Stored<'a>,
    out: &'a mut [f32],
}

impl Task for Widen<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.stored.widen_range::<S>(0, self.out);
    }
}

#[inline(always)]
fn widen_pairs<S: Simd>(bytes: &[u8], out: &mut [f32], widen: impl Fn(*const u8) -> S::V) {
    let mut from = bytes.chunks_exact(2 * LANES);
    let mut to = out.chunks_exact_mut(LANES);
    for (from, to) in from.by_ref().zip(to.by_ref()) {
        // SAFETY: both chunks are sixteen numbers long.
        unsafe { S::store(to.as_mut_ptr(), widen(from.as_ptr())) };
    }
    let (from, to) = (from.remainder(), to.into_remainder());
    if !to.is_empty() {
        let mut last = [0u8; 2 * LANES];
        last[..from.len()].copy_from_slice(from);
        to.copy_from_slice(&S::array(widen(last.as_ptr()))[..to.len()]);
    }
}

#[inline(always)]
fn look_up(table: &[f32; 256], bytes: &[u8], out: &mut [f32]) {
    for (to, &from) in out.iter_mut().zip(bytes) {
        *to = table[usize::from(from)];
    }
}

/// What each byte means as e4m3fn and as e5m2.
fn tables() -> &'static ([f32; 256], [f32; 256]) {
    static TABLES: OnceLock<([f32; 256], [f32; 256])> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = ([0.0; 256], [0.0; 256]);
        for byte in 0..=255u8 {
            tables.0[usize::from(byte)] = e4m3(byte);
            // The upper byte of an f16.
            tables.1[usize::from(byte)] = half::f16::from_bits(u16::from(byte) << 8).to_f32();
        }
        tables
    })
}

fn e4m3(byte: u8) -> f32 {
    let exponent = u32::from(byte >> 3) & 15;
    let fraction = u32::from(byte & 7);
    let size = match (exponent, fraction) {
        (15, 7) => f32::NAN,
        (0, _) => fraction as f32 / 512.0,
        _ => f32::from_bits(((exponent + 120) << 23) | (fraction << 20)),
    };
    if byte & 0x80 == 0 { size } else { -size }
}
