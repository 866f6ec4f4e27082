//! How a graph lies on the canvas: positions, groups, notes. The engine never looks at it.
//!
//! It is kept in the document's `canvas` section, parsed here once, and written back with whatever a newer
//! version keeps there besides.

use indexmap::IndexMap;
use kiln_core::document::{Graph, Lit};

/// A place on the plane, in points at 1:1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Spot {
    /// A place.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// A rectangle on the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Its upper left corner.
    pub at: Spot,
    /// Its width and height.
    pub size: Spot,
}

/// A titled frame around nodes; what lies within moves along.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What stands above it.
    pub title: String,
    /// Where it is.
    pub area: Area,
    /// Which of the palette's tints, from 0.
    pub tint: u8,
}

/// A piece of paper with words on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// The words.
    pub text: String,
    /// Where it is.
    pub area: Area,
    /// Which of the palette's tints, from 0.
    pub tint: u8,
}

/// How one graph lies on the canvas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Where nodes are. Nodes without a place are put somewhere sensible when they are shown.
    pub positions: IndexMap<String, Spot>,
    /// Widths of nodes that are not as wide as usual.
    pub widths: IndexMap<String, f64>,
    /// Nodes folded to their titles.
    pub collapsed: IndexMap<String, ()>,
    /// Frames by name.
    pub groups: IndexMap<String, Group>,
    /// Notes by name.
    pub notes: IndexMap<String, Note>,
    /// Points that a wire goes through, by the wire's end: `node.input`, or `node.input#2` for its second link.
    pub reroutes: IndexMap<String, Vec<Spot>>,
    /// What else stands in the section.
    other: Vec<(Lit, Lit)>,
    /// The section is no map: nothing of this version.
    foreign: Option<Lit>,
    /// It was there, though empty.
    present: bool,
}

impl View {
    /// Takes the canvas section out of a graph.
    #[must_use]
    pub fn take(graph: &mut Graph) -> Self {
        let mut view = Self::default();
        let entries = match graph.canvas.take() {
            None => return view,
            Some(Lit::Map(entries)) => entries,
            Some(other) => {
                view.foreign = Some(other);
                return view;
            }
        };
        view.present = true;
        for (key, value) in entries {
            let known = match (key.as_text(), &value) {
                (Some("positions"), Lit::Map(all)) => fill(all, &mut view.positions, spot),
                (Some("widths"), Lit::Map(all)) => fill(all, &mut view.widths, number),
                (Some("collapsed"), Lit::List(all)) => {
                    let names: Option<Vec<String>> =
                        all.iter().map(|n| n.as_text().map(str::to_owned)).collect();
                    names.map(|n| view.collapsed = n.into_iter().map(|n| (n, ())).collect()).is_some()
                }
                (Some("groups"), Lit::Map(all)) => fill(all, &mut view.groups, |lit| {
                    Some(Group {
                        title: lit.get("title")?.as_text()?.to_owned(),
                        area: area(lit)?,
                        tint: tint(lit),
                    })
                }),
                (Some("notes"), Lit::Map(all)) => fill(all, &mut view.notes, |lit| {
                    Some(Note {
                        text: lit.get("text")?.as_text()?.to_owned(),
                        area: area(lit)?,
                        tint: tint(lit),
                    })
                }),
                (Some("reroutes"), Lit::Map(all)) => fill(all, &mut view.reroutes, |lit| match lit {
                    Lit::List(points) => points.iter().map(spot).collect(),
                    _ => None,
                }),
                _ => false,
            };
            if !known {
                view.other.push((key, value));
            }
        }
        view
    }

    /// The canvas section, or none if there is nothing to say.
    #[must_use]
    pub fn to_lit(&self) -> Option<Lit> {
        if let Some(foreign) = self.foreign.as_ref().filter(|_| self.is_bare()) {
            return Some(foreign.clone());
        }
        let mut all = Vec::new();
        let mut add = |name: &str, lit: Option<Lit>| {
            if let Some(lit) = lit {
                all.push((Lit::text(name), lit));
            }
        };
        add("positions", map(&self.positions, pair));
        add("widths", map(&self.widths, |w| exact(*w)));
        let names: Vec<Lit> = self.collapsed.keys().map(Lit::text).collect();
        add("collapsed", (!names.is_empty()).then_some(Lit::List(names)));
        add("groups", map(&self.groups, |g| boxed("title", &g.title, g.area, g.tint)));
        add("notes", map(&self.notes, |n| boxed("text", &n.text, n.area, n.tint)));
        add("reroutes", map(&self.reroutes, |points| Lit::List(points.iter().map(pair).collect())));
        all.extend(self.other.iter().cloned());
        (self.present || !all.is_empty()).then_some(Lit::Map(all))
    }

