//! Chance from a seed: the same seed gives the same draw, on every machine.

use crate::rng::Rng;
use crate::values;
use kiln_core::{Kind, Node, NodeError, Param};
use kiln_types::{Color, Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![number(), choice(), from_list(), color(), yes()]
}

fn seed() -> Param {
    Param::seed("seed").doc("Decides what is drawn.")
}

/// A number.
fn number() -> Node {
    Node::pure("RandomNumber", 1, |cx| {
        let (low, high) = cx.range("range")?;
        let mut rng = Rng::new(cx.seed("seed")?, "RandomNumber");
        let u = match &*cx.text("shape")? {
            "middle" => (rng.unit() + rng.unit() + rng.unit()) / 3.0,
            "low" => rng.unit() * rng.unit(),
            "high" => 1.0 - rng.unit() * rng.unit(),
            _ => rng.unit(),
        };
        // The far ends of the floats have no distance between them.
        let v = if (high - low).is_finite() { low + (high - low) * u } else { low * (1.0 - u) + high * u };
        cx.set("float", v.clamp(low, high));
        let (first, last) = (libm::ceil(low), libm::floor(high));
        let int = if first > last {
            values::whole(libm::round(v))
        } else {
            // Every whole number of the range is as likely as the others.
            values::whole((first + libm::floor(u * (last - first + 1.0))).min(last))
        };
        cx.set("int", int.map_err(|e| e.at("range"))?);
        Ok(())
    })
    .title("Random number")
    .category("random")
    .doc("Draws a number from a range.")
    .param(seed())
    .param(Param::range("range", (0.0, 1.0), -1e15..=1e15).doc("The lowest and the highest number."))
    .param(Param::choice("shape", &["even", "middle", "low", "high"]).doc("Which numbers are more likely."))
    .output("float", names::FLOAT, "The number.")
    .output("int", names::INT, "A whole number of the range; both ends can be drawn.")
}

/// A line of `text | weight`, and its weight.
fn weighted_line(line: &str) -> Result<(&str, f64), NodeError> {
    match line.rsplit_once('|') {
        None => Ok((line.trim(), 1.0)),
        Some((text, weight)) => match values::parse_number(weight).filter(|w| *w >= 0.0) {
            Some(w) => Ok((text.trim(), w)),
            None => Err(NodeError::new(format!("{:?} is not a weight", weight.trim()))
                .at("choices")
                .hint("write a number of 0 or more behind the |, such as \"gold | 5\"")),
        },
    }
}

/// One of some lines.
fn choice() -> Node {
    Node::pure("RandomChoice", 1, |cx| {
        let text = cx.text("choices")?;
        let lines: Vec<(&str, f64)> = text
            .lines()
            .filter(|l| !l.trim().is_empty())
            .map(weighted_line)
            .collect::<Result<_, _>>()?;
        let weights: Vec<f64> = lines.iter().map(|(_, w)| *w).collect();
        let at = Rng::new(cx.seed("seed")?, "RandomChoice").weighted(&weights).ok_or_else(|| {
            NodeError::new("there is nothing to choose from")
                .at("choices")
                .hint("write one choice per line, with a weight behind a | if you like")
        })?;
        let share = weights[at] / weights.iter().sum::<f64>();
        cx.set("text", lines[at].0);
        cx.set("index", at as i64);
        cx.set("share", share);
        Ok(())
    })
    .title("Random choice")
    .category("random")
    .doc("Draws one of several lines. \"gold | 5\" is five times as likely as \"red | 1\"; without a weight it is 1.")
    .param(seed())
    .param(Param::multiline("choices", "").required().doc("One choice per line, with its weight behind a |."))
    .output("text", names::TEXT, "The chosen line, without its weight.")
    .output("index", names::INT, "Its place, from 0; empty lines do not count.")
    .output("share", names::FLOAT, "How likely it was, 0 to 1.")
    .check(|given| {
        let lines = given.text("choices").unwrap_or_default();
        lines.lines().filter_map(|l| weighted_line(l).err()).collect()
    })
}

