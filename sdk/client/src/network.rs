//! A network as its genesis founds it: the root of everything a client believes.

use crate::error::{ClientError, NotBelieved};
use crate::receipt::CheckedReceipt;
use rand_core::CryptoRngCore;
use sotto_crypto::envelope;
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::VaultKey;
use sotto_ledger::certificate;
use sotto_ledger::view::Entry;
use sotto_types::{
    Aad, Account, Action, AppId, Certificate, ChainId, Context, ContextId, Generation, Genesis,
    Identity, KeyPath, NetworkId, ReceiptBundle, SignedAction, Time, Wire as _,
};

/// How far ahead of the caller's clock a certificate's block time may be, in seconds: 5 for the
/// council, whose members vote only for a time within 5 s of their own clocks, 5 for the caller.
pub const AHEAD_MAX: u64 = 10;

/// How old a certificate may be, in seconds, besides [`AGE_BLOCKS`] blocks.
pub const AGE_MAX: u64 = 60;

/// Blocks that may be missing, besides [`AGE_MAX`] seconds, before a certificate is stale.
pub const AGE_BLOCKS: u64 = 10;

/// The trust root: a genesis, whose hash is the network's id. Whoever hands it over, over whatever
/// line, is trusted for everything else, so compare its [id](Network::id) with one from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    genesis: Genesis,
    id: NetworkId,
    vault: VaultKey,
}

/// Whom an envelope is for, and all that it is bound to: opened as anything else, it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The app that may open it.
    pub app: AppId,
    /// The generation of its code that may.
    pub generation: Generation,
    /// The chain the request comes through.
    pub chain: ChainId,
    /// The Sotto contract there.
    pub contract: Account,
    /// The contract that will ask (`msg.sender` of the request).
    pub consumer: Account,
    /// Who hands the envelope to the consumer, as the consumer will vouch.
    pub submitter: Account,
    /// The consumer's context: its auction, its session.
    pub context: Context,
}

impl Recipient {
    /// What it is sealed to: the consumer's context, made unique over chains and contracts.
    pub fn identity(&self) -> Identity {
        let Self { chain, contract, consumer, context, .. } = self;
        Identity::Context(ContextId::new(chain, contract, consumer, context))
    }

    /// What it is bound to.
    pub fn aad(&self, network: NetworkId) -> Aad {
        Aad {
            network,
            app: self.app,
            generation: self.generation,
            chain: self.chain,
            consumer: self.consumer,
            submitter: self.submitter,
            context: self.context,
        }
    }
}

impl Network {
    /// The network that begins with this encoded genesis.
    ///
    /// # Errors
    /// [`ClientError::Malformed`]: not a genesis, or its vault key is no key.
    pub fn from_genesis(bytes: &[u8]) -> Result<Self, ClientError> {
        let genesis = Genesis::decode(bytes).map_err(|e| ClientError::malformed("genesis", e))?;
        let vault = VaultKey::from_bytes(&genesis.vault)
            .map_err(|e| ClientError::malformed("genesis", e))?;
        Ok(Self { id: genesis.id(), genesis, vault })
    }

    /// The genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The network's id: the hash of its genesis, bound into everything it signs or opens.
    pub fn id(&self) -> NetworkId {
        self.id
    }

    /// The vault's public key, under which envelopes are sealed.
    pub fn vault(&self) -> &VaultKey {
        &self.vault
    }

    /// How old a certificate may be, in seconds: [`AGE_MAX`] and [`AGE_BLOCKS`] blocks.
    pub fn certificate_age_max(&self) -> u64 {
        let blocks = self.genesis.block_seconds.saturating_mul(AGE_BLOCKS);
        AGE_MAX.saturating_add(blocks)
    }

    /// That the council certified this block and that it is of now, by the caller's clock: at most
    /// [`certificate_age_max`](Self::certificate_age_max) seconds old and [`AHEAD_MAX`] ahead.
    ///
    /// # Errors
    /// [`NotBelieved::Ledger`] (signature, network, vault), [`NotBelieved::Stale`],
    /// [`NotBelieved::Ahead`].
    pub fn check_certificate(
        &self,
        certificate: &Certificate,
        now: Time,
    ) -> Result<(), NotBelieved> {
        certificate::check_certificate(&self.genesis, certificate)?;
        let (time, max) = (certificate.time, self.certificate_age_max());
        if time > now.plus(AHEAD_MAX) {
            return Err(NotBelieved::Ahead { time, now, max: AHEAD_MAX });
        }
        if now > time.plus(max) {
            return Err(NotBelieved::Stale { time, now, max });
        }
        Ok(())
    }

    /// The entry of the ledger at `rest`, as it is now: proved under a certificate that
    /// [`check_certificate`](Self::check_certificate) takes.
    ///
    /// # Errors
    /// The same, and [`NotBelieved::Ledger`] where the path does not prove this entry.
    pub fn check_entry<T: Entry>(
        &self,
        bundle: &ReceiptBundle,
        rest: &T::Key,
        now: Time,
    ) -> Result<T, NotBelieved> {
        self.check_certificate(&bundle.certificate, now)?;
        self.check_past_entry(bundle, rest)
    }

    /// The entry of the ledger at `rest`, as it was at the certificate's block, however long ago:
    /// for entries that never change once written (an app, an answer), and for history.
    ///
    /// # Errors
    /// [`NotBelieved::Ledger`].
    pub fn check_past_entry<T: Entry>(
        &self,
        bundle: &ReceiptBundle,
        rest: &T::Key,
    ) -> Result<T, NotBelieved> {
        let ReceiptBundle { certificate, answer } = bundle;
        Ok(certificate::check_entry::<T>(&self.genesis, certificate, rest, answer)?)
    }

    /// Checks an encoded receipt, offline and at any later time: certificate → path → worker as
    /// attested → its signature → the result the chain was given.
    ///
    /// # Errors
    /// [`ClientError::Malformed`], [`ClientError::NotBelieved`].
    pub fn check_receipt(&self, bytes: &[u8]) -> Result<CheckedReceipt, ClientError> {
        let bundle =
            ReceiptBundle::decode(bytes).map_err(|e| ClientError::malformed("receipt", e))?;
        let answered = certificate::check_receipt(&self.genesis, &bundle)?;
        Ok(CheckedReceipt::new(self.genesis.kind, &bundle.certificate, answered)?)
    }

    /// Seals a payload for a request that will come through a chain. The envelope's length tells
    /// the payload's size class and nothing else of it; its hash goes to the consumer contract.
    ///
    /// # Errors
    /// [`ClientError::Seal`]: the payload is too long.
    pub fn seal(
        &self,
        to: &Recipient,
        payload: &[u8],
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<u8>, ClientError> {
        let aad = to.aad(self.id);
        // The session that the envelope opens is for direct requests: a chain's are answered once.
        let (envelope, _session) =
            envelope::seal(&self.vault, KeyPath::Request, &to.identity(), &aad, payload, rng)?;
        Ok(envelope)
    }

    /// Signs an action for this network and no other. `nonce` is one more than the key's last.
    pub fn sign(&self, key: &SigningKey, nonce: u64, action: Action) -> SignedAction {
        let sender = key.public().to_bytes();
        let digest = SignedAction::digest(&self.id, &sender, nonce, &action);
        SignedAction { sender, nonce, action, signature: key.sign(&digest).0 }
    }
}
