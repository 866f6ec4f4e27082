//! Backgrounds, and the shadow of the figure on the ground.

use crate::color::Rgb;
use crate::drawing::Placing;
use crate::figure::Figure;
use crate::pen::{At, Fill, Ink, Outline, Pen, Shape, stretched, turned};
use crate::rng::Rng;
use crate::traits::{Background, Look};

const WHITE: Rgb = Rgb(255, 255, 255);
const TOP: At = At(0.0, 0.0);
const BOTTOM: At = At(0.0, 128.0);

/// Draws the background of a figure.
pub(crate) fn draw(pen: &mut Pen, figure: &Figure, placing: &Placing) {
    let mut rng = figure.rng("scene");
    match figure.look {
        Look::Gold => treasury(pen, &mut rng),
        // The night look has a moon of its own: no sun stands beside it.
        look => background(pen, figure.traits.background, look != Look::Night, &mut rng),
    }
    shadow(pen, figure, placing);
}

/// The soft dark spot under the figure: smaller the higher it is.
fn shadow(pen: &mut Pen, figure: &Figure, placing: &Placing) {
    let At(x, y) = placing.ground;
    let wide = if figure.one_piece() { 34.0 } else { 27.0 };
    let far = 1.0 - (placing.above / 30.0).min(0.5);
    let radius = wide * placing.scale * far;
    let strength = match figure.traits.background {
        Background::Charcoal | Background::Night => 0.62,
        _ => 0.36,
    } * (0.4 + 0.6 * far);
    let color = match figure.traits.background {
        Background::Hills | Background::Forest => Rgb::hex(0x12_3B_22),
        Background::Sea | Background::Sunset | Background::Peach => Rgb::hex(0x5A_30_2C),
        _ => Rgb::hex(0x24_1C_44),
    };
    pen.placed(stretched(At(x, y - 1.5), 1.0, 0.2), |pen| {
        let centre = At(x, y - 1.5);
        let fill = Fill::Radial(
            centre,
            radius,
            vec![(0.0, Ink(color, strength)), (0.55, Ink(color, strength * 0.8)), (1.0, Ink(color, 0.0))],
        );
        pen.fill(&Shape::circle(centre, radius), fill);
    });
}

/// A plain room: one colour, a little lighter in the middle, the floor a little darker.
fn plain(pen: &mut Pen, color: Rgb, rng: &mut Rng) {
    let lift = rng.around(0.03, 0.015);
    let light = At(64.0 + rng.around(0.0, 20.0), 46.0);
    pen.flood(Fill::outward(light, 100.0, &[color.lighter(lift), color, color.lighter(-0.025)]));
    let floor = 98.0 + rng.around(0.0, 5.0);
    let shape = Outline::from(At(-2.0, floor))
        .bend(At(64.0, floor - 7.0), At(130.0, floor))
        .to(At(130.0, 130.0))
        .to(At(-2.0, 130.0))
        .closed();
    pen.fill(
        &shape,
        Fill::along(At(0.0, floor - 4.0), BOTTOM, &[color.lighter(-0.055), color.lighter(-0.02)]),
    );
}

fn background(pen: &mut Pen, background: Background, lights: bool, rng: &mut Rng) {
    match background {
        Background::Cream => plain(pen, Rgb::hex(0xFB_EE_D2), rng),
        Background::SkyBlue => plain(pen, Rgb::hex(0xAE_DB_F8), rng),
        Background::Rose => plain(pen, Rgb::hex(0xFB_C4_D4), rng),
        Background::Mint => plain(pen, Rgb::hex(0xBC_EC_D2), rng),
        Background::Lavender => plain(pen, Rgb::hex(0xD3_C6_F4), rng),
        Background::White => plain(pen, Rgb::hex(0xFA_FA_FC), rng),
        Background::Charcoal => plain(pen, Rgb::hex(0x45_47_55), rng),
        Background::Peach => gradient(pen, [0xFF_E9_B8, 0xFF_BF_9E, 0xF7_94_94], rng),
        Background::Violet => gradient(pen, [0x8F_A8_F8, 0x9F_86_EA, 0xD6_8A_E0], rng),
        Background::Hills => hills(pen, lights, rng),
        Background::Night => night(pen, lights, rng),
        Background::Clouds => clouds(pen, rng),
        Background::Confetti => confetti(pen, rng),
        Background::Sea => sea(pen, lights, rng),
        Background::Sunset => sunset(pen, lights, rng),
        Background::Checker => checker(pen, rng),
        Background::Snow => snow(pen, rng),
        Background::Forest => forest(pen, rng),
    }
}

