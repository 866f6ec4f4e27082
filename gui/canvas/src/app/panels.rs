//! The panel at the left (nodes, queue, models, problems, form), and the settings.

use super::command::{Command, parse};
use super::settings::Theme;
use super::{Over, Side, Studio, commands::sheet, palette};
use crate::canvas::Snap;
use crate::look::{Look, category_icon, icon, medium};
use crate::run::Phase;
use egui::{Context, Frame, Margin, Panel, RichText, TextEdit, Ui, WidgetInfo, WidgetType, vec2};

/// Items of the next batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Whether the next run is one.
    pub on: bool,
    /// The first item.
    pub from: u64,
    /// How many.
    pub count: u64,
}

impl Batch {
    /// The items, from the first up to, but without, the second.
    #[must_use]
    pub fn items(&self) -> Option<(u64, u64)> {
        (self.on && self.count > 0).then(|| (self.from, self.from.saturating_add(self.count)))
    }
}

/// Where in the settings one is.
#[derive(Clone, Debug, Default)]
pub struct SettingsPage {
    /// The command whose keys are being changed.
    pub keys_of: Option<Command>,
    /// What commands are looked for.
    pub search: String,
}

impl Studio {
    pub(super) fn side_panel(&mut self, ui: &mut Ui) {
        if self.side == Side::None {
            return;
        }
        let look = Look::of(ui.ctx());
        let frame = Frame::NONE.fill(look.panel).inner_margin(Margin::same(14));
        let title = match self.side {
            Side::Library => "Nodes",
            Side::Queue => "Queue",
            Side::Models => "Models",
            Side::Problems => "Problems",
            Side::Form => "Form",
            Side::None => return,
        };
        Panel::left("side").default_size(280.0).size_range(220.0..=520.0).frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(title).heading());
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let away = ui.add(egui::Button::new(icon::X).frame(false));
                    away.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Close the panel"));
                    if away.clicked() {
                        self.side = Side::None;
                    }
                });
            });
            ui.add_space(6.0);
            match self.side {
                Side::Library => self.library(ui),
                side => {
                    egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| match side {
                        Side::Queue => self.queue(ui),
                        Side::Models => self.models(ui),
                        Side::Problems => {
                            if self.checker.problems.is_empty() {
                                ui.label(RichText::new("Nothing is wrong.").color(look.muted));
                            }
                            self.problem_list(ui, None);
                        }
                        Side::Form => self.form(ui),
                        _ => {}
                    });
                }
            }
        });
    }

    fn library(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let field = TextEdit::singleline(&mut self.search)
            .hint_text("Search")
            .desired_width(f32::INFINITY)
            .margin(vec2(8.0, 6.0));
        let response = ui.add(field);
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Search the library"));
        let registry = self.registry.clone();
        let mut found = palette::fitting(&registry, &self.search, None);
        found.sort_by(|a, b| (&a.category, &a.title).cmp(&(&b.category, &b.title)));
        let mut picked = None;
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let mut at = 0;
            while at < found.len() {
                let category = found[at].category.clone();
                let until = at + found[at..].iter().take_while(|s| s.category == category).count();
                ui.add_space(6.0);
                let words = format!("{}   {}", category_icon(&category), category.replace('/', " / "));
                ui.label(RichText::new(words).family(medium()).size(12.0).color(look.category(&category)));
                for schema in &found[at..until] {
                    let size = vec2(ui.available_width(), 26.0);
                    let button =
                        egui::Button::new(schema.title.as_ref()).frame(false).min_size(size).right_text("");
                    let response = ui.add(button).on_hover_text(schema.doc.as_ref());
                    if response.clicked() {
                        picked = Some(schema.name.to_string());
                    }
                }
                at = until;
            }
        });
        if let Some(ty) = picked {
            let at = self.canvas.camera.center;
            self.canvas.add_node(&mut self.doc, &registry, &ty, at, None);
        }
    }

    fn queue(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        if self.session.runs.is_empty() {
            ui.label(RichText::new("Nothing was run yet.").color(look.muted));
        }
        let mut cancel = None;
        for run in self.session.runs.iter().rev() {
            let (words, color) = match &run.phase {
                Phase::Queued => ("waits".to_owned(), look.muted),
                Phase::Running => ("running".to_owned(), look.busy),
                Phase::Ended { how } => {
                    let color = match how.as_str() {
                        "done" => look.good,
                        "failed" | "refused" | "lost" => look.error,
                        _ => look.muted,
                    };
                    (how.clone(), color)
                }
            };
            Frame::NONE.fill(look.field).corner_radius(8).inner_margin(Margin::same(10)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.horizontal(|ui| {
                    let name = if run.job.want.is_empty() {
                        "Everything".to_owned()
                    } else {
                        run.job.want.join(", ")
                    };
                    ui.add(egui::Label::new(RichText::new(name).family(medium())).truncate());
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if run.is_open() {
                            let button = ui.small_button("Cancel");
                            let label = format!("Cancel {}", run.id);
                            button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &label));
                            if button.clicked() {
                                cancel = Some(run.id.clone());
                            }
                        }
                        ui.label(RichText::new(words).color(color).small());
                    });
                });
                let part = match run.items {
                    Some((done, all)) if all > 0 => Some((done, all, "items")),
                    _ if run.nodes.1 > 0 => Some((run.nodes.0.min(run.nodes.1), run.nodes.1, "nodes")),
                    _ => None,
                };
                if let Some((done, all, what)) = part {
                    if run.is_open() {
                        let bar = egui::ProgressBar::new(done as f32 / all as f32)
                            .desired_height(5.0)
                            .fill(look.busy);
                        ui.add(bar);
                    }
                    ui.label(RichText::new(format!("{done} of {all} {what}")).small().color(look.muted));
                }
                if let Some(summary) = &run.summary {
                    let mut words = format!(
                        "{} · {} ran, {} kept",
                        kiln_core::words::duration(summary.ms),
                        summary.ran,
                        summary.cached
                    );
                    if !summary.rejections.is_empty() {
                        words.push_str(&format!(", {} rejected", summary.rejections.len()));
                    }
                    ui.label(RichText::new(words).small().color(look.muted));
                    for failure in summary.failures.iter().take(5) {
                        let words = format!("{}: {}", failure.node, failure.reason);
                        ui.add(egui::Label::new(RichText::new(words).small().color(look.error)).wrap());
                    }
                    for rejection in summary.rejections.iter().take(5) {
                        let item = rejection.item.map(|i| format!(" item {i}")).unwrap_or_default();
                        let words = format!("{}{item}: {}", rejection.gate, rejection.reason);
                        ui.add(egui::Label::new(RichText::new(words).small().color(look.warn)).wrap());
                    }
                }
            });
            ui.add_space(4.0);
        }
        if let Some(id) = cancel {
            self.session.cancel(&id);
        }
    }

    fn models(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        if self.shelf.models.is_empty() {
            ui.label(
                RichText::new("No models folder is known. Name one with --models or KILN_MODELS.")
                    .color(look.muted),
            );
        }
        if ui.button(format!("{}  Look again", icon::ARROWS_CLOCKWISE)).clicked() {
            self.shelf.forget();
        }
        for kind in kiln_core::models::kinds() {
            let all = self.shelf.models(kind).to_vec();
            if all.is_empty() {
                continue;
            }
            ui.add_space(6.0);
            ui.label(RichText::new(kind.replace('_', " ")).family(medium()).size(12.0).color(look.muted));
            for name in all {
                let response = ui.add(egui::Button::new(&name).frame(false).truncate());
                if response.on_hover_text("Copy the name").clicked() {
                    ui.ctx().copy_text(name.clone());
                }
            }
        }
    }

    /// How many items the next run makes.
    pub(super) fn batch_box(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        ui.horizontal(|ui| {
            crate::widgets::toggle(ui, &mut self.batch.on, "Run over items");
            ui.label("Run over items");
        });
        if self.batch.on {
            if self.batch.count == 0 {
                self.batch.count = 8;
            }
            ui.horizontal(|ui| {
                ui.label(RichText::new("from").color(look.muted));
                ui.add(egui::DragValue::new(&mut self.batch.from).speed(0.2));
                ui.label(RichText::new("make").color(look.muted));
                let response = ui.add(egui::Slider::new(&mut self.batch.count, 1..=1000).logarithmic(true));
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Number of items"));
            });
        }
    }

    pub(super) fn show_settings(&mut self, ctx: &Context, mut page: SettingsPage) {
        let look = Look::of(ctx);
        let mut open = true;
        sheet(ctx, "settings", 560.0, &mut open, |ui| {
            ui.label(RichText::new("Settings").heading());
            ui.add_space(6.0);
            egui::Grid::new("settings").num_columns(2).spacing([24.0, 10.0]).show(ui, |ui| {
                ui.label("Theme");
                ui.horizontal(|ui| {
                    for (theme, words) in
                        [(Theme::Dark, "Dark"), (Theme::Light, "Light"), (Theme::System, "System")]
                    {
                        ui.selectable_value(&mut self.settings.theme, theme, words);
                    }
                });
                ui.end_row();
                ui.label("Size");
                ui.horizontal(|ui| {
                    let mut percent = (self.settings.scale * 100.0).round();
                    let drag = egui::DragValue::new(&mut percent)
                        .range(50.0..=300.0)
                        .suffix(" %")
                        .update_while_editing(false);
                    let response = ui.add(drag);
                    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Interface size"));
                    if response.changed() && !response.dragged() {
                        self.settings.scale = percent / 100.0;
                    }
                });
                ui.end_row();
                ui.label("Nodes line up with");
                ui.horizontal(|ui| {
                    for (snap, words) in
                        [(Snap::Neighbours, "Neighbours"), (Snap::Grid, "Grid"), (Snap::Off, "Nothing")]
                    {
                        ui.selectable_value(&mut self.canvas.snap, snap, words);
                    }
                });
                ui.end_row();
                ui.label("Run on every change");
                crate::widgets::toggle(ui, &mut self.settings.auto_run, "Run on every change");
                ui.end_row();
                ui.label("Output folder");
                let field = TextEdit::singleline(&mut self.settings.out).desired_width(220.0);
                let response = ui.add(field);
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Output folder"));
                ui.end_row();
            });
            ui.add_space(10.0);
            ui.label(RichText::new("Shortcuts").family(medium()));
            let field =
                TextEdit::singleline(&mut page.search).hint_text("Search").desired_width(f32::INFINITY);
            let response = ui.add(field);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Search shortcuts"));
            egui::ScrollArea::vertical().max_height(260.0).auto_shrink([false, true]).show(ui, |ui| {
                for command in Command::ALL {
                    if super::commands::score(&page.search, command.title()).is_none() {
                        continue;
                    }
                    ui.horizontal(|ui| {
                        ui.label(command.title());
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            let asking = page.keys_of == Some(*command);
                            let keys = self.settings.keys.of(*command);
                            let words = match (asking, keys) {
                                (true, _) => "press keys…",
                                (false, "") => "none",
                                (false, keys) => keys,
                            };
                            let text = if asking {
                                RichText::new(words).color(look.accent_text)
                            } else {
                                RichText::new(words)
                            };
                            let response = ui.button(text);
                            let label = format!("Keys of {}", command.title());
                            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &label));
                            if response.clicked() {
                                page.keys_of = Some(*command);
                            }
                        });
                    });
                }
            });
        });
        if let Some(command) = page.keys_of
            && let Some(keys) = pressed_keys(ctx)
        {
            if parse(&keys).is_some() {
                self.settings.keys.set(command, &keys);
            }
            page.keys_of = None;
        }
        if open && matches!(self.over, Over::None) {
            self.over = Over::Settings(page);
        }
    }
}

/// The keys that were just pressed, as a person writes them.
fn pressed_keys(ctx: &Context) -> Option<String> {
    ctx.input(|i| {
        i.events.iter().find_map(|e| match e {
            egui::Event::Key { key, pressed: true, modifiers, .. } => {
                let mut text = String::new();
                for (on, word) in
                    [(modifiers.command, "Ctrl+"), (modifiers.alt, "Alt+"), (modifiers.shift, "Shift+")]
                {
                    if on {
                        text.push_str(word);
                    }
                }
                let name = match key {
                    egui::Key::Period => ".",
                    egui::Key::Comma => ",",
                    other => other.name(),
                };
                Some(format!("{text}{name}"))
            }
            _ => None,
        })
    })
}
