//! What the canvas does, asked by the names that people who do not see it hear: what became of the document or the
//! run, not that something was pressed. `../FEATURES.md` tells which test holds which feature.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod edits;
mod files;
mod looks;
mod model;
mod raster;
mod running;
mod support;
mod values;
mod wiring;
