//! Every function of the contract, and everything it refuses.

use super::support::*;
use alloy_primitives::{Address, B256, Signature, U256, aliases::U96, hex, keccak256};
use alloy_sol_types::SolCall;
use kiln_chain::contract::{
    Collection as C, MAX_PER_TRANSACTION, Voucher, deploying, raw_cid, role, voucher_hash,
};
use kiln_chain::local::CHAIN;

fn refused(sent: Sent, words: &str) {
    let why = sent.expect_err(words);
    assert!(why.contains(words), "wanted {words:?}, got {why:?}");
}

fn digest(n: u8) -> B256 {
    B256::repeat_byte(n)
}

#[test]
fn deploying_sets_everything_up() {
    let s = Stage::new(100);
    assert_eq!(s.read(&C::nameCall {}), "Test");
    assert_eq!(s.read(&C::symbolCall {}), "T");
    assert_eq!(s.read(&C::maxSupplyCall {}), U256::from(100));
    assert_eq!(s.read(&C::nextTokenIdCall {}), U256::ZERO);
    assert_eq!(
        (s.read(&C::ownerCall {}), s.read(&C::defaultAdminCall {})),
        (s.people.admin.address, s.people.admin.address)
    );
    for (name, account) in
        [("MINTER_ROLE", s.people.minter.address), ("METADATA_ROLE", s.people.metadata.address)]
    {
        assert!(s.read(&C::hasRoleCall { role: role(name), account }));
        assert!(!s.read(&C::hasRoleCall { role: role(name), account: s.people.admin.address }));
    }
    let royalty = s.read(&C::royaltyInfoCall { tokenId: U256::ZERO, salePrice: U256::from(1000) });
    assert_eq!((royalty._0, royalty._1), (s.people.admin.address, U256::from(50)));
    for (id, has) in [
        ("01ffc9a7", true),
        ("80ac58cd", true),
        ("5b5e139f", true),
        ("2a55205a", true),
        ("49064906", true),
        ("7965db0b", true),
        ("31498786", true),
        ("ffffffff", false),
        ("d9b67a26", false),
    ] {
        let id = alloy_primitives::FixedBytes::<4>::from_slice(&hex::decode(id).unwrap());
        assert_eq!(s.read(&C::supportsInterfaceCall { id }), has, "{id}");
    }
    // What is no setup.
    let (field, people) = (Field::new(), People::new());
    let deploy = |setup| field.send(&people.admin, None, 0, deploying(&setup));
    refused(deploy(setup(&people, 0)), "NoSupply");
    let mut odd = setup(&people, 1);
    odd.admin = Address::ZERO;
    refused(deploy(odd), "InvalidDefaultAdmin");
    let mut odd = setup(&people, 1);
    odd.royaltyBasisPoints = U96::from(10_001);
    refused(deploy(odd), "InvalidDefaultRoyalty");
    // Nobody but the admin.
    let mut alone = setup(&people, 1);
    (alone.minter, alone.metadata, alone.royaltyReceiver) = (Address::ZERO, Address::ZERO, Address::ZERO);
    deploy(alone).unwrap();
}

#[test]
fn a_batch_is_minted_once_and_knows_its_metadata() {
    let s = Stage::new(100);
    let buyer = s.people.buyer.address;
    refused(s.mint(buyer, 5, 0), "no base URI or no provenance hash");
    let m = &s.people.metadata;
    s.send(m, &C::setBaseURICall { batch: u24(1), uri: "ipfs://a/".into() }).unwrap();
    refused(s.mint(buyer, 5, 0), "no base URI or no provenance hash");
    let set = s.send(m, &C::setProvenanceCall { batch: u24(1), hash: digest(7) }).unwrap();
    assert_eq!(has_event(&set, "Provenance(uint24,bytes32)"), 1);
    let receipt = s.mint(buyer, 5, 0).unwrap();
    assert_eq!(has_event(&receipt, "Transfer(address,address,uint256)"), 5);
    // The same transaction again.
    refused(s.mint(buyer, 5, 0), "token 5 is next, not 0");
    refused(s.mint(buyer, 5, 6), "token 5 is next, not 6");
    // Another batch, with another URI, and back to the first.
    s.prepare(2, "https://b/").unwrap();
    s.send(&s.people.minter, &mint(s.people.stranger.address, 3, 2, 5)).unwrap();
    s.mint(buyer, 1, 8).unwrap();
    let uris: Vec<String> = (0..9).map(|t| s.uri(t).unwrap()).collect();
    assert_eq!(
        uris,
        [
            "ipfs://a/0",
            "ipfs://a/1",
            "ipfs://a/2",
            "ipfs://a/3",
            "ipfs://a/4",
            "https://b/5",
            "https://b/6",
            "https://b/7",
            "ipfs://a/8"
        ]
    );
    assert_eq!((s.owner(4).unwrap(), s.owner(5).unwrap()), (buyer, s.people.stranger.address));
    assert_eq!(s.read(&C::balanceOfCall { owner: buyer }), U256::from(6));
    assert_eq!((s.supply(), s.read(&C::nextTokenIdCall {})), (9, U256::from(9)));
    assert_eq!(s.read(&C::batchOfCall { tokenId: U256::from(6) }), u24(2));
    assert_eq!(s.read(&C::provenanceCall { batch: u24(1) }), digest(7));
    assert_eq!(s.read(&C::baseURICall { batch: u24(2) }), "https://b/");
    assert_eq!(s.read(&C::digestOfCall { tokenId: U256::from(6) }), B256::ZERO);
    assert!(s.uri(9).unwrap_err().contains("URIQueryForNonexistentToken"));
    assert!(s.owner(9).unwrap_err().contains("OwnerQueryForNonexistentToken"));
    // A token in the middle of a batch stays in it, whoever owns it; and so do those beside it.
    let (from, to) = (buyer, s.people.stranger.address);
    s.send(&s.people.buyer, &C::transferFromCall { from, to, tokenId: U256::from(2) }).unwrap();
    assert_eq!(s.owner(2).unwrap(), to);
    assert_eq!([1, 2, 3].map(|t| s.uri(t).unwrap()), ["ipfs://a/1", "ipfs://a/2", "ipfs://a/3"]);
}

