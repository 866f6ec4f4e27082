//! The embedded chain: a real one, in this process, kept in a folder.
//!
//! It is a log of what happened, replayed when it is opened: the same blocks come out, hash by hash. A transaction is on
//! the disk before anybody is told that it was taken. Several processes may use one folder: each sees what the others
//! did. Every transaction gets a block of its own at once.

mod answer;
pub mod machine;

use crate::rpc::{Rpc, RpcError};
use alloy_primitives::{Address, Bytes};
use kiln_ledger::log::{Held, Log, LogError};
use machine::Machine;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The number of the embedded chain; test chains have it by custom.
pub const CHAIN: u64 = 31337;

/// Tells the time, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Line {
    /// The first line.
    Begin { chain: u64, time: u64 },
    /// A block, with a transaction or none.
    Block { time: u64, raw: Option<Bytes> },
    /// An account got money.
    Fund { account: Address },
    /// Everything after this block was taken back.
    Back { to: u64 },
}

struct Inner {
    log: Log,
    lines: Vec<Line>,
    machine: Option<Machine>,
}

/// The embedded chain.
pub struct Local {
    inner: Mutex<Inner>,
    clock: Clock,
}

impl Local {
    /// Opens the chain of a file; makes it if need be.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self, LogError> {
        let log = Log::open(path.as_ref())?;
        let inner = Inner { log, lines: Vec::new(), machine: None };
        Ok(Self { inner: Mutex::new(inner), clock })
    }

    /// Works with the chain as it stands now, alone.
    fn with<T>(&self, work: impl FnOnce(&mut Chain<'_>) -> Result<T, RpcError>) -> Result<T, RpcError> {
        let broken = |e: LogError| RpcError::Closed(format!("the embedded chain: {e}"));
        let mut inner = self.inner.lock();
        let Inner { log, lines, machine } = &mut *inner;
        let before = log.lines();
        let (held, new) = log.hold().map_err(broken)?;
        let now = (self.clock)() / 1000;
        if before == 0 {
            *machine = None;
            lines.clear();
        }
        for (at, text) in new.iter().enumerate() {
            let strange = |what: String| {
                broken(LogError::Strange { path: held.path().to_owned(), line: before + at + 1, what })
            };
            let line: Line = serde_json::from_str(text).map_err(|e| strange(e.to_string()))?;
            replay(machine, lines, line).map_err(strange)?;
        }
        let mut chain = Chain { held, lines, machine, now };
        if chain.machine.is_none() {
            chain.add(Line::Begin { chain: CHAIN, time: now })?;
        }
        work(&mut chain)
    }

    /// Gives an account money, if it has little.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn fund(&self, account: Address) -> Result<(), RpcError> {
        self.with(|chain| chain.fund(account))
    }
}

impl Rpc for Local {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.with(|chain| answer::answer(chain, method, &params))
    }
}

/// The chain while it is ours alone.
struct Chain<'a> {
    held: Held<'a>,
    lines: &'a mut Vec<Line>,
    machine: &'a mut Option<Machine>,
    now: u64,
}

impl Chain<'_> {
    fn machine(&mut self) -> Result<&mut Machine, RpcError> {
        self.machine.as_mut().ok_or_else(|| RpcError::Closed("the embedded chain has no beginning".into()))
    }

    /// Time never goes back.
    fn time(&mut self) -> Result<u64, RpcError> {
        let now = self.now;
        Ok(now.max(self.machine()?.head().time))
    }

    /// Writes a line down, then does what it says.
    fn add(&mut self, line: Line) -> Result<(), RpcError> {
        let text = serde_json::to_string(&line).map_err(|e| RpcError::Closed(e.to_string()))?;
        self.held.append(&text).map_err(|e| RpcError::Closed(format!("the embedded chain: {e}")))?;
        replay(self.machine, self.lines, line).map_err(RpcError::Closed)
    }

    fn fund(&mut self, account: Address) -> Result<(), RpcError> {
        let little = alloy_primitives::U256::from(machine::GIFT / 100);
        if self.machine()?.balance(account) < little {
            self.add(Line::Fund { account })?;
        }
        Ok(())
    }

    /// Makes a block of a transaction. It is tried first, so that what is written down is always taken.
    fn send(&mut self, raw: Bytes) -> Result<(), RpcError> {
        let refused = |message: String| RpcError::Refused { code: -32000, message, data: None };
        let time = self.time()?;
        let machine = self.machine()?;
        // It changes nothing when it is refused; when it is taken, the line has to be there before anybody knows.
        machine.block(&raw, time).map_err(refused)?;
        let line = Line::Block { time, raw: Some(raw) };
        let written =
            serde_json::to_string(&line).map_err(|e| RpcError::Closed(e.to_string())).and_then(|t| {
                self.held.append(&t).map_err(|e| RpcError::Closed(format!("the embedded chain: {e}")))
            });
        if let Err(e) = written {
            // In memory it happened, on the disk it did not: read everything anew.
            *self.machine = None;
            self.lines.clear();
            self.held.rewind();
            return Err(e);
        }
        self.lines.push(line);
        Ok(())
    }

    fn mine(&mut self, count: u64) -> Result<(), RpcError> {
        for _ in 0..count.min(1000) {
            let time = self.time()?;
            self.add(Line::Block { time, raw: None })?;
        }
        Ok(())
    }

    fn back(&mut self, to: u64) -> Result<(), RpcError> {
        self.add(Line::Back { to })
    }
}

/// Does what a line says.
fn replay(machine: &mut Option<Machine>, lines: &mut Vec<Line>, line: Line) -> Result<(), String> {
    match (&line, machine.as_mut()) {
        (Line::Begin { chain, time }, None) if *chain == CHAIN => {
            *machine = Some(Machine::new(*chain, *time));
        }
        (Line::Begin { .. }, _) => return Err("it is not where a chain begins".into()),
        (_, None) => return Err("a chain begins with another line".into()),
        (Line::Fund { account }, Some(machine)) => machine.fund(*account),
        (Line::Block { time, raw: None }, Some(machine)) => machine.empty(*time),
        (Line::Block { time, raw: Some(raw) }, Some(machine)) => {
            machine.block(raw, *time)?;
        }
        (Line::Back { to }, Some(_)) => {
            let mut block = 0;
            let keep = lines.iter().take_while(|l| {
                block += u64::from(matches!(l, Line::Block { .. }));
                block <= *to
            });
            let keep = keep.count();
            let kept: Vec<Line> = lines.drain(..).take(keep).collect();
            *machine = None;
            for line in kept {
                replay(machine, lines, line)?;
            }
            return Ok(());
        }
    }
    lines.push(line);
    Ok(())
}
