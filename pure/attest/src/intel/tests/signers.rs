//! Who signed what: everything that makes a quote not genuine, or unknowable.

use super::*;
use sotto_types::limits;

#[test]
fn dcap_qvl_127_a_quoting_enclave_that_is_not_intels_is_refused() {
    let cases: [fn(&mut Forge); 6] = [
        |forge| forge.qe_mrsigner = [1; 32],
        |forge| forge.qe_product = 3,
        |forge| forge.qe_attributes[0] = 0x10,
        |forge| forge.qe_misc = [1, 0, 0, 0],
        // In debug mode, although the mask would let it pass.
        |forge| {
            forge.qe_attributes[0] = 0x13;
            forge.qe_identity["attributesMask"] = "F9FFFFFFFFFFFFFF0000000000000000".into();
        },
        |forge| forge.qe_identity["mrsigner"] = "01".repeat(32).into(),
    ];
    for body in [Body::Sgx, Body::Td10, Body::Td15] {
        for change in cases {
            let mut forge = Forge::new(body);
            change(&mut forge);
            forged(&forge, Code::QeIdentity);
            assert!(oracle(&forge.make()).is_err());
        }
    }
}

#[test]
fn automata_132_a_revoked_platform_is_refused() {
    for name in ["pck", "ca", "signer", "root"] {
        let forge = Forge { revoked: vec![name], ..Forge::new(Body::Td10) };
        forged(&forge, Code::CertificateRevoked);
        assert_eq!(codes(&judge(&forge)), [Code::CertificateRevoked], "{name}");
        assert!(oracle(&forge.make()).is_err());
    }
}

#[test]
fn automata_144_a_revoked_quoting_enclave_skips_no_check() {
    let revoked = Forge { qe_svn: 1, ..Forge::new(Body::Sgx) };
    forged(&Forge { qe_signer: "other", ..revoked.clone() }, Code::SignatureInvalid);
    forged(&Forge { quote_signer: "other", ..revoked.clone() }, Code::SignatureInvalid);
    forged(&Forge { pck_issuer: "root", ..revoked }, Code::ChainInvalid);
}

#[test]
fn a_broken_link_between_report_and_platform_is_named() {
    for body in ALL {
        let base = Forge::new(body);
        forged(&Forge { quote_signer: "other", ..base.clone() }, Code::SignatureInvalid);
        forged(&Forge { qe_signer: "other", ..base.clone() }, Code::SignatureInvalid);
        forged(&Forge { qe_binds: "other", ..base.clone() }, Code::PartsNotBound);
        forged(&Forge { vendor: [0; 16], ..base.clone() }, Code::QeVendor);
        forged(&Forge { key_type: 3, ..base }, Code::AttestationKeyType);
    }
}

#[test]
fn every_failed_check_is_named_and_not_only_the_first() {
    let forge = Forge {
        vendor: [0; 16],
        quote_signer: "other",
        qe_binds: "other",
        qe_product: 9,
        revoked: vec!["pck"],
        ..Forge::new(Body::Td15)
    };
    let expected = [
        Code::SignatureInvalid,
        Code::CertificateRevoked,
        Code::PartsNotBound,
        Code::QeVendor,
        Code::QeIdentity,
    ];
    assert_eq!(codes(&judge(&forge)), expected);
}

