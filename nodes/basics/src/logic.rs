//! Yes and no.

use crate::values;
use kiln_core::{Node, NodeError, Param};
use kiln_types::{Value, names};
use std::cmp::Ordering;

pub(crate) fn nodes() -> Vec<Node> {
    vec![compare(), logic(), not()]
}

/// Two values compared.
fn compare() -> Node {
    Node::pure("Compare", 1, |cx| {
        let (a, b) = (cx.value("a")?, cx.value("b")?);
        let order = order(&a, &b)?;
        let yes = match &*cx.text("is")? {
            "equal" => order == Some(Ordering::Equal),
            "not equal" => order != Some(Ordering::Equal),
            "less" => order == Some(Ordering::Less),
            "at most" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            "more" => order == Some(Ordering::Greater),
            _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        };
        cx.set("yes", yes);
        Ok(())
    })
    .title("Compare")
    .category("logic")
    .doc("Compares two numbers by size, or two texts by the alphabet of their characters.")
    .input("a", names::ANY, "What is compared.")
    .input("b", names::ANY, "What it is compared with.")
    .param(
        Param::choice("is", &["equal", "not equal", "less", "at most", "more", "at least"])
            .doc("What to ask."),
    )
    .output("yes", names::BOOL, "Whether it is so.")
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, NodeError> {
    // Whole numbers are compared as such: floats cannot tell large ones apart.
    let int = |v: &Value| match v {
        Value::Int(v) => Some(i128::from(*v)),
        Value::Seed(v) => Some(i128::from(*v)),
        Value::Bool(v) => Some(i128::from(*v)),
        _ => None,
    };
    if let (Some(a), Some(b)) = (int(a), int(b)) {
        return Ok(Some(a.cmp(&b)));
    }
    match (values::number(a), values::number(b)) {
        (Some(a), Some(b)) => Ok(a.partial_cmp(&b)),
        (None, None) => Ok(Some(values::words(a)?.cmp(&values::words(b)?))),
        _ => Err(NodeError::new(format!("{} and {} cannot be compared", a.ty(), b.ty()))
            .hint("put a ParseNumber or ToText node before one of them")),
    }
}

/// Several yes or no joined.
fn logic() -> Node {
    Node::pure("Logic", 1, |cx| {
        let all = cx.list("values")?;
        let mut yes = 0;
        for v in all.iter() {
            match v {
                Value::Bool(true) => yes += 1,
                Value::Bool(false) => {}
                other => return Err(values::unfit("values", "yes or no", other)),
            }
        }
        let result = match &*cx.text("mode")? {
            "all" => yes == all.len(),
            "any" => yes > 0,
            "none" => yes == 0,
            _ => yes == 1,
        };
        cx.set("yes", result);
        Ok(())
    })
    .title("All, any, none")
    .category("logic")
    .doc("Joins several yes or no into one.")
    .many("values", names::BOOL, "What to join.")
    .param(Param::choice("mode", &["all", "any", "none", "exactly one"]).doc("How many have to be yes."))
    .output("yes", names::BOOL, "Whether it is so.")
}

/// The opposite.
fn not() -> Node {
    Node::pure("Not", 1, |cx| {
        let yes = cx.bool("yes")?;
        cx.set("yes", !yes);
        Ok(())
    })
    .title("Not")
    .category("logic")
    .doc("Yes becomes no, and no becomes yes.")
    .input("yes", names::BOOL, "What to turn round.")
    .output("yes", names::BOOL, "The opposite.")
}
