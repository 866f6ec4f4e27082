//! The command palette: everything that can be asked for, by a few letters of its name; and nodes to go to.

use super::command::Command;
use super::{Over, Studio};
use crate::look::{Look, medium};
use egui::{Context, FontId, Key, RichText, TextEdit, vec2};

/// What is searched.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The letters.
    pub text: String,
    /// Which of what was found.
    pub at: usize,
}

/// How well letters fit a name; none if they do not. All letters have to come in order.
#[must_use]
pub fn score(letters: &str, name: &str) -> Option<i32> {
    let letters = letters.trim().to_lowercase();
    if letters.is_empty() {
        return Some(0);
    }
    let lower = name.to_lowercase();
    if let Some(at) = lower.find(&letters) {
        let start = at == 0 || lower.as_bytes().get(at - 1).is_some_and(|b| !b.is_ascii_alphanumeric());
        return Some(1000 - at as i32 - name.len() as i32 + if start { 500 } else { 0 });
    }
    let (mut total, mut run, mut last) = (0, 0, true);
    let mut wanted = letters.chars().filter(|c| !c.is_whitespace()).peekable();
    for c in lower.chars() {
        if wanted.peek() == Some(&c) {
            wanted.next();
            run += 1;
            total += run * 4 + if last { 8 } else { 0 };
        } else {
            run = 0;
            total -= 1;
        }
        last = !c.is_alphanumeric();
    }
    wanted.peek().is_none().then_some(total)
}

/// Moves through a list with the arrow keys; says whether Enter was pressed.
pub(super) fn arrows(ctx: &Context, at: &mut usize, len: usize) -> bool {
    ctx.input_mut(|i| {
        if i.consume_key(egui::Modifiers::NONE, Key::ArrowDown) {
            *at = (*at + 1).min(len.saturating_sub(1));
        }
        if i.consume_key(egui::Modifiers::NONE, Key::ArrowUp) {
            *at = at.saturating_sub(1);
        }
        *at = (*at).min(len.saturating_sub(1));
        i.key_pressed(Key::Enter)
    })
}

enum Found {
    Command(Command),
    Node(String, String),
}

impl Studio {
    pub(super) fn show_commands(&mut self, ctx: &Context, mut search: Search) {
        let look = Look::of(ctx);
        let mut found: Vec<(i32, Found)> = Command::ALL
            .iter()
            .filter(|c| **c != Command::Palette)
            .filter_map(|c| Some((score(&search.text, c.title())?, Found::Command(*c))))
            .collect();
        if !search.text.trim().is_empty() {
            let graph = self.doc.graph(&self.canvas.scope);
            for shape in &self.canvas.scene.nodes {
                let title = shape.title(graph.and_then(|g| g.nodes.get(&shape.name)));
                let label = format!("Go to {title}");
                if let Some(score) = score(&search.text, &format!("{title} {}", shape.name)) {
                    found.push((score - 200, Found::Node(shape.name.clone(), label)));
                }
            }
            found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        }
        found.truncate(60);
        let enter = arrows(ctx, &mut search.at, found.len());
        let mut picked = enter.then_some(search.at);
        let mut open = true;
        sheet(ctx, "commands", 520.0, &mut open, |ui| {
            let field = TextEdit::singleline(&mut search.text)
                .hint_text("Search commands and nodes")
                .font(FontId::new(16.0, medium()))
                .desired_width(f32::INFINITY)
                .margin(vec2(10.0, 9.0));
            let response = ui.add(field);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Search commands"));
            response.request_focus();
            if response.changed() {
                search.at = 0;
            }
            ui.add_space(4.0);
            egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
                for (row, (_, one)) in found.iter().enumerate() {
                    let (title, keys) = match one {
                        Found::Command(c) => (c.title(), self.settings.keys.of(*c).to_owned()),
                        Found::Node(_, label) => (label.as_str(), String::new()),
                    };
                    let keys = RichText::new(keys).small().color(look.muted);
                    let button = egui::Button::selectable(row == search.at, title)
                        .min_size(vec2(ui.available_width(), 30.0))
                        .right_text(keys);
                    let response = ui.add(button);
                    response.widget_info(|| {
                        egui::WidgetInfo::selected(egui::WidgetType::Button, true, row == search.at, title)
                    });
                    if response.clicked() {
                        picked = Some(row);
                    }
                    if row == search.at {
                        response.scroll_to_me(None);
                    }
                }
                if found.is_empty() {
                    ui.label(RichText::new("Nothing is called that.").color(look.muted));
                }
            });
        });
        match picked.and_then(|at| found.into_iter().nth(at)) {
            Some((_, Found::Command(command))) => self.obey(ctx, command),
            Some((_, Found::Node(name, _))) => self.canvas.show_node(&name),
            None if open => self.over = Over::Commands(search),
            None => {}
        }
    }
}

/// A sheet over everything, at the upper middle; a press beside it closes it.
pub(super) fn sheet(
    ctx: &Context,
    id: &str,
    width: f32,
    open: &mut bool,
    content: impl FnOnce(&mut egui::Ui),
) {
    let id = egui::Id::new(("sheet", id));
    let screen = ctx.content_rect();
    let look = Look::of(ctx);
    let veil =
        egui::Area::new(id.with("veil")).order(egui::Order::Middle).fixed_pos(screen.min).show(ctx, |ui| {
            let response = ui.allocate_response(screen.size(), egui::Sense::click());
            let color = egui::Color32::from_black_alpha(if look.dark { 110 } else { 60 });
            ui.painter().rect_filled(screen, 0, color);
            response
        });
    let width = width.min(screen.width() - 32.0);
    let top = (screen.height() * 0.12).clamp(16.0, 120.0);
    egui::Area::new(id)
        .order(egui::Order::Foreground)
        .fixed_pos(egui::pos2(screen.center().x - width / 2.0, screen.top() + top))
        .show(ctx, |ui| {
            egui::Frame::window(ui.style()).show(ui, |ui| {
                ui.set_width(width - 28.0);
                ui.set_max_height(screen.height() - top - 40.0);
                content(ui);
            });
        });
    if veil.inner.clicked() {
        *open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_fits_score_higher() {
        let best = |letters: &str, names: &[&str]| {
            let fit = names.iter().filter_map(|n| Some((score(letters, n)?, *n)));
            fit.max().map(|(_, n)| n.to_owned())
        };
        assert_eq!(best("blur", &["Unsharp, blurred", "Blur", "Box blur"]).as_deref(), Some("Blur"));
        assert_eq!(best("lck", &["Load checkpoint", "Blur"]).as_deref(), Some("Load checkpoint"));
        assert_eq!(best("xyz", &["Blur"]), None);
    }
}
