//! RON as the `ron` crate reads it, held against RON as this crate reads it.

use kiln_document::Lit;
use proptest::{collection::vec, prelude::*};

use crate::fixtures::turns;

/// RON that both must read, with what it is here.
#[test]
fn spellings() {
    let text = |t: &str| Lit::Text(t.into());
    let cases = [
        ("0xFF", Lit::Int(255)),
        ("0o17", Lit::Int(15)),
        ("-0b1010_1010", Lit::Int(-170)),
        ("1_000_000", Lit::Int(1_000_000)),
        ("18446744073709551615", Lit::Int(u64::MAX.into())),
        ("-170141183460469231731687303715884105728", Lit::Int(i128::MIN)),
        ("7u8", Lit::Int(7)),
        ("b'a'", Lit::Int(97)),
        ("1.", Lit::Float(1.0)),
        (".5", Lit::Float(0.5)),
        ("-1e-3", Lit::Float(-0.001)),
        ("1_0.2_5e1_0", Lit::Float(10.25e10)),
        ("2f32", Lit::Float(2.0)),
        ("inf", Lit::Float(f64::INFINITY)),
        ("-inf", Lit::Float(f64::NEG_INFINITY)),
        (r#""a\n\t\"\\\x41\u{e9}\'\0""#, text("a\n\t\"\\Aé'\0")),
        (r#""\xF0\x9F\x98\x80""#, text("😀")),
        ("\"a\\\n     b\"", text("ab")),
        ("\"a\nb\"", text("a\nb")),
        (r###"r##"a"#b"##"###, text("a\"#b")),
        (r"'\''", Lit::Char('\'')),
        (r"'\u{1F600}'", Lit::Char('😀')),
        ("()", Lit::Unit(None)),
        ("Muted", Lit::Unit(Some("Muted".into()))),
        ("r#a-b", Lit::Unit(Some("a-b".into()))),
        ("r#true", Lit::Unit(Some("true".into()))),
        ("None", Lit::Unit(Some("None".into()))),
        ("Some ( 1 , )", Lit::Tuple(Some("Some".into()), vec![Lit::Int(1)])),
        ("(1,)", Lit::Tuple(None, vec![Lit::Int(1)])),
        ("P()", Lit::Tuple(Some("P".into()), vec![])),
        ("P(x:1,)", Lit::Struct(Some("P".into()), vec![("x".into(), Lit::Int(1))])),
        ("[[],{},()]", Lit::List(vec![Lit::List(vec![]), Lit::Map(vec![]), Lit::Unit(None)])),
        (
            "{(1,2):A, 'c':B}",
            Lit::Map(vec![
                (Lit::Tuple(None, vec![Lit::Int(1), Lit::Int(2)]), Lit::Unit(Some("A".into()))),
                (Lit::Char('c'), Lit::Unit(Some("B".into()))),
            ]),
        ),
        ("/* a /* b */ */ [1, // c\n 2]", Lit::List(vec![Lit::Int(1), Lit::Int(2)])),
        ("#![enable(implicit_some, unwrap_newtypes,)] 5", Lit::Int(5)),
        ("\u{2028}\u{85}\x0B5 ", Lit::Int(5)),
    ];
    for (given, expected) in cases {
        assert_eq!(Lit::parse(given).unwrap_or_else(|e| panic!("{given}: {e}")), expected, "{given}");
        assert!(ron::from_str::<ron::Value>(given).is_ok(), "the referee refuses {given}");
    }
}

/// What RON has and a document does not: refused with a reason, never misread.
#[test]
fn refused_on_purpose() {
    for (given, reason) in [
        ("NaN", "`NaN` is not a number a document can hold"),
        ("-NaN", "`-NaN` is not"),
        ("1e999", "too large"),
        ("340282366920938463463374607431768211455", "too large"),
        ("300u8", "does not fit its type, `u8`"),
        (r#"b"bytes""#, "a byte string cannot stand in a document"),
        (r##"br#"bytes"#"##, "a byte string cannot stand in a document"),
        ("0..10", "a range cannot stand in a document"),
        ("..=10", "a range"),
        ("#![enable(wonders)] 5", "`wonders` is not a RON extension"),
    ] {
        let error = Lit::parse(given).expect_err(given).to_string();
        assert!(error.contains(reason), "{given}: {error}");
    }
}

pub(crate) fn soup() -> impl Strategy<Value = String> {
    let tokens = vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "a",
        "B",
        "Some",
        "None",
        "true",
        "inf",
        "r#x-y",
        "1",
        "-2",
        "0x1F",
        "1_0",
        "1.5",
        ".5",
        "1e3",
        "7i8",
        "\"s\"",
        "r\"w\"",
        "r#\"v\"#",
        "'c'",
        "'\\n'",
        "\"\\u{41}\"",
        "b'z'",
        "/* c */",
        "// l\n",
        " ",
        "\n",
        "(1, 2)",
        "(a: 1)",
        "P(a: 1)",
        "P(1)",
        "{1: 2}",
        "[3]",
        "()",
        ",",
        ":",
        "{}",
        "_",
        "+1",
        "e1",
        "é",
        "\u{2029}",
    ];
    vec(prop::sample::select(tokens), 1..9).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: turns(20_000, 1_000_000), failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    /// Token by token at random: what the one reads, the other reads.
    #[test]
    fn token_soup(text in soup()) {
        let ours = Lit::parse(&text);
        let theirs = ron::from_str::<ron::Value>(&text);
        // What is refused on purpose: the referee makes the one infinite, and drops one of the others.
        let on_purpose = ["too large for a number with a fraction", "is there twice"];
        prop_assume!(!ours.as_ref().is_err_and(|e| on_purpose.iter().any(|what| e.what.contains(what))));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?} / {:?}", text, ours, theirs);
    }
}
