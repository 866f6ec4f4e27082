//! `fmt`: a graph in its one canonical form.

use crate::args::FmtArgs;
use crate::fail::{FAILED, Fail};
use crate::{say, source};
use kiln_core::refactor;
use kiln_core::store::{Disk, Durability, RealDisk};
use std::path::Path;

/// Formats every file; one that cannot be read does not keep the others from it.
///
/// # Errors
/// With every file that cannot be read or written.
pub fn run(args: &FmtArgs) -> Result<u8, Fail> {
    let registry = kiln_nodes::registry();
    let mut differ = 0;
    let mut wrong = Vec::new();
    for path in &args.graphs {
        let mut one = || -> Result<(), Fail> {
            let mut source = source::read(path)?;
            let renamed = refactor::modernise(&mut source.graph, &registry);
            let text = source.graph.to_text();
            if args.stdout {
                say::out(text.trim_end_matches('\n'));
                return Ok(());
            }
            if source.picture {
                return Err(Fail::wrong(
                    format!("{}: the graph in a picture stays as it is", source.name),
                    Some("--stdout prints it"),
                ));
            }
            source.is_ours()?;
            if text == source.text {
                return Ok(());
            }
            differ += 1;
            if args.check {
                say::out(&source.name);
                return Ok(());
            }
            write(path, &text)?;
            say::out(&format!("{}: written anew{}", source.name, if renamed.is_empty() { "" } else { ":" }));
            renamed.iter().for_each(|r| say::out(&format!("    {r}")));
            Ok(())
        };
        if let Err(e) = one() {
            wrong.push(e.to_string());
        }
    }
    if !wrong.is_empty() {
        return Err(Fail::Wrong(wrong.join("\n")));
    }
    Ok(if args.check && differ > 0 { FAILED } else { 0 })
}

/// Writes a graph's file whole or not at all. Through a link, what it leads to is written.
///
/// # Errors
/// When the disk refuses.
pub fn write(path: &Path, text: &str) -> Result<(), Fail> {
    if path == Path::new("-") {
        say::out(text.trim_end_matches('\n'));
        return Ok(());
    }
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(RealDisk.write_atomic(&real, text.as_bytes(), Durability::Durable)?)
}
