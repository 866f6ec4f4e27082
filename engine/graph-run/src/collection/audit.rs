//! `audit`, `prove-file` and `check-proof`: whether a collection is what it was sealed as.

use super::args::{AuditArgs, CheckProofArgs, ProveArgs};
use super::folder::{self, counted};
use crate::fail::{FAILED, Fail};
use crate::record::when;
use crate::{say, table};
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Known, Manifest, Proof};
use kiln_core::store::Millis;
use serde_json::json;

/// Breaks that are told one by one.
const SHOWN: usize = 40;
/// No proof is longer, in bytes.
const PROOF: u64 = 1 << 20;
/// No picture is longer, in bytes.
const PICTURE: u64 = 4 << 30;

fn digest(flag: &str, text: Option<&String>) -> Result<Option<Digest>, Fail> {
    let read = |text: &String| text.parse().map_err(|e| Fail::wrong(format!("{flag}: {e}"), None));
    text.map(read).transpose()
}

/// Verifies everything, and names the first broken link.
///
/// # Errors
/// There is no such folder.
pub fn audit(args: &AuditArgs) -> Result<u8, Fail> {
    let files = folder::look(&args.out)?;
    let known = Known {
        provenance: digest("--provenance", args.provenance.as_ref())?,
        merkle_root: digest("--root", args.root.as_ref())?,
        log: digest("--log", args.log.as_ref())?,
    };
    if !args.out.join(seal::FOLDER).exists() {
        let what = format!("{} was never sealed", args.out.display());
        return Err(Fail::wrong(
            what,
            Some("graph-run seal OUT seals it; the node SealCollection does so in a graph"),
        ));
    }
    let found = seal::audit(&files, &known);
    let manifest = found.manifest.as_ref();
    if args.json {
        let line = |r: &kiln_collection::provenance::Record, n: u64| json!({ "line": n, "time": r.time, "actor": r.actor, "action": r.action, "subjects": r.subjects });
        let log: Vec<_> = found.log.iter().map(|(r, h)| line(r, h.lines)).collect();
        say::json(&json!({
            "ok": found.holds(),
            "breaks": found.breaks.iter().map(|b| json!({ "path": b.path, "what": b.what })).collect::<Vec<_>>(),
            "more": found.more,
            "notes": found.notes,
            "items": manifest.map(|m| m.items.len()), "files": manifest.map(|m| m.files.len()),
            "provenance": manifest.map(|m| m.provenance), "merkle_root": manifest.and_then(|m| m.merkle_root),
            "head": found.log.last().map(|(_, h)| *h),
            "log": if args.show { json!(log) } else { json!(null) },
        }));
        return Ok(if found.holds() { 0 } else { FAILED });
    }
    if args.show {
        let rows: Vec<Vec<String>> = found
            .log
            .iter()
            .map(|(r, h)| vec![h.lines.to_string(), when(Millis(r.time)), r.actor.clone(), r.action.clone()])
            .collect();
        say::out(&table::lines(&["line", "when (UTC)", "who", "what"], &rows, &[0]));
    }
    found.notes.iter().for_each(|note| say::err(&format!("note: {note}")));
    let Some(first) = found.breaks.first() else {
        let Some(manifest) = manifest else { return Ok(FAILED) };
        say::out(&format!(
            "all is as it was sealed: {}, {}, {} of the audit log",
            counted(manifest.items.len(), "item"),
            counted(manifest.files.len(), "file"),
            counted(found.log.len(), "line"),
        ));
        say::out(&format!("provenance   {}", manifest.provenance));
        if let Some(root) = manifest.merkle_root {
            say::out(&format!("merkle root  {root}"));
        }
        return Ok(0);
    };
    say::err(&format!("broken: {first}"));
    let rest = &found.breaks[1..];
    rest.iter().take(SHOWN).for_each(|b| say::err(&format!("        {b}")));
    let more = rest.len().saturating_sub(SHOWN) as u64 + found.more;
    if more > 0 {
        say::err(&format!("        and {more} more"));
    }
    Ok(FAILED)
}

/// Writes a token's proof.
///
/// # Errors
/// The folder is not sealed, or has no such token.
pub fn prove(args: &ProveArgs) -> Result<u8, Fail> {
    let files = folder::look(&args.out)?;
    let text = seal::read_text(&files, seal::MANIFEST, 1 << 30).map_err(|e| {
        Fail::wrong(
            format!("{} cannot be read: {e}", seal::MANIFEST),
            Some("graph-run seal OUT seals a folder"),
        )
    })?;
    let manifest =
        Manifest::read(&text).map_err(|e| Fail::wrong(format!("{}: {e}", seal::MANIFEST), None))?;
    let proof = Proof::of(&manifest, args.token).map_err(|e| Fail::wrong(e, None))?;
    match &args.output {
        None => say::out(proof.to_text().trim_end()),
        Some(path) => {
            std::fs::write(path, proof.to_text())
                .map_err(|e| Fail::Failed(format!("error: {} cannot be written: {e}", path.display())))?;
            say::out(&format!("{}: the proof of token {}", path.display(), proof.token));
            say::out(&format!("root {}", proof.root));
        }
    }
    Ok(0)
}

/// Checks a proof by itself.
///
/// # Errors
/// A file cannot be read.
pub fn check_proof(args: &CheckProofArgs) -> Result<u8, Fail> {
    let text = folder::read(&args.proof, PROOF)?;
    let proof: Proof = serde_json::from_slice(&text)
        .map_err(|e| Fail::wrong(format!("{} is no proof: {e}", args.proof.display()), None))?;
    let root = digest("--root", args.root.as_ref())?;
    let picture = args.picture.as_ref().map(|path| folder::read(path, PICTURE)).transpose()?;
    let checked = proof.check(root, picture.as_deref());
    if args.json {
        let error = checked.as_ref().err().map(ToString::to_string);
        say::json(
            &json!({ "ok": checked.is_ok(), "error": error, "token": proof.token, "sha256": proof.sha256, "root": proof.root }),
        );
    } else {
        match &checked {
            Err(error) => say::err(&format!("broken: {error}")),
            Ok(()) => {
                say::out(&format!("token {} belongs to the root {}", proof.token, proof.root));
                if root.is_none() {
                    say::out("compare the root with the one that was published, or give it with --root");
                }
                if picture.is_none() {
                    say::out(&format!("its picture has SHA-256 {}", proof.sha256));
                }
            }
        }
    }
    Ok(if checked.is_ok() { 0 } else { FAILED })
}
