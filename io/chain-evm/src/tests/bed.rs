//! A Sotto contract on a node, with a consumer, an account for the courier and one for its rival.

use super::node::{KEYS, Node};
use super::proxy::Proxy;
use crate::abi::{Envelope, address};
use crate::rpc::{Rpc, number};
use crate::*;
use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall as _, SolEvent as _, SolValue as _},
};
use async_trait::async_trait;
use serde_json::Value;
use sotto_chain::conformance::{APP, Callback, Fault, Place, Testbed, Trouble, members};
use sotto_chain::{Clock, FastClock, RequestSource, ResultSink};
use sotto_types::{Account, Amount, Finality, Hash, NetworkId};
use std::{sync::Arc, time::Duration};

pub(super) const NETWORK: NetworkId = NetworkId([7; 32]);
pub(super) const ESCROW: Amount = Amount(1_000_000_000_000_000);
/// Gas for a call that need not be tried out first.
const GAS: u64 = 3_000_000;
const TIMEOUT: Duration = Duration::from_secs(20);

#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod cheat {
    alloy::sol!(Cheat, "../../contracts/solidity/artifacts/Cheat.json");
}
pub(super) use cheat::Cheat;

pub(super) struct EvmBed {
    pub(super) user: Wallet,
    pub(super) rpc: Rpc,
    pub(super) sotto: Account,
    pub(super) consumer: Account,
    pub(super) url: String,
    proxy: Proxy,
    courier: EvmChain,
    rival: EvmChain,
    clock: FastClock,
    _node: Node,
}

fn trouble(error: impl ToString) -> Trouble {
    Trouble(error.to_string())
}

pub(super) fn key(at: usize) -> Key {
    Key::from_hex(KEYS[at]).unwrap()
}

impl EvmBed {
    pub(super) async fn new(node: Node) -> Result<Self, Trouble> {
        let url = node.url();
        let proxy = Proxy::before(url.clone()).await;
        let rpc = Rpc::new(&url, TIMEOUT).map_err(trouble)?;
        let user = Wallet::connect(&url, key(0), TIMEOUT).await.map_err(trouble)?;
        let code = deploy_code(&NETWORK, &members(), 7_200);
        let sotto = deploy(&rpc, &user, code).await?;
        let code = [Cheat::BYTECODE.to_vec(), address(&sotto).abi_encode()].concat();
        let consumer = deploy(&rpc, &user, code).await?;
        let chain = |url: &str, at: usize| {
            let signer = Some(key(at));
            EvmChain::connect(Config { signer, timeout: TIMEOUT, ..Config::new(url, sotto) })
        };
        let courier = chain(&proxy.url, 1).await.map_err(trouble)?;
        let rival = chain(&url, 2).await.map_err(trouble)?;
        let clock = FastClock::new(Duration::from_millis(50));
        Ok(Self { user, rpc, sotto, consumer, url, proxy, courier, rival, clock, _node: node })
    }

    /// A transaction of the user, in a block of its own.
    pub(super) async fn act(
        &self,
        to: Option<&Account>,
        code: Vec<u8>,
        value: Amount,
    ) -> Result<Receipt, Trouble> {
        let nonce = self.user.nonce().await.map_err(trouble)?;
        let hash = self.user.submit_with(nonce, to, code, value, GAS).await.map_err(trouble)?;
        mine(&self.rpc, 1).await?;
        let receipt = self.user.wait(hash).await.map_err(trouble)?;
        if receipt.ok { Ok(receipt) } else { Err(Trouble("a transaction failed".into())) }
    }

    pub(super) fn request(&self, callback: Callback, deadline: u64) -> Vec<u8> {
        let ask = cheat::Cheat::Ask {
            app: B256::from(APP.0),
            generation: 1,
            context: B256::repeat_byte(1),
            submissions: Vec::new(),
            payload: Bytes::from_static(b"a payload"),
            payloadHash: B256::ZERO,
            // A thousand are too few for a callback that stores anything.
            callbackGas: match callback {
                Callback::None => 0,
                Callback::Takes => 200_000,
                Callback::Reverts => 1_000,
            },
            assurance: 0x0101_0100,
            deadline,
        };
        Cheat::requestCall { ask }.abi_encode()
    }

    async fn time(&self) -> Result<u64, Trouble> {
        time(&self.rpc).await
    }
}

async fn time(rpc: &Rpc) -> Result<u64, Trouble> {
    let header = rpc.header("latest").await.map_err(trouble)?;
    Ok(header.unwrap().block().time.0)
}

/// A block `seconds` after the last.
pub(super) async fn mine(rpc: &Rpc, seconds: u64) -> Result<(), Trouble> {
    let at = number(time(rpc).await? + seconds);
    let _: Value = rpc.ask("evm_setNextBlockTimestamp", (at,)).await.map_err(trouble)?;
    let _: Value = rpc.ask("evm_mine", ()).await.map_err(trouble)?;
    Ok(())
}

