//! What the pointer does, as a machine that can be tested without a window: it is told where the pointer is and
//! which buttons are down, and changes the document, the selection and the camera.

use super::hit::{Hit, hit};
use super::{Canvas, Snap};
use crate::model::clip::Selection;
use crate::model::edit::{Edit, Entry};
use crate::model::literal;
use crate::model::view::Spot;
use crate::model::{Document, Token};
use crate::scene::{Pin, area_of, rect_of};
use egui::{Modifiers, Pos2, Rect, Vec2, vec2};
use kiln_core::document::{Link, Lit};
use kiln_core::{Kind, Registry};

/// How far the pointer moves before a press is a drag, in points of the window.
const DRAG: f32 = 4.0;

/// What the pointer does now.
#[derive(Clone, Debug, Default)]
pub enum Gesture {
    /// Nothing.
    #[default]
    Idle,
    /// It went down on something and has not moved yet.
    Press {
        /// On what.
        on: Hit,
        /// Where, on the plane.
        at: Pos2,
        /// With which keys.
        keys: Modifiers,
        /// What a click would select was selected already.
        was_selected: bool,
    },
    /// It moves the plane.
    Pan,
    /// It moves what is selected.
    Move {
        /// From where, on the plane.
        from: Pos2,
        /// How far.
        by: Vec2,
        /// What moves along.
        what: Selection,
        /// The wire that the node would be put into when dropped here.
        into: Option<u32>,
    },
    /// It draws a box around what is to be selected.
    Box {
        /// From where, on the plane.
        from: Pos2,
        /// To where.
        to: Pos2,
        /// What was selected before stays so.
        before: Selection,
    },
    /// It draws a wire.
    Wire {
        /// From which pin.
        from: Pin,
        /// To where, on the plane.
        to: Pos2,
        /// The end that it was taken from.
        taken: Option<(Pin, usize)>,
        /// The pin it would end at.
        over: Option<Pin>,
    },
    /// It turns a number.
    Scrub {
        /// The node's place.
        node: u32,
        /// The parameter's place.
        at: usize,
        /// Where it began.
        from: Pos2,
        /// The number then.
        value: f64,
        /// All of it is one step.
        token: Token,
    },
    /// It changes a size.
    Resize {
        /// Of what.
        on: Hit,
        /// The rectangle at the beginning.
        start: Rect,
        /// Where it began.
        from: Pos2,
        /// How far.
        by: Vec2,
    },
    /// It moves a point of a wire.
    Reroute {
        /// The wire's key.
        key: String,
        /// Which point.
        point: usize,
        /// Where it is now.
        to: Pos2,
    },
}

/// What is asked of the window after the pointer did something.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// The palette at a place, for what fits a pin.
    Palette {
        /// Where, on the plane.
        at: Pos2,
        /// The pin that the new node is to be wired to.
        pin: Option<Pin>,
    },
    /// An editor for a parameter.
    EditParam {
        /// The node.
        node: String,
        /// The parameter's place.
        at: usize,
    },
    /// An editor for a node's title.
    EditTitle(String),
    /// An editor for a group's title.
    EditGroup(String),
    /// An editor for a note.
    EditNote(String),
    /// The inside of a subgraph.
    Enter(String),
    /// The picture of a node, large.
    Look(String),
    /// The menu of what is under the pointer.
    Menu(Hit),
}

/// The pointer at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pointer {
    /// Where it is in the window.
    pub at: Option<Pos2>,
    /// The first button went down.
    pub pressed: bool,
    /// The first button is down.
    pub down: bool,
    /// The first button went up.
    pub released: bool,
    /// It went down twice.
    pub double: bool,
    /// The middle button is down, or the space bar with the first.
    pub panning: bool,
    /// The second button was clicked.
    pub menu: bool,
    /// How far it moved since the last time, in the window.
    pub moved: Vec2,
    /// Keys that are held.
    pub keys: Modifiers,
}

