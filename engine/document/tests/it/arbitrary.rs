//! Documents as nobody would write them: odd names, all kinds of values, comments everywhere.

use indexmap::IndexMap;
use kiln_document::{Graph, Link, Lit, Lock, Mode, Node, Notes, ParamRef, Source, path};
use proptest::{collection::vec, option, prelude::*};

/// A name with anything in it, but not empty.
pub(crate) fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        prop::sample::select(vec![
            "57:8",
            "a.b",
            "x/y",
            "with space",
            "quo\"te",
            "ünï",
            "#",
            "#2",
            "$x",
            "a$",
            "\\",
            "\\$",
            "a\\.b",
            "日本",
            ".",
            "..",
            "line\nbreak",
            "{",
            "//",
            "/*",
            "r#\"",
            "\u{202E}",
            "\0",
            "\u{FEFF}",
        ])
        .prop_map(str::to_owned),
        vec(any::<char>(), 1..5).prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn node_name() -> impl Strategy<Value = String> {
    name().prop_filter("reserved", |name| name != "$")
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,30}",
        vec(any::<char>(), 0..8).prop_map(|chars| chars.into_iter().collect()),
        vec("[a-z\"#\\\\ ]{0,12}", 2..5).prop_map(|lines| lines.join("\n")),
        Just("a\r\nb".to_owned()),
        Just("one\n\ntwo \"#\" three\n".to_owned()),
    ]
}

/// A name of RON, bare or raw.
pub(crate) fn ident() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9_]{0,6}",
        prop::sample::select(vec![
            "Some", "None", "true", "inf", "NaN", "inff32", "r", "b", "br", "a-b", "1st", "x.y", "größe",
            "Graph",
        ])
        .prop_map(str::to_owned),
    ]
}

fn leaf() -> impl Strategy<Value = Lit> {
    prop_oneof![
        any::<bool>().prop_map(Lit::Bool),
        any::<i128>().prop_map(Lit::Int),
        any::<u64>().prop_map(|seed| Lit::Int(seed.into())),
        any::<f64>().prop_filter("NaN", |value| !value.is_nan()).prop_map(Lit::Float),
        prop::sample::select(vec![0.0, -0.0, 1e300, f64::MIN_POSITIVE, f64::INFINITY, 0.1, 1e16])
            .prop_map(Lit::Float),
        any::<char>().prop_map(Lit::Char),
        text().prop_map(Lit::Text),
        option::of(ident()).prop_map(Lit::Unit),
    ]
}

pub(crate) fn lit() -> impl Strategy<Value = Lit> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Lit::List),
            (option::of(ident()), vec(inner.clone(), 1..4)).prop_map(|(name, list)| Lit::Tuple(name, list)),
            ident().prop_map(|name| Lit::Tuple(Some(name), Vec::new())),
            inner.clone().prop_map(|value| Lit::Tuple(Some("Some".into()), vec![value])),
            (option::of(ident()), vec((ident(), inner.clone()), 1..4))
                .prop_map(|(name, list)| Lit::Struct(name, once(list))),
            vec((inner.clone(), inner.clone()), 0..3).prop_map(|entries| Lit::Map(once(entries))),
            vec((text().prop_map(Lit::Text), inner), 0..3).prop_map(|entries| Lit::Map(once(entries))),
        ]
    })
}

/// Each key once, as a document can hold them.
fn once<K: ToString, V>(entries: Vec<(K, V)>) -> Vec<(K, V)> {
    let mut seen = std::collections::BTreeSet::new();
    entries.into_iter().filter(|(key, _)| seen.insert(key.to_string())).collect()
}

fn link() -> impl Strategy<Value = Link> {
    (name(), name(), prop_oneof![3 => Just(0), 1 => any::<u32>()]).prop_map(|(node, port, nth)| Link {
        node,
        port,
        nth,
    })
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![3 => link().prop_map(Source::One), 1 => vec(link(), 0..3).prop_map(Source::Many)]
}

fn map<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
    most: usize,
) -> impl Strategy<Value = IndexMap<String, T>> {
    vec((name(), value), 0..=most).prop_map(|entries| entries.into_iter().collect())
}

