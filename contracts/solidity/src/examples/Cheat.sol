// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto} from "../ISotto.sol";
import {SottoConsumer} from "../SottoConsumer.sol";

/// @title A requester who lies: hands on any request whatever, with submissions nobody made and contexts of others.
/// @notice The demonstration uses it to show what does not follow from such a request. Not for any other use.
contract Cheat is SottoConsumer {
    /// @notice The last result that reached this contract.
    bytes public lastResult;

    /// @param sotto_ The Sotto contract.
    constructor(ISotto sotto_) SottoConsumer(sotto_) {}

    /// @notice Asks exactly this; the value sent is the escrow. Whatever it claims, the consumer is this contract.
    function request(Ask calldata ask) external payable returns (uint64 id) {
        return _ask(ask, msg.value);
    }

    /// @inheritdoc SottoConsumer
    function _onResult(uint64, bytes calldata result) internal override {
        lastResult = result;
    }
}
