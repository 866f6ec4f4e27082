//! The page: every stranger's text stays a text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::provenance::Digest;
use kiln_report::facts::{CollectionFacts, Counted, Gate, Group, Tier, Token};
use kiln_report::figures::Figures;
use kiln_report::page::{Sheets, base64, page};

const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    "\"><img src=x onerror=alert(3)>",
    "' onmouseover='alert(4)",
    "]]></style><svg/onload=alert(5)>",
    "javascript:alert(6)",
    "\u{2028}\u{202e}gnp.exe\0\u{7}",
    "&lt;b&gt; &amp;&#60; ${7} {{8}} \\u003cscript\\u003e",
];

fn facts(words: &str) -> CollectionFacts {
    let word = || words.to_owned();
    let token = |n: u64| Token {
        token: n,
        name: word(),
        description: word(),
        traits: vec![Some(0), None],
        numbers: vec![(word(), word())],
        rank: n + 1,
        score: 1.0 / (n as f64 + 1.0),
        tier: Some(0),
        picture: Some(format!("pictures/{words}.png")),
        metadata: Some(format!("metadata/{words}.json")),
        sha256: Some("a".repeat(64)),
        made: vec![(word(), word())],
        prompt: word(),
        decided: Some(word()),
    };
    let counted = || Counted { name: word(), made: 3, planned: Some(2) };
    CollectionFacts {
        name: word(),
        description: word(),
        provenance: Some(word()),
        merkle_root: None,
        groups: vec![
            Group { name: word(), values: vec![counted(), counted()], none: 0, none_planned: None },
            Group { name: word(), values: vec![], none: 3, none_planned: Some(3) },
        ],
        tokens: (0..3).map(token).collect(),
        tiers: vec![Tier { name: word(), items: 3 }],
        gates: vec![Gate { name: word(), passed: 3, rejected: 5, reasons: vec![(word(), 5)] }],
    }
}

fn sheets() -> Sheets {
    Sheets {
        columns: 6,
        rows: 6,
        count: 3,
        places: vec![Some(0), None, Some(2)],
        marks: vec!["0123456789".into()],
    }
}

fn html(words: &str) -> String {
    let facts = facts(words);
    page(&facts, &Figures::of(&facts), &sheets())
}

/// A tag's name and attributes.
type Tag = (String, Vec<(String, String)>);

/// The tags of a page in order, and its texts; scripts and styles are texts whole.
fn walk(html: &str) -> (Vec<Tag>, Vec<String>) {
    let (mut tags, mut texts) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        texts.push(rest[..at].to_owned());
        rest = &rest[at + 1..];
        let end = {
            // A quoted value may hold `>`.
            let mut quote = None;
            rest.char_indices()
                .find(|(_, c)| {
                    match (quote, *c) {
                        (None, '"' | '\'') => quote = Some(*c),
                        (Some(q), c) if q == c => quote = None,
                        _ => {}
                    }
                    quote.is_none() && *c == '>'
                })
                .unwrap_or_else(|| panic!("a tag is not closed: {}", &rest[..rest.len().min(80)]))
                .0
        };
        let inner = &rest[..end];
        rest = &rest[end + 1..];
        let name: String = inner
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != '/' || inner.starts_with('/') && *c == '/')
            .collect();
        let mut attributes = Vec::new();
        let mut left = inner[name.len()..].trim().trim_end_matches('/').trim();
        while !left.is_empty() {
            let until = left.find(['=', ' ', '\n']).unwrap_or(left.len());
            let (key, after) = left.split_at(until);
            match after.strip_prefix("=\"") {
                Some(value) => {
                    let close =
                        value.find('"').unwrap_or_else(|| panic!("an attribute is not closed: {inner}"));
                    attributes.push((key.to_owned(), value[..close].to_owned()));
                    left = value[close + 1..].trim();
                }
                None => {
                    assert!(!after.starts_with('='), "an attribute is not quoted: {inner}");
                    attributes.push((key.to_owned(), String::new()));
                    left = after.trim();
                }
            }
        }
        let raw = ["script", "style"].contains(&name.as_str());
        tags.push((name.clone(), attributes));
        if inner.ends_with('/') {
            tags.push((format!("/{name}"), Vec::new()));
        }
        if raw {
            let close = rest.find(&format!("</{name}>")).unwrap_or_else(|| panic!("{name} is not closed"));
            texts.push(rest[..close].to_owned());
            tags.push((format!("/{name}"), Vec::new()));
            rest = &rest[close + name.len() + 3..];
        }
    }
    texts.push(rest.to_owned());
    (tags, texts)
}

