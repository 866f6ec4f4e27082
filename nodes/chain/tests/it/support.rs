//! A chain in a folder, some people on it, and a contract.

use alloy_primitives::{Address, B256, Bytes, U256, aliases::U48, aliases::U96, hex, keccak256};
use alloy_sol_types::SolCall;
use kiln_chain::chain::Chain;
use kiln_chain::contract::{Collection, Setup, deploying, refusal};
use kiln_chain::guard::Guard;
use kiln_chain::local::{CHAIN, Local};
use kiln_chain::network::Network;
use kiln_chain::rpc::{Rpc, RpcError};
use kiln_chain::send::Pace;
use kiln_chain::sign::{Key, Secret, Signer};
use kiln_chain::tx::Tx;
use kiln_ledger::Trouble;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-11-20, or so.
pub const NOW: u64 = 1_795_000_000_000;

pub fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A clock that goes when it is told to.
#[derive(Clone)]
pub struct Time(pub Arc<AtomicU64>);

impl Time {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }
    pub fn clock(&self) -> kiln_chain::local::Clock {
        let time = self.0.clone();
        Arc::new(move || time.load(Ordering::SeqCst))
    }
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Pace for Time {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
    fn rest(&self, ms: u64) -> Result<(), Trouble> {
        self.pass(ms);
        Ok(())
    }
}

/// Somebody with a key.
pub struct Person {
    pub guard: Guard,
    pub address: Address,
}

pub fn key(name: &str) -> Key {
    Key::from_hex(&Secret::new(hex::encode(keccak256(name))), name).unwrap()
}

pub fn person(name: &str) -> Person {
    let key = key(name);
    let address = key.address();
    Person { guard: Guard::toy(Arc::new(key), CHAIN), address }
}

pub fn open(dir: &Path, time: &Time) -> Local {
    Local::open(dir.join("local.log"), time.clock()).unwrap()
}

pub fn network() -> &'static Network {
    Network::by_name("local").unwrap()
}

/// What came of a transaction: its receipt, or why it was refused.
pub type Sent = Result<Value, String>;

/// A chain to play on.
pub struct Field {
    pub local: Local,
    pub time: Time,
    _dir: tempfile::TempDir,
}

impl Field {
    pub fn new() -> Self {
        let (dir, time) = (quick_dir(), Time::new());
        Self { local: open(dir.path(), &time), time, _dir: dir }
    }

    pub fn ask(&self, method: &str, params: Value) -> Value {
        self.local.ask(method, params).unwrap()
    }

    pub fn chain(&self) -> Chain<&Local> {
        Chain::open(&self.local, network()).unwrap()
    }

    fn nonce(&self, who: Address) -> u64 {
        let answer = self.ask("eth_getTransactionCount", json!([who, "latest"]));
        serde_json::from_value::<U256>(answer).unwrap().to()
    }

    /// Tries it; if it would work, sends it.
    pub fn send(&self, who: &Person, to: Option<Address>, value: u128, data: Vec<u8>) -> Sent {
        self.local.fund(who.address).unwrap();
        let call = match to {
            Some(to) => {
                json!({ "from": who.address, "to": to, "value": U256::from(value), "data": Bytes::from(data.clone()) })
            }
            None => {
                json!({ "from": who.address, "value": U256::from(value), "data": Bytes::from(data.clone()) })
            }
        };
        let gas: U256 = match self.local.ask("eth_estimateGas", json!([call])) {
            Ok(gas) => serde_json::from_value(gas).unwrap(),
            Err(RpcError::Refused { data: Some(data), .. }) => {
                return Err(refusal(&hex::decode(data).unwrap()));
            }
            Err(e) => return Err(e.to_string()),
        };
        let tx = Tx {
            chain: CHAIN,
            nonce: self.nonce(who.address),
            tip: 0,
            max_fee: 2_000_000_000,
            gas: gas.to(),
            to,
            value: U256::from(value),
            data: data.into(),
        };
        self.raw(&who.guard.transaction(&tx, NOW).unwrap())
    }

    pub fn raw(&self, raw: &[u8]) -> Sent {
        let hash = self
            .local
            .ask("eth_sendRawTransaction", json!([Bytes::copy_from_slice(raw)]))
            .map_err(|e| e.to_string())?;
        let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
        if receipt["status"] == "0x1" { Ok(receipt) } else { Err(format!("reverted: {receipt}")) }
    }

    pub fn call(&self, who: &Person, to: Address, call: &impl SolCall) -> Sent {
        self.send(who, Some(to), 0, call.abi_encode())
    }

    pub fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, String> {
        self.chain().call(to, call).map_err(|e| e.to_string())
    }
}

pub fn gas(receipt: &Value) -> u64 {
    serde_json::from_value::<U256>(receipt["gasUsed"].clone()).unwrap().to()
}

pub fn has_event(receipt: &Value, signature: &str) -> usize {
    let topic = json!(keccak256(signature));
    receipt["logs"].as_array().unwrap().iter().filter(|l| l["topics"][0] == topic).count()
}

pub fn setup(people: &People, supply: u64) -> Setup {
    Setup {
        name: "Test".into(),
        symbol: "T".into(),
        admin: people.admin.address,
        adminDelay: U48::ZERO,
        minter: people.minter.address,
        metadata: people.metadata.address,
        maxSupply: U256::from(supply),
        royaltyReceiver: people.admin.address,
        royaltyBasisPoints: U96::from(500),
    }
}

