//! Checkpoints of the real sizes, with numbers that behave: predictions of unit variance, pictures in range, a prompt
//! that matters, errors that do not grow. `make_ckpt.py` tells the rules in words.

use crate::normal::normal;
use crate::write::{Item, Store, write};
use std::io::{self, Write};

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// Stable Diffusion 1.5.
    Sd15,
    /// SDXL base.
    Sdxl,
}

impl Arch {
    pub(crate) fn keys(self) -> Vec<(String, Vec<usize>)> {
        let text = match self {
            Self::Sd15 => include_str!("../keys_sd15.json"),
            Self::Sdxl => include_str!("../keys_sdxl.json"),
        };
        let whole: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let sides = |v: &serde_json::Value| -> Vec<usize> {
            v.as_array().into_iter().flatten().filter_map(|s| s.as_u64()).map(|s| s as usize).collect()
        };
        whole["tensors"].as_object().into_iter().flatten().map(|(n, s)| (n.clone(), sides(s))).collect()
    }

    fn last(self) -> &'static str {
        match self {
            Self::Sd15 => "output_blocks.11.",
            Self::Sdxl => "output_blocks.8.",
        }
    }
}

const UNET: &str = "model.diffusion_model.";
const VAE: &str = "first_stage_model.";
/// Identity from the first skip through the last block's shortcut, and from the input to the output.
const SKIP: f32 = 1.5;
const THROUGH: f32 = 0.048;

/// What a tensor's numbers are like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Like {
    Norm,
    /// Deviation gain / sqrt(inputs); its bias has the second.
    Weight(f64, f64),
    /// An embedding's deviation.
    Table(f64),
}

fn is_norm(name: &str) -> bool {
    const MARKS: &[&str] =
        &[".norm.", ".norm_out.", ".in_layers.0.", ".out_layers.0.", ".out.0.", ".ln_final."];
    let numbered = |start: &str| {
        name.match_indices(start).any(|(at, _)| {
            let rest = &name[at + start.len()..];
            rest.len() > 1 && rest.as_bytes()[0].is_ascii_digit() && rest.as_bytes()[1] == b'.'
        })
    };
    MARKS.iter().any(|m| name.contains(m))
        || name.contains("layer_norm")
        || numbered(".norm")
        || numbered(".ln_")
}

fn like(name: &str, arch: Arch) -> Like {
    use Like::{Table, Weight};
    if is_norm(name) {
        return Like::Norm;
    }
    let small = arch == Arch::Sd15;
    let has = |part: &str| name.contains(part);
    if let Some(name) = name.strip_prefix(UNET) {
        let has = |part: &str| name.contains(part);
        let attends =
            |what: &[&str]| ["attn1.", "attn2."].iter().any(|a| what.iter().any(|w| has(&format!("{a}{w}"))));
        return match () {
            () if name.starts_with("time_embed.0") => Weight(2.0, 0.05),
            () if name.starts_with("time_embed.2") => Weight(1.5, 0.05),
            () if name.starts_with("label_emb.0.0") || name.starts_with("label_emb.0.2") => Weight(1.5, 0.05),
            () if has("emb_layers.1") => Weight(1.0, 0.05),
            () if name.starts_with("input_blocks.0.0") => Weight(1.0, 0.05),
            () if has("in_layers.2") => Weight(1.5, 0.05),
            () if has("out_layers.3") => Weight(0.9, 0.05),
            () if has("skip_connection") && has(arch.last()) => Weight(0.7, 0.05),
            () if has("skip_connection") || has(".op.") || has(".conv.") => Weight(1.0, 0.05),
            () if attends(&["to_q", "to_k"]) => Weight(1.3, 0.0),
            () if attends(&["to_v"]) => Weight(1.0, 0.0),
            () if has("attn1.to_out") => Weight(1.0, 0.05),
            () if has("attn2.to_out") => Weight(1.8, 0.05),
            () if has("ff.net.0.proj") => Weight(1.0, 0.05),
            () if has("ff.net.2") => Weight(1.2, 0.05),
            () if has("proj_in") => Weight(1.0, 0.05),
            () if has("proj_out") => Weight(0.7, 0.05),
            () => Weight(0.55, 0.02),
        };
    }
    if let Some(name) = name.strip_prefix(VAE) {
        let has = |part: &str| name.contains(part);
        return match () {
            () if name.starts_with("post_quant_conv") => Weight(if small { 0.18 } else { 0.13 }, 0.02),
            () if name.starts_with("quant_conv") => Weight(if small { 5.5 } else { 7.7 }, 0.02),
            () if name.starts_with("encoder.conv_in") => Weight(2.0, 0.05),
            () if name.starts_with("encoder.conv_out") => Weight(1.7, 0.02),
            () if name.starts_with("decoder.conv_out") => Weight(0.75, 0.02),
            () if has(".conv1") => Weight(1.5, 0.05),
            () if has(".conv2") => Weight(0.9, 0.05),
            () if has("attn_1.q.") || has("attn_1.k.") => Weight(1.2, 0.05),
            () => Weight(1.0, 0.05),
        };
    }
    match () {
        () if has("token_embedding") => Table(if small { 0.03 } else { 0.6 }),
        () if has("position_embedding") || has("positional_embedding") => {
            Table(if small { 0.015 } else { 0.3 })
        }
        () if has("text_projection") => Weight(1.0, 0.0),
        () if has("q_proj") || has("k_proj") || has("in_proj") => Weight(1.3, 0.05),
        () if has("v_proj") => Weight(1.0, 0.05),
        () if has("out_proj") => {
            if small {
                Weight(0.03, 0.003)
            } else {
                Weight(0.35, 0.05)
            }
        }
        () if has("fc1") || has("c_fc") => Weight(1.0, 0.05),
        () => {
            if small {
                Weight(0.03, 0.003)
            } else {
                Weight(0.35, 0.05)
            }
        }
    }
}

