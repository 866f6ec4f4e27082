//! From f32 samples to whole numbers.

/// How a sample between two whole numbers becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest: what was read from an 8-bit file is written back unchanged.
    #[default]
    Round,
    /// Down, as `ComfyUI`'s SaveImage does: `clip(255 * v, 0, 255)` as a byte.
    Truncate,
}

impl Rounding {
    /// The name in graphs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Truncate => "truncate",
        }
    }
    /// The rounding called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Round, Self::Truncate].into_iter().find(|r| r.name() == name)
    }
    fn add(self) -> f32 {
        match self {
            Self::Round => 0.5,
            Self::Truncate => 0.0,
        }
    }
}

/// Samples 0..1 as bytes; what lies outside is clipped, NaN becomes 0.
pub(crate) fn to_u8(samples: &[f32], rounding: Rounding) -> Vec<u8> {
    let add = rounding.add();
    // `as` saturates and turns NaN into 0, so no branch is needed.
    samples.iter().map(|v| ((v * 255.0).clamp(0.0, 255.0) + add) as u8).collect()
}

/// Samples 0..1 as 16-bit numbers.
pub(crate) fn to_u16(samples: &[f32], rounding: Rounding) -> Vec<u16> {
    let add = rounding.add();
    samples.iter().map(|v| ((v * 65535.0).clamp(0.0, 65535.0) + add) as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_comes_back() {
        let bytes: Vec<f32> = (0..256).map(|v| v as f32 / 255.0).collect();
        assert!(to_u8(&bytes, Rounding::Round).iter().enumerate().all(|(i, v)| i == usize::from(*v)));
        let words: Vec<f32> = (0..65536).map(|v| v as f32 / 65535.0).collect();
        assert!(to_u16(&words, Rounding::Round).iter().enumerate().all(|(i, v)| i == usize::from(*v)));
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 2.0, 0.999];
        assert_eq!(to_u8(&odd, Rounding::Round), [0, 255, 0, 0, 255, 255]);
        assert_eq!(to_u8(&odd, Rounding::Truncate), [0, 255, 0, 0, 255, 254]);
    }
}
