//! Which item has which traits.

use crate::values::{AssignmentValue, PlanValue, Traits, names as own, take};
use kiln_collection::assign::{ByHand, assign};
use kiln_collection::plan::Plan;
use kiln_collection::{balance, check};
use kiln_core::{Cx, Node, NodeError, Param, words};
use kiln_types::{FileRef, Value, names};
use std::sync::Arc;

/// No table of hands is longer.
const MOST_TABLE: u64 = 16 << 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![assign_traits(), item_traits()]
}

/// The whole assignment, made once.
fn assign_traits() -> Node {
    Node::pure("AssignTraits", 1, |cx| {
        let mut plan: PlanValue = (*take::<PlanValue>(cx, "plan")?).clone();
        let (size, seed) = (cx.int("size")?, cx.int("seed")?);
        plan.plan.size = match u64::try_from(size) {
            Ok(0) | Err(_) if !plan.sized => {
                return Err(NodeError::new("nobody says how many items the collection has")
                    .at("size")
                    .hint("set size: a folder of layers or a table does not say it"));
            }
            Ok(0) | Err(_) => plan.plan.size,
            Ok(size) => size,
        };
        if let Ok(seed) = u64::try_from(seed) {
            plan.plan.seed = seed;
        }
        plan.plan.allow_duplicates |= cx.bool("duplicates")?;
        plan.plan.check().map_err(|e| NodeError::new(e).at("plan"))?;
        let mut made = assign(&plan.plan).map_err(|e| NodeError::new(e).at("plan"))?;
        let mut hands = Vec::new();
        if cx.has("by_hand") {
            let file = cx.file("by_hand")?;
            let table = hands_of(cx, &file, &plan.plan)?;
            made = made.by_hand(&plan.plan, &table).map_err(|e| NodeError::new(e).at("by_hand"))?;
            hands = table.iter().map(|h| h.item as u64).collect();
            hands.sort_unstable();
            hands.dedup();
        }
        // What is handed on is proven, not believed.
        if let Some(breach) = check::check(&plan.plan, &made, 1).first() {
            return Err(NodeError::new(format!("the assignment does not keep the plan: {breach}"))
                .hint("this is a fault in Kiln; please report it"));
        }
        let table = balance::balance(&plan.plan).against(&plan.plan, &made).table();
        let hash: String = made.hash().iter().map(|b| format!("{b:02x}")).collect();
        cx.set("size", i64::try_from(made.len()).unwrap_or(i64::MAX));
        cx.set("hash", hash.as_str());
        cx.set("table", table.as_str());
        cx.set("assignment", AssignmentValue { plan: Arc::new(plan), assignment: made, hands });
        Ok(())
    })
    .title("Assign traits")
    .category("collection/traits")
    .doc(
        "Gives every item of the collection its traits: the same plan, size and seed give the same assignment, whoever \
         makes which items when. Exact counts are met exactly, rules hold, no two items are alike. A plan that nothing \
         can fulfil is refused with the rules that contradict each other and the numbers. How many items there are is \
         a matter of the plan, not of the run: ten items made to look at have the traits they will have among ten \
         thousand.",
    )
    .input("plan", own::TRAIT_PLAN, "The plan.")
    .param(
        Param::int("size", 0, 0..=10_000_000)
            .unit("items")
            .doc("How many items the collection has; 0: what the plan says."),
    )
    .param(
        Param::int("seed", -1, -1..=i64::MAX)
            .doc("Where chance begins; -1: what the plan says, or 0. Another seed, another collection of the same shares."),
    )
    .param(Param::bool("duplicates", false).doc("Allow items that are alike, whatever the plan says."))
    .param(Param::file("by_hand").default(Value::None).doc(
        "A table (.csv) of traits given by hand: a column `item` (from 0), and one for each group that is given; the \
         value's name, `none`, or nothing to leave it as it is. Another item takes what is given away, so that no \
         count changes; rules and exact counts hold for these items, too.",
    ))
    .output("assignment", own::TRAIT_ASSIGNMENT, "Who has what, for ItemTraits, Rarity and metadata.")
    .output("size", names::INT, "How many items there are.")
    .output("hash", names::TEXT, "The hash of the whole assignment.")
    .output("table", names::TEXT, "Planned and assigned counts of every value, as a table to read.")
}

