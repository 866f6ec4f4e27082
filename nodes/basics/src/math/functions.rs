//! What an expression can call.

use super::number::{Number, Outcome, finite};
use std::cmp::Ordering;

/// How a function takes its arguments.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// So many numbers.
    Fixed(usize, fn(&[Number]) -> Outcome),
    /// From so many to so many.
    Some(usize, usize, fn(&[Number]) -> Outcome),
    /// One or more, or `values`.
    Many(fn(&[Number]) -> Outcome),
}

/// A function by name.
pub(crate) fn find(name: &str) -> Option<Call> {
    Some(match name {
        "min" => Call::Many(|v| extreme(v, Ordering::Less)),
        "max" => Call::Many(|v| extreme(v, Ordering::Greater)),
        "sum" => Call::Many(|v| v.iter().try_fold(Number::Int(0), |a, b| a.add(*b))),
        "abs" => Call::Fixed(1, |v| v[0].abs()),
        "round" => Call::Some(1, 2, round),
        "floor" => Call::Fixed(1, |v| v[0].rounded(libm::floor)),
        "ceil" => Call::Fixed(1, |v| v[0].rounded(libm::ceil)),
        "trunc" | "int" => Call::Fixed(1, |v| v[0].trunc()),
        "float" => Call::Fixed(1, |v| Ok(Number::Float(v[0].float()))),
        "sqrt" => Call::Fixed(1, |v| domain(v[0].float() >= 0.0, "sqrt", "0 or more", v, libm::sqrt)),
        "pow" => Call::Fixed(2, |v| v[0].pow(v[1])),
        "exp" => Call::Fixed(1, |v| real(v, libm::exp)),
        "log" => Call::Some(1, 2, log),
        "log2" => Call::Fixed(1, |v| domain(v[0].float() > 0.0, "log2", "above 0", v, libm::log2)),
        "log10" => Call::Fixed(1, |v| domain(v[0].float() > 0.0, "log10", "above 0", v, libm::log10)),
        "sin" => Call::Fixed(1, |v| real(v, libm::sin)),
        "cos" => Call::Fixed(1, |v| real(v, libm::cos)),
        "tan" => Call::Fixed(1, |v| real(v, libm::tan)),
        "asin" => {
            Call::Fixed(1, |v| domain(v[0].float().abs() <= 1.0, "asin", "between -1 and 1", v, libm::asin))
        }
        "acos" => {
            Call::Fixed(1, |v| domain(v[0].float().abs() <= 1.0, "acos", "between -1 and 1", v, libm::acos))
        }
        "atan" => Call::Fixed(1, |v| real(v, libm::atan)),
        "atan2" => Call::Fixed(2, |v| Ok(Number::Float(libm::atan2(v[0].float(), v[1].float())))),
        "hypot" => Call::Fixed(2, |v| {
            let (a, b) = (v[0].float(), v[1].float());
            finite(libm::hypot(a, b), &[a, b])
        }),
        "clamp" => Call::Fixed(3, clamp),
        "lerp" => Call::Fixed(3, |v| v[1].sub(v[0])?.mul(v[2])?.add(v[0])),
        _ => return None,
    })
}

/// Every name, for "did you mean".
pub(crate) const NAMES: [&str; 27] = [
    "min", "max", "sum", "abs", "round", "floor", "ceil", "trunc", "int", "float", "sqrt", "pow", "exp",
    "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "hypot", "clamp", "lerp",
    "values",
];

fn real(v: &[Number], f: fn(f64) -> f64) -> Outcome {
    let x = v[0].float();
    finite(f(x), &[x])
}

fn domain(inside: bool, name: &str, takes: &str, v: &[Number], f: fn(f64) -> f64) -> Outcome {
    if inside || v[0].float().is_nan() {
        real(v, f)
    } else {
        Err(format!("{name} takes a number {takes}, but got {}", v[0].float()))
    }
}

/// The first of the smallest or largest, as Python picks it.
fn extreme(v: &[Number], wanted: Ordering) -> Outcome {
    let mut best = *v.first().ok_or("there are no values to choose from")?;
    for n in &v[1..] {
        if n.order(best) == Some(wanted) {
            best = *n;
        }
    }
    Ok(best)
}

fn round(v: &[Number]) -> Outcome {
    match v.get(1) {
        None => v[0].rounded(libm::rint),
        Some(decimals) => match decimals.plain() {
            Number::Int(d) => v[0].round_to(d),
            _ => Err("round takes a whole number of decimals".to_owned()),
        },
    }
}

fn log(v: &[Number]) -> Outcome {
    let Some(base) = v.get(1) else {
        return domain(v[0].float() > 0.0, "log", "above 0", v, libm::log);
    };
    let natural = |n: Number| domain(n.float() > 0.0, "log", "above 0", &[n], libm::log);
    natural(v[0])?.div(natural(*base)?)
}

fn clamp(v: &[Number]) -> Outcome {
    let (x, low, high) = (v[0], v[1], v[2]);
    match low.order(high) {
        Some(Ordering::Less | Ordering::Equal) => {}
        _ => return Err("clamp takes a number, the lowest, and the highest, in this order".to_owned()),
    }
    Ok(match (x.order(low), x.order(high)) {
        (Some(Ordering::Less), _) => low,
        (_, Some(Ordering::Greater)) => high,
        _ => x,
    })
}
