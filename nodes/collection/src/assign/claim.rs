//! Reasons why a plan cannot be fulfilled, each a thing that can be proven again with fewer demands.
//!
//! Every claim is sound: it is made only where a complete search, an exact linear system or a count of all possible
//! items says so. What runs out of its budget makes no claim.

use super::bits::Bits;
use super::model::{Bound, Model};
use super::search::{Active, Domains, Search};
use super::simplex::{self, Outcome, Row};
use std::collections::BTreeSet;

/// Branches a single question may look at.
const BUDGET: usize = 20_000;
/// Sorts of items that one linear system may have: for a whole room, and for a few of its groups.
const MOST_SORTS: usize = 3000;
const MOST_SORTS_OF_FEW: usize = 800;
/// How many small sets of groups are looked at where a room is too large to be looked at whole.
const MOST_SUBSETS: usize = 300;
/// With so many times more different items than wanted, being different is no reason for a refusal of counts.
const PLENTY: u64 = 200;

/// A reason why nothing fulfils the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// No item at all obeys the rules.
    Nobody { room: usize },
    /// A value that is wanted can stand in no item.
    Slot { room: usize, group: usize, slot: u32 },
    /// What a rule wants together can stand in no item.
    Together { room: usize, limit: usize },
    /// The counts of these groups do not go together.
    Counts { room: usize, groups: Vec<usize>, distinct: bool },
    /// There are fewer different items than wanted.
    Few,
    /// There are fewer different items with this value than wanted.
    FewOf { room: usize, group: usize, slot: u32 },
}

/// What a claim rests on, for the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A search found nothing.
    Searched,
    /// Rows that contradict each other, each with how often it is added.
    Rows(Vec<(Counted, i128)>),
    /// So many different items exist.
    Different(u64),
}

/// What a row of counts is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) what: What,
    pub(crate) least: i128,
    pub(crate) most: i128,
    literals: Vec<(usize, Bits)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// All items.
    All,
    /// The slots of a kind.
    Kind(usize, usize),
    /// A rule about numbers.
    Limit(usize),
    /// Items that are alike in some groups: no two of them may be the same.
    Alike,
}

/// The first claim that holds, looking at everything.
pub(crate) fn find(model: &Model, active: &Active) -> Option<Claim> {
    for room in 0..model.rooms.len() {
        let search = Search::new(model, active, &model.rooms[room], BUDGET);
        let possible = search.root().is_some_and(|root| search.exists(root) != Some(false));
        if !possible {
            return Some(Claim::Nobody { room });
        }
        if let Some(claim) = impossible_slot(model, active, room, &search) {
            return Some(claim);
        }
        for limit in 0..model.limits.len() {
            let claim = Claim::Together { room, limit };
            if model.rooms[room].contains(&model.limits[limit].literals[0].group)
                && claim.holds(model, active).is_some()
            {
                return Some(claim);
            }
        }
    }
    for room in 0..model.rooms.len() {
        if let Some(claim) = counts(model, active, room, false) {
            return Some(claim);
        }
    }
    if !model.distinct {
        return None;
    }
    if Claim::Few.holds(model, active).is_some() {
        return Some(Claim::Few);
    }
    let plenty = (model.size as u64).saturating_mul(PLENTY);
    let scarce = different_without(model, active, usize::MAX, plenty).is_some_and(|found| found < plenty);
    for room in 0..model.rooms.len() {
        let Some(others) = different_without(model, active, room, model.size as u64) else { continue };
        if others >= model.size as u64 {
            continue;
        }
        let exact = |slot: &u32, group: usize| matches!(active.bound(model, group, *slot), Bound::Exactly(count) if count > others);
        for &group in &model.rooms[room] {
            for slot in 0..u32::try_from(model.groups[group].bounds.len()).unwrap_or(u32::MAX) {
                let claim = Claim::FewOf { room, group, slot };
                if exact(&slot, group) && claim.holds(model, active).is_some() {
                    return Some(claim);
                }
            }
        }
        if scarce && let Some(claim) = counts(model, active, room, true) {
            return Some(claim);
        }
    }
    None
}

fn impossible_slot(model: &Model, active: &Active, room: usize, search: &Search<'_>) -> Option<Claim> {
    for &group in &model.rooms[room] {
        let possible = search.possible_kinds(search.root()?, group);
        for (kind, slots) in
            model.groups[group].kinds.iter().enumerate().filter(|(kind, _)| !possible.has(*kind))
        {
            if let Some(slot) = slots.iter().find(|slot| active.usable(model, group, **slot)) {
                debug_assert!(!search.possible([(group, &Bits::one(model.groups[group].kinds.len(), kind))]));
                return Some(Claim::Slot { room, group, slot: *slot });
            }
        }
    }
    None
}

