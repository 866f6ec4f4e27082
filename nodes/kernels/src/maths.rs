//! Exponential, error function, hyperbolic tangent and the activations, on sixteen lanes.
//!
//! The coefficients were fitted for this crate (least squares, reweighted towards equal error).

use crate::Act;
use crate::simd::Simd;

/// 1.5 * 2^23: adding and subtracting it rounds to the nearest whole number, ties to even.
const ROUND: f32 = 12_582_912.0;

#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: S::V, coefficients: [f32; N]) -> S::V {
    let mut y = S::splat(coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        y = S::fma(y, x, S::splat(coefficients[i]));
    }
    y
}

/// e^x to about one unit in the last place; zero below -86.6, infinite above 88.72.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: S::V) -> S::V {
    let clamped = S::max(S::splat(-86.6), S::min(S::splat(88.73), x));
    let shifted = S::fma(clamped, S::splat(std::f32::consts::LOG2_E), S::splat(ROUND));
    let n = S::sub(shifted, S::splat(ROUND));
    // ln 2 in two parts: the first has few bits, so that the product is exact.
    let r = S::fma(n, S::splat(-0.693_359_4), clamped);
    let r = S::fma(n, S::splat(2.121_944_4e-4), r);
    let p = polynomial::<S, 5>(r, [0.499_999_93, 0.166_665_2, 0.041_668_39, 0.008_368_717, 0.001_381_459_7]);
    let p = S::fma(S::mul(r, r), p, r);
    let p = S::add(p, S::splat(1.0));
    // 2^n as 2 * 2^(n - 1), because 2^128 is no f32.
    let y = S::mul(S::add(p, p), S::exponent(shifted, 126));
    let y = S::select_lt(x, S::splat(-86.6), S::splat(0.0), y);
    S::select_lt(S::splat(88.722_84), x, S::splat(f32::INFINITY), y)
}

/// The error function, within 3.5e-7.
#[inline(always)]
pub(crate) fn erf<S: Simd>(x: S::V) -> S::V {
    let x = S::max(S::splat(-3.92), S::min(S::splat(3.92), x));
    let u = S::mul(x, x);
    let top = polynomial::<S, 7>(
        u,
        [
            std::f32::consts::FRAC_2_SQRT_PI,
            0.185_135_41,
            0.054_244,
            0.003_838_628,
            3.767_591e-4,
            4.609_234e-6,
            -1.279_980_4e-8,
        ],
    );
    let bottom =
        polynomial::<S, 6>(u, [1.0, 0.497_405_4, 0.113_873_81, 0.015_430_058, 0.001_301_526_2, 6.239_918e-5]);
    let y = S::div(S::mul(x, top), bottom);
    S::max(S::splat(-1.0), S::min(S::splat(1.0), y))
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(x: S::V) -> S::V {
    let u = S::mul(x, x);
    let small =
        polynomial::<S, 5>(u, [-0.333_333, 0.133_319_24, -0.053_783_825, 0.020_795_947, -0.005_895_121_7]);
    let small = S::fma(S::mul(u, x), small, x);
    let a = S::abs(x);
    let e = exp::<S>(S::add(a, a));
    let large = S::sub(S::splat(1.0), S::div(S::splat(2.0), S::add(e, S::splat(1.0))));
    S::select_lt(a, S::splat(0.6), small, S::copy_sign(large, x))
}

/// 1 / (1 + e^-x)
#[inline(always)]
fn sigmoid<S: Simd>(x: S::V) -> S::V {
    let one = S::splat(1.0);
    S::div(one, S::add(one, exp::<S>(S::sub(S::splat(0.0), x))))
}

#[inline(always)]
pub(crate) fn gelu<S: Simd>(x: S::V) -> S::V {
    let e = erf::<S>(S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2)));
    let half = S::mul(x, S::splat(0.5));
    S::fma(half, e, half)
}

/// One activation on sixteen lanes.
#[inline(always)]
pub(crate) fn act<S: Simd>(act: Act, x: S::V) -> S::V {
    match act {
        Act::None => x,
        Act::Silu => {
            let e = exp::<S>(S::sub(S::splat(0.0), x));
            S::div(x, S::add(S::splat(1.0), e))
        }
        Act::Gelu => gelu::<S>(x),
        Act::QuickGelu => {
            let e = exp::<S>(S::mul(x, S::splat(-1.702)));
            S::div(x, S::add(S::splat(1.0), e))
        }
        Act::GeluTanh => {
            let inner = S::fma(S::mul(S::mul(x, x), x), S::splat(0.044_715), x);
            let t = tanh::<S>(S::mul(inner, S::splat(0.797_884_6)));
            let half = S::mul(x, S::splat(0.5));
            S::fma(half, t, half)
        }
        // The second argument is the answer for NaN.
        Act::Relu => S::max(S::splat(0.0), x),
        Act::Relu6 => S::min(S::splat(6.0), S::max(S::splat(0.0), x)),
        Act::LeakyRelu(slope) => S::select_lt(x, S::splat(0.0), S::mul(x, S::splat(slope)), x),
        Act::Sigmoid => sigmoid::<S>(x),
        Act::Tanh => tanh::<S>(x),
    }
}
