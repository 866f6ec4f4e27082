//! The networks, each reading like its paper. Their weights have the names of the original checkpoints.

mod conv;
pub mod mobilenet;
pub mod modnet;
pub mod rsu;
pub mod u2net;

use kiln_networks::NetError;
use kiln_tensor::Tensor;

/// Told how many of a network's parts are done; an error stops it.
pub type Step<'a> = &'a mut dyn FnMut(usize, usize) -> Result<(), NetError>;

/// Refuses what is no colour picture with sides of whole multiples of `grain`.
fn fits(x: &Tensor<4>, grain: usize) -> Result<(), NetError> {
    let [n, c, h, w] = x.dims();
    if n == 1 && c == 3 && h > 0 && w > 0 && h.is_multiple_of(grain) && w.is_multiple_of(grain) {
        return Ok(());
    }
    let sides = if grain > 1 { format!(" with sides of a multiple of {grain}") } else { String::new() };
    Err(NetError::Shape {
        what: "the picture".into(),
        expected: format!("(1, 3, height, width){sides}"),
        found: x.dims().to_vec(),
    })
}
