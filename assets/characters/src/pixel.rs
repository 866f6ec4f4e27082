//! The pixel art look: 32 squares across, few colours, hard edges, and faces set square by square.

use crate::color::Rgb;
use crate::drawing::{Drawing, compose};
use crate::figure::{Figure, SIDES};
use crate::pen::At;
use crate::traits::{Eyes, Kind, Mood, Mouth};

/// Pixel art is made from a drawing of this size.
pub(crate) const FINE: u32 = 128;
/// How many squares pixel art has across.
pub const PIXELS: u32 = 32;

/// Pixel art of a drawing without eyes and mouth.
pub(crate) fn pixel(fine: &Drawing, figure: &Figure, placing: tiny_skia::Transform, size: u32) -> Drawing {
    let mut small = subject_squares(fine);
    face(&mut small, figure, placing);
    let back = behind_squares(fine);
    let scale = size as f32 / fine.size as f32;
    compose(
        size,
        &grown(&small, size),
        grown(&back, size),
        [fine.head, fine.torso].map(|oval| oval.map(|v| v * scale)),
    )
}

/// Every square as large as the picture needs.
fn grown(small: &[u8], size: u32) -> Vec<u8> {
    let mut large = Vec::with_capacity((size as usize) * (size as usize) * 4);
    for y in 0..size {
        for x in 0..size {
            let from = ((y * PIXELS / size) * PIXELS + x * PIXELS / size) as usize * 4;
            large.extend_from_slice(&small[from..from + 4]);
        }
    }
    large
}

/// The places of a square's pixels in the fine drawing.
fn places(fine: &Drawing, square: usize) -> impl Iterator<Item = usize> + Clone {
    let side = fine.size as usize;
    let step = side / PIXELS as usize;
    let (x, y) = (square % PIXELS as usize * step, square / PIXELS as usize * step);
    (0..step * step).map(move |i| (y + i / step) * side + x + i % step)
}

fn behind_squares(fine: &Drawing) -> Vec<u8> {
    let palette = palette(&fine.behind, None, 10);
    (0..(PIXELS * PIXELS) as usize)
        .flat_map(|square| {
            let Rgb(r, g, b) = commonest(places(fine, square).map(|p| at(&fine.behind, p)), &palette);
            [r, g, b, 255]
        })
        .collect()
}

/// The figure's squares: all or nothing, lines where the drawing has lines, and an unbroken one around it.
fn subject_squares(fine: &Drawing) -> Vec<u8> {
    let side = PIXELS as usize;
    let palette = palette(&fine.subject, Some(&fine.alpha), 22);
    let whole: Vec<bool> = (0..side * side)
        .map(|square| {
            let (covered, count) = places(fine, square)
                .fold((0u32, 0u32), |(sum, n), p| (sum + u32::from(fine.alpha[p]), n + 1));
            covered * 100 >= count * 255 * 42
        })
        .collect();
    let mut small = vec![0u8; side * side * 4];
    for square in (0..side * side).filter(|&square| whole[square]) {
        let (x, y) = (square % side, square / side);
        let is = |dx: isize, dy: isize| {
            let (nx, ny) = (x.checked_add_signed(dx), y.checked_add_signed(dy));
            matches!((nx, ny), (Some(nx), Some(ny)) if nx < side && ny < side && whole[ny * side + nx])
        };
        let ring =
            |cx: isize, cy: isize| !(is(cx - 1, cy) && is(cx + 1, cy) && is(cx, cy - 1) && is(cx, cy + 1));
        // Where a part is so thin that it would be nothing but line, it keeps its own colour.
        let thick = (-1..=1).any(|dy| (-1..=1).any(|dx| is(dx, dy) && !ring(dx, dy)));
        let rim = ring(0, 0);
        let own: Vec<Rgb> =
            places(fine, square).filter(|&p| fine.alpha[p] > 127).map(|p| at(&fine.subject, p)).collect();
        let darkest = own.iter().copied().min_by_key(|&c| light(c)).unwrap_or(Rgb(0, 0, 0));
        let brightest = own.iter().copied().max_by_key(|&c| light(c)).unwrap_or(Rgb(0, 0, 0));
        let dark: Vec<Rgb> = own.iter().copied().filter(|&c| light(c) < light(darkest) + 30).collect();
        let line = light(brightest) > light(darkest) + 60 && dark.len() * 100 > own.len() * 34;
        let color = if thick && (rim || line) {
            commonest(dark.into_iter(), &palette)
        } else if !thick && dark.len() < own.len() {
            commonest(own.into_iter().filter(|&c| light(c) >= light(darkest) + 30), &palette)
        } else {
            commonest(own.into_iter(), &palette)
        };
        small[square * 4..square * 4 + 4].copy_from_slice(&[color.0, color.1, color.2, 255]);
    }
    small
}

