//! Activations and sums.

use burn::tensor::{DType, Tensor, activation};
use kiln_kernels::{self as kernels, Act};

use crate::flat::{self, Flat};

/// Applies an activation.
#[must_use]
pub fn act<const D: usize>(act: Act, x: Tensor<D>) -> Tensor<D> {
    if act == Act::None {
        return x;
    }
    match Flat::of(&x) {
        Some(flat) => {
            let mut values = flat.values().to_vec();
            kernels::activate(act, &mut values);
            flat::tensor(values, x.dims())
        }
        None => act_plain(act, x),
    }
}

/// The same of burn's operations.
#[must_use]
pub fn act_plain<const D: usize>(act: Act, x: Tensor<D>) -> Tensor<D> {
    match act {
        Act::None => x,
        Act::Silu => activation::silu(x),
        Act::Gelu => activation::gelu(x),
        Act::QuickGelu => x.clone() * activation::sigmoid(x * 1.702),
        Act::GeluTanh => activation::gelu_approximate(x),
        Act::Relu => activation::relu(x),
        Act::Relu6 => x.clamp(0.0, 6.0),
        Act::LeakyRelu(slope) => activation::leaky_relu(x, f64::from(slope)),
        Act::Sigmoid => activation::sigmoid(x),
        Act::Tanh => activation::tanh(x),
    }
}

/// Splits the last dimension in value and gate: value x gelu(gate).
#[must_use]
pub fn geglu_plain<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let n = x.dims()[D - 1] / 2;
    let value = x.clone().narrow(D - 1, 0, n);
    let gate = x.narrow(D - 1, n, n);
    value * activation::gelu(gate)
}

/// `a + b`, of the same shape.
#[must_use]
pub fn add<const D: usize>(a: Tensor<D>, b: &Tensor<D>) -> Tensor<D> {
    match (Flat::of(&a), Flat::of(b)) {
        (Some(x), Some(y)) if a.dims() == b.dims() => {
            let mut values = x.values().to_vec();
            kernels::add_into(&mut values, y.values());
            flat::tensor(values, a.dims())
        }
        _ => a + b.clone(),
    }
}

/// `a * scale + b`.
#[must_use]
pub fn scale_add<const D: usize>(a: Tensor<D>, scale: f32, b: Tensor<D>) -> Tensor<D> {
    debug_assert!(a.dtype() == b.dtype() || a.dtype() != DType::F32);
    a * scale + b
}
