//! Many pictures on one: contact sheets, and two pictures compared.

use kiln_types::{Color, Image};

use crate::PixelError;
use crate::named::named;
use crate::resample::{Method, resize_premultiplied};
use crate::samples::{cycled, within};
use crate::text::{Align, TextStyle, draw_into, lay, text_size};

/// No sheet has more cells.
const MAX_CELLS: usize = 10_000;
/// Side of the squares that show through transparent pictures.
const SQUARE: usize = 8;

/// One cell of a sheet.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The batch that holds the picture.
    pub image: &'a Image,
    /// Which picture of the batch.
    pub index: usize,
    /// What stands below; one line, cut off where it is too long.
    pub caption: &'a str,
}

/// How a sheet looks.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetOptions {
    /// Width and height of a cell's picture; pictures keep their shape within it.
    pub cell: [usize; 2],
    /// Cells in a row; 0 makes the sheet about square.
    pub columns: usize,
    /// Pixels around and between the cells.
    pub margin: usize,
    /// What shows between; its alpha is not used.
    pub background: Color,
    /// The colour of the words.
    pub ink: Color,
    /// The size of the captions; the title is twice as large.
    pub text_size: f32,
    /// The title; empty for none.
    pub title: String,
}

impl Default for SheetOptions {
    fn default() -> Self {
        Self {
            cell: [256, 256],
            columns: 0,
            margin: 16,
            background: Color::WHITE,
            ink: Color::BLACK,
            text_size: 16.0,
            title: String::new(),
        }
    }
}

