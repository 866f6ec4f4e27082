//! Values as they are written in a document, and as they are read on a node.

use kiln_core::document::Lit;
use kiln_core::types::{Color, Value};
use kiln_core::{Kind, Param};

/// A default as a document would say it.
#[must_use]
pub fn to_lit(value: &Value) -> Option<Lit> {
    let pair = |a: f64, b: f64| Lit::Tuple(None, vec![number(a), number(b)]);
    Some(match value {
        Value::Bool(v) => Lit::Bool(*v),
        Value::Int(v) => Lit::Int((*v).into()),
        Value::Float(v) => number(*v),
        Value::Text(v) => Lit::text(&**v),
        Value::Color(v) => color(*v),
        Value::Seed(v) => Lit::Int((*v).into()),
        Value::Size(w, h) => Lit::Tuple(None, vec![Lit::Int((*w).into()), Lit::Int((*h).into())]),
        Value::Range(a, b) => pair(*a, *b),
        Value::Curve(points) => Lit::List(points.iter().map(|(x, y)| pair(*x, *y)).collect()),
        Value::List(all) => Lit::List(all.iter().map(to_lit).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// A number in its shortest spelling: `7`, not `7.0`.
#[must_use]
pub fn number(v: f64) -> Lit {
    if v.fract() == 0.0 && v.abs() < 9e15 { Lit::Int(v as i128) } else { Lit::Float(v) }
}

/// A colour in its usual spelling: `"#c98f6b"`.
#[must_use]
pub fn color(c: Color) -> Lit {
    let [r, g, b, a] = c.to_rgba8();
    if a == 255 {
        Lit::Text(format!("#{r:02x}{g:02x}{b:02x}"))
    } else {
        Lit::Text(format!("#{r:02x}{g:02x}{b:02x}{a:02x}"))
    }
}

/// The number that is said.
#[must_use]
pub fn as_number(lit: &Lit) -> Option<f64> {
    match lit {
        Lit::Int(v) => Some(*v as f64),
        Lit::Float(v) => Some(*v),
        _ => None,
    }
}

/// The seed that is said, and whether it is held over items.
#[must_use]
pub fn as_seed(lit: &Lit) -> Option<(u64, bool)> {
    match lit {
        Lit::Int(v) => Some((u64::try_from(*v).ok()?, false)),
        Lit::Tuple(Some(name), items) if name == "Fixed" => match items.as_slice() {
            [Lit::Int(v)] => Some((u64::try_from(*v).ok()?, true)),
            _ => None,
        },
        _ => None,
    }
}

/// A seed as it is written.
#[must_use]
pub fn seed(value: u64, held: bool) -> Lit {
    let int = Lit::Int(value.into());
    if held { Lit::Tuple(Some("Fixed".to_owned()), vec![int]) } else { int }
}

/// Two numbers that are said.
#[must_use]
pub fn as_pair(lit: &Lit) -> Option<(f64, f64)> {
    match lit {
        Lit::Tuple(None, v) | Lit::List(v) if v.len() == 2 => Some((as_number(&v[0])?, as_number(&v[1])?)),
        _ => None,
    }
}

/// Two numbers as they are written.
#[must_use]
pub fn pair(a: f64, b: f64) -> Lit {
    Lit::Tuple(None, vec![number(a), number(b)])
}

/// A value in few words, for a row on a node.
#[must_use]
pub fn words(param: &Param, lit: Option<&Lit>) -> String {
    let Some(lit) = lit else { return "not set".to_owned() };
    match (&param.kind, lit) {
        (Kind::Bool, Lit::Bool(on)) => (if *on { "on" } else { "off" }).to_owned(),
        (Kind::Size { .. }, lit) => match as_pair(lit) {
            Some((w, h)) => format!("{w} × {h}"),
            None => lit.to_string(),
        },
        (Kind::Range { .. }, lit) => match as_pair(lit) {
            Some((a, b)) => format!("{} – {}", trimmed(a), trimmed(b)),
            None => lit.to_string(),
        },
        (Kind::Seed, lit) => match as_seed(lit) {
            Some((v, _)) => v.to_string(),
            None => lit.to_string(),
        },
        (Kind::Int { .. } | Kind::Float { .. }, lit) => match as_number(lit) {
            Some(v) if param.unit.is_empty() => trimmed(v),
            Some(v) => format!("{} {}", trimmed(v), param.unit),
            None => lit.to_string(),
        },
        (Kind::List(_), Lit::List(all)) => match all.len() {
            0 => "none".to_owned(),
            1 => "1 value".to_owned(),
            n => format!("{n} values"),
        },
        (Kind::Curve, Lit::List(points)) => format!("{} points", points.len()),
        (_, Lit::Text(text)) => text.clone(),
        (_, lit) => lit.to_string(),
    }
}

/// A number without a tail of digits nobody reads.
#[must_use]
pub fn trimmed(v: f64) -> String {
    let text = format!("{v:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Reads what a person typed into a field for a parameter; none if it does not fit.
#[must_use]
pub fn typed(param: &Param, text: &str) -> Option<Lit> {
    let text = text.trim();
    let without_unit =
        text.strip_suffix(param.unit).filter(|_| !param.unit.is_empty()).map_or(text, str::trim_end);
    match &param.kind {
        Kind::Int { min, max, .. } => {
            let v = crate::widgets::sum::work_out(without_unit)?.round();
            v.is_finite().then(|| Lit::Int((v as i64).clamp(*min, *max).into()))
        }
        Kind::Float { min, max, .. } => {
            let v = crate::widgets::sum::work_out(without_unit)?;
            v.is_finite().then(|| number(v.clamp(*min, *max)))
        }
        kind => kiln_core::lit::from_word(kind, text).ok(),
    }
}
