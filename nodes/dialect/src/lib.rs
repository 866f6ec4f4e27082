//! Workflows in another house's words: reads ComfyUI API files into graphs.
