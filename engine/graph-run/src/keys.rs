//! `keys`: each value's name, and what went into it.

use crate::args::{GraphArgs, RunArgs};
use crate::fail::Fail;
use crate::{check, explain, say, start, table};
use serde_json::json;

/// Shows the keys of a graph's values.
///
/// # Errors
/// When the graph cannot run.
pub fn run(args: &GraphArgs) -> Result<u8, Fail> {
    let mut as_run = RunArgs {
        graph: Some(args.graph.clone()),
        set: args.set.clone(),
        out: "out".into(),
        dry_run: true,
        quiet: true,
        access: args.access.clone(),
        ..RunArgs::default()
    };
    let looked = check::look(args, &[])?;
    if looked.over_items && looked.plan.is_some() {
        as_run.item = Some(0);
    }
    let ready = start::prepare(&as_run)?;
    let lines = explain::keys(&as_run, &ready)?;
    if args.json {
        say::json(&json!(lines));
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|l| {
            let parts: Vec<String> = l.parts.iter().map(|(name, key)| format!("{name} {key}")).collect();
            let key = match (&l.key, &l.later) {
                (Some(key), _) => key.chars().take(16).collect(),
                (None, Some(why)) => format!("later: {why}"),
                (None, None) => "later".to_owned(),
            };
            vec![l.node.clone(), format!("{} {}", l.ty, l.version), key, parts.join(", ")]
        })
        .collect();
    say::out(&table::lines(&["node", "type", "key", "made of"], &rows, &[]));
    if as_run.item.is_some() {
        say::err("of item 0; the graph runs over items");
    }
    Ok(0)
}
