//! What the demonstration found, for people and for programs.

use super::stage::Stage;
use crate::local::show;
use crate::screen::{Screen, ether, short};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;
use sotto_types::Wire as _;

/// One step, and what could be seen of it.
#[derive(Serialize)]
pub(crate) struct Hop {
    /// What happened.
    pub(crate) step: String,
    /// Where.
    pub(crate) place: String,
    /// What an eavesdropper there saw.
    pub(crate) eavesdropper_saw: String,
    /// What it cost, where it was a transaction.
    pub(crate) gas: Option<u64>,
}

/// An attempt at cheating and why it came to nothing.
#[derive(Serialize)]
pub(crate) struct Refused {
    pub(crate) attempt: &'static str,
    pub(crate) reason: String,
}

/// Gas in figures.
#[derive(Default, Serialize)]
pub(crate) struct Gas {
    /// Deploying the Sotto contract.
    pub(crate) deploy: u64,
    /// One bid.
    pub(crate) bid: u64,
    /// Closing: the request itself.
    pub(crate) request: u64,
    /// The auction's result by the app's result key, callback included.
    pub(crate) fulfil: u64,
    /// Each of 32 results settled together, callback included.
    pub(crate) batch32_each: u64,
    /// The transactions those 32 took.
    pub(crate) batch32_transactions: usize,
}

/// Everything.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) network: String,
    pub(crate) kind: String,
    pub(crate) tee: String,
    pub(crate) contract: String,
    pub(crate) genesis: String,
    pub(crate) hops: Vec<Hop>,
    pub(crate) winner: String,
    pub(crate) price: String,
    pub(crate) receipt: String,
    pub(crate) receipt_text: String,
    pub(crate) verified: bool,
    pub(crate) gas: Gas,
    pub(crate) refused: Vec<Refused>,
    pub(crate) paid_to_worker: String,
    pub(crate) cannot_stop: &'static str,
}

const CANNOT_STOP: &str = "A worker's host may withhold the answer: `single` cannot stop that. \
    Nothing is lost by it but time: after the deadline anybody refunds the request and closes \
    again, and the repetition has exactly the same bids.";

impl Report {
    pub(super) fn new(stage: &Stage) -> Self {
        let genesis = stage.local.node.genesis();
        let contract = show(&stage.local.contract);
        let mut report = Self {
            network: genesis.id().to_string(),
            kind: genesis.kind.to_string(),
            tee: sotto_types::TeeKind::Simulated.to_string(),
            contract,
            genesis: hex::encode(genesis.encode()),
            hops: Vec::new(),
            winner: String::new(),
            price: String::new(),
            receipt: String::new(),
            receipt_text: String::new(),
            verified: false,
            gas: Gas { deploy: stage.local.deploy_gas, ..Gas::default() },
            refused: Vec::new(),
            paid_to_worker: String::new(),
            cannot_stop: CANNOT_STOP,
        };
        report.hop(
            "The Sotto contract is deployed",
            "chain",
            "network id, the council's address".into(),
            Some(stage.local.deploy_gas),
        );
        report
    }

    pub(super) fn hop(&mut self, step: &str, place: &str, saw: String, gas: Option<u64>) {
        let (step, place) = (step.to_owned(), place.to_owned());
        self.hops.push(Hop { step, place, eavesdropper_saw: saw, gas });
    }

    pub(super) fn refused(&mut self, attempt: &'static str, reason: String) {
        self.refused.push(Refused { attempt, reason });
    }

    /// As people read it.
    pub(crate) fn print(&self, screen: &Screen) {
        screen.say(format!(
            "\nA sealed-bid auction on a {} network\n\n  network   {}\n  contract  {}\n  TEE       {}\n",
            self.kind, self.network, self.contract, self.tee
        ));
        screen.say(self.hop_table());
        screen.say(
            "\n  The TEE is simulated: the worker's host and the council's process could read \
             everything here.\n  In a real TEE the column above is all that anybody sees.\n",
        );
        let price = self.price.parse().map(ether).unwrap_or_default();
        screen.say(format!("The consumer contract knows  winner {}  price {price}", self.winner));
        screen.say(format!("The worker was paid          {}\n", self.paid_to_worker));
        screen.say(format!("The receipt ({} bytes)\n", self.receipt.len() / 2));
        screen.say(self.receipt_text.lines().map(|l| format!("  {l}\n")).collect::<String>());
        let verified =
            if self.verified { "verified from the genesis alone" } else { "NOT verified" };
        screen.say(format!("  offline: {verified}\n"));
        screen.say(format!(
            "Gas: a lone result {}, each of 32 together {}\n",
            self.gas.fulfil, self.gas.batch32_each
        ));
        screen.say("Cheating, each attempt refused:\n");
        screen.say(self.refused_table());
        screen.say(format!("\n{CANNOT_STOP}"));
    }

    fn hop_table(&self) -> String {
        let mut table = table(["", "step", "where", "what an eavesdropper there saw", "gas"]);
        for (place, hop) in self.hops.iter().enumerate() {
            table.add_row([
                (place + 1).to_string(),
                hop.step.clone(),
                hop.place.clone(),
                hop.eavesdropper_saw.clone(),
                hop.gas.map(|gas| gas.to_string()).unwrap_or_default(),
            ]);
        }
        table.to_string()
    }

    fn refused_table(&self) -> String {
        let mut table = table(["attempt", "refused because"]);
        for refused in &self.refused {
            table.add_row([refused.attempt.replace('_', " "), refused.reason.clone()]);
        }
        table.to_string()
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(110);
    }
    table.set_header(header);
    table
}

/// The beginning of something sealed, as it looks to those who cannot open it.
pub(super) fn sealed(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), short(&hex::encode(bytes)))
}
