//! Which item of the collection is being made.

use kiln_core::{Node, NodeError, Param, words};
use kiln_types::names;

pub(crate) fn nodes() -> Vec<Node> {
    vec![item(), column()]
}

/// The item's number.
fn item() -> Node {
    Node::pure("Item", 1, |cx| {
        let item = match cx.item() {
            Some(info) => {
                i64::try_from(info.item).map_err(|_| NodeError::new("the item's number is too large"))?
            }
            None => cx.int("without")?,
        };
        cx.set("item", item);
        Ok(())
    })
    .title("Item number")
    .category("item")
    .doc("The number of the item that is being made, when the graph runs over items.")
    .param(Param::int("without", 0, 0..=i64::MAX).doc("The number when the graph runs without items."))
    .output("item", names::INT, "The item's number, from 0.")
    .uses_item(|_| true)
}

/// A column of the item's row.
fn column() -> Node {
    Node::pure("ItemColumn", 1, |cx| {
        let name = cx.text("column")?;
        let text = match cx.item() {
            Some(info) => match info.row.iter().find(|(n, _)| **n == *name) {
                Some((_, word)) => word.as_str().into(),
                None if info.row.is_empty() => cx.text("without")?,
                None => {
                    let near = words::nearest(&name, info.row.iter().map(|(n, _)| n));
                    let all: Vec<&str> = info.row.iter().map(|(n, _)| n.as_str()).collect();
                    let error = NodeError::new(format!("the table has no column {:?}", &*name)).at("column");
                    return Err(match near {
                        Some(near) => error.hint(format!("did you mean {near:?}?")),
                        None => error.hint(format!("it has {}", words::list(&all))),
                    });
                }
            },
            None => cx.text("without")?,
        };
        cx.set("text", text);
        Ok(())
    })
    .title("Item column")
    .category("item")
    .doc("A column of the row that the item comes from, as text, when the graph runs over the rows of a table.")
    .param(Param::text("column", "").required().doc("The column's name."))
    .param(Param::text("without", "").doc("The text when there is no table."))
    .output("text", names::TEXT, "What the column holds.")
    .uses_item(|_| true)
}
