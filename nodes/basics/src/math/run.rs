//! Runs a flat program. It only ever goes forward, so it ends.

use super::number::Number;
use super::parse::{Op, Program};
use super::{MathError, Names};
use kiln_core::words;

/// What a program comes to.
pub(crate) fn run(program: &Program, names: &Names) -> Result<Number, MathError> {
    let mut pile: Vec<Number> = Vec::new();
    let mut extra = 0;
    let mut at = 0;
    while let Some((column, op)) = program.get(at) {
        let wrong = |what: String| MathError::new(*column, what);
        at += 1;
        match op {
            Op::Push(n) => pile.push(*n),
            Op::Name(name) => pile.push(find(name, names, *column)?),
            Op::Values => {
                pile.extend(&names.values);
                extra = names.values.len();
            }
            Op::One(f) => {
                let a = pop(&mut pile)?;
                pile.push(f(a).map_err(wrong)?);
            }
            Op::Two(f) => {
                let b = pop(&mut pile)?;
                let a = pop(&mut pile)?;
                pile.push(f(a, b).map_err(wrong)?);
            }
            Op::Compare(holds) => {
                let b = pop(&mut pile)?;
                let a = pop(&mut pile)?;
                pile.push(Number::Bool(holds(a.order(b))));
            }
            Op::Chain(holds, jump) => {
                let b = pop(&mut pile)?;
                let a = pop(&mut pile)?;
                if holds(a.order(b)) {
                    pile.push(b);
                } else {
                    pile.push(Number::Bool(false));
                    at += jump;
                }
            }
            Op::Not => {
                let a = pop(&mut pile)?;
                pile.push(Number::Bool(!a.truth()));
            }
            Op::And(jump) | Op::Or(jump) => {
                let a = pop(&mut pile)?;
                if a.truth() == matches!(op, Op::Or(_)) {
                    pile.push(a);
                    at += jump;
                }
            }
            Op::Unless(jump) => {
                if !pop(&mut pile)?.truth() {
                    at += jump;
                }
            }
            Op::Skip(jump) => at += jump,
            Op::Call(f, count) => {
                let first = pile.len().saturating_sub(count + std::mem::take(&mut extra));
                let made = f(&pile[first..]).map_err(wrong)?;
                pile.truncate(first);
                pile.push(made);
            }
        }
    }
    pop(&mut pile)
}

fn pop(pile: &mut Vec<Number>) -> Result<Number, MathError> {
    pile.pop().ok_or_else(|| MathError::new(0, "a number is missing: a fault of the node"))
}

fn find(name: &str, names: &Names, column: usize) -> Result<Number, MathError> {
    if let Some((_, n)) = names.single.iter().find(|(n, _)| *n == name) {
        return Ok(*n);
    }
    if name == "e" {
        return Ok(Number::Float(std::f64::consts::E));
    }
    if super::LETTERS.contains(&name) {
        return Err(MathError::new(column, format!("{name} is not linked")));
    }
    let linked: Vec<&str> = names.single.iter().map(|(n, _)| *n).collect();
    let near = words::nearest(name, super::functions::NAMES).map(|n| format!(", did you mean {n}(...)?"));
    let has = if linked.is_empty() {
        "nothing is linked".to_owned()
    } else {
        format!("linked are {}", words::list(&linked))
    };
    Err(MathError::new(column, format!("there is no number {name:?}{} ({has})", near.unwrap_or_default())))
}