#[test]
fn hostile_names_add_no_tag_and_no_attribute() {
    let (expected, _) = walk(&html("plain"));
    let shape = |tags: &[Tag]| -> Vec<String> {
        tags.iter()
            .map(|(name, attributes)| {
                let keys: Vec<&str> = attributes.iter().map(|(k, _)| k.as_str()).collect();
                format!("{name} {}", keys.join(" "))
            })
            .collect()
    };
    for words in HOSTILE {
        let (tags, _) = walk(&html(words));
        assert_eq!(shape(&tags), shape(&expected), "{words}");
    }
    assert!(
        expected
            .iter()
            .all(|(_, attributes)| attributes.iter().all(|(k, _)| !k.starts_with("on") && k != "style"))
    );
    // Void elements and the doctype apart, everything that opens closes.
    let void = ["!doctype", "meta", "input", "br"];
    let mut open = Vec::new();
    for (name, _) in &expected {
        match name.strip_prefix('/') {
            None if void.contains(&name.as_str()) => {}
            None => open.push(name.as_str()),
            Some(name) => assert_eq!(open.pop(), Some(name)),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_data_is_read_back_as_it_was() {
    for words in HOSTILE {
        let html = html(words);
        let start = html.find("id=\"data\">").unwrap() + 10;
        let json = &html[start..start + html[start..].find("</script>").unwrap()];
        assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{202e}']), "{words}");
        let data: serde_json::Value = serde_json::from_str(json).unwrap();
        let plain: String = words.chars().filter(|c| *c != '\u{202e}').collect();
        assert_eq!(data["tokens"][0][1], plain);
        assert_eq!(data["groups"][0]["values"][1], plain);
        assert_eq!(data["tokens"][1][8], -1);
    }
}

#[test]
fn only_its_own_script_and_style_may_run_and_nothing_is_fetched() {
    let (tags, texts) = walk(&html(HOSTILE[0]));
    let rule = tags
        .iter()
        .find_map(|(name, a)| (name == "meta" && a[0].0 == "http-equiv").then(|| a[1].1.clone()))
        .unwrap();
    assert!(rule.starts_with("default-src 'none'; script-src 'sha256-"), "{rule}");
    assert!(!rule.contains("unsafe"));
    let hash = |text: &String| format!("'sha256-{}'", base64(&Digest::sha256(text.as_bytes()).0));
    let script = texts.iter().find(|t| t.contains("'use strict';")).unwrap();
    let style = texts.iter().find(|t| t.contains("--paper:")).unwrap();
    assert!(rule.contains(&hash(script)) && rule.contains(&hash(style)));
    for (name, attributes) in &tags {
        for (key, value) in attributes {
            let address = ["src", "href", "action", "data", "poster"].contains(&key.as_str());
            assert!(!address || value.starts_with('#') || value == "figures.json", "{name} {key}={value}");
        }
    }
    // The script makes no HTML of texts.
    for banned in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
        "fetch(",
    ] {
        assert!(!script.contains(banned), "{banned}");
    }
    assert!(!style.contains("url("));
}

#[test]
fn figures_are_there_without_a_script() {
    let html = html("Foxes");
    for words in ["Planned", "planned", "off by up to", "5 rejected", "OpenRarity", "as planned"] {
        assert!(words == "Planned" || html.contains(words), "{words}");
    }
    let empty = CollectionFacts::default();
    let html = page(&empty, &Figures::of(&empty), &Sheets::default());
    assert!(html.contains("<h1>Collection</h1>") && !html.contains("id=\"rarity\""));
}

#[test]
fn the_same_facts_are_the_same_bytes() {
    assert_eq!(html("a"), html("a"));
}
