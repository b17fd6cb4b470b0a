//! One form of bytes for what is digested and compared: every number as eight bytes big-endian,
//! every text and byte string after its length, every list after its count, a missing value as 0
//! and a present one as 1 and itself. It is written, never read. Not here: wire formats (`types`).

use std::collections::{BTreeMap, BTreeSet};

/// What has this form. Writing cannot fail.
pub(crate) trait Canonical {
    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);
}

/// The digest of a value under a domain: SHA-256(domain ‖ the value's form).
pub(crate) fn digest(domain: &str, value: &impl Canonical) -> [u8; 32] {
    let mut bytes = domain.as_bytes().to_vec();
    value.put(&mut bytes);
    crate::hash::sha256(&bytes)
}

impl Canonical for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl Canonical for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }
}

/// A set of small numbers is written as a byte string.
impl Canonical for BTreeSet<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().copied().collect::<Vec<u8>>().put(out);
    }
}

impl Canonical for i8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&i64::from(*self).to_be_bytes());
    }
}

impl Canonical for bool {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }
}

impl Canonical for sotto_types::Time {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
}

impl Canonical for [u8] {
    fn put(&self, out: &mut Vec<u8>) {
        count(self.len(), out);
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Canonical for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_slice().put(out);
    }
}

impl Canonical for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_slice().put(out);
    }
}

impl Canonical for str {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }
}

impl Canonical for String {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }
}

impl<T: Canonical + ?Sized> Canonical for &T {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        count(self.len(), out);
        self.iter().for_each(|value| value.put(out));
    }
}

impl<T: Canonical> Canonical for BTreeSet<T> {
    fn put(&self, out: &mut Vec<u8>) {
        count(self.len(), out);
        self.iter().for_each(|value| value.put(out));
    }
}

impl<K: Canonical, V: Canonical> Canonical for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        count(self.len(), out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident)+),)*) => {$(
        impl<$($name: Canonical),+> Canonical for ($($name,)+) {
            fn put(&self, out: &mut Vec<u8>) {
                #[allow(non_snake_case, reason = "one name for a type and its value")]
                let ($($name,)+) = self;
                $($name.put(out);)+
            }
        }
    )*};
}

tuples! { (A B), (A B C), (A B C D), (A B C D E), (A B C D E F), }

/// Types of the field that are written by their name.
macro_rules! by_name {
    ($($type:ty)*) => {$(
        impl Canonical for $type {
            fn put(&self, out: &mut Vec<u8>) {
                self.name().put(out);
            }
        }
    )*};
}

by_name! {
    sotto_types::TeeKind crate::TcbStatus crate::Code crate::Effect crate::Status crate::Scope
    crate::Vendor crate::Exposure
}

fn count(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::Canonical;

    fn bytes(value: &impl Canonical) -> Vec<u8> {
        let mut out = Vec::new();
        value.put(&mut out);
        out
    }

    #[test]
    fn values_that_run_together_differ() {
        let split = |a: &str, b: &str| bytes(&(a.to_owned(), b.to_owned()));
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(bytes(&vec![vec![1_u8], vec![]]), bytes(&vec![vec![], vec![1_u8]]));
        assert_ne!(bytes(&Some(String::new())), bytes(&None::<String>));
        assert_ne!(bytes(&(None::<u64>, Some(1_u64))), bytes(&(Some(1_u64), None::<u64>)));
    }

    #[test]
    fn the_form_is_fixed() {
        let value = (Some("a"), vec![2_u64], -1_i8);
        let mut want = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, b'a'];
        want.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        want.extend([0xff; 8]);
        assert_eq!(bytes(&value), want);
    }
}
