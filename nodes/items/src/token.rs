//! A token's document: name, text, attributes, and how its picture was made.

use crate::generation::{generation, has_layers};
use crate::values::{AssignmentValue, RarityValue, Traits, names as own, take};
use indexmap::IndexMap;
use kiln_collection::metadata::{
    Attribute, Context, Properties, Template, TemplateError, Token, check_token,
};
use kiln_core::{Cx, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::json;

/// The inputs that a template can name.
const INPUTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// The places of a template beyond those of every template.
const OTHERS: [&str; 11] = ["item", "edition", "rank", "rarity", "version", "a", "b", "c", "d", "e", "f"];
/// The longest history that is kept.
const MOST_VERSIONS: usize = 1000;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![token_metadata()]
}

/// What templates are filled with.
struct Words {
    collection: String,
    number: u64,
    total: u64,
    tier: Option<String>,
    others: Vec<(&'static str, String)>,
}

impl Words {
    fn fill(&self, cx: &Cx<'_>, param: &str, traits: &[(&str, &str)]) -> Result<String, NodeError> {
        self.fill_text(&cx.text(param)?, traits).map_err(|e| NodeError::new(e).at(param.to_owned()))
    }

    fn fill_text(&self, text: &str, traits: &[(&str, &str)]) -> Result<String, TemplateError> {
        let others: Vec<(&str, &str)> = self.others.iter().map(|(n, w)| (*n, w.as_str())).collect();
        let with = Context {
            name: &self.collection,
            number: self.number,
            total: self.total,
            tier: self.tier.as_deref(),
            traits,
            others: &others,
        };
        Template::parse_with(text, &OTHERS)?.fill(&with)
    }
}

/// A plain value in words.
fn words(value: &Value) -> Result<String, NodeError> {
    Ok(match value {
        Value::None => String::new(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Text(v) => v.to_string(),
        Value::Color(v) => v.to_string(),
        Value::Seed(v) => v.to_string(),
        other => return Err(NodeError::new(format!("a value of type {} has no words", other.ty()))),
    })
}

/// A JSON text that is an object.
fn object(text: &str, what: &str) -> Result<serde_json::Map<String, serde_json::Value>, NodeError> {
    if text.trim().is_empty() {
        return Ok(serde_json::Map::new());
    }
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(map)) => Ok(map),
        Ok(_) => {
            Err(NodeError::new(format!("{what} is no JSON object"))
                .hint("write it like {\"artist\": \"Ada\"}"))
        }
        Err(e) => {
            Err(NodeError::new(format!("{what} is not JSON: {e}"))
                .hint("write it like {\"artist\": \"Ada\"}"))
        }
    }
}

/// The version before, if there was one: its number, and the history with it at the end.
fn versions(previous: &str) -> Result<(u64, Vec<serde_json::Value>), NodeError> {
    if previous.trim().is_empty() {
        return Ok((1, Vec::new()));
    }
    let document: serde_json::Value = serde_json::from_str(previous)
        .map_err(|e| NodeError::new(format!("the version before is not JSON: {e}")))?;
    let number = document.pointer("/properties/version").and_then(serde_json::Value::as_u64).unwrap_or(1);
    let mut history = match document.pointer("/properties/history") {
        Some(serde_json::Value::Array(list)) => list.clone(),
        _ => Vec::new(),
    };
    let canonical = kiln_collection::canonical::canonical(&document);
    let hash = kiln_collection::provenance::Digest::sha256(canonical.as_bytes());
    history.push(json!({
        "version": number,
        "metadata": hash.to_string(),
        "image": document.get("image").cloned().unwrap_or_default(),
        "recipe": document.pointer("/properties/generation/recipe").cloned().unwrap_or_default(),
    }));
    if history.len() > MOST_VERSIONS {
        history.drain(..history.len() - MOST_VERSIONS);
    }
    Ok((number.saturating_add(1), history))
}

