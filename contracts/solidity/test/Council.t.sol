// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Hostile} from "./Hostile.sol";
import {Answer, Ask, ISotto, KeyEntry, Payment, Status} from "../src/ISotto.sol";

/// @title What the members do under their proof: keys, payouts, their own change.
contract CouncilTest is Base {
    function setUp() public override {
        vm.warp(NOW);
        deploy(4);
    }

    function entriesOf(address key, uint64 expiry) private pure returns (KeyEntry[] memory entries) {
        entries = new KeyEntry[](1);
        entries[0] = KeyEntry(APP, key, expiry);
    }

    function paymentsOf(address to, uint256 amount) private pure returns (Payment[] memory payments) {
        payments = new Payment[](1);
        payments[0] = Payment(to, amount);
    }

    // ------------------------------------------------------------------ keys

    function test_keys_are_registered_renewed_and_removed() public {
        vm.expectEmit(address(sotto));
        emit ISotto.ResultKeySet(APP, address(7), uint64(NOW + 10));
        registerKey(APP, address(7), uint64(NOW + 10));
        vm.assertEq(sotto.resultKeys(APP, address(7)), NOW + 10, "registered");
        registerKey(APP, address(7), uint64(NOW + LIFETIME));
        vm.assertEq(sotto.resultKeys(APP, address(7)), NOW + LIFETIME, "renewed, to the longest");
        registerKey(APP, address(7), 0);
        vm.assertEq(sotto.resultKeys(APP, address(7)), 0, "removed");
        vm.assertEq(keysNonce(), 3, "three times");
    }

    function test_many_keys_in_one_proof() public {
        KeyEntry[] memory entries = new KeyEntry[](128);
        for (uint160 i = 0; i < 128; ++i) {
            entries[i] = KeyEntry(bytes32(uint256(i)), address(i + 1), uint64(NOW + 1));
        }
        sotto.setResultKeys(entries, 1, proofOf(sotto.keysDigest(entries, 1)));
        vm.assertEq(sotto.resultKeys(bytes32(uint256(127)), address(128)), NOW + 1, "the last");
        entries = new KeyEntry[](129);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 129, 128));
        sotto.setResultKeys(entries, 2, "");
        entries = new KeyEntry[](0);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 0, 128));
        sotto.setResultKeys(entries, 2, "");
    }

    function test_keys_have_limits() public {
        KeyEntry[] memory entries = entriesOf(address(7), uint64(NOW + LIFETIME + 1));
        expectKeysRefused(
            entries,
            abi.encodeWithSelector(ISotto.ExpiryTooFar.selector, APP, address(7), NOW + LIFETIME + 1, NOW + LIFETIME)
        );
        expectKeysRefused(entriesOf(address(0), 1), abi.encodeWithSelector(ISotto.ZeroAddress.selector));
        vm.assertEq(keysNonce(), 0, "a refused call uses no nonce");
    }

    function expectKeysRefused(KeyEntry[] memory entries, bytes memory why) private {
        bytes memory proof = proofOf(sotto.keysDigest(entries, 1));
        vm.expectRevert(why);
        sotto.setResultKeys(entries, 1, proof);
    }

    function test_an_expiry_in_the_past_is_taken_and_good_for_nothing() public {
        registerKey(APP, vm.addr(RESULT_KEY), uint64(NOW - 1));
        (Answer memory answer, bytes memory signature) = openPlain("result");
        vm.expectRevert(abi.encodeWithSelector(ISotto.KeyNotGood.selector, APP, vm.addr(RESULT_KEY), uint64(NOW - 1)));
        sotto.fulfil(answer, signature);
    }

    // ---------------------------------------------------------------- nonces

    function test_each_kind_has_its_own_nonce_and_no_proof_serves_twice() public {
        KeyEntry[] memory entries = entriesOf(address(7), uint64(NOW + 1));
        bytes memory first = proofOf(sotto.keysDigest(entries, 1));
        bytes memory second = proofOf(sotto.keysDigest(entries, 2));
        vm.expectRevert(abi.encodeWithSelector(ISotto.WrongNonce.selector, 2, 1));
        sotto.setResultKeys(entries, 2, second);
        vm.expectRevert(abi.encodeWithSelector(ISotto.WrongNonce.selector, 0, 1));
        sotto.setResultKeys(entries, 0, first);
        sotto.setResultKeys(entries, 1, first);
        vm.expectRevert(abi.encodeWithSelector(ISotto.WrongNonce.selector, 1, 2));
        sotto.setResultKeys(entries, 1, first);
        // The first proof under the next nonce signs something else.
        vm.expectRevert();
        sotto.setResultKeys(entries, 2, first);
        sotto.setResultKeys(entries, 2, second);
        vm.assertEq(payoutNonce() + membersNonce(), 0, "the others stand");
    }

    function test_no_proof_serves_another_kind() public {
        // One key entry, two payments' words, three members: the digests differ by their tags at least.
        bytes32 keys = sotto.keysDigest(entriesOf(address(7), 5), 1);
        bytes32 payout = sotto.payoutDigest(paymentsOf(address(7), 5), 1);
        address[] memory next = new address[](1);
        next[0] = address(7);
        bytes32 members = sotto.membersDigest(next, 1);
        vm.assertTrue(keys != payout && payout != members && keys != members, "three digests");
        bytes memory proof = proofOf(keys);
        vm.expectRevert();
        sotto.setMembers(next, 1, proof);
    }

    // --------------------------------------------------------------- payouts

    function earn(uint256 amount) private {
        Ask memory ask = plainAsk();
        uint64 id = sotto.request{value: amount}(ask);
        Answer[] memory answers = new Answer[](1);
        answers[0] = answerTo(id, ask, address(this), amount, "r");
        sotto.fulfilBatch(answers, proofOf(sotto.batchDigest(answers)));
    }

    function test_payout_pays_from_settled_escrows_alone() public {
        earn(10 gwei);
        sotto.request{value: 100 gwei}(plainAsk());
        Payment[] memory payments = new Payment[](3);
        payments[0] = Payment(address(0xA1), 6 gwei);
        payments[1] = Payment(address(0xA2), 0);
        payments[2] = Payment(address(0xA1), 4 gwei + 1);
        expectPayoutRefused(payments, abi.encodeWithSelector(ISotto.PayoutTooLarge.selector, 10 gwei + 1, 10 gwei));
        payments[2].amount = 4 gwei;
        vm.expectEmit(address(sotto));
        emit ISotto.Paid(1, address(0xA1), 6 gwei);
        sotto.payout(payments, 1, proofOf(sotto.payoutDigest(payments, 1)));
        vm.assertEq(address(0xA1).balance, 10 gwei, "paid");
        vm.assertEq(sotto.networkBalance(), 0, "nothing left");
        vm.assertEq(address(sotto).balance, 100 gwei, "the open escrow stands");
        vm.expectRevert(abi.encodeWithSelector(ISotto.WrongNonce.selector, 1, 2));
        sotto.payout(payments, 1, "");
    }

    function test_payout_has_limits() public {
        earn(10 gwei);
        expectPayoutRefused(paymentsOf(address(0), 1), abi.encodeWithSelector(ISotto.ZeroAddress.selector));
        expectPayoutRefused(paymentsOf(address(sotto), 1), abi.encodeWithSelector(ISotto.PayeeIsSotto.selector));
        Payment[] memory payments = new Payment[](2);
        payments[0] = Payment(address(1), type(uint256).max);
        payments[1] = Payment(address(1), 1);
        expectPayoutRefused(payments, abi.encodeWithSignature("Panic(uint256)", 0x11));
        expectPayoutRefused(new Payment[](129), abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 129, 128));
    }

    function expectPayoutRefused(Payment[] memory payments, bytes memory why) private {
        bytes memory proof = proofOf(sotto.payoutDigest(payments, 1));
        vm.expectRevert(why);
        sotto.payout(payments, 1, proof);
    }

    function test_a_refusing_payee_is_owed_and_stops_no_other() public {
        earn(10 gwei);
        Hostile[4] memory payees;
        Hostile.Mood[4] memory moods =
            [Hostile.Mood.Reverting, Hostile.Mood.Burning, Hostile.Mood.RevertBomb, Hostile.Mood.ReturnBomb];
        Payment[] memory payments = new Payment[](5);
        for (uint256 i = 0; i < 4; ++i) {
            payees[i] = new Hostile(sotto);
            payees[i].setMood(Hostile.Mood.Kind, moods[i]);
            payments[i] = Payment(address(payees[i]), 2 gwei);
        }
        payments[4] = Payment(address(0xA5), 2 gwei);
        bytes memory proof = proofOf(sotto.payoutDigest(payments, 1));
        uint256 left = gasleft();
        sotto.payout(payments, 1, proof);
        vm.assertLe(left - gasleft(), 600_000, "bounded");
        vm.assertEq(address(0xA5).balance, 2 gwei, "the last is paid");
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(sotto.owed(address(payees[i])), 2 gwei, "owed");
        }
        vm.assertEq(address(payees[3]).balance, 2 gwei, "a return bomb is a success");
        payees[0].withdraw(payable(address(0xA6)));
        vm.assertEq(address(0xA6).balance, 2 gwei, "taken by its owner");
        vm.assertEq(address(sotto).balance, 4 gwei, "two are still owed");
    }

    function test_reentry_while_paid_gains_nothing() public {
        earn(10 gwei);
        Hostile payee = new Hostile(sotto);
        Payment[] memory payments = paymentsOf(address(payee), 2 gwei);
        bytes memory proof = proofOf(sotto.payoutDigest(payments, 1));
        bytes[] memory attempts = new bytes[](2);
        attempts[0] = abi.encodeCall(ISotto.payout, (payments, 1, proof));
        attempts[1] = abi.encodeCall(ISotto.withdraw, (payable(address(payee))));
        payee.setAttempts(attempts);
        payee.setMood(Hostile.Mood.Kind, Hostile.Mood.Reentering);
        sotto.payout(payments, 1, proof);
        vm.assertEq(payee.gained(), 0, "no re-entrant call did anything");
        vm.assertEq(sotto.networkBalance(), 8 gwei, "paid once");
    }

    // --------------------------------------------------------------- members

    function test_the_old_set_hands_over_and_then_has_no_say() public {
        uint256[] memory nextKeys = keysOf(0x2000, 7);
        // One of the old stays.
        nextKeys[0] = memberKeys[0];
        address[] memory next = addressesOf(nextKeys);
        bytes memory proof = proofOf(sotto.membersDigest(next, 1));
        vm.expectEmit(address(sotto));
        emit ISotto.MembersSet(1, next);
        sotto.setMembers(next, 1, proof);
        vm.assertEq(sotto.members().length, 7, "seven");
        vm.assertEq(sotto.threshold(), 5, "five of seven");
        vm.assertTrue(sotto.isMember(vm.addr(memberKeys[0])), "who stayed");
        vm.assertTrue(!sotto.isMember(vm.addr(memberKeys[1])), "who left");
        KeyEntry[] memory entries = entriesOf(address(7), uint64(NOW + 1));
        bytes memory old = proofOf(3, sotto.keysDigest(entries, 1));
        vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureLength.selector, 195, 325));
        sotto.setResultKeys(entries, 1, old);
        memberKeys = sorted(nextKeys);
        registerKey(APP, address(7), uint64(NOW + 1));
        vm.assertEq(sotto.resultKeys(APP, address(7)), NOW + 1, "the new set has the say");
    }

    function sorted(uint256[] memory keys) private pure returns (uint256[] memory) {
        for (uint256 i = 1; i < keys.length; ++i) {
            uint256 key = keys[i];
            uint256 slot = i;
            for (; slot != 0 && vm.addr(keys[slot - 1]) > vm.addr(key); --slot) {
                keys[slot] = keys[slot - 1];
            }
            keys[slot] = key;
        }
        return keys;
    }

    function test_the_new_set_cannot_install_itself() public {
        uint256[] memory old = memberKeys;
        memberKeys = keysOf(0x2000, 4);
        address[] memory next = addressesOf(memberKeys);
        bytes memory proof = proofOf(3, sotto.membersDigest(next, 1));
        vm.expectPartialRevert(ISotto.NotMember.selector);
        sotto.setMembers(next, 1, proof);
        memberKeys = old;
        sotto.setMembers(next, 1, proofOf(sotto.membersDigest(next, 1)));
    }

    function test_member_sets_have_limits() public {
        address[] memory next = new address[](0);
        expectMembersRefused(next, abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 0, 64));
        next = new address[](65);
        expectMembersRefused(next, abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 65, 64));
        next = new address[](2);
        next[0] = address(5);
        expectMembersRefused(next, abi.encodeWithSelector(ISotto.ZeroAddress.selector));
        next[1] = address(5);
        expectMembersRefused(next, abi.encodeWithSelector(ISotto.DuplicateMember.selector, address(5)));
        next = addressesOf(keysOf(0x3000, 64));
        sotto.setMembers(next, 1, proofOf(sotto.membersDigest(next, 1)));
        vm.assertEq(sotto.threshold(), 43, "the largest set");
    }

    function expectMembersRefused(address[] memory next, bytes memory why) private {
        bytes memory proof = proofOf(sotto.membersDigest(next, 1));
        vm.expectRevert(why);
        sotto.setMembers(next, 1, proof);
    }

    function test_nothing_is_done_on_the_other_side_of_a_split() public {
        vm.chainId(5);
        bytes memory changed = abi.encodeWithSelector(ISotto.ChainChanged.selector, 31337, 5);
        vm.expectRevert(changed);
        sotto.setResultKeys(new KeyEntry[](1), 1, "");
        vm.expectRevert(changed);
        sotto.payout(new Payment[](1), 1, "");
        vm.expectRevert(changed);
        sotto.setMembers(new address[](1), 1, "");
    }

    function testFuzz_any_quorum_and_no_smaller_set(uint256 count, uint256 chosen) public {
        count = 1 + count % 10;
        deploy(count);
        uint256 needed = sotto.threshold();
        vm.assertTrue(3 * needed > 2 * count || count < 3, "over two thirds");
        KeyEntry[] memory entries = entriesOf(address(7), uint64(NOW + 1));
        bytes32 digest = sotto.keysDigest(entries, 1);
        bytes memory proof;
        uint256 taken = 0;
        for (uint256 i = 0; i < count; ++i) {
            // Takes each member by a bit of `chosen`, and the last ones so that the quorum is met.
            bool take = count - i == needed - taken || (chosen >> i) & 1 == 1;
            if (!take || taken == needed) continue;
            bytes memory one = signWith(memberKeys[i], digest);
            if (taken == needed - 1) {
                vm.expectRevert(abi.encodeWithSelector(ISotto.SignatureLength.selector, taken * 65, needed * 65));
                sotto.setResultKeys(entries, 1, proof);
            }
            proof = bytes.concat(proof, one);
            ++taken;
        }
        sotto.setResultKeys(entries, 1, proof);
        vm.assertEq(keysNonce(), 1, "taken");
    }
}
