//! What is written is read back the same, and written again the same.

use kiln_document::{Graph, Lit};
use proptest::prelude::*;

use crate::{arbitrary, fixtures::turns, referee};

proptest! {
    #![proptest_config(ProptestConfig { cases: turns(256, 10_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document(graph in arbitrary::graph()) {
        let text = graph.to_text();
        let read = Graph::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(&read, &graph, "\n{}", text);
        prop_assert_eq!(read.to_text(), text);
        prop_assert!(read.semantic_eq(&graph));
    }

    #[test]
    fn a_document_the_referee_reads(graph in arbitrary::graph()) {
        let text = graph.to_text();
        let referee = ron::from_str::<ron::Value>(&text);
        prop_assert!(referee.is_ok(), "{:?}\n{}", referee, text);
    }

    #[test]
    fn a_value(lit in arbitrary::lit()) {
        let text = lit.to_string();
        prop_assert_eq!(Lit::parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?, lit);
        prop_assert!(ron::from_str::<ron::Value>(&text).is_ok(), "{}", text);
        prop_assert!(!text.contains('\n'));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: turns(20_000, 1_000_000), failure_persistence: None, ..ProptestConfig::default() })]

    /// Values with comments between any two tokens, in a list, a map and a struct.
    #[test]
    fn comments_within_values(a in referee::soup(), b in referee::soup()) {
        for text in [
            format!("Graph(kiln: 1, canvas: {a})"),
            format!("Graph(kiln: 1, canvas: [{a}, {b}])"),
            format!("Graph(kiln: 1, canvas: {{ {a}: {b} }})"),
            format!("Graph(kiln: 1, nodes: {{ \"n\": (type: \"A\", with: {{ \"a\": {a}, \"b\": {b} }}) }})"),
        ] {
            let Ok(graph) = Graph::parse(&text) else { continue };
            let written = graph.to_text();
            let again = Graph::parse(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
            prop_assert_eq!(again.to_text(), written.as_str());
            prop_assert_eq!(&again, &graph, "{}", written);
            let comments = |text: &str| (text.matches("/* c */").count(), text.matches("// l").count());
            prop_assert_eq!(comments(&written), comments(&text), "{}\n{}", text, written);
        }
    }
}