#[test]
fn a_chain_of_another_form_or_root_is_refused() {
    forged(&Forge { pck_issuer: "root", ..Forge::new(Body::Td10) }, Code::ChainInvalid);
    // Names are the same, keys are not.
    let (made, other) =
        (Forge::new(Body::Td10).make(), Forge { root: "other", ..Forge::new(Body::Td10) }.make());
    let stranger = Made { anchors: other.anchors, ..made };
    let judged = judge_as(TeeKind::Tdx, &stranger, &policy(&stranger), NOW);
    assert_eq!(judged.authentic, Some(false));
    assert!(codes(&judged).contains(&Code::UntrustedRoot));
    // The root sent along is another one than the anchor.
    let mut made = Forge::new(Body::Td10).make();
    let chain = made.pck_chain.clone();
    let ca = chain.match_indices("-----BEGIN").nth(1).unwrap().0;
    let root = chain.match_indices("-----BEGIN").nth(2).unwrap().0;
    let swapped = [&chain[..root], &chain[ca..root]].concat();
    replace_chain(&mut made, swapped.as_bytes());
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert!(codes(&judged).contains(&Code::UntrustedRoot), "{:?}", judged.reasons);
    // The root stands there once.
    replace_chain(&mut made, [&chain[..], &chain[root..]].concat().as_bytes());
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&judged), [Code::ChainInvalid]);
    forged(&Forge { says: false, ..Forge::new(Body::Td10) }, Code::ChainInvalid);
    // The root may be left out; the intermediate may not.
    let mut made = Forge::new(Body::Td10).make();
    replace_chain(&mut made, &chain.as_bytes()[..root]);
    assert_eq!(judge_as(TeeKind::Tdx, &made, &policy(&made), NOW).status, Status::Affirming);
    replace_chain(&mut made, &chain.as_bytes()[..ca]);
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert!(codes(&judged).contains(&Code::ChainInvalid));
}

/// Another text where a quote v4 has its chain, all lengths mended.
pub(super) fn replace_chain(made: &mut Made, chain: &[u8]) {
    let at = 48 + 584 + 4 + 128 + 6 + 384 + 64 + 2 + 32 + 6;
    let quote = &mut made.quote;
    quote.truncate(at);
    quote.extend(chain);
    let end = quote.len();
    for (field, after) in
        [(48 + 584, 48 + 584 + 4), (48 + 584 + 4 + 128 + 2, at - 488), (at - 4, at)]
    {
        quote[field..field + 4].copy_from_slice(&((end - after) as u32).to_le_bytes());
    }
}

#[test]
fn only_one_text_stands_for_a_chain() {
    let made = Forge::new(Body::Td10).make();
    let chain = made.pck_chain.clone();
    let with_zero = [chain.as_bytes(), &[0]].concat();
    for taken in [chain.as_bytes(), &with_zero] {
        let mut made = Forge::new(Body::Td10).make();
        replace_chain(&mut made, taken);
        let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
        assert_eq!(judged.status, Status::Affirming, "{:?}", judged.reasons);
    }
    for text in [
        format!("{chain}\n"),
        format!("{chain} "),
        format!("{chain}\0\0"),
        format!("\n{chain}"),
        chain.replace('\n', "\r\n"),
        chain.trim_end().to_owned(),
        chain.replacen("-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----\n\n", 1),
        String::new(),
        "-----BEGIN CERTIFICATE-----".to_owned(),
        chain.repeat(2),
    ] {
        let mut made = Forge::new(Body::Td10).make();
        replace_chain(&mut made, text.as_bytes());
        let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
        assert_eq!(codes(&judged), [Code::Malformed], "{text:?}");
    }
}

#[test]
fn without_collateral_nobody_can_tell_but_a_forgery_is_one() {
    let verdict = |forge: &Forge| {
        let made = forge.make();
        let parts = Parts { quote: made.quote.clone(), ..Parts::default() };
        let evidence = Evidence { kind: kind(forge.body), parts };
        let expected = Expected::report_data(&[7; 64]).unwrap();
        let nothing = Endorsements::default();
        appraise(&evidence, &nothing, &expected, &policy(&made), NOW, &mut Cache::default())
    };
    for body in ALL {
        let missing = verdict(&Forge::new(body));
        assert_eq!((missing.authentic, missing.status), (None, Status::Contraindicated));
        assert_eq!(codes(&missing), [Code::CollateralMissing]);
        for forge in [
            Forge { quote_signer: "other", ..Forge::new(body) },
            Forge { qe_signer: "other", ..Forge::new(body) },
            Forge { qe_binds: "other", ..Forge::new(body) },
            Forge { pck_issuer: "root", ..Forge::new(body) },
        ] {
            assert_eq!(verdict(&forge).authentic, Some(false));
        }
    }
}

