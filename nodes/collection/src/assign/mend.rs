//! Mending: what dealing left over is put right by exchanging values between items.
//!
//! An exchange of two items' values in one group changes no count, so counts that are right stay right. Only where
//! that does not help does an item get another value outright, and only values whose count is not exact. Every step
//! is taken only if it makes nothing worse; how many steps are tried is bounded, and chance is seeded.

use super::bits::Bits;
use super::model::{Bound, Model};
use super::search::{Active, Search};
use crate::chance::Chance;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Numbers that are well mixed already are their own hash.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

type Counts = HashMap<u64, u32, BuildHasherDefault<Mixed>>;

/// What an item's value of a group adds to its mark. Items with the same mark are taken to be alike; that two different
/// ones share a mark is so rare, and so harmless (one of them is changed), that it does not matter.
fn mark(group: usize, slot: u32) -> u64 {
    let mut z = ((group as u64) << 32 | u64::from(slot)).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What is wrong with an assignment, counted.
///
/// In the order of their weight: no rule is broken to keep a limit, and neither to tell two items apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Faults {
    /// Broken rules, over all items.
    pub(crate) rules: i64,
    /// How far limits are overstepped.
    pub(crate) limits: i64,
    /// Items that are like another one.
    pub(crate) alike: i64,
}

/// Nothing better, nothing worse.
const EVEN: Faults = Faults { rules: 0, limits: 0, alike: 0 };

pub(crate) struct Mender<'a> {
    model: &'a Model,
    active: &'a Active,
    columns: &'a mut [Vec<u32>],
    marks: Vec<u64>,
    seen: Counts,
    /// How many items each limit counts now.
    limits: Vec<i64>,
    /// How many items have each slot.
    slots: Vec<Vec<u64>>,
    /// For groups where items of a kind are looked for: who has it. May be out of date; it is looked at before use.
    holders: HashMap<usize, Vec<Vec<u32>>>,
    chance: Chance,
    /// Steps tried so far.
    pub(crate) steps: u64,
    /// Steps that may be tried.
    budget: u64,
}

/// One item's new slot of a group.
type Change = (usize, u32);

impl<'a> Mender<'a> {
    pub(crate) fn new(model: &'a Model, active: &'a Active, columns: &'a mut [Vec<u32>]) -> Self {
        let mut marks = vec![0u64; model.size];
        for (group, column) in columns.iter().enumerate() {
            for (mark_of, slot) in marks.iter_mut().zip(column) {
                *mark_of = mark_of.wrapping_add(mark(group, *slot));
            }
        }
        let slots = columns
            .iter()
            .zip(&model.groups)
            .map(|(column, group)| {
                let mut counts = vec![0u64; group.bounds.len()];
                column.iter().for_each(|slot| counts[*slot as usize] += 1);
                counts
            })
            .collect();
        let mut mender = Self {
            model,
            active,
            marks,
            seen: Counts::default(),
            limits: Vec::new(),
            slots,
            holders: HashMap::new(),
            chance: Chance::new(model.seed, "mend"),
            steps: 0,
            budget: (model.size as u64).saturating_mul(60).saturating_add(4_000_000),
            columns,
        };
        if model.distinct {
            mender.seen.reserve(model.size);
            for mark in &mender.marks {
                *mender.seen.entry(*mark).or_default() += 1;
            }
        }
        mender.limits = (0..model.limits.len())
            .map(|limit| (0..model.size).filter(|item| mender.counted(limit, *item, None)).count() as i64)
            .collect();
        mender
    }

    fn slot(&self, item: usize, group: usize, change: Option<Change>) -> u32 {
        match change {
            Some((changed, slot)) if changed == group => slot,
            _ => self.columns[group][item],
        }
    }

    fn clause_holds(&self, clause: u32, item: usize, change: Option<Change>) -> bool {
        let clause = &self.model.clauses[clause as usize];
        clause
            .literals
            .iter()
            .any(|l| l.kinds.has(self.model.kind(l.group, self.slot(item, l.group, change))))
    }

    /// Rules of a group that an item breaks.
    fn broken(&self, item: usize, group: usize, change: Option<Change>) -> i64 {
        self.model.clauses_of[group].iter().filter(|at| !self.clause_holds(**at, item, change)).count() as i64
    }

    fn breaks_any(&self, item: usize) -> bool {
        (0..self.model.clauses.len()).any(|at| !self.clause_holds(u32::try_from(at).unwrap_or(0), item, None))
    }

    fn counted(&self, limit: usize, item: usize, change: Option<Change>) -> bool {
        let limit = &self.model.limits[limit];
        limit.literals.iter().all(|l| l.kinds.has(self.model.kind(l.group, self.slot(item, l.group, change))))
    }

