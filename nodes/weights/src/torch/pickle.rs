//! The pickle machine: protocols 0 to 5, values only.
//!
//! Every step takes at least one byte of the pickle and makes at most one value of fixed size; steps, values,
//! stack and memo are bounded besides. Nothing recurses.

use std::collections::BTreeSet;

use super::calls;
use super::value::{Id, Pickle, Value};

/// Bounds far above any checkpoint (one of Stable Diffusion with its optimizer has some 100 000 values).
const MOST_VALUES: usize = 2_000_000;
const MOST_STEPS: usize = 16_000_000;
const DEEPEST_STACK: usize = 1_000_000;

/// Why a pickle could not be read to its end.
#[derive(Debug)]
pub(super) enum Fault {
    CutShort(String),
    Damaged(String),
    Refused(String),
}

impl Fault {
    pub(super) fn of(self, file: &std::path::Path) -> crate::WeightError {
        match self {
            Self::CutShort(what) => crate::WeightError::cut_short(file, what),
            Self::Damaged(what) => crate::WeightError::damaged(file, what),
            Self::Refused(what) => crate::WeightError::refused(file, what),
        }
    }
}

/// Reads one pickle from the beginning of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine {
        bytes,
        at: 0,
        steps: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        pickle: Pickle { values: vec![Value::Plain], root: 0, length: 0, calls: BTreeSet::new() },
    };
    while machine.step()? {}
    machine.pickle.root = machine.pop()?;
    machine.pickle.length = machine.at;
    Ok(machine.pickle)
}

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    steps: usize,
    stack: Vec<Id>,
    /// Where on the stack the open marks are.
    marks: Vec<usize>,
    /// By the pickler's number, which counts from 0; 0 here is a free place.
    memo: Vec<Id>,
    pub(super) pickle: Pickle<'a>,
}

