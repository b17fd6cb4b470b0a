//! The list of hosts an app may reach, as its manifest writes it.

use std::collections::BTreeSet;

/// How many hosts a manifest may list.
pub const MAX_HOSTS: usize = 32;

/// The port of `https` when none is written.
const HTTPS: u16 = 443;

/// The hosts an app may reach, each exactly as the manifest writes it: no wildcard, no subdomain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostList(BTreeSet<(String, u16)>);

impl HostList {
    /// Takes the manifest's lines: `host` or `host:port`, lower case, at most [`MAX_HOSTS`].
    /// Without a port it is 443's.
    ///
    /// # Errors
    /// The first line that is no host, with why.
    pub fn parse<S: AsRef<str>>(lines: &[S]) -> Result<HostList, HostError> {
        if lines.len() > MAX_HOSTS {
            return Err(HostError::TooMany { found: lines.len() });
        }
        let hosts = lines.iter().map(|line| host(line.as_ref()));
        hosts.collect::<Result<_, _>>().map(HostList)
    }

    /// Whether there is none: such an app is of [`World::Function`](crate::World::Function).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hosts, `host` or `host:port`, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(name, port)| shown(name, Some(*port)))
    }

    /// Whether a URL's host, in any case, and port are on the list.
    pub(crate) fn allows(&self, name: &str, port: Option<u16>) -> bool {
        self.0.contains(&(name.to_ascii_lowercase(), port.unwrap_or(HTTPS)))
    }
}

/// `host`, or `host:port` when the port is not that of https.
pub(crate) fn shown(name: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if port != HTTPS => format!("{name}:{port}"),
        _ => name.to_owned(),
    }
}

/// Why a manifest's line is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// More lines than a manifest may have.
    #[error("{found} hosts, {MAX_HOSTS} are taken")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// Not a DNS name in lower case, nor an IPv4 address.
    #[error("{0:?} is not a host name in lower case, with at most a port behind it")]
    Name(String),
    /// The port is not 1 to 65535, written plainly.
    #[error("{0:?} has no port from 1 to 65535")]
    Port(String),
}

fn host(line: &str) -> Result<(String, u16), HostError> {
    let (name, port) = match line.split_once(':') {
        None => (line, HTTPS),
        Some((name, digits)) => {
            let port: u16 = digits.parse().map_err(|_| HostError::Port(line.to_owned()))?;
            // One port, one spelling: no sign, no leading zero, no zero.
            if port == 0 || port.to_string() != digits {
                return Err(HostError::Port(line.to_owned()));
            }
            (name, port)
        }
    };
    // RFC 1123, section 2.1: labels of letters, digits and inner hyphens.
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(HostError::Name(line.to_owned()));
    }
    Ok((name.to_owned(), port))
}
