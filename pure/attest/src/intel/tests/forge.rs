//! Quotes and collateral under a root of the tests' own. Every field that a check looks at can be
//! set before `make`.

use crate::{Anchor, Anchors, Collateral, Scope, Vendor};
use p256::ecdsa::{Signature, SigningKey as Key, signature::Signer as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use serde_json::{Value, json};
use sotto_types::{Time, sha256};

/// 2025-06-15.
pub(super) const NOW: Time = Time(1_749_945_600);

/// A key that is a function of its name.
pub(super) struct Named {
    key: Key,
    public: Vec<u8>,
}

pub(super) fn key(name: &str) -> Named {
    let key = Key::from_slice(&sha256(&[name.as_bytes()])).unwrap();
    let public = key.verifying_key().to_encoded_point(false).as_bytes().to_vec();
    Named { key, public }
}

impl Named {
    fn raw(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.key.sign(message);
        signature.to_bytes().into()
    }
}

impl PublicKeyData for Named {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Named {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature = self.key.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

/// The body of a quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    Sgx,
    Td10,
    Td10V5,
    Td15,
    Td15Ex,
}

#[derive(Clone)]
pub(super) struct Forge {
    pub(super) body: Body,
    pub(super) vendor: [u8; 16],
    pub(super) key_type: u16,
    pub(super) attributes: u64,
    pub(super) mrsignerseam: [u8; 48],
    pub(super) seamattributes: [u8; 8],
    pub(super) service_td: [u8; 48],
    pub(super) current_service_td: [u8; 48],
    pub(super) cpu_svn: [u8; 16],
    pub(super) pce_svn: u8,
    pub(super) tee_tcb_svn: [u8; 16],
    pub(super) tee_tcb_svn2: [u8; 16],
    pub(super) report_data: [u8; 64],
    pub(super) qe_mrsigner: [u8; 32],
    pub(super) qe_product: u16,
    pub(super) qe_svn: u16,
    pub(super) qe_attributes: [u8; 16],
    pub(super) qe_misc: [u8; 4],
    /// The key whose hash the QE's report binds.
    pub(super) qe_binds: &'static str,
    pub(super) quote_signer: &'static str,
    pub(super) qe_signer: &'static str,
    pub(super) pck_issuer: &'static str,
    pub(super) root: &'static str,
    /// Certificates: (name in the lists, the list's issuer).
    pub(super) revoked: Vec<&'static str>,
    pub(super) certification: u16,
    pub(super) flags: Option<[bool; 3]>,
    /// The PCK says its platform.
    pub(super) says: bool,
    pub(super) tcb: Value,
    pub(super) tcb_signer: &'static str,
    pub(super) signer_issuer: &'static str,
    pub(super) qe_identity: Value,
    pub(super) tail: &'static [u8],
}

pub(super) struct Made {
    pub(super) quote: Vec<u8>,
    pub(super) collateral: Collateral,
    pub(super) anchors: Anchors,
    pub(super) root: Vec<u8>,
    pub(super) pck_chain: String,
}

const TD_ATTRIBUTES: u64 = 1 << 28;
const SGX_FLAGS: u64 = 0b101;

fn components(svns: [u8; 16]) -> Value {
    svns.iter().map(|svn| json!({ "svn": svn })).collect()
}

pub(super) fn first(svns: &[u8]) -> [u8; 16] {
    let mut all = [0; 16];
    all[..svns.len()].copy_from_slice(svns);
    all
}

fn level(sgx: u8, pce: u16, tdx: [u8; 16], date: &str, status: &str, advisories: &[&str]) -> Value {
    json!({
        "tcb": {
            "sgxtcbcomponents": components([sgx; 16]),
            "pcesvn": pce,
            "tdxtcbcomponents": components(tdx),
        },
        "tcbDate": format!("{date}T00:00:00Z"),
        "tcbStatus": status,
        "advisoryIDs": advisories,
    })
}

fn small(svn: u16, date: &str, status: &str) -> Value {
    json!({
        "tcb": { "isvsvn": svn },
        "tcbDate": format!("{date}T00:00:00Z"),
        "tcbStatus": status,
    })
}

impl Forge {
    pub(super) fn new(body: Body) -> Self {
        let sgx = body == Body::Sgx;
        let zeros = "00".repeat(48);
        let (issued, next) = ("2025-06-01T00:00:00Z", "2025-07-01T00:00:00Z");
        Self {
            body,
            vendor: dcap_qvl::INTEL_QE_VENDOR_ID,
            key_type: 2,
            attributes: if sgx { SGX_FLAGS } else { TD_ATTRIBUTES },
            mrsignerseam: [0; 48],
            seamattributes: [0; 8],
            service_td: [0; 48],
            current_service_td: [0; 48],
            cpu_svn: [3; 16],
            pce_svn: 13,
            tee_tcb_svn: first(&[6, 1, 3]),
            tee_tcb_svn2: first(&[6, 1, 3]),
            report_data: [7; 64],
            qe_mrsigner: [9; 32],
            qe_product: 2,
            qe_svn: 4,
            qe_attributes: first(&[0x11]),
            qe_misc: [0; 4],
            qe_binds: "attestation",
            quote_signer: "attestation",
            qe_signer: "pck",
            pck_issuer: "ca",
            root: "root",
            revoked: vec![],
            certification: 5,
            flags: Some([false; 3]),
            says: true,
            tcb: json!({
                "id": if sgx { "SGX" } else { "TDX" },
                "version": 3,
                "issueDate": issued,
                "nextUpdate": next,
                "fmspc": "90C06F000000",
                "pceId": "0000",
                "tcbType": 0,
                "tcbEvaluationDataNumber": 19,
                "tdxModule": {
                    "mrsigner": zeros, "attributes": "0000000000000000",
                    "attributesMask": "FFFFFFFFFFFFFFFF",
                },
                "tdxModuleIdentities": [{
                    "id": "TDX_01", "mrsigner": zeros, "attributes": "0000000000000000",
                    "attributesMask": "FFFFFFFFFFFFFFFF",
                    "tcbLevels": [
                        small(6, "2025-05-14", "UpToDate"),
                        small(4, "2024-03-13", "OutOfDate"),
                    ],
                }],
                // Out of order on purpose: the verifier sorts them.
                "tcbLevels": [
                    level(2, 13, first(&[5, 0, 2]), "2024-03-13", "OutOfDate", &["INTEL-SA-01036"]),
                    level(3, 13, first(&[5, 0, 3]), "2025-05-14", "UpToDate", &[]),
                    level(1, 5, first(&[2, 0, 1]), "2018-01-04", "Revoked", &["INTEL-SA-00106"]),
                ],
            }),
            tcb_signer: "signer",
            signer_issuer: "root",
            qe_identity: json!({
                "id": if sgx { "QE" } else { "TD_QE" },
                "version": 2,
                "issueDate": issued,
                "nextUpdate": next,
                "tcbEvaluationDataNumber": 20,
                "miscselect": "00000000",
                "miscselectMask": "FFFFFFFF",
                "attributes": "11000000000000000000000000000000",
                "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
                "mrsigner": "09".repeat(32),
                "isvprodid": 2,
                "tcbLevels": [
                    small(4, "2025-05-14", "UpToDate"),
                    small(2, "2023-08-09", "OutOfDate"),
                    small(1, "2020-01-01", "Revoked"),
                ],
            }),
            tail: &[],
        }
    }

    /// The level at `at` of the TCB info gets this status.
    pub(super) fn newest_status(mut self, status: &str) -> Self {
        self.tcb["tcbLevels"][1]["tcbStatus"] = json!(status);
        self
    }

    pub(super) fn make(&self) -> Made {
        let pki = Pki::new(self);
        let pck_chain = [&pki.pck, &pki.ca, &pki.root].map(|der| pem(der)).concat();
        let signer_chain = [&pki.signer, &pki.root].map(|der| pem(der)).concat();
        let (tcb_info, qe_identity) = (self.tcb.to_string(), self.qe_identity.to_string());
        let signer = key(self.tcb_signer);
        let collateral = Collateral {
            pck_crl_issuer_chain: [&pki.ca, &pki.root].map(|der| pem(der)).concat(),
            root_ca_crl: pki.root_crl.clone(),
            pck_crl: pki.pck_crl.clone(),
            tcb_info_issuer_chain: signer_chain.clone(),
            tcb_info_signature: signer.raw(tcb_info.as_bytes()).to_vec(),
            tcb_info,
            qe_identity_issuer_chain: signer_chain,
            qe_identity_signature: signer.raw(qe_identity.as_bytes()).to_vec(),
            qe_identity,
            pck_certificate_chain: None,
        };
        let anchor = Anchor {
            name: "test root".into(),
            scope: Scope::Production,
            der: pki.root.clone(),
            known: vec![],
        };
        Made {
            quote: self.quote(&pck_chain),
            collateral,
            anchors: Anchors::default().with(Vendor::Intel, anchor),
            root: pki.root,
            pck_chain,
        }
    }

    fn quote(&self, chain: &str) -> Vec<u8> {
        let mut quote = self.header();
        quote.extend(self.report());
        let mut vouching = key(self.quote_signer).raw(&quote).to_vec();
        vouching.extend(&key("attestation").public[1..]);
        let mut inner = self.qe_report();
        inner.extend(key(self.qe_signer).raw(&self.qe_report()));
        inner.extend(32_u16.to_le_bytes());
        inner.extend([5; 32]);
        let mut named = match self.certification {
            3 => vec![0xaa; 384 + 20],
            2 => vec![0xaa; 256 + 20],
            _ => chain.as_bytes().to_vec(),
        };
        named.extend(self.tail);
        inner.extend(self.certification.to_le_bytes());
        inner.extend((named.len() as u32).to_le_bytes());
        inner.extend(named);
        if self.body != Body::Sgx {
            vouching.extend(6_u16.to_le_bytes());
            vouching.extend((inner.len() as u32).to_le_bytes());
        }
        vouching.extend(inner);
        quote.extend((vouching.len() as u32).to_le_bytes());
        quote.extend(vouching);
        quote
    }

    fn header(&self) -> Vec<u8> {
        let (version, tee): (u16, u32) = match self.body {
            Body::Sgx => (3, 0),
            Body::Td10 => (4, 0x81),
            _ => (5, 0x81),
        };
        let mut header = version.to_le_bytes().to_vec();
        header.extend(self.key_type.to_le_bytes());
        header.extend(tee.to_le_bytes());
        header.extend([0; 4]);
        header.extend(self.vendor);
        header.extend([0x51; 20]);
        let (kind, size): (u16, u32) = match self.body {
            Body::Sgx | Body::Td10 => return header,
            Body::Td10V5 => (2, 584),
            Body::Td15 => (3, 648),
            Body::Td15Ex => (4, 885),
        };
        header.extend(kind.to_le_bytes());
        header.extend(size.to_le_bytes());
        header
    }

    fn report(&self) -> Vec<u8> {
        if self.body == Body::Sgx {
            let mut attributes = self.attributes.to_le_bytes().to_vec();
            attributes.extend(3_u64.to_le_bytes());
            let fields = (attributes.try_into().unwrap(), [0xe1; 32], [0xe2; 32], 1, 2);
            return enclave(fields, [0; 4], self.report_data);
        }
        let mut td = self.tee_tcb_svn.to_vec();
        td.extend([0x5e; 48]);
        td.extend(self.mrsignerseam);
        td.extend(self.seamattributes);
        td.extend(self.attributes.to_le_bytes());
        td.extend(3_u64.to_le_bytes());
        for byte in [0x1d, 0xc1, 0xc2, 0xc3, 0xa0, 0xa1, 0xa2, 0xa3] {
            td.extend([byte; 48]);
        }
        td.extend(self.report_data);
        if matches!(self.body, Body::Td15 | Body::Td15Ex) {
            td.extend(self.tee_tcb_svn2);
            td.extend(self.service_td);
        }
        if self.body == Body::Td15Ex {
            td.extend([0; 1 + 32 + 48 + 48 + 8 + 16 + 16 + 12]);
            td.extend(self.current_service_td);
            td.extend([0; 8]);
        }
        td
    }

    fn qe_report(&self) -> Vec<u8> {
        let bound = sha256(&[&key(self.qe_binds).public[1..], &[5; 32]]);
        let mut data = [0; 64];
        data[..32].copy_from_slice(&bound);
        let fields =
            (self.qe_attributes, [0xee; 32], self.qe_mrsigner, self.qe_product, self.qe_svn);
        enclave(fields, self.qe_misc, data)
    }
}

type Enclave = ([u8; 16], [u8; 32], [u8; 32], u16, u16);

fn enclave(fields: Enclave, misc: [u8; 4], data: [u8; 64]) -> Vec<u8> {
    let (attributes, measurement, signer, product, svn) = fields;
    let mut report = vec![0; 16];
    report.extend(misc);
    report.extend([0; 28]);
    report.extend(attributes);
    report.extend(measurement);
    report.extend([0; 32]);
    report.extend(signer);
    report.extend([0; 96]);
    report.extend(product.to_le_bytes());
    report.extend(svn.to_le_bytes());
    report.extend([0; 60]);
    report.extend(data);
    report
}

fn pem(der: &[u8]) -> String {
    der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, der).unwrap()
}

struct Pki {
    root: Vec<u8>,
    ca: Vec<u8>,
    pck: Vec<u8>,
    signer: Vec<u8>,
    root_crl: Vec<u8>,
    pck_crl: Vec<u8>,
}

const SERIALS: [(&str, u64); 4] = [("root", 1), ("ca", 2), ("signer", 3), ("pck", 4)];

fn serial(name: &str) -> u64 {
    SERIALS.into_iter().find(|(known, _)| *known == name).map_or(9, |(_, serial)| serial)
}

fn params(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, format!("Test {name}"));
    params.distinguished_name = names;
    params.serial_number = Some(SerialNumber::from(vec![0x40, serial(name) as u8]));
    (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2034, 1, 1));
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    }
    params
}

