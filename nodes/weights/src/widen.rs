//! Stored numbers to 32-bit floats, without losing a bit where a 32-bit float can hold them.
//!
//! Every float format up to 32 bits, 16-bit integers and bytes come out exactly; 64-bit floats and large
//! integers round to the nearest. The same bytes give the same floats on every machine. Infinities and
//! NaNs stay what they are (a signalling NaN of half precision comes out quiet).

use crate::dtype::Dtype;

/// Reads `bytes` (little-endian numbers of `dtype`, at any alignment) into `out`.
///
/// Stops with the shorter of the two: exactly `out.len()` numbers are written when `bytes` holds as many.
pub fn widen(dtype: Dtype, bytes: &[u8], out: &mut [f32]) {
    match dtype {
        Dtype::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        Dtype::F32 => each(bytes, out, f32::from_le_bytes),
        Dtype::F16 => each(bytes, out, |b| half_to_f32(u16::from_le_bytes(b))),
        Dtype::BF16 => each(bytes, out, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
        Dtype::F8E4M3 => each(bytes, out, |[b]: [u8; 1]| e4m3_to_f32(b)),
        Dtype::F8E5M2 => each(bytes, out, |[b]: [u8; 1]| half_to_f32(u16::from(b) << 8)),
        Dtype::I64 => each(bytes, out, |b| i64::from_le_bytes(b) as f32),
        Dtype::I32 => each(bytes, out, |b| i32::from_le_bytes(b) as f32),
        Dtype::I16 => each(bytes, out, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::I8 => each(bytes, out, |[b]: [u8; 1]| f32::from(b.cast_signed())),
        Dtype::U8 => each(bytes, out, |[b]: [u8; 1]| f32::from(b)),
        Dtype::Bool => each(bytes, out, |[b]: [u8; 1]| if b == 0 { 0.0 } else { 1.0 }),
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], convert: impl Fn([u8; N]) -> f32) {
    let (chunks, _) = bytes.as_chunks::<N>();
    for (number, &chunk) in out.iter_mut().zip(chunks) {
        *number = convert(chunk);
    }
}

/// Half precision by moving its bits into place and scaling by 2^112: exact for subnormals too, and
/// without branches, so that the compiler can do eight at once.
fn half_to_f32(bits: u16) -> f32 {
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = u32::from(bits & 0x7fff) << 13;
    let sign = u32::from(bits & 0x8000) << 16;
    let finite = (f32::from_bits(magnitude) * SCALE).to_bits();
    let special = magnitude | 0x7f80_0000 | if bits & 0x03ff == 0 { 0 } else { 0x0040_0000 };
    f32::from_bits(sign | if bits & 0x7c00 == 0x7c00 { special } else { finite })
}

/// The same for four exponent bits; the one pattern with all bits set is NaN, there are no infinities.
fn e4m3_to_f32(bits: u8) -> f32 {
    const SCALE: f32 = f32::from_bits((127 + 120) << 23);
    let magnitude = u32::from(bits & 0x7f) << 20;
    let sign = u32::from(bits & 0x80) << 24;
    let finite = (f32::from_bits(magnitude) * SCALE).to_bits();
    f32::from_bits(sign | if bits & 0x7f == 0x7f { 0x7fc0_0000 } else { finite })
}

/// Where the first NaN or infinity is.
pub(crate) fn first_not_finite(dtype: Dtype, bytes: &[u8]) -> Option<usize> {
    match dtype {
        Dtype::F64 => find(bytes, |b| u64::from_le_bytes(b) & (0x7ff << 52) == 0x7ff << 52),
        Dtype::F32 => find(bytes, |b| u32::from_le_bytes(b) & 0x7f80_0000 == 0x7f80_0000),
        Dtype::F16 => find(bytes, |b| u16::from_le_bytes(b) & 0x7c00 == 0x7c00),
        Dtype::BF16 => find(bytes, |b| u16::from_le_bytes(b) & 0x7f80 == 0x7f80),
        Dtype::F8E4M3 => find(bytes, |[b]: [u8; 1]| b & 0x7f == 0x7f),
        Dtype::F8E5M2 => find(bytes, |[b]: [u8; 1]| b & 0x7c == 0x7c),
        Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U8 | Dtype::Bool => None,
    }
}

/// Looks at blocks without leaving early, which the compiler can do many at once; then inside the block.
fn find<const N: usize>(bytes: &[u8], bad: impl Fn([u8; N]) -> bool) -> Option<usize> {
    const BLOCK: usize = 1024;
    let (numbers, _) = bytes.as_chunks::<N>();
    for (index, block) in numbers.chunks(BLOCK).enumerate() {
        if block.iter().fold(false, |any, &number| any | bad(number)) {
            return block.iter().position(|&number| bad(number)).map(|at| index * BLOCK + at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(dtype: Dtype, bytes: &[u8]) -> f32 {
        let mut out = [f32::MAX];
        widen(dtype, bytes, &mut out);
        out[0]
    }

    #[test]
    fn every_half_is_what_the_half_crate_says() {
        for bits in 0..=u16::MAX {
            let ours = one(Dtype::F16, &bits.to_le_bytes());
            let theirs = half::f16::from_bits(bits).to_f32_const();
            assert_eq!(ours.to_bits(), theirs.to_bits(), "half {bits:#06x}");
            let ours = one(Dtype::BF16, &bits.to_le_bytes());
            let theirs = half::bf16::from_bits(bits).to_f32_const();
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{bits:#06x}");
        }
    }

    /// The formats written out from their definition: sign, exponent, mantissa.
    #[test]
    fn every_byte_float_is_its_definition() {
        for bits in 0..=u8::MAX {
            let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
            let (exponent, mantissa) = (i32::from(bits >> 3 & 15), f64::from(bits & 7));
            let value = if exponent == 0 {
                sign * mantissa / 8.0 * libm::exp2(-6.0)
            } else {
                sign * (1.0 + mantissa / 8.0) * libm::exp2(f64::from(exponent - 7))
            };
            let ours = one(Dtype::F8E4M3, &[bits]);
            if bits & 0x7f == 0x7f {
                assert!(ours.is_nan());
            } else {
                assert_eq!(f64::from(ours).to_bits(), value.to_bits(), "e4m3 {bits:#04x}");
            }
            let (exponent, mantissa) = (i32::from(bits >> 2 & 31), f64::from(bits & 3));
            let value = if exponent == 0 {
                sign * mantissa / 4.0 * libm::exp2(-14.0)
            } else {
                sign * (1.0 + mantissa / 4.0) * libm::exp2(f64::from(exponent - 15))
            };
            let ours = one(Dtype::F8E5M2, &[bits]);
            if exponent == 31 {
                assert_eq!((ours.is_nan(), ours.is_infinite()), (mantissa > 0.0, mantissa == 0.0));
                assert_eq!(ours.is_sign_negative(), sign < 0.0);
            } else {
                assert_eq!(f64::from(ours).to_bits(), value.to_bits(), "e5m2 {bits:#04x}");
            }
        }
    }

    #[test]
    fn integers_and_wide_floats() {
        assert_eq!(one(Dtype::I64, &(-3_i64).to_le_bytes()), -3.0);
        assert_eq!(one(Dtype::I64, &i64::MAX.to_le_bytes()), 9_223_372_036_854_776_000_f64 as f32);
        assert_eq!(one(Dtype::I32, &77_i32.to_le_bytes()), 77.0);
        assert_eq!(one(Dtype::I16, &(-32768_i16).to_le_bytes()), -32768.0);
        assert_eq!(one(Dtype::I8, &[0x80]), -128.0);
        assert_eq!(one(Dtype::U8, &[255]), 255.0);
        assert_eq!(one(Dtype::Bool, &[7]), 1.0);
        assert_eq!(one(Dtype::F64, &0.1_f64.to_le_bytes()), 0.1);
        assert_eq!(one(Dtype::F64, &1e300_f64.to_le_bytes()), f32::INFINITY);
    }

    #[test]
    fn the_shorter_side_ends_it() {
        let mut out = [9.0; 3];
        widen(Dtype::U8, &[1, 2], &mut out);
        assert_eq!(out, [1.0, 2.0, 9.0]);
        widen(Dtype::F32, &[0; 7], &mut out);
        assert_eq!(out, [0.0, 2.0, 9.0]);
    }

    #[test]
    fn not_finite_is_found_where_it_is() {
        for at in [0, 1023, 1024, 2500] {
            let mut numbers = vec![1.5_f32; 2501];
            numbers[at] = f32::NAN;
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            assert_eq!(first_not_finite(Dtype::F32, &bytes), Some(at));
        }
        for bits in 0..=u16::MAX {
            let bad = first_not_finite(Dtype::F16, &bits.to_le_bytes()).is_some();
            assert_eq!(bad, !one(Dtype::F16, &bits.to_le_bytes()).is_finite());
            let bad = first_not_finite(Dtype::BF16, &bits.to_le_bytes()).is_some();
            assert_eq!(bad, !one(Dtype::BF16, &bits.to_le_bytes()).is_finite());
        }
        for bits in 0..=u8::MAX {
            for dtype in [Dtype::F8E4M3, Dtype::F8E5M2] {
                assert_eq!(first_not_finite(dtype, &[bits]).is_some(), !one(dtype, &[bits]).is_finite());
            }
        }
        assert_eq!(first_not_finite(Dtype::F64, &f64::NEG_INFINITY.to_le_bytes()), Some(0));
        assert_eq!(first_not_finite(Dtype::I32, &[255; 64]), None);
    }
}
