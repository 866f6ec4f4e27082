//! The page: one HTML file that needs nothing but the pictures beside it. It works from a file, without a network.
//!
//! What comes from a collection is a stranger's: names may hold anything. In the HTML every text is escaped; the data for
//! the script is JSON in a block that is never run, with `<` written `\u003c`; the script puts texts in as texts, never as
//! HTML; and the page's own rules (its content security policy) let only this very script and style run, by their hashes,
//! and nothing be fetched from elsewhere.

mod data;
mod escape;
mod figures;

pub use data::Sheets;
pub use escape::{base64, escape, json_in_script};

use crate::facts::CollectionFacts;
use crate::figures::{Figures, number};
use kiln_collection::provenance::Digest;

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

/// The rule that lets an inline script or style run.
fn only(text: &str) -> String {
    format!("'sha256-{}'", base64(&Digest::sha256(text.as_bytes()).0))
}

/// Writes the page.
#[must_use]
pub fn page(facts: &CollectionFacts, figures: &Figures, sheets: &Sheets) -> String {
    let title = if facts.name.is_empty() { "Collection" } else { &facts.name };
    let rules = format!(
        "default-src 'none'; script-src {}; style-src {}; img-src 'self' file: data:; base-uri 'none'; form-action 'none'",
        only(JS),
        only(CSS)
    );
    let mut html = String::with_capacity(1 << 16);
    let mut put = |text: &str| html.push_str(text);
    put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{rules}\">\n"));
    put(
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
    );
    put(&format!("<title>{}</title>\n<style>{CSS}</style>\n</head>\n<body>\n", escape(title)));
    put(&head(facts, figures, title));
    put(&navigation(figures));
    put("<main>\n");
    put(ITEMS);
    put(&figures::traits(figures));
    put(&figures::rarity(figures));
    put(&figures::gates(figures));
    put("</main>\n");
    put(
        "<dialog id=\"detail\"></dialog>\n<footer><div class=\"wide\">Made by Kiln. Everything on this page is in this folder; nothing is fetched from elsewhere. The same figures: <a href=\"figures.json\">figures.json</a>.</div></footer>\n",
    );
    put(&format!("<script type=\"application/json\" id=\"data\">{}</script>\n", data::data(facts, sheets)));
    put(&format!("<script>{JS}</script>\n</body>\n</html>\n"));
    html
}

fn head(facts: &CollectionFacts, figures: &Figures, title: &str) -> String {
    let mut sums = vec![(number(figures.items), if figures.items == 1 { "item" } else { "items" })];
    sums.push((figures.traits.len().to_string(), "sorts of traits"));
    let values: usize =
        figures.traits.iter().map(|t| t.values.iter().filter(|v| v.name.is_some()).count()).sum();
    sums.push((number(values as u64), "values"));
    if !facts.tiers.is_empty() {
        sums.push((facts.tiers.len().to_string(), "tiers"));
    }
    if !figures.gates.is_empty() {
        sums.push((number(figures.gates.iter().map(|g| g.rejected).sum()), "rejected by gates"));
    }
    if figures.pictures < figures.items {
        sums.push((number(figures.items - figures.pictures), "without a picture"));
    }
    let sums: String =
        sums.iter().map(|(n, what)| format!("<li><b>{n}</b><span>{what}</span></li>")).collect();
    let about = if facts.description.is_empty() {
        String::new()
    } else {
        format!("<p class=\"about\">{}</p>", escape(&facts.description))
    };
    let hash = |name: &str, hash: &Option<String>| {
        hash.as_ref().map(|h| format!("{name} <code>{}</code><br>", escape(h))).unwrap_or_default()
    };
    format!(
        "<header class=\"wide head\"><p class=\"eyebrow\">Collection report</p><h1>{}</h1>{about}<ul class=\"sums\">{sums}</ul><p class=\"hash\">{}{}</p></header>\n",
        escape(title),
        hash("Provenance", &facts.provenance),
        hash("Merkle root", &facts.merkle_root)
    )
}

fn navigation(figures: &Figures) -> String {
    let gates = if figures.gates.is_empty() { "" } else { "<a href=\"#gates\">Rejections</a>" };
    format!(
        "<nav aria-label=\"Page\"><div class=\"wide\"><a href=\"#items\">Items</a><a href=\"#traits\">Traits</a>\
         <a href=\"#rarity\">Rarity</a>{gates}<span class=\"fill\"></span>\
         <button class=\"plain\" type=\"button\" id=\"theme\" aria-label=\"light or dark\">Auto</button>\
         <button class=\"plain strong\" type=\"button\" id=\"export\" disabled>No decisions yet</button></div></nav>\n"
    )
}

const ITEMS: &str = r##"<section id="items"><div class="wide"><h2 class="sr">Items</h2>
<noscript><p class="lead">The items are shown by a script, which is turned off here. The figures below do without.</p></noscript>
<div class="tools">
<label class="sr" for="search">Search</label>
<input type="search" id="search" autocomplete="off" spellcheck="false" placeholder="Search: words, #7, hat:crown, -cap, &quot;two words&quot;">
<button class="plain only-narrow" type="button" id="filters">Filters</button>
<label class="sr" for="order">Order</label>
<select id="order"><option value="token">By number</option><option value="rank">Rarest first</option><option value="common">Most common first</option><option value="name">By name</option></select>
<label class="sr" for="only">Decisions</label>
<select id="only"><option value="">All</option><option value="none">Undecided</option><option value="any">Decided</option><option value="approve">Approved</option><option value="reject">Rejected</option><option value="redo">To redo</option><option value="replace">To replace</option></select>
<button class="plain" type="button" id="clear" disabled>Clear</button>
<span class="count" id="count" role="status"></span>
</div>
<p class="help"><kbd>/</kbd> search &nbsp; arrows move, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes &nbsp; in an item <kbd>a</kbd> approve <kbd>r</kbd> reject <kbd>d</kbd> redo <kbd>p</kbd> replace</p>
<div class="split"><div class="side" id="side" role="group" aria-label="Filters"></div><div class="grid" id="grid" role="group" aria-label="Items"></div></div>
</div></section>
"##;
