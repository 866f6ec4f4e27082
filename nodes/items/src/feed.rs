//! JSON from the web, asked for once and written down: weights from a market, scores from a game.

use kiln_core::doors::Request;
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
use kiln_types::{Value, names};

/// No document that is taken is longer.
const MOST: usize = 1 << 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![fetch_json()]
}

struct Fetch;

/// What the journal holds: the file that was written, its length, and the document.
fn read(outcome: &[u8]) -> Result<(String, u64, String), NodeError> {
    let bad = || NodeError::new("the journal's entry of this document cannot be read");
    let text = std::str::from_utf8(outcome).map_err(|_| bad())?;
    let mut lines = text.splitn(3, '\n');
    let path = lines.next().ok_or_else(bad)?.to_owned();
    let bytes = lines.next().and_then(|n| n.parse().ok()).ok_or_else(bad)?;
    Ok((path, bytes, lines.next().ok_or_else(bad)?.to_owned()))
}

impl Effect for Fetch {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let url = cx.text("url")?.trim().to_owned();
        let headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        let request = Request { method: "GET".to_owned(), url: url.clone(), headers, body: Vec::new() };
        let answer = cx.send(&request)?;
        if answer.status != 200 {
            return Err(NodeError::new(format!("{url} answered {}", answer.status))
                .at("url")
                .hint("200 is wanted, with a JSON document"));
        }
        if answer.body.len() > MOST {
            return Err(NodeError::new(format!("{url} sent {} bytes, more than 1 MiB", answer.body.len())));
        }
        let document: serde_json::Value = serde_json::from_slice(&answer.body)
            .map_err(|e| NodeError::new(format!("what {url} sent is not JSON: {e}")).at("url"))?;
        let text = kiln_collection::canonical::canonical(&document);
        let written =
            cx.write(&cx.text("name")?, format!("{text}\n").as_bytes()).map_err(|e| e.at("name"))?;
        Ok(format!("{}\n{}\n{text}", written.path, written.bytes).into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let Ok((path, bytes, _)) = read(outcome) else { return false };
        cx.out_folder().is_ok_and(|out| out.stands(&path, bytes))
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let (path, _, text) = read(outcome)?;
        let hash = blake3::hash(text.as_bytes()).to_hex();
        Ok(vec![
            ("json", Value::from(text.as_str())),
            ("hash", Value::from(hash.as_str())),
            ("path", Value::from(path.as_str())),
        ])
    }
}

fn fetch_json() -> Node {
    Node::effect("FetchJson", 1, Doubt::IdempotentByKey, Fetch)
        .title("Fetch JSON")
        .category("collection/traits")
        .doc(
            "Asks a web address for a JSON document, once for each output folder, and writes it there: what was made \
             from it can be made again when the web says something else. To ask anew, delete the file or change `again`.",
        )
        .param(Param::text("url", "").required().doc("The address; its host is allowed with --allow-net."))
        .param(Param::text("name", "feeds/feed.json").doc("The file below the output folder."))
        .param(Param::text("again", "").doc("Any other word here asks anew."))
        .output("json", names::TEXT, "The document, in one form: equal documents are equal texts.")
        .output("hash", names::TEXT, "Its blake3 hash.")
        .output("path", names::TEXT, "The file, below the output folder.")
        .writes_files()
        .uses_network()
        .by_value()
}
