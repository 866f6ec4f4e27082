//! Windows, groups, embeddings, limits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::sync::Arc;

use kiln_prompt::{
    END, Embedding, Embeddings, Encoding, MOST_WINDOWS, NoEmbeddings, PromptError, START, Token, Tokenizer,
    UnfitEmbedding,
};

/// Embeddings named `NxD`: N vectors of width D.
struct Sized;

impl Embeddings for Sized {
    fn find(&self, name: &str) -> Option<Arc<Embedding>> {
        let (rows, dim) = name.split_once('x')?;
        let (rows, dim) = (rows.parse().ok()?, dim.parse().ok()?);
        let values = vec![0.5; rows * dim];
        Some(Arc::new(Embedding { name: name.to_owned(), rows, dim, values }))
    }
}

/// Ids as they are, vectors as 1000000 plus their row.
fn ids(encoding: &Encoding) -> Vec<Vec<u32>> {
    let id = |token: &Token| match token {
        Token::Id(id) => *id,
        Token::Vector { row, .. } => 1_000_000 + u32::try_from(*row).unwrap(),
    };
    encoding.windows.iter().map(|window| window.tokens.iter().map(|(token, _)| id(token)).collect()).collect()
}

fn clip_l(prompt: &str) -> Encoding {
    Tokenizer::clip_l().tokenize(prompt, &Sized).unwrap()
}

const CAT: u32 = 2368;
const A: u32 = 320;

#[test]
fn padding_is_the_encoder_s() {
    for (tokenizer, pad) in [(Tokenizer::clip_l(), END), (Tokenizer::clip_g(), 0), (Tokenizer::clip_h(), 0)] {
        let encoding = tokenizer.tokenize("cat", &NoEmbeddings).unwrap();
        let mut wanted = vec![pad; 77];
        wanted[..3].copy_from_slice(&[START, CAT, END]);
        assert_eq!(ids(&encoding), [wanted]);
        assert_eq!(encoding.windows[0].end, 2);
        assert!(!encoding.is_weighted());
        assert_eq!(tokenizer.tokenize("", &NoEmbeddings).unwrap().windows, [tokenizer.empty()]);
        assert_eq!(tokenizer.tokenize(" \n ()", &NoEmbeddings).unwrap().windows, [tokenizer.empty()]);
    }
}

#[test]
fn seventy_five_tokens_fill_one_window() {
    let full = clip_l(&"cat ".repeat(75));
    assert_eq!(full.windows.len(), 1);
    assert_eq!(full.windows[0].end, 76);
    let more = clip_l(&"cat ".repeat(76));
    assert_eq!(more.windows.len(), 2);
    assert_eq!(ids(&more)[1][..3], [START, CAT, END]);
}

#[test]
fn a_short_segment_moves_whole_and_a_long_one_is_cut() {
    let seven = format!("{}({}:1.2)", "cat ".repeat(70), "a ".repeat(7));
    let moved = ids(&Tokenizer::clip_g().tokenize(&seven, &NoEmbeddings).unwrap());
    assert_eq!(moved[0][70..], [CAT, END, 0, 0, 0, 0, 0]);
    assert_eq!(moved[1][..9], [START, A, A, A, A, A, A, A, END]);
    let eight = clip_l(&format!("{}({}:1.2)", "cat ".repeat(70), "a ".repeat(8)));
    assert_eq!(ids(&eight)[0][70..], [CAT, A, A, A, A, A, END]);
    assert_eq!(ids(&eight)[1][..5], [START, A, A, A, END]);
    assert!(eight.is_weighted());
    assert_eq!(eight.windows[1].tokens[4].1.to_bits(), 1.0_f32.to_bits());
    assert_eq!(eight.windows[1].tokens[3].1.to_bits(), 1.2_f32.to_bits());
}

#[test]
fn words_of_one_segment_are_cut_anywhere_in_a_long_segment() {
    // "puddles" is two tokens: in a segment of many tokens they may stand in two windows.
    let cut = ids(&clip_l(&format!("{}puddles", "cat ".repeat(74))));
    assert_eq!(cut[0][74..], [CAT, 755, END]);
    assert_eq!(cut[1][..3], [START, 33901, END]);
}

#[test]
fn vectors_stand_like_tokens_and_count_like_them() {
    let encoding = clip_l("a (embedding:3x768:1.5) embedding:1x768, cat");
    let window = &encoding.windows[0];
    assert_eq!(ids(&encoding)[0][..9], [START, A, 1_000_000, 1_000_001, 1_000_002, 1_000_000, 267, CAT, END]);
    let weights: Vec<f32> = window.tokens[..6].iter().map(|(_, weight)| *weight).collect();
    assert_eq!(weights, [1.0, 1.0, 1.5, 1.5, 1.5, 1.0]);
    assert_eq!((window.end, encoding.missing_embeddings.len()), (8, 0));
    let Token::Vector { embedding, row } = &window.tokens[4].0 else { panic!("a vector") };
    assert_eq!(embedding.row(*row).unwrap().len(), 768);
}

#[test]
fn a_missing_embedding_is_listed_and_left_out() {
    let encoding = clip_l("a embedding:none, cat embedding:none embedding:other");
    assert_eq!(encoding.missing_embeddings, ["none", "other"]);
    assert_eq!(ids(&encoding)[0][..5], [START, A, 267, CAT, END]);
    // A comma may be part of the name: the name as written is asked for first.
    assert_eq!(clip_l("embedding:,,").missing_embeddings, [""]);
}

