//! Commands about whole collections: sealed, audited, planned, reported, decided about, made again, gone on with. The
//! work sits in `kiln-collection` and `kiln-report`; here are the words.

pub mod args;
mod audit;
mod decide;
mod evolve;
mod folder;
mod plan;
mod remade;
mod remake;
mod report;
mod seal;
mod step;

pub use audit::{audit, check_proof, prove};
pub use decide::decide;
pub use evolve::evolve;
pub use plan::plan;
pub use remake::remake;
pub use report::report;
pub use seal::seal;
pub use step::finish;
