//! Gates that judge one picture by itself.

use crate::measure::MEASURES;
use crate::palette::{colors, colors_param};
use crate::ports::Said;
use kiln_core::{Cx, Node, NodeError, Param, Verdict};
use kiln_pixels::measure::{measure, subject, subject_of_alpha};
use kiln_pixels::palette::palette_coverage;
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![quality_gate(), palette_gate(), size_gate(), subject_gate()]
}

/// How far a number lies within its limits, and what to say when it does not.
pub(crate) struct Judgement {
    margins: Vec<f64>,
    good: Vec<String>,
    bad: Vec<String>,
}

/// A number without needless digits.
fn short(v: f64) -> String {
    let text = format!("{v:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Judgement {
    fn new() -> Self {
        Self { margins: Vec::new(), good: Vec::new(), bad: Vec::new() }
    }

    /// Judges `v` by a range; an end at its widest is not judged. Margins are shares of `unit`.
    fn range(&mut self, name: &str, v: f64, (low, high): (f64, f64), (least, most): (f64, f64), unit: f64) {
        if low > least {
            self.margins.push((v - low) / unit);
        }
        if high < most {
            self.margins.push((high - v) / unit);
        }
        if low > least && v < low {
            self.bad.push(format!("{name} {} is below {}", short(v), short(low)));
        } else if high < most && v > high {
            self.bad.push(format!("{name} {} is above {}", short(v), short(high)));
        } else if low > least || high < most {
            self.good.push(format!("{name} {}", short(v)));
        }
    }

    fn verdict(self) -> Verdict {
        let score = self.margins.iter().copied().fold(f64::INFINITY, f64::min);
        let judged = score.is_finite();
        let reason = match (self.bad.is_empty(), judged) {
            (false, _) => self.bad.join("; "),
            (true, true) => format!("good: {}", self.good.join(", ")),
            (true, false) => "nothing was asked of it".to_owned(),
        };
        Verdict { accept: self.bad.is_empty(), score: if judged { score } else { 1.0 }, reason }
    }
}

/// The widest range of each measure, and what a margin is a share of, in the order of [`MEASURES`].
const WIDEST: [((f64, f64), f64); 11] = [
    ((0.0, 1.0), 1.0),
    ((0.0, 1.0), 1.0),
    ((0.0, 1000.0), 100.0),
    ((0.0, 10_000_000.0), 1000.0),
    ((0.0, 8.0), 8.0),
    ((0.0, 1000.0), 100.0),
    ((0.0, 1.0), 1.0),
    ((0.0, 1.0), 1.0),
    ((0.0, 1.0), 1.0),
    ((0.0, 256.0), 10.0),
    ((0.0, 256.0), 10.0),
];

fn gate(
    name: &'static str,
    version: u32,
    judge: impl Fn(&Cx<'_>, &mut Judgement) -> Result<(), NodeError> + Send + Sync + 'static,
) -> Node {
    Node::gate(name, version, move |cx| {
        let mut judgement = Judgement::new();
        judge(cx, &mut judgement)?;
        Ok(judgement.verdict())
    })
    .category("image/gates")
    .input("image", names::IMAGE, "The picture to judge; of a batch, every picture has to pass.")
    .output_like("image", "image", "The picture, if it passes.")
}

/// QualityGate.
fn quality_gate() -> Node {
    let mut node = gate("QualityGate", 2, |cx, judgement| {
        let image = cx.image("image")?;
        for index in 0..image.batch() {
            let found = measure(&image, index).said()?;
            for ((name, get, _), (widest, unit)) in MEASURES.into_iter().zip(WIDEST) {
                judgement.range(name, get(&found), cx.range(name)?, widest, unit);
            }
        }
        Ok(())
    })
    .title("Quality gate")
    .doc(
        "Passes pictures whose measures lie within ranges, contrast: (0.2, 1.0). An end of a range left at its widest \
         is not judged. The score is the smallest distance to a limit, negative when beyond it: a share of 1, for \
         entropy of 8 bits, for seams of 10, for colourfulness and noise of 100, for sharpness of 1000.",
    );
    for ((name, _, doc), ((low, high), _)) in MEASURES.into_iter().zip(WIDEST) {
        node = node.param(Param::range(name, (low, high), low..=high).doc(doc));
    }
    node
}

/// PaletteGate.
fn palette_gate() -> Node {
    gate("PaletteGate", 2, |cx, judgement| {
        let (image, palette) = (cx.image("image")?, colors(cx, "colors")?);
        let (least, tolerance) = (cx.float("coverage")?, cx.float32("tolerance")?);
        for index in 0..image.batch() {
            let found = palette_coverage(&image, index, &palette, tolerance).said()?;
            let (found, far) = (f64::from(found.covered), f64::from(found.mean_distance));
            judgement.range("distance", far, cx.range("distance")?, (0.0, 200.0), 100.0);
            judgement.margins.push(found - least);
            let share = format!("{} of the picture is in the palette", short(found));
            if found < least {
                judgement.bad.push(format!("{share}, less than {}", short(least)));
            } else {
                judgement.good.push(share);
            }
        }
        Ok(())
    })
    .title("Palette gate")
    .doc("Passes pictures that keep to a palette. The score is how much more of the picture it covers than it has to, or hundredths of the distance to a limit if that is less.")
    .param(colors_param("The palette: 1 to 256 colours, [\"#101820\", \"#f2aa4c\"]."))
    .param(Param::float("coverage", 0.8, 0.0..=1.0).doc("At least this share of the pixels has to be near some colour of the palette."))
    .param(
        Param::float("tolerance", 10.0, 0.0..=200.0)
            .step(0.5)
            .doc("How near (CIE Lab distance): 2.3 is just visible, 10 is similar."),
    )
    .param(
        Param::range("distance", (0.0, 200.0), 0.0..=200.0)
            .doc("The mean distance (CIE Lab) of the pixels to their nearest colour; an end left at its widest is not judged."),
    )
}

/// No side of a picture is longer.
const LONGEST: f64 = 65536.0;

/// SizeGate.
fn size_gate() -> Node {
    gate("SizeGate", 1, |cx, judgement| {
        let image = cx.image("image")?;
        let (w, h) = (image.width() as f64, image.height() as f64);
        judgement.range("width", w, cx.range("width")?, (1.0, LONGEST), 1000.0);
        judgement.range("height", h, cx.range("height")?, (1.0, LONGEST), 1000.0);
        judgement.range("megapixels", w * h / 1e6, cx.range("megapixels")?, (0.0, 4295.0), 1.0);
        judgement.range("aspect", w / h, cx.range("aspect")?, (0.0, LONGEST), 1.0);
        Ok(())
    })
    .title("Size gate")
    .doc(
        "Passes pictures of certain sizes and shapes. An end of a range left at its widest is not judged. The score \
         is the smallest distance to a limit, sides in thousands of pixels.",
    )
    .param(Param::range("width", (1.0, LONGEST), 1.0..=LONGEST).unit("px").doc("The least and the greatest width."))
    .param(Param::range("height", (1.0, LONGEST), 1.0..=LONGEST).unit("px").doc("The least and the greatest height."))
    .param(Param::range("megapixels", (0.0, 4295.0), 0.0..=4295.0).unit("MP").doc("The least and the most pixels, in millions."))
    .param(Param::range("aspect", (0.0, LONGEST), 0.0..=LONGEST).doc("Width divided by height: (1, 65536) passes no portraits."))
}

/// SubjectGate.
fn subject_gate() -> Node {
    gate("SubjectGate", 2, |cx, judgement| {
        let (image, mask) = (cx.image("image")?, cx.maybe_mask("mask")?);
        for index in 0..image.batch() {
            let found = match &mask {
                Some(mask) => subject(mask, if mask.batch() == 1 { 0 } else { index }),
                None => subject_of_alpha(&image, index),
            }
            .said()?;
            judgement.range("area", found.area, cx.range("area")?, (0.0, 1.0), 1.0);
            judgement.range("off_center", found.off_center, cx.range("off_center")?, (0.0, 1.0), 1.0);
            judgement.range("border", found.border, cx.range("border")?, (0.0, 1.0), 1.0);
            if !cx.bool("may_touch")? {
                let inside = !found.touches.contains(&true);
                judgement.margins.push(if inside { 1.0 } else { -1.0 });
                if inside {
                    judgement.good.push("clear of the border".to_owned());
                } else {
                    judgement.bad.push("the subject touches the border".to_owned());
                }
            }
        }
        Ok(())
    })
    .title("Subject gate")
    .doc(
        "Passes pictures whose subject, what their alpha shows or a mask selects, is large enough and stands in the \
         right place. An end of a range left at its widest is not judged. The score is the smallest distance to a limit.",
    )
    .optional("mask", names::MASK, "Where the subject is (1); when not linked, the picture's alpha tells.")
    .param(Param::range("area", (0.0, 1.0), 0.0..=1.0).doc("The share of the picture that the subject takes."))
    .param(Param::range("off_center", (0.0, 1.0), 0.0..=1.0).doc("How far from the middle it stands: 0 in the middle, 1 in a corner."))
    .param(Param::range("border", (0.0, 1.0), 0.0..=1.0).doc("The share of the picture's border that it touches: (0, 0.1) lets it be cut off a little."))
    .param(Param::bool("may_touch", true).doc("Off: it must not touch the picture's border."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_the_smallest_margin() {
        let mut judgement = Judgement::new();
        judgement.range("contrast", 0.3, (0.2, 1.0), (0.0, 1.0), 1.0);
        judgement.range("entropy", 4.0, (0.0, 5.0), (0.0, 8.0), 8.0);
        let verdict = judgement.verdict();
        assert!(verdict.accept && (verdict.score - 0.1).abs() < 1e-12, "{verdict:?}");
        assert_eq!(verdict.reason, "good: contrast 0.3, entropy 4");
        let mut judgement = Judgement::new();
        judgement.range("contrast", 0.12345, (0.2, 1.0), (0.0, 1.0), 1.0);
        let verdict = judgement.verdict();
        assert!(!verdict.accept && verdict.score < 0.0);
        assert_eq!(verdict.reason, "contrast 0.123 is below 0.2");
    }

    #[test]
    fn what_is_not_asked_is_not_judged() {
        let mut judgement = Judgement::new();
        judgement.range("sharpness", 1e9, (0.0, 100.0), (0.0, 100.0), 1.0);
        let verdict = judgement.verdict();
        assert!(verdict.accept && verdict.score == 1.0);
    }
}