async fn deploy(rpc: &Rpc, user: &Wallet, code: Vec<u8>) -> Result<Account, Trouble> {
    let nonce = user.nonce().await.map_err(trouble)?;
    let hash = user.submit_with(nonce, None, code, Amount(0), 8_000_000).await.map_err(trouble)?;
    mine(rpc, 1).await?;
    let receipt = user.wait(hash).await.map_err(trouble)?;
    receipt.contract.filter(|_| receipt.ok).ok_or_else(|| Trouble("not deployed".into()))
}

/// Creation code of a contract that makes one call while it is created.
pub(super) fn caller(to: &Account, calldata: &[u8]) -> Vec<u8> {
    let length = u16::try_from(calldata.len()).unwrap().to_be_bytes();
    // codecopy(0, where the data begins, length)
    let mut code = vec![0x61, length[0], length[1], 0x61, 0, 0, 0x5f, 0x39];
    // call(gas, to, 0, 0, length, 0, 0), revert unless it succeeded
    code.extend([0x5f, 0x5f, 0x61, length[0], length[1], 0x5f, 0x5f, 0x73]);
    code.extend(to.address().unwrap());
    code.extend([0x5a, 0xf1]);
    let after = u8::try_from(code.len() + 6).unwrap();
    code.extend([0x60, after, 0x57, 0x5f, 0x5f, 0xfd, 0x5b, 0x5f, 0x5f, 0xf3]);
    let begins = u16::try_from(code.len()).unwrap().to_be_bytes();
    code[4..6].copy_from_slice(&begins);
    [code, calldata.to_vec()].concat()
}

/// Creation code of a contract that publishes an envelope and then is empty.
fn publisher(envelope: &[u8]) -> Vec<u8> {
    let data = Bytes::copy_from_slice(envelope).abi_encode();
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let mut code = Vec::new();
    let word = |code: &mut Vec<u8>, word: &[u8; 32]| {
        code.push(0x7f);
        code.extend(word);
    };
    // codecopy(0, where the data begins, length)
    code.extend([0x61, length[0], length[1], 0x61, 0, 0, 0x5f, 0x39]);
    word(&mut code, &Address::repeat_byte(5).into_word().0);
    word(&mut code, &Hash::of(envelope).0);
    word(&mut code, &Envelope::SIGNATURE_HASH.0);
    // log3(0, length, signature, hash, submitter), return(0, 0)
    code.extend([0x61, length[0], length[1], 0x5f, 0xa3, 0x5f, 0x5f, 0xf3]);
    let begins = u16::try_from(code.len()).unwrap().to_be_bytes();
    code[4..6].copy_from_slice(&begins);
    [code, data].concat()
}

#[async_trait]
impl Testbed for EvmBed {
    fn can(&self, _: Fault) -> bool {
        true
    }

    fn place(&self) -> Place {
        Place {
            caip2: "eip155:31337".into(),
            network: NETWORK,
            contract: self.sotto,
            finality: Finality::Depth(3),
        }
    }

    fn source(&self) -> Arc<dyn RequestSource> {
        Arc::new(self.courier.clone())
    }

    fn sink(&self) -> Arc<dyn ResultSink> {
        Arc::new(self.courier.clone())
    }

    fn rival(&self) -> Arc<dyn ResultSink> {
        Arc::new(self.rival.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock)
    }

    async fn inject(&self, fault: Fault, times: u32) -> Result<(), Trouble> {
        self.proxy.inject(fault, times);
        Ok(())
    }

    async fn ask(&self, callback: Callback, seconds: u64) -> Result<(), Trouble> {
        let deadline = self.time().await? + 1 + seconds;
        let calldata = self.request(callback, deadline);
        self.act(Some(&self.consumer), calldata, ESCROW).await.map(drop)
    }

    async fn publish(&self, envelope: &[u8]) -> Result<Account, Trouble> {
        let receipt = self.act(None, publisher(envelope), Amount(0)).await?;
        receipt.contract.ok_or_else(|| Trouble("no publisher".into()))
    }

    async fn refund(&self, number: u64) -> Result<(), Trouble> {
        let calldata = crate::abi::Sotto::refundCall { id: number }.abi_encode();
        self.act(Some(&self.sotto), calldata, Amount(0)).await.map(drop)
    }

    async fn advance(&self, blocks: u64, seconds: u64) -> Result<(), Trouble> {
        let share = (seconds / blocks).max(1);
        let rest = seconds.saturating_sub(share * blocks);
        for block in 0..blocks {
            mine(&self.rpc, share + if block == 0 { rest } else { 0 }).await?;
        }
        Ok(())
    }

    async fn reorg(&self, depth: u64) -> Result<(), Trouble> {
        let before = self.rpc.header("latest").await.map_err(trouble)?.unwrap().block();
        let _: Value = self.rpc.ask("anvil_reorg", (depth, [(); 0])).await.map_err(trouble)?;
        let tag = number(before.height);
        let after = self.rpc.header(&tag).await.map_err(trouble)?.map(|header| header.block());
        match after {
            Some(after) if after.hash != before.hash => Ok(()),
            after => Err(Trouble(format!("reorganised {before:?} into {after:?}"))),
        }
    }
}
