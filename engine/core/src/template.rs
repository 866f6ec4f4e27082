//! Text with places to fill: `{item:05}_{name}`, `{Hat|bare-headed}`.

use crate::node::NodeError;

/// Fills the places of a text: `value` gets what stands between the braces. `{{` and `}}` are braces that are meant.
///
/// # Errors
/// When the braces do not match, or `value` says so.
pub fn fill_by(
    text: &str,
    value: &mut dyn FnMut(&str) -> Result<String, NodeError>,
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
        out.push_str(&value(inside)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Fills `{name}`, `{name:05}` (zeros before a whole number), `{name:.2}` (decimals) and `{{` `}}`.
///
/// # Errors
/// When a place has no value, or the braces do not match.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, NodeError> {
    fill_by(text, &mut |inside| {
        let (name, form) = inside.split_once(':').unwrap_or((inside, ""));
        let found = value(name.trim()).ok_or_else(|| {
            NodeError::new(format!("{{{}}} in {text:?} has no value here", name.trim()))
                .hint("{item} exists when the graph runs with --items; {index} in a list or batch")
        })?;
        shaped(&found, form.trim()).ok_or_else(|| {
            NodeError::new(format!("{{{inside}}} cannot be written: {found:?} does not fit {form:?}"))
                .hint("use {item:05} for zeros before a whole number, {score:.2} for decimals")
        })
    })
}

/// Fills `{Hat}` and `{Hat|words for those without}`: `value` gets the name and the words behind the bar.
///
/// # Errors
/// When the braces do not match, or `value` says so.
pub fn fill_or(
    text: &str,
    mut value: impl FnMut(&str, Option<&str>) -> Result<String, NodeError>,
) -> Result<String, NodeError> {
    fill_by(text, &mut |inside| match inside.split_once('|') {
        Some((name, otherwise)) => value(name.trim(), Some(otherwise)),
        None => value(inside.trim(), None),
    })
}

/// The names of the places in a text; none when its braces do not match.
#[must_use]
pub fn places(text: &str) -> Vec<String> {
    let names = std::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        names.borrow_mut().push(name.to_owned());
        Some("0".to_owned())
    };
    match fill(text, &note) {
        Ok(_) => names.into_inner(),
        Err(_) => Vec::new(),
    }
}

/// The same for a text with bars.
#[must_use]
pub fn places_or(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let all = fill_or(text, |name, _| {
        names.push(name.to_owned());
        Ok(String::new())
    });
    if all.is_ok() { names } else { Vec::new() }
}

fn shaped(value: &str, form: &str) -> Option<String> {
    if form.is_empty() {
        return Some(value.to_owned());
    }
    if let Some(decimals) = form.strip_prefix('.') {
        let decimals: usize = decimals.parse().ok().filter(|d| *d <= 32)?;
        return Some(format!("{:.decimals$}", value.parse::<f64>().ok()?));
    }
    let width: usize = form.parse().ok().filter(|w| *w <= 64)?;
    let number: i128 = value.parse().ok()?;
    Some(if form.starts_with('0') { format!("{number:0width$}") } else { format!("{number:width$}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        let value = |n: &str| match n {
            "item" => Some("42".to_owned()),
            "score" => Some("0.12345".to_owned()),
            _ => None,
        };
        assert_eq!(fill("{item:05}_{score:.2}{{}}", &value).unwrap(), "00042_0.12{}");
        assert!(fill("{nothing}", &value).is_err());
        assert!(fill("{item", &value).is_err());
        assert!(fill("}", &value).is_err());
        assert!(fill("{score:05}", &value).is_err());
        assert!(fill("{item:99999999}", &value).is_err());
        assert_eq!(places("{a}-{b:03}"), ["a", "b"]);
    }

    #[test]
    fn places_have_words_for_those_without() {
        let value = |name: &str, otherwise: Option<&str>| {
            Ok(if name == "Hat" { "a crown".to_owned() } else { otherwise.unwrap_or_default().to_owned() })
        };
        assert_eq!(fill_or("{{{Hat}}}, {Coat|bare}", value).unwrap(), "{a crown}, bare");
        assert!(fill_or("{Hat", value).is_err() && fill_or("}", value).is_err());
        assert_eq!(places_or("{a}{trait:b|c}"), ["a", "trait:b"]);
    }
}
