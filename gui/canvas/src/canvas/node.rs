//! One node, drawn near: title, rows, values, picture.

use super::{Lights, Status};
use crate::look::{Look, category_icon, icon, medium, regular, strong, type_color};
use crate::model::literal;
use crate::scene::{HEADER, NodeShape, Own, Pin, RowKind};
use egui::epaint::{CornerRadius, Shadow};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Color32, FontFamily, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2,
};
use kiln_core::document::{Lit, Mode, Node};
use kiln_core::types::{Color, Type};
use kiln_core::{Kind, Severity};

/// How far from the right edge the die of a seed reaches.
pub const DIE: f32 = 36.0;
/// How far from the right edge the lock of a seed reaches.
pub const LOCK: f32 = 60.0;

/// Where and how large things are drawn.
#[derive(Clone, Copy)]
pub(super) struct Brush<'a> {
    pub painter: &'a Painter,
    pub look: &'a Look,
    pub zoom: f32,
    /// From the plane to the window: what is added after the zoom.
    pub shift: Vec2,
}

impl Brush<'_> {
    pub fn at(&self, at: Pos2) -> Pos2 {
        (at.to_vec2() * self.zoom + self.shift).to_pos2()
    }

    pub fn rect(&self, rect: Rect) -> Rect {
        Rect::from_min_max(self.at(rect.min), self.at(rect.max))
    }

    pub fn len(&self, v: f32) -> f32 {
        v * self.zoom
    }

    pub fn corner(&self, v: f32) -> CornerRadius {
        CornerRadius::same((v * self.zoom).clamp(0.0, 250.0) as u8)
    }

    /// A font as large as the zoom makes it, in half points, so that zooming does not fill the atlas.
    pub fn font(&self, size: f32, family: FontFamily) -> FontId {
        FontId::new(((size * self.zoom * 2.0).round() / 2.0).max(1.0), family)
    }

    /// A line of text that ends with `…` where there is no more room; gives its width.
    pub fn line(&self, text: &str, at: Pos2, align: Align2, font: FontId, color: Color32, room: f32) -> f32 {
        if text.is_empty() || room < 4.0 {
            return 0.0;
        }
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
        job.wrap = TextWrapping::truncate_at_width(room);
        job.break_on_newline = false;
        let galley = self.painter.layout_job(job);
        let size = galley.size();
        let rect = align.anchor_size(at, size);
        self.painter.galley(rect.min, galley, color);
        size.x
    }

    /// Some lines of text.
    pub fn lines(&self, text: &str, rect: Rect, font: FontId, color: Color32, rows: usize) {
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
        job.wrap = TextWrapping { max_width: rect.width(), max_rows: rows.max(1), ..TextWrapping::default() };
        let galley = self.painter.layout_job(job);
        self.painter.galley(rect.min, galley, color);
    }
}

/// What of a node is under the pointer, or selected.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks<'a> {
    pub selected: bool,
    pub hovered: bool,
    pub param: Option<usize>,
    pub pin: Option<Pin>,
    /// Pins that a wire being drawn could end at; others fade.
    pub wanted: Option<&'a dyn Fn(Pin) -> bool>,
}

