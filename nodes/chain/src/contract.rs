//! The contract as Rust sees it, and its artifact.

#![allow(missing_docs, reason = "the interface is the contract's own, described in its source")]

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_sol_types::{SolInterface, SolValue, sol};
use std::sync::OnceLock;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct Setup {
        string name;
        string symbol;
        address admin;
        uint48 adminDelay;
        address minter;
        address metadata;
        uint256 maxSupply;
        address royaltyReceiver;
        uint96 royaltyBasisPoints;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Voucher {
        bytes32 id;
        address to;
        bytes32 digest;
        uint256 price;
        uint256 expires;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Collection {
        function mintBatch(address to, uint256 quantity, uint24 batch, uint256 first) external;
        function mintOne(address to, bytes32 digest, bytes32 id) external returns (uint256);
        function redeem(Voucher calldata voucher, bytes calldata signature) external payable returns (uint256);
        function voidVoucher(bytes32 id) external;
        function voucherHash(Voucher calldata voucher) external view returns (bytes32);
        function isUsed(bytes32 id) external view returns (bool);
        function nextTokenId() external view returns (uint256);
        function maxSupply() external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function setBaseURI(uint24 batch, string calldata uri) external;
        function setProvenance(uint24 batch, bytes32 hash) external;
        function setDigest(uint256 tokenId, bytes32 digest) external;
        function freeze(uint24 batch) external;
        function tokenURI(uint256 tokenId) external view returns (string memory);
        function batchOf(uint256 tokenId) external view returns (uint24);
        function digestOf(uint256 tokenId) external view returns (bytes32);
        function baseURI(uint24 batch) external view returns (string memory);
        function provenance(uint24 batch) external view returns (bytes32);
        function isFrozen(uint24 batch) external view returns (bool);
        function pause() external;
        function unpause() external;
        function paused() external view returns (bool);
        function setRoyalty(address receiver, uint96 basisPoints) external;
        function royaltyInfo(uint256 tokenId, uint256 salePrice) external view returns (address, uint256);
        function withdraw(address payable to) external;
        function supportsInterface(bytes4 id) external view returns (bool);
        function name() external view returns (string memory);
        function symbol() external view returns (string memory);
        function owner() external view returns (address);
        function ownerOf(uint256 tokenId) external view returns (address);
        function balanceOf(address owner) external view returns (uint256);
        function approve(address to, uint256 tokenId) external payable;
        function getApproved(uint256 tokenId) external view returns (address);
        function setApprovalForAll(address operator, bool approved) external;
        function isApprovedForAll(address owner, address operator) external view returns (bool);
        function transferFrom(address from, address to, uint256 tokenId) external payable;
        function hasRole(bytes32 role, address account) external view returns (bool);
        function grantRole(bytes32 role, address account) external;
        function revokeRole(bytes32 role, address account) external;
        function renounceRole(bytes32 role, address account) external;
        function beginDefaultAdminTransfer(address newAdmin) external;
        function cancelDefaultAdminTransfer() external;
        function acceptDefaultAdminTransfer() external;
        function defaultAdmin() external view returns (address);

        error NotNext(uint256 asked, uint256 next);
        error CapExceeded(uint256 asked, uint256 left);
        error TooManyAtOnce(uint256 asked, uint256 most);
        error BatchNotReady(uint24 batch);
        error IsFrozen(uint24 batch);
        error ProvenanceAlreadySet(uint24 batch);
        error IdAlreadyUsed(bytes32 id);
        error VoucherExpired(uint256 expires, uint256 time);
        error WrongPrice(uint256 sent, uint256 price);
        error NotSignedByMinter(address signer);
        error NoDigest();
        error NotASingle(uint256 tokenId);
        error EmptyURI();
        error NoSupply();
        error WithdrawFailed();
        error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
        error AccessControlBadConfirmation();
        error AccessControlEnforcedDefaultAdminDelay(uint48 schedule);
        error AccessControlEnforcedDefaultAdminRules();
        error AccessControlInvalidDefaultAdmin(address defaultAdmin);
        error EnforcedPause();
        error ExpectedPause();
        error ReentrancyGuardReentrantCall();
        error ECDSAInvalidSignature();
        error ECDSAInvalidSignatureLength(uint256 length);
        error ECDSAInvalidSignatureS(bytes32 s);
        error ERC2981InvalidDefaultRoyalty(uint256 numerator, uint256 denominator);
        error ERC721InvalidReceiver(address receiver);
        error MintZeroQuantity();
        error MintToZeroAddress();
        error OwnerQueryForNonexistentToken();
        error URIQueryForNonexistentToken();
        error ApprovalQueryForNonexistentToken();
        error ApprovalCallerNotOwnerNorApproved();
        error BalanceQueryForZeroAddress();
        error TransferCallerNotOwnerNorApproved();
        error TransferFromIncorrectOwner();
        error TransferToZeroAddress();
        error Error(string what);
        error Panic(uint256 code);
    }
}

/// At most so many tokens in one batch transaction; the contract says so too.
pub const MAX_PER_TRANSACTION: u64 = 1000;

/// A role's name on the chain.
#[must_use]
pub fn role(name: &str) -> B256 {
    keccak256(name)
}

struct Artifact {
    code: Bytes,
}

fn artifact() -> &'static Artifact {
    static ARTIFACT: OnceLock<Artifact> = OnceLock::new();
    ARTIFACT.get_or_init(|| {
        // Compiled in; a test reads it, so that it is never the empty one.
        let json: serde_json::Value =
            serde_json::from_str(include_str!("../../../assets/contract/KilnCollection.json"))
                .unwrap_or_default();
        let code = json.get("bytecode").and_then(|b| b.as_str()).unwrap_or_default();
        Artifact { code: hex::decode(code).unwrap_or_default().into() }
    })
}

