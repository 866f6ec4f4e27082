//! Words to the outside. A reader that went away (`| head`) ends the output, not the program with a panic.

use std::io::Write;

/// A line, or several, on the standard output.
pub fn out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

/// A line, or several, on the standard error.
pub fn err(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.write_all(b"\n"));
}

/// JSON for programs, spread over lines for people.
pub fn json(value: &serde_json::Value) {
    out(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A warning on the standard error.
pub fn warn(text: &str) {
    err(&format!("warning: {text}"));
}
