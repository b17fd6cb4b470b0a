use super::{OID, anchor, authority, extension, leaf, read};
use crate::x509::{Cache, Certificate, Path, X509Error, made::Made, verify_path};
use rcgen::{CertificateParams, KeyUsagePurpose, date_time_ymd};

fn path<'a>(
    leaf: &Made,
    offered: &[&Made],
    anchors: &'a [crate::Anchor],
) -> Result<Path<'a>, X509Error> {
    let offered: Vec<Certificate> = offered.iter().map(|made| read(made)).collect();
    verify_path(read(leaf), &offered, anchors, &[], &mut Cache::default())
}

/// A root, one authority under it made from `params`, and a leaf.
fn three(params: CertificateParams) -> (Made, Made, Made) {
    let root = Made::root(authority("root", 1, None));
    let middle = root.issue(params);
    let last = middle.issue(leaf("leaf", 3));
    (root, middle, last)
}

#[test]
fn a_chain_is_put_in_order_and_dates_are_handed_on() {
    let root = Made::root(authority("root", 1, None));
    let first = root.issue(authority("first", 2, Some(1)));
    let second = first.issue(authority("second", 3, Some(0)));
    let mut params = leaf("leaf", 4);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
    let last = second.issue(params);
    let anchors = anchor(&root);
    for offered in [[&first, &second, &root], [&root, &second, &first], [&second, &root, &first]] {
        let path = path(&last, &offered, &anchors).unwrap();
        assert_eq!(path.certificates, [read(&last), read(&second), read(&first)]);
        assert_eq!((&path.root, path.issuer(2)), (&read(&root), &read(&root)));
        assert_eq!(path.issuer(0), &read(&second));
        assert_eq!(path.anchor.name, "test");
        let windows = path.windows();
        assert_eq!(windows.len(), 4);
        assert_eq!(windows[0].what, "certificate `CN=leaf`");
        assert_eq!(windows[0].not_after.0, 978_307_200, "expired is for the judge to say");
    }
}

#[test]
fn an_anchor_may_be_the_signer_itself() {
    let root = Made::root(authority("root", 1, None));
    let anchors = anchor(&root);
    assert_eq!(path(&root, &[], &anchors).unwrap().certificates, [read(&root)]);
}

#[test]
fn only_authorities_issue() {
    let refused = Err(X509Error::NotAnAuthority("CN=middle".into()));
    let mut without_usage = authority("middle", 2, None);
    without_usage.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    for params in [leaf("middle", 2), without_usage] {
        let (root, middle, last) = three(params);
        let anchors = anchor(&root);
        assert_eq!(path(&last, &[&middle], &anchors).map(drop), refused);
        let anchors = anchor(&middle);
        assert_eq!(path(&last, &[], &anchors).map(drop), refused, "as an anchor too");
    }
}

#[test]
fn a_path_is_no_longer_than_its_authorities_allow() {
    let root = Made::root(authority("root", 1, Some(0)));
    let first = root.issue(authority("first", 2, None));
    let last = first.issue(leaf("leaf", 3));
    let anchors = anchor(&root);
    let long = path(&last, &[&first], &anchors).map(drop);
    assert_eq!(long, Err(X509Error::TooLong("CN=root".into())));

    let root = Made::root(authority("root", 1, None));
    let first = root.issue(authority("first", 2, Some(0)));
    let second = first.issue(authority("second", 3, None));
    let last = second.issue(leaf("leaf", 4));
    let anchors = anchor(&root);
    let long = path(&last, &[&second, &first], &anchors).map(drop);
    assert_eq!(long, Err(X509Error::TooLong("CN=first".into())));
    assert!(path(&second, &[&first], &anchors).is_ok());
}

#[test]
fn a_path_is_no_longer_than_anybody_needs() {
    let mut line = vec![Made::root(authority("0", 1, None))];
    for depth in 1..12_u8 {
        let next = line.last().unwrap().issue(authority(&depth.to_string(), depth, None));
        line.push(next);
    }
    let anchors = anchor(&line[0]);
    let offered: Vec<&Made> = line.iter().collect();
    let lengths: Vec<bool> =
        line.iter().map(|made| path(made, &offered, &anchors).is_ok()).collect();
    assert_eq!(lengths.iter().filter(|ok| **ok).count(), 10);
    let long = path(&line[11], &offered, &anchors).map(drop);
    assert!(matches!(long, Err(X509Error::TooLong(_))));
}

#[test]
fn critical_extensions_that_nobody_understands_are_refused() {
    let odd = |mut params: CertificateParams| {
        let mut unknown = extension(&OID, &[5, 0]);
        unknown.set_criticality(true);
        params.custom_extensions.push(unknown);
        params
    };
    let refused = |subject: &str| X509Error::CriticalExtension {
        subject: subject.into(),
        extension: "1.3.6.1.4.1.99999.1".into(),
    };
    let (root, middle, last) = three(odd(authority("middle", 2, None)));
    let anchors = anchor(&root);
    assert_eq!(path(&last, &[&middle], &anchors).map(drop), Err(refused("CN=middle")));

    let root = Made::root(authority("root", 1, None));
    let last = root.issue(odd(leaf("leaf", 2)));
    let anchors = anchor(&root);
    assert_eq!(path(&last, &[], &anchors).map(drop), Err(refused("CN=leaf")));
    let also = [x509_cert::spki::ObjectIdentifier::new("1.3.6.1.4.1.99999.1").unwrap()];
    let known = verify_path(read(&last), &[], &anchors, &also, &mut Cache::default());
    assert!(known.is_ok(), "the caller looks at it");
}

