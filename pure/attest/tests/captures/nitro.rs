//! Nitro: documents of real enclaves, in dstack's wrapper.

use crate::rows;
use serde_json::Value;
use sotto_attest::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, nitro,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};

fn judge(bytes: &[u8], expected: &Expected, at: Time, cache: &mut Cache) -> Appraisal {
    let parts = Parts { quote: bytes.to_vec(), ..Parts::default() };
    let evidence = Evidence { kind: TeeKind::Nitro, parts };
    appraise(&evidence, &Endorsements::default(), expected, &Policy::base(), at, cache)
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

/// The document's own time, and what it says as a whole. An all-zero field is an expectation too:
/// it is compared, not skipped.
fn inside(bytes: &[u8]) -> (Time, Expected) {
    let document = nitro::parse(bytes).unwrap();
    (Time(document.timestamp / 1000), Expected::ReportData(document.user_data.unwrap()))
}

#[test]
fn every_row_gets_what_the_index_says() {
    for (row, bytes) in rows("nitro") {
        let file = &row["file"];
        let ((at, expected), mut cache) = (inside(&bytes), Cache::default());
        let bound = judge(&bytes, &expected, at, &mut cache);
        assert_eq!(bound.authentic, row["expect"]["authentic"].as_bool(), "{file}");
        let unbound = judge(&bytes, &Expected::DangerouslyUnbound, at, &mut cache);
        if row["expect"]["accept"] == Value::Bool(true) {
            assert_eq!((bound.status, codes(&bound)), (Status::Affirming, vec![]), "{file}");
            assert_eq!(unbound.status, Status::Warning);
            assert!(codes(&unbound).contains(&Code::NotBound), "{file}");
        } else {
            assert_eq!(codes(&bound), [Code::Debug, Code::DebugPcrs], "{file}");
            assert_eq!(unbound.status, Status::Contraindicated);
        }
        let module = row["module"].as_str().unwrap();
        let claims = bound.claims.unwrap();
        assert_eq!(claims.platform.identities["module_id"], module.as_bytes());
        assert_eq!((claims.windows.len(), claims.made), (5, Some(at)));
        let other = Expected::report_data(&[1; 64]).unwrap();
        assert!(codes(&judge(&bytes, &other, at, &mut cache)).contains(&Code::ReportDataMismatch));
        let none = Expected::nonce(&[1; 32]).unwrap();
        assert!(codes(&judge(&bytes, &none, at, &mut cache)).contains(&Code::NonceMismatch));
    }
}

#[test]
fn after_three_hours_the_leaf_has_ended() {
    for (row, bytes) in rows("nitro") {
        let ((at, expected), mut cache) = (inside(&bytes), Cache::default());
        for (when, code) in [(at.0 - 60, Code::NotYetValid), (at.0 + 3 * 3600 + 60, Code::Expired)]
        {
            let appraisal = judge(&bytes, &expected, Time(when), &mut cache);
            assert_eq!(appraisal.authentic, Some(true), "{}", row["file"]);
            assert!(codes(&appraisal).contains(&code), "{}", row["file"]);
            assert_eq!(appraisal.status, Status::Contraindicated);
        }
    }
}

#[test]
fn no_flipped_bit_of_a_wrapped_document_is_taken_but_in_an_unsigned_event() {
    let Some((_, good)) = rows("nitro").into_iter().next() else { return };
    let ((at, expected), mut cache) = (inside(&good), Cache::default());
    let whole = judge(&good, &expected, at, &mut cache);
    // dstack's list of events: six bytes of a name, twenty of its value. Nobody signs them, and
    // nothing of them reaches a claim.
    let name = good.windows(6).rposition(|window| window == b"app-id").unwrap();
    let unsigned: Vec<usize> = (name..name + 6).chain(name + 7..name + 27).collect();
    let places = 4096.min(good.len());
    let spread = (0..places).map(|i| i * good.len() / places);
    for place in spread.chain(unsigned.iter().copied()) {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 7);
        let appraisal = judge(&bad, &expected, at, &mut cache);
        if unsigned.contains(&place) && appraisal.status == Status::Affirming {
            assert_eq!(appraisal.claims, whole.claims, "byte {place}");
        } else {
            assert_eq!(appraisal.status, Status::Contraindicated, "byte {place}");
            assert_eq!(appraisal.authentic, Some(false), "byte {place}");
        }
    }
    for length in 0..good.len() {
        assert!(nitro::parse(&good[..length]).is_err(), "length {length}");
    }
    assert!(nitro::parse(&[good, vec![0]].concat()).is_err());
}
