//! Finding the state dict in what a checkpoint holds.

use super::value::{Id, Pickle, Value};

/// The keys under which trainers put the weights; the first that is there is taken.
const WRAPPERS: [&str; 4] = ["state_dict", "params_ema", "params", "model"];
const DEEPEST: usize = 12;
const LONGEST_NAME: usize = 512;
const MOST_TENSORS: usize = 200_000;
const MOST_VISITS: usize = 2_000_000;

/// The tensors by name. Dictionaries that wrap the weights are stepped into; in what remains, dictionaries
/// inside dictionaries give names with dots, as do the modules of a model that was saved whole. A file that
/// is a single tensor has it under the name `tensor`. The flag is whether more was there than is looked at.
pub(super) fn find(pickle: &Pickle<'_>) -> (Vec<(String, Id)>, bool) {
    let mut at = pickle.root;
    for _ in 0..DEEPEST {
        let inner = WRAPPERS
            .iter()
            .filter_map(|key| pickle.entry(at, key))
            .find(|&inner| matches!(pickle.value(inner), Value::Dict(_)) || members(pickle, inner).is_some());
        match inner {
            Some(inner) => at = inner,
            None => break,
        }
    }
    let mut walk = Walk { pickle, found: Vec::new(), visits: 0, more: false };
    if is_tensor(pickle, at) {
        walk.found.push(("tensor".to_owned(), at));
    } else {
        walk.enter(at, "", 0);
    }
    (walk.found, walk.more)
}

struct Walk<'p, 'a> {
    pickle: &'p Pickle<'a>,
    found: Vec<(String, Id)>,
    visits: usize,
    more: bool,
}

impl Walk<'_, '_> {
    fn enter(&mut self, id: Id, prefix: &str, depth: usize) {
        if depth > DEEPEST {
            self.more = true;
            return;
        }
        let groups = match self.pickle.value(id) {
            Value::Dict(_) => vec![id],
            Value::Object(_) => members(self.pickle, id).unwrap_or_default(),
            _ => return,
        };
        let entries = groups.into_iter().filter_map(|group| self.pickle.dict(group)).flatten();
        for &(key, value) in entries {
            self.visits += 1;
            if self.visits > MOST_VISITS || self.found.len() >= MOST_TENSORS {
                self.more = true;
                return;
            }
            let Some(key) = self.pickle.text(key) else { continue };
            let tensor = is_tensor(self.pickle, value);
            if !tensor && !matches!(self.pickle.value(value), Value::Dict(_) | Value::Object(Some(_))) {
                continue;
            }
            if prefix.len() + key.len() > LONGEST_NAME {
                self.more = true;
                continue;
            }
            let name = format!("{prefix}{key}");
            if tensor {
                self.found.push((name, value));
            } else {
                self.enter(value, &format!("{name}."), depth + 1);
            }
        }
    }
}

fn is_tensor(pickle: &Pickle<'_>, id: Id) -> bool {
    matches!(pickle.value(id), Value::Tensor(_) | Value::Unreadable(_))
}

/// The dictionaries of a `torch.nn.Module` that its state dict is made of.
fn members(pickle: &Pickle<'_>, object: Id) -> Option<Vec<Id>> {
    let Value::Object(Some(state)) = pickle.value(object) else { return None };
    let groups: Vec<Id> =
        ["_parameters", "_buffers", "_modules"].iter().filter_map(|key| pickle.entry(*state, key)).collect();
    (!groups.is_empty()).then_some(groups)
}