/// The gain a weight was made with.
pub(crate) fn gain(name: &str, arch: Arch) -> f64 {
    match like(name, arch) {
        Like::Norm => 0.1,
        Like::Weight(gain, _) | Like::Table(gain) => gain,
    }
}

fn plain(name: &str, shape: &[usize], arch: Arch) -> Vec<f32> {
    let len = shape.iter().product();
    let bias = name.ends_with("bias");
    match like(name, arch) {
        Like::Norm => normal(name, len, 0.1, if bias { 0.0 } else { 1.0 }),
        Like::Weight(_, deviation) if bias => {
            if deviation == 0.0 {
                vec![0.0; len]
            } else {
                normal(name, len, deviation, 0.0)
            }
        }
        Like::Table(_) if bias => vec![0.0; len],
        Like::Table(deviation) => normal(name, len, deviation, 0.0),
        Like::Weight(gain, _) => {
            normal(name, len, gain / (shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0)
        }
    }
}

/// The schedule's buffers, which real files carry and nobody reads.
fn buffer(name: &str) -> Vec<f32> {
    let n = 1000;
    let (low, high) = (0.000_85f64.sqrt(), 0.012f64.sqrt());
    let step = (high - low) / (n - 1) as f64;
    let beta = |i: usize| {
        let root = if i == n - 1 { high } else { low + step * i as f64 };
        root * root
    };
    let mut kept = Vec::with_capacity(n);
    let mut product = 1.0;
    for i in 0..n {
        product *= 1.0 - beta(i);
        kept.push(product);
    }
    let before = |i: usize| if i == 0 { 1.0 } else { kept[i - 1] };
    let variance = |i: usize| beta(i) * (1.0 - before(i)) / (1.0 - kept[i]);
    let value = |i: usize| -> f64 {
        match name {
            "betas" => beta(i),
            "alphas_cumprod" => kept[i],
            "alphas_cumprod_prev" => before(i),
            "sqrt_alphas_cumprod" => kept[i].sqrt(),
            "sqrt_one_minus_alphas_cumprod" => (1.0 - kept[i]).sqrt(),
            "log_one_minus_alphas_cumprod" => (1.0 - kept[i]).ln(),
            "sqrt_recip_alphas_cumprod" => (1.0 / kept[i]).sqrt(),
            "sqrt_recipm1_alphas_cumprod" => (1.0 / kept[i] - 1.0).sqrt(),
            "posterior_variance" => variance(i),
            "posterior_log_variance_clipped" => variance(i).max(1e-20).ln(),
            "posterior_mean_coef1" => beta(i) * before(i).sqrt() / (1.0 - kept[i]),
            _ => (1.0 - before(i)) * (1.0 - beta(i)).sqrt() / (1.0 - kept[i]),
        }
    };
    match name {
        "model_ema.decay" => vec![0.9999],
        "model_ema.num_updates" => vec![0.0],
        _ => (0..n).map(|i| value(i) as f32).collect(),
    }
}

fn tensor(name: &str, shape: &[usize], arch: Arch) -> Vec<f32> {
    if name.ends_with("position_ids") {
        return (0..77).map(|i| i as f32).collect();
    }
    if name.ends_with("logit_scale") {
        return vec![4.6052];
    }
    if !name.contains('.') || name.starts_with("model_ema") {
        return buffer(name);
    }
    let mut values = plain(name, shape, arch);
    if name == format!("{UNET}{}0.skip_connection.weight", arch.last()) {
        let inputs = shape[1];
        for o in 0..shape[0] {
            values[o * inputs + o + shape[0]] += SKIP;
        }
    }
    if name == "model.diffusion_model.out.2.weight" {
        // The transpose of the first convolution, turned around.
        let first = plain("model.diffusion_model.input_blocks.0.0.weight", &[shape[1], shape[0], 3, 3], arch);
        for o in 0..shape[0] {
            for i in 0..shape[1] {
                for tap in 0..9 {
                    values[(o * shape[1] + i) * 9 + tap] += first[(i * shape[0] + o) * 9 + 8 - tap] * THROUGH;
                }
            }
        }
    }
    values
}

/// Writes a checkpoint.
pub fn checkpoint(arch: Arch, out: &mut impl Write) -> io::Result<()> {
    let items = arch
        .keys()
        .into_iter()
        .map(|(name, shape)| {
            let store = if name.ends_with("position_ids") {
                Store::I64
            } else if !name.contains('.') || name.starts_with("model_ema") {
                Store::F32
            } else {
                Store::F16
            };
            let (of, sides) = (name.clone(), shape.clone());
            Item { name, store, shape, make: Box::new(move || tensor(&of, &sides, arch)) }
        })
        .collect();
    let about = match arch {
        Arch::Sd15 => "sd15 pseudo-random v1",
        Arch::Sdxl => "sdxl pseudo-random v1",
    };
    write(out, items, &[("oracle", about)])
}