pub(super) fn draw(
    b: &Brush<'_>,
    number: u32,
    shape: &NodeShape,
    node: Option<&Node>,
    lights: &Lights<'_>,
    m: Marks<'_>,
) {
    let look = b.look;
    let rect = b.rect(shape.rect());
    let faded = shape.mode == Mode::Muted;
    let own = shape.own.is_some();
    let state = lights.state(&shape.name);
    let problems = lights.problems(&shape.name);
    let error = problems.iter().any(|p| p.severity == Severity::Error) || shape.ports.unknown;
    let corner = b.corner(10.0);

    let shadow = Shadow {
        offset: [0, 4],
        blur: b.len(18.0).min(60.0) as u8,
        spread: 0,
        color: look.shadow.gamma_multiply(0.7),
    };
    b.painter.add(shadow.as_shape(rect, corner));
    let body = match shape.mode {
        Mode::Active => look.node,
        Mode::Muted => look.node.gamma_multiply(0.75),
        Mode::Bypassed => blend(look.node, look.tint(5), 0.16),
    };
    b.painter.rect_filled(rect, corner, body);

    let category = if own { look.muted } else { look.category(&shape.category) };
    header(b, shape, node, rect, lights, category, faded, problems.len(), error);
    if !shape.collapsed {
        let line = rect.top() + b.len(HEADER);
        b.painter.hline(rect.x_range(), line, Stroke::new(1.0, look.line.gamma_multiply(0.8)));
    }

    for row in &shape.rows {
        let area = b.rect(shape.row_rect(row));
        match row.kind {
            RowKind::Ports { input, output } => ports(b, shape, area, input, output, faded),
            RowKind::Param(at) => param(b, shape, node, at, area, m.param == Some(at), faded),
            RowKind::Preview => preview(b, state, area),
        }
    }

    let status = state.map(|s| &s.status);
    let (edge, width) = match status {
        _ if m.selected => (look.accent, 2.0),
        Some(Status::Failed { .. }) => (look.error, 1.5),
        Some(Status::Running { .. }) => (look.busy, 1.5),
        Some(Status::Parked { .. }) => (look.warn, 1.5),
        _ if error => (look.error.gamma_multiply(0.8), 1.0),
        _ if m.hovered => (look.muted.gamma_multiply(0.6), 1.0),
        _ => (look.line, 1.0),
    };
    b.painter.rect_stroke(rect, corner, Stroke::new(width, edge), StrokeKind::Inside);
    if m.selected {
        let glow = look.accent.gamma_multiply(0.18);
        b.painter.rect_stroke(
            rect,
            corner,
            Stroke::new(b.len(4.0).clamp(2.0, 6.0), glow),
            StrokeKind::Outside,
        );
    }
    for pin in pins(number, shape) {
        draw_pin(b, shape, pin, &m, faded);
    }
}

fn pins(node: u32, shape: &NodeShape) -> impl Iterator<Item = Pin> + '_ {
    let outs = (0..shape.ports.outputs.len()).map(move |at| Pin::Out { node, at: at as u32 });
    let ins = (0..shape.ports.inputs.len()).map(move |at| Pin::In { node, at: at as u32 });
    let params = shape.rows.iter().filter_map(move |row| match row.kind {
        RowKind::Param(at) => Some(Pin::Param { node, at: at as u32 }),
        _ => None,
    });
    outs.chain(ins).chain(params)
}

