//! The canvas from far away: nodes are plain rectangles and wires straight lines, a few meshes in all.

use super::node::{Brush, blend};
use super::{Lights, Status};
use crate::look::{Look, type_color};
use crate::scene::{HEADER, Scene};
use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Color32, Pos2, Rect, Shape, Vec2, pos2, vec2};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was drawn last, to be drawn again while nothing moves.
#[derive(Default)]
pub(super) struct Cache {
    mesh: Option<(Key, Arc<Mesh>)>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    zoom: f32,
    shift: Vec2,
    dark: bool,
    selected: usize,
    lit: usize,
    clip: Rect,
}

impl Cache {
    pub fn clear(&mut self) {
        self.mesh = None;
    }
}

pub(super) fn draw(
    b: &Brush<'_>,
    cache: &mut Cache,
    scene: &Scene,
    selected: &BTreeSet<String>,
    lights: &Lights<'_>,
    still: bool,
) {
    let clip = b.painter.clip_rect();
    let key = Key {
        zoom: b.zoom,
        shift: b.shift,
        dark: b.look.dark,
        selected: selected.len(),
        lit: lights.states.len() + lights.problems.len(),
        clip,
    };
    if still
        && lights.states.is_empty()
        && let Some((last, mesh)) = &cache.mesh
        && *last == key
    {
        b.painter.add(Shape::Mesh(mesh.clone()));
        return;
    }
    let mesh = Arc::new(mesh(b, clip, scene, selected, lights));
    b.painter.add(Shape::Mesh(mesh.clone()));
    cache.mesh = Some((key, mesh));
}

fn mesh(b: &Brush<'_>, clip: Rect, scene: &Scene, selected: &BTreeSet<String>, lights: &Lights<'_>) -> Mesh {
    let look = b.look;
    let mut mesh = Mesh::default();
    mesh.reserve_vertices(scene.nodes.len() * 8 + scene.wires.len() * 4);
    mesh.reserve_triangles(scene.nodes.len() * 4 + scene.wires.len() * 2);
    let width = (b.zoom * 2.4).clamp(0.6, 2.0);
    for wire in &scene.wires {
        let (from, to) = (b.at(scene.pin_at(wire.from)), b.at(scene.pin_at(wire.to)));
        if !clip.intersects(Rect::from_two_pos(from, to)) {
            continue;
        }
        let color = type_color(&wire.ty.name, look.dark).gamma_multiply(0.55);
        let mut here = from;
        for via in wire.via.iter().map(|p| b.at(*p)).chain([to]) {
            line(&mut mesh, here, via, width, color);
            here = via;
        }
    }
    for shape in &scene.nodes {
        let rect = b.rect(shape.rect());
        if !clip.intersects(rect) {
            continue;
        }
        let picked = selected.contains(&shape.name);
        let body = body_color(look, shape, lights);
        if picked {
            quad(&mut mesh, rect.expand(2.0), look.accent);
        }
        quad(&mut mesh, rect, body);
        let mut head = rect;
        head.set_bottom((rect.top() + b.len(HEADER)).min(rect.bottom()));
        let tint = look.category(&shape.category);
        quad(&mut mesh, head, blend(body, tint, 0.55));
    }
    mesh
}

fn body_color(look: &Look, shape: &crate::scene::NodeShape, lights: &Lights<'_>) -> Color32 {
    let body = blend(look.node, look.hover, 0.6);
    if shape.ports.unknown || !lights.problems(&shape.name).is_empty() {
        return blend(body, look.error, 0.45);
    }
    match lights.state(&shape.name).map(|s| &s.status) {
        Some(Status::Running { .. }) => blend(body, look.busy, 0.5),
        Some(Status::Failed { .. }) => blend(body, look.error, 0.5),
        Some(Status::Done { .. }) => blend(body, look.good, 0.25),
        _ => body,
    }
}

/// A filled rectangle of two triangles.
pub(super) fn quad(mesh: &mut Mesh, rect: Rect, color: Color32) {
    let at = mesh.vertices.len() as u32;
    for pos in [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom()] {
        mesh.vertices.push(Vertex { pos, uv: WHITE_UV, color });
    }
    mesh.add_triangle(at, at + 1, at + 2);
    mesh.add_triangle(at, at + 2, at + 3);
}

/// A straight line of two triangles.
pub(super) fn line(mesh: &mut Mesh, from: Pos2, to: Pos2, width: f32, color: Color32) {
    let along = to - from;
    let length = along.length();
    if length < 0.1 {
        return;
    }
    let side = vec2(-along.y, along.x) * (width / 2.0 / length);
    let at = mesh.vertices.len() as u32;
    for pos in [from + side, to + side, to - side, from - side] {
        mesh.vertices.push(Vertex { pos, uv: WHITE_UV, color });
    }
    mesh.add_triangle(at, at + 1, at + 2);
    mesh.add_triangle(at, at + 2, at + 3);
}

/// The dots of the grid.
pub(super) fn dots(b: &Brush<'_>, clip: Rect) {
    let mut step = super::GRID;
    while step * b.zoom < 18.0 {
        step *= 2.0;
    }
    let gap = step * b.zoom;
    let r = (b.zoom * 0.9).clamp(0.6, 1.2);
    let mut mesh = Mesh::default();
    let start = |shift: f32, low: f32| shift + ((low - shift) / gap).floor() * gap;
    let mut y = start(b.shift.y, clip.top());
    while y < clip.bottom() + gap {
        let mut x = start(b.shift.x, clip.left());
        while x < clip.right() + gap {
            quad(&mut mesh, Rect::from_center_size(pos2(x, y), vec2(r * 2.0, r * 2.0)), b.look.dots);
            x += gap;
        }
        y += gap;
    }
    b.painter.add(Shape::mesh(mesh));
}
