//! A chain through a node: the questions Kiln has, with typed answers.

use crate::contract::refusal;
use crate::network::{ARBITRUM_NODE, DataFee, Network, OP_ORACLE};
use crate::rpc::{Rpc, RpcError};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

sol! {
    function getL1Fee(bytes data) external view returns (uint256);
    function gasEstimateL1Component(address to, bool contractCreation, bytes data)
        external payable returns (uint64 gasForL1, uint256 baseFee, uint256 l1BaseFee);
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// The node or the way to it.
    #[error("{0}")]
    Rpc(RpcError),
    /// The contract says no.
    #[error("the contract says no: {0}")]
    Reverted(String),
    /// The node is of another network.
    #[error("the node says its chain is {found}, but {name} is {wanted}; check its address")]
    OtherChain {
        /// The network's name.
        name: &'static str,
        /// Its number.
        wanted: u64,
        /// The node's.
        found: u64,
    },
}

impl ChainError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Rpc(RpcError::NoAnswer(_)))
    }
}

impl From<RpcError> for ChainError {
    fn from(e: RpcError) -> Self {
        match &e {
            RpcError::Refused { data: Some(data), .. } if data.starts_with("0x") => {
                let bytes = alloy_primitives::hex::decode(data).unwrap_or_default();
                Self::Reverted(refusal(&bytes))
            }
            RpcError::Refused { message, .. } if message.contains("execution reverted") => {
                Self::Reverted(message.clone())
            }
            _ => Self::Rpc(e),
        }
    }
}

/// A block, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockInfo {
    /// Its number.
    pub number: U256,
    /// Its hash.
    pub hash: B256,
    /// What gas cost in it.
    #[serde(default)]
    pub base_fee_per_gas: Option<U256>,
    /// Seconds since 1970.
    pub timestamp: U256,
}

/// A transaction in a block.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptInfo {
    /// The transaction.
    pub transaction_hash: B256,
    /// The block's number.
    pub block_number: U256,
    /// The block.
    pub block_hash: B256,
    /// 1 if it did what it was for.
    #[serde(default)]
    pub status: Option<U256>,
    /// What it used.
    pub gas_used: U256,
    /// What it paid for a unit of gas.
    #[serde(default)]
    pub effective_gas_price: Option<U256>,
    /// The contract it made.
    #[serde(default)]
    pub contract_address: Option<Address>,
    /// What contracts told.
    #[serde(default)]
    pub logs: Vec<LogInfo>,
}

/// What a contract told.
#[derive(Clone, Debug, Deserialize)]
pub struct LogInfo {
    /// The contract.
    pub address: Address,
    /// What it is.
    pub topics: Vec<B256>,
    /// And more.
    pub data: Bytes,
}

/// What gas costs now, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// What is burnt.
    pub base: u128,
    /// What is usually given on top.
    pub tip: u128,
}

/// A chain through a node.
pub struct Chain<R> {
    rpc: R,
    network: &'static Network,
}

impl<R: Rpc> Chain<R> {
    /// A network through a node; it has to be the node of that network.
    ///
    /// # Errors
    /// When it does not answer, or is another's.
    pub fn open(rpc: R, network: &'static Network) -> Result<Self, ChainError> {
        let chain = Self { rpc, network };
        let found: U256 = chain.ask("eth_chainId", json!([]))?;
        if found != U256::from(network.chain) {
            let found = found.saturating_to();
            return Err(ChainError::OtherChain { name: network.name, wanted: network.chain, found });
        }
        Ok(chain)
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &'static Network {
        self.network
    }

    /// The node.
    #[must_use]
    pub fn rpc(&self) -> &R {
        &self.rpc
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, ChainError> {
        let answer = self.rpc.ask(method, params)?;
        serde_json::from_value(answer)
            .map_err(|e| ChainError::Rpc(RpcError::Nonsense(format!("{method}: {e}"))))
    }

    /// The newest block's number.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn head(&self) -> Result<u64, ChainError> {
        Ok(self.ask::<U256>("eth_blockNumber", json!([]))?.saturating_to())
    }

