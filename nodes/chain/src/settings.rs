//! Where nodes and keys are: said by whoever runs a graph, never by the graph.
//!
//! | variable | what |
//! | --- | --- |
//! | `KILN_RPC_SEPOLIA`, … | a node's address, by network |
//! | `KILN_SIGNER` | whose key: `env:NAME`, `keystore:FILE`, `pkcs11:LIBRARY#LABEL` |
//! | `KILN_PASSWORD`, `KILN_PASSWORD_FILE`, `KILN_PIN` | what opens it |
//! | `KILN_POLICY` | the policy file: without one, nothing is signed |
//!
//! The embedded chain needs none of them. With `KILN_RPC_LOCAL` the network `local` is another test chain: anvil, say.

use crate::chain::{Chain, ChainError};
use crate::guard::Guard;
use crate::local::Local;
use crate::mint::MintError;
use crate::network::Network;
use crate::rpc::{Posted, Rpc, RpcError, Web};
use crate::send::Pace;
use crate::sign::Source;
use kiln_core::doors::{Net, Request, Response};
use kiln_core::{Cx, NodeError};
use kiln_ledger::{Policy, Trouble};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Env = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What is open already.
#[derive(Default)]
struct Open {
    locals: BTreeMap<PathBuf, Arc<Local>>,
    guards: BTreeMap<&'static str, Arc<Guard>>,
}

/// Where nodes and keys are.
pub struct Settings {
    env: Box<Env>,
    open: Mutex<Open>,
    /// The embedded chain's time: that of the run.
    now: Arc<AtomicU64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }
}

fn stop(what: impl std::fmt::Display) -> NodeError {
    NodeError::new(what)
}

impl From<MintError> for NodeError {
    fn from(e: MintError) -> Self {
        match e {
            MintError::Cancelled => Self::cancelled(),
            other => Self::new(other),
        }
    }
}

impl From<ChainError> for NodeError {
    fn from(e: ChainError) -> Self {
        Self::new(e)
    }
}

impl Settings {
    /// With variables from somewhere else than the process' environment.
    pub fn new(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { env: Box::new(env), open: Mutex::default(), now: Arc::default() }
    }

    /// The embedded chain of a folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn local(&self, folder: &Path, now: u64) -> Result<Arc<Local>, NodeError> {
        self.now.store(now, Ordering::SeqCst);
        let path = folder.join("local.log");
        let mut open = self.open.lock();
        if let Some(local) = open.locals.get(&path) {
            return Ok(local.clone());
        }
        let time = self.now.clone();
        let local = Local::open(&path, Arc::new(move || time.load(Ordering::SeqCst))).map_err(stop)?;
        let local = Arc::new(local);
        open.locals.insert(path, local.clone());
        Ok(local)
    }

    /// Whoever signs on a network, within its policy.
    ///
    /// # Errors
    /// When there is no key or no policy.
    pub fn guard(&self, network: &'static Network) -> Result<Arc<Guard>, NodeError> {
        let mut open = self.open.lock();
        if let Some(guard) = open.guards.get(network.name) {
            return Ok(guard.clone());
        }
        let guard = if network.toy {
            Guard::toy(Source::Toy.open(&*self.env).map_err(stop)?, network.chain)
        } else {
            let want = |name: &str, what: &str| {
                (self.env)(name).ok_or_else(|| {
                    NodeError::new(format!("signing on {} needs {what}", network.name))
                        .hint(format!("set the environment variable {name}; a graph cannot"))
                })
            };
            let source = Source::read(&want("KILN_SIGNER", "a key")?).map_err(stop)?;
            let path = want("KILN_POLICY", "a policy that says what may be signed")?;
            let text = std::fs::read_to_string(&path).map_err(|e| stop(format!("the policy {path}: {e}")))?;
            let policy = Policy::read(&text).map_err(|e| stop(format!("{path}: {e}")))?;
            let signer = source.open(&*self.env).map_err(stop)?;
            Guard::new(signer, policy, format!("{path}.day")).map_err(stop)?
        };
        let guard = Arc::new(guard);
        open.guards.insert(network.name, guard.clone());
        Ok(guard)
    }

    /// The node's address of a network.
    fn address(&self, network: &'static Network) -> Result<String, NodeError> {
        let name = format!("KILN_RPC_{}", network.name.to_uppercase());
        (self.env)(&name).ok_or_else(|| {
            NodeError::new(format!("no node of {} is known", network.name)).hint(format!(
                "put its address into the environment variable {name}, or choose the network local"
            ))
        })
    }

    /// A network as a node of the graph reaches it: the embedded one in the output folder, others through the run's
    /// door.
    ///
    /// # Errors
    /// When it is not allowed, does not answer, or is another network.
    pub fn chain<'a>(
        &self,
        cx: &'a Cx<'_>,
        network: &'static Network,
    ) -> Result<Chain<Box<dyn Rpc + 'a>>, NodeError> {
        let rpc: Box<dyn Rpc + 'a> = if network.toy && self.address(network).is_err() {
            let local = self.local(&folder(cx)?, cx.now())?;
            let account = self.guard(network)?.address();
            local.fund(account).map_err(stop)?;
            Box::new(local)
        } else {
            let url = self.address(network)?;
            Box::new(Web::new(move |body: &[u8]| post(&|request| cx.send(request), &url, body)))
        };
        Ok(Chain::open(rpc, network)?)
    }

    /// The host and port of a network's node; `None` for the embedded one.
    ///
    /// # Errors
    /// When no node is known.
    pub fn host(&self, network: &'static Network) -> Result<Option<String>, NodeError> {
        match self.address(network) {
            Err(_) if network.toy => Ok(None),
            Err(e) => Err(e),
            Ok(url) => {
                let rest = url.split("://").nth(1).unwrap_or(&url);
                Ok(Some(rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()))
            }
        }
    }

    /// A network outside of a run: to look at, not to sign on. `folder`: where the embedded chain is.
    ///
    /// # Errors
    /// When it does not answer, or is another network.
    pub fn outside<'a>(
        &self,
        folder: &Path,
        network: &'static Network,
        net: &'a dyn Net,
        now: u64,
    ) -> Result<Chain<Box<dyn Rpc + 'a>>, NodeError> {
        let rpc: Box<dyn Rpc + 'a> = match self.host(network)? {
            None if !folder.join("local.log").exists() => {
                return Err(NodeError::new("there is no embedded chain in this folder"));
            }
            None => Box::new(self.local(folder, now)?),
            Some(_) => {
                let url = self.address(network)?;
                Box::new(Web::new(move |body: &[u8]| post(&|request| net.send(request), &url, body)))
            }
        };
        Ok(Chain::open(rpc, network)?)
    }
}

