//! Reports and endorsement keys as AMD's, made under a root of the tests' own.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{
    Anchor, Anchors, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Scope,
    Vendor, appraise,
    snp::Product,
    x509::{
        Cache,
        made::{Made, authority, extension, leaf},
    },
};
use sotto_types::{TeeKind, Time};

/// In 2030.
pub(super) const NOW: Time = Time(1_900_000_000);

/// The authorities of one product.
pub(super) struct Vendors {
    pub(super) ark: Made,
    pub(super) ask: Made,
    pub(super) asvk: Made,
}

impl Vendors {
    pub(super) fn new(product: &str) -> Self {
        let ark = Made::root(authority(&format!("ARK-{product}"), 1, None));
        let ask = ark.issue(authority(&format!("SEV-{product}"), 2, Some(0)));
        let asvk = ark.issue(authority(&format!("SEV-VLEK-{product}"), 3, Some(0)));
        Self { ark, ask, asvk }
    }

    pub(super) fn anchors(&self) -> Anchors {
        let anchor = Anchor {
            name: "test".into(),
            scope: Scope::Production,
            der: self.ark.der.clone(),
            known: vec![self.ask.der.clone(), self.asvk.der.clone()],
        };
        Anchors::default().with(Vendor::Amd, anchor)
    }
}

/// What a VCEK's or VLEK's certificate says.
#[derive(Clone)]
pub(super) struct Leaf {
    pub(super) version: Vec<u8>,
    pub(super) product: Vec<u8>,
    /// Last arc and value of each security version.
    pub(super) spls: Vec<(u64, u8)>,
    pub(super) hw_id: Option<Vec<u8>>,
    pub(super) csp_id: Option<Vec<u8>>,
}

const AMD: [u64; 7] = [1, 3, 6, 1, 4, 1, 3704];

impl Leaf {
    pub(super) fn issue(&self, issuer: &Made) -> Made {
        let oid = |rest: &[u64]| [&AMD[..], rest].concat();
        let mut params = leaf("SEV-VCEK", 0);
        let mut add = |rest: &[u64], content: &[u8]| {
            params.custom_extensions.push(extension(&oid(rest), content));
        };
        add(&[1, 1], &self.version);
        add(&[1, 2], &self.product);
        for (arc, value) in &self.spls {
            add(&[1, 3, *arc], &integer(*value));
        }
        if let Some(id) = &self.hw_id {
            add(&[1, 4], id);
        }
        if let Some(id) = &self.csp_id {
            add(&[1, 5], id);
        }
        issuer.issue(params)
    }
}

fn integer(value: u8) -> Vec<u8> {
    if value < 0x80 { vec![2, 1, value] } else { vec![2, 2, 0, value] }
}

