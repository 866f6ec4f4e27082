//! Files: named, listed and read.

use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::{Value, names};
use std::path::Path;

/// No text file of more bytes is read.
pub(crate) const MAX_FILE: usize = 16 << 20;

pub(crate) fn nodes() -> Vec<Node> {
    vec![list_files(), file_name(), read_text()]
}

/// The files of a folder.
fn list_files() -> Node {
    Node::pure("ListFiles", 1, |cx| {
        let files = cx.list("files")?;
        let limit = cx.count("limit")?;
        let kept: Vec<Value> = if limit == 0 { files.to_vec() } else { files.iter().take(limit).cloned().collect() };
        if kept.is_empty() && !cx.bool("may_be_empty")? {
            return Err(NodeError::new("no file fits")
                .at("files")
                .hint("write it like \"folder/*.png\", relative to the graph"));
        }
        cx.set("count", i64::try_from(kept.len()).unwrap_or(i64::MAX));
        cx.set("files", Value::list(kept));
        Ok(())
    })
    .title("List files")
    .category("file")
    .doc("The files that a pattern such as \"folder/*.png\" names, by name: a node that takes one file runs for each.")
    .param(Param::files("files").doc("A folder and a pattern; * stands for anything, ? for one character."))
    .param(Param::int("limit", 0, 0..=1_000_000).doc("Only so many of them; 0: all."))
    .param(Param::bool("may_be_empty", false).doc("Give an empty list when no file fits, instead of failing."))
    .output_list("files", names::FILE, "The files.")
    .output("count", names::INT, "How many there are.")
    .reads_paths()
}

/// What a file is called.
fn file_name() -> Node {
    Node::pure("FileName", 1, |cx| {
        let file = cx.file("file")?;
        let part =
            |v: Option<&std::ffi::OsStr>| v.map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
        let path = &file.path;
        let folder = part(path.parent().and_then(Path::file_name));
        for (name, text) in [
            ("name", part(path.file_name())),
            ("stem", part(path.file_stem())),
            ("extension", part(path.extension()).to_lowercase()),
            ("folder", folder),
        ] {
            cx.set(name, text.as_str());
        }
        Ok(())
    })
    .title("File name")
    .category("file")
    .doc("The name of a file and its parts, as text.")
    .input("file", names::FILE, "The file.")
    .output("name", names::TEXT, "The name: cat.png.")
    .output("stem", names::TEXT, "The name without its ending: cat.")
    .output("extension", names::TEXT, "The ending in small letters: png.")
    .output("folder", names::TEXT, "The name of the folder it lies in.")
    .reads_paths()
}

/// Reads a text file within limits.
///
/// # Errors
/// When it is too large or not UTF-8.
pub(crate) fn text_of(cx: &Cx<'_>, port: &str) -> Result<String, NodeError> {
    let file = cx.file(port)?;
    let name = file.path.display().to_string();
    let size = std::fs::metadata(&file.path).map(|m| m.len()).unwrap_or(0);
    if size > MAX_FILE as u64 {
        return Err(
            NodeError::new(format!("{name} has {size} bytes, more than the 16 MiB a text may have")).at(port)
        );
    }
    let bytes = cx.read(&file)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => {
            let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            Err(NodeError::new(format!(
                "{name} is not UTF-8 text: line {line} has bytes that are no characters"
            ))
            .at(port)
            .hint("save it as UTF-8"))
        }
    }
}

/// What is in a text file.
fn read_text() -> Node {
    Node::pure("ReadText", 1, |cx| {
        let text = text_of(cx, "file")?;
        let text = text.replace("\r\n", "\n");
        cx.set("lines", Value::list(text.lines().map(Value::from).collect::<Vec<_>>()));
        cx.set("text", text.as_str());
        Ok(())
    })
    .title("Read text")
    .category("file")
    .doc("What is in a text file (UTF-8, up to 16 MiB).")
    .param(Param::file("file").doc("The file, relative to the graph."))
    .output("text", names::TEXT, "The text.")
    .output_list("lines", names::TEXT, "Its lines.")
}