#[expect(clippy::too_many_arguments, reason = "a title shows a lot")]
fn header(
    b: &Brush<'_>,
    shape: &NodeShape,
    node: Option<&Node>,
    rect: Rect,
    lights: &Lights<'_>,
    category: Color32,
    faded: bool,
    problems: usize,
    error: bool,
) {
    let look = b.look;
    let middle = rect.top() + b.len(HEADER / 2.0);
    let top = Rect::from_min_max(rect.min, pos2(rect.right(), rect.top() + b.len(HEADER)));
    let state = lights.state(&shape.name);
    // A long run fills the title from the left.
    if let Some(Status::Running { done, total }) = state.map(|s| &s.status) {
        let part = if *total > 0 { *done as f32 / *total as f32 } else { 1.0 };
        let mut bar = top;
        bar.set_right(top.left() + top.width() * part.clamp(0.02, 1.0));
        let alpha = if *total > 0 { 0.22 } else { 0.10 + 0.06 * ((lights.time * 3.0).sin() as f32) };
        let radius = b.corner(10.0);
        let right = if part >= 1.0 { radius.ne } else { 0 };
        let low = if shape.collapsed { radius.sw } else { 0 };
        let corner =
            CornerRadius { nw: radius.nw, ne: right, sw: low, se: if shape.collapsed { right } else { 0 } };
        b.painter.rect_filled(bar, corner, look.busy.gamma_multiply(alpha));
    }
    let sign = match shape.own {
        Some(Own::Inputs) => icon::SIGN_IN,
        Some(Own::Outputs) => icon::SIGN_OUT,
        None if shape.ports.unknown => icon::QUESTION,
        None if shape.definition.is_some() => icon::TREE_STRUCTURE,
        None => category_icon(&shape.category),
    };
    let ink = if faded { look.muted } else { look.text };
    let left = rect.left() + b.len(18.0);
    let sign_color = if shape.ports.unknown { look.error } else { category };
    let sign_color = if faded { sign_color.gamma_multiply(0.6) } else { sign_color };
    b.line(sign, pos2(left, middle), Align2::CENTER_CENTER, b.font(15.0, regular()), sign_color, 100.0);

    let mut right = rect.right() - b.len(12.0);
    let tag = |text: &str, color: Color32, right: &mut f32| {
        let w = b.line(
            text,
            pos2(*right, middle),
            Align2::RIGHT_CENTER,
            b.font(11.5, medium()),
            color,
            b.len(120.0),
        );
        *right -= w + b.len(6.0);
    };
    if problems > 0 || shape.ports.unknown {
        let (sign, color) =
            if error { (icon::WARNING_CIRCLE, look.error) } else { (icon::WARNING, look.warn) };
        let w =
            b.line(sign, pos2(right, middle), Align2::RIGHT_CENTER, b.font(15.0, regular()), color, 100.0);
        right -= w + b.len(6.0);
    }
    match shape.mode {
        Mode::Muted => tag("muted", look.muted, &mut right),
        Mode::Bypassed => tag("bypassed", look.muted, &mut right),
        Mode::Active => {}
    }
    match state.map(|s| &s.status) {
        Some(Status::Done { ms }) => tag(&kiln_core::words::duration(*ms), look.good, &mut right),
        Some(Status::Cached { .. }) => tag("kept", look.muted, &mut right),
        Some(Status::Running { done, total }) if *total > 0 => {
            tag(&format!("{done}/{total}"), look.busy, &mut right);
        }
        Some(Status::Running { .. }) => tag("running", look.busy, &mut right),
        Some(Status::Waiting) => tag("waits", look.muted, &mut right),
        Some(Status::Rejected { .. }) => tag("rejected", look.warn, &mut right),
        Some(Status::Parked { .. }) => tag("your turn", look.warn, &mut right),
        Some(Status::Failed { .. }) => tag("failed", look.error, &mut right),
        Some(Status::Idle) | None => {}
    }
    let x = rect.left() + b.len(33.0);
    let title = shape.title(node);
    b.line(title, pos2(x, middle), Align2::LEFT_CENTER, b.font(13.0, strong()), ink, right - x);
}

fn ports(
    b: &Brush<'_>,
    shape: &NodeShape,
    area: Rect,
    input: Option<usize>,
    output: Option<usize>,
    faded: bool,
) {
    let look = b.look;
    let y = area.center().y;
    let half = area.width() * if input.is_some() && output.is_some() { 0.5 } else { 1.0 } - b.len(22.0);
    let ink = if faded { look.muted.gamma_multiply(0.8) } else { look.text.gamma_multiply(0.92) };
    if let Some(port) = input.and_then(|at| shape.ports.inputs.get(at)) {
        let open = port.optional && !shape.linked_inputs[input.unwrap_or(0)];
        let ink = if open { look.muted } else { ink };
        let x = area.left() + b.len(14.0);
        b.line(&port.name, pos2(x, y), Align2::LEFT_CENTER, b.font(12.5, regular()), ink, half);
    }
    if let Some(port) = output.and_then(|at| shape.ports.outputs.get(at)) {
        let x = area.right() - b.len(14.0);
        b.line(&port.name, pos2(x, y), Align2::RIGHT_CENTER, b.font(12.5, regular()), ink, half);
    }
}

