//! The studio: the document on its canvas, with everything around it.

pub mod act;
pub mod check;
pub mod command;
mod commands;
mod editor;
pub mod files;
pub mod fix;
mod form;
mod gallery;
mod inspector;
mod menu;
mod palette;
mod panels;
pub mod settings;
mod templates;
mod top;
mod tour;
mod viewer;

pub use panels::Batch;
pub use viewer::{Compare, Viewer};

use crate::canvas::{Asked, Canvas, Lights};
use crate::look;
use crate::model::file::{Found, Keeper, left_behind};
use crate::model::{Document, Touched};
use crate::run::{History, Session, Starter};
use crate::widgets::Shelf;
use check::Checker;
use command::Command;
use egui::{Context, Rect, Ui};
use kiln_core::{Engine, Registry};
use settings::{Settings, Theme};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How often unsaved work is kept, in seconds.
pub const KEEP_EVERY: f64 = 2.0;
/// How long a change rests before it runs by itself, in seconds.
pub const REST: f64 = 0.4;

/// A graph to begin with.
#[derive(Clone, Debug)]
pub struct Template {
    /// What it is called.
    pub name: String,
    /// Its document.
    pub text: String,
    /// What it makes, as a picture file.
    pub picture: Option<Vec<u8>>,
}

/// What a studio is made of.
pub struct Setup {
    /// Node types.
    pub registry: Arc<Registry>,
    /// Checks graphs while they are edited.
    pub engine: Arc<Engine>,
    /// Starts the runner.
    pub starter: Box<Starter>,
    /// Where settings, unsaved work and the history are; none: nowhere.
    pub data: Option<PathBuf>,
    /// Folders of model files.
    pub models: Vec<PathBuf>,
    /// Graphs to begin with.
    pub templates: Vec<Template>,
    /// Names this window among those that are open.
    pub window: String,
    /// Whether a window of that name is still open.
    pub lives: Box<dyn Fn(&str) -> bool>,
}

/// The panel at the left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// None.
    #[default]
    None,
    /// All nodes.
    Library,
    /// Runs.
    Queue,
    /// Model files.
    Models,
    /// What is wrong.
    Problems,
    /// What the graph shows to the outside.
    Form,
}

/// What lies over everything.
#[derive(Debug, Default)]
pub enum Over {
    /// Nothing.
    #[default]
    None,
    /// Commands to be searched.
    Commands(commands::Search),
    /// Nodes to be searched.
    Nodes(palette::Palette),
    /// Templates.
    Templates,
    /// Settings.
    Settings(panels::SettingsPage),
    /// A file to be chosen.
    Files(files::Dialog),
    /// A picture, large.
    Viewer(Viewer),
    /// Something to be confirmed before the document goes.
    Leave(act::Then),
}

/// The studio.
pub struct Studio {
    /// The document.
    pub doc: Document,
    /// Its file.
    pub path: Option<PathBuf>,
    /// The state that is in the file.
    pub saved: u64,
    /// The canvas.
    pub canvas: Canvas,
    /// Names of nodes on the way to the graph that is shown.
    pub trail: Vec<String>,
    /// Node types.
    pub registry: Arc<Registry>,
    /// Problems.
    pub checker: Checker,
    /// Runs.
    pub session: Session,
    /// What stays.
    pub settings: Settings,
    /// The panel at the left.
    pub side: Side,
    /// What lies over everything.
    pub over: Over,
    /// What is being written on the canvas.
    editor: Option<editor::Editor>,
    /// The menu of what was under the pointer.
    menu: Option<menu::Menu>,
    /// A small sentence that goes away by itself.
    pub toast: Option<(String, f64)>,
    /// What widgets look up.
    pub shelf: Shelf,
    /// Graphs to begin with.
    pub templates: Vec<Template>,
    /// Unsaved work of earlier windows.
    pub found: Vec<Found>,
    /// What was copied last, for systems without a clipboard.
    pub clipboard: String,
    /// Items of the next batch.
    pub batch: panels::Batch,
    /// The step of the tour that is shown.
    pub tour: Option<usize>,
    keeper: Option<Keeper>,
    kept_at: f64,
    data: Option<PathBuf>,
    changed_at: Option<(u64, f64)>,
    needs_run: Option<u64>,
    kept_state: Option<u64>,
    search: String,
    thumbs: BTreeMap<String, egui::TextureHandle>,
    written: Settings,
    /// Whether the window is to be closed.
    pub closing: bool,
    scale_now: f32,
}

