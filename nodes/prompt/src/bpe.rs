//! Byte pairs: how a word becomes ids of CLIP's vocabulary.
//!
//! The vocabulary comes with the crate `instant-clip-tokenizer`. Its own `encode` takes time that
//! grows with the square of a word's length, and reads `<start_of_text>` in a text as a mark that
//! ComfyUI does not know. So the merge rules are read out of it once, and words are merged here,
//! in time that grows with their length.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use instant_clip_tokenizer as carried;

/// Ids below this are single bytes: 256 inside a word, then 256 at a word's end.
const BYTES: u16 = 256;
/// The first id that is a merged pair.
const FIRST_PAIR: u16 = 512;
/// The first id that is no merged pair: the start mark, then the end mark.
const MARKS: u16 = 49406;

/// The merge rules: a pair of ids to the id they become. A smaller id is merged earlier.
pub(crate) struct Merges {
    pairs: HashMap<(u16, u16), u16>,
    of_byte: [u16; 256],
}

impl Merges {
    /// Reads the rules out of the carried vocabulary: an id's rule is the pair that its bytes have
    /// become when all rules before it are applied.
    pub(crate) fn new() -> Self {
        let carried = carried::Tokenizer::new();
        let mut merges = Self { pairs: HashMap::with_capacity(usize::from(MARKS)), of_byte: byte_ids() };
        let spelling = Spelling::new(&carried, &merges.of_byte);
        let mut ids = Vec::new();
        for id in FIRST_PAIR..MARKS {
            let (bytes, ends_word) = spelling.bytes_of(id);
            ids.clear();
            merges.encode_part(&bytes, ends_word, &mut ids);
            if let [first, second] = ids[..] {
                merges.pairs.insert((first, second), id);
            }
        }
        merges
    }

    /// How many rules there are.
    pub(crate) fn rules(&self) -> usize {
        self.pairs.len()
    }

    /// Appends the ids of one word.
    pub(crate) fn encode(&self, word: &str, out: &mut Vec<u16>) {
        self.encode_part(word.as_bytes(), true, out);
    }

    fn encode_part(&self, bytes: &[u8], ends_word: bool, out: &mut Vec<u16>) {
        let mut chain = Chain::new(bytes.iter().map(|&byte| self.of_byte[usize::from(byte)]));
        if ends_word && let Some(last) = chain.ids.last_mut() {
            *last += BYTES;
        }
        let mut waiting = BinaryHeap::new();
        for at in 0..bytes.len() {
            self.offer(&chain, at, &mut waiting);
        }
        // The smallest rule first, and of equal ones the leftmost.
        while let Some(Reverse((rule, at, first, second))) = waiting.pop() {
            if chain.pair(at) != Some((first, second)) {
                continue;
            }
            chain.merge(at, rule);
            self.offer(&chain, at, &mut waiting);
            if let Some(before) = chain.before(at) {
                self.offer(&chain, before, &mut waiting);
            }
        }
        out.extend(chain.left());
    }

    fn offer(&self, chain: &Chain, at: usize, waiting: &mut BinaryHeap<Reverse<(u16, usize, u16, u16)>>) {
        if let Some((first, second)) = chain.pair(at)
            && let Some(&rule) = self.pairs.get(&(first, second))
        {
            waiting.push(Reverse((rule, at, first, second)));
        }
    }
}

/// A word's ids as a linked list, so that merging two of them moves nothing.
struct Chain {
    ids: Vec<u16>,
    next: Vec<usize>,
    previous: Vec<usize>,
}

/// No neighbour there.
const NONE: usize = usize::MAX;
/// The id of a place that has been merged into its left neighbour.
const GONE: u16 = u16::MAX;

impl Chain {
    fn new(ids: impl Iterator<Item = u16>) -> Self {
        let ids: Vec<u16> = ids.collect();
        let count = ids.len();
        Self {
            ids,
            next: (1..=count).map(|at| if at == count { NONE } else { at }).collect(),
            previous: (0..count).map(|at| at.checked_sub(1).unwrap_or(NONE)).collect(),
        }
    }

    fn pair(&self, at: usize) -> Option<(u16, u16)> {
        let first = *self.ids.get(at)?;
        let second = *self.ids.get(*self.next.get(at)?)?;
        (first != GONE).then_some((first, second))
    }

    fn before(&self, at: usize) -> Option<usize> {
        self.previous.get(at).copied().filter(|&before| before != NONE)
    }

