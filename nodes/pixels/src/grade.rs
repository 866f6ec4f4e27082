//! Light and colour of a whole picture: exposure, white balance, contrast, saturation and their like.
//!
//! Results are clipped to 0..1; alpha stays as it is. Exposure and white balance work in linear
//! light, where they are what a camera would have done; the rest work on the sRGB codes.

use kiln_types::Image;

use crate::PixelError;
use crate::light::{from_linear, to_linear};
use crate::samples::{like, within};

/// Rec. 601 luma weights, as 8-bit picture tools use them.
pub(crate) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];
/// The colour temperature at which nothing changes.
const NEUTRAL: f64 = 6500.0;
/// How far a tint of 1 moves the white across the Planckian locus, in CIE 1960 units.
const TINT: f64 = 0.05;

/// Every colour through `f`, clipped, alpha kept.
pub(crate) fn map_colors(image: &Image, f: impl Fn([f32; 3]) -> [f32; 3]) -> Result<Image, PixelError> {
    let mut data = image.data().to_vec();
    for pixel in data.chunks_exact_mut(image.channels()) {
        let out = f([pixel[0], pixel[1], pixel[2]]);
        for (p, v) in pixel.iter_mut().zip(out) {
            // A NaN would survive `clamp`.
            *p = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
        }
    }
    like(image, data)
}

fn check(name: &'static str, v: f32, low: f32, high: f32, what: &'static str) -> Result<(), PixelError> {
    if within(v, low, high) { Ok(()) } else { Err(PixelError::parameter(name, what)) }
}

fn luma(rgb: [f32; 3]) -> f32 {
    rgb[0] * LUMA[0] + rgb[1] * LUMA[1] + rgb[2] * LUMA[2]
}

/// Light times two to the power of `stops`.
///
/// # Errors
/// When `stops` is not within -20..20.
pub fn exposure(image: &Image, stops: f32) -> Result<Image, PixelError> {
    check("stops", stops, -20.0, 20.0, "between -20 and 20")?;
    let gain = libm::exp2f(stops);
    map_colors(image, |p| p.map(|v| from_linear(to_linear(v) * gain)))
}

/// Neutralises a light of `kelvin` degrees and `tint`: what was its white becomes white.
///
/// 6500 and 0 change nothing; a lower temperature names a redder light, so the picture turns bluer. A
/// positive tint names a greener light, so the picture turns more magenta. The white point lies on the
/// Planckian locus (Kang 2002), `tint` times 0.05 across it in CIE 1960 uv; whites are adapted with
/// the Bradford matrix in linear light.
///
/// # Errors
/// When `kelvin` is not within 1700..25000 or `tint` not within -1..1.
pub fn white_balance(image: &Image, kelvin: f32, tint: f32) -> Result<Image, PixelError> {
    check("kelvin", kelvin, 1700.0, 25000.0, "between 1700 and 25000")?;
    check("tint", tint, -1.0, 1.0, "between -1 and 1")?;
    let light = white_of(f64::from(kelvin), f64::from(tint) * TINT);
    adapted(image, light, white_of(NEUTRAL, 0.0))
}

/// Warmer (towards 1) or cooler (towards -1), as if the light itself had changed.
///
/// The light goes from 6500 K by 100 mired per unit: to 3940 K at 1, to 18600 K at -1.
///
/// # Errors
/// When `amount` is not within -1..1.
pub fn temperature(image: &Image, amount: f32) -> Result<Image, PixelError> {
    check("temperature", amount, -1.0, 1.0, "between -1 and 1")?;
    let kelvin = 1e6 / (1e6 / NEUTRAL + 100.0 * f64::from(amount));
    adapted(image, white_of(NEUTRAL, 0.0), white_of(kelvin, 0.0))
}

/// Codes times `factor`: 1 changes nothing, 0 is black.
///
/// # Errors
/// When `factor` is not within 0..100.
pub fn brightness(image: &Image, factor: f32) -> Result<Image, PixelError> {
    check("brightness", factor, 0.0, 100.0, "between 0 and 100")?;
    map_colors(image, |p| p.map(|v| v * factor))
}

/// Distances from `pivot` times `factor`: 1 changes nothing, 0 is flat.
///
/// # Errors
/// When `factor` is not within 0..100 or `pivot` not within 0..1.
pub fn contrast(image: &Image, factor: f32, pivot: f32) -> Result<Image, PixelError> {
    check("contrast", factor, 0.0, 100.0, "between 0 and 100")?;
    check("pivot", pivot, 0.0, 1.0, "between 0 and 1")?;
    map_colors(image, |p| p.map(|v| (v - pivot) * factor + pivot))
}

/// Distances from the grey of the same luma times `factor`: 1 changes nothing, 0 is grey.
///
/// # Errors
/// When `factor` is not within 0..100.
pub fn saturation(image: &Image, factor: f32) -> Result<Image, PixelError> {
    check("saturation", factor, 0.0, 100.0, "between 0 and 100")?;
    map_colors(image, |p| {
        let grey = luma(p);
        p.map(|v| grey + (v - grey) * factor)
    })
}

/// Saturation that spares what is saturated already: the factor is `1 + amount * (1 - s)`, where `s` is
/// the colour's HSV saturation.
///
/// # Errors
/// When `amount` is not within -1..10.
pub fn vibrance(image: &Image, amount: f32) -> Result<Image, PixelError> {
    check("vibrance", amount, -1.0, 10.0, "between -1 and 10")?;
    map_colors(image, |p| {
        let (high, low) = (p[0].max(p[1]).max(p[2]), p[0].min(p[1]).min(p[2]));
        let s = if high > 0.0 { ((high - low) / high).min(1.0) } else { 0.0 };
        let (factor, grey) = (1.0 + amount * (1.0 - s), luma(p));
        p.map(|v| grey + (v - grey) * factor)
    })
}

