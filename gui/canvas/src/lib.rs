//! The canvas: a graph on a plane, its widgets, its runs and its pictures, as a library over the engine.

pub mod app;
pub mod canvas;
pub mod look;
pub mod model;
pub mod run;
pub mod scene;
pub mod widgets;
