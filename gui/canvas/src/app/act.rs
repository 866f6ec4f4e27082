//! What commands do.

use super::command::Command;
use super::{Over, Side, Studio, commands, editor, fix, palette, panels};
use crate::canvas::{Asked, Hit};
use crate::model::Document;
use crate::model::clip::{Paste, Selection, copy};
use crate::model::file;
use crate::run::Job;
use egui::{Context, Event};
use kiln_core::document::Mode;
use kiln_core::types::names;
use kiln_core::{Purity, Registry};
use kiln_runner::Items;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a run is to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Every effect, or every leaf.
    Everything,
    /// These nodes and what they need.
    Nodes(Vec<String>),
    /// Items.
    Batch(u64, u64),
}

/// What follows once the document may go.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// An empty one.
    New,
    /// This file.
    Open(PathBuf),
    /// This text, which has no file yet.
    Text(String),
    /// The window closes.
    Close,
}

impl Studio {
    pub(super) fn keyboard(&mut self, ctx: &Context) {
        if ctx.input(|i| i.key_pressed(egui::Key::Escape)) && self.escape() {
            ctx.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape));
            return;
        }
        let writing = ctx.egui_wants_keyboard_input();
        let free = matches!(self.over, Over::None) && self.editor.is_none();
        // The system's own copy and paste come as events, not as keys.
        if !writing && free {
            let events: Vec<Event> = ctx.input(|i| {
                let wanted = |e: &&Event| matches!(e, Event::Copy | Event::Cut | Event::Paste(_));
                i.events.iter().filter(wanted).cloned().collect()
            });
            let shift = ctx.input(|i| i.modifiers.shift);
            for event in events {
                match event {
                    Event::Copy => self.obey(ctx, Command::Copy),
                    Event::Cut => self.obey(ctx, Command::Cut),
                    Event::Paste(text) => self.paste_text(ctx, &text, shift),
                    _ => {}
                }
            }
        }
        if !free && !matches!(self.over, Over::Viewer(_)) {
            return;
        }
        let keys = self.settings.keys.clone();
        let pressed = ctx.input_mut(|i| keys.pressed(i, writing));
        if matches!(self.over, Over::Viewer(_)) {
            return;
        }
        for command in pressed {
            self.obey(ctx, command);
        }
    }

    /// Leaves whatever is open; says whether there was anything.
    fn escape(&mut self) -> bool {
        if self.tour.is_some() {
            self.tour = None;
            self.settings.toured = true;
            return true;
        }
        if !matches!(self.over, Over::None) {
            self.over = Over::None;
            return true;
        }
        if self.menu.take().is_some() || self.editor.take().is_some() {
            return true;
        }
        if self.canvas.cancel_gesture() {
            return true;
        }
        if !self.canvas.selection.is_empty() || self.canvas.wire.is_some() {
            self.canvas.selection = Selection::default();
            self.canvas.wire = None;
            return true;
        }
        false
    }

    pub(super) fn obey(&mut self, ctx: &Context, command: Command) {
        let scope = self.canvas.scope.clone();
        match command {
            Command::Run => {
                // Names with `{item}` mean items: whoever presses Run wants to see some.
                let items = self
                    .checker
                    .problems
                    .iter()
                    .any(|p| fix::fix_for(&self.doc, &[], &self.registry, p) == Some(fix::Fix::Items));
                if items && !self.batch.on {
                    self.batch.on = true;
                    self.batch.count = self.batch.count.max(4);
                    self.say(ctx, format!("It is made for items, so {} of them are made.", self.batch.count));
                }
                let batch = self.batch.items();
                self.run(ctx, batch.map_or(What::Everything, |(a, b)| What::Batch(a, b)), false);
            }
            Command::RunHere => {
                let nodes: Vec<String> =
                    self.canvas.selection.nodes.iter().map(|n| self.full_name(n)).collect();
                if nodes.is_empty() {
                    self.say(ctx, "Select the node to run to.");
                } else {
                    self.run(ctx, What::Nodes(nodes), false);
                }
            }
            Command::RunNext => {
                let open = self.session.runs.iter().find(|r| r.phase == crate::run::Phase::Running);
                if let Some(id) = open.map(|r| r.id.clone()) {
                    self.session.cancel(&id);
                }
            }
            Command::Interrupt => self.session.interrupt(),
            Command::AutoRun => self.settings.auto_run = !self.settings.auto_run,
            Command::Undo | Command::Redo => {
                let done = if command == Command::Undo { self.doc.undo() } else { self.doc.redo() };
                if let Some((name, at)) = done {
                    if at != self.canvas.scope {
                        self.go_to(at);
                    }
                    let word = if command == Command::Undo { "Undid" } else { "Redid" };
                    self.say(ctx, format!("{word}: {name}"));
                }
            }
            Command::New => self.leave(Then::New),
            Command::Open => {
                let base = self.base();
                self.over = Over::Files(super::files::Dialog::open(&base));
            }
            Command::Save => match self.path.clone() {
                Some(path) => self.save_to(ctx, &path),
                None => self.obey(ctx, Command::SaveAs),
            },
            Command::SaveAs => {
                let name =
                    self.path.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
                let title = self.doc.root().title.to_lowercase().replace(' ', "-");
                let usual = if title.is_empty() { "graph.ron".to_owned() } else { format!("{title}.ron") };
                let base = self.base();
                self.over = Over::Files(super::files::Dialog::save(&base, &name.unwrap_or(usual)));
            }
            Command::Copy => self.copy(ctx),
            Command::Cut => {
                self.copy(ctx);
                self.canvas.delete(&mut self.doc);
            }
            Command::Paste | Command::PasteWithLinks => {
                let text = self.clipboard.clone();
                self.paste_text(ctx, &text, command == Command::PasteWithLinks);
            }
            Command::Duplicate => {
                let text = copy(&self.doc, &scope, &self.canvas.selection);
                self.put(ctx, &text, Paste { at: None, with_links: true }, "Duplicate");
            }
            Command::Delete => self.canvas.delete(&mut self.doc),
            Command::TakeOut => self.canvas.delete_and_join(&mut self.doc, &self.registry),
            Command::SelectAll => {
                let view = self.doc.view(&scope);
                let nodes =
                    self.canvas.scene.nodes.iter().filter(|s| s.own.is_none()).map(|s| s.name.clone());
                self.canvas.selection = Selection {
                    nodes: nodes.collect(),
                    groups: view.groups.keys().cloned().collect(),
                    notes: view.notes.keys().cloned().collect(),
                };
            }
            Command::SelectUpstream => self.canvas.select_along(true),
            Command::SelectDownstream => self.canvas.select_along(false),
            Command::Mute => self.canvas.toggle_mode(&mut self.doc, Mode::Muted),
            Command::Bypass => self.canvas.toggle_mode(&mut self.doc, Mode::Bypassed),
            Command::Collapse => self.canvas.toggle_collapsed(&mut self.doc),
            Command::Group => {
                if let Some(name) = self.canvas.group(&mut self.doc) {
                    self.editor = Some(editor::Editor::group(&name, "Group"));
                }
            }
            Command::Note => {
                let at = self.middle(ctx);
                if let Some(name) = self.canvas.note(&mut self.doc, at) {
                    self.editor = Some(editor::Editor::note(&name, ""));
                }
            }
            Command::Rename => {
                if let Some(name) = self.canvas.selection.nodes.first().cloned() {
                    self.edit_title(&name);
                } else if let Some(name) = self.canvas.selection.groups.first().cloned() {
                    self.answer(ctx, Asked::EditGroup(name));
                }
            }
            Command::MakeSubgraph => {
                let selection = self.canvas.selection.clone();
                let mut made = None;
                let registry = self.registry.clone();
                self.doc.step(&scope, "Make a subgraph", |s| {
                    made = s.make_subgraph(&registry, &selection, "Part");
                });
                if let Some(name) = made {
                    self.canvas.selection = Selection::node(name);
                }
            }
            Command::Dissolve => {
                let Some(name) = self.canvas.selection.nodes.first().cloned() else { return };
                let mut came = None;
                self.doc.step(&scope, "Dissolve the subgraph", |s| came = s.dissolve(&name));
                if let Some(came) = came {
                    self.canvas.selection = came;
                }
            }
            Command::LeaveSubgraph => {
                let mut scope = scope;
                if scope.pop().is_some() {
                    self.trail.pop();
                    self.canvas.enter(scope);
                }
            }
            Command::Arrange => {
                self.canvas.arrange(&mut self.doc);
                let registry = self.registry.clone();
                self.canvas.refresh(&self.doc, &registry);
                self.canvas.fit(&self.doc);
            }
            Command::Fit => self.canvas.fit(&self.doc),
            Command::ZoomIn | Command::ZoomOut => {
                let by = if command == Command::ZoomIn { 1.25 } else { 0.8 };
                let (center, zoom) = (self.canvas.camera.center, self.canvas.camera.zoom * by);
                self.canvas.camera.glide_to(center, zoom.clamp(0.02, 3.0));
            }
            Command::ZoomOne => self.canvas.camera.glide_to(self.canvas.camera.center, 1.0),
            Command::AddNode => {
                let at = self.middle(ctx);
                self.over = Over::Nodes(palette::Palette::new(at, None));
            }
            Command::SwapType => {
                if let Some(name) = self.canvas.selection.nodes.first().cloned() {
                    self.over = Over::Nodes(palette::Palette::swap(&name, self.middle(ctx)));
                }
            }
            Command::Snap => {
                use crate::canvas::Snap;
                self.canvas.snap = match self.canvas.snap {
                    Snap::Off => Snap::Grid,
                    Snap::Grid => Snap::Neighbours,
                    Snap::Neighbours => Snap::Off,
                };
                self.say(ctx, format!("Nodes line up with: {:?}", self.canvas.snap).to_lowercase());
            }
            Command::Minimap => self.canvas.minimap = !self.canvas.minimap,
            Command::Palette => self.over = Over::Commands(commands::Search::default()),
            Command::Queue => self.turn(Side::Queue),
            Command::Nodes => self.turn(Side::Library),
            Command::Models => self.turn(Side::Models),
            Command::Problems => self.turn(Side::Problems),
            Command::Form => self.turn(Side::Form),
            Command::Inspector => self.settings.inspector = !self.settings.inspector,
            Command::Gallery => self.settings.gallery = !self.settings.gallery,
            Command::Templates => self.over = Over::Templates,
            Command::Settings => self.over = Over::Settings(panels::SettingsPage::default()),
            Command::Theme => {
                use super::settings::Theme;
                let dark = ctx.theme() == egui::Theme::Dark;
                self.settings.theme = if dark { Theme::Light } else { Theme::Dark };
            }
            Command::Larger => self.settings.scale = (self.settings.scale * 1.1).min(3.0),
            Command::Smaller => self.settings.scale = (self.settings.scale / 1.1).max(0.5),
            Command::Tour => self.tour = Some(0),
        }
    }

    fn turn(&mut self, side: Side) {
        self.side = if self.side == side { Side::None } else { side };
    }

    /// Where something new goes: under the pointer if it is over the canvas, else in the middle.
    pub(super) fn middle(&self, ctx: &Context) -> egui::Pos2 {
        let pointer = ctx.input(|i| i.pointer.latest_pos()).filter(|p| self.canvas.window.contains(*p));
        let at = pointer.unwrap_or_else(|| self.canvas.window.center());
        self.canvas.camera.to_plane(self.canvas.window, at)
    }

    /// A node's name as the engine has it: with its subgraphs before it.
    pub(super) fn full_name(&self, name: &str) -> String {
        let mut full = self.trail.clone();
        full.push(name.to_owned());
        full.join("/")
    }

    /// Shows another graph of the document, by the names of its definitions.
    pub(super) fn go_to(&mut self, scope: Vec<String>) {
        // The nodes on the way: the first that stands for each definition.
        let mut trail = Vec::new();
        for depth in 0..scope.len() {
            let outer = self.doc.graph(&scope[..depth]);
            let node = outer.and_then(|g| {
                g.nodes
                    .iter()
                    .find(|(_, n)| n.graph.as_ref() == Some(&scope[depth]))
                    .map(|(name, _)| name.clone())
            });
            trail.push(node.unwrap_or_default());
        }
        self.trail = trail;
        self.canvas.enter(scope);
    }

    /// Answers what the pointer asked for.
    pub(super) fn answer(&mut self, ctx: &Context, asked: Asked) {
        match asked {
            Asked::Palette { at, pin } => self.over = Over::Nodes(palette::Palette::new(at, pin)),
            Asked::EditParam { node, at } => self.edit_param(&node, at),
            Asked::EditTitle(name) => self.edit_title(&name),
            Asked::EditGroup(name) => {
                if let Some(group) = self.doc.view(&self.canvas.scope).groups.get(&name) {
                    self.editor = Some(editor::Editor::group(&name, &group.title));
                }
            }
            Asked::EditNote(name) => {
                if let Some(note) = self.doc.view(&self.canvas.scope).notes.get(&name) {
                    self.editor = Some(editor::Editor::note(&name, &note.text));
                }
            }
            Asked::Enter(name) => {
                let definition = self.canvas.scene.node(&name).and_then(|s| s.definition.clone());
                if let Some(inner) = definition.and_then(|d| self.doc.scope_of(&self.canvas.scope, &d)) {
                    self.trail.push(name);
                    self.canvas.enter(inner);
                }
            }
            Asked::Look(name) => self.look_at(&name),
            Asked::Menu(hit) => {
                let at = ctx.input(|i| i.pointer.latest_pos()).unwrap_or_default();
                if let Hit::Node(n) | Hit::Fold(n) | Hit::Preview(n) | Hit::Param { node: n, .. } = &hit
                    && let Some(shape) = self.canvas.scene.nodes.get(*n as usize)
                    && !self.canvas.selection.nodes.contains(&shape.name)
                {
                    self.canvas.selection = Selection::node(shape.name.clone());
                }
                self.menu = Some(super::menu::Menu { at, hit });
            }
        }
    }

    fn copy(&mut self, ctx: &Context) {
        if self.canvas.selection.is_empty() {
            return;
        }
        self.clipboard = copy(&self.doc, &self.canvas.scope, &self.canvas.selection);
        ctx.copy_text(self.clipboard.clone());
    }

    pub(super) fn paste_text(&mut self, ctx: &Context, text: &str, with_links: bool) {
        let text = if text.trim().is_empty() { self.clipboard.clone() } else { text.to_owned() };
        if text.trim().is_empty() {
            return;
        }
        let at = ctx.input(|i| i.pointer.latest_pos()).filter(|p| self.canvas.window.contains(*p));
        let at = at.map(|at| crate::canvas::whole(self.canvas.camera.to_plane(self.canvas.window, at)));
        self.put(ctx, &text, Paste { at, with_links }, "Paste");
    }

    fn put(&mut self, ctx: &Context, text: &str, how: Paste, name: &str) {
        let registry = self.registry.clone();
        let mut came = Ok(Selection::default());
        self.doc.step(&self.canvas.scope, name, |s| came = s.paste(&registry, text, how));
        match came {
            Ok(came) => {
                self.canvas.refresh(&self.doc, &registry);
                self.canvas.selection = came;
            }
            Err(_) => self.say(ctx, "What was copied is no graph, so nothing was pasted."),
        }
    }

    pub(super) fn edit_param(&mut self, node: &str, at: usize) {
        self.editor = Some(editor::Editor::param(node, at));
    }

    pub(super) fn edit_title(&mut self, name: &str) {
        let node = self.doc.graph(&self.canvas.scope).and_then(|g| g.nodes.get(name));
        let title = self.canvas.scene.node(name).map(|s| s.title(node).to_owned());
        if let Some(title) = title {
            self.editor = Some(editor::Editor::title(name, &title));
        }
    }

    /// Runs.
    pub fn run(&mut self, ctx: &Context, what: What, automatic: bool) {
        if self.doc.root().nodes.is_empty() {
            if !automatic {
                self.say(ctx, "There is nothing to run yet. Double-click for the first node.");
            }
            return;
        }
        let mut job = job(&self.doc, &self.registry);
        job.base = self.base().to_string_lossy().into_owned();
        job.out = Some(self.base().join(&self.settings.out).to_string_lossy().into_owned());
        job.automatic = automatic;
        match what {
            What::Everything => {}
            What::Nodes(nodes) => {
                // What a person asked for is worth keeping.
                for node in &nodes {
                    if job.pictures.contains_key(node) {
                        job.shows.entry(node.clone()).or_default();
                    }
                }
                job.want = nodes;
            }
            What::Batch(from, to) => job.items = Some(Items::Range(from, to)),
        }
        if automatic {
            // A change runs what is looked at, not what it would change in the world.
            let wanted: Vec<String> = job.shows.keys().cloned().collect();
            job.want = wanted;
        }
        self.session.submit(job);
    }

    /// Looks at a node's picture.
    pub fn look_at(&mut self, name: &str) {
        let full = self.full_name(name);
        let Some(key) = self.session.key_of(&full).cloned() else { return };
        let made = self.session.history.made.iter().rev().find(|m| m.key == key);
        let output = made.map_or_else(
            || job(&self.doc, &self.registry).pictures.get(&full).copied().unwrap_or(0),
            |m| m.output,
        );
        self.session.pictures.want(&key, output, None);
        self.over = Over::Viewer(super::Viewer::new(&key, name));
    }

    /// Goes on only if nothing would be lost, else asks first.
    pub(super) fn leave(&mut self, then: Then) {
        if self.is_dirty() {
            self.over = Over::Leave(then);
        } else {
            self.go(then);
        }
    }

    pub(super) fn go(&mut self, then: Then) {
        match then {
            Then::New => self.show_document(Document::new(), None),
            Then::Open(path) => self.open_path(&path),
            Then::Text(text) => match Document::parse(&text) {
                Ok(doc) => self.show_document(doc, None),
                Err(why) => self.toast = Some((why.to_string(), self.kept_at)),
            },
            Then::Close => {
                if let Some(keeper) = &mut self.keeper {
                    keeper.clear();
                }
                self.saved = self.doc.state();
                self.closing = true;
            }
        }
    }

    /// Somebody wants to close the window: asks first if something would be lost.
    pub fn ask_to_close(&mut self) {
        self.leave(Then::Close);
    }

    /// The window is gone. What is saved needs no keeping.
    pub fn leave_quietly(&mut self) {
        if !self.is_dirty()
            && let Some(keeper) = &mut self.keeper
        {
            keeper.clear();
        }
    }

    /// What stands above the window.
    #[must_use]
    pub fn window_title(&self) -> String {
        let title = &self.doc.root().title;
        let file = self.path.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
        let name = match (file, title.is_empty()) {
            (Some(file), _) => file,
            (None, false) => title.clone(),
            (None, true) => "Untitled".to_owned(),
        };
        let mark = if self.is_dirty() { "• " } else { "" };
        format!("{mark}{name} – Kiln")
    }

    /// Shows a document.
    pub fn show_document(&mut self, doc: Document, path: Option<PathBuf>) {
        self.doc = doc;
        self.saved = self.doc.state();
        self.path = path;
        self.trail.clear();
        self.canvas.reset();
        self.checker.reset();
        self.session.forget_states();
        self.shelf.forget();
        self.changed_at = None;
        self.editor = None;
        self.menu = None;
        self.over = Over::None;
        if let Some(keeper) = &mut self.keeper {
            keeper.clear();
        }
    }

    /// Opens a file.
    pub fn open_path(&mut self, path: &Path) {
        match file::open(path) {
            Ok(doc) => {
                let is_graph = path.extension().is_some_and(|e| e == "ron");
                if is_graph {
                    self.settings.opened(path);
                }
                // A picture's graph is a new document: saving it does not overwrite the picture.
                self.show_document(doc, is_graph.then(|| path.to_owned()));
            }
            Err(why) => self.toast = Some((why.to_string(), self.kept_at)),
        }
    }

    /// Saves.
    pub fn save_to(&mut self, ctx: &Context, path: &Path) {
        match file::write_whole(path, self.doc.to_text().as_bytes()) {
            Ok(()) => {
                self.saved = self.doc.state();
                self.path = Some(path.to_owned());
                self.settings.opened(path);
                if let Some(keeper) = &mut self.keeper {
                    keeper.clear();
                }
                self.say(ctx, format!("Saved {}", path.file_name().unwrap_or_default().to_string_lossy()));
            }
            Err(why) => self.say(ctx, format!("Not saved: {why}")),
        }
    }

    pub(super) fn take_drops(&mut self, ctx: &Context) {
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        for drop in dropped {
            let at = ctx.input(|i| i.pointer.latest_pos());
            self.take_file(ctx, drop.path(), at);
        }
    }

    /// A file that was dropped on the window: a graph is opened, a picture's graph too; any other picture becomes a
    /// node that loads it, or the value of the file parameter it was dropped on.
    pub fn take_file(&mut self, ctx: &Context, path: &Path, at: Option<egui::Pos2>) {
        let bytes = std::fs::read(path).unwrap_or_default();
        let carries = path.extension().is_some_and(|e| e == "ron") || {
            let text = file::text_of(&bytes);
            text.is_some_and(|t| Document::parse(&t).is_ok())
        };
        if carries {
            self.leave(Then::Open(path.to_owned()));
            return;
        }
        let here = self.base();
        let value = kiln_core::document::Lit::Text(crate::widgets::relative(&here, path));
        let plane =
            at.map_or_else(|| self.middle(ctx), |at| self.canvas.camera.to_plane(self.canvas.window, at));
        let hit = crate::canvas::hit::hit(
            &self.canvas.scene,
            self.doc.view(&self.canvas.scope),
            plane,
            self.canvas.camera.zoom,
        );
        let target = match hit {
            Hit::Param { node, .. } | Hit::Node(node) => {
                self.canvas.scene.nodes.get(node as usize).and_then(|s| {
                    let file = s.ports.params.iter().find(|p| p.kind == kiln_core::Kind::File)?;
                    Some((s.name.clone(), file.name))
                })
            }
            _ => None,
        };
        if let Some((node, param)) = target {
            self.canvas.set_param(&mut self.doc, &node, param, Some(&value));
            return;
        }
        let loader = self.registry.iter().find(|n| {
            let s = n.schema();
            s.params.iter().any(|p| p.kind == kiln_core::Kind::File)
                && s.outputs.first().is_some_and(|o| o.ty.name == names::IMAGE)
                && s.inputs.is_empty()
        });
        let Some(ty) = loader.map(|n| n.schema().name.to_string()) else {
            self.say(ctx, "There is no node that loads such a file.");
            return;
        };
        let registry = self.registry.clone();
        if let Some(name) = self.canvas.add_node(&mut self.doc, &registry, &ty, plane, None) {
            let param = registry.get(&ty).and_then(|n| {
                n.schema().params.iter().find(|p| p.kind == kiln_core::Kind::File).map(|p| p.name)
            });
            if let Some(param) = param {
                self.canvas.set_param(&mut self.doc, &name, param, Some(&value));
            }
        }
    }
}

