//! Devices, their chains, manifests and answers about them, under roots made here.

use crate::{
    Anchor, Anchors, Endorsements, Evidence, Parts, Policy, Scope, Vendor,
    nvidia::ocsp::{
        BasicOcspResponse, CertId, OcspResponse, ResponseBytes, ResponseData, SingleResponse,
    },
    x509::Certificate,
};
use base64ct::{Base64, Encoding as _};
use der::{
    Decode as _, Encode as _, Tag,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef},
};
use p384::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, RevokedCertParams,
    date_time_ymd,
};
use sha2::{Digest as _, Sha384};
use sotto_types::{TeeKind, Time};
use std::fmt::Write as _;
use x509_cert::{serial_number::SerialNumber, spki::AlgorithmIdentifierRef};

/// 2030-01-01, within every certificate made here.
pub(crate) const NOW: Time = Time(1_893_456_000);
pub(crate) const NONCE: [u8; 32] = [7; 32];
pub(crate) const FWID: [u8; 48] = [9; 48];
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const HASH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

/// A P-384 key.
#[derive(Clone)]
pub(crate) struct Key(SigningKey, Vec<u8>);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 48]).unwrap();
        let point = key.verifying_key().to_encoded_point(false).as_bytes().to_vec();
        Self(key, point)
    }

    /// r ‖ s.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().to_vec()
    }

    fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.1
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P384_SHA384
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.sign_der(message))
    }
}

/// One certificate with its key.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) params: CertificateParams,
    pub(crate) key: Key,
    pub(crate) der: Vec<u8>,
}

/// What a certificate is for.
pub(crate) enum Use {
    Authority,
    Leaf(Vec<CustomExtension>),
    Responder,
}

impl Node {
    pub(crate) fn new(name: &str, seed: u8, issuer: Option<&Self>, purpose: Use) -> Self {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2040, 1, 1);
        params.serial_number = Some(vec![seed; 9].into());
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![seed; 20]);
        match purpose {
            Use::Authority => {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            }
            Use::Leaf(extensions) => {
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                params.custom_extensions = extensions;
            }
            Use::Responder => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            }
        }
        Self::issued(params, Key::new(seed), issuer)
    }

    pub(crate) fn issued(params: CertificateParams, key: Key, issuer: Option<&Self>) -> Self {
        let certificate = match issuer {
            None => params.self_signed(&key),
            Some(issuer) => params.signed_by(&key, &issuer.issuer()),
        };
        let der = certificate.unwrap().der().to_vec();
        Self { params, key, der }
    }

    fn issuer(&self) -> Issuer<'_, Key> {
        Issuer::from_params(&self.params, self.key.clone())
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    /// A revocation list of this issuer that names `revoked`.
    pub(crate) fn list(&self, revoked: &[&Self]) -> Vec<u8> {
        let named = |node: &&Self| RevokedCertParams {
            serial_number: node.params.serial_number.clone().unwrap(),
            revocation_time: date_time_ymd(2029, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2029, 12, 1),
            next_update: date_time_ymd(2030, 2, 1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(named).collect(),
            key_identifier_method: KeyIdMethod::PreSpecified(vec![0; 20]),
        };
        params.signed_by(&self.issuer()).unwrap().der().to_vec()
    }
}

/// `CompositeDeviceID` as GH100 has it.
pub(crate) fn composite_id(key: &Key, fwid: &[u8; 48]) -> CustomExtension {
    let spki = rcgen::PublicKeyData::subject_public_key_info(key);
    let body = [&[2, 1, 1], spki.as_slice(), &fwid_der(fwid)].concat();
    CustomExtension::from_oid_content(&[2, 23, 133, 5, 4, 1], sequence(&body))
}

/// `DiceTcbInfo` as GB100 has it, with the first octet of its flags.
pub(crate) fn tcb_info(fwid: &[u8; 48], flags: u8) -> CustomExtension {
    let list = fwid_der(fwid);
    let fwids = [&[0xa6, u8::try_from(list.len()).unwrap()], list.as_slice()].concat();
    let body = [b"\x80\x06NVIDIA", fwids.as_slice(), &[0x87, 5, 0, flags, 0, 0, 1]].concat();
    CustomExtension::from_oid_content(&[2, 23, 133, 5, 4, 1, 1], sequence(&body))
}

fn fwid_der(fwid: &[u8; 48]) -> Vec<u8> {
    let digest = OctetStringRef::new(fwid).unwrap().to_der().unwrap();
    sequence(&[HASH_SHA384.to_der().unwrap(), digest].concat())
}

fn sequence(body: &[u8]) -> Vec<u8> {
    AnyRef::new(Tag::Sequence, body).unwrap().to_der().unwrap()
}

/// A device with its chain, the leaf first and the root last.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) chain: Vec<Node>,
    pub(crate) signer: Vec<Node>,
}

impl Maker {
    /// A GH100.
    pub(crate) fn new() -> Self {
        Self::with(5, composite_id(&Key::new(4), &FWID))
    }

