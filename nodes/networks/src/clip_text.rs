//! CLIP text encoders: from token vectors to what a diffusion network attends to.
