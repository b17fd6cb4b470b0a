//! Certificates of endorsement and attestation keys.

use super::*;
use crate::{
    Anchor, Anchors, Scope, Vendor,
    x509::made::{Made, authority, extension, leaf},
};
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

const EK: [u64; 5] = [2, 23, 133, 8, 1];
const AIK: [u64; 5] = [2, 23, 133, 8, 3];

/// A maker of TPMs.
struct Maker {
    root: Made,
    issuer: Made,
}

impl Maker {
    fn new() -> Self {
        let root = Made::root(authority("TPM root", 1, None));
        let issuer = root.issue(authority("TPM issuer", 2, Some(0)));
        Self { root, issuer }
    }

    /// A certificate of an endorsement key for this purpose, with the critical name of the model.
    fn certify(&self, purpose: &[u64]) -> Made {
        let mut params = leaf("", 7);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(purpose.to_vec())];
        // directoryName { 2.23.133.2.1 = "id:0" }.
        let model = b"\x30\x16\xa4\x14\x30\x12\x31\x10\x30\x0e\x06\x05\x67\x81\x05\x02\x01\x0c\x05\
                      id:00";
        let mut name = extension(&[2, 5, 29, 17], model);
        name.set_criticality(true);
        params.custom_extensions.push(name);
        params.not_after = date_time_ymd(9999, 12, 31);
        self.issuer.issue(params)
    }

    fn case(&self) -> Case {
        let mut case = Case::new(Way::P256);
        case.parts.ek_cert = Some(self.certify(&EK).der);
        case.parts.chain = vec![self.issuer.der.clone()];
        case.policy.anchors = self.anchors();
        case
    }

    fn anchors(&self) -> Anchors {
        let anchor = Anchor {
            name: "maker".into(),
            scope: Scope::Production,
            der: self.root.der.clone(),
            known: vec![],
        };
        Anchors::default().with(Vendor::Tpm, anchor)
    }
}

const EK_ONLY: [Code; 3] = [Code::AkNotBound, Code::ReferenceValuesNeeded, Code::CrlMissing];

#[test]
fn an_endorsement_keys_certificate_alone_binds_no_key() {
    let maker = Maker::new();
    let appraisal = maker.case().judge();
    assert_eq!(codes(&appraisal), EK_ONLY, "{:?}", appraisal.reasons);
    assert_eq!(appraisal.status, Status::Warning);
    let claims = appraisal.claims.unwrap();
    assert_eq!(
        (claims.platform.scope, claims.platform.anchor.as_str()),
        (Scope::Production, "maker")
    );
    assert_eq!(claims.platform.identities["ek"].len(), 32);
    assert_eq!(claims.windows.len(), 3);
}

/// The root of a software TPM is anybody's.
#[test]
fn a_root_that_the_caller_gives_is_for_development() {
    let maker = Maker::new();
    let mut case = maker.case();
    case.policy.anchors = Anchors::default();
    assert_eq!(case.found(), [Code::EkUntrusted]);
    // The prover's own root is no anchor.
    case.parts.chain.push(maker.root.der.clone());
    assert_eq!(case.found(), [Code::EkUntrusted]);
    let claims = case.judge().claims.unwrap();
    assert_eq!(claims.platform.anchor, "no certificate");
    assert!(!claims.platform.identities.contains_key("ek"));
    assert_eq!(case.judge().status, Status::Warning);
    case.endorsements.chain = vec![maker.root.der.clone()];
    let claims = case.judge().claims.unwrap();
    assert_eq!(claims.platform.scope, Scope::Development);
    assert!(case.codes().contains(&Code::DevelopmentAnchor));
}

