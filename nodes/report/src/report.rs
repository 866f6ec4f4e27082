//! The whole report, as files below `report/`: the page, sheets of thumbnails, charts, and the figures as JSON.

use crate::chart::{ChartError, charts};
use crate::facts::{CollectionFacts, Token};
use crate::figures::Figures;
use crate::page::{Sheets, page};
use crate::reduce::{Small, reduce};
use crate::sealing::Write;
use kiln_codec::{Format, Limits, SaveOptions, decode, encode};
use kiln_collection::provenance::Digest;
use kiln_collection::seal::{Files, read_text};
use kiln_core::NodeError;
use kiln_types::Image;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where the report lies.
pub const FOLDER: &str = "report";
/// The page.
pub const PAGE: &str = "report/index.html";
/// The sheets of thumbnails.
pub const THUMBS: &str = "report/thumbs";
/// Side of a thumbnail on a sheet, in pixels.
const SIDE: usize = 224;
const COLUMNS: usize = 6;
const ROWS: usize = 6;
/// Changes when sheets are drawn in another way.
const DRAWN: &str = "kiln thumbs 1";
/// No picture's file is longer, in bytes.
const LONGEST: u64 = 1 << 30;
/// How many pictures that cannot be shown are told.
const TOLD: usize = 20;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A chart.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A sheet.
    #[error("a sheet of thumbnails cannot be drawn: {0}")]
    Sheet(String),
    /// A file cannot be written, or somebody cancelled.
    #[error("{}", .0.what)]
    Write(NodeError),
}

impl From<NodeError> for ReportError {
    fn from(error: NodeError) -> Self {
        Self::Write(error)
    }
}

/// Is told how many sheets are drawn of how many, and may end the work.
pub type Progress<'a> = dyn FnMut(u64, u64) -> Result<(), NodeError> + 'a;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// All files of the report, below the output folder; those that were there already too.
    pub files: BTreeSet<String>,
    /// Pictures that cannot be shown, and why; not more than some.
    pub problems: Vec<String>,
}

/// Writes the report, piece by piece. Sheets that stand there already, of the same pictures, are kept.
///
/// # Errors
/// What cannot be drawn or written.
pub fn write(
    facts: &CollectionFacts,
    files: &dyn Files,
    write: &mut Write<'_>,
    progress: &mut Progress<'_>,
) -> Result<Written, ReportError> {
    let figures = Figures::of(facts);
    let mut written = Written::default();
    let sheets = thumbs(facts, files, write, progress, &mut written)?;
    for chart in charts(&figures)? {
        let path = format!("{FOLDER}/figures/{}", chart.name);
        write(&path, &chart.png)?;
        written.files.insert(path);
    }
    for (path, text) in [
        (format!("{FOLDER}/figures.json"), figures.to_json()),
        (PAGE.to_owned(), page(facts, &figures, &sheets)),
    ] {
        write(&path, text.as_bytes())?;
        written.files.insert(path);
    }
    Ok(written)
}

/// Files of an earlier report that this one does not have.
#[must_use]
pub fn stale(paths: &[String], written: &Written) -> Vec<String> {
    let ours = |path: &&String| {
        let figures = path.starts_with("report/figures/") && path.ends_with(".png");
        let sheet = path.strip_prefix("report/thumbs/").is_some_and(is_sheet);
        (figures || sheet) && !written.files.contains(*path)
    };
    paths.iter().filter(ours).cloned().collect()
}

/// `0012-0123456789.jpg`.
fn is_sheet(name: &str) -> bool {
    let Some((number, rest)) = name.split_once('-') else { return false };
    let hex =
        rest.strip_suffix(".jpg").is_some_and(|m| m.len() == 10 && m.bytes().all(|b| b.is_ascii_hexdigit()));
    hex && number.bytes().all(|b| b.is_ascii_digit())
}

