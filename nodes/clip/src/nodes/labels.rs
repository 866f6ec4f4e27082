//! Which of some words fits a picture best.

use super::compare::unlike;
use super::{floats, mean};
use crate::values::{ClipTower, names, take};
use kiln_core::{Cx, Kind, Node, NodeError, Param};
use kiln_shelf::Shelf;
use kiln_types::{Embedding, Value, names as base};
use std::sync::Arc;

/// No list of labels is longer.
const MOST_LABELS: usize = 10_000;
pub(super) const TEMPLATE: &str = "a photo of {}";

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![zero_shot(shelf.clone())]
}

/// The labels of a parameter.
pub(super) fn labels(cx: &Cx<'_>) -> Result<Vec<Arc<str>>, NodeError> {
    let list = cx.list("labels")?;
    if list.len() > MOST_LABELS {
        return Err(NodeError::new(format!("{} labels are more than {MOST_LABELS}", list.len())).at("labels"));
    }
    list.iter()
        .map(|value| match value {
            Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
            Value::Text(_) => Err(NodeError::new("a label is empty").at("labels").hint("give it a word")),
            other => Err(NodeError::new(format!("labels are text, but one is {}", other.ty())).at("labels")),
        })
        .collect()
}

/// For each picture, how probable each label is.
pub(super) fn probabilities(
    cx: &Cx<'_>,
    shelf: &Shelf,
    clip: &ClipTower,
    picture: &Embedding,
    labels: &[Arc<str>],
) -> Result<Vec<Vec<f64>>, NodeError> {
    let template = cx.text("template")?;
    if !template.contains("{}") {
        return Err(NodeError::new(format!("the template {template:?} has no place for the label"))
            .at("template")
            .hint("write {} where the label belongs"));
    }
    let texts: Vec<String> = labels.iter().map(|l| template.replace("{}", l)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let words = clip.texts(cx, shelf, &texts)?;
    let scale = clip.towers(shelf)?.scale();
    let alike = picture.similarities(&words).map_err(|e| unlike(&e, "clip"))?;
    Ok(alike.chunks_exact(labels.len()).map(|row| softmax(row, scale)).collect())
}

fn softmax(row: &[f64], scale: f64) -> Vec<f64> {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = row.iter().map(|v| libm::exp(scale * (v - top))).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// The place of the largest; the first of several.
pub(super) fn best(values: &[f64]) -> usize {
    let largest = |a: usize, b: usize| if values[b] > values[a] { b } else { a };
    (0..values.len()).reduce(largest).unwrap_or(0)
}

/// ZeroShotLabels.
fn zero_shot(shelf: Arc<Shelf>) -> Node {
    Node::pure("ZeroShotLabels", 1, move |cx| {
        let (picture, clip): (Embedding, ClipTower) = (take(cx, "embedding")?, take(cx, "clip")?);
        let labels = labels(cx)?;
        if labels.is_empty() {
            return Err(NodeError::new("there are no labels to choose from")
                .at("labels")
                .hint("write [\"a fox\", \"a dog\"]"));
        }
        let rows = probabilities(cx, &shelf, &clip, &picture, &labels)?;
        let of = |label: usize| mean(&rows.iter().map(|r| r[label]).collect::<Vec<_>>());
        let scores: Vec<f64> = (0..labels.len()).map(of).collect();
        let chosen = best(&scores);
        cx.set("label", labels[chosen].clone());
        cx.set("probability", scores[chosen]);
        cx.set("scores", floats(scores));
        let each = rows.iter().map(|row| Value::Text(labels[best(row)].clone()));
        cx.set("labels", Value::list(each.collect::<Vec<_>>()));
        Ok(())
    })
    .title("Label picture")
    .category("clip")
    .doc(
        "Which of some labels fits a picture best, without any training: each label becomes a sentence, and its \
         probability is how near that sentence is among all of them. The list should hold an answer for every picture: \
         one label has to win.",
    )
    .input("embedding", names::EMBEDDING, "The picture's embedding, or a batch.")
    .input("clip", names::TOWER, "The CLIP that made it, with a text tower.")
    .param(
        Param::list("labels", Kind::Text { multiline: false })
            .doc("The labels: [\"a fox\", \"a dog\", \"a landscape\"]."),
    )
    .param(Param::text("template", TEMPLATE).doc("The sentence a label is put into, in place of {}."))
    .output("label", base::TEXT, "The label that fits best; of a batch, on the whole.")
    .output("probability", base::FLOAT, "How probable it is, 0 to 1.")
    .output_list("scores", base::FLOAT, "How probable each label is, in their order; of a batch the mean.")
    .output_list("labels", base::TEXT, "The label of every picture of a batch.")
    .on_device()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_the_first_of_equals_wins() {
        let p = softmax(&[0.2, 0.3, 0.3, -1.0], 100.0);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((p[1] - p[2]).abs() < 1e-15 && p[1] > 0.49 && p[3] < 1e-30);
        assert_eq!(best(&p), 1);
        assert_eq!(softmax(&[1.0], 1e9), [1.0]);
    }
}