    fn is_bare(&self) -> bool {
        self.positions.is_empty()
            && self.widths.is_empty()
            && self.collapsed.is_empty()
            && self.groups.is_empty()
            && self.notes.is_empty()
            && self.reroutes.is_empty()
    }
}

fn fill<T>(all: &[(Lit, Lit)], into: &mut IndexMap<String, T>, read: impl Fn(&Lit) -> Option<T>) -> bool {
    let read: Option<IndexMap<String, T>> =
        all.iter().map(|(k, v)| Some((k.as_text()?.to_owned(), read(v)?))).collect();
    read.map(|read| *into = read).is_some()
}

fn number(lit: &Lit) -> Option<f64> {
    let value = match lit {
        Lit::Int(v) => *v as f64,
        Lit::Float(v) => *v,
        _ => return None,
    };
    // What is farther away than that cannot be drawn.
    (value.abs() <= 1e9).then_some(value)
}

fn spot(lit: &Lit) -> Option<Spot> {
    match lit {
        Lit::Tuple(None, v) | Lit::List(v) if v.len() == 2 => Some(Spot::new(number(&v[0])?, number(&v[1])?)),
        _ => None,
    }
}

fn area(lit: &Lit) -> Option<Area> {
    Some(Area { at: spot(lit.get("at")?)?, size: spot(lit.get("size")?)? })
}

fn tint(lit: &Lit) -> u8 {
    lit.get("tint").and_then(number).map_or(0, |t| t.clamp(0.0, 255.0) as u8)
}

fn exact(v: f64) -> Lit {
    if v.fract() == 0.0 { Lit::Int(v as i128) } else { Lit::Float(v) }
}

fn pair(at: &Spot) -> Lit {
    Lit::Tuple(None, vec![exact(at.x), exact(at.y)])
}

fn boxed(field: &str, text: &str, area: Area, tint: u8) -> Lit {
    let mut fields = vec![
        (field.to_owned(), Lit::text(text)),
        ("at".to_owned(), pair(&area.at)),
        ("size".to_owned(), pair(&area.size)),
    ];
    if tint != 0 {
        fields.push(("tint".to_owned(), Lit::Int(tint.into())));
    }
    Lit::Struct(None, fields)
}

fn map<T>(all: &IndexMap<String, T>, write: impl Fn(&T) -> Lit) -> Option<Lit> {
    let entries: Vec<(Lit, Lit)> = all.iter().map(|(k, v)| (Lit::text(k), write(v))).collect();
    (!entries.is_empty()).then_some(Lit::Map(entries))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
mod tests {
    use super::*;

    #[test]
    fn what_others_keep_there_stays() {
        let text = r#"Graph(kiln: 1, nodes: { "a": (type: "X") }, canvas: {
            "positions": { "a": (10, -2.5) },
            "notes": { "n": (text: "hi", at: (0, 0), size: (100, 50), tint: 2) },
            "camera": (zoom: 2),
        })"#;
        let mut graph = Graph::parse(text).unwrap();
        let before = graph.canvas.clone();
        let view = View::take(&mut graph);
        assert_eq!(view.positions["a"], Spot::new(10.0, -2.5));
        assert_eq!(view.notes["n"].tint, 2);
        assert_eq!(view.to_lit(), before);
    }

    #[test]
    fn a_section_of_another_kind_is_kept() {
        for text in ["7", "{}", "{ \"positions\": 3 }", "{ 1: 2 }"] {
            let mut graph = Graph::new();
            graph.canvas = Some(Lit::parse(text).unwrap());
            let before = graph.canvas.clone();
            assert_eq!(View::take(&mut graph).to_lit(), before, "{text}");
        }
    }
}
