//! Latent diffusion: networks, checkpoints, LoRA, conditioning and the nodes that sample.