fn token_metadata() -> Node {
    let node = Node::pure("TokenMetadata", 1, |cx| {
        let item = match cx.item() {
            Some(info) => info.item,
            None => cx.count("without")? as u64,
        };
        let traits = if cx.has("traits") { Some(take::<Traits>(cx, "traits")?) } else { None };
        let assignment =
            if cx.has("assignment") { Some(take::<AssignmentValue>(cx, "assignment")?) } else { None };
        let rarity = if cx.has("rarity") { Some(take::<RarityValue>(cx, "rarity")?) } else { None };
        let rare = match &rarity {
            Some(rarity) => Some(rarity.item(item).ok_or_else(|| {
                NodeError::new(format!("item {item} was not counted")).at("rarity")
            })?),
            None => None,
        };
        let number = item.saturating_add(cx.count("first")? as u64);
        let (version, history) = match cx.has("previous") {
            true => versions(&cx.text("previous")?).map_err(|e| e.at("previous"))?,
            false => (1, Vec::new()),
        };
        let mut collection = cx.text("collection")?.to_string();
        if collection.is_empty()
            && let Some(assignment) = &assignment
        {
            collection.clone_from(&assignment.plan.plan.name);
        }
        let tier = traits.as_ref().and_then(|t| t.tier.clone()).or_else(|| {
            rare.map(|r| r.tier.clone()).filter(|tier| !tier.is_empty())
        });
        let total = match (&assignment, cx.count("total")?) {
            (Some(assignment), 0) => assignment.assignment.len(),
            (_, total) => total,
        };
        let mut others = vec![
            ("item", item.to_string()),
            ("edition", number.to_string()),
            ("version", version.to_string()),
            ("rank", rare.map(|r| r.rank.to_string()).unwrap_or_default()),
            ("rarity", rare.map(|r| r.tier.clone()).unwrap_or_default()),
        ];
        for name in INPUTS {
            if cx.has(name) {
                others.push((name, words(&cx.value(name)?).map_err(|e| e.at(name))?));
            }
        }
        let with = Words { collection, number, total: total as u64, tier: tier.clone(), others };
        let pairs = traits.as_ref().map(|t| t.pairs()).unwrap_or_default();
        let mut attributes: Vec<Attribute> = traits
            .as_ref()
            .map(|t| t.traits.iter().filter_map(crate::values::Trait::attribute).collect())
            .unwrap_or_default();
        for line in cx.list("more_attributes")?.iter() {
            let Value::Text(line) = line else { continue };
            attributes.push(attribute(line, &with, &pairs).map_err(|e| e.at("more_attributes"))?);
        }
        let optional = |param: &str| -> Result<Option<String>, NodeError> {
            Ok(Some(with.fill(cx, param, &pairs)?).filter(|text| !text.trim().is_empty()))
        };
        let mut properties = Properties { tier, ..Properties::default() };
        let image = if cx.has("picture") { Some(cx.image("picture")?) } else { None };
        if let Some(recipe) = cx.recipe("picture") {
            let size = image.as_ref().map(|i| (i.width(), i.height()));
            properties.generation = Some(generation(recipe, size));
            if let Some(traits) = traits.as_ref().filter(|_| has_layers(recipe)) {
                let layers: Vec<serde_json::Value> = traits
                    .traits
                    .iter()
                    .filter_map(|t| t.layer.as_ref())
                    .map(|l| json!({ "name": l.name, "hash": kiln_types::Key(l.hash).to_string() }))
                    .collect();
                properties.other.insert("layers".to_owned(), layers.into());
            }
        }
        if let (Some(rare), Some(rarity)) = (rare, &rarity) {
            properties.other.insert(
                "rarity".to_owned(),
                json!({
                    "rank": rare.rank, "of": rarity.items.len(), "tier": rare.tier,
                    "open_rarity": rare.open, "open_rank": rare.open_rank,
                }),
            );
        }
        if traits.as_ref().is_some_and(|t| t.by_hand) {
            properties.other.insert("by_hand".to_owned(), true.into());
        }
        if version > 1 {
            properties.other.insert("version".to_owned(), version.into());
            properties.other.insert("history".to_owned(), history.into());
        }
        if cx.has("state") {
            let state = object(&cx.text("state")?, "the state").map_err(|e| e.at("state"))?;
            properties.other.insert("state".to_owned(), state.into());
        }
        let more = object(&cx.text("properties")?, "what is to be added").map_err(|e| e.at("properties"))?;
        for (name, value) in more {
            let taken = matches!(name.as_str(), "tier" | "files" | "generation")
                || properties.other.contains_key(&name);
            if taken {
                return Err(NodeError::new(format!("the property {name:?} is there already")).at("properties"));
            }
            let value = filled(value, &with, &pairs).map_err(|e| NodeError::new(e).at("properties"))?;
            properties.other.insert(name, value);
        }
        let background = cx.text("background_color")?;
        let token = Token {
            name: with.fill(cx, "name", &pairs)?,
            description: with.fill(cx, "description", &pairs)?,
            image: with.fill(cx, "image", &pairs)?,
            external_url: optional("external_url")?,
            animation_url: optional("animation_url")?,
            background_color: Some(background.trim_start_matches('#').to_owned()).filter(|c| !c.is_empty()),
            attributes,
            properties: (properties != Properties::default()).then_some(properties),
        };
        // Wrong fields are found here, where the parameter that made them is near.
        check_token(number, &token.to_value()).map_err(|e| NodeError::new(e).hint("look at the parameter of that name"))?;
        cx.set("number", i64::try_from(number).unwrap_or(i64::MAX));
        cx.set("name", token.name.as_str());
        cx.set("version", i64::try_from(version).unwrap_or(i64::MAX));
        cx.set("token", token.to_text().as_str());
        Ok(())
    })
    .title("Token metadata")
    .category("collection/metadata")
    .doc(
        "The item's document as ERC-721 and the marketplaces read it: name and description from templates, the traits \
         as attributes, and under properties how its picture was made, read from the graph itself: prompts, seed, \
         sampler, models with their hashes, gates and the key of its recipe. Templates know {name} of the collection, \
         {number}, {number:4}, {total}, {tier}, {trait:Hat}, {trait:Hat|no hat}, {item}, {rank}, {rarity}, {version} and \
         {a} to {f}.",
    )
    .optional("traits", own::TRAITS, "The item's traits.")
    .optional("assignment", own::TRAIT_ASSIGNMENT, "Who has what: for the collection's name and size.")
    .optional("rarity", own::RARITY, "How rare all items are, from Rarity.")
    .optional("picture", names::IMAGE, "The item's picture: how it was made is told.")
    .reads_recipe()
    .optional("state", names::TEXT, "What an evolving token has become, as JSON; told under properties.")
    .optional("previous", names::TEXT, "The document of the version before, from PreviousToken; empty for the first.");
    INPUTS
        .iter()
        .fold(node, |n, name| n.optional(name, names::ANY, "A value for the place of this name in templates."))
        .param(Param::text("name", "{name|} #{number}").default(Value::from("{name} #{number}")).doc("The token's name."))
        .param(Param::multiline("description", "").doc("A text about the token; Markdown is allowed."))
        .param(
            Param::text("image", "ipfs://replace-me/{number}.png")
                .doc("Where the picture will be: ipfs://, ar://, https:// or data:."),
        )
        .param(Param::text("external_url", "").doc("A page about the token; empty: none."))
        .param(Param::text("animation_url", "").doc("A film, sound or page that belongs to it; empty: none."))
        .param(Param::text("background_color", "").doc("Six hexadecimal digits; empty: none."))
        .param(
            Param::list("more_attributes", Kind::Text { multiline: false }).doc(
                "Further attributes, \"Name: value\", with places: \"Rank: {rank}\". \"Level (number): {a}\" is shown as \
                 a number; so are boost_number, boost_percentage and date.",
            ),
        )
        .param(Param::multiline("properties", "").doc("Further properties as a JSON object; its texts may have places."))
        .param(Param::text("collection", "").doc("The collection's name; empty: the plan's."))
        .param(Param::int("first", 0, 0..=i64::MAX).doc("The number of the first token: 0 or 1, as a contract counts."))
        .param(Param::int("total", 0, 0..=i64::MAX).doc("How many tokens there are; 0: as many as traits were assigned to."))
        .param(Param::int("without", 0, 0..=i64::MAX).doc("Which item it is when the graph runs without items."))
        .output("token", names::TEXT, "The document, for SaveToken.")
        .output("name", names::TEXT, "The token's name.")
        .output("number", names::INT, "The token's number.")
        .output("version", names::INT, "Which version of the token it is; 1 for the first.")
        .uses_item(|_| true)
        .check(|given| {
            let mut found = Vec::new();
            for param in ["name", "description", "image", "external_url", "animation_url"] {
                if let Some(text) = given.text(param)
                    && let Err(e) = Template::parse_with(&text, &OTHERS)
                {
                    found.push(NodeError::new(e).at(param));
                }
            }
            found
        })
}

