//! The worker process: its pipes, and its end.

use super::Inner;
use crate::error::RunnerError;
use crate::lines::{Line, read_line};
use crate::message::{Answer, MAX_LINE};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;
use std::io::{self, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Requests that may wait to be written.
const REQUESTS: usize = 20_000;
/// And how many bytes of them.
const REQUEST_BYTES: usize = 4 * MAX_LINE;
/// How often the worker's end is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long a worker that has ended is read on, and one that no longer speaks may live on.
const REST: Duration = Duration::from_secs(5);

/// A worker process.
pub(super) struct Link {
    generation: u64,
    id: u32,
    requests: Sender<Vec<u8>>,
    /// Bytes that wait to be written.
    waiting: Arc<AtomicUsize>,
    child: Arc<Mutex<Child>>,
}

impl Link {
    /// Starts the program, and the threads that write to it, read from it and watch it.
    pub fn start(command: &mut Command, inner: &Arc<Inner>) -> io::Result<Self> {
        static GENERATION: AtomicU64 = AtomicU64::new(0);
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the worker has no pipes"));
        };
        let (id, child) = (child.id(), Arc::new(Mutex::new(child)));
        let (requests, to_write) = bounded(REQUESTS);
        let (reading, read) = bounded::<()>(0);
        let weak = Arc::downgrade(inner);
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = waiting.clone();
        std::thread::spawn(move || write(stdin, &to_write, &left));
        let own = weak.clone();
        std::thread::spawn(move || {
            listen(stdout, &own, generation);
            drop(reading);
        });
        let watched = child.clone();
        std::thread::spawn(move || watch(&watched, &read, &weak, generation));
        Ok(Self { generation, id, requests, waiting, child })
    }

    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// Puts a line where it will be written; never waits.
    pub fn say(&self, mut line: Vec<u8>) -> Result<(), RunnerError> {
        line.push(b'\n');
        let (bytes, busy) = (line.len(), |n| RunnerError::Busy { waiting: n, what: "requests".into() });
        if self.waiting.fetch_add(bytes, Ordering::SeqCst) + bytes > REQUEST_BYTES {
            self.waiting.fetch_sub(bytes, Ordering::SeqCst);
            return Err(busy(self.requests.len() as u64));
        }
        self.requests.try_send(line).map_err(|e| {
            self.waiting.fetch_sub(bytes, Ordering::SeqCst);
            match e {
                TrySendError::Full(_) => busy(REQUESTS as u64),
                TrySendError::Disconnected(_) => {
                    RunnerError::Gone { what: "the worker reads no more".into() }
                }
            }
        })
    }

    pub fn kill(&self) {
        // One that has ended meanwhile cannot be killed.
        let _ = self.child.lock().kill();
    }
}

fn write(mut to: ChildStdin, lines: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {
    for line in lines {
        waiting.fetch_sub(line.len(), Ordering::SeqCst);
        if to.write_all(&line).and_then(|()| to.flush()).is_err() {
            // Whoever watches will tell why.
            return;
        }
    }
}

fn listen(from: ChildStdout, inner: &Weak<Inner>, generation: u64) {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let mut buffer = Vec::new();
    loop {
        let line = read_line(&mut from, &mut buffer, MAX_LINE);
        let inner = inner.upgrade();
        match (line, inner) {
            // Nobody listens any more, but the worker may still write: it is read on so that it can end.
            (Ok(Line::Whole | Line::TooLong), None) => {}
            (Ok(Line::Whole), Some(inner)) => inner.heard(generation, &buffer),
            (Ok(Line::TooLong), Some(inner)) => {
                inner.log.push(None, Answer::error(RunnerError::TooLong { limit: MAX_LINE as u64 }));
            }
            (Ok(Line::End) | Err(_), _) => return,
        }
        if buffer.capacity() > 1 << 20 {
            buffer = Vec::new();
        }
    }
}

/// Waits for the worker's end, lets the rest of its words be read, and tells of its death.
fn watch(child: &Mutex<Child>, read: &Receiver<()>, inner: &Weak<Inner>, generation: u64) {
    let mut silent_since: Option<Instant> = None;
    let status = loop {
        if let Ok(Some(status)) = child.lock().try_wait() {
            break Some(status);
        }
        if silent_since.is_none() {
            if let Err(crossbeam_channel::RecvTimeoutError::Disconnected) = read.recv_timeout(LOOK) {
                silent_since = Some(Instant::now());
            }
        } else {
            std::thread::sleep(LOOK);
        }
        // A worker whose output ended while it is wanted can tell nothing any more.
        if silent_since.is_some_and(|t| t.elapsed() > REST) && inner.strong_count() > 0 {
            let _ = child.lock().kill();
        }
    };
    let _ = read.recv_timeout(REST);
    if let Some(inner) = inner.upgrade() {
        inner.died(generation, &status.map_or_else(|| "ended".to_owned(), words));
    }
}

/// How a process ended, in words.
fn words(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (it aborted)",
                7 => " (bus error)",
                8 => " (arithmetic error)",
                9 => " (it was killed, perhaps because memory ran out)",
                11 => " (a memory fault, perhaps of a graphics driver)",
                15 => " (it was asked to end)",
                _ => "",
            };
            return format!("was ended by signal {signal}{name}");
        }
    }
    match status.code() {
        Some(0) => "ended by itself".to_owned(),
        Some(code) => format!("ended with code {code}"),
        None => "ended".to_owned(),
    }
}
