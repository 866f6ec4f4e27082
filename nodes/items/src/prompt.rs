//! Traits as prompts and LoRAs.

use crate::values::{Trait, Traits, names as own, take};
use kiln_core::template::{fill_or, places_or};
use kiln_core::{Node, NodeError, Param};
use kiln_types::{Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![trait_prompt(), trait_loras()]
}

/// The place for all words that are not placed otherwise.
const REST: &str = "all";

/// A list of phrases without the gaps that empty places leave: `a,  , b,` is `a, b`.
fn tidy(text: &str) -> String {
    let line = |line: &str| {
        let phrases: Vec<String> = line
            .split(',')
            .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|phrase| !phrase.is_empty())
            .collect();
        phrases.join(", ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// A template filled with the words of traits.
fn filled(
    traits: &Traits,
    template: &str,
    own: impl Fn(&Trait) -> Option<String>,
) -> Result<String, NodeError> {
    let placed = places_or(template);
    let text = fill_or(template, |name, otherwise| {
        if name == REST {
            let rest = traits.traits.iter().filter(|t| !placed.contains(&t.group)).filter_map(&own);
            return Ok(rest.collect::<Vec<_>>().join(", "));
        }
        if name == "tier" {
            return Ok(traits.tier.clone().or_else(|| otherwise.map(str::to_owned)).unwrap_or_default());
        }
        let found = traits.find(name)?.and_then(&own);
        Ok(found.or_else(|| otherwise.map(str::to_owned)).unwrap_or_default())
    })?;
    Ok(tidy(&text))
}

fn trait_prompt() -> Node {
    Node::pure("TraitPrompt", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        // A value without words of its own stands for itself where the template names its group.
        let template = cx.text("template")?;
        let placed = places_or(&template);
        let positive = filled(&traits, &template, |t| {
            let name = placed.contains(&t.group).then(|| t.shown.to_lowercase());
            t.prompt.clone().or(name)
        })
        .map_err(|e| e.at("template"))?;
        let negative =
            filled(&traits, &cx.text("negative_template")?, |t| t.negative.clone())
                .map_err(|e| e.at("negative_template"))?;
        cx.set("positive", positive.as_str());
        cx.set("negative", negative.as_str());
        Ok(())
    })
    .title("Trait prompt")
    .category("collection/traits")
    .doc(
        "The words of an item's traits put into a template. {Hat} is what the plan says for the item's hat, or the \
         value's name in small letters where it says nothing; {Hat|bare head} has words for items without; {all} is \
         the words of all groups that are not named; {tier} the tier. Commas that empty places leave are taken out.",
    )
    .input("traits", own::TRAITS, "The item's traits.")
    .param(Param::multiline("template", "{all}").doc("The prompt with its places."))
    .param(Param::multiline("negative_template", "{all}").doc("The negative prompt with its places."))
    .output("positive", names::TEXT, "The prompt.")
    .output("negative", names::TEXT, "The negative prompt.")
    .by_value()
}

fn trait_loras() -> Node {
    Node::pure("TraitLoras", 1, |cx| {
        let traits = take::<Traits>(cx, "traits")?;
        let factor = cx.float("factor")?;
        // One file that several traits ask for is laid on once, as strongly as all of them say together.
        let mut all: Vec<(&str, f64)> = Vec::new();
        for (file, strength) in traits.traits.iter().flat_map(|t| &t.loras) {
            if file.contains(['<', '>', ':']) {
                return Err(NodeError::new(format!("{file:?} cannot be written as <lora:name:strength>"))
                    .at("traits")
                    .hint("a LoRA's name has no < > or : in it"));
            }
            match all.iter_mut().find(|(known, _)| known == file) {
                Some((_, sum)) => *sum += strength,
                None => all.push((file, *strength)),
            }
        }
        let text: Vec<String> =
            all.iter().map(|(file, strength)| format!("<lora:{file}:{}>", strength * factor)).collect();
        cx.set("text", text.join(" ").as_str());
        cx.set("files", Value::list(all.iter().map(|(f, _)| Value::from(*f)).collect::<Vec<_>>()));
        cx.set(
            "strengths",
            Value::list(all.iter().map(|(_, s)| Value::Float(s * factor)).collect::<Vec<_>>()),
        );
        Ok(())
    })
    .title("Trait LoRAs")
    .category("collection/traits")
    .doc("The LoRAs that an item's traits ask for, as <lora:name:0.8>, for LoadLorasFromText.")
    .input("traits", own::TRAITS, "The item's traits.")
    .param(Param::float("factor", 1.0, -100.0..=100.0).step(0.05).doc("All strengths times this."))
    .output("text", names::TEXT, "The LoRAs as text; empty where no trait has one.")
    .output_list("files", names::TEXT, "Their names.")
    .output_list("strengths", names::FLOAT, "Their strengths.")
    .by_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_closed() {
        assert_eq!(tidy("fox, , a crown ,"), "fox, a crown");
        assert_eq!(tidy(" a ,,\n, b"), "a\nb");
    }
}
