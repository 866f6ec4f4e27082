//! Every node family of a full build, in one registry, and the reference made from their schemas.

mod reference;

pub use reference::{reference, schema_json};

/// A registry with every node of this build.
#[must_use]
pub fn registry() -> kiln_core::Registry {
    let mut registry = kiln_core::Registry::new();
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_image::nodes());
    registry
}
