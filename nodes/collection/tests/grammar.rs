//! Names and lore: the same for ever, fitting their item, none twice, never without end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::assign::assign;
use kiln_collection::grammar::{Grammar, GrammarError, Names};
use kiln_collection::plan::Plan;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../examples/names.ron");

fn grammar(rules: &str) -> Result<Grammar, GrammarError> {
    Grammar::from_ron(&format!("(start: \"s\", rules: {{{rules}}})"))
}

fn wrong(rules: &str) -> String {
    grammar(rules).unwrap_err().to_string()
}

#[test]
fn a_collection_gets_its_names() {
    let plan = Plan::from_ron(include_str!("../examples/plan.ron")).unwrap();
    let found = assign(&plan).unwrap();
    let grammar = Grammar::from_ron(EXAMPLE).unwrap();
    assert!(grammar.groups().all(|group| plan.groups.iter().any(|known| known.name == group)));
    let mut names = Names::new(&grammar, grammar.start(), plan.seed);
    let all: Vec<String> =
        (0..found.len()).map(|item| names.next(item as u64, &found.traits(&plan, item)).unwrap()).collect();
    let mut sorted: Vec<String> = all.iter().map(|name| name.to_lowercase()).collect();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 2000);
    for (item, name) in all.iter().enumerate() {
        let crown = found.traits(&plan, item).contains(&("Hat", "Crown"));
        assert!(!name.starts_with("Their Majesty") || crown, "{name}");
        assert!(name.starts_with(char::is_uppercase), "{name}");
    }
    assert!(all.iter().filter(|name| name.starts_with("Their Majesty")).count() >= 8);
    assert_eq!(all[..3], ["Isert the Red", "Isemack the Red", "Wendolo Tidepaw"]);
    // The same again, and another seed gives others.
    let mut again = Names::new(&grammar, "name", plan.seed);
    assert_eq!(again.next(0, &found.traits(&plan, 0)).unwrap(), all[0]);
    assert_ne!(grammar.text("name", 8, 0, &found.traits(&plan, 0)).unwrap(), all[0]);
    let lore = grammar.text("lore", 7, 0, &found.traits(&plan, 0)).unwrap();
    assert!(lore.starts_with("A ") || lore.starts_with("An "), "{lore}");
}

#[test]
fn forms_and_traits() {
    let grammar = grammar(
        r#""s": ["{cap:a:x}, {a:trait:Hat}, {upper:trait:Hat}, {trait:Coat| no coat }, {{{title:y}}}"],
           "x": ["hour"], "y": ["one of the SEA-folk"]"#,
    )
    .unwrap();
    assert_eq!(
        grammar.text("s", 1, 1, &[("Hat", "Umbrella")]).unwrap(),
        "An hour, an Umbrella, UMBRELLA,  no coat , {One of the SEA-Folk}"
    );
    assert_eq!(
        grammar.text("s", 1, 1, &[]).unwrap_err().to_string(),
        "rule `s`: the item has no `Hat`; write `{trait:Hat|other words}`, or ask with `when: [\"Hat: *\"]`"
    );
    assert!(grammar.text("z", 1, 1, &[]).unwrap_err().to_string().contains("there is none of this name"));
}

#[test]
fn weights_and_conditions_choose() {
    let grammar = grammar(
        r#""s": [(text: "common", weight: 3), (text: "rare", weight: 1), (text: "never", weight: 0),
                 (text: "crowned", weight: 1e300, when: ["Hat: Crown | Tiara", "Eyes: *"], unless: ["Coat: none"])]"#,
    )
    .unwrap();
    let count = |word: &str| (0..4000).filter(|n| grammar.text("s", 5, *n, &[]).unwrap() == word).count();
    assert!(count("common").abs_diff(3000) < 100 && count("never") == 0 && count("crowned") == 0);
    let text = |traits: &[(&str, &str)]| grammar.text("s", 5, 9, traits).unwrap();
    assert_eq!(text(&[("Hat", "Tiara"), ("Eyes", "Big"), ("Coat", "Red")]), "crowned");
    assert_ne!(text(&[("Hat", "Tiara"), ("Eyes", "Big")]), "crowned");
    assert_ne!(text(&[("Hat", "Tiara"), ("Coat", "Red")]), "crowned");
    let picky = self::grammar(r#""s": [(text: "x", when: ["Hat: *"])]"#).unwrap();
    assert!(picky.text("s", 1, 1, &[]).unwrap_err().to_string().contains("none of its alternatives fits"));
}

