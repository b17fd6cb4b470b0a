//! The on-chain digests against `tests/vectors/digest.json`, which is made by an implementation of
//! its own (`contracts/solidity/test/vectors.mjs`).

use super::golden::{bytes, items, number, read, text, word};
use crate::digest::{KeyEntry, Payment, submissions_hash};
use crate::*;
use serde_json::Value;

fn account(value: &Value, name: &str) -> Account {
    address(&bytes(value, name))
}

fn address(bytes: &[u8]) -> Account {
    Account::from_address(bytes.try_into().unwrap())
}

/// The domain a case names.
fn domain(all: &Value, case: &Value) -> Domain {
    let name = text(case, "domain");
    let found = items(all, "domains").iter().find(|d| text(d, "name") == name).unwrap();
    Domain(word(found, "domain"))
}

#[test]
fn tags_and_domains_agree() {
    let all = read("digest.json");
    for tag in items(&all, "tags") {
        assert_eq!(sha256(&[text(tag, "text").as_bytes()]), word(tag, "hash"));
    }
    assert_eq!(sha256(&[]), word(&all, "empty"));
    for case in items(&all, "domains") {
        let caip2 = text(case, "caip2");
        assert_eq!(caip2, format!("eip155:{}", text(case, "chainId")));
        let chain = ChainId::from_caip2(caip2);
        assert_eq!(chain.0, word(case, "chain"));
        let network = NetworkId(word(case, "network"));
        let domain = Domain::new(&network, &chain, &account(case, "contract"));
        assert_eq!(domain.0, word(case, "domain"), "{}", text(case, "name"));
    }
}

#[test]
fn requests_agree() {
    let all = read("digest.json");
    for case in items(&all, "requests") {
        let submissions = case["submissions"].as_array().unwrap();
        let submissions: Vec<Submission> = submissions
            .iter()
            .map(|s| {
                let envelope = Hash(word(s, "envelope"));
                assert_eq!(Hash::of(&bytes(s, "bytes")), envelope);
                Submission { submitter: account(s, "submitter"), envelope }
            })
            .collect();
        let ask = Ask {
            number: number(case, "id"),
            consumer: account(case, "consumer"),
            app: AppId(word(case, "app")),
            generation: Generation(number(case, "generation")),
            context: Context(word(case, "context")),
            submissions,
            payload: bytes(case, "payload"),
            payload_hash: Hash(word(case, "payloadHash")),
            callback_gas: number(case, "callbackGas"),
            assurance: Assurance(number(case, "assurance")),
            deadline: Time(number(case, "deadline")),
            escrow: Amount(number(case, "escrow")),
        };
        let name = text(case, "name");
        assert_eq!(ask.validate(), Ok(()), "{name}");
        assert_eq!(submissions_hash(&ask.submissions).0, word(case, "submissionsHash"), "{name}");
        assert_eq!(ask.submissions_hash().0, word(case, "submissionsHash"), "{name}");
        assert_eq!(ask.terms().0, word(case, "terms"), "{name}");
        assert_eq!(ask.hash(&domain(&all, case)).0, word(case, "requestHash"), "{name}");
    }
}

/// An answer of the vectors, its intermediate hashes checked.
fn answer(domain: &Domain, case: &Value) -> Answer {
    let answer = Answer {
        number: number(case, "id"),
        attempt: Attempt(number(case, "attempt")),
        app: AppId(word(case, "app")),
        generation: Generation(number(case, "generation")),
        terms: Hash(word(case, "terms")),
        result: bytes(case, "result"),
        deadline: Time(0),
    };
    let request = domain.request(answer.number, &answer.app, answer.generation, &answer.terms);
    assert_eq!(request.0, word(case, "requestHash"));
    assert_eq!(Hash::of(&answer.result).0, word(case, "resultHash"));
    assert_eq!(answer.digest(domain).0, word(case, "digest"));
    answer
}