/// A claim about the counts of a room's groups: of all, or of few where that says it more simply.
fn counts(model: &Model, active: &Active, room: usize, distinct: bool) -> Option<Claim> {
    let search = Search::new(model, active, &model.rooms[room], BUDGET);
    let counted = counted_groups(model, active, room, &search);
    if counted.is_empty() {
        return None;
    }
    let claim = |groups: Vec<usize>| Claim::Counts { room, groups, distinct };
    let whole = verdict(model, active, room, &counted, distinct, MOST_SORTS);
    if whole == Verdict::Fine {
        return None;
    }
    let near = neighbours(model, active, room, &counted);
    let mut tried = 0;
    let mut test = |groups: Vec<usize>| {
        // Groups that have nothing to do with each other do not contradict each other.
        let tied =
            |at: usize| groups.len() < 2 || groups.iter().any(|other| near.contains(&(groups[at], *other)));
        if tried > MOST_SUBSETS || !(0..groups.len()).all(tied) {
            return None;
        }
        tried += 1;
        let verdict = verdict(model, active, room, &groups, distinct, MOST_SORTS_OF_FEW);
        matches!(verdict, Verdict::Not(_)).then(|| claim(groups))
    };
    for (at, &one) in counted.iter().enumerate() {
        if let Some(found) = test(vec![one]) {
            return Some(found);
        }
        for &two in &counted[..at] {
            if let Some(found) = test(vec![two, one]) {
                return Some(found);
            }
        }
    }
    // The whole room proves it already: no need for threes.
    if let Verdict::Not(_) = whole {
        return Some(claim(counted));
    }
    for (c, &three) in counted.iter().enumerate() {
        for (b, &two) in counted[..c].iter().enumerate() {
            for &one in &counted[..b] {
                if let Some(found) = test(vec![one, two, three]) {
                    return Some(found);
                }
            }
        }
    }
    None
}

/// Pairs of counted groups that a rule ties together, or a group of which no count is given.
fn neighbours(model: &Model, active: &Active, room: usize, counted: &[usize]) -> BTreeSet<(usize, usize)> {
    let mut tied: BTreeSet<(usize, usize)> = BTreeSet::new();
    let rules = model
        .clauses
        .iter()
        .map(|c| (c.rule, &c.literals))
        .chain(model.limits.iter().map(|l| (l.rule, &l.literals)));
    for (_, literals) in rules.filter(|(rule, _)| active.rules[*rule]) {
        for one in literals {
            tied.extend(
                literals.iter().filter(|l| l.group != one.group).map(|other| (one.group, other.group)),
            );
        }
    }
    let mut through = tied.clone();
    for middle in model.rooms[room].iter().filter(|group| !counted.contains(group)) {
        let around: Vec<usize> =
            tied.range((*middle, 0)..=(*middle, usize::MAX)).map(|(_, other)| *other).collect();
        for one in &around {
            through.extend(around.iter().filter(|other| *other != one).map(|other| (*one, *other)));
        }
    }
    through
}

/// Groups of a room of which some count is given.
fn counted_groups(model: &Model, active: &Active, room: usize, search: &Search<'_>) -> Vec<usize> {
    let Some(root) = search.root() else { return Vec::new() };
    let all = &model.rooms[room];
    let rows = rows(model, active, all, root);
    let named = |group: &usize| rows.iter().any(|row| row.literals.iter().any(|(g, _)| g == group));
    all.iter().copied().filter(named).collect()
}

/// The counts that are given for these groups.
fn rows(model: &Model, active: &Active, groups: &[usize], root: &Domains) -> Vec<Counted> {
    let size = model.size as i128;
    let mut rows = Vec::new();
    for &group in groups {
        for (kind, slots) in model.groups[group].kinds.iter().enumerate() {
            let (mut least, mut free) = (0i128, false);
            for slot in slots {
                match active.bound(model, group, *slot) {
                    Bound::Free => free = true,
                    Bound::Exactly(count) => least += i128::from(count),
                    Bound::Never => {}
                }
            }
            if (least > 0 || !free) && root.of(group).has(kind) {
                let one = Bits::one(model.groups[group].kinds.len(), kind);
                let most = if free { size } else { least };
                rows.push(Counted {
                    what: What::Kind(group, kind),
                    least,
                    most,
                    literals: vec![(group, one)],
                });
            }
        }
    }
    for (at, limit) in model.limits.iter().enumerate() {
        let within = limit.literals.iter().all(|l| groups.contains(&l.group));
        let (least, most) = (i128::from(limit.least), i128::from(limit.most));
        if within && active.rules[limit.rule] && (least > 0 || most < size) {
            let literals = limit.literals.iter().map(|l| (l.group, l.kinds.clone())).collect();
            rows.push(Counted { what: What::Limit(at), least, most, literals });
        }
    }
    rows
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Not(Vec<(Counted, i128)>),
    Unknown,
}

