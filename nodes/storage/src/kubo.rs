//! A node with Kubo's RPC.

use crate::error::cid_said;
use crate::proof::Pinned;
use crate::readback::{From, NotBack, Sample, try_back};
use crate::store::{BlockStore, MOST_BLOCKS};
use crate::wire::{Patience, Wire, persist};
use kiln_cid::{Cid, Walk, car};
use kiln_core::NodeError;
use kiln_core::doors::{Answer, Content, Exchange};
use serde_json::Value;
use std::io::{self, Read};
use std::time::Duration;

/// A node with Kubo's RPC.
#[derive(Clone, Debug)]
pub struct Kubo {
    /// Its address, without `/api/v0`.
    pub url: String,
    /// The name of its token, if it wants one.
    pub token: Option<String>,
    /// How often it is asked.
    pub patience: Patience,
}

/// What lies between the parts of a form; no CAR file of ours has it by chance.
const BOUNDARY: &str = "kiln-4c1d9b7e0f2a4d6f8b3e5c7a9d1f0e2b";

/// What is read until the end of one, then the next.
struct Form<'a, 'b> {
    head: &'a [u8],
    body: &'a mut car::Stream<'b>,
    tail: &'a [u8],
}

impl Read for Form<'_, '_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.head.read(to)?;
        if n > 0 || to.is_empty() {
            return Ok(n);
        }
        let n = self.body.read(to)?;
        if n > 0 { Ok(n) } else { self.tail.read(to) }
    }
}

impl Kubo {
    fn call(&self, wire: &dyn Wire, what: &str, most: u64) -> Result<Answer, NodeError> {
        let url = format!("{}/api/v0/{what}", self.url);
        persist(wire, &self.patience, true, &mut |wire| {
            let token = self.token.as_deref();
            wire.exchange(Exchange { method: "POST", token, most, ..Exchange::get(&url) })
        })
    }

    /// What the node says went wrong.
    fn refusal(&self, doing: &str, answer: &mut Answer) -> NodeError {
        let said = answer.said();
        let told: Option<Value> = serde_json::from_str(&said).ok();
        let message = told.as_ref().and_then(|v| v.get("Message")).and_then(Value::as_str);
        let error = NodeError::new(format!(
            "{} answered {} to {doing}: {}",
            self.url,
            answer.status,
            message.unwrap_or(&said)
        ));
        match answer.status {
            401 | 403 => error.hint("name the variable that holds its token with token"),
            404 | 405 => {
                error.hint("is this the address of a node's RPC (port 5001 as a rule), not of its gateway?")
            }
            _ => error,
        }
    }

    /// Whether the node says it keeps all below a root.
    ///
    /// # Errors
    /// When it does not say.
    pub fn pinned(&self, wire: &dyn Wire, root: &Cid) -> Result<bool, NodeError> {
        let mut answer = self.call(wire, &format!("pin/ls?arg={root}&type=recursive"), 1 << 20)?;
        match answer.status {
            200 => Ok(pins(&answer.bytes()?).iter().any(|cid| cid.same_block(root))),
            // The RPC says everything it does not like with 500; only the text says which.
            500 => {
                let error = self.refusal("pin/ls", &mut answer);
                if error.what.contains("not pinned") { Ok(false) } else { Err(error) }
            }
            _ => Err(self.refusal("pin/ls", &mut answer)),
        }
    }

    /// Sends all blocks below a root as a CAR file made here, and holds the root that the node answers against it.
    ///
    /// # Errors
    /// When the node refuses, or answers another root.
    pub fn import(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        bytes: u64,
    ) -> Result<(), NodeError> {
        let url = format!("{}/api/v0/dag/import?pin-roots=true&cid-base=base32", self.url);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"kiln.car\"\r\n\
             Content-Type: application/vnd.ipld.car\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let mut broken = None;
        let sent = persist(wire, &self.patience, true, &mut |wire| {
            let mut car = car::Stream::new(root, Walk::new(store, *root, MOST_BLOCKS));
            let mut form = Form { head: head.as_bytes(), body: &mut car, tail: tail.as_bytes() };
            let asked = Exchange {
                method: "POST",
                headers: &[("Content-Type", &kind)],
                content: Content::Stream(&mut form),
                token: self.token.as_deref(),
                // A slow line is given 50 KiB a second.
                timeout: Duration::from_secs(120 + bytes / 50_000),
                most: 1 << 20,
                ..Exchange::get(&url)
            };
            let said = wire.exchange(asked);
            // What is wrong with our own blocks is not the node's fault.
            match car.failed() {
                Some(own) => {
                    let own = cid_said(own);
                    broken = Some(own.clone());
                    Err(own.hint("run again: what is missing is made again"))
                }
                None => said,
            }
        });
        let mut answer = sent.map_err(|e| broken.unwrap_or(e))?;
        if answer.status != 200 {
            return Err(self.refusal("dag/import", &mut answer));
        }
        let bytes = answer.bytes()?;
        let mut roots = Vec::new();
        for line in json_lines(&bytes) {
            let Some(told) = line.get("Root") else { continue };
            let fault = told.get("PinErrorMsg").and_then(Value::as_str).unwrap_or_default();
            if !fault.is_empty() {
                return Err(NodeError::new(format!(
                    "{} took the blocks but did not pin them: {}",
                    self.url,
                    answer.words(fault)
                )));
            }
            roots.push(told.pointer("/Cid/~1").and_then(Value::as_str).unwrap_or_default().to_owned());
        }
        match roots.as_slice() {
            [only] if only.parse::<Cid>().is_ok_and(|c| c.same_block(root)) => Ok(()),
            other => Err(NodeError::new(format!(
                "{} was sent {root}, but says it got {}",
                self.url,
                if other.is_empty() { "nothing".to_owned() } else { answer.words(&other.join(", ")) }
            ))
            .hint("something between here and there changes what is sent, or this is no IPFS node")),
        }
    }