pub struct People {
    pub admin: Person,
    pub minter: Person,
    pub metadata: Person,
    pub buyer: Person,
    pub stranger: Person,
}

impl People {
    pub fn new() -> Self {
        Self {
            admin: person("admin"),
            minter: person("minter"),
            metadata: person("metadata"),
            buyer: person("buyer"),
            stranger: person("stranger"),
        }
    }
}

/// A field with a contract on it.
pub struct Stage {
    pub field: Field,
    pub people: People,
    pub at: Address,
}

impl Stage {
    pub fn new(supply: u64) -> Self {
        let (field, people) = (Field::new(), People::new());
        let receipt = field.send(&people.admin, None, 0, deploying(&setup(&people, supply))).unwrap();
        let at = serde_json::from_value(receipt["contractAddress"].clone()).unwrap();
        Self { field, people, at }
    }

    /// With batch 1 ready to be minted.
    pub fn ready(supply: u64) -> Self {
        let stage = Self::new(supply);
        stage.prepare(1, "ipfs://batch-one/").unwrap();
        stage
    }

    pub fn prepare(&self, batch: u32, uri: &str) -> Sent {
        let (batch, m) = (u24(batch), &self.people.metadata);
        self.field.call(m, self.at, &Collection::setBaseURICall { batch, uri: uri.into() })?;
        self.field.call(m, self.at, &Collection::setProvenanceCall { batch, hash: B256::repeat_byte(7) })
    }

    pub fn send(&self, who: &Person, call: &impl SolCall) -> Sent {
        self.field.call(who, self.at, call)
    }

    pub fn pay(&self, who: &Person, value: u128, call: &impl SolCall) -> Sent {
        self.field.send(who, Some(self.at), value, call.abi_encode())
    }

    pub fn mint(&self, to: Address, quantity: u64, first: u64) -> Sent {
        self.send(&self.people.minter, &mint(to, quantity, 1, first))
    }

    pub fn read<C: SolCall>(&self, call: &C) -> C::Return {
        self.field.read(self.at, call).unwrap()
    }

    pub fn uri(&self, token: u64) -> Result<String, String> {
        self.field.read(self.at, &Collection::tokenURICall { tokenId: U256::from(token) })
    }

    pub fn owner(&self, token: u64) -> Result<Address, String> {
        self.field.read(self.at, &Collection::ownerOfCall { tokenId: U256::from(token) })
    }

    pub fn supply(&self) -> u64 {
        self.read(&Collection::totalSupplyCall {}).to()
    }
}

pub fn u24(n: u32) -> alloy_primitives::aliases::U24 {
    alloy_primitives::aliases::U24::from(n)
}

pub fn mint(to: Address, quantity: u64, batch: u32, first: u64) -> Collection::mintBatchCall {
    Collection::mintBatchCall {
        to,
        quantity: U256::from(quantity),
        batch: u24(batch),
        first: U256::from(first),
    }
}

/// The contract that misbehaves on request, deployed.
pub fn receiver(field: &Field, who: &Person) -> Address {
    let json: Value =
        serde_json::from_str(include_str!("../../../../assets/contract/test/Receiver.json")).unwrap();
    let code = hex::decode(json["bytecode"].as_str().unwrap()).unwrap();
    let receipt = field.send(who, None, 0, code).unwrap();
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}

alloy_sol_types::sol! {
    interface Receiver {
        function set(uint8 mode, bool takesEther, address target, bytes calldata data) external;
        function act(address to, bytes calldata what) external payable returns (bytes memory);
        function received() external view returns (uint256);
        function seenNext() external view returns (uint256);
        function seenURI() external view returns (string memory);
    }
}

/// A node that others wrote, when `KILN_NEEDS_ANVIL` says that it has to be there.
pub struct Anvil {
    child: std::process::Child,
    port: u16,
}

impl Anvil {
    pub fn start() -> Option<Self> {
        std::env::var_os("KILN_NEEDS_ANVIL")?;
        let program = std::env::var("KILN_ANVIL").unwrap_or_else(|_| "anvil".into());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port_text = port.to_string();
        let child = std::process::Command::new(program)
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                &port_text,
                "--chain-id",
                "31337",
                "--enable-tx-gas-limit",
            ])
            // Else it keeps the state after every block on the disk, below the home folder: tens of gigabytes.
            .args(["--prune-history", "64", "--silent"])
            .spawn()
            .unwrap();
        let anvil = Self { child, port };
        for _ in 0..400 {
            if anvil.ask("eth_chainId", json!([])).is_ok() {
                return Some(anvil);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("anvil does not answer");
    }
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Rpc for Anvil {
    fn ask(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        at_port(self.port, method, &params)
    }
}

/// Asks a node on this machine.
pub fn at_port(port: u16, method: &str, params: &Value) -> Result<Value, RpcError> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let answer = at_port_raw(port, body.as_bytes()).map_err(|e| RpcError::NoAnswer(e.to_string()))?;
    kiln_chain::rpc::read(200, &answer)
}

/// Sends a body to this machine as plainly as can be, and returns the answer's.
pub fn at_port_raw(port: u16, body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30)))?;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
    Ok(answer.split_off(split.ok_or_else(|| Error::other("half an answer"))?))
}
