//! Latent diffusion: models, LoRA, conditioning and the nodes that sample.
//!
//! [`values`] says what travels between the nodes, [`runtime`] builds models where they are used and keeps them within
//! a budget, [`guide`] asks a model with all its conditionings, [`draw`] runs a whole sampling, [`encode`] turns prompts
//! into conditionings, [`damage`] names the weight
//! that spoiled an answer, and [`nodes`](mod@nodes) are the nodes themselves.

pub mod autoencoder;
pub mod damage;
pub mod draw;
pub mod encode;
pub mod guide;
pub mod latent;
pub mod nodes;
pub mod preview;
pub mod runtime;
pub mod space;
pub mod values;

pub use nodes::nodes;
pub use runtime::Runtime;
pub use values::add_codecs;
