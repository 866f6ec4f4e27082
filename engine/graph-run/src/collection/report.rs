//! `report`: the page about a collection, made again from its folder.

use super::args::ReportArgs;
use super::folder;
use super::plan::read_plan;
use super::seal::last_run;
use crate::fail::Fail;
use crate::say;
use kiln_collection::seal::Files;
use kiln_core::doors::{Clock, SystemClock};
use kiln_report::disk::DiskFiles;
use kiln_report::{facts, report as writing, sealing};
use serde_json::json;

/// Writes the report.
///
/// # Errors
/// What cannot be read, drawn or written.
pub fn report(args: &ReportArgs) -> Result<u8, Fail> {
    let out = folder::open(&args.out)?;
    let files = DiskFiles::new(out.root());
    let named = args.plan.as_ref().map(|path| read_plan(path, None, None)).transpose()?;
    let plan = named.or_else(|| last_run(&out).and_then(|(graph, _)| facts::plan_in_graph(&graph)));
    let gates = facts::gates(out.folder(), SystemClock.now())?;
    let mut facts = facts::gather(&files, plan.as_ref(), gates).map_err(|e| Fail::wrong(e, None))?;
    if let Some(name) = &args.name {
        facts.name.clone_from(name);
    }
    if facts.tokens.is_empty() {
        let what = format!("there are no tokens in {}", args.out.display());
        return Err(Fail::wrong(
            what,
            Some("tokens have a document in metadata/, or pictures with numbers in their names"),
        ));
    }
    let mut write = sealing::writer(&out);
    let written = writing::write(&facts, &files, &mut write, &mut |_, _| Ok(()))
        .map_err(|e| Fail::Failed(format!("error: {e}")))?;
    let there: Vec<String> = files.list().unwrap_or_default().into_iter().map(|e| e.path).collect();
    for path in writing::stale(&there, &written) {
        if let Ok(place) = out.place(&path) {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_file(place);
        }
    }
    let page = args.out.join(writing::PAGE);
    if args.json {
        say::json(
            &json!({ "page": page.display().to_string(), "items": facts.size(), "files": written.files.len(), "problems": written.problems }),
        );
    } else {
        written.problems.iter().for_each(|p| say::warn(&format!("no thumbnail of {p}")));
        say::out(&format!("{}: {}", page.display(), folder::counted(facts.tokens.len(), "item")));
        if sealing::is_sealed(&files) {
            say::out("the folder was sealed before; graph-run seal takes the new report in");
        }
    }
    Ok(0)
}
