// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @notice One sealed message and who handed it in, as the consumer vouches for it.
struct Submission {
    /// The address the consumer received the envelope from.
    address submitter;
    /// SHA-256 of the envelope's bytes.
    bytes32 envelope;
}

/// @notice A request as its consumer states it; consumer, escrow and id are added by the Sotto contract.
struct Ask {
    /// The app that is to answer.
    bytes32 app;
    /// The generation of that app; another generation's answer does not fit this request.
    uint64 generation;
    /// What this request is about (an auction, a session); unique per consumer.
    bytes32 context;
    /// The sealed messages, in the order the consumer received them; at most 256.
    Submission[] submissions;
    /// Bytes the app reads beside the submissions; at most 1,024. Longer ones stay off chain.
    bytes payload;
    /// With a payload: 0 or its SHA-256. Without: SHA-256 of bytes held off chain, or 0 for none.
    bytes32 payloadHash;
    /// Gas the callback gets; a multiple of 1,000, at most 2,000,000; 0 for no callback.
    uint32 callbackGas;
    /// Redundancy asked for, bytes [kind, k, n, constraint]; the network reads it, this contract does not.
    uint32 assurance;
    /// Last second, in chain time, at which the request may be fulfilled; at most 30 days ahead.
    uint64 deadline;
}

/// @notice An answer as the network brings it. Everything but the result is checked against the request.
struct Answer {
    /// The request's id.
    uint64 id;
    /// Which attempt of the network at this request produced the result.
    uint32 attempt;
    /// The app that answered.
    bytes32 app;
    /// The generation that answered.
    uint64 generation;
    /// The hash of the request's terms.
    bytes32 terms;
    /// The result; at most 4,096 bytes.
    bytes result;
}

/// @notice A result key of an app and when it stops being good.
struct KeyEntry {
    bytes32 app;
    address key;
    /// Chain time in seconds, that second included; 0 removes the key.
    uint64 expiry;
}

/// @notice One payment out of the network's account.
struct Payment {
    address to;
    /// In wei.
    uint256 amount;
}

/// @notice Where a request stands. It leaves `Open` once and never returns to it.
enum Status {
    /// No request has this id.
    None,
    /// Waiting for its answer.
    Open,
    /// Settled; the result was delivered, or no callback was wanted.
    Fulfilled,
    /// Settled, but the callback failed; anyone may `deliver` again.
    Undelivered,
    /// Not answered in time; the escrow went back to the consumer.
    Refunded
}

/// @notice Why an item of a batch was left out.
enum Refusal {
    None,
    /// Settled, refunded, or never asked.
    NotOpen,
    /// Its deadline has passed.
    Late,
    /// App, generation or terms are not those of the request.
    Mismatch,
    /// The result is over 4,096 bytes.
    ResultTooLong
}

/// @notice A request as the contract keeps it, in two slots.
/// @dev The second slot is cleared when a request becomes `Fulfilled`: it then reads zero but for the status.
struct Request {
    /// The request's hash while `Open` and when `Refunded`; the result's hash once settled.
    bytes32 hash;
    address consumer;
    uint40 escrowGwei;
    uint32 deadline;
    uint16 callbackKilogas;
    Status status;
}

/// @title What a consumer contract implements to be called back.
interface ISottoConsumer {
    /// @notice Takes the result of a request this contract made. A revert leaves the request `Undelivered`.
    /// @param id The request.
    /// @param result The result's bytes.
    function onSottoResult(uint64 id, bytes calldata result) external;
}

/// @title The Sotto contract, as consumers, relayers and watchers see it.
interface ISotto {
    /// @notice A request was made; everything the network needs to answer it.
    event Requested(uint64 indexed id, address indexed consumer, bytes32 indexed app, Ask ask, uint256 escrow);
    /// @notice A request was settled and its escrow went to the network's account.
    event Fulfilled(uint64 indexed id, bytes32 resultHash);
    /// @notice The callback of a settled request failed.
    event CallbackFailed(uint64 indexed id, address indexed consumer);
    /// @notice A result was delivered after a failed callback.
    event Delivered(uint64 indexed id);
    /// @notice An item of a batch was left out.
    event Skipped(uint64 indexed id, Refusal reason);
    /// @notice A request ran out of time; `amount` wei went back to its consumer.
    event Refunded(uint64 indexed id, address indexed consumer, uint256 amount);
    /// @notice A result key was registered, or removed with expiry 0.
    event ResultKeySet(bytes32 indexed app, address indexed key, uint64 expiry);
    /// @notice A payment left the network's account.
    event Paid(uint64 indexed nonce, address indexed to, uint256 amount);
    /// @notice A transfer failed; the amount waits for `withdraw`.
    event Owing(address indexed account, uint256 amount);
    /// @notice An owed amount was taken.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    /// @notice The member set is now this one.
    event MembersSet(uint64 indexed nonce, address[] members);