impl Canvas {
    /// Tells the canvas what the pointer did.
    pub fn pointer(&mut self, doc: &mut Document, registry: &Registry, p: Pointer) -> Option<Asked> {
        let window = self.window;
        let Some(screen) = p.at else {
            if !p.down {
                self.hover = Hit::Plane;
            }
            return None;
        };
        let at = self.camera.to_plane(window, screen);
        if matches!(self.gesture, Gesture::Idle) {
            self.hover = hit(&self.scene, doc.view(&self.scope), at, self.camera.zoom);
        }
        if p.menu {
            self.menu_at = at;
            return Some(Asked::Menu(self.hover.clone()));
        }
        if p.panning {
            if matches!(self.gesture, Gesture::Idle | Gesture::Press { .. } | Gesture::Pan) {
                self.gesture = Gesture::Pan;
                self.camera.pan(p.moved);
            }
            return None;
        }
        if matches!(self.gesture, Gesture::Pan) {
            self.gesture = Gesture::Idle;
        }
        if p.double && matches!(self.gesture, Gesture::Idle | Gesture::Press { .. }) {
            self.gesture = Gesture::Idle;
            return self.double(doc, at);
        }
        if p.pressed && matches!(self.gesture, Gesture::Idle) {
            self.press(doc, at, p.keys);
        }
        if p.down {
            self.drag(doc, registry, at, screen, p);
        }
        if p.released {
            return self.release(doc, registry, at);
        }
        None
    }

    /// Gives up what the pointer does; the document is as it was.
    pub fn cancel_gesture(&mut self) -> bool {
        let was = std::mem::take(&mut self.gesture);
        self.scene.forget();
        !matches!(was, Gesture::Idle)
    }

    fn double(&mut self, doc: &Document, at: Pos2) -> Option<Asked> {
        match self.hover.clone() {
            Hit::Plane => Some(Asked::Palette { at, pin: None }),
            Hit::Node(node) | Hit::Fold(node) => {
                let shape = self.scene.nodes.get(node as usize)?;
                let inner = shape.definition.as_ref().and_then(|d| doc.scope_of(&self.scope, d));
                match (inner, shape.own) {
                    (Some(_), _) => Some(Asked::Enter(shape.name.clone())),
                    (None, None) => Some(Asked::EditTitle(shape.name.clone())),
                    (None, Some(_)) => None,
                }
            }
            Hit::Preview(node) => Some(Asked::Look(self.scene.nodes.get(node as usize)?.name.clone())),
            Hit::Param { node, at } => {
                let node = self.scene.nodes.get(node as usize)?.name.clone();
                Some(Asked::EditParam { node, at })
            }
            Hit::Group(name) => Some(Asked::EditGroup(name)),
            Hit::Note(name) => Some(Asked::EditNote(name)),
            Hit::Wire { .. } | Hit::Reroute { .. } => None,
            _ => None,
        }
    }

    fn press(&mut self, doc: &Document, at: Pos2, keys: Modifiers) {
        let on = self.hover.clone();
        let selected = match &on {
            Hit::Node(n) | Hit::Fold(n) | Hit::Preview(n) => {
                self.scene.nodes.get(*n as usize).is_some_and(|s| self.selection.nodes.contains(&s.name))
            }
            Hit::Group(name) => self.selection.groups.contains(name),
            Hit::Note(name) => self.selection.notes.contains(name),
            _ => false,
        };
        let many = keys.shift || keys.command;
        if let Some(one) = self.selectable(&on) {
            if many {
                toggle(&mut self.selection, &one);
            } else if !selected {
                self.selection = one;
            }
            self.wire = None;
        } else if let Hit::Param { node, .. } = &on {
            if let Some(shape) = self.scene.nodes.get(*node as usize)
                && !self.selection.nodes.contains(&shape.name)
            {
                self.selection = Selection::node(shape.name.clone());
            }
        } else if let Hit::Wire { wire, .. } = &on {
            self.wire = self.scene.wires.get(*wire as usize).map(|w| (w.to, w.nth));
            self.selection = Selection::default();
        }
        let _ = doc;
        self.gesture = Gesture::Press { on, at, keys, was_selected: selected };
    }

    /// What a press on something selects.
    fn selectable(&self, on: &Hit) -> Option<Selection> {
        match on {
            Hit::Node(n) | Hit::Fold(n) | Hit::Preview(n) => {
                let shape = self.scene.nodes.get(*n as usize)?;
                Some(Selection::node(shape.name.clone()))
            }
            Hit::Group(name) | Hit::GroupCorner(name) => {
                Some(Selection { groups: [name.clone()].into(), ..Selection::default() })
            }
            Hit::Note(name) | Hit::NoteCorner(name) => {
                Some(Selection { notes: [name.clone()].into(), ..Selection::default() })
            }
            _ => None,
        }
    }

