//! What is being written right on the canvas: a value, a title, a note.

use super::Studio;
use crate::look::{Look, medium};
use crate::model::Token;
use crate::model::edit::{Edit, Entry};
use crate::widgets::{self, Change};
use egui::{Context, FontId, Key, Rect, RichText, TextEdit, vec2};
use kiln_core::Kind;

/// What is being written.
#[derive(Clone, Debug)]
pub(super) struct Editor {
    on: On,
    text: String,
    token: Option<Token>,
    /// It has had the focus.
    begun: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum On {
    Param(String, usize),
    Title(String),
    Group(String),
    Note(String),
}

impl Editor {
    pub fn param(node: &str, at: usize) -> Self {
        Self { on: On::Param(node.to_owned(), at), text: String::new(), token: None, begun: false }
    }

    pub fn title(name: &str, text: &str) -> Self {
        Self { on: On::Title(name.to_owned()), text: text.to_owned(), token: None, begun: false }
    }

    pub fn group(name: &str, text: &str) -> Self {
        Self { on: On::Group(name.to_owned()), text: text.to_owned(), token: None, begun: false }
    }

    pub fn note(name: &str, text: &str) -> Self {
        Self { on: On::Note(name.to_owned()), text: text.to_owned(), token: None, begun: false }
    }
}

impl Studio {
    pub(super) fn show_editor(&mut self, ctx: &Context) {
        let Some(mut editor) = self.editor.take() else { return };
        let token = *editor.token.get_or_insert_with(|| self.canvas.token());
        let Some(place) = self.place_of(&editor.on) else { return };
        let camera = self.canvas.camera;
        let rect = camera.rect_to_screen(self.canvas.window, place);
        let open;
        match editor.on.clone() {
            On::Param(node, at) => open = self.edit_value(ctx, &node, at, rect, token, &mut editor),
            On::Title(name) => {
                let rect = Rect::from_min_size(rect.min, vec2(rect.width().max(220.0), 34.0));
                let (done, changed) = line(ctx, &mut editor, rect, "Title");
                let (scope, text) = (self.canvas.scope.clone(), editor.text.clone());
                if changed {
                    self.doc.step_on(&scope, "Rename", token, |s| s.set_title(&name, text.trim()));
                }
                open = !done;
            }
            On::Group(name) => {
                let rect = Rect::from_min_size(rect.min, vec2(rect.width().clamp(200.0, 420.0), 34.0));
                let (done, changed) = line(ctx, &mut editor, rect, "Group title");
                let scope = self.canvas.scope.clone();
                if changed && let Some(mut group) = self.doc.view(&scope).groups.get(&name).cloned() {
                    group.title.clone_from(&editor.text);
                    self.doc
                        .step_on(&scope, "Rename", token, |s| s.edit(Edit::Group(Entry::set(name, group))));
                }
                open = !done;
            }
            On::Note(name) => {
                let size = rect.size().max(vec2(240.0, 120.0));
                let mut changed = false;
                let area = area(ctx, rect.min, |ui| {
                    let field = TextEdit::multiline(&mut editor.text)
                        .desired_width(size.x - 12.0)
                        .desired_rows(4)
                        .hint_text("Write something")
                        .margin(vec2(8.0, 8.0));
                    let response = ui.add(field);
                    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Note text"));
                    focus(&response, &mut editor.begun);
                    changed = response.changed();
                });
                let scope = self.canvas.scope.clone();
                if changed && let Some(mut note) = self.doc.view(&scope).notes.get(&name).cloned() {
                    note.text.clone_from(&editor.text);
                    self.doc.step_on(&scope, "Write a note", token, |s| {
                        s.edit(Edit::Note(Entry::set(name, note)));
                    });
                }
                open = !pressed_outside(ctx, area);
            }
        }
        let sent = ctx.input(|i| i.modifiers.command && i.key_pressed(Key::Enter));
        if open && !sent {
            self.editor = Some(editor);
        } else {
            self.doc.settle();
        }
    }

    fn place_of(&self, on: &On) -> Option<Rect> {
        let view = self.doc.view(&self.canvas.scope);
        match on {
            On::Param(name, at) => {
                let shape = self.canvas.scene.node(name)?;
                Some(shape.row_rect(shape.param_row(*at)?))
            }
            On::Title(name) => Some(self.canvas.scene.node(name)?.rect()),
            On::Group(name) => Some(crate::scene::rect_of(view.groups.get(name)?.area)),
            On::Note(name) => Some(crate::scene::rect_of(view.notes.get(name)?.area)),
        }
    }

