//! The forms in which keys and values come.

use super::*;
use crate::{
    signature::PublicKey,
    tpm::{AttestationKey, TpmError, made, parse_public, public},
};
use tpm2_protocol::{TpmUnmarshal as _, data::TpmsAttest};

#[test]
fn values_in_every_form_are_the_same() {
    let case = Case::new(Way::P256);
    let wanted = pcrs::parse(case.parts.pcrs.as_ref().unwrap()).unwrap();
    let values = &wanted[&Hash::Sha256];
    let lines = |line: &dyn Fn(&u8, &Vec<u8>) -> String| {
        values.iter().map(|(pcr, value)| line(pcr, value)).collect::<Vec<_>>().join("\n")
    };
    let text = lines(&|pcr, value| format!("{pcr} {}", hex::encode(value)));
    let pcrread = lines(&|pcr, value| format!("    {pcr:<2}: 0x{}", hex::encode_upper(value)));
    let entries: BTreeMap<String, String> =
        values.iter().map(|(pcr, value)| (pcr.to_string(), hex::encode(value))).collect();
    let map = serde_json::json!(entries);
    let numbers: BTreeMap<String, &Vec<u8>> =
        values.iter().map(|(pcr, value)| (pcr.to_string(), value)).collect();
    for form in [
        case.list(),
        text.into_bytes(),
        format!("  sha256:\n{pcrread}\n").into_bytes(),
        map.to_string().into_bytes(),
        serde_json::json!({ "sha256": map }).to_string().into_bytes(),
        serde_json::json!(numbers).to_string().into_bytes(),
    ] {
        assert_eq!(pcrs::parse(&form).as_ref(), Ok(&wanted), "{}", String::from_utf8_lossy(&form));
    }
    let list = serde_json::json!(vec!["ab".repeat(32); 24]).to_string();
    let parsed = pcrs::parse(list.as_bytes()).unwrap();
    assert_eq!(parsed[&Hash::Sha256].len(), 24);
}

#[test]
fn values_of_no_form_are_refused() {
    let form = TpmError::Form { what: "PCR values" };
    let one = "11".repeat(32);
    for text in [
        String::new(),
        "4".into(),
        "4 11".into(),
        "4 zz".into(),
        format!("32 {one}"),
        format!("-1 {one}"),
        "md5:".into(),
        format!("sha1:\n4 {one}"),
        "[1]".into(),
        "{\"sha256\": 1}".into(),
        "[\"1\"]".into(),
    ] {
        assert_eq!(pcrs::parse(text.as_bytes()), Err(form.clone()), "{text}");
    }
    let twice = TpmError::Twice { what: "PCR" };
    assert_eq!(pcrs::parse(format!("4 {one}\n4 {one}").as_bytes()), Err(twice));
    let large = TpmError::TooLarge { what: "PCR values", got: 65_537, max: 65_536 };
    assert_eq!(pcrs::parse(&vec![b' '; 65_537]), Err(large));
    // The binary form: a byte of padding, a value too many, one too few.
    let good = Case::new(Way::P256).list();
    let changed = |at: usize, byte: u8| {
        let mut list = good.clone();
        list[at] = byte;
        pcrs::parse(&list)
    };
    assert_eq!(changed(4 + 7, 1), Err(form.clone()));
    assert_eq!(changed(4 + 8, 1), Err(form.clone()));
    assert_eq!(changed(good.len() - 1, 1), Err(form.clone()));
    assert_eq!(changed(4 + 3, 0b1011_0001), Err(form));
    assert_eq!(changed(4 + 3, 0b1111_0011), Err(TpmError::Short { what: "PCR values" }));
}

#[test]
fn keys_in_every_form_are_the_same_and_spoken_of_the_same() {
    for way in WAYS {
        let area = way.public(ATTESTS);
        let public = parse_public(&area).unwrap();
        assert_eq!(parse_public(&made::sized(&area)).as_ref(), Ok(&public));
        assert_eq!(AttestationKey::parse(&area).unwrap().public, Some(public.clone()));
        let algorithm: &[u8] = if way == Way::P384 { &[0, 0x0c] } else { &[0, 0x0b] };
        let name = [algorithm, &way.hash().digest(&[&area])].concat();
        assert_eq!(public.name(), name);
        assert_eq!(public.lacks(), Vec::<&str>::new());
        let spki = public::spki(&public.key);
        assert_eq!(PublicKey::from_spki(&spki).as_ref(), Ok(&public.key));
        let key = AttestationKey::parse(&spki).unwrap();
        assert_eq!((&key.key, key.public), (&public.key, None));
        let pem = der::pem::encode_string("PUBLIC KEY", der::pem::LineEnding::LF, &spki).unwrap();
        assert_eq!(AttestationKey::parse(pem.as_bytes()).unwrap().key, public.key);
        let other = pem.replace("PUBLIC KEY", "CERTIFICATE");
        assert_eq!(AttestationKey::parse(other.as_bytes()), Err(TpmError::Key));
        // A key without its public area has no attributes and no name.
        let case = Case::new(way);
        let parts = Parts { ak: Some(spki), ..case.parts() };
        assert_eq!(codes(&case.judge_parts(parts)), BARE);
    }
    let fields = parse_public(&Way::P256.public(made::ENDORSES)).unwrap();
    assert_eq!(fields.lacks(), ["sign", "no decrypt"]);
    assert_eq!(fields.protects, Some(128));
}

