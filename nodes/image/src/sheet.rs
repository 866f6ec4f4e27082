//! Contact sheets: many pictures on one, however many there are.
//!
//! Pictures are fetched one by one and shrunk at once, and the sheet is built row by row: besides the sheet
//! itself no more than one row of thumbnails is in memory.

use crate::ports::{Said, one};
use kiln_core::{Cx, Items, Kind, Node, NodeError, Param, template};
use kiln_pixels::resample::{Method, resize_premultiplied};
use kiln_pixels::sheet::{Cell, SheetOptions, contact_sheet};
use kiln_types::{Color, Image, Value, names};
use std::sync::Arc;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![contact_sheet_node()]
}

/// A picture as large as fits into a cell, its shape kept.
fn thumbnail(image: &Image, index: usize, [cell_w, cell_h]: [usize; 2]) -> Result<Image, NodeError> {
    let (w, h) = (image.width(), image.height());
    let single = one(image, index)?;
    let (width, height) = if w * cell_h >= h * cell_w {
        (cell_w, ((2 * h * cell_w + w) / (2 * w)).clamp(1, cell_h))
    } else {
        (((2 * w * cell_h + h) / (2 * h)).clamp(1, cell_w), cell_h)
    };
    if (width, height) == (w, h) {
        Ok(single)
    } else {
        resize_premultiplied(&single, width, height, Method::Lanczos).said()
    }
}

/// What stands below the pictures.
struct Captions {
    template: Arc<str>,
    list: Arc<[Value]>,
}

impl Captions {
    fn any(&self) -> bool {
        !self.template.is_empty() || !self.list.is_empty()
    }

    /// Below picture `number`, which belongs to an item; never empty, so that all rows are equally high.
    fn of(&self, number: usize, item: Option<u64>) -> Result<String, NodeError> {
        let text = match self.list.get(number) {
            Some(Value::Text(text)) => text.to_string(),
            Some(other) => {
                return Err(
                    NodeError::new(format!("captions are text, but one is {}", other.ty())).at("captions")
                );
            }
            None => template::fill(&self.template, &|name| match name {
                "index" => Some(number.to_string()),
                "item" => item.map(|i| i.to_string()),
                _ => None,
            })
            .map_err(|e| e.at("caption"))?,
        };
        Ok(if text.is_empty() { " ".to_owned() } else { text })
    }
}

/// The sheet as far as it is made.
struct Sheet {
    options: SheetOptions,
    captions: bool,
    width: usize,
    data: Vec<f32>,
    rows: usize,
}

