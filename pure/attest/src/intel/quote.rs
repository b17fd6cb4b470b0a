//! The bytes of a quote: header, report, and what vouches for them (Intel's `sgx_quote_3.h`,
//! `sgx_quote_4.h`, `sgx_quote_5.h`; little-endian). Not here: whether any of it is true.

use crate::Measurements;
use dcap_qvl::quote::{
    AuthData, EnclaveReport, Header, Quote as Format, Report, TDAttributes, TDReport10, TDReport15,
    TDReport15Ex,
};
use sotto_types::{TeeKind, limits};

/// Why bytes are no quote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// More bytes than any quote has.
    #[error("{got} bytes, a quote has at most {max}")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// A version not spoken here.
    #[error("version {0}; spoken are 3 (SGX), 4 and 5 (TDX)")]
    Version(u16),
    /// That version is not spoken for that TEE.
    #[error("version {version} with TEE type {tee:#x}")]
    Tee {
        /// The quote's version.
        version: u16,
        /// The TEE type in the header.
        tee: u32,
    },
    /// Cut short, or fields that contradict each other.
    #[error("not a quote: cut short, or its fields contradict each other")]
    Format,
    /// Bytes left over after the quote, or missing.
    #[error("{got} bytes, the quote has {exact}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes that the quote's own lengths add up to.
        exact: usize,
    },
    /// Lengths inside the part that vouches do not add up.
    #[error("lengths inside the signature data do not add up")]
    Inner,
    /// Certification data of a type that cannot be used.
    #[error("certification data of type {0}")]
    Certification(u16),
}

/// A quote, taken apart; nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub(super) signed: Vec<u8>,
    pub(super) header: Header,
    pub(super) report: Report,
    pub(super) vouching: Vouching,
}

/// What vouches for the report, in the same form for all versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vouching {
    /// Over header and report, by `key` (r ‖ s).
    pub(super) signature: [u8; 64],
    /// The attestation key (x ‖ y).
    pub(super) key: [u8; 64],
    /// The quoting enclave's report.
    pub(super) qe: QeReport,
    /// Over that report, by the PCK (r ‖ s).
    pub(super) qe_signature: [u8; 64],
    /// What the QE's report binds besides `key`.
    pub(super) qe_auth: Vec<u8>,
    /// How the PCK is named: 5 by its chain, 2 and 3 by an encrypted PPID.
    pub(super) certification: u16,
    /// That name.
    pub(super) certificates: Vec<u8>,
}

/// TEE types in the header.
const SGX: u32 = 0;
const TDX: u32 = 0x81;
/// The PCK's chain as PEM.
pub(super) const CERT_CHAIN: u16 = 5;
const QE_REPORT_DATA: u16 = 6;
/// Bytes of an encrypted PPID (RSA-2048, RSA-3072) with CPUSVN, PCESVN and PCEID after it.
const ENCRYPTED_PPID: [(u16, usize); 2] = [(2, 256 + 20), (3, 384 + 20)];

/// A report of an enclave, as bytes that were signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QeReport(pub(super) [u8; 384]);

impl QeReport {
    fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        let field = self.0.get(offset..).and_then(<[u8]>::first_chunk::<N>);
        field.copied().unwrap_or([0; N])
    }

    pub(super) fn miscselect(&self) -> [u8; 4] {
        self.at(16)
    }

    pub(super) fn attributes(&self) -> [u8; 16] {
        self.at(48)
    }

    pub(super) fn mrsigner(&self) -> [u8; 32] {
        self.at(128)
    }

    pub(super) fn isvprodid(&self) -> u16 {
        u16::from_le_bytes(self.at(256))
    }

    pub(super) fn isvsvn(&self) -> u16 {
        u16::from_le_bytes(self.at(258))
    }

    /// The first half of its report data.
    pub(super) fn bound(&self) -> [u8; 32] {
        self.at(320)
    }
}

/// How long the quote at the start of `bytes` is by its own lengths: for readers of files whose
/// writers padded them. `None` where no quote begins.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let field = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let wide =
        |at: usize| usize::try_from(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)).ok();
    let tee = u32::try_from(wide(4)?).ok()?;
    let signed = match (field(0)?, tee) {
        (3, SGX) => 48 + 384,
        (4, TDX) => 48 + 584,
        (5, TDX) => 54_usize.checked_add(wide(50)?)?,
        _ => return None,
    };
    signed.checked_add(4)?.checked_add(wide(signed)?)
}

