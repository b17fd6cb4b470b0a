//! The name of a policy: a digest over everything in it. Not here: the TOML form, of which several
//! may mean the same.

use super::Policy;
use crate::{Anchor, Anchors, canonical, snp};

impl Policy {
    /// SHA-256("sotto/policy/v1" ‖ the whole policy): equal for equal policies, whatever form they
    /// were read from.
    pub fn digest(&self) -> [u8; 32] {
        canonical::digest("sotto/policy/v1", self)
    }
}

impl canonical::Canonical for Policy {
    fn put(&self, out: &mut Vec<u8>) {
        // Without `..`: a field that is added has to be added here.
        let Self {
            kinds,
            anchors,
            statuses,
            minimum_evaluation,
            advisories_denied,
            snp_minimum,
            vmpl,
            snp,
            pcrs,
            references,
            image,
            platforms_allowed,
            platforms_denied,
            max_age,
            result_lifetime,
            raised,
            exposures,
            custodians,
        } = self;
        (kinds, anchors, statuses, minimum_evaluation, advisories_denied).put(out);
        let snp::Demands { smt_off, single_socket, guest_abi, report_versions } = snp;
        let (major, minor) = guest_abi;
        let guest_abi = (u32::from(*major), u32::from(*minor));
        (snp_minimum, vmpl, pcrs, references).put(out);
        // Its JSON names everything in one order.
        image.as_ref().and_then(|image| image.to_json().ok()).put(out);
        (smt_off, single_socket, guest_abi, report_versions).put(out);
        (platforms_allowed, platforms_denied, max_age, result_lifetime).put(out);
        let custodians: Vec<_> =
            custodians.iter().map(|(name, key)| (name, key.to_bytes())).collect();
        (raised, exposures, custodians).put(out);
    }
}

impl canonical::Canonical for Anchors {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
}

impl canonical::Canonical for Anchor {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { name, scope, der, known } = self;
        (name, scope, der, known).put(out);
    }
}
