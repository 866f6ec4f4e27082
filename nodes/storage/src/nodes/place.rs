//! Where a graph wants things kept: parameters become a place.

use crate::address::base_address;
use crate::kubo::Kubo;
use crate::proof::Pinned;
use crate::readback::Sample;
use crate::service::{Service, State};
use crate::store::BlockStore;
use crate::wire::Patience;
use kiln_cid::{Cid, What, look};
use kiln_core::{Cx, Given, Node, NodeError, Param};
use std::time::Duration;

/// Where things are kept, besides here.
enum Kind {
    Local,
    Kubo(Kubo),
    Service(Service, Option<Kubo>),
}

/// A place, as a graph describes it.
pub(super) struct Place {
    kind: Kind,
    gateway: Option<String>,
    sample: Sample,
}

/// Something to be kept.
pub(super) struct Root {
    pub cid: Cid,
    pub bytes: u64,
    pub label: String,
    /// Every file of it is read back, whatever sample says.
    pub whole: bool,
}

impl Root {
    fn sample(&self, wanted: Sample) -> Sample {
        if self.whole { Sample::All } else { wanted }
    }
}

/// Adds the parameters.
pub(super) fn with_place(node: Node) -> Node {
    node.param(Param::choice("place", &["local", "kubo", "service"]).doc(
        "Where it is kept: in the output folder only (ipfs/blocks), on a node with Kubo's RPC as well, or at a pinning \
         service as well. It is always kept in the output folder, and what other places give back is held against that.",
    ))
    .param(Param::text("url", "").doc(
        "The address of the node (http://127.0.0.1:5001) or the service (https://api.example.org/psa). The run has to \
         be allowed to reach it with --allow-net.",
    ))
    .param(Param::text("token", "").control().doc(
        "The name of the environment variable that holds the token, KILN_TOKEN… : never the token itself.",
    ))
    .param(Param::text("gateway", "").doc(
        "The address of a gateway to read back from (http://127.0.0.1:8080; localhost sends on to other names, which is \
         not followed); empty: from the node itself. A service needs one.",
    ))
    .param(Param::text("source", "").doc(
        "Of a service: the address of your own node's RPC, from which the service can fetch; the blocks are sent there \
         first. Empty: they are there already.",
    ))
    .param(Param::int("sample", 0, 0..=1_000_000_000).doc(
        "How many files of a folder to read back, spread evenly; 0: all of them. Documents of tokens are always all read.",
    ))
    .param(Param::float("wait", 30.0, 0.0..=10_080.0).control().unit("minutes").doc(
        "How long a service may take to fetch. After that the run ends with an error, and the next one goes on waiting.",
    ))
    .uses_network()
    .check(check)
}

/// What does not go together, before anything runs.
pub(super) fn check(given: &Given<'_>) -> Vec<NodeError> {
    let mut found = Vec::new();
    let place = given.text("place").unwrap_or_default();
    for port in ["url", "gateway", "source"] {
        let text = given.text(port).unwrap_or_default();
        if !text.trim().is_empty() {
            found.extend(base_address(&text).err().map(|e| e.at(port)));
        }
    }
    let empty = |port: &str| given.text(port).is_some_and(|t| t.trim().is_empty());
    if place != "local" && given.text("place").is_some() && empty("url") {
        found.push(NodeError::new(format!("the place {place:?} needs an address")).at("url"));
    }
    if place == "service" && empty("gateway") {
        found.push(
            NodeError::new("a service needs a gateway to read back from")
                .at("gateway")
                .hint("write the address of the service's own gateway, or of any other"),
        );
    }
    if let Some(token) = given.text("token").filter(|t| !t.is_empty() && !variable(t)) {
        // What stands here may be the token itself, by mistake: it is not repeated.
        let _ = token;
        found.push(
            NodeError::new("token is not the name of a variable that may hold a token")
                .at("token")
                .hint("write the name of an environment variable that begins with KILN_TOKEN, and put the token there"),
        );
    }
    found
}

/// Whether this is the name of a variable that may hold a token.
fn variable(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    name.starts_with("KILN_TOKEN") && name.len() < 64 && name.bytes().all(plain)
}

