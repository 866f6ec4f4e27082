//! Specks and holes of a mask: found as connected groups, taken out when they are small.

use kiln_types::Mask;

use crate::PixelError;
use crate::samples::{clean, like_mask};

/// Samples below this are no part of anything: five steps of a byte.
const FAINT: f32 = 0.02;

/// The neighbours of place `i`, the diagonal ones too.
fn around(i: usize, w: usize, h: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (i % w, i / w);
    let columns = x.saturating_sub(1)..(x + 2).min(w);
    (y.saturating_sub(1)..(y + 2).min(h)).flat_map(move |v| columns.clone().map(move |u| v * w + u))
}

/// Takes the groups out of `frame` that have fewer than `least` samples of one half or more; what is fainter
/// goes with the group that it hangs on. With `open`, groups at the frame's border stay.
fn drop_small(frame: &mut [f32], w: usize, least: usize, open: bool) {
    let h = frame.len() / w;
    // 0: not looked at; otherwise the number of the group.
    let mut group = vec![0_u32; frame.len()];
    // What hangs on no group is haze among the specks, but no hole.
    let mut keeps = vec![open];
    let mut reached = Vec::new();
    for start in 0..frame.len() {
        if group[start] != 0 || frame[start] < 0.5 {
            continue;
        }
        let (number, first) = (keeps.len() as u32, reached.len());
        let mut at_border = false;
        group[start] = number;
        reached.push(start);
        let mut next = first;
        while let Some(&i) = reached.get(next) {
            next += 1;
            let (x, y) = (i % w, i / w);
            at_border |= x == 0 || y == 0 || x + 1 == w || y + 1 == h;
            for k in around(i, w, h) {
                if group[k] == 0 && frame[k] >= 0.5 {
                    group[k] = number;
                    reached.push(k);
                }
            }
        }
        keeps.push(reached.len() - first >= least || (open && at_border));
    }
    // Outwards from all groups at once, so that what lies between two goes with the nearer one.
    let mut next = 0;
    while let Some(&i) = reached.get(next) {
        next += 1;
        for k in around(i, w, h) {
            if group[k] == 0 && frame[k] >= FAINT {
                group[k] = group[i];
                reached.push(k);
            }
        }
    }
    for (v, g) in frame.iter_mut().zip(&group) {
        if !keeps[*g as usize] {
            *v = 0.0;
        }
    }
}

/// The mask without its specks: connected groups (diagonals connect) of fewer than `least` selected samples,
/// with the haze around them. 0 changes nothing.
///
/// # Errors
/// Never for a valid mask.
pub fn remove_islands(mask: &Mask, least: usize) -> Result<Mask, PixelError> {
    if least == 0 {
        return Ok(mask.clone());
    }
    let mut data: Vec<f32> = mask.data().iter().map(|v| clean(*v)).collect();
    data.chunks_exact_mut(mask.frame_len()).for_each(|frame| drop_small(frame, mask.width(), least, false));
    like_mask(mask, data)
}

/// The mask without its holes: connected groups (diagonals connect) of fewer than `least` unselected samples
/// that do not reach the border become selected. 0 changes nothing.
///
/// # Errors
/// Never for a valid mask.
pub fn fill_holes(mask: &Mask, least: usize) -> Result<Mask, PixelError> {
    if least == 0 {
        return Ok(mask.clone());
    }
    let mut data: Vec<f32> = mask.data().iter().map(|v| 1.0 - clean(*v)).collect();
    for frame in data.chunks_exact_mut(mask.frame_len()) {
        drop_small(frame, mask.width(), least, true);
    }
    // Only what was filled changes, so that nothing else is rounded.
    let filled = data.iter().zip(mask.data()).map(|(rest, v)| if *rest == 0.0 { 1.0 } else { clean(*v) });
    like_mask(mask, filled.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        let text = rows.concat();
        let data = text.bytes().map(|c| match c {
            b'#' => 1.0,
            b'+' => 0.3,
            _ => 0.0,
        });
        Mask::new(1, rows.len(), rows[0].len(), data.collect()).unwrap()
    }

    #[test]
    fn specks_go_with_their_haze_and_large_groups_stay() {
        let given = mask(&["##....+", "#+...+#", ".#....+", "......."]);
        let wanted = mask(&["##.....", "#+.....", ".#.....", "......."]);
        assert_eq!(remove_islands(&given, 3).unwrap(), wanted);
        assert_eq!(remove_islands(&given, 1).unwrap(), given);
        assert_eq!(remove_islands(&given, 0).unwrap(), given);
        assert_eq!(remove_islands(&given, 5).unwrap(), mask(&[".......", ".......", ".......", "......."]));
        // Haze that hangs on nothing is nothing.
        assert_eq!(remove_islands(&mask(&["+.", ".."]), 1).unwrap(), mask(&["..", ".."]));
    }

    #[test]
    fn holes_are_filled_unless_they_are_open() {
        let given = mask(&["#####", "#.#.#", "###.#", "#####", "##.##"]);
        let wanted = mask(&["#####", "###.#", "###.#", "#####", "##.##"]);
        assert_eq!(fill_holes(&given, 2).unwrap(), wanted);
        assert_eq!(fill_holes(&given, 3).unwrap(), mask(&["#####", "#####", "#####", "#####", "##.##"]));
    }

    #[test]
    fn a_single_sample_can_be_anything() {
        for v in [0.0, 0.4, 1.0, f32::NAN] {
            let one = Mask::filled(1, 1, 1, v).unwrap();
            assert!(remove_islands(&one, 9).unwrap().data()[0] == 0.0);
            assert!(fill_holes(&one, 9).unwrap().data()[0] == clean(v));
        }
    }
}
