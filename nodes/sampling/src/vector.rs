//! Sums of scaled tensors: all the arithmetic a sampler does on whole latents.

/// The sum of tensors, each times its factor, in the order given. All have the same length.
pub(crate) fn sum(terms: &[(f64, &[f32])]) -> Vec<f32> {
    let Some((&(factor, first), rest)) = terms.split_first() else { return Vec::new() };
    let factor = factor as f32;
    let mut out: Vec<f32> = first.iter().map(|value| factor * value).collect();
    for &(factor, tensor) in rest {
        add(&mut out, factor, tensor);
    }
    out
}

/// Adds a tensor times a factor.
pub(crate) fn add(to: &mut [f32], factor: f64, tensor: &[f32]) {
    let factor = factor as f32;
    for (slot, value) in to.iter_mut().zip(tensor) {
        *slot += factor * value;
    }
}

/// The slope of the path at `x`: from the prediction, per unit of noise level.
pub(crate) fn slope(x: &[f32], denoised: &[f32], sigma: f32) -> Vec<f32> {
    x.iter().zip(denoised).map(|(x, d)| (x - d) / sigma).collect()
}
