//! Weights become whole numbers of items: the largest remainder.
//!
//! Each value first gets the whole part of its share; what is left over goes to the largest fractions, the earlier
//! value first where they are alike. So a value is never off by as much as one item, which drawing each item on its own
//! cannot promise.

use crate::plan::{Group, Plan, Share};

/// For each group and slot, how many items it should have.
pub(crate) fn quotas(plan: &Plan) -> Vec<Vec<u64>> {
    plan.groups.iter().map(|group| group_quotas(group, plan.size)).collect()
}

/// How many items each slot of a group should have, the slot for "none" last.
pub(crate) fn group_quotas(group: &Group, size: u64) -> Vec<u64> {
    let shares: Vec<Share> =
        group.values.iter().map(crate::plan::TraitValue::share).chain(group.nothing()).collect();
    let exact: u64 =
        shares.iter().map(|s| if let Share::Exactly(n) = s { *n } else { 0 }).fold(0, u64::saturating_add);
    let rest = size.saturating_sub(exact);
    let percents: f64 = shares.iter().map(|s| if let Share::Percent(p) = s { *p } else { 0.0 }).sum();
    // Weights are scaled by the largest, so that no sum overflows.
    let largest =
        shares.iter().fold(0.0, |most: f64, s| if let Share::Weight(w) = s { most.max(*w) } else { most });
    let scaled = |w: f64| if largest > 0.0 { w / largest } else { 0.0 };
    let weights: f64 = shares.iter().map(|s| if let Share::Weight(w) = s { scaled(*w) } else { 0.0 }).sum();
    // Percentages are of all items. Where they do not fit beside exact counts, or nothing else shares the rest with
    // them, they are stretched to it.
    let wanted = percents / 100.0 * size as f64;
    let stretch =
        if wanted > 0.0 && (wanted > rest as f64 || weights <= 0.0) { rest as f64 / wanted } else { 1.0 };
    let for_weights = (rest as f64 - wanted * stretch).max(0.0);
    let real: Vec<f64> = shares
        .iter()
        .map(|share| match share {
            Share::Exactly(_) => 0.0,
            Share::Percent(percent) => percent / 100.0 * size as f64 * stretch,
            Share::Weight(weight) if weights > 0.0 => scaled(*weight) / weights * for_weights,
            Share::Weight(_) => 0.0,
        })
        .collect();
    let mut quotas = largest_remainder(&real, rest);
    for (quota, share) in quotas.iter_mut().zip(&shares) {
        if let Share::Exactly(count) = share {
            *quota = *count;
        }
    }
    quotas
}

/// Whole numbers in proportion to `shares` that add up to `total`; where all shares are nought, so are they.
pub(crate) fn largest_remainder(shares: &[f64], total: u64) -> Vec<u64> {
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 {
        return vec![0; shares.len()];
    }
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * total as f64).collect();
    let mut whole: Vec<u64> = exact.iter().map(|x| x.floor() as u64).collect();
    let given: u64 = whole.iter().sum();
    let mut order: Vec<usize> = (0..shares.len()).filter(|at| shares[*at] > 0.0).collect();
    let fraction = |at: usize| exact[at] - exact[at].floor();
    order.sort_by(|a, b| fraction(*b).total_cmp(&fraction(*a)).then(a.cmp(b)));
    // Rounding can give one too many or leave several over.
    let mut left = total.saturating_sub(given);
    let mut over = given.saturating_sub(total);
    for &at in order.iter().cycle().take(order.len() * 2) {
        if left == 0 {
            break;
        }
        whole[at] += 1;
        left -= 1;
    }
    for &at in order.iter().rev() {
        if over > 0 && whole[at] > 0 {
            whole[at] -= 1;
            over -= 1;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Nothing, TraitValue};
    use proptest::prelude::*;

    #[test]
    fn remainders_go_to_the_largest_fractions() {
        assert_eq!(largest_remainder(&[1.0, 1.0, 1.0], 10), [4, 3, 3]);
        assert_eq!(largest_remainder(&[0.416, 0.337, 0.247], 10), [4, 3, 3]);
        assert_eq!(largest_remainder(&[0.0, 0.0], 10), [0, 0]);
        assert_eq!(largest_remainder(&[0.0, 2.0], 10), [0, 10]);
    }

    #[test]
    fn exact_counts_percentages_and_weights_share_the_items() {
        let mut group = Group::new(
            "Hat",
            vec![
                TraitValue::new("Crown").exactly(10),
                TraitValue { percent: Some(25.0), ..TraitValue::new("Cap") },
                TraitValue::new("Beanie").weighing(2.0),
                TraitValue::new("Hood").weighing(1.0),
            ],
        );
        assert_eq!(group_quotas(&group, 100), [10, 25, 43, 22]);
        group.chance = Some(0.9);
        assert_eq!(group_quotas(&group, 100), [10, 25, 37, 18, 10]);
        group.chance = None;
        group.none = Some(Nothing { weight: Some(1e308), ..Nothing::default() });
        group.values[3].weight = Some(1e308);
        assert_eq!(group_quotas(&group, 100), [10, 25, 0, 33, 32]);
    }

    proptest! {
        #[test]
        fn the_total_is_met_and_nobody_is_off_by_one(
            shares in prop::collection::vec(0.0f64..100.0, 1..40), total in 0u64..100_000,
        ) {
            let whole = largest_remainder(&shares, total);
            let sum: f64 = shares.iter().sum();
            if sum > 0.0 {
                prop_assert_eq!(whole.iter().sum::<u64>(), total);
                for (whole, share) in whole.iter().zip(&shares) {
                    prop_assert!((*whole as f64 - share / sum * total as f64).abs() < 1.0 + 1e-6);
                }
            }
        }
    }
}