#[test]
fn the_cap_holds_to_the_token() {
    let s = Stage::ready(10);
    let to = s.people.buyer.address;
    refused(s.mint(to, 11, 0), "only 10 tokens are left below the cap, not 11");
    s.mint(to, 9, 0).unwrap();
    refused(s.mint(to, 2, 9), "only 1 tokens are left below the cap, not 2");
    refused(
        s.send(
            &s.people.minter,
            &C::mintBatchCall { to, quantity: U256::MAX, batch: u24(1), first: U256::from(9) },
        ),
        "at most 1000",
    );
    s.mint(to, 1, 9).unwrap();
    refused(s.mint(to, 1, 10), "only 0 tokens are left");
    let one = C::mintOneCall { to, digest: digest(1), id: digest(2) };
    refused(s.send(&s.people.minter, &one), "only 0 tokens are left");
    assert_eq!(s.supply(), 10);
}

#[test]
fn a_batch_refuses_what_makes_no_sense() {
    let s = Stage::ready(5000);
    let to = s.people.buyer.address;
    refused(s.mint(to, 0, 0), "MintZeroQuantity");
    refused(s.mint(Address::ZERO, 1, 0), "MintToZeroAddress");
    refused(s.mint(to, MAX_PER_TRANSACTION + 1, 0), "at most 1000 tokens");
    refused(s.send(&s.people.minter, &mint(to, 1, 0, 0)), "batch 0 is for tokens with a digest");
    refused(s.send(&s.people.minter, &mint(to, 1, 3, 0)), "batch 3 has no base URI");
    for who in [&s.people.admin, &s.people.metadata, &s.people.stranger] {
        refused(s.send(who, &mint(to, 1, 1, 0)), "lacks the role MINTER_ROLE");
    }
    s.mint(to, MAX_PER_TRANSACTION, 0).unwrap();
    // The last token's first transfer is dear, not impossible.
    let last = U256::from(MAX_PER_TRANSACTION - 1);
    let moved = C::transferFromCall { from: to, to: s.people.stranger.address, tokenId: last };
    let receipt = s.send(&s.people.buyer, &moved).unwrap();
    assert!(gas(&receipt) < 2_500_000, "{}", gas(&receipt));
}

