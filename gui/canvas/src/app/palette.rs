//! The node palette: all nodes by name, or only those that fit where a wire was dropped.

use super::commands::{arrows, score, sheet};
use super::{Over, Studio};
use crate::look::{Look, category_icon, medium, type_color};
use crate::model::wiring::fit;
use crate::scene::Pin;
use egui::{Context, FontId, Pos2, RichText, TextEdit, vec2};
use kiln_core::types::Type;
use kiln_core::{Registry, Schema};

/// What is searched, and where the node goes.
#[derive(Clone, Debug)]
pub struct Palette {
    /// Where the new node goes, on the plane.
    pub at: Pos2,
    /// The pin it is wired to.
    pub pin: Option<Pin>,
    /// The node whose type is swapped.
    pub swap: Option<String>,
    /// The letters.
    pub text: String,
    /// Which of what was found.
    pub row: usize,
}

impl Palette {
    /// For a new node.
    #[must_use]
    pub fn new(at: Pos2, pin: Option<Pin>) -> Self {
        Self { at, pin, swap: None, text: String::new(), row: 0 }
    }

    /// For another type of a node.
    #[must_use]
    pub fn swap(name: &str, at: Pos2) -> Self {
        Self { swap: Some(name.to_owned()), ..Self::new(at, None) }
    }
}

/// The node types that fit letters and a type: with `out`, those that take it, else those that give it.
#[must_use]
pub fn fitting<'a>(registry: &'a Registry, text: &str, wanted: Option<(&Type, bool)>) -> Vec<&'a Schema> {
    let mut all: Vec<(u8, i32, &Schema)> = registry
        .iter()
        .map(|n| n.schema())
        .filter_map(|schema| {
            let near = match wanted {
                None => 0,
                Some((ty, true)) => {
                    let inputs = schema.inputs.iter().filter_map(|i| fit(ty, &i.ty));
                    let params =
                        schema.params.iter().filter(|p| !p.control).filter_map(|p| fit(ty, &p.kind.ty()));
                    inputs.min().or_else(|| params.min().map(|f| f + 4))?
                }
                Some((ty, false)) => schema.outputs.iter().filter_map(|o| fit(&o.ty, ty)).min()?,
            };
            let by_title = score(text, &schema.title);
            let by_name = score(text, &schema.name).map(|s| s - 5);
            let by_place = score(text, &schema.category).map(|s| s / 4 - 100);
            let best = by_title.into_iter().chain(by_name).chain(by_place).max()?;
            Some((near, best, schema))
        })
        .collect();
    if text.trim().is_empty() {
        all.sort_by(|a, b| (a.0, &a.2.category, &a.2.title).cmp(&(b.0, &b.2.category, &b.2.title)));
    } else {
        all.sort_by(|a, b| (std::cmp::Reverse(a.1), &a.2.title).cmp(&(std::cmp::Reverse(b.1), &b.2.title)));
    }
    all.into_iter().map(|(_, _, schema)| schema).collect()
}

impl Studio {
    pub(super) fn show_palette(&mut self, ctx: &Context, mut palette: Palette) {
        let look = Look::of(ctx);
        let wanted = palette.pin.and_then(|pin| Some((self.canvas.scene.takes(pin)?, pin.is_out())));
        let registry = self.registry.clone();
        let found = fitting(&registry, &palette.text, wanted.as_ref().map(|(ty, out)| (ty, *out)));
        let enter = arrows(ctx, &mut palette.row, found.len());
        let mut picked = enter.then_some(palette.row);
        let mut open = true;
        sheet(ctx, "nodes", 560.0, &mut open, |ui| {
            if let Some((ty, out)) = &wanted {
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), egui::Sense::hover());
                    ui.painter().circle_filled(rect.center(), 5.0, type_color(&ty.name, look.dark));
                    let words =
                        if *out { format!("Nodes that take {ty}") } else { format!("Nodes that give {ty}") };
                    ui.label(RichText::new(words).color(look.muted));
                });
            } else if let Some(name) = &palette.swap {
                ui.label(RichText::new(format!("Another type for {name}")).color(look.muted));
            }
            let field = TextEdit::singleline(&mut palette.text)
                .hint_text("Search nodes")
                .font(FontId::new(16.0, medium()))
                .desired_width(f32::INFINITY)
                .margin(vec2(10.0, 9.0));
            let response = ui.add(field);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Search nodes"));
            response.request_focus();
            if response.changed() {
                palette.row = 0;
            }
            ui.add_space(4.0);
            let height = 40.0;
            egui::ScrollArea::vertical().max_height(400.0).show_rows(
                ui,
                height - 6.0,
                found.len(),
                |ui, range| {
                    for row in range {
                        let schema = found[row];
                        let size = vec2(ui.available_width(), height - 6.0);
                        let button = egui::Button::selectable(row == palette.row, "").min_size(size);
                        let response = ui.add(button);
                        let title = schema.title.to_string();
                        response.widget_info(|| {
                            egui::WidgetInfo::selected(
                                egui::WidgetType::Button,
                                true,
                                row == palette.row,
                                format!("Add {title}"),
                            )
                        });
                        let painter = ui.painter_at(response.rect);
                        let y = response.rect.center().y;
                        let x = response.rect.left();
                        let text = |x: f32, t: &str, size: f32, color, family, right: bool| {
                            let align =
                                if right { egui::Align2::RIGHT_CENTER } else { egui::Align2::LEFT_CENTER };
                            painter.text(egui::pos2(x, y), align, t, FontId::new(size, family), color);
                        };
                        let tint = look.category(&schema.category);
                        text(
                            x + 10.0,
                            category_icon(&schema.category),
                            16.0,
                            tint,
                            crate::look::regular(),
                            false,
                        );
                        text(x + 38.0, &schema.title, 13.5, look.text, medium(), false);
                        let place = schema.category.replace('/', " / ");
                        text(
                            response.rect.right() - 10.0,
                            &place,
                            11.5,
                            look.muted,
                            crate::look::regular(),
                            true,
                        );
                        if response.on_hover_text(schema.doc.as_ref()).clicked() {
                            picked = Some(row);
                        }
                    }
                },
            );
            if found.is_empty() {
                ui.label(RichText::new("No node is called that, or none fits the wire.").color(look.muted));
            }
        });
        match picked.and_then(|row| found.get(row)) {
            Some(schema) => {
                let name = schema.name.to_string();
                match &palette.swap {
                    Some(node) => {
                        let title = format!("Make it {}", schema.title);
                        self.doc.step(&self.canvas.scope, &title, |s| s.swap_type(&registry, node, &name));
                    }
                    None => {
                        self.canvas.add_node(&mut self.doc, &registry, &name, palette.at, palette.pin);
                    }
                }
            }
            None if open => self.over = Over::Nodes(palette),
            None => {}
        }
    }
}