fn gradient(pen: &mut Pen, colors: [u32; 3], rng: &mut Rng) {
    let colors = colors.map(Rgb::hex);
    let slant = rng.around(0.0, 40.0);
    pen.flood(Fill::along(At(64.0 - slant, 0.0), At(64.0 + slant, 128.0), &colors));
    // Large, barely seen circles.
    for _ in 0..3 {
        let at = At(rng.between(0.0, 128.0), rng.between(0.0, 90.0));
        pen.fill(&Shape::circle(at, rng.between(14.0, 30.0)), Ink(WHITE, 0.1));
    }
}

/// A cloud of round puffs on a flat foot.
fn cloud(pen: &mut Pen, at: At, size: f32, color: Rgb, strength: f32) {
    let puffs =
        [(-1.5, -0.1, 0.62), (-0.7, -0.55, 0.8), (0.25, -0.75, 0.95), (1.05, -0.3, 0.72), (1.7, -0.02, 0.5)];
    let mut shape = Shape::block(at.by(0.0, 0.1 * size), 2.1 * size, 0.48 * size, 0.48 * size);
    for (x, y, r) in puffs {
        shape = shape.and(Shape::circle(at.by(x * size, y * size), r * size));
    }
    pen.fill(&shape, Ink(color, strength));
}

/// Rolling ground from a height, through bumps.
fn ridge(pen: &mut Pen, base: f32, bump: f32, phase: f32, fill: impl Into<Fill>) {
    let wave = |x: f32| {
        base - bump * libm::sinf(x * 0.045 + phase) - bump * 0.5 * libm::sinf(x * 0.09 + phase * 2.3)
    };
    let mut outline = Outline::from(At(-2.0, 130.0)).to(At(-2.0, wave(-2.0)));
    for step in 0..=13 {
        let x = step as f32 * 10.0;
        outline = outline.to(At(x, wave(x)));
    }
    pen.fill(&outline.to(At(130.0, 130.0)).closed(), fill);
}

/// A sun with a soft glow.
fn sun(pen: &mut Pen, at: At, radius: f32, color: Rgb, lights: bool) {
    if !lights {
        return;
    }
    pen.fill(&Shape::circle(at, radius * 3.0), Fill::glow(at, radius * 3.0, color, 0.55));
    pen.fill(&Shape::circle(at, radius), color);
}

fn hills(pen: &mut Pen, lights: bool, rng: &mut Rng) {
    pen.flood(Fill::along(TOP, At(0.0, 90.0), &[Rgb::hex(0x8C_CB_F7), Rgb::hex(0xDF_F3_FB)]));
    let side = rng.side();
    sun(
        pen,
        At(64.0 + side * rng.between(38.0, 50.0), rng.between(16.0, 26.0)),
        8.0,
        Rgb::hex(0xFF_EE_A8),
        lights,
    );
    for index in 0..2 {
        let at =
            At(64.0 - side * rng.between(20.0, 58.0) + index as f32 * side * 60.0, rng.between(16.0, 42.0));
        cloud(pen, at, rng.between(5.0, 8.0), WHITE, 0.85);
    }
    ridge(
        pen,
        84.0 + rng.around(0.0, 4.0),
        7.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 70.0), BOTTOM, &[Rgb::hex(0xA6_DB_88), Rgb::hex(0x7F_C4_72)]),
    );
    ridge(
        pen,
        98.0 + rng.around(0.0, 3.0),
        5.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 88.0), BOTTOM, &[Rgb::hex(0x86_CB_66), Rgb::hex(0x58_AC_52)]),
    );
    for _ in 0..9 {
        let at = At(rng.between(2.0, 126.0), rng.between(105.0, 125.0));
        let color = *rng.pick(&[0xFF_FF_FF, 0xFF_E8_70, 0xFF_B6_CC]).unwrap_or(&0xFF_FF_FF);
        pen.fill(&Shape::circle(at, 1.3), Rgb::hex(color));
    }
}

