//! Fast tensor kernels for the CPU: the same bits for any number of threads and any instruction set.
//!
//! Plain functions on plain slices, `f32` inside; weights may be stored in half or eighth precision
//! and are widened while they are packed. Every kernel is written once on sixteen virtual lanes and
//! compiled for AVX-512, AVX2 and plain Rust (NEON on 64-bit ARM); which one runs is chosen when the
//! program runs.
//!
//! # The order of every sum
//!
//! Floating-point sums depend on their order, so each has one, written down here and tested:
//!
//! - **Products** (linear layers, convolutions, both halves of attention): per element a chain of
//!   fused multiply-adds in ascending k that starts at zero, in blocks of 256; the blocks' sums are
//!   added in ascending order. For a convolution k runs over (channel, ky, kx).
//! - **3 x 3 convolutions** with stride 1 and at least 32 channels on both sides use Winograd's
//!   F(2 x 2, 3 x 3); the choice depends on the shape alone, the sum over channels is as above.
//! - **Pictures in blocks** of sixteen channels ([`conv_blocks`]) use F(4 x 4, 3 x 3), whatever their shape; the sum over
//!   channels is as above, sources one after the other.
//! - **Attention** passes 128 keys at a time with a running maximum and sum, in ascending order.
//! - **Other sums**: four rows of sixteen lanes take turns, are added as (0 + 1) + (2 + 3), and the
//!   sixteen lanes of the result by halves (8, 4, 2, 1 apart). Statistics are merged in `f64` in
//!   pieces of 4096.
//!
//! Exponential, error function and hyperbolic tangent are polynomials of our own. A NaN is a NaN
//! everywhere; its payload is not promised.
//!
//! # Wrong lengths
//!
//! A slice that does not fit the described shape is a bug of the caller, and the operation stops
//! with a panic that says which. Nothing else panics, whatever the numbers are.

mod attention;
mod blocks;
mod blocks_shape;
mod check;
mod conv;
mod geglu;
mod gemm;
mod halve;
mod lanes;
mod linear;
mod maths;
mod norm;
mod operand;
mod pointwise;
mod share;
mod simd;
mod stored;
mod tile;
mod vision;
mod winograd;

pub use attention::{Attention, attention};
pub use blocks::{BLOCK, BlockConv, Slope, blocks_len, conv_blocks};
pub use blocks_shape::{from_blocks, max_pool2_blocks, resize_bilinear_blocks, to_blocks};
pub use conv::{Conv, conv2d};
pub use halve::max_pool2;
pub use linear::{Linear, linear, linear_geglu, matmul};
pub use norm::{group_norm, layer_norm, rms_norm, softmax_rows};
pub use pointwise::{activate, add_into, affine_channels, prelu, scale_add, transpose};
#[doc(hidden)]
pub use simd::{Path, with_path};
pub use stored::{Dtype, Stored};
pub use vision::{Pool, avg_pool2d, max_pool2d, resize_bilinear, upsample_nearest};

/// Names these kernels in cache keys: changes whenever the bits of a result change.
pub const KERNEL_SET: &str = "k1";

/// An activation.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub enum Act {
    /// The value itself.
    #[default]
    None,
    /// `x * sigmoid(x)`
    Silu,
    /// `x * (1 + erf(x / sqrt 2)) / 2`
    Gelu,
    /// `x * sigmoid(1.702 x)`
    QuickGelu,
    /// GELU by its approximation with the hyperbolic tangent.
    GeluTanh,
    /// `max(0, x)`
    Relu,
    /// `min(6, max(0, x))`
    Relu6,
    /// `x`, or the slope times `x` where `x` is negative.
    LeakyRelu(f32),
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

/// What happens to a result before it is written, in this order: plus bias, plus a shift per image
/// and channel, activation, plus a residual.
#[derive(Clone, Copy, Default, Debug)]
pub struct Then<'a> {
    /// One number per output channel.
    pub bias: Option<Stored<'a>>,
    /// One number per image and output channel.
    pub shift: Option<&'a [f32]>,
    /// The activation.
    pub act: Act,
    /// Added at the end; laid out like the output.
    pub add: Option<&'a [f32]>,
}

impl Then<'_> {
    fn check(&self, what: &str, shift: usize, bias: usize, out: usize) {
        check::need(self.bias.is_none_or(|b| b.len() == bias), what);
        check::need(self.shift.is_none_or(|s| s.len() == shift), what);
        check::need(self.add.is_none_or(|a| a.len() == out), what);
    }
}