impl Studio {
    /// A studio in a context.
    #[must_use]
    pub fn new(ctx: &Context, setup: Setup) -> Self {
        look::install(ctx);
        let settings =
            setup.data.as_ref().map(|d| Settings::load(&d.join("settings.json"))).unwrap_or_default();
        let history = History::open(setup.data.as_ref().map(|d| d.join("history")));
        let kept = setup.data.as_ref().map(|d| d.join("unsaved"));
        let found = kept.as_ref().map(|k| left_behind(k, &*setup.lives)).unwrap_or_default();
        let mut canvas = Canvas::new();
        canvas.snap = settings.snap;
        canvas.minimap = settings.minimap;
        let shelf = Shelf::new(setup.models.clone());
        let tour = (!settings.toured).then_some(0);
        Self {
            doc: Document::new(),
            path: None,
            saved: 0,
            canvas,
            trail: Vec::new(),
            checker: Checker::new(ctx, setup.engine, setup.models),
            registry: setup.registry,
            session: Session::new(ctx, setup.starter, history),
            written: settings.clone(),
            scale_now: 0.0,
            settings,
            side: Side::None,
            over: Over::None,
            editor: None,
            menu: None,
            toast: None,
            shelf,
            templates: setup.templates,
            found,
            clipboard: String::new(),
            batch: panels::Batch::default(),
            tour,
            keeper: kept.map(|k| Keeper::new(&k, &setup.window)),
            kept_at: 0.0,
            data: setup.data,
            changed_at: None,
            needs_run: None,
            kept_state: None,
            search: String::new(),
            thumbs: BTreeMap::new(),
            closing: false,
        }
    }

