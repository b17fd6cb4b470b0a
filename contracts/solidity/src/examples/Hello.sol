// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto, Submission} from "../ISotto.sol";
import {SottoConsumer} from "../SottoConsumer.sol";

/// @title The smallest consumer: asks with a few public bytes and keeps the hash of the last answer.
contract Hello is SottoConsumer {
    /// @notice The app asked.
    bytes32 public immutable app;
    /// @notice That app's generation.
    uint64 public immutable generation;
    /// @notice SHA-256 of the last answer; 0 before the first.
    bytes32 public answer;

    /// @param sotto_ The Sotto contract.
    /// @param app_ The app to ask.
    /// @param generation_ Its generation.
    constructor(ISotto sotto_, bytes32 app_, uint64 generation_) SottoConsumer(sotto_) {
        app = app_;
        generation = generation_;
    }

    /// @notice Asks; the value sent is the escrow.
    /// @param context What this request is about; a new one for each request.
    /// @param payload At most 1,024 public bytes for the app.
    /// @param callbackGas Gas for the answer, 50,000 is ample; 0 to leave the answer at the Sotto contract.
    /// @param deadline The last second in which it may be answered.
    /// @return id The request.
    function ask(bytes32 context, bytes calldata payload, uint32 callbackGas, uint64 deadline)
        external
        payable
        returns (uint64 id)
    {
        return _ask(
            Ask({
                app: app,
                generation: generation,
                context: context,
                submissions: new Submission[](0),
                payload: payload,
                payloadHash: 0,
                callbackGas: callbackGas,
                assurance: SINGLE,
                deadline: deadline
            }),
            msg.value
        );
    }

    /// @inheritdoc SottoConsumer
    function _onResult(uint64, bytes calldata result) internal override {
        answer = sha256(result);
    }
}
