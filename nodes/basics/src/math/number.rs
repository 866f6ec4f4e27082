//! Numbers with Python's rules: whole ones stay whole, until a division or a decimal joins them.

use super::MAX_EXPONENT;
use std::cmp::Ordering;

/// A number of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Yes or no; counts as 1 or 0.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with decimals.
    Float(f64),
}

/// Two numbers side by side, both whole or both with decimals.
enum Pair {
    Ints(i128, i128),
    Floats(f64, f64),
}

/// A result, or what is wrong in words.
pub(crate) type Outcome = Result<Number, String>;

fn too_large() -> String {
    "the number becomes too large".to_owned()
}

fn by_zero() -> String {
    "division by zero".to_owned()
}

impl Number {
    /// As a number with decimals.
    pub(crate) fn float(self) -> f64 {
        match self {
            Self::Bool(v) => f64::from(u8::from(v)),
            Self::Int(v) => v as f64,
            Self::Float(v) => v,
        }
    }

    /// Without its decimals.
    pub(crate) fn to_i64(self) -> Result<i64, String> {
        match self.trunc()? {
            Self::Int(v) => {
                i64::try_from(v).map_err(|_| format!("{v} does not fit into a whole number of 64 bits"))
            }
            _ => Err(too_large()),
        }
    }

    /// Whether it is anything but 0.
    pub(crate) fn truth(self) -> bool {
        match self {
            Self::Bool(v) => v,
            Self::Int(v) => v != 0,
            Self::Float(v) => v != 0.0,
        }
    }

    /// A yes or no as 1 or 0.
    pub(crate) fn plain(self) -> Self {
        match self {
            Self::Bool(v) => Self::Int(i128::from(v)),
            other => other,
        }
    }

    fn pair(self, other: Self) -> Pair {
        match (self.plain(), other.plain()) {
            (Self::Int(a), Self::Int(b)) => Pair::Ints(a, b),
            (a, b) => Pair::Floats(a.float(), b.float()),
        }
    }

    pub(crate) fn add(self, other: Self) -> Outcome {
        match self.pair(other) {
            Pair::Ints(a, b) => a.checked_add(b).map(Self::Int).ok_or_else(too_large),
            Pair::Floats(a, b) => Ok(Self::Float(a + b)),
        }
    }

    pub(crate) fn sub(self, other: Self) -> Outcome {
        match self.pair(other) {
            Pair::Ints(a, b) => a.checked_sub(b).map(Self::Int).ok_or_else(too_large),
            Pair::Floats(a, b) => Ok(Self::Float(a - b)),
        }
    }

    pub(crate) fn mul(self, other: Self) -> Outcome {
        match self.pair(other) {
            Pair::Ints(a, b) => a.checked_mul(b).map(Self::Int).ok_or_else(too_large),
            Pair::Floats(a, b) => Ok(Self::Float(a * b)),
        }
    }

    pub(crate) fn div(self, other: Self) -> Outcome {
        if !other.truth() {
            return Err(by_zero());
        }
        Ok(Self::Float(self.float() / other.float()))
    }

