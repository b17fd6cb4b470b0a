//! Direct calls: the worker's seats, the sessions opened to them, and the calls inside. A seat is
//! taken when somebody asks for the app and kept while it is used; a session ends with its epoch.
//! Each opening is taken once: taken twice, it would give the same keys and so the same nonces.
//! Not here: the batches of receipts, whoever carries the messages, running the component.

mod sessions;

use super::batches::{Batches, Maker};
use super::{Call, Keys, Output, PATIENCE, Placed, Wanted};
use sessions::Open;
use sotto_ledger::certificate::{NotBelieved, check_entry};
use sotto_ledger::state::{App, Boot, Clock, Seat};
use sotto_types::{
    Action, AppId, BootId, Certificate, Epoch, Generation, Genesis, Hash, Height, Identity,
    KeyPath, Manifest, NetworkId, NodeId, Proof, SessionId, TeeKind, Time, limits,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A component to be run for a session.
pub struct DirectRun {
    /// For this session.
    pub session: SessionId,
    /// Within whose limits.
    pub manifest: Arc<Manifest>,
    /// The component, whose hash the manifest names.
    pub component: Arc<Vec<u8>>,
    /// What it is called with.
    pub call: Call,
}

/// Who the worker is, as its receipts and openings say it.
pub(super) struct Identified {
    pub(super) network: NetworkId,
    pub(super) node: NodeId,
    pub(super) tee: TeeKind,
    pub(super) boot: BootId,
}

pub(super) struct Direct {
    id: Identified,
    places: BTreeMap<AppId, Place>,
    epoch: Epoch,
    time: Time,
    height: Height,
    /// The openings taken in this epoch, and in the last.
    taken: [BTreeSet<SessionId>; 2],
    sessions: BTreeMap<SessionId, Box<Open>>,
    running: usize,
    batches: Batches,
}

/// An app that somebody wants to call here.
struct Place {
    /// The last epoch in which somebody did.
    wanted: Epoch,
    /// When the seat was last asked of the ledger.
    asked: Option<Height>,
    /// The seat, in this epoch.
    seat: Option<Taken>,
}

struct Taken {
    generation: Generation,
    manifest: Arc<Manifest>,
    component: Option<Arc<Vec<u8>>>,
}

impl Direct {
    pub(super) fn new(id: Identified) -> Self {
        Self {
            id,
            places: BTreeMap::new(),
            epoch: Epoch(0),
            time: Time(0),
            height: Height(0),
            taken: Default::default(),
            sessions: BTreeMap::new(),
            running: 0,
            batches: Batches::new(),
        }
    }

    /// Somebody wants to call this app here. The seat is asked for with the next block.
    pub(super) fn serve(&mut self, app: AppId) {
        let is_room = self.places.len() < limits::SEATS_MAX;
        if let Some(place) = self.places.get_mut(&app) {
            place.wanted = self.epoch;
        } else if is_room {
            let place = Place { wanted: self.epoch, asked: None, seat: None };
            self.places.insert(app, place);
        }
    }

    /// The apps whose seats are asked for or taken.
    pub(super) fn apps(&self) -> impl Iterator<Item = AppId> {
        self.places.keys().copied()
    }

    // ---- blocks

    /// A certified block. Past its epoch nothing opens, and a session that stood idle is forgotten.
    pub(super) fn block(&mut self, clock: &Clock, now: Time) {
        if clock.epoch != self.epoch {
            self.turn(clock.epoch);
        }
        (self.height, self.time) = (clock.height, clock.time);
        let is_fresh = |used: Time| now.0.saturating_sub(used.0) <= limits::SESSION_IDLE;
        self.sessions.retain(|_, open| open.running.is_some() || is_fresh(open.used));
    }

    fn turn(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.taken[1] = core::mem::take(&mut self.taken[0]);
        // A call that runs may still be answered.
        self.sessions.retain(|_, open| open.running.is_some());
        self.places.retain(|_, place| place.wanted.next() >= epoch);
        for place in self.places.values_mut() {
            (place.asked, place.seat) = (None, None);
        }
    }

    /// What was handed in to the ledger is lost.
    pub(super) fn lost(&mut self) {
        self.places.values_mut().for_each(|place| place.asked = None);
        self.batches.lost();
    }

    /// Believes a seat if it is proved, this process's and of this epoch.
    pub(super) fn seated(
        &mut self,
        genesis: &Genesis,
        certificate: &Certificate,
        placed: &Placed,
    ) -> Result<(), NotBelieved> {
        let (epoch, id) = (self.epoch, &self.id);
        let Some(place) = self.places.get_mut(&placed.app) else { return Ok(()) };
        if place.seat.is_some() {
            return Ok(());
        }
        let at = (epoch, (placed.app, id.node));
        let seat: Seat = check_entry(genesis, certificate, &at, &placed.seat)?;
        if seat.boot != id.boot {
            return Ok(());
        }
        let app: App = check_entry(genesis, certificate, &placed.app, &placed.manifest)?;
        let manifest = Arc::new(app.manifest);
        place.seat = Some(Taken { generation: seat.generation, manifest, component: None });
        Ok(())
    }

    /// How many of this process's batches the ledger has.
    pub(super) fn batches_taken(
        &self,
        genesis: &Genesis,
        certificate: &Certificate,
        boot: Option<&Proof>,
    ) -> Result<u64, NotBelieved> {
        let Some(proof) = boot else { return Ok(0) };
        let boot: Boot = check_entry(genesis, certificate, &self.id.node, proof)?;
        Ok(if boot.id == self.id.boot { boot.batches } else { 0 })
    }

    /// The seats to ask for, and the batches to hold and to hand in, after a block.
    pub(super) fn due(&mut self, taken: u64, keys: &Keys) -> (Vec<Action>, Vec<Output>) {
        let (height, boot) = (self.height, self.id.boot);
        let mut actions = Vec::new();
        for (app, place) in &mut self.places {
            let waits = place.asked.is_some_and(|at| height.0.saturating_sub(at.0) <= PATIENCE);
            if place.seat.is_none() && !waits {
                place.asked = Some(height);
                actions.push(Action::Sit { app: *app, boot });
            }
        }
        let maker = Maker { network: self.id.network, boot, key: &keys.signing };
        let (hold, hand_in) = self.batches.block(height, taken, &maker);
        actions.extend(hand_in.into_iter().map(Action::Batch));
        (actions, hold.into_iter().map(Output::Keep).collect())
    }

    // ---- keys and code

    /// The keys that its seats need.
    pub(super) fn wants(&self) -> impl Iterator<Item = Wanted> {
        let identity = Identity::Epoch(self.epoch);
        let seated = self.places.iter().filter(|(_, place)| place.seat.is_some());
        seated.map(move |(app, _)| Wanted { app: *app, path: KeyPath::Request, identity })
    }

    /// The components that its seats lack.
    pub(super) fn missing(&self) -> impl Iterator<Item = Hash> {
        let seats = self.places.values().filter_map(|place| place.seat.as_ref());
        seats.filter(|seat| seat.component.is_none()).map(|seat| seat.manifest.code)
    }

    /// Bytes that came; whether they are a component that a seat lacked.
    pub(super) fn keep(&mut self, hash: &Hash, bytes: &[u8]) {
        let mut component = None;
        for seat in self.places.values_mut().filter_map(|place| place.seat.as_mut()) {
            if seat.manifest.code == *hash && seat.component.is_none() {
                let bytes = component.get_or_insert_with(|| Arc::new(bytes.to_vec()));
                seat.component = Some(bytes.clone());
            }
        }
    }

    /// Leaves are held.
    pub(super) fn held(&mut self, leaves: &Hash) {
        self.batches.held(leaves);
    }
}
