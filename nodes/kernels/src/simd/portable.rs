//! Sixteen lanes in plain Rust; on 64-bit ARM the compiler makes NEON of it.

#![allow(
    clippy::disallowed_methods,
    reason = "mul_add is the fused operation that all paths share: exact everywhere"
)]

use super::{LANES, Simd};

/// Plain Rust lanes.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

type V = [f32; LANES];

#[inline(always)]
fn map2(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[allow(clippy::inline_always, reason = "must be part of the function compiled for the instruction set")]
impl Simd for Portable {
    type V = V;
    const TILE_ROWS: usize = 4;
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(x: f32) -> V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        // SAFETY: the caller has sixteen floats there.
        unsafe { p.cast::<V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: V) {
        // SAFETY: the caller has room for sixteen floats there.
        unsafe { p.cast::<V>().write_unaligned(v) }
    }
    #[inline(always)]
    fn add(a: V, b: V) -> V {
        map2(a, b, |x, y| x + y)
    }
    #[inline(always)]
    fn sub(a: V, b: V) -> V {
        map2(a, b, |x, y| x - y)
    }
    #[inline(always)]
    fn mul(a: V, b: V) -> V {
        map2(a, b, |x, y| x * y)
    }
    #[inline(always)]
    fn div(a: V, b: V) -> V {
        map2(a, b, |x, y| x / y)
    }
    #[inline(always)]
    fn fma(a: V, b: V, c: V) -> V {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn min(a: V, b: V) -> V {
        map2(a, b, |x, y| if x < y { x } else { y })
    }
    #[inline(always)]
    fn max(a: V, b: V) -> V {
        map2(a, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    fn abs(a: V) -> V {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn copy_sign(a: V, s: V) -> V {
        map2(a, s, f32::copysign)
    }
    #[inline(always)]
    fn select_lt(a: V, b: V, x: V, y: V) -> V {
        std::array::from_fn(|i| if a[i] < b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    fn exponent(a: V, bias: i32) -> V {
        a.map(|x| f32::from_bits((x.to_bits() << 23).wrapping_add((bias as u32) << 23)))
    }
    #[inline(always)]
    unsafe fn widen_f16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        let raw = unsafe { p.cast::<[u8; 32]>().read_unaligned() };
        std::array::from_fn(|i| half::f16::from_le_bytes([raw[2 * i], raw[2 * i + 1]]).to_f32())
    }
    #[inline(always)]
    unsafe fn widen_bf16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        let raw = unsafe { p.cast::<[u8; 32]>().read_unaligned() };
        std::array::from_fn(|i| f32::from_bits(u32::from_le_bytes([0, 0, raw[2 * i], raw[2 * i + 1]])))
    }
    #[inline(always)]
    fn deinterleave(a: V, b: V) -> (V, V) {
        let at = |i: usize| if i < LANES { a[i] } else { b[i - LANES] };
        (std::array::from_fn(|i| at(2 * i)), std::array::from_fn(|i| at(2 * i + 1)))
    }
    #[inline(always)]
    fn interleave(even: V, odd: V) -> (V, V) {
        let at = |i: usize| if i.is_multiple_of(2) { even[i / 2] } else { odd[i / 2] };
        (std::array::from_fn(at), std::array::from_fn(|i| at(i + LANES)))
    }
}
