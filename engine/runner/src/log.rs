//! The stream: everything that happened, numbered, the latest part kept for those who come late.
//!
//! Nothing waits for a reader. A reader is a place in the stream; one that falls behind passes over signs of
//! progress, and one that falls off the end is told how much it missed. How runs ended, and what failed,
//! stays when the rest has gone.

use crate::message::{Answer, Message, RunId, VERSION};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A reader this far behind is spared signs of progress.
const LAG: u64 = 256;
/// How many vital messages are kept beyond the rest.
const VITAL: usize = 10_000;

struct Kept {
    /// The number of the next message.
    next: u64,
    /// The latest messages, without a gap.
    ring: VecDeque<Message>,
    /// Older messages that matter.
    vital: VecDeque<Message>,
    closed: bool,
}

/// The stream.
pub(crate) struct Log {
    kept: Mutex<Kept>,
    news: Condvar,
    capacity: usize,
}

impl Log {
    pub fn new(capacity: usize) -> Arc<Self> {
        let kept = Kept { next: 1, ring: VecDeque::new(), vital: VecDeque::new(), closed: false };
        Arc::new(Self { kept: Mutex::new(kept), news: Condvar::new(), capacity: capacity.max(1) })
    }

    /// Adds a message; never waits for a reader.
    pub fn push(&self, run: Option<&RunId>, body: Answer) {
        let mut kept = self.kept.lock();
        let seq = kept.next;
        kept.next += 1;
        kept.ring.push_back(Message { v: VERSION, seq, re: None, run: run.cloned(), body });
        while kept.ring.len() > self.capacity {
            let Some(old) = kept.ring.pop_front() else { break };
            if old.body.is_vital() {
                kept.vital.push_back(old);
                if kept.vital.len() > VITAL {
                    let at = kept.vital.iter().position(|m| !m.body.is_end()).unwrap_or(0);
                    kept.vital.remove(at);
                }
            }
        }
        self.news.notify_all();
    }

    /// No more will come.
    pub fn close(&self) {
        self.kept.lock().closed = true;
        self.news.notify_all();
    }

    /// A reader of what comes after a place; of what comes from now on.
    pub fn subscribe(self: &Arc<Self>, after: Option<u64>) -> Receiver {
        let now = self.kept.lock().next;
        let next = after.map_or(now, |a| a.saturating_add(1)).min(now);
        Receiver { log: Arc::clone(self), next }
    }
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// Not yet.
    #[error("nothing happened meanwhile")]
    Timeout,
    /// Not any more.
    #[error("the runner was shut down")]
    Closed,
}

/// A place in the stream. It holds up nobody and takes no memory, however slowly it is read.
pub struct Receiver {
    log: Arc<Log>,
    next: u64,
}

impl Receiver {
    /// The next message, waiting for it a while.
    ///
    /// # Errors
    /// When none came, or none will come any more.
    pub fn recv_timeout(&mut self, wait: Duration) -> Result<Message, RecvError> {
        let until = Instant::now() + wait;
        let log = Arc::clone(&self.log);
        let mut kept = log.kept.lock();
        loop {
            if let Some(message) = self.take(&kept) {
                return Ok(message);
            }
            if kept.closed {
                return Err(RecvError::Closed);
            }
            if log.news.wait_until(&mut kept, until).timed_out() {
                return self.take(&kept).ok_or(RecvError::Timeout);
            }
        }
    }

    /// The next message, if there is one.
    pub fn try_recv(&mut self) -> Option<Message> {
        let log = Arc::clone(&self.log);
        let kept = log.kept.lock();
        self.take(&kept)
    }

    /// The number of the last message that was read: where to go on with another subscription.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.next - 1
    }

    fn take(&mut self, kept: &Kept) -> Option<Message> {
        let first = kept.ring.front().map_or(kept.next, |m| m.seq);
        if self.next < first {
            let at = kept.vital.partition_point(|m| m.seq < self.next);
            let vital = kept.vital.get(at).filter(|m| m.seq < first);
            let upto = vital.map_or(first, |m| m.seq);
            if let Some(message) = vital.filter(|m| m.seq == self.next) {
                self.next += 1;
                return Some(message.clone());
            }
            let missing = upto - self.next;
            self.next = upto;
            return Some(Message {
                v: VERSION,
                seq: upto - 1,
                re: None,
                run: None,
                body: Answer::Gap { missing },
            });
        }
        while self.next < kept.next {
            let message = kept.ring.get(usize::try_from(self.next - first).ok()?)?;
            self.next += 1;
            if !(message.body.is_passing() && kept.next - self.next > LAG) {
                return Some(message.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Summary;
    use kiln_core::Event;

    fn progress(done: u64) -> Answer {
        Answer::Event { event: Event::Progress { node: "n".into(), item: None, done, total: 9 } }
    }
    fn started() -> Answer {
        Answer::Event { event: Event::Started { node: "n".into(), item: None } }
    }

    #[test]
    fn late_readers_learn_what_is_kept_and_how_much_is_not() {
        let log = Log::new(10);
        log.push(None, started());
        log.push(None, Answer::Finished(Box::new(Summary::never_began())));
        for _ in 0..20 {
            log.push(None, started());
        }
        let mut reader = log.subscribe(Some(0));
        let mut got = Vec::new();
        while let Some(m) = reader.try_recv() {
            got.push((m.seq, m.body));
        }
        assert_eq!(got[0], (1, Answer::Gap { missing: 1 }));
        assert!(matches!(got[1], (2, Answer::Finished(_))));
        assert_eq!(got[2], (12, Answer::Gap { missing: 10 }));
        assert_eq!(got[3..].iter().map(|g| g.0).collect::<Vec<_>>(), (13..=22).collect::<Vec<_>>());
        assert_eq!(log.subscribe(Some(20)).try_recv().unwrap().seq, 21);
        assert!(log.subscribe(None).try_recv().is_none());
        assert!(log.subscribe(Some(u64::MAX)).try_recv().is_none());
    }

    #[test]
    fn a_slow_reader_is_spared_progress_but_nothing_else() {
        let log = Log::new(100_000);
        let mut reader = log.subscribe(None);
        for n in 0..5000 {
            log.push(None, progress(n));
            if n % 100 == 0 {
                log.push(None, started());
            }
        }
        let got: Vec<Answer> = std::iter::from_fn(|| reader.try_recv()).map(|m| m.body).collect();
        assert_eq!(got.iter().filter(|a| !a.is_passing()).count(), 50);
        assert!(got.len() < 400, "{}", got.len());
        assert_eq!(got.last().unwrap(), &progress(4999));
    }

    #[test]
    fn closing_wakes_readers() {
        let log = Log::new(5);
        let mut reader = log.subscribe(None);
        assert_eq!(reader.recv_timeout(Duration::from_millis(5)), Err(RecvError::Timeout));
        let waiting = std::thread::spawn(move || reader.recv_timeout(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(20));
        log.close();
        assert_eq!(waiting.join().unwrap(), Err(RecvError::Closed));
    }
}
