//! Lists of noise levels: cut, turned, changed, and written by hand.

use super::schedule::{CATEGORY, denoise, done, node};
use crate::values::{SigmasValue, names, take};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_sampling::schedule::MAX_STEPS;
use kiln_types::{Value, names as base};

pub(super) fn nodes() -> Vec<Node> {
    vec![split(), split_denoise(), flip(), set_first(), manual(), list()]
}

/// The most levels a list may have: the longest run's.
const MOST: usize = MAX_STEPS + 1;

fn sigmas(cx: &Cx<'_>) -> Result<Vec<f32>, NodeError> {
    Ok(take::<SigmasValue>(cx, "sigmas")?.levels)
}

/// A node that cuts a list in two.
fn splitting(
    name: &'static str,
    cut: impl Fn(&Cx<'_>, &[f32]) -> Result<(Vec<f32>, Vec<f32>), NodeError> + Send + Sync + 'static,
) -> Node {
    Node::pure(name, 1, move |cx| {
        let (high, low) = cut(cx, &sigmas(cx)?)?;
        cx.set("high_sigmas", SigmasValue { levels: high });
        cx.set("low_sigmas", SigmasValue { levels: low });
        Ok(())
    })
    .category(CATEGORY)
    .input("sigmas", names::SIGMAS, "The noise levels.")
    .output("high_sigmas", names::SIGMAS, "The levels of the first stretch.")
    .output("low_sigmas", names::SIGMAS, "Those of the rest; it begins where the first ends.")
}

/// SplitSigmas: at a step.
fn split() -> Node {
    splitting("SplitSigmas", |cx, all| {
        let step = cx.count("step")?;
        let high = all[..all.len().min(step.saturating_add(1))].to_vec();
        Ok((high, all[step.min(all.len())..].to_vec()))
    })
    .title("Split levels")
    .doc("Cuts noise levels in two at a step, so that two samplers share one drawing.")
    .param(Param::int("step", 0, 0..=10_000).doc("How many steps the first stretch has."))
}

/// SplitSigmasDenoise: by how much is left to do.
fn split_denoise() -> Node {
    splitting("SplitSigmasDenoise", |cx, all| {
        let steps = all.len().saturating_sub(1);
        let left = ((steps as f64 * cx.float("denoise")?).round_ties_even() as usize).min(steps);
        if left == 0 {
            // As ComfyUI has it: with nothing left to do, nothing is done before either.
            return Ok((Vec::new(), all[steps.min(all.len())..].to_vec()));
        }
        Ok((all[..all.len() - left].to_vec(), all[steps - left..].to_vec()))
    })
    .title("Split levels by part")
    .doc("Cuts noise levels in two by how much of the drawing the second part does.")
    .param(
        denoise()
            .doc("The second part's share of the steps: 0.5 cuts in the middle, 1 leaves the first part no step, 0 leaves neither a step."),
    )
}

/// FlipSigmas: backwards.
fn flip() -> Node {
    let make = |cx: &Cx<'_>| {
        let mut all = sigmas(cx)?;
        all.reverse();
        if let Some(first) = all.first_mut().filter(|first| **first == 0.0) {
            // No sampler can start at 0.
            *first = 0.0001;
        }
        Ok(all)
    };
    done(
        node("FlipSigmas", make)
            .title("Reverse levels")
            .doc("Noise levels in the other direction: a picture becomes the noise it could have come from.")
            .input("sigmas", names::SIGMAS, "The noise levels; a first level of 0 becomes 0.0001."),
    )
}

/// SetFirstSigma: another start.
fn set_first() -> Node {
    let make = |cx: &Cx<'_>| {
        let mut all = sigmas(cx)?;
        let level = cx.float32("sigma")?;
        let first = all.first_mut().ok_or_else(|| {
            NodeError::new("there are no levels to change")
                .at("sigmas")
                .hint("a schedule with denoise 0 gives none")
        })?;
        *first = level;
        Ok(all)
    };
    done(
        node("SetFirstSigma", make)
            .title("First level")
            .doc("Replaces the first noise level, where drawing starts.")
            .input("sigmas", names::SIGMAS, "The noise levels.")
            .param(Param::float("sigma", 136.0, 0.0..=20_000.0).step(0.001).doc("The level it becomes.")),
    )
}

/// Numbers between commas, semicolons or spaces.
fn levels(text: &str) -> Result<Vec<f32>, NodeError> {
    let words =
        text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    for word in words {
        let level = word.parse::<f32>().ok().filter(|level| level.is_finite() && *level >= 0.0);
        found.push(level.ok_or_else(|| {
            NodeError::new(format!("{word:?} is not a noise level"))
                .at("sigmas")
                .hint("write numbers from 0 up, between commas: \"14.6, 3.9, 1, 0\"")
        })?);
        if found.len() > MOST {
            return Err(NodeError::new(format!("there are more than {MOST} levels")).at("sigmas"));
        }
    }
    Ok(found)
}

/// ManualSigmas: written by hand.
fn manual() -> Node {
    done(
        node("ManualSigmas", |cx| levels(&cx.text("sigmas")?))
            .title("Own levels")
            .doc("Noise levels written by hand.")
            .param(Param::text("sigmas", "1, 0.5").doc(
                "The levels between commas or spaces, from high to low; end with 0 to take all noise away.",
            )),
    )
}

/// SigmaList: the levels as text and numbers.
fn list() -> Node {
    Node::pure("SigmaList", 1, |cx| {
        let all = sigmas(cx)?;
        let words: Vec<String> = all.iter().map(f32::to_string).collect();
        cx.set("text", Value::text(words.join(", ")));
        cx.set(
            "levels",
            Value::list(all.into_iter().map(|level| Value::Float(f64::from(level))).collect::<Vec<_>>()),
        );
        Ok(())
    })
    .title("Levels as numbers")
    .category(CATEGORY)
    .doc("Shows noise levels: as text that \"Own levels\" reads again, and as numbers.")
    .input("sigmas", names::SIGMAS, "The noise levels.")
    .output("text", base::TEXT, "The levels between commas.")
    .output_list("levels", base::FLOAT, "The levels as numbers.")
}
