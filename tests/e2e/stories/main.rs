//! The stories, in one program. What they need from outside is named by the environment:
//! `SOTTO_BIN` (the built program; found beside this one otherwise), `SOTTO_ANVIL` (a real anvil)
//! and `SOTTO_NODE_MODULES`; without the last two the stories that need them say so and end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod client;
mod stage;

mod a_bid_sealed_in_node_opens_in_the_enclave;
mod a_folder_and_its_ports_have_one_holder;
mod a_session_dies_with_its_worker_and_nothing_ledgered_is_lost;
mod a_stranger_s_client_drives_the_contract;
mod an_oracle_reaches_only_the_hosts_on_its_list;
mod anybody_s_evidence_is_judged_by_one_command;
mod killed_at_any_moment_every_request_ends_once;
mod no_log_line_holds_a_secret;
mod the_auction_plays_out_and_every_cheat_is_refused;
