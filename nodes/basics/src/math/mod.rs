//! Sums written by people: `min(a, b) if a > b else 2 * a`.
//!
//! The language is the part of Python that ComfyUI's `ComfyMathExpression` takes, with the same results:
//! whole numbers stay whole, `/` gives a decimal, `//` and `%` round down, `round` rounds halves to even.
//! Text becomes a flat program ([`parse`]), which cannot loop and needs no stack of its own to run ([`run`]).

mod functions;
mod number;
mod parse;
mod run;
mod token;

use crate::values::unfit;
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::{Value, names};
pub(crate) use number::Number;
use std::fmt;

/// No expression is longer than this many bytes.
pub(crate) const MAX_LENGTH: usize = 4096;
/// Nothing is nested deeper than this.
pub(crate) const MAX_DEPTH: usize = 64;
/// No power has a larger exponent.
pub(crate) const MAX_EXPONENT: f64 = 4000.0;

/// What is wrong with an expression, and where: the character it begins at, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MathError {
    pub(crate) what: String,
    pub(crate) column: usize,
    pub(crate) hint: Option<&'static str>,
}

impl MathError {
    pub(crate) fn new(column: usize, what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), column, hint: None }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl From<MathError> for NodeError {
    fn from(e: MathError) -> Self {
        let what = if e.column == 0 { e.what } else { format!("{} at column {}", e.what, e.column) };
        let error = NodeError::new(what).at("expression");
        match e.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// The names an expression may use, and their values.
pub(crate) struct Names {
    pub(crate) single: Vec<(&'static str, Number)>,
    pub(crate) values: Vec<Number>,
}

/// Works out an expression.
pub(crate) fn evaluate(text: &str, names: &Names) -> Result<Number, MathError> {
    run::run(&parse::parse(text)?, names)
}

const LETTERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

pub(crate) fn nodes() -> Vec<Node> {
    vec![expression()]
}

/// An expression over the linked numbers.
fn expression() -> Node {
    let node = Node::pure("ComfyMathExpression", 1, |cx| {
        let names = names_of(cx)?;
        let result = evaluate(&cx.text("expression")?, &names)?;
        let float = result.float();
        if !float.is_finite() {
            let what = if float.is_nan() { "not a number (NaN)" } else { "larger than any number" };
            return Err(NodeError::new(format!("the result is {what}")).at("expression"));
        }
        cx.set("float", float);
        cx.set("int", result.to_i64().map_err(|what| NodeError::new(what).at("expression"))?);
        cx.set("yes", result.truth());
        Ok(())
    })
    .title("Math expression")
    .category("number")
    .doc(
        "Works out an expression such as `min(a, b) if a > b else 2 * a`, as Python would. There are + - * / // % **, \
         comparisons, and/or/not, pi, e where no e is linked, and min, max, sum, abs, round, floor, ceil, trunc, int, \
         float, sqrt, pow, exp, log, log2, log10, sin, cos, tan, asin, acos, atan, atan2, hypot, clamp, lerp.",
    );
    LETTERS
        .iter()
        .fold(node, |n, name| n.optional(name, names::ANY, "A number, under this name in the expression."))
        .many(
            "values",
            names::ANY,
            "More numbers: sum(values), min(values), max(values) read these and a to h.",
        )
        .param(Param::multiline("expression", "a + b").doc("What to work out."))
        .output("float", names::FLOAT, "The result with decimals.")
        .output("int", names::INT, "The result without its decimals.")
        .output("yes", names::BOOL, "Whether the result is anything but 0.")
        .check(|given| match given.text("expression").map(|t| parse::parse(&t)) {
            Some(Err(e)) => vec![e.into()],
            _ => Vec::new(),
        })
}

fn names_of(cx: &Cx<'_>) -> Result<Names, NodeError> {
    let mut names = Names { single: Vec::new(), values: Vec::new() };
    for name in LETTERS.iter().filter(|n| cx.has(n)) {
        let number = to_number(name, &cx.value(name)?)?;
        names.single.push((name, number));
        names.values.push(number);
    }
    for value in cx.list("values")?.iter() {
        names.values.push(to_number("values", value)?);
    }
    Ok(names)
}

fn to_number(port: &str, value: &Value) -> Result<Number, NodeError> {
    Ok(match value {
        Value::Int(v) => Number::Int(i128::from(*v)),
        Value::Seed(v) => Number::Int(i128::from(*v)),
        Value::Float(v) => Number::Float(*v),
        Value::Bool(v) => Number::Bool(*v),
        other => return Err(unfit(port, "a number", other)),
    })
}

#[cfg(test)]
mod tests;