    /// @notice The chain split after deployment and this side changed its id: nothing is settled here.
    error ChainChanged(uint256 bornOn, uint256 now_);
    /// @notice The deadline is not within (now, now + 30 days], or does not fit 32 bits.
    error DeadlineOutOfRange(uint64 deadline, uint256 earliest, uint256 latest);
    /// @notice The callback gas is not a multiple of 1,000 or is over 2,000,000.
    error CallbackGasOutOfRange(uint32 callbackGas);
    /// @notice The escrow is not a whole number of gwei below 2^40 gwei.
    error EscrowOutOfRange(uint256 escrow);
    /// @notice More submissions than 256.
    error TooManySubmissions(uint256 count, uint256 limit);
    /// @notice A payload over 1,024 bytes; hand in its hash instead.
    error PayloadTooLong(uint256 length, uint256 limit);
    /// @notice A payload hash that is not the payload's.
    error PayloadHashMismatch(bytes32 given, bytes32 actual);
    /// @notice The request is not open.
    error NotOpen(uint64 id, Status status);
    /// @notice The request's deadline has passed.
    error Late(uint64 id, uint256 deadline, uint256 now_);
    /// @notice The request's deadline has not passed yet.
    error TooEarly(uint64 id, uint256 deadline, uint256 now_);
    /// @notice App, generation or terms are not those of the request.
    error RequestMismatch(uint64 id, bytes32 asked, bytes32 answered);
    /// @notice A result over 4,096 bytes.
    error ResultTooLong(uint256 length, uint256 limit);
    /// @notice The signer is no result key of the app, or is one no longer (`expiry` 0: never registered).
    error KeyNotGood(bytes32 app, address signer, uint64 expiry);
    /// @notice The request waits for no delivery.
    error NotUndelivered(uint64 id, Status status);
    /// @notice The bytes are not the result that was settled.
    error ResultMismatch(uint64 id, bytes32 settled, bytes32 given);
    /// @notice The callback failed again.
    error CallbackFailedAgain(uint64 id);
    /// @notice Too little gas is left to give a call what it is entitled to.
    error NotEnoughGas(uint256 left, uint256 needed);
    /// @notice A list shorter than one item or longer than its limit.
    error CountOutOfRange(uint256 count, uint256 limit);
    /// @notice The signatures' bytes are not as long as the proof needs.
    error SignatureLength(uint256 length, uint256 needed);
    /// @notice A signature whose s is in the upper half of the order.
    error SignatureHighS(bytes32 s);
    /// @notice A signature whose v is neither 27 nor 28.
    error SignatureV(uint8 v);
    /// @notice A signature from which no key can be recovered.
    error SignatureUnrecoverable();
    /// @notice The signers do not rise strictly by address.
    error SignersNotAscending(address before, address after_);
    /// @notice The signer is no member.
    error NotMember(address signer);
    /// @notice The nonce is not the next one.
    error WrongNonce(uint64 given, uint64 next);
    /// @notice A zero address where a key, member or payee is needed.
    error ZeroAddress();
    /// @notice A key's expiry further away than the longest lifetime.
    error ExpiryTooFar(bytes32 app, address key, uint64 expiry, uint256 latest);
    /// @notice A member named twice.
    error DuplicateMember(address member);
    /// @notice Payments over what the network's account holds.
    error PayoutTooLarge(uint256 total, uint256 balance);
    /// @notice A payment to the Sotto contract itself.
    error PayeeIsSotto();
    /// @notice Nothing is owed to the caller.
    error NothingOwed(address account);
    /// @notice The transfer to `to` failed.
    error TransferFailed(address to, uint256 amount);

    // ---------------------------------------------------------------- asking

    /// @notice Makes a request; the value sent is its escrow and the sender its consumer.
    /// @param ask What is asked.
    /// @return id The request's id, counted from 1 without gaps.
    function request(Ask calldata ask) external payable returns (uint64 id);

    /// @notice Returns the escrow of a request that ran out of time to its consumer; open to anyone.
    /// @param id The request.
    function refund(uint64 id) external;

    /// @notice Takes what is owed to the caller after a failed transfer.
    /// @param to Where it goes.
    function withdraw(address payable to) external;

    // -------------------------------------------------------------- settling

    /// @notice Settles one request under a result key of its app; open to anyone.
    /// @param answer The answer.
    /// @param signature 65 bytes r, s, v over `resultDigest(answer)`.
    function fulfil(Answer calldata answer, bytes calldata signature) external;

