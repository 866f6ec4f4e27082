//! What is under a point of the plane.

use super::wire;
use crate::model::view::View;
use crate::scene::{HEADER, Pin, RowKind, Scene, rect_of};
use egui::{Pos2, Rect, vec2};

/// What is under the pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Hit {
    /// The plane itself.
    #[default]
    Plane,
    /// A pin.
    Pin(Pin),
    /// A node's title, or a place on it without anything to press.
    Node(u32),
    /// The sign on a title that folds and unfolds.
    Fold(u32),
    /// The value of a parameter.
    Param {
        /// The node's place.
        node: u32,
        /// The parameter's place.
        at: usize,
    },
    /// The picture on a node.
    Preview(u32),
    /// The right edge of a node.
    NodeEdge(u32),
    /// A wire, and the piece of its way.
    Wire {
        /// The wire's place.
        wire: u32,
        /// Before which of its points.
        piece: usize,
    },
    /// A point on a wire's way.
    Reroute {
        /// The wire's place.
        wire: u32,
        /// Which point.
        point: usize,
    },
    /// The title of a group.
    Group(String),
    /// The lower right corner of a group.
    GroupCorner(String),
    /// A note.
    Note(String),
    /// The lower right corner of a note.
    NoteCorner(String),
}

/// How high the title of a group is.
pub const GROUP_TITLE: f32 = 30.0;
/// How near is near enough, in points of the window.
const NEAR: f32 = 8.0;

/// What is under a point; `zoom` tells how near is near enough.
#[must_use]
pub fn hit(scene: &Scene, view: &View, at: Pos2, zoom: f32) -> Hit {
    let near = NEAR / zoom;
    let close = zoom >= 0.3;
    // Later nodes lie above earlier ones.
    for (number, shape) in scene.nodes.iter().enumerate().rev() {
        let rect = shape.rect();
        if !rect.expand(near).contains(at) {
            continue;
        }
        let node = number as u32;
        if close && let Some(pin) = pin_near(scene, node, at, near) {
            return Hit::Pin(pin);
        }
        if !rect.contains(at) {
            continue;
        }
        let inside = at - rect.min;
        if close && shape.own.is_none() && rect.right() - at.x < 5.0 && inside.y > HEADER {
            return Hit::NodeEdge(node);
        }
        if inside.y <= HEADER || shape.collapsed {
            if close && inside.x < 28.0 {
                return Hit::Fold(node);
            }
            return Hit::Node(node);
        }
        if close {
            for row in &shape.rows {
                if !shape.row_rect(row).contains(at) {
                    continue;
                }
                match row.kind {
                    RowKind::Param(at) if !shape.param_linked(at) && shape.own.is_none() => {
                        return Hit::Param { node, at };
                    }
                    RowKind::Preview => return Hit::Preview(node),
                    _ => {}
                }
            }
        }
        return Hit::Node(node);
    }
    if close {
        for (number, wire) in scene.wires.iter().enumerate() {
            let point = wire.via.iter().position(|p| (*p - at).length() <= near);
            if let Some(point) = point {
                return Hit::Reroute { wire: number as u32, point };
            }
        }
    }
    let mut best: Option<(f32, u32, usize)> = None;
    for (number, wire) in scene.wires.iter().enumerate() {
        let (from, to) = (scene.pin_at(wire.from), scene.pin_at(wire.to));
        let mut around = Rect::from_two_pos(from, to);
        wire.via.iter().for_each(|p| around.extend_with(*p));
        if !around.expand2(vec2(60.0, near + 4.0)).contains(at) {
            continue;
        }
        for (piece, curve) in wire::way(from, &wire.via, to).iter().enumerate() {
            let (d, _) = curve.distance(at);
            if d <= near * 0.8 && best.is_none_or(|(b, ..)| d < b) {
                best = Some((d, number as u32, piece));
            }
        }
    }
    if let Some((_, wire, piece)) = best {
        return Hit::Wire { wire, piece };
    }
    let corner = |rect: Rect| Rect::from_min_max(rect.max - vec2(14.0, 14.0), rect.max).contains(at);
    for (name, note) in view.notes.iter().rev() {
        let rect = rect_of(note.area);
        if rect.contains(at) {
            return if corner(rect) { Hit::NoteCorner(name.clone()) } else { Hit::Note(name.clone()) };
        }
    }
    for (name, group) in view.groups.iter().rev() {
        let rect = rect_of(group.area);
        if rect.contains(at) && corner(rect) {
            return Hit::GroupCorner(name.clone());
        }
        if Rect::from_min_size(rect.min, vec2(rect.width(), GROUP_TITLE)).contains(at) {
            return Hit::Group(name.clone());
        }
    }
    Hit::Plane
}

/// The pin of a node that is near a point.
fn pin_near(scene: &Scene, node: u32, at: Pos2, near: f32) -> Option<Pin> {
    let shape = &scene.nodes[node as usize];
    pins(scene, node).find(|pin| {
        let place = shape.pin_at(*pin);
        // A parameter's pin takes no place from its value until it is linked.
        let reach = match pin {
            Pin::Param { at, .. } if !shape.param_linked(*at as usize) => near.min(7.0),
            _ => near * 1.2,
        };
        (place - at).length() <= reach
    })
}

/// Every pin of a node that is to be seen.
pub fn pins(scene: &Scene, node: u32) -> impl Iterator<Item = Pin> + '_ {
    let shape = &scene.nodes[node as usize];
    let outs = (0..shape.ports.outputs.len()).map(move |at| Pin::Out { node, at: at as u32 });
    let ins = (0..shape.ports.inputs.len()).map(move |at| Pin::In { node, at: at as u32 });
    let params = shape.rows.iter().filter_map(move |row| match row.kind {
        RowKind::Param(at) => Some(Pin::Param { node, at: at as u32 }),
        _ => None,
    });
    outs.chain(ins).chain(params)
}