#[test]
fn metadata_is_set_updated_and_frozen() {
    let s = Stage::ready(10);
    let m = &s.people.metadata;
    let uri = |batch: u32, uri: &str| C::setBaseURICall { batch: u24(batch), uri: uri.into() };
    s.mint(s.people.buyer.address, 2, 0).unwrap();
    let receipt = s.send(m, &uri(1, "ipfs://new/")).unwrap();
    assert_eq!(has_event(&receipt, "BatchMetadataUpdate(uint256,uint256)"), 1);
    assert_eq!(s.uri(1).unwrap(), "ipfs://new/1");
    // A batch's first URI changes nothing that anybody has seen.
    let receipt = s.send(m, &uri(2, "ipfs://two/")).unwrap();
    assert_eq!(has_event(&receipt, "BatchMetadataUpdate(uint256,uint256)"), 0);
    refused(s.send(m, &uri(1, "")), "EmptyURI");
    refused(s.send(m, &uri(0, "x")), "batch 0");
    refused(s.send(m, &C::setProvenanceCall { batch: u24(1), hash: digest(9) }), "was set before");
    refused(s.send(m, &C::setProvenanceCall { batch: u24(2), hash: B256::ZERO }), "NoDigest");
    refused(s.send(m, &C::setProvenanceCall { batch: u24(0), hash: digest(9) }), "batch 0");
    refused(s.send(m, &C::freezeCall { batch: u24(3) }), "batch 3 has no base URI");
    let receipt = s.send(m, &C::freezeCall { batch: u24(1) }).unwrap();
    assert_eq!(has_event(&receipt, "Frozen(uint24)"), 1);
    assert!(s.read(&C::isFrozenCall { batch: u24(1) }) && !s.read(&C::isFrozenCall { batch: u24(2) }));
    refused(s.send(m, &uri(1, "ipfs://late/")), "is frozen");
    refused(s.send(m, &C::freezeCall { batch: u24(1) }), "is frozen");
    assert_eq!(s.uri(1).unwrap(), "ipfs://new/1");
    // Frozen is the metadata, not the minting.
    s.mint(s.people.buyer.address, 1, 2).unwrap();
    for who in [&s.people.admin, &s.people.minter, &s.people.stranger] {
        refused(s.send(who, &uri(2, "x")), "lacks the role METADATA_ROLE");
        refused(s.send(who, &C::setProvenanceCall { batch: u24(2), hash: digest(1) }), "METADATA_ROLE");
        refused(s.send(who, &C::setDigestCall { tokenId: U256::ZERO, digest: digest(1) }), "METADATA_ROLE");
        refused(s.send(who, &C::freezeCall { batch: u24(2) }), "METADATA_ROLE");
    }
}

#[test]
fn a_token_with_a_digest_has_its_cid() {
    let s = Stage::ready(100);
    let (minter, m, to) = (&s.people.minter, &s.people.metadata, s.people.buyer.address);
    let one = |digest, id| C::mintOneCall { to, digest, id };
    let receipt = s.send(minter, &one(digest(0xab), digest(1))).unwrap();
    assert_eq!(has_event(&receipt, "SingleMinted(bytes32,address,uint256,bytes32)"), 1);
    assert_eq!(s.uri(0).unwrap(), format!("ipfs://{}", raw_cid(&digest(0xab))));
    refused(s.send(minter, &one(digest(0xcd), digest(1))), "was used before");
    refused(s.send(minter, &one(B256::ZERO, digest(2))), "NoDigest");
    refused(s.send(&s.people.admin, &one(digest(1), digest(2))), "MINTER_ROLE");
    // Some digests: the contract's base32 is everybody's.
    for n in 1..20u8 {
        let hash = keccak256([n]);
        s.send(minter, &one(hash, keccak256([n, n]))).unwrap();
        assert_eq!(s.uri(u64::from(n)).unwrap(), format!("ipfs://{}", raw_cid(&hash)));
    }
    // Between single tokens a batch.
    s.mint(to, 2, 20).unwrap();
    assert_eq!(s.uri(21).unwrap(), "ipfs://batch-one/21");
    let receipt = s.send(m, &C::setDigestCall { tokenId: U256::ZERO, digest: digest(5) }).unwrap();
    assert_eq!(has_event(&receipt, "MetadataUpdate(uint256)"), 1);
    assert_eq!(s.uri(0).unwrap(), format!("ipfs://{}", raw_cid(&digest(5))));
    refused(s.send(m, &C::setDigestCall { tokenId: U256::from(21), digest: digest(5) }), "NotASingle");
    refused(s.send(m, &C::setDigestCall { tokenId: U256::from(99), digest: digest(5) }), "NotASingle");
    refused(s.send(m, &C::setDigestCall { tokenId: U256::ZERO, digest: B256::ZERO }), "NoDigest");
    s.send(m, &C::freezeCall { batch: u24(0) }).unwrap();
    refused(s.send(m, &C::setDigestCall { tokenId: U256::ZERO, digest: digest(6) }), "is frozen");
    assert_eq!(s.read(&C::digestOfCall { tokenId: U256::ZERO }), digest(5));
    assert!(s.read(&C::isUsedCall { id: digest(1) }) && !s.read(&C::isUsedCall { id: digest(99) }));
}

fn voucher(s: &Stage) -> Voucher {
    let expires = U256::from(NOW / 1000 + 3600);
    Voucher { id: digest(1), to: s.people.buyer.address, digest: digest(2), price: U256::from(1000), expires }
}

fn signed(s: &Stage, v: &Voucher, by: &Person) -> Signature {
    by.guard.voucher(v, CHAIN, s.at, NOW).unwrap()
}

