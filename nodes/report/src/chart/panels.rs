//! Bars in panels, side by side: one panel for each trait or gate.

use super::canvas::{BAR, Canvas, ChartError, FAINT, LINE, MARK, QUIET, Side, TEXT};

const WIDTH: u32 = 1680;
const EDGE: f32 = 64.0;
const GAP: f32 = 56.0;
const TOP: f32 = 150.0;
const TITLE: f32 = 50.0;
const LINE_HEIGHT: f32 = 28.0;
const BETWEEN: f32 = 36.0;
/// A chart is never higher than this; panels that do not fit are told, not drawn.
const HIGHEST: f32 = 12_000.0;

/// Bars under a title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panel {
    /// The title.
    pub title: String,
    /// The bars, from above.
    pub rows: Vec<Row>,
}

/// A bar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What stands before it.
    pub label: String,
    /// How long it is.
    pub value: u64,
    /// Where a mark stands, to compare with.
    pub mark: Option<u64>,
    /// What stands behind it.
    pub words: String,
    /// Whether it is drawn in grey.
    pub faint: bool,
}

fn height(panel: &Panel) -> f32 {
    TITLE + panel.rows.len().max(1) as f32 * LINE_HEIGHT + BETWEEN
}

/// Draws panels into columns, each into the one that is shortest so far.
///
/// # Errors
/// The picture cannot be drawn.
pub fn panels(title: &str, below: &str, all: &[Panel]) -> Result<Vec<u8>, ChartError> {
    let columns = all.len().clamp(1, 3);
    let column_width = (WIDTH as f32 - 2.0 * EDGE - GAP * (columns - 1) as f32) / columns as f32;
    let mut ends = vec![TOP; columns];
    let mut places = Vec::with_capacity(all.len());
    let mut hidden = 0;
    for panel in all {
        let shortest = (0..columns).min_by(|a, b| ends[*a].total_cmp(&ends[*b])).unwrap_or(0);
        if ends[shortest] + height(panel) > HIGHEST {
            hidden += 1;
            continue;
        }
        places.push((panel, EDGE + (column_width + GAP) * shortest as f32, ends[shortest]));
        ends[shortest] += height(panel);
    }
    let end = ends.iter().copied().fold(TOP, f32::max);
    let mut canvas = Canvas::new(WIDTH, (end + EDGE / 2.0) as u32)?;
    let head = canvas.fitting(title, 44.0, WIDTH as f32 - 2.0 * EDGE);
    canvas.text(EDGE, 78.0, 44.0, TEXT, Side::Left, &head);
    let below = if hidden == 0 { below.to_owned() } else { format!("{below}; {hidden} more do not fit") };
    canvas.text(EDGE, 112.0, 20.0, QUIET, Side::Left, &below);
    for (panel, x, y) in places {
        draw(&mut canvas, panel, x, y, column_width);
    }
    canvas.png()
}

fn draw(canvas: &mut Canvas, panel: &Panel, x: f32, y: f32, width: f32) {
    let title = canvas.fitting(&panel.title, 24.0, width);
    canvas.text(x, y + 28.0, 24.0, TEXT, Side::Left, &title);
    canvas.rect(x, y + 40.0, width, 1.0, LINE);
    let most = panel.rows.iter().map(|r| r.value.max(r.mark.unwrap_or(0))).max().unwrap_or(0).max(1) as f32;
    let widest = |text: &dyn Fn(&Row) -> String, most: f32| {
        panel.rows.iter().map(|r| canvas.width(&text(r), 17.0)).fold(0.0, f32::max).min(most)
    };
    let labels = widest(&|r| r.label.chars().take(200).collect(), width * 0.42);
    let words = widest(&|r| r.words.clone(), width * 0.4);
    let left = x + labels + 14.0;
    let room = (width - labels - words - 28.0).max(10.0);
    for (at, row) in panel.rows.iter().enumerate() {
        let top = y + TITLE + at as f32 * LINE_HEIGHT;
        let label = canvas.fitting(&row.label, 17.0, labels + 1.0);
        canvas.text(x, top + 19.0, 17.0, if row.faint { QUIET } else { TEXT }, Side::Left, &label);
        let long = room * row.value as f32 / most;
        // What is there is seen, however little it is.
        let long = if row.value > 0 { long.max(1.5) } else { 0.0 };
        canvas.rect(left, top + 7.0, long, 14.0, if row.faint { FAINT } else { BAR });
        if let Some(mark) = row.mark {
            canvas.rect(left + room * mark as f32 / most - 1.0, top + 3.0, 2.0, 22.0, MARK);
        }
        let behind = left + room + 14.0 + words;
        canvas.text(behind, top + 19.0, 17.0, QUIET, Side::Right, &row.words);
    }
    if panel.rows.is_empty() {
        canvas.text(x, y + TITLE + 19.0, 17.0, QUIET, Side::Left, "nothing");
    }
}
