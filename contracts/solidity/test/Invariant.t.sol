// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Hostile} from "./Hostile.sol";
import {Answer, Ask, ISotto, Payment, Status} from "../src/ISotto.sol";

/// @title Does anything anyone may do, in any order, and keeps by itself what should have come of it.
contract Handler is Base {
    Hostile[] public consumers;
    uint256 public asked;
    uint256 public keysSet;
    uint256 public payouts;
    uint256 public handovers;
    uint256 public expectedNetwork;
    uint256 public openEscrow;
    mapping(uint256 id => Status) public expected;
    mapping(uint256 id => uint256) public leftOpen;

    /// @dev ABI-encoded: the compiler's quick way cannot store lists of structs.
    mapping(uint256 id => bytes) private asks;
    mapping(uint256 id => Hostile) private askers;
    mapping(uint256 id => uint256) private escrows;
    mapping(uint256 id => bytes) private results;
    mapping(address consumer => uint256 id) private latest;
    uint256 private keySeed = 0x9000;

    constructor() {
        setUp();
        vm.deal(address(this), 1_000_000 ether);
        for (uint256 i = 0; i < 4; ++i) {
            consumers.push(new Hostile(sotto));
        }
        registerKey(APP, vm.addr(RESULT_KEY), uint64(NOW + LIFETIME));
        keysSet = 2;
    }

    function contractUnderTest() external view returns (ISotto) {
        return sotto;
    }

    function askOf(uint256 id) private view returns (Ask memory) {
        return abi.decode(asks[id], (Ask));
    }

    function pick(uint256 seed) private view returns (uint64) {
        return uint64(1 + seed % asked);
    }

    modifier someRequest() {
        if (asked == 0) return;
        _;
    }

    function setMood(uint256 who, uint256 mood, uint256 money) external {
        // Not the burning ones: a thousand calls of two million gas each prove nothing more.
        Hostile.Mood[4] memory moods =
            [Hostile.Mood.Kind, Hostile.Mood.Reverting, Hostile.Mood.ReturnBomb, Hostile.Mood.Reentering];
        consumers[who % consumers.length].setMood(moods[mood % 4], moods[money % 4]);
    }

    function ask(uint256 who, uint40 escrowGwei, uint32 window, uint16 kilogas) external {
        Ask memory what = plainAsk();
        what.deadline = uint64(vm.getBlockTimestamp() + 1 + window % 1 hours);
        what.callbackGas = kilogas % 3 == 0 ? 0 : 500_000;
        Hostile consumer = consumers[who % consumers.length];
        uint256 escrow = uint256(escrowGwei % 1_000_000) * 1 gwei;
        uint64 id = consumer.ask{value: escrow}(what);
        ++asked;
        vm.assertEq(id, asked, "ids rise by one");
        asks[id] = abi.encode(what);
        (askers[id], escrows[id], expected[id]) = (consumer, escrow, Status.Open);
        openEscrow += escrow;
        latest[address(consumer)] = id;
        // When it re-enters, it tries what it can with this request.
        bytes[] memory attempts = new bytes[](3);
        attempts[0] = abi.encodeCall(ISotto.refund, (id));
        attempts[1] = abi.encodeCall(ISotto.deliver, (id, "result"));
        attempts[2] = abi.encodeCall(ISotto.withdraw, (payable(address(consumer))));
        consumer.setAttempts(attempts);
    }

    function answer(uint256 seed) private view returns (Answer memory) {
        uint64 id = pick(seed);
        return answerTo(id, askOf(id), address(askers[id]), escrows[id], abi.encode("result of", id));
    }

    /// @dev What must have come of settling `id` now, if it was open and in time.
    function noteSettled(uint64 id) private {
        if (expected[id] != Status.Open || vm.getBlockTimestamp() > askOf(id).deadline) return;
        ++leftOpen[id];
        openEscrow -= escrows[id];
        expectedNetwork += escrows[id];
        results[id] = abi.encode("result of", id);
        bool fails = askOf(id).callbackGas != 0 && askers[id].mood() == Hostile.Mood.Reverting;
        expected[id] = fails ? Status.Undelivered : Status.Fulfilled;
    }

    function fulfil(uint256 seed) external someRequest noting {
        Answer memory one = answer(seed);
        bytes memory signature = signed(one);
        bool good = expected[one.id] == Status.Open && vm.getBlockTimestamp() <= askOf(one.id).deadline;
        noteSettled(one.id);
        (bool done,) = address(sotto).call(abi.encodeCall(ISotto.fulfil, (one, signature)));
        bool keyGood = sotto.resultKeys(APP, vm.addr(RESULT_KEY)) >= vm.getBlockTimestamp();
        vm.assertTrue(keyGood, "the handler keeps its key good");
        vm.assertTrue(done == good, "fulfilled just when it should be");
    }

    function fulfilBatch(uint256 seed, uint8 count) external someRequest noting {
        Answer[] memory many = new Answer[](1 + count % 6);
        for (uint256 i = 0; i < many.length; ++i) {
            many[i] = answer(uint256(keccak256(abi.encode(seed, i))));
        }
        bytes memory proof = proofOf(sotto.batchDigest(many));
        for (uint256 i = 0; i < many.length; ++i) {
            noteSettled(many[i].id);
        }
        sotto.fulfilBatch(many, proof);
    }

    function forge(uint256 seed, uint256 key) external someRequest {
        Answer memory one = answer(seed);
        bytes memory signature = signWith(1 + key % 1000, sotto.resultDigest(one));
        (bool done,) = address(sotto).call(abi.encodeCall(ISotto.fulfil, (one, signature)));
        vm.assertTrue(!done, "a forged answer");
    }

    function refund(uint256 seed) external someRequest noting {
        uint64 id = pick(seed);
        bool good = expected[id] == Status.Open && vm.getBlockTimestamp() > askOf(id).deadline;
        if (good) {
            ++leftOpen[id];
            openEscrow -= escrows[id];
            expected[id] = Status.Refunded;
        }
        (bool done,) = address(sotto).call(abi.encodeCall(ISotto.refund, (id)));
        vm.assertTrue(done == good, "refunded just when it should be");
    }

    function deliver(uint256 seed) external someRequest noting {
        uint64 id = pick(seed);
        bool good = expected[id] == Status.Undelivered && askers[id].mood() != Hostile.Mood.Reverting;
        if (good) expected[id] = Status.Fulfilled;
        (bool done,) = address(sotto).call(abi.encodeCall(ISotto.deliver, (id, results[id])));
        vm.assertTrue(done == good, "delivered just when it should be");
    }

    function payOutSome(uint256 who, uint256 share) external noting {
        uint256 amount = sotto.networkBalance() * (share % 101) / 100;
        expectedNetwork -= amount;
        ++payouts;
        payOut(address(consumers[who % consumers.length]), amount);
    }

    function payOutTooMuch(uint256 extra) external {
        Payment[] memory payments = new Payment[](1);
        payments[0] = Payment(address(0xA1), sotto.networkBalance() + 1 + extra % 1 ether);
        uint64 nonce = payoutNonce() + 1;
        bytes memory proof = proofOf(sotto.payoutDigest(payments, nonce));
        (bool done,) = address(sotto).call(abi.encodeCall(ISotto.payout, (payments, nonce, proof)));
        vm.assertTrue(!done, "more than was earned");
    }

    function withdraw(uint256 who) external noting {
        Hostile consumer = consumers[who % consumers.length];
        if (sotto.owed(address(consumer)) == 0) return;
        consumer.withdraw(payable(address(0xCAFE)));
        vm.assertEq(sotto.owed(address(consumer)), 0, "taken");
    }

    function handOver(uint256 count) external {
        uint256[] memory next = keysOf(keySeed, 1 + count % 5);
        keySeed += 10;
        uint64 nonce = membersNonce() + 1;
        address[] memory list = addressesOf(next);
        sotto.setMembers(list, nonce, proofOf(sotto.membersDigest(list, nonce)));
        memberKeys = next;
        ++handovers;
    }

    function wait_(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + time % 40 minutes);
        registerKey(APP, vm.addr(RESULT_KEY), uint64(vm.getBlockTimestamp() + LIFETIME));
        ++keysSet;
    }

    /// @dev A re-entering consumer may have refunded its latest request on the way, if that was overdue.
    modifier noting() {
        _;
        for (uint256 i = 0; i < consumers.length; ++i) {
            uint256 id = latest[address(consumers[i])];
            if (id == 0 || expected[id] != Status.Open || vm.getBlockTimestamp() <= askOf(id).deadline) continue;
            if (statusOf(uint64(id)) != Status.Refunded) continue;
            ++leftOpen[id];
            openEscrow -= escrows[id];
            expected[id] = Status.Refunded;
        }
    }

    function owedToAll() external view returns (uint256 sum) {
        for (uint256 i = 0; i < consumers.length; ++i) {
            sum += sotto.owed(address(consumers[i]));
        }
    }
}

