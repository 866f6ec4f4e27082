//! Automatic layout: columns from left to right along the wires, rows so that wires cross little.

use super::view::Spot;
use std::collections::{BTreeMap, BTreeSet};

/// A node to be placed: its size, and the nodes (by their place in the list) that feed it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Width and height.
    pub size: (f64, f64),
    /// Who feeds it, in the order of its inputs.
    pub from: Vec<usize>,
}

/// Space between columns and between rows.
const GAPS: (f64, f64) = (72.0, 36.0);
/// How often rows are sorted anew.
const SWEEPS: usize = 8;

/// A place for each node. The same graph gives the same layout; cycles do no harm.
#[must_use]
pub fn arrange(items: &[Item]) -> Vec<Spot> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        for from in item.from.iter().filter(|f| **f < items.len()) {
            readers[*from].push(at);
        }
    }
    let parts = parts(items, &readers);
    let mut spots = vec![Spot::default(); items.len()];
    let mut top = 0.0;
    for part in parts {
        let (height, placed) = place(items, &readers, &part);
        for (at, spot) in placed {
            spots[at] = Spot::new(spot.x, spot.y + top);
        }
        top += height + GAPS.1 * 2.0;
    }
    spots
}

/// Nodes that hang together, each set in the order of the list, larger ones first.
fn parts(items: &[Item], readers: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; items.len()];
    let mut all: Vec<Vec<usize>> = Vec::new();
    for start in 0..items.len() {
        if seen[start] {
            continue;
        }
        let (mut part, mut todo) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(at) = todo.pop() {
            part.push(at);
            let near = items[at].from.iter().chain(&readers[at]);
            for next in near.copied().filter(|n| *n < items.len()) {
                if !std::mem::replace(&mut seen[next], true) {
                    todo.push(next);
                }
            }
        }
        part.sort_unstable();
        all.push(part);
    }
    all.sort_by_key(|part| std::cmp::Reverse(part.len()));
    all
}

fn place(items: &[Item], readers: &[Vec<usize>], part: &[usize]) -> (f64, Vec<(usize, Spot)>) {
    let column = columns(items, readers, part);
    let count = column.values().max().map_or(0, |c| c + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for at in part {
        rows[column[at]].push(*at);
    }
    let mut row_of: BTreeMap<usize, f64> = BTreeMap::new();
    let number = |rows: &[Vec<usize>], row_of: &mut BTreeMap<usize, f64>| {
        for row in rows {
            for (n, at) in row.iter().enumerate() {
                row_of.insert(*at, n as f64);
            }
        }
    };
    number(&rows, &mut row_of);
    for sweep in 0..SWEEPS {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (1..count).collect() } else { (0..count.saturating_sub(1)).rev().collect() };
        for c in order {
            let mut keyed: Vec<(f64, usize)> = rows[c]
                .iter()
                .map(|at| {
                    let near: Vec<f64> = if sweep % 2 == 0 {
                        // Where a wire ends among the inputs counts a little, so that wires do not cross at a node.
                        items[*at].from.iter().filter_map(|f| row_of.get(f).copied()).collect()
                    } else {
                        readers[*at]
                            .iter()
                            .filter_map(|r| {
                                let slot = items[*r].from.iter().position(|f| f == at).unwrap_or(0);
                                Some(row_of.get(r)? + 0.01 * slot as f64)
                            })
                            .collect()
                    };
                    let own = row_of.get(at).copied().unwrap_or(0.0);
                    let mean =
                        if near.is_empty() { own } else { near.iter().sum::<f64>() / near.len() as f64 };
                    (mean, *at)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[c] = keyed.into_iter().map(|(_, at)| at).collect();
            for (n, at) in rows[c].iter().enumerate() {
                row_of.insert(*at, n as f64);
            }
        }
    }
    let mut x = 0.0;
    let heights: Vec<f64> = rows
        .iter()
        .map(|row| row.iter().map(|at| items[*at].size.1 + GAPS.1).sum::<f64>() - GAPS.1)
        .collect();
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let mut spots: BTreeMap<usize, Spot> = BTreeMap::new();
    for (row, height) in rows.iter().zip(&heights) {
        let mut y = (tallest - height) / 2.0;
        for at in row {
            spots.insert(*at, Spot::new(x, y.round()));
            y += items[*at].size.1 + GAPS.1;
        }
        x += row.iter().map(|at| items[*at].size.0).fold(0.0, f64::max) + GAPS.0;
    }
    let top = spots.values().map(|s| s.y).fold(f64::INFINITY, f64::min);
    let top = if top.is_finite() { top } else { 0.0 };
    (tallest, spots.into_iter().map(|(at, s)| (at, Spot::new(s.x, s.y - top))).collect())
}

/// The column of each node: behind everybody who feeds it, and, for sources, right before who reads them.
fn columns(items: &[Item], readers: &[Vec<usize>], part: &[usize]) -> BTreeMap<usize, usize> {
    let mut open: BTreeMap<usize, usize> =
        part.iter().map(|at| (*at, items[*at].from.iter().filter(|f| **f < items.len()).count())).collect();
    let mut column: BTreeMap<usize, usize> = part.iter().map(|at| (*at, 0)).collect();
    let mut ready: Vec<usize> = part.iter().copied().filter(|at| open[at] == 0).rev().collect();
    let mut left: BTreeSet<usize> = part.iter().copied().collect();
    let mut order = Vec::new();
    while let Some(at) = ready.pop().or_else(|| left.first().copied()) {
        if !left.remove(&at) {
            continue;
        }
        order.push(at);
        for reader in &readers[at] {
            if !left.contains(reader) {
                continue;
            }
            let next = column[&at] + 1;
            let entry = column.entry(*reader).or_default();
            *entry = (*entry).max(next);
            if let Some(n) = open.get_mut(reader) {
                *n = n.saturating_sub(1);
                if *n == 0 {
                    ready.push(*reader);
                }
            }
        }
    }
    for at in order.iter().rev().filter(|at| items[**at].from.is_empty()) {
        let near = readers[*at].iter().filter_map(|r| column.get(r)).min().copied();
        if let Some(near) = near.filter(|n| *n > 0) {
            column.insert(*at, near - 1);
        }
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wires_lead_to_the_right_and_nothing_overlaps() {
        let item = |from: &[usize]| Item { size: (200.0, 100.0), from: from.to_vec() };
        let items = [item(&[]), item(&[0]), item(&[0, 1]), item(&[2]), item(&[]), item(&[4, 2]), item(&[])];
        let spots = arrange(&items);
        for (at, one) in items.iter().enumerate() {
            for from in &one.from {
                assert!(spots[*from].x + 200.0 < spots[at].x, "{from} -> {at}: {spots:?}");
            }
            for other in 0..at {
                let apart = (spots[at].x - spots[other].x).abs() >= 200.0
                    || (spots[at].y - spots[other].y).abs() >= 100.0;
                assert!(apart, "{other} and {at} overlap: {spots:?}");
            }
        }
    }

    #[test]
    fn a_cycle_does_no_harm() {
        let items =
            [Item { size: (10.0, 10.0), from: vec![1] }, Item { size: (10.0, 10.0), from: vec![0, 9] }];
        assert_eq!(arrange(&items).len(), 2);
    }
}
