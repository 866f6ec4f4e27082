//! How far it is to the edge of a mask, and masks grown or shrunk by any distance.

use kiln_types::Mask;

use crate::PixelError;
use crate::samples::{clean, like_mask, within};

/// What [`nearest`] says where there is no seed at all.
const NONE: u32 = u32::MAX;
/// The farthest [`offset`] moves an edge, in pixels: the longest side of a mask.
const FARTHEST: f32 = 65536.0;

/// For every sample of a frame `w` wide, the index of the nearest seed; [`NONE`] when there are none.
///
/// Exact, in whole numbers and in time that grows with the number of samples: first the nearest seed of
/// each column, then along each row the lower envelope of the parabolas that these make.
fn nearest(seeds: &[bool], w: usize) -> Vec<u32> {
    let h = seeds.len() / w;
    // The row of the nearest seed in the same column.
    let mut near = vec![NONE; seeds.len()];
    for x in 0..w {
        let mut last = NONE;
        for y in 0..h {
            if seeds[y * w + x] {
                last = y as u32;
            }
            near[y * w + x] = last;
        }
        last = NONE;
        for y in (0..h).rev() {
            let at = y * w + x;
            if seeds[at] {
                last = y as u32;
            }
            let gap = |row: u32| (i64::from(row) - y as i64).abs();
            if last != NONE && (near[at] == NONE || gap(last) < gap(near[at])) {
                near[at] = last;
            }
        }
    }
    // Columns of the envelope, and from which place on each of them is the nearest.
    let (mut columns, mut from): (Vec<i64>, Vec<i64>) = (Vec::with_capacity(w), Vec::with_capacity(w));
    let mut rows = vec![NONE; w];
    for (y, row) in near.chunks_exact_mut(w).enumerate() {
        rows.copy_from_slice(row);
        columns.clear();
        from.clear();
        let rise = |x: i64| {
            let d = i64::from(rows[x as usize]) - y as i64;
            d * d
        };
        for x in (0..w as i64).filter(|x| rows[*x as usize] != NONE) {
            let mut start = 0;
            while let Some(&u) = columns.last() {
                // The first place that is nearer to `x` than to `u`.
                start = (x * x - u * u + rise(x) - rise(u)).div_euclid(2 * (x - u)) + 1;
                if from.last().is_some_and(|f| start <= *f) {
                    columns.pop();
                    from.pop();
                } else {
                    break;
                }
            }
            if columns.is_empty() {
                start = 0;
            }
            if start < w as i64 {
                columns.push(x);
                from.push(start);
            }
        }
        let mut k = 0;
        for (x, out) in row.iter_mut().enumerate() {
            while from.get(k + 1).is_some_and(|f| *f <= x as i64) {
                k += 1;
            }
            if let Some(&u) = columns.get(k) {
                *out = rows[u as usize] * w as u32 + u as u32;
            }
        }
    }
    near
}

/// The distance of every sample of a frame `w` wide from the line where the frame crosses one half,
/// negative inside; infinite when nothing is inside.
///
/// The line's place within a pixel follows from its value: a sample of 0.5 lies on it, one of 0.8 is 0.3
/// pixels inside. Further away it is the distance to a sample near the line, plus what that one is off; the
/// least of those around the nearest.
fn outside(frame: &[f32], w: usize) -> Vec<f32> {
    let h = frame.len() / w;
    let inside = |x: usize, y: usize| frame[y * w + x] >= 0.5;
    let seeds: Vec<bool> = (0..frame.len())
        .map(|i| {
            let (x, y) = (i % w, i / w);
            // The soft rim of a hard edge counts too: it knows best where the edge lies.
            let beside = || {
                let rows = y.saturating_sub(1)..(y + 2).min(h);
                rows.into_iter().any(|v| (x.saturating_sub(1)..(x + 2).min(w)).any(|u| inside(u, v)))
            };
            inside(x, y) || (frame[i] > 0.0 && beside())
        })
        .collect();
    let mut best = vec![f32::INFINITY; frame.len()];
    for ((i, seed), best) in nearest(&seeds, w).iter().enumerate().zip(&mut best) {
        if *seed == NONE {
            continue;
        }
        // Where the edge runs askew, a neighbour of the nearest seed may lie less far outside.
        let (x, y) = (*seed as usize % w, *seed as usize / w);
        for v in y.saturating_sub(1)..(y + 2).min(h) {
            for u in x.saturating_sub(1)..(x + 2).min(w) {
                if seeds[v * w + u] {
                    let (dx, dy) = ((i % w).abs_diff(u) as f32, (i / w).abs_diff(v) as f32);
                    *best = best.min((dx * dx + dy * dy).sqrt() + 0.5 - frame[v * w + u]);
                }
            }
        }
    }
    best
}