/// Codes to the power of `1 / gamma`: above 1 the middle gets lighter.
///
/// # Errors
/// When `gamma` is not within 0.01..100.
pub fn gamma(image: &Image, gamma: f32) -> Result<Image, PixelError> {
    check("gamma", gamma, 0.01, 100.0, "between 0.01 and 100")?;
    let power = 1.0 / gamma;
    map_colors(image, |p| p.map(|v| libm::powf(v.max(0.0), power)))
}

/// The HSV hue turned by `degrees`: 120 makes red green.
///
/// # Errors
/// When `degrees` is not within -360..360.
pub fn hue_shift(image: &Image, degrees: f32) -> Result<Image, PixelError> {
    check("degrees", degrees, -360.0, 360.0, "between -360 and 360")?;
    let turn = degrees / 60.0;
    map_colors(image, |p| {
        let (high, low) = (p[0].max(p[1]).max(p[2]), p[0].min(p[1]).min(p[2]));
        let span = high - low;
        if span <= 0.0 {
            return p;
        }
        // Sixths of the circle, as in every HSV.
        let sixth = if p[0] >= high {
            (p[1] - p[2]) / span
        } else if p[1] >= high {
            2.0 + (p[2] - p[0]) / span
        } else {
            4.0 + (p[0] - p[1]) / span
        };
        let h = wrap(sixth + turn);
        // Each channel is full for two sixths, empty for two, and a ramp between.
        let channel = |offset: f32| {
            let k = wrap(offset + h);
            high - span * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        [channel(5.0), channel(3.0), channel(1.0)]
    })
}

fn wrap(h: f32) -> f32 {
    h - 6.0 * (h / 6.0).floor()
}

/// CIE xy of a black body, after Kang et al. 2002, moved by `duv` across the locus; as XYZ with Y = 1.
fn white_of(kelvin: f64, duv: f64) -> [f64; 3] {
    let (u, v) = locus_uv(kelvin);
    let (u1, v1) = locus_uv(kelvin * 1.001);
    // Towards lower temperatures u grows; green lies to the upper side of that direction.
    let (du, dv) = (u - u1, v - v1);
    let length = (du * du + dv * dv).sqrt();
    let (u, v) = (u - dv / length * duv, v + du / length * duv);
    let (x, y) = (3.0 * u, 2.0 * v);
    let sum = 2.0 * u - 8.0 * v + 4.0;
    let (x, y) = (x / sum, y / sum);
    [x / y, 1.0, (1.0 - x - y) / y]
}

fn locus_uv(kelvin: f64) -> (f64, f64) {
    let t = 1e3 / kelvin;
    let cubic = |c: [f64; 4], v: f64| ((c[0] * v + c[1]) * v + c[2]) * v + c[3];
    let x = if kelvin <= 4000.0 {
        cubic([-0.266_123_9, -0.234_358, 0.877_695_6, 0.179_91], t)
    } else {
        cubic([-3.025_846_9, 2.107_037_9, 0.222_634_7, 0.240_39], t)
    };
    let y = if kelvin <= 2222.0 {
        cubic([-1.106_381_4, -1.348_110_20, 2.185_558_32, -0.202_196_83], x)
    } else if kelvin <= 4000.0 {
        cubic([-0.954_947_6, -1.374_185_93, 2.091_370_15, -0.167_488_67], x)
    } else {
        cubic([3.081_758, -5.873_386_7, 3.751_129_97, -0.370_014_83], x)
    };
    let d = -2.0 * x + 12.0 * y + 3.0;
    (4.0 * x / d, 6.0 * y / d)
}

type Matrix = [[f64; 3]; 3];

const RGB_TO_XYZ: Matrix = [
    [0.412_390_799_265_96, 0.357_584_339_383_88, 0.180_480_788_401_83],
    [0.212_639_005_871_51, 0.715_168_678_767_76, 0.072_192_315_360_73],
    [0.019_330_818_715_59, 0.119_194_779_794_63, 0.950_532_152_249_66],
];
const BRADFORD: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];

fn apply(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|i| m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2])
}

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j]))
}

fn inverse(m: &Matrix) -> Matrix {
    let minor = |i: usize, j: usize| {
        let (r, c) = ([(i + 1) % 3, (i + 2) % 3], [(j + 1) % 3, (j + 2) % 3]);
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let det = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| minor(j, i) / det))
}

/// The picture with the white `from` turned into the white `to`.
fn adapted(image: &Image, from: [f64; 3], to: [f64; 3]) -> Result<Image, PixelError> {
    let (a, b) = (apply(&BRADFORD, from), apply(&BRADFORD, to));
    let gains = [[b[0] / a[0], 0.0, 0.0], [0.0, b[1] / a[1], 0.0], [0.0, 0.0, b[2] / a[2]]];
    let to_cones = times(&BRADFORD, &RGB_TO_XYZ);
    let m = times(&inverse(&to_cones), &times(&gains, &to_cones)).map(|row| row.map(|v| v as f32));
    map_colors(image, |p| {
        let p = p.map(to_linear);
        m.map(|row| from_linear(row[0] * p[0] + row[1] * p[1] + row[2] * p[2]))
    })
}
