//! What the tests share: numbers that look random, slow references in double precision, and runs on
//! every instruction set and number of threads.
#![allow(dead_code, reason = "each test file uses its own part")]

use kiln_kernels::{Dtype, Path, Stored, with_path};

/// Numbers between -1 and 1, the same on every machine.
pub fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..8).for_each(|_| {
        next();
    });
    (0..len).map(|_| next()).collect()
}

/// Runs `work` on every instruction set this machine has, with 1, 2, 3 and 7 threads; all results
/// must be the same bits. Gives back the result.
pub fn same_everywhere(work: impl Fn() -> Vec<f32> + Sync) -> Vec<f32> {
    let first = with_path(Path::Portable, &work);
    for path in [Path::Portable, Path::Avx2, Path::Avx512] {
        if !path.is_here() {
            continue;
        }
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let other = pool.install(|| with_path(path, &work));
            same_bits(&first, &other, &format!("{path:?} with {threads} threads"));
        }
    }
    first
}

pub fn same_bits(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{what}: number {i} is {a} or {b}");
    }
}

pub fn square(x: f64) -> f64 {
    x * x
}

/// Relative distance in L2.
pub fn distance(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let far: f64 = got.iter().zip(want).map(|(g, w)| square(f64::from(*g) - w)).sum();
    let all: f64 = want.iter().map(|w| w * w).sum();
    if all == 0.0 { far.sqrt() } else { (far / all).sqrt() }
}

pub fn close(got: &[f32], want: &[f64], limit: f64, what: &str) {
    let d = distance(got, want);
    assert!(d <= limit, "{what}: relative distance {d:e}");
}

/// Bytes of numbers in a dtype (by truncation, so that any numbers do), one byte off alignment.
pub fn stored(values: &[f32], dtype: Dtype) -> Vec<u8> {
    let mut bytes = vec![0u8];
    for &v in values {
        match dtype {
            Dtype::F32 => bytes.extend(v.to_le_bytes()),
            Dtype::F16 => bytes.extend(half::f16::from_f32(v).to_le_bytes()),
            Dtype::BF16 => bytes.extend(half::bf16::from_f32(v).to_le_bytes()),
            Dtype::F8E5M2 => bytes.push((half::f16::from_f32(v).to_bits() >> 8) as u8),
            // Any byte that is no NaN.
            Dtype::F8E4M3 => bytes.push(((v * 100.0) as i8 as u8) & 0xf7),
        }
    }
    bytes
}

pub fn as_stored(bytes: &[u8], dtype: Dtype) -> Stored<'_> {
    Stored { dtype, bytes: &bytes[1..] }
}

pub const DTYPES: [Dtype; 5] = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F8E4M3, Dtype::F8E5M2];

pub fn act64(act: kiln_kernels::Act, x: f64) -> f64 {
    use kiln_kernels::Act;
    let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
    match act {
        Act::None => x,
        Act::Silu => x * sigmoid(x),
        Act::Gelu => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
        Act::QuickGelu => x * sigmoid(1.702 * x),
        Act::GeluTanh => {
            0.5 * x * (1.0 + libm::tanh((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)))
        }
        Act::Relu => x.max(0.0),
        Act::Relu6 => x.clamp(0.0, 6.0),
        Act::LeakyRelu(s) => {
            if x < 0.0 {
                x * f64::from(s)
            } else {
                x
            }
        }
        Act::Sigmoid => sigmoid(x),
        Act::Tanh => libm::tanh(x),
    }
}
