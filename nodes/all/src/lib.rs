//! Every node family of a full build, in one registry, and the reference made from their schemas.

mod proofs;
mod reference;

pub use reference::{reference, schema_json};

pub use kiln_diffusion::Runtime;
pub use kiln_tensor::{ComputeError, DeviceChoice, Precision};

/// A registry with every node of this build; models run on the processor.
#[must_use]
pub fn registry() -> kiln_core::Registry {
    registry_on(&std::sync::Arc::new(Runtime::cpu()))
}

/// The same, with models where `runtime` says.
#[must_use]
pub fn registry_on(runtime: &std::sync::Arc<Runtime>) -> kiln_core::Registry {
    let mut registry = kiln_core::Registry::new();
    registry.add_all(kiln_diffusion::nodes(runtime));
    kiln_diffusion::add_codecs(&mut registry);
    registry.add_all(kiln_upscale::nodes(runtime.shelf()));
    registry.add_all(kiln_cutout::nodes(runtime.shelf()));
    registry.add_all(kiln_clip::nodes(runtime.shelf()));
    registry.add_all(kiln_basics::nodes());
    registry.add_all(kiln_image::nodes());
    registry.add_all(kiln_items::nodes());
    kiln_items::add_codecs(&mut registry);
    registry.add_all(kiln_report::nodes());
    registry.add_all(kiln_storage::nodes(png));
    kiln_storage::add_codecs(&mut registry);
    registry.add_all(kiln_chain::nodes(std::sync::Arc::new(proofs::Storage)));
    registry
}

/// A picture's file, without a graph in it.
fn png(image: &kiln_types::Image) -> Result<Vec<u8>, String> {
    let options = kiln_codec::SaveOptions::new(kiln_codec::Format::Png);
    kiln_codec::encode(image, 0, &options).map_err(|e| e.to_string())
}
