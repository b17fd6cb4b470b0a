#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{
    Claims, Code, Custody, CustodyError, Endorsements, Exposure, Grant, GrantReason, Policy,
    Reason, Scope, Status, Unverified,
    fixtures::{NOW, claims, concluded, with},
};
use sotto_crypto::sign::SigningKey;
use sotto_types::Time;

fn of_class(class: &str) -> Claims {
    let mut claims = claims();
    claims.platform.class = class.into();
    claims
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32]).unwrap()
}

fn policy() -> Policy {
    Policy { custodians: [("Example DC".into(), key().public())].into(), ..Policy::base() }
}

fn custody() -> Custody {
    Custody {
        identity: "ppid".into(),
        value: vec![0x11; 16],
        custodian: "Example DC".into(),
        operator: "Operator 1".into(),
        place: "Cage 4, Zurich".into(),
        not_before: Time(NOW.0 - 10),
        not_after: Time(NOW.0 + 10),
    }
}

fn grant(claims: Claims, custody: &[Vec<u8>]) -> Grant {
    let endorsements = Endorsements { custody: custody.to_vec(), ..Endorsements::default() };
    let appraisal = with(Ok(claims), &endorsements, &policy());
    // Apart from the status: an endorsement changes the grant alone.
    assert_eq!(appraisal.status, Status::Affirming);
    appraisal.grant
}

fn refused(reason: GrantReason) -> Grant {
    Grant { grantable: false, reason }
}

#[test]
fn what_was_published_of_each_class() {
    use Exposure::{Operated, Physical, Software};
    let known = [
        ("simulated", Some(Software)),
        ("snp-milan", Some(Software)),
        ("snp", Some(Software)),
        ("snp-genoa", Some(Physical)),
        ("snp-turin", Some(Physical)),
        ("snp-other", Some(Software)),
        ("azure-snp", Some(Software)),
        ("azure-snp-milan", Some(Software)),
        ("azure-snp-genoa", Some(Physical)),
        ("azure-tdx", Some(Physical)),
        ("tdx", Some(Physical)),
        ("sgx", Some(Physical)),
        ("tpm", Some(Physical)),
        ("cca", Some(Physical)),
        ("nvidia-gh100", Some(Physical)),
        ("nvidia-ls10", Some(Physical)),
        ("nitro", Some(Operated)),
        ("tdxx", None),
        ("", None),
        ("arm", None),
    ];
    for (class, exposure) in known {
        assert_eq!(Exposure::of(class), exposure, "{class}");
    }
}

#[test]
fn milan_gets_no_grant_though_its_evidence_is_affirmed_and_somebody_vouches() {
    let signed = custody().sign(&key()).unwrap();
    let grant = grant(of_class("snp-milan"), &[signed]);
    assert_eq!(grant, refused(GrantReason::BrokenBySoftware("snp-milan".into())));
}

#[test]
fn a_class_broken_by_touch_needs_a_custodian() {
    let got = grant(claims(), &[]);
    assert_eq!(got, refused(GrantReason::CustodyMissing("tdx".into())));
    let signed = custody().sign(&key()).unwrap();
    let got = grant(claims(), &[signed]);
    assert_eq!(got, Grant { grantable: true, reason: GrantReason::InCustody(custody()) });
}

#[test]
fn one_endorsement_that_counts_is_enough_and_every_other_says_why_it_does_not() {
    let other = Custody { value: vec![0x12; 16], ..custody() };
    let [good, bad] = [custody(), other].map(|custody| custody.sign(&key()).unwrap());
    let both = grant(claims(), &[bad.clone(), good]);
    assert!(both.grantable);
    let got = grant(claims(), &[bad, vec![]]);
    let errors = vec![
        CustodyError::OtherPlatform { identity: "ppid".into(), value: vec![0x12; 16] },
        CustodyError::Malformed("not of version 1"),
    ];
    assert_eq!(got, refused(GrantReason::CustodyRefused("tdx".into(), errors)));
    let text = "no custody endorsement of this tdx machine counts: about the machine \
                ppid=12121212121212121212121212121212; malformed custody endorsement: not of \
                version 1";
    assert_eq!(got.reason.to_string(), text);
}

