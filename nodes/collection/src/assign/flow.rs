//! Lots of items meet kinds of values: which totals are possible, and how many of each lot get each kind.
//!
//! Rows are lots of items, columns are kinds; a cell is open where the lot may have the kind. Totals come from a
//! maximum flow that grows in steps, so that nobody gets more than planned while somebody else could still be served.
//! Cells come from proportional fitting (Deming and Stephan 1940), which keeps groups as independent of each other as
//! the rules allow, and are rounded by another flow, so that totals stay exact.

use super::bits::Bits;

/// What a kind can have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Want {
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) quota: u64,
}

/// How many items of each lot get each kind, totals as near to the quotas as can be. `None` where the least and most
/// cannot be met.
pub(crate) fn share_out(lots: &[(u64, Bits)], wants: &[Want]) -> Option<Vec<Vec<u64>>> {
    if wants.iter().any(|want| want.least > want.most) {
        return None;
    }
    let totals = totals(lots, wants)?;
    if let [(_, _)] = lots {
        return Some(vec![totals]);
    }
    let fitted = fit(lots, &totals);
    // Where fitting has not come close enough, less of it is kept; without any of it the flow alone decides.
    for keep in [1.0, 0.95, 0.5, 0.0] {
        if let Some(cells) = round(lots, &totals, &fitted, keep) {
            return Some(cells);
        }
    }
    None
}

fn totals(lots: &[(u64, Bits)], wants: &[Want]) -> Option<Vec<u64>> {
    let size: u64 = lots.iter().map(|(count, _)| count).sum();
    if let [(_, open)] = lots {
        return totals_of_one(size, open, wants);
    }
    let mut flow = Flow::new(lots.len() + wants.len());
    for (at, (count, open)) in lots.iter().enumerate() {
        flow.source(at, *count);
        open.iter().for_each(|kind| flow.edge(at, lots.len() + kind, u64::MAX / 4));
    }
    let sinks: Vec<usize> =
        wants.iter().enumerate().map(|(at, want)| flow.sink(lots.len() + at, want.least)).collect();
    let least: u64 = wants.iter().map(|want| want.least).fold(0, u64::saturating_add);
    if flow.run() < least {
        return None;
    }
    let mut done = flow.done;
    // From the quota up in ever larger steps: who has to take more than planned takes it in proportion.
    for step in [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0, 5.0, f64::INFINITY] {
        if done == size {
            break;
        }
        for (want, sink) in wants.iter().zip(&sinks) {
            let grown = if step.is_infinite() {
                u64::MAX
            } else {
                want.quota + (want.quota as f64 * step).ceil() as u64
            };
            flow.raise(*sink, grown.clamp(want.least, want.most));
        }
        done = flow.run();
    }
    (done == size).then(|| sinks.iter().map(|sink| flow.through(*sink)).collect())
}

/// The totals where all items are in one lot: no flow is needed, however many kinds there are.
fn totals_of_one(size: u64, open: &Bits, wants: &[Want]) -> Option<Vec<u64>> {
    let mut totals: Vec<u64> = wants
        .iter()
        .enumerate()
        .map(
            |(at, want)| {
                if open.has(at) { want.quota.clamp(want.least, want.most.max(want.least)) } else { 0 }
            },
        )
        .collect();
    if wants.iter().zip(&totals).any(|(want, total)| *total < want.least || *total > want.most) {
        return None;
    }
    let mut sum: u64 = totals.iter().fold(0, |a, b| a.saturating_add(*b));
    // What closed kinds left over, or what was raised to its least, is shared out again.
    while sum != size {
        let more = sum < size;
        let room = |at: usize, total: u64| {
            let want = &wants[at];
            if !open.has(at) {
                0
            } else if more {
                want.most.saturating_sub(total)
            } else {
                total - want.least
            }
        };
        let movable: Vec<f64> = totals
            .iter()
            .enumerate()
            .map(|(at, total)| if room(at, *total) > 0 { wants[at].quota.max(1) as f64 } else { 0.0 })
            .collect();
        let steps = super::quota::largest_remainder(&movable, sum.abs_diff(size));
        let mut moved = 0;
        for (at, step) in steps.into_iter().enumerate() {
            let step = step.min(room(at, totals[at]));
            totals[at] = if more { totals[at] + step } else { totals[at] - step };
            moved += step;
        }
        if moved == 0 {
            return None;
        }
        sum = if more { sum + moved } else { sum - moved };
    }
    Some(totals)
}