/// One value of a list.
fn from_list() -> Node {
    Node::pure("ChooseFromList", 1, |cx| {
        let list = cx.list("list")?;
        let given = cx.list("weights")?;
        let weights: Vec<f64> = if given.is_empty() {
            vec![1.0; list.len()]
        } else if given.len() == list.len() {
            given.iter().filter_map(values::number).collect()
        } else {
            let what = format!("there are {} weights for {} values", given.len(), list.len());
            return Err(NodeError::new(what).at("weights"));
        };
        let at = Rng::new(cx.seed("seed")?, "ChooseFromList").weighted(&weights).ok_or_else(|| {
            NodeError::new("there is nothing to choose from")
                .at("list")
                .hint("at least one weight is above 0")
        })?;
        cx.set("value", list[at].clone());
        cx.set("index", at as i64);
        Ok(())
    })
    .title("Choose from a list")
    .category("random")
    .doc("Draws one value of a list.")
    .input_list("list", names::ANY, "The list.")
    .param(seed())
    .param(
        Param::list("weights", Kind::Float { min: 0.0, max: 1e12, step: 1.0 })
            .doc("How likely each value is, beside the others; none: all the same."),
    )
    .output("value", names::ANY, "The chosen value.")
    .output("index", names::INT, "Its place in the list, from 0.")
}

/// A colour.
fn color() -> Node {
    Node::pure("RandomColor", 1, |cx| {
        let mut rng = Rng::new(cx.seed("seed")?, "RandomColor");
        let mut draw = |(low, high): (f64, f64)| low + (high - low) * rng.unit();
        let h = draw(cx.range("hue")?);
        let s = draw(cx.range("saturation")?);
        let l = draw(cx.range("lightness")?);
        cx.set("color", hsl(h / 360.0, s, l));
        Ok(())
    })
    .title("Random colour")
    .category("random")
    .doc("Draws a colour.")
    .param(seed())
    .param(
        Param::range("hue", (0.0, 360.0), -360.0..=720.0)
            .unit("°")
            .doc("From which hue to which: 0 is red, 120 green, 240 blue; -30 to 30 is around red."),
    )
    .param(Param::range("saturation", (0.5, 1.0), 0.0..=1.0).doc("0 is grey, 1 is full colour."))
    .param(Param::range("lightness", (0.35, 0.65), 0.0..=1.0).doc("0 is black, 1 is white."))
    .output("color", names::COLOR, "The colour.")
}

fn hsl(h: f64, s: f64, l: f64) -> Value {
    let a = s * l.min(1.0 - l);
    let channel = |n: f64| {
        let k = (n + h * 12.0).rem_euclid(12.0);
        (l - a * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)) as f32
    };
    Value::Color(Color { r: channel(0.0), g: channel(8.0), b: channel(4.0), a: 1.0 })
}

/// Yes or no.
fn yes() -> Node {
    Node::pure("RandomYes", 1, |cx| {
        let yes = Rng::new(cx.seed("seed")?, "RandomYes").unit() < cx.float("chance")?;
        cx.set("yes", yes);
        Ok(())
    })
    .title("Random yes or no")
    .category("random")
    .doc("Draws yes or no.")
    .param(seed())
    .param(Param::float("chance", 0.5, 0.0..=1.0).doc("How likely yes is; 1 is always."))
    .output("yes", names::BOOL, "Yes or no.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_where_they_belong() {
        for (h, wanted) in
            [(0.0, "#ff0000"), (1.0 / 3.0, "#00ff00"), (2.0 / 3.0, "#0000ff"), (-1.0 / 6.0, "#ff00ff")]
        {
            let Value::Color(c) = hsl(h, 1.0, 0.5) else { panic!("not a colour") };
            assert_eq!(c.to_string(), wanted);
        }
    }

    #[test]
    fn weights_stand_behind_the_last_bar() {
        assert_eq!(weighted_line("gold | 5").ok(), Some(("gold", 5.0)));
        assert_eq!(weighted_line("a|b | 50%").ok(), Some(("a|b", 0.5)));
        assert_eq!(weighted_line(" plain: text ").ok(), Some(("plain: text", 1.0)));
        assert!(weighted_line("gold | much").is_err() && weighted_line("gold | -1").is_err());
    }
}
