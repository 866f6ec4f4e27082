//! Keeping the pictures and the metadata of all tokens.

use super::content::{Named, named, profile, profile_param, split_name};
use super::content_id::hex;
use super::effect::{Build, Keep, blocks, label};
use super::place::{Root, with_place};
use crate::error::cid_said;
use crate::proof::{PINNED, Pinned};
use kiln_cid::{Cid, Codec, Sink, Tree, add_bytes};
use kiln_core::template::{fill, places};
use kiln_core::{Cx, Doubt, Given, Items, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

struct Tokens;

/// No metadata of a token is longer.
const LONGEST: usize = 1 << 20;

/// What a pattern makes of a token's number and a file's ending.
fn name(pattern: &str, token: u64, item: u64, ending: &str, port: &str) -> Result<String, NodeError> {
    let place = |word: &str| match word {
        "token" => Some(token.to_string()),
        "item" => Some(item.to_string()),
        "ending" => Some(ending.to_owned()),
        _ => None,
    };
    fill(pattern, &place).map_err(|e| e.at(port))
}

/// The one value of an item.
fn only(items: &dyn Items, at: usize, port: &str) -> Result<Value, NodeError> {
    match items.get(at)? {
        Value::List(list) => match &*list {
            [one] => Ok(one.clone()),
            many => Err(NodeError::new(format!(
                "item {} has {} {port}, but a token has one",
                items.item(at).unwrap_or(at as u64),
                many.len()
            ))
            .at(port)),
        },
        one => Ok(one),
    }
}

/// A picture in its folder.
struct Picture {
    name: String,
    sha256: String,
}

/// A token's metadata with the picture's address in place: where it stood before, and in `image`. Where the document
/// says what the file's digest is, that has to be so.
fn with_picture(token: u64, text: &str, uri: &str, sha256: &str) -> Result<String, NodeError> {
    let bad = |what: &dyn std::fmt::Display| {
        NodeError::new(format!("the metadata of token {token}: {what}")).at("metadata")
    };
    if text.len() > LONGEST {
        return Err(bad(&"it is longer than 1 MiB"));
    }
    let mut document: Json = serde_json::from_str(text).map_err(|e| bad(&format!("it is not JSON: {e}")))?;
    let Some(fields) = document.as_object_mut() else { return Err(bad(&"it is no object")) };
    let before = fields.insert("image".to_owned(), uri.into()).and_then(|v| v.as_str().map(str::to_owned));
    // The same picture is often named among the files once more.
    let files = document.pointer_mut("/properties/files").and_then(Json::as_array_mut);
    for file in files.into_iter().flatten().filter_map(Json::as_object_mut) {
        if before.is_some() && file.get("uri").and_then(Json::as_str) == before.as_deref() {
            file.insert("uri".to_owned(), uri.into());
            if let Some(said) = file.get("sha256").and_then(Json::as_str).filter(|said| *said != sha256) {
                return Err(bad(&format!("it says the picture's SHA-256 is {said}, but it is {sha256}"))
                    .hint("was the picture saved anew after the document was made?"));
            }
        }
    }
    kiln_collection::metadata::check_token(token, &document).map_err(|e| bad(&e))?;
    let text = serde_json::to_string_pretty(&document).map_err(|e| bad(&e))? + "\n";
    if text.len() > LONGEST { Err(bad(&"it is longer than 1 MiB")) } else { Ok(text) }
}

impl Build for Tokens {
    fn build(&self, cx: &Cx<'_>, sink: &mut dyn Sink) -> Result<(Vec<Root>, Json), NodeError> {
        let profile = profile(cx)?;
        let (pictures, metadata) = (cx.items("pictures")?, cx.items("metadata")?);
        let first = u64::try_from(cx.int("first")?).unwrap_or_default();
        if pictures.is_empty() {
            return Err(NodeError::new("there are no tokens").at("pictures"));
        }
        if pictures.len() != metadata.len() {
            return Err(NodeError::new(format!(
                "there are {} pictures, but {} documents",
                pictures.len(),
                metadata.len()
            ))
            .at("metadata"));
        }
        let all = pictures.len() as u64;
        let (patterns, mut saved) = ([cx.text("picture_names")?, cx.text("metadata_names")?], Vec::new());
        let mut tree = Tree::default();
        for at in 0..pictures.len() {
            let (item, other) = (pictures.item(at), metadata.item(at));
            if item != other {
                return Err(NodeError::new(format!(
                    "picture and document {at} are not of the same item: {item:?} and {other:?}"
                ))
                .at("metadata"));
            }
            let (token, item) = (first + at as u64, item.unwrap_or(at as u64));
            let file = Named::of(cx, &only(&*pictures, at, "pictures")?, "pictures")?;
            let own = file.file_name();
            let name = name(&patterns[0], token, item, split_name(&own).1, "picture_names")?;
            let mut hasher = Sha256::new();
            let made = file.add_with(cx, profile, sink, &mut |bytes| hasher.update(bytes))?;
            tree.insert(&name, made).map_err(|e| named(e, "picture_names"))?;
            let sha256 = hex(&hasher.finalize()).split_off(2);
            saved.push(Picture { name, sha256 });
            cx.progress(at as u64 + 1, all * 2);
        }
        let pictures = tree.build(profile, sink).map_err(cid_said)?;
        let base = pictures.cid.uri();

        let mut tree = Tree::default();
        for (at, picture) in saved.iter().enumerate() {
            cx.pause()?;
            let (token, item) = (first + at as u64, metadata.item(at).unwrap_or(at as u64));
            let value = only(&*metadata, at, "metadata")?;
            let Value::Text(text) = &value else {
                return Err(
                    NodeError::new(format!("metadata are texts, but got {}", value.ty())).at("metadata")
                );
            };
            let uri = format!("{base}/{}", crate::address::encoded_path(&picture.name));
            let text = with_picture(token, text, &uri, &picture.sha256)?;
            let made = add_bytes(profile, text.as_bytes(), sink).map_err(cid_said)?;
            let name = name(&patterns[1], token, item, ".json", "metadata_names")?;
            tree.insert(&name, made).map_err(|e| named(e, "metadata_names"))?;
            cx.progress(all + at as u64 + 1, all * 2);
        }
        let metadata = tree.build(profile, sink).map_err(cid_said)?;
        let root = |made: &kiln_cid::Made, what: &str| Root {
            cid: made.cid,
            bytes: made.size,
            label: format!("{} {what}", label(cx)),
            whole: what == "metadata",
        };
        Ok((
            vec![root(&pictures, "pictures"), root(&metadata, "metadata")],
            json!({ "first": first, "count": all }),
        ))
    }

    fn outputs(&self, proofs: &[Pinned], extra: &Json) -> Vec<(&'static str, Value)> {
        let [pictures, metadata] = proofs else { return Vec::new() };
        let number = |name: &str| Value::Int(extra.get(name).and_then(Json::as_i64).unwrap_or_default());
        let cid = |p: &Pinned| p.cid().map(|c| Value::from(c.to_string().as_str())).unwrap_or(Value::None);
        vec![
            ("base_uri", Value::from(metadata.uri().as_str())),
            ("pinned", metadata.clone().into_value()),
            ("pictures_pinned", pictures.clone().into_value()),
            ("metadata_cid", cid(metadata)),
            ("pictures_cid", cid(pictures)),
            ("first", number("first")),
            ("count", number("count")),
        ]
    }

    /// The names of the documents, one by one: too many for the journal, so they are read from the folder itself.
    fn more(
        &self,
        cx: &Cx<'_>,
        proofs: &[Pinned],
        extra: &Json,
    ) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let [_, metadata] = proofs else { return Ok(Vec::new()) };
        let number = |name: &str| extra.get(name).and_then(Json::as_u64).unwrap_or_default();
        let (first, count) = (number("first"), number("count"));
        let pattern = cx.text("metadata_names")?;
        let items = cx.items("metadata")?;
        let store = blocks(cx)?;
        let mut found: BTreeMap<String, Cid> = BTreeMap::new();
        let root = metadata.cid().map_err(NodeError::new)?;
        crate::files::files_below(&store, &root, &mut |name, cid| {
            found.insert(name.to_owned(), *cid);
            Ok(())
        })
        .map_err(cid_said)?;
        let (mut cids, mut digests) = (Vec::new(), Vec::new());
        for at in 0..count {
            let place = usize::try_from(at).ok();
            let item = place.filter(|p| *p < items.len()).and_then(|p| items.item(p)).unwrap_or(at);
            let name = name(&pattern, first + at, item, ".json", "metadata_names")?;
            let cid = found.get(&name).ok_or_else(|| NodeError::new(format!("{name} is not in {root}")))?;
            // Of the old profile a file's first block is more than the file.
            if cid.codec == Codec::Raw {
                cids.push(Value::from(cid.to_string().as_str()));
                digests.push(Value::from(hex(&cid.digest).as_str()));
            }
        }
        Ok(vec![("token_cids", Value::list(cids)), ("digests", Value::list(digests))])
    }
}

