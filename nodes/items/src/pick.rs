//! One trait as a text, a number, a colour, a yes or no, a seed: for switches and parameters.

use crate::values::{Plain, Traits, names as own, take};
use kiln_core::{Cx, Kind, Node, NodeError, Param};
use kiln_types::{Color, Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![trait_text(), trait_number(), trait_color(), trait_is(), trait_seed()]
}

/// What all of these read: a group's value, or a parameter that a trait sets.
enum Found {
    /// The item has it.
    Here(Plain),
    /// The item has none of the group, or nobody sets the parameter.
    None,
}

fn found(cx: &Cx<'_>, traits: &Traits, shown: bool) -> Result<Found, NodeError> {
    let name = cx.text("trait")?;
    // A setting is written "node.parameter"; a group may hold a dot as well, and comes first.
    let group = traits.groups().any(|g| g == name.trim());
    if !group && name.contains('.') {
        return Ok(traits.setting(name.trim()).map_or(Found::None, |v| Found::Here(v.clone())));
    }
    let found = traits.find(&name).map_err(|e| e.at("trait"))?;
    Ok(found.map_or(Found::None, |t| match &t.is {
        Some(is) if !shown => Found::Here(is.clone()),
        _ if shown => Found::Here(Plain::Text(t.shown.clone())),
        _ => Found::Here(Plain::Text(t.value.clone())),
    }))
}

fn node(node: Node, title: &'static str, doc: &'static str) -> Node {
    node.title(title)
        .category("collection/traits")
        .doc(doc)
        .input("traits", own::TRAITS, "The item's traits.")
        .param(Param::text("trait", "").required().doc(
            "The name of a group; or a parameter that traits set, written \"node.parameter\", such as sampler.cfg.",
        ))
        .by_value()
}

fn trait_text() -> Node {
    let made = Node::pure("TraitText", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let shown = &*cx.text("words")? == "shown";
        let (text, has) = match found(cx, &traits, shown)? {
            Found::Here(plain) => (plain.words(), true),
            Found::None => (cx.text("otherwise")?.to_string(), false),
        };
        cx.set("text", text.as_str());
        cx.set("has", has);
        Ok(())
    });
    node(made, "Trait as text", "The item's value of a group as text, to switch by or to put into words.")
        .param(
            Param::choice("words", &["meant", "shown"]).doc(
                "meant: what the plan says it `is`, else its name. shown: the name that collectors see.",
            ),
        )
        .param(Param::text("otherwise", "").doc("The text for items without."))
        .output("text", names::TEXT, "The value.")
        .output("has", names::BOOL, "Whether the item has one.")
}

fn trait_number() -> Node {
    let made = Node::pure("TraitNumber", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let (number, has) = match found(cx, &traits, false)? {
            Found::Here(plain) => {
                let number = plain.number().ok_or_else(|| {
                    NodeError::new(format!("{:?} is no number", plain.words()))
                        .at("trait")
                        .hint("say in the plan what the value stands for: `is: 5`")
                })?;
                (number, true)
            }
            Found::None => (cx.float("otherwise")?, false),
        };
        cx.set("number", number);
        // A float that is too large stays at the end of what a whole number can be.
        cx.set("whole", number.round_ties_even() as i64);
        cx.set("has", has);
        Ok(())
    });
    node(made, "Trait as number", "The item's value of a group as a number, for a parameter.")
        .param(Param::float("otherwise", 0.0, -1e15..=1e15).doc("The number for items without."))
        .output("number", names::FLOAT, "The number.")
        .output("whole", names::INT, "The nearest whole number.")
        .output("has", names::BOOL, "Whether the item has one.")
}