#[test]
fn keys_of_no_form_are_refused() {
    let area = Way::P256.public(ATTESTS);
    let changed = |at: usize, bytes: &[u8]| {
        let mut area = area.clone();
        area[at..at + bytes.len()].copy_from_slice(bytes);
        parse_public(&area).unwrap_err()
    };
    let unknown = |what: &'static str, value: u32| TpmError::Unknown { what, value };
    assert_eq!(changed(0, &[0, 8]), unknown("key type", 8));
    assert_eq!(changed(2, &[0, 0x12]), unknown("hash", 0x12));
    assert_eq!(changed(10, &[0, 0x26]), unknown("cipher", 0x26));
    assert_eq!(changed(12, &[0, 0x1a]), unknown("key scheme", 0x1a));
    assert_eq!(changed(16, &[0, 5]), unknown("curve", 5));
    let mut small = Way::Rsassa.public(ATTESTS);
    small[16..18].copy_from_slice(&1024_u16.to_be_bytes());
    assert_eq!(parse_public(&small), Err(TpmError::Key));
    let mut case = Case::new(Way::P256);
    case.expected = Expected::DangerouslyUnbound;
    let parts = Parts { ak: Some(vec![1, 2, 3]), ..case.parts() };
    assert_eq!(codes(&case.judge_parts(parts)), [Code::Malformed]);
}

#[test]
fn signatures_of_no_form_are_refused() {
    let good = Way::P256.sign(b"message");
    let changed = |at: usize, byte: u8| {
        let mut signature = good.clone();
        signature[at] = byte;
        crate::tpm::signature::parse(&signature)
    };
    let scheme = |value| Err(TpmError::Unknown { what: "signature scheme", value });
    assert_eq!(changed(1, 0x05), scheme(0x05));
    // SHA-1 and SHA-512 with ECDSA; a hash that is none.
    assert_eq!(changed(3, 0x04), scheme(0x18));
    assert_eq!(changed(3, 0x0d), scheme(0x18));
    assert_eq!(changed(3, 0x02), Err(TpmError::Unknown { what: "hash", value: 2 }));
    let large = TpmError::TooLarge { what: "signature", got: 49, max: 48 };
    assert_eq!(changed(5, 49), Err(large));
}

/// Leading zeros of an ECDSA signature may be left out, and nothing else.
#[test]
fn short_numbers_are_padded() {
    let case = Case::new(Way::P256);
    let mut case = case;
    for clock in 0..2000_u32 {
        case.statement.extra = clock.to_be_bytes().to_vec();
        let signature = Way::P256.sign(&case.statement.bytes());
        if signature[6] == 0 {
            let short = [&signature[..4], &[0, 31], &signature[7..]].concat();
            case.expected = Expected::Nonce(clock.to_be_bytes().to_vec());
            let parts = Parts { signature: Some(short), ..case.parts() };
            assert_eq!(codes(&case.judge_parts(parts)), BARE);
            return;
        }
    }
    panic!("no signature with a leading zero");
}

#[test]
fn another_parser_reads_the_same_quote() {
    let bytes = Case::new(Way::P256).statement.bytes();
    let ours = crate::tpm::parse(&bytes).unwrap();
    let (theirs, rest) = TpmsAttest::unmarshal(&bytes).unwrap();
    assert!(rest.is_empty());
    assert_eq!(ours.extra_data, &*theirs.extra_data);
    assert_eq!(ours.clock.clock_ms, u64::from(theirs.clock_info.clock));
    let fields: BTreeMap<String, String> = ours.describe().into_iter().collect();
    assert_eq!(fields["pcrs_sha256"], "0,1,4,5,7,11");
    assert_eq!(fields["extra_data"], "07".repeat(32));
    let case = Case::new(Way::P256);
    let all: BTreeMap<String, String> = crate::tpm::describe(&case.parts()).into_iter().collect();
    assert_eq!(all["sha256_pcr4"], hex::encode(case.boot.pcr(Hash::Sha256, 4, false)));
    assert_eq!(all["pcr_digest"], hex::encode(&case.statement.digest));
    assert!(all["event 9"].starts_with("PCR 5 type 0x5 "));
    assert!(all["ak_attributes"].ends_with("restricted sign)"));
}
