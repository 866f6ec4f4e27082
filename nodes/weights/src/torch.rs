//! Torch checkpoints: a zip archive (torch 1.6 and later) or a row of pickles (before that).
//!
//! A pickle is a program for a small machine that builds Python values and may call any Python function,
//! which is why a checkpoint can take over a computer that loads it. The machine here ([`pickle`]) knows
//! values only: it keeps dictionaries, numbers and tensors, and what would be a call of anything else becomes
//! a value nobody asks about. Nothing is ever run.
//!
//! The crate `pytorch-reader` was considered. It is careful with hostile files too, but it copies every
//! tensor out of the file instead of lending its bytes where they lie, one tensor of an unknown kind costs
//! the whole file, it does not tell what a file wanted to run, and it brings a tar and a zip library along.

mod calls;
mod legacy;
mod pickle;
mod state;
mod tensors;
mod value;
mod zip;

pub(crate) use legacy::read as read_legacy;
pub(crate) use tensors::read_zip;
