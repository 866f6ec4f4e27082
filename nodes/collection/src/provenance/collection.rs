//! The collection's provenance hash, as collectors know it.

use super::Digest;
use sha2::{Digest as _, Sha256};

/// Adds up the provenance of a collection, item after item in token order.
///
/// The provenance hash is SHA-256 over the text that the items' SHA-256 digests make when they are written as small
/// hexadecimal digits and joined without anything between them. Published before minting, it shows afterwards that no
/// picture was changed and none was moved to another number.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    hasher: Sha256,
    items: u64,
}

impl Provenance {
    /// Begins with no items.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next item's digest.
    pub fn push(&mut self, item: Digest) {
        self.hasher.update(item.to_string());
        self.items += 1;
    }

    /// How many items were added.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The provenance hash.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest(self.hasher.clone().finalize().into())
    }

    /// The provenance hash of a list of digests.
    #[must_use]
    pub fn of(items: &[Digest]) -> Digest {
        let mut provenance = Self::new();
        items.iter().for_each(|item| provenance.push(*item));
        provenance.hash()
    }

    /// The text that is hashed, for those who publish it as well.
    #[must_use]
    pub fn text(items: &[Digest]) -> String {
        items.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_joined_text() {
        let items: Vec<Digest> = [b"a", b"b", b"c"].iter().map(|b| Digest::sha256(*b)).collect();
        let text = Provenance::text(&items);
        assert!(
            text.starts_with(
                "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb3e23e8160039594a"
            )
        );
        assert_eq!(Provenance::of(&items), Digest::sha256(text.as_bytes()));
        // printf '%s' "$(printf a | sha256sum | cut -c1-64)$(printf b | …)$(printf c | …)" | sha256sum
        assert_eq!(
            Provenance::of(&items).to_string(),
            "e03079b65db69eeb4a8e9895005422a4f62e5be792f53be13988f5b1a294a2ff"
        );
        let swapped = [items[1], items[0], items[2]];
        assert_ne!(Provenance::of(&swapped), Provenance::of(&items));
    }
}
