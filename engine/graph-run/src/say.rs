//! Words to the outside. A reader that went away (`| head`) ends the output, not the program with a panic.

use std::borrow::Cow;
use std::io::Write;

/// Names come from strangers' graphs: what would steer a terminal, or turn the direction of writing, is shown
/// instead of sent.
fn tame(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let show = |c: char| if odd(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(show).collect())
}

/// A line, or several, on the standard output.
pub fn out(text: &str) {
    let text = tame(text);
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

/// A line, or several, on the standard error.
pub fn err(text: &str) {
    let text = tame(text);
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
