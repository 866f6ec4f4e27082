//! Addresses of places, and names within them.

use kiln_core::NodeError;

/// An address that paths can be put behind: `http://` or `https://`, a host, no question; without a slash at its end.
///
/// # Errors
/// When it is none.
pub fn base_address(url: &str) -> Result<String, NodeError> {
    let url = url.trim();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\');
    match rest {
        Some(rest) if rest.contains('@') => Err(NodeError::new(format!(
            "the address of {} has a name and password in it",
            rest.rsplit('@').next().unwrap_or_default().split('/').next().unwrap_or_default()
        ))
        .hint("take them out; a token is named with token")),
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !url.contains(odd) => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err(NodeError::new(format!("{url:?} is not a web address"))
            .hint("write it like http://127.0.0.1:5001 or https://api.example.org/psa")),
    }
}

/// A word as a part of an address.
pub(crate) fn encoded(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    word.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path as a part of an address: its slashes stay.
pub(crate) fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        assert_eq!(base_address(" http://127.0.0.1:5001/ ").unwrap(), "http://127.0.0.1:5001");
        assert_eq!(base_address("https://a.org/psa").unwrap(), "https://a.org/psa");
        for bad in [
            "",
            "a.org",
            "ftp://a.org",
            "http://",
            "http:///x",
            "https://a.org/?x",
            "https://a .org",
            "http://a#b",
        ] {
            assert!(base_address(bad).is_err(), "{bad}");
        }
        let secret = base_address("https://me:s3cret@a.org/x").unwrap_err().to_string();
        assert!(!secret.contains("s3cret") && secret.contains("a.org"), "{secret}");
        assert_eq!(encoded_path("a b/ü?.json"), "a%20b/%C3%BC%3F.json");
    }
}
