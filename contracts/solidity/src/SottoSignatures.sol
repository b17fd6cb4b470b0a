// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ISotto} from "./ISotto.sol";

/// @title secp256k1 signatures as Sotto takes them: 65 bytes r, s, v over a digest itself, one form for each.
/// @dev What is not here: who may sign. Of the two values of s that fit a digest only the lower is taken, and v is 27
/// or 28, so that a signature cannot be rewritten into another that is good as well.
library SottoSignatures {
    /// @dev Bytes of one signature.
    uint256 internal constant LENGTH = 65;
    /// @dev Half the order of secp256k1, rounded down.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The signer of a digest.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != LENGTH) revert ISotto.SignatureLength(signature.length, LENGTH);
        return recoverAt(digest, signature, 0);
    }

    /// @notice The signer by the 65 bytes at `offset`; the caller has checked that they are there.
    function recoverAt(bytes32 digest, bytes calldata signatures, uint256 offset)
        internal
        pure
        returns (address signer)
    {
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            let start := add(signatures.offset, offset)
            r := calldataload(start)
            s := calldataload(add(start, 32))
            v := byte(0, calldataload(add(start, 64)))
        }
        if (uint256(s) > HALF_ORDER) revert ISotto.SignatureHighS(s);
        if (v != 27 && v != 28) revert ISotto.SignatureV(v);
        signer = ecrecover(digest, v, r, s);
        if (signer == address(0)) revert ISotto.SignatureUnrecoverable();
    }
}