    fn drag(&mut self, doc: &mut Document, registry: &Registry, at: Pos2, screen: Pos2, p: Pointer) {
        let zoom = self.camera.zoom;
        let gesture = std::mem::take(&mut self.gesture);
        self.gesture = match gesture {
            Gesture::Press { on, at: from, keys, was_selected } => {
                if (at - from).length() * zoom < DRAG {
                    Gesture::Press { on, at: from, keys, was_selected }
                } else {
                    self.begin(doc, on, from, at, keys)
                }
            }
            Gesture::Move { from, what, .. } => {
                let mut by = at - from;
                self.guides.clear();
                if !p.keys.alt {
                    by = self.snapped(&what, by);
                }
                let into = self.droppable(registry, &what, at);
                Gesture::Move { from, by, what, into }
            }
            Gesture::Box { from, before, .. } => {
                let area = Rect::from_two_pos(from, at);
                let mut now = before.clone();
                let hit = self.scene.nodes.iter().filter(|s| s.rect().intersects(area));
                now.nodes.extend(hit.map(|s| s.name.clone()));
                let view = doc.view(&self.scope);
                let inside = |a: &crate::model::Area| area.contains_rect(rect_of(*a));
                now.groups.extend(view.groups.iter().filter(|g| inside(&g.1.area)).map(|g| g.0.clone()));
                now.notes.extend(
                    view.notes.iter().filter(|n| area.intersects(rect_of(n.1.area))).map(|n| n.0.clone()),
                );
                self.selection = now;
                Gesture::Box { from, to: at, before }
            }
            Gesture::Wire { from, taken, .. } => {
                let over = self.landing(from, at);
                Gesture::Wire { from, to: at, taken, over }
            }
            Gesture::Scrub { node, at: param, from, value, token } => {
                self.scrub(doc, node, param, value, screen.x - from.x, p.keys, token);
                Gesture::Scrub { node, at: param, from, value, token }
            }
            Gesture::Resize { on, start, from, .. } => Gesture::Resize { on, start, from, by: at - from },
            Gesture::Reroute { key, point, .. } => Gesture::Reroute { key, point, to: at },
            other => other,
        };
        self.show_gesture(doc);
    }

