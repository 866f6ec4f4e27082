//! Batch norms become part of the convolution before them: at use they are a factor and a shift for each channel.

use std::sync::Arc;

use kiln_tensor::layers::Conv2d;
use kiln_tensor::ops::ConvSpec;
use kiln_tensor::{Vars, VarsError, Weight, WeightMap};

/// What every one of these networks adds to a variance.
const EPS: f64 = 1e-5;

/// The convolution `conv` with the batch norm `norm` after it, if the file still has one. It must take `c_in` channels and
/// have a square kernel of this size. The norm may cover the first channels only.
pub(super) fn folded(
    vars: &Vars,
    conv: &str,
    norm: &str,
    c_in: usize,
    kernel: usize,
    spec: ConvSpec,
) -> Result<Conv2d, VarsError> {
    let at = vars.at(conv);
    let c_out = at.any("weight")?.shape().first().copied().unwrap_or(0);
    let plain = Conv2d::sized(&at, c_in, c_out, kernel, spec)?;
    let norm = vars.at(norm);
    if !norm.has("weight") && !norm.has("running_var") {
        return Ok(plain);
    }
    let covered = norm.any("running_var")?.len();
    if covered > c_out {
        return Err(
            norm.odd(format!("\"{}\" is wider than the convolution before it", norm.full("running_var")))
        );
    }
    let [gamma, beta, mean, var] = ["weight", "bias", "running_mean", "running_var"].map(|name| {
        let mut values = norm.get(name, &[covered])?.to_f32();
        // Beyond its channels it changes nothing.
        values.resize(c_out, if matches!(name, "weight" | "running_var") { 1.0 } else { 0.0 });
        Ok::<_, VarsError>(values)
    });
    let (gamma, beta, mean, var) = (gamma?, beta?, mean?, var?);
    let mut weight = at.any("weight")?.to_f32();
    let mut bias = at.maybe("bias").map_or_else(|| vec![0.0; c_out], |bias| bias.to_f32());
    let each = weight.len() / c_out.max(1);
    for (channel, row) in weight.chunks_exact_mut(each.max(1)).enumerate().take(covered) {
        let factor = f64::from(gamma[channel]) / (f64::from(var[channel]) + EPS).sqrt();
        for value in row {
            *value = (f64::from(*value) * factor) as f32;
        }
        bias[channel] = ((f64::from(bias[channel]) - f64::from(mean[channel])) * factor
            + f64::from(beta[channel])) as f32;
    }
    let shape = [c_out, c_in / spec.groups, kernel, kernel];
    let made: WeightMap = [
        ("weight".to_owned(), Weight::from_f32(&shape, weight)),
        ("bias".to_owned(), Weight::from_f32(&[c_out], bias)),
    ]
    .into();
    Conv2d::new(&Vars::new(vars.file(), Arc::new(made), vars.compute()), spec)
}
