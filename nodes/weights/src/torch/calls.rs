//! What the few calls mean that a state dict is made of. Everything else becomes an object that holds
//! nothing, and its name is kept so that a person can be told.

use super::pickle::{Fault, Machine};
use super::value::{Id, Kind, Storage, Tensor, Value};
use crate::dtype::Dtype;
use crate::error::quoted;

/// Checkpoints have tensors of at most eight sides; torch allows 64.
const MOST_SIDES: usize = 16;
/// Names to tell; a file made to tell a million has made its point.
const MOST_NOTES: usize = 32;

/// A function called with a tuple.
pub(super) fn reduce(machine: &mut Machine<'_>, callable: Id, args: Id) -> Result<(), Fault> {
    let (mut callable, mut args) = (callable, args);
    // A tensor of a subclass wraps the call that makes it; more than one such layer is never written.
    for _ in 0..4 {
        let &Value::Global(module, name) = machine.pickle.value(callable) else {
            return machine.push(Value::Object(None));
        };
        if (module, name) != ("torch._tensor", "_rebuild_from_type_v2") {
            return known(machine, (module, name), callable, args);
        }
        let inner = tuple(machine, args);
        let (Some(&function), Some(&inner_args)) = (inner.first(), inner.get(2)) else { break };
        (callable, args) = (function, inner_args);
    }
    machine.push(Value::Unreadable("is wrapped in too many classes".into()))
}

fn known(
    machine: &mut Machine<'_>,
    (module, name): (&str, &str),
    callable: Id,
    args: Id,
) -> Result<(), Fault> {
    match (module, name) {
        ("collections", "OrderedDict") | ("builtins" | "__builtin__", "dict") => {
            let first = tuple(machine, args).first().copied();
            let entries = match first {
                Some(source) => pairs(machine, source)?,
                None => Vec::new(),
            };
            machine.push(Value::Dict(entries))
        }
        ("collections", "defaultdict") => machine.push(Value::Dict(Vec::new())),
        ("builtins" | "__builtin__", "set" | "list" | "frozenset" | "tuple") | ("torch", "Size") => {
            // The same values, whatever holds them.
            match tuple(machine, args).first() {
                Some(&items) => machine.push_id(items),
                None => machine.push(Value::List(Vec::new())),
            }
        }
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            match tuple(machine, args).first() {
                Some(&tensor) => machine.push_id(tensor),
                None => machine.push(Value::Object(None)),
            }
        }
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
            let value = tensor(machine, name, args);
            machine.push(value)
        }
        ("torch._utils" | "torch._tensor", _) if name.starts_with("_rebuild") => {
            let why = format!("is saved through {module}.{name}, which Kiln does not read");
            machine.push(Value::Unreadable(quoted_plain(&why).into()))
        }
        _ => {
            note(machine, callable);
            machine.push(Value::Object(None))
        }
    }
}

/// An object of a class, made without calling anything.
pub(super) fn make(machine: &mut Machine<'_>, class: Id) -> Result<(), Fault> {
    let is_dict = matches!(
        machine.pickle.value(class),
        Value::Global("collections", "OrderedDict" | "defaultdict") | Value::Global("builtins", "dict")
    );
    machine.push(if is_dict { Value::Dict(Vec::new()) } else { Value::Object(None) })
}

/// Keeps the name of what would have been called, unless it is one of the harmless ones of every training.
pub(super) fn note(machine: &mut Machine<'_>, callable: Id) {
    let &Value::Global(module, name) = machine.pickle.value(callable) else { return };
    let package = module.split('.').next().unwrap_or_default();
    let harmless = match package {
        "numpy" => {
            matches!(
                name,
                "scalar" | "dtype" | "_reconstruct" | "ndarray" | "_frombuffer" | "__randomstate_ctor"
            )
        }
        "torch" => {
            matches!(name, "device" | "_get_layout" | "_load_from_bytes" | "dtype" | "Generator")
                || module.starts_with("torch.nn.")
        }
        "_codecs" => name == "encode",
        "copyreg" | "copy_reg" => name == "_reconstructor",
        "builtins" | "__builtin__" => {
            matches!(name, "bytearray" | "complex" | "object" | "slice" | "range" | "int" | "float" | "str")
        }
        "collections" | "argparse" | "datetime" | "pathlib" | "omegaconf" | "decimal" | "enum" => true,
        "pytorch_lightning" | "lightning" | "lightning_fabric" => true,
        _ => false,
    };
    if !harmless && machine.pickle.calls.len() < MOST_NOTES {
        machine.pickle.calls.insert(quoted_plain(&format!("{module}.{name}")));
    }
}

/// Torch's name for a storage: `("storage", class, key, place, numbers)`, and for old views one more.
pub(super) fn persistent(machine: &mut Machine<'_>, id: Id) -> Result<(), Fault> {
    let storage = storage(machine, id);
    machine.push(storage.map_or(Value::Object(None), |storage| Value::Storage(Box::new(storage))))
}

