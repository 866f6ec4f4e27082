//! Choosing a file: a small dialog of our own, the same on every system and in every test.

use super::act::Then;
use super::commands::sheet;
use super::{Over, Studio};
use crate::look::{Look, icon};
use egui::{Context, Key, RichText, TextEdit, vec2};
use kiln_core::document::Lit;
use std::path::{Path, PathBuf};

/// What the file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum For {
    /// To be opened.
    Open,
    /// To be saved to.
    Save,
    /// The value of a parameter: node and parameter.
    Param(String, String),
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    what: For,
    folder: PathBuf,
    name: String,
    entries: Option<Vec<(String, bool)>>,
    replace: bool,
}

impl Dialog {
    fn new(what: For, folder: &Path, name: &str) -> Self {
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Self { what, folder, name: name.to_owned(), entries: None, replace: false }
    }

    /// To open a file.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self::new(For::Open, folder, "")
    }

    /// To save one.
    #[must_use]
    pub fn save(folder: &Path, name: &str) -> Self {
        Self::new(For::Save, folder, name)
    }

    /// To choose one for a parameter.
    #[must_use]
    pub fn pick(folder: &Path, node: &str, param: &str) -> Self {
        Self::new(For::Param(node.to_owned(), param.to_owned()), folder, "")
    }

    fn entries(&mut self) -> &[(String, bool)] {
        let (folder, what) = (&self.folder, &self.what);
        self.entries.get_or_insert_with(|| {
            let fits = |name: &str| {
                let lower = name.to_lowercase();
                let picture = [".png", ".jpg", ".jpeg", ".webp"].iter().any(|e| lower.ends_with(e));
                match what {
                    For::Open => lower.ends_with(".ron") || picture,
                    For::Save => lower.ends_with(".ron"),
                    For::Param(..) => true,
                }
            };
            let read = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).take(5000);
            let mut all: Vec<(String, bool)> = read
                .filter_map(|e| {
                    let name = e.file_name().into_string().ok()?;
                    let is_folder = e.path().is_dir();
                    (!name.starts_with('.') && (is_folder || fits(&name))).then_some((name, is_folder))
                })
                .collect();
            all.sort_by_key(|(name, folder)| (!folder, name.to_lowercase()));
            all
        })
    }
}

impl Studio {
    pub(super) fn show_files(&mut self, ctx: &Context, mut dialog: Dialog) {
        let look = Look::of(ctx);
        let mut open = true;
        let mut go: Option<PathBuf> = None;
        let mut chosen = false;
        let (title, button) = match &dialog.what {
            For::Open => ("Open a graph or a Kiln picture", "Open"),
            For::Save => ("Save the graph", "Save"),
            For::Param(..) => ("Choose a file", "Choose"),
        };
        sheet(ctx, "files", 620.0, &mut open, |ui| {
            ui.label(RichText::new(title).heading());
            ui.horizontal(|ui| {
                if ui.button(icon::ARROW_UP).on_hover_text("The folder above").clicked()
                    && let Some(up) = dialog.folder.parent()
                {
                    go = Some(up.to_owned());
                }
                ui.add(
                    egui::Label::new(RichText::new(dialog.folder.display().to_string()).color(look.muted))
                        .truncate(),
                );
            });
            let entries = dialog.entries().to_vec();
            egui::ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                for (name, is_folder) in &entries {
                    let sign = if *is_folder { icon::FOLDER } else { icon::FILE };
                    let picked = dialog.name == *name && !is_folder;
                    let size = vec2(ui.available_width(), 28.0);
                    let text = format!("{sign}   {name}");
                    let response = ui.add(egui::Button::selectable(picked, text).min_size(size));
                    let label = name.clone();
                    response
                        .widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
                    if response.clicked() {
                        if *is_folder {
                            go = Some(dialog.folder.join(name));
                        } else {
                            dialog.name.clone_from(name);
                            dialog.replace = false;
                        }
                    }
                    chosen |= response.double_clicked() && !is_folder;
                }
            });
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                let wide = ui.available_width() - 100.0;
                let field = TextEdit::singleline(&mut dialog.name).desired_width(wide).margin(vec2(8.0, 6.0));
                let response = ui.add(field.hint_text("File name"));
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("File name"));
                if dialog.what == For::Save && !dialog.replace && ui.memory(|m| m.focused().is_none()) {
                    response.request_focus();
                }
                if response.changed() {
                    dialog.replace = false;
                }
                chosen |= response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                let words = if dialog.replace { "Replace" } else { button };
                chosen |= ui
                    .add(egui::Button::new(RichText::new(words).color(look.on_accent)).fill(look.accent))
                    .clicked();
            });
            if dialog.replace {
                ui.label(
                    RichText::new(format!("{} is there already. Press again to replace it.", dialog.name))
                        .color(look.warn),
                );
            }
        });
        if let Some(folder) = go {
            dialog.folder = folder;
            dialog.entries = None;
        }
        if chosen && !dialog.name.trim().is_empty() {
            let mut path = dialog.folder.join(dialog.name.trim());
            if dialog.what == For::Save && path.extension().is_none() {
                path.set_extension("ron");
            }
            if path.is_dir() {
                dialog.folder = path;
                dialog.entries = None;
                dialog.name.clear();
            } else if dialog.what == For::Save
                && path.exists()
                && self.path.as_deref() != Some(&path)
                && !dialog.replace
            {
                dialog.replace = true;
            } else {
                match &dialog.what {
                    For::Open => self.leave(Then::Open(path)),
                    For::Save => self.save_to(ctx, &path),
                    For::Param(node, param) => {
                        let value = Lit::Text(crate::widgets::relative(&self.base(), &path));
                        self.canvas.set_param(&mut self.doc, node, param, Some(&value));
                    }
                }
                return;
            }
        }
        if open {
            self.over = Over::Files(dialog);
        }
    }

    pub(super) fn show_leave(&mut self, ctx: &Context, then: Then) {
        let look = Look::of(ctx);
        let mut open = true;
        let (mut save, mut drop_it) = (false, false);
        sheet(ctx, "leave", 440.0, &mut open, |ui| {
            ui.label(RichText::new("Save your changes?").heading());
            ui.label("The graph has changes that are not in its file.");
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                let button = egui::Button::new(RichText::new("Save").color(look.on_accent)).fill(look.accent);
                save = ui.add(button).clicked();
                drop_it = ui.button("Discard").clicked();
                if ui.button("Cancel").clicked() {
                    self.closing = false;
                    self.canvas.cancel_gesture();
                    self.over = Over::None;
                    drop_it = false;
                    save = false;
                    ui.data_mut(|d| d.insert_temp(egui::Id::new("leave cancelled"), true));
                }
            });
        });
        let cancelled =
            ctx.data_mut(|d| d.remove_temp::<bool>(egui::Id::new("leave cancelled"))).unwrap_or(false);
        if save {
            match self.path.clone() {
                Some(path) => {
                    self.save_to(ctx, &path);
                    if !self.is_dirty() {
                        self.go(then);
                    }
                }
                None => self.obey(ctx, super::command::Command::SaveAs),
            }
        } else if drop_it {
            self.saved = self.doc.state();
            self.go(then);
        } else if open && !cancelled {
            self.over = Over::Leave(then);
        }
    }
}