fn param(
    b: &Brush<'_>,
    shape: &NodeShape,
    node: Option<&Node>,
    at: usize,
    area: Rect,
    hovered: bool,
    faded: bool,
) {
    let look = b.look;
    let Some(what) = shape.ports.params.get(at) else { return };
    let field = Rect::from_min_max(
        area.min + vec2(b.len(10.0), b.len(2.0)),
        area.max - vec2(b.len(10.0), b.len(2.0)),
    );
    let corner = b.corner(6.0);
    let first = Rect::from_min_size(
        field.min,
        vec2(field.width(), b.len(crate::scene::PARAM - 4.0).min(field.height())),
    );
    let y = first.center().y;
    let left = field.left() + b.len(8.0);
    let right = field.right() - b.len(8.0);
    let label = what.name.replace('_', " ");
    let small = b.font(12.0, regular());
    if shape.param_linked(at) {
        b.line(
            &label,
            pos2(left, y),
            Align2::LEFT_CENTER,
            small,
            look.text.gamma_multiply(0.92),
            right - left,
        );
        return;
    }
    let fill = if hovered { look.hover } else { look.field };
    b.painter.rect_filled(field, corner, if faded { fill.gamma_multiply(0.6) } else { fill });
    let value = node.and_then(|n| shape.ports.value(n, at));
    let said = node.is_some_and(|n| n.with.contains_key(what.name));
    let ink = if faded { look.muted } else { look.text };
    let wide = right - left;
    match &what.kind {
        Kind::Prompt | Kind::Text { multiline: true } => {
            b.line(&label, pos2(left, y), Align2::LEFT_CENTER, b.font(11.0, medium()), look.muted, wide);
            let text = value.and_then(Lit::as_text).unwrap_or_default();
            let top = first.bottom() - b.len(3.0);
            let inner = Rect::from_min_max(pos2(left, top), pos2(right, field.bottom() - b.len(3.0)));
            let rows = (inner.height() / b.len(16.5)).floor().max(1.0) as usize;
            if text.is_empty() {
                b.lines("empty", inner, b.font(12.5, regular()), look.muted, 1);
            } else {
                b.lines(text, inner, b.font(12.5, regular()), ink, rows);
            }
            return;
        }
        Kind::Curve => {
            b.line(&label, pos2(left, y), Align2::LEFT_CENTER, small, look.muted, wide);
            let inner =
                Rect::from_min_max(pos2(left, first.bottom()), pos2(right, field.bottom() - b.len(8.0)));
            curve(b, inner, value);
            return;
        }
        _ => {}
    }
    // A bar shows where a number lies between its ends.
    if let (Some((min, max)), Some(v)) = (ends(&what.kind), value.and_then(literal::as_number)) {
        let part = (((v - min) / (max - min)) as f32).clamp(0.0, 1.0);
        if part > 0.01 {
            let mut bar = field;
            bar.set_right(field.left() + field.width() * part);
            let right = if part > 0.98 { corner.ne } else { 0 };
            let shape = CornerRadius { nw: corner.nw, sw: corner.sw, ne: right, se: right };
            let color = look.accent.gamma_multiply(if faded { 0.06 } else { 0.16 });
            b.painter.rect_filled(bar, shape, color);
        }
    }
    let label_w = b.line(&label, pos2(left, y), Align2::LEFT_CENTER, small, look.muted, wide * 0.62);
    let room = wide - label_w - b.len(8.0);
    let value_font = b.font(12.5, if said { medium() } else { regular() });
    match &what.kind {
        Kind::Bool => {
            let on = value == Some(&Lit::Bool(true));
            let size = vec2(b.len(26.0), b.len(14.0));
            let track = Rect::from_min_size(pos2(right - size.x, y - size.y / 2.0), size);
            let round = b.corner(7.0);
            b.painter.rect_filled(track, round, if on { look.accent } else { look.line });
            let x = if on { track.right() - size.y / 2.0 } else { track.left() + size.y / 2.0 };
            let knob = if on { look.on_accent } else { look.muted };
            b.painter.circle_filled(pos2(x, y), size.y / 2.0 - b.len(2.5), knob);
        }
        Kind::Color => {
            let color = value.and_then(Lit::as_text).and_then(|t| Color::parse(t).ok());
            let size = vec2(b.len(34.0), b.len(15.0));
            let swatch = Rect::from_min_size(pos2(right - size.x, y - size.y / 2.0), size);
            if let Some(color) = color {
                let [r, g, bl, a] = color.to_rgba8();
                checks(b, swatch);
                b.painter.rect_filled(swatch, b.corner(4.0), Color32::from_rgba_unmultiplied(r, g, bl, a));
            }
            b.painter.rect_stroke(swatch, b.corner(4.0), Stroke::new(1.0, look.line), StrokeKind::Inside);
            let text = value.and_then(Lit::as_text).unwrap_or("not set");
            let x = swatch.left() - b.len(8.0);
            b.line(text, pos2(x, y), Align2::RIGHT_CENTER, value_font, ink, room - b.len(42.0));
        }
        Kind::Seed => {
            let held = value.and_then(literal::as_seed).is_some_and(|(_, held)| held);
            let sign = b.font(14.0, regular());
            let die = pos2(area.right() - b.len(24.0), y);
            let lock = pos2(area.right() - b.len(47.0), y);
            b.line(icon::DICE_FIVE, die, Align2::CENTER_CENTER, sign.clone(), look.text, 100.0);
            let (mark, color) =
                if held { (icon::LOCK, look.accent_text) } else { (icon::LOCK_OPEN, look.muted) };
            b.line(mark, lock, Align2::CENTER_CENTER, sign, color, 100.0);
            let text = literal::words(what, value);
            let x = area.right() - b.len(LOCK + 2.0);
            b.line(&text, pos2(x, y), Align2::RIGHT_CENTER, value_font, ink, room - b.len(48.0));
        }
        kind => {
            let text = literal::words(what, value);
            let missing = value.is_none();
            let ink = if missing { look.error } else { ink };
            let mut x = right;
            if matches!(kind, Kind::Choice(_)) {
                let font = b.font(11.0, regular());
                b.line(icon::CARET_DOWN, pos2(x, y), Align2::RIGHT_CENTER, font, look.muted, 100.0);
                x -= b.len(15.0);
            }
            b.line(&text, pos2(x, y), Align2::RIGHT_CENTER, value_font, ink, room - (right - x));
        }
    }
}

