//! Asking others over the network: again when they are busy, and not for ever.

use kiln_core::doors::{Answer, Exchange};
use kiln_core::{Cx, NodeError};
use std::time::Duration;

/// The network, a clock and a way to be stopped.
pub trait Wire {
    /// Sends, and gives the answer to be read.
    ///
    /// # Errors
    /// When the address is not allowed, or no answer came.
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError>;
    /// Lets a while pass.
    ///
    /// # Errors
    /// When somebody asked to cancel meanwhile.
    fn rest(&self, time: Duration) -> Result<(), NodeError>;
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// Tells that `done` of `total` steps are over.
    fn progress(&self, done: u64, total: u64);
}

impl Wire for Cx<'_> {
    fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
        Cx::exchange(self, exchange)
    }
    fn rest(&self, time: Duration) -> Result<(), NodeError> {
        Cx::rest(self, time)
    }
    fn now(&self) -> u64 {
        Cx::now(self)
    }
    fn progress(&self, done: u64, total: u64) {
        Cx::progress(self, done, total);
    }
}

/// How often and how long something is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often a question is asked that is not answered, or answered with "busy".
    pub tries: u32,
    /// How long to rest after the first time; twice as long after each more.
    pub rest: Duration,
    /// How long to rest at most, whatever the other side asks for.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 6, rest: Duration::from_millis(500), longest: Duration::from_secs(120) }
    }
}

impl Patience {
    /// How long to rest after the `tried`th time (from 0).
    pub(crate) fn after(&self, tried: u32) -> Duration {
        self.rest.saturating_mul(1 << tried.min(16)).min(self.longest)
    }
}

/// Statuses that may pass by themselves: asked too much, or somebody between is not well.
fn passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// How long the other side asks to rest: seconds. Dates are not read: the rest grows by itself.
fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// Asks until there is an answer that says something: not "busy", not nothing. `ask` makes the request anew each time;
/// `settled` says that a status in 500 to 599 is an answer after all.
pub(crate) fn persist(
    wire: &dyn Wire,
    patience: &Patience,
    settled: bool,
    ask: &mut dyn FnMut(&dyn Wire) -> Result<Answer, NodeError>,
) -> Result<Answer, NodeError> {
    let mut tried = 0;
    loop {
        let last = tried + 1 >= patience.tries.max(1);
        let time = match ask(wire) {
            Ok(answer) if !passing(answer.status) || (settled && answer.status == 500) => return Ok(answer),
            Ok(answer) if last => return Ok(answer),
            Ok(answer) => retry_after(&answer).map_or(patience.after(tried), |asked| {
                asked.max(patience.after(tried)).min(patience.longest)
            }),
            // Refused by this side: asking again changes nothing.
            Err(e) if last || e.cancelled || e.hint.is_some() => return Err(e),
            Err(_) => patience.after(tried),
        };
        wire.rest(time)?;
        tried += 1;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Answers from a list, and notes how long it rested.
    pub(crate) struct Script {
        pub answers: RefCell<Vec<Result<Answer, NodeError>>>,
        pub asked: RefCell<Vec<String>>,
        pub rested: RefCell<Vec<u64>>,
    }

    impl Script {
        pub(crate) fn new(answers: Vec<Result<Answer, NodeError>>) -> Self {
            let answers = RefCell::new(answers.into_iter().rev().collect());
            Self { answers, asked: RefCell::default(), rested: RefCell::default() }
        }
    }

    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Answer, NodeError> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = std::io::Cursor::new(body.as_bytes().to_vec());
        Ok(Answer::new(status, headers, Box::new(body), None))
    }

    impl Wire for Script {
        fn exchange(&self, exchange: Exchange<'_>) -> Result<Answer, NodeError> {
            self.asked.borrow_mut().push(format!("{} {}", exchange.method, exchange.url));
            self.answers.borrow_mut().pop().unwrap_or_else(|| Err(NodeError::new("nothing more").hint("-")))
        }
        fn rest(&self, time: Duration) -> Result<(), NodeError> {
            self.rested.borrow_mut().push(time.as_millis() as u64);
            Ok(())
        }
        fn now(&self) -> u64 {
            self.rested.borrow().iter().sum()
        }
        fn progress(&self, _: u64, _: u64) {}
    }

    fn go(answers: Vec<Result<Answer, NodeError>>) -> (Result<u16, String>, Vec<u64>) {
        let script = Script::new(answers);
        let asked =
            persist(&script, &Patience::default(), false, &mut |w| w.exchange(Exchange::get("http://a/")));
        (asked.map(|a| a.status).map_err(|e| e.what), script.rested.into_inner())
    }

    #[test]
    fn busy_places_are_asked_again_and_not_for_ever() {
        let lost = || Err(NodeError::new("lost"));
        assert_eq!(go(vec![lost(), answer(503, &[], ""), answer(200, &[], "")]), (Ok(200), vec![500, 1000]));
        assert_eq!(go(vec![answer(404, &[], "")]), (Ok(404), vec![]));
        let wait = |s: &'static str| answer(429, &[("Retry-After", s)], "");
        assert_eq!(
            go(vec![wait("7"), wait("999999"), wait("soon"), answer(200, &[], "")]).1,
            [7000, 120_000, 2000]
        );
        assert_eq!(go((0..9).map(|_| wait("0")).collect()).0, Ok(429));
        let (said, rested) = go((0..9).map(|_| lost()).collect());
        assert_eq!((said, rested.len()), (Err("lost".to_owned()), 5));
        let (said, rested) = go(vec![Err(NodeError::new("not allowed").hint("allow it"))]);
        assert_eq!((said, rested.len()), (Err("not allowed".to_owned()), 0));
    }
}
