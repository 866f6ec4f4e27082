//! `remake`: the same pixels again, or why not.

use super::args::RemakeArgs;
use super::folder;
use super::remade::{self, Seeds, Shop};
use crate::fail::{FAILED, Fail};
use crate::say;
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Files, Found, Glance};
use kiln_report::disk::DiskFiles;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// No token's document is longer, in bytes.
const DOCUMENT: u64 = 4 << 20;

/// What a token's picture was, as far as that is known.
struct Known {
    pixels: Option<Digest>,
    file: Option<Digest>,
}

/// Reads a token's document, and finds its picture in the folder.
///
/// # Errors
/// It is no token's document.
pub fn token(path: &Path, out: &Path) -> Result<Found, Fail> {
    let bytes = folder::read(path, DOCUMENT)?;
    let wrong =
        |what: String| Fail::wrong(format!("{} is no token's document: {what}", path.display()), None);
    let glance = seal::glance(&bytes).map_err(wrong)?;
    let files = DiskFiles::new(out);
    let whole = std::fs::canonicalize(path).ok();
    let entries =
        files.list().map_err(|e| Fail::wrong(format!("{} cannot be read: {e}", out.display()), None))?;
    let tokens = seal::tokens(&files, &entries, &BTreeMap::new());
    let own = tokens.ok().into_iter().flatten().find(|t| {
        let place = t.metadata.as_ref().and_then(|m| std::fs::canonicalize(out.join(m)).ok());
        place.is_some() && place == whole
    });
    // A document that lies elsewhere says itself which item it was.
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let own = own.unwrap_or_else(|| {
        let remake = glance.generation.as_ref().and_then(|g| g.remake.as_ref());
        let token = stem.parse().ok().or_else(|| remake.and_then(|r| r.item)).unwrap_or(0);
        let picture =
            remake.and_then(|r| r.picture.clone()).filter(|p| files.place(p).is_some_and(|p| p.is_file()));
        Found { token, metadata: None, picture, glance: Glance::default() }
    });
    Ok(Found { glance, ..own })
}

fn known(out: &Path, found: &Found) -> Known {
    let remake = found.glance.generation.as_ref().and_then(|g| g.remake.clone()).unwrap_or_default();
    let digest = |text: Option<&String>| text.and_then(|t| t.parse::<Digest>().ok());
    // What the document says counts before what lies there: the file may have been changed.
    let there = || {
        let bytes = folder::read(&out.join(found.picture.as_ref()?), remade::PICTURE).ok()?;
        Some((remade::pixels(&bytes).ok()?.0, Digest::sha256(&bytes)))
    };
    let there = if remake.pixels.is_none() || remake.file.is_none() { there() } else { None };
    Known {
        pixels: digest(remake.pixels.as_ref()).or(there.map(|t| t.0)),
        file: digest(remake.file.as_ref().or(found.glance.digests.first())).or(there.map(|t| t.1)),
    }
}

/// Makes a token's picture again, and compares.
///
/// # Errors
/// It cannot be made: which graph or model is missing.
pub fn remake(args: &RemakeArgs) -> Result<u8, Fail> {
    let out = folder::of_token(&args.token, args.out.as_ref())?;
    let found = token(&args.token, &out)?;
    let generation = found.glance.generation.clone();
    let Some(generation) = generation else {
        return Err(Fail::wrong(
            format!(
                "{}: nothing in it tells how the picture was made (properties.generation)",
                args.token.display()
            ),
            Some("a picture made by hand cannot be made again by a graph"),
        ));
    };
    let remake = generation.remake.clone().unwrap_or_default();
    let known = known(&out, &found);
    let shop = Shop { out: &out, graph: args.graph.as_deref(), access: &args.access, device: &args.device };
    // As the graph stands first. Where a gate accepted a later attempt because of other items (or a person), that
    // attempt by itself.
    let attempt = generation.attempt.unwrap_or(1).saturating_sub(1);
    let mut tries = vec![Seeds::AsWritten];
    if attempt > 0 || generation.attempt.is_some() || !generation.gates.is_empty() {
        tries.push(Seeds::Accepted(attempt));
    }
    let mut last = None;
    for seeds in tries {
        let made = match remade::make(&shop, &found, &remake, seeds) {
            Ok(made) => made,
            Err(error) if last.is_none() && seeds == Seeds::AsWritten && matches!(error, Fail::Failed(_)) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let pixels =
            remade::pixels(&made.bytes).map_err(|e| Fail::Failed(format!("error: {}: {e}", made.path)))?.0;
        let same = known.pixels == Some(pixels);
        last = Some((made, pixels));
        if same {
            break;
        }
    }
    let Some((made, pixels)) = last else {
        return Err(Fail::Failed(format!("error: token {}: its picture could not be made", found.token)));
    };
    let file = Digest::sha256(&made.bytes);
    if let Some(keep) = &args.keep {
        let to = keep.join(&made.path);
        let write = || {
            std::fs::create_dir_all(to.parent().unwrap_or(keep))?;
            std::fs::write(&to, &made.bytes)
        };
        write().map_err(|e| Fail::Failed(format!("error: {} cannot be written: {e}", to.display())))?;
    }
    drop(made.scratch);
    let same = known.pixels.map(|known| known == pixels);
    let same_file = known.file.map(|known| known == file);
    if args.json {
        say::json(&json!({
            "token": found.token, "same": same, "same_file": same_file, "pixels": pixels, "file": file,
            "known_pixels": known.pixels, "known_file": known.file, "picture": made.path,
        }));
    } else {
        let token = found.token;
        match (same, same_file) {
            (Some(true), Some(true)) => {
                say::out(&format!("token {token}: the same picture, bit for bit, and the same file"));
            }
            (Some(true), _) => say::out(&format!(
                "token {token}: the same picture, bit for bit; the file differs in what is written beside the pixels"
            )),
            (Some(false), _) => say::err(&format!("token {token}: another picture: its pixels do not fit")),
            (None, _) => say::err(&format!("token {token}: made, but there is nothing to compare it with")),
        }
        say::out(&format!("pixels  {pixels}"));
        if let Some(known) = known.pixels.filter(|k| *k != pixels) {
            say::out(&format!("known   {known}"));
        }
    }
    Ok(if same == Some(true) { 0 } else { FAILED })
}
