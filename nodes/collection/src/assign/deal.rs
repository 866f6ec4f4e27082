//! Dealing: every item of a room gets its values, one group after the other.
//!
//! Items that have been dealt the same so far, as far as rules care, are a *class*. For the next group each class knows
//! which kinds are still possible for it (possible up to the last group, not only so far); [`flow`](super::flow) says
//! how many of each class get which kind; chance says which items. So rules hold from the beginning, exact counts are
//! met exactly, and nothing has to be thrown away and drawn again.

use super::bits::Bits;
use super::claim::Sort;
use super::flow::{self, Want};
use super::model::{Bound, Limit, Model};
use super::search::{Active, Domains, Search};
use crate::chance::Chance;
use std::collections::HashMap;

/// Branches a question about a class may look at.
const BUDGET: usize = 2000;
/// Up to so many classes, each is asked what is possible to the very end; beyond, only what no rule closes at once.
const MOST_SEARCHED: usize = 1500;
/// More classes than this, and the room is dealt freely and mended afterwards.
const MOST_CLASSES: usize = 50_000;

/// Sorts of items that are already decided: what each group is narrowed to, and how many items.
pub(crate) type Sorted = [(Sort, usize)];

/// The order led nowhere.
#[derive(Debug)]
pub(crate) struct DeadEnd;

struct Class {
    domains: Domains,
    items: Vec<u32>,
    /// No rule-abiding way is left for these: they get anything, and are mended afterwards.
    lost: bool,
}

/// Items of one class that may have the same kinds of the next group.
struct Lot {
    class: usize,
    open: Bits,
    items: Vec<u32>,
}

/// Deals a room's groups in an order; how many questions about classes that took. Columns hold the slot of each item,
/// per group.
pub(crate) fn deal(
    model: &Model,
    active: &Active,
    room: usize,
    order: &[usize],
    quotas: &[Vec<u64>],
    sorted: Option<&Sorted>,
    columns: &mut [Vec<u32>],
) -> Result<usize, DeadEnd> {
    let mut asked = 0;
    let search = Search::new(model, active, &model.rooms[room], BUDGET);
    let root = search.root().ok_or(DeadEnd)?;
    let mut classes = first_classes(model, &search, root, order, sorted)?;
    for (step, &group) in order.iter().enumerate() {
        let (done, ahead) = (&order[..step], &order[step + 1..]);
        asked += classes.len() * model.groups[group].kinds.len();
        let mut lots = open_lots(model, &search, group, classes.as_mut_slice())?;
        let mut want = wants(model, active, group, &quotas[group]);
        for &limit in &model.limits_of[group] {
            let limit = &model.limits[limit as usize];
            if active.rules[limit.rule] {
                obey(model, limit, group, done, &classes, quotas, &mut lots, &mut want)?;
            }
        }
        let cells = share_out(&lots, &want)?;
        let last = ahead.is_empty();
        classes =
            hand_out(model, &search, group, ahead, quotas, &classes, lots, &cells, &want, last, columns)?;
    }
    Ok(asked)
}

/// Deals every group on its own, by quotas alone: what comes of it has to be mended.
pub(crate) fn deal_freely(
    model: &Model,
    active: &Active,
    room: usize,
    quotas: &[Vec<u64>],
    columns: &mut [Vec<u32>],
) -> Result<(), DeadEnd> {
    for &group in &model.rooms[room] {
        let want = wants(model, active, group, &quotas[group]);
        let kinds = model.groups[group].kinds.len();
        let all = vec![(model.size as u64, Bits::all(kinds))];
        let totals = flow::share_out(&all, &want).ok_or(DeadEnd)?;
        let mut items: Vec<u32> = (0..u32::try_from(model.size).unwrap_or(u32::MAX)).collect();
        Chance::indexed(model.seed, "freely", group as u64).shuffle(&mut items);
        let mut from = 0;
        for (kind, total) in totals[0].iter().enumerate() {
            let to = from + *total as usize;
            fill_kind(model, active, group, kind, &items[from..to], &quotas[group], columns);
            from = to;
        }
    }
    Ok(())
}

