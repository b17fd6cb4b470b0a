//! The laws shown what breaks them: a law that takes everything would find nothing.

use crate::network::{NETWORK, chain};
use crate::{Reached, ledger, wire, worker};
use borsh::{BorshDeserialize, BorshSerialize, io};
use sotto_ledger::state::Chain;
use sotto_ledger::view::{key, value};
use sotto_types::{Account, Amount, Wire};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zeroize::Zeroizing;

fn breaks(law: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(law)).is_err()
}

/// A message whose decoder takes any byte for a flag.
#[derive(Debug, PartialEq, BorshSerialize)]
struct Sloppy(bool);

impl BorshDeserialize for Sloppy {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Self(u8::deserialize_reader(reader)? != 0))
    }
}

impl Wire for Sloppy {
    const VERSION: u8 = 1;
    const MAX: usize = 16;
    const NAME: &'static str = "Sloppy";
}

#[test]
fn a_second_encoding_is_seen() {
    let feed = |flag| {
        let reached = catch_unwind(|| wire::one::<Sloppy>(&[1, flag], |_| [0; 32]));
        reached.ok()
    };
    assert_eq!([0, 1, 2].map(feed), [Some(Reached::Taken), Some(Reached::Taken), None]);
}

#[test]
fn value_out_of_nothing_is_seen() {
    let mut view = NETWORK.view.clone();
    assert!(!breaks(|| ledger::conserved(&view)));
    let mut rich: Chain = NETWORK.get(&chain()).unwrap();
    rich.deposits = rich.deposits.checked_add(Amount(1)).unwrap();
    view.entries.insert(key::<Chain>(&chain()), value(&rich).unwrap());
    assert!(breaks(|| ledger::conserved(&view)));
}

#[test]
fn a_run_of_anything_else_is_seen() {
    assert!(!breaks(|| worker::check_run(&worker::honest_run())));
    let mut other = worker::honest_run();
    other.call.submissions[0].payload = Some(Zeroizing::new(b"71".to_vec()));
    assert!(breaks(|| worker::check_run(&other)));
    let mut other = worker::honest_run();
    other.call.submissions[0].submitter = Account::from_address([1; 20]);
    assert!(breaks(|| worker::check_run(&other)));
    let mut other = worker::honest_run();
    other.component = b"another component".to_vec().into();
    assert!(breaks(|| worker::check_run(&other)));
}
