//! A picture, large: zoom, the values of a pixel, two pictures side by side under a line, or their difference.

use super::Studio;
use crate::look::{Look, icon, medium};
use crate::run::Pixels;
use egui::{
    Color32, Context, FontId, Key, Pos2, Rect, RichText, Sense, TextureHandle, Vec2, WidgetInfo, WidgetType,
    pos2, vec2,
};

/// How two pictures are shown together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// Only the one.
    #[default]
    None,
    /// One at the left of a line, the other at its right.
    Wipe,
    /// What is different between them.
    Difference,
}

/// What is looked at.
#[derive(Clone)]
pub struct Viewer {
    /// The picture's key.
    pub key: String,
    /// What it is of.
    pub title: String,
    /// The picture it is compared with.
    pub other: Option<String>,
    /// How.
    pub compare: Compare,
    /// Where the line is, from 0 to 1.
    pub wipe: f32,
    /// Points of the window for a pixel; none: as large as fits.
    pub zoom: Option<f32>,
    /// The point of the picture in the middle, from 0 to 1.
    pub center: Pos2,
    /// The pixel under the pointer, and its samples.
    pub pixel: Option<(usize, usize, [u8; 4])>,
    difference: Option<(String, String, TextureHandle)>,
}

impl std::fmt::Debug for Viewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewer")
            .field("key", &self.key)
            .field("compare", &self.compare)
            .finish_non_exhaustive()
    }
}

impl Viewer {
    /// Looks at a picture.
    #[must_use]
    pub fn new(key: &str, title: &str) -> Self {
        Self {
            key: key.to_owned(),
            title: title.to_owned(),
            other: None,
            compare: Compare::None,
            wipe: 0.5,
            zoom: None,
            center: pos2(0.5, 0.5),
            pixel: None,
            difference: None,
        }
    }
}