/// Exactly one quote.
///
/// # Errors
/// [`QuoteError`]; bytes left over are refused (files that were padded are cut by their reader,
/// see [`length`]).
pub fn parse(bytes: &[u8]) -> Result<Quote, QuoteError> {
    if bytes.len() > limits::EVIDENCE_MAX {
        return Err(QuoteError::TooLong { got: bytes.len(), max: limits::EVIDENCE_MAX });
    }
    let version = bytes.first_chunk().map(|b| u16::from_le_bytes(*b)).ok_or(QuoteError::Format)?;
    if !(3..=5).contains(&version) {
        return Err(QuoteError::Version(version));
    }
    let tee = bytes.get(4..).and_then(<[u8]>::first_chunk).ok_or(QuoteError::Format)?;
    let tee = u32::from_le_bytes(*tee);
    if tee != if version == 3 { SGX } else { TDX } {
        return Err(QuoteError::Tee { version, tee });
    }
    let format = Format::parse(bytes).map_err(|_| QuoteError::Format)?;
    // Version 5 has a form for enclaves, which nobody makes.
    if format.report.is_sgx() != (version == 3) {
        return Err(QuoteError::Tee { version, tee });
    }
    let exact = length(bytes).ok_or(QuoteError::Inner)?;
    if bytes.len() != exact {
        return Err(QuoteError::Length { got: bytes.len(), exact });
    }
    let signed = bytes.get(..format.signed_length()).ok_or(QuoteError::Inner)?.to_vec();
    let vouching = vouching(format.auth_data, exact - signed.len() - 4)?;
    Ok(Quote { signed, header: format.header, report: format.report, vouching })
}

/// The part that vouches, `length` bytes of it.
fn vouching(data: AuthData, length: usize) -> Result<Vouching, QuoteError> {
    let mut rest = length.checked_sub(64 + 64);
    if let AuthData::V4(data) = &data {
        let outer = &data.certification_data;
        if outer.cert_type != QE_REPORT_DATA {
            return Err(QuoteError::Certification(outer.cert_type));
        }
        rest = rest.and_then(|rest| rest.checked_sub(6));
        if rest != Some(outer.body.data.len()) {
            return Err(QuoteError::Inner);
        }
    }
    let data = data.into_v3();
    let certification = data.certification_data.cert_type;
    let certificates = data.certification_data.body.data;
    let qe_auth = data.qe_auth_data.data;
    if rest != Some(384 + 64 + 2 + qe_auth.len() + 6 + certificates.len()) {
        return Err(QuoteError::Inner);
    }
    let named = ENCRYPTED_PPID.contains(&(certification, certificates.len()));
    if certification != CERT_CHAIN && !named {
        return Err(QuoteError::Certification(certification));
    }
    Ok(Vouching {
        signature: data.ecdsa_signature,
        key: data.ecdsa_attestation_key,
        qe: QeReport(data.qe_report),
        qe_signature: data.qe_report_signature,
        qe_auth,
        certification,
        certificates,
    })
}

impl Quote {
    /// SGX or TDX.
    pub fn kind(&self) -> TeeKind {
        if self.report.is_sgx() { TeeKind::Sgx } else { TeeKind::Tdx }
    }

    /// The whole field that the prover filled.
    pub fn report_data(&self) -> [u8; 64] {
        match &self.report {
            Report::SgxEnclave(report) => report.report_data,
            Report::TD10(report) => report.report_data,
            Report::TD15(report) => report.base.report_data,
            Report::TD15Ex(report) => report.base.base.report_data,
        }
    }

    /// Every measured or configured field of the report by its name; numbers big-endian.
    pub fn measurements(&self) -> Measurements {
        match &self.report {
            Report::SgxEnclave(report) => enclave(report),
            Report::TD10(report) => td10(report),
            Report::TD15(report) => td15(report),
            Report::TD15Ex(report) => td15_ex(report),
        }
    }

    /// The bits of a trust domain's attributes; none for an enclave.
    pub(super) fn td_attributes(&self) -> Option<TDAttributes> {
        TDAttributes::parse(self.report.as_td10()?.td_attributes).ok()
    }

    /// Every field with its value, for people. Nothing of it was verified.
    pub fn describe(&self) -> Vec<(String, String)> {
        let header = &self.header;
        let mut fields = vec![
            ("version", header.version.to_string()),
            ("kind", self.kind().name().to_owned()),
            ("body", self.body().to_owned()),
            ("attestation_key_type", header.attestation_key_type.to_string()),
            ("qe_vendor_id", hex::encode(header.qe_vendor_id)),
            ("user_data", hex::encode(header.user_data)),
        ];
        let measurements = self.measurements();
        let flags = self.flags().join(", ");
        fields.push(("flags", flags));
        fields.push(("report_data", hex::encode(self.report_data())));
        fields.push(("qe_mrsigner", hex::encode(self.vouching.qe.mrsigner())));
        fields.push(("qe_isvsvn", self.vouching.qe.isvsvn().to_string()));
        fields.push(("certification_type", self.vouching.certification.to_string()));
        let mut all: Vec<(String, String)> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.extend(measurements.into_iter().map(|(name, value)| (name, hex::encode(value))));
        all
    }

