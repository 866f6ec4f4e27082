//! Values that are set once and linked to many nodes.

use crate::values::{ANY_INT, ANY_NUMBER};
use kiln_core::{Kind, Node, Param};
use kiln_types::{Color, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![
        number(),
        integer(),
        text(),
        long_text(),
        color(),
        seed(),
        toggle(),
        size(),
        range(),
        curve(),
        file(),
        text_list(),
        number_list(),
    ]
}

/// A node that gives its one parameter on.
fn constant(name: &'static str, title: &'static str, doc: &'static str, param: Param) -> Node {
    let ty = param.kind.ty();
    let node = Node::pure(name, 1, |cx| {
        let value = cx.value("value")?;
        cx.set("value", value);
        Ok(())
    })
    .title(title)
    .category("constant")
    .doc(doc)
    .param(param);
    let port: &'static str = match ty.name {
        std::borrow::Cow::Borrowed(name) => name,
        std::borrow::Cow::Owned(_) => names::ANY,
    };
    if ty.list {
        node.output_list("value", port, "The values.")
    } else {
        node.output("value", port, "The value.")
    }
}

/// A number with decimals.
fn number() -> Node {
    let param = Param::float("value", 0.0, ANY_NUMBER).doc("The number.");
    constant("Number", "Number", "A number, to link to several nodes.", param)
}

/// A whole number.
fn integer() -> Node {
    let param = Param::int("value", 0, ANY_INT).doc("The whole number.");
    constant("Integer", "Whole number", "A whole number, to link to several nodes.", param)
}

/// A line of text.
fn text() -> Node {
    let param = Param::text("value", "").doc("The text.");
    constant("Text", "Text", "A line of text, to link to several nodes.", param)
}

/// Several lines of text.
fn long_text() -> Node {
    let param = Param::multiline("value", "").doc("The text.");
    constant("LongText", "Long text", "Text of several lines, to link to several nodes.", param)
}

/// A colour.
fn color() -> Node {
    let param = Param::color("value", Color::BLACK).doc("The colour.");
    constant("Color", "Colour", "A colour, to link to several nodes.", param)
}

/// A seed.
fn seed() -> Node {
    let param = Param::seed("value").doc("The seed; over items each item draws its own, unless it is fixed.");
    constant("Seed", "Seed", "A random seed, to link to several nodes that should draw together.", param)
}

/// Yes or no.
fn toggle() -> Node {
    let param = Param::bool("value", false).doc("Yes or no.");
    constant("Toggle", "Yes or no", "A yes or no, to link to several nodes.", param)
}

/// Width and height.
fn size() -> Node {
    let param = Param::size("value", 512, 512).doc("Width and height.");
    constant("Size", "Size", "A width and a height, to link to several nodes.", param)
}

/// Lowest and highest.
fn range() -> Node {
    let param = Param::range("value", (0.0, 1.0), ANY_NUMBER).doc("The lowest and the highest number.");
    constant("Range", "Range", "A lowest and a highest number, to link to several nodes.", param)
}

/// Points of a curve.
fn curve() -> Node {
    let param = Param::curve("value", &[(0.0, 0.0), (1.0, 1.0)]).doc("The points, from left to right.");
    constant("Curve", "Curve", "A curve, to link to several nodes.", param)
}

/// A file.
fn file() -> Node {
    let param = Param::file("value").doc("The file, relative to the graph.");
    constant("File", "File", "A file, to link to several nodes.", param).reads_paths()
}

/// Several texts.
fn text_list() -> Node {
    let param = Param::list("value", Kind::Text { multiline: false }).doc("The texts.");
    let doc = "Several texts: a node that takes one text runs once for each.";
    constant("TextList", "List of texts", doc, param)
}

/// Several numbers.
fn number_list() -> Node {
    let kind = Kind::Float { min: *ANY_NUMBER.start(), max: *ANY_NUMBER.end(), step: 0.01 };
    let param = Param::list("value", kind).doc("The numbers.");
    let doc = "Several numbers: a node that takes one number runs once for each.";
    constant("NumberList", "List of numbers", doc, param)
}
