//! How rarity is spread over a collection: a bar for each part of the range of scores, in the colours of the tiers.

use super::canvas::{BAR, Canvas, ChartError, FAINT, LINE, MARK, QUIET, Side, TEXT, TIERS};
use crate::figures::{Figures, number};

const WIDTH: u32 = 1680;
const HEIGHT: u32 = 760;
const LEFT: f32 = 110.0;
const RIGHT: f32 = 64.0;
const TOP: f32 = 170.0;
const BOTTOM: f32 = 90.0;

/// A round number at or above this one, and how many steps lead to it.
fn round_up(n: u64) -> (u64, u64) {
    let mut step = 1u64;
    loop {
        for times in [1, 2, 5] {
            let by = step.saturating_mul(times);
            if n.div_ceil(by) <= 5 {
                return (by.saturating_mul(n.div_ceil(by).max(1)), n.div_ceil(by).max(1));
            }
        }
        step = step.saturating_mul(10);
    }
}

/// Draws the spread.
///
/// # Errors
/// The picture cannot be drawn.
pub fn spread(title: &str, figures: &Figures) -> Result<Vec<u8>, ChartError> {
    let mut canvas = Canvas::new(WIDTH, HEIGHT)?;
    let rarity = &figures.rarity;
    let head = canvas.fitting(title, 44.0, WIDTH as f32 - 128.0);
    canvas.text(64.0, 78.0, 44.0, TEXT, Side::Left, &head);
    let below = format!(
        "OpenRarity score of {} items: from {:.2} to {:.2}, half of them above {:.2}",
        number(figures.items),
        rarity.lowest,
        rarity.highest,
        rarity.median
    );
    canvas.text(64.0, 112.0, 20.0, QUIET, Side::Left, &below);
    let (wide, high) = (WIDTH as f32 - LEFT - RIGHT, HEIGHT as f32 - TOP - BOTTOM);
    let floor = TOP + high;
    let most = rarity.bins.iter().map(|b| b.items).max().unwrap_or(0);
    let (top, steps) = round_up(most.max(1));
    for step in 0..=steps {
        let y = floor - high * step as f32 / steps as f32;
        canvas.rect(LEFT, y, wide, 1.0, LINE);
        canvas.text(LEFT - 14.0, y + 6.0, 17.0, QUIET, Side::Right, &number(top / steps * step));
    }
    let each = wide / rarity.bins.len().max(1) as f32;
    let named = figures.tiers.iter().filter(|t| t.name.is_some()).count();
    let ink = |tier: usize| match (named, tier) {
        (0, _) => BAR,
        (named, tier) if tier < named => TIERS[tier % TIERS.len()],
        _ => FAINT,
    };
    for (at, bin) in rarity.bins.iter().enumerate() {
        let mut y = floor;
        // What belongs to no tier lies below, the rarest tier on top.
        for (tier, count) in bin.tiers.iter().enumerate().rev() {
            let tall = high * *count as f32 / top as f32;
            let tall = if *count > 0 { tall.max(1.0) } else { 0.0 };
            y -= tall;
            canvas.rect(LEFT + each * at as f32 + 1.0, y, each - 2.0, tall, ink(tier));
        }
    }
    let range = rarity.highest - rarity.lowest;
    for step in 0..=6 {
        let share = f64::from(step) / 6.0;
        let x = LEFT + wide * share as f32;
        canvas.text(
            x,
            floor + 30.0,
            17.0,
            QUIET,
            Side::Middle,
            &format!("{:.2}", rarity.lowest + range * share),
        );
    }
    if range > 0.0 {
        let x = LEFT + wide * ((rarity.median - rarity.lowest) / range) as f32;
        canvas.rect(x - 1.0, TOP, 2.0, high, MARK);
        canvas.text(x + 8.0, TOP + 14.0, 17.0, MARK, Side::Left, "median");
    }
    let mut x = LEFT;
    for (tier, figures) in figures.tiers.iter().enumerate().filter(|_| named > 0) {
        let name = figures.name.clone().unwrap_or_else(|| "no tier".to_owned());
        let name = canvas.fitting(&name, 17.0, 220.0);
        canvas.rect(x, floor + 48.0, 16.0, 16.0, ink(tier));
        canvas.text(x + 24.0, floor + 62.0, 17.0, TEXT, Side::Left, &name);
        x += canvas.width(&name, 17.0) + 60.0;
    }
    canvas.png()
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn axes_end_at_round_numbers() {
        for (n, end) in
            [(1, (1, 1)), (5, (5, 5)), (6, (6, 3)), (9, (10, 5)), (101, (150, 3)), (10_000, (10_000, 5))]
        {
            assert_eq!(round_up(n), end, "{n}");
        }
        assert!(round_up(u64::MAX).0 > 0);
    }
}
