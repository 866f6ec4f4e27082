//! What is drawn and hit: rectangles of nodes, ends and ways of wires, worked out from the document once per change.

mod shape;
mod types;

pub use shape::{COLUMN, HEADER, NodeShape, Own, PARAM, ROW, Row, RowKind, TEXT_ROWS, rows};

use crate::model::arrange::{Item, arrange};
use crate::model::ports::Ports;
use crate::model::view::{Area, Spot};
use crate::model::wiring::end_key;
use crate::model::{Document, Touched};
use egui::{Pos2, Rect, Vec2, pos2, vec2};
use kiln_core::Registry;
use kiln_core::document::{Link, OWN_INPUT};
use kiln_core::types::{Type, names};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where nodes are put when nobody said.
const FIRST: Vec2 = vec2(0.0, 0.0);
/// The name that the subgraph's own outputs have in positions; no node can be called that.
pub const OWN_OUTPUT: &str = "";

/// An end of a wire at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// An output.
    Out {
        /// The node's place.
        node: u32,
        /// The output's place.
        at: u32,
    },
    /// An input.
    In {
        /// The node's place.
        node: u32,
        /// The input's place.
        at: u32,
    },
    /// A parameter, linked in place of being set.
    Param {
        /// The node's place.
        node: u32,
        /// The parameter's place.
        at: u32,
    },
}

impl Pin {
    /// The node's place.
    #[must_use]
    pub fn node(self) -> u32 {
        match self {
            Self::Out { node, .. } | Self::In { node, .. } | Self::Param { node, .. } => node,
        }
    }

    /// Whether wires begin here.
    #[must_use]
    pub fn is_out(self) -> bool {
        matches!(self, Self::Out { .. })
    }
}

/// A wire.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Where it comes from.
    pub from: Pin,
    /// Where it ends.
    pub to: Pin,
    /// Which of the links of its end.
    pub nth: usize,
    /// What flows through it.
    pub ty: Type,
    /// Points on its way.
    pub via: Vec<Pos2>,
    /// What flows does not fit where it ends.
    pub wrong: bool,
}

/// Everything on the plane.
#[derive(Debug, Default)]
pub struct Scene {
    /// Nodes in the document's order.
    pub nodes: Vec<NodeShape>,
    by_name: HashMap<String, u32>,
    /// Wires, in the order of their ends.
    pub wires: Vec<Wire>,
    /// Wires by node: those that begin or end there.
    pub at_node: Vec<Vec<u32>>,
    /// Places of nodes that have none in the document.
    auto: BTreeMap<String, Spot>,
    /// Sizes of pictures shown on nodes: height for a width of 1.
    pub previews: BTreeMap<String, f32>,
    seen: Option<(u64, u64, Vec<String>)>,
}

impl Scene {
    /// Brings the scene up to date; says whether anything changed.
    pub fn refresh(&mut self, doc: &Document, scope: &[String], registry: &Registry) -> bool {
        let now = (doc.changes(Touched::Structure), doc.changes(Touched::Layout));
        let same_scope = self.seen.as_ref().is_some_and(|s| s.2 == scope);
        match &self.seen {
            Some((structure, layout, _)) if same_scope && (*structure, *layout) == now => return false,
            Some((structure, ..)) if same_scope && *structure == now.0 => self.lay(doc, scope),
            _ => {
                if !same_scope {
                    self.auto.clear();
                }
                self.build(doc, scope, registry);
                self.lay(doc, scope);
            }
        }
        self.seen = Some((now.0, now.1, scope.to_vec()));
        true
    }

    /// Looks at everything anew next time.
    pub fn forget(&mut self) {
        self.seen = None;
    }

