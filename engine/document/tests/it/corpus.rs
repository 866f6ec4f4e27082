//! The files of the corpus, as they are, cut short, and damaged in every way that a short program can think of.

use kiln_document::Graph;

use crate::fixtures::{files, turns};

#[test]
fn as_they_are() {
    for (name, text) in files("corpus") {
        let read = Graph::parse_bytes(text.as_bytes());
        if name.starts_with("bad_") {
            assert!(read.is_err(), "{name} should be refused");
            continue;
        }
        let graph = read.unwrap_or_else(|e| panic!("{name}: {e}"));
        if name.starts_with("canonical_") {
            assert_eq!(graph.to_text(), text, "{name}");
        }
        holds(&name, &graph);
        let plain = text.trim_start_matches('\u{FEFF}');
        assert!(ron::from_str::<ron::Value>(plain).is_ok(), "the referee refuses {name}");
    }
}

#[test]
fn cut_short_at_every_byte() {
    for (name, text) in files("corpus") {
        for end in 0..text.len() {
            if let Ok(graph) = Graph::parse_bytes(&text.as_bytes()[..end]) {
                holds(&format!("{name} cut at {end}"), &graph);
            }
        }
    }
}

#[test]
fn damaged() {
    let files = files("corpus");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let turns = turns(2_000, 100_000);
    let mut read = 0;
    for turn in 0..turns {
        let (name, text) = &files[dice.below(files.len())];
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=dice.below(4) / 3 {
            let other = &files[dice.below(files.len())].1;
            damage(&mut bytes, other, &mut dice);
        }
        let Ok(graph) = Graph::parse_bytes(&bytes) else { continue };
        holds(&format!("{name}, turn {turn}"), &graph);
        read += 1;
        let text = graph.to_text();
        assert!(
            ron::from_str::<ron::Value>(&text).is_ok(),
            "the referee refuses {name}, turn {turn}\n{text}"
        );
    }
    // Else the damage is too great to find anything.
    println!("{read} of {turns} were read");
    assert!(read > turns / 10, "only {read} of {turns} were read");
}

/// What holds for every graph that was read.
fn holds(name: &str, graph: &Graph) {
    let text = graph.to_text();
    let again =
        Graph::parse(&text).unwrap_or_else(|e| panic!("{name}: what was written is refused: {e}\n{text}"));
    assert_eq!(&again, graph, "{name}\n{text}");
    assert_eq!(again.to_text(), text, "{name}");
}

fn damage(bytes: &mut Vec<u8>, other: &str, dice: &mut Dice) {
    const SPICE: [&str; 24] = [
        "(", ")", "[", "]", "{", "}", ",", ":", "\"", "'", "\\", "//", "/*", "*/", "\n", "#", "r#\"", "$",
        ".", "-", "NaN", "Some(", "\u{2028}", "\0",
    ];
    if bytes.is_empty() {
        bytes.push(b'(');
    }
    let at = dice.below(bytes.len());
    let len = 1 + dice.below(12.min(bytes.len() - at));
    match dice.below(8) {
        0 => bytes[at] = dice.below(256) as u8,
        1 => bytes[at] ^= 1 << dice.below(8),
        2 => drop(bytes.drain(at..at + len)),
        3 => {
            let copy = bytes[at..at + len].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, copy);
        }
        4 => {
            let spice = SPICE[dice.below(SPICE.len())];
            bytes.splice(at..at, spice.bytes());
        }
        5 => {
            let spice = SPICE[dice.below(SPICE.len())];
            bytes.splice(at..at + len, spice.bytes());
        }
        // Token by token: a word or a mark goes, or makes way for one from elsewhere.
        6 => {
            let (start, end) = token(bytes, at);
            drop(bytes.drain(start..end));
        }
        _ => {
            let (start, end) = token(bytes, at);
            let other = other.as_bytes();
            let (from, to) = token(other, dice.below(other.len()));
            bytes.splice(start..end, other[from..to].iter().copied());
        }
    }
}

/// The word around a byte, or the byte itself if it is a mark.
fn token(bytes: &[u8], at: usize) -> (usize, usize) {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"' | 0x80..);
    if !word(&bytes[at]) {
        return (at, at + 1);
    }
    let start = bytes[..at].iter().rposition(|byte| !word(byte)).map_or(0, |before| before + 1);
    let end = bytes[at..].iter().position(|byte| !word(byte)).map_or(bytes.len(), |len| at + len);
    (start, end)
}

/// The same damage every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit as u64) as usize
    }
}
