//! The same ids as ComfyUI and as two other tokenizers; see `fixtures/README.md`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_prompt::{Encoding, NoEmbeddings, Token, Tokenizer, Vocabulary, Window, parse_weights};
use serde_json::Value;

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn tokenize(prompt: &str) -> Encoding {
    Tokenizer::clip_l().tokenize(prompt, &NoEmbeddings).unwrap()
}

fn slots(window: &Window) -> Vec<(u64, f32)> {
    let slot = |(token, weight): &(Token, f32)| match token {
        Token::Id(id) => (u64::from(*id), *weight),
        Token::Vector { .. } => panic!("no embedding was asked for"),
    };
    window.tokens.iter().map(slot).collect()
}

#[allow(clippy::cast_possible_truncation, reason = "the fixture's weights are in double precision")]
fn recorded(window: &Value) -> Vec<(u64, f32)> {
    let slots = window.as_array().unwrap().iter();
    slots.map(|slot| (slot[0].as_u64().unwrap(), slot[1].as_f64().unwrap() as f32)).collect()
}

#[test]
fn weights_as_recorded() {
    let parity = fixture(include_str!("fixtures/parity.json"));
    let weights = parity["weights"].as_object().unwrap();
    assert_eq!(weights.len(), 10);
    for (prompt, pieces) in weights {
        let ours: Vec<_> =
            parse_weights(prompt).into_iter().map(|piece| (piece.text, piece.weight)).collect();
        let pieces = pieces.as_array().unwrap().iter();
        let theirs: Vec<_> =
            pieces.map(|piece| (piece[0].as_str().unwrap().to_owned(), piece[1].as_f64().unwrap())).collect();
        assert_eq!(ours, theirs, "{prompt}");
    }
}

#[test]
fn tokens_as_recorded() {
    let parity = fixture(include_str!("fixtures/parity.json"));
    let tokens = parity["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 4);
    for (prompt, first) in tokens {
        let first = recorded(first);
        assert_eq!(slots(&tokenize(prompt).windows[0])[..first.len()], first[..], "{prompt}");
    }
    let long = tokenize(&"cat ".repeat(80));
    let lengths: Vec<_> = long.windows.iter().map(|window| window.tokens.len()).collect();
    assert_eq!(serde_json::json!(lengths), parity["tokens_batches"]["long80"]);
}

#[test]
fn whole_windows_as_recorded() {
    let rows = fixture(include_str!("fixtures/windows.json"));
    let rows = rows.as_object().unwrap();
    assert_eq!(rows.len(), 6);
    for (name, row) in rows {
        let ours: Vec<_> = tokenize(row["prompt"].as_str().unwrap()).windows.iter().map(slots).collect();
        let theirs: Vec<_> = row["windows"].as_array().unwrap().iter().map(recorded).collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn ids_as_other_tokenizers_give_them() {
    let rows = fixture(include_str!("fixtures/clip_ids.json"));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 300);
    let mut wrong = Vec::new();
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let theirs: Vec<u64> = row["hf"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        let ours: Vec<u64> = Vocabulary::get().encode(text).into_iter().map(u64::from).collect();
        if ours != theirs {
            wrong.push(format!("{text:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} texts differ:\n{}", wrong.len(), wrong.join("\n"));
}
