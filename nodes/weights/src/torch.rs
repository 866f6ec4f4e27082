//! Torch checkpoints.
use std::sync::Arc;

use crate::error::WeightError;
use crate::file::Contents;
use crate::map::Mapping;

pub(crate) fn read_zip(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    Err(WeightError::not_weights(mapping.path(), "a torch checkpoint", "not read yet"))
}

pub(crate) fn read_legacy(mapping: &Arc<Mapping>) -> Result<Contents, WeightError> {
    Err(WeightError::not_weights(mapping.path(), "a torch checkpoint", "not read yet"))
}
