//! sRGB codes, linear light and CIE Lab, with `libm` so that every machine agrees.

use std::sync::LazyLock;

/// Steps of the tables; straight lines between them are off by less than 3e-8.
const STEPS: usize = 4096;

/// Linear light of the codes 0..1. A power for each sample would take ten times as long.
static LIGHT: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let light = |i: usize| exact_light(i as f64 / STEPS as f64) as f32;
    (0..=STEPS).map(light).collect()
});

/// Codes of linear light 0..1, by the light's fourth root: over that the curve hardly bends.
static CODE: LazyLock<Vec<f32>> = LazyLock::new(|| {
    // Only what lies above the straight part near black is ever looked up.
    let code = |i: usize| (1.055 * libm::pow(i as f64 / STEPS as f64, 4.0 / 2.4) - 0.055) as f32;
    (0..=STEPS).map(code).collect()
});

fn exact_light(v: f64) -> f64 {
    if v <= 0.040_45 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }
}

/// The value of a table at `t`, 0..1.
fn look_up(table: &[f32], t: f32) -> f32 {
    let t = t * STEPS as f32;
    let low = (t as usize).min(STEPS - 1);
    let (a, b) = (table[low], table[low + 1]);
    a + (b - a) * (t - low as f32)
}

/// The linear light of an sRGB-coded sample; continued past 1, mirrored below 0.
#[must_use]
pub fn to_linear(v: f32) -> f32 {
    let x = v.abs();
    let light = if x <= 0.040_45 {
        x / 12.92
    } else if x <= 1.0 {
        look_up(&LIGHT, x)
    } else {
        exact_light(f64::from(x)) as f32
    };
    light.copysign(v)
}

/// The sRGB code of linear light; continued past 1, mirrored below 0.
#[must_use]
pub fn from_linear(v: f32) -> f32 {
    let x = v.abs();
    let code = if x <= 0.003_130_8 {
        x * 12.92
    } else if x <= 1.0 {
        look_up(&CODE, x.sqrt().sqrt())
    } else {
        (1.055 * libm::pow(f64::from(x), 1.0 / 2.4) - 0.055) as f32
    };
    code.copysign(v)
}

/// The white of sRGB's matrix, as XYZ: greys have no colour at all.
const WHITE: [f32; 3] = [0.950_456, 1.0, 1.088_754];

/// An sRGB-coded colour in CIE Lab (D65): lightness 0..100, then the green-red and blue-yellow axes.
#[must_use]
pub fn to_lab(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(to_linear);
    let xyz = [
        0.412_453 * r + 0.357_58 * g + 0.180_423 * b,
        0.212_671 * r + 0.715_16 * g + 0.072_169 * b,
        0.019_334 * r + 0.119_193 * g + 0.950_227 * b,
    ];
    let [x, y, z] = [0, 1, 2].map(|i| squeeze(xyz[i] / WHITE[i]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The sRGB-coded colour of a CIE Lab one; it may lie outside 0..1.
#[must_use]
pub fn from_lab(lab: [f32; 3]) -> [f32; 3] {
    let y = (lab[0] + 16.0) / 116.0;
    let at = [y + lab[1] / 500.0, y, y - lab[2] / 200.0];
    let [x, y, z] = [0, 1, 2].map(|i| stretch(at[i]) * WHITE[i]);
    [
        3.240_481_3 * x - 1.537_151_5 * y - 0.498_536_3 * z,
        -0.969_254_9 * x + 1.875_99 * y + 0.041_555_93 * z,
        0.055_646_64 * x - 0.204_041_34 * y + 1.057_311 * z,
    ]
    .map(from_linear)
}

fn squeeze(t: f32) -> f32 {
    if t > 0.008_856 { libm::cbrtf(t) } else { 7.787 * t + 16.0 / 116.0 }
}

fn stretch(t: f32) -> f32 {
    if t > 0.206_892_7 { t * t * t } else { (t - 16.0 / 116.0) / 7.787 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_as_good_as_the_formula() {
        let mut worst = (0.0_f64, 0.0_f64);
        for i in 0..=1_000_003_u32 {
            let v = i as f32 / 1_000_003.0;
            let light = exact_light(f64::from(v));
            worst.0 = worst.0.max((f64::from(to_linear(v)) - light).abs());
            let code = if v <= 0.003_130_8 {
                f64::from(v) * 12.92
            } else {
                1.055 * libm::pow(f64::from(v), 1.0 / 2.4) - 0.055
            };
            worst.1 = worst.1.max((f64::from(from_linear(v)) - code).abs());
        }
        assert!(worst.0 < 1e-7 && worst.1 < 1.5e-7, "{worst:?}");
    }
}