/// `Name: value` or `Name (number): value`.
fn attribute(line: &str, with: &Words, pairs: &[(&str, &str)]) -> Result<Attribute, NodeError> {
    let bad = |what: &str| NodeError::new(format!("{line:?}: {what}")).hint("write it like \"Rank: {rank}\"");
    // A place may hold a colon as well: the first one outside of braces parts name and value.
    let mut depth = 0i32;
    let at = line.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        *c == ':' && depth == 0
    });
    let (name, value) =
        at.map(|(at, _)| (&line[..at], &line[at + 1..])).ok_or_else(|| bad("it has no name"))?;
    let value = with.fill_text(value.trim(), pairs).map_err(NodeError::new)?;
    let (name, display) = match name.trim().strip_suffix(')').and_then(|n| n.rsplit_once('(')) {
        Some((plain, word)) => match serde_json::from_value(json!(word.trim())) {
            Ok(display) => (plain.trim(), Some(display)),
            Err(_) => (name.trim(), None),
        },
        None => (name.trim(), None),
    };
    if name.is_empty() {
        return Err(bad("it has no name"));
    }
    match display {
        None => Ok(Attribute::text(name, value)),
        Some(display) => {
            let number: f64 = value
                .trim()
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .ok_or_else(|| bad(&format!("{value:?} is no number")))?;
            Ok(Attribute::number(name, number, Some(display)))
        }
    }
}

/// JSON whose texts have their places filled.
fn filled(
    value: serde_json::Value,
    with: &Words,
    pairs: &[(&str, &str)],
) -> Result<serde_json::Value, TemplateError> {
    Ok(match value {
        serde_json::Value::String(text) => with.fill_text(&text, pairs)?.into(),
        serde_json::Value::Array(list) => serde_json::Value::Array(
            list.into_iter().map(|v| filled(v, with, pairs)).collect::<Result<_, _>>()?,
        ),
        serde_json::Value::Object(map) => serde_json::Value::Object(
            map.into_iter()
                .map(|(k, v)| Ok((k, filled(v, with, pairs)?)))
                .collect::<Result<_, TemplateError>>()?,
        ),
        other => other,
    })
}

/// Properties by name, for the collection's document.
pub(crate) fn properties(text: &str) -> Result<IndexMap<String, serde_json::Value>, NodeError> {
    Ok(object(text, "what is to be added")?.into_iter().collect())
}