fn redeem(s: &Stage, by: &Person, v: &Voucher, signature: Vec<u8>, value: u128) -> Sent {
    s.pay(by, value, &C::redeemCall { voucher: v.clone(), signature: signature.into() })
}

#[test]
fn a_voucher_is_redeemed_once_by_whom_it_is_for() {
    let s = Stage::new(10);
    let v = voucher(&s);
    assert_eq!(s.read(&C::voucherHashCall { voucher: v.clone() }), voucher_hash(&v, CHAIN, s.at));
    let sig = signed(&s, &v, &s.people.minter).as_bytes().to_vec();
    for wrong in [0, 999, 1001] {
        refused(redeem(&s, &s.people.buyer, &v, sig.clone(), wrong), "the price is 1000 wei");
    }
    // Whoever sends it, the token is the buyer's.
    redeem(&s, &s.people.stranger, &v, sig.clone(), 1000).unwrap();
    assert_eq!(s.owner(0).unwrap(), s.people.buyer.address);
    assert_eq!(s.uri(0).unwrap(), format!("ipfs://{}", raw_cid(&v.digest)));
    refused(redeem(&s, &s.people.buyer, &v, sig.clone(), 1000), "was used before");
    // The same id in another voucher.
    let mut same = voucher(&s);
    same.digest = digest(9);
    let other = signed(&s, &same, &s.people.minter).as_bytes().to_vec();
    refused(redeem(&s, &s.people.buyer, &same, other, 1000), "was used before");
    // And the money.
    assert_eq!(s.field.chain().balance(s.at).unwrap(), U256::from(1000));
    refused(s.send(&s.people.minter, &C::withdrawCall { to: s.people.minter.address }), "of the admin");
    refused(s.send(&s.people.admin, &C::withdrawCall { to: Address::ZERO }), "WithdrawFailed");
    let till = Address::repeat_byte(0x77);
    let receipt = s.send(&s.people.admin, &C::withdrawCall { to: till }).unwrap();
    assert_eq!(has_event(&receipt, "Withdrawn(address,uint256)"), 1);
    assert_eq!(s.field.chain().balance(till).unwrap(), U256::from(1000));
}

#[test]
fn a_voucher_that_was_tampered_with_is_worth_nothing() {
    let s = Stage::new(10);
    let v = voucher(&s);
    let sig = signed(&s, &v, &s.people.minter).as_bytes().to_vec();
    let tampered: Vec<Voucher> = vec![
        Voucher { id: digest(3), ..v.clone() },
        Voucher { to: s.people.stranger.address, ..v.clone() },
        Voucher { digest: digest(3), ..v.clone() },
        Voucher { price: U256::from(1), ..v.clone() },
        Voucher { expires: v.expires + U256::from(1), ..v.clone() },
    ];
    for t in &tampered {
        let value = t.price.to::<u128>();
        refused(redeem(&s, &s.people.buyer, t, sig.clone(), value), "who is no minter");
    }
    // The other form of the same signature, other lengths, nonsense.
    let order = U256::from_be_slice(
        &hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap(),
    );
    let low = Signature::from_raw(&sig).unwrap();
    let high = Signature::new(low.r(), order - low.s(), !low.v()).as_bytes().to_vec();
    refused(redeem(&s, &s.people.buyer, &v, high, 1000), "InvalidSignatureS");
    refused(redeem(&s, &s.people.buyer, &v, sig[..64].to_vec(), 1000), "InvalidSignatureLength");
    refused(redeem(&s, &s.people.buyer, &v, Vec::new(), 1000), "InvalidSignatureLength");
    refused(redeem(&s, &s.people.buyer, &v, vec![0; 65], 1000), "InvalidSignature");
    // Signed by another, for another contract, for another chain.
    let by_other = signed(&s, &v, &s.people.stranger).as_bytes().to_vec();
    refused(redeem(&s, &s.people.buyer, &v, by_other, 1000), "who is no minter");
    let elsewhere = s.people.minter.guard.voucher(&v, CHAIN, Address::repeat_byte(9), NOW).unwrap();
    refused(redeem(&s, &s.people.buyer, &v, elsewhere.as_bytes().to_vec(), 1000), "who is no minter");
    let minter = kiln_chain::guard::Guard::toy(std::sync::Arc::new(key("minter")), 1);
    let chain = minter.voucher(&v, 1, s.at, NOW).unwrap();
    refused(redeem(&s, &s.people.buyer, &v, chain.as_bytes().to_vec(), 1000), "who is no minter");
    // Void, and taken back.
    refused(s.send(&s.people.stranger, &C::voidVoucherCall { id: v.id }), "MINTER_ROLE");
    let receipt = s.send(&s.people.minter, &C::voidVoucherCall { id: v.id }).unwrap();
    assert_eq!(has_event(&receipt, "VoucherVoided(bytes32)"), 1);
    refused(s.send(&s.people.minter, &C::voidVoucherCall { id: v.id }), "was used before");
    refused(redeem(&s, &s.people.buyer, &v, sig, 1000), "was used before");
    // A minter that is none any more.
    let v = Voucher { id: digest(8), ..v };
    let sig = signed(&s, &v, &s.people.minter).as_bytes().to_vec();
    let take = C::revokeRoleCall { role: role("MINTER_ROLE"), account: s.people.minter.address };
    s.send(&s.people.admin, &take).unwrap();
    refused(redeem(&s, &s.people.buyer, &v, sig, 1000), "who is no minter");
    assert_eq!(s.supply(), 0);
}

