//! Words in pictures, in a font that comes with the program: the same letters on every machine.
//!
//! The sans font is Ubuntu Light, the fixed-width one Hack; a letter that the sans font lacks is taken
//! from the other. There is no shaping: scripts that join or reorder letters come out letter by letter.

use ab_glyph::{Font, FontRef, Glyph, GlyphId, PxScale, ScaleFont, point};
use kiln_types::{Color, Image};

use crate::PixelError;
use crate::named::named;
use crate::samples::{like, within};

/// No text is longer.
const MAX_LETTERS: usize = 100_000;
/// From line to line, in font sizes.
const LINE: f32 = 1.25;

named! {
    /// The fonts.
    pub enum Typeface {
        /// Ubuntu Light.
        Sans = "sans",
        /// Hack, all letters equally wide.
        Mono = "mono",
    }
}

named! {
    /// Where lines stand in their block.
    pub enum Align {
        /// At the left.
        Left = "left",
        /// In the middle.
        Center = "center",
        /// At the right.
        Right = "right",
    }
}

/// How words look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// The font.
    pub typeface: Typeface,
    /// The size of its em square, in pixels.
    pub size: f32,
    /// The colour; its alpha makes the words see-through.
    pub color: Color,
    /// Where lines stand in the block.
    pub align: Align,
    /// Lines longer than this many pixels are broken between words, and words longer than it anywhere.
    pub max_width: Option<usize>,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            typeface: Typeface::Sans,
            size: 24.0,
            color: Color::BLACK,
            align: Align::Left,
            max_width: None,
        }
    }
}

impl TextStyle {
    fn check(&self, text: &str) -> Result<(), PixelError> {
        if !within(self.size, 4.0, 2048.0) {
            return Err(PixelError::parameter("size", "between 4 and 2048"));
        }
        let Color { r, g, b, a } = self.color;
        if ![r, g, b, a].iter().all(|v| within(*v, 0.0, 1.0)) {
            return Err(PixelError::parameter("color", "a colour with parts between 0 and 1"));
        }
        if text.chars().nth(MAX_LETTERS).is_some() {
            return Err(PixelError::parameter("text", "at most 100000 letters"));
        }
        Ok(())
    }
}