    /// A press becomes a drag.
    fn begin(&mut self, doc: &mut Document, on: Hit, from: Pos2, at: Pos2, keys: Modifiers) -> Gesture {
        match on {
            Hit::Plane => {
                let before = if keys.shift || keys.command {
                    self.selection.clone()
                } else {
                    self.wire = None;
                    Selection::default()
                };
                Gesture::Box { from, to: at, before }
            }
            Hit::Pin(pin) => self.begin_wire(doc, pin, at, keys),
            Hit::Node(_) | Hit::Fold(_) | Hit::Preview(_) | Hit::Group(_) | Hit::Note(_) => {
                let mut what = self.selection.clone();
                let view = doc.view(&self.scope);
                // What lies within a frame moves along.
                for name in &self.selection.groups {
                    let Some(group) = view.groups.get(name) else { continue };
                    let area = rect_of(group.area);
                    let inside = self.scene.nodes.iter().filter(|s| area.contains_rect(s.rect()));
                    what.nodes.extend(inside.map(|s| s.name.clone()));
                    for (other, one) in &view.groups {
                        if other != name && area.contains_rect(rect_of(one.area)) {
                            what.groups.insert(other.clone());
                        }
                    }
                    let notes = view.notes.iter().filter(|n| area.contains_rect(rect_of(n.1.area)));
                    what.notes.extend(notes.map(|n| n.0.clone()));
                }
                Gesture::Move { from, by: at - from, what, into: None }
            }
            Hit::Param { node, at: param } => self.begin_scrub(doc, node, param, from, at),
            Hit::NodeEdge(node) => {
                let start = self.scene.nodes.get(node as usize).map_or(Rect::NOTHING, |s| s.rect());
                Gesture::Resize { on: Hit::NodeEdge(node), start, from, by: at - from }
            }
            Hit::GroupCorner(name) => {
                let start = doc.view(&self.scope).groups.get(&name).map(|g| rect_of(g.area));
                let start = start.unwrap_or(Rect::NOTHING);
                Gesture::Resize { on: Hit::GroupCorner(name), start, from, by: at - from }
            }
            Hit::NoteCorner(name) => {
                let start = doc.view(&self.scope).notes.get(&name).map(|n| rect_of(n.area));
                let start = start.unwrap_or(Rect::NOTHING);
                Gesture::Resize { on: Hit::NoteCorner(name), start, from, by: at - from }
            }
            Hit::Reroute { wire, point } => {
                let key = self.scene.wires.get(wire as usize).and_then(|w| self.scene.wire_key(w));
                match key {
                    Some(key) => Gesture::Reroute { key, point, to: at },
                    None => Gesture::Idle,
                }
            }
            Hit::Wire { wire, piece } => {
                // Pulling at a wire gives it a point to go through.
                let found = self.scene.wires.get(wire as usize);
                let Some((key, mut points)) = found.and_then(|w| {
                    let spots: Vec<Spot> =
                        w.via.iter().map(|p| Spot::new(f64::from(p.x), f64::from(p.y))).collect();
                    Some((self.scene.wire_key(w)?, spots))
                }) else {
                    return Gesture::Idle;
                };
                points.insert(piece.min(points.len()), whole(at));
                let token = self.token();
                doc.step_on(&self.scope, "Bend a wire", token, |s| {
                    s.edit(Edit::Reroute(Entry::set(key.clone(), points)));
                });
                self.gesture_token = Some(token);
                Gesture::Reroute { key, point: piece, to: at }
            }
        }
    }

    fn begin_wire(&mut self, doc: &Document, pin: Pin, at: Pos2, keys: Modifiers) -> Gesture {
        let _ = doc;
        // A wire is pulled off the input it ends at, unless a key says that a new one is wanted.
        if !pin.is_out() && !keys.command {
            let last = self.scene.wires.iter().rev().find(|w| w.to == pin);
            if let Some(wire) = last {
                return Gesture::Wire { from: wire.from, to: at, taken: Some((pin, wire.nth)), over: None };
            }
        }
        Gesture::Wire { from: pin, to: at, taken: None, over: None }
    }

    /// The pin that a wire from `from` would end at if it were dropped here.
    #[must_use]
    pub fn landing(&self, from: Pin, at: Pos2) -> Option<Pin> {
        let reach = 22.0 / self.camera.zoom.min(1.0);
        let mut best: Option<(f32, Pin)> = None;
        for (number, shape) in self.scene.nodes.iter().enumerate() {
            if number as u32 == from.node() || !shape.rect().expand(reach).contains(at) {
                continue;
            }
            for pin in super::hit::pins(&self.scene, number as u32) {
                if pin.is_out() == from.is_out() || !self.joins(from, pin) {
                    continue;
                }
                let mut d = (shape.pin_at(pin) - at).length();
                // Anywhere in its row will do.
                let row = (shape.pin_at(pin).y - at.y).abs() < 12.0 && shape.rect().contains(at);
                if row {
                    d = d.min(reach * 0.9);
                }
                if d <= reach && best.is_none_or(|(b, _)| d < b) {
                    best = Some((d, pin));
                }
            }
        }
        if best.is_none() {
            // Dropped on a node: the first of its pins that fits.
            let over = self
                .scene
                .nodes
                .iter()
                .enumerate()
                .rev()
                .find(|(n, s)| *n as u32 != from.node() && s.rect().contains(at))?;
            let node = over.0 as u32;
            let given = self.scene.takes(from)?;
            let pins: Vec<Pin> = super::hit::pins(&self.scene, node)
                .filter(|pin| pin.is_out() != from.is_out() && self.joins(from, *pin))
                .collect();
            return crate::model::wiring::best(pins.iter(), |pin| {
                let ty = self.scene.takes(*pin)?;
                let fit = if from.is_out() {
                    crate::model::wiring::fit(&given, &ty)
                } else {
                    crate::model::wiring::fit(&ty, &given)
                }?;
                let free = match pin {
                    Pin::In { at, .. } => !over.1.linked_inputs[*at as usize],
                    Pin::Param { .. } => false,
                    Pin::Out { .. } => true,
                };
                Some(fit * 2 + u8::from(!free))
            })
            .copied();
        }
        best.map(|(_, pin)| pin)
    }

