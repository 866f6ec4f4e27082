//! The networks by name, and what differs between them.

use alloy_primitives::{Address, address};
use kiln_ledger::Rules;

/// How a network charges for the data that it stores elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFee {
    /// It stores nothing elsewhere.
    None,
    /// By the OP stack's oracle, on top of the gas.
    Optimism,
    /// As gas, within the estimate.
    Arbitrum,
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name in a graph.
    pub name: &'static str,
    /// Its number: asked of the node before anything else.
    pub chain: u64,
    /// How data is charged.
    pub data_fee: DataFee,
    /// After so many blocks, its own included, a transaction stays.
    pub confirmations: u64,
    /// After so long a waiting transaction gets a higher fee, in milliseconds.
    pub stuck_ms: u64,
    /// How often it is asked, in milliseconds.
    pub poll_ms: u64,
    /// What its money is called.
    pub coin: &'static str,
    /// Whether it is worth nothing, and needs no policy.
    pub toy: bool,
}

/// All of them; the first is the default.
pub const NETWORKS: &[Network] = &[
    network("local", 31337, DataFee::None, 1, 20_000, 50, "ETH", true),
    network("sepolia", 11_155_111, DataFee::None, 3, 90_000, 3_000, "ETH", false),
    network("ethereum", 1, DataFee::None, 3, 90_000, 3_000, "ETH", false),
    network("base", 8453, DataFee::Optimism, 10, 30_000, 1_000, "ETH", false),
    network("optimism", 10, DataFee::Optimism, 10, 30_000, 1_000, "ETH", false),
    network("arbitrum", 42161, DataFee::Arbitrum, 20, 30_000, 1_000, "ETH", false),
    network("polygon", 137, DataFee::None, 32, 60_000, 2_000, "POL", false),
];

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
const fn network(
    name: &'static str,
    chain: u64,
    data_fee: DataFee,
    confirmations: u64,
    stuck_ms: u64,
    poll_ms: u64,
    coin: &'static str,
    toy: bool,
) -> Network {
    Network { name, chain, data_fee, confirmations, stuck_ms, poll_ms, coin, toy }
}

/// The OP stack's oracle of what data costs.
pub const OP_ORACLE: Address = address!("420000000000000000000000000000000000000F");
/// Where Arbitrum tells what of an estimate is for data.
pub const ARBITRUM_NODE: Address = address!("00000000000000000000000000000000000000C8");

impl Network {
    /// The network of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        NETWORKS.iter().find(|n| n.name == name)
    }

    /// How long to wait for what.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            confirmations: self.confirmations,
            stuck_ms: self.stuck_ms,
            poll_ms: self.poll_ms,
            resend_ms: self.stuck_ms / 4,
            ..Rules::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_distinct() {
        for (at, a) in NETWORKS.iter().enumerate() {
            assert!(NETWORKS[at + 1..].iter().all(|b| a.name != b.name && a.chain != b.chain));
            assert_eq!(Network::by_name(a.name), Some(a));
        }
        assert_eq!(Network::by_name("mainnet"), None);
    }
}
