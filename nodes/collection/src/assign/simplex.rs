//! Can counts be met? A linear system over whole numbers of items, decided exactly.
//!
//! The unknowns say how many items are of each sort; each row says that the items of some sorts are at least, at most
//! or exactly so many. The first phase of the simplex method runs on whole numbers (fraction-free pivoting, Bareiss
//! 1968; Bland's rule, so that it ends), hence a "no" is a proof. Where numbers grow too large for 128 bits the answer
//! is "unknown", never a guess.

/// One demand: `least <= sum of the sorts marked <= most`.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The sorts that count.
    pub(crate) sorts: Vec<u32>,
    pub(crate) least: i128,
    pub(crate) most: i128,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Counts that meet every row, as numerators over one denominator.
    Met { counts: Vec<i128>, over: i128 },
    /// A proof that there are none: for each row how often its `least` (positive) or its `most` (negative) is added so
    /// that the sums contradict each other. Numerators over one denominator.
    Impossible { proof: Vec<i128>, over: i128 },
    /// The numbers grew too large, or it took too long.
    Unknown,
}

/// Cells of the table times pivots: what one question may cost.
const MOST_WORK: usize = 400_000_000;

/// Finds counts of `sorts` sorts that meet all rows.
pub(crate) fn meet(sorts: usize, rows: &[Row]) -> Outcome {
    let Some(mut table) = Table::new(sorts, rows) else { return Outcome::Unknown };
    if table.run().is_none() {
        return Outcome::Unknown;
    }
    table.outcome(rows.len())
}

struct Table {
    sorts: usize,
    width: usize,
    /// Each line: coefficients, then the right side.
    lines: Vec<Vec<i128>>,
    /// The price line, of the sum of what is missing.
    price: Vec<i128>,
    over: i128,
    basis: Vec<usize>,
    /// For each line, the row it came from and where its proof is read: column and sign.
    origin: Vec<Origin>,
    work: usize,
}

struct Origin {
    row: usize,
    /// A column of a slack (cost 0) or of an artificial (cost 1).
    column: usize,
    artificial: bool,
    /// +1 where the column enters as +e, -1 where as -e.
    sign: i128,
}

impl Table {
    fn new(sorts: usize, rows: &[Row]) -> Option<Self> {
        // Lines: for each row an equality, or up to two inequalities.
        enum Line {
            Equal(i128),
            Least(i128),
            Most(i128),
        }
        let mut lines: Vec<(usize, Line)> = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            if row.least == row.most {
                lines.push((at, Line::Equal(row.least)));
                continue;
            }
            if row.least > 0 {
                lines.push((at, Line::Least(row.least)));
            }
            lines.push((at, Line::Most(row.most)));
        }
        let extra: usize = lines.iter().map(|(_, l)| if matches!(l, Line::Least(_)) { 2 } else { 1 }).sum();
        let width = sorts.checked_add(extra)?.checked_add(1)?;
        if width.checked_mul(lines.len())? > MOST_WORK / 50 {
            return None;
        }
        let mut table = Self {
            sorts,
            width,
            lines: Vec::new(),
            price: vec![0; width],
            over: 1,
            basis: Vec::new(),
            origin: Vec::new(),
            work: 0,
        };
        let mut next = sorts;
        for (at, line) in &lines {
            let mut cells = vec![0i128; width];
            rows[*at].sorts.iter().for_each(|sort| cells[*sort as usize] = 1);
            let (right, artificial) = match line {
                Line::Most(most) => {
                    // Never negative: a row that wants less than nothing is refused before.
                    cells[next] = 1;
                    table.origin.push(Origin { row: *at, column: next, artificial: false, sign: 1 });
                    table.basis.push(next);
                    next += 1;
                    (*most, false)
                }
                Line::Least(least) => {
                    cells[next] = -1;
                    table.origin.push(Origin { row: *at, column: next, artificial: false, sign: -1 });
                    cells[next + 1] = 1;
                    table.basis.push(next + 1);
                    next += 2;
                    (*least, true)
                }
                Line::Equal(right) => {
                    cells[next] = 1;
                    table.origin.push(Origin { row: *at, column: next, artificial: true, sign: 1 });
                    table.basis.push(next);
                    next += 1;
                    (*right, true)
                }
            };
            if right < 0 {
                return None;
            }
            cells[width - 1] = right;
            if artificial {
                // The price of a column: its cost less what the basis saves by it.
                let own = *table.basis.last()?;
                for (price, cell) in table.price.iter_mut().zip(&cells) {
                    *price -= cell;
                }
                table.price[own] += 1;
            }
            table.lines.push(cells);
        }
        Some(table)
    }

    fn run(&mut self) -> Option<()> {
        loop {
            // Bland: the first column that helps, the first line that binds.
            let Some(column) = (0..self.width - 1).find(|at| self.price[*at] < 0) else { return Some(()) };
            let mut leaving: Option<usize> = None;
            for at in 0..self.lines.len() {
                let cell = self.lines[at][column];
                if cell <= 0 {
                    continue;
                }
                let better = match leaving {
                    None => true,
                    Some(best) => {
                        // right/cell of the two, compared crosswise.
                        let mine = self.lines[at][self.width - 1].checked_mul(self.lines[best][column])?;
                        let theirs = self.lines[best][self.width - 1].checked_mul(cell)?;
                        mine < theirs || (mine == theirs && self.basis[at] < self.basis[best])
                    }
                };
                if better {
                    leaving = Some(at);
                }
            }
            // The sum of what is missing cannot fall below nought, so some line binds.
            let line = leaving?;
            self.pivot(line, column)?;
            self.work += self.width * (self.lines.len() + 1);
            if self.work > MOST_WORK {
                return None;
            }
        }
    }

    fn pivot(&mut self, line: usize, column: usize) -> Option<()> {
        let row = std::mem::take(&mut self.lines[line]);
        let by = row[column];
        for at in 0..self.lines.len() {
            if at != line {
                reduce(&mut self.lines[at], &row, column, by, self.over)?;
            }
        }
        reduce(&mut self.price, &row, column, by, self.over)?;
        self.lines[line] = row;
        self.over = by;
        self.basis[line] = column;
        Some(())
    }

    fn outcome(&self, rows: usize) -> Outcome {
        // The right side of the price line is minus the sum of what is missing.
        if self.price[self.width - 1] == 0 {
            let mut counts = vec![0; self.sorts];
            for (line, &column) in self.lines.iter().zip(&self.basis) {
                if column < self.sorts {
                    counts[column] = line[self.width - 1];
                }
            }
            return Outcome::Met { counts, over: self.over };
        }
        let mut proof = vec![0; rows];
        for origin in &self.origin {
            let price = self.price[origin.column];
            let cost = if origin.artificial { self.over } else { 0 };
            // price = cost - y * sign.
            proof[origin.row] += (cost - price) * origin.sign;
        }
        Outcome::Impossible { proof, over: self.over }
    }
}

