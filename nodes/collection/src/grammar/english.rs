//! The little English that names need.

/// A text with "a" or "an" before it, by how its first word sounds, as far as spelling tells.
#[must_use]
pub fn with_article(text: &str) -> String {
    let word: String =
        text.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    // Letters that are not spoken as they are written: "an hour", "a unicorn", "a one-eyed fox".
    let an = if ["hour", "honest", "honor", "honour", "heir"].iter().any(|start| word.starts_with(start)) {
        true
    } else if ["uni", "use", "usu", "uti", "eu", "ewe", "one", "once", "ufo", "ubi", "ura", "ukulele"]
        .iter()
        .any(|start| word.starts_with(start))
    {
        // "an unimportant", "an unintended": un- before a word is spoken as written.
        ["unim", "unin", "unid"].iter().any(|start| word.starts_with(start))
    } else {
        word.starts_with(['a', 'e', 'i', 'o', 'u', 'á', 'é', 'ó', 'ö', 'ü', 'å', '8'])
            || word == "11"
            || word == "18"
    };
    format!("{} {text}", if an { "an" } else { "a" })
}

/// A text whose first letter is a capital.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A text in which every word begins with a capital, but for small words within it.
#[must_use]
pub fn title_cased(text: &str) -> String {
    const SMALL: [&str; 18] = [
        "a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "of", "on", "or", "the", "to",
        "with", "nor", "over",
    ];
    let words: Vec<&str> = text.split(' ').collect();
    let last = words.len().saturating_sub(1);
    let word = |(at, word): (usize, &&str)| {
        if at > 0 && at < last && SMALL.contains(&word.to_lowercase().as_str()) {
            return word.to_lowercase();
        }
        // Both halves of a compound: "One-Eyed".
        word.split('-').map(capitalised).collect::<Vec<_>>().join("-")
    };
    words.iter().enumerate().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_by_sound() {
        for (word, article) in [
            ("otter", "an"),
            ("fox", "a"),
            ("hour", "an"),
            ("house", "a"),
            ("unicorn", "a"),
            ("umbrella", "an"),
            ("unimportant fox", "an"),
            ("one-eyed fox", "a"),
            ("onion", "an"),
            ("European", "a"),
            ("Honest fox", "an"),
            ("Éclair", "an"),
            ("8th fox", "an"),
            ("", "a"),
            ("user", "a"),
            ("under", "an"),
        ] {
            assert_eq!(with_article(word), format!("{article} {word}"));
        }
    }

    #[test]
    fn capitals() {
        assert_eq!(capitalised("the fox"), "The fox");
        assert_eq!(capitalised("ß"), "SS");
        assert_eq!(capitalised(""), "");
        assert_eq!(title_cased("the one-eyed fox of the sea"), "The One-Eyed Fox of the Sea");
        assert_eq!(title_cased("over"), "Over");
    }
}
