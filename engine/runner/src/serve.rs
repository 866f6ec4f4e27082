//! The worker's side of a pipe: reads requests, one per line, and writes answers and the stream.
//!
//! Reading never waits for writing, so a client that does not read can still cancel. Answers that nobody
//! reads are thrown away beyond a bound, and the stream is only a place in a bounded backlog: a slow client
//! costs no memory. When the input ends, the client is gone: what is under way finishes its step, and a run
//! with an output folder can be resumed.

use crate::error::RunnerError;
use crate::in_process::InProcess;
use crate::lines::{Line, read_line};
use crate::log::{Receiver, RecvError};
use crate::message::{Answer, Envelope, MAX_LINE, Message, Request, RunId, VERSION, VERSIONS};
use crate::runner::Runner;
use crossbeam_channel::{Receiver as From, Sender, bounded, unbounded};
use parking_lot::Mutex;
use serde::Deserialize;
use std::io::{self, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many answers may wait to be read.
const ANSWERS: usize = 4096;
/// How long a client that is gone is waited for to read the rest.
const REST: Duration = Duration::from_secs(5);

/// A message whose body is looked at later, so that what is wrong can be told apart.
#[derive(Deserialize)]
struct Loose {
    v: u32,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    run: Option<RunId>,
    body: serde_json::Value,
}

/// What is on its way out.
enum Going {
    Answer(Message),
    /// From here on the stream is sent: what was answered before comes before it.
    Stream(Receiver),
}

/// Answers on their way out.
#[derive(Clone)]
struct Out {
    answers: Sender<Going>,
    lost: Arc<AtomicU64>,
}

impl Out {
    fn put(&self, re: Option<u64>, run: Option<RunId>, body: Answer) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let body = Answer::error(RunnerError::Overrun { lost });
            let note = Envelope { v: VERSION, seq: 0, re: None, run: None, body };
            if self.answers.try_send(Going::Answer(note)).is_ok() {
                self.lost.fetch_sub(lost, Ordering::Relaxed);
            }
        }
        self.send(Going::Answer(Envelope { v: VERSION, seq: 0, re, run, body }));
    }

    fn send(&self, going: Going) {
        if self.answers.try_send(going).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Serves one client until its input ends; then shuts the runner down.
///
/// # Errors
/// When the input cannot be read.
pub fn serve(runner: &InProcess, input: impl Read, output: impl Write + Send + 'static) -> io::Result<()> {
    serve_lines(runner, input, output, MAX_LINE)
}

/// The same, with another bound for lines.
///
/// # Errors
/// When the input cannot be read.
pub fn serve_lines(
    runner: &InProcess,
    input: impl Read,
    output: impl Write + Send + 'static,
    longest: usize,
) -> io::Result<()> {
    let (answers, to_write) = bounded(ANSWERS);
    let (subscribe, subscriptions) = unbounded();
    let (ended, end) = bounded::<()>(0);
    let output = Arc::new(Mutex::new(output));
    let both = [
        spawn(&ended, &output, move |out| {
            to_write.iter().try_for_each(|going| match going {
                Going::Answer(message) => write(out, &message),
                // The other end is there as long as this one.
                Going::Stream(reader) => subscribe.send(reader).or(Ok(())),
            })
        }),
        spawn(&ended, &output, move |out| stream(out, &subscriptions)),
    ];
    drop(ended);
    let mut client = Client { runner, out: Out { answers, lost: Arc::default() }, greeted: false };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut buffer = Vec::new();
    let result = loop {
        match read_line(&mut input, &mut buffer, longest) {
            Ok(Line::End) => break Ok(()),
            Ok(Line::TooLong) => {
                client.out.put(None, None, Answer::error(RunnerError::TooLong { limit: longest as u64 }));
            }
            Ok(Line::Whole) if buffer.trim_ascii().is_empty() => {}
            Ok(Line::Whole) => client.take(&buffer),
            Err(e) => break Err(e),
        }
        if buffer.capacity() > 1 << 20 {
            buffer = Vec::new();
        }
    };
    runner.shut_down();
    drop(client);
    // The writers end when everything is written, or when nobody reads: then they are left behind.
    let _ = end.recv_timeout(REST);
    drop(both);
    result
}

type Writing = Arc<Mutex<dyn Write + Send>>;

fn spawn<W: Write + Send + 'static>(
    ended: &Sender<()>,
    output: &Arc<Mutex<W>>,
    work: impl FnOnce(&Writing) -> io::Result<()> + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let (ended, output): (_, Writing) = (ended.clone(), output.clone());
    std::thread::spawn(move || {
        // A client that reads no more is about to close its end as well.
        let _ = work(&output);
        drop(ended);
    })
}