/// The ends of a number, where the way between them is short enough to be shown.
fn ends(kind: &Kind) -> Option<(f64, f64)> {
    let (min, max) = match kind {
        Kind::Float { min, max, .. } => (*min, *max),
        Kind::Int { min, max, .. } => (*min as f64, *max as f64),
        _ => return None,
    };
    let span = max - min;
    (span > 0.0 && span <= 400.0).then_some((min, max))
}

fn curve(b: &Brush<'_>, area: Rect, value: Option<&Lit>) {
    let Some(Lit::List(points)) = value else { return };
    let points: Vec<(f64, f64)> = points.iter().filter_map(literal::as_pair).collect();
    if points.len() < 2 {
        return;
    }
    let grid = Stroke::new(1.0, b.look.line);
    b.painter.rect_stroke(area, 0, grid, StrokeKind::Inside);
    let (lo, hi) = points.iter().fold((0.0f64, 1.0f64), |(lo, hi), p| (lo.min(p.1), hi.max(p.1)));
    let (x0, x1) = (points[0].0, points[points.len() - 1].0);
    let place = |(x, y): (f64, f64)| {
        let u = ((x - x0) / (x1 - x0).max(1e-9)) as f32;
        let v = ((y - lo) / (hi - lo).max(1e-9)) as f32;
        pos2(area.left() + u * area.width(), area.bottom() - v * area.height())
    };
    let line: Vec<Pos2> = points.iter().map(|p| place(*p)).collect();
    b.painter.add(Shape::line(line.clone(), Stroke::new(b.len(1.6).max(1.0), b.look.accent)));
    for at in line {
        b.painter.circle_filled(at, b.len(2.4), b.look.text);
    }
}

fn checks(b: &Brush<'_>, rect: Rect) {
    b.painter.rect_filled(rect, b.corner(4.0), Color32::from_gray(150));
    let half = vec2(rect.width() / 4.0, rect.height() / 2.0);
    for n in 0..4 {
        let at = rect.min + vec2(n as f32 * half.x, if n % 2 == 0 { 0.0 } else { half.y });
        b.painter.rect_filled(Rect::from_min_size(at, half), 0, Color32::from_gray(105));
    }
}

