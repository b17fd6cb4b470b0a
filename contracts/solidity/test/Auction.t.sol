// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Answer, Ask, ISotto, Status, Submission} from "../src/ISotto.sol";
import {SottoConsumer} from "../src/SottoConsumer.sol";
import {Auction} from "../src/examples/Auction.sol";

/// @title The sealed-bid auction: bids, closing and closing again, results, money, and the way out.
contract AuctionTest is Base {
    uint256 private constant RESERVE = 1 ether;
    uint256 private constant DEPOSIT = 10 ether;
    uint64 private constant ENDS = uint64(NOW + 1 hours);
    uint32 private constant WINDOW = 10 minutes;
    uint32 private constant CALLBACK_GAS = 120_000;
    bytes32 private constant CONTEXT = bytes32("auction 1");

    Auction private auction;

    function setUp() public override {
        super.setUp();
        auction = create(RESERVE, DEPOSIT, ENDS, WINDOW, CALLBACK_GAS);
    }

    function create(uint256 reserve, uint256 deposit, uint64 ends, uint32 window, uint32 callbackGas)
        private
        returns (Auction)
    {
        bytes memory arguments =
            abi.encode(sotto, APP, GENERATION, reserve, deposit, ends, window, callbackGas, CONTEXT);
        return Auction(payable(deployCommitted("Auction", arguments)));
    }

    function bidder(uint256 i) private pure returns (address) {
        return address(uint160(0xB1D0000 + i));
    }

    function bidAs(address who, bytes memory envelope, uint256 value) private {
        vm.deal(who, who.balance + value);
        vm.prank(who);
        auction.bid{value: value}(envelope);
    }

    function bidMany(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            bidAs(bidder(i), abi.encode("envelope", i), DEPOSIT);
        }
    }

    /// @dev The request that `close` must have made now.
    function expectedAsk(Submission[] memory list) private view returns (Ask memory) {
        return Ask({
            app: APP,
            generation: GENERATION,
            context: CONTEXT,
            submissions: list,
            payload: abi.encode(RESERVE, DEPOSIT),
            payloadHash: 0,
            callbackGas: CALLBACK_GAS,
            assurance: 0x01010100,
            deadline: uint64(vm.getBlockTimestamp() + WINDOW)
        });
    }

    function closeWith(uint256 escrow) private returns (uint64 id, Ask memory ask) {
        if (vm.getBlockTimestamp() < ENDS) vm.warp(ENDS);
        ask = expectedAsk(auction.submissions());
        id = auction.close{value: escrow}();
    }

    function settle(uint64 id, Ask memory ask, uint256 escrow, bytes memory result) private {
        Answer memory answer = answerTo(id, ask, address(auction), escrow, result);
        sotto.fulfil(answer, signed(answer));
    }

    function withdrawAs(address who) private returns (uint256) {
        vm.prank(who);
        return auction.withdraw();
    }

    // ------------------------------------------------------------------ bids

    function test_parameters_are_checked() public {
        bytes memory bad = abi.encodeWithSelector(Auction.BadParameters.selector);
        vm.expectRevert(bad);
        create(0, 0, ENDS, WINDOW, CALLBACK_GAS);
        vm.expectRevert(bad);
        create(DEPOSIT + 1, DEPOSIT, ENDS, WINDOW, CALLBACK_GAS);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, uint64(NOW), WINDOW, CALLBACK_GAS);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, ENDS, 0, CALLBACK_GAS);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, ENDS, 30 days + 1, CALLBACK_GAS);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, ENDS, WINDOW, 0);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, ENDS, WINDOW, 1001);
        vm.expectRevert(bad);
        create(RESERVE, DEPOSIT, ENDS, WINDOW, 2_001_000);
    }

    function test_a_bid_is_published_and_only_its_hash_kept() public {
        bytes memory envelope = new bytes(512);
        vm.expectEmit(address(auction));
        emit SottoConsumer.Envelope(sha256(envelope), bidder(0), envelope);
        bidAs(bidder(0), envelope, DEPOSIT);
        (bytes32 hash, uint64 place, bool withdrawn) = auction.bids(bidder(0));
        vm.assertEq(hash, sha256(envelope), "hash");
        vm.assertEq(place, 1, "place");
        vm.assertTrue(!withdrawn, "held");
        vm.assertEq(address(auction).balance, DEPOSIT, "one deposit");
    }

    function test_bid_rules() public {
        bytes memory envelope = "envelope";
        vm.expectRevert(abi.encodeWithSelector(Auction.EnvelopeLength.selector, 0));
        auction.bid{value: DEPOSIT}("");
        vm.expectRevert(abi.encodeWithSelector(Auction.EnvelopeLength.selector, 513));
        auction.bid{value: DEPOSIT}(new bytes(513));
        vm.expectRevert(abi.encodeWithSelector(Auction.WrongDeposit.selector, 0, DEPOSIT));
        auction.bid(envelope);
        vm.expectRevert(abi.encodeWithSelector(Auction.WrongDeposit.selector, DEPOSIT + 1, DEPOSIT));
        auction.bid{value: DEPOSIT + 1}(envelope);
        auction.bid{value: DEPOSIT}(envelope);
        vm.expectRevert(abi.encodeWithSelector(Auction.WrongDeposit.selector, DEPOSIT, 0));
        auction.bid{value: DEPOSIT}(envelope);
        vm.warp(ENDS - 1);
        auction.bid(envelope);
        vm.warp(ENDS);
        vm.expectRevert(abi.encodeWithSelector(Auction.BiddingOver.selector, ENDS, ENDS));
        auction.bid(envelope);
    }

    function test_a_later_bid_replaces_and_takes_the_later_place() public {
        bidMany(4);
        bidAs(bidder(1), "again", 0);
        bidAs(bidder(0), "again too", 0);
        bidAs(bidder(1), "and again", 0);
        Submission[] memory list = auction.submissions();
        vm.assertEq(list.length, 4, "one entry a bidder");
        expectEntry(list[0], bidder(2), abi.encode("envelope", uint256(2)));
        expectEntry(list[1], bidder(3), abi.encode("envelope", uint256(3)));
        expectEntry(list[2], bidder(0), "again too");
        expectEntry(list[3], bidder(1), "and again");
        vm.assertEq(address(auction).balance, 4 * DEPOSIT, "four deposits");
    }

    function expectEntry(Submission memory entry, address who, bytes memory envelope) private pure {
        vm.assertEq(entry.submitter, who, "submitter");
        vm.assertEq(entry.envelope, sha256(envelope), "envelope");
    }

    function testFuzz_the_order_is_that_of_last_bids(uint8[24] memory order) public {
        // `last[i]` is the turn of bidder i's last bid; the list must rise by it and hold each bidder once.
        uint256[8] memory last;
        uint256 count = 0;
        for (uint256 turn = 0; turn < order.length; ++turn) {
            uint256 i = order[turn] % 8;
            if (last[i] == 0) ++count;
            bidAs(bidder(i), abi.encode("turn", turn), last[i] == 0 ? DEPOSIT : 0);
            last[i] = turn + 1;
        }
        Submission[] memory list = auction.submissions();
        vm.assertEq(list.length, count, "each bidder once");
        uint256 before = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 turn = last[uint160(list[i].submitter) - 0xB1D0000];
            vm.assertTrue(turn > before, "rising");
            expectEntry(list[i], list[i].submitter, abi.encode("turn", turn - 1));
            before = turn;
        }
    }

    function test_there_are_64_places() public {
        bidMany(64);
        vm.deal(bidder(64), DEPOSIT);
        vm.prank(bidder(64));
        vm.expectRevert(abi.encodeWithSelector(Auction.AuctionFull.selector));
        auction.bid{value: DEPOSIT}("one more");
        bidAs(bidder(7), "who is in may bid again", 0);
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        vm.assertEq(ask.submissions.length, 64, "all of them");
        settle(id, ask, 1 gwei, abi.encode(bidder(63), RESERVE));
        vm.assertTrue(auction.settled(), "settled");
    }

    // --------------------------------------------------------------- closing

    function test_close_asks_for_exactly_the_list() public {
        bidMany(3);
        vm.warp(ENDS);
        Ask memory ask = expectedAsk(auction.submissions());
        vm.expectEmit(address(sotto));
        emit ISotto.Requested(1, address(auction), APP, ask, 5 gwei);
        vm.prank(address(0x57A));
        vm.deal(address(0x57A), 1 ether);
        auction.close{value: 5 gwei}();
        vm.assertEq(auction.requestId(), 1, "its request");
        vm.assertEq(auction.escrowPayer(), address(0x57A), "who paid");
    }

    function test_close_neither_early_nor_twice() public {
        bidMany(2);
        vm.warp(ENDS - 1);
        vm.expectRevert(abi.encodeWithSelector(Auction.BiddingStillOpen.selector, ENDS, ENDS - 1));
        auction.close();
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyClosed.selector, id, Status.Open));
        auction.close{value: 1 gwei}();
        settle(id, ask, 1 gwei, abi.encode(bidder(0), RESERVE));
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyOver.selector));
        auction.close{value: 1 gwei}();
    }

    function test_no_second_request_while_a_result_waits() public {
        bidMany(2);
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        settle(id, ask, 1 gwei, "malformed");
        assertStatus(id, Status.Undelivered, "refused by the auction");
        vm.assertTrue(!auction.settled(), "not settled");
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyClosed.selector, id, Status.Undelivered));
        auction.close{value: 1 gwei}();
    }

    function test_after_a_refund_close_repeats_the_same_list() public {
        bidMany(3);
        bidAs(bidder(0), "again", 0);
        (uint64 id, Ask memory first) = closeWith(5 gwei);
        vm.warp(first.deadline + 1);
        sotto.refund(id);
        Ask memory again = expectedAsk(first.submissions);
        vm.expectEmit(address(sotto));
        emit ISotto.Requested(2, address(auction), APP, again, 5 gwei);
        vm.prank(address(0x57A));
        auction.close();
        vm.assertEq(auction.escrowPayer(), address(this), "the refunded escrow served, still its payer's");
        vm.assertEq(address(auction).balance, 3 * DEPOSIT, "no deposit was touched");
        // The first request's result, were there one, is not taken any more.
        vm.prank(address(sotto));
        vm.expectRevert(abi.encodeWithSelector(Auction.WrongRequest.selector, 1, 2));
        auction.onSottoResult(1, abi.encode(bidder(0), RESERVE));
        settle(2, again, 5 gwei, abi.encode(bidder(0), RESERVE));
        vm.assertEq(auction.winner(), bidder(0), "settled by the second");
    }

    function test_a_new_escrow_sends_the_old_one_back() public {
        bidMany(1);
        (uint64 id, Ask memory ask) = closeWith(5 gwei);
        vm.warp(ask.deadline + 1);
        sotto.refund(id);
        vm.deal(address(0x57A), 9 gwei);
        vm.prank(address(0x57A));
        auction.close{value: 9 gwei}();
        vm.assertEq(auction.dueTo(address(this)), 5 gwei, "due to the first payer");
        vm.assertEq(auction.withdraw(), 5 gwei, "taken before the end");
        vm.assertEq(address(auction).balance, DEPOSIT, "no deposit was touched");
        vm.expectRevert(abi.encodeWithSelector(Auction.NotOver.selector));
        auction.withdraw();
    }

    // --------------------------------------------------------------- results

    function test_the_money_of_a_sale() public {
        bidMany(5);
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        vm.prank(bidder(1));
        vm.expectRevert(abi.encodeWithSelector(Auction.NotOver.selector));
        auction.withdraw();
        vm.expectEmit(address(auction));
        emit Auction.Settled(bidder(2), 7 ether);
        settle(id, ask, 1 gwei, abi.encode(bidder(2), 7 ether));
        assertStatus(id, Status.Fulfilled, "delivered within its gas");
        vm.assertEq(auction.winner(), bidder(2), "winner");
        vm.assertEq(auction.price(), 7 ether, "price");
        vm.assertEq(auction.withdraw(), 7 ether, "the price to the seller");
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(withdrawAs(bidder(i)), i == 2 ? 3 ether : DEPOSIT, "what is due to each");
            vm.prank(bidder(i));
            vm.expectRevert(abi.encodeWithSelector(Auction.NothingDue.selector, bidder(i)));
            auction.withdraw();
        }
        vm.expectRevert(abi.encodeWithSelector(Auction.NothingDue.selector, address(this)));
        auction.withdraw();
        vm.assertEq(address(auction).balance, 0, "nothing is left");
    }

    function test_a_seller_may_bid_too() public {
        bidAs(address(this), "mine", DEPOSIT);
        bidMany(1);
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        settle(id, ask, 1 gwei, abi.encode(address(this), 4 ether));
        vm.assertEq(auction.withdraw(), DEPOSIT, "price and rest at once");
        vm.assertEq(withdrawAs(bidder(0)), DEPOSIT, "the other bidder");
        vm.assertEq(address(auction).balance, 0, "nothing is left");
    }

    function test_no_winner_returns_every_deposit() public {
        bidMany(2);
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        settle(id, ask, 1 gwei, abi.encode(address(0), uint256(0)));
        vm.assertTrue(auction.settled(), "decided");
        vm.assertEq(auction.winner(), address(0), "nobody");
        vm.assertEq(withdrawAs(bidder(0)) + withdrawAs(bidder(1)), 2 * DEPOSIT, "all back");
        vm.expectRevert(abi.encodeWithSelector(Auction.NothingDue.selector, address(this)));
        auction.withdraw();
    }

    function test_an_auction_without_bids_ends_too() public {
        (uint64 id, Ask memory ask) = closeWith(1 gwei);
        settle(id, ask, 1 gwei, abi.encode(address(0), uint256(0)));
        vm.assertTrue(auction.settled(), "decided");
    }

    function test_what_is_no_result_is_refused() public {
        bidMany(2);
        closeWith(1 gwei);
        expectResultRefused("", abi.encodeWithSelector(Auction.ResultLength.selector, 0));
        expectResultRefused(new bytes(65), abi.encodeWithSelector(Auction.ResultLength.selector, 65));
        expectResultRefused(abi.encode(uint256(1) << 160, RESERVE), "");
        expectResultRefused(
            abi.encode(bidder(2), RESERVE), abi.encodeWithSelector(Auction.WinnerNotBidder.selector, bidder(2))
        );
        expectResultRefused(
            abi.encode(bidder(0), RESERVE - 1), abi.encodeWithSelector(Auction.PriceOutOfRange.selector, RESERVE - 1)
        );
        expectResultRefused(
            abi.encode(bidder(0), DEPOSIT + 1), abi.encodeWithSelector(Auction.PriceOutOfRange.selector, DEPOSIT + 1)
        );
        expectResultRefused(
            abi.encode(address(0), RESERVE), abi.encodeWithSelector(Auction.PriceOutOfRange.selector, RESERVE)
        );
        vm.prank(address(sotto));
        auction.onSottoResult(1, abi.encode(bidder(0), DEPOSIT));
        expectResultRefused(abi.encode(bidder(1), DEPOSIT), abi.encodeWithSelector(Auction.AlreadyOver.selector));
    }

    function expectResultRefused(bytes memory result, bytes memory why) private {
        vm.prank(address(sotto));
        vm.expectRevert(why);
        auction.onSottoResult(1, result);
    }

    // ------------------------------------------------------------ the way out

    function test_deposits_come_free_after_a_long_time() public {
        bidMany(2);
        uint256 from = uint256(ENDS) + 90 days;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(Auction.TooEarlyToAbandon.selector, from, from - 1));
        auction.abandon();
        uint64 id = auction.close{value: 5 gwei}();
        vm.warp(from);
        // An open request could still be answered.
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyClosed.selector, id, Status.Open));
        auction.abandon();
        vm.warp(from + WINDOW);
        sotto.refund(id);
        // Nobody can go on closing for ever.
        vm.expectRevert(abi.encodeWithSelector(Auction.ClosingOver.selector, from, vm.getBlockTimestamp()));
        auction.close();
        auction.abandon();
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyOver.selector));
        auction.abandon();
        vm.expectRevert(abi.encodeWithSelector(Auction.AlreadyOver.selector));
        auction.close();
        expectResultRefused(abi.encode(bidder(0), RESERVE), abi.encodeWithSelector(Auction.AlreadyOver.selector));
        vm.assertEq(withdrawAs(bidder(0)) + withdrawAs(bidder(1)), 2 * DEPOSIT, "all deposits");
        vm.assertEq(auction.withdraw(), 5 gwei, "and the escrow, to who paid it");
        vm.assertEq(address(auction).balance, 0, "nothing is left");
    }

    function test_a_malformed_result_does_not_lock_deposits() public {
        bidMany(1);
        (uint64 id, Ask memory ask) = closeWith(5 gwei);
        settle(id, ask, 5 gwei, "malformed");
        vm.warp(uint256(ENDS) + 90 days);
        auction.abandon();
        vm.assertEq(withdrawAs(bidder(0)), DEPOSIT, "the deposit");
        vm.assertEq(auction.dueTo(address(this)), 0, "the escrow was earned");
        vm.expectRevert(abi.encodeWithSelector(ISotto.CallbackFailedAgain.selector, id));
        sotto.deliver(id, "malformed");
    }

    function test_an_auction_that_never_closed_can_be_abandoned() public {
        bidMany(1);
        vm.warp(uint256(ENDS) + 90 days);
        auction.abandon();
        vm.assertEq(withdrawAs(bidder(0)), DEPOSIT, "the deposit");
    }

    function testFuzz_money_adds_up(uint8 count, uint8 winner, uint256 price, uint8 refunds, bool fresh) public {
        count = count % 9;
        bidMany(count);
        price = RESERVE + price % (DEPOSIT - RESERVE + 1);
        (uint64 id, Ask memory ask) = closeWith(3 gwei);
        for (uint256 i = 0; i < refunds % 4; ++i) {
            vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
            sotto.refund(id);
            ask = expectedAsk(ask.submissions);
            id = auction.close{value: fresh ? 3 gwei : 0}();
        }
        bool sold = count != 0 && winner % 3 != 0;
        bytes memory result = sold ? abi.encode(bidder(winner % count), price) : abi.encode(address(0), uint256(0));
        settle(id, ask, 3 gwei, result);
        vm.assertTrue(auction.settled(), "settled");
        uint256 paid = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (auction.dueTo(bidder(i)) != 0) paid += withdrawAs(bidder(i));
        }
        vm.assertEq(paid, uint256(count) * DEPOSIT - (sold ? price : 0), "bidders");
        uint256 mine = auction.dueTo(address(this));
        vm.assertEq(mine, (sold ? price : 0) + (fresh ? uint256(refunds % 4) * 3 gwei : 0), "seller and payer");
        if (mine != 0) auction.withdraw();
        vm.assertEq(address(auction).balance, 0, "nothing is left");
    }
}
