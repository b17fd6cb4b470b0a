use super::{anchor, authority, leaf, read};
use crate::x509::{Cache, Crl, X509Error, made::Made, revocation, verify_path};
use rcgen::KeyUsagePurpose;

const MALFORMED: X509Error = X509Error::Malformed("revocation list");

#[test]
fn lists_are_read_whole() {
    let root = Made::root(authority("root", 1, None));
    let list = root.list(&[5]);
    for length in 0..list.len() {
        assert_eq!(Crl::from_der(&list[..length]), Err(MALFORMED));
    }
    assert_eq!(Crl::from_der(&[&list[..], &[0]].concat()), Err(MALFORMED));
    let window = Crl::from_der(&list).unwrap().window("list");
    assert_eq!((window.not_before.0, window.not_after.0), (1_893_456_000, 1_924_905_600));
}

#[test]
fn a_list_that_may_be_partial_is_refused() {
    let root = Made::root(authority("root", 1, None));
    let issuer = rcgen::Issuer::from_params(&root.params, &root.key);
    let params = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2030, 1, 1),
        next_update: rcgen::date_time_ymd(2031, 1, 1),
        crl_number: rcgen::SerialNumber::from_slice(&[1]),
        issuing_distribution_point: Some(rcgen::CrlIssuingDistributionPoint {
            distribution_point: rcgen::CrlDistributionPoint { uris: vec!["http://x".into()] },
            scope: Some(rcgen::CrlScope::UserCertsOnly),
        }),
        revoked_certs: vec![],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let list = params.signed_by(&issuer).unwrap();
    assert_eq!(Crl::from_der(list.der()), Err(MALFORMED));
}

#[test]
fn a_list_is_signed_by_an_issuer_that_may() {
    let root = Made::root(authority("root", 1, None));
    let list = Crl::from_der(&root.list(&[5])).unwrap();
    assert_eq!(list.verify_issued_by(&read(&root), &mut Cache::default()), Ok(()));
    let other = Made::root(authority("root", 1, None));
    let forged = list.verify_issued_by(&read(&other), &mut Cache::default());
    assert!(matches!(forged, Err(X509Error::Forged { .. })), "{forged:?}");
    let named = Made::root(authority("other", 1, None));
    let forged = list.verify_issued_by(&read(&named), &mut Cache::default());
    assert!(matches!(forged, Err(X509Error::Forged { .. })), "{forged:?}");
    let mut params = authority("root", 1, None);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let without = Made::root(params);
    let list = Crl::from_der(&without.list(&[])).unwrap();
    let refused = list.verify_issued_by(&read(&without), &mut Cache::default());
    assert_eq!(refused, Err(X509Error::NotAnAuthority("CN=root".into())));
}

#[test]
fn no_single_flipped_byte_of_a_list_is_accepted() {
    let root = Made::root(authority("root", 1, None));
    let list = root.list(&[5]);
    let issuer = read(&root);
    let mut cache = Cache::default();
    let mut check = |der: &[u8]| Crl::from_der(der)?.verify_issued_by(&issuer, &mut cache);
    assert_eq!(check(&list), Ok(()));
    for index in 0..list.len() {
        let mut odd = list.clone();
        odd[index] ^= 1 << (index % 8);
        assert!(check(&odd).is_err(), "byte {index}");
    }
}

#[test]
fn revoked_certificates_are_found_in_their_issuers_lists_only() {
    let root = Made::root(authority("root", 1, None));
    let middle = root.issue(authority("middle", 2, None));
    let last = middle.issue(leaf("leaf", 2));
    let anchors = anchor(&root);
    let mut cache = Cache::default();
    let path = verify_path(read(&last), &[read(&middle)], &anchors, &[], &mut cache).unwrap();
    let mut look = |lists: &[Vec<u8>]| {
        let lists: Vec<Crl> = lists.iter().map(|der| Crl::from_der(der).unwrap()).collect();
        revocation(&path, &lists, &mut cache)
    };
    let none = look(&[]);
    assert_eq!((none.refused, none.windows), (vec![], vec![]));
    assert_eq!(none.without_list, ["CN=middle", "CN=root"]);

    let clean = look(&[root.list(&[3]), middle.list(&[3])]);
    assert_eq!((clean.refused, clean.without_list), (vec![], vec![]));
    let names: Vec<_> = clean.windows.iter().map(|window| window.what.as_str()).collect();
    assert_eq!(names, ["revocation list of middle", "revocation list of root"]);

    let revoked =
        |subject: &str| X509Error::Revoked { subject: subject.into(), serial: "02".into() };
    assert_eq!(look(&[root.list(&[2])]).refused, [revoked("CN=middle")]);
    assert_eq!(look(&[middle.list(&[2])]).refused, [revoked("CN=leaf")]);
    let second = look(&[root.list(&[]), root.list(&[2])]);
    assert_eq!(second.refused, [revoked("CN=middle")], "every list of the issuer counts");
    let stranger = Made::root(authority("root", 1, None));
    let forged = look(&[stranger.list(&[])]);
    assert!(matches!(forged.refused[..], [X509Error::Forged { .. }]));
}