fn preview(b: &Brush<'_>, state: Option<&super::State>, area: Rect) {
    let room =
        Rect::from_min_max(area.min + vec2(b.len(8.0), b.len(6.0)), area.max - vec2(b.len(8.0), b.len(4.0)));
    let corner = b.corner(6.0);
    b.painter.rect_filled(room, corner, b.look.field);
    let Some(picture) = state.and_then(|s| s.picture) else { return };
    let scale = (room.width() / picture.size.x).min(room.height() / picture.size.y);
    let rect = Rect::from_center_size(room.center(), picture.size * scale);
    let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    let image =
        egui::epaint::RectShape::filled(rect, corner, Color32::WHITE).with_texture(picture.texture, uv);
    b.painter.add(image);
    if picture.count > 1 {
        let text = format!("1 of {}", picture.count);
        let at = room.right_bottom() - vec2(b.len(6.0), b.len(6.0));
        let galley = b.painter.layout_no_wrap(text, b.font(11.0, medium()), Color32::WHITE);
        let rect = Align2::RIGHT_BOTTOM.anchor_size(at, galley.size());
        b.painter.rect_filled(rect.expand(b.len(3.0)), b.corner(4.0), Color32::from_black_alpha(150));
        b.painter.galley(rect.min, galley, Color32::WHITE);
    }
}

fn draw_pin(b: &Brush<'_>, shape: &NodeShape, pin: Pin, m: &Marks<'_>, faded: bool) {
    let look = b.look;
    let (ty, linked, always): (Type, bool, bool) = match pin {
        Pin::Out { at, .. } => {
            (shape.out_types[at as usize].clone(), shape.linked_outputs[at as usize], true)
        }
        Pin::In { at, .. } => {
            (shape.ports.inputs[at as usize].ty.clone(), shape.linked_inputs[at as usize], true)
        }
        Pin::Param { at, .. } => {
            let linked = shape.param_linked(at as usize);
            (shape.ports.params[at as usize].kind.ty(), linked, linked)
        }
    };
    let wanted = m.wanted.map(|wanted| wanted(pin));
    let near = m.pin == Some(pin);
    if !always && !near && !m.hovered && wanted != Some(true) {
        return;
    }
    let mut color = type_color(&ty.name, look.dark);
    if faded || wanted == Some(false) {
        color = blend(color, look.node, 0.7);
    }
    let at = b.at(shape.pin_at(pin));
    let mut r = b.len(if always { 5.0 } else { 3.5 });
    if near || wanted == Some(true) {
        r *= 1.25;
        b.painter.circle_filled(at, r + b.len(4.0), color.gamma_multiply(0.25));
    }
    let optional = matches!(pin, Pin::In { at, .. } if shape.ports.inputs[at as usize].optional);
    if ty.list {
        // Lists are squares: two values look unlike one.
        let square = Rect::from_center_size(at, Vec2::splat(r * 1.8));
        b.painter.rect_filled(square.expand(b.len(1.5)), b.corner(2.5), look.node);
        if linked || pin.is_out() {
            b.painter.rect_filled(square, b.corner(2.0), color);
        } else {
            b.painter.rect_stroke(
                square,
                b.corner(2.0),
                Stroke::new(b.len(1.6).max(1.0), color),
                StrokeKind::Inside,
            );
        }
        return;
    }
    b.painter.circle_filled(at, r + b.len(1.5), look.node);
    if linked || pin.is_out() || !optional && always {
        b.painter.circle_filled(at, r, color);
    } else {
        b.painter.circle_stroke(at, r - b.len(0.8), Stroke::new(b.len(1.6).max(1.0), color));
    }
}

/// A colour on the way from one to another.
pub(super) fn blend(a: Color32, b: Color32, t: f32) -> Color32 {
    let mix = |x: u8, y: u8| (f32::from(x) + (f32::from(y) - f32::from(x)) * t) as u8;
    Color32::from_rgb(mix(a.r(), b.r()), mix(a.g(), b.g()), mix(a.b(), b.b()))
}
