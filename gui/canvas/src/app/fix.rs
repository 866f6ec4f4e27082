//! One-click fixes for problems that say what to do in a way that can be done.

use crate::model::Document;
use crate::model::edit::{Edit, Entry};
use kiln_core::document::{Link, Lit, Source};
use kiln_core::{Problem, Registry};

/// Something that would mend a problem.
#[derive(Clone, Debug, PartialEq)]
pub enum Fix {
    /// Another type for the node.
    Type(String),
    /// Another value for the parameter.
    Value(Lit),
    /// The nearest value that is allowed.
    Link(Link),
    /// The value or the link goes away.
    Remove,
    /// A node between what gives and what takes.
    Between(String),
    /// The graph is run over items.
    Items,
    /// Another name for the parameter or the input.
    Name(String),
}

impl Fix {
    /// What the button says.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Type(ty) => format!("Make it {ty}"),
            Self::Value(lit) => format!("Use {lit}"),
            Self::Link(link) => format!("Link {link}"),
            Self::Remove => "Remove it".to_owned(),
            Self::Items => "Run over items".to_owned(),
            Self::Between(ty) => format!("Put {ty} between"),
            Self::Name(name) => format!("Rename to {name}"),
        }
    }
}

/// What would mend a problem, if that is known.
#[must_use]
pub fn fix_for(doc: &Document, scope: &[String], registry: &Registry, problem: &Problem) -> Option<Fix> {
    let node = doc.graph(scope)?.nodes.get(&problem.node)?;
    let hint = problem.hint.as_deref().unwrap_or_default();
    let meant = hint
        .split_once("did you mean ")
        .map(|(_, rest)| rest.trim_end_matches('?').trim().trim_matches(['"', '`']).to_owned());
    let known = registry.get(&node.ty);
    if known.is_none() && node.graph.is_none() {
        let ty = meant.filter(|ty| registry.get(ty).is_some()).or_else(|| registry.nearest(&node.ty))?;
        return Some(Fix::Type(ty));
    }
    if let Some((_, rest)) = hint.split_once("put a ")
        && let Some((ty, _)) = rest.split_once(' ')
        && registry.get(ty).is_some()
    {
        return Some(Fix::Between(ty.to_owned()));
    }
    if hint.contains("--items") {
        return Some(Fix::Items);
    }
    let port = problem.port.as_deref()?;
    let schema = known?.schema();
    let param = schema.params.iter().find(|p| p.name == port);
    if let Some(meant) = meant {
        if node.from.contains_key(port)
            && let Ok(link) = meant.parse::<Link>()
        {
            return Some(Fix::Link(link));
        }
        if let Some(param) = param {
            return kiln_core::lit::from_word(&param.kind, &meant).ok().map(Fix::Value);
        }
        if schema.slot(&meant).is_some() {
            return Some(Fix::Name(meant));
        }
    }
    if let (Some(param), Some(lit)) = (param, node.with.get(port)) {
        let number = crate::model::literal::as_number(lit);
        let (min, max) = match param.kind {
            kiln_core::Kind::Int { min, max, .. } => (min as f64, max as f64),
            kiln_core::Kind::Float { min, max, .. } => (min, max),
            _ => return None,
        };
        if let Some(v) = number.filter(|v| *v < min || *v > max) {
            return Some(Fix::Value(crate::model::literal::number(v.clamp(min, max))));
        }
    }
    let there = node.with.contains_key(port) || node.from.contains_key(port);
    (schema.slot(port).is_none() && there).then_some(Fix::Remove)
}

/// Mends a problem.
pub fn apply(
    doc: &mut Document,
    scope: &[String],
    registry: &Registry,
    problem: &Problem,
    fix: &Fix,
) -> bool {
    let node = problem.node.clone();
    let port = problem.port.clone().unwrap_or_default();
    doc.step(scope, &fix.title(), |s| match fix {
        Fix::Type(ty) => s.swap_type(registry, &node, ty),
        Fix::Value(lit) => s.set_param(&node, &port, Some(lit.clone())),
        Fix::Link(link) => {
            let entry = Entry::set(port.clone(), Source::One(link.clone()));
            s.edit(Edit::Link { node: node.clone(), entry });
        }
        // Not a matter of the document.
        Fix::Items => {}
        Fix::Remove => {
            s.edit(Edit::Param { node: node.clone(), entry: Entry::gone(port.clone()) });
            s.edit(Edit::Link { node: node.clone(), entry: Entry::gone(port.clone()) });
        }
        Fix::Name(name) => {
            let Some(one) = s.graph().nodes.get(&node) else { return };
            if let Some(lit) = one.with.get(&port).cloned() {
                s.edit(Edit::Param { node: node.clone(), entry: Entry::gone(port.clone()) });
                s.edit(Edit::Param { node: node.clone(), entry: Entry::set(name.clone(), lit) });
            } else if let Some(source) = one.from.get(&port).cloned() {
                s.edit(Edit::Link { node: node.clone(), entry: Entry::gone(port.clone()) });
                s.edit(Edit::Link { node: node.clone(), entry: Entry::set(name.clone(), source) });
            }
        }
        Fix::Between(ty) => {
            let at = |name: &str| s.view().positions.get(name).copied();
            let here = at(&node).unwrap_or_default();
            let spot = crate::model::Spot::new(here.x - 260.0, here.y);
            let name = s.add_node(
                &crate::model::step::name_for(ty),
                kiln_core::document::Node::new(ty.clone()),
                spot,
            );
            s.insert_into_wire(registry, &name, &node, &port, 0);
        }
    })
}
