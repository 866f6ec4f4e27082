//! What every runner can do, wherever the work is done.

use crate::error::RunnerError;
use crate::log::Receiver;
use crate::message::{Decide, FetchPicture, Picture, RunId, Submit};
use std::time::Duration;

/// Runs graphs for clients. No call waits for the work: what happens is told in the stream, and what is
/// asked for comes as a [`Reply`].
pub trait Runner: Send + Sync {
    /// Hands in a graph. Whether it is sound, what happens and how it ends is told in the stream.
    ///
    /// # Errors
    /// When too much waits already, the id is taken, or the runner is gone.
    fn submit(&self, job: Submit) -> Result<RunId, RunnerError>;

    /// Asks a run to stop: one that waits is taken out of the queue, one under way ends after its step and
    /// can be resumed. Either way it ends with a message of its own.
    fn cancel(&self, run: &RunId) -> Reply<()>;

    /// Records a decision over a parked item.
    fn decide(&self, run: &RunId, decide: Decide) -> Reply<()>;

    /// The stream: everything after a place in it, as far as it is kept; without a place, from now on.
    fn subscribe(&self, after: Option<u64>) -> Receiver;

    /// Asks for a picture by the key that the events told.
    fn picture(&self, want: FetchPicture) -> Reply<Picture>;
}

/// An answer that may still be on its way.
pub struct Reply<T>(crossbeam_channel::Receiver<Result<T, RunnerError>>);

/// Where an answer is put.
pub(crate) type Replier<T> = Box<dyn FnOnce(Result<T, RunnerError>) + Send>;

impl<T: Send + 'static> Reply<T> {
    /// A reply, and where its answer is put.
    pub(crate) fn new() -> (Replier<T>, Self) {
        let (to, from) = crossbeam_channel::bounded(1);
        // Nobody may be waiting any more.
        (Box::new(move |answer| drop(to.try_send(answer))), Self(from))
    }

    /// A reply that is there already.
    pub fn ready(answer: Result<T, RunnerError>) -> Self {
        let (put, reply) = Self::new();
        put(answer);
        reply
    }

    /// The answer, waiting for it a while.
    ///
    /// # Errors
    /// When the answer is an error, or none came.
    pub fn wait(self, for_at_most: Duration) -> Result<T, RunnerError> {
        use crossbeam_channel::RecvTimeoutError as E;
        self.0.recv_timeout(for_at_most).unwrap_or_else(|e| {
            Err(match e {
                E::Timeout => RunnerError::Timeout,
                E::Disconnected => RunnerError::Closing,
            })
        })
    }

    /// The answer, if it is there.
    #[must_use]
    pub fn try_get(&self) -> Option<Result<T, RunnerError>> {
        use crossbeam_channel::TryRecvError as E;
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(E::Empty) => None,
            Err(E::Disconnected) => Some(Err(RunnerError::Closing)),
        }
    }
}
