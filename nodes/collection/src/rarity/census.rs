//! Every trait of a collection, counted.

use super::rank::{Ranked, rank_open, ranks};
use super::{Measure, sum::sum};
use crate::assign::Assignment;
use crate::plan::Plan;
use indexmap::IndexMap;

/// The name of the trait "how many traits", as OpenRarity has it.
pub const TRAIT_COUNT: &str = "meta_trait:trait_count";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the number of traits is a trait itself. OpenRarity has it so.
    pub trait_count: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { trait_count: true }
    }
}

/// A collection's traits and how many items have each.
#[derive(Debug, Clone)]
pub struct Census {
    size: usize,
    groups: Vec<Counted>,
}

#[derive(Debug, Clone)]
struct Counted {
    name: String,
    names: Vec<String>,
    /// How many items have each value; the last is "none".
    counts: Vec<u64>,
    /// Each item's value, or the number of values for none.
    column: Vec<u32>,
}

/// A group while it is counted: how many items have each value, and which item has which.
#[derive(Default)]
struct Tally {
    values: IndexMap<String, u64>,
    cells: Vec<(u32, u32)>,
}

impl Census {
    /// Counts a collection: for each item its traits as pairs of group and value.
    #[must_use]
    pub fn new<'a, I, T>(items: I, options: Options) -> Self
    where
        I: IntoIterator<Item = T>,
        T: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut groups: IndexMap<String, Tally> = IndexMap::new();
        let mut size: u32 = 0;
        for item in items {
            // One value for each group, the last that is named, as in a JSON object.
            let mut own: IndexMap<String, String> = IndexMap::new();
            for (group, value) in item {
                own.insert(plain(group), plain(value));
            }
            if options.trait_count {
                // An item that says itself how many traits it has does not count that one.
                let said = |(name, value): &(&String, &String)| {
                    *name != TRAIT_COUNT && !matches!(value.as_str(), "none" | "")
                };
                let count = own.iter().filter(said).count();
                own.insert(TRAIT_COUNT.to_owned(), count.to_string());
            }
            for (group, value) in own {
                let tally = groups.entry(group).or_default();
                let entry = tally.values.entry(value);
                let number = u32::try_from(entry.index()).unwrap_or(u32::MAX);
                *entry.or_default() += 1;
                tally.cells.push((size, number));
            }
            size += 1;
        }
        let counted = |(name, tally): (String, Tally)| {
            let Tally { values, cells } = tally;
            let none = u32::try_from(values.len()).unwrap_or(u32::MAX);
            let mut column = vec![none; size as usize];
            cells.into_iter().for_each(|(item, value)| column[item as usize] = value);
            let (names, mut counts): (Vec<String>, Vec<u64>) = values.into_iter().unzip();
            counts.push(u64::from(size) - counts.iter().sum::<u64>());
            Counted { name, names, counts, column }
        };
        Self { size: size as usize, groups: groups.into_iter().map(counted).collect() }
    }

    /// Counts an assignment of a plan, by the names that collectors see.
    #[must_use]
    pub fn of(plan: &Plan, assignment: &Assignment, options: Options) -> Self {
        let item = |item: usize| {
            let values = assignment.item(item).into_iter();
            plan.groups
                .iter()
                .zip(values)
                .filter_map(|(group, value)| Some((group.shown(), group.values.get(value?)?.shown())))
        };
        Self::new((0..assignment.len()).map(item), options)
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The groups by name, each with its values and how many items have them; the last, `None`, counts items without.
    pub fn groups(&self) -> impl Iterator<Item = (&str, Vec<(Option<&str>, u64)>)> {
        self.groups.iter().map(|group| {
            let names = group.names.iter().map(|name| Some(name.as_str())).chain([None]);
            (group.name.as_str(), names.zip(group.counts.iter().copied()).collect())
        })
    }

    /// How many items share each of an item's values, group by group, "none" included.
    fn shared(&self, item: usize) -> impl Iterator<Item = u64> + '_ {
        self.groups.iter().map(move |group| group.counts[group.column[item] as usize])
    }

    /// How many of an item's traits no other item has. Having none of a group is no trait here.
    #[must_use]
    pub fn unique(&self, item: usize) -> u64 {
        let own = |group: &&Counted| {
            group.column.get(item).is_some_and(|value| {
                (*value as usize) < group.names.len() && group.counts[*value as usize] == 1
            })
        };
        self.groups.iter().filter(own).count() as u64
    }

    /// The collection's entropy in bits: what an item's traits tell on average.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let size = self.size as f64;
        let counts = self.groups.iter().flat_map(|group| &group.counts).filter(|count| **count > 0);
        sum(counts.map(|count| *count as f64 / size * libm::log2(size / *count as f64)).collect())
    }

    /// The information in an item's traits, in bits.
    #[must_use]
    pub fn information(&self, item: usize) -> f64 {
        if item >= self.size {
            return 0.0;
        }
        sum(self.shared(item).map(|count| libm::log2(self.size as f64 / count as f64)).collect())
    }

    /// Each item's score by one measure.
    #[must_use]
    pub fn scores(&self, measure: Measure) -> Vec<f64> {
        let size = self.size as f64;
        // A collection that tells nothing (one item, or all alike) is not divided by nought.
        let entropy = if measure == Measure::Open { Some(self.entropy()).filter(|e| *e > 0.0) } else { None };
        let score = |item: usize| {
            let shares = || self.shared(item).map(|count| count as f64 / size);
            match measure {
                Measure::Open => self.information(item) / entropy.unwrap_or(1.0),
                Measure::Score => sum(self.shared(item).map(|count| size / count as f64).collect()),
                Measure::StatisticalBits => self.information(item),
                Measure::Statistical => {
                    // In an order of its own, so that rounding is the same however traits come.
                    let mut shares: Vec<f64> = shares().collect();
                    shares.sort_by(f64::total_cmp);
                    shares.iter().product()
                }
                Measure::Average => {
                    let shares: Vec<f64> = shares().collect();
                    let count = shares.len().max(1) as f64;
                    sum(shares) / count
                }
            }
        };
        (0..self.size).map(score).collect()
    }

    /// OpenRarity's ranking: the rarest item first.
    #[must_use]
    pub fn open_rarity(&self) -> Vec<Ranked> {
        let unique: Vec<u64> = (0..self.size).map(|item| self.unique(item)).collect();
        rank_open(&self.scores(Measure::Open), &unique)
    }

    /// Each item's rank by one measure, from 1; items whose scores are equal but for rounding share one. By
    /// [`Measure::Open`] that is OpenRarity's rank.
    #[must_use]
    pub fn ranks(&self, measure: Measure) -> Vec<u64> {
        if measure == Measure::Open {
            let mut all = vec![0; self.size];
            self.open_rarity().iter().for_each(|ranked| all[ranked.item] = ranked.rank);
            return all;
        }
        ranks(&self.scores(measure), measure.order())
    }
}

/// A name or value as it is compared.
fn plain(text: &str) -> String {
    text.to_lowercase().trim().to_owned()
}
