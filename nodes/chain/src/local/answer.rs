//! The embedded chain answers as a node does: the few questions that are asked of it.

use super::machine::{Asked, BASE_FEE, BLOCK_GAS, Block, Receipt, Tried};
use super::{CHAIN, Chain};
use crate::rpc::RpcError;
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn wrong(what: impl Into<String>) -> RpcError {
    RpcError::Refused { code: -32602, message: what.into(), data: None }
}

fn param<T: DeserializeOwned>(params: &Value, at: usize) -> Result<T, RpcError> {
    let value = params.get(at).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|e| wrong(format!("invalid argument {at}: {e}")))
}

fn hex(number: impl Into<u128>) -> Value {
    format!("{:#x}", number.into()).into()
}

/// Which block is meant.
fn number(chain: &mut Chain<'_>, value: Option<&Value>) -> Result<u64, RpcError> {
    let head = chain.machine()?.head().number;
    match value {
        None | Some(Value::Null) => Ok(head),
        Some(Value::String(tag)) => match tag.as_str() {
            "latest" | "pending" | "safe" | "finalized" => Ok(head),
            "earliest" => Ok(0),
            text => {
                let digits = text.strip_prefix("0x").ok_or_else(|| wrong("not a block"))?;
                u64::from_str_radix(digits, 16).map_err(|_| wrong("not a block"))
            }
        },
        Some(_) => Err(wrong("not a block")),
    }
}

fn asked(params: &Value) -> Result<Asked, RpcError> {
    let call = params.get(0).ok_or_else(|| wrong("no call"))?;
    let field = |name: &str| call.get(name).cloned().filter(|v| !v.is_null());
    let read = |name: &str| -> Result<Option<U256>, RpcError> {
        field(name).map(|v| serde_json::from_value(v).map_err(|e| wrong(format!("{name}: {e}")))).transpose()
    };
    let address = |name: &str| -> Result<Option<Address>, RpcError> {
        field(name).map(|v| serde_json::from_value(v).map_err(|e| wrong(format!("{name}: {e}")))).transpose()
    };
    let data: Option<Bytes> = field("data")
        .or_else(|| field("input"))
        .map(|v| serde_json::from_value(v).map_err(|e| wrong(format!("data: {e}"))))
        .transpose()?;
    Ok(Asked {
        from: address("from")?.unwrap_or_default(),
        to: address("to")?,
        value: read("value")?.unwrap_or_default(),
        data: data.unwrap_or_default(),
        gas: read("gas")?.map(|g| g.saturating_to()),
    })
}

fn tried(tried: Tried, done: impl FnOnce(Bytes, u64) -> Value) -> Result<Value, RpcError> {
    match tried {
        Tried::Done(output, gas) => Ok(done(output, gas)),
        Tried::Reverted(data) => Err(RpcError::Refused {
            code: 3,
            message: "execution reverted".into(),
            data: Some(data.to_string()),
        }),
        Tried::Failed(message) => Err(RpcError::Refused { code: -32000, message, data: None }),
    }
}

fn transaction(block: &Block, receipt: &Receipt) -> Value {
    let tx = &receipt.tx;
    json!({
        "hash": receipt.hash, "from": receipt.from, "to": tx.to, "nonce": hex(tx.nonce), "value": tx.value,
        "input": tx.data, "gas": hex(tx.gas), "type": "0x2", "chainId": hex(tx.chain),
        "maxFeePerGas": hex(tx.max_fee), "maxPriorityFeePerGas": hex(tx.tip),
        "blockNumber": hex(block.number), "blockHash": block.hash, "transactionIndex": "0x0",
    })
}

fn block_value(block: &Block, full: bool) -> Value {
    let transactions: Vec<Value> =
        block.receipt.iter().map(|r| if full { transaction(block, r) } else { json!(r.hash) }).collect();
    json!({
        "number": hex(block.number), "hash": block.hash, "parentHash": block.parent, "timestamp": hex(block.time),
        "baseFeePerGas": hex(BASE_FEE), "gasLimit": hex(BLOCK_GAS),
        "gasUsed": hex(block.receipt.as_ref().map_or(0, |r| r.gas_used)), "transactions": transactions,
    })
}

