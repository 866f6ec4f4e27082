//! Functions in single precision whose results are as good as rounded from the exact ones: the
//! nearest thing to what the reference's vectorised mathematics gives.

/// `e^x`.
pub(crate) fn exp(x: f32) -> f32 {
    libm::exp(f64::from(x)) as f32
}

/// The natural logarithm.
pub(crate) fn ln(x: f32) -> f32 {
    libm::log(f64::from(x)) as f32
}

/// The tangent.
pub(crate) fn tan(x: f32) -> f32 {
    libm::tan(f64::from(x)) as f32
}

/// The arc tangent.
pub(crate) fn atan(x: f32) -> f32 {
    libm::atan(f64::from(x)) as f32
}

/// `x` to a power.
pub(crate) fn pow(x: f32, power: f64) -> f32 {
    libm::pow(f64::from(x), power) as f32
}

/// Evenly spaced numbers counted from both ends, with fused steps as torch computes them.
pub(crate) fn linspace(start: f32, end: f32, len: usize) -> Vec<f32> {
    if len == 1 {
        return vec![start];
    }
    let step = (end - start) / (len as f32 - 1.0);
    let half = len / 2;
    (0..len)
        .map(|i| {
            if i < half {
                libm::fmaf(step, i as f32, start)
            } else {
                libm::fmaf(-step, (len - i - 1) as f32, end)
            }
        })
        .collect()
}
