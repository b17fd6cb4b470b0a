// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Answer, Ask, ISotto, Request, Status} from "../src/ISotto.sol";

/// @title Settling one request under a result key, and refunds.
contract FulfilTest is Base {
    address private constant STRANGER = address(0x57A);

    function test_fulfil_settles_once() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        vm.expectEmit(address(sotto));
        emit ISotto.Fulfilled(1, sha256("result"));
        vm.prank(STRANGER);
        sotto.fulfil(answer, signature);
        assertStatus(1, Status.Fulfilled, "settled");
        assertHash(1, sha256("result"), "the result's hash stays readable");
        vm.assertEq(sotto.networkBalance(), 1 gwei, "escrow to the network's account");
        Request memory kept = sotto.requestOf(1);
        vm.assertEq(kept.consumer, address(0), "the second slot is cleared");
        vm.assertEq(uint256(kept.status), uint256(Status.Fulfilled), "and says fulfilled");
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, 1, Status.Fulfilled));
        sotto.fulfil(answer, signature);
        vm.warp(answerDeadline() + 1);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, 1, Status.Fulfilled));
        sotto.refund(1);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotUndelivered.selector, 1, Status.Fulfilled));
        sotto.deliver(1, "result");
    }

    function answerDeadline() private pure returns (uint256) {
        return NOW + 1 hours;
    }

    function test_unknown_requests_have_no_status() public {
        (Answer memory answer,) = openPlain("result");
        answer.id = 2;
        bytes memory signature = signed(answer);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, 2, Status.None));
        sotto.fulfil(answer, signature);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, 2, Status.None));
        sotto.refund(2);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotUndelivered.selector, 2, Status.None));
        sotto.deliver(2, "result");
    }

    function test_fulfil_at_the_deadline_and_not_after() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        vm.warp(answerDeadline() + 1);
        vm.expectRevert(abi.encodeWithSelector(ISotto.Late.selector, 1, answerDeadline(), answerDeadline() + 1));
        sotto.fulfil(answer, signature);
        vm.warp(answerDeadline());
        vm.expectRevert(abi.encodeWithSelector(ISotto.TooEarly.selector, 1, answerDeadline(), answerDeadline()));
        sotto.refund(1);
        sotto.fulfil(answer, signature);
    }

    function test_every_field_of_the_answer_is_checked() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        (, bytes32 asked) = sotto.statusOf(1);
        Answer memory wrong = copyOf(answer);
        wrong.app = bytes32(uint256(1));
        expectMismatch(wrong, asked);
        wrong = copyOf(answer);
        wrong.generation += 1;
        expectMismatch(wrong, asked);
        wrong = copyOf(answer);
        wrong.terms = bytes32(uint256(1));
        expectMismatch(wrong, asked);
        // Attempt and result are not in the request: the signature binds them.
        wrong = copyOf(answer);
        wrong.attempt = 2;
        vm.expectPartialRevert(ISotto.KeyNotGood.selector);
        sotto.fulfil(wrong, signature);
        wrong = copyOf(answer);
        wrong.result = "another";
        vm.expectPartialRevert(ISotto.KeyNotGood.selector);
        sotto.fulfil(wrong, signature);
        sotto.fulfil(answer, signature);
    }

    function copyOf(Answer memory answer) private pure returns (Answer memory) {
        return abi.decode(abi.encode(answer), (Answer));
    }

    function expectMismatch(Answer memory wrong, bytes32 asked) private {
        bytes32 given = sotto.requestHashOf(wrong.id, wrong.app, wrong.generation, wrong.terms);
        bytes memory signature = signed(wrong);
        vm.expectRevert(abi.encodeWithSelector(ISotto.RequestMismatch.selector, wrong.id, asked, given));
        sotto.fulfil(wrong, signature);
    }

    function test_a_signature_for_one_request_does_not_fit_its_twin() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        openPlain("result");
        // App, generation and terms are equal: escrow, consumer, context, payload and deadline are the same twice.
        answer.id = 2;
        vm.expectPartialRevert(ISotto.KeyNotGood.selector);
        sotto.fulfil(answer, signature);
        sotto.fulfil(answer, signed(answer));
        assertStatus(1, Status.Open, "the first still waits");
        assertStatus(2, Status.Fulfilled, "the second is the one that was signed");
    }

    function test_result_length_limit() public {
        (Answer memory answer, bytes memory signature) = openPlain(new bytes(4097));
        vm.expectRevert(abi.encodeWithSelector(ISotto.ResultTooLong.selector, 4097, 4096));
        sotto.fulfil(answer, signature);
        answer.result = new bytes(4096);
        sotto.fulfil(answer, signed(answer));
        assertHash(1, sha256(new bytes(4096)), "the longest");
    }

    function test_the_empty_result_is_a_result() public {
        (Answer memory answer, bytes memory signature) = openPlain("");
        sotto.fulfil(answer, signature);
        assertHash(1, sha256(""), "hash of nothing");
        assertStatus(1, Status.Fulfilled, "settled");
    }

    function test_only_a_registered_key_that_has_not_expired() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        bytes32 digest = sotto.resultDigest(answer);
        expectKeyNotGood(answer, signWith(0xBAD, digest), vm.addr(0xBAD), 0);
        // A member's signature is no result key's.
        expectKeyNotGood(answer, signWith(memberKeys[0], digest), vm.addr(memberKeys[0]), 0);
        registerKey(APP, vm.addr(RESULT_KEY), uint64(NOW));
        sotto.fulfil(answer, signature);
        (answer, signature) = openPlain("result");
        vm.warp(NOW + 1);
        expectKeyNotGood(answer, signature, vm.addr(RESULT_KEY), uint64(NOW));
        registerKey(APP, vm.addr(RESULT_KEY), 0);
        expectKeyNotGood(answer, signature, vm.addr(RESULT_KEY), 0);
    }

    function test_a_key_is_good_for_its_own_app_only() public {
        Ask memory ask = plainAsk();
        ask.app = bytes32(uint256(0xB44));
        sotto.request(ask);
        Answer memory answer = answerTo(1, ask, address(this), 0, "result");
        bytes memory signature = signed(answer);
        vm.expectRevert(abi.encodeWithSelector(ISotto.KeyNotGood.selector, ask.app, vm.addr(RESULT_KEY), uint64(0)));
        sotto.fulfil(answer, signature);
    }

    function expectKeyNotGood(Answer memory answer, bytes memory signature, address signer, uint64 expiry) private {
        vm.expectRevert(abi.encodeWithSelector(ISotto.KeyNotGood.selector, APP, signer, expiry));
        sotto.fulfil(answer, signature);
    }

    function test_a_result_of_another_network_or_contract_does_not_fit() public {
        (Answer memory answer,) = openPlain("result");
        ISotto ours = sotto;
        bytes32 digest = ours.resultDigest(answer);
        ISotto other = deploySotto(keccak256("another network"), addressesOf(memberKeys), LIFETIME);
        vm.assertTrue(other.resultDigest(answer) != digest, "other network and address");
        bytes memory signature = signWith(RESULT_KEY, other.resultDigest(answer));
        vm.expectPartialRevert(ISotto.KeyNotGood.selector);
        ours.fulfil(answer, signature);
    }

    function test_no_settling_on_the_other_side_of_a_split_but_refunds() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        vm.chainId(1);
        bytes memory changed = abi.encodeWithSelector(ISotto.ChainChanged.selector, 31337, 1);
        vm.expectRevert(changed);
        sotto.fulfil(answer, signature);
        Answer[] memory answers = new Answer[](1);
        answers[0] = answer;
        vm.expectRevert(changed);
        sotto.fulfilBatch(answers, signature);
        vm.warp(answerDeadline() + 1);
        sotto.refund(1);
        assertStatus(1, Status.Refunded, "nobody's escrow is locked");
    }

    function testFuzz_no_signature_but_the_right_one(bytes32 r, bytes32 s, uint8 v) public {
        (Answer memory answer, bytes memory good) = openPlain("result");
        bytes memory forged = abi.encodePacked(r, s, v);
        vm.assume(keccak256(forged) != keccak256(good));
        vm.expectRevert();
        sotto.fulfil(answer, forged);
        assertStatus(1, Status.Open, "still open");
    }

    function testFuzz_the_twin_of_a_signature_is_refused(bytes memory result) public {
        vm.assume(result.length <= 4096);
        (Answer memory answer, bytes memory good) = openPlain(result);
        (bytes32 r, bytes32 s, uint8 v) = split(good);
        bytes32 twin = bytes32(ORDER - uint256(s));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureHighS.selector, twin));
        sotto.fulfil(answer, abi.encodePacked(r, twin, v == 27 ? 28 : 27));
        sotto.fulfil(answer, good);
    }

    function testFuzz_a_flipped_bit_is_refused(uint256 bit) public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        bit %= 65 * 8;
        signature[bit / 8] = bytes1(uint8(signature[bit / 8]) ^ uint8(1 << (bit % 8)));
        vm.expectRevert();
        sotto.fulfil(answer, signature);
    }

    function split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    function test_signature_shapes() public {
        (Answer memory answer, bytes memory good) = openPlain("result");
        (bytes32 r, bytes32 s, uint8 v) = split(good);
        uint8[4] memory bad = [uint8(0), 1, 26, 29];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureV.selector, bad[i]));
            sotto.fulfil(answer, abi.encodePacked(r, s, bad[i]));
        }
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureLength.selector, 64, 65));
        sotto.fulfil(answer, abi.encodePacked(r, s));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureLength.selector, 66, 65));
        sotto.fulfil(answer, abi.encodePacked(r, s, v, uint8(0)));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureLength.selector, 0, 65));
        sotto.fulfil(answer, "");
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureUnrecoverable.selector));
        sotto.fulfil(answer, abi.encodePacked(bytes32(0), s, v));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureUnrecoverable.selector));
        sotto.fulfil(answer, abi.encodePacked(r, bytes32(0), v));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureHighS.selector, bytes32(HALF_ORDER + 1)));
        sotto.fulfil(answer, abi.encodePacked(r, HALF_ORDER + 1, v));
    }
}