    fn overstepped(&self, limit: usize, count: i64) -> i64 {
        let limit = &self.model.limits[limit];
        let (least, most) =
            (i64::try_from(limit.least).unwrap_or(i64::MAX), i64::try_from(limit.most).unwrap_or(i64::MAX));
        (least - count).max(count - most).max(0)
    }

    /// All that is wrong.
    pub(crate) fn faults(&self) -> Faults {
        let clauses = 0..u32::try_from(self.model.clauses.len()).unwrap_or(u32::MAX);
        let rules = if self.model.clauses.is_empty() {
            0
        } else {
            (0..self.model.size)
                .map(|item| clauses.clone().filter(|at| !self.clause_holds(*at, item, None)).count() as i64)
                .sum()
        };
        Faults {
            rules,
            limits: (0..self.limits.len()).map(|at| self.overstepped(at, self.limits[at])).sum(),
            alike: self.alike().len() as i64,
        }
    }

    /// The rule that is broken most often, or `None` for "no two alike".
    pub(crate) fn hardest(&self) -> Option<usize> {
        let mut broken: Vec<i64> = Vec::new();
        let mut add = |rule: usize, times: i64| {
            if broken.len() <= rule {
                broken.resize(rule + 1, 0);
            }
            broken[rule] += times;
        };
        for (at, clause) in (0u32..).zip(&self.model.clauses) {
            let times =
                (0..self.model.size).filter(|item| !self.clause_holds(at, *item, None)).count() as i64;
            add(clause.rule, times);
        }
        for (at, limit) in self.model.limits.iter().enumerate() {
            add(limit.rule, self.overstepped(at, self.limits[at]));
        }
        let (times, rule) =
            broken.iter().zip(0..).max_by_key(|(times, rule)| (**times, usize::MAX - rule))?;
        (*times > 0).then_some(rule)
    }

    /// Items that are like an earlier one.
    fn alike(&self) -> Vec<u32> {
        if !self.model.distinct {
            return Vec::new();
        }
        let mut met = Counts::default();
        let again = |(_, mark): &(u32, &u64)| {
            // Only marks that stand there twice need remembering.
            self.seen.get(mark).is_some_and(|count| *count > 1) && {
                let times = met.entry(**mark).or_default();
                *times += 1;
                *times > 1
            }
        };
        (0u32..).zip(&self.marks).filter(again).map(|(item, _)| item).collect()
    }

    /// By how much changes of some items (each in the same group) make it worse.
    fn worse(&self, group: usize, changes: &[(usize, u32)]) -> Faults {
        let mut faults = Faults::default();
        for &(item, slot) in changes {
            let change = Some((group, slot));
            faults.rules += self.broken(item, group, change) - self.broken(item, group, None);
        }
        for &limit in &self.model.limits_of[group] {
            let limit = limit as usize;
            let step: i64 = changes
                .iter()
                .map(|&(item, slot)| {
                    i64::from(self.counted(limit, item, Some((group, slot))))
                        - i64::from(self.counted(limit, item, None))
                })
                .sum();
            if step != 0 {
                let now = self.limits[limit];
                faults.limits += self.overstepped(limit, now + step) - self.overstepped(limit, now);
            }
        }
        if self.model.distinct {
            // Marks that go and come; at most four, so looking through them all is quick.
            let mut moves: [(u64, i64); 4] = [(0, 0); 4];
            let mut used = 0;
            let mut note = |mark: u64, by: i64| {
                if let Some(known) = moves[..used].iter_mut().find(|known| known.0 == mark) {
                    known.1 += by;
                } else {
                    moves[used] = (mark, by);
                    used += 1;
                }
            };
            for &(item, slot) in changes.iter().take(2) {
                note(self.marks[item], -1);
                note(self.marked(item, group, slot), 1);
            }
            for (mark, by) in moves {
                if by != 0 {
                    let now = i64::from(self.seen.get(&mark).copied().unwrap_or(0));
                    faults.alike += (now + by - 1).max(0) - (now - 1).max(0);
                }
            }
        }
        faults
    }

    /// An item's mark with another slot.
    fn marked(&self, item: usize, group: usize, slot: u32) -> u64 {
        self.marks[item].wrapping_sub(mark(group, self.columns[group][item])).wrapping_add(mark(group, slot))
    }