#[test]
fn results_and_batches_agree() {
    let all = read("digest.json");
    for case in items(&all, "results") {
        let domain = domain(&all, case);
        let answer = answer(&domain, case);
        let lone = Delivery::Fulfil { answer, signature: [0; 65] };
        assert_eq!(lone.digest(&domain).0, word(case, "digest"), "{}", text(case, "name"));
    }
    for case in items(&all, "batches") {
        let domain = domain(&all, case);
        let answers = items(case, "results").iter().map(|a| answer(&domain, a)).collect();
        let batch = Delivery::Batch { answers, signatures: vec![] };
        assert_eq!(batch.digest(&domain).0, word(case, "digest"), "{}", text(case, "name"));
    }
}

#[test]
fn keys_and_members_agree() {
    let all = read("digest.json");
    for case in items(&all, "keys") {
        let entry = |e| KeyEntry {
            app: AppId(word(e, "app")),
            key: account(e, "key"),
            expiry: Time(number(e, "expiry")),
        };
        let entries = items(case, "entries").iter().map(entry).collect();
        let nonce = number(case, "nonce");
        let keys = Delivery::Keys { nonce, entries, signatures: vec![] };
        assert_eq!(keys.digest(&domain(&all, case)).0, word(case, "digest"));
    }
    for case in items(&all, "members") {
        let member = |m: &Value| {
            address(&hex::decode(m.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap())
        };
        let members = items(case, "next").iter().map(member).collect();
        let nonce = number(case, "nonce");
        let set = Delivery::Members { nonce, members, signatures: vec![] };
        assert_eq!(set.digest(&domain(&all, case)).0, word(case, "digest"));
    }
}

/// 2^256 − 1, which a chain can say and [`Amount`] cannot: its word is all ones.
const MAX_WORD: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

#[test]
fn payouts_agree() {
    let all = read("digest.json");
    let mut beyond = 0;
    for case in items(&all, "payouts") {
        let domain = domain(&all, case);
        let nonce: u64 = number(case, "nonce");
        let amounts: Option<Vec<Payment>> = items(case, "payments")
            .iter()
            .map(|p| {
                let amount = text(p, "amount").parse().ok().map(Amount)?;
                Some(Payment { to: account(p, "to"), amount })
            })
            .collect();
        if let Some(payments) = amounts {
            let payout = Delivery::Payout { nonce, payments, signatures: vec![] };
            assert_eq!(payout.digest(&domain).0, word(case, "digest"));
            continue;
        }
        // Only the digest's form can be checked: this ledger never owes that much.
        beyond += 1;
        let word_of = |amount: &str| match amount.parse() {
            Ok(amount) => digest::word(amount),
            Err(_) if amount == MAX_WORD => [0xff; 32],
            Err(_) => panic!("{amount} is neither 128 bits nor the largest word"),
        };
        let words: Vec<[u8; 32]> = items(case, "payments")
            .iter()
            .flat_map(|p| [account(p, "to").0, word_of(text(p, "amount"))])
            .collect();
        let list = sha256(&[words.concat().as_slice()]);
        let tag = sha256(&[b"sotto/payout/v1"]);
        let made = sha256(&[&tag, &domain.0, &digest::word(nonce.into()), &list]);
        assert_eq!(made, word(case, "digest"));
    }
    assert_eq!(beyond, 1);
}

#[test]
fn every_word_of_a_digest_counts() {
    let domain = Domain([1; 32]);
    let base = super::samples::ask();
    let mut seen = vec![base.hash(&domain), base.hash(&Domain([2; 32]))];
    let changes: [fn(&mut Ask); 11] = [
        |a| a.number = 2,
        |a| a.consumer.0[31] ^= 1,
        |a| a.app.0[0] ^= 1,
        |a| a.generation = Generation(2),
        |a| a.context.0[0] ^= 1,
        |a| a.submissions[0].submitter.0[31] ^= 1,
        |a| a.submissions.swap(0, 1),
        |a| a.payload_hash.0[0] ^= 1,
        |a| a.callback_gas += 1_000,
        |a| a.deadline = a.deadline.plus(1),
        |a| a.escrow = Amount(a.escrow.0 + 1),
    ];
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        seen.push(other.hash(&domain));
    }
    let mut other = base;
    other.assurance = Assurance(0);
    seen.push(other.hash(&domain));
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}
