//! One widget for each kind of parameter.

use super::{curve, prompt};
use crate::canvas::roll;
use crate::look::{Look, icon};
use crate::model::literal;
use egui::{Align, Color32, DragValue, Layout, RichText, Sense, TextEdit, Ui, WidgetInfo, WidgetType, vec2};
use kiln_core::document::Lit;
use kiln_core::types::Color;
use kiln_core::{Kind, Param};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a widget asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Another value.
    Set(Lit),
    /// The default again.
    Reset,
    /// A file to be picked.
    Pick,
}

/// What widgets look up: models, files, pictures.
#[derive(Default)]
pub struct Shelf {
    /// Folders of model files.
    pub models: Vec<PathBuf>,
    /// The folder that paths start from.
    pub base: PathBuf,
    lists: BTreeMap<&'static str, Vec<String>>,
    thumbs: BTreeMap<PathBuf, Option<egui::TextureHandle>>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("models", &self.models).finish_non_exhaustive()
    }
}

impl Shelf {
    /// A shelf with these folders of model files.
    #[must_use]
    pub fn new(models: Vec<PathBuf>) -> Self {
        Self { models, ..Self::default() }
    }

    /// Models of a kind, looked up once.
    pub fn models(&mut self, kind: &'static str) -> &[String] {
        self.lists.entry(kind).or_insert_with(|| kiln_core::models::list(&self.models, kind))
    }

    /// Looks models up anew next time.
    pub fn forget(&mut self) {
        self.lists.clear();
        self.thumbs.clear();
    }

    /// A small picture of a file, if it is one that is not too large.
    pub fn thumb(&mut self, ctx: &egui::Context, path: &str) -> Option<egui::TextureHandle> {
        let full = self.base.join(path);
        if self.thumbs.len() > 200 {
            self.thumbs.clear();
        }
        self.thumbs
            .entry(full.clone())
            .or_insert_with(|| {
                let small = std::fs::metadata(&full).is_ok_and(|m| m.is_file() && m.len() < 20 << 20);
                let bytes = small.then(|| std::fs::read(&full).ok()).flatten()?;
                let pixels = crate::run::Pixels::decode(&bytes).ok()?;
                Some(ctx.load_texture(full.to_string_lossy(), pixels.image(), egui::TextureOptions::LINEAR))
            })
            .clone()
    }
}

/// A widget for a parameter; `label` is its name for those who do not see it.
pub fn edit(
    ui: &mut Ui,
    param: &Param,
    value: Option<&Lit>,
    label: &str,
    shelf: &mut Shelf,
) -> Option<Change> {
    kind(ui, &param.kind, param, value, label, shelf)
}

fn named(response: &egui::Response, label: &str) {
    let label = label.to_owned();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(label));
}