fn stars(pen: &mut Pen, count: usize, low: f32, rng: &mut Rng) {
    for index in 0..count {
        let at = At(rng.between(2.0, 126.0), rng.between(2.0, low));
        let strength = rng.between(0.55, 1.0);
        if index % 6 == 0 {
            pen.fill(&Shape::twinkle(at, rng.between(2.6, 4.2)), Ink(Rgb::hex(0xFF_F6_D0), strength));
        } else {
            let r = rng.between(0.45, 0.95);
            pen.fill(&Shape::block(at, r, r, r), Ink(Rgb::hex(0xFF_F9_E6), strength));
        }
    }
}

fn moon(pen: &mut Pen, at: At, r: f32, lights: bool) {
    if !lights {
        return;
    }
    pen.fill(&Shape::circle(at, r * 2.6), Fill::glow(at, r * 2.6, Rgb::hex(0xFD_F2_C8), 0.42));
    pen.fill(&Shape::circle(at, r), Rgb::hex(0xFD_F2_C8));
    for (x, y, s) in [(-0.3, -0.2, 0.22), (0.35, 0.3, 0.17), (0.2, -0.45, 0.12)] {
        pen.fill(&Shape::circle(at.by(x * r, y * r), s * r), Rgb::hex(0xE9_DA_AE));
    }
}

fn night(pen: &mut Pen, lights: bool, rng: &mut Rng) {
    pen.flood(Fill::along(TOP, BOTTOM, &[Rgb::hex(0x16_1A_4A), Rgb::hex(0x2E_33_7E), Rgb::hex(0x5A_4E_A6)]));
    stars(pen, 34, 92.0, rng);
    let side = rng.side();
    moon(pen, At(64.0 + side * rng.between(40.0, 50.0), rng.between(15.0, 24.0)), 8.5, lights);
    ridge(
        pen,
        101.0,
        5.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 90.0), BOTTOM, &[Rgb::hex(0x39_3C_86), Rgb::hex(0x26_29_62)]),
    );
}

fn clouds(pen: &mut Pen, rng: &mut Rng) {
    pen.flood(Fill::along(TOP, BOTTOM, &[Rgb::hex(0x6F_B8_F2), Rgb::hex(0xA9_DA_F9), Rgb::hex(0xE4_F5_FE)]));
    for (x, y) in [(16.0, 24.0), (108.0, 36.0), (20.0, 66.0), (112.0, 76.0)] {
        let at = At(x + rng.around(0.0, 12.0), y + rng.around(0.0, 8.0));
        cloud(pen, at, rng.between(6.5, 10.0), WHITE, 0.92);
    }
    // A floor of cloud.
    for index in 0..7 {
        let x = index as f32 * 21.0 + rng.around(0.0, 4.0);
        pen.fill(
            &Shape::circle(At(x, 113.0 + rng.around(0.0, 3.0)), rng.between(12.0, 16.0)),
            Rgb::hex(0xF6_FB_FF),
        );
    }
    let floor = Shape::polygon(&[At(-2.0, 112.0), At(130.0, 112.0), At(130.0, 130.0), At(-2.0, 130.0)]);
    pen.fill(&floor, Fill::along(At(0.0, 106.0), BOTTOM, &[Rgb::hex(0xF6_FB_FF), Rgb::hex(0xD6_EA_F8)]));
}

fn confetti(pen: &mut Pen, rng: &mut Rng) {
    plain(pen, Rgb::hex(0xFF_F6_E6), rng);
    let colors = [0xF2_5F_6B, 0xFF_B8_3D, 0x5C_C3_6B, 0x4C_A2_F0, 0xA5_74_E8, 0xFF_8F_C0];
    for row in 0..6 {
        for column in 0..7 {
            let at = At(
                column as f32 * 20.0 + if row % 2 == 0 { 0.0 } else { 10.0 } + rng.around(0.0, 8.0),
                4.0 + row as f32 * 17.5 + rng.around(0.0, 7.0),
            );
            let color = Rgb::hex(*rng.pick(&colors).unwrap_or(&0xF2_5F_6B));
            let turn = rng.between(0.0, 180.0);
            match rng.below(3) {
                0 => pen.fill(&Shape::circle(at, rng.between(1.2, 1.9)), color),
                1 => pen.fill(&Shape::block(at, 2.3, 1.1, 0.4).moved(turned(at, turn)), color),
                _ => {
                    let ribbon = Outline::from(at.by(-3.0, 0.0))
                        .bend(at.by(-1.5, -2.6), at)
                        .bend(at.by(1.5, 2.6), at.by(3.0, 0.0))
                        .open()
                        .moved(turned(at, turn));
                    pen.line(&ribbon, 1.2, color);
                }
            }
        }
    }
}

