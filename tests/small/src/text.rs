//! The weights of a text encoder. Its words are all of CLIP's, or prompts could not be read.

use crate::{Named, layer};

/// How wide a word is.
pub const WIDTH: usize = 64;
/// Layers.
pub const LAYERS: usize = 2;
const WORDS: usize = 49_408;
const INNER: usize = 2 * WIDTH;

/// Under transformers' names (CLIP-L), from `text_model.` on.
#[must_use]
pub fn clip() -> Vec<Named> {
    let mut all = vec![
        ("text_model.embeddings.token_embedding.weight".to_owned(), vec![WORDS, WIDTH]),
        ("text_model.embeddings.position_embedding.weight".to_owned(), vec![77, WIDTH]),
    ];
    for i in 0..LAYERS {
        let name = format!("text_model.encoder.layers.{i}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            layer(&mut all, &format!("{name}.self_attn.{part}"), &[WIDTH, WIDTH]);
        }
        layer(&mut all, &format!("{name}.mlp.fc1"), &[INNER, WIDTH]);
        layer(&mut all, &format!("{name}.mlp.fc2"), &[WIDTH, INNER]);
        layer(&mut all, &format!("{name}.layer_norm1"), &[WIDTH]);
        layer(&mut all, &format!("{name}.layer_norm2"), &[WIDTH]);
    }
    layer(&mut all, "text_model.final_layer_norm", &[WIDTH]);
    all
}

/// Under OpenCLIP's names.
#[must_use]
pub fn open_clip() -> Vec<Named> {
    let mut all = vec![
        ("token_embedding.weight".to_owned(), vec![WORDS, WIDTH]),
        ("positional_embedding".to_owned(), vec![77, WIDTH]),
        ("text_projection".to_owned(), vec![WIDTH, WIDTH]),
    ];
    for i in 0..LAYERS {
        let name = format!("transformer.resblocks.{i}");
        all.push((format!("{name}.attn.in_proj_weight"), vec![3 * WIDTH, WIDTH]));
        all.push((format!("{name}.attn.in_proj_bias"), vec![3 * WIDTH]));
        layer(&mut all, &format!("{name}.attn.out_proj"), &[WIDTH, WIDTH]);
        layer(&mut all, &format!("{name}.mlp.c_fc"), &[INNER, WIDTH]);
        layer(&mut all, &format!("{name}.mlp.c_proj"), &[WIDTH, INNER]);
        layer(&mut all, &format!("{name}.ln_1"), &[WIDTH]);
        layer(&mut all, &format!("{name}.ln_2"), &[WIDTH]);
    }
    layer(&mut all, "ln_final", &[WIDTH]);
    all
}
