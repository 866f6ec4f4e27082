//! Templates with their pictures, recent files, work that was left behind; and the empty canvas' few words.

use super::act::Then;
use super::command::Command;
use super::{Over, Studio, commands::sheet};
use crate::look::{Look, icon, medium, strong};
use crate::model::Document;
use egui::{
    Align2, Color32, Context, FontId, Pos2, Rect, RichText, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};

const CARD: egui::Vec2 = vec2(212.0, 168.0);

impl Studio {
    pub(super) fn show_templates(&mut self, ctx: &Context) {
        let look = Look::of(ctx);
        let mut open = true;
        let mut chosen = None;
        let mut file = None;
        sheet(ctx, "templates", 720.0, &mut open, |ui| {
            ui.label(RichText::new("Begin with a template").heading());
            ui.add_space(6.0);
            egui::ScrollArea::vertical().auto_shrink([false, true]).max_height(460.0).show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing = vec2(12.0, 12.0);
                    for at in 0..self.templates.len() {
                        if self.card(ui, at, &look) {
                            chosen = Some(at);
                        }
                    }
                });
                if !self.settings.recent.is_empty() {
                    ui.add_space(12.0);
                    ui.label(RichText::new("Recent").family(medium()).color(look.muted));
                    for path in self.settings.recent.iter().take(8) {
                        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        let response =
                            ui.add(egui::Button::new(format!("{}   {name}", icon::FILE)).frame(false));
                        if response.on_hover_text(path.display().to_string()).clicked() {
                            file = Some(path.clone());
                        }
                    }
                }
            });
        });
        if let Some(at) = chosen {
            let text = self.templates[at].text.clone();
            self.leave(Then::Text(text));
        } else if let Some(path) = file {
            self.leave(Then::Open(path));
        } else if open && matches!(self.over, Over::None) {
            self.over = Over::Templates;
        }
    }

    fn card(&mut self, ui: &mut Ui, at: usize, look: &Look) -> bool {
        let (name, text) = (self.templates[at].name.clone(), self.templates[at].text.clone());
        let graph = kiln_core::document::Graph::parse(&text).unwrap_or_default();
        let title = if graph.title.is_empty() { name.clone() } else { graph.title.clone() };
        let (rect, response) = ui.allocate_exact_size(CARD, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Template {title}")));
        if !ui.is_rect_visible(rect) {
            return false;
        }
        let fill = if response.hovered() { look.hover } else { look.field };
        ui.painter().rect_filled(rect, 8.0, fill);
        let stage = Rect::from_min_size(rect.min + vec2(6.0, 6.0), vec2(CARD.x - 12.0, 112.0));
        let texture = match self.thumbs.get(&name) {
            Some(texture) => Some(texture.clone()),
            None => {
                let pixels =
                    self.templates[at].picture.as_ref().and_then(|b| crate::run::Pixels::decode(b).ok());
                let texture =
                    pixels.map(|p| ui.ctx().load_texture(&name, p.image(), egui::TextureOptions::LINEAR));
                if let Some(texture) = &texture {
                    self.thumbs.insert(name.clone(), texture.clone());
                }
                texture
            }
        };
        match texture {
            Some(texture) => {
                let size = texture.size_vec2();
                let scale = (stage.width() / size.x).max(stage.height() / size.y);
                let shown = stage.size() / (size * scale);
                let uv = Rect::from_center_size(pos2(0.5, 0.5), shown);
                let shape = egui::epaint::RectShape::filled(stage, 6.0, Color32::WHITE)
                    .with_texture(texture.id(), uv);
                ui.painter().add(shape);
            }
            None => sketch(ui, stage, &graph, look, &self.registry),
        }
        let left = rect.left() + 12.0;
        let painter = ui.painter_at(rect);
        painter.text(
            pos2(left, stage.bottom() + 17.0),
            Align2::LEFT_CENTER,
            &title,
            FontId::new(13.5, strong()),
            look.text,
        );
        let mut job = egui::text::LayoutJob::single_section(
            graph.about.clone(),
            egui::TextFormat::simple(FontId::new(11.5, crate::look::regular()), look.muted),
        );
        job.wrap = egui::text::TextWrapping::truncate_at_width(CARD.x - 24.0);
        let galley = painter.layout_job(job);
        painter.galley(pos2(left, stage.bottom() + 27.0), galley, look.muted);
        response.on_hover_text(&graph.about).clicked()
    }

    /// A few words on an empty canvas.
    pub(super) fn welcome(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let window = self.canvas.window;
        let rect = Rect::from_center_size(window.center() - vec2(0.0, 10.0), vec2(420.0, 320.0));
        let mut chosen = None;
        let mut recover = None;
        ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| {
            ui.vertical_centered(|ui| {
                ui.add_space(16.0);
                ui.label(RichText::new(icon::FIRE).size(44.0).color(look.accent));
                ui.add_space(4.0);
                ui.label(RichText::new("An empty kiln").font(FontId::new(22.0, strong())));
                ui.label(
                    RichText::new("Double-click anywhere for the first node, or begin with something.")
                        .color(look.muted),
                );
                ui.add_space(14.0);
                let size = vec2(240.0, 34.0);
                let button = egui::Button::new(
                    RichText::new("Begin with a template").color(look.on_accent).family(medium()),
                );
                if ui.add(button.fill(look.accent).min_size(size)).clicked() {
                    chosen = Some(Command::Templates);
                }
                if ui.add(egui::Button::new("Open a file").min_size(size)).clicked() {
                    chosen = Some(Command::Open);
                }
                for (at, found) in self.found.iter().enumerate().take(3) {
                    let name = found
                        .path
                        .as_ref()
                        .and_then(|p| p.file_name())
                        .map(|n| n.to_string_lossy().into_owned());
                    let words = format!(
                        "{}  Recover {}",
                        icon::CLOCK_COUNTER_CLOCKWISE,
                        name.unwrap_or_else(|| "unsaved work".into())
                    );
                    if ui.add(egui::Button::new(words).min_size(size)).clicked() {
                        recover = Some(at);
                    }
                }
            });
        });
        if let Some(command) = chosen {
            let ctx = ui.ctx().clone();
            self.obey(&ctx, command);
        }
        if let Some(at) = recover {
            self.recover(at);
        }
    }

    /// Shows work that an earlier window left behind. It is not in its file yet.
    pub fn recover(&mut self, at: usize) {
        let found = self.found.remove(at);
        if let Ok(doc) = Document::parse(&found.text) {
            self.show_document(doc, found.path);
            self.saved = u64::MAX;
            let _ = std::fs::remove_file(&found.kept);
        }
    }
}

