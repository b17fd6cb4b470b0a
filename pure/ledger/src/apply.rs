//! `apply(view, block)`: the whole replicated state machine behind one door. It reads through the
//! view and never writes; the same block over the same view gives the same bytes everywhere.

use crate::event::{Event, Refusal};
use crate::state::{Clock, Founding, Nonce, Release};
use crate::tree::{self, Writes};
use crate::view::{Draft, Head, StorageError, View};
use crate::{apps, batches, chains, epochs, outbox, registry, requests, seats};
use sotto_crypto::sign::{PublicKey, Signature};
use sotto_types::{
    Action, Block, BlockId, Genesis, Height, Malformed, NetworkId, NodeId, Root, SignedAction,
    Time, Wire as _,
};

/// A block carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The head after it.
    pub head: Head,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What to write, in one transaction with the block.
    pub writes: Writes,
}

/// Why a block is no block of this ledger. Nothing of it counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Breaks the limits of its encoding.
    #[error("malformed block: {0}")]
    Malformed(#[from] Malformed),
    /// Another network's.
    #[error("a block of network {0}")]
    Network(NetworkId),
    /// Does not follow the head.
    #[error("a block of height {got} on block {parent} where {want} follows")]
    NotNext {
        /// Its height.
        got: Height,
        /// Its parent.
        parent: BlockId,
        /// The height that follows.
        want: Height,
    },
    /// Its time does not rise.
    #[error("block time {got} after {last}")]
    Time {
        /// Its time.
        got: Time,
        /// The head's.
        last: Time,
    },
    /// Executing it gives another root.
    #[error("the block says root {says}, executing it gives {gives}")]
    Root {
        /// What its header says.
        says: Root,
        /// What execution gives.
        gives: Root,
    },
}

/// A block that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The block is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The storage is wrong: fatal.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why an action stops.
pub(crate) enum Stop {
    /// It is refused; its changes are taken back.
    Refused(Refusal),
    /// The storage is wrong: the block is abandoned.
    Storage(StorageError),
}

impl<T: Into<Refusal>> From<T> for Stop {
    fn from(refusal: T) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

pub(crate) type Outcome = Result<(), Stop>;

/// What an action is carried out in.
pub(crate) struct Scene<'a> {
    pub(crate) network: NetworkId,
    pub(crate) genesis: &'a Genesis,
    pub(crate) clock: Clock,
    /// The block's parent: final, and not of the proposer's making.
    pub(crate) parent: BlockId,
}

impl Scene<'_> {
    pub(crate) fn is_member(&self, key: &[u8; 33]) -> bool {
        self.genesis.members.contains(key)
    }
}

/// The state a genesis begins with, to be written at height 0.
pub fn found(genesis: &Genesis) -> Result<Applied, Error> {
    genesis.validate().map_err(Invalid::Malformed)?;
    let empty = Empty;
    let network = genesis.id();
    let mut draft = Draft::new(&empty);
    draft.put(&(), &Founding(genesis.clone()))?;
    draft.put(
        &(),
        &Clock {
            epoch: sotto_types::Epoch(0),
            challenge: sotto_types::Hash(network.0),
            height: Height(0),
            time: genesis.time,
        },
    )?;
    for measurement in &genesis.releases {
        draft.put(measurement, &Release { since: Height(0) })?;
    }
    let (changes, events) = draft.into_changes();
    let (root, writes) = tree::commit(&empty, 0, changes)?;
    let head = Head { height: Height(0), id: BlockId(network.0), time: genesis.time, root };
    Ok(Applied { head, events, writes })
}

/// Makes the next block of these actions. Those that would be refused are kept out of it only by
/// their senders: a refused action in a block is an event.
pub fn propose(
    view: &impl View,
    time: Time,
    actions: Vec<SignedAction>,
) -> Result<(Block, Applied), Error> {
    let head = view.head()?;
    let founding = founding(view)?;
    let mut block = Block {
        network: founding.id(),
        height: head.height.next(),
        parent: head.id,
        time,
        actions,
        root: Root::default(),
    };
    let (root, events, writes) = execute(view, &founding, &head, &block)?;
    block.root = root;
    let head = Head { height: block.height, id: block.id(), time, root };
    Ok((block, Applied { head, events, writes }))
}

/// Carries a block out over `view` and checks that it gives the root its header says.
pub fn apply(view: &impl View, block: &Block) -> Result<Applied, Error> {
    let head = view.head()?;
    let founding = founding(view)?;
    let (root, events, writes) = execute(view, &founding, &head, block)?;
    if root != block.root {
        return Err(Invalid::Root { says: block.root, gives: root }.into());
    }
    let head = Head { height: block.height, id: block.id(), time: block.time, root };
    Ok(Applied { head, events, writes })
}

fn founding(view: &impl View) -> Result<Genesis, StorageError> {
    crate::view::read::<Founding>(view, &())?
        .map(|founding| founding.0)
        .ok_or_else(|| StorageError("no genesis is kept".into()))
}

