//! Several prompts in one picture: together, mixed, and each in its place and time.

use crate::values::{Area, Conditioning, Entry, MaskArea, Tokens, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::names as base;
use std::sync::Arc;

pub(super) fn nodes() -> Vec<Node> {
    vec![
        combine(),
        concat(),
        average(),
        set_area(),
        set_area_percentage(),
        set_area_strength(),
        set_mask(),
        set_timestep_range(),
        zero_out(),
    ]
}

const CATEGORY: &str = "diffusion/prompt";
const CONDITIONING: &str = "The prompt, as the model reads it.";
const CHANGED: &str = "The prompt, so changed.";

/// Sets something on every entry.
fn each(cx: &mut Cx<'_>, set: impl Fn(&mut Entry)) -> Result<(), NodeError> {
    let mut conditioning: Conditioning = take(cx, "conditioning")?;
    conditioning.entries.iter_mut().for_each(set);
    cx.set("conditioning", conditioning);
    Ok(())
}

fn strength() -> Param {
    Param::float("strength", 1.0, 0.0..=10.0).step(0.01)
}

/// ConditioningCombine: both hold.
fn combine() -> Node {
    Node::pure("ConditioningCombine", 1, |cx| {
        let mut all: Conditioning = take(cx, "conditioning_1")?;
        let more: Conditioning = take(cx, "conditioning_2")?;
        all.entries.extend(more.entries);
        cx.set("conditioning", all);
        Ok(())
    })
    .title("Combine prompts")
    .category(CATEGORY)
    .doc(
        "Lets two prompts hold together: the model draws for each, and the results are averaged by strength. For \
         prompts with areas or masks of their own this puts them side by side.",
    )
    .input("conditioning_1", names::CONDITIONING, "One prompt.")
    .input("conditioning_2", names::CONDITIONING, "The other.")
    .output("conditioning", names::CONDITIONING, "Both.")
}

/// The first entry of the prompt that is added to another.
fn first<'a>(from: &'a Conditioning, port: &str) -> Result<&'a Entry, NodeError> {
    from.entries
        .first()
        .ok_or_else(|| NodeError::new("this prompt is empty: there is nothing to add").at(port))
}

/// Whether two texts were read by encoders of one kind.
fn same_width(to: &Tokens, from: &Tokens) -> Result<(), NodeError> {
    if to.width == from.width {
        return Ok(());
    }
    Err(NodeError::new(format!("one prompt is {} numbers wide and the other {}", to.width, from.width))
        .at("conditioning_from")
        .hint("encode both with the text encoders of the same model"))
}

/// ConditioningConcat: one text after the other.
fn concat() -> Node {
    Node::pure("ConditioningConcat", 1, |cx| {
        let mut to: Conditioning = take(cx, "conditioning_to")?;
        let from: Conditioning = take(cx, "conditioning_from")?;
        let added = &first(&from, "conditioning_from")?.tokens;
        for entry in &mut to.entries {
            same_width(&entry.tokens, added)?;
            let data = [entry.tokens.data.as_slice(), added.data.as_slice()].concat();
            entry.tokens = Arc::new(Tokens { rows: entry.tokens.rows + added.rows, width: added.width, data });
        }
        cx.set("conditioning", to);
        Ok(())
    })
    .title("Append prompt")
    .category(CATEGORY)
    .doc(
        "Appends one prompt's words to another's, as if the text were that long. Words of one do not colour those of \
         the other, as they would in one text.",
    )
    .input("conditioning_to", names::CONDITIONING, "The prompt that is made longer; its areas and times stay.")
    .input("conditioning_from", names::CONDITIONING, "What is appended: its first text.")
    .output("conditioning", names::CONDITIONING, "The longer prompt.")
}

/// Row by row `to * share + from * (1 - share)`; `from` ends, or goes on as zeros, where `to` ends.
fn mixed(to: &[f32], from: &[f32], share: f32) -> Vec<f32> {
    let rest = 1.0 - share;
    let from = from.iter().copied().chain(std::iter::repeat(0.0));
    to.iter().zip(from).map(|(to, from)| to * share + from * rest).collect()
}

