//! CLIP's vocabulary: text to ids.
//!
//! Before the byte pairs are merged, a text is composed (Unicode NFC: `e` and an accent become
//! `é`), whitespace of any kind and length becomes one space, and letters become small, each for
//! itself. Nothing else is mended: accents, quotes and HTML entities stay as they are written.

use std::sync::OnceLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

use crate::bpe::Merges;

/// The id that begins every window.
pub const START: u32 = 49406;
/// The id that ends the text of every window.
pub const END: u32 = 49407;

/// CLIP's vocabulary of 49408 ids, the same for `clip_l`, `clip_g` and `clip_h`.
pub struct Vocabulary {
    merges: Merges,
    words: Option<Regex>,
}

/// The marks, which count as such only when they are written exactly like this.
const MARKS: [(&str, u32); 2] = [("<|startoftext|>", START), ("<|endoftext|>", END)];

/// English endings, letters, one digit, or a run of anything else that is not blank.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+";

impl Vocabulary {
    /// The vocabulary, made at the first call.
    #[must_use]
    pub fn get() -> &'static Self {
        static MADE: OnceLock<Vocabulary> = OnceLock::new();
        MADE.get_or_init(|| Self { merges: Merges::new(), words: Regex::new(WORDS).ok() })
    }

    /// The ids of a text, without start and end.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        // Every mark starts with these two, so a text without them is looked through once.
        let mut searched = 0;
        while let Some(found) = rest.get(searched..).and_then(|text| text.find("<|")) {
            let at = searched + found;
            let (before, from) = rest.split_at(at);
            match MARKS.iter().find_map(|&(mark, id)| Some((from.strip_prefix(mark)?, id))) {
                Some((after, id)) => {
                    self.words(before, &mut ids);
                    ids.push(id);
                    rest = after;
                    searched = 0;
                }
                None => searched = at + 2,
            }
        }
        self.words(rest, &mut ids);
        ids
    }

    fn words(&self, text: &str, ids: &mut Vec<u32>) {
        let text = clean(text);
        let mut word_ids = Vec::new();
        for word in self.words.iter().flat_map(|words| words.find_iter(&text)) {
            word_ids.clear();
            self.merges.encode(word.as_str(), &mut word_ids);
            ids.extend(word_ids.iter().copied().map(u32::from));
        }
    }

    /// How many merge rules the vocabulary has: 48894.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.merges.rules()
    }
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vocabulary").field("rules", &self.rules()).finish_non_exhaustive()
    }
}

/// The text as the words are cut from it. Whitespace stays as it is: the cut skips it.
fn clean(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).collect()
}
