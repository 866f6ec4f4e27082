//! How rare an item is, as collectors count it.
//!
//! [`Census`] counts every trait of a collection; from it come, for each item:
//!
//! - **OpenRarity** ([`Census::open_rarity`]): the information in the item's traits, in bits, over the entropy of the
//!   whole collection. Ranked by the number of traits nobody else has, then by score, exactly as the reference
//!   implementation (0.7.5) does.
//! - **Rarity score** ([`Measure::Score`]): the sum of 1/frequency (rarity.tools).
//! - **Statistical rarity** ([`Measure::Statistical`]): the product of the frequencies.
//! - **Average rarity** ([`Measure::Average`]): the mean of the frequencies.
//!
//! A trait that an item does not have counts as a value "none" of its own, with the share of items that lack it.
//! Names and values are compared without regard to capitals and spaces around them. The number of traits is a trait
//! itself where [`Options::trait_count`] says so; OpenRarity always has it.
//!
//! Sums are compensated and taken in an order of their own, so that neither the order of items nor that of traits
//! changes a bit of any score.

mod census;
mod rank;
mod sum;

pub use census::{Census, Options, TRAIT_COUNT};
pub use rank::{Order, Ranked, close, ranks};

/// A way to put a number on rarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Bits of information over the collection's entropy; higher is rarer.
    Open,
    /// The sum of 1/frequency; higher is rarer.
    Score,
    /// The product of the frequencies; lower is rarer. Can be too small for a number in collections of very many
    /// groups: see [`Measure::StatisticalBits`].
    Statistical,
    /// Statistical rarity in bits, `-log2` of the product; higher is rarer.
    StatisticalBits,
    /// The mean of the frequencies; lower is rarer.
    Average,
}

impl Measure {
    /// Which end is rare.
    #[must_use]
    pub fn order(self) -> Order {
        match self {
            Self::Open | Self::Score | Self::StatisticalBits => Order::HighIsRare,
            Self::Statistical | Self::Average => Order::LowIsRare,
        }
    }
}