fn first_classes(
    model: &Model,
    search: &Search<'_>,
    root: &Domains,
    order: &[usize],
    sorted: Option<&Sorted>,
) -> Result<Vec<Class>, DeadEnd> {
    let mut items: Vec<u32> = (0..u32::try_from(model.size).unwrap_or(u32::MAX)).collect();
    let Some(sorted) = sorted else { return Ok(vec![Class { domains: root.clone(), items, lost: false }]) };
    let first = order.first().copied().unwrap_or(0) as u64;
    Chance::indexed(model.seed, "sorts", first).shuffle(&mut items);
    let mut from = 0;
    let mut classes = Vec::new();
    for (narrowed, count) in sorted {
        let to = (from + count).min(items.len());
        let domains = search.narrow(narrowed.iter().map(|(g, kinds)| (*g, kinds))).ok_or(DeadEnd)?;
        classes.push(Class { domains, items: items[from..to].to_vec(), lost: false });
        from = to;
    }
    Ok(classes)
}

/// What each class may have of the next group; the items leave their classes for the lots.
fn open_lots(
    model: &Model,
    search: &Search<'_>,
    group: usize,
    classes: &mut [Class],
) -> Result<Vec<Lot>, DeadEnd> {
    let mut chance = Chance::indexed(model.seed, "lots", group as u64);
    let mut lots = Vec::with_capacity(classes.len());
    let searched = classes.len() <= MOST_SEARCHED;
    for (class, known) in classes.iter_mut().enumerate() {
        let mut open = if known.lost {
            Bits::none(0)
        } else if searched {
            search.possible_kinds(&known.domains, group)
        } else {
            search.near_kinds(&known.domains, group)
        };
        if open.view().is_empty() {
            if searched && !known.lost {
                return Err(DeadEnd);
            }
            known.lost = true;
            open = search.root().ok_or(DeadEnd)?.of(group).to_bits();
        }
        let mut items = std::mem::take(&mut known.items);
        chance.shuffle(&mut items);
        lots.push(Lot { class, open, items });
    }
    Ok(lots)
}

/// The least, most and planned number of each kind.
fn wants(model: &Model, active: &Active, group: usize, quotas: &[u64]) -> Vec<Want> {
    let kind = |slots: &Vec<u32>| {
        let mut want = Want { least: 0, most: 0, quota: 0 };
        for &slot in slots {
            want.quota += quotas[slot as usize];
            match active.bound(model, group, slot) {
                Bound::Exactly(count) => {
                    want.least += count;
                    want.most = want.most.saturating_add(count);
                }
                Bound::Free => want.most = want.most.saturating_add(model.size as u64),
                Bound::Never => {}
            }
        }
        want.most = want.most.min(model.size as u64).max(want.least);
        want
    };
    model.groups[group].kinds.iter().map(kind).collect()
}

/// Makes room for a limit: decides how many items have what it counts, and which.
#[allow(clippy::too_many_arguments, reason = "one step of one function, kept apart to be read")]
fn obey(
    model: &Model,
    limit: &Limit,
    group: usize,
    done: &[usize],
    classes: &[Class],
    quotas: &[Vec<u64>],
    lots: &mut Vec<Lot>,
    want: &mut [Want],
) -> Result<(), DeadEnd> {
    let Some(own) = limit.literals.iter().find(|l| l.group == group) else { return Ok(()) };
    let others = |ours: bool| {
        limit.literals.iter().filter(move |l| l.group != group && done.contains(&l.group) == ours)
    };
    let last = others(false).next().is_none();
    let size = model.size as u64;
    let most = if last { limit.most } else { size };
    let planned: u64 = own.kinds.iter().map(|kind| want[kind].quota).sum();
    if others(true).next().is_none() {
        let wanted = planned.clamp(limit.least.min(size), most.max(limit.least.min(size)));
        steer(want, &own.kinds, planned, wanted, limit.least, most);
        return Ok(());
    }
    let alive = |lot: &Lot| {
        let domains = &classes[lot.class].domains;
        !classes[lot.class].lost && others(true).all(|l| domains.of(l.group).within(&l.kinds))
    };
    let mut concerned: u64 = 0;
    let (mut must, mut can): (u64, Vec<(usize, u64)>) = (0, Vec::new());
    for (at, lot) in lots.iter().enumerate().filter(|(_, lot)| alive(lot)) {
        let count = lot.items.len() as u64;
        concerned += count;
        if lot.open.within(&own.kinds) {
            must += count;
        } else if !lot.open.misses(&own.kinds) {
            can.push((at, count));
        }
    }
    let total: u64 = quotas[group].iter().sum();
    let expected = concerned as f64 * planned as f64 / (total.max(1) as f64);
    // Where chance keeps the limit anyway, it is left to chance.
    let slack = 6.0 * expected.sqrt() + 6.0;
    let binds_above = most < concerned && expected + slack > most as f64;
    let binds_below = expected - slack < limit.least as f64 && limit.least > 0;
    if !binds_above && !binds_below {
        return Ok(());
    }
    let possible: u64 = can.iter().map(|(_, count)| count).sum();
    let wanted = (expected.round() as u64).clamp(limit.least, most.max(limit.least));
    let forced = wanted.saturating_sub(must).min(possible);
    if must > most || must + forced < limit.least {
        return Err(DeadEnd);
    }
    let shares: Vec<f64> = can.iter().map(|(_, count)| *count as f64).collect();
    let parts = super::quota::largest_remainder(&shares, forced);
    for ((at, count), part) in can.into_iter().zip(parts) {
        let lot = &mut lots[at];
        let items = lot.items.split_off(part.min(count) as usize);
        let (with, without) = (lot.open.and(&own.kinds), lot.open.without(&own.kinds));
        // Before the last group nothing says that the others may not have it.
        let open = if last { without } else { lot.open.clone() };
        lot.open = with;
        let class = lot.class;
        lots.push(Lot { class, open, items });
    }
    lots.retain(|lot| !lot.items.is_empty());
    Ok(())
}

