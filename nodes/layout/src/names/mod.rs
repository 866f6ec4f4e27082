//! How the original layout, diffusers and transformers call the same weight.

pub mod text;
pub mod unet;
pub mod vae;

use std::collections::BTreeSet;

/// Names in order, so that what lies below a prefix is found without looking at all of them.
pub(crate) struct NameSet<'a>(BTreeSet<&'a str>);

impl<'a> NameSet<'a> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Does any name begin like this?
    pub(crate) fn any(&self, start: &str) -> bool {
        self.0.range(start..).next().is_some_and(|name| name.starts_with(start))
    }
}

/// The other side of a pair of names: `old` at the start of `name`, up to a dot, becomes `new`.
pub(crate) fn renamed<'a>(name: &str, mut pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    pairs.find_map(|(old, new)| {
        let rest = name.strip_prefix(old)?;
        rest.starts_with('.').then(|| format!("{new}{rest}"))
    })
}
