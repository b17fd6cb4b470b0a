//! What is not genuine: chains, certificates and reports that do not belong together.

use super::made::{Case, NOW, Vendors, codes, sign, text};
use crate::{
    Code, Endorsements, Evidence, Parts, Status, appraise,
    snp::Product,
    x509::{Cache, made::authority},
};
use sotto_types::{TeeKind, Time};

/// Codes of a case with a changed certificate.
fn with(product: Product, change: impl FnOnce(&mut super::made::Leaf)) -> Vec<Code> {
    let mut case = Case::new(product);
    change(&mut case.leaf);
    case.codes()
}

/// The chip's name was looked for as DER and so never compared; and a name may look like DER.
#[test]
fn snpguest_159_hwid_is_compared_whatever_it_begins_with() {
    for (product, size) in [(Product::Milan, 64), (Product::Turin, 8)] {
        for begin in [[0x02, 0x01], [0x04, 0x06], [0x04, 0x3e], [0x04, 0x40], [0x04, 0x08]] {
            let mut case = Case::new(product);
            let mut name = vec![0x11; size];
            name[..2].copy_from_slice(&begin);
            case.set(0x1a0, &name);
            assert_eq!(case.codes(), [Code::SignerChipMismatch]);
            case.leaf.hw_id = Some(name.clone());
            assert_eq!(case.codes(), super::CLEAN);
            let length = u8::try_from(size).unwrap();
            case.leaf.hw_id = Some([&[4, length], &name[..]].concat());
            let appraisal = case.judge();
            assert_eq!(codes(&appraisal), super::CLEAN, "wrapped in an OCTET STRING");
            assert_eq!(appraisal.claims.unwrap().platform.identities["chip_id"], name);
        }
    }
}

#[test]
fn on_turin_the_rest_of_the_chip_id_is_zero() {
    let mut case = Case::new(Product::Turin);
    case.set(0x1a8, &[1]);
    assert_eq!(case.codes(), [Code::SignerChipMismatch]);
}

#[test]
fn certificates_that_are_no_endorsement_keys_are_refused() {
    let refused = [
        with(Product::Milan, |leaf| leaf.hw_id = Some(vec![0x5a; 8])),
        with(Product::Turin, |leaf| leaf.hw_id = Some(vec![0x5a; 64])),
        with(Product::Milan, |leaf| leaf.hw_id = None),
        with(Product::Milan, |leaf| leaf.csp_id = Some(text("CN=both"))),
        with(Product::Milan, |leaf| leaf.version = vec![2, 1, 2]),
        with(Product::Milan, |leaf| leaf.version = vec![2, 2, 0, 0]),
        with(Product::Milan, |leaf| leaf.product = text("Rome")),
        with(Product::Milan, |leaf| leaf.product = b"Milan".to_vec()),
        with(Product::Milan, |leaf| leaf.spls.retain(|(arc, _)| *arc != 3)),
        with(Product::Turin, |leaf| leaf.spls.retain(|(arc, _)| *arc != 9)),
        with(Product::Milan, |leaf| leaf.spls.push((3, 24))),
    ];
    for (index, codes) in refused.iter().enumerate() {
        assert_eq!(*codes, [Code::ChainInvalid], "{index}");
    }
    let mut vlek = Case::new(Product::Milan).vlek();
    vlek.leaf.csp_id = Some(b"no text".to_vec());
    assert_eq!(vlek.codes(), [Code::ChainInvalid]);
}

/// The patch level is the certificate's, not what the report says of itself (Trail of Bits on
/// private processing, 2026-04).
#[test]
fn every_security_version_is_compared_with_the_certificate() {
    for product in Product::ALL {
        for byte in 0..8 {
            for vlek in [false, true] {
                let mut case = Case::new(product);
                if vlek {
                    case = case.vlek();
                }
                case.leaf.spls[byte].1 += 1;
                assert_eq!(case.codes(), [Code::SignerTcbMismatch], "{product:?} {byte}");
            }
        }
    }
}

#[test]
fn the_processor_is_of_the_chains_product() {
    let mut case = Case::new(Product::Milan);
    for other in [[0x19, 0x11], [0x1a, 0x02], [0x17, 0x31], [0, 0]] {
        case.set(0x188, &other);
        assert_eq!(case.codes(), [Code::SignerChipMismatch]);
    }
}

#[test]
fn a_vcek_and_a_vlek_are_not_mistaken_for_each_other() {
    let mut case = Case::new(Product::Milan);
    case.set(0x48, &[4]);
    assert_eq!(case.codes(), [Code::PartsNotBound]);
    let mut case = Case::new(Product::Milan).vlek();
    case.set(0x48, &[0]);
    assert_eq!(case.codes(), [Code::PartsNotBound]);
    for vlek in [false, true] {
        let mut case = Case::new(Product::Milan);
        if vlek {
            case = case.vlek();
        }
        case.vlek = !vlek;
        assert_eq!(case.codes(), [Code::ChainInvalid], "signed by the other authority");
    }
}

