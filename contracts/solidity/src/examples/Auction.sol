// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto, Request, Status, Submission} from "../ISotto.sol";
import {SottoConsumer} from "../SottoConsumer.sol";

/// @title A sealed-bid second-price auction.
/// @notice Bids are sealed to the auction app and published; this contract keeps their hashes and senders alone. Every
/// bidder pays one equal deposit, which is also the highest admissible bid, so no amount paid tells a bid. After the
/// end anyone may close: the contract itself states the whole list to the app, so nobody can leave a bid out. It learns
/// winner and price, and nothing else.
/// @dev Payload `abi.encode(uint256 reserve, uint256 deposit)`, result `abi.encode(address winner, uint256 price)`, with
/// winner 0 and price 0 for no winner. What this contract cannot judge is which bid was highest: that is believed
/// because of where it was computed. The 64 places are first come, first served; whoever fears that they are taken up
/// by one party, at 64 deposits returned at the end, chooses a deposit that makes it dear.
contract Auction is SottoConsumer {
    /// @notice What is kept of a bidder.
    struct Bid {
        /// SHA-256 of the bidder's last envelope.
        bytes32 envelope;
        /// Its place in the order of bids, from 1; 0 for no bidder. A new bid takes a new place.
        uint64 place;
        /// Whether the deposit, or the winner's rest of it, was taken.
        bool withdrawn;
    }

    /// @notice The auction was closed, or closed again, with this request.
    event Closed(uint64 indexed id, uint256 bidders, uint256 escrow);
    /// @notice The auction is decided; winner 0 if no bid was valid.
    event Settled(address indexed winner, uint256 price);
    /// @notice The auction was given up; every deposit may be taken back.
    event Abandoned();
    /// @notice Money was taken.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice The parameters do not make an auction.
    error BadParameters();
    /// @notice Bidding has ended.
    error BiddingOver(uint256 ended, uint256 now_);
    /// @notice Bidding goes on until `ends`.
    error BiddingStillOpen(uint256 ends, uint256 now_);
    /// @notice An envelope is 1 to 512 bytes.
    error EnvelopeLength(uint256 length);
    /// @notice A first bid pays the deposit, a later one nothing.
    error WrongDeposit(uint256 paid, uint256 wanted);
    /// @notice All 64 places are taken.
    error AuctionFull();
    /// @notice The auction is closed and its request has not been refunded.
    error AlreadyClosed(uint64 id, Status status);
    /// @notice The auction is decided or given up.
    error AlreadyOver();
    /// @notice The time for closing is over; `abandon` is open from `end` on.
    error ClosingOver(uint256 end, uint256 now_);
    /// @notice `abandon` is not open before `from`.
    error TooEarlyToAbandon(uint256 from, uint256 now_);
    /// @notice A result to another request.
    error WrongRequest(uint64 id, uint64 wanted);
    /// @notice A result that is not two words.
    error ResultLength(uint256 length);
    /// @notice A winner who is no bidder.
    error WinnerNotBidder(address winner);
    /// @notice A price outside [reserve, deposit], or a price without a winner.
    error PriceOutOfRange(uint256 price);
    /// @notice Deposits are held until the auction is decided or given up.
    error NotOver();
    /// @notice Nothing is due to the caller.
    error NothingDue(address account);
    /// @notice The transfer failed.
    error TransferFailed(address to, uint256 amount);

    uint256 private constant MAX_BIDDERS = 64;
    uint256 private constant MAX_ENVELOPE = 512;
    uint256 private constant MAX_RESULT_WINDOW = 30 days;
    /// @dev How long closing may be repeated. After it no request is made any more, and once the last one is no longer
    /// open deposits come free, whatever became of the network.
    uint256 private constant CLOSING_TIME = 90 days;

    /// @notice Who sells, and gets the price: the deployer.
    address public immutable seller;
    /// @notice The auction app and its generation.
    bytes32 public immutable app;
    uint64 public immutable generation;
    /// @notice The lowest admissible bid, in wei.
    uint256 public immutable reserve;
    /// @notice The highest admissible bid, in wei, and what every bidder pays in.
    uint256 public immutable deposit;
    /// @notice Chain time, in seconds, from which on no bid is taken.
    uint64 public immutable biddingEnds;
    /// @notice Seconds a request has to be answered.
    uint32 public immutable resultWindow;
    /// @notice Gas for the result; two stored words and the checks take below 60,000.
    uint32 public immutable callbackGas;
    /// @notice What the request is about; also what bids are sealed to.
    bytes32 public immutable context;

    /// @notice The winner, once settled; 0 for none.
    address public winner;
    /// @notice Whether the auction is decided.
    bool public settled;
    /// @notice Whether the auction was given up.
    bool public abandoned;
    /// @notice The last request; 0 before the first `close`.
    uint64 public requestId;
    /// @notice What the winner pays, in wei.
    uint256 public price;
    /// @notice What is kept of each bidder.
    mapping(address bidder => Bid) public bids;
    /// @notice Who paid the last request's escrow.
    address public escrowPayer;
    /// @notice Refunded escrows that were not used again, by who had paid them.
    mapping(address payer => uint256) public returned;

    bool private sellerPaid;
    uint64 private lastPlace;
    address[] private bidders;

    /// @param sotto_ The Sotto contract.
    /// @param app_ The auction app.
    /// @param generation_ Its generation.
    /// @param reserve_ Lowest admissible bid, in wei.
    /// @param deposit_ Highest admissible bid and deposit, in wei.
    /// @param biddingEnds_ Chain time, in seconds, from which on no bid is taken.
    /// @param resultWindow_ Seconds a request has to be answered, at most 30 days.
    /// @param callbackGas_ Gas for the result.
    /// @param context_ What the request is about.
    constructor(
        ISotto sotto_,
        bytes32 app_,
        uint64 generation_,
        uint256 reserve_,
        uint256 deposit_,
        uint64 biddingEnds_,
        uint32 resultWindow_,
        uint32 callbackGas_,
        bytes32 context_
    ) SottoConsumer(sotto_) {
        if (deposit_ == 0 || reserve_ > deposit_) revert BadParameters();
        if (biddingEnds_ <= block.timestamp) revert BadParameters();
        if (resultWindow_ == 0 || resultWindow_ > MAX_RESULT_WINDOW) revert BadParameters();
        if (callbackGas_ == 0 || callbackGas_ % 1000 != 0 || callbackGas_ > 2_000_000) revert BadParameters();
        seller = msg.sender;
        app = app_;
        generation = generation_;
        reserve = reserve_;
        deposit = deposit_;
        biddingEnds = biddingEnds_;
        resultWindow = resultWindow_;
        callbackGas = callbackGas_;
        context = context_;
    }

    /// @notice Hands in a sealed bid. The first pays the deposit; a later one pays nothing, replaces the one before and
    /// takes a later place, which counts when bids are equal.
    function bid(bytes calldata envelope) external payable {
        if (block.timestamp >= biddingEnds) revert BiddingOver(biddingEnds, block.timestamp);
        if (envelope.length == 0 || envelope.length > MAX_ENVELOPE) revert EnvelopeLength(envelope.length);
        Bid storage mine = bids[msg.sender];
        uint256 wanted = mine.place == 0 ? deposit : 0;
        if (msg.value != wanted) revert WrongDeposit(msg.value, wanted);
        if (mine.place == 0) {
            if (bidders.length == MAX_BIDDERS) revert AuctionFull();
            bidders.push(msg.sender);
        }
        mine.place = ++lastPlace;
        mine.envelope = _publish(envelope);
    }

    /// @notice Asks for the result; open to anyone once bidding has ended. The value sent is the escrow. Again only after
    /// the request was refunded, with exactly the same list: then the refunded escrow serves if no value is sent, and
    /// otherwise goes back to who had paid it. Whoever closes first sets the escrow; one too low for the network costs
    /// one result window.
    /// @return id The request.
    function close() external payable returns (uint64 id) {
        if (block.timestamp < biddingEnds) revert BiddingStillOpen(biddingEnds, block.timestamp);
        if (settled || abandoned) revert AlreadyOver();
        uint256 end = uint256(biddingEnds) + CLOSING_TIME;
        if (block.timestamp >= end) revert ClosingOver(end, block.timestamp);
        uint256 escrow = msg.value;
        if (requestId == 0) {
            escrowPayer = msg.sender;
        } else {
            uint256 back = _refundedEscrow();
            if (msg.value == 0) {
                escrow = back;
            } else {
                returned[escrowPayer] += back;
                escrowPayer = msg.sender;
            }
        }
        id = _askForResult(escrow);
        requestId = id;
        emit Closed(id, bidders.length, escrow);
    }

    /// @notice Gives the auction up, so that deposits come free: open to anyone 90 days after bidding ended, when no
    /// result was taken and no request is open.
    function abandon() external {
        if (settled || abandoned) revert AlreadyOver();
        uint256 from = uint256(biddingEnds) + CLOSING_TIME;
        if (block.timestamp < from) revert TooEarlyToAbandon(from, block.timestamp);
        abandoned = true;
        if (requestId != 0) {
            Request memory asked = sotto.requestOf(requestId);
            if (asked.status == Status.Open) revert AlreadyClosed(requestId, Status.Open);
            if (asked.status == Status.Refunded) returned[escrowPayer] += uint256(asked.escrowGwei) * 1 gwei;
        }
        emit Abandoned();
    }

    /// @notice Takes what is due to the caller: the price (seller), the rest of the deposit (winner), the deposit (all
    /// others), and an escrow that came back unused.
    /// @return amount What was sent, in wei.
    function withdraw() external returns (uint256 amount) {
        amount = dueTo(msg.sender);
        bool over = settled || abandoned;
        if (amount == 0 && !over) revert NotOver();
        if (amount == 0) revert NothingDue(msg.sender);
        if (over) {
            bids[msg.sender].withdrawn = true;
            if (msg.sender == seller) sellerPaid = true;
        }
        returned[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool done,) = msg.sender.call{value: amount}("");
        if (!done) revert TransferFailed(msg.sender, amount);
    }

    /// @notice What `withdraw` would send to an account now, in wei.
    function dueTo(address account) public view returns (uint256 due) {
        due = returned[account];
        if (!settled && !abandoned) return due;
        Bid storage theirs = bids[account];
        if (theirs.place != 0 && !theirs.withdrawn) due += settled && account == winner ? deposit - price : deposit;
        if (settled && account == seller && !sellerPaid) due += price;
    }

    /// @notice How many bid.
    function bidderCount() external view returns (uint256) {
        return bidders.length;
    }

    /// @notice The list as `close` states it: one entry a bidder, in the order of their last bids.
    function submissions() public view returns (Submission[] memory list) {
        uint256 count = bidders.length;
        list = new Submission[](count);
        uint64[] memory places = new uint64[](count);
        // Sorted on the way in; at most 64, and mostly in order already.
        for (uint256 i = 0; i < count; ++i) {
            address bidder = bidders[i];
            Bid storage theirs = bids[bidder];
            Submission memory entry = Submission({submitter: bidder, envelope: theirs.envelope});
            uint64 place = theirs.place;
            uint256 slot = i;
            for (; slot != 0 && places[slot - 1] > place; --slot) {
                places[slot] = places[slot - 1];
                list[slot] = list[slot - 1];
            }
            places[slot] = place;
            list[slot] = entry;
        }
    }

    /// @dev The escrow the refunded request brought back; reverts while it is anything but refunded.
    function _refundedEscrow() private view returns (uint256) {
        Request memory asked = sotto.requestOf(requestId);
        if (asked.status != Status.Refunded) revert AlreadyClosed(requestId, asked.status);
        return uint256(asked.escrowGwei) * 1 gwei;
    }

    function _askForResult(uint256 escrow) private returns (uint64) {
        return _ask(
            Ask({
                app: app,
                generation: generation,
                context: context,
                submissions: submissions(),
                payload: abi.encode(reserve, deposit),
                payloadHash: 0,
                callbackGas: callbackGas,
                assurance: SINGLE,
                deadline: uint64(block.timestamp + resultWindow)
            }),
            escrow
        );
    }

    /// @inheritdoc SottoConsumer
    function _onResult(uint64 id, bytes calldata result) internal override {
        if (id != requestId) revert WrongRequest(id, requestId);
        if (settled || abandoned) revert AlreadyOver();
        if (result.length != 64) revert ResultLength(result.length);
        (address winner_, uint256 price_) = abi.decode(result, (address, uint256));
        if (winner_ == address(0)) {
            if (price_ != 0) revert PriceOutOfRange(price_);
        } else {
            if (bids[winner_].place == 0) revert WinnerNotBidder(winner_);
            if (price_ < reserve || price_ > deposit) revert PriceOutOfRange(price_);
        }
        settled = true;
        winner = winner_;
        price = price_;
        emit Settled(winner_, price_);
    }
}
