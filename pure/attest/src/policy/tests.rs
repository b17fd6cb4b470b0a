#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Exposure, Policy, PolicyError};
use crate::{Anchor, Anchors, Code, Effect, Scope, TcbStatus, Vendor};
use sotto_crypto::sign::SigningKey;
use sotto_types::TeeKind;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/guide/attestation-policy.md");

/// The first block of TOML of the guide's page.
fn example() -> &'static str {
    PAGE.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0
}

fn read(text: &str) -> Policy {
    Policy::from_toml(text).unwrap()
}

fn refused(text: &str) -> PolicyError {
    Policy::from_toml(text).unwrap_err()
}

fn unknown(key: &'static str, name: &str) -> PolicyError {
    PolicyError::Unknown { key, name: name.into() }
}

fn value(key: &'static str, value: &str, what: &'static str) -> PolicyError {
    PolicyError::Value { key, value: value.into(), what }
}

fn lowered(key: &'static str, name: &str) -> PolicyError {
    PolicyError::Lowered { key, name: name.into() }
}

#[test]
fn an_empty_text_is_the_base() {
    assert_eq!(read(""), Policy::base());
    assert_eq!(read(&Policy::base().to_toml().unwrap()), Policy::base());
}

#[test]
fn the_base_is_closed() {
    let base = Policy::base();
    assert!(!base.kinds.contains(&TeeKind::Simulated));
    assert_eq!(base.kinds.len(), TeeKind::ALL.len() - 1);
    assert_eq!(base.statuses, [(TcbStatus::UpToDate, None)].into());
    assert_eq!((base.vmpl, base.result_lifetime), (0, 86_400));
    assert!(base.custodians.is_empty() && base.exposures.is_empty() && base.raised.is_empty());
    for anchors in base.anchors.0.values() {
        assert!(anchors.iter().all(|anchor| anchor.scope == Scope::Production));
    }
    for code in Code::ALL {
        assert_eq!(base.effect(*code), code.effect());
    }
}

#[test]
fn the_example_of_the_guide_says_every_field() {
    let policy = read(example());
    assert_eq!(policy.kinds, [TeeKind::Tdx, TeeKind::Snp, TeeKind::Nitro].into());
    assert_eq!((policy.max_age, policy.result_lifetime), (Some(600), 3600));
    assert_eq!(policy.minimum_evaluation, Some(18));
    assert_eq!(policy.advisories_denied, ["INTEL-SA-00615".to_owned()].into());
    assert_eq!((policy.vmpl, &policy.pcrs), (0, &[0, 2, 4, 7].into()));
    let statuses = [
        (TcbStatus::UpToDate, None),
        (TcbStatus::SWHardeningNeeded, Some(90 * 86_400)),
        (TcbStatus::OutOfDate, Some(14 * 86_400)),
    ];
    assert_eq!(policy.statuses, statuses.into());
    let versions = [("bootloader", 9), ("tee", 0), ("snp", 23), ("microcode", 72)];
    let versions = versions.map(|(name, version)| (name.to_owned(), version)).into();
    assert_eq!(policy.snp_minimum, [("snp-genoa".to_owned(), versions)].into());
    let references = [
        ("tdx/mrtd".to_owned(), [vec![0xaa; 48], vec![0xbb; 48]].into()),
        ("snp-genoa/measurement".to_owned(), [vec![0xcc; 48]].into()),
    ];
    assert_eq!(policy.references, references.into());
    assert_eq!(policy.platforms_allowed, [("ppid".to_owned(), (0..16).collect())].into());
    let denied = [("fmspc".to_owned(), vec![0, 0x90, 0x6e, 0xd5, 0, 0])];
    assert_eq!(policy.platforms_denied, denied.into());
    let raised =
        [(Code::NoReferenceValues, Effect::Warning), (Code::CrlMissing, Effect::Contraindicated)];
    assert_eq!(policy.raised, raised.into());
    assert_eq!(policy.exposures, [("nitro".to_owned(), Exposure::Physical)].into());
    let one = SigningKey::from_bytes(&{
        let mut one = [0; 32];
        one[31] = 1;
        one
    });
    let custodians = [("Example data centre".to_owned(), one.unwrap().public())];
    assert_eq!(policy.custodians, custodians.into());
    let arm = policy.anchors.of(Vendor::Arm).last().unwrap();
    assert_eq!((arm.name.as_str(), arm.scope), ("A board of our own", Scope::Development));
    assert!(crate::signature::PublicKey::from_spki(&arm.der).is_ok());
}

#[test]
fn the_guide_names_every_key_and_the_example_has_each() {
    let table: toml::Table = toml::from_str(example()).unwrap();
    let full: toml::Table = toml::from_str(&read(example()).to_toml().unwrap()).unwrap();
    let keys: BTreeSet<&String> = full.keys().collect();
    assert_eq!(table.keys().collect::<BTreeSet<_>>(), keys);
    for key in keys {
        assert!(PAGE.contains(&format!("| `{key}`")) || PAGE.contains(&format!("[{key}")), "{key}");
    }
}