fn thumbs(
    facts: &CollectionFacts,
    files: &dyn Files,
    write: &mut Write<'_>,
    progress: &mut Progress<'_>,
    written: &mut Written,
) -> Result<Sheets, ReportError> {
    let mut places = Vec::with_capacity(facts.tokens.len());
    let mut shown: Vec<&Token> = Vec::new();
    for token in &facts.tokens {
        places.push(token.picture.is_some().then_some(shown.len()));
        if token.picture.is_some() {
            shown.push(token);
        }
    }
    let all: Vec<&[&Token]> = shown.chunks(COLUMNS * ROWS).collect();
    let marks: Vec<String> = all.iter().map(|tokens| mark(tokens)).collect();
    let known: BTreeSet<String> = files
        .list()
        .unwrap_or_default()
        .into_iter()
        .map(|e| e.path)
        .filter(|p| p.starts_with(THUMBS))
        .collect();
    let name = |at: usize| format!("{THUMBS}/{at:04}-{}.jpg", marks[at]);
    let missing: Vec<usize> = (0..all.len()).filter(|at| !known.contains(&name(*at))).collect();
    written.files.extend((0..all.len()).map(name));
    let total = missing.len() as u64;
    // Drawn by several threads, written in order by one: some at a time, so that they are never all in memory.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 16);
    let mut done = 0;
    for some in missing.chunks(threads * 2) {
        progress(done, total)?;
        let next = AtomicUsize::new(0);
        let drawn = Mutex::new(Vec::new());
        let work = || {
            while let Some(at) = some.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sheet = draw(all[*at], files);
                if let Ok(mut drawn) = drawn.lock() {
                    drawn.push((*at, sheet));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(some.len()) {
                scope.spawn(work);
            }
            work();
        });
        let mut drawn = drawn.into_inner().unwrap_or_default();
        drawn.sort_by_key(|(at, _)| *at);
        for (at, sheet) in drawn {
            let (bytes, problems) = sheet.map_err(ReportError::Sheet)?;
            write(&name(at), &bytes)?;
            written.problems.extend(problems);
        }
        done += some.len() as u64;
    }
    progress(total, total)?;
    written.problems.truncate(TOLD);
    Ok(Sheets { columns: COLUMNS, rows: ROWS, count: shown.len(), places, marks })
}

/// What a sheet's name tells of its content.
fn mark(tokens: &[&Token]) -> String {
    let mut text = DRAWN.to_owned();
    for token in tokens {
        text.push('\n');
        text.push_str(token.sha256.as_deref().or(token.picture.as_deref()).unwrap_or_default());
    }
    Digest::blake3(text.as_bytes()).to_string()[..10].to_owned()
}

/// A sheet: each picture in the middle of its square.
fn draw(tokens: &[&Token], files: &dyn Files) -> Result<(Vec<u8>, Vec<String>), String> {
    let rows = tokens.len().div_ceil(COLUMNS).max(1);
    let (wide, high) = (COLUMNS * SIDE, rows * SIDE);
    let mut data = vec![0.93f32; wide * high * 3];
    let mut problems = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let path = token.picture.as_deref().unwrap_or_default();
        let small = match small(files, path) {
            Ok(small) => small,
            Err(what) => {
                problems.push(format!("{path}: {what}"));
                continue;
            }
        };
        let left = at % COLUMNS * SIDE + (SIDE - small.width) / 2;
        let top = at / COLUMNS * SIDE + (SIDE - small.height) / 2;
        for (y, row) in small.data.chunks_exact(small.width * 3).enumerate() {
            let start = ((top + y) * wide + left) * 3;
            for (to, v) in data[start..].iter_mut().zip(row) {
                *to = f32::from(*v) / 255.0;
            }
        }
    }
    let image = Image::new(1, high, wide, 3, data).map_err(|e| e.to_string())?;
    let options = SaveOptions { quality: 84, ..SaveOptions::new(Format::Jpeg) };
    Ok((encode(&image, 0, &options).map_err(|e| e.to_string())?, problems))
}

fn small(files: &dyn Files, path: &str) -> Result<Small, String> {
    let bytes = read_text(files, path, LONGEST).map_err(|e| e.to_string())?;
    let picture = decode(&bytes, &Limits::default()).map_err(|e| e.to_string())?;
    let mut small = reduce(&picture.image, SIDE);
    // Small ones are shown pixel by pixel, a whole number of times as large.
    let times = SIDE / small.width.max(small.height).max(1);
    if times > 1 {
        small = enlarged(&small, times);
    }
    Ok(small)
}

fn enlarged(small: &Small, times: usize) -> Small {
    let (width, height) = (small.width * times, small.height * times);
    let mut data = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let at = (y / times * small.width + x / times) * 3;
            data.extend_from_slice(&small.data[at..at + 3]);
        }
    }
    Small { width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_files_are_stale() {
        let paths: Vec<String> = [
            "report/thumbs/0000-0123456789.jpg",
            "report/thumbs/0001-abcdefabcd.jpg",
            "report/thumbs/mine.jpg",
            "report/figures/old.png",
            "report/index.html",
            "pictures/0000-0123456789.jpg",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut written = Written::default();
        written.files.insert(paths[0].clone());
        assert_eq!(stale(&paths, &written), [paths[1].clone(), paths[3].clone()]);
    }
}
