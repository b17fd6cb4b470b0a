//! Manifests of good measurements: their form, signature and comparison.

use super::{
    codes, judged,
    maker::{Key, Made, Maker, Node, Rim, Use},
};
use crate::{
    Appraisal, Code, Context, Endorsements, Status,
    nvidia::{NvidiaError, describe_manifest, parse, rim},
    x509::Cache,
};
use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha384};

/// What the report of [`Made::new`] was measured against: driver 0 and 1, VBIOS 2 and 3.
fn good() -> Vec<Rim> {
    let rim = |version, range: core::ops::Range<u8>| Rim {
        product: "GH100",
        version,
        good: range.map(|index| (index, vec![[0; 48], [index + 1; 48]])).collect(),
    };
    vec![rim("550.1", 0..2), rim("96.00.A5.00.01", 2..4)]
}

fn with(maker: &Maker, report: &Made, endorsements: &Endorsements) -> Appraisal {
    judged(&maker.evidence(report), endorsements, &maker.policy())
}

fn compared(manifests: &[Rim]) -> Vec<Code> {
    let maker = Maker::new();
    codes(&with(&maker, &Made::new(), &maker.rims(manifests)))
}

/// With the driver's manifest's text changed, by whoever may do so.
fn changed(change: impl Fn(String) -> String) -> Vec<Code> {
    let maker = Maker::new();
    let mut endorsements = maker.rims(&good());
    let text = String::from_utf8(endorsements.rims[0].clone()).unwrap();
    let other = change(text.clone());
    assert_ne!(text, other, "nothing changed");
    endorsements.rims[0] = other.into_bytes();
    codes(&with(&maker, &Made::new(), &endorsements))
}

#[test]
fn measurements_that_are_all_good_leave_nothing_to_say() {
    let maker = Maker::new();
    let appraisal = with(&maker, &Made::new(), &maker.rims(&good()));
    assert_eq!((appraisal.status, codes(&appraisal)), (Status::Affirming, vec![]));
    assert_eq!(appraisal.claims.unwrap().windows.len(), 5 + 3 + 2 * 2);
}

#[test]
fn nvtrust_90_a_measurement_that_differs_is_refused() {
    let mut manifests = good();
    manifests[0].good[1].1 = vec![[99; 48]];
    assert_eq!(compared(&manifests), [Code::RimMismatch]);
    // And one that the device did not make at all.
    let mut manifests = good();
    manifests[1].good.push((50, vec![[0; 48]]));
    assert_eq!(compared(&manifests), [Code::RimMismatch]);
    manifests[1].good[2].0 = 255;
    assert_eq!(compared(&manifests), [Code::RimMismatch]);
}

#[test]
fn nvtrust_66_a_missing_manifest_is_named_and_no_more() {
    let maker = Maker::new();
    let appraisal = with(&maker, &Made::new(), &maker.rims(&good()[..1]));
    assert_eq!((appraisal.status, codes(&appraisal)), (Status::Affirming, vec![Code::RimMissing]));
    let missing = appraisal.reasons.iter().find(|reason| reason.code == Code::RimMissing).unwrap();
    assert!(missing.detail.contains("VBIOS 96.00.A5.00.01"));
}

#[test]
fn manifests_of_other_chips_and_versions_count_for_nothing() {
    for (product, version) in [("GB100", "550.1"), ("GH100", "550.2")] {
        let mut manifests = good();
        manifests[0] = Rim { product, version, good: vec![(0, vec![[99; 48]])] };
        assert_eq!(compared(&manifests), [Code::RimMissing]);
    }
}

#[test]
fn two_manifests_must_not_speak_of_one_measurement() {
    let mut manifests = good();
    manifests[1].good.push((0, vec![[1; 48]]));
    assert_eq!(compared(&manifests), [Code::RimMismatch]);
}

#[test]
fn nvdec0_is_compared_when_it_is_on() {
    let maker = Maker::new();
    let mut manifests = good();
    manifests[0].good.push((35, vec![[99; 48]]));
    let mut report = Made::new();
    let endorsements = maker.rims(&manifests);
    assert_eq!(codes(&with(&maker, &report, &endorsements)), []);
    report.opaque[2].1 = vec![0xaa];
    assert_eq!(codes(&with(&maker, &report, &endorsements)), [Code::RimMismatch]);
    report.opaque.remove(2);
    assert_eq!(codes(&with(&maker, &report, &endorsements)), [Code::RimMismatch]);
}