    /// A device with this key and extension.
    pub(crate) fn with(seed: u8, extension: CustomExtension) -> Self {
        let authority =
            |name: &str, seed, issuer: Option<&Node>| Node::new(name, seed, issuer, Use::Authority);
        let root = authority("Test Device Identity CA", 1, None);
        let identity = authority("Test GH100 Identity", 2, Some(&root));
        let provisioner = authority("Test GH100 Provisioner", 3, Some(&identity));
        let brom = authority("GH100 A01 GSP BROM", 4, Some(&provisioner));
        let leaf = Use::Leaf(vec![extension]);
        let leaf = Node::new("GH100 A01 GSP FMC LF", seed, Some(&brom), leaf);
        let manifests = authority("Test CoRIM Root", 21, None);
        let signer = Node::new("RIM signer", 22, Some(&manifests), Use::Leaf(vec![]));
        Self {
            chain: vec![leaf, brom, provisioner, identity, root],
            signer: vec![signer, manifests],
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        let anchor = |name: &str, node: &Node| Anchor {
            name: name.into(),
            scope: Scope::Production,
            der: node.der.clone(),
            known: vec![],
        };
        let devices = anchor("devices", self.chain.last().unwrap());
        let manifests = anchor("manifests", self.signer.last().unwrap());
        let anchors = Anchors::default()
            .with(Vendor::Nvidia, devices)
            .with(Vendor::NvidiaManifests, manifests);
        Policy { anchors, ..Policy::base() }
    }

    pub(crate) fn evidence(&self, report: &Made) -> Evidence {
        let chain = self.chain.iter().map(|node| node.der.clone()).collect();
        let quote = report.signed(&self.chain[0].key);
        Evidence { kind: TeeKind::Nvidia, parts: Parts { quote, chain, ..Parts::default() } }
    }

    /// Answers that everything holds.
    pub(crate) fn answers(&self) -> Vec<Vec<u8>> {
        let pairs = self.chain.windows(2).skip(1);
        pairs.map(|pair| Answering::good(&pair[0], &pair[1]).der()).collect()
    }

    /// Endorsements with these manifests.
    pub(crate) fn rims(&self, manifests: &[Rim]) -> Endorsements {
        let rims = manifests.iter().map(|manifest| manifest.text(&self.signer).into_bytes());
        Endorsements { rims: rims.collect(), ocsp: self.answers(), ..Endorsements::default() }
    }
}

/// A report as it is made.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) head: [u8; 4],
    pub(crate) nonce: [u8; 32],
    pub(crate) response: [u8; 4],
    /// SPDM index and value.
    pub(crate) blocks: Vec<(u8, [u8; 48])>,
    pub(crate) opaque: Vec<(u16, Vec<u8>)>,
}

impl Made {
    pub(crate) fn new() -> Self {
        Self {
            head: [0x11, 0xe0, 0x01, 0xff],
            nonce: NONCE,
            response: [0x11, 0x60, 0, 0],
            blocks: (1..=4).chain([36]).map(|index| (index, [index; 48])).collect(),
            opaque: vec![
                (3, b"550.1\0".to_vec()),
                (6, vec![0x00, 0xa5, 0x00, 0x96, 0x01, 0, 0, 0]),
                (11, vec![0x55]),
                (20, FWID.to_vec()),
            ],
        }
    }

    pub(crate) fn signed(&self, key: &Key) -> Vec<u8> {
        let mut bytes = self.unsigned();
        let signature = key.sign(&bytes);
        bytes.extend(signature);
        bytes
    }

    pub(crate) fn unsigned(&self) -> Vec<u8> {
        let mut bytes = [self.head.as_slice(), &self.nonce, &[0], &self.response].concat();
        let record: Vec<u8> = self
            .blocks
            .iter()
            .flat_map(|(index, value)| [&[*index, 1, 51, 0, 1, 48, 0], value.as_slice()].concat())
            .collect();
        bytes.push(u8::try_from(self.blocks.len()).unwrap());
        bytes.extend(&u32::try_from(record.len()).unwrap().to_le_bytes()[..3]);
        bytes.extend(record);
        bytes.extend([3; 32]);
        let opaque: Vec<u8> = self
            .opaque
            .iter()
            .flat_map(|(number, value)| {
                let size = u16::try_from(value.len()).unwrap().to_le_bytes();
                [&number.to_le_bytes(), size.as_slice(), value].concat()
            })
            .collect();
        bytes.extend(u16::try_from(opaque.len()).unwrap().to_le_bytes());
        bytes.extend(opaque);
        bytes
    }
}

/// An OCSP answer as it is made.
pub(crate) struct Answering<'a> {
    pub(crate) about: &'a Node,
    pub(crate) issuer: &'a Node,
    /// `CertStatus` in DER.
    pub(crate) status: Vec<u8>,
    pub(crate) signer: &'a Key,
    pub(crate) delegate: Option<&'a Node>,
    pub(crate) until: Option<u64>,
}

