//! A real TPM, in software: from the maker's certificate to a verdict.

use crate::tests::binding;
use crate::tpm::made::Swtpm;
use crate::{MeasuredBoot, Tee as _, TeeError, Tpm};
use sotto_attest::{
    Anchor, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Scope, Status,
    Vendor, appraise,
    hash::Hash,
    release,
    tpm::{Activation, EndorsementKey, Random, make_credential, parse_public},
    x509::{Cache, Certificate},
};
use sotto_types::{TeeKind, Time, Wire as _};
use std::collections::BTreeSet;

/// A moment in the certificates' time: they begin when they are made and end in the year 9999.
const NOW: Time = Time(32_503_680_000);
/// The PCR for debugging, and those that make up a release.
const PCRS: [u8; 6] = [4, 9, 11, 12, 13, 16];

fn which() -> BTreeSet<u8> {
    PCRS.into()
}

/// What a verifier knows of this TPM.
struct Verifier {
    endorsements: Endorsements,
    policy: Policy,
    expected: Expected,
}

impl Verifier {
    /// One that knows the maker, as a maker's root if `scope` says so, and wants PCR 16 to hold one
    /// extension by SHA-256 of "workload".
    fn of(swtpm: &Swtpm, scope: Scope) -> Self {
        let [issuer, root] = swtpm.authority();
        let root = Certificate::from_pem_or_der(&root).unwrap();
        let anchor =
            Anchor { name: "maker".into(), scope, der: root.der().to_vec(), known: vec![] };
        let mut policy = Policy::base();
        policy.anchors = policy.anchors.with(Vendor::Tpm, anchor);
        policy.pcrs = which();
        let value = Hash::Sha256.digest(&[&[0; 32], &workload()]);
        policy.references = [("pcr16".to_owned(), [value].into())].into();
        Self {
            endorsements: Endorsements { chain: vec![issuer], ..Endorsements::default() },
            policy,
            expected: Expected::nonce(&binding().short()).unwrap(),
        }
    }

    fn appraise(&self, parts: &Parts) -> Appraisal {
        let evidence = Evidence { kind: TeeKind::Tpm, parts: parts.clone() };
        let (endorsements, expected) = (&self.endorsements, &self.expected);
        let cache = &mut Cache::default();
        appraise(&evidence, endorsements, expected, &self.policy, NOW, cache)
    }
}

