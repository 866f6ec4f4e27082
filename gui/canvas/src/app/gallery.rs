//! The gallery: every picture that was made, the latest first; and what waits for a person's decision.

use super::act::Then;
use super::{Over, Studio, Viewer};
use crate::look::{Look, icon, medium};
use crate::model::Document;
use crate::model::clip::Selection;
use egui::{
    Color32, Frame, Margin, Panel, Pos2, Rect, RichText, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use kiln_runner::Decision;
use std::collections::BTreeSet;

impl Studio {
    pub(super) fn gallery(&mut self, ui: &mut Ui) {
        let waiting = !self.session.parked.is_empty();
        if self.session.history.made.is_empty() && !waiting {
            return;
        }
        let look = Look::of(ui.ctx());
        let frame =
            Frame::NONE.fill(look.panel).inner_margin(Margin { left: 14, right: 14, top: 10, bottom: 10 });
        Panel::bottom("gallery")
            .default_size(148.0)
            .size_range(110.0..=420.0)
            .resizable(true)
            .frame(frame)
            .show(ui, |ui| {
                if waiting {
                    self.review(ui);
                    return;
                }
                ui.horizontal(|ui| {
                    let count = self.session.history.made.len();
                    ui.label(RichText::new("Made").family(medium()));
                    ui.label(RichText::new(count.to_string()).color(look.muted));
                });
                ui.add_space(2.0);
                self.strip(ui);
            });
    }

    fn strip(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let height = (ui.available_height() - 12.0).max(60.0);
        egui::ScrollArea::horizontal().auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                for at in (0..self.session.history.made.len()).rev().take(300) {
                    let made = self.session.history.made[at].clone();
                    let picture = self.picture_of(&made);
                    let aspect = picture.map_or(1.0, |p| (p.size.x / p.size.y).clamp(0.4, 2.5));
                    let (rect, response) =
                        ui.allocate_exact_size(vec2(height * aspect, height), Sense::click());
                    let label = match made.item {
                        Some(item) => format!("Made {} of {}, item {item}", made.node, made.title),
                        None => format!("Made {} of {}", made.node, made.title),
                    };
                    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &label));
                    if !ui.is_rect_visible(rect) {
                        continue;
                    }
                    ui.painter().rect_filled(rect, 6.0, look.field);
                    if let Some(picture) = picture {
                        let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
                        let shape = egui::epaint::RectShape::filled(rect, 6.0, Color32::WHITE)
                            .with_texture(picture.texture, uv);
                        ui.painter().add(shape);
                    }
                    if response.hovered() {
                        ui.painter().rect_stroke(
                            rect,
                            6.0,
                            egui::Stroke::new(2.0, look.accent),
                            egui::StrokeKind::Inside,
                        );
                    }
                    if made.star {
                        let place = rect.right_top() + vec2(-8.0, 8.0);
                        let font = egui::FontId::new(15.0, crate::look::regular());
                        ui.painter().text(place, egui::Align2::RIGHT_TOP, icon::STAR, font, look.accent);
                    }
                    if response.clicked() {
                        self.session.pictures.want(&made.key, made.output, None);
                        self.over = Over::Viewer(Viewer::new(&made.key, &made.node));
                    }
                    response.context_menu(|ui| {
                        if ui.button("Restore its graph").clicked() {
                            self.restore(&made);
                        }
                        if ui.button("Compare with the current graph").clicked() {
                            self.compare(&made);
                        }
                        if ui.button(if made.star { "Unmark" } else { "Mark" }).clicked() {
                            self.session.history.toggle_star(at);
                        }
                    });
                }
            });
        });
    }

    /// The picture of something that was made, from the run or from the disk.
    pub(super) fn picture_of(&mut self, made: &crate::run::Made) -> Option<crate::canvas::Picture> {
        if let Some(picture) = self.session.pictures.shown(&made.key) {
            return Some(picture);
        }
        if self.thumbs.contains_key(&made.key) {
            return None;
        }
        let bytes = self.session.history.file(made)?;
        let pixels = crate::run::Pixels::decode(&bytes).ok()?;
        self.session.pictures.put(&made.key, pixels);
        self.session.pictures.shown(&made.key)
    }

    /// Shows the graph that a picture was made with.
    pub fn restore(&mut self, made: &crate::run::Made) {
        if let Some(text) = self.session.history.graph(made) {
            self.leave(Then::Text(text));
        }
    }

    /// Selects what is different between the graph of a picture and this one, and says how much that is.
    pub fn compare(&mut self, made: &crate::run::Made) {
        let Some(other) = self.session.history.graph(made).and_then(|t| Document::parse(&t).ok()) else {
            return;
        };
        let changed = differences(&self.doc, &other);
        let words = if changed.is_empty() {
            "The same graph.".to_owned()
        } else {
            format!("Different: {}", kiln_core::words::list(&changed.iter().collect::<Vec<_>>()))
        };
        let here = self.doc.root();
        self.canvas.enter(Vec::new());
        self.trail.clear();
        self.canvas.selection = Selection {
            nodes: changed.into_iter().filter(|n| here.nodes.contains_key(n)).collect(),
            ..Selection::default()
        };
        self.toast = Some((words, self.kept_at));
    }

    fn review(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let Some(parked) = self.session.parked.first().cloned() else { return };
        let left = self.session.parked.len();
        let mut decision = None;
        ui.horizontal(|ui| {
            let side = (ui.available_height() - 8.0).max(80.0);
            let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Look at what waits"));
            ui.painter().rect_filled(rect, 6.0, look.field);
            if let Some(picture) = self.session.pictures.shown(&parked.key) {
                let scale = (side / picture.size.x).min(side / picture.size.y);
                let place = Rect::from_center_size(rect.center(), picture.size * scale);
                let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
                ui.painter().image(picture.texture, place, uv, Color32::WHITE);
            }
            if response.clicked() {
                self.session.pictures.want(&parked.key, 0, None);
                self.over = Over::Viewer(Viewer::new(&parked.key, &parked.gate));
            }
            ui.vertical(|ui| {
                let item = parked.item.map(|i| format!(" · item {i}")).unwrap_or_default();
                ui.label(RichText::new(format!("{}{item}", parked.gate)).family(medium()));
                ui.label(RichText::new(&parked.reason).color(look.muted));
                ui.label(RichText::new(format!("{left} waiting")).small().color(look.muted));
                ui.horizontal(|ui| {
                    let free = ui.memory(|m| m.focused().is_none()) && matches!(self.over, Over::None);
                    let pressed = |key| free && ui.input(|i| i.key_pressed(key) && i.modifiers.is_none());
                    let (accept, reject, redo) =
                        (pressed(egui::Key::Y), pressed(egui::Key::X), pressed(egui::Key::R));
                    let yes = egui::Button::new(RichText::new("Accept  (Y)").color(look.on_accent))
                        .fill(look.accent);
                    if ui.add(yes).clicked() || accept {
                        decision = Some(Decision::Accept);
                    }
                    let reason = ui
                        .data_mut(|d| d.get_temp::<String>(egui::Id::new("reject reason")))
                        .unwrap_or_default();
                    if ui.button("Reject  (X)").clicked() || reject {
                        let reason = if reason.is_empty() {
                            "rejected by a person".to_owned()
                        } else {
                            reason.clone()
                        };
                        decision = Some(Decision::Reject { reason });
                    }
                    if ui.button("Redo  (R)").clicked() || redo {
                        decision = Some(Decision::Redo);
                    }
                    let mut text = reason;
                    let field = egui::TextEdit::singleline(&mut text)
                        .hint_text("Why, when rejecting")
                        .desired_width(200.0);
                    let response = ui.add(field);
                    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Reason"));
                    if response.changed() {
                        ui.data_mut(|d| d.insert_temp(egui::Id::new("reject reason"), text));
                    }
                });
            });
        });
        if let Some(decision) = decision {
            self.session.decide(&parked, decision);
            ui.data_mut(|d| d.remove::<String>(egui::Id::new("reject reason")));
        }
    }
}

/// The nodes that two documents do not have in the same way.
#[must_use]
pub fn differences(a: &Document, b: &Document) -> BTreeSet<String> {
    let (a, b) = (a.root(), b.root());
    let names: BTreeSet<&String> = a.nodes.keys().chain(b.nodes.keys()).collect();
    names.into_iter().filter(|name| a.nodes.get(*name) != b.nodes.get(*name)).cloned().collect()
}
