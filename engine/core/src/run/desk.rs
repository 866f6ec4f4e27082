//! Where a person decides: a folder of pictures and a list to fill in, a window, whatever the program has.

use crate::node::NodeError;
use kiln_store::Question;
use kiln_types::Image;
use std::sync::Arc;

/// Shows people what waits for their decision. The engine knows no picture files, so the program brings this;
/// answers come by the output folder ([`kiln_store::Reviews::decide`]).
pub trait Desk: Send + Sync {
    /// Whether the pictures of this question lie there already.
    fn has(&self, question: &Question) -> bool {
        let _ = question;
        true
    }

    /// Puts the pictures there that a question is about; called by a worker, before the question is asked.
    ///
    /// # Errors
    /// In words a person can act on; the item fails by it.
    fn put(&self, question: &Question, pictures: &[Arc<Image>]) -> Result<(), NodeError> {
        let _ = (question, pictures);
        Ok(())
    }

    /// Called about once a second while a run is under way: are there new answers? `resting`: nothing is left
    /// to do but to wait for them.
    fn look(&self, resting: bool) {
        let _ = resting;
    }
}