/// Changes the planned numbers of some kinds so that together they keep a limit.
fn steer(want: &mut [Want], kinds: &Bits, planned: u64, wanted: u64, least: u64, most: u64) {
    let own: Vec<usize> = kinds.iter().collect();
    if let [only] = own.as_slice() {
        // One kind: the flow itself keeps it.
        let want = &mut want[*only];
        want.least = want.least.max(least);
        want.most = want.most.min(most);
    }
    if wanted == planned {
        return;
    }
    let shares = |inside: bool, want: &[Want]| -> Vec<f64> {
        want.iter()
            .enumerate()
            .map(
                |(at, w)| {
                    if kinds.has(at) == inside && w.least < w.most { w.quota.max(1) as f64 } else { 0.0 }
                },
            )
            .collect()
    };
    let (add, take) = (shares(wanted > planned, want), shares(wanted < planned, want));
    let by = wanted.abs_diff(planned);
    let (add, take) = (super::quota::largest_remainder(&add, by), super::quota::largest_remainder(&take, by));
    for (want, (add, take)) in want.iter_mut().zip(add.into_iter().zip(take)) {
        want.quota = (want.quota + add).saturating_sub(take);
    }
}

/// Lots that may have the same are shared out together.
fn share_out(lots: &[Lot], want: &[Want]) -> Result<Vec<Vec<u64>>, DeadEnd> {
    let mut numbers: HashMap<&Bits, usize> = HashMap::new();
    let mut merged: Vec<(u64, Bits)> = Vec::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (at, lot) in lots.iter().enumerate() {
        let number = *numbers.entry(&lot.open).or_insert_with(|| {
            merged.push((0, lot.open.clone()));
            members.push(Vec::new());
            merged.len() - 1
        });
        merged[number].0 += lot.items.len() as u64;
        members[number].push(at);
    }
    let cells = flow::share_out(&merged, want).ok_or(DeadEnd)?;
    // What the merged lot got goes to its lots in proportion, kind after kind, and exactly.
    let mut each = vec![Vec::new(); lots.len()];
    for (row, members) in cells.iter().zip(&members) {
        if let [only] = members.as_slice() {
            each[*only].clone_from(row);
            continue;
        }
        let mut left: Vec<u64> = members.iter().map(|at| lots[*at].items.len() as u64).collect();
        for at in members {
            each[*at] = vec![0; row.len()];
        }
        let filled = row.iter().rposition(|count| *count > 0);
        for (kind, count) in row.iter().enumerate() {
            let shares: Vec<f64> = left.iter().map(|n| *n as f64).collect();
            let mut parts = if Some(kind) == filled {
                left.clone()
            } else {
                super::quota::largest_remainder(&shares, *count)
            };
            let mut spare = 0;
            for (part, left) in parts.iter_mut().zip(&left) {
                spare += part.saturating_sub(*left);
                *part = (*part).min(*left);
            }
            for (part, left) in parts.iter_mut().zip(&left) {
                let more = (*left - *part).min(spare);
                *part += more;
                spare -= more;
            }
            for ((at, part), left) in members.iter().zip(parts).zip(&mut left) {
                each[*at][kind] = part;
                *left -= part;
            }
        }
    }
    Ok(each)
}

