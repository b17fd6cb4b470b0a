// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Hostile} from "./Hostile.sol";
import {Answer, Ask, ISotto, Refusal, Status} from "../src/ISotto.sol";

/// @title Settling many requests under one proof of the members.
contract BatchTest is Base {
    function openMany(uint256 count) internal returns (Answer[] memory answers) {
        answers = new Answer[](count);
        for (uint256 i = 0; i < count; ++i) {
            (answers[i],) = openPlain(abi.encode(i));
        }
    }

    function proofFor(Answer[] memory answers) internal view returns (bytes memory) {
        return proofOf(sotto.batchDigest(answers));
    }

    function test_a_batch_settles_all_its_items() public {
        Answer[] memory answers = openMany(5);
        bytes memory proof = proofFor(answers);
        vm.prank(address(0x57A));
        sotto.fulfilBatch(answers, proof);
        for (uint64 id = 1; id <= 5; ++id) {
            assertStatus(id, Status.Fulfilled, "settled");
            assertHash(id, sha256(abi.encode(id - 1)), "its result");
        }
        vm.assertEq(sotto.networkBalance(), 5 gwei, "all escrows");
    }

    function test_items_that_do_not_fit_are_left_out() public {
        Answer[] memory answers = openMany(7);
        sotto.fulfil(answers[0], signed(answers[0]));
        answers[1].terms = bytes32(uint256(1));
        answers[2].result = new bytes(4097);
        Ask memory shortAsk = plainAsk();
        shortAsk.deadline = uint64(NOW + 1);
        uint64 shortId = sotto.request{value: 1 gwei}(shortAsk);
        answers[3] = answerTo(shortId, shortAsk, address(this), 1 gwei, "too late");
        answers[4].id = 99;
        answers[5] = answers[6];
        vm.warp(NOW + 2);
        bytes memory proof = proofFor(answers);
        expectSkip(1, Refusal.NotOpen);
        expectSkip(2, Refusal.Mismatch);
        expectSkip(3, Refusal.ResultTooLong);
        expectSkip(shortId, Refusal.Late);
        expectSkip(99, Refusal.NotOpen);
        vm.expectEmit(address(sotto));
        emit ISotto.Fulfilled(7, sha256(abi.encode(6)));
        expectSkip(7, Refusal.NotOpen);
        sotto.fulfilBatch(answers, proof);
        vm.assertEq(sotto.networkBalance(), 2 gwei, "one before, one now");
        Status[8] memory wanted = [
            Status.Fulfilled,
            Status.Open,
            Status.Open,
            Status.Open,
            Status.Open,
            Status.Open,
            Status.Fulfilled,
            Status.Open
        ];
        for (uint64 id = 1; id <= 8; ++id) {
            assertStatus(id, wanted[id - 1], "each for itself");
        }
        // The same batch again changes nothing.
        sotto.fulfilBatch(answers, proof);
        vm.assertEq(sotto.networkBalance(), 2 gwei, "nothing twice");
    }

    function expectSkip(uint64 id, Refusal reason) private {
        vm.expectEmit(address(sotto));
        emit ISotto.Skipped(id, reason);
    }

    function test_a_batch_has_1_to_64_items() public {
        Answer[] memory none = new Answer[](0);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 0, 64));
        sotto.fulfilBatch(none, "");
        Answer[] memory answers = openMany(65);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 65, 64));
        sotto.fulfilBatch(answers, "");
        assembly ("memory-safe") {
            mstore(answers, 64)
        }
        sotto.fulfilBatch(answers, proofFor(answers));
        assertStatus(64, Status.Fulfilled, "the last");
    }

    function test_the_proof_covers_order_and_every_result() public {
        Answer[] memory answers = openMany(3);
        bytes memory proof = proofFor(answers);
        (answers[0], answers[1]) = (answers[1], answers[0]);
        vm.expectPartialRevert(ISotto.NotMember.selector);
        sotto.fulfilBatch(answers, proof);
        (answers[0], answers[1]) = (answers[1], answers[0]);
        answers[2].result = "another";
        vm.expectPartialRevert(ISotto.NotMember.selector);
        sotto.fulfilBatch(answers, proof);
    }

    function test_a_result_key_proves_no_batch() public {
        Answer[] memory answers = openMany(1);
        bytes memory forged = signWith(RESULT_KEY, sotto.batchDigest(answers));
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotMember.selector, vm.addr(RESULT_KEY)));
        sotto.fulfilBatch(answers, forged);
    }

    function test_quorum_rules() public {
        deploy(4);
        Answer[] memory answers = openMany(2);
        bytes32 digest = sotto.batchDigest(answers);
        expectRefused(answers, proofOf(2, digest), abi.encodeWithSelector(ISotto.SignatureLength.selector, 130, 195));
        expectRefused(answers, proofOf(4, digest), abi.encodeWithSelector(ISotto.SignatureLength.selector, 260, 195));
        bytes[4] memory one;
        address[4] memory who;
        for (uint256 i = 0; i < 4; ++i) {
            (one[i], who[i]) = (signWith(memberKeys[i], digest), vm.addr(memberKeys[i]));
        }
        expectRefused(
            answers,
            bytes.concat(one[0], one[2], one[1]),
            abi.encodeWithSelector(ISotto.SignersNotAscending.selector, who[2], who[1])
        );
        expectRefused(
            answers,
            bytes.concat(one[1], one[1], one[2]),
            abi.encodeWithSelector(ISotto.SignersNotAscending.selector, who[1], who[1])
        );
        address stranger = vm.addr(0xBAD);
        bytes memory theirs = signWith(0xBAD, digest);
        // Placed where its address belongs, so that only membership speaks against it.
        bytes memory mixed = stranger < who[0]
            ? bytes.concat(theirs, one[0], one[1])
            : stranger < who[1] ? bytes.concat(one[0], theirs, one[1]) : bytes.concat(one[0], one[1], theirs);
        expectRefused(answers, mixed, abi.encodeWithSelector(ISotto.NotMember.selector, stranger));
        sotto.fulfilBatch(answers, bytes.concat(one[0], one[1], one[3]));
        assertStatus(2, Status.Fulfilled, "any three of four");
    }

    function expectRefused(Answer[] memory answers, bytes memory proof, bytes memory why) private {
        vm.expectRevert(why);
        sotto.fulfilBatch(answers, proof);
    }

    function test_callbacks_come_after_all_is_settled() public {
        Hostile consumer = new Hostile(sotto);
        Answer[] memory answers = new Answer[](3);
        Ask memory ask = plainAsk();
        ask.callbackGas = 500_000;
        for (uint256 i = 0; i < 3; ++i) {
            uint64 id = consumer.ask{value: 1 gwei}(ask);
            answers[i] = answerTo(id, ask, address(consumer), 1 gwei, abi.encode(i));
        }
        bytes[] memory attempts = new bytes[](4);
        attempts[0] = abi.encodeCall(ISotto.fulfil, (answers[2], signed(answers[2])));
        attempts[1] = abi.encodeCall(ISotto.fulfilBatch, (answers, proofFor(answers)));
        attempts[2] = abi.encodeCall(ISotto.deliver, (3, abi.encode(2)));
        attempts[3] = abi.encodeCall(ISotto.refund, (3));
        consumer.setAttempts(attempts);
        consumer.setMood(Hostile.Mood.Reentering, Hostile.Mood.Kind);
        sotto.fulfilBatch(answers, proofFor(answers));
        // The batch itself, again, is no refusal: it leaves all its items out, once in each of three callbacks.
        vm.assertEq(consumer.gained(), 3, "only empty repeats went through");
        vm.assertEq(consumer.calls(), 3, "each called once");
        vm.assertEq(sotto.networkBalance(), 3 gwei, "each paid once");
    }

    function test_a_failing_callback_stops_no_other() public {
        Hostile bad = new Hostile(sotto);
        Hostile good = new Hostile(sotto);
        bad.setMood(Hostile.Mood.Burning, Hostile.Mood.Kind);
        Ask memory ask = plainAsk();
        ask.callbackGas = 200_000;
        Answer[] memory answers = new Answer[](2);
        answers[0] = answerTo(bad.ask(ask), ask, address(bad), 0, "a");
        answers[1] = answerTo(good.ask(ask), ask, address(good), 0, "b");
        sotto.fulfilBatch(answers, proofFor(answers));
        assertStatus(1, Status.Undelivered, "failed");
        assertStatus(2, Status.Fulfilled, "delivered");
        vm.assertEq(good.lastResult(), "b", "its result");
        bad.setMood(Hostile.Mood.Kind, Hostile.Mood.Kind);
        sotto.deliver(1, "a");
        vm.assertEq(bad.lastResult(), "a", "delivered later");
    }
}
