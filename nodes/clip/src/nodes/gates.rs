//! Gates that judge a picture by what it shows, by its style, and by how much people would like it.

use super::compare::unlike;
use super::labels::{TEMPLATE, best, labels, probabilities};
use super::{quoted, seen, short};
use crate::values::{AestheticHead, ClipTower, maybe, names, take};
use kiln_core::{Cx, Kind, Node, NodeError, Param, Verdict};
use kiln_shelf::Shelf;
use kiln_types::{Embedding, names as base};
use std::sync::Arc;

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![clip_gate(shelf.clone()), aesthetic_gate(shelf.clone())]
}

/// What was asked of pictures, and how far they are from it.
#[derive(Default)]
struct Judgement {
    /// Distances to the limits, negative beyond them.
    margins: Vec<f64>,
    good: Vec<String>,
    bad: Vec<String>,
    /// Which picture of a batch it is about.
    picture: Option<usize>,
}

impl Judgement {
    fn note(&mut self, accept: bool, margin: f64, words: String) {
        let words = match self.picture {
            Some(index) => format!("picture {}: {words}", index + 1),
            None => words,
        };
        self.margins.push(margin);
        if accept {
            self.good.push(words);
        } else {
            self.bad.push(words);
        }
    }

    /// `what` has to reach `least`.
    fn least(&mut self, what: &str, found: f64, least: f64) {
        let accept = found >= least;
        let words = if accept {
            format!("{what} {}", short(found))
        } else {
            format!("{what} {} is below {}", short(found), short(least))
        };
        self.note(accept, found - least, words);
    }

    fn verdict(self) -> Verdict {
        let score = self.margins.iter().copied().fold(f64::INFINITY, f64::min);
        let reason = match (self.bad.is_empty(), self.margins.is_empty()) {
            (false, _) => self.bad.join("; "),
            (true, false) => format!("good: {}", self.good.join(", ")),
            (true, true) => "nothing was asked of it".to_owned(),
        };
        let score = if score.is_finite() { score } else { 1.0 };
        Verdict { accept: self.bad.is_empty(), score, reason }
    }
}

