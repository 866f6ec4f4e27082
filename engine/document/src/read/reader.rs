//! What is at hand while reading one graph: the way, the places, the comments, the problems.

use super::Tally;
use crate::{
    Comments, Lit, Problem,
    comments::Notes,
    path::{Field, Quoted},
    place::{PathHash, Places},
    problem::Pos,
    syntax::tree::{Entry, Group, Key, Shape, Tree, Value},
};

/// The way from the graph to what is being read. It is spelled out only for a problem or a comment.
pub(super) struct Here<'p> {
    parent: Option<&'p Here<'p>>,
    step: Step<'p>,
    pub(super) hash: PathHash,
}

enum Step<'p> {
    Root,
    Field(&'p str),
    Key(&'p str),
    Index(usize),
}

impl<'p> Here<'p> {
    pub(super) const ROOT: Self = Self { parent: None, step: Step::Root, hash: PathHash::ROOT };

    fn field(&'p self, name: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Field(name), hash: self.hash.field(name) }
    }

    fn key(&'p self, key: &'p str) -> Self {
        Self { parent: Some(self), step: Step::Key(key), hash: self.hash.key(key) }
    }

    pub(super) fn index(&'p self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index), hash: self.hash.index(index) }
    }

    /// The path within the graph.
    fn path(&self) -> String {
        let mut path = self.parent.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Field(name) if path.is_empty() => path += &Field(name).to_string(),
            Step::Field(name) => path += &format!(".{}", Field(name)),
            Step::Key(key) => path += &format!(".{}", Quoted(key)),
            Step::Index(index) => path += &format!("[{index}]"),
        }
        path
    }
}

pub(super) struct Reader<'t> {
    outer: &'t str,
    pub(super) tally: &'t mut Tally,
    pub(super) places: Places,
    pub(super) comments: Comments,
}

impl<'t> Reader<'t> {
    pub(super) fn new(outer: &'t str, tally: &'t mut Tally) -> Self {
        Self { outer, tally, places: Places::default(), comments: Comments::default() }
    }

    /// The path from the document.
    pub(super) fn path(&self, here: &Here<'_>) -> String {
        match (self.outer, here.path()) {
            ("", path) => path,
            (outer, path) if path.is_empty() => outer.to_owned(),
            (outer, path) => format!("{outer}.{path}"),
        }
    }

    pub(super) fn problem(&mut self, here: &Here<'_>, at: Pos, what: impl Into<String>, hint: &str) {
        let mut problem = Problem::new(at, self.path(here), what);
        if !hint.is_empty() {
            problem = problem.hint(hint);
        }
        self.tally.push(problem);
    }

    /// Keeps the comments of an entry. Blank lines are kept where the writer keeps them: between nodes.
    pub(super) fn note(&mut self, here: &Here<'_>, notes: Option<Box<Notes>>, blanks: bool) {
        let Some(mut notes) = notes else { return };
        if blanks {
            notes.before.dedup_by(|a, b| a.is_empty() && b.is_empty());
        } else {
            notes.before.retain(|comment| !comment.is_empty());
        }
        if !notes.is_empty() {
            self.add_notes(here.path(), *notes);
        }
    }

    fn add_notes(&mut self, path: String, notes: Notes) {
        self.comments.add(path, notes);
    }

    /// The comments kept for an entry, which are its own business from now on.
    pub(super) fn take_comments(&mut self, here: &Here<'_>) -> Notes {
        let path = here.path();
        let notes = self.comments.get(&path).cloned().unwrap_or_default();
        self.comments.set(path, Notes::default());
        notes
    }

    fn inside(&mut self, here: &Here<'_>, inside: Vec<String>) {
        if !inside.is_empty() {
            self.add_notes(here.path(), Notes { inside, ..Notes::default() });
        }
    }

