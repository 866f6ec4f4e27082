//! `dev`: checks for people who work on the engine.

use crate::args::{DevArgs, DevCommand};
use crate::fail::Fail;
use crate::say;
use kiln_sampling::check::samplers;

/// Runs one of the checks.
///
/// # Errors
/// When the file cannot be read, or is none.
pub fn run(args: &DevArgs) -> Result<u8, Fail> {
    match &args.command {
        DevCommand::Samplers { file, tolerance } => {
            let name = file.display();
            let text = std::fs::read_to_string(file)
                .map_err(|e| Fail::wrong(format!("{name} cannot be read: {e}"), None))?;
            let cases = samplers(&text).map_err(|e| Fail::wrong(format!("{name}: {e}"), None))?;
            let width = cases.iter().map(|c| c.name.len()).max().unwrap_or(4);
            say::out(&format!("{:width$}  {:>10}  {:>10}  {:>7}", "case", "max error", "relative", "calls"));
            for case in &cases {
                let calls = if case.calls == case.calls_expected {
                    case.calls.to_string()
                } else {
                    format!("{} (not {})", case.calls, case.calls_expected)
                };
                let mark = if case.good(*tolerance) { "" } else { "  <-" };
                say::out(&format!(
                    "{:width$}  {:>10.3e}  {:>10.3e}  {calls:>7}{mark}",
                    case.name, case.max_abs, case.relative
                ));
            }
            let bad = cases.iter().filter(|c| !c.good(*tolerance)).count();
            let worst = cases.iter().map(|c| c.relative).fold(0.0, f32::max);
            say::out(&format!(
                "{} cases, largest relative error {worst:.3e}, {bad} above {tolerance:e}",
                cases.len()
            ));
            Ok(u8::from(bad > 0))
        }
    }
}