    fn merge(&mut self, at: usize, id: u16) {
        let Some(&gone) = self.next.get(at) else { return };
        let after = self.next.get(gone).copied().unwrap_or(NONE);
        self.ids[at] = id;
        self.ids[gone] = GONE;
        self.next[at] = after;
        if let Some(previous) = self.previous.get_mut(after) {
            *previous = at;
        }
    }

    fn left(&self) -> impl Iterator<Item = u16> + '_ {
        self.ids.iter().copied().filter(|&id| id != GONE)
    }
}

/// The id of each byte: the printable ones of Latin-1 first, then the rest in their order.
fn byte_ids() -> [u16; 256] {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut ids = [0; 256];
    let mut next = 0;
    for wanted in [true, false] {
        for byte in 0..=u8::MAX {
            if printable(byte) == wanted {
                ids[usize::from(byte)] = next;
                next += 1;
            }
        }
    }
    ids
}

/// Finds out the bytes of an id. The carried crate only decodes to text, so a part of a character
/// is completed on both sides until the text is whole; what was added is then taken off again.
struct Spelling<'a> {
    carried: &'a carried::Tokenizer,
    of_byte: &'a [u16; 256],
}

/// What may stand before an id that begins inside a character.
const BEFORE: [&[u8]; 7] =
    [&[], &[0xC3], &[0xE1], &[0xE1, 0x80], &[0xF1], &[0xF1, 0x80], &[0xF1, 0x80, 0x80]];
/// What may stand after an id that ends inside a character.
const AFTER: [&[u8]; 7] =
    [&[], &[0x80], &[0x80, 0x80], &[0x80, 0x80, 0x80], &[0xA0], &[0xA0, 0x80], &[0x90, 0x80, 0x80]];

impl<'a> Spelling<'a> {
    fn new(carried: &'a carried::Tokenizer, of_byte: &'a [u16; 256]) -> Self {
        Self { carried, of_byte }
    }

    /// The bytes, and whether the id stands at a word's end.
    fn bytes_of(&self, id: u16) -> (Vec<u8>, bool) {
        let whole = BEFORE.iter().find_map(|before| {
            AFTER.iter().find_map(|after| {
                let text = self.decode(before, id, after);
                if text.contains(char::REPLACEMENT_CHARACTER) {
                    return None;
                }
                let end = text.len().checked_sub(after.len())?;
                text.as_bytes().get(before.len()..end).map(<[u8]>::to_vec)
            })
        });
        // What cannot be completed is the replacement character itself: it is in the vocabulary.
        let mut bytes = whole.unwrap_or_else(|| self.decode(&[], id, &[]).into_bytes());
        // No id holds a space; the mark of a word's end is decoded as one.
        let ends_word = bytes.last() == Some(&b' ');
        if ends_word {
            bytes.pop();
        }
        (bytes, ends_word)
    }

    fn decode(&self, before: &[u8], id: u16, after: &[u8]) -> String {
        let single = |byte: &u8| self.of_byte[usize::from(*byte)];
        let ids = before.iter().map(single).chain([id]).chain(after.iter().map(single));
        self.carried.decode(ids.filter_map(|id| carried::Token::from_u16(id, self.carried)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found() {
        assert_eq!(Merges::new().rules(), usize::from(MARKS - FIRST_PAIR));
    }

    #[test]
    fn words_are_merged_as_the_carried_crate_does() {
        let merges = Merges::new();
        let carried = carried::Tokenizer::new();
        let mut state = 7_u64;
        for round in 0..3000 {
            let mut word = String::new();
            let letters: &[char] = match round % 4 {
                0 => &['a', 'b', 'c', 'e', 'h', 'i', 'n', 'o', 'r', 's', 't'],
                1 => &['é', 'ü', 'ß', 'ö', 'и', 'н', 'а', '한', 'の', '猫'],
                2 => &['!', '.', '?', '-', '…', '😀', '😂', '🔥', '❤', '\u{fe0f}'],
                _ => &['x', 'a'],
            };
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            for _ in 0..(state >> 33) % 40 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                word.push(letters[(state >> 33) as usize % letters.len()]);
            }
            let mut ours = Vec::new();
            merges.encode(&word, &mut ours);
            let mut theirs = Vec::new();
            carried.encode(&word, &mut theirs);
            let theirs: Vec<u16> = theirs.into_iter().map(carried::Token::to_u16).collect();
            assert_eq!(ours, theirs, "{word}");
        }
    }
}