fn kind(
    ui: &mut Ui,
    kind: &Kind,
    param: &Param,
    value: Option<&Lit>,
    label: &str,
    shelf: &mut Shelf,
) -> Option<Change> {
    let wide = ui.available_width();
    match kind {
        Kind::Bool => {
            let mut on = value == Some(&Lit::Bool(true));
            let response = toggle(ui, &mut on, label);
            response.clicked().then_some(Change::Set(Lit::Bool(on)))
        }
        Kind::Int { min, max, step } => {
            let mut v = value.and_then(literal::as_number).unwrap_or(0.0) as i64;
            let drag = DragValue::new(&mut v)
                .range(*min..=*max)
                .speed((*step).max(1) as f64 * 0.25)
                .suffix(suffix(param))
                .custom_parser(super::sum::work_out)
                .update_while_editing(false);
            let response = ui.add_sized([wide, 26.0], drag);
            named(&response, label);
            response.changed().then(|| Change::Set(Lit::Int(v.into())))
        }
        Kind::Float { min, max, step } => {
            let mut v = value.and_then(literal::as_number).unwrap_or(0.0);
            let drag = DragValue::new(&mut v)
                .range(*min..=*max)
                .speed(*step)
                .max_decimals(4)
                .suffix(suffix(param))
                .custom_parser(super::sum::work_out)
                .update_while_editing(false);
            let response = ui.add_sized([wide, 26.0], drag);
            named(&response, label);
            response.changed().then(|| Change::Set(literal::number(v)))
        }
        Kind::Text { multiline: true } | Kind::Prompt => {
            let text = value.and_then(Lit::as_text).unwrap_or_default();
            let embeddings: Vec<String> =
                if matches!(kind, Kind::Prompt) { shelf.models("embeddings").to_vec() } else { Vec::new() };
            prompt::edit(ui, text, label, matches!(kind, Kind::Prompt), &embeddings)
                .map(|t| Change::Set(Lit::Text(t)))
        }
        Kind::Text { multiline: false } | Kind::ParamRef => {
            let mut text = value.and_then(Lit::as_text).unwrap_or_default().to_owned();
            let response = ui.add(TextEdit::singleline(&mut text).desired_width(wide).margin(vec2(8.0, 5.0)));
            named(&response, label);
            response.changed().then_some(Change::Set(Lit::Text(text)))
        }
        Kind::Choice(words) => {
            let now = value.and_then(Lit::as_text).unwrap_or_default();
            let mut picked = None;
            let combo = egui::ComboBox::from_id_salt((label, "choice")).selected_text(now).width(wide - 8.0);
            let response = combo.show_ui(ui, |ui| {
                for word in words {
                    if ui.selectable_label(word == now, &**word).clicked() {
                        picked = Some(Change::Set(Lit::text(&**word)));
                    }
                }
            });
            named(&response.response, label);
            picked
        }
        Kind::Color => color(ui, value, label),
        Kind::Seed => seed(ui, value, label),
        Kind::Size { min, max } => {
            let (mut w, mut h) = value.and_then(literal::as_pair).unwrap_or((512.0, 512.0));
            let mut changed = false;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let half = (wide - 52.0) / 2.0;
                for (v, axis) in [(&mut w, "width"), (&mut h, "height")] {
                    let drag = DragValue::new(v)
                        .range(f64::from(*min)..=f64::from(*max))
                        .speed(2.0)
                        .max_decimals(0)
                        .custom_parser(super::sum::work_out)
                        .update_while_editing(false);
                    let response = ui.add_sized([half, 26.0], drag);
                    named(&response, &format!("{label} {axis}"));
                    changed |= response.changed();
                }
                if ui.button(icon::ARROWS_LEFT_RIGHT).on_hover_text("Swap width and height").clicked() {
                    std::mem::swap(&mut w, &mut h);
                    changed = true;
                }
            });
            changed.then(|| Change::Set(literal::pair(w.round(), h.round())))
        }
        Kind::Range { min, max } => {
            let (mut a, mut b) = value.and_then(literal::as_pair).unwrap_or((*min, *max));
            let mut changed = false;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let half = (wide - 6.0) / 2.0;
                let speed = ((max - min) / 400.0).clamp(0.001, 10.0);
                let (low, high) = (a, b);
                for (v, lo, hi, end) in [(&mut a, *min, high, "lowest"), (&mut b, low, *max, "highest")] {
                    let drag = DragValue::new(v)
                        .range(lo..=hi)
                        .speed(speed)
                        .max_decimals(4)
                        .update_while_editing(false);
                    let response = ui.add_sized([half, 26.0], drag);
                    named(&response, &format!("{label} {end}"));
                    changed |= response.changed();
                }
            });
            changed.then(|| Change::Set(literal::pair(a, b.max(a))))
        }
        Kind::Curve => curve::edit(ui, value, label).map(Change::Set),
        Kind::File | Kind::Files => {
            let text = value.and_then(Lit::as_text).unwrap_or_default();
            file(ui, text, label, shelf)
        }
        Kind::Model(folder) => {
            let now = value.and_then(Lit::as_text).unwrap_or_default();
            model(ui, folder, now, label, shelf)
        }
        Kind::List(of) => list(ui, of, param, value, label, shelf),
    }
}

fn suffix(param: &Param) -> String {
    if param.unit.is_empty() { String::new() } else { format!(" {}", param.unit) }
}

/// A switch.
pub fn toggle(ui: &mut Ui, on: &mut bool, label: &str) -> egui::Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(34.0, 20.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let state = *on;
    response.widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, true, state, label));
    let look = Look::of(ui.ctx());
    let t = ui.ctx().animate_bool_responsive(response.id, state);
    let fill = if state { look.accent } else { look.hover };
    ui.painter().rect_filled(rect, 10.0, fill);
    let x = rect.left() + 10.0 + t * (rect.width() - 20.0);
    let knob = if state { look.on_accent } else { look.muted };
    ui.painter().circle_filled(egui::pos2(x, rect.center().y), 7.0, knob);
    response
}