fn sea(pen: &mut Pen, lights: bool, rng: &mut Rng) {
    pen.flood(Fill::along(TOP, At(0.0, 64.0), &[Rgb::hex(0x9C_DA_F8), Rgb::hex(0xE6_F8_FC)]));
    let side = rng.side();
    sun(
        pen,
        At(64.0 + side * rng.between(36.0, 48.0), rng.between(15.0, 24.0)),
        8.0,
        Rgb::hex(0xFF_F0_A6),
        lights,
    );
    cloud(pen, At(64.0 - side * 44.0, rng.between(20.0, 34.0)), 6.5, WHITE, 0.9);
    let line = 58.0 + rng.around(0.0, 4.0);
    let water = Shape::polygon(&[At(-2.0, line), At(130.0, line), At(130.0, 130.0), At(-2.0, 130.0)]);
    pen.fill(
        &water,
        Fill::along(At(0.0, line), At(0.0, 104.0), &[Rgb::hex(0x2F_93_D0), Rgb::hex(0x4F_C1_DC)]),
    );
    for _ in 0..12 {
        let y = rng.between(line + 3.0, 96.0);
        let at = At(rng.between(4.0, 124.0), y);
        let w = 2.0 + (y - line) * 0.09;
        let ripple = Outline::from(at.by(-w, 0.0)).bend(at.by(0.0, -1.3), at.by(w, 0.0)).open();
        pen.line(&ripple, 0.9, Ink(WHITE, 0.6));
    }
    if rng.chance(0.5) {
        let at = At(64.0 - side * 46.0, line - 0.5);
        let hull = Outline::from(at.by(-7.0, -1.0))
            .to(at.by(7.0, -1.0))
            .bend(at.by(5.0, 3.6), at.by(2.0, 3.6))
            .to(at.by(-3.0, 3.6))
            .bend(at.by(-6.0, 3.2), at.by(-7.0, -1.0))
            .closed();
        pen.fill(&Shape::polygon(&[at.by(0.0, -15.0), at.by(7.0, -2.5), at.by(0.0, -2.5)]), WHITE);
        pen.fill(
            &Shape::polygon(&[at.by(-1.2, -12.0), at.by(-6.0, -2.5), at.by(-1.2, -2.5)]),
            Rgb::hex(0xF7_8A_74),
        );
        pen.fill(&hull, Rgb::hex(0xB0_5A_42));
    }
    ridge(pen, 105.0, 2.2, rng.between(0.0, 6.0), Rgb::hex(0xF4_FD_FC));
    ridge(
        pen,
        107.5,
        2.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 104.0), BOTTOM, &[Rgb::hex(0xFB_E6_B4), Rgb::hex(0xEB_C9_8A)]),
    );
}

fn sunset(pen: &mut Pen, lights: bool, rng: &mut Rng) {
    pen.flood(Fill::along(
        TOP,
        At(0.0, 104.0),
        &[Rgb::hex(0x6A_4F_A8), Rgb::hex(0xD8_68_9A), Rgb::hex(0xFF_9A_62), Rgb::hex(0xFF_D9_7A)],
    ));
    let at = At(64.0 + rng.side() * rng.between(24.0, 42.0), 84.0 + rng.around(0.0, 3.0));
    sun(pen, at, 14.0, Rgb::hex(0xFF_F2_B4), lights);
    for _ in 0..4 {
        let band = At(rng.between(5.0, 123.0), rng.between(16.0, 62.0));
        let w = rng.between(10.0, 22.0);
        pen.fill(&Shape::block(band, w, 1.7, 1.7), Ink(Rgb::hex(0xFF_C8_B0), 0.55));
        pen.fill(&Shape::block(band.by(w * 0.3, 3.0), w * 0.6, 1.3, 1.3), Ink(Rgb::hex(0xFF_C8_B0), 0.4));
    }
    ridge(pen, 95.0, 5.0, rng.between(0.0, 6.0), Rgb::hex(0xA4_4E_7C));
    ridge(
        pen,
        105.0,
        4.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 98.0), BOTTOM, &[Rgb::hex(0x7A_3C_72), Rgb::hex(0x55_2C_62)]),
    );
}

