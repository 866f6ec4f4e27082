//! Metadata: what is written, what is refused, and a referee for the schemas.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::Chance;
use kiln_collection::assign::assign;
use kiln_collection::canonical::canonical;
use kiln_collection::metadata::*;
use kiln_collection::plan::Plan;
use serde_json::{Value, json};

fn digest(letter: char) -> String {
    letter.to_string().repeat(64)
}

fn token() -> Token {
    Token {
        name: "Foxes #7".into(),
        description: "A fox.".into(),
        image: "ipfs://bafy/7.png".into(),
        external_url: Some("https://foxes.example/7".into()),
        background_color: Some("a0B1c2".into()),
        attributes: vec![
            Attribute::text("Hat", "Crown"),
            Attribute::number("Level", 7.0, Some(Display::Number)).at_most(10.0),
            Attribute::number("Luck", 2.5, Some(Display::BoostPercentage)),
            Attribute::number("Born", 1_700_000_000.0, Some(Display::Date)),
            Attribute {
                trait_type: None,
                display_type: None,
                value: AttributeValue::Text("Happy".into()),
                max_value: None,
            },
        ],
        properties: Some(Properties {
            tier: Some("Legendary".into()),
            files: vec![File {
                uri: "ipfs://bafy/7.png".into(),
                r#type: "image/png".into(),
                sha256: Some(digest('a')),
            }],
            generation: Some(Generation {
                prompt: Some("a fox, \"crown\"\nred".into()),
                negative: Some("blurry".into()),
                seed: Some(u64::MAX.to_string()),
                sampler: Some("dpmpp_2m".into()),
                scheduler: Some("karras".into()),
                steps: Some(24),
                cfg: Some(6.5),
                width: Some(512),
                height: Some(768),
                models: vec![ModelUse { name: "sd15.safetensors".into(), hash: Some(digest('b')) }],
                loras: vec![LoraUse { name: "aurora.safetensors".into(), hash: None, strength: 0.8 }],
                engine: "Kiln 0.1.0".into(),
                attempt: Some(2),
                gates: [("sharpness".to_owned(), 0.93)].into_iter().collect(),
                recipe: Some(digest('c')),
                remake: None,
            }),
            other: [("studio".to_owned(), json!({"hand": [1, 2]}))].into_iter().collect(),
        }),
        ..Token::default()
    }
}

#[test]
fn a_document_is_always_the_same_bytes() {
    let text = token().to_text();
    assert_eq!(text, include_str!("fixtures/token.json"));
    assert_eq!(read_token(7, text.as_bytes()).unwrap(), token());
    assert_eq!(read_token(7, text.as_bytes()).unwrap().to_text(), text);
    // Canonical: whatever the order in which somebody wrote it.
    let mut turned = serde_json::Map::new();
    for (key, value) in token().to_value().as_object().unwrap().iter().rev() {
        turned.insert(key.clone(), value.clone());
    }
    assert_eq!(canonical(&Value::Object(turned)), canonical(&token().to_value()));
}

#[test]
fn faults_name_the_token_and_the_field() {
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut document = token().to_value();
        change(&mut document);
        check_token(7, &document).unwrap_err().to_string()
    };
    assert_eq!(wrong(&|d| d["name"] = json!("")), "token 7: name: it is empty");
    assert_eq!(
        wrong(&|d| d["attributes"][0]["value"] = json!(null)),
        "token 7: attributes[0].value: a text or a number is expected, not nothing (null)"
    );
    assert_eq!(
        wrong(&|d| d["attributes"][1]["value"] = json!("seven")),
        "token 7: attributes[1].value: a number is expected, not \"seven\""
    );
    assert_eq!(
        wrong(&|d| d["attributes"][1]["display_type"] = json!("boost_nubmer")),
        "token 7: attributes[1].display_type: one of number, boost_number, boost_percentage and date is expected, not \
         \"boost_nubmer\"; did you mean `boost_number`?"
    );
    assert_eq!(
        wrong(&|d| d["properties"]["generation"]["promt"] = json!("x")),
        "token 7: properties.generation.promt: there is no such field; did you mean `prompt`?"
    );
    assert_eq!(
        wrong(&|d| d["properties"]["generation"]["steps"] = json!(0)),
        "token 7: properties.generation.steps: 0 is less than 1"
    );
    assert!(
        wrong(&|d| d["image"] = json!("7.png"))
            .starts_with("token 7: image: \"7.png\" does not have the form")
    );
    assert_eq!(
        wrong(&|d| d["attributes"][1]["trait_type"] = json!("Hat")),
        "token 7: attributes[1].trait_type: `Hat` stands there twice"
    );
    assert_eq!(
        wrong(&|d| {
            d.as_object_mut().unwrap().shift_remove("image");
            d["properties"]["generation"]["seed"] = json!(12);
        }),
        "token 7: image: it is missing; properties.generation.seed: a text is expected, not 12"
    );
    assert!(read_token(3, b"{").unwrap_err().to_string().starts_with("token 3: it is not JSON"));
    assert!(read_token(3, "[".repeat(100_000).as_bytes()).is_err());
    // What cannot be said in JSON is noticed.
    let mut odd = token();
    odd.attributes[1].max_value = Some(f64::NAN);
    assert_eq!(
        check_token(1, &odd.to_value()).unwrap_err().to_string(),
        "token 1: attributes[1].max_value: a number is expected, not nothing (null)"
    );
}

