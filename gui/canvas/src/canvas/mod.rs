//! The canvas itself: camera, pointer, selection and drawing over a scene.

mod access;
mod camera;
mod far;
mod gesture;
pub mod hit;
mod lights;
mod minimap;
mod node;
mod paint;
pub mod wire;

pub use camera::{Camera, ZOOM};
pub use gesture::{Asked, Gesture, Pointer, roll, whole};
pub use hit::Hit;
pub use lights::{Lights, Picture, State, Status};

use crate::model::clip::Selection;
use crate::model::edit::{Edit, Entry};
use crate::model::literal;
use crate::model::step::name_for;
use crate::model::view::Spot;
use crate::model::{Area, Document, Scope, Token};
use crate::scene::{Pin, Scene, area_of};
use egui::{Modifiers, Pos2, Rect, Vec2, pos2, vec2};
use kiln_core::document::{Lit, Mode, Node};
use kiln_core::{Kind, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// The grid's width.
pub const GRID: f32 = 24.0;

/// What moved nodes line up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Snap {
    /// Nothing.
    Off,
    /// The grid.
    Grid,
    /// The edges of what is near.
    #[default]
    Neighbours,
}

/// A view on one graph of a document.
#[derive(Debug)]
pub struct Canvas {
    /// Which graph.
    pub scope: Scope,
    /// What of it is looked at.
    pub camera: Camera,
    /// What is drawn.
    pub scene: Scene,
    /// What is selected.
    pub selection: Selection,
    /// The selected wire: its end, and which of its links.
    pub wire: Option<(Pin, usize)>,
    /// What the pointer does.
    pub gesture: Gesture,
    /// What is under it.
    pub hover: Hit,
    /// What moved nodes line up with.
    pub snap: Snap,
    /// Whether the small map is shown.
    pub minimap: bool,
    /// Where the menu was asked for, on the plane.
    pub menu_at: Pos2,
    /// The window's part that the canvas has.
    pub window: Rect,
    guides: Vec<(bool, f32)>,
    bases: BTreeMap<String, Pos2>,
    tokens: u64,
    gesture_token: Option<Token>,
    far: far::Cache,
    fitted: bool,
    cameras: BTreeMap<Scope, Camera>,
}

impl Default for Canvas {
    fn default() -> Self {
        Self::new()
    }
}

impl Canvas {
    /// A canvas on the outermost graph.
    #[must_use]
    pub fn new() -> Self {
        Self {
            scope: Scope::new(),
            camera: Camera::default(),
            scene: Scene::default(),
            selection: Selection::default(),
            wire: None,
            gesture: Gesture::Idle,
            hover: Hit::Plane,
            snap: Snap::default(),
            minimap: true,
            menu_at: Pos2::ZERO,
            window: Rect::from_min_size(Pos2::ZERO, vec2(1200.0, 800.0)),
            guides: Vec::new(),
            bases: BTreeMap::new(),
            tokens: 0,
            gesture_token: None,
            far: far::Cache::default(),
            fitted: false,
            cameras: BTreeMap::new(),
        }
    }

    /// A token of its own.
    pub fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    /// Brings the scene up to date.
    pub fn refresh(&mut self, doc: &Document, registry: &Registry) {
        if doc.graph(&self.scope).is_none() {
            self.scope.clear();
        }
        if !matches!(self.gesture, Gesture::Idle | Gesture::Press { .. } | Gesture::Scrub { .. }) {
            return;
        }
        if self.scene.refresh(doc, &self.scope, registry) {
            self.selection.retain(doc, &self.scope);
            if self.wire.is_some_and(|(to, nth)| !self.scene.wires.iter().any(|w| (w.to, w.nth) == (to, nth)))
            {
                self.wire = None;
            }
            self.bases = self.scene.nodes.iter().map(|s| (s.name.clone(), s.at)).collect();
            self.far.clear();
        }
    }

    /// Shows another graph of the document.
    pub fn enter(&mut self, scope: Scope) {
        if scope == self.scope {
            return;
        }
        self.cameras.insert(std::mem::take(&mut self.scope), self.camera);
        self.selection = Selection::default();
        self.wire = None;
        self.gesture = Gesture::Idle;
        match self.cameras.get(&scope) {
            Some(camera) => self.camera = *camera,
            None => self.fitted = false,
        }
        self.scope = scope;
        self.scene.forget();
    }

