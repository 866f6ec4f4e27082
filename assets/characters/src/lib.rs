//! Draws the characters that the demo models learn from.
