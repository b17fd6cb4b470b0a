//! Whether the certificates of a device still hold, by OCSP answers and revocation lists. NVIDIA
//! answers for all of them but the first, which the device issues itself at each start. Not here:
//! what a missing answer means for a policy.

use super::ocsp::{Answer, Single, Standing};
use crate::{
    Code, Endorsements, Reason, Window,
    x509::{Cache, Certificate, Crl, Path},
};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Revocation {
    /// What is wrong, or not known.
    pub(super) reasons: Vec<Reason>,
    /// The dates of the answers and lists that were used.
    pub(super) windows: Vec<Window>,
}

/// Looks every certificate of the path up.
pub(super) fn check(path: &Path<'_>, given: &Endorsements, cache: &mut Cache) -> Revocation {
    let mut found = Revocation::default();
    let mut answers = Vec::new();
    for bytes in &given.ocsp {
        match Answer::from_der(bytes) {
            Some(answer) => answers.push(answer),
            None => found.say(Code::CollateralInvalid, "not a successful OCSP answer"),
        }
    }
    // A list that cannot be read may be another vendor's; it answers for nobody here.
    let lists: Vec<Crl> = given.crls.iter().filter_map(|der| Crl::from_der(der).ok()).collect();
    let mut missing = Vec::new();
    for (index, certificate) in path.certificates.iter().enumerate() {
        let issuer = path.issuer(index);
        let mut known = found.ask(&answers, certificate, issuer, cache);
        known |= found.look_up(&lists, certificate, issuer, cache);
        if !known && index > 0 {
            missing.push(format!("`{}`", certificate.subject()));
        }
    }
    if !missing.is_empty() {
        let detail = format!("nobody said whether {} still hold", missing.join(", "));
        found.say(Code::OcspMissing, detail);
    }
    found
}

impl Revocation {
    fn say(&mut self, code: Code, detail: impl Into<String>) {
        self.reasons.push(Reason::new(code, detail));
    }

    /// Whether an answer is about the certificate.
    fn ask(
        &mut self,
        answers: &[Answer],
        certificate: &Certificate,
        issuer: &Certificate,
        cache: &mut Cache,
    ) -> bool {
        let mut known = false;
        for answer in answers {
            let Some(single) = answer.about(certificate, issuer) else { continue };
            known = true;
            let subject = certificate.subject();
            match answer.given_by(issuer, cache) {
                None => {
                    let detail = format!("the OCSP answer about `{subject}` is not its issuer's");
                    self.say(Code::CollateralInvalid, detail);
                }
                Some(delegate) => {
                    self.windows.extend(delegate.map(|d| d.window("OCSP responder certificate")));
                    self.judge(single, &subject);
                }
            }
        }
        known
    }

    fn judge(&mut self, single: &Single, subject: &str) {
        self.windows.push(Window {
            what: format!("OCSP answer about `{subject}`"),
            not_before: single.this_update,
            not_after: single.next_update,
        });
        match &single.standing {
            Standing::Good => {}
            Standing::Revoked { since, reason } => {
                let how = if *reason == Some(6) { "on hold" } else { "revoked" };
                self.say(Code::CertificateRevoked, format!("`{subject}` is {how} since {since}"));
            }
            Standing::Unknown => {
                self.say(Code::OcspUnknown, format!("the responder does not know `{subject}`"));
            }
        }
    }

    /// Whether a list is about the certificate.
    fn look_up(
        &mut self,
        lists: &[Crl],
        certificate: &Certificate,
        issuer: &Certificate,
        cache: &mut Cache,
    ) -> bool {
        let mut known = false;
        for list in lists.iter().filter(|list| list.is_for(issuer)) {
            known = true;
            if let Err(error) = list.verify_issued_by(issuer, cache) {
                self.say(Code::CollateralInvalid, error.to_string());
                continue;
            }
            self.windows.push(list.window(format!("revocation list of `{}`", issuer.subject())));
            if list.revokes(certificate) {
                let detail = format!("the list of its issuer names `{}`", certificate.subject());
                self.say(Code::CertificateRevoked, detail);
            }
        }
        known
    }
}