    /// Whether a wire between two pins would make sense: types fit, and it closes no circle.
    #[must_use]
    pub fn joins(&self, a: Pin, b: Pin) -> bool {
        let (from, to) = if a.is_out() { (a, b) } else { (b, a) };
        let (Some(given), Some(wanted)) = (self.scene.takes(from), self.scene.takes(to)) else {
            return false;
        };
        crate::model::wiring::fits(&given, &wanted) && !self.scene.feeds(to.node(), from.node())
    }

    fn release(&mut self, doc: &mut Document, registry: &Registry, at: Pos2) -> Option<Asked> {
        let gesture = std::mem::take(&mut self.gesture);
        self.guides.clear();
        if !matches!(gesture, Gesture::Reroute { .. }) {
            doc.settle();
        }
        match gesture {
            Gesture::Press { on, keys, was_selected, .. } => self.click(doc, &on, at, keys, was_selected),
            Gesture::Move { by, what, into, .. } => {
                self.drop_moved(doc, registry, by, &what, into);
                None
            }
            Gesture::Wire { from, taken, over, .. } => self.drop_wire(doc, registry, from, taken, over, at),
            Gesture::Resize { on, start, by, .. } => {
                self.resized(doc, &on, start, by);
                None
            }
            Gesture::Reroute { key, point, to } => {
                let mut points = doc.view(&self.scope).reroutes.get(&key).cloned()?;
                *points.get_mut(point)? = whole(to);
                let token = self.gesture_token.take().unwrap_or_else(|| self.token());
                doc.step_on(&self.scope, "Bend a wire", token, |s| {
                    s.edit(Edit::Reroute(Entry::set(key, points)));
                });
                doc.settle();
                None
            }
            _ => None,
        }
    }

    fn click(&mut self, doc: &mut Document, on: &Hit, at: Pos2, keys: Modifiers, was: bool) -> Option<Asked> {
        let many = keys.shift || keys.command;
        match on {
            Hit::Plane => {
                if !many {
                    self.selection = Selection::default();
                    self.wire = None;
                }
                None
            }
            Hit::Fold(node) if !many => {
                let name = self.scene.nodes.get(*node as usize)?.name.clone();
                doc.step(&self.scope, "Fold", |s| s.toggle_collapsed([&name]));
                None
            }
            Hit::Param { node, at: param } => self.click_param(doc, *node, *param, at),
            Hit::Pin(pin) if keys.alt => {
                self.cut_pin(doc, *pin);
                None
            }
            Hit::Wire { .. } if keys.alt => {
                self.delete(doc);
                None
            }
            Hit::Node(_) | Hit::Preview(_) | Hit::Group(_) | Hit::Note(_) if was && !many => {
                self.selection = self.selectable(on)?;
                None
            }
            _ => None,
        }
    }

    /// A click on a value: switches turn, dice roll, everything else asks for an editor.
    fn click_param(&mut self, doc: &mut Document, node: u32, param: usize, at: Pos2) -> Option<Asked> {
        let shape = self.scene.nodes.get(node as usize)?;
        let (name, right) = (shape.name.clone(), shape.rect().right() - at.x);
        let what = shape.ports.params.get(param)?;
        let value = doc.graph(&self.scope)?.nodes.get(&name).and_then(|n| shape.ports.value(n, param));
        let lit = match (&what.kind, value) {
            (Kind::Bool, value) => Some(Lit::Bool(value != Some(&Lit::Bool(true)))),
            (Kind::Seed, value) => {
                let (seed, held) = value.and_then(literal::as_seed).unwrap_or_default();
                if right < super::node::DIE {
                    Some(literal::seed(roll(seed), held))
                } else if right < super::node::LOCK {
                    Some(literal::seed(seed, !held))
                } else {
                    None
                }
            }
            _ => None,
        };
        let Some(lit) = lit else { return Some(Asked::EditParam { node: name, at: param }) };
        let what = what.name;
        self.set_param(doc, &name, what, Some(&lit));
        None
    }

