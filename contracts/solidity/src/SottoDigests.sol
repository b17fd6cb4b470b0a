// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, KeyEntry, Payment, Submission} from "./ISotto.sol";

/// @title The digests Sotto signs: SHA-256 over 32-byte big-endian words, the same on every chain.
/// @dev What is not here: any rule about who may sign or when. Lists are hashed as the words of their items, without
/// a length, and then as one word of the digest they belong to. The tags are SHA-256 of the text beside them.
library SottoDigests {
    /// @dev SHA-256("sotto/domain/v1")
    bytes32 internal constant DOMAIN_TAG = 0x7a2a701e4f4af4669b9d7037b8804892eff0f0f244d1eed10709735f3da83363;
    /// @dev SHA-256("sotto/terms/v1")
    bytes32 internal constant TERMS_TAG = 0x6d577fceddb9df8106e0d1227aa15b7811f4f5b513c2c289d717d35b4d9d4c7f;
    /// @dev SHA-256("sotto/request/v1")
    bytes32 internal constant REQUEST_TAG = 0xc30ab78f71c0f1d7bb8fcb93e6e032a8619dbc3109fd7c4d30096029561c61a7;
    /// @dev SHA-256("sotto/result/v1")
    bytes32 internal constant RESULT_TAG = 0x058196041c9595f54cced74f1a1aa7865bd6e3bc0603478cb936c8408eb071b7;
    /// @dev SHA-256("sotto/batch/v1")
    bytes32 internal constant BATCH_TAG = 0x30946c98b92ee0f83f273ef225d38a1d8c7d4e3a9383c2642afc29e0a2ac8f23;
    /// @dev SHA-256("sotto/keys/v1")
    bytes32 internal constant KEYS_TAG = 0x782fc3171e52cd706ea6ed83c10e12aa2cf2ed77c3800a3b5f03fe759487680b;
    /// @dev SHA-256("sotto/payout/v1")
    bytes32 internal constant PAYOUT_TAG = 0x38058b4e19490d3e80e3bef10a0d7824712136ea584f1cb714b745ef9f228db2;
    /// @dev SHA-256("sotto/members/v1")
    bytes32 internal constant MEMBERS_TAG = 0x55c276ecd8c6a63c2f8aad3c14036aeacff8ae886c70b00a5f1ded66e0a3a07f;
    /// @dev SHA-256 of nothing.
    bytes32 internal constant EMPTY = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice What one Sotto contract's digests are bound to.
    function domain(bytes32 network, bytes32 chain, address sotto) internal pure returns (bytes32) {
        return sha256(abi.encode(DOMAIN_TAG, network, chain, sotto));
    }

    /// @notice The hash of a chain's CAIP-2 id, `eip155:<chain id in decimal>`.
    function chainOf(uint256 chainId) internal pure returns (bytes32) {
        uint256 digits = 1;
        for (uint256 rest = chainId / 10; rest != 0; rest /= 10) {
            ++digits;
        }
        bytes memory decimal = new bytes(digits);
        for (uint256 place = digits; place != 0; chainId /= 10) {
            decimal[--place] = bytes1(uint8(48 + chainId % 10));
        }
        return sha256(bytes.concat("eip155:", decimal));
    }

    /// @notice The hash of a list of submissions.
    function submissions(Submission[] calldata list) internal view returns (bytes32) {
        return list.length == 0 ? EMPTY : _words(abi.encode(list));
    }

    /// @notice Everything a consumer asked for beside app and generation.
    function terms(Ask calldata ask, bytes32 payloadHash, address consumer, uint256 escrow)
        internal
        view
        returns (bytes32)
    {
        bytes32 list = submissions(ask.submissions);
        return sha256(
            abi.encode(
                TERMS_TAG,
                consumer,
                ask.context,
                list,
                payloadHash,
                ask.callbackGas,
                ask.assurance,
                ask.deadline,
                escrow
            )
        );
    }

    /// @notice The hash a request is kept under.
    /// @dev Written word by word, as is `result`: both are on the way of every settlement, and this takes a third of
    /// the gas of `sha256(abi.encode(...))`. The words lie beyond the allocated memory and are forgotten at once.
    function request(bytes32 domain_, uint256 id, bytes32 app, uint256 generation, bytes32 terms_)
        internal
        view
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, REQUEST_TAG)
            mstore(add(words, 32), domain_)
            mstore(add(words, 64), id)
            mstore(add(words, 96), app)
            mstore(add(words, 128), generation)
            mstore(add(words, 160), terms_)
            if iszero(staticcall(gas(), 2, words, 192, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice What a result key signs.
    function result(
        bytes32 domain_,
        uint256 id,
        bytes32 requestHash,
        uint256 attempt,
        bytes32 app,
        uint256 generation,
        bytes32 resultHash
    ) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, RESULT_TAG)
            mstore(add(words, 32), domain_)
            mstore(add(words, 64), id)
            mstore(add(words, 96), requestHash)
            mstore(add(words, 128), attempt)
            mstore(add(words, 160), app)
            mstore(add(words, 192), generation)
            mstore(add(words, 224), resultHash)
            if iszero(staticcall(gas(), 2, words, 256, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice The hash of a result's or payload's bytes; as above, without keeping a copy of them.
    function bytesHash(bytes calldata data) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let copy := mload(0x40)
            calldatacopy(copy, data.offset, data.length)
            if iszero(staticcall(gas(), 2, copy, data.length, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @notice What members sign for a batch. Word 0 and 1 of `words` are written here; the results' digests follow.
    function batch(bytes32 domain_, bytes32[] memory words) internal view returns (bytes32) {
        words[0] = BATCH_TAG;
        words[1] = domain_;
        return _sha256(words, 32, words.length * 32);
    }

    /// @notice What members sign to register and remove result keys.
    function keys(bytes32 domain_, uint64 nonce, KeyEntry[] calldata list) internal view returns (bytes32) {
        return sha256(abi.encode(KEYS_TAG, domain_, nonce, _words(abi.encode(list))));
    }

    /// @notice What members sign to pay out of the network's account.
    function payout(bytes32 domain_, uint64 nonce, Payment[] calldata list) internal view returns (bytes32) {
        return sha256(abi.encode(PAYOUT_TAG, domain_, nonce, _words(abi.encode(list))));
    }

    /// @notice What members sign to hand over to another set.
    function members(bytes32 domain_, uint64 nonce, address[] calldata list) internal view returns (bytes32) {
        return sha256(abi.encode(MEMBERS_TAG, domain_, nonce, _words(abi.encode(list))));
    }

    /// @dev Hashes the items of an ABI-encoded list of fixed-size items: what follows its offset and its length.
    function _words(bytes memory encoded) private view returns (bytes32) {
        bytes32[] memory list;
        assembly ("memory-safe") {
            list := encoded
        }
        return _sha256(list, 96, encoded.length - 64);
    }

    /// @dev SHA-256 of `length` bytes, `skip` bytes after the start of an object in memory. The precompile cannot
    /// fail for want of anything but gas.
    function _sha256(bytes32[] memory object, uint256 skip, uint256 length) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            if iszero(staticcall(gas(), 2, add(object, skip), length, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }
}
