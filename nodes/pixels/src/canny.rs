//! Canny's edge detector: blurred brightness, its slope, thinned to ridges, two thresholds.

use kiln_types::Image;

use crate::PixelError;
use crate::blur::{bell, convolve};
use crate::samples::within;

/// A ridge runs across one of eight directions, counted from the right, clockwise on the screen.
const NEIGHBOURS: [(isize, isize); 8] =
    [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];

/// One plane of samples; nothing but zero lies around it.
struct Plane<'a> {
    data: &'a [f32],
    w: usize,
    h: usize,
}

impl Plane<'_> {
    fn at(&self, x: isize, y: isize) -> f32 {
        if x < 0 || y < 0 || x >= self.w as isize || y >= self.h as isize {
            return 0.0;
        }
        self.data[y as usize * self.w + x as usize]
    }
}

/// Steepness of the brightness at each pixel and, where it is above `low`, its direction (0..8).
fn slopes(bright: &Plane<'_>, low: f32) -> (Vec<f32>, Vec<u8>) {
    let (w, h) = (bright.w, bright.h);
    let (mut steep, mut direction) = (vec![0.0; w * h], vec![0; w * h]);
    let row = |y: usize| &bright.data[y * w..(y + 1) * w];
    for y in 0..h {
        // Past the border its own pixels go on.
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(h - 1)));
        for x in 0..w {
            let (l, r) = (x.saturating_sub(1), (x + 1).min(w - 1));
            let gx = (above[r] - above[l]) + 2.0 * (here[r] - here[l]) + (below[r] - below[l]);
            let gy = (below[l] - above[l]) + 2.0 * (below[x] - above[x]) + (below[r] - above[r]);
            let v = (gx * gx + gy * gy + 1e-6).sqrt();
            steep[y * w + x] = v;
            if v > low {
                let turn = libm::atan2f(gy, gx) * (180.0 / std::f32::consts::PI) / 45.0;
                direction[y * w + x] = (turn.round_ties_even() as i32).rem_euclid(8) as u8;
            }
        }
    }
    (steep, direction)
}

/// The edges of each picture, white on black; alpha is not looked at. A pixel steeper than
/// `high_threshold` is an edge, and so is one steeper than `low_threshold` that is joined to one; the
/// steepness reaches 4 x sqrt(2), a jump from black to white about 2.5 after the blur.
///
/// # Errors
/// When a threshold is out of range or they are in the wrong order.
pub fn canny(image: &Image, low_threshold: f32, high_threshold: f32) -> Result<Image, PixelError> {
    if !within(low_threshold, 0.0, 8.0) || !within(high_threshold, 0.0, 8.0) {
        return Err(PixelError::parameter("low_threshold and high_threshold", "within 0 to 8"));
    }
    if low_threshold > high_threshold {
        return Err(PixelError::parameter("low_threshold", "not above high_threshold"));
    }
    let (w, h, c) = (image.width(), image.height(), image.channels());
    let mut out = Image::zeros(image.batch(), h, w, 3)?;
    let kernel = bell(2, 1.0);
    for (frame, result) in
        image.data().chunks_exact(w * h * c).zip(out.data_mut().chunks_exact_mut(w * h * 3))
    {
        let gray: Vec<f32> =
            frame.chunks_exact(c).map(|p| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]).collect();
        let soft = convolve(&gray, [w, h, 1], &kernel);
        let (steep, direction) = slopes(&Plane { data: &soft, w, h }, low_threshold);
        let edges = trace(&Plane { data: &steep, w, h }, &direction, low_threshold, high_threshold);
        for (pixel, edge) in result.as_chunks_mut::<3>().0.iter_mut().zip(edges) {
            *pixel = [f32::from(u8::from(edge)); 3];
        }
    }
    Ok(out)
}

/// The pixels that are edges.
fn trace(steep: &Plane<'_>, direction: &[u8], low: f32, high: f32) -> Vec<bool> {
    let (w, h) = (steep.w as isize, steep.h as isize);
    let mut weak = vec![false; direction.len()];
    let mut edge = vec![false; direction.len()];
    let mut open = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let i = (y * w + x) as usize;
            let v = steep.data[i];
            if v <= low {
                continue;
            }
            let (dx, dy) = NEIGHBOURS[usize::from(direction[i] & 7)];
            let ridge = v > steep.at(x + dx, y + dy) && v > steep.at(x - dx, y - dy);
            weak[i] = ridge;
            if ridge && v > high {
                edge[i] = true;
                open.push((x, y));
            }
        }
    }
    while let Some((x, y)) = open.pop() {
        for (dx, dy) in NEIGHBOURS {
            let (u, v) = (x + dx, y + dy);
            if u < 0 || v < 0 || u >= w || v >= h {
                continue;
            }
            let i = (v * w + u) as usize;
            if weak[i] && !edge[i] {
                edge[i] = true;
                open.push((u, v));
            }
        }
    }
    edge
}
