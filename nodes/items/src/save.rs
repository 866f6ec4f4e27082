//! Documents into the output folder, held against their schemas before they are written.

use crate::token::properties;
use crate::values::{AssignmentValue, names as own, take};
use kiln_codec::{Format, Limits, decode, sniff};
use kiln_collection::metadata::{
    Collection, CollectionProperties, File, Generation, Properties, Remake, Token, check_collection,
    read_token,
};
use kiln_collection::provenance::Digest;
use kiln_collection::seal;
use kiln_core::{Cx, Doubt, Effect, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::json;

/// No token's document is longer.
const MOST_TOKEN: usize = 1 << 20;
/// No picture that is looked at is larger.
const MOST_PICTURE: u64 = 1 << 30;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![save_token(), collection_metadata()]
}

/// What the journal holds: the file and its length.
fn outcome(written: &kiln_core::doors::Written) -> Vec<u8> {
    json!({ "path": written.path, "bytes": written.bytes }).to_string().into_bytes()
}

fn read(outcome: &[u8]) -> Option<(String, u64)> {
    let outcome: serde_json::Value = serde_json::from_slice(outcome).ok()?;
    Some((outcome.get("path")?.as_str()?.to_owned(), outcome.get("bytes")?.as_u64()?))
}

fn still_stands(cx: &Cx<'_>, outcome: &[u8]) -> bool {
    let Some((path, bytes)) = read(outcome) else { return false };
    cx.out_folder().is_ok_and(|out| out.stands(&path, bytes))
}

fn path_of(outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
    let (path, _) = read(outcome).ok_or_else(|| NodeError::new("the journal's entry cannot be read"))?;
    Ok(vec![("path", Value::from(path.as_str()))])
}

/// The name of a token's file.
fn name(cx: &Cx<'_>, number: u64) -> Result<String, NodeError> {
    let template = cx.text("name")?;
    let place = |name: &str| match name {
        "number" => Some(number.to_string()),
        "item" => cx.item().map(|i| i.item.to_string()),
        "index" => cx.index().map(|i| i.to_string()),
        _ => None,
    };
    kiln_core::template::fill(&template, &place).map_err(|e| e.at("name"))
}

struct SaveToken;

/// What is told of a picture's file: its path, media type, digest, and the hash of its pixels.
struct Shown {
    path: String,
    media: String,
    file: Digest,
    pixels: Option<Digest>,
}

