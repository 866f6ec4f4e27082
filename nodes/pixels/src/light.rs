//! sRGB codes, linear light and CIE Lab, with `libm` so that every machine agrees.

/// The linear light of an sRGB-coded sample; continued past 1, mirrored below 0.
#[must_use]
pub fn to_linear(v: f32) -> f32 {
    let x = v.abs();
    let light = if x <= 0.040_45 { x / 12.92 } else { libm::powf((x + 0.055) / 1.055, 2.4) };
    light.copysign(v)
}

/// The sRGB code of linear light; continued past 1, mirrored below 0.
#[must_use]
pub fn from_linear(v: f32) -> f32 {
    let x = v.abs();
    let code = if x <= 0.003_130_8 { x * 12.92 } else { 1.055 * libm::powf(x, 1.0 / 2.4) - 0.055 };
    code.copysign(v)
}

/// The D65 white that sRGB's matrix gives, as XYZ.
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