fn checker(pen: &mut Pen, rng: &mut Rng) {
    let pairs = [
        (0xFF_F4_E2, 0xFF_DC_B4),
        (0xE6_F4_FF, 0xC2_E0_FA),
        (0xFF_EA_F0, 0xFF_CD_DC),
        (0xEA_F8_EA, 0xC8_EA_CC),
    ];
    let &(light, dark) = rng.pick(&pairs).unwrap_or(&pairs[0]);
    pen.flood(Rgb::hex(light));
    let step = 16.0;
    let shift = rng.between(0.0, 16.0);
    let mut squares = Shape::polygon(&[]);
    for row in -1..9 {
        for column in -1..9 {
            if (row + column) % 2 == 0 {
                let at = At(
                    column as f32 * step + shift + step * 0.5,
                    row as f32 * step + shift * 0.6 + step * 0.5,
                );
                squares = squares.and(Shape::polygon(&[
                    at.by(-8.0, -8.0),
                    at.by(8.0, -8.0),
                    at.by(8.0, 8.0),
                    at.by(-8.0, 8.0),
                ]));
            }
        }
    }
    pen.fill(&squares, Rgb::hex(dark));
    pen.flood(Fill::Radial(At(64.0, 60.0), 100.0, vec![(0.0, Ink(WHITE, 0.3)), (1.0, Ink(WHITE, 0.0))]));
}

fn pine(pen: &mut Pen, at: At, high: f32, color: Rgb, snowy: bool) {
    let trunk = Shape::block(at.by(0.0, -1.0), high * 0.045, 3.0, 0.4);
    pen.fill(&trunk, Rgb::hex(0x6E_4B_3A));
    for (low, top, wide) in [(0.06, 0.52, 0.3), (0.32, 0.78, 0.235), (0.58, 1.0, 0.165)] {
        let tier = Outline::from(at.by(-high * wide, -high * low))
            .bend(at.by(-high * wide * 0.25, -high * (low + 0.14)), at.by(0.0, -high * top))
            .bend(at.by(high * wide * 0.25, -high * (low + 0.14)), at.by(high * wide, -high * low))
            .bend(at.by(0.0, -high * (low - 0.06)), at.by(-high * wide, -high * low))
            .closed();
        pen.fill(&tier, color.lighter(low * 0.09));
        if snowy {
            let cap = Shape::polygon(&[
                at.by(0.0, -high * top),
                at.by(high * wide * 0.34, -high * (top - 0.17)),
                at.by(0.0, -high * (top - 0.13)),
                at.by(-high * wide * 0.34, -high * (top - 0.17)),
            ]);
            pen.fill(&cap, Rgb::hex(0xF4_F9_FF));
        }
    }
}

fn snow(pen: &mut Pen, rng: &mut Rng) {
    pen.flood(Fill::along(
        TOP,
        At(0.0, 100.0),
        &[Rgb::hex(0x8F_B4_DC), Rgb::hex(0xC8_DC_F0), Rgb::hex(0xE8_F0_F8)],
    ));
    ridge(pen, 88.0, 6.0, rng.between(0.0, 6.0), Rgb::hex(0xD8_E6_F4));
    for x in [8.0, 24.0, 104.0, 121.0] {
        let at = At(x + rng.around(0.0, 5.0), 97.0 + rng.around(0.0, 3.0));
        pine(pen, at, rng.between(28.0, 44.0), Rgb::hex(0x4F_86_88), true);
    }
    ridge(
        pen,
        100.0,
        4.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 92.0), BOTTOM, &[Rgb::hex(0xFB_FD_FF), Rgb::hex(0xD4_E2_F2)]),
    );
    for _ in 0..38 {
        let at = At(rng.between(0.0, 128.0), rng.between(0.0, 124.0));
        pen.fill(&Shape::circle(at, rng.between(0.7, 1.7)), Ink(WHITE, 0.92));
    }
}

