//! Passing one of several inputs on; what is not chosen is not even computed.

use kiln_core::{Node, NodeError, Param};
use kiln_types::names;

pub(crate) fn nodes() -> Vec<Node> {
    vec![switch(), switch_index(), fallback(), reroute()]
}

const TENTHS: [&str; 10] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

/// One of two.
fn switch() -> Node {
    Node::select("Switch", 1, |cx| {
        let name = if cx.bool("which")? { "on_true" } else { "on_false" };
        if cx.has(name) { Ok(name.to_owned()) } else { Err(nothing(name)) }
    })
    .title("Switch")
    .category("choose")
    .doc("Passes one of two inputs on. The other one is not computed.")
    .lazy("on_true", names::ANY, "Passed on when the switch is on.")
    .lazy("on_false", names::ANY, "Passed on when the switch is off.")
    .param(Param::bool("which", true).doc("On or off."))
    .output_like("value", "on_true", "The chosen input.")
}

fn nothing(name: &str) -> NodeError {
    NodeError::new(format!("{name:?} is chosen, but nothing is linked there")).at(name.to_owned())
}

/// One of ten.
fn switch_index() -> Node {
    let node = Node::select("SwitchIndex", 1, |cx| {
        let at = cx.count("which")?;
        match TENTHS.get(at) {
            Some(name) if cx.has(name) => Ok((*name).to_owned()),
            Some(name) => Err(nothing(name)),
            None => Err(NodeError::new(format!("there is no input {at}")).at("which")),
        }
    })
    .title("Switch of ten")
    .category("choose")
    .doc("Passes one of up to ten inputs on, by its number. The others are not computed.");
    TENTHS
        .iter()
        .fold(node, |n, name| {
            n.lazy(name, names::ANY, "Passed on when its number is chosen; the first has number 0.")
        })
        .param(Param::int("which", 0, 0..=9).doc("The number of the input, from 0."))
        .output_like("value", "first", "The chosen input.")
}

/// The first that is there.
fn fallback() -> Node {
    let node =
        Node::select("Fallback", 1, |cx| {
            TENTHS.iter().find(|n| cx.has(n)).map(|n| (*n).to_owned()).ok_or_else(|| {
                NodeError::new("nothing is linked").at("first").hint("link at least one input")
            })
        })
        .title("Fallback")
        .category("choose")
        .doc("Passes the first input on that is linked and not muted. The others are not computed.");
    TENTHS
        .iter()
        .fold(node, |n, name| n.lazy(name, names::ANY, "Passed on when no input before it is linked."))
        .output_like("value", "first", "The first input that is there.")
}

/// The same, elsewhere on the canvas.
fn reroute() -> Node {
    Node::pure("Reroute", 1, |cx| {
        let value = cx.value("value")?;
        cx.set("value", value);
        Ok(())
    })
    .title("Reroute")
    .category("choose")
    .doc("Passes its input on as it is, to lead a link around other nodes.")
    .whole("value", names::ANY, "Anything.")
    .output_like("value", "value", "The same.")
    .identity("value", |_| true)
}
