//! Real weights for checks: what `tests/real/fetch` brought, and ncnn's files in a form Kiln opens.
//!
//! None of it belongs to the repository. `README.md` says what it is, where it comes from and how well Kiln agrees with
//! the programs it was made for.

pub mod convert;
pub mod error;
pub mod fetched;
pub mod names;
pub mod param;

pub use convert::convert;
pub use error::NcnnError;
pub use fetched::{converted, fetched};
