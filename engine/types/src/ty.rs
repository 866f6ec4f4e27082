//! The name of a type.

use std::borrow::Cow;
use std::fmt;

/// Names of the types every build knows; node families add their own.
pub mod names {
    /// Takes or gives anything.
    pub const ANY: &str = "Any";
    /// [`crate::Image`].
    pub const IMAGE: &str = "Image";
    /// [`crate::Mask`].
    pub const MASK: &str = "Mask";
    /// Yes or no.
    pub const BOOL: &str = "Bool";
    /// A whole number.
    pub const INT: &str = "Int";
    /// A number.
    pub const FLOAT: &str = "Float";
    /// Text.
    pub const TEXT: &str = "Text";
    /// [`crate::Color`].
    pub const COLOR: &str = "Color";
    /// A random seed, 64 bits.
    pub const SEED: &str = "Seed";
    /// Width and height in pixels.
    pub const SIZE: &str = "Size";
    /// A lowest and a highest number.
    pub const RANGE: &str = "Range";
    /// Points of a curve.
    pub const CURVE: &str = "Curve";
    /// A file and the hash of what is in it.
    pub const FILE: &str = "File";
    /// [`crate::Embedding`].
    pub const EMBEDDING: &str = "Embedding";
}

/// A port's type: a name, and whether it is a list of such values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type {
    /// The element's type name.
    pub name: Cow<'static, str>,
    /// Whether the port carries a list of them.
    pub list: bool,
}

impl Type {
    /// A single value of the named type.
    #[must_use]
    pub const fn one(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), list: false }
    }

    /// A list of values of the named type.
    #[must_use]
    pub const fn list(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), list: true }
    }

    /// Reads `Image` or `List<Image>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, list) = match text.strip_prefix("List<").and_then(|t| t.strip_suffix('>')) {
            Some(inner) => (inner.trim(), true),
            None => (text, false),
        };
        let ok = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_:-. ".contains(c));
        ok.then(|| Self { name: Cow::Owned(name.to_owned()), list })
    }

    /// The same type as a list.
    #[must_use]
    pub fn as_list(&self) -> Self {
        Self { name: self.name.clone(), list: true }
    }

    /// The type of one element.
    #[must_use]
    pub fn element(&self) -> Self {
        Self { name: self.name.clone(), list: false }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list { write!(f, "List<{}>", self.name) } else { f.write_str(&self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for ty in [Type::one("Image"), Type::list("Image")] {
            assert_eq!(Type::parse(&ty.to_string()), Some(ty));
        }
        assert_eq!(Type::parse("List<>"), None);
        assert_eq!(Type::parse("a<b"), None);
    }
}