/// A small drawing of a graph, for a template that has no picture.
fn sketch(
    ui: &Ui,
    stage: Rect,
    graph: &kiln_core::document::Graph,
    look: &Look,
    registry: &kiln_core::Registry,
) {
    let painter = ui.painter_at(stage);
    painter.rect_filled(stage, 6.0, look.plane);
    let names: Vec<&String> = graph.nodes.keys().collect();
    let items: Vec<crate::model::arrange::Item> = graph
        .nodes
        .values()
        .map(|n| {
            let links = n.from.values().flat_map(|s| s.links());
            let from = links.filter_map(|l| names.iter().position(|name| **name == l.node)).collect();
            crate::model::arrange::Item { size: (150.0, 90.0), from }
        })
        .collect();
    let spots = crate::model::arrange::arrange(&items);
    let far = spots.iter().fold((1.0f64, 1.0f64), |m, s| (m.0.max(s.x + 150.0), m.1.max(s.y + 90.0)));
    let scale = ((stage.width() - 20.0) / far.0 as f32).min((stage.height() - 20.0) / far.1 as f32);
    let origin = stage.center() - vec2(far.0 as f32, far.1 as f32) * scale / 2.0;
    let at = |n: usize| origin + vec2(spots[n].x as f32, spots[n].y as f32) * scale;
    for (to, item) in items.iter().enumerate() {
        for from in &item.from {
            let a: Pos2 = at(*from) + vec2(150.0, 45.0) * scale;
            let b: Pos2 = at(to) + vec2(0.0, 45.0) * scale;
            let curve = crate::canvas::wire::curve(a, b);
            let stroke = egui::Stroke::new(1.0, look.muted.gamma_multiply(0.6));
            painter.add(egui::epaint::CubicBezierShape::from_points_stroke(
                curve.0,
                false,
                Color32::TRANSPARENT,
                stroke,
            ));
        }
    }
    for (n, node) in graph.nodes.values().enumerate() {
        let category = registry.get(&node.ty).map(|k| k.schema().category.to_string()).unwrap_or_default();
        let rect = Rect::from_min_size(at(n), vec2(150.0, 90.0) * scale);
        painter.rect_filled(rect, 2.0, look.category(&category).gamma_multiply(0.8));
    }
}
