//! Pictures into files.

use crate::ports::Said;
use kiln_codec::{Chroma, Depth, Format, Rounding, SaveOptions, embed_text, encode};
use kiln_core::template::{fill, places};
use kiln_core::{Cx, Doubt, Effect, Given, Node, NodeError, Param};
use kiln_types::{Color, Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![save_image()]
}

/// The key under which a graph stands in a picture's file.
const GRAPH_KEY: &str = "kiln";

struct Save;

/// A file that was written: one line of the outcome, length, hash and path.
fn line(file: &kiln_core::doors::Written) -> String {
    format!("{} {} {}\n", file.bytes, file.hash, file.path)
}

/// The lengths and paths of an outcome.
fn lines(outcome: &[u8]) -> Result<Vec<(u64, String)>, NodeError> {
    let bad = || NodeError::new("the journal's entry of this file cannot be read");
    let text = std::str::from_utf8(outcome).map_err(|_| bad())?;
    text.lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let bytes = parts.next().and_then(|n| n.parse().ok()).ok_or_else(bad)?;
            Ok((bytes, parts.nth(1).ok_or_else(bad)?.to_owned()))
        })
        .collect()
}

/// A filled-in text without what would lead to another folder or is not allowed in names.
fn tame(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
                '-'
            } else {
                c
            }
        })
        .collect()
}

fn format_of(word: &str) -> Option<Format> {
    Some(match word {
        "png" => Format::Png,
        "jpeg" => Format::Jpeg,
        "webp" => Format::WebP,
        "avif" => Format::Avif,
        _ => return None,
    })
}

/// The format that a name's ending stands for.
fn ending(name: &str) -> Option<Format> {
    let file = name.rsplit('/').next()?;
    let (stem, ending) = file.rsplit_once('.')?;
    if stem.is_empty() { None } else { Format::from_extension(ending) }
}

/// The name of picture `index` of `count`.
fn name(
    cx: &Cx<'_>,
    template: &str,
    format: Format,
    index: usize,
    count: usize,
) -> Result<String, NodeError> {
    let numbered = places(template).iter().any(|p| p == "index");
    let filled = fill(template, &|place| match place {
        "item" => cx.item().map(|i| i.item.to_string()),
        "window" => cx.window().map(|w| w.to_string()),
        "index" => Some(cx.index().unwrap_or(index).to_string()),
        column => {
            let (_, cell) = cx.item()?.row.iter().find(|(name, _)| name == column)?;
            Some(tame(cell))
        }
    })
    .map_err(|e| e.at("name"))?;
    let stem = match ending(&filled) {
        Some(found) if found == format => filled.rsplit_once('.').map_or(filled.as_str(), |(stem, _)| stem),
        _ => &filled,
    };
    let extension = if stem.len() < filled.len() { &filled[stem.len() + 1..] } else { format.extension() };
    let mut path = stem.to_owned();
    // What the name does not tell apart is counted from 1.
    if !numbered && let Some(at) = cx.index() {
        path.push_str(&format!("-{}", at + 1));
    }
    if count > 1 && (!numbered || cx.index().is_some()) {
        path.push_str(&format!("-{}", index + 1));
    }
    Ok(format!("{path}.{extension}"))
}

fn small(cx: &Cx<'_>, name: &str) -> Result<u8, NodeError> {
    u8::try_from(cx.int(name)?).map_err(|_| NodeError::new(format!("{name:?} is out of range")).at(name))
}

fn options(cx: &Cx<'_>) -> Result<SaveOptions, NodeError> {
    let word = cx.text("format")?;
    let format =
        format_of(&word).ok_or_else(|| NodeError::new(format!("{word:?} is not a format")).at("format"))?;
    let depth = match cx.int("bits")? {
        8 => Depth::Eight,
        16 => Depth::Sixteen,
        other => return Err(NodeError::new(format!("bits is {other}, not 8 or 16")).at("bits")),
    };
    let chroma = match &*cx.text("chroma")? {
        "4:4:4" => Chroma::Full,
        "4:2:2" => Chroma::Half,
        _ => Chroma::Quarter,
    };
    Ok(SaveOptions {
        depth,
        chroma,
        compression: small(cx, "compression")?,
        quality: small(cx, "quality")?,
        background: cx.color("background")?,
        speed: small(cx, "speed")?,
        rounding: crate::ports::choice(cx, "rounding", Rounding::from_name)?,
        ..SaveOptions::new(format)
    })
}

impl Effect for Save {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let images = cx.image("image")?;
        let options = options(cx)?;
        let template = cx.text("name")?;
        let graph = if cx.bool("embed")? { cx.graph_text() } else { String::new() };
        let mut outcome = String::new();
        for index in 0..images.batch() {
            cx.pause()?;
            let path = name(cx, &template, options.format, index, images.batch())?;
            let mut bytes = encode(&images, index, &options).said()?;
            if !graph.is_empty() {
                bytes = embed_text(&bytes, options.format, GRAPH_KEY, &graph).said()?;
            }
            let written = cx.write(&path, &bytes).map_err(|e| e.at("name"))?;
            outcome.push_str(&line(&written));
            cx.progress(index as u64 + 1, images.batch() as u64);
        }
        Ok(outcome.into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let (Ok(out), Ok(files)) = (cx.out_folder(), lines(outcome)) else { return false };
        files.iter().all(|(bytes, path)| out.stands(path, *bytes))
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let files = lines(outcome)?.into_iter().map(|(_, path)| Value::text(path)).collect::<Vec<_>>();
        Ok(vec![("files", Value::list(files))])
    }
}