#[test]
fn collateral_of_another_platform_is_as_good_as_none() {
    let cases: [fn(&mut Forge); 4] = [
        |forge| forge.tcb["fmspc"] = "00806F050000".into(),
        |forge| forge.tcb["pceId"] = "0001".into(),
        |forge| forge.tcb["id"] = "SGX".into(),
        |forge| forge.qe_identity["id"] = "QE".into(),
    ];
    for change in cases {
        let mut forge = Forge::new(Body::Td10);
        change(&mut forge);
        let judged = judge(&forge);
        assert_eq!((judged.authentic, judged.status), (None, Status::Contraindicated));
        assert_eq!(codes(&judged), [Code::CollateralMissing]);
    }
    let mut made = Forge::new(Body::Td10).make();
    made.collateral.pck_crl = made.collateral.root_ca_crl.clone();
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&judged), [Code::CollateralMissing]);
}

#[test]
fn collateral_that_nobody_signed_is_refused() {
    let good = Forge::new(Body::Td10);
    let cases: [fn(&mut Made); 8] = [
        |made| made.collateral.tcb_info.push(' '),
        |made| made.collateral.qe_identity.push(' '),
        |made| made.collateral.tcb_info_signature[0] ^= 1,
        |made| made.collateral.qe_identity_signature.push(0),
        |made| *made.collateral.root_ca_crl.last_mut().unwrap() ^= 1,
        |made| *made.collateral.pck_crl.last_mut().unwrap() ^= 1,
        |made| made.collateral.root_ca_crl = made.collateral.pck_crl.clone(),
        // The platform's own certificate is no signer of statements.
        |made| made.collateral.tcb_info_issuer_chain = made.pck_chain.clone(),
    ];
    for (at, change) in cases.into_iter().enumerate() {
        let mut made = good.make();
        change(&mut made);
        let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
        assert_eq!(judged.authentic, Some(false), "{at}");
        assert_eq!(codes(&judged), [Code::CollateralInvalid], "{at}");
    }
    let under_ca = Forge { signer_issuer: "ca", ..Forge::new(Body::Td10) };
    forged(&under_ca, Code::CollateralInvalid);
    forged(&Forge { tcb_signer: "pck", ..Forge::new(Body::Td10) }, Code::CollateralInvalid);
}

#[test]
fn the_two_statements_may_come_with_chains_of_their_own() {
    let mut made = Forge::new(Body::Td10).make();
    made.collateral.qe_identity_issuer_chain.push('\n');
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(judged.status, Status::Affirming);
    let windows = judged.claims.unwrap().windows;
    assert!(windows.iter().any(|window| window.what == "QE identity signing certificate"));
    made.collateral.qe_identity_issuer_chain = made.pck_chain.clone();
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&judged), [Code::CollateralInvalid]);
    let revoked = Forge { revoked: vec!["signer"], ..Forge::new(Body::Td10) };
    let mut made = revoked.make();
    made.collateral.qe_identity_issuer_chain.push('\n');
    let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&judged), [Code::CertificateRevoked]);
}

