//! From a value as JSON has it to the literal a parameter takes. ComfyUI is lenient (`"20"` is a number, `1` is
//! yes), so the same is done here; what it would not take either is a problem.

use crate::json::{Json, Value};
use crate::problem::short;
use crate::table::Turn;
use kiln_core::Kind;
use kiln_document::Lit;

/// A literal, and what there is to tell of it.
pub struct Made {
    /// What the parameter is set to.
    pub lit: Lit,
    /// What is not as it was said.
    pub note: Option<String>,
}

/// Why a value does not do: what is wrong, and the remedy.
pub struct Refused(pub String, pub String);

impl From<Lit> for Made {
    fn from(lit: Lit) -> Self {
        Self { lit, note: None }
    }
}

/// A value as a text, as Python would write it.
pub fn as_text(json: &Json) -> Option<String> {
    Some(match &json.value {
        Value::Text(text) => text.clone(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) if v.is_finite() => format!("{v:?}"),
        Value::Bool(v) => (if *v { "True" } else { "False" }).to_owned(),
        _ => return None,
    })
}

/// A value as the table's `values` are looked up with: `true`, `7`, `word`.
pub fn as_key(json: &Json) -> Option<String> {
    match json.value {
        Value::Bool(v) => Some(v.to_string()),
        _ => as_text(json),
    }
}

/// How a message shows a value.
fn shown(json: &Json) -> String {
    match &json.value {
        Value::Text(text) => format!("{:?}", short(text)),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        _ => json.kind().to_owned(),
    }
}

fn wants(what: &str, example: &str, json: &Json) -> Refused {
    Refused(format!("it takes {what}, not {}", shown(json)), format!("write it like {example}"))
}

fn not_finite(json: &Json) -> Refused {
    let what = match json.value {
        Value::Float(v) if v.is_nan() => "NaN is no number".to_owned(),
        _ => "the number is too large, or infinite".to_owned(),
    };
    Refused(what, "set a number in ComfyUI and export the workflow again".to_owned())
}

/// Makes the literal of a parameter.
pub fn literal(kind: &Kind, json: &Json) -> Result<Made, Refused> {
    if let Value::Float(v) = json.value
        && !v.is_finite()
    {
        return Err(not_finite(json));
    }
    match kind {
        Kind::Bool => yes_or_no(json).map(Made::from),
        Kind::Int { .. } => whole(json),
        Kind::Seed => match whole(json)?.lit {
            Lit::Int(v) if u64::try_from(v).is_ok() => Ok(Lit::Int(v).into()),
            other => {
                let what = format!("the seed {other} is outside 0 to {}", u64::MAX);
                Err(Refused(what, "choose a seed in that range".to_owned()))
            }
        },
        Kind::Float { .. } => match json.value {
            Value::Int(v) => Ok(Lit::Float(v as f64).into()),
            Value::Float(v) => Ok(Lit::Float(v).into()),
            Value::Bool(v) => Ok(Lit::Float(f64::from(u8::from(v))).into()),
            Value::Text(ref text) => match text.trim().parse::<f64>() {
                Ok(v) if v.is_finite() => Ok(Lit::Float(v).into()),
                _ => Err(wants("a number", "0.5", json)),
            },
            _ => Err(wants("a number", "0.5", json)),
        },
        Kind::Text { .. }
        | Kind::Choice(_)
        | Kind::Color
        | Kind::File
        | Kind::Files
        | Kind::Model(_)
        | Kind::Prompt
        | Kind::ParamRef => {
            as_text(json).map(|text| Lit::Text(text).into()).ok_or_else(|| wants("a text", "\"word\"", json))
        }
        // The check before the run knows their forms.
        Kind::Size { .. } | Kind::Range { .. } | Kind::Curve | Kind::List(_) => {
            plain(json, 0).map(Made::from).ok_or_else(|| wants("a list", "[1, 2]", json))
        }
    }
}

fn yes_or_no(json: &Json) -> Result<Lit, Refused> {
    let yes = match &json.value {
        Value::Bool(v) => Some(*v),
        Value::Int(v) => Some(*v != 0),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "enable" | "enabled" | "yes" | "on" => Some(true),
            "false" | "disable" | "disabled" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    };
    yes.map(Lit::Bool).ok_or_else(|| wants("true or false", "true", json))
}

fn whole(json: &Json) -> Result<Made, Refused> {
    let float = |v: f64| -> Result<Made, Refused> {
        if !v.is_finite() || v.abs() > 9_007_199_254_740_992.0 {
            return Err(Refused(
                format!("{v} is too large to be kept exactly"),
                format!("write a whole number; seeds reach {}", u64::MAX),
            ));
        }
        let cut = v.trunc();
        let note =
            (cut.to_bits() != v.to_bits() && cut != v).then(|| format!("{v} was made {cut}, a whole number"));
        Ok(Made { lit: Lit::Int(cut as i128), note })
    };
    match &json.value {
        Value::Int(v) => Ok(Lit::Int(*v).into()),
        Value::Float(v) => float(*v),
        Value::Bool(v) => Ok(Lit::Int((*v).into()).into()),
        Value::Text(text) => match text.trim().parse::<i128>() {
            Ok(v) => Ok(Lit::Int(v).into()),
            Err(_) => Err(wants("a whole number", "20", json)),
        },
        _ => Err(wants("a whole number", "20", json)),
    }
}

