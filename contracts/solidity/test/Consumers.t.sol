// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Answer, Ask, ISotto, Status, Submission} from "../src/ISotto.sol";
import {SottoConsumer} from "../src/SottoConsumer.sol";
import {Cheat} from "../src/examples/Cheat.sol";
import {Hello} from "../src/examples/Hello.sol";
import {Price} from "../src/examples/Price.sol";

/// @title The consumer base and the small examples.
contract ConsumersTest is Base {
    function settle(uint64 id, Ask memory ask, address consumer, uint256 escrow, bytes memory result) private {
        Answer memory answer = answerTo(id, ask, consumer, escrow, result);
        sotto.fulfil(answer, signed(answer));
    }

    // ---------------------------------------------------------------- base

    function test_a_consumer_needs_a_sotto_contract() public {
        vm.expectRevert(abi.encodeWithSelector(SottoConsumer.NoSottoThere.selector, address(0xE0A)));
        deployCommitted("Cheat", abi.encode(address(0xE0A)));
    }

    function test_results_and_money_come_from_sotto_alone() public {
        Cheat consumer = Cheat(payable(deployCommitted("Cheat", abi.encode(sotto))));
        vm.expectRevert(abi.encodeWithSelector(SottoConsumer.NotSotto.selector, address(this)));
        consumer.onSottoResult(1, "forged");
        (bool sent,) = address(consumer).call{value: 1}("");
        vm.assertTrue(!sent, "money from elsewhere");
        Ask memory ask = plainAsk();
        consumer.request{value: 3 gwei}(ask);
        vm.warp(NOW + 1 hours + 1);
        sotto.refund(1);
        vm.assertEq(address(consumer).balance, 3 gwei, "a refund is taken");
        vm.assertEq(sotto.owed(address(consumer)), 0, "so nothing is owed");
    }

    function test_whatever_a_cheat_claims_it_is_the_consumer() public {
        Cheat cheat = Cheat(payable(deployCommitted("Cheat", abi.encode(sotto))));
        Ask memory ask = plainAsk();
        ask.submissions = new Submission[](1);
        ask.submissions[0] = Submission(address(0x11), sha256("someone else's envelope"));
        ask.callbackGas = 200_000;
        uint64 id = cheat.request{value: 1 gwei}(ask);
        vm.assertEq(sotto.requestOf(id).consumer, address(cheat), "by msg.sender");
        settle(id, ask, address(cheat), 1 gwei, "result");
        vm.assertEq(cheat.lastResult(), "result", "called back");
    }

    // --------------------------------------------------------------- hello

    function test_hello_keeps_the_answers_hash() public {
        Hello hello = Hello(payable(deployCommitted("Hello", abi.encode(sotto, APP, GENERATION))));
        Ask memory ask = plainAsk();
        ask.callbackGas = 50_000;
        uint64 id = hello.ask{value: 1 gwei}(ask.context, ask.payload, ask.callbackGas, ask.deadline);
        settle(id, ask, address(hello), 1 gwei, "hello, world");
        vm.assertEq(hello.answer(), sha256("hello, world"), "its hash");
        assertStatus(id, Status.Fulfilled, "delivered within its gas");
    }

    // --------------------------------------------------------------- price

    function priceAsk(uint256 context) private view returns (Ask memory ask) {
        ask = plainAsk();
        ask.context = bytes32(context);
        ask.payload = "ETH/USD";
        ask.callbackGas = 100_000;
    }

    function test_price_keeps_the_latest() public {
        Price oracle = Price(payable(deployCommitted("Price", abi.encode(sotto, APP, GENERATION))));
        uint64 first = oracle.ask{value: 1 gwei}("ETH/USD", uint64(NOW + 1 hours));
        uint64 second = oracle.ask{value: 1 gwei}("ETH/USD", uint64(NOW + 1 hours));
        settle(second, priceAsk(2), address(oracle), 1 gwei, abi.encode(uint256(5000), uint64(NOW)));
        expectQuote(oracle, 5000, uint64(NOW));
        assertStatus(second, Status.Fulfilled, "delivered within its gas");
        // The older answer, arriving later, is refused by the consumer and changes nothing.
        settle(first, priceAsk(1), address(oracle), 1 gwei, abi.encode(uint256(4000), uint64(NOW - 1)));
        expectQuote(oracle, 5000, uint64(NOW));
        assertStatus(first, Status.Undelivered, "refused");
    }

    function expectQuote(Price oracle, uint256 wanted, uint64 seen) private view {
        (uint192 price, uint64 time) = oracle.priceOf("ETH/USD");
        vm.assertEq(price, wanted, "price");
        vm.assertEq(time, seen, "time");
    }

    function test_price_refuses_what_is_no_quote() public {
        Price oracle = Price(payable(deployCommitted("Price", abi.encode(sotto, APP, GENERATION))));
        vm.expectRevert(abi.encodeWithSelector(Price.QueryLength.selector, 0));
        oracle.ask("", uint64(NOW + 1 hours));
        vm.expectRevert(abi.encodeWithSelector(Price.QueryLength.selector, 1025));
        oracle.ask(string(new bytes(1025)), uint64(NOW + 1 hours));
        uint64 id = oracle.ask("ETH/USD", uint64(NOW + 1 hours));
        bytes[5] memory results = [
            bytes("short"),
            abi.encode(uint256(0), uint64(NOW)),
            abi.encode(uint256(1) << 192, uint64(NOW)),
            abi.encode(uint256(1), uint64(NOW + 61)),
            abi.encode(uint256(1), uint256(1) << 64)
        ];
        bytes[5] memory why = [
            abi.encodeWithSelector(Price.ResultLength.selector, 5),
            abi.encodeWithSelector(Price.PriceOutOfRange.selector, 0),
            abi.encodeWithSelector(Price.PriceOutOfRange.selector, uint256(1) << 192),
            abi.encodeWithSelector(Price.TimeOutOfRange.selector, NOW + 61, 0, NOW),
            bytes("")
        ];
        for (uint256 i = 0; i < results.length; ++i) {
            vm.prank(address(sotto));
            vm.expectRevert(why[i]);
            oracle.onSottoResult(id, results[i]);
        }
        vm.prank(address(sotto));
        vm.expectRevert(abi.encodeWithSelector(Price.NotAsked.selector, id + 1));
        oracle.onSottoResult(id + 1, abi.encode(uint256(1), uint64(NOW)));
        vm.prank(address(sotto));
        oracle.onSottoResult(id, abi.encode(uint256(1), uint64(NOW)));
        vm.prank(address(sotto));
        vm.expectRevert(abi.encodeWithSelector(Price.NotAsked.selector, id));
        oracle.onSottoResult(id, abi.encode(uint256(2), uint64(NOW)));
    }
}