fn color(ui: &mut Ui, value: Option<&Lit>, label: &str) -> Option<Change> {
    let now = value.and_then(Lit::as_text).and_then(|t| Color::parse(t).ok());
    let mut change = None;
    ui.horizontal(|ui| {
        let [r, g, b, a] = now.unwrap_or(Color::BLACK).to_rgba8();
        let mut c = Color32::from_rgba_unmultiplied(r, g, b, a);
        let response = egui::color_picker::color_edit_button_srgba(
            ui,
            &mut c,
            egui::color_picker::Alpha::BlendOrAdditive,
        );
        named(&response, &format!("{label} picker"));
        if response.changed() {
            change = Some(Change::Set(literal::color(Color::rgba8(c.to_srgba_unmultiplied()))));
        }
        let mut text = value.and_then(Lit::as_text).unwrap_or_default().to_owned();
        let field =
            TextEdit::singleline(&mut text).desired_width(ui.available_width() - 16.0).margin(vec2(8.0, 5.0));
        let response = ui.add(field);
        named(&response, label);
        if response.changed() {
            change = Some(Change::Set(Lit::Text(text)));
        }
    });
    change
}

fn seed(ui: &mut Ui, value: Option<&Lit>, label: &str) -> Option<Change> {
    let (now, held) = value.and_then(literal::as_seed).unwrap_or_default();
    let mut change = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.spacing_mut().button_padding = vec2(8.0, 3.0);
        let mut text = now.to_string();
        let wide = (ui.available_width() - 100.0).max(60.0);
        let response = ui.add(TextEdit::singleline(&mut text).desired_width(wide).margin(vec2(8.0, 5.0)));
        named(&response, label);
        if response.changed()
            && let Ok(v) = text.trim().parse::<u64>()
        {
            change = Some(Change::Set(literal::seed(v, held)));
        }
        let die = ui.button(RichText::new(icon::DICE_FIVE).size(16.0)).on_hover_text("Another seed");
        named(&die, &format!("Roll {label}"));
        if die.clicked() {
            change = Some(Change::Set(literal::seed(roll(now), held)));
        }
        let mark = if held { icon::LOCK } else { icon::LOCK_OPEN };
        let words = if held {
            "The same for all items. Press to let each item draw its own."
        } else {
            "Each item draws its own. Press to hold it for all items."
        };
        let lock = ui.button(RichText::new(mark).size(16.0)).on_hover_text(words);
        named(&lock, &format!("Hold {label}"));
        if lock.clicked() {
            change = Some(Change::Set(literal::seed(now, !held)));
        }
    });
    change
}

fn file(ui: &mut Ui, text: &str, label: &str, shelf: &mut Shelf) -> Option<Change> {
    let mut change = None;
    let mut text = text.to_owned();
    ui.horizontal(|ui| {
        let wide = (ui.available_width() - 62.0).max(60.0);
        let response = ui.add(
            TextEdit::singleline(&mut text)
                .hint_text("drop a file, or type a path")
                .desired_width(wide)
                .margin(vec2(8.0, 5.0)),
        );
        named(&response, label);
        if response.changed() {
            change = Some(Change::Set(Lit::Text(text.clone())));
        }
        let pick = ui.button(RichText::new(icon::FOLDER_OPEN).size(16.0)).on_hover_text("Choose a file");
        named(&pick, &format!("Choose {label}"));
        if pick.clicked() {
            change = Some(Change::Pick);
        }
    });
    if !text.is_empty()
        && let Some(thumb) = shelf.thumb(ui.ctx(), &text)
    {
        let size = thumb.size_vec2();
        let scale = (ui.available_width() / size.x).min(120.0 / size.y).min(1.0);
        let (rect, response) = ui.allocate_exact_size(size * scale, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, format!("Picture of {label}")));
        let uv = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
        ui.painter().image(thumb.id(), rect, uv, Color32::WHITE);
    }
    change
}