#[test]
fn a_voucher_is_good_to_its_last_second() {
    let s = Stage::new(10);
    let v = Voucher { price: U256::ZERO, expires: U256::from(NOW / 1000 + 10), ..voucher(&s) };
    let sig = signed(&s, &v, &s.people.minter).as_bytes().to_vec();
    let late = Voucher { id: digest(4), ..v.clone() };
    let late_sig = signed(&s, &late, &s.people.minter).as_bytes().to_vec();
    s.field.time.pass(10_000);
    redeem(&s, &s.people.buyer, &v, sig, 0).unwrap();
    s.field.time.pass(1_000);
    refused(redeem(&s, &s.people.buyer, &late, late_sig, 0), "the voucher was good until");
}

/// Flags of 32 batches share a word: none of them may touch another's.
#[test]
fn batches_beside_each_other_do_not_disturb_each_other() {
    let s = Stage::new(1000);
    let m = &s.people.metadata;
    let to = s.people.buyer.address;
    let many = [1, 2, 30, 31, 32, 33, 63, 64, 255, 256, 0xff_fffe, 0xff_ffff];
    for (at, batch) in many.into_iter().enumerate() {
        let next = s.read(&C::nextTokenIdCall {}).to::<u64>();
        refused(s.send(&s.people.minter, &mint(to, 1, batch, next)), "has no base URI");
        s.prepare(batch, &format!("ipfs://{batch}/")).unwrap();
        s.send(&s.people.minter, &mint(to, 1, batch, next)).unwrap();
        assert_eq!(s.uri(next).unwrap(), format!("ipfs://{batch}/{next}"));
        if at % 2 == 0 {
            s.send(m, &C::freezeCall { batch: u24(batch) }).unwrap();
        }
        for (other, b) in many.into_iter().enumerate() {
            let frozen = other <= at && other % 2 == 0;
            assert_eq!(s.read(&C::isFrozenCall { batch: u24(b) }), frozen, "{b} after {batch}");
            assert_eq!(s.read(&C::provenanceCall { batch: u24(b) }).is_zero(), other > at);
        }
        assert!(!s.read(&C::pausedCall {}) && !s.read(&C::isFrozenCall { batch: u24(0) }));
    }
    // Paused is paused for all of them, and unpausing leaves everything as it was.
    s.send(m, &C::freezeCall { batch: u24(0) }).unwrap();
    s.send(&s.people.admin, &C::pauseCall {}).unwrap();
    for batch in many {
        let next = s.read(&C::nextTokenIdCall {}).to::<u64>();
        refused(s.send(&s.people.minter, &mint(to, 1, batch, next)), "the contract is paused");
    }
    s.send(&s.people.admin, &C::unpauseCall {}).unwrap();
    assert!(s.read(&C::isFrozenCall { batch: u24(0) }) && s.read(&C::isFrozenCall { batch: u24(1) }));
    for batch in many {
        let next = s.read(&C::nextTokenIdCall {}).to::<u64>();
        s.send(&s.people.minter, &mint(to, 1, batch, next)).unwrap();
    }
}

#[test]
fn pausing_stops_minting_and_nothing_else() {
    let s = Stage::ready(10);
    let to = s.people.buyer.address;
    s.mint(to, 1, 0).unwrap();
    refused(s.send(&s.people.minter, &C::pauseCall {}), "of the admin");
    refused(s.send(&s.people.admin, &C::unpauseCall {}), "ExpectedPause");
    s.send(&s.people.admin, &C::pauseCall {}).unwrap();
    assert!(s.read(&C::pausedCall {}));
    refused(s.send(&s.people.admin, &C::pauseCall {}), "paused");
    refused(s.mint(to, 1, 1), "the contract is paused");
    refused(s.send(&s.people.minter, &C::mintOneCall { to, digest: digest(1), id: digest(1) }), "paused");
    let v = voucher(&s);
    let sig = signed(&s, &v, &s.people.minter).as_bytes().to_vec();
    refused(redeem(&s, &s.people.buyer, &v, sig, 1000), "paused");
    let moved = C::transferFromCall { from: to, to: s.people.stranger.address, tokenId: U256::ZERO };
    s.send(&s.people.buyer, &moved).unwrap();
    refused(s.send(&s.people.stranger, &C::unpauseCall {}), "of the admin");
    s.send(&s.people.admin, &C::unpauseCall {}).unwrap();
    s.mint(to, 1, 1).unwrap();
}