fn shown(cx: &Cx<'_>, path: &str, pixels: bool) -> Result<Shown, NodeError> {
    let at = |e: &dyn std::fmt::Display| NodeError::new(format!("{path}: {e}")).at("files");
    let place = cx.out_folder()?.place(path)?;
    let size = std::fs::metadata(&place).map_err(|e| at(&e))?.len();
    if size > MOST_PICTURE {
        return Err(at(&format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(&place).map_err(|e| at(&e))?;
    let format = sniff(&bytes).ok();
    let media = format.map_or("application/octet-stream", Format::media_type).to_owned();
    let decodes = pixels && format.is_some_and(Format::can_read);
    let pixels = match decodes {
        true => {
            let image = decode(&bytes, &Limits::default()).map_err(|e| at(&e))?.image;
            Some(seal::pixels(image.width(), image.height(), image.channels(), image.frame(0)))
        }
        false => None,
    };
    Ok(Shown { path: path.to_owned(), media, file: Digest::sha256(&bytes), pixels })
}

/// What it takes to make the picture again.
fn remake(cx: &Cx<'_>, picture: Option<&Shown>) -> Remake {
    let graph = cx.graph_text();
    let item = cx.item();
    Remake {
        graph: (!graph.is_empty()).then(|| blake3::hash(graph.as_bytes()).to_hex().to_string()),
        item: item.map(|i| i.item),
        items: item.map(|i| i.count).filter(|n| *n > 0),
        row: item.map(|i| i.row.iter().cloned().collect()).unwrap_or_default(),
        picture: picture.map(|p| p.path.clone()),
        file: picture.map(|p| p.file.to_string()),
        pixels: picture.and_then(|p| p.pixels).map(|p| p.to_string()),
        ..Remake::default()
    }
}

impl Effect for SaveToken {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let text = cx.text("token")?;
        if text.len() > MOST_TOKEN {
            return Err(
                NodeError::new(format!("the document has {} bytes, more than 1 MiB", text.len())).at("token")
            );
        }
        let number = match (cx.has("number"), cx.item()) {
            (true, _) => u64::try_from(cx.int("number")?)
                .map_err(|_| NodeError::new("a token's number is not negative").at("number"))?,
            (false, Some(info)) => info.item,
            (false, None) => 0,
        };
        let name = name(cx, number)?;
        // Its picture may be gone: a person rejected the token.
        cx.may_write(&name)?;
        let wrong = |e: &dyn std::fmt::Display| {
            NodeError::new(format!("it is not written: {e}"))
                .at("token")
                .hint("mend it where the document is made")
        };
        let mut token: Token = read_token(number, text.as_bytes()).map_err(|e| wrong(&e))?;
        let pixels = cx.bool("pixels")?;
        let mut pictures = Vec::new();
        for file in cx.list("files")?.iter() {
            let Value::Text(path) = file else {
                return Err(NodeError::new("it takes the paths of files")
                    .at("files")
                    .hint("link SaveImage.files"));
            };
            pictures.push(shown(cx, path, pixels && pictures.is_empty())?);
        }
        if !pictures.is_empty() || token.properties.as_ref().is_some_and(|p| p.generation.is_some()) {
            let properties = token.properties.get_or_insert_with(Properties::default);
            let made = properties.generation.get_or_insert_with(|| Generation {
                engine: crate::generation::engine(),
                ..Generation::default()
            });
            made.remake = Some(remake(cx, pictures.first()));
            properties.files = pictures
                .iter()
                .take(1)
                .map(|p| File {
                    uri: token.image.clone(),
                    r#type: p.media.clone(),
                    sha256: Some(p.file.to_string()),
                })
                .collect();
        }
        let text = token.to_text();
        read_token(number, text.as_bytes()).map_err(|e| wrong(&e))?;
        let written = cx.write(&name, text.as_bytes()).map_err(|e| e.at("name"))?;
        Ok(outcome(&written))
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        still_stands(cx, outcome)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        path_of(outcome)
    }
}

fn save_token() -> Node {
    Node::effect("SaveToken", 1, Doubt::IdempotentByKey, SaveToken)
        .title("Save token")
        .category("collection/metadata")
        .doc(
            "Writes a token's document into the output folder, held against its schema first: a document that \
             marketplaces could not read is refused with the field that is wrong. The picture's digests and what it \
             takes to make it again are put in.",
        )
        .input("token", names::TEXT, "The document, from TokenMetadata.")
        .optional("number", names::INT, "The token's number, from TokenMetadata; else the item's.")
        .many("files", names::TEXT, "The picture's file, from SaveImage.")
        .param(
            Param::text("name", "metadata/{number}.json")
                .doc("The file below the output folder; {number} is the token's number, {item} the item's."),
        )
        .param(
            Param::bool("pixels", true)
                .doc("Tell the hash of the picture's pixels, too, which stays when words in its file change."),
        )
        .output("path", names::TEXT, "The file, below the output folder.")
        .writes_files()
        .reads_graph()
        .uses_item(|_| true)
        .check(|given| {
            let Some(name) = given.text("name") else { return Vec::new() };
            let places = kiln_core::template::places(&name);
            match places.iter().any(|p| p == "number" || p == "item") {
                true => Vec::new(),
                false => vec![
                    NodeError::new(format!("every token would write the same file {name:?}"))
                        .at("name")
                        .hint("put {number} into the name: \"metadata/{number}.json\""),
                ],
            }
        })
}

struct SaveCollection;

impl Effect for SaveCollection {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let assignment =
            if cx.has("assignment") { Some(take::<AssignmentValue>(cx, "assignment")?) } else { None };
        let optional = |param: &str| -> Result<Option<String>, NodeError> {
            Ok(Some(cx.text(param)?.to_string()).filter(|t| !t.trim().is_empty()))
        };
        let mut name = cx.text("title")?.to_string();
        let mut told = CollectionProperties {
            other: properties(&cx.text("properties")?).map_err(|e| e.at("properties"))?,
            ..CollectionProperties::default()
        };
        if let Some(assignment) = &assignment {
            if name.is_empty() {
                name.clone_from(&assignment.plan.plan.name);
            }
            told.size = Some(assignment.assignment.len() as u64);
            told.plan = Some(kiln_types::Key(assignment.assignment.hash()).to_string());
            if let Some(feed) = &assignment.plan.feed {
                told.other.insert("feed".to_owned(), feed.as_str().into());
            }
            told.other.insert("seed".to_owned(), assignment.plan.plan.seed.to_string().into());
        }
        let mut collaborators = Vec::new();
        for one in cx.list("collaborators")?.iter() {
            if let Value::Text(one) = one {
                collaborators.push(one.to_string());
            }
        }
        let fee = u32::try_from(cx.int("seller_fee_basis_points")?).ok().filter(|fee| *fee > 0);
        let collection = Collection {
            name,
            symbol: optional("symbol")?,
            description: optional("description")?,
            image: optional("image")?,
            banner_image: optional("banner_image")?,
            featured_image: optional("featured_image")?,
            external_link: optional("external_link")?,
            collaborators,
            seller_fee_basis_points: fee,
            fee_recipient: optional("fee_recipient")?,
            properties: (told != CollectionProperties::default()).then_some(told),
        };
        check_collection(&collection.to_value()).map_err(|e| {
            NodeError::new(format!("it is not written: {e}")).hint("look at the parameter of that name")
        })?;
        let written =
            cx.write(&cx.text("name")?, collection.to_text().as_bytes()).map_err(|e| e.at("name"))?;
        Ok(outcome(&written))
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        still_stands(cx, outcome)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        path_of(outcome)
    }
}

fn collection_metadata() -> Node {
    Node::effect("CollectionMetadata", 1, Doubt::IdempotentByKey, SaveCollection)
        .title("Collection metadata")
        .category("collection/metadata")
        .doc(
            "Writes the document of the whole collection, as marketplaces read a contract's, held against its schema \
             first.",
        )
        .optional("assignment", own::TRAIT_ASSIGNMENT, "Who has what: for the collection's name, size and the hash of its traits.")
        .param(Param::text("title", "").doc("The collection's name; empty: the plan's."))
        .param(Param::text("symbol", "").doc("A short name of capitals; empty: none."))
        .param(Param::multiline("description", "").doc("A text about it; empty: none."))
        .param(Param::text("image", "").doc("Its picture, ipfs:// or https://; empty: none."))
        .param(Param::text("banner_image", "").doc("A wide picture; empty: none."))
        .param(Param::text("featured_image", "").doc("A picture for lists; empty: none."))
        .param(Param::text("external_link", "").doc("A page about it; empty: none."))
        .param(Param::list("collaborators", Kind::Text { multiline: false }).doc("Accounts that may change it."))
        .param(
            Param::int("seller_fee_basis_points", 0, 0..=10_000)
                .doc("What creators get of a sale, in hundredths of a percent; 0: nothing is said."),
        )
        .param(Param::text("fee_recipient", "").doc("Who gets it; empty: nothing is said."))
        .param(Param::multiline("properties", "").doc("Further properties as a JSON object."))
        .param(Param::text("name", "collection.json").doc("The file below the output folder."))
        .output("path", names::TEXT, "The file, below the output folder.")
        .writes_files()
}