#[test]
fn what_the_firmware_says_it_did_not_sign_is_refused() {
    let mut case = Case::new(Product::Milan);
    case.set(0x48, &[7 << 2]);
    assert_eq!(case.codes(), [Code::SignatureInvalid, Code::PartsNotBound]);
    case.set(0x48, &[2]);
    assert_eq!(case.codes(), [Code::SignatureInvalid]);
}

#[test]
fn a_masked_chip_is_named_by_its_certificate() {
    let mut case = Case::new(Product::Milan);
    case.set(0x1a0, &[0; 64]);
    let appraisal = case.judge();
    assert_eq!(codes(&appraisal), [Code::ChipIdMasked, Code::CrlMissing]);
    assert_eq!(appraisal.status, Status::Affirming);
    assert_eq!(appraisal.claims.unwrap().platform.identities["chip_id"], [0x5a; 64]);
    let mut case = Case::new(Product::Milan).vlek();
    case.set(0x1a0, &[0; 64]);
    let appraisal = case.judge();
    assert_eq!(codes(&appraisal), [Code::ChipIdMasked, Code::CrlMissing]);
    assert!(!appraisal.claims.unwrap().platform.identities.contains_key("chip_id"));
}

#[test]
fn another_key_or_another_root_is_refused() {
    let case = Case::new(Product::Milan);
    let (signer, _) = case.make();
    let (other, report) = case.make();
    let codes_of = |signer: &[u8], report: &[u8]| {
        codes(&case.judge_made(Some(signer.to_vec()), report.to_vec()))
    };
    assert_eq!(codes_of(&other.der, &report), super::CLEAN);
    assert_eq!(codes_of(&signer.der, &report), [Code::SignatureInvalid]);

    let stranger = Vendors::new("Milan");
    let signer = case.leaf.issue(&stranger.ask);
    let report = sign(&case.report, &signer);
    assert_eq!(codes_of(&signer.der, &report), [Code::ChainInvalid], "of the same name");
    let mut sent = Case::new(Product::Milan);
    sent.chain = vec![stranger.ask.der, stranger.ark.der];
    let appraisal = sent.judge_made(Some(signer.der), report);
    assert_eq!(codes(&appraisal), [Code::UntrustedRoot]);
    assert_eq!(appraisal.authentic, Some(false));

    let mut case = Case::new(Product::Milan);
    case.policy.anchors = crate::Anchors::pinned();
    case.policy.anchors.0.clear();
    assert_eq!(case.codes(), [Code::UntrustedRoot]);
}

#[test]
fn the_authorities_are_of_the_signers_product() {
    let mut case = Case::new(Product::Milan);
    case.vendors = Vendors::new("Genoa");
    case.policy.anchors = case.vendors.anchors();
    assert_eq!(case.codes(), [Code::ChainInvalid]);
    let case = Case::new(Product::Milan);
    let signer = case.leaf.issue(&case.vendors.ark);
    let report = sign(&case.report, &signer);
    let appraisal = case.judge_made(Some(signer.der), report);
    assert_eq!(codes(&appraisal), [Code::ChainInvalid], "signed by the root itself");
    let mut case = Case::new(Product::Milan);
    let genoa = Vendors::new("Genoa");
    case.vendors.ask = genoa.ark.issue(authority("SEV-Milan", 2, Some(0)));
    case.vendors.ark = genoa.ark;
    case.policy.anchors = case.vendors.anchors();
    assert_eq!(case.codes(), [Code::ChainInvalid], "its authority is under another root");
    let mut case = Case::new(Product::Milan);
    let between = case.vendors.ark.issue(authority("between", 4, None));
    case.vendors.ask = between.issue(authority("SEV-Milan", 2, Some(0)));
    case.policy.anchors = case.vendors.anchors();
    case.chain = vec![between.der];
    assert_eq!(case.codes(), [Code::ChainInvalid], "an authority too many");
}

#[test]
fn without_a_signer_nobody_can_tell() {
    let case = Case::new(Product::Milan);
    let (_, report) = case.make();
    let appraisal = case.judge_made(None, report);
    assert_eq!(codes(&appraisal), [Code::SignerMissing]);
    assert_eq!((appraisal.authentic, appraisal.status), (None, Status::Contraindicated));
    assert_eq!(appraisal.claims, None);
}