    /// Has the node keep all below a root, and reads it back: the bytes were sent, the root is the same, the node says
    /// it keeps it, and the files come back as they were made.
    ///
    /// # Errors
    /// When one of these does not hold.
    pub fn pin(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        bytes: u64,
        gateway: Option<&str>,
        sample: Sample,
    ) -> Result<Pinned, NodeError> {
        let there = self.pinned(wire, root)?;
        if !there {
            self.send(wire, store, root, bytes)?;
        }
        match self.try_prove(wire, store, root, gateway, sample) {
            // It was pinned by somebody, and badly: sent once more, it may be well.
            Err(NotBack::Wrong(_)) if there => {
                self.send(wire, store, root, bytes)?;
                self.prove(wire, store, root, gateway, sample)
            }
            other => Ok(other?),
        }
    }

    fn send(&self, wire: &dyn Wire, store: &BlockStore, root: &Cid, bytes: u64) -> Result<(), NodeError> {
        self.import(wire, store, root, bytes)?;
        if self.pinned(wire, root)? {
            return Ok(());
        }
        let mut answer = self.call(wire, &format!("pin/add?arg={root}"), 1 << 20)?;
        if answer.status != 200 {
            return Err(self.refusal("pin/add", &mut answer));
        }
        if self.pinned(wire, root)? {
            return Ok(());
        }
        Err(NodeError::new(format!("{} took {root} but does not keep it", self.url))
            .hint("look at the node's pins and its garbage collection"))
    }

    /// Reads back what the node keeps.
    ///
    /// # Errors
    /// When a file does not come back as it was made.
    pub fn prove(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        gateway: Option<&str>,
        sample: Sample,
    ) -> Result<Pinned, NodeError> {
        Ok(self.try_prove(wire, store, root, gateway, sample)?)
    }

    fn try_prove(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        gateway: Option<&str>,
        sample: Sample,
    ) -> Result<Pinned, NotBack> {
        let from = match gateway {
            Some(gateway) => From::Gateway(gateway.to_owned()),
            None => From::Rpc(self.url.clone()),
        };
        try_back(wire, store, root, &from, sample, &self.url, &self.patience)
    }

    /// The addresses under which others can fetch from the node: for a pinning service.
    #[must_use]
    pub fn origins(&self, wire: &dyn Wire) -> Vec<String> {
        let Ok(mut answer) = self.call(wire, "id", 1 << 20) else { return Vec::new() };
        let told: Value =
            answer.bytes().ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
        let list = told.get("Addresses").and_then(Value::as_array).cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_str).filter(|a| a.len() < 500).take(20).map(str::to_owned).collect()
    }

    /// Has the node connect to another one. Whether that works is told by what comes after.
    pub fn connect(&self, wire: &dyn Wire, address: &str) {
        let _ = self.call(wire, &format!("swarm/connect?arg={}", crate::address::encoded(address)), 1 << 20);
    }
}

/// The lines of an answer that are JSON.
fn json_lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What an answer of `pin/ls` names, as one list or line by line.
fn pins(bytes: &[u8]) -> Vec<Cid> {
    let mut found = Vec::new();
    for told in json_lines(bytes) {
        if let Some(keys) = told.get("Keys").and_then(Value::as_object) {
            found.extend(keys.keys().filter_map(|k| k.parse::<Cid>().ok()));
        }
        let one = told.get("Cid").and_then(Value::as_str).and_then(|c| c.parse::<Cid>().ok());
        found.extend(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_both_shapes() {
        let v1 = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        let cid: Cid = v1.parse().unwrap();
        let keys = format!("{{\"Keys\":{{\"{v1}\":{{\"Type\":\"recursive\"}}}}}}\n");
        let lines = format!("{{\"Type\":\"recursive\",\"Cid\":\"{v1}\"}}\n{{\"odd\":1}}\nnonsense");
        assert_eq!(pins(keys.as_bytes()), [cid]);
        assert_eq!(pins(lines.as_bytes()), [cid]);
        assert!(pins(b"{}").is_empty() && pins(&[0xff]).is_empty());
    }
}
