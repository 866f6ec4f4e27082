//! The figures as HTML: they are there without a script, and a reader for the blind finds tables.

use super::escape::escape;
use crate::figures::{Figures, GateFigures, TraitFigures, number, percent};

/// A bar, and a mark to compare it with; both in hundredths of the room.
fn bar(value: u64, mark: Option<u64>, most: u64) -> String {
    let of = |n: u64| n as f64 * 100.0 / most.max(1) as f64;
    let mark = mark.map_or_else(String::new, |m| {
        format!("<rect class=\"planned\" x=\"{:.2}%\" y=\"0\" width=\"2\" height=\"16\"/>", of(m).min(99.6))
    });
    let long = if value > 0 { of(value).max(0.5) } else { 0.0 };
    format!(
        "<svg aria-hidden=\"true\"><rect class=\"made\" y=\"3\" width=\"{long:.2}%\" height=\"10\"/>{mark}</svg>"
    )
}

fn section(id: &str, title: &str, lead: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\"><div class=\"wide\"><h2>{title}</h2><p class=\"lead\">{lead}</p>{body}</div></section>\n"
    )
}

/// Trait counts, planned against made.
pub(super) fn traits(figures: &Figures) -> String {
    let planned = figures.traits.iter().any(|t| t.off.is_some());
    let lead = if planned {
        "How many items have each trait. The bar is what was made, the mark what the plan wanted."
    } else {
        "How many items have each trait."
    };
    let panels: String = figures.traits.iter().map(|t| panel(t, figures.items)).collect();
    section("traits", "Traits", lead, &format!("<div class=\"panels\">{panels}</div>"))
}

fn panel(figures: &TraitFigures, items: u64) -> String {
    let most = figures.values.iter().map(|v| v.made.max(v.planned.unwrap_or(0))).max().unwrap_or(0);
    let rows: String = figures
        .values
        .iter()
        .map(|v| {
            let (name, class) = v.name.as_ref().map_or(("none".to_owned(), " class=\"none\""), |n| (escape(n), ""));
            let (words, off) = match v.planned {
                Some(planned) if planned != v.made => (format!("{} of {}", number(v.made), number(planned)), " off"),
                _ => (number(v.made), ""),
            };
            let bar = bar(v.made, v.planned, most);
            let share = percent(v.made as f64 / items.max(1) as f64);
            format!("<tr{class}><th scope=\"row\">{name}</th><td class=\"b\">{bar}</td><td class=\"n{off}\">{words}</td><td class=\"n\">{share}</td></tr>")
        })
        .collect();
    let off = match figures.off {
        Some(0) => "<small>as planned</small>".to_owned(),
        Some(off) => format!("<small>off by up to {}</small>", number(off)),
        None => String::new(),
    };
    format!(
        "<div class=\"panel\"><h3>{}{off}</h3><table class=\"rows\">{rows}</table></div>",
        escape(&figures.name)
    )
}

