//! One worker with everything granted that a request needs, and a client beside it: from sealed
//! bytes to sealed answer by the rooms' own doors. The network around them is not here: no ledger,
//! no chain, no store; the scope and the receipt are filled in as the worker's brain fills them.

use std::future::Future;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::commit::{blind, commit};
use sotto_crypto::envelope::{self, Opened, Session};
use sotto_crypto::sign::{ResultKey, Signature, SigningKey};
use sotto_crypto::vet::{AppKey, TransportSecret, VaultSecret, VetKey};
use sotto_runtime::{Answer, App, Call, Limits, Submission};
use sotto_types::{
    Aad, Account, AppId, Attempt, ChainId, Context, Domain, Epoch, Fuel, Generation, Hash,
    Identity, KeyPath, NetworkId, Receipt, RequestId, SignedReceipt, TeeKind, Time,
    digest::ResultWords,
};
use tokio::runtime::{Builder, Runtime as Tokio};

use crate::Result;

/// The request's number in its contract.
const NUMBER: u64 = 7;
const ATTEMPT: Attempt = Attempt(1);
const EPOCH: Epoch = Epoch(7);
const NOW: u64 = 1_790_000_000;

/// What a worker holds while it serves one app.
pub struct Worker {
    /// The council of one, whose key everything hangs on.
    pub vault: VaultSecret,
    /// The enclave's own key, to which grants are encrypted.
    pub transport: TransportSecret,
    /// The app's key for requests.
    pub app_key: AppKey,
    /// The granted key that opens the epoch's envelopes.
    pub request_key: VetKey,
    /// The granted key that the result key is derived from.
    pub result_vet_key: VetKey,
    /// The app's result key, which signs for the chain.
    pub result_key: SigningKey,
    /// The worker's certified key, which signs receipts.
    pub signing: SigningKey,
    /// What envelopes are sealed to.
    pub identity: Identity,
    /// What they are bound to.
    pub aad: Aad,
    domain: Domain,
    request: RequestId,
    tokio: Tokio,
}

/// What a request comes to.
pub struct Answered {
    /// For the client alone: the output, sealed in the envelope's session.
    pub sealed: Vec<u8>,
    /// For everyone.
    pub receipt: SignedReceipt,
    /// For the chain: the result key's signature over [`Receipt::on_chain`].
    pub on_chain: Signature,
}

/// A stage of [`Worker::answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Opening the envelope.
    Open,
    /// Running the app.
    Run,
    /// Committing to the output, filling in the receipt, both digests.
    Digest,
    /// Signing both digests.
    Sign,
    /// Sealing the answer.
    Seal,
}

/// The stages in order.
pub const STAGES: [Stage; 5] = [Stage::Open, Stage::Run, Stage::Digest, Stage::Sign, Stage::Seal];