fn storage<'a>(machine: &Machine<'a>, id: Id) -> Option<Storage<'a>> {
    let pickle = &machine.pickle;
    let Value::Tuple(parts) = pickle.value(id) else { return None };
    let [word, class, key, _place, _numbers, ..] = parts.as_slice() else { return None };
    if pickle.text(*word)? != "storage" {
        return None;
    }
    let &Value::Global(_, class) = pickle.value(*class) else { return None };
    let kind = match class {
        "DoubleStorage" => Kind::Typed(Dtype::F64),
        "FloatStorage" => Kind::Typed(Dtype::F32),
        "HalfStorage" => Kind::Typed(Dtype::F16),
        "BFloat16Storage" => Kind::Typed(Dtype::BF16),
        "LongStorage" => Kind::Typed(Dtype::I64),
        "IntStorage" => Kind::Typed(Dtype::I32),
        "ShortStorage" => Kind::Typed(Dtype::I16),
        "CharStorage" => Kind::Typed(Dtype::I8),
        "ByteStorage" => Kind::Typed(Dtype::U8),
        "BoolStorage" => Kind::Typed(Dtype::Bool),
        "UntypedStorage" | "TypedStorage" | "_TypedStorage" | "_UntypedStorage" => Kind::Untyped,
        other => Kind::Other(other),
    };
    let begins = match parts.get(5).map(|view| pickle.value(*view)) {
        Some(Value::Tuple(view)) => u64::try_from(integer(machine, *view.get(1)?)?).ok()?,
        _ => 0,
    };
    Some(Storage { kind, key: pickle.text(*key)?, begins })
}

/// `(storage, offset, shape, strides, ...)`; version 3 has the format as its seventh.
fn tensor<'a>(machine: &Machine<'a>, function: &str, args: Id) -> Value<'a> {
    let parts = tuple(machine, args);
    let bad = |why: &str| Value::Unreadable(why.into());
    let [storage, offset, shape, strides, ..] = *parts else {
        return bad("is described by too few values");
    };
    if !matches!(machine.pickle.value(storage), Value::Storage(_)) {
        return bad("does not lie in a storage that can be read");
    }
    let dtype = match (function, parts.get(6).map(|dtype| machine.pickle.value(*dtype))) {
        ("_rebuild_tensor_v3", Some(Value::Global("torch", name))) => match Dtype::from_torch(name) {
            Some(dtype) => Some(dtype),
            None => {
                let why = format!("is stored as {name}, which Kiln does not read");
                return Value::Unreadable(quoted_plain(&why).into());
            }
        },
        ("_rebuild_tensor_v3", _) => return bad("does not say how its numbers are stored"),
        _ => None,
    };
    let offset = integer(machine, offset).and_then(|offset| u64::try_from(offset).ok());
    let (Some(offset), Some(shape), Some(strides)) = (offset, sides(machine, shape), sides(machine, strides))
    else {
        return bad("has a shape that cannot be");
    };
    if shape.len() != strides.len() {
        return bad("has a shape that cannot be");
    }
    Value::Tensor(Box::new(Tensor { storage, dtype, offset, shape, strides }))
}

fn tuple<'m>(machine: &'m Machine<'_>, id: Id) -> &'m [Id] {
    match machine.pickle.value(id) {
        Value::Tuple(parts) => parts,
        _ => &[],
    }
}

fn integer(machine: &Machine<'_>, id: Id) -> Option<i64> {
    match machine.pickle.value(id) {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn sides(machine: &Machine<'_>, id: Id) -> Option<Vec<usize>> {
    let (Value::Tuple(sides) | Value::List(sides)) = machine.pickle.value(id) else { return None };
    if sides.len() > MOST_SIDES {
        return None;
    }
    sides.iter().map(|&side| usize::try_from(integer(machine, side)?).ok()).collect()
}

/// The entries of `dict(source)`: of another dict, or a list of pairs.
fn pairs(machine: &mut Machine<'_>, source: Id) -> Result<Vec<(Id, Id)>, Fault> {
    let entries: Vec<(Id, Id)> = match machine.pickle.value(source) {
        Value::Dict(entries) => entries.clone(),
        Value::List(items) | Value::Tuple(items) => items
            .iter()
            .filter_map(|&item| match machine.pickle.value(item) {
                Value::Tuple(pair) | Value::List(pair) => Some((*pair.first()?, *pair.get(1)?)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    // Copied, so that it counts: a short pickle could ask for a long copy many times.
    machine.charge(entries.len())?;
    Ok(entries)
}

/// A name out of the file inside a sentence: escaped and shortened, without the quotes.
fn quoted_plain(text: &str) -> String {
    quoted(text).trim_matches('"').to_owned()
}