/// Where the books and the embedded chain are.
///
/// # Errors
/// When the run has no output folder.
pub fn folder(cx: &Cx<'_>) -> Result<PathBuf, NodeError> {
    Ok(cx.out_folder()?.root().join(".kiln").join("chain"))
}

/// Sends a question through the run's door. A node's address may have a key in it: only its host is ever shown.
fn post(send: &dyn Fn(&Request) -> Result<Response, NodeError>, url: &str, body: &[u8]) -> Posted {
    let host =
        url.split("://").nth(1).unwrap_or(url).split(['/', '?', '@']).next().unwrap_or_default().to_owned();
    let request = Request {
        method: "POST".into(),
        url: url.to_owned(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_vec(),
    };
    match send(&request) {
        Ok(answer) => Ok((answer.status, answer.body)),
        Err(e) if e.hint.as_ref().is_some_and(|h| h.contains("--allow-net")) => {
            Err(RpcError::Closed(format!("{host} may not be asked (allow it with --allow-net {host})")))
        }
        Err(e) => {
            let why = e.what.replace(url, &host);
            let path = url.split_once(&host).map_or("", |p| p.1);
            Err(RpcError::NoAnswer(if path.len() > 1 { why.replace(path, "/…") } else { why }))
        }
    }
}

/// A run's clock and signs of life.
pub struct Steps<'a, 'b> {
    /// What the node sees.
    pub cx: &'a Cx<'b>,
    /// The embedded chain's time follows.
    pub settings: &'a Settings,
}

impl Pace for Steps<'_, '_> {
    fn now(&self) -> u64 {
        let now = self.cx.now();
        self.settings.now.store(now, Ordering::SeqCst);
        now
    }
    fn rest(&self, ms: u64) -> Result<(), Trouble> {
        self.cx.rest(std::time::Duration::from_millis(ms)).map_err(|_| Trouble::Cancelled)?;
        let _ = self.now();
        Ok(())
    }
    fn may_go_on(&self) -> Result<(), Trouble> {
        self.cx.pause().map_err(|_| Trouble::Cancelled)
    }
    fn progress(&self, done: usize, total: usize) {
        self.cx.progress(done as u64, total as u64);
    }
}