#[test]
fn what_is_written_is_read_as_the_same_policy() {
    let mut policy = read(example());
    assert_eq!(read(&policy.to_toml().unwrap()), policy);
    let pem = policy.anchors.of(Vendor::Arm).last().unwrap().clone();
    for anchors in [
        Anchors::default(),
        Anchors::default()
            .with(Vendor::Amd, Anchor { known: vec![pem.der.clone()], ..pem.clone() }),
        Anchors::pinned().and(Anchors::development()),
        Anchors::pinned().and(Anchors::development()).with(Vendor::Tpm, pem),
    ] {
        policy.anchors = anchors;
        assert_eq!(read(&policy.to_toml().unwrap()), policy);
    }
}

#[test]
fn what_the_form_cannot_say_is_not_written() {
    let anchor = |der| Anchor { name: "x".into(), scope: Scope::Production, der, known: vec![] };
    let anchors = Anchors::default().with(Vendor::Simulated, anchor(vec![1, 2, 3]));
    let error = value("extra_anchors", "x", "a certificate or public key");
    assert_eq!(Policy { anchors, ..Policy::base() }.to_toml(), Err(error));
    let lax = Policy { raised: [(Code::Debug, Effect::Warning)].into(), ..Policy::base() };
    assert_eq!(lax.to_toml(), Err(lowered("raised", "debug")));
    let zero = Policy { statuses: [(TcbStatus::UpToDate, Some(9))].into(), ..Policy::base() };
    assert!(zero.to_toml().is_err());
}

#[test]
fn durations_are_read_in_each_unit_and_written_in_the_largest() {
    let life = |text: &str| Policy::from_toml(&format!("result_lifetime = \"{text}\""));
    for (text, seconds) in [
        ("0s", 0),
        ("90s", 90),
        ("10m", 600),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
    ] {
        let policy = life(text).unwrap();
        assert_eq!(policy.result_lifetime, seconds);
        let written = policy.to_toml().unwrap();
        assert!(written.contains(&format!("result_lifetime = \"{text}\"")), "{written}");
    }
    let what = "a duration as `90s`, `10m`, `12h`, `30d` or `2w`";
    for text in ["", "s", "10", "-1s", "1.5h", "1 d", "30D", "forever", "18446744073709551615w"] {
        assert_eq!(life(text), Err(value("result_lifetime", text, what)));
    }
}

#[test]
fn no_text_is_laxer_than_what_is_fixed() {
    for text in ["statuses.Revoked = \"forever\"", "statuses.Revoked = \"1s\""] {
        assert_eq!(refused(text), lowered("statuses", "Revoked"));
    }
    for code in Code::ALL.iter().filter(|code| code.effect() > Effect::Warning) {
        let text = format!("raised.{} = \"warning\"", code.name());
        assert_eq!(refused(&text), lowered("raised", code.name()));
    }
    for effect in ["note", "unknown", "forged", "pass"] {
        let text = format!("raised.debug = \"{effect}\"");
        let what = "`warning` or `contraindicated`";
        assert_eq!(refused(&text), value("raised", effect, what));
    }
    assert_eq!(refused("classes.snp-milan = \"physical\""), lowered("classes", "snp-milan"));
    assert_eq!(refused("classes.tdx = \"operated\""), lowered("classes", "tdx"));
    // There is no switch at all for these.
    for key in ["debug = true", "allow_debug = true", "verify = false", "unbound = true"] {
        assert!(matches!(refused(key), PolicyError::Form(_)), "{key}");
    }
}

#[test]
fn typed_policies_are_not_laxer_either() {
    let raised = [(Code::Debug, Effect::Note), (Code::Advisory, Effect::Warning)].into();
    let policy = Policy { raised, ..Policy::base() };
    assert_eq!(policy.effect(Code::Debug), Effect::Contraindicated);
    assert_eq!(policy.effect(Code::Advisory), Effect::Warning);
    let exposures = [("snp-milan".to_owned(), Exposure::Operated)].into();
    let policy = Policy { exposures, ..Policy::base() };
    assert_eq!(policy.exposure("snp-milan"), Some(Exposure::Software));
}

