//! One frame of the canvas: input, then everything from the back to the front.

use super::gesture::{Asked, Gesture, Pointer};
use super::hit::{GROUP_TITLE, Hit};
use super::node::{Brush, Marks};
use super::{Canvas, Lights, far, node, wire};
use crate::look::{Look, regular, strong, type_color};
use crate::model::Document;
use crate::scene::{Pin, Scene, Wire, rect_of};
use egui::epaint::{CornerRadius, CubicBezierShape};
use egui::{
    Align2, Color32, CursorIcon, PointerButton, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};
use kiln_core::Registry;

/// Below this zoom everything is drawn as plain rectangles.
const FAR: f32 = 0.26;

impl Canvas {
    /// Shows the canvas in all the room there is; tells what the pointer asked for.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        doc: &mut Document,
        registry: &Registry,
        lights: &Lights<'_>,
    ) -> Option<Asked> {
        let look = Look::of(ui.ctx());
        let window = ui.available_rect_before_wrap();
        if self.fitted {
            // Panels come and go; what is on the plane stays where it is.
            self.camera.center += (window.center() - self.window.center()) / self.camera.zoom;
        }
        self.window = window;
        self.refresh(doc, registry);
        if !std::mem::replace(&mut self.fitted, true) {
            self.fit(doc);
            self.camera.arrive();
        }
        let response = ui.allocate_rect(window, Sense::click_and_drag());
        let asked = self.input(ui, &response, doc, registry);
        self.refresh(doc, registry);
        if self.camera.tick(ui.input(|i| i.stable_dt).min(0.05)) {
            ui.ctx().request_repaint();
        }
        self.draw(ui, &look, doc, lights);
        if let Some(name) = self.name_things(ui, doc) {
            self.selection = crate::model::clip::Selection::node(name);
        }
        asked
    }

    fn input(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        doc: &mut Document,
        registry: &Registry,
    ) -> Option<Asked> {
        let over = response.contains_pointer();
        let busy = !matches!(self.gesture, Gesture::Idle);
        let p = ui.input(|i| {
            let space = i.key_down(egui::Key::Space) && ui.memory(|m| m.focused().is_none());
            let first = i.pointer.button_down(PointerButton::Primary);
            let middle = i.pointer.button_down(PointerButton::Middle);
            Pointer {
                at: i.pointer.latest_pos().filter(|_| over || busy),
                pressed: over && i.pointer.button_pressed(PointerButton::Primary) && !space,
                down: first && !space,
                released: i.pointer.button_released(PointerButton::Primary),
                double: over && i.pointer.button_double_clicked(PointerButton::Primary),
                panning: (over || matches!(self.gesture, Gesture::Pan)) && (middle || (space && first)),
                menu: over && i.pointer.button_clicked(PointerButton::Secondary),
                moved: i.pointer.delta(),
                keys: i.modifiers,
            }
        });
        if over {
            let (scroll, zoom, at, keys) =
                ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta(), i.pointer.latest_pos(), i.modifiers));
            if let Some(at) = at {
                if (zoom - 1.0).abs() > 1e-4 {
                    self.camera.zoom_at(self.window, at, zoom);
                } else if scroll != egui::Vec2::ZERO {
                    // A wheel zooms, two fingers with shift pan; what the hand is used to from other canvases.
                    if keys.shift || scroll.x.abs() > scroll.y.abs() {
                        self.camera.pan(scroll);
                    } else {
                        self.camera.zoom_at(self.window, at, (scroll.y * 0.0035).exp());
                    }
                }
            }
        }
        if self.minimap
            && let Some(at) = p.at
            && self.minimap_rect().contains(at)
            && matches!(self.gesture, Gesture::Idle)
        {
            if p.down
                && let Some(to) = self.from_minimap(doc, at)
            {
                self.camera.jump(to, self.camera.zoom);
                ui.ctx().request_repaint();
            }
            self.hover = Hit::Plane;
            return None;
        }
        let asked = self.pointer(doc, registry, p);
        if over || busy {
            ui.ctx().set_cursor_icon(self.cursor(&p));
        }
        // Near the edge, what is dragged pulls the plane along.
        if p.down
            && matches!(self.gesture, Gesture::Move { .. } | Gesture::Wire { .. } | Gesture::Box { .. })
            && let Some(at) = p.at
        {
            let inner = self.window.shrink(24.0);
            let out = at - inner.clamp(at);
            if out != egui::Vec2::ZERO {
                self.camera.pan(-out * 0.25);
                ui.ctx().request_repaint();
            }
        }
        asked
    }

    fn cursor(&self, p: &Pointer) -> CursorIcon {
        match (&self.gesture, &self.hover) {
            (Gesture::Pan, _) => CursorIcon::Grabbing,
            _ if p.panning => CursorIcon::Grab,
            (Gesture::Move { .. } | Gesture::Reroute { .. }, _) => CursorIcon::Grabbing,
            (Gesture::Scrub { .. }, _) => CursorIcon::ResizeHorizontal,
            (Gesture::Wire { .. } | Gesture::Box { .. }, _) => CursorIcon::Crosshair,
            (Gesture::Resize { on: Hit::NodeEdge(_), .. }, _) | (_, Hit::NodeEdge(_)) => {
                CursorIcon::ResizeHorizontal
            }
            (_, Hit::GroupCorner(_) | Hit::NoteCorner(_)) => CursorIcon::ResizeNwSe,
            (_, Hit::Pin(_)) => CursorIcon::Crosshair,
            (_, Hit::Param { .. } | Hit::Fold(_) | Hit::Wire { .. } | Hit::Preview(_)) => {
                CursorIcon::PointingHand
            }
            (_, Hit::Node(_) | Hit::Group(_) | Hit::Note(_) | Hit::Reroute { .. }) => CursorIcon::Grab,
            _ => CursorIcon::Default,
        }
    }

    fn draw(&mut self, ui: &Ui, look: &Look, doc: &Document, lights: &Lights<'_>) {
        let window = self.window;
        let painter = ui.painter_at(window);
        painter.rect_filled(window, 0, look.plane);
        let zoom = self.camera.zoom;
        let shift = window.center().to_vec2() - self.camera.center.to_vec2() * zoom;
        let b = Brush { painter: &painter, look, zoom, shift };
        far::dots(&b, window);
        self.draw_groups(&b, doc);
        self.draw_notes(&b, doc);
        if zoom < FAR {
            let still = matches!(self.gesture, Gesture::Idle);
            far::draw(&b, &mut self.far, &self.scene, &self.selection.nodes, lights, still);
        } else {
            self.draw_wires(&b);
            self.draw_nodes(&b, doc, lights);
        }
        self.draw_gesture(&b);
        if self.minimap && self.scene.nodes.len() > 3 {
            self.draw_minimap(&painter, look, doc);
        }
    }

    fn draw_groups(&self, b: &Brush<'_>, doc: &Document) {
        for (name, group) in &doc.view(&self.scope).groups {
            let mut rect = rect_of(group.area);
            self.shifted(&mut rect, |what| what.groups.contains(name), &Hit::GroupCorner(name.clone()));
            let rect = b.rect(rect);
            let tint = b.look.tint(group.tint);
            b.painter.rect_filled(
                rect,
                b.corner(14.0),
                tint.gamma_multiply(if b.look.dark { 0.09 } else { 0.13 }),
            );
            let picked = self.selection.groups.contains(name);
            let line = if picked {
                Stroke::new(2.0, b.look.accent)
            } else {
                Stroke::new(1.0, tint.gamma_multiply(0.45))
            };
            b.painter.rect_stroke(rect, b.corner(14.0), line, StrokeKind::Inside);
            let at = rect.min + vec2(b.len(14.0), b.len(GROUP_TITLE / 2.0 + 2.0));
            // From far away the title stays as large as can be read.
            let size = (14.0 * b.zoom).max(9.0).min(rect.height().max(9.0));
            let font = egui::FontId::new((size * 2.0).round() / 2.0, strong());
            let ink = node::blend(tint, b.look.text, 0.55);
            b.line(&group.title, at, Align2::LEFT_CENTER, font, ink, rect.width() - b.len(28.0));
        }
    }

    fn draw_notes(&self, b: &Brush<'_>, doc: &Document) {
        for (name, note) in &doc.view(&self.scope).notes {
            let mut rect = rect_of(note.area);
            self.shifted(&mut rect, |what| what.notes.contains(name), &Hit::NoteCorner(name.clone()));
            let rect = b.rect(rect);
            let paper =
                node::blend(b.look.node, b.look.tint(note.tint), if b.look.dark { 0.16 } else { 0.22 });
            b.painter.rect_filled(rect, b.corner(8.0), paper);
            if self.selection.notes.contains(name) {
                b.painter.rect_stroke(
                    rect,
                    b.corner(8.0),
                    Stroke::new(2.0, b.look.accent),
                    StrokeKind::Inside,
                );
            }
            if b.zoom < 0.2 {
                continue;
            }
            let inner = rect.shrink(b.len(12.0));
            let rows = (inner.height() / b.len(18.0)).floor().max(1.0) as usize;
            if note.text.is_empty() {
                b.lines("Double-click to write", inner, b.font(13.0, regular()), b.look.muted, rows);
            } else {
                b.lines(&note.text, inner, b.font(13.0, regular()), b.look.text, rows);
            }
        }
    }

    /// Where a group or a note is while the pointer moves or stretches it.
    fn shifted(&self, rect: &mut Rect, moves: impl Fn(&crate::model::clip::Selection) -> bool, corner: &Hit) {
        match &self.gesture {
            Gesture::Move { by, what, .. } if moves(what) => *rect = rect.translate(*by),
            Gesture::Resize { on, start, by, .. } if on == corner => {
                *rect = Rect::from_min_size(start.min, (start.size() + *by).max(vec2(120.0, 60.0)));
            }
            _ => {}
        }
    }

    fn draw_wires(&self, b: &Brush<'_>) {
        let clip = b.painter.clip_rect().expand(20.0);
        let taken = match &self.gesture {
            Gesture::Wire { taken, .. } => *taken,
            _ => None,
        };
        let into = match &self.gesture {
            Gesture::Move { into, .. } => *into,
            _ => None,
        };
        let mut marked = Vec::new();
        for (number, wire) in self.scene.wires.iter().enumerate() {
            if taken == Some((wire.to, wire.nth)) {
                continue;
            }
            let picked = self.wire == Some((wire.to, wire.nth));
            let hovered = matches!(self.hover, Hit::Wire { wire: w, .. } if w as usize == number);
            let node_picked = [wire.from, wire.to].iter().any(|pin| {
                self.scene
                    .nodes
                    .get(pin.node() as usize)
                    .is_some_and(|s| self.selection.nodes.contains(&s.name))
            });
            if picked || hovered || into == Some(number as u32) {
                marked.push((wire, picked || into == Some(number as u32)));
                continue;
            }
            let color = wire_color(b.look, wire);
            let color = if node_picked { color } else { color.gamma_multiply(0.72) };
            one_wire(b, &self.scene, wire, clip, b.len(2.0).clamp(1.0, 3.5), color);
        }
        for (wire, strong) in marked {
            let color = if strong { b.look.accent } else { wire_color(b.look, wire) };
            one_wire(b, &self.scene, wire, clip, b.len(7.0), color.gamma_multiply(0.22));
            one_wire(b, &self.scene, wire, clip, b.len(2.8).clamp(1.5, 4.5), color);
        }
    }

    fn draw_nodes(&self, b: &Brush<'_>, doc: &Document, lights: &Lights<'_>) {
        let seen = self.camera.seen(self.window).expand(30.0);
        let graph = doc.graph(&self.scope);
        let drawn = match &self.gesture {
            Gesture::Wire { from, .. } => Some(*from),
            _ => None,
        };
        let wanted =
            |pin: Pin| drawn.is_some_and(|from| from.is_out() != pin.is_out() && self.joins(from, pin));
        let landing = match &self.gesture {
            Gesture::Wire { over, .. } => *over,
            _ => None,
        };
        let top: Vec<u32> = match &self.gesture {
            Gesture::Move { what, .. } => what.nodes.iter().filter_map(|n| self.scene.find(n)).collect(),
            _ => Vec::new(),
        };
        let below = (0..self.scene.nodes.len() as u32).filter(|n| !top.contains(n));
        for number in below.chain(top.iter().copied()) {
            let shape = &self.scene.nodes[number as usize];
            if !seen.intersects(shape.rect()) {
                continue;
            }
            let param = match self.hover {
                Hit::Param { node, at } if node == number => Some(at),
                _ => None,
            };
            let hovered = match self.hover {
                Hit::Node(n) | Hit::Fold(n) | Hit::Preview(n) | Hit::NodeEdge(n) => n == number,
                Hit::Param { node, .. } => node == number,
                Hit::Pin(pin) => pin.node() == number,
                _ => false,
            };
            let pin = landing.or(match self.hover {
                Hit::Pin(pin) => Some(pin),
                _ => None,
            });
            let marks = Marks {
                selected: self.selection.nodes.contains(&shape.name),
                hovered,
                param,
                pin,
                wanted: drawn.is_some().then_some(&wanted as &dyn Fn(Pin) -> bool),
            };
            node::draw(b, number, shape, graph.and_then(|g| g.nodes.get(&shape.name)), lights, marks);
        }
        for wire in &self.scene.wires {
            for via in &wire.via {
                if seen.contains(*via) {
                    let at = b.at(*via);
                    b.painter.circle_filled(at, b.len(5.5), b.look.plane);
                    b.painter.circle_filled(at, b.len(4.0), wire_color(b.look, wire));
                }
            }
        }
    }

    fn draw_gesture(&self, b: &Brush<'_>) {
        match &self.gesture {
            Gesture::Box { from, to, .. } => {
                let rect = b.rect(Rect::from_two_pos(*from, *to));
                b.painter.rect_filled(rect, CornerRadius::same(3), b.look.accent.gamma_multiply(0.08));
                b.painter.rect_stroke(
                    rect,
                    CornerRadius::same(3),
                    Stroke::new(1.0, b.look.accent),
                    StrokeKind::Inside,
                );
            }
            Gesture::Wire { from, to, over, .. } => {
                let start = self.scene.pin_at(*from);
                let end = over.map_or(*to, |pin| self.scene.pin_at(pin));
                let (a, z) = if from.is_out() { (start, end) } else { (end, start) };
                let ty = self.scene.takes(*from);
                let color = ty.map_or(b.look.text, |ty| type_color(&ty.name, b.look.dark));
                let curve = wire::curve(b.at(a), b.at(z));
                bezier(b, curve.0, b.len(2.6).clamp(1.5, 4.0), color);
                if over.is_none() {
                    b.painter.circle_filled(b.at(*to), b.len(4.0), color);
                }
            }
            _ => {}
        }
        for (upright, line) in &self.guides {
            let window = self.window;
            let stroke = Stroke::new(1.0, b.look.accent.gamma_multiply(0.7));
            if *upright {
                b.painter.vline(b.at(pos2(*line, 0.0)).x, window.y_range(), stroke);
            } else {
                b.painter.hline(window.x_range(), b.at(pos2(0.0, *line)).y, stroke);
            }
        }
    }
}

fn wire_color(look: &Look, wire: &Wire) -> Color32 {
    if wire.wrong { look.error } else { type_color(&wire.ty.name, look.dark) }
}

fn one_wire(b: &Brush<'_>, scene: &Scene, wire: &Wire, clip: Rect, width: f32, color: Color32) {
    let (from, to) = (b.at(scene.pin_at(wire.from)), b.at(scene.pin_at(wire.to)));
    let mut around = Rect::from_two_pos(from, to);
    wire.via.iter().for_each(|p| around.extend_with(b.at(*p)));
    if !clip.intersects(around.expand2(vec2(60.0 * b.zoom, 4.0))) {
        return;
    }
    let mut here = scene.pin_at(wire.from);
    for next in wire.via.iter().copied().chain([scene.pin_at(wire.to)]) {
        // Curves are worked out on the plane, so that they keep their shape at every zoom.
        let curve = wire::curve(here, next).0.map(|p| b.at(p));
        bezier(b, curve, width, color);
        here = next;
    }
}

fn bezier(b: &Brush<'_>, points: [Pos2; 4], width: f32, color: Color32) {
    let shape =
        CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, Stroke::new(width, color));
    b.painter.add(Shape::CubicBezier(shape));
}