    fn apply(&mut self, group: usize, changes: &[(usize, u32)]) {
        for &(item, slot) in changes {
            for &limit in &self.model.limits_of[group] {
                let limit = limit as usize;
                self.limits[limit] += i64::from(self.counted(limit, item, Some((group, slot))))
                    - i64::from(self.counted(limit, item, None));
            }
            let (old, new) = (self.marks[item], self.marked(item, group, slot));
            if self.model.distinct {
                if let Some(count) = self.seen.get_mut(&old) {
                    *count -= 1;
                    if *count == 0 {
                        self.seen.remove(&old);
                    }
                }
                *self.seen.entry(new).or_default() += 1;
            }
            self.marks[item] = new;
            self.slots[group][self.columns[group][item] as usize] -= 1;
            self.slots[group][slot as usize] += 1;
            self.columns[group][item] = slot;
            if let Some(holders) = self.holders.get_mut(&group) {
                holders[self.model.kind(group, slot)].push(u32::try_from(item).unwrap_or(0));
            }
        }
    }

    /// Whether an item may have another slot without an exact count being broken.
    fn movable(&self, group: usize, from: u32, to: u32) -> bool {
        let free = |slot| self.active.bound(self.model, group, slot) == Bound::Free;
        free(from) && free(to)
    }

    /// An item of chance that has one of these kinds.
    fn holder(&mut self, group: usize, kinds: &Bits) -> Option<usize> {
        let (model, columns) = (self.model, &self.columns);
        let holders = self.holders.entry(group).or_insert_with(|| {
            let mut holders = vec![Vec::new(); model.groups[group].kinds.len()];
            for (item, slot) in (0u32..).zip(&columns[group]) {
                holders[model.kind(group, *slot)].push(item);
            }
            holders
        });
        let total: usize = kinds.iter().map(|kind| holders[kind].len()).sum();
        if total == 0 {
            return None;
        }
        let mut at = self.chance.below(total);
        for kind in kinds.iter() {
            if at < holders[kind].len() {
                let item = holders[kind][at] as usize;
                if model.kind(group, self.columns[group][item]) == kind {
                    return Some(item);
                }
                // Out of date: forget it.
                holders[kind].swap_remove(at);
                return None;
            }
            at -= holders[kind].len();
        }
        None
    }

    /// Exchanges two items' values if that makes nothing worse, and something better or (`drift`) at least other.
    fn exchange(&mut self, group: usize, a: usize, b: usize, drift: bool) -> bool {
        self.steps += 1;
        let (mine, theirs) = (self.columns[group][a], self.columns[group][b]);
        if a == b || mine == theirs {
            return false;
        }
        let changes = [(a, theirs), (b, mine)];
        self.step(group, &changes, drift)
    }

    /// Gives an item another value, where counts allow.
    fn change(&mut self, group: usize, item: usize, slot: u32, drift: bool) -> bool {
        self.steps += 1;
        let now = self.columns[group][item];
        if now == slot || !self.movable(group, now, slot) {
            return false;
        }
        self.step(group, &[(item, slot)], drift)
    }

    fn step(&mut self, group: usize, changes: &[(usize, u32)], drift: bool) -> bool {
        let worse = self.worse(group, changes);
        let taken = worse < EVEN || (drift && worse == EVEN);
        if taken {
            self.apply(group, changes);
        }
        taken
    }

    fn out_of_steps(&self) -> bool {
        self.steps >= self.budget
    }

    /// Mends broken rules and limits, then likeness. What could not be mended is left for the caller to see.
    pub(crate) fn mend(&mut self) {
        self.mend_rules();
        self.mend_limits();
        self.mend_alike();
        if self.model.distinct && !self.alike().is_empty() {
            self.jump();
        }
    }

    fn mend_rules(&mut self) {
        if self.model.clauses.is_empty() {
            return;
        }
        let mut broken: Vec<usize> = (0..self.model.size).filter(|item| self.breaks_any(*item)).collect();
        let mut rounds = 0;
        while !broken.is_empty() && !self.out_of_steps() && rounds < 2000 {
            rounds += 1;
            self.chance.shuffle(&mut broken);
            for &item in &broken {
                self.mend_item(item, rounds);
            }
            // Drifting can pass a fault on to another item.
            broken = if rounds % 8 == 0 {
                (0..self.model.size).filter(|item| self.breaks_any(*item)).collect()
            } else {
                broken.into_iter().filter(|item| self.breaks_any(*item)).collect()
            };
            if broken.is_empty() {
                broken = (0..self.model.size).filter(|item| self.breaks_any(*item)).collect();
            }
        }
    }

