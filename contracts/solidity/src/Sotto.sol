// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Answer, Ask, ISotto, ISottoConsumer, KeyEntry, Payment, Refusal, Request, Status} from "./ISotto.sol";
import {SottoDigests} from "./SottoDigests.sol";
import {SottoSignatures} from "./SottoSignatures.sol";

/// @title The Sotto contract: takes requests with escrow and believes results by signature.
/// @notice Anyone may bring a result: the signature decides, not the sender. A result is believed when an app's
/// registered result key signed it, or t of n council members signed a batch that holds it. The same members register
/// result keys, pay out the network's account and choose their successors, each under its own digest and nonce.
/// @dev What is not here: evidence, assurance, prices, and who may run what. The network decides those and signs.
/// There is no owner and no upgrade. State is final before any outside call, and no outside call's return data is
/// copied, so neither re-entry nor a large answer changes what was settled.
contract Sotto is ISotto {
    uint256 private constant MAX_SUBMISSIONS = 256;
    uint256 private constant MAX_PAYLOAD = 1024;
    uint256 private constant MAX_RESULT = 4096;
    uint256 private constant MAX_CALLBACK_GAS = 2_000_000;
    uint256 private constant MAX_LEAD = 30 days;
    uint256 private constant MAX_BATCH = 64;
    uint256 private constant MAX_MEMBERS = 64;
    /// @dev Keys or payments in one call: what fits a transaction of 16,777,216 gas (EIP-7825) at the worst payees.
    uint256 private constant MAX_ENTRIES = 128;
    /// @dev Gas around a callback besides its own: a cold account, and the note of its failure.
    uint256 private constant CALLBACK_MARGIN = 10_000;
    /// @dev Gas a payee gets with a transfer.
    uint256 private constant PUSH_GAS = 50_000;
    /// @dev Gas around a transfer besides its own: cold account, value, new account, as EIP-150 charges them first.
    uint256 private constant PUSH_MARGIN = 40_000;

    /// @inheritdoc ISotto
    bytes32 public immutable network;
    /// @inheritdoc ISotto
    bytes32 public immutable chain;
    /// @inheritdoc ISotto
    bytes32 public immutable domain;
    /// @inheritdoc ISotto
    uint32 public immutable maxKeyLifetime;
    uint256 private immutable bornOn;

    /// @inheritdoc ISotto
    uint64 public requestCount;
    uint64 private keysNonce;
    uint64 private payoutNonce;
    uint64 private membersNonce;
    /// @inheritdoc ISotto
    uint256 public networkBalance;
    /// @inheritdoc ISotto
    mapping(address account => uint256) public owed;
    /// @inheritdoc ISotto
    mapping(bytes32 app => mapping(address key => uint64)) public resultKeys;
    /// @inheritdoc ISotto
    mapping(address account => bool) public isMember;

    mapping(uint64 id => Request) private requests;
    address[] private memberList;

    /// @dev A signature binds the chain's id; after a split only one side may go on under it.
    modifier onBirthChain() {
        if (block.chainid != bornOn) revert ChainChanged(bornOn, block.chainid);
        _;
    }

    /// @param network_ The network's id.
    /// @param members_ The first members, 1 to 64, distinct.
    /// @param maxKeyLifetime_ The furthest a result key's expiry may lie ahead, in seconds.
    constructor(bytes32 network_, address[] memory members_, uint32 maxKeyLifetime_) {
        network = network_;
        bornOn = block.chainid;
        chain = SottoDigests.chainOf(block.chainid);
        domain = SottoDigests.domain(network_, chain, address(this));
        maxKeyLifetime = maxKeyLifetime_;
        _installMembers(members_);
    }

    // ---------------------------------------------------------------- asking

    /// @inheritdoc ISotto
    function request(Ask calldata ask) external payable onBirthChain returns (uint64 id) {
        _checkAsk(ask);
        uint256 escrowGwei = msg.value / 1 gwei;
        if (msg.value % 1 gwei != 0 || escrowGwei > type(uint40).max) revert EscrowOutOfRange(msg.value);
        bytes32 terms = SottoDigests.terms(ask, _payloadHash(ask), msg.sender, msg.value);
        id = ++requestCount;
        requests[id] = Request({
            hash: SottoDigests.request(domain, id, ask.app, ask.generation, terms),
            consumer: msg.sender,
            escrowGwei: uint40(escrowGwei),
            deadline: uint32(ask.deadline),
            callbackKilogas: uint16(ask.callbackGas / 1000),
            status: Status.Open
        });
        emit Requested(id, msg.sender, ask.app, ask, msg.value);
    }

    /// @inheritdoc ISotto
    function refund(uint64 id) external {
        Request memory asked = requests[id];
        if (asked.status != Status.Open) revert NotOpen(id, _status(asked));
        if (block.timestamp <= asked.deadline) revert TooEarly(id, asked.deadline, block.timestamp);
        requests[id].status = Status.Refunded;
        uint256 escrow = uint256(asked.escrowGwei) * 1 gwei;
        emit Refunded(id, asked.consumer, escrow);
        _push(asked.consumer, escrow);
    }

    /// @inheritdoc ISotto
    function withdraw(address payable to) external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        if (to == address(0)) revert ZeroAddress();
        owed[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        if (!_send(to, amount, gasleft())) revert TransferFailed(to, amount);
    }

    // -------------------------------------------------------------- settling

    /// @inheritdoc ISotto
    function fulfil(Answer calldata answer, bytes calldata signature) external onBirthChain {
        // Read once: each read of a field of calldata is checked anew.
        uint64 id = answer.id;
        bytes32 app = answer.app;
        uint64 generation = answer.generation;
        bytes calldata result = answer.result;
        Request storage kept = requests[id];
        Request memory asked = kept;
        bytes32 requestHash = SottoDigests.request(domain, id, app, generation, answer.terms);
        Refusal refusal = _judge(asked, requestHash, result.length);
        if (refusal != Refusal.None) _refuse(refusal, id, asked, requestHash, result.length);
        bytes32 resultHash = SottoDigests.bytesHash(result);
        bytes32 digest = SottoDigests.result(domain, id, requestHash, answer.attempt, app, generation, resultHash);
        address signer = SottoSignatures.recover(digest, signature);
        uint64 expiry = resultKeys[app][signer];
        if (expiry < block.timestamp) revert KeyNotGood(app, signer, expiry);

        _settle(id, kept, resultHash);
        if (asked.escrowGwei != 0) networkBalance += uint256(asked.escrowGwei) * 1 gwei;
        if (asked.callbackKilogas != 0) _callBack(id, asked, result, resultHash);
    }

    /// @inheritdoc ISotto
    function fulfilBatch(Answer[] calldata answers, bytes calldata signatures) external onBirthChain {
        (bytes32 digest, bytes32[] memory requestHashes, bytes32[] memory resultHashes) = _digestBatch(answers);
        _checkQuorum(digest, signatures);

        // All of the batch is settled before the first callback, so no callback sees a half-settled contract.
        Request[] memory toCall = new Request[](answers.length);
        uint256 earned = 0;
        for (uint256 i = 0; i < answers.length; ++i) {
            Answer calldata answer = answers[i];
            Request storage kept = requests[answer.id];
            Request memory asked = kept;
            Refusal refusal = _judge(asked, requestHashes[i], answer.result.length);
            if (refusal != Refusal.None) {
                emit Skipped(answer.id, refusal);
                continue;
            }
            _settle(answer.id, kept, resultHashes[i]);
            earned += uint256(asked.escrowGwei) * 1 gwei;
            toCall[i] = asked;
        }
        if (earned != 0) networkBalance += earned;
        for (uint256 i = 0; i < answers.length; ++i) {
            if (toCall[i].callbackKilogas != 0) {
                _callBack(answers[i].id, toCall[i], answers[i].result, resultHashes[i]);
            }
        }
    }

    /// @inheritdoc ISotto
    /// @dev The callback gets at least the gas that was asked for, and all that is there: an estimate that was too low
    /// when asking need not lock the result away for ever.
    function deliver(uint64 id, bytes calldata result) external {
        Request storage kept = requests[id];
        Request memory asked = kept;
        if (asked.status != Status.Undelivered) revert NotUndelivered(id, _status(asked));
        bytes32 given = SottoDigests.bytesHash(result);
        if (given != asked.hash) revert ResultMismatch(id, asked.hash, given);
        _clear(kept);
        emit Delivered(id);
        _needGas(uint256(asked.callbackKilogas) * 1000 + CALLBACK_MARGIN);
        if (!_callConsumer(asked.consumer, id, result, gasleft())) revert CallbackFailedAgain(id);
    }

    // --------------------------------------------------------------- council

    /// @inheritdoc ISotto
    function setResultKeys(KeyEntry[] calldata entries, uint64 nonce, bytes calldata signatures) external onBirthChain {
        _checkCount(entries.length, MAX_ENTRIES);
        _checkNonce(nonce, keysNonce);
        _checkQuorum(SottoDigests.keys(domain, nonce, entries), signatures);
        keysNonce = nonce;
        uint256 latest = block.timestamp + maxKeyLifetime;
        for (uint256 i = 0; i < entries.length; ++i) {
            KeyEntry calldata entry = entries[i];
            if (entry.key == address(0)) revert ZeroAddress();
            if (entry.expiry > latest) revert ExpiryTooFar(entry.app, entry.key, entry.expiry, latest);
            resultKeys[entry.app][entry.key] = entry.expiry;
            emit ResultKeySet(entry.app, entry.key, entry.expiry);
        }
    }

    /// @inheritdoc ISotto
    function payout(Payment[] calldata payments, uint64 nonce, bytes calldata signatures) external onBirthChain {
        _checkCount(payments.length, MAX_ENTRIES);
        _checkNonce(nonce, payoutNonce);
        _checkQuorum(SottoDigests.payout(domain, nonce, payments), signatures);
        payoutNonce = nonce;
        uint256 total = 0;
        for (uint256 i = 0; i < payments.length; ++i) {
            if (payments[i].to == address(0)) revert ZeroAddress();
            if (payments[i].to == address(this)) revert PayeeIsSotto();
            total += payments[i].amount;
        }
        if (total > networkBalance) revert PayoutTooLarge(total, networkBalance);
        networkBalance -= total;
        for (uint256 i = 0; i < payments.length; ++i) {
            emit Paid(nonce, payments[i].to, payments[i].amount);
            _push(payments[i].to, payments[i].amount);
        }
    }

    /// @inheritdoc ISotto
    function setMembers(address[] calldata next, uint64 nonce, bytes calldata signatures) external onBirthChain {
        _checkNonce(nonce, membersNonce);
        _checkQuorum(SottoDigests.members(domain, nonce, next), signatures);
        membersNonce = nonce;
        for (uint256 i = 0; i < memberList.length; ++i) {
            isMember[memberList[i]] = false;
        }
        _installMembers(next);
    }

    // ----------------------------------------------------------------- views

    /// @inheritdoc ISotto
    function statusOf(uint64 id) external view returns (Status status, bytes32 hash) {
        Request memory asked = requests[id];
        return (_status(asked), asked.hash);
    }

    /// @inheritdoc ISotto
    function requestOf(uint64 id) external view returns (Request memory asked) {
        asked = requests[id];
        asked.status = _status(asked);
    }

    /// @inheritdoc ISotto
    function members() external view returns (address[] memory) {
        return memberList;
    }

    /// @inheritdoc ISotto
    function threshold() public view returns (uint256) {
        uint256 n = memberList.length;
        return n - (n - 1) / 3;
    }

    /// @inheritdoc ISotto
    function nonces() external view returns (uint64 keys, uint64 payouts, uint64 memberSets) {
        return (keysNonce, payoutNonce, membersNonce);
    }

    /// @inheritdoc ISotto
    function termsOf(Ask calldata ask, address consumer, uint256 escrow) external view returns (bytes32) {
        return SottoDigests.terms(ask, _payloadHash(ask), consumer, escrow);
    }

    /// @inheritdoc ISotto
    function requestHashOf(uint64 id, bytes32 app, uint64 generation, bytes32 terms) external view returns (bytes32) {
        return SottoDigests.request(domain, id, app, generation, terms);
    }

    /// @inheritdoc ISotto
    function resultDigest(Answer calldata answer) external view returns (bytes32) {
        return _resultDigest(answer, _requestHash(answer), SottoDigests.bytesHash(answer.result));
    }

    /// @inheritdoc ISotto
    function batchDigest(Answer[] calldata answers) external view returns (bytes32 digest) {
        (digest,,) = _digestBatch(answers);
    }

    /// @inheritdoc ISotto
    function keysDigest(KeyEntry[] calldata entries, uint64 nonce) external view returns (bytes32) {
        return SottoDigests.keys(domain, nonce, entries);
    }

    /// @inheritdoc ISotto
    function payoutDigest(Payment[] calldata payments, uint64 nonce) external view returns (bytes32) {
        return SottoDigests.payout(domain, nonce, payments);
    }

    /// @inheritdoc ISotto
    function membersDigest(address[] calldata next, uint64 nonce) external view returns (bytes32) {
        return SottoDigests.members(domain, nonce, next);
    }

    // ----------------------------------------------------------- the judging

    function _checkAsk(Ask calldata ask) private view {
        uint256 latest = block.timestamp + MAX_LEAD;
        if (latest > type(uint32).max) latest = type(uint32).max;
        if (ask.deadline <= block.timestamp || ask.deadline > latest) {
            revert DeadlineOutOfRange(ask.deadline, block.timestamp + 1, latest);
        }
        if (ask.callbackGas > MAX_CALLBACK_GAS || ask.callbackGas % 1000 != 0) {
            revert CallbackGasOutOfRange(ask.callbackGas);
        }
        if (ask.submissions.length > MAX_SUBMISSIONS) {
            revert TooManySubmissions(ask.submissions.length, MAX_SUBMISSIONS);
        }
        if (ask.payload.length > MAX_PAYLOAD) revert PayloadTooLong(ask.payload.length, MAX_PAYLOAD);
    }

    function _payloadHash(Ask calldata ask) private view returns (bytes32) {
        if (ask.payload.length == 0) return ask.payloadHash == 0 ? SottoDigests.EMPTY : ask.payloadHash;
        bytes32 actual = SottoDigests.bytesHash(ask.payload);
        if (ask.payloadHash != 0 && ask.payloadHash != actual) revert PayloadHashMismatch(ask.payloadHash, actual);
        return actual;
    }

    /// @dev Cheapest first; a request that is not open has nothing else to be compared with.
    function _judge(Request memory asked, bytes32 requestHash, uint256 resultLength) private view returns (Refusal) {
        if (asked.status != Status.Open) return Refusal.NotOpen;
        if (block.timestamp > asked.deadline) return Refusal.Late;
        if (asked.hash != requestHash) return Refusal.Mismatch;
        if (resultLength > MAX_RESULT) return Refusal.ResultTooLong;
        return Refusal.None;
    }

    function _refuse(Refusal refusal, uint64 id, Request memory asked, bytes32 requestHash, uint256 resultLength)
        private
        view
    {
        if (refusal == Refusal.NotOpen) revert NotOpen(id, _status(asked));
        if (refusal == Refusal.Late) revert Late(id, asked.deadline, block.timestamp);
        if (refusal == Refusal.Mismatch) revert RequestMismatch(id, asked.hash, requestHash);
        revert ResultTooLong(resultLength, MAX_RESULT);
    }

    /// @dev `Fulfilled` is a result's hash beside a cleared second slot: clearing is what makes settling cheap.
    function _status(Request memory asked) private pure returns (Status) {
        return asked.status == Status.None && asked.hash != 0 ? Status.Fulfilled : asked.status;
    }

    function _settle(uint64 id, Request storage kept, bytes32 resultHash) private {
        kept.hash = resultHash;
        _clear(kept);
        emit Fulfilled(id, resultHash);
    }

    /// @dev Clears the second slot whole; field by field the compiler would read it first.
    function _clear(Request storage kept) private {
        assembly ("memory-safe") {
            sstore(add(kept.slot, 1), 0)
        }
    }

    // ------------------------------------------------------------ the proofs

    function _requestHash(Answer calldata answer) private view returns (bytes32) {
        return SottoDigests.request(domain, answer.id, answer.app, answer.generation, answer.terms);
    }

    function _resultDigest(Answer calldata answer, bytes32 requestHash, bytes32 resultHash)
        private
        view
        returns (bytes32)
    {
        return SottoDigests.result(
            domain, answer.id, requestHash, answer.attempt, answer.app, answer.generation, resultHash
        );
    }

    function _digestBatch(Answer[] calldata answers)
        private
        view
        returns (bytes32 digest, bytes32[] memory requestHashes, bytes32[] memory resultHashes)
    {
        uint256 count = answers.length;
        _checkCount(count, MAX_BATCH);
        requestHashes = new bytes32[](count);
        resultHashes = new bytes32[](count);
        bytes32[] memory words = new bytes32[](count + 2);
        for (uint256 i = 0; i < count; ++i) {
            requestHashes[i] = _requestHash(answers[i]);
            resultHashes[i] = SottoDigests.bytesHash(answers[i].result);
            words[i + 2] = _resultDigest(answers[i], requestHashes[i], resultHashes[i]);
        }
        digest = SottoDigests.batch(domain, words);
    }

    function _checkCount(uint256 count, uint256 limit) private pure {
        if (count == 0 || count > limit) revert CountOutOfRange(count, limit);
    }

    function _checkNonce(uint64 given, uint64 last) private pure {
        if (given != last + 1) revert WrongNonce(given, last + 1);
    }

    /// @dev Exactly t signatures of distinct members: strictly rising addresses make them distinct.
    function _checkQuorum(bytes32 digest, bytes calldata signatures) private view {
        uint256 needed = threshold();
        uint256 length = needed * SottoSignatures.LENGTH;
        if (signatures.length != length) revert SignatureLength(signatures.length, length);
        address last = address(0);
        for (uint256 i = 0; i < needed; ++i) {
            address signer = SottoSignatures.recoverAt(digest, signatures, i * SottoSignatures.LENGTH);
            if (signer <= last) revert SignersNotAscending(last, signer);
            if (!isMember[signer]) revert NotMember(signer);
            last = signer;
        }
    }

    function _installMembers(address[] memory next) private {
        _checkCount(next.length, MAX_MEMBERS);
        for (uint256 i = 0; i < next.length; ++i) {
            if (next[i] == address(0)) revert ZeroAddress();
            if (isMember[next[i]]) revert DuplicateMember(next[i]);
            isMember[next[i]] = true;
        }
        memberList = next;
        emit MembersSet(membersNonce, next);
    }

    // ----------------------------------------------------- calls to outside

    /// @dev Called on a request already settled. A failure is noted and undoes nothing.
    function _callBack(uint64 id, Request memory asked, bytes calldata result, bytes32 resultHash) private {
        uint256 callbackGas = uint256(asked.callbackKilogas) * 1000;
        _needGas(callbackGas + CALLBACK_MARGIN);
        if (_callConsumer(asked.consumer, id, result, callbackGas)) return;
        asked.hash = resultHash;
        asked.status = Status.Undelivered;
        requests[id] = asked;
        emit CallbackFailed(id, asked.consumer);
    }

    function _callConsumer(address consumer, uint64 id, bytes calldata result, uint256 gasLimit)
        private
        returns (bool done)
    {
        bytes memory data = abi.encodeCall(ISottoConsumer.onSottoResult, (id, result));
        assembly ("memory-safe") {
            done := call(gasLimit, consumer, 0, add(data, 32), mload(data), 0, 0)
        }
    }

    /// @dev Transfers under a gas limit; what is refused waits in `owed`.
    function _push(address to, uint256 amount) private {
        if (amount == 0) return;
        _needGas(PUSH_GAS + PUSH_MARGIN);
        if (_send(to, amount, PUSH_GAS)) return;
        owed[to] += amount;
        emit Owing(to, amount);
    }

    function _send(address to, uint256 amount, uint256 gasLimit) private returns (bool done) {
        assembly ("memory-safe") {
            done := call(gasLimit, to, amount, 0, 0, 0, 0)
        }
    }

    /// @dev A call may be given at most 63/64 of what is left (EIP-150); with less than it is entitled to, whoever
    /// sent the transaction could make it fail at will.
    function _needGas(uint256 needed) private view {
        uint256 left = gasleft() - gasleft() / 64;
        if (left < needed) revert NotEnoughGas(left, needed);
    }
}
