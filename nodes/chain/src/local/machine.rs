//! The embedded chain's machine: what a block does to the state.

use crate::tx::Tx;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, keccak256};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::{Context, DatabaseRef, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};

/// No transaction uses more: what Ethereum takes since EIP-7825.
pub const TX_GAS_CAP: u64 = 16_777_216;
/// No block uses more.
pub const BLOCK_GAS: u64 = 60_000_000;
/// What gas costs here, in wei; it never changes.
pub const BASE_FEE: u64 = 1_000_000_000;
/// What an account gets that asks for money: ten thousand ether.
pub const GIFT: u128 = 10_000 * 1_000_000_000_000_000_000;

/// What became of a transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Its hash.
    pub hash: B256,
    /// Who sent it.
    pub from: Address,
    /// Itself.
    pub tx: Tx,
    /// Whether it did what it was for.
    pub ok: bool,
    /// What it used.
    pub gas_used: u64,
    /// What it paid for a unit of gas.
    pub gas_price: u128,
    /// The contract it made.
    pub created: Option<Address>,
    /// What contracts told.
    pub logs: Vec<Log>,
}

/// A block: at most one transaction.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The one before.
    pub parent: B256,
    /// Seconds since 1970.
    pub time: u64,
    /// What it holds.
    pub receipt: Option<Receipt>,
}

/// What came of trying a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It would do this, for so much gas.
    Done(Bytes, u64),
    /// The contract says no.
    Reverted(Bytes),
    /// It fails in another way.
    Failed(String),
}

/// A call to try.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// As if from.
    pub from: Address,
    /// To whom; `None` makes a contract.
    pub to: Option<Address>,
    /// What is sent along.
    pub value: U256,
    /// The call.
    pub data: Bytes,
    /// How much gas it may use.
    pub gas: Option<u64>,
}

/// The state, and the blocks that made it.
pub struct Machine {
    chain: u64,
    db: CacheDB<EmptyDB>,
    blocks: Vec<Block>,
}

impl Machine {
    /// A new chain.
    #[must_use]
    pub fn new(chain: u64, time: u64) -> Self {
        let hash = keccak256([chain.to_be_bytes(), time.to_be_bytes()].concat());
        let genesis = Block { number: 0, hash, parent: B256::ZERO, time, receipt: None };
        Self { chain, db: CacheDB::new(EmptyDB::default()), blocks: vec![genesis] }
    }