/// Fields no version knows: once each, as a document can hold them.
fn unknown() -> impl Strategy<Value = Vec<(String, Lit)>> {
    vec(("[xyz]_[a-z]{1,3}", lit()), 0..2)
        .prop_map(|entries| entries.into_iter().collect::<IndexMap<_, _>>().into_iter().collect())
}

fn node() -> impl Strategy<Value = Node> {
    let mode = prop::sample::select(Mode::ALL.to_vec());
    let words = (text(), option::weighted(0.2, text()), option::weighted(0.2, text()));
    (words, option::weighted(0.2, any::<u32>()), mode, map(source(), 3), map(lit(), 3), unknown()).prop_map(
        |((ty, graph, title), version, mode, from, with, unknown)| Node {
            ty,
            graph,
            title,
            version,
            mode,
            from,
            with,
            unknown,
        },
    )
}

fn lock() -> impl Strategy<Value = Lock> {
    (text(), map(any::<u32>(), 2), map(text(), 2), unknown())
        .prop_map(|(engine, nodes, files, unknown)| Lock { engine, nodes, files, unknown })
}

fn param() -> impl Strategy<Value = ParamRef> {
    (node_name(), name()).prop_map(|(node, param)| ParamRef { node, param })
}

/// A comment as it is kept.
fn comment() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z \"/*{}]{0,10}[a-z]".prop_map(|text| format!("// {text}")),
        "[a-z \"{}]{0,10}".prop_map(|text| format!("/* {text} */")),
        Just("/* two\n   lines /* nested */ */".to_owned()),
    ]
}

fn notes() -> impl Strategy<Value = Notes> {
    let before = vec(prop_oneof![3 => comment(), 1 => Just(String::new())], 0..3);
    (before, vec(comment(), 0..2), vec(comment(), 0..2)).prop_map(|(before, after, inside)| Notes {
        before,
        after,
        inside,
    })
}

/// A graph with comments at some of the places that can bear them.
fn graph_of(children: impl Strategy<Value = IndexMap<String, Graph>>) -> impl Strategy<Value = Graph> {
    let nodes = vec((node_name(), node()), 0..5);
    let words = (prop_oneof![Just(String::new()), text()], prop_oneof![Just(String::new()), text()]);
    let ports = (map(vec(param(), 0..3), 2), map(text(), 2), map(link(), 2));
    let tail = (option::weighted(0.3, lock()), option::weighted(0.5, lit()), unknown());
    (words, ports, nodes, children, tail, vec((any::<prop::sample::Index>(), notes()), 0..6)).prop_map(
        |((title, about), (expose, inputs, outputs), nodes, graphs, (lock, canvas, unknown), notes)| {
            let mut graph = Graph::new();
            (graph.title, graph.about) = (title, about);
            (graph.expose, graph.inputs, graph.outputs) = (expose, inputs, outputs);
            graph.nodes = nodes.into_iter().collect();
            graph.graphs = graphs;
            (graph.lock, graph.canvas, graph.unknown) = (lock, canvas, unknown);
            let mut places = vec![String::new(), "title".to_owned(), "nodes".to_owned()];
            for (name, node) in &graph.nodes {
                places.push(path::node(name));
                places.push(path::node_field(name, "with"));
                places.push(path::node_field(name, "mode"));
                places.extend(node.with.keys().map(|param| path::param(name, param)));
                places.extend(node.from.keys().map(|port| path::input(name, port)));
            }
            for (place, mut notes) in notes {
                let place = place.get(&places).clone();
                // Only brackets have an inside.
                let brackets = place.is_empty() || place == "nodes" || place.ends_with(".with");
                if !(brackets || graph.nodes.keys().any(|name| path::node(name) == place)) {
                    notes.inside.clear();
                }
                graph.comments.set(place, notes);
            }
            graph
        },
    )
}

/// A document with subgraphs in subgraphs.
pub(crate) fn graph() -> impl Strategy<Value = Graph> {
    graph_of(Just(IndexMap::new())).prop_recursive(2, 6, 2, |inner| {
        graph_of(vec((name(), inner), 0..3).prop_map(|graphs| graphs.into_iter().collect()))
    })
}
