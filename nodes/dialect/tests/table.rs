//! Every entry of the table against the nodes of this build.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::{Kind, Param, Registry, Schema};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Node types the table may speak of before a build has them: their entries are checked as soon as they are there.
const COMING: &[&str] = &[];

/// The table again, read by the test itself so that nothing of it is public for a test's sake.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Class {
    class: String,
    node: String,
    takes: Vec<String>,
    renames: BTreeMap<String, String>,
    values: BTreeMap<String, BTreeMap<String, ron::Value>>,
    turns: BTreeMap<String, ron::Value>,
    unsaid: BTreeMap<String, ron::Value>,
    ignores: BTreeMap<String, String>,
    gives: Vec<String>,
    sets: BTreeMap<String, ron::Value>,
    then: Vec<Then>,
    note: String,
}

#[derive(Deserialize)]
struct Then {
    node: String,
    from: (String, String),
    #[serde(default)]
    sets: BTreeMap<String, ron::Value>,
}

fn table() -> Vec<Class> {
    let text = include_str!("../src/classes.ron");
    // What the crate reads as words of an enum is a bare name to `ron::Value`.
    let text = ["File", "Name", "Plain"]
        .iter()
        .fold(text.to_owned(), |text, turn| text.replace(&format!(": {turn}"), &format!(": \"{turn}\"")));
    ron::from_str(&text).unwrap()
}

fn fits(kind: &Kind, value: &ron::Value) -> bool {
    let text = match value {
        ron::Value::String(text) => text.clone(),
        other => ron::to_string(other).unwrap(),
    };
    match (kind, value) {
        (Kind::Text { .. }, ron::Value::String(_)) => true,
        (Kind::Choice(words), ron::Value::String(_)) => words.iter().any(|w| *w == text),
        (_, ron::Value::String(_)) => false,
        _ => kiln_core::lit::from_word(kind, &text).is_ok(),
    }
}

struct Look<'a> {
    class: &'a str,
    wrong: &'a mut Vec<String>,
}

impl Look<'_> {
    fn param<'s>(&mut self, schema: &'s Schema, name: &str) -> Option<&'s Param> {
        let param = schema.params.iter().find(|p| p.name == name);
        if param.is_none() {
            self.wrong.push(format!("{}: {} has no parameter {name}", self.class, schema.name));
        }
        param
    }

    fn value(&mut self, schema: &Schema, name: &str, value: &ron::Value) {
        if let Some(param) = self.param(schema, name)
            && !fits(&param.kind, value)
        {
            self.wrong.push(format!("{}: {}.{name} does not take {value:?}", self.class, schema.name));
        }
    }
}

fn check(class: &Class, registry: &Registry, wrong: &mut Vec<String>) {
    let Some(node) = registry.get(&class.node) else {
        if !COMING.contains(&class.node.as_str()) {
            wrong.push(format!("{}: there is no node type {:?}", class.class, class.node));
        }
        return;
    };
    let schema = node.schema();
    let mut look = Look { class: &class.class, wrong };
    let same = class.takes.iter().map(|t| (t, t));
    let all: BTreeMap<&String, &String> = same.chain(class.renames.iter()).collect();
    let mut set: BTreeSet<&str> = class.sets.keys().map(String::as_str).collect();
    for (input, ours) in &all {
        let port = schema.inputs.iter().find(|i| i.name == ours.as_str());
        let param = schema.params.iter().find(|p| p.name == ours.as_str());
        if port.is_none() && param.is_none() {
            look.wrong.push(format!("{}: {} has no input or parameter {ours}", class.class, schema.name));
        }
        if !set.insert(ours) && !port.is_some_and(|p| p.many) {
            look.wrong.push(format!("{}: {ours} is set by {input} and by something else", class.class));
        }
    }
    for input in class.values.keys().chain(class.turns.keys()).chain(class.unsaid.keys()) {
        if !all.contains_key(input) {
            look.wrong.push(format!("{}: something is said of {input}, which it does not take", class.class));
        }
    }
    for (input, words) in &class.values {
        for value in words.values() {
            look.value(schema, all[input], value);
        }
    }
    for (input, value) in &class.unsaid {
        look.value(schema, all[input], value);
    }
    for input in class.turns.keys() {
        look.param(schema, all[input]);
    }
    for (param, value) in &class.sets {
        look.value(schema, param, value);
    }
    for output in class.gives.iter().filter(|o| !o.is_empty()) {
        if schema.output(output, 0).is_none() {
            look.wrong.push(format!("{}: {} has no output {output}", class.class, schema.name));
        }
    }
    let needed = schema.inputs.iter().filter(|i| !i.optional && !i.many).map(|i| i.name);
    for name in needed.chain(schema.params.iter().filter(|p| p.default.is_none()).map(|p| p.name)) {
        if !set.contains(name) {
            look.wrong.push(format!("{}: nothing is said of {}.{name}", class.class, schema.name));
        }
    }
    let mut before = schema;
    for then in &class.then {
        let schema = registry.get(&then.node).unwrap_or_else(|| panic!("{}", then.node)).schema();
        if !schema.inputs.iter().any(|i| i.name == then.from.0) || before.output(&then.from.1, 0).is_none() {
            look.wrong.push(format!("{}: {} is not fed by {:?}", class.class, then.node, then.from));
        }
        for (param, value) in &then.sets {
            look.value(schema, param, value);
        }
        before = schema;
    }
}

#[test]
fn every_entry_fits_the_nodes_of_this_build() {
    let registry = kiln_nodes::registry();
    let mut wrong = Vec::new();
    let classes = table();
    assert!(classes.len() > 130, "{}", classes.len());
    for class in &classes {
        if class.node.is_empty() {
            assert!(!class.note.is_empty(), "{} is left out, and nobody says why", class.class);
            continue;
        }
        check(class, &registry, &mut wrong);
        for input in class.ignores.keys() {
            assert!(
                !class.takes.contains(input) && !class.renames.contains_key(input),
                "{}: {input} is taken and ignored",
                class.class
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_coming_is_in_the_table() {
    let used: BTreeSet<String> = table().into_iter().map(|c| c.node).collect();
    let idle: Vec<_> = COMING.iter().filter(|ty| !used.contains(**ty)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn a_wrong_entry_is_noticed() {
    let registry = kiln_nodes::registry();
    let mut wrong = Vec::new();
    let ours = |name: &str| [(name.to_owned(), name.to_owned())].into();
    let class = |node: &str| Class { class: "X".into(), node: node.into(), ..Class::default() };
    check(&class("Nonsense"), &registry, &mut wrong);
    check(&Class { renames: ours("colour"), ..class("ImageInvert") }, &registry, &mut wrong);
    let sets = [("dither".to_owned(), ron::Value::String("bayer-3".into()))].into();
    let takes = vec!["image".to_owned()];
    check(
        &Class { sets, takes, gives: vec!["picture".into()], ..class("ImageQuantize") },
        &registry,
        &mut wrong,
    );
    let said = wrong.join("\n");
    for words in [
        "no node type",
        "no input or parameter colour",
        "nothing is said of",
        "does not take",
        "no output picture",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn the_crate_reads_the_same_table() {
    let theirs: Vec<String> = kiln_dialect::classes().unwrap().iter().map(|(c, _)| (*c).to_owned()).collect();
    let mut ours: Vec<String> = table().into_iter().map(|c| c.class).collect();
    ours.sort();
    assert_eq!(theirs, ours);
}