/// @title What holds whatever happens.
contract InvariantTest is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;

    function setUp() public override {
        handler = new Handler();
        sotto = handler.contractUnderTest();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = Handler.setMood.selector;
        selectors[1] = Handler.ask.selector;
        selectors[2] = Handler.ask.selector;
        selectors[3] = Handler.fulfil.selector;
        selectors[4] = Handler.fulfilBatch.selector;
        selectors[5] = Handler.forge.selector;
        selectors[6] = Handler.refund.selector;
        selectors[7] = Handler.deliver.selector;
        selectors[8] = Handler.payOutSome.selector;
        selectors[9] = Handler.payOutTooMuch.selector;
        selectors[10] = Handler.withdraw.selector;
        selectors[11] = Handler.handOver.selector;
        selectors[12] = Handler.wait_.selector;
        list[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_every_wei_is_accounted_for() public view {
        vm.assertEq(sotto.networkBalance(), handler.expectedNetwork(), "the network's account");
        vm.assertEq(
            address(sotto).balance,
            handler.openEscrow() + sotto.networkBalance() + handler.owedToAll(),
            "open escrow, the network's account, and what is owed"
        );
    }

    function invariant_a_request_leaves_open_once() public view {
        uint256 open = 0;
        for (uint256 id = 1; id <= handler.asked(); ++id) {
            vm.assertEq(uint256(statusOf(uint64(id))), uint256(handler.expected(id)), "its status");
            if (handler.expected(id) == Status.Open) {
                vm.assertEq(handler.leftOpen(id), 0, "never left");
                open += uint256(sotto.requestOf(uint64(id)).escrowGwei) * 1 gwei;
            } else {
                vm.assertEq(handler.leftOpen(id), 1, "left once");
            }
        }
        vm.assertEq(open, handler.openEscrow(), "the open escrow");
    }

    function invariant_counters_rise_by_one() public view {
        vm.assertEq(sotto.requestCount(), handler.asked(), "requests");
        assertStatus(uint64(handler.asked() + 1), Status.None, "no request beyond the counter");
        vm.assertEq(keysNonce(), handler.keysSet(), "keys");
        vm.assertEq(payoutNonce(), handler.payouts(), "payouts");
        vm.assertEq(membersNonce(), handler.handovers(), "members");
    }
}
