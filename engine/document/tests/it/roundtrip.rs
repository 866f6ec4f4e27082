//! What is written is read back the same, and written again the same.

use kiln_document::{Graph, Lit};
use proptest::prelude::*;

use crate::{arbitrary, fixtures::turns};

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
