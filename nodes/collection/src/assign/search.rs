//! Is there an item such that …? A complete search over kinds, with propagation, within a budget.

use super::bits::{Bits, View};
use super::model::{Bound, Model};
use std::sync::Arc;

/// Boxes of like items that counting may look at.
const MOST_BOXES: usize = 300_000;

/// Which of a plan's demands are looked at. Finding out who is to blame means leaving some out.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) rules: Vec<bool>,
    /// For each group and slot, whether its count counts.
    pub(crate) bounds: Vec<Vec<bool>>,
}

impl Active {
    pub(crate) fn everything(model: &Model, rules: usize) -> Self {
        Self {
            rules: vec![true; rules],
            bounds: model.groups.iter().map(|group| vec![true; group.bounds.len()]).collect(),
        }
    }

    /// What is said about a slot, as far as it is looked at.
    pub(crate) fn bound(&self, model: &Model, group: usize, slot: u32) -> Bound {
        if self.bounds[group][slot as usize] {
            model.groups[group].bounds[slot as usize]
        } else {
            Bound::Free
        }
    }

    /// Whether a slot may be used at all.
    pub(crate) fn usable(&self, model: &Model, group: usize, slot: u32) -> bool {
        !matches!(self.bound(model, group, slot), Bound::Never | Bound::Exactly(0))
    }
}

/// What each group of a room can still be: all sets in one piece of memory, since searching copies them all the time.
#[derive(Debug, Clone)]
pub(crate) struct Domains {
    words: Vec<u64>,
    /// Where each group's set begins; one more for the end.
    places: Arc<[u32]>,
}

impl Domains {
    pub(crate) fn of(&self, group: usize) -> View<'_> {
        View(&self.words[self.places[group] as usize..self.places[group + 1] as usize])
    }

    fn of_mut(&mut self, group: usize) -> &mut [u64] {
        &mut self.words[self.places[group] as usize..self.places[group + 1] as usize]
    }

    /// Keeps of a group's set what is in another. `false`: nothing is left.
    fn keep(&mut self, group: usize, kinds: &Bits) -> bool {
        let mut any = 0;
        for (word, other) in self.of_mut(group).iter_mut().zip(kinds.words()) {
            *word &= other;
            any |= *word;
        }
        any != 0
    }

    /// Takes from a group's set what is in another. `false`: nothing is left.
    fn drop(&mut self, group: usize, kinds: &Bits) -> bool {
        let mut any = 0;
        for (word, other) in self.of_mut(group).iter_mut().zip(kinds.words()) {
            *word &= !other;
            any |= *word;
        }
        any != 0
    }

    /// Keeps one kind of a group.
    fn only(&mut self, group: usize, kind: usize) {
        let words = self.of_mut(group);
        words.fill(0);
        words[kind / 64] |= 1 << (kind % 64);
    }
}

/// What a search came to.
enum Found {
    /// Every choice within these is an item.
    Items(Domains),
    Nothing,
    OutOfBudget,
}

/// Answers questions about single items of one room.
pub(crate) struct Search<'a> {
    model: &'a Model,
    active: &'a Active,
    room: &'a [usize],
    /// The room's clauses that are looked at.
    clauses: Vec<u32>,
    /// What every item of the room can be, rules applied; `None` where no item can be.
    root: Option<Domains>,
    budget: usize,
}

impl<'a> Search<'a> {
    /// A search that looks at no more than `budget` branches for each question.
    pub(crate) fn new(model: &'a Model, active: &'a Active, room: &'a [usize], budget: usize) -> Self {
        let mut places = Vec::with_capacity(model.groups.len() + 1);
        let mut end = 0u32;
        for (group, known) in model.groups.iter().enumerate() {
            places.push(end);
            if room.binary_search(&group).is_ok() {
                end += u32::try_from(known.kinds.len().div_ceil(64)).unwrap_or(0);
            }
        }
        places.push(end);
        let mut domains = Domains { words: vec![0; end as usize], places: places.into() };
        let mut clauses = Vec::new();
        for &group in room {
            for (kind, slots) in model.groups[group].kinds.iter().enumerate() {
                if slots.iter().any(|slot| active.usable(model, group, *slot)) {
                    domains.of_mut(group)[kind / 64] |= 1 << (kind % 64);
                }
            }
            // Each clause once, from its first group.
            clauses.extend(model.clauses_of[group].iter().copied().filter(|at| {
                let clause = &model.clauses[*at as usize];
                active.rules[clause.rule] && clause.literals.first().is_some_and(|l| l.group == group)
            }));
        }
        let mut search = Self { model, active, room, clauses, root: None, budget };
        let empty = room.iter().any(|group| domains.of(*group).is_empty());
        if !empty && search.propagate(&mut domains, room) {
            search.root = Some(domains);
        }
        search
    }

