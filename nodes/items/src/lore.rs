//! Names and lore from a grammar.

use crate::values::{AssignmentValue, Traits, names as own, take};
use kiln_collection::grammar::{Grammar, Names};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::{Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![token_names(), token_name(), lore()]
}

/// Adds the parameters that say which grammar.
fn with_grammar(node: Node) -> Node {
    node.param(
        Param::file("file").default(Value::None).doc("A grammar's file (.ron); it counts where both are given."),
    )
    .param(Param::multiline("grammar", "").doc(
        "The grammar itself: (start: \"name\", rules: {\"name\": [\"{cap:mood} {trait:Fur} fox\"], \"mood\": [\"salty\", \
         (text: \"royal\", when: [\"Hat: Crown\"], weight: 2)]}).",
    ))
    .param(Param::text("rule", "").doc("The rule to begin with; empty: the grammar's start."))
    .param(Param::int("seed", 0, 0..=i64::MAX).doc("Another number, other texts."))
}

fn grammar(cx: &Cx<'_>) -> Result<Grammar, NodeError> {
    if cx.has("file") {
        let file = cx.file("file")?;
        let name = file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = cx.read(&file)?;
        let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))
            .map_err(|_| NodeError::new(format!("{name} is not UTF-8 text")).at("file"))?;
        return Grammar::from_ron(text).map_err(|e| NodeError::new(format!("{name}: {e}")).at("file"));
    }
    let text = cx.text("grammar")?;
    if text.trim().is_empty() {
        return Err(NodeError::new("there is no grammar")
            .at("grammar")
            .hint("write one here, or name a file"));
    }
    Grammar::from_ron(&text).map_err(|e| NodeError::new(e).at("grammar"))
}

/// The rule to begin with.
fn rule(cx: &Cx<'_>, grammar: &Grammar) -> Result<String, NodeError> {
    let rule = cx.text("rule")?;
    Ok(if rule.trim().is_empty() { grammar.start().to_owned() } else { rule.trim().to_owned() })
}

fn token_names() -> Node {
    let node = Node::pure("TokenNames", 1, |cx| {
        let assignment = take::<AssignmentValue>(cx, "assignment")?;
        let grammar = grammar(cx)?;
        let (rule, seed) = (rule(cx, &grammar)?, cx.count("seed")? as u64);
        let mut names = Names::new(&grammar, &rule, seed);
        let size = assignment.assignment.len();
        let mut made = Vec::with_capacity(size);
        for item in 0..size {
            if item % 1000 == 0 {
                cx.pause()?;
                cx.progress(item as u64, size as u64);
            }
            let traits = Traits::of(&assignment, item as u64)?;
            let name =
                names.next(item as u64, &traits.pairs()).map_err(|e| NodeError::new(e).at("grammar"))?;
            made.push(Value::from(name.as_str()));
        }
        cx.set("names", Value::list(made));
        Ok(())
    })
    .title("Names of all tokens")
    .category("collection/words")
    .doc(
        "A name for every item of the collection, no two alike, from a grammar that knows the item's traits.",
    )
    .input("assignment", own::TRAIT_ASSIGNMENT, "Who has what.");
    with_grammar(node).output_list("names", names::TEXT, "The names, item by item.")
}

fn token_name() -> Node {
    let node = Node::pure("TokenName", 1, |cx| {
        let item = match cx.item() {
            Some(info) => info.item,
            None => cx.count("without")? as u64,
        };
        if cx.has("names") {
            let names = cx.list("names")?;
            let own = usize::try_from(item).ok().and_then(|at| names.get(at)).cloned().ok_or_else(|| {
                NodeError::new(format!("there is no name for item {item}: the list has {}", names.len())).at("names")
            })?;
            cx.set("name", own);
            return Ok(());
        }
        let text = told(cx, item)?;
        cx.set("name", text.as_str());
        Ok(())
    })
    .title("Token name")
    .category("collection/words")
    .doc(
        "The item's name: from a list made by TokenNames, where no two are alike, or straight from a grammar, where two \
         may be.",
    )
    .many("names", names::TEXT, "All names, from TokenNames.")
    .optional("traits", own::TRAITS, "The item's traits, where the name comes straight from a grammar.");
    with_grammar(node)
        .param(
            Param::int("without", 0, 0..=i64::MAX).doc("Which item it is when the graph runs without items."),
        )
        .output("name", names::TEXT, "The name.")
        .uses_item(|_| true)
        .by_value()
}

fn told(cx: &Cx<'_>, item: u64) -> Result<String, NodeError> {
    let grammar = grammar(cx)?;
    let (rule, seed) = (rule(cx, &grammar)?, cx.count("seed")? as u64);
    let traits = if cx.has("traits") { Some(take::<Traits>(cx, "traits")?) } else { None };
    let pairs = traits.as_ref().map(|t| t.pairs()).unwrap_or_default();
    grammar.text(&rule, seed, item, &pairs).map_err(|e| NodeError::new(e).at("grammar"))
}

fn lore() -> Node {
    let node = Node::pure("Lore", 1, |cx| {
        let item = match cx.item() {
            Some(info) => info.item,
            None => cx.count("without")? as u64,
        };
        let text = told(cx, item)?;
        cx.set("text", text.as_str());
        Ok(())
    })
    .title("Lore")
    .category("collection/words")
    .doc("A text about the item from a grammar that knows its traits: the same grammar, seed and item, the same text.")
    .optional("traits", own::TRAITS, "The item's traits.");
    with_grammar(node)
        .param(
            Param::int("without", 0, 0..=i64::MAX).doc("Which item it is when the graph runs without items."),
        )
        .output("text", names::TEXT, "The text.")
        .uses_item(|_| true)
        .by_value()
}