/// How light a colour is, 0 to 255.
fn light(Rgb(r, g, b): Rgb) -> u32 {
    (u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b)) / 10
}

/// The little picture of an eye, one letter a square; the left one, mirrored for the right.
fn eye_squares(eyes: Eyes, mood: Mood) -> &'static [&'static str] {
    match eyes {
        Eyes::Round if mood == Mood::Surprised => &["WWW", "WDW", "WWW"],
        Eyes::Round => &["WLD", "WDD", "WDD"],
        Eyes::Dot => &["DD", "DD"],
        Eyes::Sparkling => &["DLD", "LLL", "DLD", "IDI"],
        Eyes::Sleepy => &["SSS", "DDD", "WDW"],
        Eyes::Closed => &[".D.", "D.D"],
        Eyes::Single => &[".WWW.", "WIIIW", "WLDDW", "WIDDW", ".WWW."],
        Eyes::Anime => &["DDD", "WLI", "WDI", "WII"],
        Eyes::Wink => &["D..", ".DD", "D.."],
    }
}

fn mouth_squares(mouth: Mouth) -> &'static [&'static str] {
    match mouth {
        Mouth::Smile => &["D..D", ".DD."],
        Mouth::Open => &["DDDD", "DRRD", ".PP."],
        Mouth::Tongue => &["DDDD", ".PP.", ".PP."],
        Mouth::Fangs => &["DDDDD", ".W.W."],
        Mouth::Small => &["RR", "RR"],
        Mouth::Cat => &["D.D.D", ".D.D."],
        Mouth::Grin => &["DDDDD", "DWWWD", "DDDDD"],
        Mouth::Frown => &[".DD.", "D..D"],
        Mouth::Beak => &[".YYY.", "YYYYY", "..Y.."],
    }
}

/// Sets eyes, brows and mouth.
fn face(small: &mut [u8], figure: &Figure, placing: tiny_skia::Transform) {
    let square = |place: At| {
        let mut point = tiny_skia::Point::from_xy(place.0, place.1);
        placing.map_point(&mut point);
        let step = crate::pen::UNITS / PIXELS as f32;
        (point.x / step, point.y / step)
    };
    let eyes = figure.traits.eyes;
    let mood = figure.traits.mood;
    let single = eyes == Eyes::Single;
    for (side, _) in SIDES {
        if single && side > 0.0 {
            break;
        }
        let round = eyes == Eyes::Wink && side != figure.hold;
        let rows = eye_squares(if round { Eyes::Round } else { eyes }, mood);
        let place = square(if single { figure.at.eyes } else { figure.eye_at(side) });
        let (left, top) = stamp(small, figure, rows, place, side > 0.0 && !single);
        if mood == Mood::Grumpy {
            let brow: &[&str] = if single { &["DDDDD"] } else { &["DD.", "..D"] };
            put(small, figure, brow, left, top - if single { 0 } else { 2 }, side > 0.0);
        }
    }
    let lower = if figure.traits.kind == Kind::Bird { 0.0 } else { 1.0 };
    stamp(small, figure, mouth_squares(figure.traits.mouth), square(figure.at.mouth.by(0.0, lower)), false);
}

/// Sets squares around a middle; says where their upper left corner came to lie.
fn stamp(small: &mut [u8], figure: &Figure, rows: &[&str], (x, y): (f32, f32), mirror: bool) -> (i32, i32) {
    let (width, height) = (rows.first().map_or(0, |row| row.len()) as f32, rows.len() as f32);
    let left = libm::roundf(x - width * 0.5) as i32;
    let top = libm::roundf(y - height * 0.5) as i32;
    put(small, figure, rows, left, top, mirror);
    (left, top)
}

