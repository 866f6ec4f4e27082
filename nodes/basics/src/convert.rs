//! From one kind of value to another.

use crate::values::{self, ANY_INT, ANY_NUMBER};
use kiln_core::{Node, NodeError, Param};
use kiln_types::{Color, Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![
        round(),
        to_text(),
        parse_number(),
        text_to_color(),
        color_parts(),
        make_color(),
        size_parts(),
        make_size(),
        scale_size(),
        range_parts(),
        make_range(),
        map_range(),
        seed_to_int(),
        int_to_seed(),
    ]
}

/// A decimal number to a whole one.
fn round() -> Node {
    Node::pure("Round", 1, |cx| {
        let step = cx.float("to")?;
        let v = cx.float("value")? / step;
        let rounded = match &*cx.text("mode")? {
            "down" => libm::floor(v),
            "up" => libm::ceil(v),
            "toward zero" => libm::trunc(v),
            "half to even" => libm::rint(v),
            _ => libm::round(v),
        } * step;
        cx.set("int", values::whole(libm::rint(rounded)).map_err(|e| e.at("value"))?);
        cx.set("float", rounded);
        Ok(())
    })
    .title("Round")
    .category("number")
    .doc("Rounds a number.")
    .param(Param::float("value", 0.0, ANY_NUMBER).required().doc("The number."))
    .param(
        Param::choice("mode", &["nearest", "down", "up", "toward zero", "half to even"])
            .doc("Which way; \"nearest\" rounds halves away from zero."),
    )
    .param(Param::float("to", 1.0, 1e-12..=1e12).doc("To multiples of this number: 1, 8, 0.25 …"))
    .output("int", names::INT, "The rounded number as a whole one.")
    .output("float", names::FLOAT, "The rounded number.")
}

/// Any plain value in words.
fn to_text() -> Node {
    Node::pure("ToText", 1, |cx| {
        let decimals = cx.int("decimals")?;
        let text = match (cx.value("value")?, usize::try_from(decimals)) {
            (Value::Float(v), Ok(places)) => format!("{v:.places$}"),
            (value, _) => values::words(&value).map_err(|e| e.at("value"))?,
        };
        cx.set("text", text.as_str());
        Ok(())
    })
    .title("To text")
    .category("text")
    .doc("Writes a number, a colour, a size or another plain value as text.")
    .input("value", names::ANY, "What to write.")
    .param(Param::int("decimals", -1, -1..=32).doc("Decimals of a number; -1: as many as it has."))
    .output("text", names::TEXT, "The value in words.")
}

/// A number from text.
fn parse_number() -> Node {
    Node::pure("ParseNumber", 1, |cx| {
        let text = cx.text("text")?;
        let found = values::parse_number(&text);
        let v = match (found, cx.bool("strict")?) {
            (Some(v), _) => v,
            (None, false) => cx.float("otherwise")?,
            (None, true) => {
                let start: String = text.chars().take(40).collect();
                return Err(NodeError::new(format!("{start:?} is not a number")).at("text"));
            }
        };
        cx.set("float", v);
        cx.set("int", values::whole(libm::trunc(v)).map_err(|e| e.at("text"))?);
        cx.set("found", found.is_some());
        Ok(())
    })
    .title("Number from text")
    .category("number")
    .doc("Reads a number from text, such as \"-1.5\", \"1_000\", \"2e3\" or \"50%\".")
    .input("text", names::TEXT, "The text.")
    .param(Param::bool("strict", true).doc("Fail when the text is not a number."))
    .param(
        Param::float("otherwise", 0.0, ANY_NUMBER).doc("The number when the text is none and strict is off."),
    )
    .output("float", names::FLOAT, "The number.")
    .output("int", names::INT, "The number without its decimals.")
    .output("found", names::BOOL, "Whether the text is a number.")
}

/// A colour from text.
fn text_to_color() -> Node {
    Node::pure("TextToColor", 1, |cx| {
        let color = Color::parse(&cx.text("text")?).map_err(|e| NodeError::from(e).at("text"))?;
        cx.set("color", color);
        Ok(())
    })
    .title("Colour from text")
    .category("colour")
    .doc("Reads a colour written as #rgb, #rrggbb or #rrggbbaa.")
    .input("text", names::TEXT, "The text.")
    .output("color", names::COLOR, "The colour.")
}