/// `line = (line * by - line[column] * row) / over`, without fractions.
fn reduce(line: &mut [i128], row: &[i128], column: usize, by: i128, over: i128) -> Option<()> {
    let factor = line[column];
    if factor == 0 && by == over {
        return Some(());
    }
    for (cell, other) in line.iter_mut().zip(row) {
        let left = cell.checked_mul(by)?;
        let right = if *other == 0 || factor == 0 { 0 } else { other.checked_mul(factor)? };
        *cell = left.checked_sub(right)? / over;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(sorts: &[u32], least: i128, most: i128) -> Row {
        Row { sorts: sorts.to_vec(), least, most }
    }

    #[test]
    fn counts_that_can_be_met_are_found() {
        // Sorts: crown+gold, cap+gold, cap+blue.
        let rows = [row(&[0, 1, 2], 100, 100), row(&[0], 8, 8), row(&[0, 1], 10, 10)];
        assert_eq!(meet(3, &rows), Outcome::Met { counts: vec![8, 2, 90], over: 1 });
    }

    #[test]
    fn a_no_comes_with_its_proof() {
        // Ten crowns need gold, of which there are eight.
        let rows = [row(&[0, 1, 2], 100, 100), row(&[0], 10, 10), row(&[0, 1], 8, 8)];
        let Outcome::Impossible { proof, over } = meet(3, &rows) else { panic!() };
        assert_eq!((proof[0], proof[1], proof[2]), (0, over, -over));
    }

    proptest! {
        /// Whatever it says is true: counts meet the rows, and a proof adds up.
        #[test]
        fn answers_are_true(
            sorts in 1usize..7,
            rows in prop::collection::vec((0u32..127, 0i128..20, 0i128..20), 1..7),
        ) {
            let all: Vec<u32> = (0..sorts as u32).collect();
            let mut system = vec![row(&all, 20, 20)];
            for (mask, least, width) in rows {
                let picked: Vec<u32> = all.iter().copied().filter(|s| mask >> s & 1 == 1).collect();
                system.push(row(&picked, least, least + width));
            }
            match meet(sorts, &system) {
                Outcome::Met { counts, over } => {
                    for r in &system {
                        let sum: i128 = r.sorts.iter().map(|s| counts[*s as usize]).sum();
                        prop_assert!(r.least * over <= sum && sum <= r.most * over);
                    }
                    prop_assert!(counts.iter().all(|c| *c >= 0));
                }
                Outcome::Impossible { proof, .. } => {
                    // Every sort's share in the sum of rows is at most nought, and the right sides' sum is above it.
                    for sort in &all {
                        let share: i128 = system.iter().zip(&proof)
                            .filter(|(r, _)| r.sorts.contains(sort)).map(|(_, y)| y).sum();
                        prop_assert!(share <= 0);
                    }
                    let right: i128 = system.iter().zip(&proof)
                        .map(|(r, y)| if *y > 0 { y * r.least } else { y * r.most }).sum();
                    prop_assert!(right > 0);
                }
                Outcome::Unknown => prop_assert!(false),
            }
        }
    }
}
