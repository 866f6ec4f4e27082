//! The form: what a graph shows to the outside, for people who do not wire; and the inspector's rows.

use super::Studio;
use crate::look::{Look, icon, medium};
use crate::model::Token;
use crate::widgets::{self, Change};
use egui::{Align, Layout, RichText, Ui};

impl Studio {
    /// A parameter with its name, its widget and the way back to the default.
    pub(super) fn param_row(&mut self, ui: &mut Ui, node: &str, at: usize, title: Option<&str>) {
        let look = Look::of(ui.ctx());
        let scope = self.canvas.scope.clone();
        let Some(one) = self.doc.graph(&scope).and_then(|g| g.nodes.get(node)) else { return };
        let ports = match self.canvas.scene.node(node) {
            Some(shape) => shape.ports.clone(),
            None => return,
        };
        let Some(param) = ports.params.get(at) else { return };
        let value = ports.value(one, at).cloned();
        let said = one.with.contains_key(param.name);
        let linked = one.from.contains_key(param.name);
        let name = title.unwrap_or(param.name).replace('_', " ");
        let label = format!("{} of {node}", title.unwrap_or(param.name));
        let mut change = None;
        ui.push_id((node, param.name), |ui| {
            ui.horizontal(|ui| {
                let text = RichText::new(&name).family(medium()).size(12.0);
                let text = if said { text.color(look.text) } else { text.color(look.muted) };
                ui.label(text).on_hover_text(param.doc.as_ref());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if said && !linked {
                        let sign = RichText::new(icon::ARROW_COUNTER_CLOCKWISE).size(12.0).color(look.muted);
                        let response =
                            ui.add(egui::Button::new(sign).frame(false)).on_hover_text("Back to the default");
                        let label = format!("Reset {label}");
                        response.widget_info(|| {
                            egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label)
                        });
                        if response.clicked() {
                            change = Some(Change::Reset);
                        }
                    }
                });
            });
            if linked {
                let from = one.from[param.name]
                    .links()
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ");
                ui.label(RichText::new(format!("{} {from}", icon::LINK)).color(look.muted).small());
            } else {
                let edited = widgets::edit(ui, param, value.as_ref(), &label, &mut self.shelf);
                change = edited.or(change.take());
            }
        });
        ui.add_space(4.0);
        // What happens while one widget has the pointer or the focus is one step.
        let held = ui.ctx().memory(|m| m.focused()).map_or(0, |id| id.value());
        let dragged = ui.ctx().dragged_id().map_or(0, |id| id.value());
        let busy = ui.input(|i| i.pointer.any_down()) || held != 0;
        let token = Token((held ^ dragged.rotate_left(7)) | 1 << 63);
        match change {
            Some(Change::Set(lit)) => {
                self.set_many(node, param.name, Some(&lit), token);
                if !busy {
                    self.doc.settle();
                }
            }
            Some(Change::Reset) => {
                self.set_many(node, param.name, None, token);
                self.doc.settle();
            }
            Some(Change::Pick) => {
                let base = self.base();
                self.over = super::Over::Files(super::files::Dialog::pick(&base, node, param.name));
            }
            None => {}
        }
    }

    /// Everything the graph shows to the outside.
    pub(super) fn form(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let Some(graph) = self.doc.graph(&self.canvas.scope) else { return };
        let title = if graph.title.is_empty() { "Untitled".to_owned() } else { graph.title.clone() };
        let about = graph.about.clone();
        let rows: Vec<(String, Vec<kiln_core::document::ParamRef>)> =
            graph.expose.iter().map(|(name, all)| (name.clone(), all.clone())).collect();
        ui.label(RichText::new(title).heading());
        if !about.is_empty() {
            ui.label(RichText::new(about).color(look.muted));
        }
        ui.add_space(8.0);
        if rows.is_empty() {
            ui.label(
                RichText::new("This graph shows nothing to the outside yet. Right-click a value on a node and choose “Show in the form”.")
                    .color(look.muted),
            );
        }
        for (name, targets) in rows {
            let Some(first) = targets.first() else { continue };
            let before = self
                .doc
                .graph(&self.canvas.scope)
                .and_then(|g| g.nodes.get(&first.node)?.with.get(&first.param))
                .cloned();
            let at = self
                .canvas
                .scene
                .node(&first.node)
                .and_then(|s| s.ports.param(&first.param))
                .map(|(at, _)| at);
            let Some(at) = at else { continue };
            self.param_row(ui, &first.node, at, Some(&name));
            // One name may set several parameters: they follow the first.
            let after = self
                .doc
                .graph(&self.canvas.scope)
                .and_then(|g| g.nodes.get(&first.node)?.with.get(&first.param))
                .cloned();
            if before != after {
                let scope = self.canvas.scope.clone();
                self.doc.step(&scope, &format!("Set {name}"), |s| {
                    for target in &targets[1..] {
                        s.set_param(&target.node, &target.param, after.clone());
                    }
                });
            }
        }
        ui.add_space(8.0);
        let run = egui::Button::new(
            RichText::new(format!("{}  Run", icon::PLAY)).color(look.on_accent).family(medium()),
        )
        .fill(look.accent)
        .min_size(egui::vec2(ui.available_width(), 34.0));
        let response = ui.vertical_centered_justified(|ui| ui.add(run)).inner;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, "Run the form"));
        if response.clicked() {
            let ctx = ui.ctx().clone();
            self.obey(&ctx, super::command::Command::Run);
        }
    }
}