#[test]
fn certificates_of_another_use_or_issuer_are_refused() {
    let maker = Maker::new();
    let mut case = maker.case();
    case.parts.ek_cert = Some(maker.certify(&[1, 3, 6, 1, 5, 5, 7, 3, 2]).der);
    assert_eq!(case.codes(), [Code::ChainInvalid]);
    case.parts.ek_cert = Some(maker.issuer.issue(leaf("no purpose", 8)).der);
    assert_eq!(case.codes(), [Code::ChainInvalid]);
    // Another authority of the same name.
    case.parts.ek_cert = Some(Maker::new().certify(&EK).der);
    let found = case.codes();
    assert!(found == [Code::ChainInvalid] || found.contains(&Code::EkUntrusted), "{found:?}");
    assert_ne!(case.judge().status, Status::Affirming);
    case.parts.ek_cert = Some(b"no certificate".to_vec());
    assert_eq!(case.codes(), [Code::Malformed]);
    let mut case = maker.case();
    case.parts.chain.push(b"no certificate".to_vec());
    assert_eq!(case.codes(), [Code::Malformed]);
    case.parts.chain = vec![maker.issuer.der.clone(); 9];
    assert_eq!(case.codes(), [Code::Malformed]);
}

#[test]
fn lists_revoke() {
    let maker = Maker::new();
    let mut case = maker.case();
    case.endorsements.crls = vec![maker.issuer.list(&[9]), maker.root.list(&[9])];
    assert_eq!(case.codes(), [Code::AkNotBound, Code::ReferenceValuesNeeded]);
    assert_eq!(case.judge().claims.unwrap().windows.len(), 5);
    case.endorsements.crls[0] = maker.issuer.list(&[7]);
    assert_eq!(case.codes(), [Code::CertificateRevoked]);
    assert_eq!(case.judge().authentic, Some(false));
    case.endorsements.crls[0] = Maker::new().issuer.list(&[]);
    assert_eq!(case.codes(), [Code::CollateralInvalid]);
    case.endorsements.crls = vec![b"no list".to_vec()];
    assert_eq!(case.codes(), [Code::CollateralInvalid]);
}

#[test]
fn certificates_are_good_in_their_time_alone() {
    let maker = Maker::new();
    let mut case = maker.case();
    // 2020 and 2040.
    for (now, code) in [(1_580_000_000, Code::NotYetValid), (2_220_000_000, Code::Expired)] {
        case.now = Time(now);
        let appraisal = case.judge();
        assert_eq!(appraisal.authentic, Some(true));
        assert_eq!(appraisal.status, Status::Contraindicated);
        assert!(codes(&appraisal).contains(&code));
    }
}

/// Clouds certify the attestation key itself.
#[test]
fn a_certificate_of_the_attestation_key_binds_it() {
    let maker = Maker::new();
    for purpose in [&AIK, &EK] {
        let mut params = leaf("", 7);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(purpose.to_vec())];
        let own = maker.issuer.issue(params);
        let mut case = Case::new(Way::P384);
        case.policy.anchors = maker.anchors();
        case.parts.chain = vec![own.der.clone(), maker.issuer.der.clone()];
        let quote = case.statement.bytes();
        let mark = own.sign(&quote);
        let signature =
            [&[0, 0x18, 0, 0x0c, 0, 48][..], &mark[..48], &[0, 48], &mark[48..]].concat();
        let ak = Some(own.key.subject_public_key_info());
        let parts = Parts { signature: Some(signature), ak, quote, ..case.parts() };
        let appraisal = case.judge_parts(parts.clone());
        assert_eq!(codes(&appraisal), [Code::ReferenceValuesNeeded, Code::CrlMissing]);
        // Another key's certificate binds nothing.
        let other = maker.certify(&AIK).der;
        let parts = Parts { chain: vec![other, maker.issuer.der.clone()], ..parts };
        let found = codes(&case.judge_parts(parts));
        assert_eq!(found, BARE);
    }
}

trait Spki {
    fn subject_public_key_info(&self) -> Vec<u8>;
}

impl Spki for KeyPair {
    fn subject_public_key_info(&self) -> Vec<u8> {
        rcgen::PublicKeyData::subject_public_key_info(self)
    }
}
