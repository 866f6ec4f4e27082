//! Sets of small whole numbers.

/// A set of numbers below a fixed bound, a bit each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bits(Box<[u64]>);

/// A set that lies in somebody else's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a [u64]);

impl Bits {
    pub(crate) fn none(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)].into())
    }

    pub(crate) fn all(len: usize) -> Self {
        let mut bits = Self::none(len);
        for at in 0..len {
            bits.insert(at);
        }
        bits
    }

    pub(crate) fn one(len: usize, at: usize) -> Self {
        let mut bits = Self::none(len);
        bits.insert(at);
        bits
    }

    pub(crate) fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(crate) fn remove(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }

    pub(crate) fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// The words, for keeping only what is in them.
    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.view().has(at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// Whether nothing is in both.
    pub(crate) fn misses(&self, other: &Self) -> bool {
        self.view().misses(other)
    }

    /// Whether everything in this is in the other.
    pub(crate) fn within(&self, other: &Self) -> bool {
        self.view().within(other)
    }

    /// What this has and the other has not.
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & !b).collect())
    }

    /// What is in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.view().iter()
    }
}

impl<'a> View<'a> {
    pub(crate) fn has(self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn misses(self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    pub(crate) fn within(self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    pub(crate) fn to_bits(self) -> Bits {
        Bits(self.0.into())
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> + 'a {
        self.0.iter().enumerate().flat_map(|(n, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let at = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(n * 64 + at)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_behave_like_sets() {
        let mut a = Bits::none(130);
        for at in [0, 63, 64, 129] {
            a.insert(at);
        }
        assert_eq!(a.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        let b = Bits::one(130, 64);
        assert!(b.within(&a) && !a.within(&b) && !a.misses(&b));
        assert!(a.without(&b).misses(&b));
        assert_eq!(a.and(&b), b);
        assert_eq!(a.view().to_bits(), a);
        assert_eq!(Bits::all(130).iter().count(), 130);
        assert!(Bits::none(130).is_empty());
    }
}