/// The contract's code, as it is deployed: before what it is set up with.
#[must_use]
pub fn code() -> &'static Bytes {
    &artifact().code
}

/// What a deploying transaction carries.
#[must_use]
pub fn deploying(setup: &Setup) -> Vec<u8> {
    let mut data = code().to_vec();
    data.extend(setup.abi_encode());
    data
}

/// Reads what a deploying transaction carries; `None` if it is not this contract.
#[must_use]
pub fn deployed(data: &[u8]) -> Option<Setup> {
    let rest = data.strip_prefix(code().as_ref()).filter(|_| !code().is_empty())?;
    Setup::abi_decode_validate(rest).ok()
}

/// What a contract's refusal means, in words.
#[must_use]
pub fn refusal(data: &[u8]) -> String {
    use Collection::CollectionErrors as E;
    match Collection::CollectionErrors::abi_decode(data) {
        Ok(E::NotNext(e)) => {
            format!("token {} is next, not {}: others were minted meanwhile", e.next, e.asked)
        }
        Ok(E::CapExceeded(e)) => format!("only {} tokens are left below the cap, not {}", e.left, e.asked),
        Ok(E::TooManyAtOnce(e)) => format!("at most {} tokens in one transaction, not {}", e.most, e.asked),
        Ok(E::BatchNotReady(e)) if e.batch.is_zero() => {
            "batch 0 is for tokens with a digest of their own".into()
        }
        Ok(E::BatchNotReady(e)) => format!("batch {} has no base URI or no provenance hash yet", e.batch),
        Ok(E::IsFrozen(e)) => format!("the metadata of batch {} is frozen", e.batch),
        Ok(E::ProvenanceAlreadySet(e)) => format!("the provenance hash of batch {} was set before", e.batch),
        Ok(E::IdAlreadyUsed(e)) => format!("the id {} was used before", e.id),
        Ok(E::VoucherExpired(e)) => format!("the voucher was good until {}, and it is {}", e.expires, e.time),
        Ok(E::WrongPrice(e)) => format!("the price is {} wei, not {}", e.price, e.sent),
        Ok(E::NotSignedByMinter(e)) => format!("{} signed it, who is no minter", e.signer),
        Ok(E::AccessControlUnauthorizedAccount(e)) => {
            let role = ["MINTER_ROLE", "METADATA_ROLE"].into_iter().find(|r| role(r) == e.neededRole);
            format!("{} lacks the role {}", e.account, role.unwrap_or("of the admin"))
        }
        Ok(E::EnforcedPause(_)) => "the contract is paused".into(),
        Ok(E::ERC721InvalidReceiver(e)) => format!("the contract {} does not take tokens", e.receiver),
        Ok(E::Error(e)) => e.what.chars().filter(|c| !c.is_control()).take(200).collect(),
        Ok(E::Panic(e)) => format!("a fault in the contract, number {}", e.code),
        Ok(other) => format!("{other:?}").replace("(", " (").chars().take(200).collect(),
        Err(_) if data.is_empty() => "it gave no reason".into(),
        Err(_) => hex::encode_prefixed(&data[..data.len().min(68)]),
    }
}