/// @title Refunds, and what is owed after a transfer that was refused.
contract RefundTest is Base {
    bool private refuses;
    uint256 private burn;

    receive() external payable override {
        require(!refuses, "no");
        for (uint256 i = 0; i < burn; ++i) {
            assembly {
                sstore(add(i, 1000), 1)
            }
        }
    }

    function open() private returns (uint64 id) {
        id = sotto.request{value: 7 gwei}(plainAsk());
        vm.warp(vm.getBlockTimestamp() + 1 hours + 1);
    }

    function test_refund_is_open_to_anyone_and_returns_all() public {
        uint64 id = open();
        uint256 before = address(this).balance;
        vm.expectEmit(address(sotto));
        emit ISotto.Refunded(id, address(this), 7 gwei);
        vm.prank(address(0x57A));
        sotto.refund(id);
        vm.assertEq(address(this).balance - before, 7 gwei, "all of it");
        assertStatus(id, Status.Refunded, "refunded");
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, id, Status.Refunded));
        sotto.refund(id);
        vm.assertEq(sotto.requestOf(id).escrowGwei, 7, "the amount stays readable");
    }

    function test_a_refunded_request_is_not_fulfilled() public {
        (Answer memory answer, bytes memory signature) = openPlain("result");
        vm.warp(NOW + 1 hours + 1);
        sotto.refund(1);
        vm.warp(NOW);
        vm.expectRevert(abi.encodeWithSelector(ISotto.NotOpen.selector, 1, Status.Refunded));
        sotto.fulfil(answer, signature);
    }

    function test_a_refused_refund_waits() public {
        uint64 id = open();
        refuses = true;
        vm.expectEmit(address(sotto));
        emit ISotto.Owing(address(this), 7 gwei);
        sotto.refund(id);
        vm.assertEq(sotto.owed(address(this)), 7 gwei, "owed");
        assertStatus(id, Status.Refunded, "refunded all the same");
        vm.expectRevert(abi.encodeWithSelector(ISotto.TransferFailed.selector, address(this), 7 gwei));
        sotto.withdraw(payable(address(this)));
        vm.assertEq(sotto.owed(address(this)), 7 gwei, "still owed");
        vm.expectRevert(abi.encodeWithSelector(ISotto.ZeroAddress.selector));
        sotto.withdraw(payable(address(0)));
        sotto.withdraw(payable(address(0xCAFE)));
        vm.assertEq(address(0xCAFE).balance, 7 gwei, "taken elsewhere");
        vm.expectRevert(abi.encodeWithSelector(ISotto.NothingOwed.selector, address(this)));
        sotto.withdraw(payable(address(0xCAFE)));
    }

    function test_a_refund_is_bounded_in_gas() public {
        uint64 id = open();
        burn = 100;
        uint256 left = gasleft();
        sotto.refund(id);
        vm.assertLe(left - gasleft(), 150_000, "the consumer cannot burn more");
        vm.assertEq(sotto.owed(address(this)), 7 gwei, "owed");
    }

    function test_too_little_gas_is_no_refusal() public {
        uint64 id = open();
        (bool done, bytes memory why) = address(sotto).call{gas: 95_000}(abi.encodeCall(ISotto.refund, (id)));
        vm.assertTrue(!done && bytes4(why) == ISotto.NotEnoughGas.selector, "refused for its gas");
        assertStatus(id, Status.Open, "nothing happened");
    }
}
