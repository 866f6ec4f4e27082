//! `ComfyMathExpression` beside what ComfyUI said of the same graphs.

use super::support::*;

#[test]
fn it_says_what_comfyui_says() {
    // Recorded from ComfyUI: math_m1 and math_m3 of the node references.
    for (a, b, expression, float, int) in [
        ("(type: \"Integer\", with: { \"value\": 3 })", 4, "a + b * 2", "11.0", "11"),
        ("(type: \"Number\", with: { \"value\": 3.5 })", 4, "min(a,b) if a > b else max(a,b)", "4.0", "4"),
    ] {
        let nodes = format!(
            r#""pa": {a}, "pb": (type: "Integer", with: {{ "value": {b} }}),
               "n": (type: "ComfyMathExpression", from: {{ "a": "pa.value", "b": "pb.value" }}, with: {{ "expression": "{expression}" }})"#
        );
        let report = run(&engine(), &nodes, &["n"]);
        assert_eq!(outcome(&report, "n"), format!("{float} | {int} | true"), "{expression}");
    }
}

#[test]
fn a_wrong_expression_is_found_before_anything_runs() {
    let nodes = r#""n": (type: "ComfyMathExpression", with: { "expression": "2 * (3 + 4" })"#;
    let problem = plan(&engine(), nodes, std::path::Path::new("."), &kiln_core::Wish::default()).unwrap_err();
    assert!(problem.contains("this bracket is never closed at column 5"), "{problem}");
}
