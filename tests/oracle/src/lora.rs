//! LoRA files for these checkpoints, in the namings people meet. `make_lora.py` tells them in words.

use crate::checkpoint::{Arch, gain};
use crate::normal::normal;
use crate::write::{Item, Store, write};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoraKind {
    /// kohya's names for SD 1.x: everything, rank 8, alpha 4.
    Sd15Kohya,
    /// A second one to stack on it: attention only, rank 4, alpha 8.
    Sd15KohyaB,
    /// diffusers' names, no alpha.
    Sd15Diffusers,
    /// The same numbers under PEFT's names.
    Sd15Peft,
    /// kohya's names for SDXL.
    SdxlKohya,
}

impl LoraKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Sd15Kohya, Self::Sd15KohyaB, Self::Sd15Diffusers, Self::Sd15Peft, Self::SdxlKohya];

    /// The file's name.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Sd15Kohya => "oracle_sd15_kohya.safetensors",
            Self::Sd15KohyaB => "oracle_sd15_kohya_b.safetensors",
            Self::Sd15Diffusers => "oracle_sd15_diffusers.safetensors",
            Self::Sd15Peft => "oracle_sd15_peft.safetensors",
            Self::SdxlKohya => "oracle_sdxl_kohya.safetensors",
        }
    }
}

const UNET: &str = "model.diffusion_model.";
const ATTENTION: [&str; 8] = [
    "attn1.to_q",
    "attn1.to_k",
    "attn1.to_v",
    "attn1.to_out.0",
    "attn2.to_q",
    "attn2.to_k",
    "attn2.to_v",
    "attn2.to_out.0",
];
const RES: [(&str, &str); 4] = [
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];
const TEXT: [&str; 6] =
    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2"];

#[derive(Clone, Copy, PartialEq)]
enum Block {
    Res,
    Attention,
    Conv,
}

/// SD 1.5's blocks: original prefix, diffusers prefix, what it is.
fn blocks() -> Vec<(String, String, Block)> {
    let mut all = Vec::new();
    let mut n = 1;
    for level in 0..4 {
        for i in 0..2 {
            all.push((format!("input_blocks.{n}.0"), format!("down_blocks.{level}.resnets.{i}"), Block::Res));
            if level < 3 {
                all.push((
                    format!("input_blocks.{n}.1"),
                    format!("down_blocks.{level}.attentions.{i}"),
                    Block::Attention,
                ));
            }
            n += 1;
        }
        if level < 3 {
            all.push((
                format!("input_blocks.{n}.0.op"),
                format!("down_blocks.{level}.downsamplers.0.conv"),
                Block::Conv,
            ));
            n += 1;
        }
    }
    let middle = [
        ("middle_block.0", "mid_block.resnets.0", Block::Res),
        ("middle_block.1", "mid_block.attentions.0", Block::Attention),
        ("middle_block.2", "mid_block.resnets.1", Block::Res),
    ];
    all.extend(middle.map(|(a, b, k)| (a.to_owned(), b.to_owned(), k)));
    let mut n = 0;
    for level in 0..4 {
        for i in 0..3 {
            all.push((format!("output_blocks.{n}.0"), format!("up_blocks.{level}.resnets.{i}"), Block::Res));
            if level > 0 {
                all.push((
                    format!("output_blocks.{n}.1"),
                    format!("up_blocks.{level}.attentions.{i}"),
                    Block::Attention,
                ));
            }
            if i == 2 && level < 3 {
                let at = if level == 0 { 1 } else { 2 };
                all.push((
                    format!("output_blocks.{n}.{at}.conv"),
                    format!("up_blocks.{level}.upsamplers.0.conv"),
                    Block::Conv,
                ));
            }
            n += 1;
        }
    }
    all
}

/// Base weight, its shape, and the module's name in dots.
type Module = (String, Vec<usize>, String);