impl Studio {
    pub(super) fn show_viewer(&mut self, ctx: &Context, mut viewer: Viewer) {
        let look = Look::of(ctx);
        let screen = ctx.content_rect();
        let mut open = true;
        let made: Vec<String> = {
            let mut seen = std::collections::BTreeSet::new();
            let all = self.session.history.made.iter().rev().map(|m| m.key.clone());
            all.filter(|k| seen.insert(k.clone())).collect()
        };
        let at = made.iter().position(|k| *k == viewer.key);
        let (earlier, later, close) = ctx.input_mut(|i| {
            (
                i.consume_key(egui::Modifiers::NONE, Key::ArrowLeft),
                i.consume_key(egui::Modifiers::NONE, Key::ArrowRight),
                i.key_pressed(Key::Space) && i.modifiers.is_none(),
            )
        });
        if close {
            open = false;
        }
        let step = match (earlier, later, at) {
            (true, _, Some(at)) => made.get(at + 1),
            (_, true, Some(at)) if at > 0 => made.get(at - 1),
            _ => None,
        };
        if let Some(key) = step {
            viewer.key.clone_from(key);
        }
        // What is compared with is, unless one was chosen, the picture made before.
        let before = at.and_then(|at| made.get(at + 1)).cloned();
        let other = viewer.other.clone().or(before);
        egui::Area::new(egui::Id::new("viewer")).order(egui::Order::Foreground).fixed_pos(screen.min).show(
            ctx,
            |ui| {
                let (rect, _) = ui.allocate_exact_size(screen.size(), Sense::click());
                ui.painter().rect_filled(rect, 0, look.plane);
                let bar = Rect::from_min_size(rect.min, vec2(rect.width(), 48.0));
                ui.painter().rect_filled(bar, 0, look.panel);
                let inner = bar.shrink2(vec2(14.0, 8.0));
                ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
                    ui.horizontal_centered(|ui| {
                        ui.label(RichText::new(&viewer.title).family(medium()).size(15.0));
                        if let Some((_, full)) = self.session.pictures.large(&viewer.key) {
                            ui.label(RichText::new(format!("{} × {}", full.x, full.y)).color(look.muted));
                        }
                        ui.add_space(12.0);
                        for (mode, words) in [
                            (Compare::None, "Picture"),
                            (Compare::Wipe, "Wipe"),
                            (Compare::Difference, "Difference"),
                        ] {
                            let able = mode == Compare::None || other.is_some();
                            let button = egui::Button::selectable(viewer.compare == mode, words);
                            if ui.add_enabled(able, button).clicked() {
                                viewer.compare = mode;
                            }
                        }
                        ui.add_space(12.0);
                        for (zoom, words) in [(None, "Fit"), (Some(1.0), "1:1"), (Some(2.0), "2:1")] {
                            if ui.selectable_label(viewer.zoom == zoom, words).clicked() {
                                viewer.zoom = zoom;
                            }
                        }
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            let away = ui.button(icon::X);
                            away.widget_info(|| {
                                WidgetInfo::labeled(WidgetType::Button, true, "Close the viewer")
                            });
                            if away.clicked() {
                                open = false;
                            }
                            let made =
                                self.session.history.made.iter().rev().find(|m| m.key == viewer.key).cloned();
                            if let Some(made) = made {
                                if ui.button("Restore its graph").clicked() {
                                    self.restore(&made);
                                    open = false;
                                }
                                if ui.button("Compare graphs").clicked() {
                                    self.compare(&made);
                                    open = false;
                                }
                            }
                            if let Some((x, y, [r, g, b, a])) = viewer.pixel {
                                let text = format!("{x}, {y}   {r} {g} {b} {a}");
                                ui.label(RichText::new(text).monospace().color(look.muted));
                            }
                        });
                    });
                });
                let stage = Rect::from_min_max(pos2(rect.left(), bar.bottom()), rect.max);
                self.stage(ui, &mut viewer, other.as_deref(), stage, &look);
            },
        );
        // Something that was pressed in the viewer may have opened something else.
        if open && matches!(self.over, super::Over::None) {
            self.over = super::Over::Viewer(viewer);
        }
    }

    fn stage(
        &mut self,
        ui: &mut egui::Ui,
        viewer: &mut Viewer,
        other: Option<&str>,
        stage: Rect,
        look: &Look,
    ) {
        let response = ui.interact(stage, ui.id().with("stage"), Sense::click_and_drag());
        response.widget_info(|| {
            WidgetInfo::labeled(WidgetType::Image, true, format!("Large picture of {}", viewer.title))
        });
        let Some((picture, full)) = self.session.pictures.large(&viewer.key) else {
            let font = FontId::new(14.0, crate::look::regular());
            ui.painter().text(
                stage.center(),
                egui::Align2::CENTER_CENTER,
                "The picture is on its way…",
                font,
                look.muted,
            );
            return;
        };
        let fit = ((stage.width() - 40.0) / full.x).min((stage.height() - 40.0) / full.y).max(0.01);
        if response.contains_pointer() {
            let scroll =
                ui.input(|i| i.smooth_scroll_delta().y) + ui.input(|i| (i.zoom_delta() - 1.0) * 200.0);
            if scroll.abs() > 0.1
                && let Some(at) = ui.input(|i| i.pointer.latest_pos())
            {
                let old = viewer.zoom.unwrap_or(fit);
                let new = (old * (scroll * 0.005).exp()).clamp(0.05, 64.0);
                // The pixel under the pointer stays where it is.
                let off = at - stage.center();
                let shift = off / old - off / new;
                viewer.center += Vec2::new(shift.x / full.x, shift.y / full.y);
                viewer.zoom = Some(new);
            }
        }
        let zoom = viewer.zoom.unwrap_or(fit);
        if viewer.zoom.is_none() {
            viewer.center = pos2(0.5, 0.5);
        }
        let size = full * zoom;
        let place = Rect::from_min_size(
            stage.center() - vec2(viewer.center.x * size.x, viewer.center.y * size.y),
            size,
        );
        let painter = ui.painter_at(stage);
        let line_x = place.left() + place.width() * viewer.wipe;
        if response.dragged() {
            let near = response.interact_pointer_pos().is_some_and(|p| (p.x - line_x).abs() < 24.0);
            let held = ui.data(|d| d.get_temp::<bool>(response.id)).unwrap_or(false);
            if viewer.compare == Compare::Wipe && (held || (response.drag_started() && near)) {
                ui.data_mut(|d| d.insert_temp(response.id, true));
                if let Some(p) = response.interact_pointer_pos() {
                    viewer.wipe = ((p.x - place.left()) / place.width()).clamp(0.0, 1.0);
                }
            } else {
                let by = response.drag_delta();
                viewer.center -= Vec2::new(by.x / size.x, by.y / size.y);
                viewer.zoom = Some(zoom);
            }
        } else {
            ui.data_mut(|d| d.insert_temp(response.id, false));
        }
        let uv = |rect: Rect| {
            Rect::from_min_max(
                pos2(
                    (rect.left() - place.left()) / place.width(),
                    (rect.top() - place.top()) / place.height(),
                ),
                pos2(
                    (rect.right() - place.left()) / place.width(),
                    (rect.bottom() - place.top()) / place.height(),
                ),
            )
        };
        checkers(&painter, place.intersect(stage), look);
        match (viewer.compare, other) {
            (Compare::Wipe, Some(other)) => {
                self.session.pictures.want(other, 0, None);
                let mut right = place;
                right.set_left(line_x);
                let mut left = place;
                left.set_right(line_x);
                painter.image(picture.texture, left, uv(left), Color32::WHITE);
                if let Some((second, _)) = self.session.pictures.large(other) {
                    painter.image(second.texture, right, uv(right), Color32::WHITE);
                }
                painter.vline(line_x, stage.y_range(), egui::Stroke::new(2.0, look.accent));
                painter.circle_filled(pos2(line_x, stage.center().y), 8.0, look.accent);
            }
            (Compare::Difference, Some(other)) => {
                let known =
                    viewer.difference.as_ref().is_some_and(|(a, b, _)| *a == viewer.key && b == other);
                if !known
                    && let (Some(a), Some(b)) =
                        (self.session.pictures.pixels(&viewer.key), self.session.pictures.pixels(other))
                {
                    let image = difference(a, b);
                    let texture = ui.ctx().load_texture("difference", image, egui::TextureOptions::LINEAR);
                    viewer.difference = Some((viewer.key.clone(), other.to_owned(), texture));
                }
                if let Some((.., texture)) = &viewer.difference {
                    painter.image(texture.id(), place, uv(place), Color32::WHITE);
                }
            }
            _ => {
                painter.image(picture.texture, place, uv(place), Color32::WHITE);
            }
        }
        viewer.pixel = None;
        if let (Some(at), Some(pixels)) =
            (ui.input(|i| i.pointer.latest_pos()), self.session.pictures.pixels(&viewer.key))
            && place.contains(at)
            && stage.contains(at)
        {
            let u = (at.x - place.left()) / place.width();
            let v = (at.y - place.top()) / place.height();
            let (x, y) = ((u * pixels.width as f32) as usize, (v * pixels.height as f32) as usize);
            if let Some(sample) = pixels.at(x, y) {
                let (fx, fy) = ((u * full.x) as usize, (v * full.y) as usize);
                viewer.pixel = Some((fx, fy, sample));
            }
        }
    }
}

