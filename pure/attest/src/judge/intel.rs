//! What only quotes of Intel's TEEs say: the attributes of a trust domain. It looks at fields, not
//! kinds, so that composites with such a quote in them are judged alike. Not here: statuses and
//! their grace (`tcb`).

use crate::{Claims, Code, Reason};

pub(super) fn intel(claims: &Claims) -> Vec<Reason> {
    let security = &claims.security;
    let Some(protected) = security.sept_ve_disable else { return vec![] };
    let mut reasons = Vec::new();
    if !protected {
        let detail = "SEPT_VE_DISABLE is off: the host may inject #VE by taking pages away";
        reasons.push(Reason::new(Code::SeptVeDisable, detail));
    }
    if security.service_td == Some(true) {
        reasons.push(Reason::new(Code::ServiceTd, "bound to a service TD"));
    }
    if security.migratable == Some(true) {
        reasons.push(Reason::new(Code::Migratable, "a migration TD may move it"));
    }
    reasons
}
