// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC721A, IERC721A} from "erc721a/contracts/ERC721A.sol";
import {AccessControlDefaultAdminRules} from
    "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {ERC721Utils} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Utils.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @title A collection that Kiln mints.
///
/// Tokens come in two ways, and each knows where its metadata is:
///
/// - in a batch: base URI + token id. A batch has its base URI and its provenance hash before anything of it is
///   minted; both are the metadata role's to set.
/// - one by one, by the minter or with a voucher that the minter signed: the token keeps the 32-byte SHA-256 digest of
///   its metadata, and its URI is the raw CIDv1 of that digest.
///
/// Nothing is minted twice, whatever happens to a transaction on its way: a batch names the token it begins with, and
/// everything else has an id that works once.
///
/// The admin is meant to be a multisig: its role moves in two steps, so that it never goes to somebody who cannot act.
contract KilnCollection is
    ERC721A,
    AccessControlDefaultAdminRules,
    ERC2981,
    EIP712,
    ReentrancyGuardTransient
{
    /// Mints, signs vouchers, voids them.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    /// Sets base URIs, provenance hashes and digests; freezes them.
    bytes32 public constant METADATA_ROLE = keccak256("METADATA_ROLE");

    /// What a minter signs for a buyer.
    bytes32 public constant VOUCHER_TYPEHASH =
        keccak256("Voucher(bytes32 id,address to,bytes32 digest,uint256 price,uint256 expires)");

    /// At most so many tokens in one batch transaction. The owner of a token is found by walking back to the first of
    /// its transaction, so a larger one would make the last token's first transfer dear, or impossible.
    uint256 public constant MAX_PER_TRANSACTION = 1000;

    /// "This is the batch of tokens that have a digest of their own."
    uint24 public constant SINGLES = 0;

    uint8 private constant HAS_URI = 1;
    uint8 private constant HAS_PROVENANCE = 2;
    uint8 private constant READY = HAS_URI | HAS_PROVENANCE;
    uint8 private constant FROZEN = 4;
    /// Of batch 0 only: nothing is minted.
    uint8 private constant PAUSED = 8;

    /// Everything that is settled once.
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

    /// One mint, for one buyer, once.
    struct Voucher {
        bytes32 id;
        address to;
        bytes32 digest;
        uint256 price;
        uint256 expires;
    }

    /// There are never more tokens than this.
    uint256 public immutable maxSupply;

    /// A byte of flags for each batch, 32 in a word: minting one of the first 31 batches looks into storage once to see
    /// whether the batch is ready and nothing is paused.
    mapping(uint256 word => uint256) private _words;
    mapping(uint24 batch => string) private _baseURIs;
    mapping(uint24 batch => bytes32) private _provenance;
    mapping(uint256 tokenId => bytes32) private _digests;
    mapping(bytes32 id => bool) private _used;

    event Paused(address account);
    event Unpaused(address account);
    event BatchURI(uint24 indexed batch, string uri);
    event Provenance(uint24 indexed batch, bytes32 hash);
    event Frozen(uint24 indexed batch);
    event SingleMinted(bytes32 indexed id, address indexed to, uint256 indexed tokenId, bytes32 digest);
    event VoucherVoided(bytes32 indexed id);
    event RoyaltyChanged(address receiver, uint96 basisPoints);
    event Withdrawn(address indexed to, uint256 amount);

    /// Another token is next: this mint was already made, or another came before it.
    error NotNext(uint256 asked, uint256 next);
    /// So many are left below the cap.
    error CapExceeded(uint256 asked, uint256 left);
    error TooManyAtOnce(uint256 asked, uint256 most);
    /// The batch has no base URI or no provenance hash yet, or is none that can be minted as a batch.
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
    error EnforcedPause();
    error ExpectedPause();

    modifier whenNotPaused() {
        if (paused()) revert EnforcedPause();
        _;
    }

    constructor(Setup memory setup)
        ERC721A(setup.name, setup.symbol)
        AccessControlDefaultAdminRules(setup.adminDelay, setup.admin)
        EIP712("KilnCollection", "1")
    {
        if (setup.maxSupply == 0) revert NoSupply();
        maxSupply = setup.maxSupply;
        if (setup.minter != address(0)) _grantRole(MINTER_ROLE, setup.minter);
        if (setup.metadata != address(0)) _grantRole(METADATA_ROLE, setup.metadata);
        if (setup.royaltyReceiver != address(0)) {
            _setDefaultRoyalty(setup.royaltyReceiver, setup.royaltyBasisPoints);
        }
    }

    // ---------------------------------------------------------------------------------------------------- minting

    /// Mints `quantity` tokens of a batch, the first of them `first`. Sent twice, it fails the second time.
    function mintBatch(address to, uint256 quantity, uint24 batch, uint256 first)
        external
        onlyRole(MINTER_ROLE)
        nonReentrant
    {
        uint256 word = _words[0];
        if (uint8(word) & PAUSED != 0) revert EnforcedPause();
        if (batch > 31) word = _words[batch >> 5];
        if (batch == SINGLES || uint8(word >> _shift(batch)) & READY != READY) revert BatchNotReady(batch);
        if (quantity > MAX_PER_TRANSACTION) revert TooManyAtOnce(quantity, MAX_PER_TRANSACTION);
        uint256 next = _nextTokenId();
        if (first != next) revert NotNext(first, next);
        _checkCap(quantity);
        _mint(to, quantity);
        // Before any receiver is asked: it may look at the token.
        _setExtraDataAt(first, batch);
        if (to.code.length != 0) {
            for (uint256 i; i < quantity; ++i) {
                ERC721Utils.checkOnERC721Received(msg.sender, address(0), to, first + i, "");
            }
        }
    }

    /// Mints one token with a digest of its own. An id works once, here or in a voucher.
    function mintOne(address to, bytes32 digest, bytes32 id)
        external
        onlyRole(MINTER_ROLE)
        whenNotPaused
        nonReentrant
        returns (uint256)
    {
        return _mintSingle(to, digest, id);
    }

    /// Mints what a minter signed for `voucher.to`; anybody may send it and pay.
    function redeem(Voucher calldata voucher, bytes calldata signature)
        external
        payable
        whenNotPaused
        nonReentrant
        returns (uint256)
    {
        if (block.timestamp > voucher.expires) revert VoucherExpired(voucher.expires, block.timestamp);
        if (msg.value != voucher.price) revert WrongPrice(msg.value, voucher.price);
        address signer = ECDSA.recover(voucherHash(voucher), signature);
        if (!hasRole(MINTER_ROLE, signer)) revert NotSignedByMinter(signer);
        return _mintSingle(voucher.to, voucher.digest, voucher.id);
    }

    /// Makes a voucher worthless before it is used.
    function voidVoucher(bytes32 id) external onlyRole(MINTER_ROLE) {
        if (_used[id]) revert IdAlreadyUsed(id);
        _used[id] = true;
        emit VoucherVoided(id);
    }

    /// What the minter signs: bound to this chain and this contract.
    function voucherHash(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    VOUCHER_TYPEHASH, voucher.id, voucher.to, voucher.digest, voucher.price, voucher.expires
                )
            )
        );
    }

    /// Whether an id was minted with, or voided.
    function isUsed(bytes32 id) external view returns (bool) {
        return _used[id];
    }

    /// The token that is minted next.
    function nextTokenId() external view returns (uint256) {
        return _nextTokenId();
    }

    // ------------------------------------------------------------------------------------------------- metadata

    /// Sets a batch's base URI; a token's URI is this and its id.
    function setBaseURI(uint24 batch, string calldata uri) external onlyRole(METADATA_ROLE) {
        if (batch == SINGLES) revert BatchNotReady(batch);
        if (bytes(uri).length == 0) revert EmptyURI();
        uint8 flags = _flags(batch);
        if (flags & FROZEN != 0) revert IsFrozen(batch);
        _baseURIs[batch] = uri;
        _set(batch, HAS_URI);
        emit BatchURI(batch, uri);
        // Which tokens are of this batch is not kept together: those who listen look at all of them again.
        if (flags & HAS_URI != 0) emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
    }

    /// Sets a batch's provenance hash, once.
    function setProvenance(uint24 batch, bytes32 hash) external onlyRole(METADATA_ROLE) {
        if (batch == SINGLES) revert BatchNotReady(batch);
        if (hash == 0) revert NoDigest();
        uint8 flags = _flags(batch);
        if (flags & HAS_PROVENANCE != 0) revert ProvenanceAlreadySet(batch);
        _provenance[batch] = hash;
        _set(batch, HAS_PROVENANCE);
        emit Provenance(batch, hash);
    }

    /// Sets the digest of a token that has one of its own.
    function setDigest(uint256 tokenId, bytes32 digest) external onlyRole(METADATA_ROLE) {
        if (digest == 0) revert NoDigest();
        if (_flags(SINGLES) & FROZEN != 0) revert IsFrozen(SINGLES);
        if (_digests[tokenId] == 0) revert NotASingle(tokenId);
        _digests[tokenId] = digest;
        emit IERC4906.MetadataUpdate(tokenId);
    }

    /// Settles a batch's base URI for ever; of batch 0, the digests of all tokens that have one.
    function freeze(uint24 batch) external onlyRole(METADATA_ROLE) {
        uint8 flags = _flags(batch);
        if (flags & FROZEN != 0) revert IsFrozen(batch);
        if (batch != SINGLES && flags & HAS_URI == 0) revert BatchNotReady(batch);
        _set(batch, FROZEN);
        emit Frozen(batch);
    }

    /// Where a token's metadata is.
    function tokenURI(uint256 tokenId) public view override(ERC721A) returns (string memory) {
        if (!_exists(tokenId)) _revert(URIQueryForNonexistentToken.selector);
        bytes32 digest = _digests[tokenId];
        if (digest != 0) return string.concat("ipfs://", _rawCid(digest));
        return string.concat(_baseURIs[_ownershipOf(tokenId).extraData], _toString(tokenId));
    }

    /// The batch of a token; 0 if it has a digest of its own.
    function batchOf(uint256 tokenId) external view returns (uint24) {
        return _ownershipOf(tokenId).extraData;
    }

    /// The digest of a token's metadata; 0 if it is one of a batch.
    function digestOf(uint256 tokenId) external view returns (bytes32) {
        return _digests[tokenId];
    }

    /// A batch's base URI.
    function baseURI(uint24 batch) external view returns (string memory) {
        return _baseURIs[batch];
    }

    /// A batch's provenance hash.
    function provenance(uint24 batch) external view returns (bytes32) {
        return _provenance[batch];
    }

    /// Whether a batch's metadata is settled for ever.
    function isFrozen(uint24 batch) external view returns (bool) {
        return _flags(batch) & FROZEN != 0;
    }

    // --------------------------------------------------------------------------------------------------- running

    /// Stops minting and redeeming. What is minted stays its owners' to move.
    function pause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (paused()) revert EnforcedPause();
        _set(SINGLES, PAUSED);
        emit Paused(msg.sender);
    }

    /// Lets minting go on.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (!paused()) revert ExpectedPause();
        _words[0] &= ~uint256(PAUSED);
        emit Unpaused(msg.sender);
    }

    /// Whether minting is stopped.
    function paused() public view returns (bool) {
        return _flags(SINGLES) & PAUSED != 0;
    }

    /// What a sale should pass on, and to whom. Nobody: no royalty.
    function setRoyalty(address receiver, uint96 basisPoints) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (receiver == address(0)) _deleteDefaultRoyalty();
        else _setDefaultRoyalty(receiver, basisPoints);
        emit RoyaltyChanged(receiver, basisPoints);
    }

    /// Sends what vouchers brought in.
    function withdraw(address payable to) external onlyRole(DEFAULT_ADMIN_ROLE) nonReentrant {
        uint256 amount = address(this).balance;
        emit Withdrawn(to, amount);
        (bool sent,) = to == address(0) ? (false, bytes("")) : to.call{value: amount}("");
        if (!sent) revert WithdrawFailed();
    }

    function supportsInterface(bytes4 id)
        public
        view
        override(ERC721A, AccessControlDefaultAdminRules, ERC2981)
        returns (bool)
    {
        return id == 0x49064906 || ERC721A.supportsInterface(id)
            || AccessControlDefaultAdminRules.supportsInterface(id) || ERC2981.supportsInterface(id);
    }

    // ---------------------------------------------------------------------------------------------------- inside

    function _mintSingle(address to, bytes32 digest, bytes32 id) private returns (uint256 tokenId) {
        if (digest == 0) revert NoDigest();
        if (_used[id]) revert IdAlreadyUsed(id);
        _checkCap(1);
        _used[id] = true;
        tokenId = _nextTokenId();
        _digests[tokenId] = digest;
        _mint(to, 1);
        emit SingleMinted(id, to, tokenId, digest);
        ERC721Utils.checkOnERC721Received(msg.sender, address(0), to, tokenId, "");
    }

    function _shift(uint24 batch) private pure returns (uint256) {
        return (uint256(batch) & 31) * 8;
    }

    function _flags(uint24 batch) private view returns (uint8) {
        return uint8(_words[batch >> 5] >> _shift(batch));
    }

    function _set(uint24 batch, uint8 flag) private {
        _words[batch >> 5] |= uint256(flag) << _shift(batch);
    }

    function _checkCap(uint256 quantity) private view {
        uint256 left = maxSupply - _totalMinted();
        if (quantity > left) revert CapExceeded(quantity, left);
    }

    /// A token stays in its batch whoever owns it.
    function _extraData(address, address, uint24 batch) internal pure override returns (uint24) {
        return batch;
    }

    /// The raw CIDv1 of a SHA-256 digest, in lower-case base32: "b" and 36 bytes (01 55 12 20 and the digest).
    function _rawCid(bytes32 digest) private pure returns (string memory) {
        bytes memory letters = "abcdefghijklmnopqrstuvwxyz234567";
        bytes memory cid = new bytes(59);
        cid[0] = "b";
        // 288 bits make 57 letters of 5 bits and one of 3, filled up with two zeros: the header's 32 bits and the
        // digest's first 128 are 160, or 32 letters; what is left is 128 and 2, or 26 letters.
        uint256 head = (uint256(0x01551220) << 128) | (uint256(digest) >> 128);
        uint256 tail = uint256(uint128(uint256(digest))) << 2;
        for (uint256 i; i < 32; ++i) {
            cid[1 + i] = letters[(head >> (155 - 5 * i)) & 31];
        }
        for (uint256 i; i < 26; ++i) {
            cid[33 + i] = letters[(tail >> (125 - 5 * i)) & 31];
        }
        return string(cid);
    }
}
