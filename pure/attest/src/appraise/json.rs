//! The result as JSON, for the command and other programs. Not here: signed forms (`ear`).

use super::Appraisal;
use crate::{Claims, Platform, date::rfc3339};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl Appraisal {
    /// An object with the keys `advisories, at, authentic, debug, expires, grantable, inputs, kind,
    /// measurements, platform, reasons, report_data, status, tcb_status, trust_vector, validity`.
    /// Bytes are hex, dates RFC 3339 in UTC. What only genuine evidence says is null or empty
    /// unless `authentic` is true.
    pub fn to_json(&self) -> Value {
        let claims = self.claims.as_ref();
        let reasons = self.reasons.iter();
        let reasons = reasons.map(|r| json!({"code": r.code.name(), "detail": r.detail}));
        let grant = json!({
            "code": self.grant.reason.name(),
            "grantable": self.grant.grantable,
            "reason": self.grant.reason.to_string(),
        });
        // In the order of their names: the text is the same whether or not maps keep their order.
        json!({
            "advisories": claims.map(|c| c.tcb.advisories.clone()).unwrap_or_default(),
            "at": rfc3339(self.at),
            "authentic": self.authentic,
            "debug": claims.map(|c| c.security.debug),
            "expires": rfc3339(self.expires),
            "grantable": grant,
            "inputs": hex::encode(self.inputs.0),
            "kind": self.kind.name(),
            "measurements": claims.map(|c| bytes(&c.measurements)).unwrap_or_default(),
            "platform": claims.map(|c| platform(&c.platform)),
            "reasons": reasons.collect::<Vec<_>>(),
            "report_data": claims.map(|c| hex::encode(&c.bound.report_data)),
            "status": self.status.name(),
            "tcb_status": claims.and_then(|c| c.tcb.status).map(crate::TcbStatus::name),
            "trust_vector": self.trust.to_json(),
            "validity": claims.and_then(validity),
        })
    }
}

fn bytes(map: &BTreeMap<String, Vec<u8>>) -> Map<String, Value> {
    map.iter().map(|(name, value)| (name.clone(), hex::encode(value).into())).collect()
}

fn platform(platform: &Platform) -> Value {
    json!({
        "anchor": platform.anchor,
        "class": platform.class,
        "identities": bytes(&platform.identities),
        "scope": platform.scope.name(),
    })
}

fn validity(claims: &Claims) -> Option<Value> {
    let (start, end) = claims.validity()?;
    Some(json!({"not_after": rfc3339(end), "not_before": rfc3339(start)}))
}