/// The raw CIDv1 of a SHA-256 digest, as the contract writes it.
#[must_use]
pub fn raw_cid(digest: &B256) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = vec![0x01, 0x55, 0x12, 0x20];
    bytes.extend_from_slice(digest.as_slice());
    let mut cid = String::from("b");
    let (mut held, mut bits) = (0u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            cid.push(char::from(LETTERS[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        cid.push(char::from(LETTERS[(held << (5 - bits) & 31) as usize]));
    }
    cid
}

/// The SHA-256 digest that a text names: 64 hexadecimal digits, or a raw CIDv1 (`bafkrei…`), `ipfs://` before it or not.
#[must_use]
pub fn digest_of(text: &str) -> Option<B256> {
    let text = text.trim();
    let cid = text.strip_prefix("ipfs://").unwrap_or(text);
    if !cid.starts_with("bafkrei") {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        return (digits.len() == 64)
            .then(|| hex::decode(digits).ok())
            .flatten()
            .map(|d| B256::from_slice(&d));
    }
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in cid.bytes().skip(1) {
        let value = match letter {
            b'a'..=b'z' => letter - b'a',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    let digest = bytes.strip_prefix(&[0x01, 0x55, 0x12, 0x20])?;
    let digest = (digest.len() == 32).then(|| B256::from_slice(digest))?;
    // Written in one way only.
    (raw_cid(&digest) == cid).then_some(digest)
}

/// What a minter signs for a voucher: bound to a chain and a contract.
#[must_use]
pub fn voucher_hash(voucher: &Voucher, chain: u64, contract: Address) -> B256 {
    let kind =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    let domain =
        (kind, keccak256("KilnCollection"), keccak256("1"), U256::from(chain), contract).abi_encode();
    let kind = keccak256("Voucher(bytes32 id,address to,bytes32 digest,uint256 price,uint256 expires)");
    let said = (kind, voucher.id, voucher.to, voucher.digest, voucher.price, voucher.expires).abi_encode();
    let mut all = vec![0x19, 0x01];
    all.extend_from_slice(keccak256(domain).as_slice());
    all.extend_from_slice(keccak256(said).as_slice());
    keccak256(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_artifact_is_there_and_comes_back() {
        assert!(code().len() > 15_000);
        let setup = Setup {
            name: "A".into(),
            symbol: "B".into(),
            admin: Address::repeat_byte(1),
            adminDelay: alloy_primitives::aliases::U48::ZERO,
            minter: Address::repeat_byte(2),
            metadata: Address::repeat_byte(3),
            maxSupply: U256::from(10),
            royaltyReceiver: Address::ZERO,
            royaltyBasisPoints: alloy_primitives::aliases::U96::ZERO,
        };
        let data = deploying(&setup);
        assert_eq!(deployed(&data), Some(setup));
        assert_eq!(deployed(&data[1..]), None);
        assert_eq!(deployed(&[]), None);
    }

    #[test]
    fn a_cid_is_written_as_everybody_does() {
        // The empty file.
        let digest = hex::decode("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").unwrap();
        assert_eq!(
            raw_cid(&B256::from_slice(&digest)),
            "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        );
        let digest = B256::from_slice(&digest);
        let cid = raw_cid(&digest);
        for text in [cid.clone(), format!("ipfs://{cid}"), digest.to_string(), hex::encode(digest)] {
            assert_eq!(digest_of(&text), Some(digest), "{text}");
        }
        let end = &cid[..cid.len() - 1];
        for text in
            ["", "0x12", &format!("{end}v"), &format!("{cid}a"), end, &format!("{cid}/x"), &"g".repeat(64)]
        {
            assert_eq!(digest_of(text), None, "{text}");
        }
    }
}
