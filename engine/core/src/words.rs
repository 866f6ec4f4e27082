//! Words for people: "did you mean", sizes, durations.

/// The name most like `wanted`, if any is near enough to be a slip of the finger.
pub fn nearest<S: AsRef<str>>(wanted: &str, names: impl IntoIterator<Item = S>) -> Option<String> {
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    let lower = wanted.to_lowercase();
    names
        .into_iter()
        .filter_map(|n| {
            let d = distance(&lower, &n.as_ref().to_lowercase(), limit)?;
            // A name of one letter is like every other one.
            (d < lower.chars().count()).then(|| (d, n.as_ref().to_owned()))
        })
        .min()
        .map(|(_, n)| n)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words, if at most `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    Some(rows[a.len()][b.len()]).filter(|d| *d <= limit)
}

/// A size in bytes as a person writes it.
#[must_use]
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", units[unit]) }
}

/// A duration as a person writes it.
#[must_use]
pub fn duration(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms < 60_000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let s = (ms / 1000.0) as u64;
        if s < 3600 {
            format!("{}:{:02} min", s / 60, s % 60)
        } else {
            format!("{}:{:02} h", s / 3600, s / 60 % 60)
        }
    }
}

/// Names joined for a sentence: `a, b and c`.
#[must_use]
pub fn list<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest("imgae", ["image", "mask"]).as_deref(), Some("image"));
        assert_eq!(nearest("latent", ["image", "mask"]), None);
        assert_eq!(nearest("ImageBlru", ["ImageBlur", "ImageFlip"]).as_deref(), Some("ImageBlur"));
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(duration(61_000.0), "1:01 min");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
