//! Intel's signed statements about a platform: TCB info, QE identity and two revocation lists
//! (PCS API v4), read once and verified against a root. Not here: which level a platform meets, and
//! whether the statements are of today.

use super::pck::{Pck, from_pem};
use crate::{
    Code, Collateral, Reason, TcbStatus, Window,
    hash::sha256,
    signature::Scheme,
    x509::{Cache, Certificate, Crl, X509Error, verify_path},
};
use dcap_qvl::{QeIdentity, TcbInfo, TcbStatus as Named};
use der::DateTime;
use sotto_types::{TeeKind, Time};

/// Bytes of a signed body, at most.
const BODY_MAX: usize = 512 << 10;

/// Why collateral cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollateralError {
    /// A certificate or list is malformed.
    #[error("{what}: {error}")]
    X509 {
        /// Which.
        what: &'static str,
        /// How.
        error: X509Error,
    },
    /// A chain is not PEM.
    #[error("{0} is not a chain in PEM")]
    Chain(&'static str),
    /// A body is not its JSON.
    #[error("{what} cannot be read: {why}")]
    Body {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A body in a form not spoken here.
    #[error("{what} is {form}, which is not spoken")]
    Form {
        /// Which.
        what: &'static str,
        /// Its own name of its form.
        form: String,
    },
}

/// Collateral, read; nothing in it is believed yet. It serves for many quotes. Of the chains only the
/// signers are used: the PCK's CRL is verified under the quote's own PCK CA, so the issuer chain that
/// comes with it is not read.
#[derive(Debug)]
pub struct ParsedCollateral<'a> {
    pub(super) raw: &'a Collateral,
    root_crl: Crl,
    pck_crl: Crl,
    tcb_signer: Certificate,
    /// `None`: the TCB info's, as Intel does it.
    qe_signer: Option<Certificate>,
    pub(super) tcb: TcbInfo,
    pub(super) qe: QeIdentity,
    fmspc: Vec<u8>,
    pce_id: Vec<u8>,
    windows: [Window; 2],
}

impl<'a> ParsedCollateral<'a> {
    /// Reads collateral.
    ///
    /// # Errors
    /// [`CollateralError`].
    pub fn parse(raw: &'a Collateral) -> Result<Self, CollateralError> {
        let tcb_signer = signer("the TCB info's issuer chain", &raw.tcb_info_issuer_chain)?;
        let qe_signer = if raw.qe_identity_issuer_chain == raw.tcb_info_issuer_chain {
            None
        } else {
            Some(signer("the QE identity's issuer chain", &raw.qe_identity_issuer_chain)?)
        };
        let mut tcb: TcbInfo = body("TCB info", &raw.tcb_info)?;
        let qe: QeIdentity = body("QE identity", &raw.qe_identity)?;
        let (fmspc, pce_id) = check_tcb(&tcb)?;
        check_qe(&qe)?;
        sort(&mut tcb);
        Ok(Self {
            raw,
            root_crl: crl("the root's CRL", &raw.root_ca_crl)?,
            pck_crl: crl("the PCK's CRL", &raw.pck_crl)?,
            tcb_signer,
            qe_signer,
            windows: [
                window("TCB info", &tcb.issue_date, &tcb.next_update)?,
                window("QE identity", &qe.issue_date, &qe.next_update)?,
            ],
            tcb,
            qe,
            fmspc,
            pce_id,
        })
    }

    /// Everything that is wrong with it as collateral for the platform of `pck`.
    pub(super) fn verify(&self, kind: TeeKind, pck: &Pck<'_>, cache: &mut Cache) -> Vec<Reason> {
        let mut reasons = self.about(kind, pck);
        reasons.extend(self.lists(pck, cache));
        reasons.extend(self.statements(pck, cache));
        reasons
    }

    /// Both statements, under signers directly below the PCK's root.
    fn statements(&self, pck: &Pck<'_>, cache: &mut Cache) -> Vec<Reason> {
        let raw = self.raw;
        let invalid = |what: &str, why: String| {
            Reason::new(Code::CollateralInvalid, format!("{what}: {why}"))
        };
        let mut reasons = Vec::new();
        for signer in [&self.tcb_signer].into_iter().chain(&self.qe_signer) {
            let anchors = core::slice::from_ref(pck.anchor);
            let path = verify_path(signer.clone(), &[], anchors, &[], cache);
            reasons.extend(path.err().map(|error| invalid("signer", error.to_string())));
        }
        let qe_signer = self.qe_signer.as_ref().unwrap_or(&self.tcb_signer);
        let signed = [
            ("TCB info", &self.tcb_signer, &raw.tcb_info, &raw.tcb_info_signature),
            ("QE identity", qe_signer, &raw.qe_identity, &raw.qe_identity_signature),
        ];
        for (what, signer, body, signature) in signed {
            let failed = statement(signer, body.as_bytes(), signature, cache).err();
            reasons.extend(failed.map(|why| invalid(what, why)));
        }
        reasons
    }