/// Real numbers for the open cells with these sums of rows and columns, each cell in proportion to both.
fn fit(lots: &[(u64, Bits)], totals: &[u64]) -> Vec<Vec<f64>> {
    let mut cells: Vec<Vec<f64>> = lots
        .iter()
        .map(|(count, open)| {
            let cell = |at: usize| if open.has(at) { *count as f64 * totals[at] as f64 } else { 0.0 };
            (0..totals.len()).map(cell).collect()
        })
        .collect();
    for _ in 0..200 {
        let mut off = 0.0f64;
        for (row, (count, _)) in cells.iter_mut().zip(lots) {
            let sum: f64 = row.iter().sum();
            if sum > 0.0 {
                let by = *count as f64 / sum;
                row.iter_mut().for_each(|cell| *cell *= by);
            }
        }
        let mut sums = vec![0.0; totals.len()];
        for row in &cells {
            sums.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell);
        }
        let by: Vec<f64> = sums
            .iter()
            .zip(totals)
            .map(|(sum, total)| if *sum > 0.0 { *total as f64 / sum } else { 0.0 })
            .collect();
        for (sum, total) in sums.iter().zip(totals) {
            off = off.max((sum - *total as f64).abs());
        }
        for row in &mut cells {
            row.iter_mut().zip(&by).for_each(|(cell, by)| *cell *= by);
        }
        if off < 1e-6 {
            break;
        }
    }
    cells
}

/// Whole numbers near the fitted ones, with exact sums.
fn round(lots: &[(u64, Bits)], totals: &[u64], fitted: &[Vec<f64>], keep: f64) -> Option<Vec<Vec<u64>>> {
    let mut cells: Vec<Vec<u64>> = fitted
        .iter()
        .map(|row| row.iter().map(|cell| (cell * keep + 1e-9).floor() as u64).collect())
        .collect();
    let mut flow = Flow::new(lots.len() + totals.len());
    let mut missing = 0;
    for (at, (count, _)) in lots.iter().enumerate() {
        let left = count.checked_sub(cells[at].iter().sum())?;
        flow.source(at, left);
        missing += left;
    }
    for (kind, total) in totals.iter().enumerate() {
        let given: u64 = cells.iter().map(|row| row[kind]).sum();
        flow.sink(lots.len() + kind, total.checked_sub(given)?);
    }
    // First one more at most for each cell with a fraction, then whatever is open.
    let mut edges = Vec::new();
    for (at, (_, open)) in lots.iter().enumerate() {
        for kind in open.iter() {
            let whole = fitted[at][kind] * keep;
            let up = u64::from(whole - whole.floor() > 1e-9);
            edges.push((at, kind, flow.edges()));
            flow.edge(at, lots.len() + kind, up);
        }
    }
    if flow.run() < missing {
        edges.iter().for_each(|(_, _, edge)| flow.raise(*edge, u64::MAX / 4));
        if flow.run() < missing {
            return None;
        }
    }
    for (at, kind, edge) in edges {
        cells[at][kind] += flow.through(edge);
    }
    Some(cells)
}

/// A maximum flow (Dinic 1970) that keeps what it has when capacities grow.
struct Flow {
    heads: Vec<Vec<usize>>,
    to: Vec<usize>,
    left: Vec<u64>,
    capacity: Vec<u64>,
    done: u64,
}

impl Flow {
    /// Nodes, and beside them a source and a sink.
    fn new(nodes: usize) -> Self {
        Self {
            heads: vec![Vec::new(); nodes + 2],
            to: Vec::new(),
            left: Vec::new(),
            capacity: Vec::new(),
            done: 0,
        }
    }

    fn edges(&self) -> usize {
        self.to.len()
    }

    fn edge(&mut self, from: usize, to: usize, capacity: u64) {
        self.heads[from].push(self.to.len());
        self.heads[to].push(self.to.len() + 1);
        self.to.extend([to, from]);
        self.left.extend([capacity, 0]);
        self.capacity.extend([capacity, 0]);
    }

    fn source(&mut self, to: usize, capacity: u64) {
        self.edge(self.heads.len() - 2, to, capacity);
    }

    fn sink(&mut self, from: usize, capacity: u64) -> usize {
        let edge = self.edges();
        self.edge(from, self.heads.len() - 1, capacity);
        edge
    }

    /// Gives an edge a larger capacity.
    fn raise(&mut self, edge: usize, capacity: u64) {
        let more = capacity.saturating_sub(self.capacity[edge]);
        self.capacity[edge] += more;
        self.left[edge] += more;
    }

    fn through(&self, edge: usize) -> u64 {
        self.left[edge + 1]
    }

