//! How big a node is, and where its rows and pins are. All in points at 1:1.

use super::{OWN_OUTPUT, Pin};
use crate::model::Document;
use crate::model::ports::{Port, Ports, is_shown, output_type};
use egui::{Pos2, Rect, Vec2, pos2, vec2};
use kiln_core::document::{Graph, Mode, Node, OWN_INPUT};
use kiln_core::types::Type;
use kiln_core::{Kind, Purity, Registry};
use std::borrow::Cow;
use std::sync::Arc;

/// The usual width of a node.
pub const COLUMN: f32 = 232.0;
/// The height of its title.
pub const HEADER: f32 = 34.0;
/// The height of a row of inputs and outputs.
pub const ROW: f32 = 24.0;
/// The height of a parameter.
pub const PARAM: f32 = 28.0;
/// How many lines a long text has on a node.
pub const TEXT_ROWS: f32 = 4.0;
/// Space below the title and at the end.
const PAD: f32 = 6.0;

/// A node that stands for the subgraph's own ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// What comes in.
    Inputs,
    /// What goes out.
    Outputs,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// An input and an output, or one of them.
    Ports {
        /// The input's place.
        input: Option<usize>,
        /// The output's place.
        output: Option<usize>,
    },
    /// A parameter.
    Param(usize),
    /// A picture.
    Preview,
}

/// A row of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// What it shows.
    pub kind: RowKind,
    /// Its upper edge, from the node's.
    pub top: f32,
    /// Its height.
    pub height: f32,
}

/// A node as it is drawn.
#[derive(Clone, Debug)]
pub struct NodeShape {
    /// Its name.
    pub name: String,
    /// Its type's name.
    pub ty: String,
    /// What its type is called.
    pub type_title: String,
    /// Where its type belongs.
    pub category: String,
    /// Whether it takes part.
    pub mode: Mode,
    /// How it treats the world.
    pub purity: Option<Purity>,
    /// What it offers.
    pub ports: Arc<Ports>,
    /// What its outputs give here.
    pub out_types: Vec<Type>,
    /// Which inputs have wires.
    pub linked_inputs: Vec<bool>,
    /// Which parameters have wires.
    pub linked_params: Vec<bool>,
    /// Which outputs have wires.
    pub linked_outputs: Vec<bool>,
    /// The definition it stands for.
    pub definition: Option<String>,
    /// It stands for the subgraph's own ends.
    pub own: Option<Own>,
    /// Folded to its title.
    pub collapsed: bool,
    /// Its upper left corner.
    pub at: Pos2,
    /// Its size.
    pub size: Vec2,
    /// Its rows.
    pub rows: Vec<Row>,
}

impl NodeShape {
    pub(super) fn new(name: &str, node: &Node, ports: Arc<Ports>, registry: &Registry) -> Self {
        let schema = registry.get(&node.ty).map(|n| n.schema());
        let mut shape = Self::bare(name, ports);
        shape.ty.clone_from(&node.ty);
        shape.type_title = match (schema, &node.graph) {
            (_, Some(definition)) => definition.clone(),
            (Some(schema), None) => schema.title.to_string(),
            (None, None) => node.ty.clone(),
        };
        shape.category = schema.map(|s| s.category.to_string()).unwrap_or_default();
        shape.purity = schema.map(|s| s.purity);
        shape.mode = node.mode;
        shape.definition.clone_from(&node.graph);
        shape
    }

    fn bare(name: &str, ports: Arc<Ports>) -> Self {
        Self {
            name: name.to_owned(),
            ty: String::new(),
            type_title: String::new(),
            category: String::new(),
            mode: Mode::Active,
            purity: None,
            out_types: ports.outputs.iter().map(|o| o.ty.clone()).collect(),
            linked_inputs: vec![false; ports.inputs.len()],
            linked_params: vec![false; ports.params.len()],
            linked_outputs: vec![false; ports.outputs.len()],
            definition: None,
            own: None,
            collapsed: false,
            at: Pos2::ZERO,
            size: Vec2::ZERO,
            rows: Vec::new(),
            ports,
        }
    }

