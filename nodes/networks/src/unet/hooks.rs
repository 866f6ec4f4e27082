//! What somebody outside may do while the network runs: watch, stop it, change its skip connections.

use kiln_tensor::Tensor;

use super::free_u::FreeU;
use crate::error::NetError;

/// A value on its way through the network.
#[derive(Clone, Copy, Debug)]
pub enum Traced<'a> {
    /// (images, channels, height, width).
    Picture(&'a Tensor<4>),
    /// (images, rows, width): the inside of a transformer, a row for each pixel or token.
    Rows(&'a Tensor<3>),
    /// (images, width).
    Vector(&'a Tensor<2>),
}

/// What is called with the name of a module and what came out of it.
pub type Trace<'a> = dyn Fn(&str, Traced<'_>) + 'a;

/// Asked now and then: should it stop?
pub type Cancelled<'a> = dyn Fn() -> bool + Sync + 'a;

/// All hooks; by default there are none.
#[derive(Clone, Copy, Default)]
pub struct Hooks<'a> {
    /// Scales backbone and skip connections.
    pub free_u: Option<FreeU>,
    /// Shown what comes out of the modules, by their names in the file.
    pub trace: Option<&'a Trace<'a>>,
    /// Asked between modules; `true` ends the run with [`NetError::Cancelled`].
    pub cancelled: Option<&'a Cancelled<'a>>,
}

impl Hooks<'_> {
    pub(super) fn go_on(&self) -> Result<(), NetError> {
        if self.cancelled.is_some_and(|cancelled| cancelled()) { Err(NetError::Cancelled) } else { Ok(()) }
    }

    pub(super) fn show(&self, name: impl FnOnce() -> String, value: Traced<'_>) {
        if let Some(trace) = self.trace {
            trace(&name(), value);
        }
    }
}

impl std::fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("free_u", &self.free_u)
            .field("trace", &self.trace.is_some())
            .field("cancelled", &self.cancelled.is_some())
            .finish()
    }
}