impl<'a> Answering<'a> {
    pub(crate) fn good(about: &'a Node, issuer: &'a Node) -> Self {
        let until = Some(NOW.0 + 3600);
        Self { about, issuer, status: vec![0x80, 0], signer: &issuer.key, delegate: None, until }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let time = |seconds| {
            GeneralizedTime::from_unix_duration(core::time::Duration::from_secs(seconds)).unwrap()
        };
        let issuer = self.issuer.certificate();
        let name = issuer.parsed().tbs_certificate.subject.to_der().unwrap();
        let name: [u8; 48] = Sha384::digest(name).into();
        let key: [u8; 48] = Sha384::digest(&self.issuer.key.1).into();
        let algorithm = |oid| AlgorithmIdentifierRef { oid, parameters: None };
        let single = SingleResponse {
            id: CertId {
                hash: algorithm(HASH_SHA384),
                issuer_name: OctetStringRef::new(&name).unwrap(),
                issuer_key: OctetStringRef::new(&key).unwrap(),
                serial: SerialNumber::new(self.about.certificate().serial()).unwrap(),
            },
            status: AnyRef::from_der(&self.status).unwrap(),
            this_update: time(NOW.0 - 3600),
            next_update: self.until.map(time),
            extensions: None,
        };
        let data = ResponseData {
            version: None,
            responder: AnyRef::from_der(&[0xa2, 3, 4, 1, 0]).unwrap(),
            produced_at: time(NOW.0 - 3600),
            responses: vec![single],
            extensions: None,
        };
        let tbs = data.to_der().unwrap();
        let signature = self.signer.sign_der(&tbs);
        let certificates = self.delegate.map(|node| vec![AnyRef::from_der(&node.der).unwrap()]);
        let basic = BasicOcspResponse {
            tbs: AnyRef::from_der(&tbs).unwrap(),
            algorithm: algorithm(ECDSA_SHA384),
            signature: BitStringRef::from_bytes(&signature).unwrap(),
            certificates,
        };
        let basic = basic.to_der().unwrap();
        let response = OctetStringRef::new(&basic).unwrap();
        let bytes = Some(ResponseBytes { kind: BASIC, response });
        OcspResponse { status: AnyRef::from_der(&[0x0a, 1, 0]).unwrap(), bytes }.to_der().unwrap()
    }
}

/// A manifest as it is made: its text is canonical already, so that signing it needs no canonical
/// form of ours.
#[derive(Clone)]
pub(crate) struct Rim {
    pub(crate) product: &'static str,
    pub(crate) version: &'static str,
    /// Measurement from zero, and its good values.
    pub(crate) good: Vec<(u8, Vec<[u8; 48]>)>,
}

impl Rim {
    pub(crate) fn text(&self, signer: &[Node]) -> String {
        let spaces = "xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" \
                      xmlns:ns2=\"http://www.w3.org/2001/04/xmlenc#sha384\"";
        let (product, version) = (self.product, self.version);
        let mut body = format!(
            "<Meta colloquialVersion=\"{version}\" product=\"{product}\"></Meta>\n<Payload>\n"
        );
        for (index, values) in &self.good {
            let count = values.len();
            let _ = write!(
                body,
                "<Resource active=\"True\" alternatives=\"{count}\" index=\"{index}\" \
                 name=\"m\" size=\"48\" type=\"Measurement\""
            );
            for (at, value) in values.iter().enumerate() {
                let _ = write!(body, " ns2:Hash{at}=\"{}\"", hex::encode(value));
            }
            body.push_str("></Resource>\n");
        }
        body.push_str("</Payload>\n");
        let (open, close) = (format!("<SoftwareIdentity {spaces}>\n"), "</SoftwareIdentity>");
        let digest = Sha384::digest(format!("{open}{body}{close}"));
        let info = signed_info(&Base64::encode_string(&digest));
        let dsig = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
        let (first, second) = spaces.split_once(' ').unwrap();
        let apex = format!("<ds:SignedInfo {first} {dsig} {second}>");
        let value = signer[0].key.sign(info.replace("<ds:SignedInfo>", &apex).as_bytes());
        let value = Base64::encode_string(&value);
        let certificates: String = signer
            .iter()
            .map(|node| {
                let der = Base64::encode_string(&node.der);
                format!("<ds:X509Certificate>{der}\n</ds:X509Certificate>")
            })
            .collect();
        format!(
            "{open}{body}<ds:Signature {dsig}>{info}<ds:SignatureValue>{value}\
             </ds:SignatureValue><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data>\
             </ds:KeyInfo></ds:Signature>{close}\n"
        )
    }
}

fn signed_info(digest: &str) -> String {
    let element =
        |name: &str, algorithm: &str| format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>");
    let c14n = "http://www.w3.org/2006/12/xml-c14n11";
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    format!(
        "<ds:SignedInfo>{}{}<ds:Reference URI=\"\"><ds:Transforms>{}{}</ds:Transforms>{}\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        element("CanonicalizationMethod", c14n),
        element("SignatureMethod", &format!("{more}ecdsa-sha384")),
        element("Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature"),
        element("Transform", c14n),
        element("DigestMethod", &format!("{more}sha384")),
    )
}