#[test]
fn collateral_that_cannot_be_read_is_refused() {
    let cases: [fn(&mut Made); 6] = [
        |made| made.collateral.tcb_info = "{}".into(),
        |made| made.collateral.qe_identity = " ".repeat((512 << 10) + 1),
        |made| made.collateral.tcb_info_issuer_chain = "no PEM".into(),
        |made| made.collateral.qe_identity_issuer_chain = "-----END CERTIFICATE-----".into(),
        |made| made.collateral.root_ca_crl.push(0),
        |made| made.collateral.pck_crl.truncate(9),
    ];
    for (at, change) in cases.into_iter().enumerate() {
        let mut made = Forge::new(Body::Td10).make();
        change(&mut made);
        let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
        assert_eq!(codes(&judged), [Code::CollateralInvalid], "{at}");
    }
    let forms: [fn(&mut Forge); 11] = [
        |forge| forge.qe_identity["tcbLevels"][0]["tcbStatus"] = "SWHardeningNeeded".into(),
        |forge| forge.tcb["version"] = 2.into(),
        |forge| forge.tcb["tcbType"] = 1.into(),
        |forge| forge.tcb["fmspc"] = "x".into(),
        |forge| forge.tcb["issueDate"] = "yesterday".into(),
        |forge| forge.tcb["tcbLevels"][0]["tcbDate"] = "2025".into(),
        |forge| forge.tcb["tcbLevels"][0]["tcbStatus"] = "TDRelaunchAdvised".into(),
        |forge| forge.tcb["tcbLevels"][0]["tcb"]["sgxtcbcomponents"] = serde_json::json!([]),
        |forge| {
            let levels = &mut forge.tcb["tdxModuleIdentities"][0]["tcbLevels"];
            levels[0]["tcbStatus"] = "SWHardeningNeeded".into();
        },
        |forge| forge.qe_identity["version"] = 1.into(),
        |forge| forge.qe_identity["tcbLevels"][0]["tcbDate"] = "2025".into(),
    ];
    for (at, change) in forms.into_iter().enumerate() {
        let mut forge = Forge::new(Body::Td10);
        change(&mut forge);
        assert_eq!(codes(&judge(&forge)), [Code::CollateralInvalid], "{at}");
    }
}

#[test]
fn a_pck_named_by_an_encrypted_ppid_needs_its_chain_from_the_collateral() {
    for (body, certification) in [(Body::Sgx, 3), (Body::Td10, 3), (Body::Td15, 2)] {
        let forge = Forge { certification, ..Forge::new(body) };
        let judged = judge(&forge);
        assert_eq!((judged.authentic, codes(&judged)), (None, vec![Code::SignerMissing]));
        let mut made = forge.make();
        made.collateral.pck_certificate_chain = Some(made.pck_chain.clone());
        let judged = judge_as(kind(body), &made, &policy(&made), NOW);
        assert_eq!(judged.status, Status::Affirming, "{:?}", judged.reasons);
        made.collateral.pck_certificate_chain = Some("no PEM".into());
        let judged = judge_as(kind(body), &made, &policy(&made), NOW);
        assert_eq!(codes(&judged), [Code::ChainInvalid]);
    }
    for certification in [1, 4, 6] {
        forged(&Forge { certification, ..Forge::new(Body::Sgx) }, Code::Malformed);
    }
}

#[test]
fn collateral_is_read_as_hex_and_as_numbers() {
    let made = Forge::new(Body::Td10).make();
    let mut json = serde_json::to_value(&made.collateral).unwrap();
    assert!(json["pck_crl"].is_string());
    json["pck_crl"] = made.collateral.pck_crl.clone().into();
    json["tcb_info_signature"] = made.collateral.tcb_info_signature.clone().into();
    let read: crate::Collateral = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(read, made.collateral);
    for wrong in [serde_json::json!("zz"), serde_json::json!([256]), serde_json::json!(1)] {
        json["pck_crl"] = wrong;
        assert!(serde_json::from_value::<crate::Collateral>(json.clone()).is_err());
    }
}

#[test]
fn a_quote_longer_than_any_is_refused_before_it_is_read() {
    let error = parse(&vec![0; limits::EVIDENCE_MAX + 1]).unwrap_err();
    let max = limits::EVIDENCE_MAX;
    assert_eq!(error, super::super::QuoteError::TooLong { got: max + 1, max });
}
