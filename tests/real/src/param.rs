//! ncnn's `.param` file: which layers there are, and what each reads from the `.bin` file.

use std::path::Path;

use crate::error::NcnnError;

/// The first line of every `.param` file of this form.
const MAGIC: &str = "7767517";
/// Layers that have no weights.
const WEIGHTLESS: [&str; 7] = ["Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"];
/// No layer of an upscaler is near as large; keeps products of sizes far from overflow.
const LARGEST: usize = 1 << 26;

/// A layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the file.
    pub name: String,
    /// What it has to read.
    pub kind: Kind,
}

/// The two kinds of layers with weights that upscalers have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A convolution with a bias.
    Convolution {
        /// Outputs, inputs, rows and columns of the kernel.
        shape: [usize; 4],
    },
    /// A rectifier with a slope for each channel.
    Slopes {
        /// How many channels.
        channels: usize,
    },
}

/// The layers with weights, in the order of their weights in the `.bin` file.
///
/// # Errors
/// When a line cannot be understood, or a layer may have weights of a form that is not known here.
pub fn layers(file: &Path, text: &str) -> Result<Vec<Layer>, NcnnError> {
    let wrong =
        |line: usize, what: String| NcnnError::Line { file: file.to_path_buf(), line: line + 1, what };
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, magic)| magic.trim() != MAGIC) {
        return Err(wrong(0, format!("an ncnn text file begins with {MAGIC}")));
    }
    let promised =
        lines.next().and_then(|(_, counts)| counts.split_whitespace().next()?.parse::<usize>().ok());
    let Some(promised) = promised else {
        return Err(wrong(1, "the numbers of layers and blobs are missing".to_owned()));
    };
    let (mut all, mut seen) = (Vec::new(), 0);
    for (at, line) in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, name, rest @ ..] = words.as_slice() else {
            if words.is_empty() {
                continue;
            }
            return Err(wrong(at, "a layer has a kind and a name".to_owned()));
        };
        seen += 1;
        let kind = match *kind {
            "Convolution" => convolution(rest),
            "PReLU" => whole(rest, 0, None).map(|channels| Kind::Slopes { channels }),
            other if WEIGHTLESS.contains(&other) => continue,
            other => Err(format!("layers of the kind {other} are not known")),
        };
        all.push(Layer { name: (*name).to_owned(), kind: kind.map_err(|what| wrong(at, what))? });
    }
    if seen != promised {
        return Err(wrong(1, format!("{promised} layers are promised, and {seen} follow")));
    }
    Ok(all)
}

fn convolution(words: &[&str]) -> Result<Kind, String> {
    let out = whole(words, 0, None)?;
    let width = whole(words, 1, None)?;
    let height = whole(words, 11, Some(width))?;
    let weights = whole(words, 6, None)?;
    if whole(words, 5, Some(0))? != 1 {
        return Err("a convolution without a bias".to_owned());
    }
    if whole(words, 8, Some(0))? != 0 {
        return Err("a convolution on whole numbers".to_owned());
    }
    // Each is at most 2^26, so the product of two of them fits; the third is looked at before it is multiplied.
    let each = (out * width).checked_mul(height).filter(|each| *each > 0 && weights.is_multiple_of(*each));
    let inputs = each.map_or(0, |each| weights / each);
    if inputs == 0 {
        return Err(format!("{weights} weights do not make {out} kernels of {height} x {width}"));
    }
    Ok(Kind::Convolution { shape: [out, inputs, height, width] })
}

/// The parameter `key`, a whole number.
fn whole(words: &[&str], key: usize, default: Option<usize>) -> Result<usize, String> {
    let of_key =
        |word: &&str| word.split_once('=').filter(|(k, _)| k.parse() == Ok(key)).map(|(_, v)| v.to_owned());
    match words.iter().find_map(of_key) {
        None => default.ok_or_else(|| format!("the parameter {key} is missing")),
        Some(text) => match text.parse() {
            Ok(number) if number <= LARGEST => Ok(number),
            _ => Err(format!("the parameter {key} is {text}, not a whole number up to {LARGEST}")),
        },
    }
}
