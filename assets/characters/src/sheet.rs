//! Contact sheets: many drawings on one picture, with their words.

use crate::drawing::Drawing;
use std::io::{self, Write};

/// A picture being put together: RGBA.
#[derive(Clone, Debug)]
pub struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Five columns of seven dots for each sign a label can have, the lowest bit on top.
fn sign(letter: char) -> [u8; 5] {
    match letter.to_ascii_lowercase() {
        'a' => [0x20, 0x54, 0x54, 0x54, 0x78],
        'b' => [0x7F, 0x48, 0x44, 0x44, 0x38],
        'c' => [0x38, 0x44, 0x44, 0x44, 0x20],
        'd' => [0x38, 0x44, 0x44, 0x48, 0x7F],
        'e' => [0x38, 0x54, 0x54, 0x54, 0x18],
        'f' => [0x08, 0x7E, 0x09, 0x01, 0x02],
        'g' => [0x0C, 0x52, 0x52, 0x52, 0x3E],
        'h' => [0x7F, 0x08, 0x04, 0x04, 0x78],
        'i' => [0x00, 0x44, 0x7D, 0x40, 0x00],
        'j' => [0x20, 0x40, 0x44, 0x3D, 0x00],
        'k' => [0x7F, 0x10, 0x28, 0x44, 0x00],
        'l' => [0x00, 0x41, 0x7F, 0x40, 0x00],
        'm' => [0x7C, 0x04, 0x18, 0x04, 0x78],
        'n' => [0x7C, 0x08, 0x04, 0x04, 0x78],
        'o' => [0x38, 0x44, 0x44, 0x44, 0x38],
        'p' => [0x7C, 0x14, 0x14, 0x14, 0x08],
        'q' => [0x08, 0x14, 0x14, 0x18, 0x7C],
        'r' => [0x7C, 0x08, 0x04, 0x04, 0x08],
        's' => [0x48, 0x54, 0x54, 0x54, 0x20],
        't' => [0x04, 0x3F, 0x44, 0x40, 0x20],
        'u' => [0x3C, 0x40, 0x40, 0x20, 0x7C],
        'v' => [0x1C, 0x20, 0x40, 0x20, 0x1C],
        'w' => [0x3C, 0x40, 0x30, 0x40, 0x3C],
        'x' => [0x44, 0x28, 0x10, 0x28, 0x44],
        'y' => [0x0C, 0x50, 0x50, 0x50, 0x3C],
        'z' => [0x44, 0x64, 0x54, 0x4C, 0x44],
        '0' => [0x3E, 0x51, 0x49, 0x45, 0x3E],
        '1' => [0x00, 0x42, 0x7F, 0x40, 0x00],
        '2' => [0x42, 0x61, 0x51, 0x49, 0x46],
        '3' => [0x21, 0x41, 0x45, 0x4B, 0x31],
        '4' => [0x18, 0x14, 0x12, 0x7F, 0x10],
        '5' => [0x27, 0x45, 0x45, 0x45, 0x39],
        '6' => [0x3C, 0x4A, 0x49, 0x49, 0x30],
        '7' => [0x01, 0x71, 0x09, 0x05, 0x03],
        '8' => [0x36, 0x49, 0x49, 0x49, 0x36],
        '9' => [0x06, 0x49, 0x49, 0x29, 0x1E],
        ',' => [0x00, 0x50, 0x30, 0x00, 0x00],
        '-' => [0x08, 0x08, 0x08, 0x08, 0x08],
        ':' => [0x00, 0x36, 0x36, 0x00, 0x00],
        _ => [0; 5],
    }
}

/// The dots from one sign to the next.
const ADVANCE: usize = 6;
/// The dots from one line to the next.
const LINE: usize = 10;

/// How many signs fit into so many pixels.
pub fn signs_across(pixels: usize) -> usize {
    (pixels / ADVANCE).saturating_sub(1)
}

/// Words in lines of at most so many signs, and at most so many lines.
fn wrapped(text: &str, across: usize, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match out.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= across => {
                line.push(' ');
                line.push_str(word);
            }
            _ => out.push(word.to_owned()),
        }
    }
    out.truncate(lines);
    out
}

impl Sheet {
    /// An empty sheet.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: [0xFF, 0xFD, 0xF8, 0xFF].repeat(width * height) }
    }

    /// Drawings in rows, each with a label of up to so many lines under it.
    pub fn of(drawings: &[(Drawing, String)], columns: usize, label_lines: usize, alone: bool) -> Self {
        let size = drawings.first().map_or(1, |(drawing, _)| drawing.size as usize);
        let columns = columns.clamp(1, drawings.len().max(1));
        let gap = 4;
        let cell = size + gap + label_lines * LINE + if label_lines > 0 { 4 } else { 0 };
        let rows = drawings.len().div_ceil(columns);
        let mut sheet = Self::new(columns * (size + gap) + gap, rows * cell + gap);
        for (index, (drawing, label)) in drawings.iter().enumerate() {
            let (x, y) = (gap + index % columns * (size + gap), gap + index / columns * cell);
            sheet.paste(if alone { &drawing.subject } else { &drawing.picture }, size, x, y);
            for (line, words) in wrapped(label, signs_across(size), label_lines).iter().enumerate() {
                sheet.write(words, x + 2, y + size + 4 + line * LINE);
            }
        }
        sheet
    }

    /// Puts a square picture at a place.
    fn paste(&mut self, pixels: &[u8], size: usize, x: usize, y: usize) {
        for row in 0..size {
            let from = &pixels[row * size * 4..(row + 1) * size * 4];
            let to = ((y + row) * self.width + x) * 4;
            if let Some(target) = self.pixels.get_mut(to..to + size * 4) {
                target.copy_from_slice(from);
            }
        }
    }

    /// Writes small letters at a place.
    fn write(&mut self, text: &str, x: usize, y: usize) {
        for (place, letter) in text.chars().enumerate() {
            for (column, bits) in sign(letter).into_iter().enumerate() {
                for row in (0..8).filter(|row| bits >> row & 1 == 1) {
                    let (px, py) = (x + place * ADVANCE + column, y + row);
                    if px < self.width && py < self.height {
                        let at = (py * self.width + px) * 4;
                        self.pixels[at..at + 4].copy_from_slice(&[0x3A, 0x34, 0x48, 0xFF]);
                    }
                }
            }
        }
    }

    /// The sheet as PNG.
    pub fn png(&self, to: &mut impl Write) -> io::Result<()> {
        png(&self.pixels, self.width, self.height, to)
    }
}

/// RGBA pixels as PNG.
pub fn png(pixels: &[u8], width: usize, height: usize, to: &mut impl Write) -> io::Result<()> {
    let mut encoder = png::Encoder::new(to, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(())
}