fn workload() -> Vec<u8> {
    Hash::Sha256.digest(&[b"workload"])
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

/// The proof that the TPM holds both keys: it opens what was hidden for both.
fn activation(tpm: &Tpm) -> Activation {
    let ek = EndorsementKey::from_certificate(&tpm.ek_certificate().unwrap()).unwrap();
    let ak = parse_public(&tpm.attestation_public().unwrap()).unwrap();
    let secret = [0x5e; 32];
    let credential = make_credential(&ek, &ak.name(), &secret, &Random([0x77; 128])).unwrap();
    let opened = tpm.activate(&credential.id_object, &credential.encrypted_secret).unwrap();
    assert_eq!(opened.as_slice(), secret);
    assert_eq!(credential.activated(b"another secret"), None);
    credential.activated(&opened).unwrap()
}

#[test]
fn a_quote_over_our_binding_is_affirmed_and_anything_else_is_not() {
    let Some(mut swtpm) = Swtpm::start() else { return };
    let tpm = swtpm.tpm();
    tpm.extend(16, Hash::Sha256, &workload()).unwrap();
    let parts = tpm.quote(&binding().short(), Hash::Sha256, &which()).unwrap();
    let mut verifier = Verifier::of(&swtpm, Scope::Production);

    // Without the credential, nothing ties the quote's key to the maker's certificate.
    let unbound = verifier.appraise(&parts);
    assert_eq!((unbound.status, unbound.authentic), (Status::Warning, Some(true)));
    assert!(codes(&unbound).contains(&Code::AkNotBound));

    verifier.endorsements.activated = vec![activation(&tpm)];
    let good = verifier.appraise(&parts);
    assert_eq!((good.status, good.authentic), (Status::Affirming, Some(true)), "{good:?}");
    let claims = good.claims.unwrap();
    assert_eq!(claims.platform.anchor, "maker");
    assert_eq!(claims.bound.report_data, binding().short());

    let software = Verifier {
        endorsements: verifier.endorsements.clone(),
        ..Verifier::of(&swtpm, Scope::Development)
    };
    let software = software.appraise(&parts);
    assert_eq!(software.status, Status::Warning);
    assert!(codes(&software).contains(&Code::DevelopmentAnchor));

    let other = Verifier {
        expected: Expected::nonce(&[9; 32]).unwrap(),
        endorsements: verifier.endorsements.clone(),
        policy: verifier.policy.clone(),
    };
    let other = other.appraise(&parts);
    assert_eq!(other.status, Status::Contraindicated);
    assert!(codes(&other).contains(&Code::NonceMismatch));

    let (quote, signature) = (&parts.quote, parts.signature.as_ref().unwrap());
    for at in 0..quote.len() {
        let mut flipped = parts.clone();
        flipped.quote[at] ^= 1;
        let refused = verifier.appraise(&flipped);
        assert_eq!(refused.status, Status::Contraindicated, "quote, byte {at}");
        assert_ne!(refused.authentic, Some(true), "quote, byte {at}");
    }
    for at in 0..signature.len() {
        let mut flipped = parts.clone();
        flipped.signature.as_mut().unwrap()[at] ^= 1;
        assert_ne!(verifier.appraise(&flipped).authentic, Some(true), "signature, byte {at}");
    }

    tpm.extend(16, Hash::Sha256, &workload()).unwrap();
    let changed = tpm.quote(&binding().short(), Hash::Sha256, &which()).unwrap();
    let changed = verifier.appraise(&changed);
    assert_eq!((changed.status, changed.authentic), (Status::Contraindicated, Some(true)));
    assert!(codes(&changed).contains(&Code::MeasurementMismatch));
}

#[test]
fn a_credential_opens_only_in_its_own_tpm_for_its_own_key() {
    let Some(mut swtpm) = Swtpm::start() else { return };
    let tpm = swtpm.tpm();
    let certified = EndorsementKey::from_certificate(&tpm.ek_certificate().unwrap()).unwrap();
    let public = parse_public(&tpm.endorsement_public().unwrap()).unwrap();
    assert_eq!(EndorsementKey::from_public(&public).unwrap(), certified);

    let mut name = parse_public(&tpm.attestation_public().unwrap()).unwrap().name();
    *name.last_mut().unwrap() ^= 1;
    let other = make_credential(&certified, &name, &[1; 32], &Random([2; 128])).unwrap();
    // More often than the TPM has sessions and slots for keys: a refusal leaves none behind.
    for _ in 0..5 {
        let refused = tpm.activate(&other.id_object, &other.encrypted_secret);
        let Err(TeeError::Device(why)) = refused else { panic!("opened") };
        assert!(why.starts_with("the TPM refused, code 0x"), "{why}");
        activation(&tpm);
    }
}

#[test]
fn what_the_tpm_refuses_is_said_and_leaves_it_usable() {
    let Some(mut swtpm) = Swtpm::start() else { return };
    let tpm = swtpm.tpm();
    for _ in 0..5 {
        // An empty bank, a digest of another bank's size, and a challenge of too many bytes.
        let none = tpm.pcrs(Hash::Sha384, &which());
        assert_eq!(none, Err(TeeError::Device("0 of 6 PCRs in that bank".into())));
        let refused = [
            tpm.extend(16, Hash::Sha256, &[1; 31]),
            tpm.extend(24, Hash::Sha256, &[1; 32]),
            tpm.quote(&[1; 67], Hash::Sha256, &which()).map(drop),
        ];
        for refused in refused {
            let Err(TeeError::Device(why)) = refused else { panic!("taken") };
            assert!(why.starts_with("the TPM refused, code 0x"), "{why}");
        }
    }
    let all: BTreeSet<u8> = (0..24).collect();
    assert_eq!(tpm.pcrs(Hash::Sha256, &all).unwrap().len(), 24);
    assert!(tpm.quote(&[1; 32], Hash::Sha256, &all).is_ok());
}

#[test]
fn a_measured_machine_makes_evidence_of_its_release() {
    let Some(mut swtpm) = Swtpm::start() else { return };
    let tpm = swtpm.tpm();
    tpm.extend(11, Hash::Sha256, &workload()).unwrap();
    tpm.extend(16, Hash::Sha256, &workload()).unwrap();
    let machine = MeasuredBoot::new(tpm, Hash::Sha256, which()).unwrap();
    let mut verifier = Verifier::of(&swtpm, Scope::Production);
    verifier.endorsements.activated = vec![activation(machine.tpm())];
    let evidence = machine.evidence(&binding(), NOW).unwrap();
    assert_eq!(evidence.kind, TeeKind::Tpm);
    let good = verifier.appraise(&Parts::decode(&evidence.bytes).unwrap());
    assert_eq!(good.status, Status::Affirming, "{good:?}");
    let claims = good.claims.unwrap();
    assert_eq!(release(claims.kind, &claims.measurements), Some(machine.measurement()));
}
