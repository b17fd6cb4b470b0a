// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base, Vm} from "./Base.sol";
import {Answer, Ask} from "../src/ISotto.sol";
import {Hello} from "../src/examples/Hello.sol";

/// @title The gas goals: whole transactions, cold storage, real signatures; fails over a goal.
/// @dev Isolation makes each call a transaction of its own, with its intrinsic cost and its refunds. The network's
/// account holds a balance already, the key is registered, there is one member; results are 256 bytes, none of them 0.
/// forge-config: default.isolate = true
contract GasTest is Base {
    event log_named_uint(string key, uint256 value);

    uint256 private constant FULFIL_GOAL = 50_000;
    uint256 private constant BATCH32_GOAL = 26_000;

    Hello private hello;

    function setUp() public override {
        super.setUp();
        hello = Hello(payable(deployCommitted("Hello", abi.encode(sotto, APP, GENERATION))));
        Answer[] memory first = new Answer[](1);
        (first[0],) = openPlain("the network's account, and this test's callback slot, are not zero any more");
        sotto.fulfilBatch(first, proofOf(sotto.batchDigest(first)));
        vm.prank(address(sotto));
        hello.onSottoResult(1, "first");
    }

    function result256(uint256 seed) private pure returns (bytes memory result) {
        for (uint256 i = 0; i < 8; ++i) {
            bytes32 word = keccak256(abi.encode(seed, i));
            // Each byte made odd: none is zero.
            result = bytes.concat(result, word | bytes32(type(uint256).max / 255));
        }
    }

    function whole() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev Opens requests of `hello`, with its one-slot callback or without one.
    function openMany(uint256 count, uint32 callbackGas) private returns (Answer[] memory answers) {
        answers = new Answer[](count);
        for (uint256 i = 0; i < count; ++i) {
            Ask memory ask = plainAsk();
            ask.context = keccak256(abi.encode("context", i));
            ask.callbackGas = callbackGas;
            uint64 id = hello.ask{value: 1_000_000 gwei}(ask.context, ask.payload, callbackGas, ask.deadline);
            answers[i] = answerTo(id, ask, address(hello), 1_000_000 gwei, result256(i));
        }
    }

    function test_gas_fulfil() public {
        Answer[] memory answers = openMany(2, 0);
        bytes memory signature = signed(answers[1]);
        sotto.fulfil(answers[1], signature);
        uint256 used = whole();
        emit log_named_uint("fulfil", used);
        vm.assertLe(used, FULFIL_GOAL, "fulfil is over its goal");
        vm.assertLe(21_000 + 256 * 16, used, "a whole transaction was measured");
    }

    function test_gas_batch_of_32() public {
        Answer[] memory answers = openMany(32, 0);
        bytes memory proof = proofOf(sotto.batchDigest(answers));
        sotto.fulfilBatch(answers, proof);
        uint256 used = whole();
        emit log_named_uint("fulfilBatch of 32, each", used / 32);
        vm.assertLe(used, 32 * BATCH32_GOAL, "a batch of 32 is over its goal");
        vm.assertLe(21_000 + 32 * 256 * 16, used, "a whole transaction was measured");
        vm.assertEq(sotto.networkBalance(), 1 gwei + 32 * 1_000_000 gwei, "all were settled");
    }

    function test_gas_with_a_callback() public {
        Answer[] memory answers = openMany(33, 50_000);
        bytes memory signature = signed(answers[32]);
        sotto.fulfil(answers[32], signature);
        emit log_named_uint("fulfil with a one-slot callback", whole());
        vm.assertEq(hello.answer(), sha256(answers[32].result), "called back");
        assembly ("memory-safe") {
            mstore(answers, 32)
        }
        bytes memory proof = proofOf(sotto.batchDigest(answers));
        sotto.fulfilBatch(answers, proof);
        emit log_named_uint("fulfilBatch of 32 with callbacks, each", whole() / 32);
        vm.assertEq(hello.answer(), sha256(answers[31].result), "called back");
    }

    function test_gas_request() public {
        uint256[3] memory sizes = [uint256(0), 256, 1024];
        for (uint256 i = 0; i < sizes.length; ++i) {
            Ask memory ask = plainAsk();
            bytes memory payload;
            while (payload.length < sizes[i]) payload = bytes.concat(payload, result256(payload.length));
            ask.payload = payload;
            ask.deadline = uint64(NOW + 1 hours);
            sotto.request{value: 1_000_000 gwei}(ask);
            emit log_named_uint(string.concat("request, payload ", vm.toString(sizes[i])), whole());
        }
    }
}
