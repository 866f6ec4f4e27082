//! What a model file is: families, names and shapes, and LoRA files for them.
