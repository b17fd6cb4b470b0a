// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto, ISottoConsumer} from "./ISotto.sol";

/// @title The base of a contract that asks Sotto.
/// @notice Publishes sealed messages, asks, and takes results and refunds from the Sotto contract alone.
/// @dev What is not here: any state. A consumer decides what it keeps of a request and of a result.
abstract contract SottoConsumer is ISottoConsumer {
    /// @notice A sealed message, published so that whoever answers can read it.
    event Envelope(bytes32 indexed hash, address indexed submitter, bytes envelope);

    /// @notice The caller is not the Sotto contract.
    error NotSotto(address caller);
    /// @notice The address given for the Sotto contract holds no code.
    error NoSottoThere(address sotto);

    /// @dev The assurance `single`: one worker answers.
    uint32 internal constant SINGLE = 0x01010100;

    /// @notice The Sotto contract this consumer asks and believes.
    ISotto public immutable sotto;

    /// @param sotto_ The Sotto contract.
    constructor(ISotto sotto_) {
        if (address(sotto_).code.length == 0) revert NoSottoThere(address(sotto_));
        sotto = sotto_;
    }

    /// @dev Refunds come from the Sotto contract; anything else sent without a call is a mistake.
    receive() external payable {
        if (msg.sender != address(sotto)) revert NotSotto(msg.sender);
    }

    /// @inheritdoc ISottoConsumer
    function onSottoResult(uint64 id, bytes calldata result) external {
        if (msg.sender != address(sotto)) revert NotSotto(msg.sender);
        _onResult(id, result);
    }

    /// @notice Takes a result the Sotto contract has checked. Reverting leaves the request `Undelivered`.
    function _onResult(uint64 id, bytes calldata result) internal virtual;

    /// @notice Publishes an envelope of the caller.
    /// @return hash Its SHA-256, as it goes into a request's submissions.
    function _publish(bytes calldata envelope) internal returns (bytes32 hash) {
        hash = sha256(envelope);
        emit Envelope(hash, msg.sender, envelope);
    }

    /// @notice Asks with `escrow` wei of this contract's balance.
    function _ask(Ask memory ask, uint256 escrow) internal returns (uint64 id) {
        return sotto.request{value: escrow}(ask);
    }
}