/// How far two pictures are apart, brightened so that small differences are seen.
#[must_use]
pub fn difference(a: &Pixels, b: &Pixels) -> egui::ColorImage {
    let mut rgba = Vec::with_capacity(a.width * a.height * 4);
    for y in 0..a.height {
        for x in 0..a.width {
            let one = a.at(x, y).unwrap_or_default();
            let (u, v) = (x * b.width / a.width.max(1), y * b.height / a.height.max(1));
            let two = b.at(u, v).unwrap_or_default();
            for c in 0..3 {
                rgba.push(one[c].abs_diff(two[c]).saturating_mul(4));
            }
            rgba.push(255);
        }
    }
    egui::ColorImage::from_rgba_unmultiplied([a.width, a.height], &rgba)
}

fn checkers(painter: &egui::Painter, rect: Rect, look: &Look) {
    if !rect.is_positive() {
        return;
    }
    let (a, b) = if look.dark {
        (Color32::from_gray(38), Color32::from_gray(46))
    } else {
        (Color32::from_gray(214), Color32::from_gray(226))
    };
    painter.rect_filled(rect, 0, a);
    let step = 12.0;
    let mut mesh = egui::Mesh::default();
    let (cols, rows) = ((rect.width() / step).ceil() as i32, (rect.height() / step).ceil() as i32);
    if cols * rows < 40_000 {
        for y in 0..rows {
            for x in (y % 2..cols).step_by(2) {
                let at = rect.min + vec2(x as f32 * step, y as f32 * step);
                mesh.add_colored_rect(Rect::from_min_size(at, vec2(step, step)).intersect(rect), b);
            }
        }
        painter.add(egui::Shape::mesh(mesh));
    }
}