    /// What is looked at.
    pub(crate) fn active(&self) -> &Active {
        self.active
    }

    /// What every item of the room can be; `None` where nothing can.
    pub(crate) fn root(&self) -> Option<&Domains> {
        self.root.as_ref()
    }

    /// Narrows the root: each named group to these kinds. `None` where that leaves nothing.
    pub(crate) fn narrow<'b>(&self, fixed: impl IntoIterator<Item = (usize, &'b Bits)>) -> Option<Domains> {
        self.narrow_from(self.root.as_ref()?, fixed)
    }

    /// Narrows what was narrowed before.
    pub(crate) fn narrow_from<'b>(
        &self,
        from: &Domains,
        fixed: impl IntoIterator<Item = (usize, &'b Bits)>,
    ) -> Option<Domains> {
        let mut domains = from.clone();
        let mut changed = Vec::new();
        for (group, kinds) in fixed {
            if !domains.of(group).within(kinds) {
                if !domains.keep(group, kinds) {
                    return None;
                }
                changed.push(group);
            }
        }
        self.propagate(&mut domains, &changed).then_some(domains)
    }

    /// Narrows one group to one kind.
    pub(crate) fn narrow_to(&self, from: &Domains, group: usize, kind: usize) -> Option<Domains> {
        let mut domains = from.clone();
        domains.only(group, kind);
        self.propagate(&mut domains, &[group]).then_some(domains)
    }

    /// Whether an item exists within these domains. `None` where the budget ran out.
    pub(crate) fn exists(&self, domains: &Domains) -> Option<bool> {
        match self.solve(domains.clone()) {
            Found::Items(_) => Some(true),
            Found::Nothing => Some(false),
            Found::OutOfBudget => None,
        }
    }

    /// Whether an item exists with these kinds. Where the budget runs out, "yes": nobody is refused on a guess.
    pub(crate) fn possible<'b>(&self, fixed: impl IntoIterator<Item = (usize, &'b Bits)>) -> bool {
        self.narrow(fixed).is_some_and(|domains| self.exists(&domains) != Some(false))
    }

    /// Applies clauses of which all but one literal have failed, until nothing changes. `false`: a contradiction.
    fn propagate(&self, domains: &mut Domains, changed: &[usize]) -> bool {
        let mut queue: Vec<usize> = changed.to_vec();
        while let Some(group) = queue.pop() {
            for &at in &self.model.clauses_of[group] {
                let clause = &self.model.clauses[at as usize];
                if !self.active.rules[clause.rule] {
                    continue;
                }
                let mut open = None;
                let mut several = false;
                for literal in &clause.literals {
                    let domain = domains.of(literal.group);
                    if !domain.misses(&literal.kinds) {
                        several |= open.is_some();
                        open = Some(literal);
                        if several {
                            break;
                        }
                    }
                }
                let Some(literal) = open else { return false };
                if !several && !domains.of(literal.group).within(&literal.kinds) {
                    domains.keep(literal.group, &literal.kinds);
                    queue.push(literal.group);
                }
            }
        }
        true
    }

    /// The first clause, from a place in the room's list on, that some choices within the domains would break. `None`:
    /// every choice is an item. What is decided stays so while domains shrink, so a search never looks back.
    fn undecided(&self, domains: &Domains, from: usize) -> Option<usize> {
        let decided = |at: u32| {
            let literals = &self.model.clauses[at as usize].literals;
            literals.iter().any(|l| domains.of(l.group).within(&l.kinds))
        };
        (from..self.clauses.len()).find(|at| !decided(self.clauses[*at]))
    }

    /// Parts the domains in two by an undecided clause's first open literal: where it holds, and where it does not.
    fn part(&self, mut domains: Domains, clause: usize) -> (Option<Domains>, Option<Domains>) {
        let literals = &self.model.clauses[self.clauses[clause] as usize].literals;
        let Some(open) = literals.iter().find(|l| !domains.of(l.group).misses(&l.kinds)) else {
            return (None, None);
        };
        let mut holds = domains.clone();
        let changed = [open.group];
        let holds =
            (holds.keep(open.group, &open.kinds) && self.propagate(&mut holds, &changed)).then_some(holds);
        let fails = domains.drop(open.group, &open.kinds) && self.propagate(&mut domains, &changed);
        (holds, fails.then_some(domains))
    }

    /// Domains of which every choice is an item, within these.
    fn solve(&self, domains: Domains) -> Found {
        let mut budget = self.budget;
        // An explicit stack: as deep as there are rules, whoever wrote the plan.
        let mut stack = vec![(domains, 0)];
        while let Some((domains, from)) = stack.pop() {
            if budget == 0 {
                return Found::OutOfBudget;
            }
            budget -= 1;
            let Some(clause) = self.undecided(&domains, from) else { return Found::Items(domains) };
            let (holds, fails) = self.part(domains, clause);
            stack.extend([fails, holds].into_iter().flatten().map(|part| (part, clause)));
        }
        Found::Nothing
    }

    /// The kinds of a group that no rule closes at once: quicker than [`Self::possible_kinds`], and at times too many.
    pub(crate) fn near_kinds(&self, domains: &Domains, group: usize) -> Bits {
        let mut open = domains.of(group).to_bits();
        let closed = |kind: &usize| self.narrow_to(domains, group, *kind).is_none();
        let closed: Vec<usize> = open.iter().filter(closed).collect();
        closed.into_iter().for_each(|kind| open.remove(kind));
        open
    }

    /// The kinds of a group with which an item exists within the domains. Where the budget runs out, a kind counts as
    /// possible.
    pub(crate) fn possible_kinds(&self, domains: &Domains, group: usize) -> Bits {
        let mut open = Bits::none(self.model.groups[group].kinds.len());
        let mut rest = domains.of(group).to_bits();
        // Each answer is a whole box of items, and opens all kinds in it at once.
        while !rest.is_empty() {
            let Some(narrowed) = self.narrow_from(domains, [(group, &rest)]) else { break };
            match self.solve(narrowed) {
                Found::Items(items) => {
                    let found = items.of(group).to_bits();
                    found.iter().for_each(|kind| open.insert(kind));
                    rest = rest.without(&found);
                }
                Found::Nothing => break,
                Found::OutOfBudget => {
                    rest.iter().for_each(|kind| open.insert(kind));
                    break;
                }
            }
        }
        open
    }

    /// How many different items (as slots, not kinds) lie within the domains, counted up to `enough`. `None` where the
    /// budget ran out before that.
    pub(crate) fn count(&self, domains: &Domains, enough: u64) -> Option<u64> {
        let mut budget = self.budget.max(usize::try_from(enough).unwrap_or(usize::MAX).min(MOST_BOXES));
        let mut found: u64 = 0;
        let mut stack = vec![(domains.clone(), 0)];
        while let Some((domains, from)) = stack.pop() {
            if budget == 0 {
                return None;
            }
            budget -= 1;
            let Some(clause) = self.undecided(&domains, from) else {
                // No rule decides any more: everything that is left goes with everything.
                let here = self
                    .room
                    .iter()
                    .map(|group| self.slots(*group, domains.of(*group)))
                    .fold(1u64, u64::saturating_mul);
                found = found.saturating_add(here);
                if found >= enough {
                    return Some(enough);
                }
                continue;
            };
            let (holds, fails) = self.part(domains, clause);
            stack.extend([fails, holds].into_iter().flatten().map(|part| (part, clause)));
        }
        Some(found)
    }

    /// How many usable slots these kinds have.
    pub(crate) fn slots(&self, group: usize, kinds: View<'_>) -> u64 {
        let usable = |kind: usize| {
            let slots = &self.model.groups[group].kinds[kind];
            slots.iter().filter(|slot| self.active.usable(self.model, group, **slot)).count() as u64
        };
        kinds.iter().map(usable).sum()
    }

    /// Every item within the domains, in boxes that do not overlap, handed to `each` until it says stop.
    pub(crate) fn every(&self, domains: &Domains, each: &mut dyn FnMut(&Domains) -> bool) {
        let mut stack = vec![(domains.clone(), 0)];
        while let Some((domains, from)) = stack.pop() {
            let Some(clause) = self.undecided(&domains, from) else {
                if !each(&domains) {
                    return;
                }
                continue;
            };
            let (holds, fails) = self.part(domains, clause);
            stack.extend([fails, holds].into_iter().flatten().map(|part| (part, clause)));
        }
    }
}
