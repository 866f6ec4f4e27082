//! What both kinds of network have in common: tiles in, larger tiles out, with somebody to ask whether to go on.

use kiln_networks::NetError;
use kiln_tensor::{Compute, Tensor, VarsError};

use crate::compact::Compact;
use crate::file::{Kind, Named};
use crate::rrdb::Rrdb;

/// Told how many steps of one tile are done, and asked whether to go on.
pub(crate) struct Steps<'a> {
    pub(crate) done: &'a dyn Fn(usize),
    pub(crate) cancelled: &'a dyn Fn() -> bool,
}

impl Steps<'_> {
    /// `done` steps are over.
    pub(crate) fn at(&self, done: usize) -> Result<(), NetError> {
        if (self.cancelled)() {
            return Err(NetError::Cancelled);
        }
        (self.done)(done);
        Ok(())
    }
}

/// A network of either kind.
#[derive(Debug)]
pub(crate) enum Network {
    Rrdb(Box<Rrdb>),
    Compact(Box<Compact>),
}

impl Network {
    pub(crate) fn new(file: &str, named: Named, compute: &Compute) -> Result<Self, VarsError> {
        let vars = kiln_tensor::Vars::new(file, std::sync::Arc::new(named.weights), compute);
        let made = match named.kind {
            Kind::Rrdb => Rrdb::new(&vars).map(|net| Self::Rrdb(Box::new(net))),
            Kind::Compact => Compact::new(&vars).map(|net| Self::Compact(Box::new(net))),
        };
        // People look for the name their file has.
        made.map_err(|error| match error {
            VarsError::Shape { file, name, found, wanted } => {
                let name = named.written.get(&name).cloned().unwrap_or(name);
                VarsError::Shape { file, name, found, wanted }
            }
            other => other,
        })
    }

    pub(crate) fn scale(&self) -> usize {
        match self {
            Self::Rrdb(net) => net.scale(),
            Self::Compact(net) => net.scale(),
        }
    }

    /// Sides of its input must be multiples of this.
    pub(crate) fn multiple(&self) -> usize {
        match self {
            Self::Rrdb(net) => net.multiple(),
            Self::Compact(_) => 1,
        }
    }

    /// Steps of one tile.
    pub(crate) fn steps(&self) -> usize {
        match self {
            Self::Rrdb(net) => net.steps(),
            Self::Compact(net) => net.steps(),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Rrdb(net) => net.describe(),
            Self::Compact(net) => net.describe(),
        }
    }

    /// Planes of 3 x height x width, 0 to 1, to planes `scale` times as large, about 0 to 1.
    pub(crate) fn forward(
        &self,
        planes: Vec<f32>,
        size: [usize; 2],
        steps: &Steps<'_>,
    ) -> Result<Tensor<4>, NetError> {
        match self {
            Self::Rrdb(net) => net.forward(planes, size, steps),
            Self::Compact(net) => net.forward(planes, size, steps),
        }
    }
}
