//! Words for people: "did you mean", lists, numbers that read well.

/// The name most like `wanted`, if one is near enough to be a slip of the finger.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    let lower = wanted.to_lowercase();
    names
        .into_iter()
        // Enough for every plan a person writes; a hostile one with a million names is not searched whole.
        .take(20_000)
        .filter_map(|name| {
            let far = distance(&lower, &name.to_lowercase(), limit)?;
            (far < lower.chars().count()).then_some((far, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// `did you mean …?` as the end of a sentence, or nothing.
pub(crate) fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Edits (insert, delete, replace, swap of neighbours) between two words, if at most `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row[j] = best;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|far| *far <= limit)
}

/// Words joined for a sentence: `a, b and c`. A long list is cut short.
pub(crate) fn list<S: AsRef<str>>(words: &[S]) -> String {
    const MOST: usize = 12;
    let head: Vec<&str> = words.iter().take(MOST).map(AsRef::as_ref).collect();
    if words.len() > MOST {
        return format!("{} and {} more", head.join(", "), words.len() - MOST);
    }
    match head.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// A whole number with thin groups of three: `1 000 000`.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest("Crwon", ["Cap", "Crown"]), Some("Crown"));
        assert_eq!(nearest("Latent", ["Cap", "Crown"]), None);
        assert_eq!(did_you_mean("exacty", ["exactly", "weight"]), "; did you mean `exactly`?");
        assert_eq!(did_you_mean("zzz", ["exactly", "weight"]), "");
    }

    #[test]
    fn lists_and_numbers_read_well() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(number(1_234_567), "1 234 567");
        assert_eq!(number(12), "12");
    }
}
