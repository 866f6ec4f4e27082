//! Ranks from scores, shared where scores are equal but for rounding.

/// Which end of a scale is rare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The highest score has rank 1.
    HighIsRare,
    /// The lowest score has rank 1.
    LowIsRare,
}

/// An item in OpenRarity's ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The item, from 0.
    pub item: usize,
    /// Its rank, from 1; 1, 2, 2, 4 where two share one.
    pub rank: u64,
    /// Its score.
    pub score: f64,
    /// How many of its traits no other item has.
    pub unique: u64,
}

/// Whether two scores count as equal: to nine digits, as Python's `math.isclose` has it.
#[must_use]
pub fn close(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// Each item's rank, from 1: 1, 2, 2, 4 where two share one. An item shares the rank of the one before it if their
/// scores are [`close`].
#[must_use]
pub fn ranks(scores: &[f64], order: Order) -> Vec<u64> {
    let mut items: Vec<usize> = (0..scores.len()).collect();
    items.sort_by(|a, b| match order {
        Order::HighIsRare => scores[*b].total_cmp(&scores[*a]),
        Order::LowIsRare => scores[*a].total_cmp(&scores[*b]),
    });
    let mut all = vec![0; scores.len()];
    for (at, item) in items.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| items[before]);
        all[*item] = match before {
            Some(before) if close(scores[*item], scores[before]) => all[before],
            _ => at as u64 + 1,
        };
    }
    all
}

/// OpenRarity's ranking: more unique traits first, then higher scores, then the earlier item. The rank is shared with
/// the item before if the *scores* are close, whatever the unique traits: so the reference has it.
pub(super) fn rank_open(scores: &[f64], unique: &[u64]) -> Vec<Ranked> {
    let mut items: Vec<usize> = (0..scores.len()).collect();
    items.sort_by(|a, b| unique[*b].cmp(&unique[*a]).then(scores[*b].total_cmp(&scores[*a])));
    let mut ranked: Vec<Ranked> = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let score = scores[item];
        let rank = match ranked.last() {
            Some(before) if close(score, before.score) => before.rank,
            _ => at as u64 + 1,
        };
        ranked.push(Ranked { item, rank, score, unique: unique[item] });
    }
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_share_a_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0 + 1e-12, 5.0], Order::HighIsRare), [2, 4, 2, 1]);
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 5.0], Order::LowIsRare), [2, 1, 2, 4]);
        assert_eq!(ranks(&[], Order::LowIsRare), Vec::<u64>::new());
        assert!(close(0.0, 0.0) && !close(0.0, 1e-30) && close(f64::INFINITY, f64::INFINITY));
    }
}