#[test]
fn nothing_goes_on_for_ever() {
    assert_eq!(
        wrong(r#""s": ["{a_b} x"], "a_b": ["{c}", "{s}"], "c": ["{c}y"]"#),
        "rule `s`: every alternative leads back to it: `s`, `a_b` and `c` never come to an end; give one of them a text \
         without them"
    );
    // What can end does end, however it loves to go on.
    let long = grammar(r#""s": [(text: "{s} and {s}", weight: 1000), "x"]"#);
    let text = long.unwrap().text("s", 1, 1, &[]);
    assert!(matches!(text, Err(GrammarError::TooLong { .. })));
    let chain = grammar(r#""s": [(text: "{s}x", weight: 1e6), "y"]"#).unwrap();
    for number in 0..50 {
        assert!(chain.text("s", 1, number, &[]).unwrap().len() < 40);
    }
    // An end that conditions close is found out in time.
    let closed = grammar(r#""s": ["{s}x", (text: "y", when: ["Hat: *"])]"#).unwrap();
    assert_eq!(
        closed.text("s", 1, 1, &[]).unwrap_err().to_string(),
        "rules lead to each other more than 100 deep: `s` → `s` → `s` → `s`; give one of them an alternative that ends"
    );
    // Rules that lead to each other a hundred thousand deep, on paper.
    let deep: String = (0..50_000).map(|n| format!("\"r{n}\": [\"{{r{}}}\"],", n + 1)).collect();
    let deep = grammar(&format!("\"s\": [\"{{r0}}\"], {deep} \"r50000\": [\"end\"]")).unwrap();
    assert!(matches!(deep.text("s", 1, 1, &[]), Err(GrammarError::TooDeep { .. })));
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(
        wrong(r#""s": ["{nmae}"], "name": ["x"]"#),
        "rule `s`, alternative 1: there is no rule `nmae`; did you mean `name`?"
    );
    assert!(
        wrong(r#""s": ["x", "{tittle:s}"]"#)
            .contains("alternative 2: `{tittle:s}`: `tittle:` is not known; did you mean `title`?")
    );
    assert!(wrong(r#""s": ["{x"]"#).contains("`{x` is not closed"));
    assert!(wrong(r#""s": ["x}"]"#).contains("a `}` without `{`"));
    assert!(wrong(r#""s": []"#).contains("it has no alternatives"));
    assert!(wrong(r#""s": [(text: "x", weight: 0)]"#).contains("weigh nothing"));
    assert!(
        wrong(r#""s": [(text: "x", wieght: 1)]"#)
            .contains("there is no field `wieght` here; did you mean `weight`?")
    );
    assert!(
        wrong(r#""s": [(text: "x", weight: NaN)]"#).contains("`weight` is a number of at least 0, not NaN")
    );
    assert!(wrong(r#""s": [(weight: 1)]"#).contains("the field `text` is missing"));
    assert!(wrong(r#""s": [(text: "x", when: ["Hat"])]"#).contains("\"Hat\": a trait is written"));
    assert!(wrong(r#""s": [4]"#).contains("a text in \"quotes\""));
    assert!(wrong(r#""s": ["x"], "cap": ["y"]"#).contains("has a meaning of its own"));
    assert!(wrong(r#""t": ["x"]"#).contains("rule `s`: `start` names it, and there is none"));
    assert!(
        wrong("\"s\": [\n\"x\",\n(text: 5)]").starts_with("line 3, "),
        "{}",
        wrong("\"s\": [\n\"x\",\n(text: 5)]")
    );
    assert!(Grammar::from_ron(&"[".repeat(100_000)).is_err());
}

#[test]
fn distinct_texts_until_there_are_no_more() {
    let grammar = grammar(r#""s": ["{d}{d}"], "d": ["a", "b", "c", "d", "e", "f", "g", "H"]"#).unwrap();
    let mut all = Names::first(&grammar, "s", 3, 60).unwrap();
    assert_eq!(all, Names::first(&grammar, "s", 3, 60).unwrap());
    assert_eq!(all[..10], Names::first(&grammar, "s", 3, 10).unwrap());
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60);
    let error = Names::first(&grammar, "s", 3, 65).unwrap_err().to_string();
    assert!(error.starts_with("text 65: 1000 tries gave nothing"), "{error}");
    let mut names = Names::new(&grammar, "s", 3);
    let first = names.clone().next(0, &[]).unwrap();
    names.reserve(&first.to_uppercase());
    assert_ne!(names.next(0, &[]).unwrap(), first);
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(cut in 0usize..2200, put in "[ -~]{0,6}") {
        let cut = cut.min(EXAMPLE.len());
        let text = format!("{}{put}{}", &EXAMPLE[..cut], &EXAMPLE[cut..]);
        if let Ok(grammar) = Grammar::from_ron(&text) {
            let _ = grammar.text("name", 1, 1, &[]).map_err(|e| e.to_string());
        }
    }
}