    /// Whether there is something that is not in the file.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.doc.state() != self.saved
    }

    /// The folder that paths start from.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        let of_file = self.path.as_ref().and_then(|p| p.parent()).map(PathBuf::from);
        let here = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        of_file.filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(here)
    }

    /// A small sentence that goes away by itself.
    pub fn say(&mut self, ctx: &Context, words: impl Into<String>) {
        self.toast = Some((words.into(), ctx.input(|i| i.time)));
    }

    /// One frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.apply_settings(&ctx);
        self.session.poll();
        self.checker.poll();
        if let Some(words) = self.session.notice.take() {
            self.say(&ctx, words);
        }
        self.take_drops(&ctx);
        self.keyboard(&ctx);
        let shapes = self.preview_shapes();
        if shapes != self.canvas.scene.previews {
            self.canvas.scene.previews = shapes;
            self.canvas.scene.forget();
        }
        self.top_bar(ui);
        self.side_panel(ui);
        if self.settings.gallery {
            self.gallery(ui);
        }
        if self.settings.inspector {
            self.inspector(ui);
        }
        let asked = self.show_canvas(ui);
        let window = self.canvas.window;
        if let Some(asked) = asked {
            self.answer(&ctx, asked);
        }
        self.show_editor(&ctx);
        self.show_menu(&ctx);
        self.show_over(&ctx);
        self.show_tour(&ctx);
        self.show_toast(&ctx, window);
        self.tend(&ctx);
    }

    fn show_canvas(&mut self, ui: &mut Ui) -> Option<Asked> {
        let prefix = self.trail.join("/");
        // Within a subgraph, nodes light up by the names they have there.
        let (states, problems);
        let lights = if prefix.is_empty() {
            Lights {
                states: &self.session.states,
                problems: &self.checker.by_node,
                time: ui.input(|i| i.time),
            }
        } else {
            states = inside(&self.session.states, &prefix);
            problems = inside(&self.checker.by_node, &prefix);
            Lights { states: &states, problems: &problems, time: ui.input(|i| i.time) }
        };
        let mut asked = None;
        let frame = egui::Frame::NONE;
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            asked = self.canvas.show(ui, &mut self.doc, &self.registry, &lights);
        });
        self.node_tooltip(ui);
        if self.doc.root().nodes.is_empty() && self.canvas.scope.is_empty() && matches!(self.over, Over::None)
        {
            self.welcome(ui);
        }
        asked
    }

    fn preview_shapes(&self) -> BTreeMap<String, f32> {
        let prefix = self.trail.join("/");
        self.session
            .states
            .iter()
            .filter_map(|(name, state)| {
                let picture = state.picture?;
                let name = if prefix.is_empty() {
                    name.as_str()
                } else {
                    name.strip_prefix(&prefix)?.strip_prefix('/')?
                };
                (picture.size.x > 0.0).then(|| (name.to_owned(), picture.size.y / picture.size.x))
            })
            .collect()
    }

    fn apply_settings(&mut self, ctx: &Context) {
        let theme = match self.settings.theme {
            Theme::Dark => egui::ThemePreference::Dark,
            Theme::Light => egui::ThemePreference::Light,
            Theme::System => egui::ThemePreference::System,
        };
        if ctx.options(|o| o.theme_preference) != theme {
            ctx.set_theme(theme);
        }
        if (self.scale_now - self.settings.scale).abs() > 1e-3 {
            self.scale_now = self.settings.scale;
            ctx.set_zoom_factor(self.settings.scale);
        }
        self.settings.snap = self.canvas.snap;
        self.settings.minimap = self.canvas.minimap;
    }

    /// Everything that goes on by itself: checking, keeping, running on a change.
    fn tend(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        let state = self.doc.state();
        let meaning = self.doc.changes(Touched::Values);
        let base = self.base();
        self.shelf.base.clone_from(&base);
        // While a value is being dragged, the check waits for it to rest.
        if self.doc.root().nodes.is_empty() {
            self.checker.reset();
        } else if matches!(self.canvas.gesture, crate::canvas::Gesture::Idle) {
            self.checker.check(meaning, self.batch.items().is_some(), || self.doc.to_graph(), base);
        }
        let rested = match self.changed_at {
            Some((seen, at)) if seen == meaning => now - at >= REST,
            _ => {
                let first = self.changed_at.is_none();
                self.changed_at = Some((meaning, if first { f64::NEG_INFINITY } else { now }));
                self.needs_run = (!first).then_some(meaning);
                false
            }
        };
        if self.settings.auto_run && self.needs_run == Some(meaning) {
            if rested {
                self.needs_run = None;
                self.run(ctx, act::What::Everything, true);
            } else {
                ctx.request_repaint_after(std::time::Duration::from_millis(60));
            }
        }
        if self.is_dirty() {
            if now - self.kept_at >= KEEP_EVERY {
                self.kept_at = now;
                if let Some(keeper) = &mut self.keeper
                    && let Err(why) = keeper.keep(&self.doc, self.path.as_deref())
                {
                    self.toast = Some((format!("Unsaved work cannot be kept: {why}"), now));
                }
            } else if self.kept_state != Some(state) {
                ctx.request_repaint_after(std::time::Duration::from_secs_f64(KEEP_EVERY));
                self.kept_state = Some(state);
            }
        }
        if self.settings != self.written {
            self.written = self.settings.clone();
            if let Some(data) = &self.data
                && let Err(why) = self.settings.save(&data.join("settings.json"))
            {
                self.toast = Some((format!("Settings cannot be kept: {why}"), now));
            }
        }
    }

    fn show_toast(&mut self, ctx: &Context, window: Rect) {
        let Some((words, since)) = self.toast.clone() else { return };
        let now = ctx.input(|i| i.time);
        if now - since > 6.0 {
            self.toast = None;
            return;
        }
        ctx.request_repaint_after(std::time::Duration::from_millis(500));
        let look = look::Look::of(ctx);
        egui::Area::new(egui::Id::new("toast"))
            .order(egui::Order::Tooltip)
            .fixed_pos(egui::pos2(window.center().x, window.bottom() - 28.0))
            .pivot(egui::Align2::CENTER_BOTTOM)
            .show(ctx, |ui| {
                egui::Frame::popup(ui.style()).inner_margin(egui::Margin::symmetric(16, 10)).show(ui, |ui| {
                    ui.set_max_width(560.0);
                    ui.label(egui::RichText::new(words).color(look.text));
                });
            });
    }

    fn show_over(&mut self, ctx: &Context) {
        match std::mem::take(&mut self.over) {
            Over::None => {}
            Over::Commands(search) => self.show_commands(ctx, search),
            Over::Nodes(palette) => self.show_palette(ctx, palette),
            Over::Templates => self.show_templates(ctx),
            Over::Settings(page) => self.show_settings(ctx, page),
            Over::Files(dialog) => self.show_files(ctx, dialog),
            Over::Viewer(viewer) => self.show_viewer(ctx, viewer),
            Over::Leave(then) => self.show_leave(ctx, then),
        }
    }

    /// Runs a command as if its keys were pressed.
    pub fn command(&mut self, ctx: &Context, command: Command) {
        self.obey(ctx, command);
    }
}

/// The part of a map that is about the inside of a node, by the names it has there.
fn inside<T: Clone>(all: &BTreeMap<String, T>, prefix: &str) -> BTreeMap<String, T> {
    let from = format!("{prefix}/");
    all.range(from.clone()..)
        .take_while(|(name, _)| name.starts_with(&from))
        .map(|(name, one)| (name[from.len()..].to_owned(), one.clone()))
        .collect()
}

impl std::fmt::Debug for Studio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Studio")
            .field("path", &self.path)
            .field("canvas", &self.canvas)
            .finish_non_exhaustive()
    }
}
