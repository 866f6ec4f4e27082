//! What stays from one day to the next.

use super::command::Keys;
use crate::canvas::Snap;
use crate::model::file::write_whole;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Which theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// Dark.
    #[default]
    Dark,
    /// Light.
    Light,
    /// As the system has it.
    System,
}

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The theme.
    pub theme: Theme,
    /// How large everything is.
    pub scale: f32,
    /// Keys that were changed.
    pub keys: Keys,
    /// What moved nodes line up with.
    pub snap: Snap,
    /// The small map.
    pub minimap: bool,
    /// Runs start on every change.
    pub auto_run: bool,
    /// Files that were open, the latest first.
    pub recent: Vec<PathBuf>,
    /// The tour was seen.
    pub toured: bool,
    /// The inspector is open.
    pub inspector: bool,
    /// The gallery is open.
    pub gallery: bool,
    /// Files of a fresh graph are saved there.
    pub out: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::Dark,
            scale: 1.0,
            keys: Keys::default(),
            snap: Snap::Neighbours,
            minimap: true,
            auto_run: false,
            recent: Vec::new(),
            toured: false,
            inspector: true,
            gallery: true,
            out: "out".to_owned(),
        }
    }
}

impl Settings {
    /// Reads settings; what cannot be read is as usual.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn save(&self, path: &Path) -> Result<(), crate::model::file::FileError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write_whole(path, text.as_bytes())
    }

    /// Notes a file as the latest.
    pub fn opened(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(20);
    }
}