/// ConditioningAverage: something between two texts.
fn average() -> Node {
    Node::pure("ConditioningAverage", 1, |cx| {
        let mut to: Conditioning = take(cx, "conditioning_to")?;
        let from: Conditioning = take(cx, "conditioning_from")?;
        let share = cx.float32("conditioning_to_strength")?;
        let other = first(&from, "conditioning_from")?;
        for entry in &mut to.entries {
            same_width(&entry.tokens, &other.tokens)?;
            let data = mixed(&entry.tokens.data, &other.tokens.data, share);
            entry.tokens = Arc::new(Tokens { data, ..*entry.tokens });
            entry.pooled = match (&entry.pooled, &other.pooled) {
                (Some(to), Some(from)) if to.len() != from.len() => {
                    return Err(NodeError::new(format!(
                        "the prompts' vectors have {} and {} numbers",
                        to.len(),
                        from.len()
                    ))
                    .at("conditioning_from")
                    .hint("encode both with the text encoders of the same model"));
                }
                (Some(to), Some(from)) => Some(Arc::new(mixed(to, from, share))),
                (None, from) => from.clone(),
                (to, None) => to.clone(),
            };
        }
        cx.set("conditioning", to);
        Ok(())
    })
    .title("Mix prompts")
    .category(CATEGORY)
    .doc(
        "A prompt between two others, word by word: half a cat and half a dog, or one turning into the other over \
         several pictures.",
    )
    .input("conditioning_to", names::CONDITIONING, "One prompt; its length, areas and times stay.")
    .input("conditioning_from", names::CONDITIONING, "The other: its first text, cut or filled to the same length.")
    .param(
        Param::float("conditioning_to_strength", 1.0, 0.0..=1.0)
            .step(0.01)
            .doc("How much of the first prompt: 1 it alone, 0 only the other, 0.5 half of each."),
    )
    .output("conditioning", names::CONDITIONING, "The mixed prompt.")
}

/// Sets an entry's area. A mask it had selects by its shape then, no longer by its bounding box.
fn place(entry: &mut Entry, area: Area, strength: f32) {
    entry.area = Some(area);
    entry.strength = strength;
    if let Some(mask) = &mut entry.mask {
        mask.bounds = false;
    }
}

/// ConditioningSetArea: only here, in pixels.
fn set_area() -> Node {
    let side = |name, doc: &'static str| Param::int(name, 64, 64..=16_384).step(8.0).unit("px").doc(doc);
    let from = |name, doc: &'static str| Param::int(name, 0, 0..=16_384).step(8.0).unit("px").doc(doc);
    Node::pure("ConditioningSetArea", 1, |cx| {
        let [width, height, x, y] = ["width", "height", "x", "y"].map(|name| cx.count(name).map(|px| px / 8));
        let area = Area::Latent { height: height?, width: width?, y: y?, x: x? };
        let strength = cx.float32("strength")?;
        each(cx, |entry| place(entry, area, strength))
    })
    .title("Prompt in an area")
    .category(CATEGORY)
    .doc(
        "Lets a prompt hold in a rectangle of the picture only. Combine it with a prompt for the whole picture, or \
         with others for other places; edges inside the picture blend softly.",
    )
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .param(side("width", "Width of the area, in steps of 8 pixels."))
    .param(side("height", "Height of the area, in steps of 8 pixels."))
    .param(from("x", "How far it lies from the left."))
    .param(from("y", "How far it lies from the top."))
    .param(strength().doc("How strongly it counts against other prompts in the same place."))
    .output("conditioning", names::CONDITIONING, "The prompt, in its place.")
}

/// ConditioningSetAreaPercentage: only here, in parts of the picture.
fn set_area_percentage() -> Node {
    let part = |name, default, doc: &'static str| Param::float(name, default, 0.0..=1.0).step(0.01).doc(doc);
    Node::pure("ConditioningSetAreaPercentage", 1, |cx| {
        let area = Area::Part {
            height: cx.float("height")?,
            width: cx.float("width")?,
            y: cx.float("y")?,
            x: cx.float("x")?,
        };
        let strength = cx.float32("strength")?;
        each(cx, |entry| place(entry, area, strength))
    })
    .title("Prompt in a part")
    .category(CATEGORY)
    .doc("Lets a prompt hold in a rectangle of the picture only, given in parts of its width and height.")
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .param(part("width", 1.0, "Width of the area: 0.5 is half the picture."))
    .param(part("height", 1.0, "Height of the area: 0.5 is half the picture."))
    .param(part("x", 0.0, "Where it begins from the left: 0.5 is the middle."))
    .param(part("y", 0.0, "Where it begins from the top: 0.5 is the middle."))
    .param(strength().doc("How strongly it counts against other prompts in the same place."))
    .output("conditioning", names::CONDITIONING, "The prompt, in its place.")
}

