// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Ask, ISotto, Request, Status, Submission} from "../src/ISotto.sol";

/// @title Construction and asking.
contract RequestTest is Base {
    function test_constructor_keeps_its_parameters() public view {
        vm.assertEq(sotto.network(), NETWORK, "network");
        vm.assertEq(sotto.chain(), sha256("eip155:31337"), "chain");
        bytes32 tag = sha256("sotto/domain/v1");
        vm.assertEq(sotto.domain(), sha256(abi.encode(tag, NETWORK, sha256("eip155:31337"), address(sotto))), "domain");
        vm.assertEq(sotto.maxKeyLifetime(), LIFETIME, "lifetime");
        vm.assertEq(sotto.members().length, 1, "members");
        vm.assertTrue(sotto.isMember(vm.addr(memberKeys[0])), "member");
        vm.assertEq(sotto.requestCount(), 0, "count");
    }

    function test_constructor_refuses_bad_member_sets() public {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 0, 64));
        deploySotto(NETWORK, none, LIFETIME);
        address[] memory many = new address[](65);
        vm.expectRevert(abi.encodeWithSelector(ISotto.CountOutOfRange.selector, 65, 64));
        deploySotto(NETWORK, many, LIFETIME);
        address[] memory zero = new address[](2);
        zero[0] = address(1);
        vm.expectRevert(abi.encodeWithSelector(ISotto.ZeroAddress.selector));
        deploySotto(NETWORK, zero, LIFETIME);
        zero[1] = address(1);
        vm.expectRevert(abi.encodeWithSelector(ISotto.DuplicateMember.selector, address(1)));
        deploySotto(NETWORK, zero, LIFETIME);
    }

    function test_threshold_of_every_member_count() public {
        uint256[7] memory n = [uint256(1), 2, 3, 4, 7, 22, 64];
        uint256[7] memory t = [uint256(1), 2, 3, 3, 5, 15, 43];
        for (uint256 i = 0; i < n.length; ++i) {
            deploy(n[i]);
            vm.assertEq(sotto.threshold(), t[i], "t of n");
        }
    }

    function test_request_is_kept_and_told() public {
        Ask memory ask = plainAsk();
        ask.submissions = new Submission[](2);
        ask.submissions[0] = Submission(address(0x11), bytes32(uint256(0x22)));
        ask.submissions[1] = Submission(address(0x33), bytes32(uint256(0x44)));
        ask.callbackGas = 70_000;
        vm.expectEmit(address(sotto));
        emit ISotto.Requested(1, address(this), APP, ask, 5 gwei);
        uint64 id = sotto.request{value: 5 gwei}(ask);
        vm.assertEq(id, 1, "first id");
        Request memory kept = sotto.requestOf(id);
        vm.assertEq(kept.consumer, address(this), "consumer");
        vm.assertEq(kept.escrowGwei, 5, "escrow");
        vm.assertEq(kept.deadline, ask.deadline, "deadline");
        vm.assertEq(kept.callbackKilogas, 70, "callback gas");
        vm.assertEq(uint256(kept.status), uint256(Status.Open), "status");
        bytes32 terms = sotto.termsOf(ask, address(this), 5 gwei);
        vm.assertEq(kept.hash, sotto.requestHashOf(1, APP, GENERATION, terms), "hash");
        vm.assertEq(address(sotto).balance, 5 gwei, "held");
        vm.assertEq(sotto.networkBalance(), 0, "not earned yet");
    }

    function test_ids_have_no_gaps() public {
        for (uint64 i = 1; i <= 5; ++i) {
            vm.assertEq(sotto.request(plainAsk()), i, "next id");
            Ask memory bad = plainAsk();
            bad.callbackGas = 1;
            vm.expectPartialRevert(ISotto.CallbackGasOutOfRange.selector);
            sotto.request(bad);
            vm.assertEq(sotto.requestCount(), i, "a refused request takes no id");
        }
    }

    function test_deadline_lies_ahead_within_30_days() public {
        Ask memory ask = plainAsk();
        uint64[3] memory bad = [uint64(NOW), 0, uint64(NOW + 30 days + 1)];
        for (uint256 i = 0; i < bad.length; ++i) {
            ask.deadline = bad[i];
            vm.expectRevert(abi.encodeWithSelector(ISotto.DeadlineOutOfRange.selector, bad[i], NOW + 1, NOW + 30 days));
            sotto.request(ask);
        }
        ask.deadline = uint64(NOW + 1);
        sotto.request(ask);
        ask.deadline = uint64(NOW + 30 days);
        sotto.request(ask);
    }

    function test_deadline_fits_32_bits() public {
        vm.warp(type(uint32).max - 1 days);
        Ask memory ask = plainAsk();
        ask.deadline = uint64(type(uint32).max) + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                ISotto.DeadlineOutOfRange.selector, ask.deadline, vm.getBlockTimestamp() + 1, type(uint32).max
            )
        );
        sotto.request(ask);
        ask.deadline = type(uint32).max;
        vm.assertEq(sotto.requestOf(sotto.request(ask)).deadline, type(uint32).max, "the last second");
    }

    function test_callback_gas_is_whole_kilogas_up_to_two_million() public {
        Ask memory ask = plainAsk();
        uint32[3] memory bad = [uint32(1), 1001, 2_001_000];
        for (uint256 i = 0; i < bad.length; ++i) {
            ask.callbackGas = bad[i];
            vm.expectRevert(abi.encodeWithSelector(ISotto.CallbackGasOutOfRange.selector, bad[i]));
            sotto.request(ask);
        }
        ask.callbackGas = 2_000_000;
        vm.assertEq(sotto.requestOf(sotto.request(ask)).callbackKilogas, 2000, "the most");
    }

    function test_escrow_is_whole_gwei_below_the_limit() public {
        Ask memory ask = plainAsk();
        vm.deal(address(this), 2 ** 41 * 1 gwei);
        uint256[3] memory bad = [uint256(1), 1 gwei + 1, 2 ** 40 * 1 gwei];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISotto.EscrowOutOfRange.selector, bad[i]));
            sotto.request{value: bad[i]}(ask);
        }
        uint64 id = sotto.request{value: (2 ** 40 - 1) * 1 gwei}(ask);
        vm.assertEq(sotto.requestOf(id).escrowGwei, 2 ** 40 - 1, "the most");
    }

    function test_submissions_and_payload_have_limits() public {
        Ask memory ask = plainAsk();
        ask.submissions = new Submission[](257);
        vm.expectRevert(abi.encodeWithSelector(ISotto.TooManySubmissions.selector, 257, 256));
        sotto.request(ask);
        ask.submissions = new Submission[](256);
        ask.payload = new bytes(1025);
        vm.expectRevert(abi.encodeWithSelector(ISotto.PayloadTooLong.selector, 1025, 1024));
        sotto.request(ask);
        ask.payload = new bytes(1024);
        sotto.request(ask);
    }

    function test_payload_hash_rules() public {
        Ask memory ask = plainAsk();
        bytes32 implied = sotto.termsOf(ask, address(this), 0);
        ask.payloadHash = sha256("hello");
        vm.assertEq(sotto.termsOf(ask, address(this), 0), implied, "0 means the payload's own hash");
        ask.payloadHash = bytes32(uint256(1));
        vm.expectRevert(abi.encodeWithSelector(ISotto.PayloadHashMismatch.selector, ask.payloadHash, sha256("hello")));
        sotto.request(ask);
        ask.payload = "";
        bytes32 offChain = sotto.termsOf(ask, address(this), 0);
        vm.assertEq(sotto.request(ask), 1, "a hash alone is taken");
        ask.payloadHash = 0;
        bytes32 nothing = sotto.termsOf(ask, address(this), 0);
        ask.payloadHash = sha256("");
        vm.assertEq(sotto.termsOf(ask, address(this), 0), nothing, "0 means nothing");
        vm.assertTrue(nothing != offChain && nothing != implied, "three different terms");
    }

    function test_a_submitter_with_dirty_bits_is_refused() public {
        Ask memory ask = plainAsk();
        ask.submissions = new Submission[](1);
        ask.submissions[0] = Submission(address(0x1122334455667788990011223344556677889900), bytes32("envelope"));
        bytes memory data = abi.encodeCall(ISotto.request, (ask));
        (bool clean,) = address(sotto).call(data);
        vm.assertTrue(clean, "as encoded");
        // The submitter's word is found by its bytes, and its highest one dirtied.
        for (uint256 i = 4; i + 32 <= data.length; i += 32) {
            if (bytes32(slice(data, i)) == bytes32(uint256(uint160(ask.submissions[0].submitter)))) data[i] = 0x01;
        }
        (bool dirty,) = address(sotto).call(data);
        vm.assertTrue(!dirty, "with a dirty address");
        vm.assertEq(sotto.requestCount(), 1, "one request");
    }

    function slice(bytes memory data, uint256 start) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), start))
        }
    }

    function test_plain_ether_and_unknown_calls_are_refused() public {
        (bool sent,) = address(sotto).call{value: 1 gwei}("");
        vm.assertTrue(!sent, "plain ether");
        (bool called,) = address(sotto).call{value: 1 gwei}(hex"12345678");
        vm.assertTrue(!called, "unknown function");
    }

    function test_the_other_side_of_a_split_settles_nothing() public {
        vm.chainId(31338);
        bytes memory changed = abi.encodeWithSelector(ISotto.ChainChanged.selector, 31337, 31338);
        Ask memory ask = plainAsk();
        vm.expectRevert(changed);
        sotto.request(ask);
    }

    function testFuzz_terms_bind_every_field(uint256 which, uint256 delta) public view {
        Ask memory ask = plainAsk();
        ask.submissions = new Submission[](1);
        bytes32 before = sotto.termsOf(ask, address(this), 1 gwei);
        which %= 8;
        delta = 1 + delta % 1_000_000;
        address consumer = address(this);
        uint256 escrow = 1 gwei;
        if (which == 0) ask.context = bytes32(uint256(ask.context) ^ delta);
        if (which == 1) ask.submissions[0].submitter = address(uint160(delta));
        if (which == 2) ask.submissions[0].envelope = bytes32(delta);
        if (which == 3) ask.payload = abi.encode(delta);
        if (which == 4) ask.callbackGas += uint32(delta);
        if (which == 5) ask.assurance += uint32(delta);
        if (which == 6) ask.deadline += uint64(delta);
        if (which == 7) (consumer, escrow) = (address(uint160(delta)), escrow + delta);
        vm.assertTrue(sotto.termsOf(ask, consumer, escrow) != before, "a changed field changes the terms");
    }
}