    /// Forgets everything about the document that was shown.
    pub fn reset(&mut self) {
        let (snap, minimap, window) = (self.snap, self.minimap, self.window);
        *self = Self { snap, minimap, window, ..Self::new() };
    }

    /// Looks at everything, or at what is selected.
    pub fn fit(&mut self, doc: &Document) {
        let picked: Vec<Rect> =
            self.selection.nodes.iter().filter_map(|n| Some(self.scene.node(n)?.rect())).collect();
        let area =
            picked.into_iter().reduce(|a, b| a.union(b)).or_else(|| self.scene.bounds(doc, &self.scope));
        if let Some(area) = area {
            self.camera.fit(self.window, area);
        }
    }

    /// Looks at a node.
    pub fn show_node(&mut self, name: &str) {
        if let Some(shape) = self.scene.node(name) {
            self.camera.glide_to(shape.rect().center(), self.camera.zoom.max(0.8));
            self.selection = Selection::node(name);
        }
    }

    /// Adds a node; wires it to a pin if one is given and it fits.
    pub fn add_node(
        &mut self,
        doc: &mut Document,
        registry: &Registry,
        ty: &str,
        at: Pos2,
        pin: Option<Pin>,
    ) -> Option<String> {
        let schema = registry.get(ty)?.schema();
        let ports = crate::model::ports::Ports::of_schema(schema);
        let given = pin.and_then(|pin| self.scene.takes(pin));
        // Of a new node, the pin that fits best is where the wire ends.
        let joint = pin.zip(given).and_then(|(pin, given)| {
            if pin.is_out() {
                let input = crate::model::wiring::best(ports.inputs.iter(), |p| {
                    crate::model::wiring::fit(&given, &p.ty)
                });
                let row = input.and_then(|i| ports.inputs.iter().position(|p| p == i));
                let name = input.map(|i| (i.name.to_string(), i.many)).or_else(|| {
                    let fits = |p: &kiln_core::Param| crate::model::wiring::fit(&given, &p.kind.ty());
                    crate::model::wiring::best(ports.params.iter(), fits).map(|p| (p.name.to_owned(), false))
                });
                name.map(|(name, many)| (pin, name, many, 0, row.unwrap_or(0)))
            } else {
                let output = crate::model::wiring::best(ports.outputs.iter(), |p| {
                    crate::model::wiring::fit(&p.ty, &given)
                })?;
                let row = ports.outputs.iter().position(|p| p == output).unwrap_or(0);
                Some((pin, output.name.to_string(), false, output.nth, row))
            }
        });
        // The pin comes to lie where the wire was dropped.
        let shift = match &joint {
            Some((pin, .., row)) => {
                let y = crate::scene::HEADER + 6.0 + crate::scene::ROW * (*row as f32 + 0.5);
                if pin.is_out() { vec2(0.0, y) } else { vec2(crate::scene::COLUMN, y) }
            }
            None => vec2(crate::scene::COLUMN / 2.0, crate::scene::HEADER / 2.0),
        };
        let spot = whole(at - shift);
        let joint = joint.and_then(|(pin, port, many, nth, _)| {
            let shape = self.scene.nodes.get(pin.node() as usize)?;
            let other = shape.name.clone();
            let other_many = matches!(pin, Pin::In { at, .. } if shape.ports.inputs[at as usize].many);
            Some((pin, self.scene.link(pin), self.scene.pin_name(pin)?, other, port, many, other_many, nth))
        });
        let mut name = None;
        doc.step(&self.scope, &format!("Add {}", schema.title), |s| {
            let new = s.add_node(&name_for(ty), Node::new(ty), spot);
            if let Some((pin, link, pin_name, other, port, many, other_many, nth)) = joint {
                if pin.is_out() {
                    if let Some(link) = link {
                        s.connect(link, &new, &port, many);
                    }
                } else {
                    let link = kiln_core::document::Link { node: new.clone(), port, nth };
                    s.connect(link, &other, &pin_name, other_many);
                }
            }
            name = Some(new);
        });
        self.refresh(doc, registry);
        if let Some(name) = &name {
            self.selection = Selection::node(name.clone());
        }
        name
    }

