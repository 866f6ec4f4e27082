//! What a person sees while it runs: bars on a terminal, at most a line a second elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kiln_core::{Event, words};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Nodes shown at once.
const LINES: usize = 4;
/// A node that takes less is not worth a line.
const SOON: Duration = Duration::from_millis(300);

type Seat = (String, Option<u64>);

#[derive(Default)]
struct State {
    settled: u64,
    total: u64,
    failed: u64,
    /// Settled when this process began to count, so that the rate is its own.
    before: Option<u64>,
    finished: u64,
    nodes: u64,
    running: BTreeMap<Seat, (Instant, u64, u64)>,
}

/// Shows how far a run is.
pub struct Progress {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    quiet: bool,
    painter: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Progress {
    /// Begins to show.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let (state, stop) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
        let painter = (!quiet).then(|| {
            let (state, stop) = (state.clone(), stop.clone());
            let terminal = std::io::stderr().is_terminal();
            std::thread::spawn(move || if terminal { bars(&state, &stop) } else { lines(&state, &stop) })
        });
        Self { state, stop, quiet, painter: Mutex::new(painter) }
    }

    /// Takes note of an event.
    pub fn note(&self, event: &Event) {
        if self.quiet {
            return;
        }
        let mut s = self.state.lock();
        match event {
            Event::RunStarted { nodes, items, .. } => {
                s.nodes = *nodes;
                s.total = items.unwrap_or(0);
            }
            Event::Started { node, item } => {
                s.running.insert((node.clone(), *item), (Instant::now(), 0, 0));
            }
            Event::Progress { node, item, done, total } => {
                if let Some(r) = s.running.get_mut(&(node.clone(), *item)) {
                    (r.1, r.2) = (*done, *total);
                }
            }
            Event::Finished { node, item, .. } | Event::Failed { node, item, .. } => {
                s.running.remove(&(node.clone(), *item));
                s.finished += 1;
            }
            Event::ItemFinished { status, settled, total, .. } => {
                s.before.get_or_insert(settled.saturating_sub(1));
                s.settled = s.settled.max(*settled);
                s.total = *total;
                s.failed += u64::from(status == "failed");
            }
            _ => {}
        }
    }

    /// Takes everything off the screen.
    pub fn finish(&self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(painter) = self.painter.lock().take() {
            painter.thread().unpark();
            // A painter that broke leaves the run alone.
            let _ = painter.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Sleeps, unless it is over meanwhile.
fn rest(stop: &AtomicBool, time: Duration) -> bool {
    if !stop.load(Ordering::SeqCst) {
        std::thread::park_timeout(time);
    }
    !stop.load(Ordering::SeqCst)
}

/// How many items, how fast, how much longer.
fn pace(s: &State, since: Instant) -> String {
    let failed = if s.failed > 0 { format!(", {} failed", s.failed) } else { String::new() };
    let done = s.settled.saturating_sub(s.before.unwrap_or(0));
    let seconds = since.elapsed().as_secs_f64();
    if done == 0 || seconds < 0.5 || s.settled >= s.total {
        return format!("{} of {} items{failed}", s.settled, s.total);
    }
    let rate = done as f64 / seconds;
    let left = words::duration(s.total.saturating_sub(s.settled) as f64 / rate * 1000.0);
    let rate = if rate >= 10.0 {
        format!("{rate:.0}/s")
    } else if rate >= 0.1 {
        format!("{rate:.1}/s")
    } else {
        format!("{:.1}/min", rate * 60.0)
    };
    format!("{} of {} items{failed}, {rate}, {left} left", s.settled, s.total)
}

fn label(seat: &Seat) -> String {
    match seat {
        (node, Some(item)) => format!("{node} · item {item}"),
        (node, None) => node.clone(),
    }
}

/// The nodes that have been at it for a while, the longest first.
fn slow(s: &State) -> Vec<(String, u64, u64, Duration)> {
    let mut all: Vec<_> = s.running.iter().filter(|(_, r)| r.0.elapsed() > SOON).collect();
    all.sort_by_key(|(_, r)| r.0);
    all.into_iter().take(LINES).map(|(seat, r)| (label(seat), r.1, r.2, r.0.elapsed())).collect()
}

fn lines(state: &Mutex<State>, stop: &AtomicBool) {
    let since = Instant::now();
    let mut last = String::new();
    while rest(stop, Duration::from_secs(1)) {
        let s = state.lock();
        let text = if s.total > 0 {
            pace(&s, since)
        } else if let Some((name, done, total, time)) = slow(&s).first() {
            let steps = if *total > 0 { format!(", {done} of {total}") } else { String::new() };
            format!("{name}{steps}, {}", words::duration(time.as_millis() as f64))
        } else {
            continue;
        };
        drop(s);
        if text != last && !stop.load(Ordering::SeqCst) {
            crate::say::err(&text);
            last = text;
        }
    }
}

fn bars(state: &Mutex<State>, stop: &AtomicBool) {
    let since = Instant::now();
    // What is over in a moment draws nothing.
    if !rest(stop, Duration::from_millis(150)) {
        return;
    }
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(15));
    let style = |t: &str| {
        ProgressStyle::with_template(t).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
    };
    let whole = all.add(ProgressBar::new(1));
    whole.set_style(style("{bar:32} {msg}"));
    let with_steps = style("  {prefix:<28} {bar:24} {pos}/{len}  {msg}");
    let without = style("  {prefix:<28} {msg}");
    let mut lines: Vec<ProgressBar> = Vec::new();
    loop {
        let (text, settled, total, slow) = {
            let s = state.lock();
            let (settled, total) =
                if s.total > 0 { (s.settled, s.total) } else { (s.finished.min(s.nodes), s.nodes.max(1)) };
            let text = if s.total > 0 {
                pace(&s, since)
            } else {
                words::duration(since.elapsed().as_millis() as f64)
            };
            (text, settled, total, slow(&s))
        };
        whole.set_length(total);
        whole.set_position(settled);
        whole.set_message(text);
        while lines.len() > slow.len() {
            if let Some(line) = lines.pop() {
                line.finish_and_clear();
                all.remove(&line);
            }
        }
        while lines.len() < slow.len() {
            lines.push(all.add(ProgressBar::new(1)));
        }
        for (line, (name, done, total, time)) in lines.iter().zip(slow) {
            line.set_style(if total > 0 { with_steps.clone() } else { without.clone() });
            line.set_prefix(name);
            line.set_length(total.max(1));
            line.set_position(done);
            line.set_message(words::duration(time.as_millis() as f64));
        }
        if !rest(stop, Duration::from_millis(100)) {
            break;
        }
    }
    for line in lines {
        line.finish_and_clear();
    }
    whole.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_this_process_own() {
        let mut s = State { settled: 90, total: 100, before: Some(80), failed: 2, ..State::default() };
        let since = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        assert!(
            pace(&s, since).starts_with("90 of 100 items, 2 failed, 1.0/s, 10.0 s left"),
            "{}",
            pace(&s, since)
        );
        s.before = Some(90);
        assert_eq!(pace(&s, since), "90 of 100 items, 2 failed");
    }
}