impl Sheet {
    /// Adds one row of pictures with what stands below them.
    fn add(&mut self, row: &[(Image, String)], total: usize) -> Result<(), NodeError> {
        if row.is_empty() {
            return Ok(());
        }
        let cells: Vec<Cell<'_>> = row
            .iter()
            .map(|(image, caption)| Cell {
                image,
                index: 0,
                caption: if self.captions { caption } else { "" },
            })
            .collect();
        let mut options = self.options.clone();
        options.columns = row.len();
        let margin = options.margin;
        if self.rows > 0 {
            options.title.clear();
        }
        let strip = contact_sheet(&cells, &options).said()?;
        if self.rows == 0 {
            self.width = strip.width();
            // The margins of later rows are counted twice: a little too much is reserved.
            let rows = total.div_ceil(row.len());
            self.data.try_reserve(strip.data().len().saturating_mul(rows)).map_err(|_| {
                NodeError::new(format!("there is not enough memory for a sheet of {total} pictures"))
                    .at("cell")
                    .hint("make the cells smaller, or make several sheets with window")
            })?;
        }
        // The margin above is the one below the row before.
        let skip = if self.rows == 0 { 0 } else { margin };
        let missing = self.width - strip.width();
        let Color { r, g, b, .. } = options.background;
        for line in strip.data().chunks_exact(strip.width() * 3).skip(skip) {
            self.data.extend_from_slice(line);
            self.data.extend(std::iter::repeat_n([r, g, b], missing).flatten());
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(self) -> Result<Image, NodeError> {
        let height = self.data.len() / (self.width * 3).max(1);
        Ok(Image::new(1, height, self.width, 3, self.data)?)
    }
}

/// Pixels of the longest side a picture may have.
const LONGEST: usize = 65536;

fn options(cx: &Cx<'_>) -> Result<SheetOptions, NodeError> {
    let (w, h) = cx.size("cell")?;
    Ok(SheetOptions {
        cell: [w, h],
        columns: cx.count("columns")?,
        margin: cx.count("margin")?,
        background: cx.color("background")?,
        ink: cx.color("ink")?,
        text_size: cx.float32("text_size")?,
        title: cx.text("title")?.to_string(),
    })
}

/// The pictures of value `at`.
fn fetch(images: &dyn Items, at: usize) -> Result<Arc<Image>, NodeError> {
    match images.get(at)? {
        Value::Image(image) => Ok(image),
        other => {
            Err(NodeError::new(format!("\"images\" takes pictures, but got {}", other.ty())).at("images"))
        }
    }
}

fn draw(cx: &Cx<'_>) -> Result<Image, NodeError> {
    let images = cx.items("images")?;
    if images.is_empty() {
        return Err(NodeError::new("there are no pictures for the sheet").at("images"));
    }
    let captions = Captions { template: cx.text("caption")?, list: cx.list("captions")? };
    let mut options = options(cx)?;
    let mut first = Some(fetch(images.as_ref(), 0)?);
    // Batches are taken to be as long as the first one.
    let total = images.len().saturating_mul(first.as_ref().map_or(1, |i| i.batch()));
    if options.columns == 0 {
        options.columns = (1..=total).find(|n| n.saturating_mul(*n) >= total).unwrap_or(1);
    }
    let columns = options.columns;
    let [cell_w, cell_h] = options.cell;
    let wide = options.margin + columns.min(total).saturating_mul(cell_w + options.margin);
    let high = options.margin + total.div_ceil(columns).saturating_mul(cell_h + options.margin);
    if wide > LONGEST || high > LONGEST {
        return Err(NodeError::new(format!(
            "{total} pictures make a sheet of at least {wide} x {high} pixels, more than {LONGEST}"
        ))
        .at("cell")
        .hint("make the cells smaller, set columns, or make several sheets with window"));
    }
    let mut sheet = Sheet { captions: captions.any(), options, width: 0, data: Vec::new(), rows: 0 };
    let mut row = Vec::with_capacity(columns.min(total));
    let mut number = 0;
    for at in 0..images.len() {
        cx.pause()?;
        let image = match first.take() {
            Some(image) => image,
            None => fetch(images.as_ref(), at)?,
        };
        for index in 0..image.batch() {
            let caption = if sheet.captions { captions.of(number, images.item(at))? } else { String::new() };
            row.push((thumbnail(&image, index, sheet.options.cell)?, caption));
            number += 1;
            if row.len() == columns {
                sheet.add(&row, total)?;
                row.clear();
            }
        }
        cx.progress(at as u64 + 1, images.len() as u64);
    }
    sheet.add(&row, total)?;
    sheet.finish()
}

/// ContactSheet.
fn contact_sheet_node() -> Node {
    Node::pure("ContactSheet", 1, |cx| {
        let sheet = draw(cx)?;
        cx.set("image", sheet);
        Ok(())
    })
    .title("Contact sheet")
    .category("image/layout")
    .doc(
        "The pictures of all items, or of a list or batch, on one sheet, row by row, each as large as fits into its \
         cell. Pictures are shrunk one after the other, so ten thousand of them need no more memory than the sheet.",
    )
    .gather("images", names::IMAGE, "The pictures, collected over items.")
    .param(Param::int("window", 0, 0..=1_000_000).doc("A sheet for every so many items; 0 puts all on one."))
    .param(Param::int("columns", 0, 0..=4096).doc("Pictures in a row; 0 makes the sheet about square."))
    .param(Param::size("cell", 256, 256).doc("Width and height of a picture on the sheet."))
    .param(Param::int("margin", 16, 0..=4096).unit("px").doc("Room around the pictures."))
    .param(Param::color("background", Color::WHITE).doc("The sheet's colour; its alpha is not used."))
    .param(Param::color("ink", Color::BLACK).doc("The colour of the words."))
    .param(Param::float("text_size", 16.0, 4.0..=512.0).step(1.0).unit("px").doc("The size of captions; the title is twice as large."))
    .param(Param::text("title", "").doc("What stands above; empty for nothing."))
    .param(
        Param::text("caption", "")
            .doc("What stands below each picture: {item} is its item's number, {index} its place from 0. Empty for nothing."),
    )
    .param(
        Param::list("captions", Kind::Text { multiline: false })
            .doc("What stands below each picture, one text for each; where the list ends, caption goes on."),
    )
    .output("image", names::IMAGE, "The sheet.")
}
