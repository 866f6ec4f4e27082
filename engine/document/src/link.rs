//! The grammar of references: `"node.port"`, `"node.port#2"`, `"$.port"` and `"node.param"`.
//!
//! The last dot that is not escaped splits the node from the port, so a node may be called `v1.5 model` or
//! `57:8` without further ado. A backslash escapes a dot, a backslash, `#` or `$`: a port called `a.b` is written
//! `node.a\.b` (inside a RON string the backslash itself is doubled). Where several outputs share a name, `#2`
//! says the second one. `$` in the place of the node is the subgraph's own input; no node can bear that name.

use std::{fmt, str::FromStr};

/// The name that stands for the subgraph's own inputs in a link.
pub const OWN_INPUT: &str = "$";

/// A link's far end: an output of a node, or an input of the subgraph itself.
///
/// ```
/// let link: kiln_document::Link = r"v1.5 model.a\.b#2".parse()?;
/// assert_eq!((link.node.as_str(), link.port.as_str(), link.nth), ("v1.5 model", "a.b", 1));
/// assert_eq!(link.to_string(), r"v1.5 model.a\.b#2");
/// # Ok::<(), kiln_document::LinkError>(())
/// ```
///
/// The last unescaped dot splits the node from the port; a backslash escapes `.`, `\`, `#` and `$`; `#2` is the
/// second of the outputs that share a name; `$.port` is the subgraph's own input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The node's name; `"$"` is the subgraph's own input.
    pub node: String,
    /// The output's name (with `$`: the name of the subgraph's input).
    pub port: String,
    /// Which one of the outputs that share this name, counted from 0. The text counts from 1 and leaves `#1` out.
    pub nth: u32,
}

/// A parameter of a node, as `expose` names it: `"node.param"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamRef {
    /// The node's name.
    pub node: String,
    /// The parameter's name.
    pub param: String,
}

/// What feeds an input: one link, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `"image": "paper.image"`
    One(Link),
    /// `"many": ["a.image", "b.image"]`
    Many(Vec<Link>),
}

impl Source {
    /// The links, in order.
    pub fn links(&self) -> &[Link] {
        match self {
            Self::One(link) => std::slice::from_ref(link),
            Self::Many(links) => links,
        }
    }

    /// The links, in order, to be changed.
    pub fn links_mut(&mut self) -> &mut [Link] {
        match self {
            Self::One(link) => std::slice::from_mut(link),
            Self::Many(links) => links,
        }
    }
}

impl From<Link> for Source {
    fn from(link: Link) -> Self {
        Self::One(link)
    }
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No unescaped dot in it.
    #[error("`{0}` has no dot")]
    NoDot(String),
    /// Nothing before the dot.
    #[error("`{0}` has no node name before the dot")]
    NoNode(String),
    /// Nothing after the dot.
    #[error("`{0}` has no name after the dot")]
    NoPort(String),
    /// A backslash before something that needs none, or at the end.
    #[error(
        "`{0}` has a backslash that escapes nothing: write `\\\\` for a backslash; `\\.` `\\#` `\\$` are escapes"
    )]
    Escape(String),
    /// `#` without a sensible number.
    #[error(
        "`{0}`: after `#` comes the number of the output, counted from 1; a `#` in a name is written `\\#`"
    )]
    Number(String),
    /// `\$.port`: the one name that no node can have.
    #[error("`{0}`: no node can be called `$`, which stands for the subgraph's own inputs")]
    Reserved(String),
    /// `$` where only a node can stand.
    #[error("`{0}`: `$` stands for the subgraph's own inputs, which have no parameters")]
    NoParams(String),
}

impl Link {
    /// A link to the first output of that name.
    pub fn new(node: impl Into<String>, port: impl Into<String>) -> Self {
        Self { node: node.into(), port: port.into(), nth: 0 }
    }

    /// Whether this is the subgraph's own input, `$.port`.
    pub fn is_own_input(&self) -> bool {
        self.node == OWN_INPUT
    }
}

impl ParamRef {
    /// The parameter `param` of the node `node`.
    pub fn new(node: impl Into<String>, param: impl Into<String>) -> Self {
        Self { node: node.into(), param: param.into() }
    }
}

/// Splits at the last unescaped dot and takes the escapes away; `numbers` allows `#2` at the end.
fn split(text: &str, numbers: bool) -> Result<(String, String, u32), LinkError> {
    let mut dot = None;
    let mut hash = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, '.' | '\\' | '#' | '$')) => {}
                _ => return Err(LinkError::Escape(text.into())),
            },
            '.' => (dot, hash) = (Some(at), None),
            '#' if numbers && dot.is_some() && hash.is_none() => hash = Some(at),
            _ => {}
        }
    }
    let dot = dot.ok_or_else(|| LinkError::NoDot(text.into()))?;
    let end = hash.unwrap_or(text.len());
    let nth = match hash {
        None => 0,
        Some(at) => {
            let digits = &text[at + 1..];
            // `+2` would be a number to Rust; here it is a slip.
            let counted =
                if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None };
            counted
                .and_then(|n| n.checked_sub(1))
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| LinkError::Number(text.into()))?
        }
    };
    let (node, port) = (&text[..dot], &text[dot + 1..end]);
    if node.is_empty() {
        return Err(LinkError::NoNode(text.into()));
    }
    if port.is_empty() {
        return Err(LinkError::NoPort(text.into()));
    }
    if node == "\\$" {
        return Err(LinkError::Reserved(text.into()));
    }
    Ok((unescape(node), unescape(port), nth))
}

fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str, special: &[char]) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        let (before, after) = rest.split_at(at);
        f.write_str(before)?;
        f.write_str("\\")?;
        let len = after.chars().next().map_or(0, char::len_utf8);
        f.write_str(&after[..len])?;
        rest = &after[len..];
    }
    f.write_str(rest)
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the last dot splits, so those in the node's name stay as they are.
        write_escaped(f, &self.node, &['\\'])?;
        f.write_str(".")?;
        write_escaped(f, &self.port, &['\\', '.', '#'])?;
        if self.nth > 0 {
            write!(f, "#{}", u64::from(self.nth) + 1)?;
        }
        Ok(())
    }
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (node, port, nth) = split(text, true)?;
        Ok(Self { node, port, nth })
    }
}

impl fmt::Display for ParamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &self.node, &['\\'])?;
        f.write_str(".")?;
        write_escaped(f, &self.param, &['\\', '.'])
    }
}

impl FromStr for ParamRef {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (node, param, _) = split(text, false)?;
        if node == OWN_INPUT {
            return Err(LinkError::NoParams(text.into()));
        }
        Ok(Self { node, param })
    }
}
