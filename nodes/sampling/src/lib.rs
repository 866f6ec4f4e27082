//! Noise, sigmas, schedulers and samplers: how a seed becomes a latent, without a network in sight.