    fn body(&self) -> &'static str {
        match &self.report {
            Report::SgxEnclave(_) => "enclave",
            Report::TD10(_) => "TD 1.0",
            Report::TD15(_) => "TD 1.5",
            Report::TD15Ex(_) => "TD 1.5ex",
        }
    }

    fn flags(&self) -> Vec<&'static str> {
        let named = match (self.td_attributes(), self.report.as_sgx()) {
            (Some(td), _) => vec![
                (td.tud & 1 != 0, "DEBUG"),
                (td.tud & 0x70 != 0, "PROFILING"),
                (td.sec.icssd, "ICSSD"),
                (td.sec.servtd_ext, "SERVTD_EXT"),
                (td.sec.lass, "LASS"),
                (td.sec.sept_ve_disable, "SEPT_VE_DISABLE"),
                (td.sec.migratable, "MIGRATABLE"),
                (td.sec.pks, "PKS"),
                (td.sec.kl, "KL"),
                (td.other.tpa, "TPA"),
                (td.other.perfmon, "PERFMON"),
                (td.reserved != 0, "RESERVED"),
            ],
            (None, Some(report)) => {
                let bits = sgx_flags(report);
                let bit = |bit: u32| bits >> bit & 1 == 1;
                vec![
                    (bit(0), "INIT"),
                    (bit(1), "DEBUG"),
                    (bit(2), "MODE64BIT"),
                    (bit(4), "PROVISION_KEY"),
                    (bit(5), "EINITTOKEN_KEY"),
                    (bit(6), "CET"),
                    (bit(7), "KSS"),
                    (bit(10), "AEX_NOTIFY"),
                    (bits & SGX_RESERVED != 0, "RESERVED"),
                ]
            }
            (None, None) => vec![],
        };
        named.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
    }
}

/// Flags of an enclave's attributes that must be zero (Intel SDM volume 3D, 34.7.1).
pub(super) const SGX_RESERVED: u64 = !0b100_1111_0111;

/// The flags of an enclave's attributes; the other half is XFRM.
pub(super) fn sgx_flags(report: &EnclaveReport) -> u64 {
    u64::from_le_bytes(report.attributes.first_chunk().copied().unwrap_or_default())
}

fn map<const N: usize>(fields: [(&str, &[u8]); N]) -> Measurements {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

fn enclave(report: &EnclaveReport) -> Measurements {
    let part = |field: &[u8], at: usize, length: usize| -> Vec<u8> {
        field.iter().skip(at).take(length).copied().collect()
    };
    // The fields of KSS stand in what older headers call reserved.
    let mut configsvn = part(&report.reserved4, 0, 2);
    configsvn.reverse();
    map([
        ("mrenclave", &report.mr_enclave),
        ("mrsigner", &report.mr_signer),
        ("isvprodid", &report.isv_prod_id.to_be_bytes()),
        ("isvsvn", &report.isv_svn.to_be_bytes()),
        ("attributes", &report.attributes),
        ("miscselect", &report.misc_select.to_be_bytes()),
        ("isvextprodid", &part(&report.reserved1, 12, 16)),
        ("configid", &part(&report.reserved3, 32, 64)),
        ("configsvn", &configsvn),
        ("isvfamilyid", &part(&report.reserved4, 44, 16)),
    ])
}

fn td10(report: &TDReport10) -> Measurements {
    map([
        ("mrtd", &report.mr_td),
        ("rtmr0", &report.rt_mr0),
        ("rtmr1", &report.rt_mr1),
        ("rtmr2", &report.rt_mr2),
        ("rtmr3", &report.rt_mr3),
        ("mrseam", &report.mr_seam),
        ("mrsignerseam", &report.mr_signer_seam),
        ("seamattributes", &report.seam_attributes),
        ("mrconfigid", &report.mr_config_id),
        ("mrowner", &report.mr_owner),
        ("mrownerconfig", &report.mr_owner_config),
        ("tdattributes", &report.td_attributes),
        ("xfam", &report.xfam),
        ("tee_tcb_svn", &report.tee_tcb_svn),
    ])
}

fn td15(report: &TDReport15) -> Measurements {
    let mut all = td10(&report.base);
    all.extend(map([
        ("tee_tcb_svn2", &report.tee_tcb_svn2),
        ("mrservicetd", &report.mr_service_td),
    ]));
    all
}

fn td15_ex(report: &TDReport15Ex) -> Measurements {
    let mut all = td15(&report.base);
    all.extend(map([
        ("vmid", &[report.vmid]),
        ("td_id", &report.td_id),
        ("dev_info", &report.dev_info),
        ("init_service_td_hash", &report.init_service_td_hash),
        ("init_service_td_attributes", &report.init_service_td_attributes),
        ("init_cpu_svn", &report.init_cpu_svn),
        ("init_tee_tcb_svn", &report.init_tee_tcb_svn),
        ("init_tee_fmspc", &report.init_tee_fmspc),
        ("cur_service_td_hash", &report.cur_service_td_hash),
        ("cur_service_td_attributes", &report.cur_service_td_attributes),
    ]));
    all
}
