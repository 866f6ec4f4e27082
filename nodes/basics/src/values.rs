//! Values as text and as numbers, the same way in every node.

use kiln_core::NodeError;
use kiln_types::{Value, names};

/// A number that every float parameter of this family accepts.
pub(crate) const ANY_NUMBER: std::ops::RangeInclusive<f64> = -f64::MAX..=f64::MAX;
/// A whole number that every integer parameter of this family accepts.
pub(crate) const ANY_INT: std::ops::RangeInclusive<i64> = i64::MIN..=i64::MAX;

/// A value in words, as templates and text sheets write it.
///
/// # Errors
/// For values that have no words (pictures, models), and for files, whose names are not part of their content.
pub(crate) fn words(value: &Value) -> Result<String, NodeError> {
    Ok(match value {
        Value::None => String::new(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Text(v) => v.to_string(),
        Value::Color(v) => v.to_string(),
        Value::Seed(v) => v.to_string(),
        Value::Size(w, h) => format!("{w}x{h}"),
        Value::Range(a, b) => format!("{a} to {b}"),
        Value::Curve(points) => {
            points.iter().map(|(x, y)| format!("({x}, {y})")).collect::<Vec<_>>().join(" ")
        }
        Value::List(items) => items.iter().map(words).collect::<Result<Vec<_>, _>>()?.join(", "),
        Value::File(_) => {
            return Err(NodeError::new("a file is not text")
                .hint("put a FileName node between for its name, or ReadText for what is in it"));
        }
        Value::Image(_) | Value::Mask(_) | Value::Object(_) => {
            return Err(NodeError::new(format!("a value of type {} cannot be written as text", value.ty())));
        }
    })
}

/// A value as JSON.
///
/// # Errors
/// As [`words`].
pub(crate) fn json(value: &Value) -> Result<serde_json::Value, NodeError> {
    Ok(match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(v) => (*v).into(),
        Value::Int(v) => (*v).into(),
        Value::Seed(v) => (*v).into(),
        Value::Float(v) => serde_json::Number::from_f64(*v).map_or(serde_json::Value::Null, Into::into),
        Value::Size(w, h) => serde_json::json!([w, h]),
        Value::Range(a, b) => serde_json::json!([a, b]),
        Value::List(items) => serde_json::Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        other => words(other)?.into(),
    })
}

/// A value as a number, where it is one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        Value::Seed(v) => Some(*v as f64),
        Value::Bool(v) => Some(f64::from(u8::from(*v))),
        _ => None,
    }
}

/// A whole number from a float that has been rounded already.
///
/// # Errors
/// When it is not a number or does not fit into 64 bits.
pub(crate) fn whole(v: f64) -> Result<i64, NodeError> {
    if v.is_nan() {
        return Err(NodeError::new("the number is not a number (NaN), so there is no whole number near it"));
    }
    // -2^63 fits; 2^63 is the first float that does not.
    let limit = -(i64::MIN as f64);
    if (-limit..limit).contains(&v) {
        Ok(v as i64)
    } else {
        Err(NodeError::new(format!("{v} does not fit into a whole number of 64 bits")))
    }
}

/// Reads a number as a person writes it: spaces around it do not matter, `1_000` and `50%` are understood.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, percent) = match text.strip_suffix('%') {
        Some(rest) => (rest.trim_end(), true),
        None => (text, false),
    };
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    if !plain.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c)) {
        return None;
    }
    let v: f64 = plain.parse().ok().filter(|v: &f64| v.is_finite())?;
    Some(if percent { v / 100.0 } else { v })
}

/// An error for a value of a type that a node cannot use.
pub(crate) fn unfit(port: &str, wanted: &str, got: &Value) -> NodeError {
    let what = match got.ty().name.as_ref() {
        names::ANY => "nothing".to_owned(),
        _ => got.ty().to_string(),
    };
    NodeError::new(format!("{port:?} takes {wanted}, but got {what}")).at(port)
}