fn sd15_modules(kind: LoraKind, keys: &BTreeMap<String, Vec<usize>>) -> Vec<Module> {
    let mut modules = Vec::new();
    let mut add = |base: String, name: String| {
        if let Some(shape) = keys.get(&base) {
            modules.push((base, shape.clone(), name));
        }
    };
    let mut res = 0;
    for (ldm, dif, block) in blocks() {
        match block {
            Block::Attention => {
                let mut parts: Vec<String> = Vec::new();
                if kind == LoraKind::Sd15Kohya {
                    parts.extend(["proj_in".to_owned(), "proj_out".to_owned()]);
                }
                parts.extend(ATTENTION.iter().map(|a| format!("transformer_blocks.0.{a}")));
                if kind != LoraKind::Sd15KohyaB {
                    parts.extend(["ff.net.0.proj", "ff.net.2"].map(|f| format!("transformer_blocks.0.{f}")));
                }
                for part in parts {
                    add(format!("{UNET}{ldm}.{part}.weight"), format!("{dif}.{part}"));
                }
            }
            Block::Res if kind == LoraKind::Sd15Kohya => {
                res += 1;
                if res % 3 == 0 && !ldm.starts_with("output_blocks.11") {
                    for (own, theirs) in RES {
                        add(format!("{UNET}{ldm}.{own}.weight"), format!("{dif}.{theirs}"));
                    }
                }
            }
            Block::Conv if kind == LoraKind::Sd15Kohya => add(format!("{UNET}{ldm}.weight"), dif),
            _ => {}
        }
    }
    if kind != LoraKind::Sd15KohyaB {
        for layer in 0..12 {
            for part in TEXT {
                add(
                    format!("cond_stage_model.transformer.text_model.encoder.layers.{layer}.{part}.weight"),
                    format!("TE.text_model.encoder.layers.{layer}.{part}"),
                );
            }
        }
    }
    modules
}

fn sdxl_modules(order: &[(String, Vec<usize>)], keys: &BTreeMap<String, Vec<usize>>) -> Vec<Module> {
    const WHOLE: [&str; 5] =
        ["input_blocks.4", "input_blocks.5", "output_blocks.3", "output_blocks.4", "output_blocks.5"];
    const SINGLE: [&str; 7] = [
        "input_blocks.3.0.op",
        "input_blocks.4.0.in_layers.2",
        "input_blocks.4.0.skip_connection",
        "input_blocks.4.0.emb_layers.1",
        "middle_block.2.out_layers.3",
        "output_blocks.2.2.conv",
        "output_blocks.5.0.in_layers.2",
    ];
    let mut modules = Vec::new();
    for (base, shape) in order {
        let Some(name) = base.strip_prefix(UNET).and_then(|n| n.strip_suffix(".weight")) else { continue };
        let deep = (1..9).any(|i| name.contains(&format!(".transformer_blocks.{i}.")));
        if deep && !WHOLE.iter().any(|w| name.starts_with(w)) {
            continue;
        }
        let attends =
            name.contains(".transformer_blocks.") && (name.contains(".attn") || name.contains(".ff."));
        if attends || name.ends_with("proj_in") || name.ends_with("proj_out") || SINGLE.contains(&name) {
            modules.push((base.clone(), shape.clone(), name.to_owned()));
        }
    }
    for layer in 0..12 {
        for part in TEXT {
            let base = format!(
                "conditioner.embedders.0.transformer.text_model.encoder.layers.{layer}.{part}.weight"
            );
            let shape = keys.get(&base).cloned().unwrap_or_default();
            modules.push((base, shape, format!("TE1.text_model.encoder.layers.{layer}.{part}")));
        }
    }
    for layer in [0, 1, 15, 30, 31] {
        for part in TEXT {
            let own = match part {
                "self_attn.out_proj" => "attn.out_proj.weight",
                "mlp.fc1" => "mlp.c_fc.weight",
                "mlp.fc2" => "mlp.c_proj.weight",
                _ => "attn.in_proj_weight",
            };
            let base = format!("conditioner.embedders.1.model.transformer.resblocks.{layer}.{own}");
            let shape = if own == "attn.in_proj_weight" {
                vec![1280, 1280]
            } else {
                keys.get(&base).cloned().unwrap_or_default()
            };
            modules.push((base, shape, format!("TE2.text_model.encoder.layers.{layer}.{part}")));
        }
    }
    modules
}

