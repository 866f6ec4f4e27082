//! Small nodes to run: numbers, slow work, failures, pictures, files, a gate.

use crate::picture::PictureEncoder;
use kiln_core::{Ask, Cx, Doubt, Effect, Engine, Node, NodeError, Param, Registry, Verdict};
use kiln_store::{DiskCache, RealDisk, StoreError};
use kiln_types::{Image, Value, names};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The nodes that the suite's graphs are made of.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_all([number(), add(), slow(), eager(), fail(), picture(), even(), review(), write()]);
    registry
}

/// An engine with these nodes; with a folder, values are kept there.
///
/// # Errors
/// When the folder cannot be used.
pub fn engine(cache: Option<&Path>) -> Result<Engine, StoreError> {
    let engine = Engine::new(registry())?;
    Ok(match cache {
        Some(dir) => engine.with_disk(Arc::new(DiskCache::open(dir, Arc::new(RealDisk))?)),
        None => engine,
    })
}

/// Writes no real PNG file: its signature, and the first pixel's samples as text.
#[must_use]
pub fn encoder() -> Arc<dyn PictureEncoder> {
    Arc::new(|image: &Image, frame: usize| {
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        out.extend(format!("{:?}", image.pixel(frame, 0, 0)).into_bytes());
        Ok(out)
    })
}

fn number() -> Node {
    Node::pure("TestNumber", 1, |cx| {
        let n = cx.int("n")?;
        cx.set("value", n);
        Ok(())
    })
    .param(Param::int("n", 1, 0..=1000).doc("The number."))
    .output("value", names::INT, "The number.")
}

fn add() -> Node {
    Node::pure("TestAdd", 1, |cx| {
        let sum = cx.int("a")? + cx.int("b")?;
        cx.set("value", sum);
        Ok(())
    })
    .input("a", names::INT, "One number.")
    .input("b", names::INT, "Another.")
    .output("value", names::INT, "The sum.")
}

/// Steps that take a while, with signs of progress; ends when cancelled.
fn slow() -> Node {
    Node::pure("TestSlow", 1, |cx| {
        let (steps, ms) = (cx.count("steps")?, cx.count("ms")?);
        for step in 0..steps {
            cx.pause()?;
            std::thread::sleep(Duration::from_millis(ms as u64));
            cx.progress(step as u64 + 1, steps as u64);
        }
        let item = cx.item().map_or(0, |i| i.item);
        cx.set("value", i64::try_from(item).unwrap_or(i64::MAX));
        Ok(())
    })
    .uses_item(|given| given.bool("each") == Some(true))
    .param(Param::int("steps", 5, 0..=1_000_000).doc("How many steps."))
    .param(Param::int("ms", 10, 0..=60_000).doc("How long each takes."))
    .param(Param::bool("each", false).doc("For each item anew."))
    .output("value", names::INT, "The item.")
}

/// Signs of progress faster than anybody reads.
fn eager() -> Node {
    Node::pure("TestEager", 1, |cx| {
        let n = cx.count("n")? as u64;
        for step in 0..n {
            cx.progress(step + 1, n);
        }
        cx.set("value", 1);
        Ok(())
    })
    .param(Param::int("n", 1, 0..=100_000_000).doc("How many."))
    .output("value", names::INT, "One.")
}

fn fail() -> Node {
    Node::pure("TestFail", 1, |cx| {
        let words = cx.text("words")?;
        Err(NodeError::new(words).hint("this is what it is for"))
    })
    .param(Param::text("words", "it failed").doc("What it says."))
    .output("value", names::INT, "Nothing.")
}

fn picture() -> Node {
    Node::pure("TestPicture", 1, |cx| {
        let (w, h) = cx.size("size")?;
        let grey = cx.float32("grey")?;
        cx.set("image", Value::image(Image::new(2, h, w, 3, vec![grey; 2 * w * h * 3])?));
        cx.set("count", 2);
        Ok(())
    })
    .param(Param::size("size", 64, 32).doc("Its size."))
    .param(Param::float("grey", 0.5, 0.0..=1.0).doc("Its samples."))
    .output("image", names::IMAGE, "Two pictures.")
    .output("count", names::INT, "How many pictures.")
}

fn even() -> Node {
    Node::gate("TestEven", 1, |cx| {
        let n = cx.int("value")?;
        let accept = n % 2 == 0;
        // A score that JSON does not have.
        let score = if accept { 1.0 } else { f64::NEG_INFINITY };
        Ok(Verdict { accept, score, reason: format!("{n} is {}", if accept { "even" } else { "odd" }) })
    })
    .input("value", names::INT, "A number.")
    .output_like("value", "value", "The number, if it is even.")
}

fn review() -> Node {
    Node::review_gate("TestReview", 1, |cx| {
        Ok(Ask { question: "is it good?".to_owned(), note: cx.int("value")?.to_string() })
    })
    .input("value", names::INT, "What a person decides about.")
    .output_like("value", "value", "The same, if they accept it.")
}

struct Write;

impl Effect for Write {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let item = cx.item().map_or(0, |i| i.item);
        let name = format!("{}-{item}.txt", cx.text("name")?);
        let words = cx.int("value")?.to_string();
        cx.write(&name, words.as_bytes())?;
        Ok(name.into_bytes())
    }
}

fn write() -> Node {
    Node::effect("TestWrite", 1, Doubt::IdempotentByKey, Write)
        .writes_files()
        .uses_item(|_| true)
        .input("value", names::INT, "What is written.")
        .param(Param::text("name", "out").doc("The file's name, before the item."))
}
