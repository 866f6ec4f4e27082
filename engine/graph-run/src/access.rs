//! What a graph may do: which files it may read, which hosts it may reach.

use crate::args::Access;
use crate::fail::Fail;
use crate::net::Allowed;
use kiln_core::doors::{Net, NoNet, Sandbox};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files a graph in `base` may read.
///
/// # Errors
/// When a path on the command line is not there: a slip would otherwise show much later.
pub fn sandbox(base: &Path, access: &Access) -> Result<Sandbox, Fail> {
    let mut sandbox = Sandbox::new(base);
    for (flag, paths) in [("--allow-read", &access.allow_read), ("--models", &access.models)] {
        for path in paths {
            if !path.exists() {
                return Err(Fail::wrong(
                    format!("{flag} {}: there is no such file or folder", path.display()),
                    None,
                ));
            }
            sandbox = if flag == "--models" { sandbox.with_models(path) } else { sandbox.allow(path) };
        }
    }
    for folder in model_folders(base) {
        sandbox = sandbox.with_models(folder);
    }
    Ok(sandbox)
}

/// `$KILN_MODELS` (several folders, as in `$PATH`), `models` beside the graph, which may be a link, and last the demo
/// models that come with Kiln.
fn model_folders(base: &Path) -> Vec<PathBuf> {
    let named = std::env::var_os("KILN_MODELS").unwrap_or_default();
    let mut all: Vec<PathBuf> = std::env::split_paths(&named).filter(|p| !p.as_os_str().is_empty()).collect();
    all.push(base.join("models"));
    all.extend(demo_models(base));
    all.retain(|p| p.is_dir());
    all
}

/// `assets/models` of the checkout that the graph lies in, else of the one that the program lies in, else of the one
/// that it was built from.
fn demo_models(base: &Path) -> Option<PathBuf> {
    let whole = std::fs::canonicalize(base).ok();
    let program = std::env::current_exe().ok();
    let built = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let ours = |folder: &Path| {
        let models = folder.join("assets/models");
        models.join("README.md").is_file().then_some(models)
    };
    [whole, program, built].iter().flatten().find_map(|from| from.ancestors().find_map(ours))
}

/// The network a run may use.
///
/// # Errors
/// When an address on the command line is none.
pub fn net(access: &Access) -> Result<Arc<dyn Net>, Fail> {
    if access.allow_net.is_empty() {
        return Ok(Arc::new(NoNet));
    }
    Ok(Arc::new(Allowed::new(&access.allow_net)?))
}