    /// Each field of a struct that may bear a name. False if it is no struct.
    pub(super) fn fields(
        &mut self,
        here: &Here<'_>,
        tree: Tree,
        name: &str,
        shape: &str,
        mut read: impl FnMut(&mut Self, &Here<'_>, String, Tree),
    ) -> bool {
        let (at, kind) = (tree.at, tree.kind());
        let (given, entries, inside) = match tree.value {
            Value::Leaf(Lit::Unit(None)) => (None, Vec::new(), Vec::new()),
            Value::Leaf(Lit::Tuple(given, _)) => (given, Vec::new(), Vec::new()),
            Value::Group(group) if is_struct(&group) => (group.name, group.entries, group.inside),
            _ => {
                let what = format!("a {} is needed here, found {kind}", name.to_lowercase());
                self.problem(here, at, what, shape);
                return false;
            }
        };
        if let Some(given) = given.filter(|given| given != name) {
            self.problem(
                here,
                at,
                format!("a {} is needed here, found `{given}`", name.to_lowercase()),
                shape,
            );
            return false;
        }
        self.inside(here, inside);
        self.each(entries, |this, earlier, entry| {
            let Key::Name(name) = &entry.key else { return };
            let here = here.field(name);
            let same = |other: &Entry| matches!(&other.key, Key::Name(key) if key == name);
            if this.is_first(&here, entry.at, ("field", name), earlier, same) {
                this.note(&here, entry.notes.take(), false);
                let value = std::mem::replace(&mut entry.value, Tree::leaf(entry.at, Lit::Unit(None)));
                read(this, &here, name.clone(), value);
            }
        });
        true
    }

    /// Each entry of a map with text keys.
    pub(super) fn entries(
        &mut self,
        here: &Here<'_>,
        tree: Tree,
        blanks: bool,
        mut read: impl FnMut(&mut Self, &Here<'_>, Pos, Tree, String),
    ) {
        let (at, kind) = (tree.at, tree.kind());
        let group = match tree.value {
            Value::Leaf(Lit::Map(_)) => return,
            Value::Group(group) if group.shape == Shape::Map => *group,
            _ => {
                self.problem(
                    here,
                    at,
                    format!("a map is needed here, found {kind}"),
                    "it is written `{ \"name\": ... }`",
                );
                return;
            }
        };
        self.inside(here, group.inside);
        self.each(group.entries, |this, earlier, entry| {
            let key = match &entry.key {
                Key::Text(key) => key,
                Key::Other(key) => {
                    let hint = format!("write \"{key}\"");
                    return this.problem(here, entry.at, "a name is needed here, in double quotes", &hint);
                }
                Key::None | Key::Name(_) => return,
            };
            let here = here.key(key);
            let same = |other: &Entry| matches!(&other.key, Key::Text(other) if other == key);
            if key.is_empty() {
                this.problem(&here, entry.at, "a name cannot be empty", "");
            } else if this.is_first(&here, entry.at, ("name", &Quoted(key)), earlier, same) {
                this.note(&here, entry.notes.take(), blanks);
                let value = std::mem::replace(&mut entry.value, Tree::leaf(entry.at, Lit::Unit(None)));
                read(this, &here, entry.at, value, key.clone());
            }
        });
    }

    /// Each entry, with those before it.
    fn each(&mut self, mut entries: Vec<Entry>, mut read: impl FnMut(&mut Self, &[Entry], &mut Entry)) {
        for index in 0..entries.len() {
            let (earlier, rest) = entries.split_at_mut(index);
            if let Some(entry) = rest.first_mut() {
                read(self, earlier, entry);
            }
        }
    }

    /// Whether a path comes for the first time; its place is kept, and a second time is a problem. (The parser
    /// sees to that for what stands in the text; here it is for what a migration made of it.)
    fn is_first(
        &mut self,
        here: &Here<'_>,
        at: Pos,
        (what, name): (&str, &dyn std::fmt::Display),
        earlier: &[Entry],
        same: impl Fn(&Entry) -> bool,
    ) -> bool {
        if !self.places.put(here.hash, at) {
            if self.tally.is_full() {
                return false;
            }
            // The table of places compares hashes only; what is refused is looked at closely.
            if let Some(first) = earlier.iter().find(|entry| same(entry)).map(|entry| entry.at) {
                let what =
                    format!("the {what} `{name}` is there twice: at {}:{} already", first.line, first.column);
                self.problem(here, at, what, "rename or remove one of them");
                return false;
            }
        }
        true
    }

    /// The items of a list, or the tree itself if it is none.
    pub(super) fn list_items(&mut self, here: &Here<'_>, tree: Tree) -> Result<Vec<Tree>, Tree> {
        let group = match tree.value {
            Value::Leaf(Lit::List(_)) => return Ok(Vec::new()),
            Value::Group(group) if group.shape == Shape::List => *group,
            value => return Err(Tree { at: tree.at, value }),
        };
        self.inside(here, group.inside);
        let mut items = Vec::with_capacity(group.entries.len());
        for (index, entry) in group.entries.into_iter().enumerate() {
            let here = here.index(index);
            self.places.put(here.hash, entry.at);
            self.note(&here, entry.notes, false);
            items.push(entry.value);
        }
        Ok(items)
    }

    /// Any value, with its comments.
    pub(super) fn lit(&mut self, here: &Here<'_>, tree: Tree) -> Lit {
        tree.into_lit(&mut |steps, mut notes| {
            notes.before.retain(|comment| !comment.is_empty());
            if !notes.is_empty() {
                let way: String = steps.iter().map(ToString::to_string).collect();
                self.add_notes(here.path() + &way, notes);
            }
        })
    }
}

/// Whether a group can be read as a struct; an empty one cannot be told from a tuple.
fn is_struct(group: &Group) -> bool {
    group.shape == Shape::Struct || (group.shape == Shape::Tuple && group.entries.is_empty())
}