impl<'a> Machine<'a> {
    /// Does one instruction; false after the last.
    #[allow(clippy::too_many_lines, reason = "one arm per instruction, as in every description of pickles")]
    fn step(&mut self) -> Result<bool, Fault> {
        self.charge(1)?;
        let [code] = self.take()?;
        match code {
            b'.' => return Ok(false),
            // What only frames the rest.
            0x80 => {
                let [protocol] = self.take()?;
                if protocol > 5 {
                    return Err(self.damaged("is of a protocol later than 5"));
                }
            }
            0x95 => drop(self.take::<8>()?),
            0x98 => {}
            // The stack.
            b'(' => {
                if self.marks.len() >= DEEPEST_STACK {
                    return Err(Self::refused("deeper"));
                }
                self.marks.push(self.stack.len());
            }
            b'0' => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }
            // Numbers.
            b'N' | 0x88 | 0x89 => self.push(Value::Plain)?,
            b'K' => {
                let [number] = self.take()?;
                self.push(Value::Int(number.into()))?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.take()?);
                self.push(Value::Int(number.into()))?;
            }
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.push(Value::Int(number.into()))?;
            }
            b'I' | b'L' => {
                let number = self.line()?.trim_end_matches('L').parse();
                self.push(number.map_or(Value::Plain, Value::Int))?;
            }
            0x8a => {
                let [length] = self.take()?;
                let number = long(self.run(length.into())?);
                self.push(number)?;
            }
            0x8b => {
                let length = self.length4()?;
                let number = long(self.run(length)?);
                self.push(number)?;
            }
            b'G' => {
                self.take::<8>()?;
                self.push(Value::Plain)?;
            }
            b'F' => {
                self.line()?;
                self.push(Value::Plain)?;
            }
            // Text and bytes.
            0x8c => {
                let [length] = self.take()?;
                self.push_text(length.into())?;
            }
            b'X' => {
                let length = self.length4()?;
                self.push_text(length)?;
            }
            0x8d => {
                let length = self.length8()?;
                self.push_text(length)?;
            }
            b'V' => {
                let text = self.line()?;
                self.push(plain_text(text))?;
            }
            b'S' => {
                let text = self.line()?;
                let quote = |c| c == '\'' || c == '"';
                let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
                self.push(inner.map_or(Value::Plain, plain_text))?;
            }
            // Python 2 wrote its names as bytes.
            b'U' => {
                let [length] = self.take()?;
                self.push_bytes(length.into())?;
            }
            b'T' => {
                let length = self.length4()?;
                self.push_bytes(length)?;
            }
            b'C' => {
                let [length] = self.take()?;
                self.push_bytes(length.into())?;
            }
            b'B' => {
                let length = self.length4()?;
                self.push_bytes(length)?;
            }
            0x8e | 0x96 => {
                let length = self.length8()?;
                self.push_bytes(length)?;
            }
            0x97 => self.push(Value::Object(None))?,
            // Containers.
            b')' => self.push(Value::Tuple(Vec::new()))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items))?;
            }
            0x85..=0x87 => {
                let from = self.floor_for(usize::from(code - 0x84))?;
                let items = self.stack.split_off(from);
                self.push(Value::Tuple(items))?;
            }
            b']' => self.push(Value::List(Vec::new()))?,
            b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items))?;
            }
            0x8f => self.push(Value::List(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dict(Vec::new()))?;
                self.set_items(&items)?;
            }
            b's' => {
                let from = self.floor_for(2)?;
                let items = self.stack.split_off(from);
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            // The memo.
            b'q' => {
                let [place] = self.take()?;
                self.remember(place.into())?;
            }
            b'r' => {
                let place = self.length4()?;
                self.remember(place)?;
            }
            b'p' => {
                let place = self.line_number()?;
                self.remember(place)?;
            }
            0x94 => self.remember(self.memo.len())?,
            b'h' => {
                let [place] = self.take()?;
                self.recall(place.into())?;
            }
            b'j' => {
                let place = self.length4()?;
                self.recall(place)?;
            }
            b'g' => {
                let place = self.line_number()?;
                self.recall(place)?;
            }
            // Classes, functions, and calls of them: names only.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(module, name))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = match (self.pickle.text(module), self.pickle.text(name)) {
                    (Some(module), Some(name)) => Value::Global(module, name),
                    _ => return Err(self.damaged("names a class by something that is no text")),
                };
                self.push(global)?;
            }
            0x82 => {
                self.take::<1>()?;
                self.push(Value::Object(None))?;
            }
            0x83 => {
                self.take::<2>()?;
                self.push(Value::Object(None))?;
            }
            0x84 => {
                self.take::<4>()?;
                self.push(Value::Object(None))?;
            }
            b'R' => {
                let (args, callable) = (self.pop()?, self.pop()?);
                calls::reduce(self, callable, args)?;
            }
            0x81 => {
                let (_args, class) = (self.pop()?, self.pop()?);
                calls::make(self, class)?;
            }
            0x92 => {
                let (_named, _args, class) = (self.pop()?, self.pop()?, self.pop()?);
                calls::make(self, class)?;
            }
            b'o' => {
                let items = self.pop_to_mark()?;
                match items.first() {
                    Some(&class) => calls::note(self, class),
                    None => return Err(self.damaged("makes an object of nothing")),
                }
                self.push(Value::Object(None))?;
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                self.pop_to_mark()?;
                self.push(Value::Global(module, name))?;
                let class = self.pop()?;
                calls::note(self, class);
                self.push(Value::Object(None))?;
            }
            b'b' => {
                let (state, object) = (self.pop()?, self.top()?);
                if let Some(Value::Object(held)) = self.pickle.values.get_mut(object as usize) {
                    *held = Some(state);
                }
            }
            b'Q' => {
                let id = self.pop()?;
                calls::persistent(self, id)?;
            }
            b'P' => {
                self.line()?;
                self.push(Value::Object(None))?;
            }
            _ => {
                self.at -= 1;
                return Err(self.damaged(&format!("has no instruction {code:#04x}")));
            }
        }
        Ok(true)
    }

    /// Counts work that is not one instruction, such as copying a list.
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST_STEPS { Err(Self::refused("longer")) } else { Ok(()) }
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<(), Fault> {
        if self.pickle.values.len() >= MOST_VALUES {
            return Err(Self::refused("larger"));
        }
        let id = self.pickle.values.len() as Id;
        self.pickle.values.push(value);
        self.push_id(id)
    }

    pub(super) fn push_id(&mut self, id: Id) -> Result<(), Fault> {
        if self.stack.len() >= DEEPEST_STACK {
            return Err(Self::refused("deeper"));
        }
        self.stack.push(id);
        Ok(())
    }

    /// Where on the stack the topmost `count` values begin; they must be above the last mark.
    fn floor_for(&self, count: usize) -> Result<usize, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack
            .len()
            .checked_sub(count)
            .filter(|&from| from >= floor)
            .ok_or_else(|| self.damaged("takes more values than it made"))
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let from = self.floor_for(1)?;
        let id = self.stack.get(from).copied().unwrap_or(0);
        self.stack.truncate(from);
        Ok(id)
    }

    fn top(&self) -> Result<Id, Fault> {
        self.floor_for(1).map(|from| self.stack.get(from).copied().unwrap_or(0))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let mark = self.marks.pop().ok_or_else(|| self.damaged("closes what it did not open"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), Fault> {
        let list = self.top()?;
        if let Some(Value::List(held)) = self.pickle.values.get_mut(list as usize) {
            held.extend_from_slice(items);
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), Fault> {
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(self.damaged("has a key without a value"));
        }
        let dict = self.top()?;
        if let Some(Value::Dict(held)) = self.pickle.values.get_mut(dict as usize) {
            held.extend(pairs.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    fn remember(&mut self, place: usize) -> Result<(), Fault> {
        let top = self.top()?;
        if place >= MOST_VALUES {
            return Err(Self::refused("larger"));
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, 0);
        }
        if let Some(held) = self.memo.get_mut(place) {
            *held = top;
        }
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), Fault> {
        match self.memo.get(place) {
            Some(&id) if id != 0 => self.push_id(id),
            _ => Err(self.damaged("refers to a value it did not make")),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.first_chunk::<N>() else { return Err(self.cut_short()) };
        self.at += N;
        Ok(*taken)
    }

    fn run(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length);
        let Some(run) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(self.cut_short());
        };
        self.at += length;
        Ok(run)
    }

    fn length4(&mut self) -> Result<usize, Fault> {
        self.take().map(|length| u32::from_le_bytes(length) as usize)
    }

    fn length8(&mut self) -> Result<usize, Fault> {
        let length = u64::from_le_bytes(self.take()?);
        usize::try_from(length).map_err(|_| self.cut_short())
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else { return Err(self.cut_short()) };
        let line = self.run(length)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|_| self.damaged("has a line that is no text"))
    }

    fn line_number(&mut self) -> Result<usize, Fault> {
        self.line()?.parse().map_err(|_| self.damaged("has a line that is no number"))
    }

    fn push_text(&mut self, length: usize) -> Result<(), Fault> {
        // Python lets lone surrogates through; no name of a tensor has them.
        let text = std::str::from_utf8(self.run(length)?).map_or(Value::Plain, Value::Text);
        self.push(text)
    }

    fn push_bytes(&mut self, length: usize) -> Result<(), Fault> {
        self.push_text(length)
    }

    pub(super) fn damaged(&self, what: &str) -> Fault {
        Fault::Damaged(format!("its pickle {what} (at byte {} of the pickle)", self.at))
    }

    fn cut_short(&self) -> Fault {
        Fault::CutShort(format!("its pickle goes on after {} bytes, where it ends", self.bytes.len()))
    }

    fn refused(how: &str) -> Fault {
        Fault::Refused(format!("its pickle is {how} than any checkpoint has reason to be"))
    }
}

/// An integer of any length; those of more than 64 bits are nothing a tensor needs.
fn long(bytes: &[u8]) -> Value<'static> {
    if bytes.len() > 8 {
        return Value::Plain;
    }
    let fill = if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
    let mut whole = [fill; 8];
    for (place, &byte) in whole.iter_mut().zip(bytes) {
        *place = byte;
    }
    Value::Int(i64::from_le_bytes(whole))
}

/// Text without escapes.
fn plain_text(text: &str) -> Value<'_> {
    if text.contains('\\') { Value::Plain } else { Value::Text(text) }
}