#[test]
fn what_is_no_policy_is_refused_with_its_key() {
    let launched = read("snp_minimum.snp-milan.launch_snp = 1");
    assert!(launched.snp_minimum["snp-milan"].contains_key("launch_snp"));
    let cases = [
        ("kinds = [\"tdx\", \"sev\"]", unknown("kinds", "sev")),
        ("anchors = \"all\"", unknown("anchors", "all")),
        ("statuses.Fine = \"1d\"", unknown("statuses", "Fine")),
        (
            "statuses.UpToDate = \"1d\"",
            value("statuses", "1d", "`forever`, as UpToDate has no end"),
        ),
        ("vmpl = 4", value("vmpl", "4", "0 to 3")),
        ("pcrs = [23, 24]", value("pcrs", "24", "0 to 23")),
        ("snp_minimum.snp-milan.psp = 1", unknown("snp_minimum", "psp")),
        ("references.mrtd = [\"zz\"]", value("references", "zz", "hex")),
        ("references.mrtd = [\"\"]", value("references", "", "hex of at least one byte")),
        ("platforms.allow = [\"ppid\"]", value("platforms", "ppid", "name=hex")),
        ("platforms.deny = [\"=00\"]", value("platforms", "=00", "name=hex")),
        ("platforms.deny = [\"ppid=0\"]", value("platforms", "0", "hex")),
        ("raised.nonsense = \"warning\"", unknown("raised", "nonsense")),
        ("classes.x = \"none\"", unknown("classes", "none")),
        (
            "custodians.x = \"00\"",
            value("custodians", "00", "a secp256k1 public key of 33 bytes in hex"),
        ),
    ];
    for (text, error) in cases {
        assert_eq!(refused(text), error, "{text}");
    }
    for text in
        ["x = 1", "platforms.x = []", "kinds = 1", "vmpl = -1", "kinds = [", "extra_anchors = [{}]"]
    {
        assert!(matches!(refused(text), PolicyError::Form(_)), "{text}");
    }
    let long = format!("# {}", "x".repeat(1 << 20));
    assert_eq!(refused(&long), PolicyError::Form("longer than 1 MiB".into()));
}

#[test]
fn an_extra_anchor_is_a_certificate_or_public_key() {
    let anchor = |vendor: &str, scope: &str, pem: &str| {
        let entry = format!(
            "[[extra_anchors]]\nvendor = \"{vendor}\"\nname = \"x\"\nscope = \"{scope}\"\npem = \
             \"\"\"\n{pem}\"\"\"\n"
        );
        Policy::from_toml(&entry)
    };
    let pem = example().split_once("pem = \"\"\"\n").unwrap().1.split_once("\"\"\"").unwrap().0;
    assert!(anchor("amd", "production", pem).is_ok());
    assert_eq!(anchor("acme", "production", pem), Err(unknown("extra_anchors", "acme")));
    assert_eq!(anchor("amd", "both", pem), Err(unknown("extra_anchors", "both")));
    let what = "a certificate or public key in PEM";
    let relabelled = pem.replace("PUBLIC KEY", "CERTIFICATE");
    let private = pem.replace("PUBLIC KEY", "PRIVATE KEY");
    for bad in ["", "abc", &relabelled, &private] {
        let error = value("extra_anchors", "x", what);
        assert_eq!(anchor("amd", "production", bad), Err(error), "{bad}");
    }
}

#[test]
fn each_field_changes_the_digest() {
    let base = Policy::base();
    let pem = read(example()).anchors.of(Vendor::Arm).last().unwrap().clone();
    let changes: [fn(&mut Policy); 15] = [
        |p| p.kinds = BTreeSet::new(),
        |p| p.statuses = [(TcbStatus::UpToDate, Some(1))].into(),
        |p| p.minimum_evaluation = Some(0),
        |p| p.advisories_denied = ["x".to_owned()].into(),
        |p| p.snp_minimum = [("x".to_owned(), [].into())].into(),
        |p| p.vmpl = 1,
        |p| p.pcrs = [0].into(),
        |p| p.references = [("x".to_owned(), [].into())].into(),
        |p| p.platforms_allowed = [("x".to_owned(), vec![])].into(),
        |p| p.platforms_denied = [("x".to_owned(), vec![])].into(),
        |p| p.max_age = Some(86_400),
        |p| p.result_lifetime = 0,
        |p| p.raised = [(Code::Advisory, Effect::Warning)].into(),
        |p| p.exposures = [("x".to_owned(), Exposure::Physical)].into(),
        |p| {
            let key = SigningKey::from_bytes(&[1; 32]).unwrap().public();
            p.custodians = [("x".to_owned(), key)].into();
        },
    ];
    let mut digests: BTreeSet<[u8; 32]> = [base.digest()].into();
    for change in changes {
        let mut policy = base.clone();
        change(&mut policy);
        assert!(digests.insert(policy.digest()), "a change without effect: {policy:?}");
    }
    for anchor in [
        pem.clone(),
        Anchor { name: "y".into(), ..pem.clone() },
        Anchor { scope: Scope::Production, ..pem.clone() },
        Anchor { der: vec![], ..pem.clone() },
        Anchor { known: vec![vec![]], ..pem.clone() },
    ] {
        let anchors = base.anchors.clone().with(Vendor::Arm, anchor);
        assert!(digests.insert(Policy { anchors, ..base.clone() }.digest()));
    }
    let anchors = base.anchors.clone().with(Vendor::Amd, pem);
    assert!(digests.insert(Policy { anchors, ..base.clone() }.digest()));
}

#[test]
fn further_references_add_good_values() {
    let one = [("mrtd".to_owned(), [vec![1]].into())];
    let more = [("mrtd".to_owned(), [vec![2]].into()), ("x".to_owned(), [vec![3]].into())];
    let policy = Policy { references: one.into(), ..Policy::base() }.with_references(more.into());
    let want = [("mrtd".to_owned(), [vec![1], vec![2]].into()), ("x".to_owned(), [vec![3]].into())];
    assert_eq!(policy.references, want.into());
}
