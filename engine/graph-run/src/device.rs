//! Where models run: the processor or a graphics card, how precisely, and how much memory they may take.

use crate::fail::Fail;
use crate::size;
use clap::Args;
use kiln_core::Engine;
use kiln_core::document::Graph;
use kiln_core::{Lane, Registry};
use kiln_nodes::{DeviceChoice, Precision, Runtime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Options of every command that may run models.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Where models run: auto, cpu, gpu or gpu:1 [default: auto]
    #[arg(long, value_name = "DEVICE", help_heading = "Models")]
    pub device: Option<String>,
    /// How precisely: f32, or f16 on a graphics card [default: f16 there, f32 on the processor]
    #[arg(long, value_name = "f32|f16", help_heading = "Models")]
    pub precision: Option<String>,
    /// How much memory models may take, the longest unused go first [default: 60 % of the machine's]
    #[arg(long, value_name = "SIZE", help_heading = "Models")]
    pub model_memory: Option<String>,
}

impl Device {
    /// What models need while the program runs. Nothing is opened before a graph needs it.
    ///
    /// # Errors
    /// When an option is no device, precision or size.
    pub fn runtime(&self) -> Result<Arc<Runtime>, Fail> {
        let wrong = |e: &dyn std::fmt::Display| Fail::wrong(e, None);
        let choice: DeviceChoice = match &self.device {
            Some(text) => text.parse().map_err(|e| wrong(&e))?,
            None => DeviceChoice::Auto,
        };
        let precision = match self.precision.as_deref() {
            None => None,
            Some("f32") => Some(Precision::F32),
            Some("f16") => Some(Precision::F16),
            Some(other) => {
                return Err(Fail::wrong(format!("--precision {other}: write f32 or f16"), None));
            }
        };
        let budget = self.model_memory.as_deref().map(size::parse).transpose();
        let budget = budget.map_err(|e| Fail::wrong(format!("--model-memory: {e}"), None))?;
        let budget = budget.map(|b| usize::try_from(b).unwrap_or(usize::MAX));
        Ok(Arc::new(Runtime::new(choice, precision, budget)))
    }
}

/// Names the device's numeric class to the engine, when the graph has nodes that compute on it.
///
/// # Errors
/// When there is no such device.
pub fn name(engine: Engine, runtime: &Runtime, graph: &Graph) -> Result<Engine, Fail> {
    if computes(graph, engine.registry()) {
        Ok(engine.with_numeric_class(runtime.class()?))
    } else {
        Ok(engine)
    }
}

fn computes(graph: &Graph, registry: &Registry) -> bool {
    let device = |ty: &str| registry.get(ty).is_some_and(|n| n.schema().lane == Lane::Device);
    graph.nodes.values().any(|n| device(&n.ty)) || graph.graphs.values().any(|g| computes(g, registry))
}