/// Patterns that would give every token the same name.
fn check(given: &Given<'_>) -> Vec<NodeError> {
    let mut found = Vec::new();
    for port in ["picture_names", "metadata_names"] {
        let Some(text) = given.text(port) else { continue };
        if !places(&text).iter().any(|p| p == "token" || p == "item") {
            found.push(
                NodeError::new(format!("{text:?} gives every token the same name"))
                    .at(port)
                    .hint("put {token} into it"),
            );
        }
    }
    found.extend(super::place::check(given));
    found
}

/// PinTokens.
pub(super) fn node() -> Node {
    with_place(
        Node::effect("PinTokens", 1, Doubt::AskTheWorld, Keep(Tokens))
            .title("Pin tokens")
            .category("storage")
            .doc(
                "Keeps the pictures of all items as one folder, writes their addresses into the metadata, checks each \
                 document, and keeps these as a second folder. Both are read back before anything may be minted from \
                 them. Tokens are numbered in item order.",
            )
            .writes_files()
            .gather("pictures", names::ANY, "Of each item: its picture, as a file or the path that a saving node gives.")
            .gather("metadata", names::TEXT, "Of each item: its metadata as JSON; image is filled in here.")
            .param(Param::int("first", 1, 0..=1_000_000_000_000).doc("The first token's number."))
            .param(Param::text("picture_names", "{token}{ending}").doc(
                "What the pictures are called: {token} the token's number, {item} the item's, {ending} of the file.",
            ))
            .param(Param::text("metadata_names", "{token}").doc(
                "What the documents are called. A contract that puts the token's number behind the base address \
                 needs {token}; {ending} is .json.",
            ))
            .param(profile_param()),
    )
    .check(check)
    .output("base_uri", names::TEXT, "Where the documents are: ipfs://, their folder's name and a slash.")
    .output("pinned", PINNED, "The proof that the documents were read back: for nodes that mint.")
    .output("pictures_pinned", PINNED, "The proof that the pictures were read back.")
    .output("metadata_cid", names::TEXT, "The name of the folder of documents.")
    .output("pictures_cid", names::TEXT, "The name of the folder of pictures.")
    .output("first", names::INT, "The first token's number.")
    .output("count", names::INT, "How many tokens there are.")
    .output_list("token_cids", names::TEXT, "The name of each token's document, bafk…; none in the old profile.")
    .output_list(
        "digests",
        names::TEXT,
        "The SHA-256 of each token's document, 0x and 64 digits, which is also the digest of its name: for vouchers.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_get_their_picture() {
        let sha = "ab".repeat(32);
        let text = format!(
            r#"{{"name":"n","description":"","image":"ipfs://before","attributes":[],"properties":{{"files":[
            {{"uri":"ipfs://before","type":"image/png","sha256":"{sha}"}},{{"uri":"ipfs://other","type":"image/png"}}]}}}}"#
        );
        let made = with_picture(3, &text, "ipfs://now/3.png", &sha).unwrap();
        let found: Json = serde_json::from_str(&made).unwrap();
        assert_eq!(found["image"], "ipfs://now/3.png");
        assert_eq!(found["properties"]["files"][0]["uri"], "ipfs://now/3.png");
        assert_eq!(found["properties"]["files"][1]["uri"], "ipfs://other");
        assert!(made.ends_with("}\n"));
        let again = with_picture(3, &made, "ipfs://now/3.png", &sha).unwrap();
        assert_eq!(again, made, "nothing is left to do");
        let other = with_picture(3, &text, "ipfs://now/3.png", &"cd".repeat(32)).unwrap_err();
        assert!(other.what.contains("token 3") && other.what.contains("SHA-256"), "{other}");
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        assert!(with_picture(3, &long, "ipfs://x", &sha).unwrap_err().what.contains("1 MiB"));
    }
}
