//! Certificates and lists that tests make under roots of their own. Not here: any check.
#![allow(clippy::unwrap_used, reason = "tests")]

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, RevokedCertParams, SerialNumber, SigningKey as _, date_time_ymd,
};

/// A certificate with its key.
pub(crate) struct Made {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) der: Vec<u8>,
}

/// A certificate of this name and serial number, good from 2024 to 2034.
pub(crate) fn leaf(name: &str, serial: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2034, 1, 1);
    params
}

/// An authority's, for paths of at most this length below it.
pub(crate) fn authority(name: &str, serial: u8, below: Option<u8>) -> CertificateParams {
    let mut params = leaf(name, serial);
    params.is_ca =
        IsCa::Ca(below.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// An extension: the arcs of its identifier and the bytes inside its OCTET STRING.
pub(crate) fn extension(oid: &[u64], content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content.to_vec())
}

impl Made {
    /// Signed by itself.
    pub(crate) fn root(params: CertificateParams) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// A certificate under this one.
    pub(crate) fn issue(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self { params, key, der }
    }

    /// A list of this authority's that revokes these serial numbers, good in 2030.
    pub(crate) fn list(&self, serials: &[u8]) -> Vec<u8> {
        let mut params = self.params.clone();
        params.key_usages.clear();
        let issuer = Issuer::from_params(&params, &self.key);
        let revoked = |serial: &u8| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[*serial]),
            revocation_time: date_time_ymd(2030, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2030, 1, 1),
            next_update: date_time_ymd(2030, 12, 31),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&issuer).unwrap().der().to_vec()
    }

    /// ECDSA with SHA-384 as r ‖ s.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 96] {
        let signature = self.key.sign(message).unwrap();
        p384::ecdsa::Signature::from_der(&signature).unwrap().to_bytes()[..].try_into().unwrap()
    }
}
