//! `evolve`: the next version of a token, from what it has become.

use super::args::EvolveArgs;
use super::folder;
use super::remade::Scratch;
use super::remake::token;
use super::seal::again;
use super::step::{self, Alone, Line, Put, State, Step};
use crate::args::RunArgs;
use crate::fail::Fail;
use crate::picture::{self, Note};
use crate::{make, say, source, start};
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{self, Files, Found};
use kiln_core::document::Lit;
use kiln_core::doors::{Clock, SystemClock};
use kiln_report::disk::DiskFiles;
use kiln_report::sealing;
use serde_json::{Value, json};
use std::path::Path;

/// No state and no document is longer, in bytes.
const LONGEST: u64 = 4 << 20;
/// No history is longer.
const MOST: usize = 1000;

/// Makes the next version.
///
/// # Errors
/// What is wrong with the token, the state or the graph, or that it cannot be made.
pub fn evolve(args: &EvolveArgs) -> Result<u8, Fail> {
    let dir = folder::of_token(&args.token, args.out.as_ref())?;
    let found = token(&args.token, &dir)?;
    let before = folder::read(&args.token, LONGEST)?;
    let document: Value = serde_json::from_slice(&before)
        .map_err(|e| Fail::wrong(format!("{} is no token's document: {e}", args.token.display()), None))?;
    let state_bytes = folder::read(&args.state, LONGEST)?;
    let state: Value = serde_json::from_slice(&state_bytes)
        .map_err(|e| Fail::wrong(format!("{} is not JSON: {e}", args.state.display()), None))?;
    let version = document.pointer("/properties/version").and_then(Value::as_u64).unwrap_or(1);
    let next = version + 1;
    let scratch = Scratch::new()?;
    let out = folder::open(&dir)?;
    let _alone = Alone::with(&out)?;
    let made = run(args, &found, &scratch)?;

    // The version before keeps its document and its picture; the new ones stand beside them.
    let kept = format!("versions/{}/v{version}.json", found.token);
    let files = DiskFiles::new(&made);
    let picture = picture_of(&files)?;
    let bytes = seal::read_text(&files, &picture, super::remade::PICTURE)
        .map_err(|e| Fail::Failed(format!("error: {picture}: {e}")))?;
    let ending = picture.rsplit_once('.').map_or("png", |(_, e)| e);
    let path = format!("versions/{}/v{next}.{ending}", found.token);
    let (pixels, _) =
        super::remade::pixels(&bytes).map_err(|e| Fail::Failed(format!("error: {picture}: {e}")))?;
    let link = Link {
        version,
        kept: &kept,
        before: &before,
        path: &path,
        bytes: &bytes,
        pixels,
        state: &state_bytes,
    };
    let new = written(&files, document).map(|d| linked(d, &link, &state))?;
    kiln_collection::metadata::check_token(found.token, &new)
        .map_err(|e| Fail::Failed(format!("error: {e}")))?;
    let mut text = serde_json::to_string_pretty(&new).unwrap_or_default();
    text.push('\n');
    let to = match &found.metadata {
        Some(path) => path.clone(),
        None => format!("metadata/{}.json", found.token),
    };
    let who = folder::who(args.who.as_deref());
    let now = SystemClock.now().0;
    let sealed = sealing::is_sealed(&DiskFiles::new(out.root()));
    let line = Line {
        time: now,
        who: who.clone(),
        what: format!("evolve token {} to version {next}", found.token),
        subjects: vec![Digest::sha256(&before), Digest::sha256(text.as_bytes())],
    };
    let put = |path: &str, kept, bytes| Put { path: path.to_owned(), kept, bytes };
    let change = Step {
        put: vec![put(&kept, false, before), put(&path, false, bytes), put(&to, true, text.into_bytes())],
        who: who.clone(),
        now,
        lines: if sealed { vec![line] } else { Vec::new() },
        ..Step::default()
    };
    step::take(&out, &mut State::default(), change)?;
    step::close(&out);
    if sealed {
        again(&out, None, &who, &[])?;
    }
    if args.json {
        say::json(
            &json!({ "token": found.token, "version": next, "document": to, "picture": path, "previous": kept }),
        );
    } else {
        say::out(&format!("token {}: version {next}: {to}, {path}; the one before is {kept}", found.token));
    }
    Ok(0)
}

