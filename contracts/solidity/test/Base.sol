// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Answer, Ask, ISotto, KeyEntry, Payment, Request, Status, Submission} from "../src/ISotto.sol";

/// @title The few cheatcodes of Foundry these tests use.
interface Vm {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 time) external;
    function getBlockTimestamp() external view returns (uint256);
    function chainId(uint256 id) external;
    function deal(address who, uint256 balance) external;
    function etch(address who, bytes calldata code) external;
    function prank(address sender) external;
    function expectRevert(bytes calldata data) external;
    function expectRevert() external;
    function expectPartialRevert(bytes4 selector) external;
    function expectEmit(address emitter) external;
    function assume(bool condition) external pure;
    function lastCallGas() external view returns (Gas memory);
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonAddressArray(string calldata json, string calldata key) external pure returns (address[] memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function getCode(string calldata path) external view returns (bytes memory);
    function toString(uint256 value) external pure returns (string memory);
    function assertTrue(bool condition, string calldata why) external pure;
    function assertEq(uint256 left, uint256 right, string calldata why) external pure;
    function assertEq(bytes32 left, bytes32 right, string calldata why) external pure;
    function assertEq(address left, address right, string calldata why) external pure;
    function assertEq(bytes calldata left, bytes calldata right, string calldata why) external pure;
    function assertLe(uint256 left, uint256 right, string calldata why) external pure;
}

/// @title What all these tests stand on: a Sotto contract, its members, a result key, and shorthands.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    // The time is read by `vm.getBlockTimestamp()`: the optimizer holds `block.timestamp` for constant across a `warp`.

    bytes32 internal constant NETWORK = keccak256("a development network");
    bytes32 internal constant APP = keccak256("an app");
    uint64 internal constant GENERATION = 3;
    uint32 internal constant LIFETIME = 2 hours;
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant RESULT_KEY = 0xBEEF;
    uint256 internal constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    ISotto internal sotto;
    /// @dev Private keys of the members, ascending by address.
    uint256[] internal memberKeys;

    function setUp() public virtual {
        vm.warp(NOW);
        deploy(1);
        registerKey(APP, vm.addr(RESULT_KEY), uint64(NOW + LIFETIME));
    }

    /// @dev A refund or a payment to a test is taken.
    receive() external payable virtual {}

    function deploy(uint256 count) internal {
        memberKeys = keysOf(0x1000, count);
        sotto = deploySotto(NETWORK, addressesOf(memberKeys), LIFETIME);
    }

    function deploySotto(bytes32 network, address[] memory members, uint32 maxKeyLifetime) internal returns (ISotto) {
        return ISotto(deployCommitted("Sotto", abi.encode(network, members, maxKeyLifetime)));
    }

    /// @dev Deploys the committed code of a contract, with its constructor's arguments.
    function deployCommitted(string memory name, bytes memory arguments) internal returns (address created) {
        bytes memory code = bytes.concat(vm.getCode(string.concat("artifacts/", name, ".json")), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
            if iszero(created) {
                returndatacopy(code, 0, returndatasize())
                revert(code, returndatasize())
            }
        }
    }

    /// @dev `count` private keys from `first` on, ascending by address.
    function keysOf(uint256 first, uint256 count) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 key = first + i;
            uint256 slot = i;
            for (; slot != 0 && vm.addr(keys[slot - 1]) > vm.addr(key); --slot) {
                keys[slot] = keys[slot - 1];
            }
            keys[slot] = key;
        }
    }

    function addressesOf(uint256[] memory keys) internal pure returns (address[] memory list) {
        list = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            list[i] = vm.addr(keys[i]);
        }
    }

    function signWith(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The proof of the last `count` members.
    function proofOf(uint256 count, bytes32 digest) internal view returns (bytes memory proof) {
        for (uint256 i = memberKeys.length - count; i < memberKeys.length; ++i) {
            proof = bytes.concat(proof, signWith(memberKeys[i], digest));
        }
    }

    function proofOf(bytes32 digest) internal view returns (bytes memory) {
        return proofOf(sotto.threshold(), digest);
    }

    function registerKey(bytes32 app, address key, uint64 expiry) internal {
        KeyEntry[] memory entries = new KeyEntry[](1);
        entries[0] = KeyEntry(app, key, expiry);
        uint64 nonce = keysNonce() + 1;
        sotto.setResultKeys(entries, nonce, proofOf(sotto.keysDigest(entries, nonce)));
    }

    function payOut(address to, uint256 amount) internal {
        Payment[] memory payments = new Payment[](1);
        payments[0] = Payment(to, amount);
        uint64 nonce = payoutNonce() + 1;
        sotto.payout(payments, nonce, proofOf(sotto.payoutDigest(payments, nonce)));
    }

    /// @dev A plain ask: no submissions, a short payload, no callback, an hour to answer.
    function plainAsk() internal view returns (Ask memory ask) {
        ask.app = APP;
        ask.generation = GENERATION;
        ask.context = bytes32("context");
        ask.payload = "hello";
        ask.assurance = 0x01010100;
        ask.deadline = uint64(vm.getBlockTimestamp() + 1 hours);
    }

    function answerTo(uint64 id, Ask memory ask, address consumer, uint256 escrow, bytes memory result)
        internal
        view
        returns (Answer memory)
    {
        return Answer({
            id: id,
            attempt: 1,
            app: ask.app,
            generation: ask.generation,
            terms: sotto.termsOf(ask, consumer, escrow),
            result: result
        });
    }

    function signed(Answer memory answer) internal view returns (bytes memory) {
        return signWith(RESULT_KEY, sotto.resultDigest(answer));
    }

    /// @dev A plain ask of this contract with an escrow of one gwei, and its signed answer.
    function openPlain(bytes memory result) internal returns (Answer memory answer, bytes memory signature) {
        Ask memory ask = plainAsk();
        uint64 id = sotto.request{value: 1 gwei}(ask);
        answer = answerTo(id, ask, address(this), 1 gwei, result);
        signature = signed(answer);
    }

    function keysNonce() internal view returns (uint64 nonce) {
        (nonce,,) = sotto.nonces();
    }

    function payoutNonce() internal view returns (uint64 nonce) {
        (, nonce,) = sotto.nonces();
    }

    function membersNonce() internal view returns (uint64 nonce) {
        (,, nonce) = sotto.nonces();
    }

    function statusOf(uint64 id) internal view returns (Status status) {
        (status,) = sotto.statusOf(id);
    }

    function assertStatus(uint64 id, Status wanted, string memory why) internal view {
        vm.assertEq(uint256(statusOf(id)), uint256(wanted), why);
    }

    function assertHash(uint64 id, bytes32 wanted, string memory why) internal view {
        (, bytes32 hash) = sotto.statusOf(id);
        vm.assertEq(hash, wanted, why);
    }
}
