//! Which machine: allow and deny lists, and anchors that vouch for nothing. Not here: who has the
//! machine in custody (`grant`).

use crate::{Code, Platform, Policy, Reason, Scope};

pub(super) fn judge(platform: &Platform, policy: &Policy) -> Vec<Reason> {
    let mut reasons = Vec::new();
    // A name that is masked with zeros is nobody's: it can be denied, never allowed.
    let named: Vec<(&String, &Vec<u8>)> = platform.identities.iter().collect();
    let on = |list: &crate::policy::Platforms, name: &String, value: &Vec<u8>| {
        list.contains(&(name.clone(), value.clone()))
    };
    for (name, value) in &named {
        if on(&policy.platforms_denied, name, value) {
            let detail = format!("{name}={} is on the deny list", hex::encode(value));
            reasons.push(Reason::new(Code::PlatformDenied, detail));
        }
    }
    let allowed = |(name, value): &(&String, &Vec<u8>)| {
        value.iter().any(|byte| *byte != 0) && on(&policy.platforms_allowed, name, value)
    };
    if !policy.platforms_allowed.is_empty() && !named.iter().any(allowed) {
        let names: Vec<String> =
            named.iter().map(|(name, value)| format!("{name}={}", hex::encode(value))).collect();
        let shown =
            if names.is_empty() { "a platform without names".into() } else { names.join(", ") };
        let detail = format!("{shown} is not on the allow list");
        reasons.push(Reason::new(Code::PlatformDenied, detail));
    }
    if platform.scope == Scope::Development {
        let detail = format!("`{}` vouches for nothing", platform.anchor);
        reasons.push(Reason::new(Code::DevelopmentAnchor, detail));
    }
    reasons
}
