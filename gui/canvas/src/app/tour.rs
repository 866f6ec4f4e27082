//! The tour: a few cards that end with a picture.

use super::command::Command;
use super::{Studio, act};
use crate::look::{Look, strong};
use egui::{Context, FontId, RichText, vec2};

/// What the cards say: a title and a few words.
const STEPS: &[(&str, &str)] = &[
    (
        "Welcome to Kiln",
        "A graph of nodes makes a picture. Wires carry what one node makes to the next. Press Next for a small graph.",
    ),
    (
        "Nodes and wires",
        "Drag from a pin to another to wire them. Drop a wire on the empty plane, and only nodes that fit are offered. Double-click for all nodes.",
    ),
    ("Values", "Drag a number to turn it, click it to type. Everything can be undone with Ctrl+Z."),
    (
        "Run",
        "Press Run (Ctrl+Enter). Pictures appear on the nodes, and every one is kept in the gallery with its exact graph.",
    ),
];

impl Studio {
    pub(super) fn show_tour(&mut self, ctx: &Context) {
        let Some(step) = self.tour else { return };
        let Some((title, words)) = STEPS.get(step) else {
            self.tour = None;
            return;
        };
        let look = Look::of(ctx);
        let window = self.canvas.window;
        let (mut next, mut end) = (false, false);
        egui::Area::new(egui::Id::new("tour"))
            .order(egui::Order::Foreground)
            .fixed_pos(egui::pos2(window.left() + 24.0, window.bottom() - 24.0))
            .pivot(egui::Align2::LEFT_BOTTOM)
            .show(ctx, |ui| {
                egui::Frame::window(ui.style()).show(ui, |ui| {
                    ui.set_width(320.0);
                    ui.label(RichText::new(*title).font(FontId::new(16.0, strong())));
                    ui.label(RichText::new(*words).color(look.muted));
                    ui.add_space(8.0);
                    ui.horizontal(|ui| {
                        let last = step + 1 == STEPS.len();
                        let text = RichText::new(if last { "Run it" } else { "Next" }).color(look.on_accent);
                        next = ui
                            .add(egui::Button::new(text).fill(look.accent).min_size(vec2(80.0, 28.0)))
                            .clicked();
                        end = ui.button("Skip the tour").clicked();
                        ui.label(
                            RichText::new(format!("{} of {}", step + 1, STEPS.len()))
                                .small()
                                .color(look.muted),
                        );
                    });
                });
            });
        if end {
            self.tour = None;
            self.settings.toured = true;
        }
        if next {
            if step == 0 && self.doc.root().nodes.is_empty() {
                let text =
                    self.templates.iter().find(|t| t.name == "framed-paper").or(self.templates.first());
                if let Some(text) = text.map(|t| t.text.clone()) {
                    self.leave(act::Then::Text(text));
                }
            }
            if step + 1 == STEPS.len() {
                self.settings.toured = true;
                self.tour = None;
                self.obey(ctx, Command::Run);
            } else {
                self.tour = Some(step + 1);
            }
        }
    }
}
