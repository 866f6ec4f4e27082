//! Sheets of small pictures with a few words below each, for people to look through: what gates rejected,
//! what waits for a decision. Page by page, so that thousands of them take no more memory than sixty.

use kiln_core::NodeError;
use kiln_core::doors::OutFolder;
use kiln_core::store::Thumb;
use kiln_core::types::{Color, Image};
use kiln_pixels::PixelError;
use kiln_pixels::text::{Align, TextStyle, draw_text, text_size};

/// Pictures on a sheet.
pub const PAGE: usize = 60;
const COLUMNS: usize = 6;
/// Side of the square a picture stands in.
const CELL: usize = 240;
/// Between cells, and around all of them.
const GAP: usize = 24;
const EDGE: usize = 32;
const NAME: f32 = 17.0;
const WORDS: f32 = 15.0;
/// Lines of words below the name.
const LINES: usize = 3;
const PAPER: [f32; 3] = [0.98, 0.98, 0.975];
const MAT: [f32; 3] = [0.92, 0.92, 0.91];

/// A picture on a sheet.
pub struct Entry {
    /// The picture; none was kept of some.
    pub thumb: Option<Thumb>,
    /// What it is called: `item 7 · attempt 2`.
    pub name: String,
    /// What else there is to say.
    pub words: String,
}

fn ink(grey: f32) -> Color {
    Color { r: grey, g: grey, b: grey, a: 1.0 }
}

/// As much of a text as fits into so many lines, with an ellipsis where it is cut.
fn fitting(text: &str, style: &TextStyle, lines: usize) -> Result<String, PixelError> {
    let text: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).take(400).collect();
    let one = text_size("x", style)?[1].max(1);
    // Heights are rounded up once for the whole block.
    let fits = |text: &str| Ok::<_, PixelError>(text_size(text, style)?[1] <= one * lines);
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

/// A page under way.
struct Page {
    width: usize,
    data: Vec<f32>,
}

impl Page {
    fn new(width: usize, height: usize) -> Self {
        Self { width, data: PAPER.repeat(width * height) }
    }

    fn paste(&mut self, image: &Image, left: usize, top: usize) {
        for (y, row) in image.frame(0).chunks_exact(image.width() * 3).enumerate() {
            let start = ((top + y) * self.width + left) * 3;
            self.data[start..start + row.len()].copy_from_slice(row);
        }
    }

    /// A text in a box of its own; what does not fit is cut off.
    fn words(
        &mut self,
        text: &str,
        at: [usize; 2],
        size: [usize; 2],
        style: &TextStyle,
        paper: [f32; 3],
    ) -> Result<(), PixelError> {
        let blank = Image::new(1, size[1], size[0], 3, paper.repeat(size[0] * size[1]))?;
        let drawn = draw_text(&blank, text, 0, 0, style)?;
        self.paste(&drawn, at[0], at[1]);
        Ok(())
    }

    fn mat(&mut self, left: usize, top: usize) {
        for y in top..top + CELL {
            let start = (y * self.width + left) * 3;
            self.data[start..start + CELL * 3].as_chunks_mut::<3>().0.fill(MAT);
        }
    }

    /// A picture in the middle of its cell; a checker shows where it is clear.
    fn picture(&mut self, thumb: &Thumb, left: usize, top: usize) {
        let (w, h, c) = (usize::from(thumb.width), usize::from(thumb.height), usize::from(thumb.channels));
        let long = w.max(h).max(1);
        // Small ones are shown pixel by pixel, a whole number of times as large.
        let (nw, nh) = if long > CELL {
            ((w * CELL / long).max(1), (h * CELL / long).max(1))
        } else {
            let times = (CELL / long).clamp(1, 16);
            (w * times, h * times)
        };
        let (left, top) = (left + (CELL - nw) / 2, top + (CELL - nh) / 2);
        for y in 0..nh {
            for x in 0..nw {
                let (mut sum, mut alpha, mut area) = ([0f32; 3], 0f32, 0f32);
                let span = |at: usize, from: usize, to: usize| {
                    let begin = at * from / to;
                    begin..((at + 1) * from).div_ceil(to).clamp(begin + 1, from)
                };
                for sy in span(y, h, nh) {
                    for sx in span(x, w, nw) {
                        let p = &thumb.data[(sy * w + sx) * c..][..c];
                        let a = p.get(3).map_or(1.0, |a| f32::from(*a) / 255.0);
                        sum.iter_mut().zip(p).for_each(|(s, v)| *s += a * f32::from(*v) / 255.0);
                        alpha += a;
                        area += 1.0;
                    }
                }
                let check = if (x / 8 + y / 8).is_multiple_of(2) { 1.0 } else { 0.85 };
                let clear = 1.0 - alpha / area;
                let at = ((top + y) * self.width + left + x) * 3;
                for (out, s) in self.data[at..at + 3].iter_mut().zip(sum) {
                    *out = s / area + check * clear;
                }
            }
        }
    }
}

