//! Roots of trust in the TOML form of a policy. Not here: who they are (`anchors`).

use super::{PolicyError, unknown, value};
use crate::{Anchor, Anchors, Scope, Vendor, signature, x509::Certificate};
use der::pem::{self, LineEnding};
use serde::{Deserialize, Serialize};

pub(super) const PINNED: &str = "pinned";
const DEVELOPMENT: &str = "development";
const NONE: &str = "none";

/// A root that is in no named set.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtraAnchor {
    vendor: String,
    name: String,
    scope: String,
    pem: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
}

/// The named set, and the others after it.
pub(super) fn read(name: &str, extra: Vec<ExtraAnchor>) -> Result<Anchors, PolicyError> {
    let mut anchors = match name {
        PINNED => Anchors::pinned(),
        DEVELOPMENT => Anchors::pinned().and(Anchors::development()),
        NONE => Anchors::default(),
        other => return Err(unknown("anchors", other)),
    };
    for anchor in extra {
        let (vendor, anchor) = anchor.read()?;
        anchors = anchors.with(vendor, anchor);
    }
    Ok(anchors)
}

impl ExtraAnchor {
    fn read(self) -> Result<(Vendor, Anchor), PolicyError> {
        let vendor =
            Vendor::by_name(&self.vendor).ok_or_else(|| unknown("extra_anchors", &self.vendor))?;
        let scope = match self.scope.as_str() {
            "production" => Scope::Production,
            "development" => Scope::Development,
            other => return Err(unknown("extra_anchors", other)),
        };
        let der = |text: &str| {
            let decoded = pem::decode_vec(text.trim().as_bytes()).ok();
            decoded.filter(|(label, der)| is(label, der)).map(|(_, der)| der).ok_or_else(|| {
                value("extra_anchors", &self.name, "a certificate or public key in PEM")
            })
        };
        let known = self.known.iter().map(|text| der(text)).collect::<Result<_, _>>()?;
        let der = der(&self.pem)?;
        Ok((vendor, Anchor { name: self.name, scope, der, known }))
    }

    fn written(vendor: Vendor, anchor: &Anchor) -> Result<Self, PolicyError> {
        let text = |der: &Vec<u8>| {
            let label = LABELS.into_iter().find(|label| is(label, der));
            label
                .and_then(|label| pem::encode_string(label, LineEnding::LF, der).ok())
                .ok_or_else(|| value("extra_anchors", &anchor.name, "a certificate or public key"))
        };
        Ok(Self {
            vendor: vendor.name().into(),
            name: anchor.name.clone(),
            scope: anchor.scope.name().into(),
            pem: text(&anchor.der)?,
            known: anchor.known.iter().map(text).collect::<Result<_, _>>()?,
        })
    }
}

const LABELS: [&str; 2] = ["CERTIFICATE", "PUBLIC KEY"];

fn is(label: &str, der: &[u8]) -> bool {
    match label {
        "CERTIFICATE" => Certificate::from_der(der).is_ok(),
        "PUBLIC KEY" => signature::PublicKey::from_spki(der).is_ok(),
        _ => false,
    }
}

/// The largest named set that is in `anchors`, and the others one by one.
pub(super) fn written(anchors: &Anchors) -> Result<(&'static str, Vec<ExtraAnchor>), PolicyError> {
    let pinned = Anchors::pinned();
    let both = pinned.clone().and(Anchors::development());
    let (name, named) = if both != pinned && anchors.begins_with(&both) {
        (DEVELOPMENT, both)
    } else if anchors.begins_with(&pinned) {
        (PINNED, pinned)
    } else {
        (NONE, Anchors::default())
    };
    let mut extra = Vec::new();
    for (vendor, all) in &anchors.0 {
        for anchor in all.iter().skip(named.of(*vendor).len()) {
            extra.push(ExtraAnchor::written(*vendor, anchor)?);
        }
    }
    Ok((name, extra))
}