#[test]
fn a_manifest_that_was_changed_is_refused() {
    let value = hex::encode([1; 48]);
    let raised = hex::encode([77; 48]);
    assert_eq!(
        changed(|text| text.replace(&value, &raised)),
        [Code::RimMismatch, Code::RimInvalid]
    );
    // The digest is made right again, the signature over it is not.
    let digest = |text: &str| {
        let body = text.split_once("<ds:Signature ").unwrap().0.to_owned() + "</SoftwareIdentity>";
        Base64::encode_string(&Sha384::digest(body))
    };
    let resigned = changed(|text| {
        let other = text.replace(&value, &raised);
        other.replace(&digest(&text), &digest(&other))
    });
    assert_eq!(resigned, [Code::RimMismatch, Code::RimInvalid]);
    assert_eq!(changed(|text| text.replace("<Payload>\n", "<Payload>")), [Code::RimInvalid]);
    assert_eq!(
        changed(|text| text.replace("product=\"GH100\"", "product=\"GH100\" a=\"\"")),
        [Code::RimInvalid]
    );
}

#[test]
fn a_manifest_in_another_spelling_is_the_same() {
    // Canonical XML: order of attributes, empty tags, white space in tags and around the root.
    assert_eq!(changed(|text| text.replace("></Resource>", " />")), []);
    assert_eq!(changed(|text| format!("\n\n{text}\n")), []);
    let meta = "colloquialVersion=\"550.1\" product=\"GH100\"";
    let other = "product=\"GH100\"\n  colloquialVersion=\"550.1\"";
    assert_eq!(changed(|text| text.replace(meta, other)), []);
    assert_eq!(changed(|text| text.replace("<Payload>", "<Payload >")), []);
}

#[test]
fn a_manifest_of_another_signer_is_refused() {
    let maker = Maker::new();
    let stranger = Node::new("Test CoRIM Root", 80, None, Use::Authority);
    let signer = Node::new("RIM signer", 81, Some(&stranger), Use::Leaf(vec![]));
    let mut endorsements = maker.rims(&good());
    endorsements.rims[0] = good()[0].text(&[signer, stranger]).into_bytes();
    assert_eq!(codes(&with(&maker, &Made::new(), &endorsements)), [Code::RimInvalid]);
    // A device's key is no signer of manifests.
    endorsements.rims[0] = good()[0].text(&maker.chain).into_bytes();
    assert_eq!(codes(&with(&maker, &Made::new(), &endorsements)), [Code::RimInvalid]);
}

#[test]
fn a_manifest_whose_signer_has_ended_is_refused() {
    let mut maker = Maker::new();
    let mut params = maker.signer[0].params.clone();
    params.not_after = rcgen::date_time_ymd(2029, 1, 1);
    maker.signer[0] = Node::issued(params, Key::new(22), Some(&maker.signer[1]));
    let appraisal = with(&maker, &Made::new(), &maker.rims(&good()));
    assert_eq!(codes(&appraisal), [Code::Expired, Code::Expired]);
    assert_eq!((appraisal.authentic, appraisal.status), (Some(true), Status::Contraindicated));
}

#[test]
fn what_is_no_manifest_is_refused() {
    let invalid = [Code::RimInvalid, Code::RimMissing];
    let replaced = |from: &str, to: &str| changed(|text| text.replacen(from, to, 1));
    let refused = [
        ("<SoftwareIdentity", "<!DOCTYPE x><SoftwareIdentity"),
        ("<Payload>", "<!-- a --><Payload>"),
        ("<Payload>", "<Payload>&#32;"),
        ("<Payload>", "<Payload>\r"),
        ("<Payload>", "<Payload>text"),
        ("product=\"GH100\"", "product='GH100'"),
        ("product=\"GH100\"", "product=\"GH100\" product=\"GH100\""),
        ("product=\"GH100\"", "product=\"GH\t100\""),
        ("product=\"GH100\"", "product=\"GH100\" b:c=\"\""),
        ("type=\"Measurement\"", "type=\"File\""),
        ("size=\"48\"", "size=\"32\""),
        ("active=\"True\"", "active=\"true\""),
        ("alternatives=\"2\"", "alternatives=\"3\""),
        ("alternatives=\"2\"", "alternatives=\"0\""),
        ("index=\"1\"", "index=\"0\""),
        ("index=\"1\"", "index=\"256\""),
        ("</Payload>", "</Payload><Payload></Payload>"),
        ("URI=\"\"", "URI=\"#a\""),
        ("ecdsa-sha384", "ecdsa-sha256"),
        ("xmldsig-more#sha384", "xmldsig-more#sha224"),
        ("2006/12/xml-c14n11", "2001/10/xml-exc-c14n#"),
        ("enveloped-signature", "base64"),
        ("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName></ds:KeyName>"),
        ("<ds:X509Certificate>", "<ds:X509Certificate>*"),
        ("</SoftwareIdentity>", ""),
        ("</SoftwareIdentity>", "</SoftwareIdentity><a></a>"),
    ];
    for (from, to) in refused {
        assert_eq!(replaced(from, to), invalid, "{from} as {to}");
    }
    let deep = "<a>".repeat(20) + &"</a>".repeat(20);
    assert_eq!(replaced("</Payload>", &format!("{deep}</Payload>")), invalid);
    let long = " ".repeat(300 << 10);
    assert_eq!(replaced("</Payload>", &format!("{long}</Payload>")), invalid);
}