impl Pki {
    fn new(forge: &Forge) -> Self {
        let root = key(forge.root);
        let root_params = params("root", true);
        let root_der = root_params.self_signed(&root).unwrap().der().to_vec();
        let under_root = Issuer::new(root_params, root);
        let ca_params = params("ca", true);
        let ca_der = ca_params.signed_by(&key("ca"), &under_root).unwrap().der().to_vec();
        let under_ca = Issuer::new(ca_params, key("ca"));
        let issuer = |name| if name == "root" { &under_root } else { &under_ca };
        let signer =
            params("signer", false).signed_by(&key("signer"), issuer(forge.signer_issuer)).unwrap();
        let mut pck = params("pck", false);
        let says =
            CustomExtension::from_oid_content(&[1, 2, 840, 113_741, 1, 13, 1], platform(forge));
        pck.custom_extensions = [says].into_iter().filter(|_| forge.says).collect();
        let pck = pck.signed_by(&key("pck"), issuer(forge.pck_issuer)).unwrap();
        Self {
            root: root_der,
            ca: ca_der,
            pck: pck.der().to_vec(),
            signer: signer.der().to_vec(),
            root_crl: crl(&under_root, &forge.revoked, &["root", "ca", "signer"]),
            pck_crl: crl(&under_ca, &forge.revoked, &["pck"]),
        }
    }
}

