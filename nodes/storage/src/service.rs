//! A pinning service, by the IPFS Pinning Service API: it is told a name, fetches the content itself, and says how far
//! it is.

use crate::address::encoded;
use crate::kubo::Kubo;
use crate::proof::Pinned;
use crate::readback::{From, Sample, read_back};
use crate::store::BlockStore;
use crate::wire::{Patience, Wire, persist};
use kiln_cid::Cid;
use kiln_core::NodeError;
use kiln_core::doors::{Answer, Content, Exchange};
use serde_json::{Value, json};
use std::time::Duration;

/// How far a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It gave up.
    Failed,
    /// It has not begun.
    Queued,
    /// It fetches.
    Pinning,
    /// It keeps everything.
    Pinned,
}

/// What a service says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The request's name.
    pub request: String,
    /// How far it is.
    pub state: State,
    /// Nodes that the content should be offered to.
    pub delegates: Vec<String>,
    /// What else it says, in words.
    pub info: String,
}

/// A pinning service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its address, without `/pins`.
    pub url: String,
    /// The name of its token.
    pub token: Option<String>,
    /// How often it is asked the same.
    pub patience: Patience,
    /// How long it may take to fetch.
    pub wait: Duration,
}

/// No answer is longer.
const MOST: u64 = 1 << 20;

