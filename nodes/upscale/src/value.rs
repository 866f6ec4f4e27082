//! What travels on the wires: an upscaler as the file it is in.

use kiln_core::{Cx, NodeError};
use kiln_shelf::{Shelf, StoredFile};
use kiln_types::{Object, Value};
use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use crate::error::UpscaleError;
use crate::upscaler::Upscaler;

/// The type's name.
pub const UPSCALE_MODEL: &str = "UpscaleModel";

/// An upscaler. It weighs nothing: the network is built where it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct UpscaleModel {
    /// Its file.
    pub file: StoredFile,
    /// How many times wider and higher its results are.
    pub scale: usize,
}

impl Object for UpscaleModel {
    fn type_name(&self) -> &'static str {
        UPSCALE_MODEL
    }
    fn byte_size(&self) -> usize {
        256
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl From<UpscaleModel> for Value {
    fn from(value: UpscaleModel) -> Self {
        Self::Object(Arc::new(value))
    }
}

impl UpscaleModel {
    /// The one on an input.
    ///
    /// # Errors
    /// When the input is empty or holds another type.
    pub fn take(cx: &Cx<'_>, port: &str) -> Result<Self, NodeError> {
        let object = cx.object(port)?;
        object.as_any().downcast_ref::<Self>().cloned().ok_or_else(|| {
            NodeError::new(format!("this is a {}, not an upscaler", object.type_name())).at(port.to_owned())
        })
    }

    /// Its network on the shelf's device; built when it is first asked for.
    ///
    /// # Errors
    /// When the device or the file cannot be used.
    pub fn built(&self, shelf: &Shelf) -> Result<Arc<Upscaler>, NodeError> {
        shelf.shared("upscaler", self.file.hash, || {
            let upscaler = Upscaler::open(Path::new(&self.file.path), shelf.compute()?)
                .map_err(|error| said(&error, "model"))?;
            let bytes = upscaler.bytes();
            Ok((upscaler, bytes))
        })
    }
}

/// An upscaler's error as a node's; `port` is what to blame when the file is wrong.
pub(crate) fn said(error: &UpscaleError, port: &'static str) -> NodeError {
    match error {
        UpscaleError::Run(kiln_networks::NetError::Cancelled) => NodeError::cancelled(),
        UpscaleError::Picture(_) | UpscaleError::Alpha(_) => {
            NodeError::new(error.to_string()).at("image").hint("cut the picture or make it smaller first")
        }
        UpscaleError::Run(kiln_networks::NetError::Device(_)) => NodeError::new(error.to_string())
            .hint("smaller tiles need less of the device's memory; --device cpu runs anywhere"),
        other => NodeError::new(other.to_string()).at(port),
    }
}