    /// Deletes what is selected: things, or else a wire.
    pub fn delete(&mut self, doc: &mut Document) {
        if self.selection.is_empty() {
            let end = self.wire.take().and_then(|(to, nth)| self.end(to, nth));
            if let Some((node, input, nth)) = end {
                doc.step(&self.scope, "Cut a wire", |s| s.disconnect(&node, &input, nth));
            }
            return;
        }
        let selection = std::mem::take(&mut self.selection);
        let name = match selection.len() {
            1 => "Delete".to_owned(),
            n => format!("Delete {n} things"),
        };
        doc.step(&self.scope, &name, |s| {
            s.remove_nodes(&selection.nodes);
            for name in &selection.groups {
                s.edit(Edit::Group(Entry::gone(name.clone())));
            }
            for name in &selection.notes {
                s.edit(Edit::Note(Entry::gone(name.clone())));
            }
        });
    }

    /// Deletes nodes, joining what went through them.
    pub fn delete_and_join(&mut self, doc: &mut Document, registry: &Registry) {
        let names = std::mem::take(&mut self.selection).nodes;
        doc.step(&self.scope, "Take out", |s| {
            for name in &names {
                s.pull_out(registry, name);
            }
            s.remove_nodes(&names);
        });
    }

    /// Mutes or bypasses what is selected, or wakes it again.
    pub fn toggle_mode(&mut self, doc: &mut Document, mode: Mode) {
        let name = if mode == Mode::Muted { "Mute" } else { "Bypass" };
        let nodes = self.selection.nodes.clone();
        doc.step(&self.scope, name, |s| s.toggle_mode(&nodes, mode));
    }

    /// Folds what is selected, or unfolds it.
    pub fn toggle_collapsed(&mut self, doc: &mut Document) {
        let nodes = self.selection.nodes.clone();
        doc.step(&self.scope, "Fold", |s| s.toggle_collapsed(&nodes));
    }

    /// Puts a frame around what is selected.
    pub fn group(&mut self, doc: &mut Document) -> Option<String> {
        let rects = self.selection.nodes.iter().filter_map(|n| Some(self.scene.node(n)?.rect()));
        let notes = doc.view(&self.scope).notes.iter();
        let notes = notes
            .filter(|(n, _)| self.selection.notes.contains(*n))
            .map(|(_, n)| crate::scene::rect_of(n.area));
        let around = rects.chain(notes).reduce(|a, b| a.union(b))?;
        let area = Rect::from_min_max(
            around.min - vec2(20.0, 20.0 + hit::GROUP_TITLE),
            around.max + vec2(20.0, 20.0),
        );
        let tint = (doc.view(&self.scope).groups.len() % 6) as u8;
        let mut name = None;
        doc.step(&self.scope, "Group", |s| name = Some(s.add_group("Group", area_of(area), tint)));
        if let Some(name) = &name {
            self.selection = Selection { groups: [name.clone()].into(), ..Selection::default() };
        }
        name
    }

    /// Lays a note down.
    pub fn note(&mut self, doc: &mut Document, at: Pos2) -> Option<String> {
        let area = Area { at: whole(at), size: Spot::new(220.0, 120.0) };
        let mut name = None;
        doc.step(&self.scope, "Note", |s| name = Some(s.add_note("", area, 2)));
        if let Some(name) = &name {
            self.selection = Selection { notes: [name.clone()].into(), ..Selection::default() };
        }
        name
    }

    /// Lays out what is selected, or everything.
    pub fn arrange(&mut self, doc: &mut Document) {
        let chosen: Vec<usize> = if self.selection.nodes.len() > 1 {
            let names = self.selection.nodes.iter();
            names.filter_map(|n| self.scene.find(n)).map(|n| n as usize).collect()
        } else {
            (0..self.scene.nodes.len()).collect()
        };
        let mut chosen = chosen;
        chosen.sort_unstable();
        let old = chosen.iter().map(|at| self.scene.nodes[*at].at).reduce(|a, b| a.min(b));
        let Some(corner) = old else { return };
        let spots = self.scene.arranged(&chosen);
        let moves: Vec<(String, Spot)> = chosen
            .iter()
            .zip(spots)
            .map(|(at, spot)| {
                let to = pos2(spot.x as f32, spot.y as f32) + corner.to_vec2();
                (self.scene.nodes[*at].name.clone(), whole(to))
            })
            .collect();
        let keys: Vec<String> = self
            .scene
            .wires
            .iter()
            .filter(|w| !w.via.is_empty() && chosen.contains(&(w.to.node() as usize)))
            .filter_map(|w| self.scene.wire_key(w))
            .collect();
        doc.step(&self.scope, "Arrange", |s| {
            for (name, to) in moves {
                s.edit(Edit::Position(Entry::set(name, to)));
            }
            for key in keys {
                s.edit(Edit::Reroute(Entry::gone(key)));
            }
        });
    }