/// The spread of rarity, and the tiers.
pub(super) fn rarity(figures: &Figures) -> String {
    let rarity = &figures.rarity;
    if rarity.bins.is_empty() {
        return String::new();
    }
    let named = figures.tiers.iter().filter(|t| t.name.is_some()).count();
    let class = |tier: usize| match (named, tier) {
        (0, _) => "fb".to_owned(),
        (named, tier) if tier < named => format!("f{}", tier % 6),
        _ => "fn".to_owned(),
    };
    let (wide, high) = (1200.0, 300.0);
    let most = rarity.bins.iter().map(|b| b.items).max().unwrap_or(0).max(1) as f64;
    let each = wide / rarity.bins.len() as f64;
    let mut drawn = String::new();
    for share in [0.0, 0.5, 1.0] {
        let y = high * (1.0 - share) + 10.0;
        drawn.push_str(&format!("<line class=\"axis\" x1=\"60\" x2=\"1260\" y1=\"{y}\" y2=\"{y}\"/>"));
        drawn.push_str(&format!(
            "<text x=\"50\" y=\"{}\" text-anchor=\"end\">{}</text>",
            y + 4.0,
            number((most * share) as u64)
        ));
    }
    for (at, bin) in rarity.bins.iter().enumerate() {
        let mut y = high + 10.0;
        for (tier, count) in bin.tiers.iter().enumerate().rev().filter(|(_, n)| **n > 0) {
            let tall = (high * *count as f64 / most).max(1.0);
            y -= tall;
            let x = 60.0 + each * at as f64;
            drawn.push_str(&format!(
                "<rect class=\"{}\" x=\"{:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{tall:.2}\"><title>{:.2} to {:.2}: {}</title></rect>",
                class(tier),
                x + 0.75,
                (each - 1.5).max(0.5),
                bin.from,
                bin.to,
                bin.items
            ));
        }
    }
    for step in 0..=6 {
        let share = f64::from(step) / 6.0;
        let score = rarity.lowest + (rarity.highest - rarity.lowest) * share;
        drawn.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{score:.2}</text>",
            60.0 + wide * share,
            high + 34.0
        ));
    }
    let picture = format!(
        "<svg class=\"spread\" viewBox=\"0 0 1290 350\" role=\"img\" aria-label=\"How many items have which score\">{drawn}</svg>"
    );
    let lead = format!(
        "OpenRarity scores from {:.2} to {:.2}; half of the items are above {:.2}. The higher, the rarer.",
        rarity.lowest, rarity.highest, rarity.median
    );
    section("rarity", "Rarity", &lead, &format!("{picture}{}", tiers(figures, &class)))
}

fn tiers(figures: &Figures, class: &dyn Fn(usize) -> String) -> String {
    if figures.tiers.is_empty() {
        return String::new();
    }
    let dash = || "–".to_owned();
    let rows: String = figures
        .tiers
        .iter()
        .enumerate()
        .map(|(at, t)| {
            let name = t.name.as_ref().map_or_else(|| "no tier".to_owned(), |n| escape(n));
            let swatch = format!("<svg aria-hidden=\"true\" width=\"13\" height=\"13\"><rect class=\"{}\" width=\"13\" height=\"13\" rx=\"3\"/></svg>", class(at));
            format!(
                "<tr><td>{swatch} {name}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                number(t.items),
                percent(t.items as f64 / figures.items.max(1) as f64),
                t.best_rank.map_or_else(dash, number),
                t.mean_score.map_or_else(dash, |s| format!("{s:.2}"))
            )
        })
        .collect();
    format!(
        "<table class=\"tiers\"><thead><tr><th scope=\"col\">Tier</th><th scope=\"col\">Items</th><th scope=\"col\">Share</th>\
         <th scope=\"col\">Best rank</th><th scope=\"col\">Mean score</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

/// What gates rejected, by reason.
pub(super) fn gates(figures: &Figures) -> String {
    if figures.gates.is_empty() {
        return String::new();
    }
    let panels: String = figures.gates.iter().map(gate).collect();
    section(
        "gates",
        "Rejections",
        "What gates did not let pass, and why. Numbers in reasons are written #.",
        &format!("<div class=\"panels\">{panels}</div>"),
    )
}

fn gate(figures: &GateFigures) -> String {
    let most = figures.reasons.iter().map(|r| r.times).max().unwrap_or(0);
    let rows: String = figures
        .reasons
        .iter()
        .map(|r| {
            let bar = bar(r.times, None, most);
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"b\">{bar}</td><td class=\"n\">{}</td></tr>",
                escape(&r.reason),
                number(r.times)
            )
        })
        .collect();
    let tried = figures.passed + figures.rejected;
    let share = percent(figures.rejected as f64 / tried.max(1) as f64);
    format!(
        "<div class=\"panel\"><h3>{}<small>{} passed, {} rejected ({share})</small></h3><table class=\"rows\">{rows}</table></div>",
        escape(&figures.name),
        number(figures.passed),
        number(figures.rejected)
    )
}
