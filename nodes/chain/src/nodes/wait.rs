//! Waiting until what was sent stays.

use super::{Hands, node};
use alloy_primitives::B256;
use kiln_core::{Kind, Node, NodeError, Param};
use kiln_ledger::hex;
use kiln_types::{Value, names};
use serde_json::json;

pub(super) fn wait(hands: &Hands) -> Node {
    node(hands, "WaitConfirmations", &["transactions", "block"], |seat, cx| {
        let list = cx.list("transactions")?;
        let rules = seat.chain.network().rules();
        let depth = match cx.count("confirmations")? as u64 {
            0 => rules.confirmations,
            n => n,
        };
        let (mut newest, mut hashes) = (0, Vec::new());
        for value in list.iter() {
            let Value::Text(text) = value else {
                return Err(NodeError::new("a hash is a text").at("transactions"));
            };
            let hash = hex::read_array::<32>(text).ok_or_else(|| {
                NodeError::new(format!("{text:?} is no transaction's hash")).at("transactions")
            })?;
            let since = seat.pace.now();
            loop {
                let (head, receipt) = (seat.chain.head(), seat.chain.receipt(B256::from(hash)));
                match (head, receipt) {
                    (Ok(head), Ok(Some(receipt))) => {
                        let block = receipt.block_number.saturating_to::<u64>();
                        if head.saturating_add(1).saturating_sub(block) >= depth {
                            // The block may have been taken back since.
                            if seat.chain.block(Some(block))?.is_some_and(|b| b.hash == receipt.block_hash) {
                                newest = newest.max(block);
                                break;
                            }
                        }
                    }
                    (Err(e), _) | (_, Err(e)) if !e.is_passing() => return Err(e.into()),
                    _ => {}
                }
                if seat.pace.now().saturating_sub(since) > rules.patience_ms {
                    return Err(NodeError::new(format!("{text} has no {depth} confirmations yet"))
                        .hint("run again to go on waiting"));
                }
                seat.pace
                    .rest(rules.poll_ms)
                    .map_err(|e| NodeError::from(crate::mint::MintError::from(e)))?;
            }
            hashes.push(text.to_string());
        }
        Ok(json!({ "transactions": hashes, "block": newest }))
    })
    .title("Wait for confirmations")
    .doc("Waits until transactions are so deep in the chain that they stay.")
    .param(Param::list("transactions", Kind::Text { multiline: false }).required().doc("Their hashes."))
    .param(
        Param::int("confirmations", 0, 0..=1000)
            .doc("How deep, their own block included; 0: what the network needs."),
    )
    .output_list("transactions", names::TEXT, "The same, now that they stay.")
    .output("block", names::INT, "The newest of their blocks.")
}