/// A grid of pictures with captions, row by row.
///
/// # Errors
/// When there are no cells or more than 10000, a cell's index is not in its batch, an option is out of range,
/// or the sheet would be too large.
pub fn contact_sheet(cells: &[Cell<'_>], options: &SheetOptions) -> Result<Image, PixelError> {
    let plan = Plan::new(cells, options)?;
    let [r, g, b] = plan.paper;
    let mut sheet = Image::zeros(1, plan.height, plan.width, 3)?;
    let size = [plan.width, plan.height, 3];
    let data = sheet.data_mut();
    data.as_chunks_mut::<3>().0.fill([r, g, b]);
    let words = |size: f32, width: usize| TextStyle {
        size,
        color: options.ink,
        align: Align::Center,
        max_width: Some(width),
        ..TextStyle::default()
    };
    if !options.title.is_empty() {
        let style = words(options.text_size * 2.0, plan.width.saturating_sub(2 * options.margin).max(1));
        let line = one_line(&options.title, &style)?;
        draw_into(data, size, &line, [options.margin as f32; 2], &style)?;
    }
    let [cell_w, cell_h] = options.cell;
    for (number, cell) in cells.iter().enumerate() {
        let left = options.margin + number % plan.columns * (cell_w + options.margin);
        let top = plan.top + number / plan.columns * (cell_h + plan.caption + options.margin);
        let picture = fitted(cell.image, cell.index, options.cell)?;
        let (dx, dy) = ((cell_w - picture.width()) / 2, (cell_h - picture.height()) / 2);
        paste(data, plan.width, &picture, left + dx, top + dy);
        if plan.caption > 0 && !cell.caption.is_empty() {
            let style = words(options.text_size, cell_w);
            let line = one_line(cell.caption, &style)?;
            draw_into(data, size, &line, [left as f32, (top + cell_h) as f32], &style)?;
        }
    }
    Ok(sheet)
}

/// Where things stand on a sheet.
struct Plan {
    columns: usize,
    width: usize,
    height: usize,
    /// Where the first row starts.
    top: usize,
    /// Height of a caption; 0 when no cell has one.
    caption: usize,
    paper: [f32; 3],
}

impl Plan {
    fn new(cells: &[Cell<'_>], options: &SheetOptions) -> Result<Self, PixelError> {
        if !(1..=MAX_CELLS).contains(&cells.len()) {
            return Err(PixelError::parameter("pictures", "1 to 10000"));
        }
        if cells.iter().any(|c| c.index >= c.image.batch()) {
            return Err(PixelError::parameter("index", "a picture of its batch"));
        }
        if !options.cell.iter().all(|v| (1..=16384).contains(v)) {
            return Err(PixelError::parameter("cell", "between 1 and 16384"));
        }
        if options.margin > 4096 {
            return Err(PixelError::parameter("margin", "at most 4096"));
        }
        if !within(options.text_size, 4.0, 512.0) {
            return Err(PixelError::parameter("text_size", "between 4 and 512"));
        }
        let Color { r, g, b, .. } = options.background;
        if ![r, g, b].iter().all(|v| within(*v, 0.0, 1.0)) {
            return Err(PixelError::parameter("background", "a colour with parts between 0 and 1"));
        }
        let columns = match options.columns {
            // The smallest whole number whose square holds all cells.
            0 => (1..=cells.len()).find(|n| n * n >= cells.len()).unwrap_or(1),
            n => n.min(cells.len()),
        };
        let rows = cells.len().div_ceil(columns);
        let line = |size: f32| (size * 1.5).ceil() as usize;
        let caption = if cells.iter().any(|c| !c.caption.is_empty()) { line(options.text_size) } else { 0 };
        let title = if options.title.is_empty() { 0 } else { line(options.text_size * 2.0) + options.margin };
        let top = options.margin + title;
        // Every factor has been bounded, so none of this overflows.
        let width = options.margin + columns * (options.cell[0] + options.margin);
        let height = top + rows * (options.cell[1] + caption + options.margin);
        Ok(Self { columns, width, height, top, caption, paper: [r, g, b] })
    }
}

/// The text as one line no wider than the style's width, with an ellipsis where it is cut.
fn one_line(text: &str, style: &TextStyle) -> Result<String, PixelError> {
    let text: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).take(1000).collect();
    let limit = style.max_width.unwrap_or(usize::MAX);
    let free = TextStyle { max_width: None, ..*style };
    let fits = |text: &str| Ok::<_, PixelError>(text_size(text, &free)?[0] <= limit);
    if fits(&text)? {
        return Ok(text);
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |n: usize| letters[..n].iter().collect::<String>().trim_end().to_owned() + "…";
    let (mut low, mut high) = (0, letters.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(&cut(middle))? {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(cut(low))
}

/// One picture of a batch as large as fits into a cell.
fn fitted(image: &Image, index: usize, cell: [usize; 2]) -> Result<Image, PixelError> {
    let (w, h) = (image.width(), image.height());
    let one = Image::new(1, h, w, image.channels(), image.frame(index).to_vec())?;
    // Whole numbers: the side that is relatively longer fills the cell.
    let [width, height] = if w * cell[1] >= h * cell[0] {
        [cell[0], ((2 * h * cell[0] + w) / (2 * w)).clamp(1, cell[1])]
    } else {
        [((2 * w * cell[1] + h) / (2 * h)).clamp(1, cell[0]), cell[1]]
    };
    if [width, height] == [w, h] {
        Ok(one)
    } else {
        resize_premultiplied(&one, width, height, Method::Lanczos)
    }
}

fn paste(data: &mut [f32], width: usize, picture: &Image, left: usize, top: usize) {
    let channels = picture.channels();
    for (y, row) in picture.frame(0).chunks_exact(picture.width() * channels).enumerate() {
        let start = ((top + y) * width + left) * 3;
        let target = &mut data[start..start + picture.width() * 3];
        for (out, p) in target.as_chunks_mut::<3>().0.iter_mut().zip(row.chunks_exact(channels)) {
            let a = p.get(3).map_or(1.0, |a| a.clamp(0.0, 1.0));
            lay(out, Color { r: p[0], g: p[1], b: p[2], a }, 1.0);
        }
    }
}

named! {
    /// How two pictures are shown together.
    pub enum Comparison {
        /// Next to each other.
        SideBySide = "side-by-side",
        /// The first at the left, the second at the right of a line.
        Wipe = "wipe",
        /// How far they differ, from black (not) over blue, red and yellow to white (wholly).
        Difference = "difference",
    }
}

/// Two pictures together. The second is brought to the first one's size; a batch that ends earlier starts
/// again. Transparent parts show a checker.
///
/// `position`, 0..1, is where the line of a wipe stands; differences are multiplied by `gain`.
///
/// # Errors
/// When `position` is not within 0..1, `gain` not within 0..1000, or the result is too large.
pub fn compare(
    first: &Image,
    second: &Image,
    how: Comparison,
    position: f32,
    gain: f32,
) -> Result<Image, PixelError> {
    if !within(position, 0.0, 1.0) {
        return Err(PixelError::parameter("position", "between 0 and 1"));
    }
    if !within(gain, 0.0, 1000.0) {
        return Err(PixelError::parameter("gain", "between 0 and 1000"));
    }
    let (width, height) = (first.width(), first.height());
    let resized;
    let second = if (second.width(), second.height()) == (width, height) {
        second
    } else {
        resized = resize_premultiplied(second, width, height, Method::Lanczos)?;
        &resized
    };
    let batch = first.batch().max(second.batch());
    let out_width = if how == Comparison::SideBySide { width * 2 } else { width };
    let mut out = Image::zeros(batch, height, out_width, 3)?;
    let frame_len = out.frame_len();
    let line = (position * width as f32 + 0.5) as usize;
    for (index, frame) in out.data_mut().chunks_exact_mut(frame_len).enumerate() {
        let (a, b) = (cycled(first, index), cycled(second, index));
        for (y, row) in frame.chunks_exact_mut(out_width * 3).enumerate() {
            let at = |image: &Image, frame: &[f32], x: usize| {
                let i = (y * width + x) * image.channels();
                shown(&frame[i..i + image.channels()], x, y)
            };
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                *pixel = match how {
                    Comparison::SideBySide if x < width => at(first, a, x),
                    Comparison::SideBySide => at(second, b, x - width),
                    Comparison::Wipe if x < line => at(first, a, x),
                    Comparison::Wipe => at(second, b, x),
                    Comparison::Difference => {
                        let (i, j) =
                            ((y * width + x) * first.channels(), (y * width + x) * second.channels());
                        let pixels = (&a[i..i + first.channels()], &b[j..j + second.channels()]);
                        heat(difference(pixels.0, pixels.1) * gain)
                    }
                };
            }
        }
    }
    Ok(out)
}

/// A pixel as seen on a checker of two greys.
fn shown(pixel: &[f32], x: usize, y: usize) -> [f32; 3] {
    let grey = if (x / SQUARE + y / SQUARE).is_multiple_of(2) { 0.8 } else { 0.6 };
    let mut out = [grey; 3];
    let a = pixel.get(3).map_or(1.0, |a| a.clamp(0.0, 1.0));
    lay(&mut out, Color { r: pixel[0], g: pixel[1], b: pixel[2], a }, 1.0);
    out
}

/// The largest difference of any channel, alpha included; colours weighted by alpha.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let alpha = |p: &[f32]| p.get(3).copied().unwrap_or(1.0);
    let (p, q) = (alpha(a), alpha(b));
    (0..3).map(|c| (a[c] * p - b[c] * q).abs()).fold((p - q).abs(), f32::max)
}

/// Black, blue, red, yellow, white.
fn heat(v: f32) -> [f32; 3] {
    const RAMP: [[f32; 3]; 5] =
        [[0.0, 0.0, 0.0], [0.1, 0.1, 0.8], [0.9, 0.1, 0.1], [1.0, 0.9, 0.1], [1.0, 1.0, 1.0]];
    let t = v.clamp(0.0, 1.0) * 4.0;
    let low = (t as usize).min(3);
    let f = t - low as f32;
    [0, 1, 2].map(|c| RAMP[low][c] + (RAMP[low + 1][c] - RAMP[low][c]) * f)
}
