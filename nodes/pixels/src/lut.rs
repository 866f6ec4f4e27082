//! Look-up tables from `.cube` files: how a look travels between programs.

use std::fmt;

use kiln_types::Image;

use crate::PixelError;
use crate::grade::map_colors;
use crate::named::named;
use crate::samples::within;

/// The format's own largest sizes.
const MAX_1D: usize = 65536;
const MAX_3D: usize = 256;

/// Why a text is not a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LutError {
    /// The line, counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl fmt::Display for LutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for LutError {}

named! {
    /// How a colour between the table's points is found.
    pub enum LutMethod {
        /// From the four points of the tetrahedron it lies in: greys stay grey. What grading programs use.
        Tetrahedral = "tetrahedral",
        /// From the eight points of the cube it lies in.
        Trilinear = "trilinear",
    }
}

/// A table of colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Lut {
    title: String,
    /// Points per axis of a 3D table, or points of a 1D one.
    size: usize,
    cube: bool,
    min: [f32; 3],
    max: [f32; 3],
    table: Vec<[f32; 3]>,
}

/// What the lines before the table said.
#[derive(Default)]
struct Head {
    title: String,
    size: Option<(usize, bool)>,
    min: Option<[f32; 3]>,
    max: Option<[f32; 3]>,
}

impl Lut {
    /// Reads the text of a `.cube` file, 1D or 3D.
    ///
    /// # Errors
    /// With the line, when the text does not follow the format or holds too few or too many colours.
    pub fn parse(text: &str) -> Result<Self, LutError> {
        let mut head = Head::default();
        let mut table: Vec<[f32; 3]> = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let fail = |what: String| LutError { line: index + 1, what };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
                if !table.is_empty() {
                    return Err(fail(format!("{:?} stands after the first colour", shown(line))));
                }
                head.line(line).map_err(fail)?;
                continue;
            }
            let Some((size, cube)) = head.size else {
                return Err(fail("a colour stands before LUT_3D_SIZE or LUT_1D_SIZE".to_owned()));
            };
            let colors = if cube { size * size * size } else { size };
            if table.len() == colors {
                return Err(fail(format!("more than the {colors} colours that the size asks for")));
            }
            table.push(three(line.split_ascii_whitespace()).map_err(fail)?);
        }
        head.finish(table)
    }

    /// The title in the file; often empty.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }
    /// Points per axis.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }
    /// Whether it is a 3D table.
    #[must_use]
    pub fn is_3d(&self) -> bool {
        self.cube
    }

    /// The table's colour for a colour; a 1D table knows one method only.
    #[must_use]
    pub fn at(&self, color: [f32; 3], method: LutMethod) -> [f32; 3] {
        let top = (self.size - 1) as f32;
        // Place on each axis: the point below, and how far beyond it.
        let place = [0, 1, 2].map(|c| {
            let t = (color[c] - self.min[c]) / (self.max[c] - self.min[c]);
            let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) } * top;
            let low = (t as usize).min(self.size - 2);
            (low, t - low as f32)
        });
        if !self.cube {
            return [0, 1, 2].map(|c| {
                let (low, f) = place[c];
                let (a, b) = (self.table[low][c], self.table[low + 1][c]);
                a + (b - a) * f
            });
        }
        let point = |r: usize, g: usize, b: usize| {
            let i = ((place[2].0 + b) * self.size + place[1].0 + g) * self.size + place[0].0 + r;
            self.table[i]
        };
        let [r, g, b] = place.map(|p| p.1);
        match method {
            LutMethod::Trilinear => {
                let mix = |a: [f32; 3], b: [f32; 3], f: f32| [0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * f);
                let edge = |g: usize, b: usize| mix(point(0, g, b), point(1, g, b), r);
                mix(mix(edge(0, 0), edge(1, 0), g), mix(edge(0, 1), edge(1, 1), g), b)
            }
            LutMethod::Tetrahedral => {
                // From the black corner along the axes, the farthest first, to the white corner.
                let (first, second, fs) = if r > g {
                    if g > b {
                        (point(1, 0, 0), point(1, 1, 0), [r, g, b])
                    } else if r > b {
                        (point(1, 0, 0), point(1, 0, 1), [r, b, g])
                    } else {
                        (point(0, 0, 1), point(1, 0, 1), [b, r, g])
                    }
                } else if b > g {
                    (point(0, 0, 1), point(0, 1, 1), [b, g, r])
                } else if b > r {
                    (point(0, 1, 0), point(0, 1, 1), [g, b, r])
                } else {
                    (point(0, 1, 0), point(1, 1, 0), [g, r, b])
                };
                let (black, white) = (point(0, 0, 0), point(1, 1, 1));
                let weights = [1.0 - fs[0], fs[0] - fs[1], fs[1] - fs[2], fs[2]];
                [0, 1, 2].map(|c| {
                    black[c] * weights[0]
                        + first[c] * weights[1]
                        + second[c] * weights[2]
                        + white[c] * weights[3]
                })
            }
        }
    }
}

