//! Uniform numbers to normal ones by Box and Muller, with the polynomials and the rounding that
//! torch's vectorised CPU code uses, so that the bits agree.
//!
//! Every fused multiply-add here is meant: fused is what the reference does, and a fused result is
//! exact in its rounding, so it is the same on every machine. Where the processor has the
//! instruction the same source is compiled a second time to use it.
#![allow(
    clippy::disallowed_methods,
    reason = "mul_add is fused wherever it runs (in hardware or in software), so the bits never differ"
)]

/// How many numbers are turned at once: eight radii and eight angles.
pub(super) const BLOCK: usize = 16;
const HALF: usize = 8;

/// Turns whole blocks of uniform numbers into normal ones, in place.
pub(super) fn transform(blocks: &mut [[f32; BLOCK]]) {
    #[cfg(target_arch = "x86_64")]
    if fused::transform(blocks) {
        return;
    }
    transform_here(blocks);
}

#[inline(always)]
fn transform_here(blocks: &mut [[f32; BLOCK]]) {
    for block in blocks {
        let mut radius = [0.0f32; HALF];
        let mut sin = [0.0f32; HALF];
        let mut cos = [0.0f32; HALF];
        for j in 0..HALF {
            radius[j] = (-2.0 * ln(1.0 - block[j])).sqrt();
        }
        for j in 0..HALF {
            (sin[j], cos[j]) = sin_cos(core::f32::consts::TAU * block[j + HALF]);
        }
        for j in 0..HALF {
            block[j] = radius[j] * cos[j];
            block[j + HALF] = radius[j] * sin[j];
        }
    }
}

/// The natural logarithm of a number in `(0, 1]`.
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 126) as f32;
    // The mantissa, scaled to [0.5, 1).
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    let small = m < core::f32::consts::FRAC_1_SQRT_2;
    let e = if small { exponent - 1.0 } else { exponent };
    let rest = m - 1.0;
    let m = if small { rest + m } else { rest };
    let z = m * m;
    let mut y = 7.037_683_6e-2f32;
    for c in [
        -1.151_461e-1f32,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        y = y.mul_add(m, c);
    }
    y *= m;
    y = y.mul_add(z, e * -2.121_944_4e-4);
    y = z.mul_add(-0.5, y);
    e.mul_add(355.0 / 512.0, m + y)
}

/// Sine and cosine of an angle that is not negative.
#[inline(always)]
fn sin_cos(angle: f32) -> (f32, f32) {
    // The octant, rounded up to an even number.
    let octant = ((angle * (4.0 / core::f32::consts::PI)) as i32 + 1) & !1;
    let y = octant as f32;
    // The angle less octant * pi / 4, in three parts that keep all its bits.
    let x = (-0.785_156_25f32).mul_add(y, angle);
    let x = (-2.418_756_5e-4f32).mul_add(y, x);
    let x = (-3.774_895e-8f32).mul_add(y, x);
    let z = x * x;
    let c = 2.443_315_7e-5f32.mul_add(z, -1.388_731_6e-3).mul_add(z, 4.166_664_6e-2) * z;
    let c = c.mul_add(z, -(z * 0.5)) + 1.0;
    let s = (-1.951_529_6e-4f32).mul_add(z, 8.332_161e-3).mul_add(z, -1.666_665_5e-1) * z;
    let s = s.mul_add(x, x);
    let (sin, cos) = if octant & 2 == 0 { (s, c) } else { (c, s) };
    let sin_sign = ((octant & 4) as u32) << 29;
    let cos_sign = ((!(octant - 2) & 4) as u32) << 29;
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}

/// The same code with the processor's own fused multiply-add: about ten times as fast.
#[cfg(target_arch = "x86_64")]
mod fused {
    #![allow(unsafe_code, reason = "calling code built for instructions that the processor was asked about")]

    use super::{BLOCK, transform_here};

    /// Does the work and says true where the processor has the instructions.
    pub(super) fn transform(blocks: &mut [[f32; BLOCK]]) -> bool {
        if !(std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")) {
            return false;
        }
        // SAFETY: both features were found on this processor by the test above.
        unsafe { transform_with_fma(blocks) };
        true
    }

    #[target_feature(enable = "avx2,fma")]
    fn transform_with_fma(blocks: &mut [[f32; BLOCK]]) {
        transform_here(blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_builds_of_the_code_give_the_same_bits() {
        let mut twister = crate::noise::Mt19937::new(7);
        let mut a: Vec<[f32; BLOCK]> =
            (0..500).map(|_| std::array::from_fn(|_| twister.uniform_f32())).collect();
        let mut b = a.clone();
        transform(&mut a);
        transform_here(&mut b);
        assert_eq!(a, b);
    }
}