/// Runs the graph for this one item, with the state and the document of the version before.
fn run(args: &EvolveArgs, found: &Found, scratch: &Scratch) -> Result<std::path::PathBuf, Fail> {
    let mut source = source::read(&args.graph)?;
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (state, token) = (whole(&args.state), whole(&args.token));
    let mut fed = 0;
    for node in source.graph.nodes.values_mut() {
        let file = match node.ty.as_str() {
            "TokenState" if !node.from.contains_key("state") => &state,
            "PreviousToken" => {
                if !node.from.contains_key("number") {
                    node.with.insert("number".to_owned(), Lit::Int(found.token.into()));
                }
                &token
            }
            _ => continue,
        };
        node.from.shift_remove("file");
        node.with.insert("file".to_owned(), Lit::text(file.to_string_lossy()));
        fed += 1;
    }
    if fed == 0 {
        return Err(Fail::wrong(
            format!(
                "{}: it has neither a TokenState nor a PreviousToken node, so nothing would be new",
                args.graph.display()
            ),
            Some("graph-run nodes TokenState tells about them"),
        ));
    }
    let remake = found.glance.generation.as_ref().and_then(|g| g.remake.clone()).unwrap_or_default();
    let item = remake.item.unwrap_or(found.token);
    let row = remake.row.into_iter().collect();
    picture::put(&mut source.graph, &Note::Item(item, row));
    let mut access = args.access.clone();
    access.allow_read.extend([state, token]);
    let run = RunArgs {
        graph: Some(args.graph.clone()),
        set: args.set.clone(),
        out: scratch.path().join("made"),
        no_sheets: true,
        quiet: true,
        access,
        device: args.device.clone(),
        ..RunArgs::default()
    };
    let ready = start::prepare_source(&run, source)?;
    match make::make(&run, &ready)? {
        0 => Ok(run.out),
        crate::fail::WAITS => Err(Fail::Failed(
            "error: the graph waits for a person's decision; nothing was changed".to_owned(),
        )),
        _ => Err(Fail::Failed(format!(
            "error: the next version of token {} could not be made; nothing was changed",
            found.token
        ))),
    }
}

/// The one picture that the graph saved.
fn picture_of(files: &DiskFiles) -> Result<String, Fail> {
    let entries = files.list().unwrap_or_default();
    let mut all = entries.into_iter().map(|e| e.path).filter(|p| seal::is_picture(p));
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Fail::Failed("error: the graph saved no picture; nothing was changed".to_owned())),
        (Some(_), Some(_)) => Err(Fail::Failed(
            "error: the graph saved several pictures, and a token has one; nothing was changed".to_owned(),
        )),
    }
}

/// The document to go on from: the one that the graph saved, else the token's own.
fn written(files: &DiskFiles, own: Value) -> Result<Value, Fail> {
    let entries = files.list().unwrap_or_default();
    let Some(path) = entries.into_iter().map(|e| e.path).find(|p| p.ends_with(".json")) else {
        return Ok(own);
    };
    let text =
        seal::read_text(files, &path, LONGEST).map_err(|e| Fail::Failed(format!("error: {path}: {e}")))?;
    serde_json::from_slice(&text).map_err(|e| Fail::Failed(format!("error: {path}: {e}")))
}

/// A step from one version to the next.
struct Link<'a> {
    version: u64,
    kept: &'a str,
    before: &'a [u8],
    path: &'a str,
    bytes: &'a [u8],
    pixels: Digest,
    state: &'a [u8],
}