fn put(small: &mut [u8], figure: &Figure, rows: &[&str], left: i32, top: i32, mirror: bool) {
    let side = PIXELS as i32;
    for (row, letters) in rows.iter().enumerate() {
        for (column, letter) in letters.bytes().enumerate() {
            let across = if mirror { letters.len() - 1 - column } else { column };
            let (x, y) = (left + across as i32, top + row as i32);
            let color = match letter {
                b'D' => figure.ink,
                b'W' | b'L' => Rgb(255, 255, 255),
                b'I' => figure.iris(),
                b'S' => figure.tones.shade,
                b'R' => Rgb::hex(0x84_1F_38),
                b'P' => Rgb::hex(0xF5_78_86),
                b'Y' => figure.beak_tones().base,
                _ => continue,
            };
            // Pupils stay dark where lines are light.
            let color = if letter == b'D' && rows.len() > 2 && figure.ink.0 > 200 {
                Rgb::hex(0x1C_16_24)
            } else {
                color
            };
            if (0..side).contains(&x) && (0..side).contains(&y) {
                let at = ((y * side + x) * 4) as usize;
                if let Some(pixel) = small.get_mut(at..at + 4)
                    && pixel[3] == 255
                {
                    pixel[..3].copy_from_slice(&[color.0, color.1, color.2]);
                }
            }
        }
    }
}

fn at(pixels: &[u8], place: usize) -> Rgb {
    Rgb(pixels[place * 4], pixels[place * 4 + 1], pixels[place * 4 + 2])
}

fn far(a: Rgb, b: Rgb) -> i32 {
    let part = |a: u8, b: u8| (i32::from(a) - i32::from(b)) * (i32::from(a) - i32::from(b));
    2 * part(a.0, b.0) + 4 * part(a.1, b.1) + 3 * part(a.2, b.2)
}

fn nearest(color: Rgb, palette: &[Rgb]) -> usize {
    (0..palette.len()).min_by_key(|&index| far(color, palette[index])).unwrap_or(0)
}

/// The palette's colour that most of these are nearest to.
fn commonest(colors: impl Iterator<Item = Rgb>, palette: &[Rgb]) -> Rgb {
    let mut votes = vec![0u32; palette.len()];
    for color in colors {
        if let Some(vote) = votes.get_mut(nearest(color, palette)) {
            *vote += 1;
        }
    }
    let best = (0..votes.len()).max_by_key(|&index| (votes[index], palette.len() - index)).unwrap_or(0);
    palette.get(best).copied().unwrap_or(Rgb(0, 0, 0))
}

/// The few colours that stand for a picture's many: median cut.
fn palette(pixels: &[u8], alpha: Option<&[u8]>, count: usize) -> Vec<Rgb> {
    let mut all: Vec<[u8; 3]> = (0..pixels.len() / 4)
        .filter(|&place| alpha.is_none_or(|alpha| alpha[place] > 200))
        .map(|place| [pixels[place * 4], pixels[place * 4 + 1], pixels[place * 4 + 2]])
        .collect();
    if all.is_empty() {
        return vec![Rgb(0, 0, 0)];
    }
    all.sort_unstable();
    let mut boxes = vec![all];
    while boxes.len() < count {
        // Cut the box with the widest side, weighed by how many pixels it has.
        let widest = |colors: &[[u8; 3]]| {
            (0..3)
                .map(|part| {
                    let (low, high) =
                        colors.iter().fold((255u8, 0u8), |(l, h), c| (l.min(c[part]), h.max(c[part])));
                    (u32::from(high.saturating_sub(low)), part)
                })
                .max_by_key(|&(width, part)| (width, 3 - part))
                .unwrap_or((0, 0))
        };
        let choice = (0..boxes.len())
            .map(|index| {
                let (width, part) = widest(&boxes[index]);
                let weight = f64::from(width) * (boxes[index].len() as f64).sqrt().min(60.0);
                (weight as u64, index, part, width)
            })
            .filter(|&(_, index, _, width)| width > 8 && boxes[index].len() > 1)
            .max_by_key(|&(weight, index, ..)| (weight, usize::MAX - index));
        let Some((_, index, part, _)) = choice else { break };
        let mut colors = boxes.swap_remove(index);
        colors.sort_unstable_by_key(|c| (c[part], *c));
        // Cut half way between the ends, so that a few bright pixels get a colour of their own.
        let (low, high) = (colors[0][part], colors[colors.len() - 1][part]);
        let middle = (u16::from(low) + u16::from(high)).div_ceil(2) as u8;
        let cut = colors.partition_point(|c| c[part] < middle).clamp(1, colors.len() - 1);
        let upper = colors.split_off(cut);
        boxes.push(colors);
        boxes.push(upper);
    }
    boxes
        .iter()
        .map(|colors| {
            let n = colors.len().max(1) as u64;
            let mean =
                |part: usize| ((colors.iter().map(|c| u64::from(c[part])).sum::<u64>() + n / 2) / n) as u8;
            Rgb(mean(0), mean(1), mean(2))
        })
        .collect()
}