/// The picture through the table, mixed with itself by `strength`.
///
/// # Errors
/// When `strength` is not within 0..1.
pub fn apply_lut(image: &Image, lut: &Lut, method: LutMethod, strength: f32) -> Result<Image, PixelError> {
    if !within(strength, 0.0, 1.0) {
        return Err(PixelError::parameter("strength", "between 0 and 1"));
    }
    map_colors(image, |p| {
        let out = lut.at(p, method);
        [0, 1, 2].map(|c| p[c] * (1.0 - strength) + out[c] * strength)
    })
}

impl Head {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
        let rest = rest.trim();
        let once = |seen: bool| if seen { Err(format!("{word} stands there twice")) } else { Ok(()) };
        match word {
            "TITLE" => self.title = rest.trim_matches('"').chars().take(200).collect(),
            "LUT_1D_SIZE" | "LUT_3D_SIZE" => {
                if self.size.is_some() {
                    return Err(
                        "a second size; files with two tables are not read, export them apart".to_owned()
                    );
                }
                let (cube, most) = if word == "LUT_3D_SIZE" { (true, MAX_3D) } else { (false, MAX_1D) };
                let size = rest.parse().ok().filter(|n| (2..=most).contains(n));
                let size =
                    size.ok_or_else(|| format!("{word} must be 2 to {most}, not {:?}", shown(rest)))?;
                self.size = Some((size, cube));
            }
            "DOMAIN_MIN" => {
                once(self.min.is_some())?;
                self.min = Some(three(rest.split_ascii_whitespace())?);
            }
            "DOMAIN_MAX" => {
                once(self.max.is_some())?;
                self.max = Some(three(rest.split_ascii_whitespace())?);
            }
            // Another program's way to say the domain.
            "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" => {
                once(self.min.is_some() || self.max.is_some())?;
                let mut numbers = rest.split_ascii_whitespace();
                let pair = (numbers.next(), numbers.next(), numbers.next());
                let (Some(low), Some(high), None) = pair else {
                    return Err(format!("{word} takes two numbers"));
                };
                self.min = Some([number(low)?; 3]);
                self.max = Some([number(high)?; 3]);
            }
            _ => return Err(format!("{:?} is no word of a .cube file", shown(word))),
        }
        Ok(())
    }

    fn finish(self, table: Vec<[f32; 3]>) -> Result<Lut, LutError> {
        let fail = |what: String| LutError { line: 0, what };
        let (size, cube) = self.size.ok_or_else(|| fail("no LUT_3D_SIZE or LUT_1D_SIZE in it".to_owned()))?;
        let colors = if cube { size * size * size } else { size };
        if table.len() != colors {
            return Err(fail(format!("{} colours where the size asks for {colors}", table.len())));
        }
        let (min, max) = (self.min.unwrap_or([0.0; 3]), self.max.unwrap_or([1.0; 3]));
        if (0..3).any(|c| !within(max[c] - min[c], 1e-6, f32::MAX)) {
            return Err(fail("DOMAIN_MAX must be above DOMAIN_MIN".to_owned()));
        }
        Ok(Lut { title: self.title, size, cube, min, max, table })
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn number(text: &str) -> Result<f32, String> {
    // `parse` also takes "inf" and "nan", and numbers beyond f32.
    let value = text.parse::<f32>().ok().filter(|v| v.abs() <= 1e6);
    value.ok_or_else(|| format!("{:?} is not a number", shown(text)))
}

fn three<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<[f32; 3], String> {
    let mut next = || words.next().ok_or_else(|| "three numbers are needed".to_owned()).and_then(number);
    let out = [next()?, next()?, next()?];
    if words.next().is_some() { Err("three numbers are needed, there are more".to_owned()) } else { Ok(out) }
}