    fn edit_value(
        &mut self,
        ctx: &Context,
        node: &str,
        at: usize,
        rect: Rect,
        token: Token,
        editor: &mut Editor,
    ) -> bool {
        let scope = self.canvas.scope.clone();
        let Some(shape) = self.canvas.scene.node(node) else { return false };
        let ports = shape.ports.clone();
        let Some(param) = ports.params.get(at) else { return false };
        let value =
            self.doc.graph(&scope).and_then(|g| g.nodes.get(node)).and_then(|n| ports.value(n, at)).cloned();
        let label = format!("Edit {} of {node}", param.name);
        let width = rect.width().clamp(240.0, 420.0);
        let mut change = None;
        let mut done = false;
        let is_line =
            matches!(param.kind, Kind::Int { .. } | Kind::Float { .. } | Kind::Text { multiline: false });
        let frame = area(ctx, rect.min, |ui| {
            ui.set_width(width);
            if is_line {
                // What a person types into is text; it becomes a value when it is one.
                if !editor.begun {
                    editor.text = crate::model::literal::words(param, value.as_ref());
                    if let Some(text) =
                        editor.text.strip_suffix(param.unit).filter(|_| !param.unit.is_empty())
                    {
                        editor.text = text.trim_end().to_owned();
                    }
                }
                let response = ui.add(
                    TextEdit::singleline(&mut editor.text)
                        .desired_width(f32::INFINITY)
                        .font(FontId::new(14.0, medium()))
                        .margin(vec2(8.0, 6.0)),
                );
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(label.clone()));
                if !editor.begun {
                    select_all(ui.ctx(), response.id, &editor.text);
                }
                focus(&response, &mut editor.begun);
                if response.changed()
                    && let Some(lit) = crate::model::literal::typed(param, &editor.text)
                {
                    change = Some(Change::Set(lit));
                }
                done = response.lost_focus();
            } else {
                let look = Look::of(ui.ctx());
                ui.label(RichText::new(param.name.replace('_', " ")).small().color(look.muted));
                change = widgets::edit(ui, param, value.as_ref(), &label, &mut self.shelf);
                if matches!(param.kind, Kind::Prompt | Kind::Text { multiline: true }) && !editor.begun {
                    // Once it is there it takes the focus, and keeps it.
                    let id = widgets::prompt::id(ui, &label);
                    editor.begun = ui.memory(|m| m.has_focus(id));
                    ui.memory_mut(|m| m.request_focus(id));
                }
                if matches!(param.kind, Kind::Choice(_) | Kind::Model(_)) && change.is_some() {
                    done = true;
                }
            }
            if !param.doc.is_empty() {
                let look = Look::of(ui.ctx());
                ui.add(egui::Label::new(RichText::new(param.doc.as_ref()).small().color(look.muted)).wrap());
            }
        });
        match change {
            Some(Change::Set(lit)) => self.set_many(node, param.name, Some(&lit), token),
            Some(Change::Reset) => self.set_many(node, param.name, None, token),
            Some(Change::Pick) => {
                let base = self.base();
                self.over = super::Over::Files(super::files::Dialog::pick(&base, node, param.name));
                done = true;
            }
            None => {}
        }
        // Menus of a widget open beside it.
        let popup = egui::Popup::is_any_open(ctx);
        !done && (popup || !pressed_outside(ctx, frame))
    }

    /// Sets a parameter of a node and of those selected with it, as a part of what the token began.
    pub(super) fn set_many(
        &mut self,
        node: &str,
        param: &str,
        value: Option<&kiln_core::document::Lit>,
        token: Token,
    ) {
        let many = self.canvas.alike(node);
        let scope = self.canvas.scope.clone();
        self.doc.step_on(&scope, &format!("Set {param}"), token, |s| {
            many.iter().for_each(|node| s.set_param(node, param, value.cloned()));
        });
    }
}

fn area(ctx: &Context, at: egui::Pos2, content: impl FnOnce(&mut egui::Ui)) -> Rect {
    let response = egui::Area::new(egui::Id::new("editor"))
        .order(egui::Order::Foreground)
        .fixed_pos(at + vec2(0.0, -6.0))
        .constrain(true)
        .show(ctx, |ui| {
            egui::Frame::popup(ui.style()).inner_margin(egui::Margin::same(8)).show(ui, content);
        });
    response.response.rect
}

fn pressed_outside(ctx: &Context, rect: Rect) -> bool {
    ctx.input(|i| i.pointer.any_pressed() && i.pointer.interact_pos().is_some_and(|p| !rect.contains(p)))
}

fn focus(response: &egui::Response, begun: &mut bool) {
    if !std::mem::replace(begun, true) {
        response.request_focus();
    }
}

fn select_all(ctx: &Context, id: egui::Id, text: &str) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::text_edit::TextEditState::load(ctx, id).unwrap_or_default();
    let range = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
    state.cursor.set_char_range(Some(range));
    state.store(ctx, id);
}

/// A line of text in place of a title; says whether it is done, and whether it changed.
fn line(ctx: &Context, editor: &mut Editor, rect: Rect, label: &str) -> (bool, bool) {
    let (mut done, mut changed) = (false, false);
    area(ctx, rect.min + vec2(0.0, 2.0), |ui| {
        let field = TextEdit::singleline(&mut editor.text)
            .desired_width(rect.width() - 20.0)
            .font(FontId::new(14.0, medium()))
            .margin(vec2(6.0, 4.0));
        let response = ui.add(field);
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(label));
        if !editor.begun {
            select_all(ui.ctx(), response.id, &editor.text);
        }
        focus(&response, &mut editor.begun);
        done = response.lost_focus();
        changed = response.changed();
    });
    (done, changed)
}
