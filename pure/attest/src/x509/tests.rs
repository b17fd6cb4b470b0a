#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lists;
mod paths;

use super::{
    Cache, Certificate, X509Error,
    certificate::scheme,
    certificates_from_pem,
    made::{Made, authority, extension, leaf},
};
use crate::{Anchor, Anchors, Scope, Vendor, signature::Scheme};
use der::{Decode as _, Encode as _};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// An extension that nobody knows.
const OID: [u64; 8] = [1, 3, 6, 1, 4, 1, 99_999, 1];

fn read(made: &Made) -> Certificate {
    Certificate::from_der(&made.der).unwrap()
}

fn anchor(made: &Made) -> Vec<Anchor> {
    let (name, scope) = ("test".into(), Scope::Production);
    vec![Anchor { name, scope, der: made.der.clone(), known: Vec::new() }]
}

const MALFORMED: X509Error = X509Error::Malformed("certificate");

#[test]
fn certificates_are_read_whole() {
    let root = Made::root(authority("root", 1, None));
    for length in 0..root.der.len() {
        assert_eq!(Certificate::from_der(&root.der[..length]), Err(MALFORMED));
    }
    let longer = [&root.der[..], &[0]].concat();
    assert_eq!(Certificate::from_der(&longer), Err(MALFORMED));
    let mut large = leaf("large", 2);
    large.custom_extensions.push(extension(&OID, &[0; 17 << 10]));
    assert_eq!(Certificate::from_der(&root.issue(large).der), Err(MALFORMED));
}

#[test]
fn an_extension_that_is_there_twice_is_refused() {
    let root = Made::root(authority("root", 1, None));
    let mut params = leaf("twice", 2);
    params.custom_extensions = vec![extension(&OID, &[1]), extension(&OID, &[2])];
    assert_eq!(Certificate::from_der(&root.issue(params).der), Err(MALFORMED));
}

#[test]
fn names_dates_and_extensions_are_told() {
    let root = Made::root(authority("root", 1, None));
    let mut params = leaf("a leaf", 9);
    params.custom_extensions = vec![extension(&OID, &[7, 8])];
    let certificate = read(&root.issue(params));
    assert_eq!(certificate.common_name(), "a leaf");
    assert_eq!(certificate.issuer(), "CN=root");
    assert_eq!(certificate.serial(), [9]);
    let oid = x509_cert::spki::ObjectIdentifier::new("1.3.6.1.4.1.99999.1").unwrap();
    assert_eq!(certificate.extension(oid), Some(&[7, 8][..]));
    let window = certificate.window("it");
    assert_eq!((window.not_before.0, window.not_after.0), (1_704_067_200, 2_019_686_400));
}

#[test]
fn pem_is_read_as_der_is() {
    let root = Made::root(authority("root", 1, None));
    let other = Made::root(authority("other", 1, None));
    let pem = |made: &Made| {
        der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &made.der).unwrap()
    };
    assert_eq!(Certificate::from_pem_or_der(pem(&root).as_bytes()).unwrap(), read(&root));
    assert_eq!(Certificate::from_pem_or_der(&root.der).unwrap(), read(&root));
    let cut = pem(&root).replace("END CERTIFICATE", "END KEY");
    assert_eq!(Certificate::from_pem_or_der(cut.as_bytes()), Err(MALFORMED));
    let both = pem(&root) + &pem(&other) + "\n\0";
    assert_eq!(certificates_from_pem(both.as_bytes()), Ok(vec![read(&root), read(&other)]));
    let many = pem(&root).repeat(17);
    let between = both.replace("-----BEGIN", "x-----BEGIN");
    let other = pem(&root).replace("CERTIFICATE", "X509 CRL");
    for text in ["", "\n", "no PEM", "-----BEGIN", &cut, &many, &between, &other] {
        let malformed = X509Error::Malformed("chain of certificates in PEM");
        assert_eq!(certificates_from_pem(text.as_bytes()), Err(malformed));
    }
}

#[test]
fn no_changed_or_shortened_pem_panics() {
    let root = Made::root(authority("root", 1, None));
    let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &root.der).unwrap();
    for index in 0..pem.len() {
        assert!(certificates_from_pem(&pem.as_bytes()[..index]).is_err() || index + 1 == pem.len());
        for flip in [1, 0x20, 0x80] {
            let mut odd = pem.clone().into_bytes();
            odd[index] ^= flip;
            let single = Certificate::from_pem_or_der(&odd);
            let chain = certificates_from_pem(&odd);
            assert!(single.is_err() || chain.is_err() || chain == single.map(|one| vec![one]));
        }
    }
}

