//! What each node makes of what: one line each, and the golden hashes are made from the same lines.

use super::support::*;
use kiln_core::{Cancel, Wish};
use std::sync::Arc;

/// One node, its linked inputs, its parameters, and what comes of it: all outputs, or the start of an error.
pub struct Case {
    pub node: &'static str,
    pub from: Vec<(&'static str, String)>,
    pub with: &'static str,
    pub wanted: &'static str,
}

fn c<const N: usize>(
    node: &'static str,
    from: [(&'static str, String); N],
    with: &'static str,
    wanted: &'static str,
) -> Case {
    Case { node, from: from.into(), with, wanted }
}

fn t(text: &str) -> String {
    format!("(type: \"LongText\", with: {{ \"value\": {text:?} }})")
}
fn n(number: f64) -> String {
    format!("(type: \"Number\", with: {{ \"value\": {number:?} }})")
}
fn i(number: i64) -> String {
    format!("(type: \"Integer\", with: {{ \"value\": {number} }})")
}
fn l(texts: &[&str]) -> String {
    format!("(type: \"TextList\", with: {{ \"value\": {texts:?} }})")
}
fn nl(numbers: &[f64]) -> String {
    format!("(type: \"NumberList\", with: {{ \"value\": {numbers:?} }})")
}
fn yes(v: bool) -> String {
    format!("(type: \"Toggle\", with: {{ \"value\": {v} }})")
}
fn f(path: &str) -> String {
    format!("(type: \"File\", with: {{ \"value\": {path:?} }})")
}
fn seed(v: u64) -> String {
    format!("(type: \"Seed\", with: {{ \"value\": {v} }})")
}

pub fn all() -> Vec<Case> {
    let mut all = constants();
    all.extend(numbers());
    all.extend(texts());
    all.extend(lists());
    all.extend(chance());
    all.extend(files_and_rest());
    all
}

fn constants() -> Vec<Case> {
    vec![
        c("Number", [], r#""value": 1.5"#, "1.5"),
        c("Integer", [], r#""value": -9223372036854775808"#, "-9223372036854775808"),
        c("Text", [], r#""value": "hi""#, "hi"),
        c("LongText", [], r#""value": "a\nb""#, "a\nb"),
        c("Color", [], r##""value": "#102030""##, "#102030"),
        c("Seed", [], r#""value": 18446744073709551615"#, "seed 18446744073709551615"),
        c("Toggle", [], r#""value": true"#, "true"),
        c("Size", [], r#""value": (640, 480)"#, "640x480"),
        c("Range", [], r#""value": (-1, 2.5)"#, "-1.0..2.5"),
        c("Curve", [], "", "[(0.0, 0.0), (1.0, 1.0)]"),
        c("File", [], r#""value": "note.txt""#, "note.txt"),
        c("TextList", [], r#""value": ["a", "b"]"#, "[a; b]"),
        c("NumberList", [], r#""value": [1, 2.5]"#, "[1.0; 2.5]"),
        c("Item", [], r#""without": 4"#, "4"),
        c("ItemColumn", [], r#""column": "x", "without": "none""#, "none"),
    ]
}

fn numbers() -> Vec<Case> {
    let size = |w, h| format!("(type: \"Size\", with: {{ \"value\": ({w}, {h}) }})");
    let range = |a, b| format!("(type: \"Range\", with: {{ \"value\": ({a}, {b}) }})");
    vec![
        c("Round", [("value", n(2.5))], "", "3 | 3.0"),
        c("Round", [("value", n(-2.5))], r#""mode": "half to even""#, "-2 | -2.0"),
        c("Round", [("value", n(2.9))], r#""mode": "down""#, "2 | 2.0"),
        c("Round", [("value", n(2.1))], r#""mode": "up""#, "3 | 3.0"),
        c("Round", [("value", n(-2.9))], r#""mode": "toward zero""#, "-2 | -2.0"),
        c("Round", [("value", n(1000.0))], r#""to": 64"#, "1024 | 1024.0"),
        c("Round", [("value", n(1e300))], "", "error: n.value: 1"),
        c("ToText", [("value", n(1.25))], "", "1.25"),
        c("ToText", [("value", n(2.0))], r#""decimals": 2"#, "2.00"),
        c("ToText", [("value", i(7))], r#""decimals": 2"#, "7"),
        c("ToText", [("value", size(3, 4))], "", "3x4"),
        c("ToText", [("value", f("note.txt"))], "", "error: n.value: a file is not text"),
        c("ParseNumber", [("text", t(" -1.5e1 "))], "", "-15.0 | -15 | true"),
        c("ParseNumber", [("text", t("50%"))], "", "0.5 | 0 | true"),
        c("ParseNumber", [("text", t("a lot"))], "", "error: n.text: \"a lot\" is not a number"),
        c("ParseNumber", [("text", t("inf"))], r#""strict": false, "otherwise": 3"#, "3.0 | 3 | false"),
        c("TextToColor", [("text", t("#f00"))], "", "#ff0000"),
        c("TextToColor", [("text", t("red"))], "", "error: n.text: \"red\" is not a colour"),
        c("ColorParts", [("color", t("#ff000080"))], "", "1.0 | 0.0 | 0.0 | 0.501960813999176 | #ff000080"),
        c("MakeColor", [], r#""red": 1, "blue": 0.5"#, "#ff0080"),
        c("SizeParts", [("size", size(640, 320))], "", "640 | 320 | 2.0 | 204800"),
        c("MakeSize", [], r#""width": 500, "height": 1, "multiple": 64"#, "512x64"),
        c("ScaleSize", [("size", size(100, 50))], r#""by": 1.5"#, "150x75"),
        c("ScaleSize", [("size", size(100, 50))], r#""by": 1000"#, "error: n: a side would be 100000 pixels"),
        c("RangeParts", [("range", range(1, 2))], "", "1.0 | 2.0"),
        c("MakeRange", [], r#""low": 1, "high": 2"#, "1.0..2.0"),
        c("MakeRange", [], r#""low": 3, "high": 2"#, "error: n.low: the lowest, 3, is above the highest, 2"),
        c("MapRange", [("value", n(5.0))], r#""from": (0, 10), "to": (1, 2)"#, "1.5"),
        c("MapRange", [("value", n(50.0))], r#""from": (0, 10), "flip": true"#, "0.0"),
        c("MapRange", [("value", n(50.0))], r#""from": (3, 3)"#, "error: n.from: the range has no extent"),
        c("SeedToInt", [("seed", seed(u64::MAX))], "", "9223372036854775807"),
        c("SeedToInt", [("seed", seed(107))], r#""below": 100"#, "7"),
        c("IntToSeed", [("int", i(-1))], "", "seed 18446744073709551615"),
        c("Compare", [("a", i(2)), ("b", n(2.0))], "", "true"),
        c("Compare", [("a", t("b")), ("b", t("a"))], r#""is": "more""#, "true"),
        c("Compare", [("a", t("2")), ("b", i(2))], "", "error: n: Text and Int cannot be compared"),
        c("Logic", [("values", yes(true))], r#""mode": "none""#, "false"),
        c("Not", [("yes", yes(false))], "", "true"),
        c("ComfyMathExpression", [("a", i(3)), ("b", i(4))], "", "7.0 | 7 | true"),
        c(
            "ComfyMathExpression",
            [("a", i(3)), ("b", n(0.0))],
            r#""expression": "a // b""#,
            "error: n.expression: division by zero at column 3",
        ),
        c(
            "ComfyMathExpression",
            [("values", nl(&[1.0, 2.5]))],
            r#""expression": "sum(values)""#,
            "3.5 | 3 | true",
        ),
        c("ComfyMathExpression", [("a", t("1"))], "", "error: n.a: \"a\" takes a number, but got Text"),
        c("ComfyMathExpression", [("a", i(1))], r#""expression": "a +""#, "error: "),
        c(
            "ComfyMathExpression",
            [("a", i(1))],
            r#""expression": "1e308 * 10 * a""#,
            "error: n.expression: the result is larger than any number",
        ),
        c(
            "ComfyMathExpression",
            [("a", i(1))],
            r#""expression": "1e300""#,
            "error: n.expression: the number becomes too large",
        ),
        c(
            "Statistics",
            [("values", nl(&[1.0, 2.0, 6.0, 3.0]))],
            "",
            "4 | 1.0 | 6.0 | 3.0 | 2.5 | 12.0 | 1.8708286933869707",
        ),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        c(
            "TextTemplate",
            [("a", n(0.12345)), ("b", i(7))],
            r#""template": "{a:.2}_{b:03}{{}}""#,
            "0.12_007{}",
        ),
        c("TextTemplate", [], r#""template": "{item}""#, "error: n: {item} in \"{item}\" has no value here"),
        c("TextTemplate", [("a", f("note.txt"))], "", "error: n.a: a file is not text"),
        c("JoinText", [("texts", l(&["a", "", "b"]))], r#""separator": "\\n""#, "a\nb"),
        c("JoinText", [("texts", l(&["a", "", "b"]))], r#""skip_empty": false"#, "a, , b"),
        c("TextCase", [("text", t("Hello World"))], "", "hello world"),
        c("TextCase", [("text", t("Hello World"))], r#""to": "kebab-case""#, "hello-world"),
        c("TrimText", [("text", t("  a  b "))], "", "a  b"),
        c("TrimText", [("text", t("  a  b "))], r#""where": "everywhere""#, "a b"),
        c("CutText", [("text", t("the quick brown fox"))], r#""longest": 12"#, "the quick…"),
        c("CutText", [("text", t("äöüäöü"))], r#""longest": 4, "mark": """#, "äöüä"),
        c("CutText", [("text", t("short"))], "", "short"),
        c("TextLength", [("text", t("ä b\nc"))], "", "5 | 3 | 2"),
        c("ReplaceText", [("text", t("a.b.c"))], r#""pattern": ".", "with": "-""#, "a-b-c | 2"),
        c("ReplaceText", [("text", t("a.b.c"))], r#""pattern": ".", "with": "-", "all": false"#, "a-b.c | 1"),
        c(
            "ReplaceText",
            [("text", t("cat10"))],
            r#""pattern": "([a-z]+)(\\d+)", "with": "$2 ${1}s", "mode": "pattern""#,
            "10 cats | 1",
        ),
        c("ReplaceText", [("text", t("a"))], r#""pattern": "(", "mode": "pattern""#, "error: "),
        c("ReplaceText", [("text", t("a"))], r#""with": "b""#, "a | 0"),
        c("SplitText", [("text", t("a\n\n b \nc"))], "", "[a; b; c] | 3"),
        c(
            "SplitText",
            [("text", t("a, b,,c"))],
            r#""by": "separator", "skip_empty": false"#,
            "[a; b; ; c] | 4",
        ),
        c("SplitText", [("text", t("a b\nc"))], r#""by": "word""#, "[a; b; c] | 3"),
        c("SplitText", [("text", t("a\nb\n\nc"))], r#""by": "paragraph""#, "[a\nb; c] | 2"),
        c(
            "SplitText",
            [("text", t("a"))],
            r#""by": "separator", "separator": """#,
            "error: n.separator: there is no separator",
        ),
        c(
            "FindText",
            [("text", t("x=1, y=22"))],
            r#""pattern": "=(\\d+)", "mode": "pattern", "group": 1"#,
            "true | 1 | [1; 22] | 2",
        ),
        c("FindText", [("text", t("Cat"))], r#""pattern": "cat", "otherwise": "-""#, "false | - | [] | 0"),
        c(
            "FindText",
            [("text", t("Cat"))],
            r#""pattern": "cat", "ignore_case": true"#,
            "true | Cat | [Cat] | 1",
        ),
        c("PickJson", [("json", t(r#"{"a": [1, {"b": "x"}]}"#))], r#""path": "a/1/b""#, "x | [x]"),
        c(
            "PickJson",
            [("json", t(r#"{"a": [1, {"b": "x"}]}"#))],
            r#""path": "/a""#,
            "[1,{\"b\":\"x\"}] | [1; {\"b\":\"x\"}]",
        ),
        c(
            "PickJson",
            [("json", t(r#"{"a": 1}"#))],
            r#""path": "b""#,
            "error: n.path: there is no \"/b\" (at the top there are a)",
        ),
        c("PickJson", [("json", t("{"))], "", "error: n: this is not JSON"),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        c("MakeList", [("values", l(&["a", "b"]))], "", "[a; b] | 2"),
        c("CountUp", [], r#""start": 1, "step": 0.5, "count": 3"#, "[1; 2; 2] | [1.0; 1.5; 2.0]"),
        c("ListLength", [("list", l(&["a", "b"]))], "", "2"),
        c("ListLength", [("list", t("one"))], "", "1"),
        c("ListItem", [("list", l(&["a", "b", "c"]))], r#""index": -1"#, "c"),
        c("ListItem", [("list", l(&["a", "b", "c"]))], r#""index": 4, "beyond": "wrap""#, "b"),
        c(
            "ListItem",
            [("list", l(&["a", "b", "c"]))],
            r#""index": 4"#,
            "error: n.index: there is no value 4 in a list of 3",
        ),
        c("ListSlice", [("list", l(&["a", "b", "c"]))], r#""start": -2, "count": 1"#, "[b]"),
        c("ListSlice", [("list", l(&["a", "b", "c"]))], r#""start": 7"#, "[]"),
        c("ListReverse", [("list", l(&["a", "b", "c"]))], "", "[c; b; a]"),
        c("ListShuffle", [("list", l(&["a", "b", "c", "d"]))], r#""seed": 7"#, "[c; a; b; d]"),
        c("ListSort", [("list", l(&["b10", "a", "b9"]))], "", "[a; b9; b10]"),
        c("ListSort", [("list", nl(&[3.0, -1.0, 2.0]))], r#""descending": true"#, "[3.0; 2.0; -1.0]"),
        c(
            "ListSort",
            [("list", l(&["x9", "a10", "z-3"]))],
            r#""by": "number in the text""#,
            "[z-3; x9; a10]",
        ),
        c("ListUnique", [("list", l(&["a", "b", "a"]))], "", "[a; b]"),
        c("ListRepeat", [("list", l(&["a", "b"]))], "", "[a; b; a; b]"),
        c("ListRepeat", [("list", l(&["a", "b"]))], r#""each": true"#, "[a; a; b; b]"),
        c(
            "ListRepeat",
            [("list", l(&["a"; 100]))],
            r#""times": 100000"#,
            "error: n.times: the list would have more than",
        ),
        c("Collect", [("values", l(&["a", "b"]))], "", "[a; b] | 2"),
        c(
            "TextSheet",
            [("lines", l(&["a", "b,c"]))],
            r#""format": "csv""#,
            "item,text\n0,a\n1,\"b,c\"\n | 2",
        ),
        c(
            "TextSheet",
            [("lines", nl(&[1.5]))],
            r#""format": "json lines""#,
            "{\"item\":0,\"value\":1.5}\n | 1",
        ),
        c("TextSheet", [("lines", l(&["a", "b"]))], r#""format": "json""#, "[\n  \"a\",\n  \"b\"\n]\n | 2"),
    ]
}

fn chance() -> Vec<Case> {
    vec![
        c("RandomNumber", [], r#""seed": 7, "range": (1, 6)"#, "3.7364404373632683 | 4"),
        c("RandomNumber", [], r#""seed": 7, "range": (0.2, 0.4), "shape": "middle""#, "0."),
        c("RandomNumber", [], r#""seed": 8, "shape": "low""#, "0."),
        c("RandomNumber", [], r#""seed": 8, "shape": "high""#, "0."),
        c("RandomChoice", [], r#""seed": 7, "choices": "gold | 0\n\nred | 3""#, "red | 1 | 1.0"),
        c("RandomChoice", [], r#""seed": 9, "choices": "a\nb\nc\nd""#, ""),
        c("RandomChoice", [], r#""choices": "\n""#, "error: n.choices: there is nothing to choose from"),
        c("RandomChoice", [], r#""choices": "a | b""#, "error: "),
        c("ChooseFromList", [("list", l(&["a", "b"]))], r#""weights": [0, 2]"#, "b | 1"),
        c("ChooseFromList", [("list", l(&["a", "b", "c"]))], r#""seed": 3"#, ""),
        c(
            "ChooseFromList",
            [("list", l(&["a", "b"]))],
            r#""weights": [1]"#,
            "error: n.weights: there are 1 weights for 2 values",
        ),
        c("RandomColor", [], r#""seed": 7"#, "#"),
        c("RandomColor", [], r#""seed": 7, "lightness": (1, 1)"#, "#ffffff"),
        c("RandomYes", [], r#""chance": 1"#, "true"),
        c("RandomYes", [], r#""chance": 0"#, "false"),
    ]
}

fn files_and_rest() -> Vec<Case> {
    vec![
        c("ListFiles", [], r#""files": "pics/*.PNG""#, "[cat10.PNG; cat2.PNG] | 2"),
        c("ListFiles", [], r#""files": "pics/*", "limit": 1"#, "[cat10.PNG] | 1"),
        c("ListFiles", [], r#""files": "pics/*.gif""#, "error: n.files: no file fits"),
        c("ListFiles", [], r#""files": "pics/*.gif", "may_be_empty": true"#, "[] | 0"),
        c("FileName", [("file", f("pics/cat2.PNG"))], "", "cat2.PNG | cat2 | png | pics"),
        c("FileName", [("file", t("pics/cat10.PNG"))], "", "cat10.PNG | cat10 | png | pics"),
        c("ReadText", [], r#""file": "note.txt""#, "one\ntwo\n | [one; two]"),
        c("ReadText", [], r#""file": "latin.txt""#, "error: n.file: "),
        c("ReadText", [], r#""file": "nothing.txt""#, "error: "),
        c("ReadCsv", [], r#""file": "data.csv", "column": "rarity""#, "[5; 1] | 2"),
        c("ReadCsv", [], r#""file": "data.csv""#, "[gold; red, dark] | 2"),
        c("ReadCsv", [], r#""file": "data.csv", "header": false, "column": "2""#, "[rarity; 5; 1] | 3"),
        c(
            "ReadCsv",
            [],
            r#""file": "data.csv", "column": "rartiy""#,
            "error: n.column: the table has no column \"rartiy\" (did you mean \"rarity\"?)",
        ),
        c("ReadJson", [], r#""file": "data.json", "path": "traits/1/value""#, "7 | [7]"),
        c("ReadJson", [], r#""file": "data.json", "path": "title""#, "Sheet | [Sheet]"),
        c("ReadJson", [], r#""file": "data.json", "path": "deep~1er""#, "true | [true]"),
        c("Switch", [("on_true", t("a")), ("on_false", t("b"))], r#""which": false"#, "b"),
        c(
            "Switch",
            [("on_true", t("a"))],
            r#""which": false"#,
            "error: n.on_false: \"on_false\" is chosen, but nothing is linked",
        ),
        c("SwitchIndex", [("first", t("a")), ("third", t("c"))], r#""which": 2"#, "c"),
        c("Fallback", [("second", t("b")), ("third", t("c"))], "", "b"),
        c("Reroute", [("value", l(&["a", "b"]))], "", "[a; b]"),
        c("NumberGate", [("input", t("a")), ("value", n(0.5))], "", "a"),
        c("NumberGate", [("input", t("a")), ("value", n(2.0))], r#""then": "fail""#, "nothing: "),
        c(
            "TextGate",
            [("text", t("Cats"))],
            r#""pattern": "cat", "ignore_case": true, "then": "fail""#,
            "Cats",
        ),
        c(
            "TextGate",
            [("text", t("Cats"))],
            r#""pattern": "^c", "mode": "matches", "then": "fail""#,
            "nothing: ",
        ),
        c("TextGate", [("text", t("Cats"))], r#""length": (0, 3), "then": "fail""#, "nothing: "),
        c("YesGate", [("input", l(&["a", "b"]))], r#""then": "fail""#, "[a; b]"),
        c("RandomGate", [("input", t("a"))], r#""chance": 1, "then": "fail""#, "a"),
        c("RandomGate", [("input", t("a"))], r#""chance": 0, "then": "fail""#, "nothing: "),
        c("DistinctGate", [("input", t("a")), ("text", t("x"))], "", "a"),
    ]
}

/// The graph of a case.
pub fn text(case: &Case) -> String {
    let links: Vec<String> =
        case.from.iter().map(|(port, _)| format!("\"{port}\": \"in {port}.value\"")).collect();
    let mut nodes = format!(
        "\"n\": (type: {:?}, from: {{ {} }}, with: {{ {} }}),",
        case.node,
        links.join(", "),
        case.with
    );
    for (port, node) in &case.from {
        nodes.push_str(&format!("\"in {port}\": {node},"));
    }
    nodes
}

/// Runs a case.
pub fn result(case: &Case) -> String {
    let engine = engine();
    let dir = files();
    let wish = Wish { want: vec!["n".to_owned()], ..Wish::default() };
    match plan(&engine, &text(case), dir.path(), &wish) {
        Err(e) => format!("error: {e}"),
        Ok(plan) => {
            let report = engine.run(&plan, setup(dir.path()), &Cancel::default(), Arc::new(|_| {})).unwrap();
            outcome(&report, "n")
        }
    }
}

#[test]
fn every_case_comes_out_as_written() {
    let mut wrong = Vec::new();
    for case in all() {
        let got = result(&case);
        let open = case.wanted.starts_with("error: ")
            || case.node.starts_with("Random")
            || case.wanted.is_empty()
            || case.wanted.starts_with("nothing");
        let fits = if open { got.starts_with(case.wanted) } else { got == case.wanted };
        if !fits || (got.starts_with("error") && !case.wanted.starts_with("error")) {
            wrong.push(format!(
                "{} {{ {} }}\n  wanted {:?}\n  got    {got:?}",
                case.node, case.with, case.wanted
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_node_that_gives_values_has_a_case() {
    let cases = all();
    let missing: Vec<String> = kiln_basics::nodes()
        .iter()
        .filter(|n| n.schema().purity != kiln_core::Purity::Effect)
        .map(|n| n.schema().name.to_string())
        .filter(|name| !cases.iter().any(|c| c.node == name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
