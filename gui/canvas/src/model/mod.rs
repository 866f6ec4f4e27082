//! The document that is being edited: the graph, how it lies on the canvas, and the way back.

pub mod arrange;
pub mod clip;
pub mod edit;
pub mod file;
mod history;
pub mod literal;
pub mod ports;
pub mod step;
pub mod subgraph;
pub mod view;
pub mod wiring;

pub use edit::{Edit, Entry, Touched};
pub use step::Step;
pub use view::{Area, Group, Note, Spot, View};

use history::{Done, History};
use kiln_core::document::{Graph, Problems};
use std::collections::BTreeMap;

/// Which graph of a document: the names of the definitions on the way to it, none for the outermost.
pub type Scope = Vec<String>;

/// Edits with the same token become one step, so that a drag or a word typed is undone at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u64);

/// A graph being edited.
#[derive(Debug, Default)]
pub struct Document {
    graph: Graph,
    views: BTreeMap<Scope, View>,
    history: History,
    /// Names the present state; states that undo and redo come back to keep their names.
    state: u64,
    next_state: u64,
    /// Counts up with every change of each kind.
    counts: [u64; 3],
}

impl Document {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a document.
    ///
    /// # Errors
    /// With everything that is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        Ok(Self::of(Graph::parse(text)?))
    }

    /// A document that holds this graph.
    #[must_use]
    pub fn of(mut graph: Graph) -> Self {
        let mut views = BTreeMap::new();
        unfold(&mut graph, &mut Vec::new(), &mut views);
        Self { graph, views, ..Self::default() }
    }

    /// The whole graph, with its canvas sections.
    #[must_use]
    pub fn to_graph(&self) -> Graph {
        let mut graph = self.graph.clone();
        fold(&mut graph, &mut Vec::new(), &self.views);
        graph
    }

    /// The text as it is saved.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_graph().to_text()
    }

    /// The outermost graph, without its canvas sections.
    #[must_use]
    pub fn root(&self) -> &Graph {
        &self.graph
    }

    /// The graph of a scope, without its canvas section.
    #[must_use]
    pub fn graph(&self, scope: &[String]) -> Option<&Graph> {
        scope.iter().try_fold(&self.graph, |graph, name| graph.graphs.get(name))
    }

    /// How the graph of a scope lies.
    #[must_use]
    pub fn view(&self, scope: &[String]) -> &View {
        static NONE: std::sync::LazyLock<View> = std::sync::LazyLock::new(View::default);
        self.views.get(scope).unwrap_or(&NONE)
    }

    /// The scope of the definition that a node of `scope` stands for, if there is one.
    #[must_use]
    pub fn scope_of(&self, scope: &[String], definition: &str) -> Option<Scope> {
        let here = self.graph(scope)?;
        if here.graphs.contains_key(definition) {
            let mut inner = scope.to_vec();
            inner.push(definition.to_owned());
            return Some(inner);
        }
        self.graph.graphs.contains_key(definition).then(|| vec![definition.to_owned()])
    }

    /// Makes a step that can be undone; says whether anything changed.
    pub fn step(&mut self, scope: &[String], name: &str, work: impl FnOnce(&mut Step<'_>)) -> bool {
        self.make(scope, name, None, work)
    }

    /// The same; steps with one token, one right after the other, become one.
    pub fn step_on(
        &mut self,
        scope: &[String],
        name: &str,
        token: Token,
        work: impl FnOnce(&mut Step<'_>),
    ) -> bool {
        self.make(scope, name, Some(token), work)
    }

    fn make(
        &mut self,
        scope: &[String],
        name: &str,
        token: Option<Token>,
        work: impl FnOnce(&mut Step<'_>),
    ) -> bool {
        if self.graph(scope).is_none() {
            return false;
        }
        let mut step = Step::new(self, scope.to_vec());
        work(&mut step);
        let back = step.finish();
        if back.is_empty() {
            return false;
        }
        let from = self.state;
        self.next_state += 1;
        self.state = self.next_state;
        self.history.push(
            Done { name: name.to_owned(), scope: scope.to_vec(), edits: back, from, to: self.state },
            token,
        );
        true
    }

    /// Ends what a token began: the next step with it is a step of its own.
    pub fn settle(&mut self) {
        self.history.settle();
    }

    /// Takes the last step back; tells its name and where it was.
    pub fn undo(&mut self) -> Option<(String, Scope)> {
        let done = self.history.take_undo()?;
        let (name, scope) = (done.name.clone(), done.scope.clone());
        let turned = self.turn(done);
        self.history.push_redo(turned);
        Some((name, scope))
    }

    /// Makes the step again that was taken back last.
    pub fn redo(&mut self) -> Option<(String, Scope)> {
        let done = self.history.take_redo()?;
        let (name, scope) = (done.name.clone(), done.scope.clone());
        let turned = self.turn(done);
        self.history.push_undo(turned);
        Some((name, scope))
    }

    /// Runs a step's edits backwards; gives the step that goes the other way.
    fn turn(&mut self, done: Done) -> Done {
        let mut step = Step::new(self, done.scope.clone());
        for edit in done.edits.into_iter().rev() {
            step.edit(edit);
        }
        let edits = step.finish();
        self.state = if self.state == done.to { done.from } else { done.to };
        Done { name: done.name, scope: done.scope, edits, from: done.from, to: done.to }
    }

    /// The names of the steps that can be taken back, the latest last, and of those that can be made again.
    #[must_use]
    pub fn steps(&self) -> (Vec<&str>, Vec<&str>) {
        self.history.names()
    }

    /// How many edits the way back holds.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.history.edits()
    }

    /// Names the present state: the same again after undo and redo.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.state
    }

    /// Counts up with every change that touches at least this much.
    #[must_use]
    pub fn changes(&self, what: Touched) -> u64 {
        let from = what as usize;
        self.counts[from..].iter().sum()
    }

    fn apply(&mut self, scope: &[String], edit: Edit) -> Option<Edit> {
        self.counts[edit.touches() as usize] += 1;
        if let Edit::Definition(mut entry) = edit {
            let mut path = scope.to_vec();
            path.push(entry.key.clone());
            // What leaves takes its canvas sections along, and what comes brings them.
            let leaving = self.graph(&path).is_some();
            if leaving {
                let views = std::mem::take(&mut self.views);
                if let Some(graph) = self.graph_mut(&path) {
                    fold(graph, &mut path.clone(), &views);
                }
                self.views = views;
                self.views.retain(|at, _| !at.starts_with(&path));
            }
            if let Some(graph) = &mut entry.value {
                unfold(graph, &mut path, &mut self.views);
            }
            return self.apply_plain(scope, Edit::Definition(entry));
        }
        self.apply_plain(scope, edit)
    }

    fn apply_plain(&mut self, scope: &[String], edit: Edit) -> Option<Edit> {
        let graph = scope.iter().try_fold(&mut self.graph, |graph, name| graph.graphs.get_mut(name))?;
        if !self.views.contains_key(scope) {
            self.views.insert(scope.to_vec(), View::default());
        }
        let view = self.views.get_mut(scope)?;
        edit.apply(graph, view)
    }

    fn graph_mut(&mut self, scope: &[String]) -> Option<&mut Graph> {
        scope.iter().try_fold(&mut self.graph, |graph, name| graph.graphs.get_mut(name))
    }
}

/// Takes the canvas sections out of a graph and its definitions.
fn unfold(graph: &mut Graph, path: &mut Scope, views: &mut BTreeMap<Scope, View>) {
    views.insert(path.clone(), View::take(graph));
    for (name, inner) in &mut graph.graphs {
        path.push(name.clone());
        unfold(inner, path, views);
        path.pop();
    }
}

/// Puts them back.
fn fold(graph: &mut Graph, path: &mut Scope, views: &BTreeMap<Scope, View>) {
    graph.canvas = views.get(path.as_slice()).and_then(View::to_lit);
    for (name, inner) in &mut graph.graphs {
        path.push(name.clone());
        fold(inner, path, views);
        path.pop();
    }
}
