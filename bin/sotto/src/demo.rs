//! The demonstration: a sealed-bid auction from first deposit to last pay-out, what everybody on
//! the way could see of it, and ten ways of cheating at it, each refused. Not here: anything the
//! network does for it that it would not do for others.

mod auction;
mod cheats;
mod report;
mod stage;

pub(crate) use report::Report;

use crate::screen::Screen;
use anyhow::Result;
use stage::Stage;

/// Plays it all, on the embedded chain or on the one behind `rpc`, and says what happened.
pub(crate) async fn play(screen: &Screen, rpc: Option<String>) -> Result<Report> {
    let progress = screen.progress("starting a development network");
    let stage = Stage::set(rpc, &|what| progress.now(what)).await?;
    let report = perform(&stage, &|what: &str| progress.now(what)).await;
    drop(progress);
    stage.strike().await;
    report
}

async fn perform(stage: &Stage, now: &(dyn Fn(&str) + Sync)) -> Result<Report> {
    let mut report = Report::new(stage);
    let mut lot = auction::open(stage, &mut report, now).await?;
    // Made now, so that its short deadline has passed when it is needed.
    let late = cheats::ask_unanswerable(stage, 6).await?;
    auction::bid(stage, &mut lot, &mut report, now).await?;
    cheats::before_closing(stage, &lot, &mut report, now).await?;
    auction::close(stage, &mut lot, &mut report, now).await?;
    cheats::close_again(stage, &lot, &mut report).await?;
    let settled = auction::settle(stage, &lot, &mut report, now).await?;
    cheats::after_settling(stage, &lot, &settled, late, &mut report, now).await?;
    auction::many_more(stage, &mut report, now).await?;
    auction::pay_out(stage, &mut report, now).await?;
    Ok(report)
}