/// Seeded chance: every run of a benchmark uses the same keys.
pub fn chance(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

impl Worker {
    /// A worker of a network of its own, granted the keys of one app for one epoch.
    ///
    /// # Errors
    /// When a grant does not open, or no thread can be had.
    pub fn granted() -> Result<Worker> {
        let mut rng = chance(1);
        let vault = VaultSecret::generate(&mut rng);
        let transport = TransportSecret::generate(&mut rng);
        let aad = Aad {
            network: NetworkId([0x11; 32]),
            app: AppId([0x22; 32]),
            generation: Generation(3),
            chain: ChainId::from_caip2("eip155:31337"),
            consumer: Account::from_address([0x44; 20]),
            submitter: Account::from_address([0x55; 20]),
            context: Context([0x66; 32]),
        };
        let identity = Identity::Epoch(EPOCH);
        let mut open = |path| {
            let key = vault.public().derive(&aad.network, &aad.app, path);
            let share = vault.grant_share(&key, &identity, transport.public(), &mut rng);
            transport.open_with(&[(1, share)], &key, &identity)
        };
        let request_key = open(KeyPath::Request)?;
        let result_vet_key = open(KeyPath::Result)?;
        let contract = Account::from_address([0x33; 20]);
        Ok(Worker {
            app_key: request_key.key().clone(),
            result_key: ResultKey::derive(&result_vet_key),
            signing: SigningKey::generate(&mut rng),
            domain: Domain::new(&aad.network, &aad.chain, &contract),
            request: RequestId::new(&aad.chain, &contract, NUMBER),
            tokio: Builder::new_current_thread().enable_time().build()?,
            vault,
            transport,
            request_key,
            result_vet_key,
            identity,
            aad,
        })
    }

    /// What a client sends: the envelope, and its own end of the session.
    ///
    /// # Errors
    /// When the payload is too long.
    pub fn seal(&self, payload: &[u8]) -> Result<(Vec<u8>, Session)> {
        let rng = &mut chance(payload.len() as u64);
        Ok(envelope::seal_to(&self.app_key, &self.identity, &self.aad, payload, rng)?)
    }

    /// Opens an envelope with the granted key.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open(&self, envelope: &[u8]) -> Result<Opened> {
        let vault = self.vault.public();
        Ok(envelope::open(&self.request_key, vault, &self.identity, &self.aad, envelope)?)
    }

    /// The call that hands `content` to the app as the content of its one envelope.
    pub fn call(&self, content: Vec<u8>) -> Call {
        Call {
            chain: self.aad.chain.0,
            caller: self.aad.consumer.0,
            context: self.aad.context.0.to_vec(),
            time: NOW,
            payload: Vec::new(),
            submissions: vec![Submission {
                submitter: self.aad.submitter.0,
                content: Some(content),
            }],
        }
    }

    /// Runs one call in a fresh instance.
    ///
    /// # Errors
    /// Whatever the app does wrong.
    pub fn run(&self, app: &App, call: &Call) -> Result<Answer> {
        Ok(self.wait(app.call(call, &Limits::default(), None))?)
    }

    /// Waits for a call on this thread.
    pub fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.tokio.block_on(call)
    }

    /// The whole: opens the envelope, runs the app on it, commits to the output, signs for the
    /// chain and the receipt, and seals the output in the envelope's session.
    ///
    /// # Errors
    /// When the envelope does not open or the app fails.
    pub fn answer(&self, app: &App, envelope: &[u8]) -> Result<Answered> {
        self.answer_in_stages(app, envelope, |_| ())
    }

    /// [`Self::answer`], telling after each of its [`STAGES`] that it is done.
    ///
    /// # Errors
    /// The same.
    pub fn answer_in_stages(
        &self,
        app: &App,
        envelope: &[u8],
        mut done: impl FnMut(Stage),
    ) -> Result<Answered> {
        let Opened { mut payload, mut session } = self.open(envelope)?;
        done(Stage::Open);
        let call = self.call(std::mem::take(&mut *payload));
        let answer = self.run(app, &call)?;
        done(Stage::Run);
        let receipt = self.receipt(app, &answer);
        let digest = receipt.digest();
        done(Stage::Digest);
        let on_chain = self.result_key.sign(&receipt.on_chain.0);
        let signature = self.signing.sign(&digest).0;
        done(Stage::Sign);
        let sealed = session.seal_next(&answer.output)?;
        done(Stage::Seal);
        Ok(Answered { sealed, receipt: SignedReceipt { receipt, signature }, on_chain })
    }

    /// The bare cryptography of [`Self::answer`], call by call the same, on digests that were made
    /// before.
    ///
    /// # Errors
    /// When the envelope does not open.
    pub fn primitives(
        &self,
        envelope: &[u8],
        output: &[u8],
        digests: &[[u8; 32]; 2],
    ) -> Result<(Hash, [Signature; 2], Vec<u8>)> {
        let mut opened = self.open(envelope)?;
        let commitment = self.commit(output);
        let signed = [self.result_key.sign(&digests[0]), self.signing.sign(&digests[1])];
        Ok((commitment, signed, opened.session.seal_next(output)?))
    }

    /// The commitment to an output of this request.
    pub fn commit(&self, output: &[u8]) -> Hash {
        commit(&blind(&self.request_key, &self.request), output)
    }

    /// The receipt of an answer.
    pub fn receipt(&self, app: &App, answer: &Answer) -> Receipt {
        let request_hash = Hash([0x77; 32]);
        let on_chain = self.domain.result(&ResultWords {
            number: NUMBER,
            request: &request_hash,
            attempt: ATTEMPT,
            app: &self.aad.app,
            generation: self.aad.generation,
            result: &Hash::of(&answer.output),
        });
        Receipt {
            network: self.aad.network,
            request: self.request,
            chain: self.aad.chain,
            contract: Account::from_address([0x33; 20]),
            number: NUMBER,
            request_hash,
            app: self.aad.app,
            generation: self.aad.generation,
            code: Hash(app.code()),
            attempt: ATTEMPT,
            epoch: EPOCH,
            time: Time(NOW),
            opened: 1,
            commitment: self.commit(&answer.output),
            fuel: Fuel(answer.fuel_used),
            on_chain,
            worker: self.signing.public().node_id(),
            tee: TeeKind::Simulated,
            evidence: Hash([0x88; 32]),
        }
    }

    /// Holds an answer to what a client and a chain would check.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(&self, answered: &Answered, session: &mut Session, said: &[u8]) -> Result<()> {
        let output = session.open_next(&answered.sealed)?;
        if *output != said {
            return Err("the echo gave back something else".into());
        }
        let receipt = &answered.receipt.receipt;
        if receipt.commitment != self.commit(said) {
            return Err("the receipt commits to another output".into());
        }
        let signed = Signature(answered.receipt.signature);
        self.signing.public().verify(&receipt.digest(), &signed)?;
        self.result_key.public().verify(&receipt.on_chain.0, &answered.on_chain)?;
        Ok(())
    }
}
