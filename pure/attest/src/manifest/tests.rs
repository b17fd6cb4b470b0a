#![allow(clippy::unwrap_used, reason = "tests")]

use super::{ManifestError, from_signed_corim, from_unsigned_corim};
use crate::{
    Claims, Code, Policy, References,
    fixtures::{claims, concluded},
    signature::PublicKey,
};
use corim::{
    builder::{ComidBuilder, CorimBuilder},
    types::{
        common::{MeasuredElement, TagIdChoice},
        corim::CorimId,
        environment::{ClassMap, EnvironmentMap},
        measurement::{
            Digest, IntegrityRegisterId, IntegrityRegisters, MeasurementMap, MeasurementValuesMap,
            RawValueChoice, SvnChoice,
        },
        signed::{CoseAlgorithm, SignedCorimBuilder},
        triples::ReferenceTriple,
    },
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use sotto_types::Time;

const NOW: Time = Time(1_764_000_000);

fn class(model: &str) -> EnvironmentMap {
    EnvironmentMap::for_class("Example", model)
}

fn named(name: &str, change: impl FnOnce(&mut MeasurementValuesMap)) -> MeasurementMap {
    let mut mval = MeasurementValuesMap::default();
    change(&mut mval);
    MeasurementMap { mkey: Some(MeasuredElement::Text(name.into())), mval, authorized_by: None }
}

fn mrtd() -> MeasurementMap {
    named("mrtd", |values| values.digests = Some(vec![Digest::new(7, vec![0xaa; 48])]))
}

fn corim(environment: EnvironmentMap, measurements: Vec<MeasurementMap>) -> Vec<u8> {
    let comid = ComidBuilder::new(TagIdChoice::Text("values".into()))
        .add_reference_triple(ReferenceTriple::new(environment, measurements))
        .build()
        .unwrap();
    let builder = CorimBuilder::new(CorimId::Text("manifest".into()));
    let builder = builder.set_validity(Some(1_763_000_000), 1_765_000_000).unwrap();
    builder.add_comid_tag(comid).unwrap().build_bytes().unwrap()
}

fn read(bytes: &[u8]) -> Result<References, ManifestError> {
    from_unsigned_corim(bytes, NOW)
}

fn refused(environment: EnvironmentMap, measurement: MeasurementMap) -> ManifestError {
    read(&corim(environment, vec![measurement])).unwrap_err()
}

fn key(byte: u8) -> (SigningKey, PublicKey) {
    let secret = SigningKey::from_bytes(&[byte; 32].into()).unwrap();
    let point = secret.verifying_key().to_encoded_point(false);
    let public = PublicKey::from_coordinates(point.x().unwrap(), point.y().unwrap()).unwrap();
    (secret, public)
}

fn signed(payload: Vec<u8>, algorithm: CoseAlgorithm, secret: &SigningKey) -> Vec<u8> {
    use corim::types::corim::{CorimMetaMap, CorimSignerMap};
    let signer = CorimSignerMap { signer_name: "Example".into(), signer_uri: None };
    let meta = CorimMetaMap { signer, signature_validity: None };
    let mut builder = SignedCorimBuilder::new(algorithm, payload).set_corim_meta(meta);
    let message = builder.to_be_signed(&[]).unwrap();
    let signature: Signature = secret.sign(&message);
    builder.build_with_signature(signature.to_bytes().to_vec()).unwrap()
}

fn one(name: &str, values: &[Vec<u8>]) -> References {
    [(name.to_owned(), values.iter().cloned().collect())].into()
}

#[test]
fn digests_raw_values_and_registers_become_reference_values() {
    let registers = [
        (IntegrityRegisterId::Uint(0), vec![Digest::new(7, vec![1; 48])]),
        (
            IntegrityRegisterId::Text("rtmr2".into()),
            vec![Digest::new(7, vec![2; 48]), Digest::new(7, vec![3; 48])],
        ),
    ];
    let registers =
        named("registers", |v| v.integrity_registers = Some(IntegrityRegisters(registers.into())));
    let text = named("mrowner", |v| {
        v.digests = Some(vec![Digest::new_text("sha-384", vec![4; 48])]);
    });
    let raw =
        named("tdattributes", |v| v.raw_value = Some(RawValueChoice::Bytes(vec![0x10, 0, 0, 0])));
    let got = read(&corim(class("tdx"), vec![mrtd(), registers, text, raw])).unwrap();
    let want: References = [
        one("tdx/mrowner", &[vec![4; 48]]),
        one("tdx/mrtd", &[vec![0xaa; 48]]),
        one("tdx/rtmr0", &[vec![1; 48]]),
        one("tdx/rtmr2", &[vec![2; 48], vec![3; 48]]),
        one("tdx/tdattributes", &[vec![0x10, 0, 0, 0]]),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(got, want);
}

#[test]
fn registers_have_the_names_of_their_kind() {
    let of = |model: &str| {
        let register = [(IntegrityRegisterId::Uint(4), vec![Digest::new(1, vec![1; 32])])];
        let values =
            named("x", |v| v.integrity_registers = Some(IntegrityRegisters(register.into())));
        read(&corim(class(model), vec![values])).unwrap().into_keys().next().unwrap()
    };
    assert_eq!(of("tdx"), "tdx/rtmr4");
    assert_eq!(of("cca"), "cca/rem4");
    assert_eq!(of("nvidia-gh100"), "nvidia-gh100/m04");
    assert_eq!(of("tpm"), "tpm/pcr4");
    assert_eq!(of("nitro"), "nitro/pcr4");
}

#[test]
fn values_of_one_measurement_are_gathered_and_judged() {
    let other = named("mrtd", |v| v.digests = Some(vec![Digest::new(7, vec![0xbb; 48])]));
    let references = read(&corim(class("tdx"), vec![other.clone(), mrtd()])).unwrap();
    assert_eq!(references, one("tdx/mrtd", &[vec![0xaa; 48], vec![0xbb; 48]]));
    let policy = Policy::base().with_references(references);
    assert_eq!(concluded(claims(), &policy).reasons, []);
    let only = read(&corim(class("tdx"), vec![other])).unwrap();
    let refused = concluded(claims(), &Policy::base().with_references(only));
    let codes: Vec<Code> = refused.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [Code::MeasurementMismatch]);
    let Claims { measurements, .. } = claims();
    assert!(measurements.contains_key("mrtd"));
}

#[test]
fn a_manifest_is_good_within_its_dates() {
    let bytes = corim(class("tdx"), vec![mrtd()]);
    for (now, good) in [
        (1_762_999_999, false),
        (1_763_000_000, true),
        (1_765_000_000, true),
        (1_765_000_001, false),
        (u64::MAX, false),
    ] {
        assert_eq!(from_unsigned_corim(&bytes, Time(now)).is_ok(), good, "{now}");
    }
}

#[test]
fn only_the_key_given_signs() {
    let (secret, public) = key(3);
    let bytes = signed(corim(class("tdx"), vec![mrtd()]), CoseAlgorithm::Es256, &secret);
    let want = one("tdx/mrtd", &[vec![0xaa; 48]]);
    assert_eq!(from_signed_corim(&bytes, &public, NOW), Ok(want));
    assert_eq!(from_signed_corim(&bytes, &key(4).1, NOW), Err(ManifestError::Forged));
    let other = signed(corim(class("tdx"), vec![mrtd()]), CoseAlgorithm::Es384, &secret);
    assert_eq!(from_signed_corim(&other, &public, NOW), Err(ManifestError::Forged));
    let edwards = signed(corim(class("tdx"), vec![mrtd()]), CoseAlgorithm::EdDsa, &secret);
    assert_eq!(from_signed_corim(&edwards, &public, NOW), Err(ManifestError::Algorithm(-8)));
}

#[test]
fn no_changed_byte_of_a_signed_manifest_gives_other_values() {
    let (secret, public) = key(3);
    let bytes = signed(corim(class("tdx"), vec![mrtd()]), CoseAlgorithm::Es256, &secret);
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(from_signed_corim(&bad, &public, NOW).is_err(), "byte {at}");
    }
    for length in 0..bytes.len() {
        assert!(from_signed_corim(&bytes[..length], &public, NOW).is_err(), "length {length}");
    }
    let long = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(from_signed_corim(&long, &public, NOW), Err(ManifestError::Malformed(_))));
}

