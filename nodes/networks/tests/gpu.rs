//! Small networks on a graphics card, a software one included: against the processor in 32 bit, and in half precision
//! against 32 bit as the picture shows it.
//!
//! With `KILN_NEEDS_GPU=1` a machine without any card fails these tests; else they say why they are left out.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "which card it was, and why a test is left out")]

mod common;

use std::sync::Arc;

use common::{Reference, normal, relative};
use kiln_networks::unet::{Hooks, UNet};
use kiln_networks::vae::Vae;
use kiln_tensor::compute::values;
use kiln_tensor::{Compute, ComputeError, Precision, Tensor, Vars};

fn card(precision: Precision) -> Option<Compute> {
    match Compute::gpu(0, Some(precision)) {
        Ok(card) => {
            println!("on {}", card.name());
            Some(card)
        }
        Err(error @ ComputeError::NoHalf { .. }) => {
            println!("left out: {error}");
            None
        }
        Err(error) => {
            assert!(std::env::var_os("KILN_NEEDS_GPU").is_none(), "{error}");
            println!("left out: {error}");
            None
        }
    }
}

fn tensor<const D: usize>(compute: &Compute, name: &str, shape: [usize; D]) -> Tensor<D> {
    compute.tensor(normal(name, shape.iter().product(), 1.0, 0.0), shape)
}

/// Some steps from noise towards a picture, as a sampler takes them: the network on `compute`, the sums here. Then the
/// autoencoder, which runs in 32 bit on every device.
struct Painter {
    unet: UNet,
    vae: Vae,
    compute: Compute,
}

const SIGMAS: [f32; 5] = [14.6, 5.5, 2.0, 0.7, 0.0];
const TIMES: [f32; 4] = [999.0, 800.0, 560.0, 230.5];

impl Painter {
    fn new(compute: &Compute) -> Self {
        let vars = |set: &str, case: &str, compute: &Compute| {
            Vars::new(case, Arc::new(Reference::load(set).weights(case)), compute)
        };
        let unet = UNet::new(&vars("unet", "sd1", compute)).unwrap();
        let vae = Vae::new(&vars("vae", "two", &compute.in_f32())).unwrap();
        Self { unet, vae, compute: compute.clone() }
    }

    fn noise(&self, x: &[f32], time: f32, [h, w]: [usize; 2]) -> Vec<f32> {
        let c = self.unet.config().in_channels;
        let x = self.compute.tensor(x.to_vec(), [1, c, h, w]);
        let context = tensor(&self.compute, "context", [1, 9, self.unet.config().context_dim.unwrap()]);
        values(self.unet.forward(&x, &[time], &context, None, &Hooks::default()).unwrap()).unwrap()
    }

    fn latent(&self, size: [usize; 2]) -> Vec<f32> {
        let c = self.unet.config().in_channels;
        let mut x = normal("noise", c * size[0] * size[1], f64::from(SIGMAS[0]), 0.0);
        for (pair, time) in SIGMAS.windows(2).zip(TIMES) {
            let scale = 1.0 / (pair[0] * pair[0] + 1.0).sqrt();
            let scaled: Vec<f32> = x.iter().map(|v| v * scale).collect();
            let noise = self.noise(&scaled, time, size);
            for (x, n) in x.iter_mut().zip(noise) {
                *x += n * (pair[1] - pair[0]);
            }
        }
        x
    }

    fn decode(&self, latent: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
        let z = self.compute.in_f32().tensor(latent.to_vec(), [1, latent.len() / (h * w), h, w]);
        values(self.vae.decode(&z).unwrap()).unwrap()
    }
}

#[test]
fn a_small_model_agrees_with_the_processor() {
    let Some(card) = card(Precision::F32) else { return };
    let (there, here) = (Painter::new(&card), Painter::new(&Compute::cpu()));
    let x = normal("x", 4 * 5 * 7, 1.0, 0.0);
    let off = relative(&here.noise(&x, 261.5, [5, 7]), &there.noise(&x, 261.5, [5, 7]));
    println!("UNet: {off:.1e}");
    assert!(off < 1e-3, "UNet: relative L2 {off:.1e}");
    let z: Vec<f32> = normal("z", 4 * 5 * 7, 1.0, 0.0);
    let off = relative(&here.decode(&z, [5, 7]), &there.decode(&z, [5, 7]));
    println!("autoencoder: {off:.1e}");
    assert!(off < 1e-3, "autoencoder: relative L2 {off:.1e}");
    let (wanted, found) = (here.latent([8, 8]), there.latent([8, 8]));
    let off = relative(&wanted, &found);
    println!("four steps: {off:.1e}");
    assert!(off < 1e-3, "four steps: relative L2 {off:.1e}");
}

#[test]
fn half_precision_shows_the_same_picture() {
    let Some(card) = card(Precision::F16) else { return };
    let (half, full) = (Painter::new(&card), Painter::new(&Compute::cpu()));
    let size = [8, 8];
    let wanted = full.decode(&full.latent(size), size);
    let found = half.decode(&half.latent(size), size);
    // Random weights know nothing of black and white: the darkest and the brightest number are.
    let (low, high) = wanted.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let most = wanted.iter().zip(&found).map(|(a, b)| (a - b).abs() / (high - low)).fold(0.0, f32::max);
    println!("{:.2}/255 at most, relative L2 {:.1e}", most * 255.0, relative(&wanted, &found));
    assert!(most * 255.0 <= 2.0, "{:.2}/255", most * 255.0);
}
