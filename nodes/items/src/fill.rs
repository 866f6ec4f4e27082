//! Templates of prompts: `{Hat}` and `{Hat|words for those without}`.

use kiln_core::NodeError;

/// Fills the places of a text. `value` gets the place's name and the words behind a `|`; `{{` and `}}` are braces.
///
/// # Errors
/// When braces do not match, or `value` says so.
pub fn fill(
    text: &str,
    mut value: impl FnMut(&str, Option<&str>) -> Result<String, NodeError>,
) -> Result<String, NodeError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            out.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let (inside, after) = tail.strip_prefix('{').and_then(|t| t.split_once('}')).ok_or_else(|| {
            let shown: String = text.chars().take(80).collect();
            NodeError::new(format!("the braces in {shown:?} do not match"))
                .hint("write {{ for a brace that is meant")
        })?;
        let (name, otherwise) = match inside.split_once('|') {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (inside, None),
        };
        out.push_str(&value(name.trim(), otherwise)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The names of a text's places; none when its braces do not match.
#[must_use]
pub fn places(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let all = fill(text, |name, _| {
        found.push(name.to_owned());
        Ok(String::new())
    });
    if all.is_ok() { found } else { Vec::new() }
}

/// A list of phrases without the gaps that empty places leave: `a,  , b,` is `a, b`.
#[must_use]
pub fn tidy(text: &str) -> String {
    let line = |line: &str| {
        let phrases: Vec<String> = line
            .split(',')
            .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|phrase| !phrase.is_empty())
            .collect();
        phrases.join(", ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_gaps_closed() {
        let value = |name: &str, otherwise: Option<&str>| {
            Ok(if name == "Hat" { "a crown".to_owned() } else { otherwise.unwrap_or_default().to_owned() })
        };
        assert_eq!(fill("{{{Hat}}}, {Coat|bare}", value).unwrap(), "{a crown}, bare");
        assert_eq!(tidy(&fill("fox, {Coat}, {Hat} ,{Eyes}", value).unwrap()), "fox, a crown");
        assert!(fill("{Hat", value).is_err() && fill("}", value).is_err());
        assert_eq!(places("{a}{b|c}"), ["a", "b"]);
        assert_eq!(tidy(" a ,,\n, b"), "a\nb");
    }
}
