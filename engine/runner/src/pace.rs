//! Signs of progress, at a pace that people can follow.

use kiln_core::Event;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// No node shows progress more often.
const PROGRESS: Duration = Duration::from_millis(40);
/// No node shows previews more often.
const PREVIEW: Duration = Duration::from_millis(100);
/// No more nodes and items are told apart.
const MOST: usize = 10_000;

type Place = (String, Option<u64>);

/// Leaves out signs of progress that come too fast.
#[derive(Default)]
pub(crate) struct Pace {
    last: Mutex<HashMap<Place, [Option<Instant>; 2]>>,
}

impl Pace {
    /// Whether to tell it.
    pub fn lets_through(&self, event: &Event) -> bool {
        let (node, item, which, every, always) = match event {
            Event::Progress { node, item, done, total } => (node, item, 0, PROGRESS, done >= total),
            Event::Preview { node, item, .. } => (node, item, 1, PREVIEW, false),
            Event::Finished { node, item, .. } | Event::Failed { node, item, .. } => {
                self.last.lock().remove(&(node.clone(), *item));
                return true;
            }
            _ => return true,
        };
        let mut last = self.last.lock();
        if last.len() > MOST {
            last.clear();
        }
        let seat = &mut last.entry((node.clone(), *item)).or_default()[which];
        let now = Instant::now();
        // A node that tells its end again and again keeps to the pace as well.
        let pace = if always { every / 8 } else { every };
        if seat.is_some_and(|t| now.duration_since(t) < pace) {
            return false;
        }
        *seat = Some(now);
        true
    }
}
