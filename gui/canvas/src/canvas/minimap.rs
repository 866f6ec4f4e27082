//! The small map in the corner: everything, and which part of it is seen. Pressing on it goes there.

use super::Canvas;
use super::far::quad;
use super::node::blend;
use crate::look::Look;
use crate::model::Document;
use egui::epaint::Mesh;
use egui::{CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, vec2};

const SIZE: egui::Vec2 = vec2(180.0, 120.0);

impl Canvas {
    /// Where the map is in the window.
    #[must_use]
    pub fn minimap_rect(&self) -> Rect {
        let corner = self.window.right_bottom() - vec2(14.0, 14.0);
        Rect::from_min_max(corner - SIZE, corner)
    }

    /// The map's scale, and what it shows.
    fn map(&self, doc: &Document) -> Option<(Rect, Rect, f32)> {
        let all = self.scene.bounds(doc, &self.scope)?.union(self.camera.seen(self.window)).expand(40.0);
        let map = self.minimap_rect();
        let scale = (map.width() / all.width()).min(map.height() / all.height());
        Some((map, all, scale))
    }

    /// The point of the plane that a point of the map stands for.
    #[must_use]
    pub fn from_minimap(&self, doc: &Document, at: Pos2) -> Option<Pos2> {
        let (map, all, scale) = self.map(doc)?;
        Some(all.center() + (at - map.center()) / scale)
    }

    pub(super) fn draw_minimap(&self, painter: &Painter, look: &Look, doc: &Document) {
        let Some((map, all, scale)) = self.map(doc) else { return };
        let corner = CornerRadius::same(8);
        painter.rect_filled(map, corner, look.panel.gamma_multiply(0.94));
        let place = |rect: Rect| {
            let to = |p: Pos2| map.center() + (p - all.center()) * scale;
            Rect::from_min_max(to(rect.min), to(rect.max))
        };
        let mut mesh = Mesh::default();
        let view = doc.view(&self.scope);
        for group in view.groups.values() {
            let color = blend(look.panel, look.tint(group.tint), 0.25);
            quad(&mut mesh, place(crate::scene::rect_of(group.area)).intersect(map), color);
        }
        for shape in &self.scene.nodes {
            let rect = place(shape.rect());
            let rect = Rect::from_min_size(rect.min, rect.size().max(vec2(2.0, 1.5))).intersect(map);
            let color = if self.selection.nodes.contains(&shape.name) {
                look.accent
            } else {
                blend(look.panel, look.category(&shape.category), 0.75)
            };
            quad(&mut mesh, rect, color);
        }
        painter.add(Shape::mesh(mesh));
        let seen = place(self.camera.seen(self.window)).intersect(map);
        painter.rect_stroke(seen, CornerRadius::same(3), Stroke::new(1.0, look.muted), StrokeKind::Inside);
        painter.rect_stroke(map, corner, Stroke::new(1.0, look.line), StrokeKind::Inside);
    }
}
