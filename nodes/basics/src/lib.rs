//! Room under construction.

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<kiln_core::Node> {
    Vec::new()
}