#[test]
fn an_embedding_for_another_encoder_is_named_and_left_out() {
    let encoding = clip_l("a embedding:2x1280 cat");
    let unfit = UnfitEmbedding { name: "2x1280".into(), found: 1280, wanted: 768 };
    assert_eq!(encoding.unfit_embeddings, [unfit]);
    assert_eq!(ids(&encoding)[0][..4], [START, A, CAT, END]);
}

#[test]
fn embeddings_that_do_not_fit_or_are_damaged_are_refused() {
    assert_eq!(ids(&clip_l("embedding:75x768"))[0][76], END);
    let long = Tokenizer::clip_l().tokenize("embedding:76x768", &Sized).unwrap_err();
    assert_eq!(long, PromptError::EmbeddingTooLong { name: "76x768".into(), rows: 76, most: 75 });
    struct Damaged;
    impl Embeddings for Damaged {
        fn find(&self, name: &str) -> Option<Arc<Embedding>> {
            Some(Arc::new(Embedding { name: name.into(), rows: usize::MAX, dim: 768, values: Vec::new() }))
        }
    }
    let damaged = Tokenizer::clip_l().tokenize("embedding:x", &Damaged).unwrap_err();
    assert!(matches!(damaged, PromptError::EmbeddingDamaged { .. }), "{damaged}");
    assert!(!damaged.to_string().is_empty());
}

#[test]
fn a_short_embedding_moves_whole_and_a_long_one_is_cut() {
    let moved = clip_l(&format!("{} embedding:7x768", "cat ".repeat(70).trim_end()));
    assert_eq!(ids(&moved)[1][..3], [START, 1_000_000, 1_000_001]);
    let cut = clip_l(&format!("{} embedding:8x768", "cat ".repeat(70).trim_end()));
    assert_eq!(ids(&cut)[1][..3], [START, 1_000_005, 1_000_006]);
}

#[test]
fn windows_are_added_for_the_longer_encoder() {
    let mut encoding = clip_l("cat");
    Tokenizer::clip_l().pad_windows(&mut encoding, 3);
    assert_eq!(encoding.windows.len(), 3);
    assert_eq!(encoding.windows[2], Tokenizer::clip_l().empty());
}

#[test]
fn too_long_a_prompt_says_how_many_windows_it_needs() {
    let fits = "cat ".repeat(75 * MOST_WINDOWS);
    assert_eq!(clip_l(&fits).windows.len(), MOST_WINDOWS);
    let error = Tokenizer::clip_l().tokenize(&"cat ".repeat(75 * 300 + 1), &NoEmbeddings).unwrap_err();
    assert_eq!(error, PromptError::TooManyWindows { windows: 301, slots: 75, most: MOST_WINDOWS });
    assert!(error.to_string().contains("301 windows"));
}

#[test]
fn odd_windows_do_not_stop_the_program() {
    for length in 0..3 {
        let tokenizer = Tokenizer { length, ..Tokenizer::clip_l() };
        assert_eq!(tokenizer.tokenize("a", &NoEmbeddings), Err(PromptError::WindowTooShort { length }));
        assert!(tokenizer.empty().tokens.len() >= 2);
    }
    let tokenizer = Tokenizer { length: 4, ..Tokenizer::clip_l() };
    assert_eq!(tokenizer.tokenize("(a a a a a)", &NoEmbeddings).unwrap().windows.len(), 3);
    let none = Tokenizer { most_windows: 0, ..Tokenizer::clip_l() };
    assert!(none.tokenize("", &NoEmbeddings).is_err());
}

#[test]
fn weights_are_numbers_that_can_be_computed_with() {
    for prompt in ["(((a)):1e300)", "((((a)):3.4e38))", "(a:-1e300)", "(a:nan)", "(a:1e999)"] {
        let encoding = clip_l(prompt);
        assert!(encoding.windows[0].tokens.iter().all(|(_, weight)| weight.is_finite()), "{prompt}");
    }
}

#[test]
fn a_megabyte_of_anything_ends() {
    // An unoptimised build gets less to do.
    let megabyte = if cfg!(debug_assertions) { 1 << 16 } else { 1 << 20 };
    for part in [
        "(",
        ")",
        "()",
        "(a",
        "a)",
        "((a)",
        "(a:2)",
        "\\(",
        "\\",
        ":",
        "x",
        "ab",
        "q",
        "!",
        "é",
        "猫",
        "🔥",
        "\u{301}",
        "a\u{301}",
        "\u{0}",
        "\u{7f} ",
        "<|",
        "<|endoftext|>",
        "embedding:",
        "embedding:x ",
        "embedding:x, ",
        " embedding:1x768",
        "embedding:,",
        "cat ",
        " ",
        "\n",
        "'s",
        "1",
        "\u{fdfa}",
        "İ",
    ] {
        let text = part.repeat(megabyte / part.len());
        let _ = Tokenizer::clip_l().tokenize(&text, &Sized);
    }
    let half = megabyte / 2;
    let nested = format!("{}a{}", "(".repeat(half), ")".repeat(half));
    let _ = Tokenizer::clip_l().tokenize(&nested, &NoEmbeddings);
    let open = format!("{}a{}", "(".repeat(half + 1), ")".repeat(half));
    let _ = Tokenizer::clip_l().tokenize(&open, &NoEmbeddings);
}
