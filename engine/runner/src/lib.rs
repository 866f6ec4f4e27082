//! The runner: submit, cancel, decide and subscribe, in this process or in a worker process over a pipe.
//!
//! [`Runner`] is what clients see (the canvas, a server); [`InProcess`] does the work on threads of this
//! process, [`PipeRunner`] starts a worker program and speaks to it in JSON lines, and [`serve`] is that
//! worker's side. A worker process dies alone: a lost GPU does not take the window along. Both runners pass
//! one [`conformance`] suite.
//!
//! What happens is told in a stream of numbered [`Message`]s that a client may join late; see
//! [`Runner::subscribe`]. Pictures travel by key: events name keys, and [`Runner::picture`] fetches a
//! picture, made smaller, as a PNG file.

pub mod base64;
pub mod conformance;
pub mod decisions;
mod error;
mod in_process;
mod job;
mod lines;
mod log;
mod message;
mod pace;
mod picture;
mod pipe;
mod runner;
mod serve;
mod set;

pub use error::RunnerError;
pub use in_process::{InProcess, Options};
pub use job::NetDoor;
pub use log::{Receiver, RecvError};
pub use message::{
    Answer, Decide, Decision, Envelope, Failure, FetchPicture, Items, Limits, MAX_LINE, Message, Picture,
    Request, RequestMessage, RunId, Submit, Summary, VERSION, VERSIONS, WantedValue,
};
pub use picture::PictureEncoder;
pub use pipe::PipeRunner;
pub use runner::{Reply, Runner};
pub use serve::{serve, serve_lines};
