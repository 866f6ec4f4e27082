//! A colour: sRGB-coded red, green, blue and straight alpha, each 0..1.

use std::fmt;

/// An sRGB-coded colour with straight alpha.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color {
    /// Red, 0..1.
    pub r: f32,
    /// Green, 0..1.
    pub g: f32,
    /// Blue, 0..1.
    pub b: f32,
    /// Straight alpha, 1 = opaque.
    pub a: f32,
}

/// Why a text is not a colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColorError(String);

impl fmt::Display for ColorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a colour; write \"#rgb\", \"#rrggbb\" or \"#rrggbbaa\"", self.0)
    }
}

impl std::error::Error for ColorError {}

impl Color {
    /// Opaque black.
    pub const BLACK: Self = Self::rgb8(0, 0, 0);
    /// Opaque white.
    pub const WHITE: Self = Self::rgb8(255, 255, 255);

    /// An opaque colour from bytes.
    #[must_use]
    pub const fn rgb8(r: u8, g: u8, b: u8) -> Self {
        Self::rgba8([r, g, b, 255])
    }

    /// A colour from bytes in the order red, green, blue, alpha.
    #[must_use]
    pub const fn rgba8(v: [u8; 4]) -> Self {
        Self {
            r: v[0] as f32 / 255.0,
            g: v[1] as f32 / 255.0,
            b: v[2] as f32 / 255.0,
            a: v[3] as f32 / 255.0,
        }
    }

    /// The nearest bytes, red, green, blue, alpha.
    #[must_use]
    pub fn to_rgba8(self) -> [u8; 4] {
        [self.r, self.g, self.b, self.a].map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
    }

    /// Reads `#rgb`, `#rgba`, `#rrggbb` or `#rrggbbaa`.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse(text: &str) -> Result<Self, ColorError> {
        let bad = || ColorError(text.chars().take(40).collect());
        let hex = text.trim().strip_prefix('#').ok_or_else(bad)?;
        let digits: Vec<u8> = hex
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or_else(bad)?;
        let bytes: Vec<u8> = match digits.len() {
            3 | 4 => digits.iter().map(|d| d * 17).collect(),
            6 | 8 => digits.chunks_exact(2).map(|p| p[0] * 16 + p[1]).collect(),
            _ => return Err(bad()),
        };
        Ok(Self::rgba8([bytes[0], bytes[1], bytes[2], bytes.get(3).copied().unwrap_or(255)]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b, a] = self.to_rgba8();
        write!(f, "#{r:02x}{g:02x}{b:02x}")?;
        if a != 255 {
            write!(f, "{a:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_forms_agree() {
        assert_eq!(Color::parse("#fff"), Ok(Color::WHITE));
        assert_eq!(Color::parse("#102030").map(|c| c.to_string()).as_deref(), Ok("#102030"));
        assert_eq!(Color::parse("#10203040").map(|c| c.to_string()).as_deref(), Ok("#10203040"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "#", "fff", "#ggg", "#12345", "#é12", "##fff"] {
            assert!(Color::parse(text).is_err(), "{text}");
        }
    }
}