/// A sort of items: what some groups are narrowed to.
pub(crate) type Sort = Vec<(usize, Bits)>;

/// The sorts of items that a room can have, told apart by the rows.
pub(crate) struct Sorts {
    pub(crate) rows: Vec<Counted>,
    /// For each sort, what its groups are narrowed to.
    pub(crate) sorts: Vec<Sort>,
}

impl Sorts {
    /// `None` where there are too many.
    fn new(
        model: &Model,
        active: &Active,
        groups: &[usize],
        search: &Search<'_>,
        most: usize,
    ) -> Option<Self> {
        let root = search.root()?;
        let rows = rows(model, active, groups, root);
        // The lumps of each group: kinds that no row tells apart.
        let lumps: Vec<Vec<Bits>> = groups
            .iter()
            .map(|&group| {
                let mut lumps = vec![root.of(group).to_bits()];
                for (_, kinds) in rows.iter().flat_map(|row| &row.literals).filter(|(g, _)| *g == group) {
                    let parts = |lump: &Bits| [lump.and(kinds), lump.without(kinds)];
                    lumps = lumps.iter().flat_map(parts).filter(|part| !part.is_empty()).collect();
                }
                lumps
            })
            .collect();
        let mut sorts: Vec<(Sort, Domains)> = vec![(Vec::new(), root.clone())];
        for (at, &group) in groups.iter().enumerate() {
            let mut next = Vec::new();
            for (chosen, domains) in &sorts {
                for lump in &lumps[at] {
                    let Some(narrowed) = search.narrow_from(domains, [(group, lump)]) else { continue };
                    if search.exists(&narrowed) == Some(false) {
                        continue;
                    }
                    let mut chosen = chosen.clone();
                    chosen.push((group, lump.clone()));
                    next.push((chosen, narrowed));
                    if next.len() > most {
                        return None;
                    }
                }
            }
            sorts = next;
        }
        Some(Self { rows, sorts: sorts.into_iter().map(|(chosen, _)| chosen).collect() })
    }

    /// The linear system: all items, and each row.
    fn system(&self, size: usize) -> Vec<Row> {
        let all = (0u32..).zip(&self.sorts).map(|(at, _)| at).collect();
        let mut system = vec![Row { sorts: all, least: size as i128, most: size as i128 }];
        for row in &self.rows {
            let counts = |sort: &Sort| {
                row.literals
                    .iter()
                    .all(|(group, kinds)| sort.iter().any(|(g, lump)| g == group && lump.within(kinds)))
            };
            let sorts = (0u32..).zip(&self.sorts).filter(|(_, s)| counts(s)).map(|(at, _)| at).collect();
            system.push(Row { sorts, least: row.least, most: row.most });
        }
        system
    }
}

fn verdict(
    model: &Model,
    active: &Active,
    room: usize,
    groups: &[usize],
    distinct: bool,
    most: usize,
) -> Verdict {
    let search = Search::new(model, active, &model.rooms[room], BUDGET);
    let Some(sorts) = Sorts::new(model, active, groups, &search, most) else { return Verdict::Unknown };
    let mut system = sorts.system(model.size);
    let mut rows = sorts.rows.clone();
    if let Some(row) = rows.iter().find(|row| row.least > row.most) {
        return Verdict::Not(vec![(row.clone(), 1), (row.clone(), -1)]);
    }
    let all = Counted {
        what: What::All,
        least: model.size as i128,
        most: model.size as i128,
        literals: Vec::new(),
    };
    rows.insert(0, all);
    if distinct && sorts.sorts.len() <= 300 {
        // No more items of a sort than there are different ones.
        let Some(others) = different_without(model, active, room, model.size as u64) else {
            return Verdict::Unknown;
        };
        for (at, sort) in (0u32..).zip(&sorts.sorts) {
            let Some(domains) = search.narrow(sort.iter().map(|(g, lump)| (*g, lump))) else { continue };
            let Some(here) = search.count(&domains, model.size as u64) else { continue };
            let most = i128::from(here.saturating_mul(others));
            if most < model.size as i128 {
                system.push(Row { sorts: vec![at], least: 0, most });
                rows.push(Counted { what: What::Alike, least: 0, most, literals: sort.clone() });
            }
        }
    }
    match simplex::meet(sorts.sorts.len(), &system) {
        Outcome::Met { .. } => Verdict::Fine,
        Outcome::Unknown => Verdict::Unknown,
        Outcome::Impossible { proof, .. } => {
            Verdict::Not(rows.into_iter().zip(proof).filter(|(_, times)| *times != 0).collect())
        }
    }
}