#[test]
fn a_plain_manifest_is_not_taken_for_a_signed_one_or_the_other_way_round() {
    let (secret, public) = key(3);
    let plain = corim(class("tdx"), vec![mrtd()]);
    let error = ManifestError::Form("the manifest is not signed");
    assert_eq!(from_signed_corim(&plain, &public, NOW), Err(error));
    let signed = signed(plain, CoseAlgorithm::Es256, &secret);
    let error = ManifestError::Form("the manifest is signed: its key is needed");
    assert_eq!(read(&signed), Err(error));
}

#[test]
fn what_narrows_a_value_is_refused_and_not_passed_over() {
    use ManifestError::Unsupported;
    let with = |change: fn(&mut ClassMap)| {
        let mut class = ClassMap::new("Example", "tdx");
        change(&mut class);
        EnvironmentMap { class: Some(class), instance: None, group: None }
    };
    let narrower = "a class id, layer or index";
    assert_eq!(refused(with(|c| c.layer = Some(0)), mrtd()), Unsupported(narrower));
    assert_eq!(refused(with(|c| c.index = Some(0)), mrtd()), Unsupported(narrower));
    let id = corim::types::common::ClassIdChoice::Bytes(vec![1]);
    let class_id = EnvironmentMap {
        class: Some(ClassMap { class_id: Some(id), ..ClassMap::new("Example", "tdx") }),
        instance: None,
        group: None,
    };
    assert_eq!(refused(class_id, mrtd()), Unsupported(narrower));
    let modelless = with(|c| c.model = None);
    assert_eq!(refused(modelless, mrtd()), Unsupported("a class without a model"));
    let instance = EnvironmentMap {
        instance: Some(corim::types::common::InstanceIdChoice::Bytes(vec![1])),
        ..class("tdx")
    };
    assert_eq!(refused(instance, mrtd()), Unsupported("an instance or group"));

    let version = named("mrtd", |v| {
        v.digests = Some(vec![Digest::new(7, vec![0xaa; 48])]);
        v.svn = Some(SvnChoice::MinValue(3));
    });
    let error = Unsupported("a value that is no digest, register or bytes");
    assert_eq!(refused(class("tdx"), version), error);
    let masked = RawValueChoice::Masked { value: vec![1], mask: vec![1] };
    let masked = named("mrtd", |v| v.raw_value = Some(masked));
    assert_eq!(refused(class("tdx"), masked), Unsupported("a masked value"));
    let numbered = MeasurementMap { mkey: Some(MeasuredElement::Uint(1)), ..mrtd() };
    let error = Unsupported("a measurement that no text names");
    assert_eq!(refused(class("tdx"), numbered), error);
    let authorized = MeasurementMap {
        authorized_by: Some(vec![corim::types::common::CryptoKey::Bytes(vec![1])]),
        ..mrtd()
    };
    assert_eq!(refused(class("tdx"), authorized), Unsupported("an authority"));
}