#[test]
fn a_collection_has_its_document_too() {
    let collection = Collection {
        name: "Foxes".into(),
        symbol: Some("FOX".into()),
        image: Some("ipfs://bafy/cover.png".into()),
        seller_fee_basis_points: Some(500),
        fee_recipient: Some(format!("0x{}", "Ab".repeat(20))),
        properties: Some(CollectionProperties {
            size: Some(2000),
            provenance: Some(digest('d')),
            ..Default::default()
        }),
        ..Collection::default()
    };
    check_collection(&collection.to_value()).unwrap();
    assert!(collection.to_text().starts_with("{\n  \"name\": \"Foxes\",\n  \"symbol\": \"FOX\","));
    let mut wrong = collection.to_value();
    wrong["seller_fee_basis_points"] = json!(10_001);
    wrong["nmae"] = json!(1);
    assert_eq!(
        check_collection(&wrong).unwrap_err().to_string(),
        "the collection: seller_fee_basis_points: 10001 is more than 10000; nmae: there is no such field; did you mean \
         `name`?"
    );
}

#[test]
fn a_plans_items_become_tokens() {
    let plan = Plan::from_ron(include_str!("../examples/plan.ron")).unwrap();
    let found = assign(&plan).unwrap();
    let name = Template::parse("{name} #{number:4}").unwrap();
    let description = Template::parse("{trait:Fur} fox, {trait:Coat|no coat}, {tier|common}.").unwrap();
    for item in 0..found.len() {
        let traits = found.traits(&plan, item);
        let tier = plan.tier(&found.item(item)).unwrap();
        let with = Context {
            name: &plan.name,
            number: item as u64,
            total: plan.size,
            tier,
            traits: &traits,
            others: &[],
        };
        let token = Token {
            name: name.fill(&with).unwrap(),
            description: description.fill(&with).unwrap(),
            image: format!("ipfs://bafy/{item}.png"),
            attributes: attributes(&plan, &found, item),
            ..Token::default()
        };
        check_token(item as u64, &token.to_value()).unwrap();
        assert_eq!(token.attributes.len(), traits.len());
    }
    assert!(description.groups().all(|group| plan.groups.iter().any(|g| g.name == group)));
}

/// Changes a document at random: takes something out, or puts something in.
fn disturb(value: &mut Value, chance: &mut Chance) {
    let pool = [
        json!(null),
        json!(""),
        json!("x"),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(3.0),
        json!(true),
        json!([]),
        json!({}),
        json!("date"),
        json!(digest('e')),
        json!("https://a.example"),
        json!(10_000),
        json!("ab\n"),
        json!("A0b1C2"),
    ];
    match value {
        Value::Object(map) if !map.is_empty() && chance.below(4) > 0 => {
            let at = chance.below(map.len());
            let key = map.keys().nth(at).unwrap().clone();
            match chance.below(6) {
                0 => drop(map.shift_remove(&key)),
                1 => drop(map.insert("other".into(), pool[chance.below(pool.len())].clone())),
                _ => disturb(map.get_mut(&key).unwrap(), chance),
            }
        }
        Value::Array(list) if !list.is_empty() && chance.below(4) > 0 => {
            let at = chance.below(list.len());
            disturb(&mut list[at], chance);
        }
        other => *other = pool[chance.below(pool.len())].clone(),
    }
}

#[test]
fn verdicts_are_those_of_a_full_implementation() {
    let (mut good, mut bad) = (0, 0);
    let collection = json!({
        "name": "Foxes", "symbol": "FOX", "collaborators": [format!("0x{}", "1".repeat(40))], "external_link": "https://a.example",
        "seller_fee_basis_points": 500, "fee_recipient": format!("0x{}", "2".repeat(40)),
        "properties": {"size": 2, "merkle_root": digest('f'), "more": 1}
    });
    // The referee is asked about the schema; the one demand beyond it is left out by distinct names.
    for (text, document, check) in [
        (TOKEN_SCHEMA, token().to_value(), (|d| check_token(0, d).is_ok()) as fn(&Value) -> bool),
        (COLLECTION_SCHEMA, collection, |d| check_collection(d).is_ok()),
    ] {
        let referee = jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap();
        assert!(check(&document) && referee.is_valid(&document));
        let mut chance = Chance::new(1, "disturb");
        for _ in 0..3000 {
            let mut other = document.clone();
            for _ in 0..1 + chance.below(2) {
                disturb(&mut other, &mut chance);
            }
            let names: Vec<&Value> = other["attributes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|a| a.get("trait_type"))
                .collect();
            if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
                continue;
            }
            assert_eq!(check(&other), referee.is_valid(&other), "{other}");
            if check(&other) { good += 1 } else { bad += 1 }
        }
    }
    assert!(good > 200 && bad > 2000, "{good} {bad}");
}
