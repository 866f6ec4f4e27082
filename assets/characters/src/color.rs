//! Colours: sRGB values, and OKLab for lighter, darker and between.

use crate::traits::{Color, Tint};

/// A colour of 8 bits a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Lightness (0 to 1) and the two colour axes of OKLab.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// Lightness, 0 to 1.
    pub l: f32,
    /// Green to red.
    pub a: f32,
    /// Blue to yellow.
    pub b: f32,
}

fn linear(part: u8) -> f32 {
    let value = f32::from(part) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { libm::powf((value + 0.055) / 1.055, 2.4) }
}

fn encoded(value: f32) -> u8 {
    let value = value.clamp(0.0, 1.0);
    let curve =
        if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * libm::powf(value, 1.0 / 2.4) - 0.055 };
    (curve * 255.0 + 0.5) as u8
}

impl Lab {
    /// How different two colours look.
    pub fn distance(self, other: Self) -> f32 {
        let (l, a, b) = (self.l - other.l, self.a - other.a, self.b - other.b);
        (l * l + a * a + b * b).sqrt()
    }

    /// The sRGB colour, clipped to what a screen shows.
    pub fn rgb(self) -> Rgb {
        let cube = |v: f32| v * v * v;
        let l = cube(self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b);
        let m = cube(self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b);
        let s = cube(self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b);
        Rgb(
            encoded(4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s),
            encoded(-1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s),
            encoded(-0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s),
        )
    }
}

impl Rgb {
    /// A colour as it is written: `0xFF8800`.
    pub const fn hex(value: u32) -> Self {
        Self((value >> 16) as u8, (value >> 8) as u8, value as u8)
    }