/// One sheet of at most [`PAGE`] pictures.
///
/// # Errors
/// When there is not enough memory for it.
pub fn sheet(title: &str, below: &str, entries: &[Entry]) -> Result<Image, PixelError> {
    let columns = entries.len().clamp(1, COLUMNS);
    let rows = entries.len().div_ceil(columns).max(1);
    let name = TextStyle { size: NAME, color: ink(0.1), max_width: Some(CELL), ..TextStyle::default() };
    let words = TextStyle { size: WORDS, color: ink(0.35), max_width: Some(CELL), ..TextStyle::default() };
    let (name_high, words_high) = (text_size("x", &name)?[1], text_size("x\nx\nx", &words)?[1]);
    let label = 6 + name_high + words_high;
    // A few pictures still leave room for the title.
    let width = (EDGE * 2 + columns * (CELL + GAP) - GAP).max(EDGE * 2 + 3 * (CELL + GAP) - GAP);
    let inside = width - 2 * EDGE;
    let large = TextStyle { size: 28.0, color: ink(0.1), max_width: Some(inside), ..TextStyle::default() };
    let small = TextStyle { size: 17.0, color: ink(0.35), max_width: Some(inside), ..TextStyle::default() };
    let title = fitting(title, &large, 2)?;
    let below = fitting(below, &small, 3)?;
    let (title_high, below_high) = (text_size(&title, &large)?[1], text_size(&below, &small)?[1]);
    let top = EDGE + title_high + below_high + GAP;
    let height = top + rows * (CELL + label + GAP) - GAP + EDGE;
    let mut page = Page::new(width, height);
    page.words(&title, [EDGE, EDGE], [inside, title_high], &large, PAPER)?;
    page.words(&below, [EDGE, EDGE + title_high], [inside, below_high], &small, PAPER)?;
    for (at, entry) in entries.iter().enumerate() {
        let left = EDGE + at % columns * (CELL + GAP);
        let top = top + at / columns * (CELL + label + GAP);
        page.mat(left, top);
        match &entry.thumb {
            Some(thumb) => page.picture(thumb, left, top),
            None => {
                let middle = TextStyle { align: Align::Center, ..words };
                let at = [left, top + (CELL - name_high) / 2];
                page.words("no picture kept", at, [CELL, name_high], &middle, MAT)?;
            }
        }
        let under = top + CELL + 6;
        page.words(&fitting(&entry.name, &name, 1)?, [left, under], [CELL, name_high], &name, PAPER)?;
        let text = fitting(&entry.words, &words, LINES)?;
        page.words(&text, [left, under + name_high], [CELL, words_high], &words, PAPER)?;
    }
    Ok(Image::new(1, height, width, 3, page.data)?)
}

/// The name of a page.
pub fn page_name(folder: &str, page: usize) -> String {
    format!("{folder}/sheet-{:03}.png", page + 1)
}

/// Writes pages into a folder of the output, one after the other; those that are too many are removed.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_all(
    out: &OutFolder,
    folder: &str,
    pages: usize,
    mut page: impl FnMut(usize) -> Result<Image, NodeError>,
) -> Result<(), NodeError> {
    for at in 0..pages {
        let image = page(at)?;
        let png = png(&image, 0)?;
        out.write(&page_name(folder, at), &png)?;
    }
    for at in pages..pages + 10_000 {
        let Ok(place) = out.place(&page_name(folder, at)) else { break };
        if std::fs::remove_file(place).is_err() {
            break;
        }
    }
    Ok(())
}