fn crl(issuer: &Issuer<'_, Named>, revoked: &[&str], mine: &[&str]) -> Vec<u8> {
    let entry = |name: &&str| RevokedCertParams {
        serial_number: SerialNumber::from(vec![0x40, serial(name) as u8]),
        revocation_time: date_time_ymd(2025, 5, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 6, 1),
        next_update: date_time_ymd(2025, 7, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().filter(|name| mine.contains(name)).map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(issuer).unwrap().der().to_vec()
}

/// The content of the PCK's extension.
fn platform(forge: &Forge) -> Vec<u8> {
    let number = |last: &[u8]| [&[0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1], last].concat();
    let entry = |last: &[u8], value: Vec<u8>| tlv(0x30, &[tlv(6, &number(last)), value].concat());
    let tcb = [entry(&[2, 17], tlv(2, &[forge.pce_svn])), entry(&[2, 18], tlv(4, &forge.cpu_svn))];
    let mut all = vec![
        entry(&[1], tlv(4, &[0xbb; 16])),
        entry(&[2], tlv(0x30, &tcb.concat())),
        entry(&[3], tlv(4, &[0, 0])),
        entry(&[4], tlv(4, &[0x90, 0xc0, 0x6f, 0, 0, 0])),
        entry(&[5], tlv(10, &[1])),
    ];
    if let Some(flags) = forge.flags {
        let flag = |at: u8, set: bool| entry(&[7, at], tlv(1, &[if set { 0xff } else { 0 }]));
        let flags = [flag(1, flags[0]), flag(2, flags[1]), flag(3, flags[2])];
        all.push(entry(&[6], tlv(4, &[0xcc; 16])));
        all.push(entry(&[7], tlv(0x30, &flags.concat())));
    }
    tlv(0x30, &all.concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}
