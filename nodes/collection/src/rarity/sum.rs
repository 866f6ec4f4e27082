//! Sums that do not depend on the order of their terms.

/// Adds numbers, smallest first, with what rounding loses carried along (Neumaier 1974). The terms are put in order
/// first, so that the same terms give the same bits however they come.
pub(crate) fn sum(mut terms: Vec<f64>) -> f64 {
    terms.sort_by(|a, b| a.abs().total_cmp(&b.abs()).then(a.total_cmp(b)));
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for term in terms {
        let next = sum + term;
        lost += if sum.abs() >= term.abs() { (sum - next) + term } else { (term - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_order_does_not_matter() {
        assert_eq!(sum(vec![1.0, 1e100, 1.0, -1e100]).to_bits(), 2.0f64.to_bits());
        let tenths = vec![0.1; 10];
        assert_eq!(sum(tenths).to_bits(), 1.0f64.to_bits());
        let mut terms: Vec<f64> = (1..100).map(|n| 1.0 / f64::from(n)).collect();
        let forward = sum(terms.clone());
        terms.reverse();
        assert_eq!(sum(terms).to_bits(), forward.to_bits());
    }
}