    fn mend_item(&mut self, item: usize, round: usize) {
        for attempt in 0..24 {
            let model = self.model;
            let all = 0..u32::try_from(model.clauses.len()).unwrap_or(u32::MAX);
            let failing: Vec<u32> = all.filter(|at| !self.clause_holds(*at, item, None)).collect();
            if failing.is_empty() {
                return;
            }
            let clause = &model.clauses[failing[self.chance.below(failing.len())] as usize];
            let literal = &clause.literals[self.chance.below(clause.literals.len())];
            let drift = attempt > 12 && round > 1;
            if let Some(other) = self.holder(literal.group, &literal.kinds)
                && self.exchange(literal.group, item, other, drift)
            {
                continue;
            }
            if attempt > 6 {
                let kinds: Vec<usize> = literal.kinds.iter().collect();
                let kind = kinds.get(self.chance.below(kinds.len())).copied().unwrap_or(0);
                let slots = &model.groups[literal.group].kinds[kind];
                let slot = slots[self.chance.below(slots.len())];
                if self.active.usable(model, literal.group, slot) {
                    self.change(literal.group, item, slot, drift);
                }
            }
        }
    }

    fn mend_limits(&mut self) {
        for limit in 0..self.limits.len() {
            let mut idle = 0;
            while self.overstepped(limit, self.limits[limit]) > 0 && idle < 20_000 && !self.out_of_steps() {
                idle += 1;
                let model = self.model;
                let literals = &model.limits[limit].literals;
                let literal = &literals[self.chance.below(literals.len())];
                let over = self.limits[limit] > i64::try_from(model.limits[limit].most).unwrap_or(i64::MAX);
                let all = Bits::all(model.groups[literal.group].kinds.len());
                let outside = all.without(&literal.kinds);
                let (Some(inside), Some(outside)) =
                    (self.holder(literal.group, &literal.kinds), self.holder(literal.group, &outside))
                else {
                    continue;
                };
                if self.exchange(literal.group, inside, outside, idle % 4 == 0) {
                    continue;
                }
                // One kind more or fewer, where counts are free.
                let (item, to) = if over { (inside, outside) } else { (outside, inside) };
                let slot = self.columns[literal.group][to];
                self.change(literal.group, item, slot, false);
            }
        }
    }