/// What does not go together, before anything runs.
fn check(given: &Given<'_>) -> Vec<NodeError> {
    let mut found = Vec::new();
    let format = given.text("format").and_then(|f| format_of(&f));
    match (given.number("bits"), format) {
        (Some(bits), _) if bits != 8.0 && bits != 16.0 => {
            found.push(NodeError::new(format!("bits is {bits}")).at("bits").hint("write 8 or 16"));
        }
        (Some(16.0), Some(format)) if format != Format::Png => {
            let wrong = NodeError::new(format!("{format} holds no 16 bits")).at("bits");
            found.push(wrong.hint("set format to \"png\", or bits to 8"));
        }
        _ => {}
    }
    if let Some(format) = format.filter(|f| !f.can_write()) {
        let wrong = NodeError::new(format!("this build does not write {format}")).at("format");
        found.push(wrong.hint("choose png, jpeg or webp, or use a full build"));
    }
    if let Some(name) = given.text("name") {
        if name.trim().is_empty() || name.ends_with('/') {
            found.push(
                NodeError::new(format!("{name:?} is not a file's name"))
                    .at("name")
                    .hint("write a name: \"picture\""),
            );
        }
        if let Err(e) = fill(&name, &|_| Some("0".to_owned())) {
            found.push(e.at("name"));
        }
        if let (Some(ending), Some(format)) = (ending(&name), format)
            && ending != format
            && ending.can_write()
        {
            let wrong =
                NodeError::new(format!("the name {name:?} ends like {ending}, but the format is {format}"));
            found.push(wrong.at("name").hint("leave the ending out: it is added"));
        }
    }
    found
}

/// SaveImage.
fn save_image() -> Node {
    Node::effect("SaveImage", 1, Doubt::IdempotentByKey, Save)
        .title("Save picture")
        .category("image/files")
        .doc(
            "Writes pictures into the output folder, each file whole or not at all and only once: running again \
             writes what is missing or has changed. No two items can write the same file.",
        )
        .writes_files()
        .input("image", names::IMAGE, "The picture, or a batch of them.")
        .input_was(&["images"])
        .param(Param::text("name", "picture").was(&["filename_prefix"]).doc(
            "The file's name, without its ending; folders with \"/\". {item} is the item's number ({item:05} with \
             zeros), {name} the column of that name in the table, {index} the place in a list or batch from 0, \
             {window} the window's number. What a list or batch without {index} holds gets \"-1\", \"-2\", \"-3\".",
        ))
        .param(Param::choice("format", &["png", "jpeg", "webp", "avif"]).doc(
            "The kind of file. png, webp keep every sample in 8 bits; jpeg is for photos without transparency; avif \
             is the smallest.",
        ))
        .param(Param::int("quality", 90, 1..=100).doc("Of jpeg and avif: 100 is the best and largest."))
        .param(Param::int("compression", 4, 0..=9).doc("Effort of png: 0 is quick and large, 9 slow and small; the picture is the same."))
        .param(Param::int("bits", 8, 8..=16).step(8.0).unit("bits").doc("Of each sample: 8, or 16 in png."))
        .param(Param::choice("rounding", &["round", "truncate"]).doc(
            "How samples become whole numbers: to the nearest, so that what was loaded is saved unchanged, or down, \
             as ComfyUI does.",
        ))
        .param(Param::choice("chroma", &["4:2:0", "4:2:2", "4:4:4"]).doc(
            "How finely jpeg stores colour: at half width and height, at half width, or fully.",
        ))
        .param(Param::int("speed", 6, 1..=10).doc("Of avif: 1 is slow and small, 10 quick and large."))
        .param(Param::color("background", Color::WHITE).doc("What shows through where a picture with transparency becomes a jpeg."))
        .param(Param::bool("embed", true).doc("Put the graph into the file, so that the picture can be opened as its graph."))
        .output_list("files", names::TEXT, "The paths of the files, relative to the output folder.")
        .uses_item(|given| {
            let own = |place: &String| !matches!(place.as_str(), "index" | "window");
            given.text("name").is_some_and(|name| places(&name).iter().any(own))
        })
        .check(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_can_be_read() {
        let outcome = b"12 aa a b.png\n7 bb c/d.png\n";
        assert_eq!(lines(outcome).unwrap(), [(12, "a b.png".to_owned()), (7, "c/d.png".to_owned())]);
        assert!(lines(b"nonsense").is_err());
        assert!(lines(&[0xff]).is_err());
    }

    #[test]
    fn endings_are_told_from_names() {
        assert_eq!(ending("a.png"), Some(Format::Png));
        assert_eq!(ending("a.JPG"), Some(Format::Jpeg));
        assert_eq!(ending("v1.5"), None);
        assert_eq!(ending("x.png/y"), None);
        assert_eq!(ending(".png"), None);
    }
}