#[test]
fn roles_and_the_admin_move_as_they_should() {
    let s = Stage::new(10);
    let (admin, new) = (&s.people.admin, &s.people.stranger);
    let minter = role("MINTER_ROLE");
    let grant = C::grantRoleCall { role: minter, account: new.address };
    refused(s.send(&s.people.minter, &grant), "of the admin");
    s.send(admin, &grant).unwrap();
    assert!(s.read(&C::hasRoleCall { role: minter, account: new.address }));
    refused(s.send(new, &C::renounceRoleCall { role: minter, account: admin.address }), "BadConfirmation");
    s.send(new, &C::renounceRoleCall { role: minter, account: new.address }).unwrap();
    assert!(!s.read(&C::hasRoleCall { role: minter, account: new.address }));
    // The admin's role is neither given nor dropped in one step.
    refused(
        s.send(admin, &C::grantRoleCall { role: B256::ZERO, account: new.address }),
        "EnforcedDefaultAdminRules",
    );
    refused(
        s.send(admin, &C::revokeRoleCall { role: B256::ZERO, account: admin.address }),
        "EnforcedDefaultAdminRules",
    );
    refused(
        s.send(admin, &C::renounceRoleCall { role: B256::ZERO, account: admin.address }),
        "EnforcedDefaultAdminDelay",
    );
    refused(s.send(new, &C::beginDefaultAdminTransferCall { newAdmin: new.address }), "of the admin");
    s.send(admin, &C::beginDefaultAdminTransferCall { newAdmin: new.address }).unwrap();
    s.send(admin, &C::cancelDefaultAdminTransferCall {}).unwrap();
    s.field.time.pass(2_000);
    refused(s.send(new, &C::acceptDefaultAdminTransferCall {}), "InvalidDefaultAdmin");
    s.send(admin, &C::beginDefaultAdminTransferCall { newAdmin: new.address }).unwrap();
    s.field.time.pass(2_000);
    refused(s.send(&s.people.minter, &C::acceptDefaultAdminTransferCall {}), "InvalidDefaultAdmin");
    s.send(new, &C::acceptDefaultAdminTransferCall {}).unwrap();
    assert_eq!(s.read(&C::ownerCall {}), new.address);
    refused(s.send(admin, &C::pauseCall {}), "of the admin");
    s.send(new, &C::pauseCall {}).unwrap();
}

#[test]
fn royalties_are_the_admins_to_set() {
    let s = Stage::new(10);
    let set = |receiver, n: u32| C::setRoyaltyCall { receiver, basisPoints: U96::from(n) };
    let ask = || {
        let r = s.read(&C::royaltyInfoCall { tokenId: U256::from(3), salePrice: U256::from(10_000) });
        (r._0, r._1.to::<u64>())
    };
    refused(s.send(&s.people.minter, &set(s.people.minter.address, 1)), "of the admin");
    let receipt = s.send(&s.people.admin, &set(s.people.buyer.address, 750)).unwrap();
    assert_eq!(has_event(&receipt, "RoyaltyChanged(address,uint96)"), 1);
    assert_eq!(ask(), (s.people.buyer.address, 750));
    refused(s.send(&s.people.admin, &set(s.people.buyer.address, 10_001)), "InvalidDefaultRoyalty");
    s.send(&s.people.admin, &set(Address::ZERO, 0)).unwrap();
    assert_eq!(ask().1, 0);
}