    /// Whether it speaks of this platform at all.
    fn about(&self, kind: TeeKind, pck: &Pck<'_>) -> Vec<Reason> {
        let (tcb, qe) = if kind == TeeKind::Sgx { ("SGX", "QE") } else { ("TDX", "TD_QE") };
        let platform = &pck.platform;
        let hexed = |bytes: &[u8]| hex::encode(bytes);
        let told = [
            ("TCB info", self.tcb.id.clone(), tcb.to_owned()),
            ("QE identity", self.qe.id.clone(), qe.to_owned()),
            ("FMSPC", hexed(&self.fmspc), hexed(&platform.fmspc)),
            ("PCEID", hexed(&self.pce_id), hexed(&platform.pce_id)),
        ];
        let mut reasons: Vec<Reason> = told
            .into_iter()
            .filter(|(_, is, wanted)| is != wanted)
            .map(|(what, is, wanted)| {
                let detail = format!("the collateral's {what} is {is}, the quote needs {wanted}");
                Reason::new(Code::CollateralMissing, detail)
            })
            .collect();
        if !self.pck_crl.is_for(&pck.authority) {
            let detail = format!("the CRL is not of `{}`", pck.authority.subject());
            reasons.push(Reason::new(Code::CollateralMissing, detail));
        }
        reasons
    }

    /// Both revocation lists, and whom they name.
    fn lists(&self, pck: &Pck<'_>, cache: &mut Cache) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let signers = [&self.tcb_signer].into_iter().chain(&self.qe_signer);
        let under_root = [&pck.root, &pck.authority].into_iter().chain(signers).collect();
        let lists: [(&Crl, &Certificate, Vec<&Certificate>); 2] = [
            (&self.root_crl, &pck.root, under_root),
            (&self.pck_crl, &pck.authority, vec![&pck.leaf]),
        ];
        for (list, issuer, named) in lists {
            if !list.is_for(issuer) {
                continue;
            }
            if let Err(error) = list.verify_issued_by(issuer, cache) {
                reasons.push(Reason::new(Code::CollateralInvalid, error.to_string()));
                continue;
            }
            for certificate in named.into_iter().filter(|one| list.revokes(one)) {
                let error = X509Error::Revoked {
                    subject: certificate.subject(),
                    serial: hex::encode(certificate.serial()),
                };
                reasons.push(Reason::new(Code::CertificateRevoked, error.to_string()));
            }
        }
        if !self.root_crl.is_for(&pck.root) {
            let detail = "the root's CRL is not of the PCK's root";
            reasons.push(Reason::new(Code::CollateralInvalid, detail));
        }
        reasons.dedup();
        reasons
    }

    /// When each statement and its signer are good.
    pub(super) fn windows(&self) -> Vec<Window> {
        let mut windows = vec![
            self.tcb_signer.window("TCB signing certificate"),
            self.root_crl.window("root CRL"),
            self.pck_crl.window("PCK CRL"),
        ];
        let signer = self.qe_signer.as_ref();
        windows.extend(signer.map(|signer| signer.window("QE identity signing certificate")));
        windows.extend(self.windows.iter().cloned());
        windows
    }
}

/// Whether `signer` signed `body`.
fn statement(
    signer: &Certificate,
    body: &[u8],
    signature: &[u8],
    cache: &mut Cache,
) -> Result<(), String> {
    let key = signer.public_key().map_err(|error| error.to_string())?;
    // One entry of the cache stands for body and signature together, apart from certificates.
    let entry = [b"sotto/attest/intel/statement".as_slice(), signature, body].concat();
    cache
        .signed(&sha256(&entry), signer.spki(), || key.verify(Scheme::EcdsaSha256, body, signature))
        .map_err(|error| error.to_string())
}

fn signer(what: &'static str, chain: &str) -> Result<Certificate, CollateralError> {
    // What else the chain holds is not used: the signer has to stand directly under the root.
    let chain = from_pem(chain.as_bytes()).ok_or(CollateralError::Chain(what))?;
    let leaf = chain.first().ok_or(CollateralError::Chain(what))?;
    Certificate::from_der(leaf).map_err(|error| CollateralError::X509 { what, error })
}

fn crl(what: &'static str, der: &[u8]) -> Result<Crl, CollateralError> {
    Crl::from_der(der).map_err(|error| CollateralError::X509 { what, error })
}

fn body<'a, T: serde::Deserialize<'a>>(
    what: &'static str,
    text: &'a str,
) -> Result<T, CollateralError> {
    if text.len() > BODY_MAX {
        return Err(CollateralError::Body { what, why: format!("{} bytes", text.len()) });
    }
    serde_json::from_str(text)
        .map_err(|error| CollateralError::Body { what, why: error.to_string() })
}

