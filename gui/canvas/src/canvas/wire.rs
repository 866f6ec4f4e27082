//! The way of a wire: a calm curve from pin to pin, through the points on its way.

use egui::{Pos2, Rect, vec2};

/// A piece of a wire's way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub [Pos2; 4]);

/// The pieces of a way from an output to an input.
#[must_use]
pub fn way(from: Pos2, via: &[Pos2], to: Pos2) -> Vec<Curve> {
    let mut all = Vec::with_capacity(via.len() + 1);
    let mut here = from;
    for next in via.iter().copied().chain([to]) {
        all.push(curve(here, next));
        here = next;
    }
    all
}

/// A curve that leaves to the right and arrives from the left.
#[must_use]
pub fn curve(from: Pos2, to: Pos2) -> Curve {
    let (dx, dy) = (to.x - from.x, (to.y - from.y).abs());
    // Far enough out to be read as a direction, never so far that it swings.
    let reach = if dx >= 0.0 {
        (dx * 0.5).max((dy * 0.35).min(60.0)).min(220.0)
    } else {
        (40.0 - dx * 0.35).min(180.0).min(40.0 + dy)
    };
    Curve([from, from + vec2(reach, 0.0), to - vec2(reach, 0.0), to])
}

impl Curve {
    /// A point on it.
    #[must_use]
    pub fn at(&self, t: f32) -> Pos2 {
        let [a, b, c, d] = self.0.map(Pos2::to_vec2);
        let u = 1.0 - t;
        (a * (u * u * u) + b * (3.0 * u * u * t) + c * (3.0 * u * t * t) + d * (t * t * t)).to_pos2()
    }

    /// Around it.
    #[must_use]
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.0)
    }

    /// How far a point is from it, and where on it that is.
    #[must_use]
    pub fn distance(&self, at: Pos2) -> (f32, f32) {
        let mut best = (f32::INFINITY, 0.0);
        let mut before = self.0[0];
        const PIECES: usize = 24;
        for n in 1..=PIECES {
            let next = self.at(n as f32 / PIECES as f32);
            let along = next - before;
            let t = ((at - before).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
            let d = (before + along * t - at).length();
            if d < best.0 {
                best = (d, (n as f32 - 1.0 + t) / PIECES as f32);
            }
            before = next;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_wire_ends_where_it_should_and_is_found() {
        let curve = curve(pos2(0.0, 0.0), pos2(300.0, 100.0));
        assert_eq!(curve.at(0.0), pos2(0.0, 0.0));
        assert!((curve.at(1.0) - pos2(300.0, 100.0)).length() < 1e-3);
        let middle = curve.at(0.4);
        let (d, t) = curve.distance(middle + vec2(0.0, 3.0));
        assert!(d < 3.1 && (t - 0.4).abs() < 0.05);
        assert!(curve.distance(pos2(150.0, -200.0)).0 > 100.0);
    }

    #[test]
    fn points_on_the_way_are_passed() {
        let via = [pos2(50.0, 80.0), pos2(20.0, 120.0)];
        let pieces = way(pos2(0.0, 0.0), &via, pos2(200.0, 0.0));
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[1].0[0], via[0]);
        assert_eq!(pieces[2].0[0], via[1]);
    }
}