impl Service {
    fn call(
        &self,
        wire: &dyn Wire,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, NodeError> {
        let url = format!("{}/pins{path}", self.url);
        let body = body.map(ToString::to_string);
        let mut answer = persist(wire, &self.patience, false, &mut |wire| {
            let content = body.as_ref().map_or(Content::None, |b| Content::Bytes(b.as_bytes()));
            let headers: &[(&str, &str)] = if body.is_some() {
                &[("Content-Type", "application/json"), ("Accept", "application/json")]
            } else {
                &[("Accept", "application/json")]
            };
            let token = self.token.as_deref();
            wire.exchange(Exchange { method, headers, content, token, most: MOST, ..Exchange::get(&url) })
        })?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refusal(&mut answer)) }
    }

    fn refusal(&self, answer: &mut Answer) -> NodeError {
        let said = answer.said();
        let told: Value = serde_json::from_str(&said).unwrap_or_default();
        let part = |name: &str| told.pointer(&format!("/error/{name}")).and_then(Value::as_str);
        let words = match (part("reason"), part("details")) {
            (Some(reason), Some(details)) => format!("{reason}: {details}"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            _ => said,
        };
        let error = NodeError::new(format!("{} answered {}: {words}", self.url, answer.status));
        match answer.status {
            401 | 403 => {
                error.at("token").hint("put a token of the service into the variable that token names")
            }
            404 => error.hint("is this the address of a pinning service, without /pins?"),
            409 | 507 => error.hint("the service has no room left: look at your account there"),
            429 => error.hint("the service is asked too much: run again later"),
            _ => error,
        }
    }

    fn json(&self, mut answer: Answer) -> Result<(Answer, Value), NodeError> {
        let bytes = answer.bytes()?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok((answer, value)),
            Err(_) => Err(NodeError::new(format!(
                "{} answered something else than JSON: {}",
                self.url,
                answer.words(&String::from_utf8_lossy(&bytes[..bytes.len().min(300)]))
            ))
            .hint("is this the address of a pinning service, without /pins?")),
        }
    }

    /// Reads what is said of a request; `None` if it is of another root.
    fn remote(&self, answer: &Answer, told: &Value, root: &Cid) -> Result<Option<Remote>, NodeError> {
        let bad = |what: &str| NodeError::new(format!("{} says of a pin {what}", self.url));
        let cid = told.pointer("/pin/cid").and_then(Value::as_str).ok_or_else(|| bad("not which it is"))?;
        if !cid.parse::<Cid>().is_ok_and(|c| c.same_block(root)) {
            return Ok(None);
        }
        let request =
            told.get("requestid").and_then(Value::as_str).filter(|r| !r.is_empty() && r.len() < 500);
        let state = match told.get("status").and_then(Value::as_str) {
            Some("queued") => State::Queued,
            Some("pinning") => State::Pinning,
            Some("pinned") => State::Pinned,
            Some("failed") => State::Failed,
            _ => return Err(bad("neither that it is queued, pinning, pinned nor that it failed")),
        };
        let list = told.get("delegates").and_then(Value::as_array).cloned().unwrap_or_default();
        let delegates = list.iter().filter_map(Value::as_str).filter(|d| d.len() < 500).take(20);
        let info = match told.get("info") {
            Some(Value::Object(map)) if !map.is_empty() => {
                answer.words(&Value::Object(map.clone()).to_string())
            }
            _ => String::new(),
        };
        Ok(Some(Remote {
            request: request.ok_or_else(|| bad("not which request it is"))?.to_owned(),
            state,
            delegates: delegates.map(str::to_owned).collect(),
            info,
        }))
    }

    /// What the service says of a root: the request that is farthest, if there is one.
    ///
    /// # Errors
    /// When it does not say.
    pub fn find(&self, wire: &dyn Wire, root: &Cid) -> Result<Option<Remote>, NodeError> {
        let path = format!("?cid={root}&status=queued,pinning,pinned,failed&limit=10");
        let (answer, told) = self.json(self.call(wire, "GET", &path, None)?)?;
        let list = told.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut best: Option<Remote> = None;
        for one in list.iter().take(10) {
            if let Some(found) = self.remote(&answer, one, root)?
                && best.as_ref().is_none_or(|b| b.state < found.state)
            {
                best = Some(found);
            }
        }
        Ok(best)
    }

    /// Asks the service to keep a root.
    ///
    /// # Errors
    /// When it refuses, or answers about another root.
    pub fn add(
        &self,
        wire: &dyn Wire,
        root: &Cid,
        name: &str,
        origins: &[String],
    ) -> Result<Remote, NodeError> {
        let short: String = name.chars().take(255).collect();
        let mut body = json!({ "cid": root.to_string(), "name": short });
        if let (Some(body), false) = (body.as_object_mut(), origins.is_empty()) {
            body.insert("origins".to_owned(), origins.into());
        }
        let (answer, told) = self.json(self.call(wire, "POST", "", Some(&body))?)?;
        self.remote(&answer, &told, root)?.ok_or_else(|| self.other(root))
    }

    /// How far a request is.
    ///
    /// # Errors
    /// When the service does not say, or speaks of another root.
    pub fn state(&self, wire: &dyn Wire, request: &str, root: &Cid) -> Result<Remote, NodeError> {
        let (answer, told) = self.json(self.call(wire, "GET", &format!("/{}", encoded(request)), None)?)?;
        self.remote(&answer, &told, root)?.ok_or_else(|| self.other(root))
    }

    fn other(&self, root: &Cid) -> NodeError {
        NodeError::new(format!("{} was asked to keep {root}, and speaks of another one", self.url))
    }

    /// Has the service keep all below a root, waits until it says so, and reads it back through `gateway`. `source` is a
    /// node of ours that it can fetch from: the blocks are sent there first.
    ///
    /// # Errors
    /// When the service refuses, gives up or takes too long, or a file does not come back as it was made.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that a person sets")]
    pub fn pin(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        name: &str,
        bytes: u64,
        source: Option<&Kubo>,
        gateway: &str,
        sample: Sample,
    ) -> Result<Pinned, NodeError> {
        let mut remote = self.find(wire, root)?.filter(|r| r.state != State::Failed);
        if remote.as_ref().is_none_or(|r| r.state != State::Pinned)
            && let Some(node) = source
            && !node.pinned(wire, root)?
        {
            node.import(wire, store, root, bytes)?;
        }
        if remote.is_none() {
            let origins = source.map(|s| s.origins(wire)).unwrap_or_default();
            remote = Some(self.add(wire, root, name, &origins)?);
        }
        if let Some(remote) = remote {
            if let Some(node) = source.filter(|_| remote.state != State::Pinned) {
                remote.delegates.iter().for_each(|d| node.connect(wire, d));
            }
            self.wait(wire, remote, root)?;
        }
        self.prove(wire, store, root, gateway, sample)
    }

    /// Waits until the service keeps it.
    fn wait(&self, wire: &dyn Wire, mut remote: Remote, root: &Cid) -> Result<(), NodeError> {
        let begun = wire.now();
        let waited = || Duration::from_millis(wire.now().saturating_sub(begun));
        let mut asked = 0;
        loop {
            let info = if remote.info.is_empty() { String::new() } else { format!(": {}", remote.info) };
            match remote.state {
                State::Pinned => {
                    wire.progress(3, 3);
                    return Ok(());
                }
                State::Failed => {
                    return Err(NodeError::new(format!("{} could not fetch {root}{info}", self.url)).hint(
                        "it has to find the content somewhere: name a node of yours that it can reach with source",
                    ));
                }
                State::Queued => wire.progress(1, 3),
                State::Pinning => wire.progress(2, 3),
            }
            if waited() >= self.wait {
                let state = if remote.state == State::Queued { "queued" } else { "fetching" };
                return Err(NodeError::new(format!(
                    "{} is still {state} {root} after {} s{info}",
                    self.url,
                    waited().as_secs()
                ))
                .hint("run again to go on waiting, or set wait higher"));
            }
            let left = self.wait.saturating_sub(waited());
            let rest = self.patience.after(asked).min(Duration::from_secs(30)).min(left);
            wire.rest(rest.max(Duration::from_millis(1)))?;
            asked += 1;
            remote = self.state(wire, &remote.request, root)?;
        }
    }

    /// Reads back through a gateway what the service keeps.
    ///
    /// # Errors
    /// When a file does not come back as it was made.
    pub fn prove(
        &self,
        wire: &dyn Wire,
        store: &BlockStore,
        root: &Cid,
        gateway: &str,
        sample: Sample,
    ) -> Result<Pinned, NodeError> {
        read_back(wire, store, root, &From::Gateway(gateway.to_owned()), sample, &self.url, &self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::{Script, answer};

    const V1: &str = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

    fn service() -> Service {
        let patience = Patience { tries: 3, ..Patience::default() };
        Service { url: "https://psa".into(), token: None, patience, wait: Duration::from_secs(100) }
    }

    fn said(state: &str) -> String {
        json!({ "requestid": "r/1", "status": state, "created": "", "delegates": ["/ip4/1"], "info": {"why": "x"},
                "pin": { "cid": V1 } })
        .to_string()
    }

    #[test]
    fn the_farthest_request_counts() {
        let root: Cid = V1.parse().unwrap();
        let parts: Vec<Value> =
            ["failed", "pinned", "queued"].iter().map(|s| serde_json::from_str(&said(s)).unwrap()).collect();
        let list = json!({ "count": 3, "results": parts }).to_string();
        let script = Script::new(vec![answer(200, &[], &list), answer(200, &[], "{}")]);
        let found = service().find(&script, &root).unwrap().unwrap();
        assert_eq!((found.state, found.request.as_str()), (State::Pinned, "r/1"));
        assert_eq!(service().find(&script, &root).unwrap(), None);
    }

    #[test]
    fn waiting_ends() {
        let root: Cid = V1.parse().unwrap();
        let go = |states: &[&str], fallback: &str| {
            let mut answers: Vec<_> = states.iter().map(|s| answer(200, &[], &said(s))).collect();
            answers.extend((0..100).map(|_| answer(200, &[], &said(fallback))));
            let script = Script::new(answers);
            let first = service().state(&script, "r/1", &root).unwrap();
            let end = service().wait(&script, first, &root).map_err(|e| e.what);
            (end, script.now(), script.asked.into_inner())
        };
        let (end, _, asked) = go(&["queued", "pinning", "pinned"], "pinned");
        assert_eq!((end, asked.len()), (Ok(()), 3));
        assert_eq!(asked[0], "GET https://psa/pins/r%2F1", "what a service says is no path");
        assert!(go(&["queued", "failed"], "queued").0.unwrap_err().contains("could not fetch"));
        let (end, took, asked) = go(&[], "queued");
        assert!(end.unwrap_err().contains("still queued"));
        assert!(took == 100_000 && asked.len() < 12, "{took} {}", asked.len());
    }

    #[test]
    fn answers_that_make_no_sense_are_refused() {
        let root: Cid = V1.parse().unwrap();
        let other = said("pinned").replace(V1, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
        for (status, body, words) in [
            (200, "<html>", "else than JSON"),
            (200, "{}", "not which it is"),
            (200, &other, "another one"),
            (200, &said("fine"), "neither"),
            (200, &said("pinned").replace("r/1", ""), "which request"),
            (401, r#"{"error":{"reason":"UNAUTHORIZED","details":"no"}}"#, "UNAUTHORIZED: no"),
            (409, "full", "409: full"),
        ] {
            let script = Script::new(vec![answer(status, &[], body)]);
            let e = service().state(&script, "r", &root).unwrap_err();
            assert!(e.what.contains(words), "{body}: {e}");
        }
    }
}