fn gate(
    name: &'static str,
    judge: impl Fn(&Cx<'_>, &mut Judgement) -> Result<(), NodeError> + Send + Sync + 'static,
) -> Node {
    Node::gate(name, 1, move |cx| {
        let mut judgement = Judgement::default();
        judge(cx, &mut judgement)?;
        Ok(judgement.verdict())
    })
    .category("clip/gates")
    .input("image", base::IMAGE, "The picture to judge; of a batch, every picture has to pass.")
    .input("clip", names::TOWER, "The CLIP.")
    .output_like("image", "image", "The picture, if it passes.")
    .on_device()
}

/// The picture's embedding, and a way to say which picture of a batch is meant.
fn pictures(cx: &Cx<'_>, shelf: &Shelf, clip: &ClipTower) -> Result<Embedding, NodeError> {
    let image = cx.image("image")?;
    seen(cx, shelf, clip, &[&image])
}

fn each(pictures: &Embedding, judgement: &mut Judgement, mut judge: impl FnMut(usize, &mut Judgement)) {
    for index in 0..pictures.batch() {
        judgement.picture = (pictures.batch() > 1).then_some(index);
        judge(index, judgement);
    }
}

/// The words a picture is judged by: what it has to show, and what it must not.
fn by_text(
    cx: &Cx<'_>,
    shelf: &Shelf,
    clip: &ClipTower,
    pictures: &Embedding,
    judgement: &mut Judgement,
) -> Result<(), NodeError> {
    let (text, negative) = (cx.text("text")?, cx.text("negative")?);
    let (text, negative) = (text.trim(), negative.trim());
    if text.is_empty() {
        return if negative.is_empty() {
            Ok(())
        } else {
            Err(NodeError::new("a negative text needs a text to be compared with")
                .at("negative")
                .hint("say in text what the picture should show"))
        };
    }
    let (least, margin) = (cx.float("minimum")?, cx.float("margin")?);
    let asked: Vec<&str> = if negative.is_empty() { vec![text] } else { vec![text, negative] };
    let words = clip.texts(cx, shelf, &asked)?;
    let alike = pictures.similarities(&words).map_err(|e| unlike(&e, "clip"))?;
    let rows: Vec<&[f64]> = alike.chunks_exact(asked.len()).collect();
    each(pictures, judgement, |index, judgement| {
        let row = rows.get(index).copied().unwrap_or(&[]);
        let wanted = row.first().copied().unwrap_or(-1.0);
        judgement.least(&format!("similarity to {}", quoted(text)), wanted, least);
        if let Some(unwanted) = row.get(1) {
            let what = format!("its lead over {} ({})", quoted(negative), short(*unwanted));
            judgement.least(&what, wanted - unwanted, margin);
        }
    });
    Ok(())
}

/// The labels of which the wanted one has to win.
fn by_labels(
    cx: &Cx<'_>,
    shelf: &Shelf,
    clip: &ClipTower,
    pictures: &Embedding,
    judgement: &mut Judgement,
) -> Result<(), NodeError> {
    let (labels, wanted) = (labels(cx)?, cx.text("label")?);
    let Some(first) = labels.first() else { return Ok(()) };
    let wanted = if wanted.is_empty() { first } else { &wanted };
    let Some(place) = labels.iter().position(|l| l == wanted) else {
        return Err(NodeError::new(format!("{} is not one of the labels", quoted(wanted)))
            .at("label")
            .hint("add it to labels, or leave label empty for the first one"));
    };
    let least = cx.float("probability")?;
    let rows = probabilities(cx, shelf, clip, pictures, &labels)?;
    each(pictures, judgement, |index, judgement| {
        let Some(row) = rows.get(index) else { return };
        let (found, winner) = (row.get(place).copied().unwrap_or(0.0), best(row));
        let label = |at: usize| labels.get(at).map_or_else(String::new, |l| quoted(l));
        if winner == place {
            judgement.least(&format!("{} with probability", label(place)), found, least);
        } else {
            let other = row.get(winner).copied().unwrap_or(0.0);
            let words = format!(
                "it is {} ({}), not {} ({})",
                label(winner),
                short(other),
                label(place),
                short(found)
            );
            judgement.note(false, (found - other).min(found - least), words);
        }
    });
    Ok(())
}

/// ClipGate.
fn clip_gate(shelf: Arc<Shelf>) -> Node {
    gate("ClipGate", move |cx, judgement| {
        let clip: ClipTower = take(cx, "clip")?;
        let style: Option<Embedding> = maybe(cx, "style")?;
        let seen = pictures(cx, &shelf, &clip)?;
        by_text(cx, &shelf, &clip, &seen, judgement)?;
        by_labels(cx, &shelf, &clip, &seen, judgement)?;
        if let Some(style) = style {
            let least = cx.float("style_minimum")?;
            let alike = seen.similarities(&style).map_err(|e| unlike(&e, "style"))?;
            let rows: Vec<&[f64]> = alike.chunks_exact(style.batch()).collect();
            each(&seen, judgement, |index, judgement| {
                // Of several styles the nearest one counts.
                let nearest = rows.get(index).into_iter().copied().flatten().copied().fold(-1.0, f64::max);
                judgement.least("similarity to the style", nearest, least);
            });
        }
        Ok(())
    })
    .title("CLIP gate")
    .doc(
        "Passes pictures that show what they should, as CLIP sees them: near to a text, nearer than to another one, of \
         the wanted label, near to a style; whatever is set has to hold. The score is the smallest distance to a limit, \
         negative when beyond it.",
    )
    .optional("style", names::EMBEDDING, "A style from StyleVector, or another picture's embedding; of several the nearest counts.")
    .param(Param::multiline("text", "").doc("What the picture should show: \"a photo of a fox in snow\". Empty: not asked."))
    .param(
        Param::float("minimum", 0.2, -1.0..=1.0)
            .doc("The least similarity to the text: 0.2 is loosely about it, 0.3 shows it well."),
    )
    .param(Param::multiline("negative", "").doc("What it should not show; empty: not asked."))
    .param(
        Param::float("margin", 0.0, -2.0..=2.0)
            .doc("How much nearer it has to be to the text than to the negative one."),
    )
    .param(
        Param::list("labels", Kind::Text { multiline: false })
            .doc("Labels of which the wanted one has to win: [\"a fox\", \"a dog\"]. Empty: not asked."),
    )
    .param(Param::text("label", "").doc("The wanted label; empty for the first one."))
    .param(Param::float("probability", 0.0, 0.0..=1.0).doc("How probable the wanted label has to be at least, besides winning."))
    .param(Param::text("template", TEMPLATE).doc("The sentence a label is put into, in place of {}."))
    .param(Param::float("style_minimum", 0.6, -1.0..=1.0).doc("The least similarity to the style."))
}

/// AestheticGate.
fn aesthetic_gate(shelf: Arc<Shelf>) -> Node {
    gate("AestheticGate", move |cx, judgement| {
        let (clip, head): (ClipTower, AestheticHead) = (take(cx, "clip")?, take(cx, "head")?);
        let head = head.head(&shelf).map_err(|e| e.at("head"))?;
        let seen = pictures(cx, &shelf, &clip)?;
        let scores = head.scores(&seen).map_err(|e| NodeError::from(e).at("head"))?;
        let least = cx.float("minimum")?;
        each(&seen, judgement, |index, judgement| {
            judgement.least("aesthetic score", scores.get(index).copied().unwrap_or(0.0), least);
        });
        Ok(())
    })
    .title("Aesthetic gate")
    .doc(
        "Passes pictures that people would like, as a head learned it from their votes. The score is how far the picture \
         is above the minimum.",
    )
    .input("head", names::HEAD, "The head, made for this CLIP.")
    .param(
        Param::float("minimum", 5.0, -100.0..=100.0)
            .doc("The least score: about 1 to 10; most pictures lie between 4 and 7."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_margin_is_the_score_and_every_complaint_is_told() {
        let mut judgement = Judgement::default();
        judgement.least("likeness", 0.31, 0.25);
        judgement.picture = Some(1);
        judgement.least("score", 4.5, 5.0);
        judgement.least("likeness", 0.2, 0.25);
        let verdict = judgement.verdict();
        assert!(!verdict.accept && (verdict.score + 0.5).abs() < 1e-12);
        assert_eq!(verdict.reason, "picture 2: score 4.5 is below 5; picture 2: likeness 0.2 is below 0.25");
        let nothing = Judgement::default().verdict();
        assert!(nothing.accept && nothing.score == 1.0);
    }
}