/// An IA5String.
pub(super) fn text(text: &str) -> Vec<u8> {
    [&[0x16, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// Everything a verdict needs, good until a test changes it.
pub(super) struct Case {
    pub(super) vendors: Vendors,
    pub(super) leaf: Leaf,
    /// Signed by the ASVK, as a VLEK.
    pub(super) vlek: bool,
    pub(super) report: Vec<u8>,
    pub(super) endorsements: Endorsements,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) policy: Policy,
    pub(super) expected: Expected,
    pub(super) now: Time,
}

pub(super) const CHIP: [u8; 64] = [0x5a; 64];

impl Case {
    /// A report (version 3) under a VCEK.
    pub(super) fn new(product: Product) -> Self {
        let vendors = Vendors::new(product.name());
        let turin = product == Product::Turin;
        let tcb: [u8; 8] =
            if turin { [1, 2, 3, 4, 0, 0, 0, 81] } else { [4, 1, 0, 0, 0, 0, 24, 219] };
        let arcs = product.layout().iter().map(|(_, arc)| u64::from(*arc));
        let size = product.chip_id_size();
        let leaf = Leaf {
            version: integer(u8::from(turin)),
            product: text(product.name()),
            spls: arcs.zip(tcb).collect(),
            hw_id: Some(CHIP[..size].to_vec()),
            csp_id: None,
        };
        let policy = Policy { anchors: vendors.anchors(), ..Policy::base() };
        let mut case = Self {
            vendors,
            leaf,
            vlek: false,
            report: vec![0; 1184],
            endorsements: Endorsements::default(),
            chain: Vec::new(),
            policy,
            expected: Expected::ReportData(vec![7; 64]),
            now: NOW,
        };
        case.fill(product, tcb);
        case
    }

    fn fill(&mut self, product: Product, tcb: [u8; 8]) {
        self.set(0, &3_u32.to_le_bytes());
        self.set(8, &0x3_0000_u64.to_le_bytes());
        self.set(0x34, &[1]);
        self.set(0x40, &[0x25]);
        self.set(0x50, &[7; 64]);
        self.set(0x90, &[8; 48]);
        self.set(0x160, &[0xff; 32]);
        for offset in [0x38, 0x180, 0x1e0, 0x1f0] {
            self.set(offset, &tcb);
        }
        self.set(
            0x188,
            &match product {
                Product::Milan => [0x19, 0x01, 1],
                Product::Genoa => [0x19, 0x11, 1],
                Product::Turin => [0x1a, 0x02, 1],
            },
        );
        self.set(0x1a0, &CHIP[..product.chip_id_size()]);
        for offset in [0x1e8, 0x1ec] {
            self.set(offset, &[40, 55, 1]);
        }
    }

    /// Puts bytes into the report, before it is signed.
    pub(super) fn set(&mut self, offset: usize, bytes: &[u8]) -> &mut Self {
        self.report[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Makes the signer a VLEK.
    pub(super) fn vlek(mut self) -> Self {
        self.vlek = true;
        self.leaf.hw_id = None;
        self.leaf.csp_id = Some(text("CN=cloud.example"));
        self.set(0x48, &[4]);
        self
    }

    /// The signer and the signed report.
    pub(super) fn make(&self) -> (Made, Vec<u8>) {
        let authority = if self.vlek { &self.vendors.asvk } else { &self.vendors.ask };
        let signer = self.leaf.issue(authority);
        let report = sign(&self.report, &signer);
        (signer, report)
    }

    /// The verdict with the signer as endorsement.
    pub(super) fn judge(&self) -> Appraisal {
        let (signer, report) = self.make();
        self.judge_made(Some(signer.der), report)
    }

    pub(super) fn judge_made(&self, signer: Option<Vec<u8>>, report: Vec<u8>) -> Appraisal {
        self.judge_cached(signer, report, &mut Cache::default())
    }

    pub(super) fn judge_cached(
        &self,
        signer: Option<Vec<u8>>,
        quote: Vec<u8>,
        cache: &mut Cache,
    ) -> Appraisal {
        let endorsements = Endorsements { signer, ..self.endorsements.clone() };
        let parts = Parts { quote, chain: self.chain.clone(), ..Parts::default() };
        let evidence = Evidence { kind: TeeKind::Snp, parts };
        appraise(&evidence, &endorsements, &self.expected, &self.policy, self.now, cache)
    }

    /// The findings.
    pub(super) fn codes(&self) -> Vec<Code> {
        codes(&self.judge())
    }
}

pub(super) fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

/// The report with this key's signature: r and s little-endian, 72 bytes each.
pub(super) fn sign(report: &[u8], signer: &Made) -> Vec<u8> {
    let mut report = report.to_vec();
    let signature = signer.sign(&report[..0x2a0]);
    for (scalar, offset) in signature.chunks(48).zip([0x2a0, 0x2e8]) {
        let little: Vec<u8> = scalar.iter().rev().copied().collect();
        report[offset..offset + 48].copy_from_slice(&little);
    }
    report
}
