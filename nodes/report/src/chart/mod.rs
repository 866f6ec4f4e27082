//! The figures as pictures: PNG charts, the same bytes on every machine.

mod canvas;
mod panels;
mod spread;

pub use canvas::ChartError;
pub use panels::{Panel, Row, panels};
pub use spread::spread;

use crate::figures::{Figures, number, percent};
use kiln_collection::balance::Balance;

/// Values of one group beyond these are summed up.
const MOST_ROWS: usize = 40;

/// A chart and its file's name.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The file's name, without a folder.
    pub name: &'static str,
    /// The file's bytes.
    pub png: Vec<u8>,
}

/// All charts of a collection; those that would be empty are left out.
///
/// # Errors
/// A picture cannot be drawn.
pub fn charts(figures: &Figures) -> Result<Vec<Chart>, ChartError> {
    let mut all = Vec::new();
    let of = |what: &str| {
        if figures.name.is_empty() { what.to_owned() } else { format!("{}: {what}", figures.name) }
    };
    let items = format!("{} items", number(figures.items));
    let planned = figures.traits.iter().any(|t| t.off.is_some());
    let below = if planned { format!("{items}; bars are made, marks are planned") } else { items.clone() };
    let traits: Vec<Panel> = figures.traits.iter().map(trait_panel).collect();
    if !traits.is_empty() {
        all.push(Chart { name: "traits.png", png: panels(&of("traits"), &below, &traits)? });
    }
    if !figures.rarity.bins.is_empty() {
        all.push(Chart { name: "rarity.png", png: spread(&of("rarity"), figures)? });
    }
    if !figures.tiers.is_empty() {
        let rows = figures.tiers.iter().map(|t| Row {
            label: t.name.clone().unwrap_or_else(|| "no tier".to_owned()),
            value: t.items,
            mark: None,
            words: format!("{}  {}", number(t.items), percent(t.items as f64 / figures.items.max(1) as f64)),
            faint: t.name.is_none(),
        });
        let panel = Panel { title: "Tiers".to_owned(), rows: rows.collect() };
        all.push(Chart { name: "tiers.png", png: panels(&of("tiers"), &items, &[panel])? });
    }
    let gates: Vec<Panel> = figures.gates.iter().map(gate_panel).collect();
    if !gates.is_empty() {
        all.push(Chart { name: "gates.png", png: panels(&of("what gates rejected"), "by reason", &gates)? });
    }
    Ok(all)
}

fn trait_panel(figures: &crate::figures::TraitFigures) -> Panel {
    let row = |v: &crate::figures::ValueFigures| Row {
        label: v.name.clone().unwrap_or_else(|| "none".to_owned()),
        value: v.made,
        mark: v.planned,
        words: match v.planned {
            Some(planned) if planned != v.made => format!("{} of {}", number(v.made), number(planned)),
            _ => number(v.made),
        },
        faint: v.name.is_none(),
    };
    let mut rows: Vec<Row> = figures.values.iter().map(row).collect();
    if rows.len() > MOST_ROWS {
        let rest = rows.split_off(MOST_ROWS - 1);
        let value = rest.iter().map(|r| r.value).sum();
        let mark = rest.iter().map(|r| r.mark).sum();
        rows.push(Row {
            label: format!("{} more", rest.len()),
            value,
            mark,
            words: number(value),
            faint: true,
        });
    }
    Panel { title: figures.name.clone(), rows }
}

fn gate_panel(figures: &crate::figures::GateFigures) -> Panel {
    let row = |r: &crate::figures::ReasonFigures| Row {
        label: r.reason.clone(),
        value: r.times,
        mark: None,
        words: number(r.times),
        faint: false,
    };
    Panel {
        title: format!(
            "{}: {} passed, {} rejected",
            figures.name,
            number(figures.passed),
            number(figures.rejected)
        ),
        rows: figures.reasons.iter().map(row).collect(),
    }
}

/// A chart of what a plan's weights come to; marks show what it was before, where it is compared.
///
/// # Errors
/// The picture cannot be drawn.
pub fn balance(title: &str, balance: &Balance) -> Result<Vec<u8>, ChartError> {
    let compared = balance.groups.iter().flat_map(|g| &g.values).any(|v| v.before.is_some());
    let panel = |group: &kiln_collection::balance::GroupBalance| {
        let row = |v: &kiln_collection::balance::ValueBalance| {
            let words = match v.before {
                Some(before) if before != v.planned => {
                    format!("{}, was {}", number(v.planned), number(before))
                }
                None if compared => format!("{}, new", number(v.planned)),
                _ => format!("{}  {}", number(v.planned), percent(v.share)),
            };
            Row { label: v.name.clone(), value: v.planned, mark: v.before, words, faint: v.name == "none" }
        };
        Panel { title: group.name.clone(), rows: group.values.iter().map(row).collect() }
    };
    let all: Vec<Panel> = balance.groups.iter().map(panel).collect();
    let items = format!("{} items", number(balance.size));
    let below = if compared { format!("{items}; marks are what it was before") } else { items };
    panels(title, &below, &all)
}
