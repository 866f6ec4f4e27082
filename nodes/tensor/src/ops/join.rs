//! Pictures of one size behind each other, as channels of one.

use burn::tensor::Tensor;

use crate::flat::{self, Flat};

/// The channels of all parts, one after the other.
#[must_use]
pub fn join_channels(parts: &[&Tensor<4>]) -> Tensor<4> {
    let flats: Option<Vec<Flat>> = parts.iter().map(|part| Flat::of(*part)).collect();
    let (Some(flats), Some(first)) = (flats, parts.first()) else {
        return Tensor::cat(parts.iter().map(|part| (*part).clone()).collect(), 1);
    };
    let [n, _, h, w] = first.dims();
    let channels = parts.iter().map(|part| part.dims()[1]).sum();
    let mut out = Vec::with_capacity(n * channels * h * w);
    for image in 0..n {
        for (flat, part) in flats.iter().zip(parts) {
            let each = part.dims()[1] * h * w;
            out.extend_from_slice(&flat.values()[image * each..(image + 1) * each]);
        }
    }
    flat::tensor(out, [n, channels, h, w])
}