    /// All blocks, the first one's number being 0.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> &Block {
        // There is always the first one.
        &self.blocks[self.blocks.len() - 1]
    }

    fn cfg(&self) -> CfgEnv {
        let mut cfg = CfgEnv::new().with_spec_and_mainnet_gas_params(SpecId::OSAKA).with_chain_id(self.chain);
        cfg.tx_gas_limit_cap = Some(TX_GAS_CAP);
        cfg
    }

    fn block_env(&self, time: u64) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.blocks.len()),
            timestamp: U256::from(time),
            gas_limit: BLOCK_GAS,
            basefee: BASE_FEE,
            prevrandao: Some(self.head().hash),
            ..BlockEnv::default()
        }
    }

    /// Gives an account money.
    pub fn fund(&mut self, account: Address) {
        let mut info = self.db.basic_ref(account).ok().flatten().unwrap_or_default();
        info.balance = info.balance.max(U256::from(GIFT));
        self.db.insert_account_info(account, info);
    }

    /// An account's money.
    #[must_use]
    pub fn balance(&self, account: Address) -> U256 {
        self.db.basic_ref(account).ok().flatten().unwrap_or_default().balance
    }

    /// An account's count of transactions.
    #[must_use]
    pub fn nonce(&self, account: Address) -> u64 {
        self.db.basic_ref(account).ok().flatten().unwrap_or_default().nonce
    }

    /// A contract's code.
    #[must_use]
    pub fn code(&self, account: Address) -> Bytes {
        let info = self.db.basic_ref(account).ok().flatten().unwrap_or_default();
        let code = info.code.or_else(|| self.db.code_by_hash_ref(info.code_hash).ok());
        code.map(|c| c.original_bytes()).unwrap_or_default()
    }

    /// Makes an empty block.
    pub fn empty(&mut self, time: u64) {
        self.push(time, None);
    }

    fn push(&mut self, time: u64, receipt: Option<Receipt>) {
        let (number, parent) = (self.blocks.len() as u64, self.head().hash);
        let mut seed = parent.to_vec();
        seed.extend(number.to_be_bytes());
        seed.extend(time.to_be_bytes());
        seed.extend(receipt.as_ref().map_or(B256::ZERO, |r| r.hash).as_slice());
        self.blocks.push(Block { number, hash: keccak256(seed), parent, time, receipt });
    }

    /// Makes a block of a transaction; an error changes nothing.
    ///
    /// # Errors
    /// When no chain would take it: in the words that nodes use.
    pub fn block(&mut self, raw: &[u8], time: u64) -> Result<&Block, String> {
        let (tx, from) = Tx::read(raw).ok_or("rlp: not an EIP-1559 transaction with a valid signature")?;
        let hash = keccak256(raw);
        let mut env = env(&tx, from);
        env.chain_id = Some(tx.chain);
        let nonce = self.nonce(from);
        if tx.nonce < nonce {
            return Err(format!("nonce too low: next nonce {nonce}, tx nonce {}", tx.nonce));
        }
        if tx.nonce > nonce {
            return Err(format!("nonce too high: next nonce {nonce}, tx nonce {}", tx.nonce));
        }
        let (cfg, block) = (self.cfg(), self.block_env(time));
        let mut evm =
            Context::mainnet().with_db(&mut self.db).with_cfg(cfg).with_block(block).build_mainnet();
        let result = evm.transact_commit(env).map_err(|e| e.to_string())?;
        let gas_used = result.tx_gas_used();
        let gas_price = tx.max_fee.min(u128::from(BASE_FEE) + tx.tip);
        let ok = result.is_success();
        let created = match &result {
            ExecutionResult::Success { output: Output::Create(_, address), .. } => *address,
            _ => None,
        };
        let logs = if ok { result.into_logs() } else { Vec::new() };
        self.push(time, Some(Receipt { hash, from, tx, ok, gas_used, gas_price, created, logs }));
        Ok(self.head())
    }

    /// Tries a call on the newest state; nothing stays of it.
    pub fn call(&mut self, asked: &Asked, time: u64) -> Tried {
        let (mut cfg, mut block) = (self.cfg(), self.block_env(time));
        cfg.disable_nonce_check = true;
        cfg.disable_eip3607 = true;
        block.basefee = 0;
        let env = TxEnv {
            tx_type: 2,
            caller: asked.from,
            gas_limit: asked.gas.unwrap_or(TX_GAS_CAP),
            gas_price: 0,
            gas_priority_fee: Some(0),
            kind: asked.to.map_or(TxKind::Create, TxKind::Call),
            value: asked.value,
            data: asked.data.clone(),
            nonce: self.nonce(asked.from),
            chain_id: Some(self.chain),
            ..TxEnv::default()
        };
        let mut evm =
            Context::mainnet().with_db(&mut self.db).with_cfg(cfg).with_block(block).build_mainnet();
        match evm.transact(env) {
            Err(e) => Tried::Failed(e.to_string()),
            Ok(done) => match done.result {
                ExecutionResult::Success { gas, output, .. } => {
                    Tried::Done(output.into_data(), gas.tx_gas_used())
                }
                ExecutionResult::Revert { output, .. } => Tried::Reverted(output),
                ExecutionResult::Halt { reason, .. } => Tried::Failed(format!("{reason:?}")),
            },
        }
    }

    /// The least gas with which a call succeeds, a little above it at most.
    pub fn estimate(&mut self, asked: &Asked, time: u64) -> Tried {
        let mut high = asked.gas.unwrap_or(TX_GAS_CAP).min(TX_GAS_CAP);
        let tried = self.call(&Asked { gas: Some(high), ..asked.clone() }, time);
        let Tried::Done(output, used) = tried else { return tried };
        let mut low = used.saturating_sub(1);
        // What is refunded at the end, and what a call inside keeps back, need more than is used.
        while low + 1 < high && high - low > high / 100 {
            let middle =
                if high / 2 > low { (low * 2).max(low + 1).min(high - 1) } else { low + (high - low) / 2 };
            match self.call(&Asked { gas: Some(middle), ..asked.clone() }, time) {
                Tried::Done(..) => high = middle,
                _ => low = middle,
            }
        }
        Tried::Done(output, high)
    }
}

fn env(tx: &Tx, from: Address) -> TxEnv {
    TxEnv {
        tx_type: 2,
        caller: from,
        gas_limit: tx.gas,
        gas_price: tx.max_fee,
        gas_priority_fee: Some(tx.tip),
        kind: tx.to.map_or(TxKind::Create, TxKind::Call),
        value: tx.value,
        data: tx.data.clone(),
        nonce: tx.nonce,
        chain_id: Some(tx.chain),
        ..TxEnv::default()
    }
}
