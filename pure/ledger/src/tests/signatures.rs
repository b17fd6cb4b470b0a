//! The signatures of `tests/vectors/digest.json`, made apart from this code, as the ledger checks
//! and makes them.

use serde_json::Value;
use sotto_crypto::sign::{BadSignature, Signature, SigningKey, threshold};

#[allow(clippy::disallowed_methods, reason = "golden vectors are files")]
fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/digest.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().strip_prefix("0x").unwrap();
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn fixed<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn address(key: &Value) -> [u8; 20] {
    SigningKey::from_bytes(&fixed(key)).unwrap().public().address()
}

#[test]
fn a_result_keys_signature_agrees() {
    let all = vectors();
    let results = all["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for case in results {
        let (digest, signature) = (fixed(&case["digest"]), &case["signature"]);
        let key = SigningKey::from_bytes(&fixed(&signature["privateKey"])).unwrap();
        assert_eq!(key.public().address(), fixed(&signature["address"]));
        assert_eq!(key.sign(&digest).0, fixed(&signature["bytes"]), "{}", case["name"]);
    }
}

#[test]
fn members_proofs_agree() {
    let all = vectors();
    for list in ["batches", "keys", "payouts", "members"] {
        let cases = all[list].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let (digest, proof): ([u8; 32], &Value) = (fixed(&case["digest"]), &case["proof"]);
            let members = proof["members"].as_array().unwrap().len();
            let needed = threshold(u32::try_from(members).unwrap());
            assert_eq!(proof["threshold"].as_str().unwrap(), needed.to_string());
            let signers = proof["signers"].as_array().unwrap();
            assert_eq!(signers.len(), needed as usize);
            let signatures = bytes(&proof["signatures"]);
            let (chunks, rest) = signatures.as_chunks::<65>();
            assert_eq!((chunks.len(), rest.len()), (signers.len(), 0));
            for (signer, signature) in signers.iter().zip(chunks) {
                let by: [u8; 20] = fixed(&signer["address"]);
                assert_eq!(address(&signer["privateKey"]), by);
                assert_eq!(Signature(*signature).recover(&digest).unwrap().address(), by);
            }
            assert!(signers.is_sorted_by_key(|s| bytes(&s["address"])));
        }
    }
}

#[test]
fn other_forms_of_a_signature_are_refused() {
    let all = vectors();
    let case = &all["signatures"];
    let digest: [u8; 32] = fixed(&case["digest"]);
    let good = &case["good"];
    let by: [u8; 20] = fixed(&good["address"]);
    assert_eq!(Signature(fixed(&good["bytes"])).recover(&digest).unwrap().address(), by);
    let refused = case["refused"].as_array().unwrap();
    assert!(refused.len() > 10);
    for case in refused {
        let Ok(signature) = <[u8; 65]>::try_from(bytes(&case["bytes"])) else {
            assert_eq!(case["reason"], "length");
            continue;
        };
        let got = Signature(signature).recover(&digest);
        match case["reason"].as_str().unwrap() {
            // s at or above the order is out of range before it is high.
            "high-s" => {
                let high = matches!(got, Err(BadSignature::HighS | BadSignature::Range));
                assert!(high, "{got:?}");
            }
            "v" => assert_eq!(got.unwrap_err(), BadSignature::Recovery(signature[64])),
            "unrecoverable" => {
                let none = matches!(got, Err(BadSignature::Range | BadSignature::Mismatch));
                assert!(none, "{got:?}");
            }
            "other-signer" => assert_ne!(got.map(|key| key.address()), Ok(by)),
            other => panic!("{other}: {got:?}"),
        }
    }
}