/// The parts of a colour.
fn color_parts() -> Node {
    Node::pure("ColorParts", 1, |cx| {
        let c = cx.color("color")?;
        for (name, v) in [("red", c.r), ("green", c.g), ("blue", c.b), ("alpha", c.a)] {
            cx.set(name, f64::from(v));
        }
        cx.set("text", c.to_string().as_str());
        Ok(())
    })
    .title("Parts of a colour")
    .category("colour")
    .doc("Red, green, blue and opacity of a colour, each from 0 to 1.")
    .param(Param::color("color", Color::BLACK).required().doc("The colour."))
    .output("red", names::FLOAT, "Red, 0 to 1.")
    .output("green", names::FLOAT, "Green, 0 to 1.")
    .output("blue", names::FLOAT, "Blue, 0 to 1.")
    .output("alpha", names::FLOAT, "Opacity, 0 to 1.")
    .output("text", names::TEXT, "The colour as #rrggbb or #rrggbbaa.")
}

/// A colour from its parts.
fn make_color() -> Node {
    Node::pure("MakeColor", 1, |cx| {
        let [r, g, b, a] =
            [cx.float32("red")?, cx.float32("green")?, cx.float32("blue")?, cx.float32("alpha")?];
        cx.set("color", Color { r, g, b, a });
        Ok(())
    })
    .title("Make a colour")
    .category("colour")
    .doc("A colour from red, green, blue and opacity, each from 0 to 1.")
    .param(Param::float("red", 0.0, 0.0..=1.0).doc("Red."))
    .param(Param::float("green", 0.0, 0.0..=1.0).doc("Green."))
    .param(Param::float("blue", 0.0, 0.0..=1.0).doc("Blue."))
    .param(Param::float("alpha", 1.0, 0.0..=1.0).doc("Opacity."))
    .output("color", names::COLOR, "The colour.")
}

/// Width and height of a size.
fn size_parts() -> Node {
    Node::pure("SizeParts", 1, |cx| {
        let (w, h) = cx.size("size")?;
        cx.set("width", w as i64);
        cx.set("height", h as i64);
        cx.set("aspect", w as f64 / h as f64);
        cx.set("pixels", (w * h) as i64);
        Ok(())
    })
    .title("Parts of a size")
    .category("number")
    .doc("Width, height and shape of a size.")
    .param(Param::size("size", 512, 512).required().doc("The size."))
    .output("width", names::INT, "Width in pixels.")
    .output("height", names::INT, "Height in pixels.")
    .output("aspect", names::FLOAT, "Width divided by height.")
    .output("pixels", names::INT, "Width times height.")
}

/// The longest side a size may have.
const LONGEST: i64 = 16384;

/// A size from two numbers.
fn make_size() -> Node {
    Node::pure("MakeSize", 1, |cx| {
        let size = fitted(cx.int("width")? as f64, cx.int("height")? as f64, cx.int("multiple")?)?;
        cx.set("size", size);
        Ok(())
    })
    .title("Make a size")
    .category("number")
    .doc("A size from a width and a height.")
    .param(Param::int("width", 512, 1..=LONGEST).unit("px").doc("Width."))
    .param(Param::int("height", 512, 1..=LONGEST).unit("px").doc("Height."))
    .param(
        Param::int("multiple", 1, 1..=1024)
            .unit("px")
            .doc("Round both to multiples of this, as some models need."),
    )
    .output("size", names::SIZE, "The size.")
}

/// A size times a factor.
fn scale_size() -> Node {
    Node::pure("ScaleSize", 1, |cx| {
        let (w, h) = cx.size("size")?;
        let by = cx.float("by")?;
        let size = fitted(w as f64 * by, h as f64 * by, cx.int("multiple")?)?;
        cx.set("size", size);
        Ok(())
    })
    .title("Scale a size")
    .category("number")
    .doc("A size made larger or smaller by a factor.")
    .param(Param::size("size", 512, 512).required().doc("The size."))
    .param(Param::float("by", 2.0, 0.001..=1000.0).doc("The factor."))
    .param(
        Param::int("multiple", 1, 1..=1024)
            .unit("px")
            .doc("Round both to multiples of this, as some models need."),
    )
    .output("size", names::SIZE, "The scaled size.")
}