/// ConditioningSetAreaStrength: how strongly it counts.
fn set_area_strength() -> Node {
    Node::pure("ConditioningSetAreaStrength", 1, |cx| {
        let strength = cx.float32("strength")?;
        each(cx, |entry| entry.strength = strength)
    })
    .title("Prompt strength")
    .category(CATEGORY)
    .doc("How strongly a prompt counts against others that hold in the same place. A prompt alone is not changed by it.")
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .param(strength().doc("2 counts twice as much as a prompt with 1; 0 not at all."))
    .output("conditioning", names::CONDITIONING, CHANGED)
}

/// ConditioningSetMask: only where a mask is.
fn set_mask() -> Node {
    Node::pure("ConditioningSetMask", 1, |cx| {
        let mask = cx.mask("mask")?;
        let area = MaskArea {
            batch: mask.batch(),
            height: mask.height(),
            width: mask.width(),
            data: Arc::new(mask.data().to_vec()),
            strength: cx.float32("strength")?,
            bounds: &*cx.text("set_cond_area")? == "mask bounds",
        };
        each(cx, |entry| entry.mask = Some(area.clone()))
    })
    .title("Prompt in a mask")
    .category(CATEGORY)
    .doc(
        "Lets a prompt hold where a mask is white; grey counts partly. The mask is stretched to the picture. Combine \
         it with prompts for the rest.",
    )
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .input("mask", base::MASK, "White where the prompt holds. Several masks go to the pictures of a batch in turn.")
    .param(strength().doc("How strongly it counts against other prompts in the same place."))
    .param(Param::choice("set_cond_area", &["default", "mask bounds"]).doc(
        "default: the model sees the whole picture, and the mask is laid over its answer. mask bounds: it sees only \
         the box around the mask, as if that were the picture.",
    ))
    .output("conditioning", names::CONDITIONING, "The prompt, in its place.")
}

/// ConditioningSetTimestepRange: only in a part of the sampling.
fn set_timestep_range() -> Node {
    let part = |name, default| Param::float(name, default, 0.0..=1.0).step(0.001);
    Node::pure("ConditioningSetTimestepRange", 1, |cx| {
        let (start, end) = (cx.float("start")?, cx.float("end")?);
        each(cx, |entry| (entry.start, entry.end) = (start, end))
    })
    .title("Prompt for a time")
    .category(CATEGORY)
    .doc(
        "Lets a prompt hold during a part of the drawing: what is early decides shapes, what is late details. Combine \
         it with one for the rest of the time. A range that ends before it starts never holds.",
    )
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .param(part("start", 0.0).doc("From when on: 0 is the beginning, 1 the end."))
    .param(part("end", 1.0).doc("Until when: 0 is the beginning, 1 the end."))
    .output("conditioning", names::CONDITIONING, "The prompt, in its time.")
}

/// ConditioningZeroOut: nothing is said.
fn zero_out() -> Node {
    Node::pure("ConditioningZeroOut", 1, |cx| {
        each(cx, |entry| {
            let data = vec![0.0; entry.tokens.data.len()];
            entry.tokens = Arc::new(Tokens { data, ..*entry.tokens });
            entry.pooled = entry.pooled.as_ref().map(|pooled| Arc::new(vec![0.0; pooled.len()]));
        })
    })
    .title("Silent prompt")
    .category(CATEGORY)
    .doc(
        "Makes every number of a prompt zero: less than an empty text, which still says something. Some models want \
         this as the negative prompt.",
    )
    .input("conditioning", names::CONDITIONING, CONDITIONING)
    .output("conditioning", names::CONDITIONING, "The prompt that says nothing.")
}