    /// Everything the selected nodes need, or everything that needs them.
    pub fn select_along(&mut self, upstream: bool) {
        let mut todo: Vec<u32> = self.selection.nodes.iter().filter_map(|n| self.scene.find(n)).collect();
        let mut seen: BTreeSet<u32> = todo.iter().copied().collect();
        while let Some(node) = todo.pop() {
            for wire in &self.scene.at_node[node as usize] {
                let wire = &self.scene.wires[*wire as usize];
                let (here, there) = if upstream {
                    (wire.to.node(), wire.from.node())
                } else {
                    (wire.from.node(), wire.to.node())
                };
                if here == node && seen.insert(there) {
                    todo.push(there);
                }
            }
        }
        self.selection.nodes = seen.into_iter().map(|n| self.scene.nodes[n as usize].name.clone()).collect();
    }

    fn begin_scrub(&mut self, doc: &Document, node: u32, at: usize, from: Pos2, now: Pos2) -> Gesture {
        let _ = now;
        let shape = &self.scene.nodes[node as usize];
        let value = doc.graph(&self.scope).and_then(|g| g.nodes.get(&shape.name)).and_then(|n| {
            match shape.ports.params.get(at)?.kind {
                Kind::Int { .. } | Kind::Float { .. } => literal::as_number(shape.ports.value(n, at)?),
                _ => None,
            }
        });
        let token = self.token();
        match value {
            // The place in the window is what counts: a drag is as long at every zoom.
            Some(value) => {
                let from = self.camera.to_screen(self.window, from);
                Gesture::Scrub { node, at, from, value, token }
            }
            None => {
                let what = self.selection.clone();
                Gesture::Move { from, by: Vec2::ZERO, what, into: None }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a drag has a beginning, a length and a manner")]
    fn scrub(
        &mut self,
        doc: &mut Document,
        node: u32,
        at: usize,
        start: f64,
        dx: f32,
        keys: Modifiers,
        token: Token,
    ) {
        let Some(shape) = self.scene.nodes.get(node as usize) else { return };
        let Some(param) = shape.ports.params.get(at) else { return };
        let pace = if keys.shift { 0.1 } else { 1.0 };
        let lit = match param.kind {
            Kind::Int { min, max, step } => {
                let steps = (f64::from(dx) / 6.0 * pace).round();
                let value = start + steps * step.max(1) as f64;
                Lit::Int((value as i64).clamp(min, max).into())
            }
            Kind::Float { min, max, step } => {
                let steps = (f64::from(dx) / 3.0 * pace).round();
                // Numbers stay on the steps they are on.
                let value = ((start + steps * step) / (step * 0.1)).round() * (step * 0.1);
                let value = format!("{value:.6}").parse().unwrap_or(value);
                literal::number(f64::clamp(value, min, max))
            }
            _ => return,
        };
        let name = param.name;
        let scope = self.scope.clone();
        let many: Vec<String> = self.alike(&shape.name.clone());
        doc.step_on(&scope, &format!("Set {name}"), token, |s| {
            many.iter().for_each(|node| s.set_param(node, name, Some(lit.clone())));
        });
    }

    /// A node, and the selected ones of its type if it is one of them: they are edited together.
    #[must_use]
    pub fn alike(&self, name: &str) -> Vec<String> {
        if !self.selection.nodes.contains(name) {
            return vec![name.to_owned()];
        }
        let ty = self.scene.node(name).map(|s| (&s.ty, &s.definition));
        self.selection
            .nodes
            .iter()
            .filter(|n| self.scene.node(n).map(|s| (&s.ty, &s.definition)) == ty)
            .cloned()
            .collect()
    }

    /// Sets a parameter of a node, and of the selected ones of its type.
    pub fn set_param(&mut self, doc: &mut Document, node: &str, param: &str, value: Option<&Lit>) {
        let many = self.alike(node);
        doc.step(&self.scope, &format!("Set {param}"), |s| {
            many.iter().for_each(|node| s.set_param(node, param, value.cloned()));
        });
    }
}
