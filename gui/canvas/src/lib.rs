//! The canvas: a graph on a plane, its widgets, its runs and its pictures, as a library over the engine.