    /// @notice Settles up to 64 requests under one t-of-n proof; open to anyone. An item that is not open any more,
    /// late, or not what was asked is left out with `Skipped` and stops no other.
    /// @param answers The answers, in the order they were signed in.
    /// @param signatures 65 bytes for each of t members, ascending by address, over `batchDigest(answers)`.
    function fulfilBatch(Answer[] calldata answers, bytes calldata signatures) external;

    /// @notice Brings a settled result to a consumer whose callback failed; open to anyone.
    /// @param id The request, which is `Undelivered`.
    /// @param result The bytes that were settled.
    function deliver(uint64 id, bytes calldata result) external;

    // --------------------------------------------------------------- council

    /// @notice Registers result keys, or removes them with expiry 0, under a t-of-n proof.
    /// @param entries 1 to 128 keys. An expiry already past is taken as it is: that key is simply not good.
    /// @param nonce One more than the last, see `nonces`.
    /// @param signatures Over `keysDigest(entries, nonce)`.
    function setResultKeys(KeyEntry[] calldata entries, uint64 nonce, bytes calldata signatures) external;

    /// @notice Pays out of the network's account under a t-of-n proof. A payee that refuses finds the amount in `owed`.
    /// @param payments 1 to 128 payments.
    /// @param nonce One more than the last, see `nonces`.
    /// @param signatures Over `payoutDigest(payments, nonce)`.
    function payout(Payment[] calldata payments, uint64 nonce, bytes calldata signatures) external;

    /// @notice Hands over to another set of members, under a t-of-n proof of the present one.
    /// @param next 1 to 64 distinct members.
    /// @param nonce One more than the last, see `nonces`.
    /// @param signatures Over `membersDigest(next, nonce)`.
    function setMembers(address[] calldata next, uint64 nonce, bytes calldata signatures) external;

    // ----------------------------------------------------------------- views

    /// @notice The network this contract belongs to.
    function network() external view returns (bytes32);

    /// @notice SHA-256 of this chain's CAIP-2 id.
    function chain() external view returns (bytes32);

    /// @notice What every digest of this contract is bound to: network, chain and address.
    function domain() external view returns (bytes32);

    /// @notice The furthest a result key's expiry may lie ahead, in seconds.
    function maxKeyLifetime() external view returns (uint32);

    /// @notice How many requests were made; the last one's id.
    function requestCount() external view returns (uint64);

    /// @notice Where a request stands, and its request hash (`Open`, `Refunded`) or result hash (settled).
    function statusOf(uint64 id) external view returns (Status status, bytes32 hash);

    /// @notice A request as it is kept; consumer, escrow and deadline read zero once it is `Fulfilled`.
    function requestOf(uint64 id) external view returns (Request memory);

    /// @notice Wei of settled escrows, not paid out yet.
    function networkBalance() external view returns (uint256);

    /// @notice Wei that could not be transferred and waits for its owner's `withdraw`.
    function owed(address account) external view returns (uint256);

    /// @notice Chain time, in seconds, up to which an app's result key is good; 0 for none.
    function resultKeys(bytes32 app, address key) external view returns (uint64);

    /// @notice The present members.
    function members() external view returns (address[] memory);

    /// @notice Whether an address is a member.
    function isMember(address account) external view returns (bool);

    /// @notice How many members' signatures a proof takes: n - floor((n - 1) / 3).
    function threshold() external view returns (uint256);

    /// @notice The nonces of the last `setResultKeys`, `payout` and `setMembers`; 0 before the first.
    function nonces() external view returns (uint64 keys, uint64 payouts, uint64 memberSets);

    /// @notice The terms a request of `consumer` with this escrow in wei would have.
    function termsOf(Ask calldata ask, address consumer, uint256 escrow) external view returns (bytes32);

    /// @notice The hash request `id` is kept under, given its app, generation and terms.
    function requestHashOf(uint64 id, bytes32 app, uint64 generation, bytes32 terms) external view returns (bytes32);

    /// @notice What a result key signs for `fulfil`.
    function resultDigest(Answer calldata answer) external view returns (bytes32);

    /// @notice What members sign for `fulfilBatch`.
    function batchDigest(Answer[] calldata answers) external view returns (bytes32);

    /// @notice What members sign for `setResultKeys`.
    function keysDigest(KeyEntry[] calldata entries, uint64 nonce) external view returns (bytes32);

    /// @notice What members sign for `payout`.
    function payoutDigest(Payment[] calldata payments, uint64 nonce) external view returns (bytes32);

    /// @notice What members sign for `setMembers`.
    function membersDigest(address[] calldata next, uint64 nonce) external view returns (bytes32);
}
