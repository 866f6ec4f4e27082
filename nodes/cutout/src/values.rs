//! What travels on the wires of this family.

use kiln_core::NodeError;
use kiln_shelf::StoredFile;
use kiln_types::{Object, Value};
use std::any::Any;
use std::sync::Arc;

/// Names of the types.
pub mod names {
    /// A network that finds the subject.
    pub const CUTOUT_MODEL: &str = "CutoutModel";
}

/// A network that finds the subject: its file. It is built where it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct CutoutModel {
    /// Where the weights lie.
    pub file: StoredFile,
}

impl Object for CutoutModel {
    fn type_name(&self) -> &'static str {
        names::CUTOUT_MODEL
    }
    fn byte_size(&self) -> usize {
        self.file.path.len() + 32
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl From<CutoutModel> for Value {
    fn from(value: CutoutModel) -> Self {
        Self::Object(Arc::new(value))
    }
}

/// The model on an input.
///
/// # Errors
/// When the input is empty or holds another type.
pub fn take(cx: &kiln_core::Cx<'_>, port: &str) -> Result<CutoutModel, NodeError> {
    let object = cx.object(port)?;
    object.as_any().downcast_ref::<CutoutModel>().cloned().ok_or_else(|| {
        NodeError::new(format!("this is a {}, which does not fit here", object.type_name()))
            .at(port.to_owned())
    })
}
