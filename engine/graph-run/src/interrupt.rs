//! Ctrl-C and the system's wish that the program end: the first finishes the step, the second ends at once.

use crate::fail::CANCELLED;
use crate::say;
use kiln_core::Cancel;
use std::sync::atomic::{AtomicU32, Ordering};

/// Listens from now on.
pub fn listen(cancel: &Cancel) {
    let cancel = cancel.clone();
    let times = AtomicU32::new(0);
    // A second listener in one process is refused: the first one still works.
    let _ = ctrlc::set_handler(move || {
        if times.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(i32::from(CANCELLED));
        }
        cancel.cancel();
        say::err("finishing the step; press again to stop now");
    });
}
