//! The custody endorsement: a custodian's signed word for who holds one machine, where, and from
//! when to when. It is what evidence cannot say: physical access is enough to forge most kinds.
//! Not here: whether it is needed (`grant`), who is a custodian (`policy`).
//!
//! The bytes are a version (1), the statement in borsh, and 65 bytes of signature: secp256k1 by the
//! custodian's key over SHA-256("sotto/custody/v1" ‖ the statement in borsh). One valid form each.

#[cfg(test)]
mod tests;

use crate::{Platform, date::rfc3339};
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_types::{Time, sha256};
use std::collections::BTreeMap;

/// Bytes of a signed statement, at most.
const SIGNED_MAX: usize = 1024;
const SIGNATURE_LEN: usize = 65;
const VERSION: u8 = 1;

/// A custodian's statement.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Custody {
    /// Which name of the platform: `ppid`, `chip_id`, `ueid`, `ek`, ….
    pub identity: String,
    /// That name's value.
    pub value: Vec<u8>,
    /// Who says so, by the name that policies know.
    pub custodian: String,
    /// Who holds the machine.
    pub operator: String,
    /// Where it stands.
    pub place: String,
    /// The first second it is good.
    pub not_before: Time,
    /// The last second.
    pub not_after: Time,
}

/// Why a custody endorsement does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// Not a signed statement.
    #[error("malformed custody endorsement: {0}")]
    Malformed(&'static str),
    /// Signed in a name that the policy does not know.
    #[error("`{0}` is no custodian of the policy")]
    UnknownCustodian(String),
    /// Not signed by the custodian it names.
    #[error("not signed by `{0}`")]
    Forged(String),
    /// About another machine.
    #[error("about the machine {identity}={}", hex::encode(.value))]
    OtherPlatform {
        /// Which name.
        identity: String,
        /// Its value.
        value: Vec<u8>,
    },
    /// Not good yet.
    #[error("begins at {}", rfc3339(*.0))]
    NotYetValid(Time),
    /// No longer good.
    #[error("ended at {}", rfc3339(*.0))]
    Expired(Time),
}

impl Custody {
    fn bytes(&self) -> Result<Vec<u8>, CustodyError> {
        borsh::to_vec(self).map_err(|_| CustodyError::Malformed("too long"))
    }

    /// The statement with the custodian's signature.
    ///
    /// # Errors
    /// [`CustodyError::Malformed`] for what [`Custody::parse`] would refuse.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, CustodyError> {
        let statement = self.bytes()?;
        let signature = key.sign(&digest(&statement));
        let signed = [&[VERSION], statement.as_slice(), signature.bytes()].concat();
        Self::parse(&signed)?;
        Ok(signed)
    }

    /// Exactly one statement and its signature, which is not checked here.
    ///
    /// # Errors
    /// [`CustodyError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<(Self, Signature), CustodyError> {
        let malformed = |why| Err(CustodyError::Malformed(why));
        if bytes.len() > SIGNED_MAX {
            return malformed("longer than 1024 bytes");
        }
        let Some((VERSION, rest)) = bytes.split_first().map(|(first, rest)| (*first, rest)) else {
            return malformed("not of version 1");
        };
        let Some((statement, signature)) = rest.split_last_chunk::<SIGNATURE_LEN>() else {
            return malformed("cut short");
        };
        let Ok(statement) = Self::try_from_slice(statement) else {
            return malformed("not one statement");
        };
        let texts =
            [&statement.identity, &statement.custodian, &statement.operator, &statement.place];
        if texts.iter().any(|text| text.is_empty() || text.chars().any(char::is_control)) {
            return malformed("a text is empty or has control characters");
        }
        if statement.value.iter().all(|byte| *byte == 0) {
            return malformed("the machine's name is empty or masked");
        }
        if statement.not_before > statement.not_after {
            return malformed("it ends before it begins");
        }
        Ok((statement, Signature(*signature)))
    }
}

fn digest(statement: &[u8]) -> [u8; 32] {
    sha256(&[b"sotto/custody/v1", statement])
}

/// The statement, if one of `custodians` signed it, about this platform, and good now.
pub(crate) fn check(
    bytes: &[u8],
    platform: &Platform,
    custodians: &BTreeMap<String, PublicKey>,
    now: Time,
) -> Result<Custody, CustodyError> {
    let (statement, signature) = Custody::parse(bytes)?;
    let custodian = statement.custodian.clone();
    let Some(key) = custodians.get(&custodian) else {
        return Err(CustodyError::UnknownCustodian(custodian));
    };
    key.verify(&digest(&statement.bytes()?), &signature)
        .map_err(|_| CustodyError::Forged(custodian))?;
    if platform.identities.get(&statement.identity) != Some(&statement.value) {
        let Custody { identity, value, .. } = statement;
        return Err(CustodyError::OtherPlatform { identity, value });
    }
    if now < statement.not_before {
        return Err(CustodyError::NotYetValid(statement.not_before));
    }
    if now > statement.not_after {
        return Err(CustodyError::Expired(statement.not_after));
    }
    Ok(statement)
}