    fn mend_alike(&mut self) {
        let groups: Vec<usize> = (0..self.columns.len())
            .filter(|g| self.slots[*g].iter().filter(|n| **n > 0).count() > 1)
            .collect();
        if groups.is_empty() {
            return;
        }
        for round in 0..40 {
            let mut alike = self.alike();
            if alike.is_empty() || self.out_of_steps() {
                return;
            }
            self.chance.shuffle(&mut alike);
            let tries = 30 << round.min(6);
            for &item in &alike {
                let item = item as usize;
                if self.seen.get(&self.marks[item]).is_none_or(|count| *count < 2) {
                    continue;
                }
                for attempt in 0..tries {
                    let group = groups[self.chance.below(groups.len())];
                    let other = self.chance.below(self.model.size);
                    // After a while the likeness may wander, until it finds a place where it goes away.
                    let drift = round > 1 && attempt % 3 == 0;
                    if self.exchange(group, item, other, drift) {
                        break;
                    }
                    if round > 0 && attempt > tries / 2 {
                        let slot = self.columns[group][other];
                        if self.change(group, item, slot, drift) {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Where nearly everything that can be is already there: look for what is not yet, and go there at once.
    fn jump(&mut self) {
        const MOST: usize = 2_000_000;
        let Some(free) = self.unused(MOST) else { return };
        let mut free = free;
        self.chance.shuffle(&mut free);
        for item in self.alike() {
            let item = item as usize;
            let tries = free.len().min(400);
            for _ in 0..tries {
                self.steps += 1;
                let at = self.chance.below(free.len());
                if self.jump_to(item, &free[at]) {
                    free.swap_remove(at);
                    break;
                }
            }
        }
        if !self.alike().is_empty() {
            self.mend_alike();
        }
    }

    /// Gives an item a whole new set of values, if counts and limits allow.
    fn jump_to(&mut self, item: usize, slots: &[u32]) -> bool {
        let now: Vec<u32> = self.columns.iter().map(|column| column[item]).collect();
        let fits = |(group, (from, to)): (usize, (&u32, &u32))| from == to || self.movable(group, *from, *to);
        if !now.iter().zip(slots).enumerate().all(fits) {
            return false;
        }
        let before: i64 = (0..self.limits.len()).map(|at| self.overstepped(at, self.limits[at])).sum();
        for (group, slot) in slots.iter().enumerate() {
            self.apply(group, &[(item, *slot)]);
        }
        let after: i64 = (0..self.limits.len()).map(|at| self.overstepped(at, self.limits[at])).sum();
        let alone = self.seen.get(&self.marks[item]).is_none_or(|count| *count == 1);
        if after > before || !alone {
            for (group, slot) in now.iter().enumerate() {
                self.apply(group, &[(item, *slot)]);
            }
            return false;
        }
        true
    }

    /// Items that obey the rules and do not exist yet; `None` where there are too many to list.
    fn unused(&self, most: usize) -> Option<Vec<Vec<u32>>> {
        let mut items: Vec<Vec<u32>> = vec![vec![0; self.columns.len()]];
        for room in &self.model.rooms {
            let search = Search::new(self.model, self.active, room, 20_000);
            let mut here: Vec<Vec<(usize, u32)>> = Vec::new();
            let mut fits = true;
            search.every(search.root()?, &mut |domains| {
                let mut found: Vec<Vec<(usize, u32)>> = vec![Vec::new()];
                for &group in room {
                    let slots: Vec<u32> = domains
                        .of(group)
                        .iter()
                        .flat_map(|kind| self.model.groups[group].kinds[kind].iter().copied())
                        .filter(|slot| self.active.usable(self.model, group, *slot))
                        .collect();
                    fits &= found.len().saturating_mul(slots.len()) <= most;
                    if !fits {
                        return false;
                    }
                    found = found
                        .iter()
                        .flat_map(|item| {
                            slots.iter().map(|slot| {
                                let mut item = item.clone();
                                item.push((group, *slot));
                                item
                            })
                        })
                        .collect();
                }
                here.extend(found);
                fits &= here.len() <= most;
                fits
            });
            if !fits || items.len().saturating_mul(here.len()) > most {
                return None;
            }
            items = items
                .iter()
                .flat_map(|item| {
                    here.iter().map(|slots| {
                        let mut item = item.clone();
                        slots.iter().for_each(|(group, slot)| item[*group] = *slot);
                        item
                    })
                })
                .collect();
        }
        let new = |item: &Vec<u32>| {
            let of = item.iter().enumerate().fold(0u64, |sum, (g, slot)| sum.wrapping_add(mark(g, *slot)));
            !self.seen.contains_key(&of)
        };
        items.retain(new);
        Some(items)
    }

    /// Brings counts nearer to their quotas where that breaks nothing: one look at every item.
    pub(crate) fn polish(&mut self, quotas: &[Vec<u64>]) {
        for (group, quotas) in quotas.iter().enumerate() {
            let mut short: Vec<u32> = (0u32..)
                .zip(quotas)
                .filter(|(slot, quota)| {
                    self.slots[group][*slot as usize] < **quota
                        && self.active.bound(self.model, group, *slot) == Bound::Free
                })
                .map(|(slot, _)| slot)
                .collect();
            if short.is_empty() {
                continue;
            }
            let mut items: Vec<u32> = (0..u32::try_from(self.model.size).unwrap_or(u32::MAX)).collect();
            Chance::indexed(self.model.seed, "polish", group as u64).shuffle(&mut items);
            for item in items {
                let item = item as usize;
                let from = self.columns[group][item];
                if self.slots[group][from as usize] <= quotas[from as usize] {
                    continue;
                }
                let Some(at) = short.iter().take(16).position(|to| {
                    self.movable(group, from, *to) && self.worse(group, &[(item, *to)]).max(EVEN) == EVEN
                }) else {
                    continue;
                };
                let to = short[at];
                self.apply(group, &[(item, to)]);
                if self.slots[group][to as usize] >= quotas[to as usize] {
                    short.remove(at);
                    if short.is_empty() {
                        break;
                    }
                }
            }
        }
    }

    /// Whether every exact count is met.
    pub(crate) fn counts_are_exact(&self) -> bool {
        self.slots.iter().enumerate().all(|(group, counts)| {
            (0u32..).zip(counts).all(|(slot, count)| match self.active.bound(self.model, group, slot) {
                Bound::Exactly(wanted) => *count == wanted,
                Bound::Never => *count == 0,
                Bound::Free => true,
            })
        })
    }

    /// Exchanges values at random between items of a room, so that no pattern of the dealing is left.
    pub(crate) fn stir(&mut self, room: &[usize]) {
        for &group in room {
            for _ in 0..self.model.size.saturating_mul(2) {
                let (a, b) = (self.chance.below(self.model.size), self.chance.below(self.model.size));
                let (mine, theirs) = (self.columns[group][a], self.columns[group][b]);
                if mine != theirs && self.worse(group, &[(a, theirs), (b, mine)]).max(EVEN) == EVEN {
                    self.apply(group, &[(a, theirs), (b, mine)]);
                }
            }
        }
    }
}