    /// Takes every wire off a pin.
    pub fn cut_pin(&mut self, doc: &mut Document, pin: Pin) {
        let mut ends: Vec<(String, String, usize)> = self
            .scene
            .wires
            .iter()
            .filter(|w| w.from == pin || w.to == pin)
            .filter_map(|w| self.end(w.to, w.nth))
            .collect();
        ends.reverse();
        doc.step(&self.scope, "Cut wires", |s| {
            ends.iter().for_each(|(node, input, nth)| s.disconnect(node, input, *nth));
        });
    }

    /// The names of a wire's end.
    #[must_use]
    pub fn end(&self, to: Pin, nth: usize) -> Option<(String, String, usize)> {
        let node = self.scene.nodes.get(to.node() as usize)?.name.clone();
        Some((node, self.scene.pin_name(to)?, nth))
    }

    fn drop_wire(
        &mut self,
        doc: &mut Document,
        registry: &Registry,
        from: Pin,
        taken: Option<(Pin, usize)>,
        over: Option<Pin>,
        at: Pos2,
    ) -> Option<Asked> {
        let _ = registry;
        if let (Some((end, _)), Some(over)) = (taken, over)
            && end == over
        {
            return None;
        }
        let off = taken.and_then(|(end, nth)| self.end(end, nth));
        match over {
            Some(over) => {
                let (out, into) = if from.is_out() { (from, over) } else { (over, from) };
                let (link, node, input, many) = self.joint(out, into)?;
                doc.step(&self.scope, "Connect", |s| {
                    if let Some((node, input, nth)) = &off {
                        s.disconnect(node, input, *nth);
                    }
                    s.connect(link, &node, &input, many);
                });
                None
            }
            None => {
                if let Some((node, input, nth)) = off {
                    doc.step(&self.scope, "Cut a wire", |s| s.disconnect(&node, &input, nth));
                    return None;
                }
                Some(Asked::Palette { at, pin: Some(from) })
            }
        }
    }

    /// Everything that is needed to join two pins.
    #[must_use]
    pub fn joint(&self, out: Pin, into: Pin) -> Option<(Link, String, String, bool)> {
        let link = self.scene.link(out)?;
        let shape = self.scene.nodes.get(into.node() as usize)?;
        let many = matches!(into, Pin::In { at, .. } if shape.ports.inputs[at as usize].many);
        Some((link, shape.name.clone(), self.scene.pin_name(into)?, many))
    }

    fn drop_moved(
        &mut self,
        doc: &mut Document,
        registry: &Registry,
        by: Vec2,
        what: &Selection,
        into: Option<u32>,
    ) {
        let into = into
            .and_then(|wire| self.scene.wires.get(wire as usize))
            .map(|wire| (wire.to, wire.nth))
            .and_then(|(to, nth)| self.end(to, nth));
        let scope = self.scope.clone();
        self.scene.forget();
        let moved = |spot: Spot| whole(egui::pos2(spot.x as f32 + by.x, spot.y as f32 + by.y));
        let unplaced: Vec<(String, Spot)> =
            self.scene.unplaced().map(|(name, spot)| (name.clone(), *spot)).collect();
        let name = match what.len() {
            1 => "Move".to_owned(),
            n => format!("Move {n} things"),
        };
        doc.step(&scope, &name, |s| {
            // What only had a suggested place is written down, so that nothing jumps later.
            for (name, spot) in unplaced {
                s.edit(Edit::Position(Entry::set(name, spot)));
            }
            for name in &what.nodes {
                if let Some(spot) = s.view().positions.get(name).copied() {
                    let to = moved(spot);
                    if to != spot {
                        s.edit(Edit::Position(Entry::set(name.clone(), to)));
                    }
                }
            }
            for name in &what.groups {
                if let Some(mut group) = s.view().groups.get(name).cloned() {
                    group.area.at = moved(group.area.at);
                    s.edit(Edit::Group(Entry::set(name.clone(), group)));
                }
            }
            for name in &what.notes {
                if let Some(mut note) = s.view().notes.get(name).cloned() {
                    note.area.at = moved(note.area.at);
                    s.edit(Edit::Note(Entry::set(name.clone(), note)));
                }
            }
            // Wires between things that moved keep their shape.
            let bent: Vec<(String, Vec<Spot>)> = s
                .view()
                .reroutes
                .iter()
                .filter(|(key, _)| key.parse::<Link>().is_ok_and(|end| what.nodes.contains(&end.node)))
                .filter(|(key, _)| self.source_moves(key, what))
                .map(|(key, points)| (key.clone(), points.iter().map(|p| moved(*p)).collect()))
                .collect();
            for (key, points) in bent {
                s.edit(Edit::Reroute(Entry::set(key, points)));
            }
            if let (Some((node, input, nth)), Some(name)) = (&into, what.nodes.first()) {
                s.insert_into_wire(registry, name, node, input, *nth);
            }
        });
    }