#[test]
fn tokens_move_as_tokens_do() {
    let s = Stage::ready(10);
    let (a, b, c) = (&s.people.buyer, &s.people.stranger, &s.people.admin);
    s.mint(a.address, 3, 0).unwrap();
    let t = |n: u64| U256::from(n);
    let moved = |from, to, n| C::transferFromCall { from, to, tokenId: t(n) };
    refused(s.send(b, &moved(a.address, b.address, 0)), "TransferCallerNotOwnerNorApproved");
    refused(s.send(a, &moved(b.address, a.address, 0)), "TransferFromIncorrectOwner");
    refused(s.send(a, &moved(a.address, Address::ZERO, 0)), "TransferToZeroAddress");
    refused(s.send(a, &moved(a.address, b.address, 3)), "OwnerQueryForNonexistentToken");
    refused(s.send(b, &C::approveCall { to: b.address, tokenId: t(0) }), "ApprovalCallerNotOwnerNorApproved");
    s.send(a, &C::approveCall { to: b.address, tokenId: t(0) }).unwrap();
    assert_eq!(s.read(&C::getApprovedCall { tokenId: t(0) }), b.address);
    s.send(b, &moved(a.address, c.address, 0)).unwrap();
    assert_eq!(s.read(&C::getApprovedCall { tokenId: t(0) }), Address::ZERO);
    s.send(a, &C::setApprovalForAllCall { operator: b.address, approved: true }).unwrap();
    assert!(s.read(&C::isApprovedForAllCall { owner: a.address, operator: b.address }));
    s.send(b, &moved(a.address, c.address, 2)).unwrap();
    assert_eq!(s.read(&C::balanceOfCall { owner: c.address }), t(2));
    assert!(s.field.read(s.at, &C::getApprovedCall { tokenId: t(9) }).is_err());
    assert!(s.field.read(s.at, &C::balanceOfCall { owner: Address::ZERO }).is_err());
    // Money that nobody asked for is not taken; a function that is not there is not called.
    assert!(s.field.send(a, Some(s.at), 5, Vec::new()).is_err());
    assert!(s.field.send(a, Some(s.at), 0, vec![1, 2, 3, 4]).is_err());
}

const ACCEPT: u8 = 0;
const WRONG: u8 = 1;
const REVERT: u8 = 2;
const CALL: u8 = 3;
const SILENT: u8 = 4;

#[test]
fn contracts_are_asked_whether_they_take_tokens() {
    let s = Stage::ready(100);
    let who = &s.people.stranger;
    let r = receiver(&s.field, who);
    let behave = |mode: u8, target: Address, data: Vec<u8>| {
        let set = Receiver::setCall { mode, takesEther: true, target, data: data.into() };
        s.field.call(who, r, &set).unwrap();
    };
    s.mint(r, 3, 0).unwrap();
    assert_eq!(s.field.read(r, &Receiver::receivedCall {}).unwrap(), U256::from(3));
    // When it is asked, all is settled: the token has its URI, and the next number is beyond the batch.
    assert_eq!(s.field.read(r, &Receiver::seenURICall {}).unwrap(), "ipfs://batch-one/0");
    assert_eq!(s.field.read(r, &Receiver::seenNextCall {}).unwrap(), U256::from(3));
    for (mode, words) in [(WRONG, "does not take tokens"), (REVERT, "0x"), (SILENT, "does not take tokens")] {
        behave(mode, Address::ZERO, Vec::new());
        refused(s.mint(r, 2, 3), words);
        let one = C::mintOneCall { to: r, digest: digest(1), id: digest(1) };
        refused(s.send(&s.people.minter, &one), words);
    }
    // A contract without the function at all: the collection itself.
    refused(s.mint(s.at, 1, 3), "does not take tokens");
    behave(ACCEPT, Address::ZERO, Vec::new());
    s.mint(r, 2, 3).unwrap();
    assert_eq!(s.supply(), 5);
}

#[test]
fn nobody_comes_in_again_while_minting() {
    let s = Stage::new(100);
    let who = &s.people.stranger;
    let r = receiver(&s.field, who);
    s.prepare(1, "x").unwrap();
    // The receiver is a minter, an admin's friend, and has a second voucher: still it gets one token a time.
    s.send(&s.people.admin, &C::grantRoleCall { role: role("MINTER_ROLE"), account: r }).unwrap();
    let v = |id| Voucher { id, to: r, price: U256::ZERO, ..voucher(&s) };
    let (first, second) = (v(digest(1)), v(digest(2)));
    let sig = |v: &Voucher| signed(&s, v, &s.people.minter).as_bytes().to_vec();
    let inner: Vec<Vec<u8>> = vec![
        C::redeemCall { voucher: second.clone(), signature: sig(&second).into() }.abi_encode(),
        C::redeemCall { voucher: first.clone(), signature: sig(&first).into() }.abi_encode(),
        mint(r, 1, 1, 1).abi_encode(),
        C::mintOneCall { to: r, digest: digest(1), id: digest(9) }.abi_encode(),
    ];
    for data in inner {
        let set = Receiver::setCall { mode: CALL, takesEther: true, target: s.at, data: data.into() };
        s.field.call(who, r, &set).unwrap();
        refused(redeem(&s, &s.people.buyer, &first, sig(&first), 0), "");
        refused(s.mint(r, 1, 0), "");
        refused(s.send(&s.people.minter, &C::mintOneCall { to: r, digest: digest(1), id: digest(5) }), "");
    }
    assert_eq!(s.supply(), 0);
    // Nor while money is sent: it goes out once.
    let paid = Voucher { price: U256::from(500), to: s.people.buyer.address, ..voucher(&s) };
    redeem(&s, &s.people.buyer, &paid, sig(&paid), 500).unwrap();
    let mut s2 = C::withdrawCall { to: r }.abi_encode();
    let set = Receiver::setCall {
        mode: CALL,
        takesEther: true,
        target: s.at,
        data: std::mem::take(&mut s2).into(),
    };
    s.field.call(who, r, &set).unwrap();
    refused(s.send(&s.people.admin, &C::withdrawCall { to: r }), "WithdrawFailed");
    let set = Receiver::setCall { mode: ACCEPT, takesEther: false, target: s.at, data: Vec::new().into() };
    s.field.call(who, r, &set).unwrap();
    refused(s.send(&s.people.admin, &C::withdrawCall { to: r }), "WithdrawFailed");
    let set = Receiver::setCall { mode: ACCEPT, takesEther: true, target: s.at, data: Vec::new().into() };
    s.field.call(who, r, &set).unwrap();
    s.send(&s.people.admin, &C::withdrawCall { to: r }).unwrap();
    assert_eq!(s.field.chain().balance(r).unwrap(), U256::from(500));
}