/// The distance in pixels of every sample from the mask's edge, the line where it crosses one half, inside
/// and outside alike; infinite when the mask has no edge.
pub(crate) fn to_edge(frame: &[f32], w: usize) -> Vec<f32> {
    let rest: Vec<f32> = frame.iter().map(|v| 1.0 - v).collect();
    let (out, inner) = (outside(frame, w), outside(&rest, w));
    out.iter().zip(&inner).map(|(a, b)| a.max(*b).max(0.0)).collect()
}

/// A frame grown by `by` pixels, shrunk by a negative number; see [`offset`].
pub(crate) fn offset_frame(frame: &[f32], w: usize, by: f32) -> Vec<f32> {
    if by > 0.0 {
        let cover = |d: f32| (by + 0.5 - d).clamp(0.0, 1.0);
        return outside(frame, w).iter().zip(frame).map(|(d, v)| cover(*d).max(*v)).collect();
    }
    if by < 0.0 {
        let rest: Vec<f32> = frame.iter().map(|v| 1.0 - v).collect();
        return offset_frame(&rest, w, -by).iter().zip(frame).map(|(r, v)| (1.0 - r).min(*v)).collect();
    }
    frame.to_vec()
}

/// The mask with its edge, the line where it crosses one half, moved outwards by `by` pixels, inwards by a
/// negative number. Corners become round, the new edge is one pixel soft. What lies beyond the border
/// does not shrink the mask.
///
/// # Errors
/// When `by` is not within -65536..65536.
pub fn offset(mask: &Mask, by: f32) -> Result<Mask, PixelError> {
    if !within(by, -FARTHEST, FARTHEST) {
        return Err(PixelError::parameter("grow", "within -65536 to 65536"));
    }
    let frames = mask.data().chunks_exact(mask.frame_len());
    let data = frames.flat_map(|frame| {
        let frame: Vec<f32> = frame.iter().map(|v| clean(*v)).collect();
        offset_frame(&frame, mask.width(), by)
    });
    like_mask(mask, data.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_seed_is_what_a_search_finds() {
        let mut state = 7_u32;
        for (w, h, rare) in
            [(1, 1, 1), (13, 9, 5), (9, 13, 40), (31, 1, 4), (1, 31, 4), (20, 20, 90), (5, 5, 1)]
        {
            let seeds: Vec<bool> = (0..w * h)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16).is_multiple_of(rare)
                })
                .collect();
            let far = |a: usize, b: usize| {
                let (dx, dy) = ((a % w).abs_diff(b % w), (a / w).abs_diff(b / w));
                dx * dx + dy * dy
            };
            for (i, found) in nearest(&seeds, w).iter().enumerate() {
                let best = (0..w * h).filter(|s| seeds[*s]).map(|s| far(i, s)).min();
                assert_eq!(best, (*found != NONE).then(|| far(i, *found as usize)), "{w}x{h} at {i}");
                assert!(*found == NONE || seeds[*found as usize]);
            }
        }
    }

    /// A disc whose edge is soft over one pixel.
    fn disc(n: usize, radius: f32) -> Mask {
        let middle = n as f32 / 2.0;
        let data = (0..n * n).map(|i| {
            let (x, y) = ((i % n) as f32 + 0.5 - middle, (i / n) as f32 + 0.5 - middle);
            (radius + 0.5 - (x * x + y * y).sqrt()).clamp(0.0, 1.0)
        });
        Mask::new(1, n, n, data.collect()).unwrap()
    }

    #[test]
    fn a_disc_grows_and_shrinks_to_a_disc() {
        let start = disc(64, 15.0);
        for by in [-9.5, -3.0, 0.5, 2.25, 7.0, 12.0] {
            let found = offset(&start, by).unwrap();
            let wanted = disc(64, 15.0 + by);
            let worst =
                found.data().iter().zip(wanted.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.3, "{by}: {worst}");
            let area = |m: &Mask| m.data().iter().sum::<f32>();
            assert!(
                (area(&found) / area(&wanted) - 1.0).abs() < 0.01,
                "{by}: {}",
                area(&found) / area(&wanted)
            );
        }
    }

    #[test]
    fn nothing_and_everything_stay_so() {
        for v in [0.0, 1.0] {
            let mask = Mask::filled(2, 5, 3, v).unwrap();
            for by in [-4.0, 0.0, 4.0, 65536.0, -65536.0] {
                assert_eq!(offset(&mask, by).unwrap(), mask, "{v} by {by}");
            }
        }
        assert!(offset(&Mask::filled(1, 1, 1, 1.0).unwrap(), f32::NAN).is_err());
    }
}