    fn source_moves(&self, key: &str, what: &Selection) -> bool {
        self.scene.wires.iter().any(|wire| {
            self.scene.wire_key(wire).is_some_and(|k| k == key)
                && self
                    .scene
                    .nodes
                    .get(wire.from.node() as usize)
                    .is_some_and(|s| what.nodes.contains(&s.name))
        })
    }

    fn resized(&mut self, doc: &mut Document, on: &Hit, start: Rect, by: Vec2) {
        self.scene.forget();
        let rect = Rect::from_min_size(start.min, (start.size() + by).max(vec2(120.0, 60.0)));
        match on {
            Hit::NodeEdge(node) => {
                let Some(shape) = self.scene.nodes.get(*node as usize) else { return };
                let name = shape.name.clone();
                let width = f64::from((start.width() + by.x).clamp(160.0, 900.0).round());
                doc.step(&self.scope, "Resize", |s| s.edit(Edit::Width(Entry::set(name, width))));
            }
            Hit::GroupCorner(name) => {
                let Some(mut group) = doc.view(&self.scope).groups.get(name).cloned() else { return };
                group.area = area_of(rect);
                doc.step(&self.scope, "Resize", |s| s.edit(Edit::Group(Entry::set(name.clone(), group))));
            }
            Hit::NoteCorner(name) => {
                let Some(mut note) = doc.view(&self.scope).notes.get(name).cloned() else { return };
                note.area = area_of(rect);
                doc.step(&self.scope, "Resize", |s| s.edit(Edit::Note(Entry::set(name.clone(), note))));
            }
            _ => {}
        }
    }

    /// Shows in the scene what the gesture would do to the document.
    fn show_gesture(&mut self, doc: &Document) {
        match &self.gesture {
            Gesture::Move { by, what, .. } => {
                let (by, what) = (*by, what.clone());
                let view = doc.view(&self.scope);
                let auto: std::collections::BTreeMap<String, Spot> =
                    self.scene.unplaced().map(|(n, s)| (n.clone(), *s)).collect();
                for name in &what.nodes {
                    let Some(at) = self.scene.find(name) else { continue };
                    let Some(spot) = view.positions.get(name).or_else(|| auto.get(name)) else { continue };
                    let to = egui::pos2(spot.x as f32, spot.y as f32) + by;
                    self.scene.nodes[at as usize].at = to;
                }
            }
            Gesture::Resize { on: Hit::NodeEdge(node), start, by, .. } => {
                let width = (start.width() + by.x).clamp(160.0, 900.0).round();
                self.scene.set_width(*node, width);
            }
            Gesture::Reroute { key, point, to } => {
                let (key, point, to) = (key.clone(), *point, *to);
                self.scene.bend(&key, point, to);
            }
            _ => {}
        }
    }

    fn snapped(&mut self, what: &Selection, by: Vec2) -> Vec2 {
        match self.snap {
            Snap::Off => by,
            Snap::Grid => {
                let Some(shape) = what.nodes.first().and_then(|n| self.base_of(n)) else { return by };
                let to = shape + by;
                let g = super::GRID;
                vec2((to.x / g).round() * g - shape.x, (to.y / g).round() * g - shape.y)
            }
            Snap::Neighbours => self.snap_to_neighbours(what, by),
        }
    }

    fn base_of(&self, name: &str) -> Option<Pos2> {
        self.bases.get(name).copied()
    }