impl Place {
    pub(super) fn of(cx: &Cx<'_>) -> Result<Self, NodeError> {
        let address = |port: &str| -> Result<Option<String>, NodeError> {
            let text = cx.text(port)?;
            if text.trim().is_empty() {
                Ok(None)
            } else {
                base_address(&text).map(Some).map_err(|e| e.at(port))
            }
        };
        let token = Some(cx.text("token")?.to_string()).filter(|t| !t.is_empty());
        if token.as_deref().is_some_and(|t| !variable(t)) {
            return Err(NodeError::new("token is not the name of a variable that may hold a token")
                .at("token")
                .hint("write the name of an environment variable that begins with KILN_TOKEN"));
        }
        let wanted = |port: &'static str| {
            address(port)?.ok_or_else(|| NodeError::new("this place needs an address").at(port))
        };
        let patience = Patience::default();
        // The address of the API itself is taken as well.
        let rpc = |url: String, token| Kubo {
            url: url.strip_suffix("/api/v0").map(str::to_owned).unwrap_or(url),
            token,
            patience,
        };
        let kind = match &*cx.text("place")? {
            "kubo" => Kind::Kubo(rpc(wanted("url")?, token)),
            "service" => {
                let wait = Duration::from_secs_f64((cx.float("wait")? * 60.0).clamp(0.0, 1e6));
                let url = wanted("url")?;
                let url = url.strip_suffix("/pins").map(str::to_owned).unwrap_or(url);
                wanted("gateway")?;
                let source = address("source")?.map(|url| rpc(url, None));
                Kind::Service(Service { url, token, patience, wait }, source)
            }
            _ => Kind::Local,
        };
        let sample = match u64::try_from(cx.int("sample")?) {
            Ok(0) | Err(_) => Sample::All,
            Ok(n) => Sample::Files(n),
        };
        Ok(Self { kind, gateway: address("gateway")?, sample })
    }

    /// What the place is called.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Local => "local",
            Kind::Kubo(node) => &node.url,
            Kind::Service(service, _) => &service.url,
        }
    }

    /// Keeps it here and there, and proves it.
    pub(super) fn pin(&self, cx: &Cx<'_>, store: &BlockStore, root: &Root) -> Result<Pinned, NodeError> {
        store.pin(&root.cid, &root.label, root.bytes)?;
        let proof = match &self.kind {
            Kind::Local => return prove_here(store, root),
            Kind::Kubo(node) => {
                node.pin(cx, store, &root.cid, root.bytes, self.gateway.as_deref(), root.sample(self.sample))?
            }
            Kind::Service(service, source) => service.pin(
                cx,
                store,
                &root.cid,
                &root.label,
                root.bytes,
                source.as_ref(),
                self.gateway.as_deref().unwrap_or_default(),
                root.sample(self.sample),
            )?,
        };
        store.note(&root.cid, self.name())?;
        Ok(proof)
    }

    /// After a crash: does the place keep it already? Then it is proved, as if it had been kept now.
    pub(super) fn ask(
        &self,
        cx: &Cx<'_>,
        store: &BlockStore,
        root: &Root,
    ) -> Result<Option<Pinned>, NodeError> {
        if store.pinned(&root.cid)?.is_none() {
            return Ok(None);
        }
        let there = match &self.kind {
            Kind::Local => return Ok(prove_here(store, root).ok()),
            Kind::Kubo(node) => node.pinned(cx, &root.cid)?,
            Kind::Service(service, _) => {
                service.find(cx, &root.cid)?.is_some_and(|r| r.state == State::Pinned)
            }
        };
        // If it is kept but does not come back well, keeping it anew may mend it.
        if !there {
            return Ok(None);
        }
        let gateway = self.gateway.as_deref();
        let proof = match &self.kind {
            Kind::Local => return Ok(None),
            Kind::Kubo(node) => node.prove(cx, store, &root.cid, gateway, root.sample(self.sample)),
            Kind::Service(service, _) => {
                service.prove(cx, store, &root.cid, gateway.unwrap_or_default(), root.sample(self.sample))
            }
        };
        match proof {
            Ok(proof) => {
                store.note(&root.cid, self.name())?;
                Ok(Some(proof))
            }
            Err(e) if e.cancelled => Err(e),
            Err(_) => Ok(None),
        }
    }

    /// Whether it is still written down as kept.
    pub(super) fn stands(&self, store: &BlockStore, cid: &Cid) -> bool {
        let known =
            |places: &[String]| matches!(self.kind, Kind::Local) || places.iter().any(|p| p == self.name());
        matches!(store.pinned(cid), Ok(Some(pin)) if known(&pin.places))
            && kiln_cid::fetch(store, cid).is_ok()
    }
}

/// Reads every file back from the blocks in the output folder.
fn prove_here(store: &BlockStore, root: &Root) -> Result<Pinned, NodeError> {
    let said = crate::error::cid_said;
    let (mut files, mut bytes) = (0, 0);
    crate::files::files_below(store, &root.cid, &mut |_, cid| {
        files += 1;
        bytes += kiln_cid::read_file(store, cid, u64::MAX, &mut std::io::sink())?;
        Ok(())
    })
    .map_err(said)?;
    if bytes != root.bytes {
        return Err(NodeError::new(format!(
            "{} came back with {bytes} bytes instead of {}",
            root.cid, root.bytes
        )));
    }
    let folder = look(store, &root.cid).map_err(said)?.what == What::Folder;
    Ok(Pinned::new(&root.cid, folder, bytes, "local".to_owned(), files, files))
}
