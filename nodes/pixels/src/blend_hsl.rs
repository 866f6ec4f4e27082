//! The blend modes that treat a pixel as hue, saturation and luminosity (W3C compositing, section 10.2).

/// Red, green and blue of one pixel.
pub(crate) type Rgb = [f32; 3];

fn luma(c: Rgb) -> f32 {
    0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
}

fn low(c: Rgb) -> f32 {
    c[0].min(c[1]).min(c[2])
}

fn high(c: Rgb) -> f32 {
    c[0].max(c[1]).max(c[2])
}

/// Brings a colour back into 0..1 without changing its luminosity.
fn clip(c: Rgb) -> Rgb {
    let (l, n, x) = (luma(c), low(c), high(c));
    let mut c = c;
    if n < 0.0 && l > n {
        c = c.map(|v| l + (v - l) * l / (l - n));
    }
    if x > 1.0 && x > l {
        c = c.map(|v| l + (v - l) * (1.0 - l) / (x - l));
    }
    c
}

fn set_luma(c: Rgb, l: f32) -> Rgb {
    let d = l - luma(c);
    clip(c.map(|v| v + d))
}

fn spread(c: Rgb) -> f32 {
    high(c) - low(c)
}

fn set_spread(c: Rgb, s: f32) -> Rgb {
    let (n, range) = (low(c), spread(c));
    if range > 0.0 { c.map(|v| (v - n) * s / range) } else { [0.0; 3] }
}

pub(crate) fn hue(base: Rgb, top: Rgb) -> Rgb {
    set_luma(set_spread(top, spread(base)), luma(base))
}

pub(crate) fn saturation(base: Rgb, top: Rgb) -> Rgb {
    set_luma(set_spread(base, spread(top)), luma(base))
}

pub(crate) fn color(base: Rgb, top: Rgb) -> Rgb {
    set_luma(top, luma(base))
}

pub(crate) fn luminosity(base: Rgb, top: Rgb) -> Rgb {
    set_luma(base, luma(top))
}