fn trait_color() -> Node {
    let made = Node::pure("TraitColor", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let (color, has) = match found(cx, &traits, false)? {
            Found::Here(plain) => {
                let words = plain.words();
                let color = Color::parse(&words).map_err(|_| {
                    NodeError::new(format!("{words:?} is no colour"))
                        .at("trait")
                        .hint("say in the plan what the value stands for: `is: \"#c0392b\"`")
                })?;
                (color, true)
            }
            Found::None => (cx.color("otherwise")?, false),
        };
        cx.set("color", color);
        cx.set("has", has);
        Ok(())
    });
    node(made, "Trait as colour", "The item's value of a group as a colour.")
        .param(Param::color("otherwise", Color::WHITE).doc("The colour for items without."))
        .output("color", names::COLOR, "The colour.")
        .output("has", names::BOOL, "Whether the item has one.")
}

fn trait_is() -> Node {
    Node::pure("TraitIs", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let mut holds = None;
        for line in cx.list("traits_named")?.iter() {
            let Value::Text(line) = line else { continue };
            let one = named(&traits, line).map_err(|e| e.at("traits_named"))?;
            holds = Some(match (holds, &*cx.text("all")?) {
                (None, _) => one,
                (Some(before), "all") => before && one,
                (Some(before), _) => before || one,
            });
        }
        cx.set("yes", holds.unwrap_or(false));
        Ok(())
    })
    .title("Trait is")
    .category("collection/traits")
    .doc("Whether the item has a trait, written as in a plan's rules, for switches.")
    .input("traits", own::TRAITS, "The item's traits.")
    .param(
        Param::list("traits_named", Kind::Text { multiline: false }).required().doc(
            "What is asked: \"Hat: Crown\"; \"Hat: Crown | Tiara\" is any of the two, \"Hat: *\" any at all, \"Hat: none\" none.",
        ),
    )
    .param(Param::choice("all", &["all", "any"]).doc("Of several: whether all of them have to be there, or any."))
    .output("yes", names::BOOL, "Whether it is so.")
    .by_value()
}

/// Whether the item has what a rule's text names.
fn named(traits: &Traits, text: &str) -> Result<bool, NodeError> {
    let (group, values) = text.split_once(':').ok_or_else(|| {
        NodeError::new(format!("{text:?} names no trait")).hint("write it like \"Hat: Crown\"")
    })?;
    let own = traits.find(group)?;
    Ok(values.split('|').map(str::trim).any(|wanted| match wanted {
        "*" => own.is_some(),
        "none" => own.is_none(),
        wanted => own.is_some_and(|t| t.value == wanted),
    }))
}

fn trait_seed() -> Node {
    Node::pure("TraitSeed", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let mut hasher = blake3::Hasher::new_derive_key("kiln trait seed 1");
        hasher.update(&cx.int("seed")?.to_le_bytes());
        let mut put = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        let groups = cx.list("groups")?;
        if groups.is_empty() {
            for one in &traits.traits {
                put(&one.group);
                put(&one.value);
            }
        }
        for group in groups.iter() {
            let Value::Text(group) = group else { continue };
            let own = traits.find(group).map_err(|e| e.at("groups"))?;
            put(group.trim());
            put(own.map_or("", |t| t.value.as_str()));
        }
        if let Some(info) = cx.item() {
            hasher.update(&info.item.to_le_bytes());
        }
        let hash = hasher.finalize();
        let seed = u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]));
        cx.set("seed", Value::Seed(seed));
        Ok(())
    })
    .title("Trait seed")
    .category("collection/traits")
    .doc(
        "A seed that follows from traits: items with the same value of these groups draw the same, so that a coat looks \
         alike on everybody who wears it.",
    )
    .input("traits", own::TRAITS, "The item's traits.")
    .param(Param::int("seed", 0, 0..=i64::MAX).doc("Another number, other seeds for the same traits."))
    .param(
        Param::list("groups", Kind::Text { multiline: false })
            .doc("The groups whose values count; none: all of them."),
    )
    .param(Param::bool("each", false).doc("Another seed for each item, whatever its traits."))
    .output("seed", names::SEED, "The seed.")
    .uses_item(|given| given.bool("each").unwrap_or(true))
    .by_value()
}
