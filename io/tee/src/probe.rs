//! What this machine offers for attestation, and what is missing. It only looks at names and small
//! texts under `/sys`, `/dev` and `/proc`; asking a device for evidence is the devices' own affair.

use std::fs;
use std::path::{Path, PathBuf};

/// One thing looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub what: &'static str,
    /// What was found, or what is missing and how to get it.
    pub found: Result<String, String>,
}

/// Looks at this machine.
pub fn probe() -> Vec<Found> {
    probe_under(Path::new("/"))
}

/// Looks at a machine whose root is `root`.
pub fn probe_under(root: &Path) -> Vec<Found> {
    let machine = Machine { root };
    vec![
        Found { what: "kernel", found: machine.kernel() },
        Found { what: "report interface", found: machine.tsm() },
        Found { what: "Intel TDX", found: machine.tdx() },
        Found { what: "AMD SEV-SNP", found: machine.snp() },
        Found { what: "Intel SGX", found: machine.sgx() },
        Found { what: "AWS Nitro", found: machine.device("dev/nsm", "not inside a Nitro enclave") },
        Found { what: "TPM 2.0", found: machine.tpm() },
        Found { what: "NVIDIA GPU", found: machine.nvidia() },
    ]
}

struct Machine<'a> {
    root: &'a Path,
}