fn check_header(network: NetworkId, head: &Head, block: &Block) -> Result<(), Invalid> {
    let length = borsh::object_length(block).unwrap_or(usize::MAX).saturating_add(1);
    if length > Block::MAX {
        return Err(Malformed::TooLong { got: length, max: Block::MAX }.into());
    }
    block.validate()?;
    if block.network != network {
        return Err(Invalid::Network(block.network));
    }
    let want = head.height.next();
    if block.height != want || block.parent != head.id {
        return Err(Invalid::NotNext { got: block.height, parent: block.parent, want });
    }
    if block.time <= head.time {
        return Err(Invalid::Time { got: block.time, last: head.time });
    }
    Ok(())
}

fn execute(
    view: &impl View,
    genesis: &Genesis,
    head: &Head,
    block: &Block,
) -> Result<(Root, Vec<Event>, Writes), Error> {
    let network = genesis.id();
    check_header(network, head, block)?;
    let mut draft = Draft::new(view);
    let clock = epochs::turn(&mut draft, genesis, head, block)?;
    let scene = Scene { network, genesis, clock, parent: block.parent };
    for action in &block.actions {
        carry_out(&mut draft, &scene, action)?;
    }
    requests::assign_open(&mut draft, &scene)?;
    outbox::fill(&mut draft, &scene)?;
    let (changes, events) = draft.into_changes();
    let (root, writes) = tree::commit(view, block.height.0, changes)?;
    Ok((root, events, writes))
}

fn carry_out<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    signed: &SignedAction,
) -> Result<(), StorageError> {
    let id = signed.id();
    let sender = match admit(draft, scene, signed) {
        Ok(sender) => sender,
        Err(Stop::Storage(error)) => return Err(error),
        Err(Stop::Refused(why)) => {
            draft.events.push(Event::Refused { action: id, why });
            return Ok(());
        }
    };
    draft.mark();
    match dispatch(draft, scene, sender, signed) {
        Ok(()) => draft.events.push(Event::Done { action: id }),
        Err(Stop::Storage(error)) => return Err(error),
        Err(Stop::Refused(why)) => {
            draft.rollback();
            draft.events.push(Event::Refused { action: id, why });
        }
    }
    Ok(())
}

/// Signature and nonce. From here on the nonce is used, whatever becomes of the action.
fn admit<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    signed: &SignedAction,
) -> Result<NodeId, Stop> {
    let digest = SignedAction::digest(&scene.network, &signed.sender, signed.nonce, &signed.action);
    PublicKey::from_bytes(&signed.sender)
        .ok()
        .and_then(|key| key.verify(&digest, &Signature(signed.signature)).ok())
        .ok_or(Refusal::Signature)?;
    let sender = NodeId::of_key(&signed.sender);
    let want = draft.get::<Nonce>(&sender)?.map_or(0, |nonce| nonce.0).saturating_add(1);
    if signed.nonce != want {
        return Err(Refusal::Nonce { got: signed.nonce, want }.into());
    }
    draft.put(&sender, &Nonce(want))?;
    Ok(sender)
}

fn dispatch<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: NodeId,
    signed: &SignedAction,
) -> Outcome {
    let key = &signed.sender;
    match &signed.action {
        Action::AdmitRelease(measurement) => {
            registry::admit_release(draft, scene, key, measurement)
        }
        Action::AdmitChain { caip2, contract, finality, start, key_lifetime } => {
            let terms = chains::Terms { caip2, contract, finality, start, key_lifetime };
            chains::admit(draft, scene, key, &terms)
        }
        Action::Observe(observation) => chains::observe(draft, scene, key, observation),
        Action::Halt { chain, was, now } => chains::halt(draft, scene, key, chain, was, now),
        Action::Resume { chain, after } => chains::resume(draft, scene, key, chain, after),
        Action::Hold(request) => requests::hold(draft, scene, key, request),
        Action::Attest { keys, payees, evidence } => {
            registry::attest(draft, scene, key, keys, payees, evidence)
        }
        Action::Deploy(manifest) => apps::deploy(draft, scene, key, manifest),
        Action::ResultKey { app, epoch, key } => {
            requests::announce_key(draft, scene, sender, app, *epoch, key)
        }
        Action::Answer { receipt, result, signature } => {
            requests::answer(draft, scene, sender, receipt, result, signature)
        }
        Action::Fail { request, attempt, reason } => {
            requests::fail(draft, sender, request, *attempt, reason)
        }
        Action::Endorse { chain, entry, signature } => {
            outbox::endorse(draft, scene, key, chain, *entry, signature)
        }
        Action::Sit { app, boot } => seats::sit(draft, scene, sender, app, boot),
        Action::Batch(signed) => batches::post(draft, scene, sender, signed),
    }
}

/// A view of nothing, under the genesis.
struct Empty;

impl View for Empty {
    fn head(&self) -> Result<Head, StorageError> {
        Err(StorageError("there is no head before the genesis".into()))
    }

    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    fn scan(&self, _: &[u8]) -> Result<Vec<crate::view::Pair>, StorageError> {
        Ok(Vec::new())
    }

    fn node(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }
}
