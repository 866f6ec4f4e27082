//! The desk of a run: pictures are laid out as they come, the list is looked at once a second.

use super::{folder, import, list_path, mark, picture_name, write_list, write_sheets};
use crate::{say, sheets};
use kiln_core::doors::{Clock, OutFolder};
use kiln_core::store::Question;
use kiln_core::types::Image;
use kiln_core::{Desk, NodeError};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two times that sheets are drawn while other items are still being made.
const DRAW: Duration = Duration::from_secs(20);

type Stamp = Option<(u64, std::time::SystemTime)>;

#[derive(Default)]
struct State {
    /// The lists and the runner's file, as they were last read.
    stamps: BTreeMap<String, Stamp>,
    /// What is on the sheets, by gate.
    drawn: BTreeMap<String, BTreeSet<String>>,
    /// What was said; nothing is said twice.
    said: BTreeSet<String>,
    last: Option<Instant>,
    rested: bool,
}

/// Where a run's gates show what waits.
pub struct ReviewDesk {
    out: Arc<OutFolder>,
    gates: Vec<String>,
    clock: Arc<dyn Clock>,
    wait: bool,
    quiet: bool,
    state: Mutex<State>,
}

fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

impl ReviewDesk {
    /// A desk for these gates. `wait`: the run stays until all is decided.
    pub fn new(
        out: Arc<OutFolder>,
        gates: Vec<String>,
        clock: Arc<dyn Clock>,
        wait: bool,
        quiet: bool,
    ) -> Self {
        Self { out, gates, clock, wait, quiet, state: Mutex::default() }
    }

    fn complain(state: &mut State, words: impl IntoIterator<Item = String>) {
        for words in words {
            if state.said.len() < 10_000 && state.said.insert(words.clone()) {
                say::warn(&words);
            }
        }
    }

    /// Reads what people decided, where something changed since.
    pub fn import(&self) {
        let mut state = self.state.lock();
        for gate in &self.gates {
            let now = stamp(&list_path(&self.out, gate));
            if now.is_none() || state.stamps.get(gate) == Some(&now) {
                continue;
            }
            match import(&self.out, gate, self.clock.now()) {
                Ok(done) => {
                    state.stamps.insert(gate.clone(), now);
                    Self::complain(&mut state, done.complaints);
                    if done.new > 0 && !self.quiet {
                        say::err(&format!("{gate}: {} decided", counted(done.new)));
                    }
                }
                Err(e) => Self::complain(&mut state, [e.to_string()]),
            }
        }
        let lines = kiln_runner::decisions::path(self.out.root());
        let now = stamp(&lines);
        if now.is_some() && state.stamps.get("") != Some(&now) {
            match kiln_runner::decisions::import(self.out.root(), self.out.folder()) {
                Ok(_) => {
                    state.stamps.insert(String::new(), now);
                }
                Err(e) => Self::complain(&mut state, [e.to_string()]),
            }
        }
    }

    /// Brings lists and sheets up to date.
    pub fn write(&self) {
        for gate in &self.gates {
            let waits = match self.out.folder().reviews().all(Some(gate)) {
                Ok(all) => all,
                Err(e) => {
                    Self::complain(&mut self.state.lock(), [e.to_string()]);
                    continue;
                }
            };
            if waits.is_empty() {
                continue;
            }
            let mut state = self.state.lock();
            let marks: BTreeSet<String> =
                waits.iter().filter(|a| a.waiting).map(|a| mark(&a.question)).collect();
            // Sheets that show what was decided meanwhile are left alone while somebody looks through them.
            let drawn = state.drawn.get(gate).is_some_and(|d| marks.is_subset(d));
            if !drawn {
                match write_sheets(&self.out, gate) {
                    Ok((_, marks)) => {
                        state.drawn.insert(gate.clone(), marks);
                    }
                    Err(e) => Self::complain(&mut state, [e.to_string()]),
                }
            }
            match write_list(&self.out, gate) {
                Ok(said) => {
                    Self::complain(&mut state, said);
                    // What was just written is no news, unless somebody saved it in between.
                    state.stamps.remove(gate);
                }
                Err(e) => Self::complain(&mut state, [e.to_string()]),
            }
        }
    }

    /// Says where to look, for the first time that nothing else is left to do.
    fn invite(&self) {
        let Ok(waiting) = super::waiting(self.out.folder()) else { return };
        for gate in &self.gates {
            let count = waiting.get(gate).map_or(0, Vec::len);
            if count > 0 {
                say::err(&format!("{gate}: {} for a person's decision", waits(count as u64)));
                where_to(&self.out, gate).iter().for_each(|line| say::err(line));
            }
        }
        if self.wait {
            say::err(
                "the list is read each second, and the run goes on as it is filled; Ctrl-C ends it, and loses nothing",
            );
        }
    }
}

fn counted(n: u64) -> String {
    if n == 1 { "1 picture".to_owned() } else { format!("{n} pictures") }
}

fn waits(n: u64) -> String {
    if n == 1 { "1 picture waits".to_owned() } else { format!("{n} pictures wait") }
}

/// Where a person looks, and what they write.
pub fn where_to(out: &OutFolder, gate: &str) -> Vec<String> {
    let dir = out.root().join(folder(gate));
    vec![
        format!("    look at       {}", dir.join("sheet-001.png").display()),
        format!("    write accept, reject or redo into {}", dir.join("decisions.csv").display()),
        format!(
            "    or say        graph-run review {} --accept 0,2-5 --reject 7:\"too dark\"",
            out.root().display()
        ),
    ]
}

impl Desk for ReviewDesk {
    fn has(&self, q: &Question) -> bool {
        let place = self.out.place(&format!("{}/{}", folder(&q.gate), picture_name(q, 0)));
        place.is_ok_and(|p| p.is_file())
    }

    fn put(&self, q: &Question, pictures: &[Arc<Image>]) -> Result<(), NodeError> {
        let frames = pictures.iter().flat_map(|image| (0..image.batch()).map(move |frame| (image, frame)));
        for (nth, (image, frame)) in frames.enumerate() {
            let name = format!("{}/{}", folder(&q.gate), picture_name(q, nth));
            self.out.write(&name, &sheets::png(image, frame)?)?;
        }
        Ok(())
    }

    fn look(&self, resting: bool) {
        self.import();
        let due = {
            let mut state = self.state.lock();
            let due = resting || state.last.is_none_or(|l| l.elapsed() > DRAW);
            if due {
                state.last = Some(Instant::now());
            }
            due
        };
        if !due {
            return;
        }
        self.write();
        let first = resting && !std::mem::replace(&mut self.state.lock().rested, resting);
        if first && !self.quiet {
            self.invite();
        }
    }
}