fn fitted(w: f64, h: f64, multiple: i64) -> Result<Value, NodeError> {
    let side = |v: f64| {
        let m = multiple as f64;
        let v = (libm::round(v / m) * m).max(m);
        if v <= LONGEST as f64 {
            Ok(v as u32)
        } else {
            Err(NodeError::new(format!("a side would be {v} pixels long, more than {LONGEST}")))
        }
    };
    Ok(Value::Size(side(w)?, side(h)?))
}

/// The ends of a range.
fn range_parts() -> Node {
    Node::pure("RangeParts", 1, |cx| {
        let (low, high) = cx.range("range")?;
        cx.set("low", low);
        cx.set("high", high);
        Ok(())
    })
    .title("Parts of a range")
    .category("number")
    .doc("The lowest and the highest number of a range.")
    .param(Param::range("range", (0.0, 1.0), ANY_NUMBER).required().doc("The range."))
    .output("low", names::FLOAT, "The lowest.")
    .output("high", names::FLOAT, "The highest.")
}

/// A range from its ends.
fn make_range() -> Node {
    Node::pure("MakeRange", 1, |cx| {
        let (a, b) = (cx.float("low")?, cx.float("high")?);
        if a > b {
            return Err(NodeError::new(format!("the lowest, {a}, is above the highest, {b}")).at("low"));
        }
        cx.set("range", Value::Range(a, b));
        Ok(())
    })
    .title("Make a range")
    .category("number")
    .doc("A range from its lowest and its highest number.")
    .param(Param::float("low", 0.0, ANY_NUMBER).doc("The lowest."))
    .param(Param::float("high", 1.0, ANY_NUMBER).doc("The highest."))
    .output("range", names::RANGE, "The range.")
}

/// A number carried from one range to another.
fn map_range() -> Node {
    Node::pure("MapRange", 1, |cx| {
        let (v, (a, b), (c, d)) = (cx.float("value")?, cx.range("from")?, cx.range("to")?);
        if a == b {
            return Err(NodeError::new("the range has no extent, so no place in it can be told").at("from"));
        }
        let t = (v - a) / (b - a);
        let t = if cx.bool("clamp")? { t.clamp(0.0, 1.0) } else { t };
        let t = if cx.bool("flip")? { 1.0 - t } else { t };
        cx.set("value", c + (d - c) * t);
        Ok(())
    })
    .title("Map to a range")
    .category("number")
    .doc("Carries a number from one range to another: 5 of 0 to 10 becomes 0.5 of 0 to 1.")
    .param(Param::float("value", 0.0, ANY_NUMBER).required().doc("The number."))
    .param(Param::range("from", (0.0, 1.0), ANY_NUMBER).doc("The range it comes from."))
    .param(Param::range("to", (0.0, 1.0), ANY_NUMBER).doc("The range it goes to."))
    .param(Param::bool("clamp", true).doc("Keep the result inside the range."))
    .param(Param::bool("flip", false).doc("The lowest becomes the highest."))
    .output("value", names::FLOAT, "The number in the other range.")
}

/// A seed as a whole number.
fn seed_to_int() -> Node {
    Node::pure("SeedToInt", 1, |cx| {
        let below = cx.int("below")?.unsigned_abs();
        let v = cx.seed("seed")?;
        let v = if below == 0 { v >> 1 } else { v % below };
        cx.set("int", i64::try_from(v).unwrap_or(i64::MAX));
        Ok(())
    })
    .title("Seed to whole number")
    .category("number")
    .doc("A whole number from a seed; the same seed always gives the same number.")
    .param(Param::seed("seed").required().doc("The seed."))
    .param(Param::int("below", 0, 0..=i64::MAX).doc("Keep the number below this; 0: as large as it comes."))
    .output("int", names::INT, "The number, 0 or more.")
}

/// A whole number as a seed.
fn int_to_seed() -> Node {
    Node::pure("IntToSeed", 1, |cx| {
        // -1 becomes the largest seed, so that every number has its own.
        let seed = cx.int("int")? as u64;
        cx.set("seed", Value::Seed(seed));
        Ok(())
    })
    .title("Whole number to seed")
    .category("number")
    .doc("A seed from a whole number; each number has its own seed.")
    .param(Param::int("int", 0, ANY_INT).required().doc("The number."))
    .output("seed", names::SEED, "The seed.")
}
