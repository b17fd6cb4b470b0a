// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Base} from "./Base.sol";
import {Answer, Ask, ISotto, KeyEntry, Payment, Submission} from "../src/ISotto.sol";
import {SottoDigests} from "../src/SottoDigests.sol";
import {SottoSignatures} from "../src/SottoSignatures.sol";

/// @title The digests, against the golden vectors and against a plain re-computation.
contract DigestsTest is Base {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("../../tests/vectors/digest.json");
    }

    /// @dev The path of a field of the `i`th case.
    function field(string memory list, uint256 i, string memory name) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "].", name);
    }

    function has(string memory list, uint256 i) private view returns (bool) {
        return vm.keyExistsJson(json, string.concat(".", list, "[", vm.toString(i), "]"));
    }

    function number(string memory list, uint256 i, string memory name) private view returns (uint256) {
        return vm.parseJsonUint(json, field(list, i, name));
    }

    function word(string memory list, uint256 i, string memory name) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, field(list, i, name));
    }

    function blob(string memory list, uint256 i, string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, field(list, i, name));
    }

    function account(string memory list, uint256 i, string memory name) private view returns (address) {
        return vm.parseJsonAddress(json, field(list, i, name));
    }

    /// @dev Deploys, once, at the address a vector names: its constructor's code runs there, as in a creation.
    function deployAt(address where, bytes32 network, address[] memory members) private {
        sotto = ISotto(where);
        if (where.code.length != 0) return;
        vm.etch(where, abi.encodePacked(vm.getCode("artifacts/Sotto.json"), abi.encode(network, members, LIFETIME)));
        (bool done, bytes memory code) = where.call("");
        vm.assertTrue(done, "constructed");
        vm.etch(where, code);
    }

    /// @dev Deploys the Sotto contract of the domain a case names, with these members.
    function deployFor(string memory list, uint256 i, address[] memory members) private {
        bytes32 name = keccak256(bytes(vm.parseJsonString(json, field(list, i, "domain"))));
        for (uint256 d = 0; has("domains", d); ++d) {
            if (keccak256(bytes(vm.parseJsonString(json, field("domains", d, "name")))) != name) continue;
            vm.chainId(number("domains", d, "chainId"));
            deployAt(account("domains", d, "contract"), word("domains", d, "network"), members);
            vm.assertEq(sotto.domain(), word("domains", d, "domain"), "domain");
            return;
        }
        revert("no such domain");
    }

    function deployFor(string memory list, uint256 i) private {
        deployFor(list, i, addressesOf(memberKeys));
    }

    function test_vectors_tags() public view {
        bytes32[8] memory tags = [
            SottoDigests.DOMAIN_TAG,
            SottoDigests.TERMS_TAG,
            SottoDigests.REQUEST_TAG,
            SottoDigests.RESULT_TAG,
            SottoDigests.BATCH_TAG,
            SottoDigests.KEYS_TAG,
            SottoDigests.PAYOUT_TAG,
            SottoDigests.MEMBERS_TAG
        ];
        for (uint256 i = 0; i < tags.length; ++i) {
            vm.assertEq(tags[i], word("tags", i, "hash"), "tag");
            vm.assertEq(tags[i], sha256(bytes(vm.parseJsonString(json, field("tags", i, "text")))), "its text");
        }
        vm.assertEq(SottoDigests.EMPTY, sha256(""), "nothing");
    }

    function test_vectors_domains() public {
        uint256 i = 0;
        for (; has("domains", i); ++i) {
            vm.chainId(number("domains", i, "chainId"));
            deployAt(account("domains", i, "contract"), word("domains", i, "network"), addressesOf(memberKeys));
            vm.assertEq(sotto.chain(), word("domains", i, "chain"), "chain");
            vm.assertEq(sotto.domain(), word("domains", i, "domain"), "domain");
        }
        vm.assertTrue(i >= 4, "all of them");
    }

    function askOf(uint256 i) private view returns (Ask memory ask) {
        ask.app = word("requests", i, "app");
        ask.generation = uint64(number("requests", i, "generation"));
        ask.context = word("requests", i, "context");
        ask.payload = blob("requests", i, "payload");
        if (ask.payload.length == 0) ask.payloadHash = word("requests", i, "payloadHash");
        ask.callbackGas = uint32(number("requests", i, "callbackGas"));
        ask.assurance = uint32(number("requests", i, "assurance"));
        ask.deadline = uint64(number("requests", i, "deadline"));
        uint256 count = 0;
        while (has(submission(i), count)) ++count;
        ask.submissions = new Submission[](count);
        for (uint256 j = 0; j < count; ++j) {
            ask.submissions[j] = Submission(account(submission(i), j, "submitter"), word(submission(i), j, "envelope"));
        }
    }

    function submission(uint256 i) private pure returns (string memory) {
        return string.concat("requests[", vm.toString(i), "].submissions");
    }

    function test_vectors_requests() public {
        uint256 i = 0;
        for (; has("requests", i); ++i) {
            deployFor("requests", i);
            Ask memory ask = askOf(i);
            bytes32 terms = sotto.termsOf(ask, account("requests", i, "consumer"), number("requests", i, "escrow"));
            vm.assertEq(terms, word("requests", i, "terms"), "terms");
            uint64 id = uint64(number("requests", i, "id"));
            bytes32 hash = sotto.requestHashOf(id, ask.app, ask.generation, terms);
            vm.assertEq(hash, word("requests", i, "requestHash"), "request hash");
        }
        vm.assertTrue(i >= 7, "all of them");
    }

    function answerOf(string memory list, uint256 i) private view returns (Answer memory) {
        return Answer({
            id: uint64(number(list, i, "id")),
            attempt: uint32(number(list, i, "attempt")),
            app: word(list, i, "app"),
            generation: uint64(number(list, i, "generation")),
            terms: word(list, i, "terms"),
            result: blob(list, i, "result")
        });
    }

    function test_vectors_results() public {
        uint256 i = 0;
        for (; has("results", i); ++i) {
            deployFor("results", i);
            Answer memory answer = answerOf("results", i);
            bytes32 digest = word("results", i, "digest");
            vm.assertEq(sotto.resultDigest(answer), digest, "result digest");
            bytes memory signature = signWith(uint256(word("results", i, "signature.privateKey")), digest);
            vm.assertEq(signature, blob("results", i, "signature.bytes"), "the same signature (RFC 6979)");
        }
        vm.assertTrue(i >= 8, "all of them");
    }

    function test_vectors_batches() public {
        uint256 i = 0;
        for (; has("batches", i); ++i) {
            address[] memory members = vm.parseJsonAddressArray(json, field("batches", i, "proof.members"));
            deployFor("batches", i, members);
            string memory results = string.concat("batches[", vm.toString(i), "].results");
            uint256 count = 0;
            while (has(results, count)) ++count;
            Answer[] memory answers = new Answer[](count);
            for (uint256 j = 0; j < count; ++j) {
                answers[j] = answerOf(results, j);
            }
            vm.assertEq(sotto.batchDigest(answers), word("batches", i, "digest"), "batch digest");
            vm.assertEq(sotto.threshold(), number("batches", i, "proof.threshold"), "t of n");
            // None of these was asked here, so a good proof leaves them all out; a bad one would revert.
            sotto.fulfilBatch(answers, blob("batches", i, "proof.signatures"));
            vm.assertEq(sotto.networkBalance(), 0, "nothing settled");
        }
        vm.assertTrue(i >= 3, "all of them");
    }

    function test_vectors_keys() public {
        uint256 i = 0;
        for (; has("keys", i); ++i) {
            deployFor("keys", i);
            string memory list = string.concat("keys[", vm.toString(i), "].entries");
            uint256 count = 0;
            while (has(list, count)) ++count;
            KeyEntry[] memory entries = new KeyEntry[](count);
            for (uint256 j = 0; j < count; ++j) {
                entries[j] = KeyEntry(word(list, j, "app"), account(list, j, "key"), uint64(number(list, j, "expiry")));
            }
            bytes32 digest = sotto.keysDigest(entries, uint64(number("keys", i, "nonce")));
            vm.assertEq(digest, word("keys", i, "digest"), "keys digest");
        }
        vm.assertTrue(i >= 2, "all of them");
    }

    function test_vectors_payouts() public {
        uint256 i = 0;
        for (; has("payouts", i); ++i) {
            deployFor("payouts", i);
            string memory list = string.concat("payouts[", vm.toString(i), "].payments");
            uint256 count = 0;
            while (has(list, count)) ++count;
            Payment[] memory payments = new Payment[](count);
            for (uint256 j = 0; j < count; ++j) {
                payments[j] = Payment(account(list, j, "to"), number(list, j, "amount"));
            }
            bytes32 digest = sotto.payoutDigest(payments, uint64(number("payouts", i, "nonce")));
            vm.assertEq(digest, word("payouts", i, "digest"), "payout digest");
        }
        vm.assertTrue(i >= 2, "all of them");
    }

    function test_vectors_members() public {
        uint256 i = 0;
        for (; has("members", i); ++i) {
            deployFor("members", i);
            address[] memory next = vm.parseJsonAddressArray(json, field("members", i, "next"));
            bytes32 digest = sotto.membersDigest(next, uint64(number("members", i, "nonce")));
            vm.assertEq(digest, word("members", i, "digest"), "members digest");
        }
        vm.assertTrue(i >= 3, "all of them");
    }

    function test_vectors_signatures() public {
        Probe probe = new Probe();
        bytes32 digest = vm.parseJsonBytes32(json, ".signatures.digest");
        address good = vm.parseJsonAddress(json, ".signatures.good.address");
        vm.assertEq(probe.recover(digest, vm.parseJsonBytes(json, ".signatures.good.bytes")), good, "the good one");
        uint256 i = 0;
        for (; has("signatures.refused", i); ++i) {
            bytes memory bytes_ = blob("signatures.refused", i, "bytes");
            bytes32 reason = keccak256(bytes(vm.parseJsonString(json, field("signatures.refused", i, "reason"))));
            (bool done, bytes memory out) = address(probe).call(abi.encodeCall(Probe.recover, (digest, bytes_)));
            if (reason == keccak256("other-signer")) {
                vm.assertTrue(done && abi.decode(out, (address)) != good, "another signer");
                continue;
            }
            bytes4 wanted = ISotto.SignatureLength.selector;
            if (reason == keccak256("high-s")) wanted = ISotto.SignatureHighS.selector;
            if (reason == keccak256("v")) wanted = ISotto.SignatureV.selector;
            if (reason == keccak256("unrecoverable")) wanted = ISotto.SignatureUnrecoverable.selector;
            vm.assertTrue(!done && bytes4(out) == wanted, "refused for its reason");
        }
        vm.assertTrue(i >= 13, "all of them");
    }

    // ------------------------------------------------- a plain re-computation

    function testFuzz_result_digest(Answer memory answer) public view {
        bytes32 requestHash = sha256(
            bytes.concat(
                sha256("sotto/request/v1"),
                sotto.domain(),
                bytes32(uint256(answer.id)),
                answer.app,
                bytes32(uint256(answer.generation)),
                answer.terms
            )
        );
        bytes32 digest = sha256(
            bytes.concat(
                sha256("sotto/result/v1"),
                sotto.domain(),
                bytes32(uint256(answer.id)),
                requestHash,
                bytes32(uint256(answer.attempt)),
                answer.app,
                bytes32(uint256(answer.generation)),
                sha256(answer.result)
            )
        );
        vm.assertEq(sotto.resultDigest(answer), digest, "result digest");
        Answer[] memory answers = new Answer[](2);
        (answers[0], answers[1]) = (answer, answer);
        bytes32 batch = sha256(bytes.concat(sha256("sotto/batch/v1"), sotto.domain(), digest, digest));
        vm.assertEq(sotto.batchDigest(answers), batch, "batch digest");
    }

    function testFuzz_terms(Ask memory ask, address consumer, uint256 escrow) public view {
        bytes memory list;
        for (uint256 i = 0; i < ask.submissions.length; ++i) {
            list = bytes.concat(list, wordOf(ask.submissions[i].submitter), ask.submissions[i].envelope);
        }
        ask.payloadHash = 0;
        bytes32 terms = sha256(
            bytes.concat(
                sha256("sotto/terms/v1"),
                wordOf(consumer),
                ask.context,
                sha256(list),
                sha256(ask.payload),
                bytes32(uint256(ask.callbackGas)),
                bytes32(uint256(ask.assurance)),
                bytes32(uint256(ask.deadline)),
                bytes32(escrow)
            )
        );
        vm.assertEq(sotto.termsOf(ask, consumer, escrow), terms, "terms");
    }

    function testFuzz_lists(KeyEntry[] memory entries, Payment[] memory payments, address[] memory next, uint64 nonce)
        public
        view
    {
        bytes memory list;
        for (uint256 i = 0; i < entries.length; ++i) {
            list = bytes.concat(list, entries[i].app, wordOf(entries[i].key), bytes32(uint256(entries[i].expiry)));
        }
        vm.assertEq(sotto.keysDigest(entries, nonce), listDigest("sotto/keys/v1", nonce, list), "keys");
        list = "";
        for (uint256 i = 0; i < payments.length; ++i) {
            list = bytes.concat(list, wordOf(payments[i].to), bytes32(payments[i].amount));
        }
        vm.assertEq(sotto.payoutDigest(payments, nonce), listDigest("sotto/payout/v1", nonce, list), "payout");
        list = "";
        for (uint256 i = 0; i < next.length; ++i) {
            list = bytes.concat(list, wordOf(next[i]));
        }
        vm.assertEq(sotto.membersDigest(next, nonce), listDigest("sotto/members/v1", nonce, list), "members");
    }

    function listDigest(bytes memory tag, uint64 nonce, bytes memory list) private view returns (bytes32) {
        return sha256(bytes.concat(sha256(tag), sotto.domain(), bytes32(uint256(nonce)), sha256(list)));
    }

    function wordOf(address value) private pure returns (bytes32) {
        return bytes32(uint256(uint160(value)));
    }
}

/// @title Says who signed, or why nobody did.
contract Probe {
    function recover(bytes32 digest, bytes calldata signature) external pure returns (address) {
        return SottoSignatures.recover(digest, signature);
    }
}