    /// As OKLab.
    pub fn lab(self) -> Lab {
        let (r, g, b) = (linear(self.0), linear(self.1), linear(self.2));
        let l = libm::cbrtf(0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b);
        let m = libm::cbrtf(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
        let s = libm::cbrtf(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
        Lab {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }

    /// Part of the way to another colour: 0 stays, 1 is there.
    pub fn toward(self, other: Self, part: f32) -> Self {
        let (from, to) = (self.lab(), other.lab());
        let at = |a: f32, b: f32| a + (b - a) * part;
        Lab { l: at(from.l, to.l), a: at(from.a, to.a), b: at(from.b, to.b) }.rgb()
    }

    /// Lighter (or darker, below 0), keeping its colour.
    pub fn lighter(self, by: f32) -> Self {
        let lab = self.lab();
        Lab { l: (lab.l + by).clamp(0.0, 1.0), ..lab }.rgb()
    }
}

/// The tones one colour is drawn in.
#[derive(Clone, Copy, Debug)]
pub struct Tones {
    /// The colour itself.
    pub base: Rgb,
    /// Where the light falls.
    pub light: Rgb,
    /// Where it does not.
    pub shade: Rgb,
    /// Outlines.
    pub line: Rgb,
}

impl Tones {
    /// The tones of a colour: light is warmer, shade leans to violet, lines are deep.
    pub fn of(base: Rgb) -> Self {
        let lab = base.lab();
        let light = Lab { l: (lab.l + 0.075).min(0.985), a: lab.a * 0.95, b: lab.b * 0.95 + 0.006 }.rgb();
        let shade = Lab { l: lab.l * 0.855 - 0.005, a: lab.a * 1.02 + 0.008, b: lab.b * 1.0 - 0.018 }.rgb();
        let line = Lab { l: 0.12 + lab.l * 0.28, a: lab.a * 0.55 + 0.012, b: lab.b * 0.5 - 0.012 }.rgb();
        Self { base, light, shade, line }
    }
}

/// The named colours of bodies.
pub fn body(color: Color) -> Rgb {
    Rgb::hex(match color {
        Color::Red => 0xE2_44_40,
        Color::Orange => 0xF7_8D_2B,
        Color::Yellow => 0xFF_D4_45,
        Color::Green => 0x5D_B8_4A,
        Color::Teal => 0x2F_B8_AE,
        Color::Blue => 0x40_80_EA,
        Color::Purple => 0x8E_5C_D9,
        Color::Pink => 0xFF_93_BD,
        Color::Brown => 0x9B_64_42,
        Color::White => 0xF8_F5_F0,
        Color::Grey => 0x9C_A2_AD,
        Color::Black => 0x41_41_4E,
    })
}

/// The second colour of a body's pattern: it goes well with the first and can be seen on it.
pub fn accent(color: Color) -> Rgb {
    Rgb::hex(match color {
        Color::Red => 0xFF_B0_8C,
        Color::Orange => 0xFF_DE_9A,
        Color::Yellow => 0xF2_93_3A,
        Color::Green => 0xC8_EC_7A,
        Color::Teal => 0xB5_F2_E0,
        Color::Blue => 0xA6_D8_FF,
        Color::Purple => 0xDD_BD_FF,
        Color::Pink => 0xE8_55_8F,
        Color::Brown => 0xE3_BC_8C,
        Color::White => 0xA9_BC_DC,
        Color::Grey => 0x68_6E_80,
        Color::Black => 0x8A_8A_A4,
    })
}

/// The light colour of a belly, a snout or the inside of an ear.
pub fn belly(color: Color) -> Rgb {
    Rgb::hex(match color {
        Color::Red => 0xFF_DC_C8,
        Color::Orange => 0xFF_EC_CB,
        Color::Yellow => 0xFF_F6_D8,
        Color::Green => 0xE6_F6_C0,
        Color::Teal => 0xDC_F8_EE,
        Color::Blue => 0xDC_EF_FF,
        Color::Purple => 0xF0_E0_FF,
        Color::Pink => 0xFF_E6_EE,
        Color::Brown => 0xF0_D9_B8,
        Color::White => 0xFF_DF_D6,
        Color::Grey => 0xE4_E7_EC,
        Color::Black => 0xB4_B4_C6,
    })
}

/// What a body fades to when its pattern is a gradient.
pub fn faded(color: Color) -> Rgb {
    Rgb::hex(match color {
        Color::Red => 0xF7_A1_4A,
        Color::Orange => 0xF9_D9_55,
        Color::Yellow => 0xFF_9E_6E,
        Color::Green => 0x3C_B8_B4,
        Color::Teal => 0x4C_7D_E0,
        Color::Blue => 0x9A_6C_E6,
        Color::Purple => 0xF0_7F_BE,
        Color::Pink => 0xB0_8C_F2,
        Color::Brown => 0xE0_A8_66,
        Color::White => 0xA9_CC_F5,
        Color::Grey => 0x5F_66_8C,
        Color::Black => 0x6A_4F_A0,
    })
}

/// The colours of things worn and held.
pub fn dye(tint: Tint) -> Rgb {
    Rgb::hex(match tint {
        Tint::None => 0xFF_FF_FF,
        Tint::Red => 0xDE_3B_3F,
        Tint::Orange => 0xF5_8A_22,
        Tint::Yellow => 0xFF_D6_3D,
        Tint::Green => 0x4F_B0_45,
        Tint::Blue => 0x36_74_E0,
        Tint::Purple => 0x86_50_D2,
        Tint::Pink => 0xFF_86_B6,
        Tint::White => 0xFA_F8_F4,
        Tint::Black => 0x38_38_46,
        Tint::Gold => 0xF8_C0_3A,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_colours_are_well_apart() {
        for &a in Color::ALL {
            for &b in Color::ALL {
                let apart = body(a).lab().distance(body(b).lab());
                assert!(a == b || apart > 0.1, "{} and {}: {apart}", a.word(), b.word());
            }
        }
    }

    #[test]
    fn lab_leads_back() {
        for color in [Rgb(0, 0, 0), Rgb(255, 255, 255), Rgb(12, 200, 90), Rgb(226, 68, 64)] {
            assert_eq!(color.lab().rgb(), color);
        }
    }
}
