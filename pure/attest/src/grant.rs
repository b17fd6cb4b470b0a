//! Whether a platform may be given keys: apart from the status, which judges the evidence alone.
//! A perfect quote proves software, not custody. Not here: which keys, and who decides (`ledger`).

#[cfg(test)]
mod tests;

use crate::{
    Claims, Custody, CustodyError, Exposure, Policy, Scope, Status, custody, date::rfc3339,
};
use core::fmt;
use sotto_types::Time;

/// Whether a platform may be given keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// It may.
    pub grantable: bool,
    /// Why, or why not.
    pub reason: GrantReason,
}

/// Why a platform may be given keys, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantReason {
    /// May not: the evidence is not genuine, or nobody can tell.
    NotAuthentic,
    /// May not: the anchor is good for development only.
    DevelopmentAnchor(String),
    /// May not: the evidence is not affirmed.
    NotAffirmed(Status),
    /// May not: nothing is known of what it takes to forge this class.
    UnknownClass(String),
    /// May not, with whatever endorsement: software alone forges evidence of this class.
    BrokenBySoftware(String),
    /// May not: whoever can touch the machine can forge its evidence, and nobody vouches for who
    /// can.
    CustodyMissing(String),
    /// May not: somebody vouches, and none of it counts.
    CustodyRefused(String, Vec<CustodyError>),
    /// May: a custodian of the policy vouches for who can touch the machine.
    InCustody(Custody),
    /// May: only the vendor runs such machines.
    OperatedByVendor(String),
}

impl GrantReason {
    /// Whether it speaks for a grant.
    const fn grants(&self) -> bool {
        matches!(self, Self::InCustody(_) | Self::OperatedByVendor(_))
    }

    /// Its name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotAuthentic => "not_authentic",
            Self::DevelopmentAnchor(_) => "development_anchor",
            Self::NotAffirmed(_) => "not_affirmed",
            Self::UnknownClass(_) => "unknown_class",
            Self::BrokenBySoftware(_) => "broken_by_software",
            Self::CustodyMissing(_) => "custody_missing",
            Self::CustodyRefused(..) => "custody_refused",
            Self::InCustody(_) => "in_custody",
            Self::OperatedByVendor(_) => "operated_by_vendor",
        }
    }
}

impl fmt::Display for GrantReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAuthentic => write!(f, "the evidence is not known to be genuine"),
            Self::DevelopmentAnchor(anchor) => {
                write!(f, "`{anchor}` is good for development only")
            }
            Self::NotAffirmed(status) => write!(f, "the evidence is {}", status.name()),
            Self::UnknownClass(class) => {
                write!(f, "nothing is known of what it takes to forge {class} evidence")
            }
            Self::BrokenBySoftware(class) => {
                write!(f, "software alone can forge {class} evidence: public data only")
            }
            Self::CustodyMissing(class) => write!(
                f,
                "whoever can touch a {class} machine can forge its evidence, and no custody \
                 endorsement says who can"
            ),
            Self::CustodyRefused(class, errors) => {
                write!(f, "no custody endorsement of this {class} machine counts: ")?;
                for (at, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if at == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            Self::InCustody(custody) => write!(
                f,
                "{} vouches that {} holds the machine at {} until {}",
                custody.custodian,
                custody.operator,
                custody.place,
                rfc3339(custody.not_after)
            ),
            Self::OperatedByVendor(class) => {
                write!(f, "only their vendor runs {class} machines")
            }
        }
    }
}

impl Grant {
    /// No grant, for evidence of this status.
    pub const fn refused(status: Status) -> Self {
        Self { grantable: false, reason: GrantReason::NotAffirmed(status) }
    }

    /// When the reason for a grant ends, if it does by itself.
    pub(crate) fn until(&self) -> Option<Time> {
        match &self.reason {
            GrantReason::InCustody(custody) => Some(custody.not_after),
            _ => None,
        }
    }
}

/// Everything that speaks against a grant comes before what speaks for it.
pub(crate) fn decide(
    status: Status,
    claims: Option<&Claims>,
    endorsements: &[Vec<u8>],
    policy: &Policy,
    now: Time,
) -> Grant {
    let reason = reason(status, claims, endorsements, policy, now);
    Grant { grantable: reason.grants(), reason }
}

fn reason(
    status: Status,
    claims: Option<&Claims>,
    endorsements: &[Vec<u8>],
    policy: &Policy,
    now: Time,
) -> GrantReason {
    let Some(Claims { platform, .. }) = claims else { return GrantReason::NotAuthentic };
    if platform.scope == Scope::Development {
        return GrantReason::DevelopmentAnchor(platform.anchor.clone());
    }
    if status != Status::Affirming {
        return GrantReason::NotAffirmed(status);
    }
    let class = platform.class.clone();
    match policy.exposure(&class) {
        None => GrantReason::UnknownClass(class),
        Some(Exposure::Software) => GrantReason::BrokenBySoftware(class),
        Some(Exposure::Operated) => GrantReason::OperatedByVendor(class),
        Some(Exposure::Physical) if endorsements.is_empty() => GrantReason::CustodyMissing(class),
        Some(Exposure::Physical) => {
            let mut errors = Vec::new();
            for bytes in endorsements {
                match custody::check(bytes, platform, &policy.custodians, now) {
                    Ok(custody) => return GrantReason::InCustody(custody),
                    Err(error) => errors.push(error),
                }
            }
            GrantReason::CustodyRefused(class, errors)
        }
    }
}