fn receipt_value(block: &Block, receipt: &Receipt) -> Value {
    let logs: Vec<Value> = receipt
        .logs
        .iter()
        .enumerate()
        .map(|(at, log)| {
            json!({
                "address": log.address, "topics": log.topics(), "data": log.data.data, "logIndex": hex(at as u64),
                "blockNumber": hex(block.number), "blockHash": block.hash, "transactionHash": receipt.hash,
            })
        })
        .collect();
    json!({
        "transactionHash": receipt.hash, "blockNumber": hex(block.number), "blockHash": block.hash,
        "transactionIndex": "0x0", "from": receipt.from, "to": receipt.tx.to, "type": "0x2",
        "status": if receipt.ok { "0x1" } else { "0x0" }, "gasUsed": hex(receipt.gas_used),
        "cumulativeGasUsed": hex(receipt.gas_used), "effectiveGasPrice": hex(receipt.gas_price),
        "contractAddress": receipt.created, "logs": logs,
    })
}

/// Answers a question.
pub(super) fn answer(chain: &mut Chain<'_>, method: &str, params: &Value) -> Result<Value, RpcError> {
    let by_hash = |chain: &mut Chain<'_>, hash: B256| -> Result<Option<(Block, Receipt)>, RpcError> {
        let blocks = chain.machine()?.blocks();
        let found = blocks.iter().rev().find(|b| b.receipt.as_ref().is_some_and(|r| r.hash == hash));
        Ok(found.and_then(|b| Some((b.clone(), b.receipt.clone()?))))
    };
    match method {
        "eth_chainId" => Ok(hex(CHAIN)),
        "net_version" => Ok(CHAIN.to_string().into()),
        "eth_blockNumber" => Ok(hex(chain.machine()?.head().number)),
        "eth_gasPrice" => Ok(hex(BASE_FEE)),
        "eth_maxPriorityFeePerGas" => Ok(hex(1u64)),
        "eth_getBalance" => Ok(json!(chain.machine()?.balance(param(params, 0)?))),
        "eth_getCode" => Ok(json!(chain.machine()?.code(param(params, 0)?))),
        "eth_getTransactionCount" => {
            let (account, at): (Address, u64) = (param(params, 0)?, number(chain, params.get(1))?);
            let machine = chain.machine()?;
            if at >= machine.head().number {
                return Ok(hex(machine.nonce(account)));
            }
            let until = machine.blocks().iter().take_while(|b| b.number <= at);
            Ok(hex(until.filter(|b| b.receipt.as_ref().is_some_and(|r| r.from == account)).count() as u64))
        }
        "eth_getBlockByNumber" => {
            let (at, full) = (number(chain, params.get(0))?, params.get(1) == Some(&Value::Bool(true)));
            let block = usize::try_from(at).ok().and_then(|at| chain.machine.as_ref()?.blocks().get(at));
            Ok(block.map_or(Value::Null, |b| block_value(b, full)))
        }
        "eth_getBlockByHash" => {
            let (hash, full): (B256, _) = (param(params, 0)?, params.get(1) == Some(&Value::Bool(true)));
            let block = chain.machine()?.blocks().iter().find(|b| b.hash == hash);
            Ok(block.map_or(Value::Null, |b| block_value(b, full)))
        }
        "eth_getTransactionByHash" => {
            Ok(by_hash(chain, param(params, 0)?)?.map_or(Value::Null, |(b, r)| transaction(&b, &r)))
        }
        "eth_getTransactionReceipt" => {
            Ok(by_hash(chain, param(params, 0)?)?.map_or(Value::Null, |(b, r)| receipt_value(&b, &r)))
        }
        "eth_call" => {
            let (asked, time) = (asked(params)?, chain.time()?);
            tried(chain.machine()?.call(&asked, time), |output, _| json!(output))
        }
        "eth_estimateGas" => {
            let (asked, time) = (asked(params)?, chain.time()?);
            tried(chain.machine()?.estimate(&asked, time), |_, gas| hex(gas))
        }
        "eth_sendRawTransaction" => {
            let raw: Bytes = param(params, 0)?;
            let hash = keccak256(&raw);
            if by_hash(chain, hash)?.is_some() {
                return Err(RpcError::Refused { code: -32000, message: "already known".into(), data: None });
            }
            chain.send(raw)?;
            Ok(json!(hash))
        }
        // For trying things out, as other test chains have them.
        "evm_mine" => chain.mine(1).map(|()| "0x0".into()),
        "anvil_mine" => chain.mine(param::<U64>(params, 0).map_or(1, |n| n.to())).map(|()| Value::Null),
        "evm_snapshot" => Ok(hex(chain.machine()?.head().number)),
        "evm_revert" => {
            let to: U64 = param(params, 0)?;
            chain.back(to.to()).map(|()| true.into())
        }
        "anvil_setBalance" => chain.fund(param(params, 0)?).map(|()| Value::Null),
        other => Err(RpcError::Refused {
            code: -32601,
            message: format!("the method {other} does not exist here"),
            data: None,
        }),
    }
}