/// A picture as a PNG file.
///
/// # Errors
/// When it cannot be encoded.
pub fn png(image: &Image, frame: usize) -> Result<Vec<u8>, NodeError> {
    let options = kiln_codec::SaveOptions::new(kiln_codec::Format::Png);
    kiln_codec::encode(image, frame, &options).map_err(NodeError::new)
}

/// A gate's name as that of a folder: what a file system might not like becomes `_`, with a hash so that no
/// two gates share one.
pub fn folder_name(gate: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let name: String = gate.chars().map(|c| if fits(c) { c } else { '_' }).take(60).collect();
    let plain = name == gate && !name.trim().is_empty() && name.trim() == name;
    if plain {
        return name;
    }
    format!("{}-{}", name.trim(), &blake3::hash(gate.as_bytes()).to_hex()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u16, words: &str) -> Entry {
        let (w, h) = (20 + n * 40, 200u16);
        let (w, h) = (w.min(256), h);
        let data = (0..usize::from(w) * usize::from(h))
            .flat_map(|i| {
                let (x, y) = (i % usize::from(w), i / usize::from(w));
                [(x * 255 / usize::from(w)) as u8, (y * 255 / 200) as u8, (n * 40) as u8]
            })
            .collect();
        Entry {
            thumb: Thumb::new(w, h, 3, data),
            name: format!("item {n} · attempt {}", n % 3 + 1),
            words: words.to_owned(),
        }
    }

    #[test]
    fn a_sheet_holds_its_pictures_and_words() {
        let long = "contrast 0.123 is below 0.2; brightness 0.91 is above 0.8; and ".repeat(9);
        let mut all: Vec<Entry> =
            (0..7).map(|n| entry(n, if n % 2 == 0 { "score 0.1\ntoo dark" } else { &long })).collect();
        all.push(Entry { thumb: None, name: "item 9".into(), words: String::new() });
        let clear = vec![[255, 0, 0, 128]; 64].concat();
        all.push(Entry {
            thumb: Thumb::new(8, 8, 4, clear), name: "item 10".repeat(20), words: "Ж…".into()
        });
        let image = sheet("bright: 9 rejected", "sheet 1 of 1", &all).unwrap();
        assert_eq!(image.width(), 64 + 6 * 264 - 24);
        assert!(image.data().iter().all(|v| (0.0..=1.0).contains(v)));
        if let Some(path) = std::env::var_os("KILN_SHOW") {
            std::fs::write(path, png(&image, 0).unwrap()).unwrap();
        }
        // Nothing is drawn over the paper's edge.
        let (w, h) = (image.width(), image.height());
        for y in 0..h {
            for x in (0..EDGE).chain(w - EDGE..w) {
                let at = (y * w + x) * 3;
                assert_eq!(image.data()[at..at + 3], PAPER, "{x}, {y}");
            }
        }
        sheet("", "", &[]).unwrap();
        assert_eq!(sheet("t", "b", &all[..1]).unwrap().width(), 64 + 3 * 264 - 24);
    }

    #[test]
    fn words_are_cut_where_they_end() {
        let style = TextStyle { size: WORDS, max_width: Some(CELL), ..TextStyle::default() };
        assert_eq!(fitting("short\nwords", &style, 3).unwrap(), "short words");
        let cut = fitting(&"word ".repeat(100), &style, 3).unwrap();
        assert!(cut.ends_with('…') && cut.len() > 40, "{cut}");
        let one = fitting(&"x".repeat(300), &style, 1).unwrap();
        assert!(one.ends_with('…') && one.len() < 60, "{one}");
    }

    #[test]
    fn gates_have_folders_of_their_own() {
        assert_eq!(folder_name("look"), "look");
        assert_eq!(folder_name("good hands"), "good hands");
        for odd in ["sub/look", "..", ".", "", " x", "a\\b", "a:b", "a\0", &"x".repeat(300), "../../etc"] {
            let name = folder_name(odd);
            assert!(
                !name.contains(['/', '\\', ':', '\0', '.']) && !name.is_empty() && name.len() < 250,
                "{odd:?}: {name:?}"
            );
            assert_ne!(name, odd);
        }
        assert_ne!(folder_name("a/b"), folder_name("a:b"));
    }
}