/// The interface that Rust has is the artifact's: every function and error by its selector.
#[test]
fn the_interface_is_the_artifacts() {
    use alloy_sol_types::SolInterface;
    let json: serde_json::Value =
        serde_json::from_str(include_str!("../../../../assets/contract/KilnCollection.json")).unwrap();
    fn kind(input: &serde_json::Value) -> String {
        let ty = input["type"].as_str().unwrap();
        match ty.strip_prefix("tuple") {
            Some(rest) => {
                let parts: Vec<String> = input["components"].as_array().unwrap().iter().map(kind).collect();
                format!("({}){rest}", parts.join(","))
            }
            None => ty.to_owned(),
        }
    }
    let selectors = |what: &str| -> Vec<[u8; 4]> {
        json["abi"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|e| e["type"] == what)
            .map(|e| {
                let inputs: Vec<String> = e["inputs"].as_array().unwrap().iter().map(kind).collect();
                let hash = keccak256(format!("{}({})", e["name"].as_str().unwrap(), inputs.join(",")));
                hash[..4].try_into().unwrap()
            })
            .collect()
    };
    let functions = selectors("function");
    for selector in C::CollectionCalls::selectors() {
        assert!(functions.contains(&selector), "{} is not in the artifact", hex::encode(selector));
    }
    let errors = selectors("error");
    let built_in = [[0x08, 0xc3, 0x79, 0xa0], [0x4e, 0x48, 0x7b, 0x71]];
    for selector in C::CollectionErrors::selectors().filter(|s| !built_in.contains(s)) {
        assert!(errors.contains(&selector), "{} is not in the artifact", hex::encode(selector));
    }
}

#[test]
fn a_collection_and_its_tokens_can_be_looked_at() {
    use kiln_chain::look;
    let s = Stage::ready(10);
    s.mint(s.people.buyer.address, 2, 0).unwrap();
    let one = C::mintOneCall { to: s.people.stranger.address, digest: digest(3), id: digest(4) };
    s.send(&s.people.minter, &one).unwrap();
    s.prepare(2, "https://two/").unwrap();
    s.send(&s.people.metadata, &C::freezeCall { batch: u24(2) }).unwrap();
    let chain = s.field.chain();
    let seen = look::collection(&chain, s.at).unwrap();
    assert_eq!((seen.name.as_str(), seen.symbol.as_str(), seen.minted, seen.cap), ("Test", "T", 3, 10));
    assert!(!seen.paused && seen.admin == s.people.admin.address);
    let batches: Vec<_> = seen.batches.iter().map(|b| (b.batch, b.uri.as_str(), b.frozen)).collect();
    assert_eq!(batches, [(1, "ipfs://batch-one/", false), (2, "https://two/", true)]);
    let first = look::token(&chain, s.at, 1).unwrap();
    assert_eq!((first.owner, first.uri.as_str()), (s.people.buyer.address, "ipfs://batch-one/1"));
    assert_eq!((first.batch.as_ref().unwrap().provenance, first.breaks()), (digest(7), None));
    let single = look::token(&chain, s.at, 2).unwrap();
    assert_eq!((single.digest, single.batch.as_ref(), single.breaks()), (Some(digest(3)), None, None));
    assert!(look::token(&chain, s.at, 3).is_err());
    assert!(look::collection(&chain, Address::repeat_byte(1)).is_err());
    let odd = look::TokenState { uri: "ipfs://elsewhere/1".into(), ..first };
    assert!(odd.breaks().unwrap().contains("is not that of its batch"));
    let odd = look::TokenState { digest: Some(digest(9)), ..single };
    assert!(odd.breaks().unwrap().contains("is not that of its digest"));
}
