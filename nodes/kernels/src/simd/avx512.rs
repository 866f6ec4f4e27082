//! Sixteen lanes as one AVX-512 register.

use std::arch::x86_64::*;

use super::{Simd, Task};

/// AVX-512 (F, BW, DQ, VL). Its functions run only inside [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

type V = __m512;

/// Runs a task compiled for AVX-512.
///
/// # Safety
/// The machine has AVX-512 F, BW, DQ and VL, AVX2, FMA and F16C.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(super) unsafe fn run<T: Task>(task: T) -> T::Out {
    task.run::<Avx512>()
}

macro_rules! one {
    ($e:expr) => {
        // SAFETY: called only inside `run`.
        unsafe { $e }
    };
}

#[allow(clippy::inline_always, reason = "must be part of the function compiled for the instruction set")]
impl Simd for Avx512 {
    type V = V;
    const TILE_ROWS: usize = 8;
    const WIDE: bool = true;

    #[inline(always)]
    fn prefetch(p: *const f32) {
        // SAFETY: a hint; it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) };
    }
    #[inline(always)]
    fn splat(x: f32) -> V {
        one!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> V {
        // SAFETY: the caller has sixteen floats there.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: V) {
        // SAFETY: the caller has room for sixteen floats there.
        unsafe { _mm512_storeu_ps(p, v) }
    }
    #[inline(always)]
    fn add(a: V, b: V) -> V {
        one!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(a: V, b: V) -> V {
        one!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(a: V, b: V) -> V {
        one!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(a: V, b: V) -> V {
        one!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(a: V, b: V, c: V) -> V {
        one!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn min(a: V, b: V) -> V {
        one!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn max(a: V, b: V) -> V {
        one!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn abs(a: V) -> V {
        one!(_mm512_abs_ps(a))
    }
    #[inline(always)]
    fn copy_sign(a: V, s: V) -> V {
        one!({
            let sign = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, s))
        })
    }
    #[inline(always)]
    fn select_lt(a: V, b: V, x: V, y: V) -> V {
        one!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), y, x))
    }
    #[inline(always)]
    fn exponent(a: V, bias: i32) -> V {
        one!(_mm512_castsi512_ps(_mm512_add_epi32(
            _mm512_slli_epi32::<23>(_mm512_castps_si512(a)),
            _mm512_set1_epi32(bias << 23)
        )))
    }
    #[inline(always)]
    unsafe fn widen_f16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())) }
    }
    #[inline(always)]
    unsafe fn widen_bf16(p: *const u8) -> V {
        // SAFETY: the caller has 32 bytes there.
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }
    #[inline(always)]
    fn deinterleave(a: V, b: V) -> (V, V) {
        one!({
            let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            (_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
        })
    }
    #[inline(always)]
    fn interleave(even: V, odd: V) -> (V, V) {
        one!({
            let low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
            let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
            (_mm512_permutex2var_ps(even, low, odd), _mm512_permutex2var_ps(even, high, odd))
        })
    }
    #[inline(always)]
    unsafe fn transpose(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
        // SAFETY: the caller owns both 16 x 16 blocks.
        unsafe {
            let r: [V; 16] = std::array::from_fn(|i| _mm512_loadu_ps(src.add(i * src_stride)));
            // Pairs of rows, then fours, inside each quarter of a register ...
            let mut q = [_mm512_setzero_ps(); 16];
            for i in 0..4 {
                let a = _mm512_unpacklo_ps(r[4 * i], r[4 * i + 1]);
                let b = _mm512_unpackhi_ps(r[4 * i], r[4 * i + 1]);
                let c = _mm512_unpacklo_ps(r[4 * i + 2], r[4 * i + 3]);
                let d = _mm512_unpackhi_ps(r[4 * i + 2], r[4 * i + 3]);
                q[4 * i] = _mm512_shuffle_ps::<0x44>(a, c);
                q[4 * i + 1] = _mm512_shuffle_ps::<0xee>(a, c);
                q[4 * i + 2] = _mm512_shuffle_ps::<0x44>(b, d);
                q[4 * i + 3] = _mm512_shuffle_ps::<0xee>(b, d);
            }
            // ... then the quarters among four groups of rows.
            for j in 0..4 {
                let ab_low = _mm512_shuffle_f32x4::<0x88>(q[j], q[4 + j]);
                let ab_high = _mm512_shuffle_f32x4::<0xdd>(q[j], q[4 + j]);
                let cd_low = _mm512_shuffle_f32x4::<0x88>(q[8 + j], q[12 + j]);
                let cd_high = _mm512_shuffle_f32x4::<0xdd>(q[8 + j], q[12 + j]);
                _mm512_storeu_ps(dst.add(j * dst_stride), _mm512_shuffle_f32x4::<0x88>(ab_low, cd_low));
                _mm512_storeu_ps(
                    dst.add((4 + j) * dst_stride),
                    _mm512_shuffle_f32x4::<0x88>(ab_high, cd_high),
                );
                _mm512_storeu_ps(dst.add((8 + j) * dst_stride), _mm512_shuffle_f32x4::<0xdd>(ab_low, cd_low));
                _mm512_storeu_ps(
                    dst.add((12 + j) * dst_stride),
                    _mm512_shuffle_f32x4::<0xdd>(ab_high, cd_high),
                );
            }
        }
    }
}
