//! What every runner has to do, as a test any implementation can be put to; see [`run_suite`].

mod checks;
mod nodes;
mod tools;

pub use nodes::{encoder, engine, registry};

use crate::runner::Runner;
use std::path::Path;

/// Puts a runner to the test. `make` gives a new one each time, with the nodes of [`registry`], the encoder
/// of [`encoder`], one run at a time, and caches of its own; `dir` is an empty folder. The error names the
/// first thing that is wrong.
///
/// # Errors
/// With what is wrong.
pub fn run_suite(dir: &Path, make: &dyn Fn() -> Box<dyn Runner>) -> Result<(), String> {
    for (name, check) in checks::ALL {
        let folder = dir.join(name.replace(' ', "-"));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let runner = make();
        check(runner.as_ref(), &folder).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}