#[test]
fn a_signature_around_something_else_does_not_count() {
    // XML signature wrapping: a second payload, and a second signature.
    let invalid = [Code::RimInvalid, Code::RimMissing];
    let payload = "<Payload><Resource active=\"True\" alternatives=\"1\" index=\"0\" size=\"48\" \
                   type=\"Measurement\"></Resource></Payload>";
    assert_eq!(
        changed(|text| text.replacen("<Payload>", &format!("{payload}<Payload>"), 1)),
        invalid
    );
    assert_eq!(
        changed(|text| {
            let (head, tail) = text.split_once("<ds:Signature ").unwrap();
            let signature = tail.trim_end().trim_end_matches("</SoftwareIdentity>");
            format!("{head}<ds:Signature {signature}<ds:Signature {tail}")
        }),
        invalid
    );
    // One more signature deeper down is signed as everything is.
    let deeper = changed(|text| {
        text.replacen(
            "</Meta>",
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature></Meta>",
            1,
        )
    });
    assert_eq!(deeper, [Code::RimInvalid]);
    // Hidden within the signature, which the digest leaves out.
    assert_eq!(
        changed(|text| text.replacen("<ds:KeyInfo>", &format!("{payload}<ds:KeyInfo>"), 1)),
        invalid
    );
}

#[test]
fn every_flipped_byte_of_a_manifest_is_refused_or_another_spelling() {
    let maker = Maker::new();
    let text = good()[0].text(&maker.signer).into_bytes();
    let report = parse(&Made::new().signed(&Key::new(5))).unwrap();
    let anchors = maker.policy().anchors;
    let mut cache = Cache::default();
    let mut judge = |text: Vec<u8>| {
        let endorsements = &Endorsements { rims: vec![text], ..Endorsements::default() };
        let mut context = Context { endorsements, anchors: &anchors, cache: &mut cache };
        let found = rim::check(&report, "GH100", &mut context);
        found.reasons.into_iter().map(|reason| reason.code).collect::<Vec<_>>()
    };
    // VBIOS's manifest is missing throughout.
    assert_eq!(judge(text.clone()), [Code::RimMissing]);
    // White space in tags, around the root and in base64 carries nothing.
    let mut same = 0;
    for at in 0..text.len() {
        let mut bad = text.clone();
        bad[at] ^= 1 << (at % 7);
        let now = bad[at];
        if judge(bad) == [Code::RimMissing] {
            assert!(text[at].is_ascii_whitespace() && now.is_ascii_whitespace(), "byte {at}");
            same += 1;
        }
    }
    assert!(same < 16, "{same} bytes");
}

#[test]
fn certificates_that_a_manifest_does_not_need_are_refused() {
    let maker = Maker::new();
    let mut signer = maker.signer.clone();
    signer.push(Node::new("stranger", 90, None, Use::Authority));
    let mut endorsements = maker.rims(&good());
    endorsements.rims[0] = good()[0].text(&signer).into_bytes();
    assert_eq!(codes(&with(&maker, &Made::new(), &endorsements)), [Code::RimInvalid]);
}

#[test]
fn a_manifest_is_described_without_being_believed() {
    let maker = Maker::new();
    let lines = describe_manifest(good()[0].text(&maker.signer).as_bytes()).unwrap();
    let line = |name: &str| lines.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!((line("version"), line("signature holds")), (Some("550.1"), Some("true")));
    assert_eq!(lines.iter().filter(|(name, _)| name == "m01").count(), 2);
    let no = NvidiaError::Text("a manifest in NVIDIA's form");
    assert_eq!(describe_manifest(b"<a/>"), Err(no));
}

#[test]
fn a_report_without_versions_has_no_manifest() {
    let maker = Maker::new();
    let report = Made { opaque: vec![(1, vec![])], ..Made::new() };
    let appraisal = with(&maker, &report, &maker.rims(&good()));
    assert_eq!(codes(&appraisal), [Code::RimMissing]);
}