/// Counts of sorts of items for a whole room that meet every count, where they can be found.
pub(crate) fn meet_room(model: &Model, active: &Active, room: usize) -> Option<Vec<(Sort, usize)>> {
    let search = Search::new(model, active, &model.rooms[room], BUDGET);
    let counted = counted_groups(model, active, room, &search);
    let sorts = Sorts::new(model, active, &counted, &search, MOST_SORTS)?;
    match simplex::meet(sorts.sorts.len(), &sorts.system(model.size)) {
        Outcome::Met { counts, over } if counts.iter().all(|count| count % over == 0) => {
            let counts = counts.iter().map(|count| usize::try_from(count / over).unwrap_or(0));
            Some(sorts.sorts.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect())
        }
        _ => None,
    }
}

/// How many different items the rooms other than one allow, counted up to `enough`. `None`: it took too long to say.
fn different_without(model: &Model, active: &Active, without: usize, enough: u64) -> Option<u64> {
    let mut product = 1u64;
    for (at, room) in model.rooms.iter().enumerate() {
        if at != without {
            let search = Search::new(model, active, room, BUDGET);
            product = product.saturating_mul(search.count(search.root()?, enough)?);
        }
    }
    Some(product)
}

impl Claim {
    /// Whether the claim holds for what is looked at, and on what it rests.
    pub(crate) fn holds(&self, model: &Model, active: &Active) -> Option<Ground> {
        match self {
            Self::Nobody { room } => {
                let search = Search::new(model, active, &model.rooms[*room], BUDGET);
                let none = search.root().is_none_or(|root| search.exists(root) == Some(false));
                none.then_some(Ground::Searched)
            }
            Self::Slot { room, group, slot } => {
                if !active.usable(model, *group, *slot) {
                    return None;
                }
                let search = Search::new(model, active, &model.rooms[*room], BUDGET);
                let one = Bits::one(model.groups[*group].kinds.len(), model.kind(*group, *slot));
                (!search.possible([(*group, &one)])).then_some(Ground::Searched)
            }
            Self::Together { room, limit } => {
                let limit = &model.limits[*limit];
                if limit.least == 0 || !active.rules[limit.rule] {
                    return None;
                }
                let search = Search::new(model, active, &model.rooms[*room], BUDGET);
                let literals = limit.literals.iter().map(|l| (l.group, &l.kinds));
                (!search.possible(literals)).then_some(Ground::Searched)
            }
            Self::Counts { room, groups, distinct } => {
                let most = if groups.len() <= 3 { MOST_SORTS_OF_FEW.max(MOST_SORTS) } else { MOST_SORTS };
                match verdict(model, active, *room, groups, *distinct, most) {
                    Verdict::Not(rows) => Some(Ground::Rows(rows)),
                    _ => None,
                }
            }
            Self::Few => {
                let different = different_without(model, active, usize::MAX, model.size as u64)?;
                (different < model.size as u64).then_some(Ground::Different(different))
            }
            Self::FewOf { room, group, slot } => {
                let Bound::Exactly(wanted) = active.bound(model, *group, *slot) else { return None };
                let search = Search::new(model, active, &model.rooms[*room], BUDGET);
                let kind = model.kind(*group, *slot);
                let one = Bits::one(model.groups[*group].kinds.len(), kind);
                let domains = search.narrow([(*group, &one)])?;
                let alike = search.slots(*group, one.view()).max(1);
                let here = search.count(&domains, wanted.saturating_mul(alike))? / alike;
                let different =
                    here.saturating_mul(different_without(model, active, *room, model.size as u64)?);
                (different < wanted).then_some(Ground::Different(different))
            }
        }
    }

    /// The room a claim is about; `None`: all of them.
    pub(crate) fn room(&self) -> Option<usize> {
        match self {
            Self::Nobody { room }
            | Self::Slot { room, .. }
            | Self::Together { room, .. }
            | Self::Counts { room, distinct: false, .. } => Some(*room),
            // How many different items there are is a matter of all rooms.
            Self::Few | Self::FewOf { .. } | Self::Counts { .. } => None,
        }
    }
}
