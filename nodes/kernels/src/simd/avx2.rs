//! Sixteen lanes as two AVX2 registers.

use std::arch::x86_64::*;

use super::{Simd, Task};

/// AVX2, FMA and F16C. Its functions run only inside [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

type V = [__m256; 2];

/// Runs a task compiled for AVX2.
///
/// # Safety
/// The machine has AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Out {
    task.run::<Avx2>()
}

macro_rules! both {
    ($f:ident, $a:expr, $b:expr) => {
        // SAFETY: called only inside `run`.
        unsafe { [$f($a[0], $b[0]), $f($a[1], $b[1])] }
    };
}

#[allow(clippy::inline_always, reason = "must be part of the function compiled for the instruction set")]
impl Simd for Avx2 {
    type V = V;
    const TILE_ROWS: usize = 4;
    const WIDE: bool = false;

    #[inline(always)]
    fn prefetch(p: *const f32) {
        // SAFETY: a hint; it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) };
    }
    #[inline(always)]
    fn splat(x: f32) -> V {
        // SAFETY: called only inside `run`.
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        // SAFETY: the caller has sixteen floats there.
        unsafe { [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))] }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: V) {
        // SAFETY: the caller has room for sixteen floats there.
        unsafe {
            _mm256_storeu_ps(p, v[0]);
            _mm256_storeu_ps(p.add(8), v[1]);
        }
    }
    #[inline(always)]
    fn add(a: V, b: V) -> V {
        both!(_mm256_add_ps, a, b)
    }
    #[inline(always)]
    fn sub(a: V, b: V) -> V {
        both!(_mm256_sub_ps, a, b)
    }
    #[inline(always)]
    fn mul(a: V, b: V) -> V {
        both!(_mm256_mul_ps, a, b)
    }
    #[inline(always)]
    fn div(a: V, b: V) -> V {
        both!(_mm256_div_ps, a, b)
    }
    #[inline(always)]
    fn fma(a: V, b: V, c: V) -> V {
        // SAFETY: called only inside `run`.
        unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
    }
    #[inline(always)]
    fn min(a: V, b: V) -> V {
        both!(_mm256_min_ps, a, b)
    }
    #[inline(always)]
    fn max(a: V, b: V) -> V {
        both!(_mm256_max_ps, a, b)
    }
    #[inline(always)]
    fn abs(a: V) -> V {
        // SAFETY: called only inside `run`.
        let sign = unsafe { [_mm256_set1_ps(-0.0); 2] };
        both!(_mm256_andnot_ps, sign, a)
    }
    #[inline(always)]
    fn copy_sign(a: V, s: V) -> V {
        // SAFETY: called only inside `run`.
        let sign = unsafe { [_mm256_set1_ps(-0.0); 2] };
        let magnitude = both!(_mm256_andnot_ps, sign, a);
        let s = both!(_mm256_and_ps, sign, s);
        both!(_mm256_or_ps, magnitude, s)
    }
    #[inline(always)]
    fn select_lt(a: V, b: V, x: V, y: V) -> V {
        // SAFETY: called only inside `run`.
        unsafe {
            let half = |i: usize| _mm256_blendv_ps(y[i], x[i], _mm256_cmp_ps::<_CMP_LT_OQ>(a[i], b[i]));
            [half(0), half(1)]
        }
    }
    #[inline(always)]
    fn exponent(a: V, bias: i32) -> V {
        // SAFETY: called only inside `run`.
        unsafe {
            let bias = _mm256_set1_epi32(bias << 23);
            let half = |v| {
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32::<23>(_mm256_castps_si256(v)), bias))
            };
            [half(a[0]), half(a[1])]
        }
    }
    #[inline(always)]
    unsafe fn widen_f16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        unsafe {
            [_mm256_cvtph_ps(_mm_loadu_si128(p.cast())), _mm256_cvtph_ps(_mm_loadu_si128(p.add(16).cast()))]
        }
    }
    #[inline(always)]
    unsafe fn widen_bf16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        unsafe {
            let half = |p: *const u8| {
                let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
            };
            [half(p), half(p.add(16))]
        }
    }
    #[inline(always)]
    fn deinterleave(a: V, b: V) -> (V, V) {
        // SAFETY: called only inside `run`.
        unsafe {
            let pick = |even: bool, x: __m256, y: __m256| {
                let mixed =
                    if even { _mm256_shuffle_ps::<0x88>(x, y) } else { _mm256_shuffle_ps::<0xdd>(x, y) };
                _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(mixed)))
            };
            (
                [pick(true, a[0], a[1]), pick(true, b[0], b[1])],
                [pick(false, a[0], a[1]), pick(false, b[0], b[1])],
            )
        }
    }
    #[inline(always)]
    fn interleave(even: V, odd: V) -> (V, V) {
        // SAFETY: called only inside `run`.
        unsafe {
            let mix = |x: __m256, y: __m256| {
                let low = _mm256_unpacklo_ps(x, y);
                let high = _mm256_unpackhi_ps(x, y);
                [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
            };
            (mix(even[0], odd[0]), mix(even[1], odd[1]))
        }
    }
}
