//! Long text: weights of words with Ctrl+Up and Ctrl+Down, and names of embeddings completed.

use crate::look::Look;
use egui::text::{CCursor, CCursorRange};
use egui::{Key, Modifiers, RichText, TextEdit, Ui, vec2};

/// What the editor of that name is known by.
#[must_use]
pub fn id(ui: &Ui, label: &str) -> egui::Id {
    ui.make_persistent_id((label, "long text"))
}

/// An editor; gives the text if it changed.
pub fn edit(ui: &mut Ui, text: &str, label: &str, weights: bool, embeddings: &[String]) -> Option<String> {
    let mut now = text.to_owned();
    let id = id(ui, label);
    let focused = ui.memory(|m| m.has_focus(id));
    let step = if focused && weights {
        ui.input_mut(|i| {
            let up = i.consume_key(Modifiers::COMMAND, Key::ArrowUp);
            let down = i.consume_key(Modifiers::COMMAND, Key::ArrowDown);
            f64::from(i32::from(up) - i32::from(down)) * 0.05
        })
    } else {
        0.0
    };
    let mut output = TextEdit::multiline(&mut now)
        .id(id)
        .desired_width(f32::INFINITY)
        .desired_rows(3)
        .margin(vec2(8.0, 6.0))
        .show(ui);
    let response = &output.response.response;
    let name = label.to_owned();
    ui.ctx().accesskit_node_builder(id, |node| node.set_label(name));
    let mut changed = response.changed();
    let cursor = output.cursor_range;
    if step != 0.0
        && let Some(range) = cursor
    {
        let (from, to) = (
            range.primary.index.0.min(range.secondary.index.0),
            range.primary.index.0.max(range.secondary.index.0),
        );
        if let Some((text, from, to)) = weigh(&now, from, to, step) {
            now = text;
            changed = true;
            let range = CCursorRange::two(CCursor::new(from), CCursor::new(to));
            output.state.cursor.set_char_range(Some(range));
            output.state.store(ui.ctx(), id);
        }
    }
    if focused
        && let Some(range) = cursor
        && let Some((start, typed)) = embedding_at(&now, range.primary.index.0)
    {
        let look = Look::of(ui.ctx());
        let fitting: Vec<&String> =
            embeddings.iter().filter(|e| e.to_lowercase().contains(&typed.to_lowercase())).take(6).collect();
        if !fitting.is_empty() {
            ui.label(RichText::new("Embeddings").small().color(look.muted));
            for name in fitting {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                if ui.button(stem).clicked() {
                    let chars: Vec<char> = now.chars().collect();
                    let head: String = chars[..start].iter().collect();
                    let tail: String = chars[range.primary.index.0.min(chars.len())..].iter().collect();
                    now = format!("{head}{stem}{tail}");
                    changed = true;
                }
            }
        }
    }
    changed.then_some(now)
}

/// The beginning of an embedding's name before a place in the text, and where it starts.
#[must_use]
pub fn embedding_at(text: &str, cursor: usize) -> Option<(usize, String)> {
    let before: String = text.chars().take(cursor).collect();
    let (_, name) = before.rsplit_once("embedding:")?;
    if name.chars().any(|c| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ':')) {
        return None;
    }
    Some((before.chars().count() - name.chars().count(), name.to_owned()))
}

/// Gives what is selected, or the word at the cursor, more weight or less: `(word:1.05)`. Gives the text and what
/// is to be selected in it. Weight 1 needs no brackets.
#[must_use]
pub fn weigh(text: &str, from: usize, to: usize, by: f64) -> Option<(String, usize, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut from, mut to) = (from.min(chars.len()), to.min(chars.len()));
    let in_word = |c: char| !c.is_whitespace() && !matches!(c, ',' | '(' | ')' | ':');
    if from == to {
        while from > 0 && in_word(chars[from - 1]) {
            from -= 1;
        }
        while to < chars.len() && in_word(chars[to]) {
            to += 1;
        }
    }
    while from < to && chars[from].is_whitespace() {
        from += 1;
    }
    while to > from && chars[to - 1].is_whitespace() {
        to -= 1;
    }
    if from == to {
        return None;
    }
    // Brackets that are there already, around what is meant.
    let inner: String = chars[from..to].iter().collect();
    let after: String = chars[to..].iter().collect();
    let bracketed = from > 0
        && chars[from - 1] == '('
        && after.starts_with(':')
        && after[1..].split_once(')').is_some_and(|(number, _)| number.trim().parse::<f64>().is_ok());
    let (start, end, weight) = if bracketed {
        let number: String = after[1..].chars().take_while(|c| *c != ')').collect();
        (from - 1, to + 2 + number.chars().count(), number.trim().parse().unwrap_or(1.0))
    } else {
        (from, to, 1.0)
    };
    let weight = ((weight + by) * 100.0).round() / 100.0;
    let weight = weight.clamp(0.0, 10.0);
    let middle = if (weight - 1.0).abs() < 0.001 { inner.clone() } else { format!("({inner}:{weight})") };
    let shift = usize::from(middle.starts_with('(') && middle.len() > inner.len());
    let head: String = chars[..start].iter().collect();
    let tail: String = chars[end.min(chars.len())..].iter().collect();
    let at = start + shift;
    Some((format!("{head}{middle}{tail}"), at, at + inner.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_and_go() {
        let (text, from, to) = weigh("a red fox", 3, 3, 0.05).unwrap_or_default();
        assert_eq!((text.as_str(), from, to), ("a (red:1.05) fox", 3, 6));
        let (text, from, to) = weigh(&text, from, to, 0.05).unwrap_or_default();
        assert_eq!(text, "a (red:1.1) fox");
        let (text, from, to) = weigh(&text, from, to, -0.05).unwrap_or_default();
        let (text, ..) = weigh(&text, from, to, -0.05).unwrap_or_default();
        assert_eq!(text, "a red fox");
        assert_eq!(weigh("  ", 1, 1, 0.05), None);
        assert_eq!(weigh("ä big öwl", 2, 9, -0.1).map(|w| w.0).as_deref(), Some("ä (big öwl:0.9)"));
    }

    #[test]
    fn embeddings_are_completed_where_one_is_typed() {
        assert_eq!(embedding_at("a embedding:ea", 14), Some((12, "ea".to_owned())));
        assert_eq!(embedding_at("embedding:easy, more", 20), None);
        assert_eq!(embedding_at("nothing", 7), None);
    }
}
