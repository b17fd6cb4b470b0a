//! Every limit on outside bytes, queues and loops, in one place. Sizes are in bytes.

/// Submissions of one request (the Sotto contract holds the same number).
pub const SUBMISSIONS_MAX: usize = 256;
/// Payload bytes that may stand on a chain; longer ones are named there by hash.
pub const ONCHAIN_PAYLOAD_MAX: usize = 1024;
/// Bytes of one result that goes to a chain.
pub const RESULT_MAX: usize = 4096;
/// Bytes of one sealed envelope, as gateways take them.
pub const ENVELOPE_MAX: usize = (1 << 20) + 217;
/// Bytes of the content of one envelope before sealing: with its padding mark it fills 1 MiB.
pub const SEALED_PAYLOAD_MAX: usize = (1 << 20) - 1;
/// Bytes of a component.
pub const COMPONENT_MAX: usize = 8 << 20;
/// Memory of one call, in MiB: what a worker's pool sets aside.
pub const APP_MEMORY_MIB_MAX: usize = 256;
/// Seconds of one call.
pub const APP_SECONDS_MAX: usize = 300;
/// Bytes of an app's name.
pub const APP_NAME_MAX: usize = 64;
/// Hosts on a manifest's list.
pub const HOSTS_MAX: usize = 32;
/// Bytes of one host on a manifest's list.
pub const HOST_MAX: usize = 253;
/// Bytes of one piece of evidence in an action.
pub const EVIDENCE_MAX: usize = 64 << 10;
/// Bytes of one signed action: an observation of the fullest block of a chain has to fit, or one
/// such block would stop the chain's inflow for ever.
pub const ACTION_MAX: usize = 2 << 20;
/// Actions of one block.
pub const BLOCK_ACTIONS_MAX: usize = 10_000;
/// Bytes of one block.
pub const BLOCK_MAX: usize = 8 << 20;
/// Events of one observation.
pub const OBSERVED_EVENTS_MAX: usize = 4096;
/// Members of a council.
pub const MEMBERS_MAX: usize = 100;
/// Results in one batch for a chain.
pub const BATCH_MAX: usize = 64;
/// Gas one batch may need by [`BATCH_ITEM_GAS`] and what its results and callbacks take: a
/// transaction has at most 16,777,216 (EIP-7825), and a batch above it could never be carried.
pub const BATCH_GAS_MAX: u64 = 12_000_000;
/// Gas of one result in a batch besides its bytes and its callback, generously.
pub const BATCH_ITEM_GAS: u64 = 60_000;
/// Gas of one byte of a result in a batch (EIP-7623's floor for calldata).
pub const BATCH_BYTE_GAS: u64 = 40;
/// Result keys or payments in one action for a chain.
pub const OUTBOX_ITEMS_MAX: usize = 64;
/// Callback gas, and the step it is counted in.
pub const CALLBACK_GAS_MAX: u32 = 2_000_000;
/// Callback gas is a multiple of this.
pub const CALLBACK_GAS_STEP: u32 = 1_000;
/// The longest a request may stay open, in seconds.
pub const DEADLINE_HORIZON: u64 = 30 * 24 * 3600;
/// Seconds before its deadline after which a result is no longer broadcast.
pub const BROADCAST_MARGIN: u64 = 4;
/// Assignments of one request before it is left to its refund.
pub const ATTEMPTS_MAX: u32 = 3;
/// Blocks a worker has for one assignment before it passes to another.
pub const ATTEMPT_BLOCKS: u64 = 30;
/// Workers of one network, here; the design's number waits for pools kept by epoch.
pub const WORKERS_MAX: usize = 1024;
/// The longest reason text kept with a refusal or failure.
pub const REASON_MAX: usize = 256;
/// Bytes of a proof: an entry and its path in the ledger's tree.
pub const PROOF_MAX: usize = 64 << 10;
/// Pending actions of one sender in a council member's pool.
pub const MEMPOOL_PER_SENDER: usize = 256;
/// Pending actions in a council member's pool.
pub const MEMPOOL_MAX: usize = 20_000;
/// Bytes of one input of a direct call: with its message around it, it fills 1 MiB.
pub const DIRECT_INPUT_MAX: usize = (1 << 20) - 64;
/// Bytes of one output of a direct call.
pub const DIRECT_OUTPUT_MAX: usize = (1 << 20) - 64;
/// Bytes of one sealed message of a session.
pub const SESSION_MESSAGE_MAX: usize = (1 << 20) + 28;
/// Sessions open at one worker.
pub const SESSIONS_MAX: usize = 4096;
/// Seconds after which a session that stands idle is forgotten.
pub const SESSION_IDLE: u64 = 600;
/// Openings that one worker takes in one epoch: it must remember each, since one taken twice
/// would use the same nonces twice.
pub const OPENINGS_MAX: usize = 65_536;
/// Direct calls running at one worker.
pub const DIRECT_CALLS_MAX: usize = 256;
/// Apps that one worker has seats of at once.
pub const SEATS_MAX: usize = 64;
/// Receipts of one batch.
pub const BATCH_RECEIPTS_MAX: usize = 4096;
/// Hashes of a path in a batch's tree: its depth.
pub const LEAF_PATH_MAX: usize = 12;
/// Blocks after which a batch is closed, however few receipts it has.
pub const BATCH_BLOCKS: u64 = 2;
/// Closed batches that a worker keeps until the ledger has them; at this many it takes no calls.
pub const BATCHES_WAITING_MAX: usize = 64;
