//! Choices and comments.
/// soon
#[must_use]
pub fn dynamic(text: &str, _seed: u64) -> String {
    text.to_owned()
}