#[test]
fn name_constraints_are_not_understood() {
    let mut params = authority("middle", 2, None);
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.org".into())],
        excluded_subtrees: vec![],
    });
    let (root, middle, last) = three(params);
    let anchors = anchor(&root);
    let refused = path(&last, &[&middle], &anchors).map(drop);
    assert!(matches!(refused, Err(X509Error::CriticalExtension { .. })));
}

#[test]
fn a_link_is_signed_not_only_named() {
    let (root, middle, last) = three(authority("middle", 2, None));
    let (other_root, other_middle, _) = three(authority("middle", 2, None));
    let anchors = anchor(&root);
    let forged = X509Error::Forged { subject: "CN=leaf".into(), issuer: "CN=middle".into() };
    assert_eq!(path(&last, &[&other_middle], &anchors).map(drop), Err(forged.clone()));
    assert!(path(&last, &[&other_middle, &middle], &anchors).is_ok(), "one of the name did");
    let crowd = [&other_middle, &three(authority("middle", 2, None)).1];
    let more = [crowd[0], crowd[1], &three(authority("middle", 2, None)).1];
    let fourth = three(authority("middle", 2, None)).1;
    let many = [more[0], more[1], more[2], &fourth, &middle];
    assert_eq!(path(&last, &many, &anchors).map(drop), Err(forged), "a few are tried, not all");
    let anchors = anchor(&other_root);
    let other = path(&last, &[&middle], &anchors).map(drop);
    assert_eq!(other, Err(X509Error::NoAnchor("CN=middle".into())), "a root of the same name");
    let anchors = [anchor(&other_root), anchor(&root)].concat();
    assert!(path(&last, &[&middle], &anchors).is_ok(), "either root");
}

#[test]
fn a_circle_of_authorities_ends() {
    let first = Made::root(authority("first", 1, None));
    let second = first.issue(authority("second", 2, None));
    // The first again, certified by the second: two certificates that sign each other.
    let issuer = rcgen::Issuer::from_params(&second.params, &second.key);
    let der = first.params.signed_by(&first.key, &issuer).unwrap().der().to_vec();
    let crossed = Certificate::from_der(&der).unwrap();
    let offered = [crossed, read(&second)];
    let last = second.issue(leaf("leaf", 3));
    let stranger = anchor(&Made::root(authority("root", 1, None)));
    let end = verify_path(read(&last), &offered, &stranger, &[], &mut Cache::default());
    assert!(matches!(end, Err(X509Error::NoAnchor(_))));
    let alone = path(&first, &[&first, &first], &stranger).map(drop);
    assert_eq!(alone, Err(X509Error::NoAnchor("CN=first".into())));
}

#[test]
fn the_outer_algorithm_is_the_one_that_was_signed() {
    let root = Made::root(authority("root", 1, None));
    let last = root.issue(leaf("leaf", 2));
    let sha384 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    let at = last.der.windows(8).rposition(|window| window == sha384).unwrap();
    let mut odd = last.der.clone();
    odd[at + 7] = 2;
    let odd = Certificate::from_der(&odd).unwrap();
    let forged = odd.verify_signed_by(&read(&root), &mut Cache::default());
    assert!(matches!(forged, Err(X509Error::Forged { .. })));
}

#[test]
fn no_single_flipped_byte_of_a_certificate_is_accepted() {
    let root = Made::root(authority("root", 1, None));
    let last = root.issue(leaf("leaf", 2));
    let anchors = anchor(&root);
    let mut cache = Cache::default();
    let mut check = |der: &[u8]| {
        let leaf = Certificate::from_der(der)?;
        verify_path(leaf, &[], &anchors, &[], &mut cache).map(drop)
    };
    assert_eq!(check(&last.der), Ok(()));
    for index in 0..last.der.len() {
        for bit in 0..8 {
            let mut odd = last.der.clone();
            odd[index] ^= 1 << bit;
            assert!(check(&odd).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn errors_are_findings() {
    use crate::Code;
    let revoked = X509Error::Revoked { subject: String::new(), serial: String::new() };
    assert_eq!(X509Error::NoAnchor(String::new()).code(), Code::UntrustedRoot);
    assert_eq!(revoked.code(), Code::CertificateRevoked);
    assert_eq!(X509Error::Malformed("x").code(), Code::ChainInvalid);
    assert_eq!(revoked.list_code(), Code::CertificateRevoked);
    assert_eq!(X509Error::Malformed("x").list_code(), Code::CollateralInvalid);
}