#[test]
fn a_vendors_own_machines_need_no_custodian() {
    let got = grant(of_class("nitro"), &[]);
    let reason = GrantReason::OperatedByVendor("nitro".into());
    assert_eq!(got, Grant { grantable: true, reason });
}

#[test]
fn a_class_of_which_nothing_is_known_gets_no_grant() {
    let got = grant(of_class("novel"), &[]);
    assert_eq!(got, refused(GrantReason::UnknownClass("novel".into())));
    let policy = Policy { exposures: [("novel".into(), Exposure::Operated)].into(), ..policy() };
    assert!(concluded(of_class("novel"), &policy).grant.grantable);
}

#[test]
fn a_policy_makes_a_class_worse_and_never_better() {
    let says = |class: &str, exposure| {
        let exposures = [(class.to_owned(), exposure)].into();
        concluded(of_class(class), &Policy { exposures, ..policy() }).grant.reason
    };
    let software = GrantReason::BrokenBySoftware("nitro".into());
    assert_eq!(says("nitro", Exposure::Software), software);
    let missing = GrantReason::CustodyMissing("nitro".into());
    assert_eq!(says("nitro", Exposure::Physical), missing);
    let milan = GrantReason::BrokenBySoftware("snp-milan".into());
    assert_eq!(says("snp-milan", Exposure::Operated), milan);
}

#[test]
fn nothing_less_than_affirmed_evidence_under_a_vendors_anchor_is_granted() {
    let mut warned = of_class("nitro");
    warned.noticed = vec![Reason::new(Code::TpmClock, "")];
    let got = concluded(warned, &policy()).grant;
    assert_eq!(got, refused(GrantReason::NotAffirmed(Status::Warning)));

    let mut debugged = of_class("nitro");
    debugged.security.debug = true;
    let got = concluded(debugged, &policy()).grant;
    assert_eq!(got, refused(GrantReason::NotAffirmed(Status::Contraindicated)));

    let mut test = of_class("nitro");
    test.platform.scope = Scope::Development;
    let got = concluded(test, &policy()).grant;
    assert_eq!(got, refused(GrantReason::DevelopmentAnchor("Intel SGX Root CA".into())));

    for code in [Code::SignatureInvalid, Code::CollateralMissing] {
        let outcome = Err(Unverified::new(code, ""));
        let got = with(outcome, &Endorsements::default(), &policy()).grant;
        assert_eq!(got, refused(GrantReason::NotAuthentic));
    }

    let denied = [("ppid".to_owned(), vec![0x11; 16])].into();
    let policy = Policy { platforms_denied: denied, ..policy() };
    let got = concluded(of_class("nitro"), &policy).grant;
    assert_eq!(got, refused(GrantReason::NotAffirmed(Status::Contraindicated)));
}

#[test]
fn every_reason_has_a_name_and_words() {
    let class = || "tdx".to_owned();
    let all = [
        (GrantReason::NotAuthentic, "not_authentic", "the evidence is not known to be genuine"),
        (
            GrantReason::DevelopmentAnchor("a".into()),
            "development_anchor",
            "`a` is good for development only",
        ),
        (GrantReason::NotAffirmed(Status::Warning), "not_affirmed", "the evidence is warning"),
        (
            GrantReason::UnknownClass(class()),
            "unknown_class",
            "nothing is known of what it takes to forge tdx evidence",
        ),
        (
            GrantReason::BrokenBySoftware(class()),
            "broken_by_software",
            "software alone can forge tdx evidence: public data only",
        ),
        (
            GrantReason::CustodyMissing(class()),
            "custody_missing",
            "whoever can touch a tdx machine can forge its evidence, and no custody endorsement \
             says who can",
        ),
        (
            GrantReason::CustodyRefused(class(), vec![CustodyError::Malformed("x")]),
            "custody_refused",
            "no custody endorsement of this tdx machine counts: malformed custody endorsement: x",
        ),
        (
            GrantReason::InCustody(custody()),
            "in_custody",
            "Example DC vouches that Operator 1 holds the machine at Cage 4, Zurich until \
             2025-11-24T16:00:10Z",
        ),
        (
            GrantReason::OperatedByVendor(class()),
            "operated_by_vendor",
            "only their vendor runs tdx machines",
        ),
    ];
    for (reason, name, text) in all {
        assert_eq!((reason.name(), reason.to_string().as_str()), (name, text));
    }
}
