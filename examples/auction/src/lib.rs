//! A second-price auction over sealed bids.
//!
//! The consumer says in the open `abi.encode(uint256 reserve, uint256 deposit)`; every submission
//! is one sealed bid, whose plaintext is exactly one 32-byte big-endian number. The highest bid
//! wins and pays the second highest; of equal bids the earlier wins; a lone bid pays the reserve.
//! What does not open, is no number, or lies outside `reserve..=deposit` is no bid and spoils
//! nothing: the deposit is what the bidder has put down, so no bid above it could be collected.
//!
//! The answer is `abi.encode(address winner, uint256 price)`, both zero when nobody bid.

use sotto_guest::{Call, Submission, Word};

sotto_guest::function!(run);

/// Who won and what it pays.
#[derive(Debug, PartialEq, Eq)]
struct Sale {
    /// The submitter's word.
    winner: Word,
    /// What the winner pays, in the unit of the reserve.
    price: Word,
}

fn run(call: Call) -> Result<Vec<u8>, String> {
    let [reserve, deposit] =
        Word::exactly(&call.payload).map_err(|error| format!("payload: {error}"))?;
    let sale = settle(&call.submissions, reserve, deposit);
    let sale = sale.unwrap_or(Sale { winner: Word::ZERO, price: Word::ZERO });
    Ok(Word::concat(&[sale.winner, sale.price]))
}

/// The sale these submissions come to, `None` when none of them is a bid.
fn settle(submissions: &[Submission], reserve: Word, deposit: Word) -> Option<Sale> {
    let mut best: Option<(Word, Word)> = None;
    // The price of a lone bid; from the second bid on, the highest bid that did not win.
    let mut price = reserve;
    for submission in submissions {
        let Some(amount) = bid(submission, reserve, deposit) else { continue };
        match best {
            // An equal bid loses to the earlier one, and is then the price.
            Some((_, highest)) if amount <= highest => price = price.max(amount),
            Some((_, beaten)) => {
                price = beaten;
                best = Some((Word(submission.submitter), amount));
            }
            None => best = Some((Word(submission.submitter), amount)),
        }
    }
    best.map(|(winner, _)| Sale { winner, price })
}

/// The amount of a submission that is a bid.
fn bid(submission: &Submission, reserve: Word, deposit: Word) -> Option<Word> {
    let amount = Word::new(submission.content.as_deref()?)?;
    (reserve <= amount && amount <= deposit).then_some(amount)
}

#[cfg(test)]
mod tests;