fn names(kind: LoraKind, module: &str) -> (String, String, Option<String>) {
    if matches!(kind, LoraKind::Sd15Diffusers | LoraKind::Sd15Peft) {
        let peft = kind == LoraKind::Sd15Peft;
        let (down, up) = if peft {
            (".lora_A.weight", ".lora_B.weight")
        } else {
            (".lora.down.weight", ".lora.up.weight")
        };
        if let Some(text) = module.strip_prefix("TE.") {
            let base = format!("text_encoder.{text}");
            return (format!("{base}{down}"), format!("{base}{up}"), None);
        }
        if !peft && module.contains(".attn") {
            let base =
                format!("unet.{}", module.replace(".to_", ".processor.to_").replace("to_out.0", "to_out"));
            return (format!("{base}_lora.down.weight"), format!("{base}_lora.up.weight"), None);
        }
        let base = format!("unet.{module}");
        return (format!("{base}{down}"), format!("{base}{up}"), None);
    }
    let flat = module.replace('.', "_");
    let base = match flat.strip_prefix("TE") {
        Some(rest) => format!("lora_te{rest}"),
        None => format!("lora_unet_{flat}"),
    };
    (format!("{base}.lora_down.weight"), format!("{base}.lora_up.weight"), Some(format!("{base}.alpha")))
}

/// Writes a LoRA.
pub fn lora(kind: LoraKind, out: &mut impl Write) -> io::Result<()> {
    let arch = if kind == LoraKind::SdxlKohya { Arch::Sdxl } else { Arch::Sd15 };
    let order = arch.keys();
    let keys: BTreeMap<String, Vec<usize>> = order.iter().cloned().collect();
    let (rank, alpha) = if kind == LoraKind::Sd15KohyaB { (4, 8.0) } else { (8, 4.0) };
    let salt = match kind {
        LoraKind::Sd15KohyaB => "lora_b:",
        LoraKind::Sd15Diffusers | LoraKind::Sd15Peft => "lora_d:",
        _ => "lora_a:",
    };
    let modules = if arch == Arch::Sdxl { sdxl_modules(&order, &keys) } else { sd15_modules(kind, &keys) };
    let mut items = Vec::new();
    for (base, shape, module) in modules {
        let inputs: usize = shape[1..].iter().product();
        let (down, up, scale) = names(kind, &module);
        let mut down_shape = vec![rank];
        down_shape.extend(&shape[1..]);
        let up_shape = if shape.len() == 4 { vec![shape[0], rank, 1, 1] } else { vec![shape[0], rank] };
        if let Some(name) = scale {
            items.push(Item {
                name,
                store: Store::F16,
                shape: Vec::new(),
                make: Box::new(move || vec![alpha]),
            });
        }
        let deviations = (1.0 / (inputs as f64).sqrt(), 0.2 * gain(&base, arch));
        let (of_down, of_up) = (format!("{salt}{module}.down"), format!("{salt}{module}.up"));
        let (down_len, up_len) = (rank * inputs, shape[0] * rank);
        items.push(Item {
            name: down,
            store: Store::F16,
            shape: down_shape,
            make: Box::new(move || normal(&of_down, down_len, deviations.0, 0.0)),
        });
        items.push(Item {
            name: up,
            store: Store::F16,
            shape: up_shape,
            make: Box::new(move || normal(&of_up, up_len, deviations.1, 0.0)),
        });
    }
    let (dim, alpha) = (rank.to_string(), format!("{alpha:.1}"));
    let kohya = [
        ("ss_network_dim", dim.as_str()),
        ("ss_network_alpha", alpha.as_str()),
        ("ss_network_module", "networks.lora"),
    ];
    let about: &[(&str, &str)] =
        if matches!(kind, LoraKind::Sd15Diffusers | LoraKind::Sd15Peft) { &[] } else { &kohya };
    write(out, items, about)
}
