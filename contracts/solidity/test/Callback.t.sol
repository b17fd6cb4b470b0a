// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Hostile} from "./Hostile.sol";
import {Answer, Ask, ISotto, Request, Status} from "../src/ISotto.sol";

/// @title Callbacks: their gas, their failures, and what a hostile consumer gains (nothing).
contract CallbackTest is Base {
    Hostile private consumer;
    bytes private constant RESULT = "result";

    function setUp() public override {
        super.setUp();
        consumer = new Hostile(sotto);
    }

    function open(uint32 callbackGas) private returns (Answer memory answer, bytes memory signature) {
        Ask memory ask = plainAsk();
        ask.callbackGas = callbackGas;
        uint64 id = consumer.ask{value: 2 gwei}(ask);
        answer = answerTo(id, ask, address(consumer), 2 gwei, RESULT);
        signature = signed(answer);
    }

    function test_callback_gets_the_result_and_its_gas() public {
        (Answer memory answer, bytes memory signature) = open(300_000);
        sotto.fulfil(answer, signature);
        vm.assertEq(consumer.calls(), 1, "called once");
        vm.assertEq(consumer.lastId(), 1, "id");
        vm.assertEq(consumer.lastResult(), RESULT, "result");
        vm.assertLe(consumer.lastGas(), 300_000, "no more gas than asked for");
        vm.assertLe(298_000, consumer.lastGas(), "and no less, but for the entry");
        assertStatus(1, Status.Fulfilled, "delivered");
    }

    function test_no_callback_is_made_when_none_was_asked_for() public {
        (Answer memory answer, bytes memory signature) = open(0);
        sotto.fulfil(answer, signature);
        vm.assertEq(consumer.calls(), 0, "not called");
        assertStatus(1, Status.Fulfilled, "settled");
    }

    function test_every_failure_settles_and_can_be_delivered_later() public {
        Hostile.Mood[3] memory moods = [Hostile.Mood.Reverting, Hostile.Mood.RevertBomb, Hostile.Mood.Burning];
        for (uint64 id = 1; id <= 3; ++id) {
            consumer.setMood(moods[id - 1], Hostile.Mood.Kind);
            (Answer memory answer, bytes memory signature) = open(300_000);
            vm.expectEmit(address(sotto));
            emit ISotto.CallbackFailed(id, address(consumer));
            uint256 left = gasleft();
            sotto.fulfil(answer, signature);
            vm.assertLe(left - gasleft(), 400_000, "bounded by the callback's gas");
            assertStatus(id, Status.Undelivered, "undelivered");
            assertHash(id, sha256(RESULT), "the result's hash");
            vm.assertEq(sotto.networkBalance(), 2 gwei * uint256(id), "paid all the same");
            expectDeliverRules(id, answer, signature);
            consumer.setMood(Hostile.Mood.Kind, Hostile.Mood.Kind);
            vm.expectEmit(address(sotto));
            emit ISotto.Delivered(id);
            vm.prank(address(0x57A));
            sotto.deliver(id, RESULT);
            assertStatus(id, Status.Fulfilled, "delivered");
            vm.assertEq(consumer.lastId(), id, "to the consumer");
            vm.assertEq(consumer.calls(), id, "once");
        }
    }

    function expectDeliverRules(uint64 id, Answer memory answer, bytes memory signature) private {
        Request memory kept = sotto.requestOf(id);
        vm.assertEq(kept.consumer, address(consumer), "the consumer is kept for delivery");
        vm.assertEq(kept.callbackKilogas, 300, "and its gas");
        vm.expectRevert(abi.encodeWithSelector(ISotto.CallbackFailedAgain.selector, id));
        sotto.deliver{gas: 3_000_000}(id, RESULT);
        vm.expectRevert(abi.encodeWithSelector(ISotto.ResultMismatch.selector, id, sha256(RESULT), sha256("another")));
        sotto.deliver(id, "another");
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, id, Status.Undelivered));
        sotto.fulfil(answer, signature);
        vm.warp(NOW + 2 hours);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, id, Status.Undelivered));
        sotto.refund(id);
        vm.warp(NOW);
        assertStatus(id, Status.Undelivered, "still undelivered");
    }

    function test_a_return_bomb_costs_nothing_here() public {
        Hostile.Mood[2] memory bombs = [Hostile.Mood.ReturnBomb, Hostile.Mood.RevertBomb];
        for (uint64 id = 1; id <= 2; ++id) {
            consumer.setMood(bombs[id - 1], Hostile.Mood.Kind);
            (Answer memory answer, bytes memory signature) = open(500_000);
            uint256 left = gasleft();
            sotto.fulfil(answer, signature);
            // The consumer pays 343,000 for 400,000 bytes of memory; copying them would cost the same and more here.
            vm.assertLe(343_000, left - gasleft(), "the bomb went off");
            vm.assertLe(left - gasleft(), 480_000, "and nothing of it was copied");
            assertStatus(id, id == 1 ? Status.Fulfilled : Status.Undelivered, "a return is a success, a revert none");
        }
    }

    function test_a_relayer_cannot_starve_the_callback() public {
        (Answer memory answer, bytes memory signature) = open(300_000);
        bytes memory call = abi.encodeCall(ISotto.fulfil, (answer, signature));
        uint256 starved = 0;
        for (uint256 gas_ = 330_000; gas_ < 380_000; gas_ += 1000) {
            (bool done,) = address(sotto).call{gas: gas_}(call);
            if (done) break;
            ++starved;
            assertStatus(1, Status.Open, "all or nothing");
        }
        vm.assertTrue(starved > 3 && starved < 50, "refused below a limit, and taken above");
        assertStatus(1, Status.Fulfilled, "delivered with the first gas that was taken");
        vm.assertLe(298_000, consumer.lastGas(), "with all of its gas");
    }

    function test_a_starved_delivery_is_refused() public {
        consumer.setMood(Hostile.Mood.Reverting, Hostile.Mood.Kind);
        (Answer memory answer, bytes memory signature) = open(300_000);
        sotto.fulfil(answer, signature);
        consumer.setMood(Hostile.Mood.Kind, Hostile.Mood.Kind);
        (bool done, bytes memory why) = address(sotto).call{gas: 310_000}(abi.encodeCall(ISotto.deliver, (1, RESULT)));
        vm.assertTrue(!done && bytes4(why) == ISotto.NotEnoughGas.selector, "refused for its gas");
        assertStatus(1, Status.Undelivered, "as before");
    }

    function test_a_callback_gas_too_small_is_no_end() public {
        (Answer memory answer, bytes memory signature) = open(1000);
        sotto.fulfil(answer, signature);
        assertStatus(1, Status.Undelivered, "1,000 gas is not enough for it");
        sotto.deliver(1, RESULT);
        assertStatus(1, Status.Fulfilled, "whoever delivers may bring more");
    }

    function test_a_consumer_without_code_counts_as_delivered() public {
        Ask memory ask = plainAsk();
        ask.callbackGas = 50_000;
        vm.deal(address(0xE0A), 1 ether);
        vm.prank(address(0xE0A));
        sotto.request{value: 1 gwei}(ask);
        Answer memory answer = answerTo(1, ask, address(0xE0A), 1 gwei, RESULT);
        sotto.fulfil(answer, signed(answer));
        assertStatus(1, Status.Fulfilled, "nobody there to refuse");
    }

    function test_reentry_gains_nothing() public {
        (Answer memory answer, bytes memory signature) = open(2_000_000);
        consumer.setAttempts(attemptsAt(answer, signature));
        consumer.setMood(Hostile.Mood.Reentering, Hostile.Mood.Reentering);
        uint256 before = address(sotto).balance;
        sotto.fulfil(answer, signature);
        vm.assertEq(consumer.gained(), 0, "no re-entrant call did anything");
        vm.assertEq(consumer.calls(), 1, "called once");
        vm.assertEq(sotto.networkBalance(), 2 gwei, "earned once");
        vm.assertEq(address(sotto).balance, before, "nothing left");
        assertStatus(1, Status.Fulfilled, "settled");
    }

    function test_reentry_while_delivering_gains_nothing() public {
        consumer.setMood(Hostile.Mood.Reverting, Hostile.Mood.Kind);
        (Answer memory answer, bytes memory signature) = open(2_000_000);
        sotto.fulfil(answer, signature);
        consumer.setAttempts(attemptsAt(answer, signature));
        consumer.setMood(Hostile.Mood.Reentering, Hostile.Mood.Kind);
        sotto.deliver(1, RESULT);
        vm.assertEq(consumer.gained(), 0, "no re-entrant call did anything");
        vm.assertEq(consumer.calls(), 1, "called once");
        vm.assertEq(sotto.networkBalance(), 2 gwei, "earned once");
    }

    function test_reentry_while_refunded_gains_nothing() public {
        (Answer memory answer, bytes memory signature) = open(0);
        consumer.setAttempts(attemptsAt(answer, signature));
        consumer.setMood(Hostile.Mood.Kind, Hostile.Mood.Reentering);
        vm.deal(address(sotto), 100 gwei);
        vm.warp(NOW + 1 hours + 1);
        sotto.refund(1);
        vm.assertEq(consumer.gained(), 0, "no re-entrant call did anything");
        vm.assertEq(address(consumer).balance + sotto.owed(address(consumer)), 2 gwei, "refunded once");
    }

    /// @dev Everything a consumer could try with its own request while it is called.
    function attemptsAt(Answer memory answer, bytes memory signature) private pure returns (bytes[] memory list) {
        Answer[] memory answers = new Answer[](1);
        answers[0] = answer;
        list = new bytes[](4);
        list[0] =
            abi.encodeWithSignature("fulfil((uint64,uint32,bytes32,uint64,bytes32,bytes),bytes)", answer, signature);
        list[1] = abi.encodeCall(ISotto.deliver, (answer.id, RESULT));
        list[2] = abi.encodeCall(ISotto.refund, (answer.id));
        list[3] = abi.encodeCall(ISotto.withdraw, (payable(address(0xBAD))));
    }

    /// @dev A consumer may re-enter on behalf of others: that is a settlement like any other, and counts once.
    function test_reentry_with_another_request_settles_it_once() public {
        (Answer memory first, bytes memory firstSignature) = open(2_000_000);
        (Answer memory second, bytes memory secondSignature) = open(0);
        bytes[] memory attempts = new bytes[](2);
        attempts[0] = abi.encodeWithSignature(
            "fulfil((uint64,uint32,bytes32,uint64,bytes32,bytes),bytes)", second, secondSignature
        );
        attempts[1] = attempts[0];
        consumer.setAttempts(attempts);
        consumer.setMood(Hostile.Mood.Reentering, Hostile.Mood.Kind);
        sotto.fulfil(first, firstSignature);
        vm.assertEq(consumer.gained(), 1, "once, not twice");
        vm.assertEq(sotto.networkBalance(), 4 gwei, "both escrows, once each");
        assertStatus(2, Status.Fulfilled, "settled");
    }
}
