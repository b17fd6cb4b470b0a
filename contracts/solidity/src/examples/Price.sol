// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ask, ISotto, Submission} from "../ISotto.sol";
import {SottoConsumer} from "../SottoConsumer.sol";

/// @title A consumer of a price oracle: asks with a query and keeps its latest price.
/// @notice The request's payload is the query as the oracle app reads it (for `examples/oracle` the JSON that names its
/// sources), its result `abi.encode(uint256 price, uint64 time)`.
/// @dev What is not here: any bound on how far a price may move or how old it may be. Who builds on it decides.
contract Price is SottoConsumer {
    /// @notice A price and when the oracle saw it.
    struct Quote {
        /// In the oracle app's unit: `examples/oracle` gives eight decimals.
        uint192 price;
        /// Seconds since 1970.
        uint64 time;
    }

    /// @notice A new price is kept.
    event Priced(bytes32 indexed queryHash, uint64 indexed id, uint192 price, uint64 time);

    /// @notice A result to a request this contract does not wait for.
    error NotAsked(uint64 id);
    /// @notice A result that is not two words.
    error ResultLength(uint256 length);
    /// @notice A price of 0 or beyond 192 bits.
    error PriceOutOfRange(uint256 price);
    /// @notice An observation from before the one that is kept, or from the future.
    error TimeOutOfRange(uint64 time, uint64 kept, uint256 now_);
    /// @notice A query is 1 to 1,024 bytes: what may stand on the chain.
    error QueryLength(uint256 length);

    /// @dev Gas for two stored words and an event, with room to spare.
    uint32 private constant CALLBACK_GAS = 100_000;
    /// @dev Clocks of oracle and chain may differ by this many seconds.
    uint64 private constant CLOCK_SLACK = 60;

    /// @notice The app asked.
    bytes32 public immutable app;
    /// @notice That app's generation.
    uint64 public immutable generation;
    /// @notice How many prices were asked for: each request has a context of its own.
    uint64 public asked;
    /// @notice The latest quote, by `keccak256` of the query.
    mapping(bytes32 queryHash => Quote) public quotes;
    mapping(uint64 id => bytes32 queryHash) private pending;

    /// @param sotto_ The Sotto contract.
    /// @param app_ The oracle app.
    /// @param generation_ Its generation.
    constructor(ISotto sotto_, bytes32 app_, uint64 generation_) SottoConsumer(sotto_) {
        app = app_;
        generation = generation_;
    }

    /// @notice Asks for a price; the value sent is the escrow.
    /// @param query What the oracle app reads.
    /// @param deadline The last second in which it may be answered.
    /// @return id The request.
    function ask(string calldata query, uint64 deadline) external payable returns (uint64 id) {
        if (bytes(query).length == 0 || bytes(query).length > 1024) revert QueryLength(bytes(query).length);
        id = _ask(
            Ask({
                app: app,
                generation: generation,
                context: bytes32(uint256(++asked)),
                submissions: new Submission[](0),
                payload: bytes(query),
                payloadHash: 0,
                callbackGas: CALLBACK_GAS,
                assurance: SINGLE,
                deadline: deadline
            }),
            msg.value
        );
        pending[id] = keccak256(bytes(query));
    }

    /// @notice A query's latest price and when it was seen; time 0 if there is none yet.
    function priceOf(string calldata query) external view returns (uint192 price, uint64 time) {
        Quote memory quote = quotes[keccak256(bytes(query))];
        return (quote.price, quote.time);
    }

    /// @inheritdoc SottoConsumer
    function _onResult(uint64 id, bytes calldata result) internal override {
        bytes32 queryHash = pending[id];
        if (queryHash == 0) revert NotAsked(id);
        if (result.length != 64) revert ResultLength(result.length);
        (uint256 price, uint64 time) = abi.decode(result, (uint256, uint64));
        if (price == 0 || price > type(uint192).max) revert PriceOutOfRange(price);
        uint64 kept = quotes[queryHash].time;
        if (time < kept || time > block.timestamp + CLOCK_SLACK) revert TimeOutOfRange(time, kept, block.timestamp);
        delete pending[id];
        quotes[queryHash] = Quote({price: uint192(price), time: time});
        emit Priced(queryHash, id, uint192(price), time);
    }
}
