//! The canonical bytes of a result, and the digest of what it was made from. Not here: forms for
//! people and other programs.

use super::Appraisal;
use crate::{
    Bound, Claims, Collateral, Endorsements, Evidence, Expected, Parts, Platform, Reason, Security,
    Tcb, Window,
    canonical::{self, Canonical},
};
use sotto_types::{Hash, Time};

impl Appraisal {
    /// The whole result as bytes: a version (1) and every field, each thing by its name. Equal for
    /// equal inputs on every machine and with both cryptographic backends.
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            kind,
            authentic,
            status,
            claims,
            reasons,
            trust,
            grant,
            at,
            expires,
            policy,
            inputs,
        } = self;
        let mut out = vec![1];
        (kind, authentic, status, claims, reasons).put(&mut out);
        trust.values().to_vec().put(&mut out);
        (grant.grantable, grant.reason.name(), grant.reason.to_string()).put(&mut out);
        (at, expires, policy.0, inputs.0).put(&mut out);
        out
    }
}

/// The digest of all inputs of an appraisal.
pub(super) fn inputs(
    evidence: &Evidence,
    endorsements: &Endorsements,
    expected: &Expected,
    policy: Hash,
    now: Time,
) -> Hash {
    let all = (&evidence.kind, &evidence.parts, endorsements, expected, policy.0, now);
    Hash(canonical::digest("sotto/appraisal/v1", &all))
}

impl Canonical for Parts {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { quote, signature, ak, pcrs, event_log, ek_cert, chain } = self;
        (quote, signature, ak, pcrs, event_log).put(out);
        (ek_cert, chain).put(out);
    }
}

impl Canonical for Endorsements {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { collateral, signer, chain, crls, ocsp, rims, activated, custody } = self;
        (collateral, signer, chain, crls).put(out);
        let activated: Vec<_> =
            activated.iter().map(|proof| (proof.ek.to_vec(), proof.ak.clone())).collect();
        (ocsp, rims, activated, custody).put(out);
    }
}

impl Canonical for Collateral {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            pck_crl_issuer_chain,
            root_ca_crl,
            pck_crl,
            tcb_info_issuer_chain,
            tcb_info,
            tcb_info_signature,
            qe_identity_issuer_chain,
            qe_identity,
            qe_identity_signature,
            pck_certificate_chain,
        } = self;
        (pck_crl_issuer_chain, root_ca_crl, pck_crl).put(out);
        (tcb_info_issuer_chain, tcb_info, tcb_info_signature).put(out);
        (qe_identity_issuer_chain, qe_identity, qe_identity_signature).put(out);
        pck_certificate_chain.put(out);
    }
}

impl Canonical for Expected {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nonce(bytes) => ("nonce", bytes).put(out),
            Self::ReportData(bytes) => ("report data", bytes).put(out),
            Self::DangerouslyUnbound => "unbound".put(out),
        }
    }
}

impl Canonical for Reason {
    fn put(&self, out: &mut Vec<u8>) {
        (self.code, &self.detail).put(out);
    }
}

impl Canonical for Claims {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { kind, platform, tcb, measurements, security, bound, windows, made, noticed } =
            self;
        (kind, platform, tcb, measurements).put(out);
        (security, bound, windows, made, noticed).put(out);
    }
}

impl Canonical for Platform {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { class, identities, anchor, scope } = self;
        (class, identities, anchor, scope).put(out);
    }
}

impl Canonical for Tcb {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { status, advisories, evaluation, date, superseded, svns } = self;
        (status, advisories, evaluation, date, superseded, svns).put(out);
    }
}

impl Canonical for Security {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            debug,
            vmpl,
            migratable,
            smt,
            alias_checked,
            service_td,
            sept_ve_disable,
            secure_boot,
            secured,
            single_socket,
            guest_abi,
            report_version,
            tpm_clock,
        } = self;
        let guest_abi = guest_abi.map(|(major, minor)| (u32::from(major), u32::from(minor)));
        (debug, vmpl, migratable, smt).put(out);
        let tpm_clock = tpm_clock
            .as_ref()
            .map(|c| (c.clock_ms, u64::from(c.resets), u64::from(c.restarts), c.safe));
        tpm_clock.put(out);
        (single_socket, guest_abi, report_version).put(out);
        (alias_checked, service_td, sept_ve_disable, secure_boot, secured).put(out);
    }
}

impl Canonical for Bound {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { report_data, nonce, padded } = self;
        (report_data, nonce, padded).put(out);
    }
}

impl Canonical for Window {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { what, not_before, not_after } = self;
        (what, not_before, not_after).put(out);
    }
}
