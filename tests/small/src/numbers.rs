//! What numbers a weight holds: predictions of about unit variance, pictures in range, a prompt that matters.
//!
//! The gains are those of the full-size models in `tests/oracle`, told there; what a network passes straight through
//! is the same, too.

use kiln_oracle::normal::normal;

const UNET: &str = "model.diffusion_model.";
const VAE: &str = "first_stage_model.";
/// Identity from the first skip through the last block's shortcut, and from the input to the output.
const SKIP: f32 = 1.5;
const THROUGH: f32 = 0.15;

fn is_norm(name: &str) -> bool {
    let layer = name.rsplit('.').nth(1).unwrap_or_default();
    layer.starts_with("norm")
        || layer.starts_with("ln_")
        || layer.contains("layer_norm")
        || [".in_layers.0.", ".out_layers.0.", ".out.0."].iter().any(|part| name.contains(part))
}

/// The gain of a weight and the deviation of its bias.
#[must_use]
pub fn gain(name: &str, last: &str) -> (f64, f64) {
    let has = |part: &str| name.contains(part);
    if has(UNET) {
        return match () {
            () if has("time_embed.0") => (2.0, 0.05),
            () if has("time_embed.2") || has("label_emb") => (1.5, 0.05),
            () if has("in_layers.2") => (1.5, 0.05),
            () if has("out_layers.3") => (0.9, 0.05),
            () if has("skip_connection") && has(last) => (0.7, 0.05),
            () if has("to_q") || has("to_k") => (1.3, 0.0),
            () if has("attn2.to_out") => (1.8, 0.05),
            () if has("ff.net.2") => (1.2, 0.05),
            () if has("proj_out") => (0.7, 0.05),
            () if has(".out.2.") => (0.55, 0.02),
            () => (1.0, 0.05),
        };
    }
    if has(VAE) {
        return match () {
            () if has("post_quant_conv") => (0.18, 0.02),
            () if has("quant_conv") => (5.5, 0.02),
            () if has("encoder.conv_in") => (2.0, 0.05),
            () if has("encoder.conv_out") => (1.7, 0.02),
            () if has("decoder.conv_out") => (0.75, 0.02),
            () if has(".conv1") => (1.5, 0.05),
            () if has(".conv2") => (0.9, 0.05),
            () => (1.0, 0.05),
        };
    }
    match () {
        () if has("text_projection") => (1.0, 0.0),
        () if has("q_proj") || has("k_proj") || has("in_proj") => (1.3, 0.05),
        () if has("out_proj") || has("fc2") || has("c_proj") => (0.35, 0.05),
        () => (1.0, 0.05),
    }
}

fn plain(salt: &str, name: &str, shape: &[usize], last: &str) -> Vec<f32> {
    let seed = format!("{salt}{name}");
    let len = shape.iter().product();
    let bias = name.ends_with("bias");
    if is_norm(name) {
        return normal(&seed, len, 0.1, if bias { 0.0 } else { 1.0 });
    }
    if name.contains("token_embedding") {
        return normal(&seed, len, 0.6, 0.0);
    }
    if name.contains("position") {
        return normal(&seed, len, 0.3, 0.0);
    }
    let (gain, deviation) = gain(name, last);
    if bias {
        return normal(&seed, len, deviation, 0.0);
    }
    normal(&seed, len, gain / (shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0)
}

/// A weight by its whole name; `last` is the last block on the way up of the network it is in.
#[must_use]
pub fn of(salt: &str, name: &str, shape: &[usize], last: &str) -> Vec<f32> {
    let mut values = plain(salt, name, shape, last);
    if name == format!("{UNET}{last}0.skip_connection.weight") {
        let inputs = shape[1];
        for o in 0..shape[0] {
            values[o * inputs + o + inputs - shape[0]] += SKIP;
        }
    }
    if name == format!("{UNET}out.2.weight") {
        // The transpose of the first convolution, turned around; inpainting models have more inputs than outputs.
        let first_name = format!("{UNET}input_blocks.0.0.weight");
        let first = plain(salt, &first_name, &[shape[1], shape[0], 3, 3], last);
        for o in 0..shape[0] {
            for i in 0..shape[1] {
                for tap in 0..9 {
                    let at = (o * shape[1] + i) * 9 + tap;
                    values[at] += first[(i * shape[0] + o) * 9 + 8 - tap] * THROUGH;
                }
            }
        }
    }
    values
}
