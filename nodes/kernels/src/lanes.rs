//! Going over slices sixteen lanes at a time, with the last few padded.
//!
//! Sums have a fixed order: four rows of sixteen lanes take turns, are added as (0 + 1) + (2 + 3),
//! and the lanes of the result by halves (8, 4, 2, 1 apart).

#![allow(unsafe_code, reason = "lanes are loaded through pointers")]

use crate::simd::{LANES, Simd};

/// Lanes `at ..` of a slice, zeros after its end.
#[inline(always)]
pub(crate) fn load<S: Simd>(x: &[f32], at: usize) -> S::V {
    let rest = &x[at..];
    if rest.len() >= LANES {
        // SAFETY: sixteen are there.
        unsafe { S::load(rest.as_ptr()) }
    } else {
        let mut part = [0.0; LANES];
        part[..rest.len()].copy_from_slice(rest);
        S::from_array(&part)
    }
}

/// Writes lanes `at ..` of a slice, as many as there are.
#[inline(always)]
pub(crate) fn store<S: Simd>(x: &mut [f32], at: usize, v: S::V) {
    let rest = &mut x[at..];
    if rest.len() >= LANES {
        // SAFETY: sixteen are there.
        unsafe { S::store(rest.as_mut_ptr(), v) };
    } else {
        let n = rest.len();
        rest.copy_from_slice(&S::array(v)[..n]);
    }
}

/// `out[i] = f(x[i])`
#[inline(always)]
pub(crate) fn map<S: Simd>(x: &[f32], out: &mut [f32], f: impl Fn(S::V) -> S::V) {
    assert!(x.len() == out.len());
    for at in (0..x.len()).step_by(LANES) {
        store::<S>(out, at, f(load::<S>(x, at)));
    }
}

/// `x[i] = f(x[i])`
#[inline(always)]
pub(crate) fn update<S: Simd>(x: &mut [f32], f: impl Fn(S::V) -> S::V) {
    for at in (0..x.len()).step_by(LANES) {
        let v = f(load::<S>(x, at));
        store::<S>(x, at, v);
    }
}

/// `x[i] = f(x[i], y[i])`
#[inline(always)]
pub(crate) fn update2<S: Simd>(x: &mut [f32], y: &[f32], f: impl Fn(S::V, S::V) -> S::V) {
    assert!(x.len() == y.len());
    for at in (0..x.len()).step_by(LANES) {
        let v = f(load::<S>(x, at), load::<S>(y, at));
        store::<S>(x, at, v);
    }
}

/// The sum of `f(x[i])`.
#[inline(always)]
pub(crate) fn sum<S: Simd>(x: &[f32], f: impl Fn(S::V) -> S::V) -> f32 {
    let mut rows = [S::splat(0.0); 4];
    let whole = x.len() / LANES;
    for i in 0..whole {
        rows[i % 4] = S::add(rows[i % 4], f(load::<S>(x, i * LANES)));
    }
    if whole * LANES < x.len() {
        let mut last = S::array(f(load::<S>(x, whole * LANES)));
        last[x.len() - whole * LANES..].fill(0.0);
        rows[whole % 4] = S::add(rows[whole % 4], S::from_array(&last));
    }
    S::sum(S::add(S::add(rows[0], rows[1]), S::add(rows[2], rows[3])))
}

/// The largest number; -inf of none.
#[inline(always)]
pub(crate) fn largest<S: Simd>(x: &[f32]) -> f32 {
    let mut top = S::splat(f32::NEG_INFINITY);
    let whole = x.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        top = S::max(top, load::<S>(x, at));
    }
    let mut last = [f32::NEG_INFINITY; LANES];
    last[..x.len() - whole].copy_from_slice(&x[whole..]);
    S::largest(S::max(top, S::from_array(&last)))
}