    /// The place of a node in [`Scene::nodes`].
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// A node by name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeShape> {
        self.nodes.get(self.find(name)? as usize)
    }

    /// Places that are shown but not in the document yet: whoever moves a node writes them down, too.
    pub fn unplaced(&self) -> impl Iterator<Item = (&String, &Spot)> {
        self.auto.iter()
    }

    /// Puts nodes without a place there.
    pub fn suggest(&mut self, name: &str, at: Spot) {
        self.auto.insert(name.to_owned(), at);
    }

    fn build(&mut self, doc: &Document, scope: &[String], registry: &Registry) {
        self.nodes.clear();
        self.wires.clear();
        self.by_name.clear();
        let Some(graph) = doc.graph(scope) else { return };
        let mut known: HashMap<&str, Arc<Ports>> = HashMap::new();
        for (name, node) in &graph.nodes {
            let ports = match known.get(node.ty.as_str()) {
                Some(ports) => ports.clone(),
                None => {
                    let ports = Ports::of(doc, scope, registry, name, node);
                    if node.graph.is_none() && !ports.unknown {
                        known.insert(&node.ty, ports.clone());
                    }
                    ports
                }
            };
            self.by_name.insert(name.clone(), self.nodes.len() as u32);
            self.nodes.push(NodeShape::new(name, node, ports, registry));
        }
        if !scope.is_empty() {
            for shape in NodeShape::own(doc, scope, graph, registry) {
                self.by_name.insert(shape.name.clone(), self.nodes.len() as u32);
                self.nodes.push(shape);
            }
        }
        types::resolve(self, graph);
        for (reader, node) in graph.nodes.iter().enumerate() {
            for (input, source) in &node.1.from {
                let Some(to) = self.way_in(reader as u32, input) else { continue };
                for (nth, link) in source.links().iter().enumerate() {
                    self.add_wire(link, to, nth);
                }
            }
        }
        if let Some(outputs) = self.find(OWN_OUTPUT) {
            for (at, link) in graph.outputs.values().enumerate() {
                self.add_wire(link, Pin::In { node: outputs, at: at as u32 }, 0);
            }
        }
        self.wires.sort_by_key(|w| (w.to, w.nth));
        self.at_node = vec![Vec::new(); self.nodes.len()];
        for (at, wire) in self.wires.iter().enumerate() {
            self.at_node[wire.from.node() as usize].push(at as u32);
            if wire.to.node() != wire.from.node() {
                self.at_node[wire.to.node() as usize].push(at as u32);
            }
            match wire.to {
                Pin::In { node, at } => self.nodes[node as usize].linked_inputs[at as usize] = true,
                Pin::Param { node, at } => self.nodes[node as usize].linked_params[at as usize] = true,
                Pin::Out { .. } => {}
            }
            if let Pin::Out { node, at } = wire.from {
                self.nodes[node as usize].linked_outputs[at as usize] = true;
            }
        }
    }

    fn add_wire(&mut self, link: &Link, to: Pin, nth: usize) {
        let Some(from) = self.find(&link.node) else { return };
        let shape = &self.nodes[from as usize];
        let at = if link.node == OWN_INPUT {
            shape.ports.outputs.iter().position(|o| o.name == link.port)
        } else {
            shape.ports.output(link)
        };
        let Some(at) = at else { return };
        let ty = shape.out_types[at].clone();
        let wanted = self.takes(to);
        let wrong = wanted.is_some_and(|wanted| !crate::model::wiring::fits(&ty, &wanted));
        let from = Pin::Out { node: from, at: at as u32 };
        self.wires.push(Wire { from, to, nth, ty, via: Vec::new(), wrong });
    }

    /// The end for a name in `from`.
    #[must_use]
    pub fn way_in(&self, node: u32, name: &str) -> Option<Pin> {
        let ports = &self.nodes.get(node as usize)?.ports;
        if let Some(at) = ports.inputs.iter().position(|p| p.name == name) {
            return Some(Pin::In { node, at: at as u32 });
        }
        ports.param(name).map(|(at, _)| Pin::Param { node, at: at as u32 })
    }

    /// The type that an end takes, or gives.
    #[must_use]
    pub fn takes(&self, pin: Pin) -> Option<Type> {
        let shape = self.nodes.get(pin.node() as usize)?;
        match pin {
            Pin::Out { at, .. } => shape.out_types.get(at as usize).cloned(),
            Pin::In { at, .. } => shape.ports.inputs.get(at as usize).map(|p| p.ty.clone()),
            Pin::Param { at, .. } => shape.ports.params.get(at as usize).map(|p| p.kind.ty()),
        }
    }

    /// The name of an end, as links and `from` say it.
    #[must_use]
    pub fn pin_name(&self, pin: Pin) -> Option<String> {
        let shape = self.nodes.get(pin.node() as usize)?;
        match pin {
            Pin::Out { at, .. } => shape.ports.outputs.get(at as usize).map(|p| p.name.to_string()),
            Pin::In { at, .. } => shape.ports.inputs.get(at as usize).map(|p| p.name.to_string()),
            Pin::Param { at, .. } => shape.ports.params.get(at as usize).map(|p| p.name.to_owned()),
        }
    }

    /// The link that begins at an output.
    #[must_use]
    pub fn link(&self, pin: Pin) -> Option<Link> {
        let Pin::Out { node, at } = pin else { return None };
        let shape = self.nodes.get(node as usize)?;
        let port = shape.ports.outputs.get(at as usize)?;
        Some(Link { node: shape.name.clone(), port: port.name.to_string(), nth: port.nth })
    }

    /// The key under which a wire's points are kept.
    #[must_use]
    pub fn wire_key(&self, wire: &Wire) -> Option<String> {
        let shape = self.nodes.get(wire.to.node() as usize)?;
        Some(end_key(&shape.name, &self.pin_name(wire.to)?, wire.nth))
    }

    fn lay(&mut self, doc: &Document, scope: &[String]) {
        let view = doc.view(scope);
        for shape in &mut self.nodes {
            shape.collapsed = view.collapsed.contains_key(&shape.name);
            let width = view.widths.get(&shape.name).map_or(COLUMN, |w| (*w as f32).clamp(140.0, 1200.0));
            let preview = self.previews.get(&shape.name).copied();
            shape.size = shape.measure(width, preview);
        }
        self.place_the_rest(doc, scope);
        for shape in &mut self.nodes {
            let spot = view.positions.get(&shape.name).or_else(|| self.auto.get(&shape.name));
            let spot = spot.copied().unwrap_or_default();
            shape.at = pos2(spot.x as f32, spot.y as f32);
        }
        let vias: Vec<Vec<Pos2>> = self
            .wires
            .iter()
            .map(|wire| {
                if view.reroutes.is_empty() {
                    return Vec::new();
                }
                let points = self.wire_key(wire).and_then(|key| view.reroutes.get(&key));
                points.into_iter().flatten().map(|s| pos2(s.x as f32, s.y as f32)).collect()
            })
            .collect();
        for (wire, via) in self.wires.iter_mut().zip(vias) {
            wire.via = via;
        }
    }

    /// Finds places for nodes that have none: all of them are laid out, or the new ones go below the others.
    fn place_the_rest(&mut self, doc: &Document, scope: &[String]) {
        let view = doc.view(scope);
        self.auto.retain(|name, _| self.by_name.contains_key(name) && !view.positions.contains_key(name));
        let lost: Vec<usize> = (0..self.nodes.len())
            .filter(|at| {
                let name = &self.nodes[*at].name;
                !view.positions.contains_key(name) && !self.auto.contains_key(name)
            })
            .collect();
        if lost.is_empty() {
            return;
        }
        let spots = self.arranged(&lost);
        let others: Vec<Rect> = self
            .nodes
            .iter()
            .filter_map(|shape| {
                let spot = view.positions.get(&shape.name).or_else(|| self.auto.get(&shape.name))?;
                Some(Rect::from_min_size(pos2(spot.x as f32, spot.y as f32), shape.size))
            })
            .collect();
        let start = others
            .iter()
            .copied()
            .reduce(|a, b| a.union(b))
            .map_or(FIRST.to_pos2(), |all| pos2(all.left(), all.bottom() + 60.0));
        for (at, spot) in lost.into_iter().zip(spots) {
            let spot = Spot::new(spot.x + f64::from(start.x), spot.y + f64::from(start.y));
            self.auto.insert(self.nodes[at].name.clone(), spot);
        }
    }

    /// An automatic layout of some nodes.
    #[must_use]
    pub fn arranged(&self, which: &[usize]) -> Vec<Spot> {
        let place: HashMap<usize, usize> = which.iter().enumerate().map(|(n, at)| (*at, n)).collect();
        let mut items: Vec<Item> = which
            .iter()
            .map(|at| {
                let size = self.nodes[*at].size;
                Item { size: (f64::from(size.x), f64::from(size.y)), from: Vec::new() }
            })
            .collect();
        for wire in &self.wires {
            let (from, to) = (wire.from.node() as usize, wire.to.node() as usize);
            if let (Some(from), Some(to)) = (place.get(&from), place.get(&to)) {
                items[*to].from.push(*from);
            }
        }
        arrange(&items)
    }

    /// Where an end is on the plane.
    #[must_use]
    pub fn pin_at(&self, pin: Pin) -> Pos2 {
        let Some(shape) = self.nodes.get(pin.node() as usize) else { return Pos2::ZERO };
        shape.pin_at(pin)
    }

    /// Whether a node feeds another, over however many wires.
    #[must_use]
    pub fn feeds(&self, from: u32, to: u32) -> bool {
        if from == to {
            return true;
        }
        let mut seen = vec![false; self.nodes.len()];
        let mut todo = vec![to];
        while let Some(node) = todo.pop() {
            for wire in self.at_node.get(node as usize).into_iter().flatten() {
                let wire = &self.wires[*wire as usize];
                let source = wire.from.node();
                if wire.to.node() == node && !std::mem::replace(&mut seen[source as usize], true) {
                    if source == from {
                        return true;
                    }
                    todo.push(source);
                }
            }
        }
        false
    }

    /// Shows a node at another width, until the next refresh.
    pub fn set_width(&mut self, node: u32, width: f32) {
        if let Some(shape) = self.nodes.get_mut(node as usize) {
            let preview = self.previews.get(&shape.name).copied();
            shape.size = shape.measure(width, preview);
        }
    }

    /// Shows a point of a wire elsewhere, until the next refresh.
    pub fn bend(&mut self, key: &str, point: usize, to: Pos2) {
        let wire = (0..self.wires.len()).find(|at| self.wire_key(&self.wires[*at]).is_some_and(|k| k == key));
        if let Some(wire) = wire {
            let via = &mut self.wires[wire].via;
            if point < via.len() {
                via[point] = to;
            } else {
                via.push(to);
            }
        }
    }

    /// Around everything.
    #[must_use]
    pub fn bounds(&self, doc: &Document, scope: &[String]) -> Option<Rect> {
        let view = doc.view(scope);
        let boxes = view.groups.values().map(|g| g.area).chain(view.notes.values().map(|n| n.area));
        self.nodes.iter().map(NodeShape::rect).chain(boxes.map(rect_of)).reduce(|a, b| a.union(b))
    }

    /// The type that stands for anything.
    #[must_use]
    pub fn any() -> Type {
        Type::one(names::ANY)
    }
}

/// An area as a rectangle.
#[must_use]
pub fn rect_of(area: Area) -> Rect {
    let at = pos2(area.at.x as f32, area.at.y as f32);
    Rect::from_min_size(at, vec2(area.size.x as f32, area.size.y as f32))
}

/// A rectangle as an area, in whole points.
#[must_use]
pub fn area_of(rect: Rect) -> Area {
    let whole = |v: f32| f64::from(v.round());
    Area {
        at: Spot::new(whole(rect.left()), whole(rect.top())),
        size: Spot::new(whole(rect.width()), whole(rect.height())),
    }
}