/// AMD signs with RSASSA-PSS and 4,096 bits; older certificates write the default trailer out.
#[test]
fn amds_authorities_are_signed_by_its_roots() {
    let pinned = Anchors::pinned();
    let roots = pinned.of(Vendor::Amd);
    assert_eq!(roots.len(), 3);
    for anchor in roots {
        let root = Certificate::from_der(&anchor.der).unwrap();
        root.verify_signed_by(&root, &mut Cache::default()).unwrap();
        for known in &anchor.known {
            let known = Certificate::from_der(known).unwrap();
            known.verify_signed_by(&root, &mut Cache::default()).unwrap();
        }
        let others = roots.iter().filter(|other| other.name != anchor.name);
        for other in others.map(|other| Certificate::from_der(&other.der).unwrap()) {
            let forged = root.verify_signed_by(&other, &mut Cache::default());
            assert!(matches!(forged, Err(X509Error::Forged { .. })));
        }
    }
}

#[test]
fn pss_parameters_are_one_of_three_forms() {
    let pinned = Anchors::pinned();
    let root = Certificate::from_der(&pinned.of(Vendor::Amd)[0].der).unwrap();
    let good = root.parsed().tbs_certificate.signature.to_der().unwrap();
    let read = |der: &[u8]| scheme(&AlgorithmIdentifierOwned::from_der(der).unwrap());
    assert_eq!(read(&good), Ok(Scheme::RsaPssSha384));
    let changed = |from: &[u8], to: &[u8], which: usize| {
        let mut der = good.clone();
        let places = der.windows(from.len()).enumerate().filter(|(_, window)| *window == from);
        let at = places.map(|(at, _)| at).nth(which).unwrap();
        der[at..at + to.len()].copy_from_slice(to);
        der
    };
    let sha384 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    let sha256 = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    let salt = [0xa2, 0x03, 0x02, 0x01, 0x30];
    for odd in [
        changed(&sha384, &sha256, 0),
        changed(&sha384, &sha256, 1),
        changed(&salt, &[0xa2, 0x03, 0x02, 0x01, 0x20], 0),
        changed(&[0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08], &[0x86, 0xf7, 0x0d, 0x01, 0x01, 0x09], 0),
    ] {
        assert!(matches!(read(&odd), Err(X509Error::Algorithm(_))), "{}", hex::encode(&odd));
    }
    let both = changed(&sha384, &sha256, 0);
    let at = both.windows(9).position(|window| window == sha384).unwrap();
    let mut sha256_with_long_salt = both;
    sha256_with_long_salt[at + 8] = 1;
    assert!(matches!(read(&sha256_with_long_salt), Err(X509Error::Algorithm(_))));
    let trailer = [0xa3, 0x03, 0x02, 0x01, 0x01];
    let odd = changed(&trailer, &[0xa3, 0x03, 0x02, 0x01, 0x02], 0);
    assert!(matches!(read(&odd), Err(X509Error::Algorithm(_))));
    let short = [0xa2, 0x03, 0x02, 0x01, 0x20];
    let at = sha256_with_long_salt.windows(5).position(|window| window == salt).unwrap();
    let mut sha256_whole = sha256_with_long_salt;
    sha256_whole[at..at + 5].copy_from_slice(&short);
    assert_eq!(read(&sha256_whole), Ok(Scheme::RsaPssSha256));
    let without = AlgorithmIdentifierOwned {
        parameters: None,
        ..AlgorithmIdentifierOwned::from_der(&good).unwrap()
    };
    assert!(matches!(scheme(&without), Err(X509Error::Algorithm(_))));
}

#[test]
fn a_signature_is_verified_once_for_each_pair_and_failures_are_not_kept() {
    let mut cache = Cache::default();
    let mut runs = 0;
    let mut ask = |certificate: &[u8], key: &[u8], good: bool| {
        let before = runs;
        let result = cache.signed(certificate, key, || {
            runs += 1;
            if good { Ok(()) } else { Err(()) }
        });
        (result, runs - before)
    };
    assert_eq!(ask(b"a", b"key", false), (Err(()), 1));
    assert_eq!(ask(b"a", b"key", true), (Ok(()), 1));
    assert_eq!(ask(b"a", b"key", false), (Ok(()), 0));
    assert_eq!(ask(b"a", b"other", false), (Err(()), 1));
    assert_eq!(ask(b"ak", b"ey", false), (Err(()), 1));
    for number in 0..u32::try_from(Cache::MAX).unwrap() {
        cache.signed(&number.to_be_bytes(), b"key", || Ok::<_, ()>(())).unwrap();
    }
    assert!(cache.len() <= Cache::MAX);
    assert_eq!(cache.signed(b"a", b"key", || Err(())), Err(()), "it was emptied when full");
}
