//! Scaling by turning: between two latent pixels the direction of their channels turns and the length changes evenly.
//!
//! Straight mixing shortens vectors that point apart, which makes pictures flat; this does not.

/// From here on two directions count as the same, or as opposite.
const ALIGNED: f32 = 1.0 - 1e-5;

/// Between which two places of the old axis a new one lies, and how far past the first.
struct Place {
    first: usize,
    second: usize,
    past: f32,
}

/// The places of a new axis. They are read off a bilinearly scaled ramp of the old ones, rounding included: where a new
/// pixel lies exactly on an old one, the last bit decides between which two it is.
fn places(from: usize, to: usize) -> Vec<Place> {
    let last = from - 1;
    let scale = from as f32 / to as f32;
    let place = |o: usize| {
        // One rounding for product and difference, as torch's kernel on a PC has it.
        let at = ((f64::from(scale) * f64::from(o as f32 + 0.5) - 0.5) as f32).max(0.0);
        let low = (at as usize).min(last);
        let t = (at - low as f32).clamp(0.0, 1.0);
        let step = |place: usize| (place + 1).min(last);
        let mixed = |a: usize, b: usize| a as f32 * (1.0 - t) + b as f32 * t;
        let (first, second) = (mixed(low, step(low)), mixed(step(low), step(step(low))));
        Place {
            first: (first as usize).min(last),
            second: (second as usize).min(last),
            past: first - first.floor(),
        }
    };
    (0..to).map(place).collect()
}

fn length(v: &[f32]) -> f32 {
    v.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// The vector `t` of the way from `a` to `b`, into `out`.
fn between(a: &[f32], b: &[f32], t: f32, out: &mut [f32]) {
    let (la, lb) = (length(a), length(b));
    let unit = |v: f32, l: f32| if l == 0.0 { 0.0 } else { v / l };
    let dot: f32 = a.iter().zip(b).map(|(x, y)| unit(*x, la) * unit(*y, lb)).sum();
    if dot > ALIGNED {
        out.copy_from_slice(a);
    } else if dot < -ALIGNED {
        out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (x, y))| *o = x * (1.0 - t) + y * t);
    } else {
        let angle = libm::acosf(dot);
        let whole = libm::sinf(angle);
        let (wa, wb) = (libm::sinf((1.0 - t) * angle) / whole, libm::sinf(t * angle) / whole);
        let size = la * (1.0 - t) + lb * t;
        out.iter_mut()
            .zip(a.iter().zip(b))
            .for_each(|(o, (x, y))| *o = (wa * unit(*x, la) + wb * unit(*y, lb)) * size);
    }
}

/// One axis of `channels` planes scaled; `outer` and `inner` are the sides before and after it within a plane.
fn along(data: &[f32], channels: usize, [outer, inner]: [usize; 2], from: usize, to: usize) -> Vec<f32> {
    let (plane, made) = (outer * from * inner, outer * to * inner);
    let mut out = vec![0.0; channels * made];
    let (mut a, mut b, mut c) = (vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]);
    let places = places(from, to);
    for o in 0..outer {
        for (k, place) in places.iter().enumerate() {
            for i in 0..inner {
                let at = |axis: usize| (o * from + axis) * inner + i;
                for channel in 0..channels {
                    a[channel] = data[channel * plane + at(place.first)];
                    b[channel] = data[channel * plane + at(place.second)];
                }
                between(&a, &b, place.past, &mut c);
                for (channel, value) in c.iter().enumerate() {
                    out[channel * made + (o * to + k) * inner + i] = *value;
                }
            }
        }
    }
    out
}

/// One latent picture (`channels` planes of `from` height and width) at the size `to`: across first, then down.
pub(super) fn bislerp(data: &[f32], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let across = along(data, channels, [from[0], 1], from[1], to[1]);
    along(&across, channels, [1, to[1]], from[0], to[0])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    fn mid(a: &[f32], b: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; a.len()];
        between(a, b, 0.5, &mut out);
        out
    }

    #[test]
    fn directions_turn_and_lengths_change_evenly() {
        let half = mid(&[2.0, 0.0], &[0.0, 4.0]);
        assert!((length(&half) - 3.0).abs() < 1e-6 && (half[0] - half[1]).abs() < 1e-6, "{half:?}");
    }

    #[test]
    fn odd_directions_give_numbers() {
        assert_eq!(mid(&[1.0, 1.0], &[3.0, 3.0]), [1.0, 1.0], "the same direction: the first");
        assert_eq!(mid(&[1.0, 0.0], &[-3.0, 0.0]), [-1.0, 0.0], "the opposite: straight");
        assert_eq!(mid(&[0.0, 0.0], &[0.0, 0.0]), [0.0, 0.0]);
        assert!(mid(&[0.0, 0.0], &[0.0, 4.0]).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn places_are_those_of_the_reference() {
        // Sums over all places, as `tests/reference/latent.py` makes them.
        let text = include_str!("../../tests/reference/latent/latent.json");
        let known: serde_json::Value = serde_json::from_str(text).unwrap();
        for from in 1..=40 {
            let mut sum = 0;
            for to in 1..=90 {
                let places = places(from, to);
                sum += places.iter().zip(1..).map(|(p, k)| (31 * p.first + 17 * p.second) * k).sum::<usize>();
            }
            assert_eq!(known["places"][from - 1], sum, "from {from}");
        }
    }

    #[test]
    fn places_stay_inside() {
        for from in 1..40 {
            for to in 1..90 {
                let places = places(from, to);
                assert_eq!(places.len(), to);
                for p in places {
                    assert!(p.first < from && p.second < from && (0.0..1.0).contains(&p.past));
                }
            }
        }
    }
}