    /// The ends of a subgraph, as two nodes.
    pub(super) fn own(doc: &Document, scope: &[String], graph: &Graph, registry: &Registry) -> [Self; 2] {
        let port = |name: &str, ty: Type| Port {
            name: Cow::Owned(name.to_owned()),
            ty,
            doc: Cow::Borrowed(""),
            optional: true,
            many: false,
            follows: None,
            nth: 0,
        };
        let outputs = graph.inputs.keys().map(|name| {
            let link = kiln_core::document::Link::new(OWN_INPUT, name);
            port(name, output_type(doc, scope, graph, registry, &link, 0))
        });
        let inputs = graph
            .outputs
            .iter()
            .map(|(name, link)| port(name, output_type(doc, scope, graph, registry, link, 0)));
        let inside = Ports { outputs: outputs.collect(), ..Ports::default() };
        let outside = Ports { inputs: inputs.collect(), ..Ports::default() };
        let mut first = Self::bare(OWN_INPUT, Arc::new(inside));
        first.own = Some(Own::Inputs);
        first.type_title = "Comes in".to_owned();
        let mut last = Self::bare(OWN_OUTPUT, Arc::new(outside));
        last.own = Some(Own::Outputs);
        last.type_title = "Goes out".to_owned();
        [first, last]
    }

    /// Works out the rows for a width; gives the size.
    pub(super) fn measure(&mut self, width: f32, preview: Option<f32>) -> Vec2 {
        self.rows.clear();
        if self.collapsed {
            return vec2(width, HEADER);
        }
        self.rows = rows(&self.ports, width, preview);
        let bottom = self.rows.last().map_or(HEADER, |r| r.top + r.height + PAD);
        vec2(width, bottom)
    }

    /// Its rectangle.
    #[must_use]
    pub fn rect(&self) -> Rect {
        Rect::from_min_size(self.at, self.size)
    }

    /// What it is called.
    #[must_use]
    pub fn title<'a>(&'a self, node: Option<&'a Node>) -> &'a str {
        match node.and_then(|n| n.title.as_deref()) {
            Some(title) => title,
            None if self.type_title.is_empty() => &self.name,
            None => &self.type_title,
        }
    }

    /// A row's rectangle.
    #[must_use]
    pub fn row_rect(&self, row: &Row) -> Rect {
        Rect::from_min_size(self.at + vec2(0.0, row.top), vec2(self.size.x, row.height))
    }

    /// The row of a parameter.
    #[must_use]
    pub fn param_row(&self, at: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == RowKind::Param(at))
    }

    /// Where an end is.
    #[must_use]
    pub fn pin_at(&self, pin: Pin) -> Pos2 {
        let middle = |row: &Row| self.at.y + row.top + row.height.min(PARAM) / 2.0;
        let header = self.at.y + HEADER / 2.0;
        match pin {
            Pin::Out { at, .. } => {
                let row = self
                    .rows
                    .iter()
                    .find(|r| matches!(r.kind, RowKind::Ports { output: Some(o), .. } if o == at as usize));
                pos2(self.at.x + self.size.x, row.map_or(header, middle))
            }
            Pin::In { at, .. } => {
                let row = self
                    .rows
                    .iter()
                    .find(|r| matches!(r.kind, RowKind::Ports { input: Some(i), .. } if i == at as usize));
                pos2(self.at.x, row.map_or(header, middle))
            }
            Pin::Param { at, .. } => pos2(self.at.x, self.param_row(at as usize).map_or(header, middle)),
        }
    }

    /// Whether a parameter's pin is always drawn, not only when the pointer is near.
    #[must_use]
    pub fn param_linked(&self, at: usize) -> bool {
        self.linked_params.get(at).copied().unwrap_or(false)
    }
}

/// The rows of a node of some width.
#[must_use]
pub fn rows(ports: &Ports, width: f32, preview: Option<f32>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut top = HEADER + PAD;
    let mut add = |kind: RowKind, height: f32| {
        rows.push(Row { kind, top, height });
        top += height;
    };
    for at in 0..ports.inputs.len().max(ports.outputs.len()) {
        let input = (at < ports.inputs.len()).then_some(at);
        let output = (at < ports.outputs.len()).then_some(at);
        add(RowKind::Ports { input, output }, ROW);
    }
    for (at, param) in ports.params.iter().enumerate().filter(|(_, p)| is_shown(p)) {
        let long = matches!(param.kind, Kind::Prompt | Kind::Text { multiline: true });
        let height = match param.kind {
            _ if long => PARAM + 17.0 * (TEXT_ROWS - 1.0),
            Kind::Curve => PARAM + 56.0,
            _ => PARAM,
        };
        add(RowKind::Param(at), height);
    }
    if let Some(aspect) = preview {
        let height = ((width - 16.0) * aspect.clamp(0.1, 3.0)).round() + 10.0;
        add(RowKind::Preview, height);
    }
    rows
}
