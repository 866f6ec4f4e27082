//! Names for everything on the canvas, for those who do not see it, and for tests.

use super::Canvas;
use super::hit::pins;
use crate::model::Document;
use crate::scene::{RowKind, rect_of};
use egui::{Id, Rect, Sense, Ui, Vec2, WidgetInfo, WidgetType};

impl Canvas {
    /// Names what is seen. Says which node was asked for by name, if any.
    pub(super) fn name_things(&self, ui: &Ui, doc: &Document) -> Option<String> {
        let mut asked = None;
        let graph = doc.graph(&self.scope);
        let seen = self.camera.seen(self.window);
        let close = self.camera.zoom >= 0.3;
        let base = ui.id().with(&self.scope);
        let place = |rect: Rect| self.camera.rect_to_screen(self.window, rect).intersect(self.window);
        // Words are only put together for those who listen.
        let name = |id: Id, rect: Rect, kind: WidgetType, label: &dyn Fn() -> String| {
            let response = ui.interact(rect, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(kind, true, label()));
        };
        // From far away a crowd has no names, but what is selected has.
        let crowd = !close && self.scene.nodes.len() > 400;
        for (number, shape) in self.scene.nodes.iter().enumerate() {
            let rect = shape.rect();
            if !seen.intersects(rect) || (crowd && !self.selection.nodes.contains(&shape.name)) {
                continue;
            }
            let id = base.with(&shape.name);
            let node = graph.and_then(|g| g.nodes.get(&shape.name));
            let title = shape.title(node);
            let label = || match shape.own {
                None => format!("Node {title} ({})", shape.name),
                Some(_) => format!("Node {title}"),
            };
            // The title is what a node is grasped by.
            let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), crate::scene::HEADER));
            name(id, place(top), WidgetType::Button, &label);
            if ui.input(|i| i.has_accesskit_action_request(id, egui::accesskit::Action::Click)) {
                asked = Some(shape.name.clone());
            }
            if !close {
                continue;
            }
            for pin in pins(&self.scene, number as u32) {
                let kind = if pin.is_out() { "Output" } else { "Input" };
                let at = Rect::from_center_size(shape.pin_at(pin), Vec2::splat(12.0));
                name(id.with((kind, pin)), place(at), WidgetType::Other, &|| {
                    format!("{kind} {} of {}", self.scene.pin_name(pin).unwrap_or_default(), shape.name)
                });
            }
            for row in &shape.rows {
                let RowKind::Param(at) = row.kind else { continue };
                if shape.param_linked(at) {
                    continue;
                }
                let Some(param) = shape.ports.params.get(at) else { continue };
                let value = node.and_then(|n| shape.ports.value(n, at));
                let mut rect = shape.row_rect(row);
                rect.set_left(rect.left() + 14.0);
                let id = id.with(("value", param.name));
                let response = ui.interact(place(rect), id, Sense::hover());
                response.widget_info(|| {
                    let mut info = WidgetInfo::new(WidgetType::Other);
                    info.label = Some(format!("Value {} of {}", param.name, shape.name));
                    info.current_text_value = Some(crate::model::literal::words(param, value));
                    info
                });
            }
        }
        if close {
            for wire in &self.scene.wires {
                let (from, to) = (self.scene.pin_at(wire.from), self.scene.pin_at(wire.to));
                let mut around = Rect::from_two_pos(from, to);
                wire.via.iter().for_each(|p| around.extend_with(*p));
                if !seen.intersects(around.expand(60.0)) {
                    continue;
                }
                let way = super::wire::way(from, &wire.via, to);
                let Some(piece) = way.get(way.len() / 2) else { continue };
                let middle = piece.at(0.5);
                if !seen.contains(middle) {
                    continue;
                }
                let at = place(Rect::from_center_size(middle, Vec2::splat(8.0)));
                name(base.with(("wire", wire.to, wire.nth)), at, WidgetType::Other, &|| {
                    let from = self.scene.link(wire.from).map(|l| l.to_string()).unwrap_or_default();
                    format!("Wire from {from} to {}", self.scene.wire_key(wire).unwrap_or_default())
                });
            }
        }
        let view = doc.view(&self.scope);
        for (key, group) in &view.groups {
            let rect = rect_of(group.area);
            let top = Rect::from_min_size(rect.min, egui::vec2(rect.width(), super::hit::GROUP_TITLE));
            name(base.with(("group", key)), place(top), WidgetType::Other, &|| {
                format!("Group {}", group.title)
            });
        }
        for (key, note) in &view.notes {
            let label = || format!("Note {}", note.text);
            name(base.with(("note", key)), place(rect_of(note.area)), WidgetType::Other, &label);
        }
        asked
    }
}
