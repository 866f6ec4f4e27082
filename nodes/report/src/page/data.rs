//! The data that the page's script reads: short, because ten thousand items stand in it.

use super::escape::json_in_script;
use crate::facts::CollectionFacts;
use serde_json::{Value, json};

/// The sheets of thumbnails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheets {
    /// How many thumbnails stand side by side.
    pub columns: usize,
    /// How many rows a full sheet has.
    pub rows: usize,
    /// How many thumbnails there are.
    pub count: usize,
    /// For each token, its place on the sheets, where it has one.
    pub places: Vec<Option<usize>>,
    /// For each sheet, the part of its name that tells its content.
    pub marks: Vec<String>,
}

/// The data as JSON for a block of the page.
pub(super) fn data(facts: &CollectionFacts, sheets: &Sheets) -> String {
    let groups: Vec<Value> = facts
        .groups
        .iter()
        .map(|g| {
            let names: Vec<&str> = g.values.iter().map(|v| v.name.as_str()).collect();
            let made: Vec<u64> = g.values.iter().map(|v| v.made).collect();
            json!({ "name": g.name, "values": names, "made": made, "none": g.none })
        })
        .collect();
    let tiers: Vec<&str> = facts.tiers.iter().map(|t| t.name.as_str()).collect();
    // The order of the columns is the script's.
    let token = |(at, t): (usize, &crate::facts::Token)| {
        let traits: Vec<i64> = t.traits.iter().map(|v| v.map_or(-1, i64::from)).collect();
        let place = sheets.places.get(at).copied().flatten().map_or(-1, |p| i64::try_from(p).unwrap_or(-1));
        // Ten digits are more than anybody reads.
        let score = (t.score * 1e9).round() / 1e9;
        json!([
            t.token,
            t.name,
            traits,
            t.numbers,
            t.rank,
            score,
            t.tier.map_or(-1, i64::from),
            t.picture.as_deref().unwrap_or_default(),
            place,
            t.prompt,
            t.made,
            t.sha256.as_deref().unwrap_or_default(),
            t.metadata.as_deref().unwrap_or_default(),
            t.description,
            t.decided.as_deref().unwrap_or_default(),
        ])
    };
    let tokens: Vec<Value> = facts.tokens.iter().enumerate().map(token).collect();
    let all = json!({
        "name": facts.name,
        "provenance": facts.provenance,
        "groups": groups,
        "tiers": tiers,
        "sheet": { "columns": sheets.columns, "rows": sheets.rows, "count": sheets.count, "marks": sheets.marks },
        "tokens": tokens,
    });
    json_in_script(&all.to_string())
}
