//! Arm CCA: public sample tokens; no token of real hardware is public.

use crate::{evidence_dir, rows};
use serde_json::Value;
use sotto_attest::{
    Anchors, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise,
    cca, x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::fs;

fn judge(bytes: &[u8], signer: Option<Vec<u8>>, expected: &Expected, policy: &Policy) -> Appraisal {
    let parts = Parts { quote: bytes.to_vec(), ..Parts::default() };
    let evidence = Evidence { kind: TeeKind::Cca, parts };
    let endorsements = Endorsements { signer, ..Endorsements::default() };
    appraise(&evidence, &endorsements, expected, policy, Time(1), &mut Cache::default())
}

fn development() -> Policy {
    Policy { anchors: Anchors::pinned().and(Anchors::development()), ..Policy::base() }
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

/// The key that a row's reason names.
fn named_key(row: &Value) -> Option<Vec<u8>> {
    let reason = row["expect"]["reason"].as_str()?;
    let name = reason.strip_prefix("platform key ")?;
    let folder = evidence_dir()?.join("cca");
    let file = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().is_some_and(|file| file.to_string_lossy().ends_with(name)));
    Some(fs::read(file.unwrap()).unwrap())
}

#[test]
fn every_row_gets_what_the_index_says() {
    for (row, bytes) in rows("cca") {
        let file = &row["file"];
        let genuine = row["expect"]["authentic"].as_bool();
        let keys = [named_key(&row), None];
        for key in keys.into_iter().take(1 + usize::from(genuine == Some(true))) {
            let policy = if key.is_some() { Policy::base() } else { development() };
            let unbound = judge(&bytes, key.clone(), &Expected::DangerouslyUnbound, &policy);
            assert_eq!(unbound.authentic, genuine, "{file}");
            if genuine == Some(false) {
                assert_eq!(unbound.status, Status::Contraindicated);
                continue;
            }
            assert_eq!(row["expect"]["accept"], Value::Null);
            let token = cca::parse(&bytes).unwrap();
            let expected = Expected::nonce(&token.realm.challenge).unwrap();
            let bound = judge(&bytes, key.clone(), &expected, &policy);
            let want = vec![Code::DevelopmentAnchor, Code::ReferenceValuesNeeded];
            assert_eq!((bound.status, codes(&bound)), (Status::Warning, want), "{file}");
            assert_eq!(unbound.status, Status::Warning, "{file}");
            let other = Expected::nonce(&[1; 64]).unwrap();
            let other = judge(&bytes, key, &other, &policy);
            assert!(codes(&other).contains(&Code::NonceMismatch), "{file}");
        }
    }
}

#[test]
fn the_refused_rows_say_why() {
    for (row, bytes) in rows("cca") {
        let appraisal = judge(&bytes, None, &Expected::DangerouslyUnbound, &development());
        match row["file"].as_str().unwrap() {
            // Neither the point nor the COSE_Key hashes to the challenge; both signatures hold.
            "cca/veraison-rust-ccatoken__bug-33-repro.cbor" => {
                assert_eq!(codes(&appraisal), [Code::PartsNotBound]);
            }
            "cca/veraison-rust-ccatoken__realm-claims-missing-challenge.cbor" => {
                assert_eq!(codes(&appraisal), [Code::Malformed]);
            }
            _ => assert_eq!(appraisal.authentic, Some(true)),
        }
    }
}

#[test]
fn another_platforms_key_is_refused() {
    let Some(folder) = evidence_dir() else { return };
    let token = fs::read(folder.join("cca/veraison-rust-ccatoken__cca-token-02.cbor")).unwrap();
    let bad = fs::read(folder.join("cca/veraison-rust-ccatoken__ta-02-bad.json")).unwrap();
    let refused = judge(&token, Some(bad), &Expected::DangerouslyUnbound, &Policy::base());
    assert_eq!((refused.authentic, codes(&refused)), (Some(false), vec![Code::SignatureInvalid]));
    let list = fs::read(folder.join("cca/veraison-rust-ccatoken__ta.json")).unwrap();
    let unlisted = judge(&token, Some(list), &Expected::DangerouslyUnbound, &Policy::base());
    assert_eq!((unlisted.authentic, codes(&unlisted)), (None, vec![Code::SignerMissing]));
}

#[test]
fn no_flipped_bit_and_no_other_length_is_taken() {
    for (row, good) in
        rows("cca").into_iter().filter(|row| row.0["file"].as_str().unwrap().contains("ffm"))
    {
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            let unbound = Expected::DangerouslyUnbound;
            let appraisal = judge(&bad, named_key(&row), &unbound, &Policy::base());
            assert_eq!(appraisal.status, Status::Contraindicated, "byte {place}");
            assert_ne!(appraisal.authentic, Some(true), "byte {place}");
        }
        for length in 0..good.len() {
            assert!(cca::parse(&good[..length]).is_err(), "length {length}");
        }
        assert!(cca::parse(&[good, vec![0]].concat()).is_err());
    }
}