/// Gives the items of each lot their kinds and slots, and sorts them into classes for the next group.
#[allow(clippy::too_many_arguments, reason = "one step of one function, kept apart to be read")]
fn hand_out(
    model: &Model,
    search: &Search<'_>,
    group: usize,
    ahead: &[usize],
    quotas: &[Vec<u64>],
    classes: &[Class],
    lots: Vec<Lot>,
    cells: &[Vec<u64>],
    want: &[Want],
    last: bool,
    columns: &mut [Vec<u32>],
) -> Result<Vec<Class>, DeadEnd> {
    let kinds = want.len();
    let mut of_kind: Vec<Vec<u32>> = vec![Vec::new(); kinds];
    let mut next: Vec<Class> = Vec::new();
    let mut known: HashMap<Vec<Bits>, usize> = HashMap::new();
    for (lot, row) in lots.into_iter().zip(cells) {
        let mut from = 0;
        for (kind, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            let to = from + *count as usize;
            let items = &lot.items[from..to];
            from = to;
            of_kind[kind].extend_from_slice(items);
            if last {
                continue;
            }
            let class = &classes[lot.class];
            let narrowed = search.narrow_to(&class.domains, group, kind).filter(|_| !class.lost);
            let lost = narrowed.is_none();
            let Some(domains) = narrowed.or_else(|| search.root().cloned()) else { return Err(DeadEnd) };
            // All that are lost are one class.
            let key = if lost { Vec::new() } else { signature(model, &domains, ahead) };
            let number = *known.entry(key).or_insert_with(|| {
                next.push(Class { domains, items: Vec::new(), lost });
                next.len() - 1
            });
            next[number].items.extend_from_slice(items);
            if next.len() > MOST_CLASSES {
                return Err(DeadEnd);
            }
        }
    }
    let mut chance = Chance::indexed(model.seed, "slots", group as u64);
    for (kind, items) in of_kind.iter_mut().enumerate() {
        chance.shuffle(items);
        fill_kind(model, search.active(), group, kind, items, &quotas[group], columns);
    }
    Ok(next)
}

/// What makes a difference for the groups ahead: what they can be, and which rules and limits are still open.
fn signature(model: &Model, domains: &Domains, ahead: &[usize]) -> Vec<Bits> {
    let mut signature: Vec<Bits> = ahead.iter().map(|group| domains.of(*group).to_bits()).collect();
    let mut flags = Vec::new();
    for &group in ahead {
        for &at in &model.clauses_of[group] {
            let settled = model.clauses[at as usize]
                .literals
                .iter()
                .any(|l| !ahead.contains(&l.group) && domains.of(l.group).within(&l.kinds));
            flags.push(settled);
        }
        for &at in &model.limits_of[group] {
            let literals = &model.limits[at as usize].literals;
            flags.push(
                literals.iter().all(|l| ahead.contains(&l.group) || domains.of(l.group).within(&l.kinds)),
            );
        }
    }
    let mut bits = Bits::none(flags.len());
    flags.iter().enumerate().filter(|(_, flag)| **flag).for_each(|(at, _)| bits.insert(at));
    signature.push(bits);
    signature
}

/// Shares a kind's items out to its slots: exact counts exactly, the others in proportion to their quotas.
fn fill_kind(
    model: &Model,
    active: &Active,
    group: usize,
    kind: usize,
    items: &[u32],
    quotas: &[u64],
    columns: &mut [Vec<u32>],
) {
    let slots = &model.groups[group].kinds[kind];
    let mut left = items.len() as u64;
    let mut counts: Vec<u64> = Vec::with_capacity(slots.len());
    for &slot in slots {
        let count = match active.bound(model, group, slot) {
            Bound::Exactly(count) => count.min(left),
            Bound::Free | Bound::Never => 0,
        };
        left -= count;
        counts.push(count);
    }
    let shares = |least: f64| -> Vec<f64> {
        let free = |slot: &u32| active.bound(model, group, *slot) == Bound::Free;
        slots
            .iter()
            .map(|slot| if free(slot) { (quotas[*slot as usize] as f64).max(least) } else { 0.0 })
            .collect()
    };
    let mut parts = super::quota::largest_remainder(&shares(0.0), left);
    if parts.iter().sum::<u64>() < left {
        parts = super::quota::largest_remainder(&shares(1.0), left);
    }
    let mut from = 0;
    for ((slot, count), part) in slots.iter().zip(counts).zip(parts) {
        let to = (from + (count + part) as usize).min(items.len());
        for item in &items[from..to] {
            columns[group][*item as usize] = *slot;
        }
        from = to;
    }
}