impl Machine<'_> {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn text(&self, path: &str) -> Option<String> {
        Some(fs::read_to_string(self.at(path)).ok()?.trim().to_owned())
    }

    fn has(&self, path: &str) -> bool {
        self.at(path).exists()
    }

    fn flag(&self, flag: &str) -> bool {
        let flags = self.text("proc/cpuinfo").unwrap_or_default();
        let line = flags.lines().find(|line| line.starts_with("flags"));
        line.is_some_and(|line| line.split_whitespace().any(|word| word == flag))
    }

    fn device(&self, path: &str, missing: &str) -> Result<String, String> {
        let there = self.has(path);
        if there { Ok(format!("/{path}")) } else { Err(format!("no /{path}: {missing}")) }
    }

    fn kernel(&self) -> Result<String, String> {
        let release =
            self.text("proc/sys/kernel/osrelease").ok_or("its release is not to be read")?;
        let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version >= (6, 7) {
            return Ok(release);
        }
        Err(format!("{release}: guests need 6.7 or later for the report interface"))
    }

    fn tsm(&self) -> Result<String, String> {
        const PATH: &str = "sys/kernel/config/tsm/report";
        if self.has(PATH) {
            return Ok(format!("/{PATH}"));
        }
        Err(if self.has("sys/kernel/config") {
            format!(
                "no /{PATH}: not a confidential guest, or its driver is not loaded \
                     (modprobe tdx-guest, modprobe sev-guest)"
            )
        } else {
            "configfs is not mounted: mount -t configfs none /sys/kernel/config".into()
        })
    }

    fn tdx(&self) -> Result<String, String> {
        match (self.flag("tdx_guest"), self.has("dev/tdx_guest")) {
            (true, true) => Ok("a trust domain, with /dev/tdx_guest".into()),
            (true, false) => Err("a trust domain without its driver: modprobe tdx-guest".into()),
            _ => Err("not a trust domain".into()),
        }
    }

    fn snp(&self) -> Result<String, String> {
        match (self.flag("sev_snp"), self.has("dev/sev-guest")) {
            (_, true) => Ok("an SNP guest, with /dev/sev-guest".into()),
            (true, false) if self.has("dev/kvm") => {
                Err("a host that can run SNP guests, not a guest".into())
            }
            (true, false) => Err("an SNP guest without its driver: modprobe sev-guest".into()),
            _ => Err("not an SNP guest".into()),
        }
    }

    fn sgx(&self) -> Result<String, String> {
        let missing = if self.flag("sgx") {
            "the processor has SGX; enable it in the firmware"
        } else {
            "the processor has no SGX, or hides it"
        };
        self.device("dev/sgx_enclave", missing)
    }

    fn tpm(&self) -> Result<String, String> {
        if self.has("dev/tpmrm0") {
            let version = self.text("sys/class/tpm/tpm0/tpm_version_major");
            return match version.as_deref() {
                Some("1") => Err("a TPM 1.2, which is too old".into()),
                _ => Ok("/dev/tpmrm0".into()),
            };
        }
        self.device("dev/tpm0", "no TPM, or its driver is not loaded")
            .and_then(|_| Err("/dev/tpm0 without a resource manager (/dev/tpmrm0)".into()))
    }

    fn nvidia(&self) -> Result<String, String> {
        let version = self.text("proc/driver/nvidia/version");
        let driver = version.as_deref().and_then(|text| text.lines().next()).unwrap_or("driver");
        self.device("dev/nvidiactl", "no NVIDIA driver is loaded")
            .map(|path| format!("{path} ({driver})"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// What is found on a machine with these files.
    fn on(files: &[(&str, &str)]) -> Vec<Found> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        probe_under(root.path())
    }

    fn of(found: &[Found], what: &str) -> Result<String, String> {
        found.iter().find(|found| found.what == what).unwrap().found.clone()
    }

    #[test]
    fn an_empty_machine_has_nothing_and_says_what_is_missing() {
        let found = on(&[]);
        assert!(found.iter().all(|found| found.found.is_err()), "{found:?}");
        let mount = "configfs is not mounted: mount -t configfs none /sys/kernel/config";
        assert_eq!(of(&found, "report interface"), Err(mount.into()));
    }

    #[test]
    fn a_trust_domain_is_known_by_its_flag_and_its_driver() {
        let flags = ("proc/cpuinfo", "processor : 0\nflags\t\t: fpu tdx_guest sse\n");
        let kernel = ("proc/sys/kernel/osrelease", "6.12.9-cloud\n");
        let without = "a trust domain without its driver: modprobe tdx-guest";
        assert_eq!(of(&on(&[flags]), "Intel TDX"), Err(without.into()));
        let found =
            on(&[flags, kernel, ("dev/tdx_guest", ""), ("sys/kernel/config/tsm/report/x", "")]);
        assert_eq!(of(&found, "Intel TDX"), Ok("a trust domain, with /dev/tdx_guest".into()));
        assert_eq!(of(&found, "kernel"), Ok("6.12.9-cloud".into()));
        assert_eq!(of(&found, "report interface"), Ok("/sys/kernel/config/tsm/report".into()));
    }

    #[test]
    fn an_old_kernel_a_host_and_an_old_tpm_do_not_count() {
        let found = on(&[
            ("proc/sys/kernel/osrelease", "6.1.0-40-amd64"),
            ("proc/cpuinfo", "flags : sev_snp"),
            ("dev/kvm", ""),
            ("dev/tpmrm0", ""),
            ("sys/class/tpm/tpm0/tpm_version_major", "1\n"),
        ]);
        assert!(of(&found, "kernel").is_err());
        let host = "a host that can run SNP guests, not a guest";
        assert_eq!(of(&found, "AMD SEV-SNP"), Err(host.into()));
        assert_eq!(of(&found, "TPM 2.0"), Err("a TPM 1.2, which is too old".into()));
    }

    #[test]
    fn devices_are_found_by_their_names() {
        let found = on(&[
            ("dev/nsm", ""),
            ("dev/sev-guest", ""),
            ("dev/sgx_enclave", ""),
            ("dev/tpmrm0", ""),
            ("dev/nvidiactl", ""),
            ("proc/driver/nvidia/version", "NVRM version: 590.12\nGCC\n"),
        ]);
        let there = ["AWS Nitro", "AMD SEV-SNP", "Intel SGX", "TPM 2.0", "NVIDIA GPU"];
        assert!(there.iter().all(|what| of(&found, what).is_ok()), "{found:?}");
        let gpu = "/dev/nvidiactl (NVRM version: 590.12)";
        assert_eq!(of(&found, "NVIDIA GPU"), Ok(gpu.into()));
    }
}
