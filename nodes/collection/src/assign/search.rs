//! Is there an item such that …? A complete search over kinds, with propagation, within a budget.

use super::bits::Bits;
use super::model::{Bound, Model};

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

/// What each group of a room can still be.
#[derive(Debug, Clone)]
pub(crate) struct Domains(Vec<Bits>);

impl Domains {
    pub(crate) fn of(&self, group: usize) -> &Bits {
        &self.0[group]
    }
}

/// Answers questions about single items of one room.
pub(crate) struct Search<'a> {
    model: &'a Model,
    active: &'a Active,
    room: &'a [usize],
    /// What every item of the room can be, rules applied; `None` where no item can be.
    root: Option<Domains>,
    budget: usize,
}

impl<'a> Search<'a> {
    /// A search that looks at no more than `budget` branches for each question.
    pub(crate) fn new(model: &'a Model, active: &'a Active, room: &'a [usize], budget: usize) -> Self {
        let mut domains = Domains(model.groups.iter().map(|_| Bits::none(0)).collect());
        for &group in room {
            let kinds = &model.groups[group].kinds;
            let mut domain = Bits::none(kinds.len());
            for (kind, slots) in kinds.iter().enumerate() {
                if slots.iter().any(|slot| active.usable(model, group, *slot)) {
                    domain.insert(kind);
                }
            }
            domains.0[group] = domain;
        }
        let mut search = Self { model, active, room, root: None, budget };
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
            if !domains.0[group].within(kinds) {
                domains.0[group].keep(kinds);
                if domains.0[group].is_empty() {
                    return None;
                }
                changed.push(group);
            }
        }
        self.propagate(&mut domains, &changed).then_some(domains)
    }

    /// Whether an item exists within these domains. `None` where the budget ran out.
    pub(crate) fn exists(&self, domains: &Domains) -> Option<bool> {
        let mut budget = self.budget;
        self.solve(domains.clone(), &mut budget)
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
                    let domain = &domains.0[literal.group];
                    if !domain.misses(&literal.kinds) {
                        several |= open.is_some();
                        open = Some(literal);
                        if several {
                            break;
                        }
                    }
                }
                let Some(literal) = open else { return false };
                if !several && !domains.0[literal.group].within(&literal.kinds) {
                    domains.0[literal.group].keep(&literal.kinds);
                    queue.push(literal.group);
                }
            }
        }
        true
    }

    /// A clause that some choices within the domains would break, and the smallest group in it.
    fn undecided(&self, domains: &Domains) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        for &group in self.room {
            for &at in &self.model.clauses_of[group] {
                let clause = &self.model.clauses[at as usize];
                // Each clause is looked at once, from its first group.
                if clause.literals.first().is_none_or(|l| l.group != group) || !self.active.rules[clause.rule]
                {
                    continue;
                }
                if clause.literals.iter().any(|l| domains.0[l.group].within(&l.kinds)) {
                    continue;
                }
                for literal in &clause.literals {
                    let size = domains.0[literal.group].count();
                    if size > 1 && best.is_none_or(|(least, _)| size < least) {
                        best = Some((size, literal.group));
                    }
                }
            }
        }
        best.map(|(_, group)| group)
    }

    fn solve(&self, domains: Domains, budget: &mut usize) -> Option<bool> {
        // An explicit stack: as deep as there are groups and kinds, whoever wrote the plan.
        let mut stack = vec![domains];
        while let Some(domains) = stack.pop() {
            if *budget == 0 {
                return None;
            }
            *budget -= 1;
            let Some(group) = self.undecided(&domains) else { return Some(true) };
            for kind in domains.of(group).iter() {
                let one = Bits::one(self.model.groups[group].kinds.len(), kind);
                if let Some(next) = self.narrow_from(&domains, [(group, &one)]) {
                    stack.push(next);
                }
            }
        }
        Some(false)
    }

    /// How many different items (as slots, not kinds) lie within the domains, counted up to `enough`. `None` where the
    /// budget ran out before that.
    pub(crate) fn count(&self, domains: &Domains, enough: u64) -> Option<u64> {
        let mut budget = self.budget.max(usize::try_from(enough.saturating_mul(4)).unwrap_or(usize::MAX));
        let mut found: u64 = 0;
        let mut stack = vec![domains.clone()];
        while let Some(domains) = stack.pop() {
            if budget == 0 {
                return None;
            }
            budget -= 1;
            let Some(group) = self.undecided(&domains) else {
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
            for kind in domains.of(group).iter() {
                let one = Bits::one(self.model.groups[group].kinds.len(), kind);
                if let Some(next) = self.narrow_from(&domains, [(group, &one)]) {
                    stack.push(next);
                }
            }
        }
        Some(found)
    }

    /// How many usable slots these kinds have.
    pub(crate) fn slots(&self, group: usize, kinds: &Bits) -> u64 {
        let usable = |kind: usize| {
            let slots = &self.model.groups[group].kinds[kind];
            slots.iter().filter(|slot| self.active.usable(self.model, group, **slot)).count() as u64
        };
        kinds.iter().map(usable).sum()
    }

    /// Every item within the domains, as kinds for the groups of the room, handed to `each` until it says stop.
    pub(crate) fn every(&self, domains: &Domains, each: &mut dyn FnMut(&Domains) -> bool) {
        let mut stack = vec![domains.clone()];
        while let Some(domains) = stack.pop() {
            let Some(group) = self.undecided(&domains) else {
                if !each(&domains) {
                    return;
                }
                continue;
            };
            for kind in domains.of(group).iter() {
                let one = Bits::one(self.model.groups[group].kinds.len(), kind);
                if let Some(next) = self.narrow_from(&domains, [(group, &one)]) {
                    stack.push(next);
                }
            }
        }
    }
}