fn model(ui: &mut Ui, folder: &'static str, now: &str, label: &str, shelf: &mut Shelf) -> Option<Change> {
    let look = Look::of(ui.ctx());
    let all = shelf.models(folder).to_vec();
    let missing = !now.is_empty() && !all.iter().any(|m| m == now || m.starts_with(&format!("{now}.")));
    let mut picked = None;
    let text = if now.is_empty() { "choose a model".to_owned() } else { now.to_owned() };
    let text = if missing { RichText::new(text).color(look.error) } else { RichText::new(text) };
    let combo = egui::ComboBox::from_id_salt((label, "model"))
        .selected_text(text)
        .truncate()
        .width(ui.available_width() - 8.0);
    let response = combo.show_ui(ui, |ui| {
        if all.is_empty() {
            ui.label(format!("The `{folder}` folder has no models."));
        }
        for name in &all {
            if ui.selectable_label(name == now, name).clicked() {
                picked = Some(Change::Set(Lit::text(name)));
            }
        }
    });
    named(&response.response, label);
    if missing {
        let nearest = kiln_core::words::nearest(now, all.iter());
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(format!("{} not in `{folder}`", icon::WARNING)).color(look.error).small());
            if let Some(near) = nearest
                && ui.small_button(format!("use {near}")).clicked()
            {
                picked = Some(Change::Set(Lit::Text(near)));
            }
        });
    }
    picked
}

fn list(
    ui: &mut Ui,
    of: &Kind,
    param: &Param,
    value: Option<&Lit>,
    label: &str,
    shelf: &mut Shelf,
) -> Option<Change> {
    let mut all: Vec<Lit> = match value {
        Some(Lit::List(all) | Lit::Tuple(None, all)) => all.clone(),
        _ => Vec::new(),
    };
    let mut changed = false;
    let mut gone = None;
    let mut swap = None;
    for (at, lit) in all.iter_mut().enumerate() {
        ui.push_id(at, |ui| {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let away = ui.add(egui::Button::new(icon::X).frame(false)).on_hover_text("Remove");
                    named(&away, &format!("Remove {label} {}", at + 1));
                    if away.clicked() {
                        gone = Some(at);
                    }
                    let up = ui.add_enabled(at > 0, egui::Button::new(icon::CARET_UP).frame(false));
                    named(&up, &format!("Move {label} {} up", at + 1));
                    if up.clicked() {
                        swap = Some(at);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let name = format!("{label} {}", at + 1);
                        match kind(ui, of, param, Some(lit), &name, shelf) {
                            Some(Change::Set(new)) => {
                                *lit = new;
                                changed = true;
                            }
                            Some(Change::Reset | Change::Pick) | None => {}
                        }
                    });
                });
            });
        });
    }
    if let Some(at) = gone {
        all.remove(at);
        changed = true;
    }
    if let Some(at) = swap {
        all.swap(at, at - 1);
        changed = true;
    }
    let add = ui.button(format!("{} Add", icon::PLUS));
    named(&add, &format!("Add {label}"));
    if add.clicked() {
        let last = all.last().cloned();
        all.push(last.unwrap_or_else(|| first(of)));
        changed = true;
    }
    changed.then_some(Change::Set(Lit::List(all)))
}

/// What a new entry of a list is at first.
fn first(of: &Kind) -> Lit {
    match of {
        Kind::Bool => Lit::Bool(false),
        Kind::Int { min, max, .. } => Lit::Int(0.clamp(*min, *max).into()),
        Kind::Float { min, max, .. } => literal::number(0f64.clamp(*min, *max)),
        Kind::Seed => Lit::Int(0),
        Kind::Size { .. } => literal::pair(512.0, 512.0),
        Kind::Range { min, max } => literal::pair(*min, *max),
        Kind::Curve => Lit::List(vec![literal::pair(0.0, 0.0), literal::pair(1.0, 1.0)]),
        Kind::Color => Lit::text("#ffffff"),
        Kind::Choice(words) => Lit::text(words.first().map(|w| w.to_string()).unwrap_or_default()),
        Kind::List(_) => Lit::List(Vec::new()),
        _ => Lit::text(""),
    }
}

/// The folder part of a path, for a file that was picked: relative where it can be.
#[must_use]
pub fn relative(base: &Path, picked: &Path) -> String {
    picked.strip_prefix(base).unwrap_or(picked).to_string_lossy().replace('\\', "/")
}