#[test]
fn the_signer_may_be_sent_along_with_its_authority_and_in_pem() {
    let mut case = Case::new(Product::Milan);
    let (signer, report) = case.make();
    let mut anchors = case.vendors.anchors();
    anchors.0.values_mut().flatten().for_each(|anchor| anchor.known.clear());
    case.policy.anchors = anchors;
    case.chain = vec![signer.der.clone()];
    let alone = case.judge_made(None, report.clone());
    assert_eq!(codes(&alone), [Code::UntrustedRoot]);
    case.chain =
        vec![signer.der.clone(), case.vendors.ark.der.clone(), case.vendors.ask.der.clone()];
    assert_eq!(codes(&case.judge_made(None, report.clone())), super::CLEAN);
    let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &signer.der);
    let appraisal = case.judge_made(Some(pem.unwrap().into_bytes()), report.clone());
    assert_eq!(codes(&appraisal), super::CLEAN);
    let appraisal = case.judge_made(Some(b"garbage".to_vec()), report);
    assert_eq!(codes(&appraisal), [Code::ChainInvalid]);
}

#[test]
fn parts_of_other_kinds_are_refused() {
    let case = Case::new(Product::Milan);
    let (signer, quote) = case.make();
    let endorsements = Endorsements { signer: Some(signer.der), ..Endorsements::default() };
    let base = Parts { quote, ..Parts::default() };
    let foreign = [
        Parts { signature: Some(vec![]), ..base.clone() },
        Parts { ak: Some(vec![]), ..base.clone() },
        Parts { pcrs: Some(vec![]), ..base.clone() },
        Parts { event_log: Some(vec![]), ..base.clone() },
        Parts { ek_cert: Some(vec![]), ..base },
    ];
    for parts in foreign {
        let evidence = Evidence { kind: TeeKind::Snp, parts };
        let mut cache = Cache::default();
        let appraisal =
            appraise(&evidence, &endorsements, &case.expected, &case.policy, NOW, &mut cache);
        assert_eq!(codes(&appraisal), [Code::Malformed]);
    }
}

/// The revoked path must not skip what follows, nor succeed (automata-dcap-attestation#132, #144).
#[test]
fn automata_132_a_revoked_authority_is_refused() {
    let mut case = Case::new(Product::Milan);
    case.endorsements.crls = vec![case.vendors.ark.list(&[9])];
    let appraisal = case.judge();
    assert_eq!(codes(&appraisal), []);
    let windows = appraisal.claims.unwrap().windows;
    assert_eq!(windows.last().unwrap().what, "revocation list of ARK-Milan");
    case.endorsements.crls = vec![case.vendors.ark.list(&[9]), case.vendors.ark.list(&[2])];
    let appraisal = case.judge();
    assert_eq!(codes(&appraisal), [Code::CertificateRevoked]);
    assert_eq!(appraisal.authentic, Some(false));
    // The list is the root's: its serial 0 is none of the VCEKs, which all have that number.
    case.endorsements.crls = vec![case.vendors.ark.list(&[0])];
    assert_eq!(case.codes(), []);
}

#[test]
fn a_revocation_list_is_its_issuers_and_current() {
    let mut case = Case::new(Product::Milan);
    let list = case.vendors.ark.list(&[]);
    case.now = Time(NOW.0 + 2 * 365 * 86_400);
    case.endorsements.crls = vec![list.clone()];
    let late = case.judge();
    assert_eq!((codes(&late), late.authentic), (vec![Code::Expired], Some(true)));
    case.now = NOW;
    case.endorsements.crls = vec![Vendors::new("Milan").ark.list(&[])];
    assert_eq!(case.codes(), [Code::CollateralInvalid], "of the same name, by another key");
    case.endorsements.crls = vec![Vendors::new("Genoa").ark.list(&[])];
    assert_eq!(case.codes(), super::CLEAN, "of another root, passed over");
    case.endorsements.crls = vec![list[1..].to_vec()];
    assert_eq!(case.codes(), [Code::CollateralInvalid]);
}

#[test]
fn every_failed_check_is_named() {
    let mut case = Case::new(Product::Milan);
    case.set(0x48, &[4]).set(0x180, &[9]).set(0x188, &[0x1a]);
    let stranger = Vendors::new("Milan");
    let signer = case.leaf.issue(&stranger.ask);
    let appraisal = case.judge_made(Some(signer.der), case.report.clone());
    let expected = [
        Code::SignatureInvalid,
        Code::ChainInvalid,
        Code::PartsNotBound,
        Code::SignerTcbMismatch,
        Code::SignerChipMismatch,
    ];
    assert_eq!(codes(&appraisal), expected);
}

#[test]
fn a_chain_that_was_verified_is_not_verified_again_and_is_not_taken_on_trust() {
    let case = Case::new(Product::Milan);
    let (signer, report) = case.make();
    let mut cache = Cache::default();
    let cold = case.judge_cached(Some(signer.der.clone()), report.clone(), &mut cache);
    assert_eq!(cache.len(), 2);
    let warm = case.judge_cached(Some(signer.der.clone()), report.clone(), &mut cache);
    assert_eq!((cache.len(), &warm), (2, &cold));
    let mut odd = signer.der;
    *odd.last_mut().unwrap() ^= 1;
    let appraisal = case.judge_cached(Some(odd), report, &mut cache);
    assert_eq!(codes(&appraisal), [Code::ChainInvalid]);
}
