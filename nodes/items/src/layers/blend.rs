//! The ways in which a layer acts on what lies below: the formulas of W3C compositing, on straight colours.

/// Red, green and blue.
pub type Rgb = [f32; 3];

/// A way in which a layer acts on what lies below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blend {
    /// The layer covers.
    Normal,
    /// Product.
    Multiply,
    /// Product of the negatives.
    Screen,
    /// Multiply or screen, by what lies below.
    Overlay,
    /// The darker.
    Darken,
    /// The lighter.
    Lighten,
    /// What lies below, brightened.
    ColorDodge,
    /// What lies below, darkened.
    ColorBurn,
    /// Multiply or screen, by the layer.
    HardLight,
    /// A gentle dodge or burn.
    SoftLight,
    /// The distance.
    Difference,
    /// The distance with less contrast.
    Exclusion,
    /// The sum.
    Add,
    /// The layer's hue.
    Hue,
    /// The layer's saturation.
    Saturation,
    /// The layer's hue and saturation.
    Color,
    /// The layer's lightness.
    Luminosity,
}

impl Blend {
    /// By the name a plan uses; canvas programs' `source-over` and `lighter` are understood, too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "normal" | "source-over" => Self::Normal,
            "multiply" => Self::Multiply,
            "screen" => Self::Screen,
            "overlay" => Self::Overlay,
            "darken" => Self::Darken,
            "lighten" => Self::Lighten,
            "color-dodge" => Self::ColorDodge,
            "color-burn" => Self::ColorBurn,
            "hard-light" => Self::HardLight,
            "soft-light" => Self::SoftLight,
            "difference" => Self::Difference,
            "exclusion" => Self::Exclusion,
            "add" | "lighter" => Self::Add,
            "hue" => Self::Hue,
            "saturation" => Self::Saturation,
            "color" => Self::Color,
            "luminosity" => Self::Luminosity,
            _ => return None,
        })
    }

    /// The colour that `top` makes of `below`, where both cover fully.
    #[must_use]
    pub fn of(self, below: Rgb, top: Rgb) -> Rgb {
        let each = |f: fn(f32, f32) -> f32| std::array::from_fn(|at| f(below[at], top[at]));
        match self {
            Self::Normal => top,
            Self::Multiply => each(|b, s| b * s),
            Self::Screen => each(screen),
            Self::Overlay => each(|b, s| hard_light(s, b)),
            Self::Darken => each(f32::min),
            Self::Lighten => each(f32::max),
            Self::ColorDodge => each(|b, s| {
                if b <= 0.0 {
                    0.0
                } else if s >= 1.0 {
                    1.0
                } else {
                    (b / (1.0 - s)).min(1.0)
                }
            }),
            Self::ColorBurn => each(|b, s| {
                if b >= 1.0 {
                    1.0
                } else if s <= 0.0 {
                    0.0
                } else {
                    1.0 - ((1.0 - b) / s).min(1.0)
                }
            }),
            Self::HardLight => each(hard_light),
            Self::SoftLight => each(soft_light),
            Self::Difference => each(|b, s| (b - s).abs()),
            Self::Exclusion => each(|b, s| b + s - 2.0 * b * s),
            Self::Add => each(|b, s| (b + s).min(1.0)),
            Self::Hue => with_luma(with_saturation(top, saturation(below)), luma(below)),
            Self::Saturation => with_luma(with_saturation(below, saturation(top)), luma(below)),
            Self::Color => with_luma(top, luma(below)),
            Self::Luminosity => with_luma(below, luma(top)),
        }
    }
}

fn screen(b: f32, s: f32) -> f32 {
    b + s - b * s
}

fn hard_light(b: f32, s: f32) -> f32 {
    if s <= 0.5 { b * (2.0 * s) } else { screen(b, 2.0 * s - 1.0) }
}

fn soft_light(b: f32, s: f32) -> f32 {
    if s <= 0.5 {
        return b - (1.0 - 2.0 * s) * b * (1.0 - b);
    }
    // The square root is exact to the last bit by its standard, so it is the same everywhere.
    let d = if b <= 0.25 { ((16.0 * b - 12.0) * b + 4.0) * b } else { b.sqrt() };
    b + (2.0 * s - 1.0) * (d - b)
}

fn luma(c: Rgb) -> f32 {
    0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
}

fn low(c: Rgb) -> f32 {
    c[0].min(c[1]).min(c[2])
}

fn high(c: Rgb) -> f32 {
    c[0].max(c[1]).max(c[2])
}

fn saturation(c: Rgb) -> f32 {
    high(c) - low(c)
}

fn with_luma(c: Rgb, wanted: f32) -> Rgb {
    let by = wanted - luma(c);
    let c = c.map(|v| v + by);
    let (l, n, x) = (luma(c), low(c), high(c));
    if n < 0.0 {
        c.map(|v| l + (v - l) * l / (l - n))
    } else if x > 1.0 {
        c.map(|v| l + (v - l) * (1.0 - l) / (x - l))
    } else {
        c
    }
}

fn with_saturation(c: Rgb, wanted: f32) -> Rgb {
    let (n, range) = (low(c), saturation(c));
    if range > 0.0 { c.map(|v| (v - n) * wanted / range) } else { [0.0; 3] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_a_plan_is_known_and_stays_within_bounds() {
        for name in kiln_collection::plan::BLENDS {
            let blend = Blend::from_name(name).unwrap_or_else(|| panic!("{name}"));
            for step in 0..1000u32 {
                let at = |by: u32| (step * by % 7) as f32 / 6.0;
                let made = blend.of([at(1), at(2), at(3)], [at(4), at(5), at(6)]);
                let inside = made.iter().all(|v| (-1e-5..=1.00001).contains(v));
                assert!(inside, "{name}: {made:?}");
            }
        }
        assert_eq!(Blend::from_name("sideways"), None);
    }

    #[test]
    fn known_colours() {
        let (b, s) = ([0.2, 0.5, 0.8], [0.6, 0.25, 0.5]);
        let close = |blend: Blend, wanted: Rgb| {
            let made = blend.of(b, s);
            let same = made.iter().zip(wanted).all(|(a, w)| (a - w).abs() < 1e-6);
            assert!(same, "{blend:?}: {made:?} is not {wanted:?}");
        };
        close(Blend::Multiply, [0.12, 0.125, 0.4]);
        close(Blend::Screen, [0.68, 0.625, 0.9]);
        close(Blend::Overlay, [0.24, 0.25, 0.8]);
        close(Blend::HardLight, [0.36, 0.25, 0.8]);
        close(Blend::ColorDodge, [0.5, 0.666_666_7, 1.0]);
        close(Blend::ColorBurn, [0.0, 0.0, 0.6]);
        close(Blend::Difference, [0.4, 0.25, 0.3]);
        close(Blend::Exclusion, [0.56, 0.5, 0.5]);
        close(Blend::Color, with_luma(s, luma(b)));
    }
}
