//! Points of a curve: drag them, click for another one, drag one out to lose it.

use crate::look::Look;
use crate::model::literal;
use egui::{Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};
use kiln_core::document::Lit;

/// An editor; gives the curve if it changed.
pub fn edit(ui: &mut Ui, value: Option<&Lit>, label: &str) -> Option<Lit> {
    let look = Look::of(ui.ctx());
    let mut points: Vec<(f64, f64)> = match value {
        Some(Lit::List(all)) => all.iter().filter_map(literal::as_pair).collect(),
        _ => Vec::new(),
    };
    if points.len() < 2 {
        points = vec![(0.0, 0.0), (1.0, 1.0)];
    }
    let size = vec2(ui.available_width(), 160.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, true, label));
    let inner = rect.shrink(8.0);
    let (hi, lo) = points.iter().fold((1.0f64, 0.0f64), |(hi, lo), p| (hi.max(p.1), lo.min(p.1)));
    let (x0, x1) = (points[0].0.min(0.0), points[points.len() - 1].0.max(1.0));
    let to = |p: (f64, f64)| {
        let u = ((p.0 - x0) / (x1 - x0)) as f32;
        let v = ((p.1 - lo) / (hi - lo).max(1e-9)) as f32;
        pos2(inner.left() + u * inner.width(), inner.bottom() - v * inner.height())
    };
    let from = |at: Pos2| {
        let u = f64::from((at.x - inner.left()) / inner.width());
        let v = f64::from((inner.bottom() - at.y) / inner.height());
        let round = |v: f64| (v * 1000.0).round() / 1000.0;
        (round(x0 + u * (x1 - x0)), round((lo + v * (hi - lo)).clamp(lo, hi)))
    };
    let held_id = response.id.with("held");
    let mut held: Option<usize> = ui.data(|d| d.get_temp(held_id)).flatten();
    let mut changed = false;
    let near = |points: &[(f64, f64)], at: Pos2| points.iter().position(|p| (to(*p) - at).length() < 10.0);
    if (response.drag_started() || response.clicked())
        && let Some(at) = response.interact_pointer_pos()
    {
        held = near(&points, at);
        if held.is_none() {
            let new = from(at);
            let place = points.partition_point(|p| p.0 < new.0);
            if points.len() < 256 && points.iter().all(|p| (p.0 - new.0).abs() > 1e-6) {
                points.insert(place, new);
                held = Some(place);
                changed = true;
            }
        }
    }
    if response.dragged()
        && let (Some(which), Some(at)) = (held, response.interact_pointer_pos())
        && which < points.len()
    {
        let out = !rect.expand(30.0).contains(at);
        let end = which == 0 || which + 1 == points.len();
        if out && !end && points.len() > 2 {
            points.remove(which);
            held = None;
        } else {
            let (mut x, y) = from(at);
            let below = if which > 0 { points[which - 1].0 + 0.001 } else { x0 };
            let above = points.get(which + 1).map_or(x1, |p| p.0 - 0.001);
            x = if end { points[which].0 } else { x.clamp(below.min(above), above.max(below)) };
            points[which] = (x, y);
        }
        changed = true;
    }
    if response.drag_stopped() || response.clicked() {
        held = None;
    }
    ui.data_mut(|d| d.insert_temp(held_id, held));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 6.0, look.field);
    for n in 1..4 {
        let t = n as f32 / 4.0;
        let line = Stroke::new(1.0, look.line);
        painter.vline(inner.left() + t * inner.width(), inner.y_range(), line);
        painter.hline(inner.x_range(), inner.top() + t * inner.height(), line);
    }
    let line: Vec<Pos2> = points.iter().map(|p| to(*p)).collect();
    painter.add(Shape::line(line.clone(), Stroke::new(2.0, look.accent)));
    for at in line {
        painter.circle_filled(at, 4.5, look.text);
    }
    painter.rect_stroke(
        Rect::from_min_max(rect.min, rect.max),
        6.0,
        Stroke::new(1.0, look.line),
        StrokeKind::Inside,
    );
    changed.then(|| Lit::List(points.into_iter().map(|(x, y)| literal::pair(x, y)).collect()))
}
