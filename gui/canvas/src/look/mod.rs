//! The look in one place: colours, type, spacing, motion.

mod palette;
mod type_;

pub use egui_phosphor::regular as icon;
pub use palette::{Look, category_icon, contrast, type_color};
pub use type_::{fonts, medium, regular, strong};

use egui::{Context, CornerRadius, Margin, Shadow, Stroke, Vec2, epaint::Color32};

/// Corners of nodes and panels.
pub const RADIUS: u8 = 10;
/// Corners of fields and buttons.
pub const FIELD_RADIUS: u8 = 6;
/// Space within panels.
pub const PAD: i8 = 14;

/// Gives a context the look: fonts, both themes, spacing.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    for (theme, look) in [(egui::Theme::Dark, Look::dark()), (egui::Theme::Light, Look::light())] {
        ctx.style_mut_of(theme, |style| apply(style, &look));
    }
}

fn apply(style: &mut egui::Style, look: &Look) {
    use egui::{FontId, TextStyle};
    style.text_styles = [
        (TextStyle::Small, FontId::new(11.5, regular())),
        (TextStyle::Body, FontId::new(13.0, regular())),
        (TextStyle::Button, FontId::new(13.0, medium())),
        (TextStyle::Heading, FontId::new(17.0, strong())),
        (TextStyle::Monospace, FontId::new(12.0, egui::FontFamily::Monospace)),
    ]
    .into();
    let s = &mut style.spacing;
    s.item_spacing = Vec2::new(8.0, 6.0);
    s.button_padding = Vec2::new(10.0, 5.0);
    s.interact_size = Vec2::new(28.0, 26.0);
    s.window_margin = Margin::same(PAD);
    s.menu_margin = Margin::same(6);
    s.combo_width = 60.0;
    s.slider_rail_height = 4.0;
    s.icon_width = 16.0;
    s.scroll = egui::style::ScrollStyle::thin();
    s.tooltip_width = 320.0;
    style.animation_time = 0.12;
    let v = &mut style.visuals;
    *v = if look.dark { egui::Visuals::dark() } else { egui::Visuals::light() };
    v.panel_fill = look.panel;
    v.window_fill = look.raised;
    v.window_stroke = Stroke::new(1.0, look.line);
    v.window_corner_radius = CornerRadius::same(RADIUS);
    v.menu_corner_radius = CornerRadius::same(8);
    let shadow = Shadow { offset: [0, 8], blur: 28, spread: 0, color: look.shadow };
    v.window_shadow = shadow;
    v.popup_shadow = shadow;
    v.extreme_bg_color = look.field;
    v.faint_bg_color = look.field;
    v.text_edit_bg_color = Some(look.field);
    v.selection.bg_fill = look.accent.gamma_multiply(if look.dark { 0.35 } else { 0.25 });
    v.selection.stroke = Stroke::new(1.0, look.text);
    v.hyperlink_color = look.accent_text;
    v.warn_fg_color = look.warn;
    v.error_fg_color = look.error;
    v.weak_text_color = Some(look.muted);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.indent_has_left_vline = false;
    let corner = CornerRadius::same(FIELD_RADIUS);
    let text = |c: Color32| Stroke::new(1.0, c);
    let w = &mut v.widgets;
    for (one, fill, line, ink) in [
        (&mut w.noninteractive, look.panel, look.line, look.text),
        (&mut w.inactive, look.field, Color32::TRANSPARENT, look.text),
        (&mut w.hovered, look.hover, look.line, look.text),
        (&mut w.active, look.hover, look.accent, look.text),
        (&mut w.open, look.hover, look.line, look.text),
    ] {
        one.bg_fill = fill;
        one.weak_bg_fill = fill;
        one.bg_stroke = if line == Color32::TRANSPARENT { Stroke::NONE } else { Stroke::new(1.0, line) };
        one.fg_stroke = text(ink);
        one.corner_radius = corner;
        one.expansion = 0.0;
    }
}

/// How far an eased motion is, `t` from 0 to 1: fast at first, calm at the end.
#[must_use]
pub fn ease(t: f32) -> f32 {
    let u = 1.0 - t.clamp(0.0, 1.0);
    1.0 - u * u * u
}