/// Any value, for parameters that take structure.
fn plain(json: &Json, depth: usize) -> Option<Lit> {
    if depth > 8 {
        return None;
    }
    Some(match &json.value {
        Value::Bool(v) => Lit::Bool(*v),
        Value::Int(v) => Lit::Int(*v),
        Value::Float(v) if v.is_finite() => Lit::Float(*v),
        Value::Text(text) => Lit::Text(text.clone()),
        Value::List(items) => Lit::List(items.iter().map(|i| plain(i, depth + 1)).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// The node type and literal of a constant, for a value that stands where only a link can here.
pub fn constant(json: &Json) -> Option<(&'static str, Lit)> {
    Some(match &json.value {
        Value::Bool(v) => ("Toggle", Lit::Bool(*v)),
        Value::Int(v) if i64::try_from(*v).is_ok() => ("Integer", Lit::Int(*v)),
        Value::Int(v) if u64::try_from(*v).is_ok() => ("Seed", Lit::Int(*v)),
        Value::Float(v) if v.is_finite() => ("Number", Lit::Float(*v)),
        Value::Text(text) if text.contains('\n') => ("LongText", Lit::Text(text.clone())),
        Value::Text(text) => ("Text", Lit::Text(text.clone())),
        _ => return None,
    })
}

/// Writes a text as the parameter here reads it.
pub fn turned(turn: Turn, text: &str) -> Made {
    match turn {
        Turn::Plain => Lit::text(text.replace('\\', "\\\\")).into(),
        Turn::File => file(text),
        Turn::Name => name(text),
    }
}

fn file(text: &str) -> Made {
    let mut note = None;
    let mut path = text.trim_end();
    for (mark, folder) in [("[input]", ""), ("[output]", "output"), ("[temp]", "temporary")] {
        if let Some(rest) = path.strip_suffix(mark) {
            path = rest.trim_end();
            if !folder.is_empty() {
                note = Some(format!(
                    "{:?} was in ComfyUI's {folder} folder; here it is looked for beside the workflow",
                    short(path)
                ));
            }
        }
    }
    Made { lit: Lit::text(path.replace('\\', "/")), note }
}

fn name(text: &str) -> Made {
    let mut name = text.replace('\\', "/").replace('{', "{{").replace('}', "}}");
    if name.trim().is_empty() || name.ends_with('/') {
        name.push_str("ComfyUI");
    }
    let note =
        text.contains('%').then(|| "Kiln fills in no %date% and %width%: the name stays as it is".to_owned());
    Made { lit: Lit::Text(name), note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn made(kind: &Kind, text: &str) -> Result<(Lit, bool), String> {
        match literal(kind, &parse(text).unwrap()) {
            Ok(made) => Ok((made.lit, made.note.is_some())),
            Err(Refused(what, _)) => Err(what),
        }
    }

    #[test]
    fn values_are_taken_as_comfyui_takes_them() {
        let int = Kind::Int { min: 0, max: 100, step: 1 };
        assert_eq!(made(&int, "20.0"), Ok((Lit::Int(20), false)));
        assert_eq!(made(&int, "20.7"), Ok((Lit::Int(20), true)));
        assert_eq!(made(&int, "\" 20\""), Ok((Lit::Int(20), false)));
        assert!(made(&int, "\"many\"").unwrap_err().contains("whole number"));
        assert!(made(&int, "[1]").unwrap_err().contains("a list"));
        let float = Kind::Float { min: 0.0, max: 1.0, step: 0.1 };
        assert_eq!(made(&float, "7"), Ok((Lit::Float(7.0), false)));
        assert!(made(&float, "NaN").unwrap_err().contains("NaN"));
        assert!(made(&float, "\"inf\"").is_err());
        assert!(made(&float, "1e999").unwrap_err().contains("infinite"));
        assert_eq!(made(&Kind::Bool, "\"enable\""), Ok((Lit::Bool(true), false)));
        assert_eq!(made(&Kind::Bool, "0"), Ok((Lit::Bool(false), false)));
        assert!(made(&Kind::Bool, "\"perhaps\"").is_err());
        assert_eq!(made(&Kind::Text { multiline: false }, "1.5"), Ok((Lit::text("1.5"), false)));
    }

    #[test]
    fn seeds_are_exact() {
        for seed in [0, 1 << 53, (1 << 53) + 1, u64::MAX] {
            assert_eq!(made(&Kind::Seed, &seed.to_string()), Ok((Lit::Int(seed.into()), false)));
        }
        assert!(made(&Kind::Seed, "18446744073709551616").unwrap_err().contains("outside"));
        assert!(made(&Kind::Seed, "-1").unwrap_err().contains("outside"));
        assert!(made(&Kind::Seed, "1.8446744073709552e19").unwrap_err().contains("too large"));
        let long = "9".repeat(60);
        assert!(made(&Kind::Seed, &long).unwrap_err().contains("too large"));
    }

    #[test]
    fn texts_are_turned() {
        let text = |turn, text| match turned(turn, text).lit {
            Lit::Text(text) => text,
            other => panic!("{other}"),
        };
        assert_eq!(text(Turn::File, "sd\\v1.safetensors"), "sd/v1.safetensors");
        assert_eq!(text(Turn::File, "pasted/a.png [input]"), "pasted/a.png");
        assert!(turned(Turn::File, "a.png [output]").note.is_some());
        assert_eq!(text(Turn::Name, "a\\{b}"), "a/{{b}}");
        assert_eq!(text(Turn::Name, "folder/"), "folder/ComfyUI");
        assert_eq!(text(Turn::Name, ""), "ComfyUI");
        assert!(turned(Turn::Name, "%date%").note.is_some());
        assert_eq!(text(Turn::Plain, "a\\nb"), "a\\\\nb");
    }
}
