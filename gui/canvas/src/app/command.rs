//! Everything a person can ask for, with its name and its keys: for the keyboard, the menus and the command palette.

use egui::{Key, KeyboardShortcut, Modifiers};
use std::collections::BTreeMap;

macro_rules! commands {
    ($($name:ident, $title:literal, $keys:literal;)*) => {
        /// Something a person can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Command { $(#[doc = $title] $name,)* }

        impl Command {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is called.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Its name in the settings.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its keys when nobody changed them.
            #[must_use]
            pub fn usual_keys(self) -> &'static str {
                match self { $(Self::$name => $keys,)* }
            }
        }
    };
}

commands! {
    Run, "Run", "Ctrl+Enter";
    RunHere, "Run to here", "Shift+Enter";
    RunNext, "Run next in the queue", "Ctrl+Shift+Enter";
    Interrupt, "Interrupt", "Ctrl+Alt+Enter";
    AutoRun, "Run on every change", "";
    Undo, "Undo", "Ctrl+Z";
    Redo, "Redo", "Ctrl+Y";
    New, "New graph", "Ctrl+N";
    Open, "Open…", "Ctrl+O";
    Save, "Save", "Ctrl+S";
    SaveAs, "Save as…", "Ctrl+Shift+S";
    Copy, "Copy", "Ctrl+C";
    Cut, "Cut", "Ctrl+X";
    Paste, "Paste", "Ctrl+V";
    PasteWithLinks, "Paste with links", "Ctrl+Shift+V";
    Duplicate, "Duplicate", "Ctrl+D";
    Delete, "Delete", "Delete";
    TakeOut, "Take out of the wire", "Ctrl+Delete";
    SelectAll, "Select all", "Ctrl+A";
    SelectUpstream, "Select what feeds it", "Ctrl+Shift+Left";
    SelectDownstream, "Select what it feeds", "Ctrl+Shift+Right";
    Mute, "Mute", "Ctrl+M";
    Bypass, "Bypass", "Ctrl+B";
    Collapse, "Fold", "Alt+C";
    Group, "Group", "Ctrl+G";
    Note, "Note", "Shift+N";
    Rename, "Rename", "F2";
    MakeSubgraph, "Make a subgraph", "Ctrl+Shift+G";
    Dissolve, "Dissolve the subgraph", "Ctrl+Alt+G";
    LeaveSubgraph, "Leave the subgraph", "Backspace";
    Arrange, "Arrange", "L";
    Fit, "Fit to window", ".";
    ZoomIn, "Zoom in", "Plus";
    ZoomOut, "Zoom out", "Minus";
    ZoomOne, "Zoom to 1:1", "1";
    AddNode, "Add a node", "Tab";
    SwapType, "Swap the node's type", "";
    Snap, "Change what nodes snap to", "";
    Minimap, "Show the map", "";
    Palette, "Command palette", "Ctrl+K";
    Queue, "Queue", "Q";
    Nodes, "Node library", "N";
    Models, "Models", "M";
    Inspector, "Inspector", "I";
    Gallery, "Gallery", "G";
    Form, "Form view", "F";
    Problems, "Problems", "P";
    Templates, "Templates", "Ctrl+T";
    Settings, "Settings", "Ctrl+,";
    Theme, "Dark or light", "";
    Larger, "Larger interface", "Ctrl+Plus";
    Smaller, "Smaller interface", "Ctrl+Minus";
    Tour, "Tour", "F1";
}

/// Keys as a person writes them, read: `Ctrl+Shift+G`.
#[must_use]
pub fn parse(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut parts: Vec<&str> = text.split('+').map(str::trim).collect();
    let key = parts.pop()?;
    for part in parts {
        match part.to_ascii_lowercase().as_str() {
            "ctrl" | "cmd" => modifiers |= Modifiers::COMMAND,
            "shift" => modifiers |= Modifiers::SHIFT,
            "alt" => modifiers |= Modifiers::ALT,
            _ => return None,
        }
    }
    let key = match key {
        "." => Key::Period,
        "," => Key::Comma,
        "Left" => Key::ArrowLeft,
        "Right" => Key::ArrowRight,
        "Up" => Key::ArrowUp,
        "Down" => Key::ArrowDown,
        other => Key::from_name(other)?,
    };
    Some(KeyboardShortcut::new(modifiers, key))
}

/// Which keys ask for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Keys(
    /// What was changed: a command's name, and its keys; empty for none.
    pub BTreeMap<String, String>,
);

impl Keys {
    /// The keys of a command, as a person reads them.
    #[must_use]
    pub fn of(&self, command: Command) -> &str {
        self.0.get(command.id()).map_or(command.usual_keys(), String::as_str)
    }

    /// Gives a command other keys; another command that had them loses them.
    pub fn set(&mut self, command: Command, keys: &str) {
        if !keys.is_empty() {
            let taken: Vec<Command> =
                Command::ALL.iter().copied().filter(|c| *c != command && self.of(*c) == keys).collect();
            for other in taken {
                self.0.insert(other.id().to_owned(), String::new());
            }
        }
        if keys == command.usual_keys() {
            self.0.remove(command.id());
        } else {
            self.0.insert(command.id().to_owned(), keys.to_owned());
        }
    }

    /// What the keys that were just pressed ask for. Keys without Ctrl or Alt are letters while somebody writes.
    #[must_use]
    pub fn pressed(&self, input: &mut egui::InputState, writing: bool) -> Vec<Command> {
        let mut all: Vec<(Command, KeyboardShortcut)> =
            Command::ALL.iter().filter_map(|c| Some((*c, parse(self.of(*c))?))).collect();
        // More keys mean more: Ctrl+Shift+Z is looked at before Ctrl+Z.
        all.sort_by_key(|(_, s)| std::cmp::Reverse(count(s.modifiers)));
        let mut found = Vec::new();
        for (command, shortcut) in all {
            let plain = !shortcut.modifiers.command && !shortcut.modifiers.alt;
            let function = matches!(shortcut.logical_key, Key::F1 | Key::F2);
            let editing = matches!(
                command,
                Command::Undo
                    | Command::Redo
                    | Command::SelectAll
                    | Command::Copy
                    | Command::Cut
                    | Command::Paste
            );
            if writing && ((plain && !function) || editing) {
                continue;
            }
            if input.consume_shortcut(&shortcut) {
                found.push(command);
            }
        }
        found
    }
}

fn count(m: Modifiers) -> usize {
    [m.command, m.shift, m.alt].into_iter().filter(|on| *on).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_usual_keys_can_be_read_and_are_different() {
        let mut seen = BTreeMap::new();
        for command in Command::ALL {
            let keys = command.usual_keys();
            if keys.is_empty() {
                continue;
            }
            assert!(parse(keys).is_some(), "{keys}");
            assert_eq!(seen.insert(keys, command), None, "{keys}");
        }
    }

    #[test]
    fn keys_given_to_one_command_are_taken_from_the_other() {
        let mut keys = Keys::default();
        keys.set(Command::Run, "Ctrl+K");
        assert_eq!((keys.of(Command::Run), keys.of(Command::Palette)), ("Ctrl+K", ""));
        keys.set(Command::Run, "Ctrl+Enter");
        assert!(!keys.0.contains_key("Run"));
    }
}