    /// Rounded down.
    pub(crate) fn floor_div(self, other: Self) -> Outcome {
        if !other.truth() {
            return Err(by_zero());
        }
        match self.pair(other) {
            Pair::Ints(a, b) => {
                let q = a.checked_div(b).ok_or_else(too_large)?;
                Ok(Self::Int(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }))
            }
            Pair::Floats(a, b) => Ok(Self::Float(float_divmod(a, b).0)),
        }
    }

    /// What is left, with the sign of the divisor.
    pub(crate) fn rem(self, other: Self) -> Outcome {
        if !other.truth() {
            return Err(by_zero());
        }
        match self.pair(other) {
            Pair::Ints(a, b) => {
                let r = a.checked_rem(b).unwrap_or(0);
                Ok(Self::Int(if r != 0 && (r < 0) != (b < 0) { r + b } else { r }))
            }
            Pair::Floats(a, b) => Ok(Self::Float(float_divmod(a, b).1)),
        }
    }

    pub(crate) fn pow(self, other: Self) -> Outcome {
        if other.float().abs() > MAX_EXPONENT {
            return Err(format!("the exponent is beyond {MAX_EXPONENT}"));
        }
        if let Pair::Ints(a, b) = self.pair(other)
            && let Ok(b) = u32::try_from(b)
        {
            return a.checked_pow(b).map(Self::Int).ok_or_else(too_large);
        }
        let (a, b) = (self.float(), other.float());
        if a == 0.0 && b < 0.0 {
            return Err(format!("{} (0 to a negative power)", by_zero()));
        }
        if a < 0.0 && b != libm::trunc(b) && a.is_finite() {
            return Err("a negative number has no real power with decimals".to_owned());
        }
        finite(libm::pow(a, b), &[a, b])
    }

    pub(crate) fn neg(self) -> Outcome {
        match self.plain() {
            Self::Int(v) => v.checked_neg().map(Self::Int).ok_or_else(too_large),
            other => Ok(Self::Float(-other.float())),
        }
    }

    pub(crate) fn abs(self) -> Outcome {
        match self.plain() {
            Self::Int(v) => v.checked_abs().map(Self::Int).ok_or_else(too_large),
            other => Ok(Self::Float(other.float().abs())),
        }
    }

    /// How two numbers compare; `None` with a NaN.
    pub(crate) fn order(self, other: Self) -> Option<Ordering> {
        match self.pair(other) {
            Pair::Ints(a, b) => Some(a.cmp(&b)),
            Pair::Floats(a, b) => a.partial_cmp(&b),
        }
    }

    /// Whole, by a way of rounding.
    pub(crate) fn rounded(self, how: fn(f64) -> f64) -> Outcome {
        match self.plain() {
            Self::Int(v) => Ok(Self::Int(v)),
            other => whole(how(other.float())),
        }
    }

    pub(crate) fn trunc(self) -> Outcome {
        self.rounded(libm::trunc)
    }

    /// To so many decimals, halves to even; a negative number of decimals rounds tens, hundreds …
    pub(crate) fn round_to(self, decimals: i128) -> Outcome {
        match (self.plain(), decimals) {
            (Self::Int(v), 0..) => Ok(Self::Int(v)),
            (Self::Int(v), _) => {
                let Some(unit) = u32::try_from(-decimals).ok().and_then(|d| 10i128.checked_pow(d)) else {
                    return Ok(Self::Int(0));
                };
                let (down, left) = (v.div_euclid(unit), v.rem_euclid(unit));
                let up = left > unit / 2 || (left == unit / 2 && down % 2 != 0);
                (down + i128::from(up)).checked_mul(unit).map(Self::Int).ok_or_else(too_large)
            }
            (other, 0..) => {
                let v = other.float();
                // Further decimals than a float has change nothing.
                let Some(places) = usize::try_from(decimals).ok().filter(|d| *d <= 323) else {
                    return Ok(Self::Float(v));
                };
                // The exact decimal value is rounded, as Python does it.
                Ok(Self::Float(if v.is_finite() { format!("{v:.places$}").parse().unwrap_or(v) } else { v }))
            }
            (other, _) => {
                let v = other.float();
                let Some(unit) = i32::try_from(-decimals).ok().filter(|d| *d <= 308) else {
                    return Ok(Self::Float(0.0));
                };
                let unit = libm::pow(10.0, f64::from(unit));
                Ok(Self::Float(libm::rint(v / unit) * unit))
            }
        }
    }
}

/// A whole number from a rounded float.
fn whole(v: f64) -> Outcome {
    if v.is_nan() {
        return Err("a NaN has no whole number near it".to_owned());
    }
    if v.abs() < 1.7e38 { Ok(Number::Int(v as i128)) } else { Err(too_large()) }
}

/// A float, unless it ran out of range although what went in was finite.
pub(crate) fn finite(v: f64, from: &[f64]) -> Outcome {
    if v.is_infinite() && from.iter().all(|f| f.is_finite()) {
        Err(too_large())
    } else {
        Ok(Number::Float(v))
    }
}

/// CPython's `float_divmod`.
fn float_divmod(a: f64, b: f64) -> (f64, f64) {
    let mut m = libm::fmod(a, b);
    let mut d = (a - m) / b;
    if m != 0.0 {
        if (b < 0.0) != (m < 0.0) {
            m += b;
            d -= 1.0;
        }
    } else {
        m = libm::copysign(0.0, b);
    }
    let floor = if d != 0.0 {
        let f = libm::floor(d);
        if d - f > 0.5 { f + 1.0 } else { f }
    } else {
        libm::copysign(0.0, a / b)
    };
    (floor, m)
}