/// The new document with its version, the link to the one before, and the history.
fn linked(mut document: Value, step: &Link<'_>, state: &Value) -> Value {
    let before: Value = serde_json::from_slice(step.before).unwrap_or_default();
    let file = Digest::sha256(step.bytes);
    if !document.get("properties").is_some_and(Value::is_object) {
        document["properties"] = json!({});
    }
    let properties = &mut document["properties"];
    properties["version"] = json!(step.version + 1);
    properties["previous"] = json!({
        "version": step.version, "document": step.kept, "sha256": Digest::sha256(step.before),
        "image": before.get("image"),
    });
    properties["state"] = state.clone();
    properties["state_sha256"] = json!(Digest::sha256(step.state));
    // A graph that tells the history itself (TokenMetadata) is believed; else it is told here.
    let told =
        properties.get("history").and_then(Value::as_array).is_some_and(|h| h.len() as u64 >= step.version);
    if !told {
        let mut history: Vec<Value> =
            before.pointer("/properties/history").and_then(Value::as_array).cloned().unwrap_or_default();
        history.push(json!({ "version": step.version, "document": step.kept, "sha256": Digest::sha256(step.before), "image": before.get("image") }));
        let skip = history.len().saturating_sub(MOST);
        properties["history"] = json!(history[skip..]);
    }
    for one in properties.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten().take(1) {
        one["sha256"] = json!(file);
    }
    if let Some(remake) = properties.pointer_mut("/generation/remake").filter(|r| r.is_object()) {
        remake["picture"] = json!(step.path);
        remake["file"] = json!(file);
        remake["pixels"] = json!(step.pixels);
    }
    // Where the picture is on the web is not known yet. A graph that says so itself is believed.
    let address = document.get("image").and_then(Value::as_str);
    if let Some(address) = address.filter(|a| before.get("image").and_then(Value::as_str) == Some(a)) {
        let ending = step.path.rsplit_once('.').map_or("png", |(_, e)| e);
        let address = next_address(address, step.version + 1, ending);
        document["image"] = json!(address);
        for one in document
            .pointer_mut("/properties/files")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .take(1)
        {
            one["uri"] = json!(address);
        }
    }
    document
}

/// The address of the next version's picture: that of the one before with the version in its name, and all else as it
/// was. An address that has no name, such as that of a single file by its content, gets one below it.
fn next_address(address: &str, version: u64, ending: &str) -> String {
    if address.starts_with("data:") {
        return address.to_owned();
    }
    // A question and what follows it is no part of the path; the place inside a page neither.
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (path, rest) = address.split_at(end);
    let host = path.find("://").map(|at| at + 3);
    let slash = path.rfind('/').filter(|at| host.is_none_or(|host| *at >= host));
    let at = match (slash, host) {
        (Some(slash), _) => slash + 1,
        (None, None) => 0,
        (None, Some(_)) => path.len(),
    };
    let (folder, name) = path.split_at(at);
    if name.is_empty() {
        return format!("{}/v{version}.{ending}{rest}", folder.trim_end_matches('/'));
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let plain = stem.rsplit_once("-v").filter(|(s, n)| !s.is_empty() && n.parse::<u64>().is_ok());
    format!("{folder}{}-v{version}.{ending}{rest}", plain.map_or(stem, |(s, _)| s))
}

#[cfg(test)]
mod tests {
    use super::next_address;

    #[test]
    fn addresses_keep_what_they_are() {
        for (before, after) in [
            ("ipfs://CID/001.png", "ipfs://CID/001-v2.png"),
            ("ipfs://CID/a/b/001-v1.png", "ipfs://CID/a/b/001-v2.png"),
            ("ipfs://CID", "ipfs://CID/v2.png"),
            ("ipfs://CID/", "ipfs://CID/v2.png"),
            ("ar://x-v3", "ar://x-v3/v2.png"),
            ("https://a.b/c/fox.jpg?size=512#top", "https://a.b/c/fox-v2.png?size=512#top"),
            ("https://a.b/c?of=1/2.png", "https://a.b/c-v2.png?of=1/2.png"),
            ("https://a.b/fox-vx.png", "https://a.b/fox-vx-v2.png"),
            ("data:image/png;base64,AA/B==", "data:image/png;base64,AA/B=="),
            ("001.png", "001-v2.png"),
        ] {
            assert_eq!(next_address(before, 2, "png"), after);
        }
    }
}