fn window(what: &'static str, from: &str, to: &str) -> Result<Window, CollateralError> {
    let date = |text: &str| {
        time(text).ok_or_else(|| CollateralError::Body { what, why: format!("date `{text}`") })
    };
    Ok(Window { what: what.into(), not_before: date(from)?, not_after: date(to)? })
}

/// A date as Intel writes it.
pub(super) fn time(text: &str) -> Option<Time> {
    text.parse::<DateTime>().ok().map(|date| Time(date.unix_duration().as_secs()))
}

/// Form and limits of a TCB info (version 3); its FMSPC and PCEID.
fn check_tcb(tcb: &TcbInfo) -> Result<(Vec<u8>, Vec<u8>), CollateralError> {
    let what = "TCB info";
    if tcb.version != 3 || tcb.tcb_type != 0 {
        let form = format!("version {} type {}", tcb.version, tcb.tcb_type);
        return Err(CollateralError::Form { what, form });
    }
    let wrong = |why: &str| CollateralError::Body { what, why: why.to_owned() };
    let tdx = tcb.id == "TDX";
    for level in &tcb.tcb_levels {
        let sizes = (level.tcb.sgx_components.len(), level.tcb.tdx_components.len());
        if sizes.0 != 16 || (tdx && sizes.1 != 16) {
            return Err(wrong("components of a level"));
        }
        let _: TcbStatus = of_platform(level.tcb_status).ok_or_else(|| wrong("tcbStatus"))?;
        time(&level.tcb_date).ok_or_else(|| wrong("tcbDate"))?;
    }
    for level in tcb.tdx_module_identities.iter().flat_map(|module| &module.tcb_levels) {
        of_component(level.tcb_status).ok_or_else(|| wrong("tcbStatus of a module"))?;
        time(&level.tcb_date).ok_or_else(|| wrong("tcbDate of a module"))?;
    }
    let bytes = |text: &str| hex::decode(text).map_err(|_| wrong("fmspc or pceId"));
    Ok((bytes(&tcb.fmspc)?, bytes(&tcb.pce_id)?))
}

fn check_qe(qe: &QeIdentity) -> Result<(), CollateralError> {
    let what = "QE identity";
    if !(2..=3).contains(&qe.version) {
        return Err(CollateralError::Form { what, form: format!("version {}", qe.version) });
    }
    let wrong = |why: &str| CollateralError::Body { what, why: why.to_owned() };
    for level in &qe.tcb_levels {
        of_enclave(level.tcb_status).ok_or_else(|| wrong("tcbStatus"))?;
        time(&level.tcb_date).ok_or_else(|| wrong("tcbDate"))?;
    }
    Ok(())
}

/// Intel's verifier goes through levels from the highest: by CPUSVN, then PCESVN, then TDX
/// components, whatever their order in the text.
fn sort(tcb: &mut TcbInfo) {
    tcb.tcb_levels.sort_by(|a, b| {
        let key = |level: &dcap_qvl::TcbLevel| level.tcb.pce_svn;
        let sgx = b.tcb.sgx_components.cmp(&a.tcb.sgx_components);
        let tdx = b.tcb.tdx_components.cmp(&a.tcb.tdx_components);
        sgx.then(key(b).cmp(&key(a))).then(tdx)
    });
}

/// A status that a level of a TCB info or QE identity may have.
pub(super) fn of_platform(status: Named) -> Option<TcbStatus> {
    Some(match status {
        Named::UpToDate => TcbStatus::UpToDate,
        Named::SWHardeningNeeded => TcbStatus::SWHardeningNeeded,
        Named::ConfigurationNeeded => TcbStatus::ConfigurationNeeded,
        Named::ConfigurationAndSWHardeningNeeded => TcbStatus::ConfigurationAndSWHardeningNeeded,
        Named::OutOfDate => TcbStatus::OutOfDate,
        Named::OutOfDateConfigurationNeeded => TcbStatus::OutOfDateConfigurationNeeded,
        Named::Revoked => TcbStatus::Revoked,
        // Verifiers make these two of others.
        Named::TDRelaunchAdvised | Named::TDRelaunchAdvisedConfigurationNeeded => return None,
    })
}

/// A status that a level of a quoting enclave may have.
pub(super) fn of_enclave(status: Named) -> Option<TcbStatus> {
    of_platform(status).filter(|status| {
        let hardening =
            [TcbStatus::SWHardeningNeeded, TcbStatus::ConfigurationAndSWHardeningNeeded];
        !hardening.contains(status)
    })
}

/// A status that a level of a TDX module may have.
pub(super) fn of_component(status: Named) -> Option<TcbStatus> {
    of_platform(status).filter(|status| {
        matches!(status, TcbStatus::UpToDate | TcbStatus::OutOfDate | TcbStatus::Revoked)
    })
}