#[test]
fn other_manifests_are_refused_by_name() {
    let error = ManifestError::UnknownClass("toaster".into());
    assert_eq!(refused(class("toaster"), mrtd()), error);
    for digest in [
        Digest::new(7, vec![1; 32]),
        Digest::new(2, vec![1; 32]),
        Digest::new_text("sha-256", vec![1; 48]),
        Digest::new_text("md5", vec![1; 16]),
    ] {
        let measurement = named("mrtd", |v| v.digests = Some(vec![digest]));
        let error = ManifestError::Digest("digests".into());
        assert_eq!(refused(class("tdx"), measurement), error);
    }
    assert!(matches!(read(&[]), Err(ManifestError::Malformed(_))));
    assert!(matches!(read(&vec![0; (1 << 20) + 1]), Err(ManifestError::Malformed(_))));
}

#[test]
fn a_changed_plain_manifest_is_read_or_refused_and_never_panics() {
    let registers = [(IntegrityRegisterId::Uint(0), vec![Digest::new(7, vec![1; 48])])];
    let registers =
        named("registers", |v| v.integrity_registers = Some(IntegrityRegisters(registers.into())));
    let bytes = corim(class("tdx"), vec![mrtd(), registers]);
    let mut refused = 0;
    for at in 0..bytes.len() {
        for change in [1, 0x20, 0x80, 0xff] {
            let mut bad = bytes.clone();
            bad[at] ^= change;
            refused += usize::from(read(&bad).is_err());
        }
    }
    assert!(refused > bytes.len(), "{refused} of {} changes were refused", bytes.len() * 4);
}
