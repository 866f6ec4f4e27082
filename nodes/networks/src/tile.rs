//! Large pictures in pieces.
