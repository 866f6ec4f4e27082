//! `graph-run serve`: a worker that another program drives over a pipe.

use crate::args::ServeArgs;
use crate::caches::{self, Keep};
use crate::fail::Fail;
use crate::net::Allowed;
use kiln_core::document::Graph;
use kiln_core::doors::{Net, NoNet};
use kiln_core::types::Image;
use kiln_runner::{InProcess, Options, serve};
use std::sync::Arc;

/// Serves until standard input is closed.
///
/// # Errors
/// When the engine cannot be made, or the pipe breaks.
pub fn run(args: &ServeArgs) -> Result<u8, Fail> {
    let memory = caches::memory(Some(&args.memory))?.map(|bytes| bytes.saturating_mul(4));
    let keep = Keep { cache: args.cache.as_deref(), none: false, memory, values: true };
    let runtime = args.device.runtime()?;
    let engine = caches::engine(kiln_nodes::registry_on(&runtime), &Graph::new(), keep)?;
    let engine = Arc::new(engine.with_numeric_class(runtime.class()?));
    let png = |image: &Image, frame: usize| {
        let options = kiln_codec::SaveOptions::new(kiln_codec::Format::Png);
        kiln_codec::encode(image, frame, &options).map_err(|e| e.to_string())
    };
    // A host that is none allows nothing; the worker has nobody to tell but the log.
    let net = |hosts: &[String]| -> Arc<dyn Net> {
        match Allowed::new(hosts) {
            Ok(allowed) => Arc::new(allowed),
            Err(_) => Arc::new(NoNet),
        }
    };
    let options = Options { parallel: args.parallel.max(1), net: Some(Arc::new(net)), ..Options::default() };
    let runner = InProcess::with(engine, Arc::new(png), options);
    serve(&runner, std::io::stdin(), std::io::stdout())
        .map_err(|e| Fail::wrong(format!("the pipe broke: {e}"), None))?;
    Ok(0)
}
