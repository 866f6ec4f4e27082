//! The menu of what is under the pointer.

use super::command::Command;
use super::{Over, Studio, palette};
use crate::canvas::Hit;
use crate::look::Look;
use crate::model::edit::{Edit, Entry};
use egui::{Context, Pos2, RichText, vec2};

/// A menu.
#[derive(Clone, Debug)]
pub(super) struct Menu {
    pub at: Pos2,
    pub hit: Hit,
}

impl Studio {
    pub(super) fn show_menu(&mut self, ctx: &Context) {
        let Some(menu) = self.menu.take() else { return };
        let mut chosen: Option<Command> = None;
        let mut done = false;
        let response = egui::Area::new(egui::Id::new("menu"))
            .order(egui::Order::Foreground)
            .fixed_pos(menu.at)
            .constrain(true)
            .show(ctx, |ui| {
                egui::Frame::menu(ui.style()).show(ui, |ui| {
                    ui.set_width(230.0);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    for group in self.menu_items(&menu.hit) {
                        for command in group {
                            if self.menu_row(ui, command) {
                                chosen = Some(command);
                            }
                        }
                        ui.separator();
                    }
                    done |= self.menu_extras(ui, &menu);
                });
            });
        if let Some(command) = chosen {
            if command == Command::AddNode {
                self.over = Over::Nodes(palette::Palette::new(self.canvas.menu_at, None));
            } else {
                self.obey(ctx, command);
            }
            return;
        }
        let rect = response.response.rect;
        let outside = ctx.input(|i| {
            i.pointer.any_pressed() && i.pointer.interact_pos().is_some_and(|p| !rect.contains(p))
        });
        if !outside && !done {
            self.menu = Some(menu);
        }
    }

    fn menu_items(&self, hit: &Hit) -> Vec<Vec<Command>> {
        use Command as C;
        match hit {
            Hit::Node(n) | Hit::Fold(n) | Hit::Preview(n) | Hit::Param { node: n, .. } | Hit::NodeEdge(n) => {
                let subgraph =
                    self.canvas.scene.nodes.get(*n as usize).is_some_and(|s| s.definition.is_some());
                vec![
                    vec![C::RunHere, C::Rename, C::SwapType],
                    vec![C::Mute, C::Bypass, C::Collapse],
                    vec![C::Copy, C::Duplicate, C::Group, C::MakeSubgraph],
                    if subgraph { vec![C::Dissolve] } else { vec![C::SelectUpstream, C::SelectDownstream] },
                    vec![C::TakeOut, C::Delete],
                ]
            }
            Hit::Group(_) | Hit::GroupCorner(_) | Hit::Note(_) | Hit::NoteCorner(_) => {
                vec![vec![C::Rename, C::Copy, C::Duplicate], vec![C::Delete]]
            }
            Hit::Wire { .. } | Hit::Reroute { .. } => vec![vec![C::Delete]],
            _ => vec![
                vec![C::AddNode, C::Note, C::Paste],
                vec![C::Run, C::Arrange, C::Fit, C::SelectAll],
                vec![C::Templates],
            ],
        }
    }

    fn menu_row(&self, ui: &mut egui::Ui, command: Command) -> bool {
        let look = Look::of(ui.ctx());
        let keys = RichText::new(self.settings.keys.of(command)).small().color(look.muted);
        let button = egui::Button::new(command.title())
            .frame(false)
            .frame_when_inactive(false)
            .min_size(vec2(ui.available_width(), 26.0))
            .right_text(keys);
        let response = ui.add(button);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, command.title()));
        response.clicked()
    }

    /// Tints of groups and notes, showing parameters to the outside, points of wires.
    fn menu_extras(&mut self, ui: &mut egui::Ui, menu: &Menu) -> bool {
        let look = Look::of(ui.ctx());
        let scope = self.canvas.scope.clone();
        let mut done = false;
        match &menu.hit {
            Hit::Group(name) | Hit::GroupCorner(name) | Hit::Note(name) | Hit::NoteCorner(name) => {
                let group = matches!(menu.hit, Hit::Group(_) | Hit::GroupCorner(_));
                ui.horizontal(|ui| {
                    for number in 0..6u8 {
                        let (rect, response) = ui.allocate_exact_size(vec2(24.0, 24.0), egui::Sense::click());
                        response.widget_info(|| {
                            let label = format!("Tint {}", number + 1);
                            egui::WidgetInfo::labeled(egui::WidgetType::Button, true, label)
                        });
                        ui.painter().circle_filled(rect.center(), 9.0, look.tint(number));
                        if !response.clicked() {
                            continue;
                        }
                        done = true;
                        let view = self.doc.view(&scope);
                        let edit = if group {
                            view.groups.get(name).cloned().map(|mut g| {
                                g.tint = number;
                                Edit::Group(Entry::set(name.clone(), g))
                            })
                        } else {
                            view.notes.get(name).cloned().map(|mut n| {
                                n.tint = number;
                                Edit::Note(Entry::set(name.clone(), n))
                            })
                        };
                        if let Some(edit) = edit {
                            self.doc.step(&scope, "Tint", |s| s.edit(edit));
                        }
                    }
                });
            }
            Hit::Param { node, at } => {
                let Some(shape) = self.canvas.scene.nodes.get(*node as usize) else { return true };
                let Some(param) = shape.ports.params.get(*at).map(|p| p.name) else { return true };
                let name = shape.name.clone();
                let target = kiln_core::document::ParamRef::new(name.clone(), param);
                let shown = self
                    .doc
                    .graph(&scope)
                    .is_some_and(|g| g.expose.values().any(|all| all.contains(&target)));
                let words = if shown { "Hide from the form" } else { "Show in the form" };
                let size = vec2(ui.available_width(), 26.0);
                if ui.add(egui::Button::new(words).frame(false).min_size(size)).clicked() {
                    self.doc.step(&scope, words, |s| s.toggle_exposed(&name, param));
                    done = true;
                }
                if ui.add(egui::Button::new("Back to the default").frame(false).min_size(size)).clicked() {
                    self.canvas.set_param(&mut self.doc, &name, param, None);
                    done = true;
                }
            }
            Hit::Reroute { wire, point } => {
                let key =
                    self.canvas.scene.wires.get(*wire as usize).and_then(|w| self.canvas.scene.wire_key(w));
                let size = vec2(ui.available_width(), 26.0);
                if ui.add(egui::Button::new("Remove the point").frame(false).min_size(size)).clicked() {
                    done = true;
                    if let Some(key) = key
                        && let Some(mut points) = self.doc.view(&scope).reroutes.get(&key).cloned()
                        && *point < points.len()
                    {
                        points.remove(*point);
                        let entry =
                            if points.is_empty() { Entry::gone(key) } else { Entry::set(key, points) };
                        self.doc.step(&scope, "Straighten a wire", |s| s.edit(Edit::Reroute(entry)));
                    }
                }
            }
            _ => {}
        }
        done
    }
}