fn write(out: &Writing, message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    let mut out = out.lock();
    out.write_all(&line)?;
    out.flush()
}

/// Writes the stream to a client that subscribed.
fn stream(out: &Writing, subscriptions: &From<Receiver>) -> io::Result<()> {
    let Ok(mut reader) = subscriptions.recv() else { return Ok(()) };
    loop {
        if let Ok(newer) = subscriptions.try_recv() {
            reader = newer;
        }
        match reader.recv_timeout(Duration::from_millis(50)) {
            Ok(message) => write(out, &message)?,
            Err(RecvError::Timeout) => {}
            // The runner is shut down only after the input has ended.
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

struct Client<'a> {
    runner: &'a InProcess,
    out: Out,
    greeted: bool,
}

impl Client<'_> {
    fn take(&mut self, line: &[u8]) {
        let loose: Loose = match serde_json::from_slice(line) {
            Ok(loose) => loose,
            Err(e) => {
                return self.out.put(
                    None,
                    None,
                    Answer::error(RunnerError::BadMessage { what: e.to_string() }),
                );
            }
        };
        let (re, run) = (Some(loose.seq), loose.run);
        // A greeting is read whatever its version: it is there to find one.
        let kind = loose.body.get("kind").and_then(|k| k.as_str()).unwrap_or_default().to_owned();
        if !VERSIONS.contains(&loose.v) && kind != "hello" {
            let why = RunnerError::Version { asked: vec![loose.v], spoken: VERSIONS.to_vec() };
            return self.out.put(re, run, Answer::error(why));
        }
        let request: Request = match serde_json::from_value(loose.body) {
            Ok(request) => request,
            Err(e) => {
                return self.out.put(re, run, Answer::error(RunnerError::BadMessage { what: e.to_string() }));
            }
        };
        if !self.greeted && !matches!(request, Request::Hello { .. }) {
            return self.out.put(re, run, Answer::error(RunnerError::NoHello));
        }
        self.answer(re, run, request);
    }

    fn answer(&mut self, re: Option<u64>, run: Option<RunId>, request: Request) {
        let runner = self.runner;
        let named = |run: &Option<RunId>| {
            run.clone()
                .ok_or_else(|| RunnerError::BadMessage { what: "the envelope names no run".to_owned() })
        };
        let done = match request {
            Request::Hello { versions, .. } => {
                let Some(version) = versions.iter().copied().filter(|v| VERSIONS.contains(v)).max() else {
                    self.greeted = false;
                    let why = RunnerError::Version { asked: versions, spoken: VERSIONS.to_vec() };
                    return self.out.put(re, run, Answer::error(why));
                };
                self.greeted = true;
                let engine = env!("CARGO_PKG_VERSION").to_owned();
                let events = kiln_core::EVENTS_VERSION;
                return self.out.put(re, run, Answer::Welcome { version, engine, events });
            }
            Request::Submit(mut job) => {
                job.id = job.id.take().or(run.clone());
                match runner.submit(*job) {
                    Ok(run) => return self.out.put(re, Some(run), Answer::Ok {}),
                    Err(e) => Err(e),
                }
            }
            Request::Cancel {} => named(&run).and_then(|run| runner.cancel(&run).wait(Duration::MAX)),
            Request::Decide(decide) => {
                named(&run).and_then(|run| runner.decide(&run, decide).wait(Duration::MAX))
            }
            Request::Subscribe { after } => {
                self.out.put(re, run, Answer::Ok {});
                return self.out.send(Going::Stream(runner.subscribe(after)));
            }
            Request::FetchPicture(want) => {
                let out = self.out.clone();
                let put = move |got: Result<_, _>| {
                    out.put(re, run, got.map_or_else(Answer::error, Answer::Picture));
                };
                return runner.picture_then(want, Box::new(put));
            }
        };
        self.out.put(re, run, done.map_or_else(Answer::error, |()| Answer::Ok {}));
    }
}