/// What a run of a document makes that can be looked at.
#[must_use]
pub fn job(doc: &Document, registry: &Registry) -> Job {
    let mut job = Job { graph: doc.to_text(), ..Job::default() };
    pictures(doc, &[], "", registry, &mut job.pictures, 0);
    let root = doc.root();
    let mut read: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, node) in &root.nodes {
        for link in node.from.values().flat_map(|s| s.links()) {
            read.entry(link.node.as_str()).or_default().push(name);
        }
    }
    for (name, node) in &root.nodes {
        let effect = registry.get(&node.ty).is_some_and(|n| n.schema().purity == Purity::Effect);
        if effect {
            // An effect shows the picture it was given.
            let feeds =
                node.from.values().flat_map(|s| s.links()).find(|l| job.pictures.contains_key(&l.node));
            if let Some(link) = feeds {
                job.shows.entry(link.node.clone()).or_default().push(name.clone());
            }
        } else if !read.contains_key(name.as_str()) && job.pictures.contains_key(name) {
            job.shows.entry(name.clone()).or_default();
        }
    }
    job
}

/// Nodes that give pictures, with the place of the first output that does.
fn pictures(
    doc: &Document,
    scope: &[String],
    prefix: &str,
    registry: &Registry,
    found: &mut BTreeMap<String, usize>,
    depth: usize,
) {
    let Some(graph) = doc.graph(scope).filter(|_| depth < 32) else { return };
    for (name, node) in &graph.nodes {
        let full = format!("{prefix}{name}");
        if let Some(inner) = node.graph.as_ref().and_then(|d| doc.scope_of(scope, d)) {
            pictures(doc, &inner, &format!("{full}/"), registry, found, depth + 1);
            continue;
        }
        let ports = crate::model::ports::Ports::of(doc, scope, registry, name, node);
        let at = ports.outputs.iter().position(|o| {
            let link = kiln_core::document::Link { node: name.clone(), port: o.name.to_string(), nth: o.nth };
            let ty = crate::model::ports::output_type(doc, scope, graph, registry, &link, 0);
            ty.name == names::IMAGE || ty.name == names::MASK
        });
        if let Some(at) = at {
            found.insert(full, at);
        }
    }
}
