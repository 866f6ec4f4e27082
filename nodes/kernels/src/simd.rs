//! Sixteen virtual lanes of `f32`, three ways to have them, and the choice between those at run time.
//!
//! A kernel is written once against [`Simd`] and compiled for every instruction set. All operations
//! here are exact IEEE 754 single operations (add, multiply, fused multiply-add, ...), lane by lane,
//! so that the three give the same bits; only the payload of a NaN is not promised.

#![allow(unsafe_code, reason = "vector instructions are behind unsafe")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::cell::Cell;
use std::sync::OnceLock;

pub(crate) use portable::Portable;

/// Number of virtual lanes.
pub(crate) const LANES: usize = 16;

/// Sixteen lanes of `f32` on one instruction set. The pointer functions read or write sixteen
/// floats at any alignment.
///
/// The functions are called only inside [`run`], which has made sure that the machine has the
/// instructions; all of them are inlined into a function compiled for that instruction set.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// Sixteen lanes.
    type V: Copy;
    /// Rows of a matrix tile that fit the registers.
    const TILE_ROWS: usize;
    /// Whether a tile is 32 columns wide (else 16).
    const WIDE: bool;

    fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    fn add(a: Self::V, b: Self::V) -> Self::V;
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once.
    fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a < b ? a : b`: the second one where either is NaN.
    fn min(a: Self::V, b: Self::V) -> Self::V;
    /// `a > b ? a : b`: the second one where either is NaN.
    fn max(a: Self::V, b: Self::V) -> Self::V;
    fn abs(a: Self::V) -> Self::V;
    /// The magnitude of `a` with the sign of `s`.
    fn copy_sign(a: Self::V, s: Self::V) -> Self::V;
    /// `a < b ? x : y`.
    fn select_lt(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// Bits of `a` shifted left by 23, plus `bias << 23`: a power of two from a number that was
    /// rounded by adding 1.5 * 2^23.
    fn exponent(a: Self::V, bias: i32) -> Self::V;
    /// Widens 16 half floats.
    unsafe fn widen_f16(p: *const u8) -> Self::V;
    /// Widens 16 bfloat16.
    unsafe fn widen_bf16(p: *const u8) -> Self::V;
    /// Moves elements 0,2,4,.. of two neighbouring vectors into one, and 1,3,5,.. into another.
    fn deinterleave(a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// The reverse of [`Simd::deinterleave`].
    fn interleave(even: Self::V, odd: Self::V) -> (Self::V, Self::V);
    /// Writes the transpose of 16 x 16 floats; strides in floats.
    unsafe fn transpose(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        for i in 0..LANES {
            for j in 0..LANES {
                // SAFETY: the caller owns both blocks.
                unsafe {
                    dst.add(j * dst_stride + i).write_unaligned(src.add(i * src_stride + j).read_unaligned());
                }
            }
        }
    }

    /// Says that the numbers at `p` will be read soon. Any address will do.
    #[inline(always)]
    fn prefetch(_: *const f32) {}

    /// The lanes as an array.
    #[inline(always)]
    fn array(v: Self::V) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        // SAFETY: sixteen floats are there.
        unsafe { Self::store(out.as_mut_ptr(), v) };
        out
    }
    /// The lanes from an array.
    #[inline(always)]
    fn from_array(a: &[f32; LANES]) -> Self::V {
        // SAFETY: sixteen floats are there.
        unsafe { Self::load(a.as_ptr()) }
    }
    /// Sum over the lanes by a fixed tree: halves 8, 4, 2, 1 apart.
    #[inline(always)]
    fn sum(v: Self::V) -> f32 {
        tree(Self::array(v), |a, b| a + b)
    }
    /// Largest lane by the same tree.
    #[inline(always)]
    fn largest(v: Self::V) -> f32 {
        tree(Self::array(v), |a, b| if a > b { a } else { b })
    }
}

#[inline(always)]
fn tree(mut a: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            a[i] = f(a[i], a[i + half]);
        }
        half /= 2;
    }
    a[0]
}

/// Something to do on sixteen lanes, whichever they are.
pub(crate) trait Task {
    type Out;
    /// Must be `#[inline(always)]`, with everything it calls.
    fn run<S: Simd>(self) -> Self::Out;
}

/// An instruction set. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Plain Rust: NEON on 64-bit ARM.
    Portable,
    /// AVX2, FMA and F16C.
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Path {
    /// Whether this machine can run it.
    pub fn is_here(self) -> bool {
        match self {
            Path::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => {
                Path::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The fastest one of this machine, or the one a test has asked for on this thread.
    pub(crate) fn current() -> Path {
        static BEST: OnceLock<Path> = OnceLock::new();
        FORCED.get().unwrap_or_else(|| {
            *BEST.get_or_init(|| {
                [Path::Avx512, Path::Avx2].into_iter().find(|p| p.is_here()).unwrap_or(Path::Portable)
            })
        })
    }
}

thread_local! {
    static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
}

/// Runs `work` with every operation started on this thread using `path`: for tests that compare.
/// A path that this machine lacks is not forced.
#[doc(hidden)]
pub fn with_path<R>(path: Path, work: impl FnOnce() -> R) -> R {
    let before = FORCED.replace(path.is_here().then_some(path));
    let result = work();
    FORCED.set(before);
    result
}

/// Runs a task with the instructions of `path`.
pub(crate) fn run<T: Task>(path: Path, task: T) -> T::Out {
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Path::current` and `with_path` give only what the machine has.
        Path::Avx512 => unsafe { avx512::run(task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { avx2::run(task) },
        _ => task.run::<Portable>(),
    }
}
