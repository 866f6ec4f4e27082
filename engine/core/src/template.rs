//! Text with places to fill: `{item:05}_{name}`.

use crate::node::NodeError;

/// Fills `{name}`, `{name:05}` (zeros before a whole number), `{name:.2}` (decimals) and `{{` `}}`.
///
/// # Errors
/// When a place has no value, or the braces do not match.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, NodeError> {
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
        let inside = tail.strip_prefix('{').and_then(|t| t.split_once('}')).ok_or_else(|| {
            NodeError::new(format!("the braces in {text:?} do not match"))
                .hint("write {{ for a brace that is meant")
        })?;
        let (name, form) = inside.0.split_once(':').unwrap_or((inside.0, ""));
        let found = value(name.trim()).ok_or_else(|| {
            NodeError::new(format!("{{{}}} in {text:?} has no value here", name.trim()))
                .hint("{item} exists when the graph runs with --items; {index} in a list or batch")
        })?;
        out.push_str(&shaped(&found, form.trim()).ok_or_else(|| {
            NodeError::new(format!("{{{}}} cannot be written: {found:?} does not fit {form:?}", inside.0))
                .hint("use {item:05} for zeros before a whole number, {score:.2} for decimals")
        })?);
        rest = inside.1;
    }
    out.push_str(rest);
    Ok(out)
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
}
