//! Checks at the entry of every operation.

/// Stops when a caller broke the contract of an operation. Slices of a wrong length are a bug in
/// the caller: nothing a user does leads here, so there is no error to handle.
#[inline]
#[track_caller]
pub(crate) fn need(holds: bool, what: &str) {
    assert!(holds, "kernel called with wrong lengths: {what}");
}