/// Reads a table of traits given by hand.
fn hands_of(cx: &Cx<'_>, file: &FileRef, plan: &Plan) -> Result<Vec<ByHand>, NodeError> {
    let name = file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let bad = |line: u64, what: String| NodeError::new(format!("{name}, line {line}: {what}")).at("by_hand");
    if std::fs::metadata(&file.path).map(|m| m.len()).unwrap_or(0) > MOST_TABLE {
        return Err(NodeError::new(format!("{name} has more than 16 MiB")).at("by_hand"));
    }
    let bytes = cx.read(file)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let line_of = |e: &csv::Error| e.position().map_or(1, csv::Position::line);
    let header = reader.headers().map_err(|e| bad(line_of(&e), e.to_string()))?.clone();
    let mut columns = Vec::with_capacity(header.len());
    for column in &header {
        if column == "item" {
            columns.push(None);
            continue;
        }
        let Some(group) = plan.groups.iter().position(|g| g.name == column) else {
            let names = || plan.groups.iter().map(|g| g.name.as_str()).chain(["item"]);
            let near = words::nearest(column, names()).map(|n| format!("; did you mean {n:?}?"));
            return Err(bad(1, format!("there is no group {column:?}{}", near.unwrap_or_default())));
        };
        if columns.contains(&Some(group)) {
            return Err(bad(1, format!("the column {column:?} stands there twice")));
        }
        columns.push(Some(group));
    }
    let Some(item_at) = columns.iter().position(Option::is_none) else {
        return Err(bad(1, "the first line names the columns, and `item` is not among them".to_owned()));
    };
    let mut hands = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| bad(line_of(&e), e.to_string()))?;
        let line = row.position().map_or(1, csv::Position::line);
        let word = row.get(item_at).unwrap_or_default();
        let item = word
            .parse::<usize>()
            .map_err(|_| bad(line, format!("{word:?} is no item: write its number, from 0")))?;
        let mut values = Vec::new();
        for (cell, group) in row.iter().zip(&columns) {
            let Some(group) = group.filter(|_| !cell.is_empty()) else { continue };
            let known = &plan.groups[group];
            if cell == "none" {
                if known.nothing().is_none() {
                    return Err(bad(line, format!("every item has a {:?}", known.name)));
                }
                values.push((group, None));
                continue;
            }
            let Some(value) = known.values.iter().position(|v| v.name == cell) else {
                let near = words::nearest(cell, known.values.iter().map(|v| &v.name));
                let near = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                return Err(bad(line, format!("{:?} has no value {cell:?}{near}", known.name)));
            };
            values.push((group, Some(value)));
        }
        hands.push(ByHand { item, values });
    }
    Ok(hands)
}

/// The traits of the item that is being made.
fn item_traits() -> Node {
    Node::pure("ItemTraits", 1, |cx| {
        let assignment = take::<AssignmentValue>(cx, "assignment")?;
        let item = match cx.item() {
            Some(info) => info.item,
            None => cx.count("without")? as u64,
        };
        let traits = Traits::of(&assignment, item)?;
        let words: Vec<String> = traits.traits.iter().map(|t| format!("{}: {}", t.group, t.value)).collect();
        let shown: Vec<Value> =
            traits.traits.iter().map(|t| Value::text(format!("{}: {}", t.group_shown, t.shown))).collect();
        cx.set("words", words.join("\n").as_str());
        cx.set("list", Value::list(shown));
        cx.set("tier", traits.tier.as_deref().unwrap_or_default());
        cx.set("count", i64::try_from(traits.traits.len()).unwrap_or(i64::MAX));
        cx.set("traits", traits);
        Ok(())
    })
    .title("Item traits")
    .category("collection/traits")
    .doc(
        "The traits of the item that is being made. What is made of them is named by the traits, not by the plan: an \
         item that has the same traits after the plan was changed is not made again.",
    )
    .input("assignment", own::TRAIT_ASSIGNMENT, "Who has what, from AssignTraits.")
    .param(Param::int("without", 0, 0..=i64::MAX).doc("Which item it is when the graph runs without items."))
    .output("traits", own::TRAITS, "The item's traits.")
    .output("words", names::TEXT, "The traits in words, a line each: \"Hat: Crown\".")
    .output_list("list", names::TEXT, "The same as a list, with the names that collectors see.")
    .output("tier", names::TEXT, "The plan's tier that the item belongs to; empty where there is none.")
    .output("count", names::INT, "How many traits it has.")
    .uses_item(|_| true)
    .by_value()
}
