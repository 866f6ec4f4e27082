//! Every picture that was made, with its exact graph: kept on disk, so that it is there tomorrow.

use super::{Job, Pictures};
use crate::model::file::write_whole;
use kiln_runner::RunId;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// A picture that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The run.
    pub run: String,
    /// The node it is of.
    pub node: String,
    /// The item.
    pub item: Option<u64>,
    /// Its key.
    pub key: String,
    /// Which output of the node.
    #[serde(default)]
    pub output: usize,
    /// The graph's title.
    pub title: String,
    /// Whether a person marked it.
    #[serde(default)]
    pub star: bool,
}

/// Everything that was made, the latest last.
#[derive(Debug, Default)]
pub struct History {
    folder: Option<PathBuf>,
    /// The pictures.
    pub made: Vec<Made>,
    graphs: Vec<(String, Arc<str>)>,
    unsaved: Vec<String>,
}

impl History {
    /// A history that is kept in a folder; none: only in memory.
    #[must_use]
    pub fn open(folder: Option<PathBuf>) -> Self {
        let mut made = Vec::new();
        if let Some(folder) = &folder
            && let Ok(text) = std::fs::read_to_string(folder.join("made.jsonl"))
        {
            // A line that was cut off by a crash is passed over.
            made.extend(text.lines().filter_map(|line| serde_json::from_str::<Made>(line).ok()));
        }
        Self { folder, made, ..Self::default() }
    }

    pub(super) fn add(
        &mut self,
        run: RunId,
        job: &Arc<Job>,
        node: &str,
        item: Option<u64>,
        key: String,
        output: usize,
    ) {
        if self.made.iter().rev().take(200).any(|m| m.key == key && m.node == node) {
            return;
        }
        let title = kiln_core::document::Graph::parse(&job.graph).map(|g| g.title).unwrap_or_default();
        let made = Made { run: run.0, node: node.to_owned(), item, key, output, title, star: false };
        if !self.graphs.iter().any(|(run, _)| *run == made.run) {
            if let Some(folder) = &self.folder {
                // A history that cannot be written is still one for as long as the window is open.
                let _ = write_whole(&folder.join(format!("{}.ron", made.run)), job.graph.as_bytes());
            }
            self.graphs.push((made.run.clone(), job.graph.as_str().into()));
        }
        self.append(&made);
        self.unsaved.push(made.key.clone());
        self.made.push(made);
    }

    fn append(&self, made: &Made) {
        let Some(folder) = &self.folder else { return };
        let Ok(mut line) = serde_json::to_string(made) else { return };
        line.push('\n');
        let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("made.jsonl"));
        if let Ok(mut file) = file {
            let _ = file.write_all(line.as_bytes());
        }
    }

    pub(super) fn take_pictures(&mut self, pictures: &Pictures) {
        let Some(folder) = self.folder.clone() else {
            self.unsaved.clear();
            return;
        };
        self.unsaved.retain(|key| match pictures.pixels(key) {
            Some(pixels) => {
                let _ = write_whole(&folder.join(format!("{key}.png")), &pixels.png);
                false
            }
            None => true,
        });
    }

    /// The graph that a picture was made with.
    #[must_use]
    pub fn graph(&self, made: &Made) -> Option<String> {
        if let Some((_, graph)) = self.graphs.iter().find(|(run, _)| *run == made.run) {
            return Some(graph.to_string());
        }
        std::fs::read_to_string(self.folder.as_ref()?.join(format!("{}.ron", made.run))).ok()
    }

    /// The file of a picture of an earlier day.
    #[must_use]
    pub fn file(&self, made: &Made) -> Option<Vec<u8>> {
        std::fs::read(self.folder.as_ref()?.join(format!("{}.png", made.key))).ok()
    }

    /// Marks a picture, or takes the mark away.
    pub fn toggle_star(&mut self, at: usize) {
        let Some(made) = self.made.get_mut(at) else { return };
        made.star = !made.star;
        if let Some(folder) = &self.folder {
            let lines = self.made.iter().filter_map(|m| serde_json::to_string(m).ok());
            let text: String = lines.map(|l| l + "\n").collect();
            let _ = write_whole(&folder.join("made.jsonl"), text.as_bytes());
        }
    }
}