/// The fonts at one size.
struct Type {
    fonts: [(FontRef<'static>, PxScale); 2],
    size: f32,
}

/// A letter: which font, which glyph, how wide.
#[derive(Clone, Copy)]
struct Letter {
    font: usize,
    glyph: GlyphId,
    advance: f32,
    space: bool,
}

/// Letters of a line with their places, and the line's width.
struct Line {
    letters: Vec<(f32, Letter)>,
    width: f32,
}

impl Type {
    fn new(style: &TextStyle) -> Result<Self, PixelError> {
        let open = |bytes: &'static [u8]| {
            let font = FontRef::try_from_slice(bytes)
                .map_err(|_| PixelError::Mismatch("the built-in font cannot be read".to_owned()))?;
            // The library counts sizes from the lowest to the highest letter part, we from the em square.
            let em = font.units_per_em().unwrap_or(1000.0);
            let scale = PxScale::from(style.size * font.height_unscaled() / em);
            Ok::<_, PixelError>((font, scale))
        };
        let sans = open(epaint_default_fonts::UBUNTU_LIGHT)?;
        let mono = open(epaint_default_fonts::HACK_REGULAR)?;
        let fonts = match style.typeface {
            Typeface::Sans => [sans, mono],
            Typeface::Mono => [mono, sans],
        };
        Ok(Self { fonts, size: style.size })
    }

    fn letter(&self, c: char) -> Letter {
        let find = |font: usize| self.fonts[font].0.glyph_id(c);
        let font = usize::from(find(0).0 == 0 && find(1).0 != 0);
        let glyph = find(font);
        let (face, scale) = &self.fonts[font];
        Letter { font, glyph, advance: face.as_scaled(*scale).h_advance(glyph), space: c == ' ' }
    }

    fn kern(&self, a: Letter, b: Letter) -> f32 {
        if a.font != b.font {
            return 0.0;
        }
        let (face, scale) = &self.fonts[a.font];
        face.as_scaled(*scale).kern(a.glyph, b.glyph)
    }

    /// From the top of a line to where its letters stand.
    fn baseline(&self) -> f32 {
        let (face, scale) = &self.fonts[0];
        let face = face.as_scaled(*scale);
        (self.size * LINE + face.ascent() + face.descent()) * 0.5
    }

    fn lines(&self, text: &str, limit: f32) -> Vec<Line> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let letters = paragraph
                .chars()
                .flat_map(|c| {
                    std::iter::repeat_n(if c == '\t' { ' ' } else { c }, if c == '\t' { 4 } else { 1 })
                })
                .filter(|c| !c.is_control());
            let letters: Vec<Letter> = letters.map(|c| self.letter(c)).collect();
            let mut rest = letters.as_slice();
            loop {
                let (line, used) = self.line(rest, limit);
                lines.push(line);
                rest = &rest[used..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        lines
    }

    /// As many of `letters` as fit, and how many they are.
    fn line(&self, letters: &[Letter], limit: f32) -> (Line, usize) {
        let mut places = Vec::new();
        let mut x = 0.0;
        // Behind the last space: how many letters, and how many of them are used up.
        let mut fold = None;
        for (i, letter) in letters.iter().enumerate() {
            let kern = places.last().map_or(0.0, |(_, before): &(f32, Letter)| self.kern(*before, *letter));
            if x + kern + letter.advance > limit && i > 0 && !letter.space {
                let (keep, used) = fold.unwrap_or((i, i));
                places.truncate(keep);
                return (finish(places), used);
            }
            x += kern;
            places.push((x, *letter));
            x += letter.advance;
            if letter.space {
                fold = Some((i, i + 1));
            }
        }
        (finish(places), letters.len())
    }
}

fn finish(letters: Vec<(f32, Letter)>) -> Line {
    let width = letters.last().map_or(0.0, |(x, letter)| x + letter.advance);
    Line { letters, width }
}

/// The width and height, in pixels, of the block that a text takes.
///
/// # Errors
/// When the size (4..2048), the colour or the text's length is out of range.
pub fn text_size(text: &str, style: &TextStyle) -> Result<[usize; 2], PixelError> {
    style.check(text)?;
    let face = Type::new(style)?;
    let lines = face.lines(text, style.max_width.map_or(f32::INFINITY, |w| w as f32));
    let width = lines.iter().map(|l| l.width).fold(0.0, f32::max).ceil();
    Ok([width as usize, (lines.len() as f32 * style.size * LINE).ceil() as usize])
}

/// The pictures with a text on them, its block's top left corner at `x`, `y`; what does not fit is cut off.
///
/// # Errors
/// When the size (4..2048), the colour or the text's length is out of range.
pub fn draw_text(
    image: &Image,
    text: &str,
    x: isize,
    y: isize,
    style: &TextStyle,
) -> Result<Image, PixelError> {
    let mut data = image.data().to_vec();
    let size = [image.width(), image.height(), image.channels()];
    for frame in data.chunks_exact_mut(image.frame_len()) {
        draw_into(frame, size, text, [x as f32, y as f32], style)?;
    }
    like(image, data)
}

/// Draws into one frame of `[width, height, channels]`.
pub(crate) fn draw_into(
    frame: &mut [f32],
    size: [usize; 3],
    text: &str,
    at: [f32; 2],
    style: &TextStyle,
) -> Result<(), PixelError> {
    style.check(text)?;
    let face = Type::new(style)?;
    let lines = face.lines(text, style.max_width.map_or(f32::INFINITY, |w| w as f32));
    let longest = lines.iter().map(|l| l.width).fold(0.0, f32::max);
    let block = style.max_width.map_or(longest, |w| w as f32);
    let height = size[1] as f32;
    for (number, line) in lines.iter().enumerate() {
        let top = at[1] + number as f32 * style.size * LINE;
        if top > height || top + 2.0 * style.size < 0.0 {
            continue;
        }
        let shift = match style.align {
            Align::Left => 0.0,
            Align::Center => (block - line.width) * 0.5,
            Align::Right => block - line.width,
        };
        // Letters stand on whole rows, so that all lines look alike.
        let base = (top + face.baseline()).round();
        for (x, letter) in &line.letters {
            let left = at[0] + shift + x;
            if left > size[0] as f32 || left + letter.advance + style.size < 0.0 {
                continue;
            }
            let (font, scale) = &face.fonts[letter.font];
            let glyph = Glyph { id: letter.glyph, scale: *scale, position: point(left, base) };
            if let Some(outline) = font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                let (x0, y0) = (corner.x as i64, corner.y as i64);
                outline.draw(|dx, dy, cover| {
                    let (px, py) = (x0 + i64::from(dx), y0 + i64::from(dy));
                    if let (Ok(px), Ok(py)) = (usize::try_from(px), usize::try_from(py))
                        && px < size[0]
                        && py < size[1]
                    {
                        let i = (py * size[0] + px) * size[2];
                        lay(&mut frame[i..i + size[2]], style.color, cover.clamp(0.0, 1.0));
                    }
                });
            }
        }
    }
    Ok(())
}

/// A colour over a pixel, `cover` of it.
pub(crate) fn lay(pixel: &mut [f32], color: Color, cover: f32) {
    let top = color.a * cover;
    let below = pixel.get(3).map_or(1.0, |a| a.clamp(0.0, 1.0)) * (1.0 - top);
    let alpha = top + below;
    if alpha <= 0.0 {
        return;
    }
    for (v, c) in pixel.iter_mut().zip([color.r, color.g, color.b]) {
        *v = (*v * below + c * top) / alpha;
    }
    if let Some(a) = pixel.get_mut(3) {
        *a = alpha;
    }
}
