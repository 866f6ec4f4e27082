//! Which part of the plane is looked at, and how large. It glides to where it is sent.

use crate::look::ease;
use egui::{Pos2, Rect, Vec2, vec2};

/// The smallest and the largest zoom.
pub const ZOOM: std::ops::RangeInclusive<f32> = 0.02..=3.0;
/// How long a glide takes, in seconds.
const GLIDE: f32 = 0.28;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    /// The point of the plane in the middle of the window.
    pub center: Pos2,
    /// Points of the window for a point of the plane.
    pub zoom: f32,
    glide: Option<Glide>,
}

#[derive(Clone, Copy, Debug)]
struct Glide {
    from: (Pos2, f32),
    to: (Pos2, f32),
    t: f32,
}

impl Default for Camera {
    fn default() -> Self {
        Self { center: Pos2::ZERO, zoom: 1.0, glide: None }
    }
}

impl Camera {
    /// From the plane to the window.
    #[must_use]
    pub fn to_screen(&self, window: Rect, at: Pos2) -> Pos2 {
        window.center() + (at - self.center) * self.zoom
    }

    /// From the window to the plane.
    #[must_use]
    pub fn to_plane(&self, window: Rect, at: Pos2) -> Pos2 {
        self.center + (at - window.center()) / self.zoom
    }

    /// A rectangle of the plane in the window.
    #[must_use]
    pub fn rect_to_screen(&self, window: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(window, rect.min), self.to_screen(window, rect.max))
    }

    /// What of the plane is seen.
    #[must_use]
    pub fn seen(&self, window: Rect) -> Rect {
        Rect::from_min_max(self.to_plane(window, window.min), self.to_plane(window, window.max))
    }

    /// Moves by so much of the window.
    pub fn pan(&mut self, by: Vec2) {
        self.glide = None;
        self.center -= by / self.zoom;
    }

    /// Zooms around a point of the window, which stays where it is.
    pub fn zoom_at(&mut self, window: Rect, at: Pos2, by: f32) {
        self.glide = None;
        let before = self.to_plane(window, at);
        self.zoom = (self.zoom * by).clamp(*ZOOM.start(), *ZOOM.end());
        self.center += before - self.to_plane(window, at);
    }

    /// Glides so that an area fills the window, with room around it and never larger than 1:1.
    pub fn fit(&mut self, window: Rect, area: Rect) {
        let room = (window.size() - vec2(72.0, 72.0)).max(vec2(50.0, 50.0));
        let size = area.size().max(vec2(1.0, 1.0));
        let zoom = (room.x / size.x).min(room.y / size.y).clamp(*ZOOM.start(), 1.0);
        self.glide_to(area.center(), zoom);
    }

    /// Glides somewhere.
    pub fn glide_to(&mut self, center: Pos2, zoom: f32) {
        self.glide = Some(Glide { from: (self.center, self.zoom), to: (center, zoom), t: 0.0 });
    }

    /// Is there at once.
    pub fn jump(&mut self, center: Pos2, zoom: f32) {
        *self = Self { center, zoom: zoom.clamp(*ZOOM.start(), *ZOOM.end()), glide: None };
    }

    /// Ends a glide where it leads.
    pub fn arrive(&mut self) {
        if let Some(glide) = self.glide.take() {
            (self.center, self.zoom) = glide.to;
        }
    }

    /// Goes on gliding; says whether it still moves.
    pub fn tick(&mut self, dt: f32) -> bool {
        let Some(glide) = &mut self.glide else { return false };
        glide.t += dt / GLIDE;
        let done = glide.t >= 1.0;
        let t = ease(glide.t);
        // Zoom moves evenly to the eye when its logarithm does.
        self.zoom = (glide.from.1.ln() * (1.0 - t) + glide.to.1.ln() * t).exp();
        self.center = glide.from.0 + (glide.to.0 - glide.from.0) * t;
        if done {
            self.arrive();
        }
        !done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn the_point_under_the_pointer_stays() {
        let window = Rect::from_min_size(pos2(10.0, 20.0), vec2(800.0, 600.0));
        let mut camera = Camera { center: pos2(33.0, -7.0), zoom: 0.7, ..Camera::default() };
        let at = pos2(700.0, 100.0);
        let before = camera.to_plane(window, at);
        camera.zoom_at(window, at, 1.9);
        assert!((camera.to_plane(window, at) - before).length() < 1e-3);
    }

    #[test]
    fn a_glide_ends() {
        let window = Rect::from_min_size(Pos2::ZERO, vec2(800.0, 600.0));
        let mut camera = Camera::default();
        camera.fit(window, Rect::from_min_size(pos2(0.0, 0.0), vec2(4000.0, 100.0)));
        for _ in 0..100 {
            camera.tick(0.016);
        }
        assert!((camera.center - pos2(2000.0, 50.0)).length() < 1e-3 && camera.zoom < 0.2);
        assert!(!camera.tick(0.016));
    }
}