    /// All that flows, with what flowed before.
    fn run(&mut self) -> u64 {
        let (source, sink) = (self.heads.len() - 2, self.heads.len() - 1);
        loop {
            // How far each node is from the source along edges with room.
            let mut level = vec![usize::MAX; self.heads.len()];
            level[source] = 0;
            let mut queue = vec![source];
            let mut at = 0;
            while at < queue.len() {
                let node = queue[at];
                at += 1;
                for &edge in &self.heads[node] {
                    let next = self.to[edge];
                    if self.left[edge] > 0 && level[next] == usize::MAX {
                        level[next] = level[node] + 1;
                        queue.push(next);
                    }
                }
            }
            if level[sink] == usize::MAX {
                return self.done;
            }
            self.block(&level, source, sink);
        }
    }

    /// Fills every shortest path; without recursion, as deep as the graph is.
    fn block(&mut self, level: &[usize], source: usize, sink: usize) {
        let mut next: Vec<usize> = vec![0; self.heads.len()];
        let mut path: Vec<usize> = Vec::new();
        let mut node = source;
        loop {
            if node == sink {
                let room = path.iter().map(|edge| self.left[*edge]).min().unwrap_or(0);
                for &edge in &path {
                    self.left[edge] -= room;
                    self.left[edge ^ 1] += room;
                }
                self.done += room;
                path.clear();
                node = source;
                continue;
            }
            let step = loop {
                let Some(&edge) = self.heads[node].get(next[node]) else { break None };
                let to = self.to[edge];
                if self.left[edge] > 0 && level[to] == level[node] + 1 {
                    break Some(edge);
                }
                next[node] += 1;
            };
            match (step, path.pop()) {
                (Some(edge), before) => {
                    path.extend(before);
                    path.push(edge);
                    node = self.to[edge];
                }
                (None, Some(edge)) => {
                    // A dead end: step back and do not come here again.
                    node = self.to[edge ^ 1];
                    next[node] += 1;
                }
                (None, None) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open(kinds: usize, set: &[usize]) -> Bits {
        let mut bits = Bits::none(kinds);
        set.iter().for_each(|at| bits.insert(*at));
        bits
    }

    #[test]
    fn quotas_are_met_where_they_can_be() {
        // 70 items may have anything, 30 anything but the first.
        let lots = [(70, open(3, &[0, 1, 2])), (30, open(3, &[1, 2]))];
        let want = |quota| Want { least: 0, most: 100, quota };
        let cells = share_out(&lots, &[want(50), want(30), want(20)]).unwrap();
        assert_eq!(cells[0].iter().zip(&cells[1]).map(|(a, b)| a + b).collect::<Vec<_>>(), [50, 30, 20]);
        assert_eq!(cells[1][0], 0);
        // What is left is as independent as can be: 30 and 20 in proportion, in both lots.
        assert_eq!(cells, [vec![50, 12, 8], vec![0, 18, 12]]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let lots = [(70, open(2, &[0, 1])), (30, open(2, &[1]))];
        let exact = |count| Want { least: count, most: count, quota: count };
        assert_eq!(share_out(&lots, &[exact(80), exact(20)]), None);
        assert!(share_out(&lots, &[exact(70), exact(30)]).is_some());
    }

    #[test]
    fn the_surplus_is_shared_in_proportion() {
        let lots = [(100, open(3, &[1, 2]))];
        let want = |quota| Want { least: 0, most: 100, quota };
        assert_eq!(share_out(&lots, &[want(40), want(40), want(20)]), Some(vec![vec![0, 67, 33]]));
    }

    proptest! {
        #[test]
        fn sums_are_exact_and_closed_cells_empty(
            lots in prop::collection::vec((0u64..500, 1u32..63), 1..12),
            quotas in prop::collection::vec(0u64..800, 6),
        ) {
            let lots: Vec<(u64, Bits)> = lots.iter()
                .map(|(n, mask)| (*n, open(6, &(0..6).filter(|k| mask >> k & 1 == 1).collect::<Vec<_>>()))).collect();
            let size: u64 = lots.iter().map(|l| l.0).sum();
            let wants: Vec<Want> = quotas.iter().map(|q| Want { least: 0, most: size, quota: *q }).collect();
            let cells = share_out(&lots, &wants).unwrap();
            for (row, (count, open)) in cells.iter().zip(&lots) {
                prop_assert_eq!(row.iter().sum::<u64>(), *count);
                prop_assert!(row.iter().enumerate().all(|(k, n)| *n == 0 || open.has(k)));
            }
        }
    }
}
