//! Between channels and pixels: a picture `by` times larger has `by` x `by` times fewer channels.

use burn::tensor::Tensor;

use crate::flat::{self, Flat};

/// Channel c * by * by + dy * by + dx becomes the pixel (dy, dx) of every `by` x `by` square of channel c. Channels must
/// be a multiple of `by` x `by`.
#[must_use]
pub fn pixel_shuffle(x: &Tensor<4>, by: usize) -> Tensor<4> {
    let Some(flat) = Flat::of(x) else {
        return pixel_shuffle_plain(x.clone(), by);
    };
    let [n, c_in, h, w] = x.dims();
    let c = c_in / (by * by).max(1);
    let mut out = Vec::with_capacity(n * c_in * h * w);
    for plane in 0..n * c {
        for y in 0..h * by {
            let row = |dx: usize| {
                let from = (plane * by * by + y % by * by + dx) * h * w + y / by * w;
                flat.values().get(from..from + w).unwrap_or(&[])
            };
            let rows: Vec<&[f32]> = (0..by).map(row).collect();
            for x in 0..w {
                out.extend(rows.iter().filter_map(|row| row.get(x)));
            }
        }
    }
    flat::tensor(out, [n, c, h * by, w * by])
}

/// The same of burn's operations.
#[must_use]
pub fn pixel_shuffle_plain(x: Tensor<4>, by: usize) -> Tensor<4> {
    let [n, c_in, h, w] = x.dims();
    let c = c_in / (by * by).max(1);
    x.reshape([n, c, by, by, h, w]).permute([0, 1, 4, 2, 5, 3]).reshape([n, c, h * by, w * by])
}
