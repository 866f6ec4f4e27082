//! The inspector: everything about what is selected.

use super::{Studio, fix};
use crate::canvas::Status;
use crate::look::{Look, category_icon, icon, medium, strong};
use crate::model::ports::is_shown;
use egui::{Frame, Margin, Panel, RichText, TextEdit, Ui, vec2};
use kiln_core::{Purity, Severity};

impl Studio {
    pub(super) fn inspector(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let frame = Frame::NONE.fill(look.panel).inner_margin(Margin::same(14));
        Panel::right("inspector").default_size(300.0).size_range(240.0..=520.0).frame(frame).show(ui, |ui| {
            let wide = ui.available_width() - 6.0;
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                ui.set_max_width(wide);
                let nodes = &self.canvas.selection.nodes;
                match nodes.len() {
                    0 => self.about_graph(ui),
                    1 => {
                        if let Some(name) = nodes.first().cloned() {
                            self.about_node(ui, &name, None);
                        }
                    }
                    n => {
                        let first = nodes.first().cloned().unwrap_or_default();
                        let alike = self.canvas.alike(&first).len();
                        self.about_node(ui, &first, Some((n, alike)));
                    }
                }
            });
        });
    }

    fn about_graph(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let scope = self.canvas.scope.clone();
        let Some(graph) = self.doc.graph(&scope) else { return };
        let (mut title, mut about) = (graph.title.clone(), graph.about.clone());
        let (nodes, links) = (graph.nodes.len(), self.canvas.scene.wires.len());
        let token = crate::model::Token(ui.make_persistent_id("about graph").value());
        let field = TextEdit::singleline(&mut title)
            .hint_text("Untitled graph")
            .font(egui::FontId::new(17.0, strong()))
            .desired_width(f32::INFINITY)
            .margin(vec2(8.0, 6.0));
        let response = ui.add(field);
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Graph title"));
        if response.changed() {
            self.doc.step_on(&scope, "Title", token, |s| s.edit(crate::model::Edit::GraphTitle(title)));
        }
        let response = ui.add(
            TextEdit::multiline(&mut about)
                .hint_text("What is it for?")
                .desired_rows(3)
                .desired_width(f32::INFINITY)
                .margin(vec2(8.0, 6.0)),
        );
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("About the graph"));
        if response.changed() {
            self.doc.step_on(&scope, "Description", token, |s| s.edit(crate::model::Edit::About(about)));
        }
        ui.add_space(4.0);
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        ui.label(
            RichText::new(format!("{} · {}", count(nodes, "node"), count(links, "wire")))
                .color(look.muted)
                .small(),
        );
        ui.add_space(10.0);
        self.problem_list(ui, None);
        ui.add_space(10.0);
        self.batch_box(ui);
    }

    fn about_node(&mut self, ui: &mut Ui, name: &str, many: Option<(usize, usize)>) {
        let look = Look::of(ui.ctx());
        let scope = self.canvas.scope.clone();
        let Some(shape) = self.canvas.scene.node(name) else { return };
        let node = self.doc.graph(&scope).and_then(|g| g.nodes.get(name));
        let mut title = shape.title(node).to_owned();
        let (ports, category, ty) = (shape.ports.clone(), shape.category.clone(), shape.ty.clone());
        let definition = shape.definition.clone();
        let schema = self.registry.get(&ty).map(|n| n.schema().clone());
        if let Some((all, alike)) = many {
            ui.label(RichText::new(format!("{all} nodes selected")).heading());
            let words = if alike == all {
                "They are of one type: a change is made to all of them.".to_owned()
            } else if alike > 1 {
                format!("A change is made to the {alike} that are {}s.", shape_title(&title))
            } else {
                format!("Shown is {title}.")
            };
            ui.label(RichText::new(words).color(look.muted));
            ui.add_space(8.0);
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(category_icon(&category)).size(18.0).color(look.category(&category)));
            let field = TextEdit::singleline(&mut title)
                .font(egui::FontId::new(16.0, strong()))
                .desired_width(f32::INFINITY)
                .margin(vec2(6.0, 4.0));
            let response = ui.add(field);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Node title"));
            if response.changed() {
                let token = crate::model::Token(response.id.value());
                self.doc.step_on(&scope, "Rename", token, |s| s.set_title(name, &title));
            }
        });
        let mut id = name.to_owned();
        ui.horizontal(|ui| {
            ui.label(RichText::new(definition.as_deref().unwrap_or(&ty)).small().color(look.muted));
            ui.label(RichText::new("·").small().color(look.muted));
            let key = egui::Id::new(("node name", name.to_owned()));
            if let Some(typed) = ui.data(|d| d.get_temp::<String>(key)) {
                id = typed;
            }
            let field = TextEdit::singleline(&mut id)
                .font(egui::FontId::monospace(11.5))
                .desired_width(ui.available_width())
                .margin(vec2(4.0, 2.0))
                .id(key.with("field"));
            let response = ui.add(field);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Node name"));
            let text = id.clone();
            if response.changed() {
                ui.data_mut(|d| d.insert_temp(key, text.clone()));
            }
            if response.lost_focus() {
                ui.data_mut(|d| d.remove::<String>(key));
                let registry = self.registry.clone();
                let mut renamed = false;
                if text != name {
                    self.doc.step(&scope, "Rename", |s| renamed = s.rename(&registry, name, &text));
                }
                if renamed {
                    self.canvas.selection = crate::model::clip::Selection::node(text);
                }
            }
        });
        if let Some(schema) = &schema
            && !schema.doc.is_empty()
        {
            ui.label(RichText::new(schema.doc.as_ref()).color(look.muted).size(12.0));
        }
        match schema.as_ref().map(|s| (s.purity, s.doubt)) {
            Some((Purity::Effect, Some(kiln_core::Doubt::AtLeastOnce))) => {
                ui.label(
                    RichText::new(format!("{} It may happen twice after a crash.", icon::WARNING))
                        .small()
                        .color(look.warn),
                );
            }
            Some((Purity::Effect, _)) => {
                ui.label(
                    RichText::new(format!("{} It changes the world outside the graph.", icon::LIGHTNING))
                        .small()
                        .color(look.muted),
                );
            }
            _ => {}
        }
        if definition.is_some() && ui.button(format!("{}  Open the subgraph", icon::TREE_STRUCTURE)).clicked()
        {
            let ctx = ui.ctx().clone();
            self.answer(&ctx, crate::canvas::Asked::Enter(name.to_owned()));
            return;
        }
        if ports.unknown {
            ui.label(
                RichText::new(format!(
                    "{} This version knows no node type {ty}. It is kept as it is.",
                    icon::WARNING_CIRCLE
                ))
                .color(look.error),
            );
            if ui.button("Choose a replacement").clicked() {
                let ctx = ui.ctx().clone();
                self.obey(&ctx, super::command::Command::SwapType);
            }
        }
        ui.add_space(8.0);
        self.problem_list(ui, Some(name));
        let shown: Vec<usize> = (0..ports.params.len()).filter(|at| is_shown(&ports.params[*at])).collect();
        for at in shown {
            self.param_row(ui, name, at, None);
        }
        let control: Vec<usize> =
            (0..ports.params.len()).filter(|at| !is_shown(&ports.params[*at])).collect();
        if !control.is_empty() {
            egui::CollapsingHeader::new(
                RichText::new("For the engine").family(medium()).size(12.0).color(look.muted),
            )
            .id_salt(name)
            .show(ui, |ui| {
                for at in control {
                    self.param_row(ui, name, at, None);
                }
            });
        }
        self.state_of(ui, name);
    }

    fn state_of(&mut self, ui: &mut Ui, name: &str) {
        let look = Look::of(ui.ctx());
        let full = self.full_name(name);
        let Some(state) = self.session.states.get(&full).cloned() else { return };
        ui.add_space(8.0);
        let (text, color) = match &state.status {
            Status::Failed { reason } => (reason.clone(), look.error),
            Status::Rejected { reason } => (format!("Rejected: {reason}"), look.warn),
            Status::Parked { reason } => (reason.clone(), look.warn),
            _ if state.why.is_empty() => (String::new(), look.muted),
            _ => (state.why.clone(), look.muted),
        };
        if !text.is_empty() {
            ui.label(RichText::new(text).color(color).size(12.0));
        }
        if let Some(words) = &state.words {
            ui.label(RichText::new(words).monospace());
        }
        if let Some(picture) = state.picture {
            let wide = ui.available_width();
            let size = vec2(wide, wide * picture.size.y / picture.size.x);
            let size = if size.y > 320.0 { size * (320.0 / size.y) } else { size };
            let image =
                egui::Image::new((picture.texture, size)).corner_radius(6).sense(egui::Sense::click());
            let response = ui.add(image);
            let label = format!("Picture of {name}");
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
            if response.clicked() {
                self.look_at(name);
            }
        }
    }

    /// Problems, of one node or of all, each with its hint and what would mend it.
    pub(super) fn problem_list(&mut self, ui: &mut Ui, node: Option<&str>) {
        let look = Look::of(ui.ctx());
        let all: Vec<kiln_core::Problem> = match node {
            Some(name) => self.checker.by_node.get(&self.full_name(name)).cloned().unwrap_or_default(),
            None => self.checker.problems.clone(),
        };
        for (at, problem) in all.iter().enumerate().take(40) {
            let error = problem.severity == Severity::Error;
            let (sign, color) =
                if error { (icon::WARNING_CIRCLE, look.error) } else { (icon::WARNING, look.warn) };
            let frame = Frame::NONE.fill(look.field).corner_radius(8).inner_margin(Margin::same(10));
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.horizontal_top(|ui| {
                    ui.label(RichText::new(sign).color(color).size(15.0));
                    ui.vertical(|ui| {
                        if node.is_none() && !problem.node.is_empty() {
                            let place = match &problem.port {
                                Some(port) => format!("{}.{port}", problem.node),
                                None => problem.node.clone(),
                            };
                            let link = ui.link(RichText::new(place).family(medium()).size(12.0));
                            if link.clicked() {
                                let outer = problem.node.split('/').next().unwrap_or_default().to_owned();
                                self.canvas.show_node(&outer);
                            }
                        } else if let Some(port) = &problem.port {
                            ui.label(RichText::new(port).family(medium()).size(12.0));
                        }
                        ui.add(egui::Label::new(RichText::new(sentence(&problem.what)).size(12.5)).wrap());
                        if let Some(hint) = &problem.hint {
                            ui.add(egui::Label::new(RichText::new(hint).size(12.0).color(look.muted)).wrap());
                        }
                        let scope = self.canvas.scope.clone();
                        if let Some(mend) = fix::fix_for(&self.doc, &scope, &self.registry, problem) {
                            ui.push_id(at, |ui| {
                                let response = ui.button(format!("{}  {}", icon::WRENCH, mend.title()));
                                let label = format!("Fix: {}", mend.title());
                                response.widget_info(|| {
                                    egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label)
                                });
                                if response.clicked() {
                                    let registry = self.registry.clone();
                                    if mend == fix::Fix::Items {
                                        self.batch.on = true;
                                        self.batch.count = self.batch.count.max(4);
                                    }
                                    fix::apply(&mut self.doc, &scope, &registry, problem, &mend);
                                }
                            });
                        }
                    });
                });
            });
            ui.add_space(4.0);
        }
    }

    /// What a node has to say when the pointer rests on it.
    pub(super) fn node_tooltip(&self, ui: &Ui) {
        use crate::canvas::{Gesture, Hit};
        if !matches!(self.canvas.gesture, Gesture::Idle) || self.editor.is_some() || self.menu.is_some() {
            return;
        }
        let still = ui.input(|i| i.pointer.time_since_last_movement()) > 0.45;
        let over = ui.input(|i| i.pointer.latest_pos()).is_some_and(|p| {
            self.canvas.window.contains(p) && ui.ctx().layer_id_at(p).is_none_or(|l| l == ui.layer_id())
        });
        if !over || !matches!(self.over, super::Over::None) {
            return;
        }
        let words = match &self.canvas.hover {
            Hit::Node(n) | Hit::Fold(n) => {
                let Some(shape) = self.canvas.scene.nodes.get(*n as usize) else { return };
                let mut lines = Vec::new();
                for problem in self.checker.by_node.get(&self.full_name(&shape.name)).into_iter().flatten() {
                    lines.push(sentence(&problem.what));
                    lines.extend(problem.hint.clone());
                }
                if let Some(state) = self.session.states.get(&self.full_name(&shape.name)) {
                    match &state.status {
                        Status::Failed { reason }
                        | Status::Rejected { reason }
                        | Status::Parked { reason } => {
                            lines.push(reason.clone());
                        }
                        _ => {}
                    }
                    if !state.why.is_empty() {
                        lines.push(state.why.clone());
                    }
                }
                lines.join("\n")
            }
            Hit::Param { node, at } => {
                let param = self.canvas.scene.nodes.get(*node as usize).and_then(|s| s.ports.params.get(*at));
                param.map(|p| p.doc.to_string()).unwrap_or_default()
            }
            Hit::Pin(pin) => {
                let Some(shape) = self.canvas.scene.nodes.get(pin.node() as usize) else { return };
                let ty = self.canvas.scene.takes(*pin).map(|t| t.to_string()).unwrap_or_default();
                let name = self.canvas.scene.pin_name(*pin).unwrap_or_default();
                let doc = match pin {
                    crate::scene::Pin::Out { at, .. } => {
                        shape.ports.outputs.get(*at as usize).map(|p| p.doc.to_string())
                    }
                    crate::scene::Pin::In { at, .. } => {
                        shape.ports.inputs.get(*at as usize).map(|p| p.doc.to_string())
                    }
                    crate::scene::Pin::Param { at, .. } => {
                        shape.ports.params.get(*at as usize).map(|p| p.doc.to_string())
                    }
                };
                let doc = doc.filter(|d| !d.is_empty()).map(|d| format!("\n{d}")).unwrap_or_default();
                format!("{name}: {ty}{doc}")
            }
            _ => String::new(),
        };
        if words.is_empty() {
            return;
        }
        if !still {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(500));
            return;
        }
        let id = egui::Id::new("canvas tooltip");
        egui::Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, egui::PopupAnchor::Pointer)
            .gap(14.0)
            .show(|ui| {
                ui.set_max_width(320.0);
                ui.label(words);
            });
    }
}

fn shape_title(title: &str) -> &str {
    title
}

/// A sentence with a capital at its beginning.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