    /// Lines up with edges of nodes near by, and remembers the lines to draw.
    fn snap_to_neighbours(&mut self, what: &Selection, by: Vec2) -> Vec2 {
        let reach = 6.0 / self.camera.zoom;
        let mut moved: Option<Rect> = None;
        for name in &what.nodes {
            let (Some(base), Some(shape)) = (self.base_of(name), self.scene.node(name)) else { continue };
            let rect = Rect::from_min_size(base + by, shape.size);
            moved = Some(moved.map_or(rect, |all: Rect| all.union(rect)));
        }
        let Some(moved) = moved else { return by };
        let seen = self.camera.seen(self.window);
        let mut best: [Option<(f32, f32)>; 2] = [None, None];
        for shape in &self.scene.nodes {
            if what.nodes.contains(&shape.name) || !seen.intersects(shape.rect()) {
                continue;
            }
            let other = shape.rect();
            let xs = [(moved.left(), other.left()), (moved.right(), other.right())];
            let ys = [(moved.top(), other.top()), (moved.bottom(), other.bottom())];
            for (axis, pairs) in [xs, ys].iter().enumerate() {
                for (mine, theirs) in pairs {
                    let d = theirs - mine;
                    if d.abs() <= reach && best[axis].is_none_or(|(b, _)| d.abs() < b.abs()) {
                        best[axis] = Some((d, *theirs));
                    }
                }
            }
        }
        let mut by = by;
        if let Some((d, line)) = best[0] {
            by.x += d;
            self.guides.push((true, line));
        }
        if let Some((d, line)) = best[1] {
            by.y += d;
            self.guides.push((false, line));
        }
        by
    }

    /// The wire that a single node, dropped here, would be put into.
    fn droppable(&self, registry: &Registry, what: &Selection, at: Pos2) -> Option<u32> {
        let _ = registry;
        if what.nodes.len() != 1 || !what.groups.is_empty() || !what.notes.is_empty() {
            return None;
        }
        let name = what.nodes.first()?;
        let number = self.scene.find(name)?;
        let shape = self.scene.nodes.get(number as usize)?;
        if shape.linked_inputs.iter().any(|l| *l) || shape.linked_outputs.iter().any(|l| *l) {
            return None;
        }
        let near = shape.rect().width().min(60.0);
        for (wire_at, wire) in self.scene.wires.iter().enumerate() {
            let (from, to) = (self.scene.pin_at(wire.from), self.scene.pin_at(wire.to));
            let around = Rect::from_two_pos(from, to).expand(near);
            if !around.contains(at) {
                continue;
            }
            let crosses = super::wire::way(from, &wire.via, to)
                .iter()
                .any(|c| (1..16).any(|n| shape.rect().shrink(4.0).contains(c.at(n as f32 / 16.0))));
            if !crosses {
                continue;
            }
            let wanted = self.scene.takes(wire.to)?;
            let goes_in =
                shape.ports.inputs.iter().find(|p| crate::model::wiring::fit(&wire.ty, &p.ty).is_some());
            let comes_out = shape.ports.outputs.iter().any(|p| {
                let follows = goes_in.is_some_and(|i| p.follows == Some(&*i.name));
                let ty = if follows { &wire.ty } else { &p.ty };
                crate::model::wiring::fit(ty, &wanted).is_some()
            });
            if goes_in.is_some() && comes_out {
                return Some(wire_at as u32);
            }
        }
        None
    }
}

/// Another seed. It is a die, not a secret: the next number of a short sequence will do.
#[must_use]
pub fn roll(seed: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Seeds people read out to each other are not longer than this.
    let chance = RandomState::new().hash_one(seed) % 10_000_000_000;
    if chance == seed { chance + 1 } else { chance }
}

/// A place in whole points.
#[must_use]
pub fn whole(at: Pos2) -> Spot {
    Spot::new(f64::from(at.x.round()), f64::from(at.y.round()))
}

fn toggle(selection: &mut Selection, one: &Selection) {
    let each = [
        (&mut selection.nodes, &one.nodes),
        (&mut selection.groups, &one.groups),
        (&mut selection.notes, &one.notes),
    ];
    for (all, these) in each {
        for name in these {
            if !all.remove(name) {
                all.insert(name.clone());
            }
        }
    }
}
