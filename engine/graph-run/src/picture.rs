//! The graph inside a saved picture: the document as it ran, with a note of which item it was, so that the
//! picture alone is enough to make it again.
//!
//! The note is the field `run` of the document: `run: (item: 7)`, with the item's row if it had one;
//! `run: (items: (0, 16))` for what was made of many items.

use crate::sets;
use kiln_core::document::{Graph, Lit};
use kiln_core::{GraphText, ItemInfo, Kind, Registry};
use std::sync::Arc;

const FIELD: &str = "run";

/// What a graph's text says of the run it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It made this item, of this row.
    Item(u64, Vec<(String, String)>),
    /// It collected these items.
    Items(u64, u64),
    /// It collected these rows of a table.
    Rows(u64, u64, String),
}

/// Takes the note out of a document.
pub fn take(graph: &mut Graph) -> Option<Note> {
    let at = graph.unknown.iter().position(|(name, _)| name == FIELD)?;
    let (_, lit) = graph.unknown.remove(at);
    let number = |lit: Option<&Lit>| match lit {
        Some(Lit::Int(n)) => u64::try_from(*n).ok(),
        _ => None,
    };
    if let Some(item) = number(lit.get("item")) {
        let row = match lit.get("row") {
            Some(Lit::Map(cells)) => {
                let text = |l: &Lit| l.as_text().map(str::to_owned);
                cells.iter().filter_map(|(k, v)| Some((text(k)?, text(v)?))).collect()
            }
            _ => Vec::new(),
        };
        return Some(Note::Item(item, row));
    }
    let Some(Lit::Tuple(None, ends)) = lit.get("items") else { return None };
    let (from, to) = (number(ends.first())?, number(ends.get(1))?);
    Some(match lit.get("rows").and_then(Lit::as_text) {
        Some(rows) => Note::Rows(from, to, rows.to_owned()),
        None => Note::Items(from, to),
    })
}

fn note_lit(note: &Note) -> Lit {
    let int = |n: &u64| Lit::Int((*n).into());
    let items = |a: &u64, b: &u64| ("items".to_owned(), Lit::Tuple(None, vec![int(a), int(b)]));
    let fields = match note {
        Note::Item(item, row) => {
            let mut fields = vec![("item".to_owned(), int(item))];
            if !row.is_empty() {
                let cells = row.iter().map(|(k, v)| (Lit::text(k.as_str()), Lit::text(v.as_str()))).collect();
                fields.push(("row".to_owned(), Lit::Map(cells)));
            }
            fields
        }
        Note::Items(a, b) => vec![items(a, b)],
        Note::Rows(a, b, name) => vec![items(a, b), ("rows".to_owned(), Lit::text(name.as_str()))],
    };
    Lit::Struct(None, fields)
}

/// Puts a note into a document.
pub fn put(graph: &mut Graph, note: &Note) {
    take(graph);
    graph.unknown.push((FIELD.to_owned(), note_lit(note)));
}

/// What the pictures of a run say of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Columns that set parameters.
    pub columns: Vec<String>,
    /// What pictures made of many items say.
    pub all: Option<Note>,
}

/// The text for the pictures of a run.
pub fn texts(graph: &Graph, registry: &Registry, told: Told) -> Arc<GraphText> {
    let mut graph = graph.clone();
    // Where things stood in the file, and how it is shown, has no part in the picture.
    graph.migrated_from = None;
    let whole = {
        let mut graph = graph.clone();
        if let Some(note) = &told.all {
            graph.unknown.push((FIELD.to_owned(), note_lit(note)));
        }
        graph.to_text()
    };
    let registry = registry.clone();
    Arc::new(move |item: Option<&ItemInfo>| match item {
        None => whole.clone(),
        Some(info) => {
            let mut graph = graph.clone();
            for (name, word) in info.row.iter().filter(|(name, _)| told.columns.contains(name)) {
                set_cell(&mut graph, &registry, name, word);
            }
            graph.unknown.push((FIELD.to_owned(), note_lit(&Note::Item(info.item, info.row.clone()))));
            graph.to_text()
        }
    })
}

/// Puts a cell into the document. A seed from a table is that very seed, so it is written `Fixed(7)`.
fn set_cell(graph: &mut Graph, registry: &Registry, name: &str, word: &str) {
    let Ok(targets) = sets::targets(graph, name) else { return };
    for target in targets {
        let Ok(place) = sets::locate(graph, registry, &target) else { continue };
        let Some(kind) = &place.kind else { continue };
        let Ok(mut value) = kiln_core::lit::from_word(kind, word) else { continue };
        if *kind == Kind::Seed && !kiln_core::lit::is_fixed_seed(&value) {
            value = Lit::Tuple(Some("Fixed".to_owned()), vec![value]);
        }
        sets::put(graph, &target.node, &place, value);
    }
}

/// The columns of a table that set something: an exposed name, or `node.param`.
pub fn setting_columns(graph: &Graph, columns: &[String]) -> Vec<String> {
    let sets = |c: &&String| graph.expose.contains_key(*c) || sets::targets(graph, c).is_ok();
    columns.iter().filter(sets).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_survive_the_text() {
        let row = vec![("name".to_owned(), "Ada".to_owned())];
        let notes = [
            Note::Item(7, Vec::new()),
            Note::Item(7, row),
            Note::Items(0, 16),
            Note::Rows(0, 3, "a.csv".into()),
        ];
        for note in notes {
            let mut graph = Graph::parse("Graph(kiln: 1, nodes: {})").unwrap();
            graph.unknown.push((FIELD.to_owned(), note_lit(&note)));
            let mut again = Graph::parse(&graph.to_text()).unwrap();
            assert_eq!(take(&mut again), Some(note));
            assert!(again.unknown.is_empty());
        }
        for odd in ["run: 7", "run: (item: -1)", "run: (items: (0,))", "run: (item: \"7\")", "run: ()"] {
            let mut graph = Graph::parse(&format!("Graph(kiln: 1, nodes: {{}}, {odd})")).unwrap();
            assert_eq!(take(&mut graph), None, "{odd}");
        }
    }
}