    /// A block; `None`: the newest.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn block(&self, number: Option<u64>) -> Result<Option<BlockInfo>, ChainError> {
        let which = number.map_or_else(|| "latest".to_owned(), |n| format!("{n:#x}"));
        self.ask("eth_getBlockByNumber", json!([which, false]))
    }

    /// An account's count of transactions, at a block (`None`: the newest).
    ///
    /// # Errors
    /// When there is no answer.
    pub fn nonce(&self, account: Address, at: Option<u64>) -> Result<u64, ChainError> {
        let which = at.map_or_else(|| "latest".to_owned(), |n| format!("{n:#x}"));
        Ok(self.ask::<U256>("eth_getTransactionCount", json!([account, which]))?.saturating_to())
    }

    /// The same, with what waits in the node.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn pending_nonce(&self, account: Address) -> Result<u64, ChainError> {
        Ok(self.ask::<U256>("eth_getTransactionCount", json!([account, "pending"]))?.saturating_to())
    }

    /// An account's money, in wei.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn balance(&self, account: Address) -> Result<U256, ChainError> {
        self.ask("eth_getBalance", json!([account, "latest"]))
    }

    /// A contract's code.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn code(&self, account: Address) -> Result<Bytes, ChainError> {
        self.ask("eth_getCode", json!([account, "latest"]))
    }

    /// A transaction's receipt, if it is in a block.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn receipt(&self, hash: B256) -> Result<Option<ReceiptInfo>, ChainError> {
        self.ask("eth_getTransactionReceipt", json!([hash]))
    }

    /// Whether the node knows a transaction.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn knows(&self, hash: B256) -> Result<bool, ChainError> {
        Ok(!self.ask::<Value>("eth_getTransactionByHash", json!([hash]))?.is_null())
    }

    /// Sends a transaction.
    ///
    /// # Errors
    /// When there is no answer, or it is a no.
    pub fn send(&self, raw: &[u8]) -> Result<(), RpcError> {
        let raw = Bytes::copy_from_slice(raw);
        self.rpc.ask("eth_sendRawTransaction", json!([raw])).map(|_| ())
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// When there is no answer, or the contract says no.
    pub fn call<C: SolCall>(&self, contract: Address, call: &C) -> Result<C::Return, ChainError> {
        let call = json!({ "to": contract, "data": Bytes::from(call.abi_encode()) });
        let answer: Bytes = self.ask("eth_call", json!([call, "latest"]))?;
        C::abi_decode_returns_validate(&answer).map_err(|e| {
            let what = format!("{contract} does not answer as the contract does ({e})");
            ChainError::Rpc(RpcError::Nonsense(what))
        })
    }

    /// How much gas a transaction needs; it fails where the transaction would.
    ///
    /// # Errors
    /// When there is no answer, or it would fail.
    pub fn estimate(
        &self,
        from: Address,
        to: Option<Address>,
        value: U256,
        data: &[u8],
    ) -> Result<u64, ChainError> {
        let mut call = json!({ "from": from, "value": value, "data": Bytes::copy_from_slice(data) });
        if let (Some(to), Some(map)) = (to, call.as_object_mut()) {
            map.insert("to".into(), json!(to));
        }
        Ok(self.ask::<U256>("eth_estimateGas", json!([call]))?.saturating_to())
    }

    /// What gas costs now.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn prices(&self) -> Result<Prices, ChainError> {
        let block = self.block(None)?.ok_or_else(|| RpcError::Nonsense("it has no newest block".into()))?;
        let base = block.base_fee_per_gas.unwrap_or_default().saturating_to();
        let tip: U256 = self.ask("eth_maxPriorityFeePerGas", json!([]))?;
        Ok(Prices { base, tip: tip.saturating_to() })
    }

    /// What storing a transaction elsewhere costs on top, in wei; 0 where nothing is charged apart.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn data_fee(&self, to: Option<Address>, raw: &[u8], gas_price: u128) -> Result<U256, ChainError> {
        let data = Bytes::copy_from_slice(raw);
        match self.network.data_fee {
            DataFee::None => Ok(U256::ZERO),
            DataFee::Optimism => self.call(OP_ORACLE, &getL1FeeCall { data }),
            DataFee::Arbitrum => {
                let call = gasEstimateL1ComponentCall {
                    to: to.unwrap_or_default(),
                    contractCreation: to.is_none(),
                    data,
                };
                let answer = self.call(ARBITRUM_NODE, &call)?;
                Ok(U256::from(answer.gasForL1).saturating_mul(U256::from(gas_price)))
            }
        }
    }

    /// Which transaction of an account has a nonce, and in which block; looked for from block `since` on.
    ///
    /// # Errors
    /// When there is no answer, or the node does not keep what is needed.
    pub fn who_used(
        &self,
        account: Address,
        nonce: u64,
        since: u64,
    ) -> Result<Option<(B256, u64)>, ChainError> {
        let head = self.head()?;
        if self.nonce(account, Some(head))? <= nonce {
            return Ok(None);
        }
        let (mut low, mut high) = (since.min(head), head);
        // The first block after which the count is beyond the nonce.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.nonce(account, Some(middle)) {
                Ok(count) if count > nonce => high = middle,
                Ok(_) => low = middle + 1,
                // A node keeps the state of the newest blocks only: what is older is looked at block by block.
                Err(ChainError::Rpc(RpcError::Refused { .. })) if high - since.min(high) <= 2_000 => {
                    return self.scan(account, nonce, since, high);
                }
                Err(e) => return Err(e),
            }
        }
        self.scan(account, nonce, high, high)
    }

    fn scan(
        &self,
        account: Address,
        nonce: u64,
        from: u64,
        to: u64,
    ) -> Result<Option<(B256, u64)>, ChainError> {
        #[derive(Deserialize)]
        struct Sender {
            hash: B256,
            from: Address,
            nonce: U256,
        }
        for number in from..=to {
            let block: Value = self.ask("eth_getBlockByNumber", json!([format!("{number:#x}"), true]))?;
            let transactions =
                block.get("transactions").and_then(Value::as_array).cloned().unwrap_or_default();
            for transaction in transactions {
                // Networks have kinds of transactions of their own; those are nobody's.
                let Ok(found) = serde_json::from_value::<Sender>(transaction) else { continue };
                if found.from == account && found.nonce == U256::from(nonce) {
                    return Ok(Some((found.hash, number)));
                }
            }
        }
        Ok(None)
    }
}
