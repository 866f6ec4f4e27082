//! The bar at the top: what is open, the way into subgraphs, undo and redo, running.

use super::command::Command;
use super::{Side, Studio};
use crate::look::{Look, icon, medium, strong};
use egui::{Align, Frame, Layout, Margin, Panel, RichText, Ui, WidgetInfo, WidgetType, vec2};

impl Studio {
    pub(super) fn top_bar(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let ctx = ui.ctx().clone();
        let mut asked: Option<Command> = None;
        let frame = Frame::NONE.fill(look.panel).inner_margin(Margin::symmetric(14, 8));
        Panel::top("top").exact_size(50.0).frame(frame).show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                ui.label(RichText::new(icon::FIRE).size(20.0).color(look.accent));
                ui.add_space(2.0);
                self.main_menu(ui, &mut asked);
                ui.add_space(6.0);
                for (command, sign, able) in [
                    (Command::Undo, icon::ARROW_U_UP_LEFT, !self.doc.steps().0.is_empty()),
                    (Command::Redo, icon::ARROW_U_UP_RIGHT, !self.doc.steps().1.is_empty()),
                ] {
                    if sign_button(ui, sign, command.title(), able, false, self.settings.keys.of(command)) {
                        asked = Some(command);
                    }
                }
                ui.add_space(10.0);
                self.breadcrumb(ui);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    self.run_buttons(ui, &mut asked);
                    ui.add_space(8.0);
                    let errors = self
                        .checker
                        .problems
                        .iter()
                        .filter(|p| p.severity == kiln_core::Severity::Error)
                        .count();
                    let toggles = [
                        (Command::Inspector, icon::SIDEBAR_SIMPLE, self.settings.inspector),
                        (Command::Gallery, icon::IMAGES, self.settings.gallery),
                        (Command::Form, icon::SLIDERS_HORIZONTAL, self.side == Side::Form),
                        (Command::Queue, icon::QUEUE, self.side == Side::Queue),
                        (Command::Nodes, icon::SQUARES_FOUR, self.side == Side::Library),
                    ];
                    for (command, sign, on) in toggles {
                        if sign_button(ui, sign, command.title(), true, on, self.settings.keys.of(command)) {
                            asked = Some(command);
                        }
                    }
                    if !self.checker.problems.is_empty() {
                        let color = if errors > 0 { look.error } else { look.warn };
                        let n = self.checker.problems.len();
                        let text = RichText::new(format!("{} {n}", icon::WARNING_CIRCLE)).color(color);
                        let response = ui.add(egui::Button::new(text).frame(false));
                        let label = format!("{n} problems");
                        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &label));
                        if response.clicked() {
                            asked = Some(Command::Problems);
                        }
                    }
                });
            });
        });
        if let Some(command) = asked {
            self.obey(&ctx, command);
        }
    }

    fn main_menu(&mut self, ui: &mut Ui, asked: &mut Option<Command>) {
        let title = RichText::new(icon::LIST).size(17.0);
        let button = egui::Button::new(title).frame_when_inactive(false);
        let response = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(230.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            let groups: [&[Command]; 4] = [
                &[Command::New, Command::Open, Command::Templates, Command::Save, Command::SaveAs],
                &[Command::Palette, Command::AddNode, Command::Arrange, Command::Fit],
                &[Command::Theme, Command::Larger, Command::Smaller, Command::Minimap],
                &[Command::Settings, Command::Tour],
            ];
            for (at, group) in groups.iter().enumerate() {
                if at > 0 {
                    ui.separator();
                }
                for command in *group {
                    let look = Look::of(ui.ctx());
                    let keys = RichText::new(self.settings.keys.of(*command)).small().color(look.muted);
                    let row = egui::Button::new(command.title())
                        .frame_when_inactive(false)
                        .min_size(vec2(ui.available_width(), 26.0))
                        .right_text(keys);
                    let response = ui.add(row);
                    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, command.title()));
                    if response.clicked() {
                        *asked = Some(*command);
                        ui.close();
                    }
                }
            }
        });
        response.0.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Menu"));
    }

    fn breadcrumb(&mut self, ui: &mut Ui) {
        let look = Look::of(ui.ctx());
        let root = self.doc.root();
        let file = self.path.as_ref().and_then(|p| p.file_stem()).map(|n| n.to_string_lossy().into_owned());
        let name = if root.title.is_empty() {
            file.unwrap_or_else(|| "Untitled".to_owned())
        } else {
            root.title.clone()
        };
        let mark = if self.is_dirty() { " ·" } else { "" };
        let depth = self.canvas.scope.len();
        let mut go = None;
        let text = RichText::new(format!("{name}{mark}")).font(egui::FontId::new(14.0, strong()));
        if depth == 0 {
            ui.add(egui::Label::new(text).truncate());
        } else if ui.add(egui::Button::new(text).frame_when_inactive(false)).clicked() {
            go = Some(0);
        }
        for (at, name) in self.canvas.scope.iter().enumerate() {
            ui.label(RichText::new(icon::CARET_RIGHT).color(look.muted).size(12.0));
            let text = RichText::new(name).font(egui::FontId::new(14.0, medium()));
            if at + 1 == depth {
                ui.label(text);
            } else if ui.add(egui::Button::new(text).frame_when_inactive(false)).clicked() {
                go = Some(at + 1);
            }
        }
        if let Some(depth) = go {
            self.trail.truncate(depth);
            let scope = self.canvas.scope[..depth].to_vec();
            self.canvas.enter(scope);
        }
    }

    fn run_buttons(&mut self, ui: &mut Ui, asked: &mut Option<Command>) {
        let look = Look::of(ui.ctx());
        let busy = self.session.is_busy();
        let words = match self.batch.items() {
            Some((from, to)) => format!("{}  Run {}", icon::PLAY, to - from),
            None => format!("{}  Run", icon::PLAY),
        };
        let run = egui::Button::new(RichText::new(words).family(medium()).color(look.on_accent))
            .fill(look.accent)
            .corner_radius(8)
            .min_size(vec2(84.0, 32.0));
        let response = ui.add(run);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Run"));
        if response.on_hover_text(self.settings.keys.of(Command::Run)).clicked() {
            *asked = Some(Command::Run);
        }
        if busy {
            let stop = egui::Button::new(RichText::new(icon::STOP).size(16.0).color(look.error))
                .min_size(vec2(32.0, 32.0));
            let response = ui.add(stop);
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Interrupt"));
            if response.on_hover_text(self.settings.keys.of(Command::Interrupt)).clicked() {
                *asked = Some(Command::Interrupt);
            }
            let queued = self.session.queued();
            let words = if queued > 0 { format!("running, {queued} wait") } else { "running".to_owned() };
            ui.label(RichText::new(words).small().color(look.busy));
        }
        let auto = self.settings.auto_run;
        if sign_button(ui, icon::LIGHTNING, Command::AutoRun.title(), true, auto, "") {
            *asked = Some(Command::AutoRun);
        }
    }
}

fn sign_button(ui: &mut Ui, sign: &str, label: &str, able: bool, on: bool, keys: &str) -> bool {
    let look = Look::of(ui.ctx());
    let color = if on { look.accent_text } else { look.text };
    let text =
        RichText::new(sign).size(17.0).color(if able { color } else { look.muted.gamma_multiply(0.6) });
    let button = egui::Button::new(text).frame_when_inactive(false).min_size(vec2(32.0, 32.0));
    let response = ui.add_enabled(able, button);
    let (name, enabled) = (label.to_owned(), able);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, enabled, &name));
    let words = if keys.is_empty() { label.to_owned() } else { format!("{label}   {keys}") };
    response.on_hover_text(words).clicked()
}
