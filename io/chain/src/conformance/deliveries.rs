//! Deliveries as a network would hand them out.

use super::{APP, Place, Signer, prove};
use sotto_types::{Account, Amount, Answer, Ask, Attempt, Delivery, KeyEntry, Payment, Time};

pub(super) fn answer(ask: &Ask, result: &[u8]) -> Answer {
    Answer {
        number: ask.number,
        attempt: Attempt(1),
        app: ask.app,
        generation: ask.generation,
        terms: ask.terms(),
        result: result.to_vec(),
        deadline: ask.deadline,
    }
}

pub(super) fn fulfil(place: &Place, ask: &Ask, signer: Signer) -> Delivery {
    let answer = answer(ask, b"an answer");
    let signature = signer.sign(&answer.digest(&place.domain()));
    Delivery::Fulfil { answer, signature }
}

pub(super) fn batch(place: &Place, asks: &[Ask]) -> Delivery {
    let answers = asks.iter().map(|ask| answer(ask, b"one of many")).collect();
    proven(place, Delivery::Batch { answers, signatures: Vec::new() })
}

pub(super) fn keys(place: &Place, nonce: u64, key: Account, expiry: Time) -> Delivery {
    let entries = vec![KeyEntry { app: APP, key, expiry }];
    proven(place, Delivery::Keys { nonce, entries, signatures: Vec::new() })
}

pub(super) fn payout(place: &Place, nonce: u64, amount: u128) -> Delivery {
    let to = Account::from_address([0x77; 20]);
    let payments = vec![Payment { to, amount: Amount(amount) }];
    proven(place, Delivery::Payout { nonce, payments, signatures: Vec::new() })
}

fn proven(place: &Place, mut delivery: Delivery) -> Delivery {
    let proof = prove(&delivery.digest(&place.domain()));
    match &mut delivery {
        Delivery::Batch { signatures, .. }
        | Delivery::Keys { signatures, .. }
        | Delivery::Payout { signatures, .. }
        | Delivery::Members { signatures, .. } => *signatures = proof,
        Delivery::Fulfil { .. } => {}
    }
    delivery
}
