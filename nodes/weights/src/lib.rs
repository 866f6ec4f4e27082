//! Weight files people have, read as data: safetensors, pickled checkpoints, diffusers folders.