fn forest(pen: &mut Pen, rng: &mut Rng) {
    pen.flood(Fill::along(TOP, At(0.0, 104.0), &[Rgb::hex(0xC2_E8_DA), Rgb::hex(0xE8_F5_D8)]));
    for column in 0..7 {
        let at = At(column as f32 * 21.0 + rng.around(0.0, 5.0), 102.0);
        pine(pen, at, rng.between(60.0, 82.0), Rgb::hex(0x9C_CC_B2), false);
    }
    for x in [4.0, 22.0, 106.0, 124.0] {
        let at = At(x + rng.around(0.0, 4.0), 103.0 + rng.around(0.0, 2.0));
        pine(pen, at, rng.between(62.0, 88.0), Rgb::hex(0x3E_8A_66), false);
    }
    ridge(
        pen,
        100.0,
        3.0,
        rng.between(0.0, 6.0),
        Fill::along(At(0.0, 92.0), BOTTOM, &[Rgb::hex(0x8C_C4_70), Rgb::hex(0x5C_9C_58)]),
    );
    for _ in 0..4 {
        let at = At(64.0 + rng.side() * rng.between(34.0, 60.0), rng.between(112.0, 124.0));
        pen.fill(&Shape::block(at, 1.2, 2.4, 1.0), Rgb::hex(0xF8_EE_DC));
        pen.fill(&Shape::egg(at.by(0.0, -1.6), 3.6, 3.4, 0.8), Rgb::hex(0xE0_54_50));
        pen.fill(&Shape::circle(at.by(-1.1, -3.0), 0.75), WHITE);
        pen.fill(&Shape::circle(at.by(1.3, -2.6), 0.6), WHITE);
    }
}

/// The dark and precious room of legends.
fn treasury(pen: &mut Pen, rng: &mut Rng) {
    let rooms = [
        [0x4A_20_4E, 0x24_10_30, 0x10_08_18],
        [0x1E_2F_5E, 0x10_18_38, 0x08_0A_18],
        [0x4E_1C_2A, 0x28_0E_1A, 0x12_06_0C],
    ];
    let room = rng.pick(&rooms).copied().unwrap_or(rooms[0]).map(Rgb::hex);
    pen.flood(Fill::outward(At(64.0, 58.0), 92.0, &room));
    let gold = Rgb::hex(0xFF_CE_58);
    pen.fill(&Shape::circle(At(64.0, 60.0), 62.0), Fill::glow(At(64.0, 60.0), 62.0, gold, 0.5));
    // Rays.
    for ray in 0..12 {
        let turn = ray as f32 * 30.0 + rng.around(0.0, 4.0);
        let beam = Shape::polygon(&[At(64.0, 60.0), At(58.0, -50.0), At(70.0, -50.0)])
            .moved(turned(At(64.0, 60.0), turn));
        pen.fill(&beam, Ink(gold, 0.07));
    }
    for _ in 0..14 {
        let at = At(rng.between(0.0, 128.0), rng.between(0.0, 110.0));
        let r = rng.between(1.2, 4.0);
        pen.fill(&Shape::circle(at, r), Fill::glow(at, r, gold, 0.6));
    }
    let floor = Shape::oval(At(64.0, 117.0), 62.0, 13.0);
    pen.fill(&floor, Fill::along(At(0.0, 104.0), BOTTOM, &[room[0].lighter(0.05), room[1]]));
    pen.line(&Shape::oval(At(64.0, 117.0), 54.0, 10.5), 0.9, Ink(gold, 0.7));
}

/// The moon and stars of the night look, over whatever the background was.
pub(crate) fn moonlight(pen: &mut Pen, rng: &mut Rng) {
    stars(pen, 22, 60.0, rng);
    let side = rng.side();
    moon(pen, At(64.0 + side * rng.between(42.0, 50.0), rng.between(14.0, 20.0)), 7.5, true);
}
