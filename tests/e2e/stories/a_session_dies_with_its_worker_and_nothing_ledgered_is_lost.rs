use crate::stage::{Network, json};
use anyhow::{Context as _, Result, bail, ensure};
use rand::rngs::OsRng;
use sotto_client::{ClientError, DirectAnswer, Gateway, Heard, Network as Root};
use sotto_types::{AppId, SessionRefused, Wire as _};
use std::path::Path;
use std::time::{Duration, Instant};

const CALLS: u64 = 100;
const PATIENCE: Duration = Duration::from_secs(60);

fn deploy(network: &Network, folder: &Path) -> Result<AppId> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello");
    let owner = folder.join("owner.key").to_string_lossy().into_owned();
    let folder = folder.to_string_lossy().into_owned();
    let gateway = network.gateway();
    let at = ["--gateway", &gateway, "--folder", &folder, "--json"];
    let deployed = json(&[&["deploy", example, "--owner", &owner][..], &at].concat())?;
    Ok(deployed["app"].as_str().context("no app")?.parse()?)
}

fn root(folder: &Path) -> Result<Root> {
    Ok(Root::from_genesis(&std::fs::read(folder.join("genesis"))?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_an_open_session() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &["--epoch", "100000"]);
    let mut up = network.up("error")?;
    let app = deploy(&network, folder.path())?;
    let root = root(folder.path())?;
    let gateway = Gateway::new(&network.gateway())?;

    // Opened by hand, so that its very bytes can be sent again.
    gateway.direct(&root, &app, PATIENCE, &mut OsRng).await?.bye().await?;
    let seat = gateway.seat(&root, &app).await?;
    let (mut session, opening) = root.open_session(&seat, &mut OsRng)?;
    let welcome = session.finish(gateway.carry(opening.clone()).await?)?;
    ensure!(welcome == Heard::Welcome, "{welcome:?}");
    let mut answers = Vec::new();
    for number in 0..CALLS {
        let request = session.call(number.to_string().into_bytes())?;
        let Heard::Answer(answer) = session.finish(gateway.carry(request).await?)? else {
            bail!("no answer to call {number}")
        };
        let expected = format!("hello, {number}").into_bytes();
        assert_eq!(answer.outcome, Ok(expected));
        assert_eq!(answer.receipt.call, number + 1);
        answers.push(*answer);
    }
    // Taken once.
    let again = session.finish(gateway.carry(opening.clone()).await?);
    assert_eq!(again, Err(ClientError::Session(SessionRefused::Seen)));

    // Every receipt comes into the ledger; the last one waited for, the others are there too.
    let last = answers.last().context("no answers")?;
    let mut bundles = vec![gateway.prove(&root, last, PATIENCE).await?.encode()];
    for answer in &answers {
        bundles.push(answer.proved(gateway.leaf(answer).await?).encode());
    }
    // Some whose root is not there yet, and the process is gone.
    let mut late = Vec::new();
    for number in 0..10 {
        let request = session.call(vec![number])?;
        let Heard::Answer(answer) = session.finish(gateway.carry(request).await?)? else {
            bail!("no answer to late call {number}")
        };
        late.push(*answer);
    }
    up.process.kill();
    for bundle in &bundles {
        // Offline, from the genesis alone.
        let checked = root.check_session_receipt(bundle)?;
        assert_eq!(checked.receipt.session, session.id());
    }

    let up = network.up("error")?;
    // The old opening and the old session are nothing to the new process.
    let old = session.finish(gateway.carry(opening).await?);
    let Err(ClientError::Session(SessionRefused::OtherBoot { now })) = old else {
        bail!("the old opening got {old:?}")
    };
    assert_ne!(now, seat.boot);
    let request = session.call(b"still there?".to_vec())?;
    let old = session.finish(gateway.carry(request).await?);
    assert_eq!(old, Err(ClientError::Session(SessionRefused::NoSession)));
    // A new one works, at the new process's seat, and is proved as well.
    let mut new = gateway.direct(&root, &app, PATIENCE, &mut OsRng).await?;
    assert_eq!(new.session().seat().boot, now);
    let answer = new.call("again").await?;
    assert_eq!(answer.outcome.as_deref(), Ok(&b"hello, again"[..]));
    gateway.prove(&root, &answer, PATIENCE).await?;
    // What was ledgered is proved as before; what was not is gone, and nobody says otherwise.
    for answer in &answers {
        let bundle = answer.proved(gateway.leaf(answer).await?).encode();
        root.check_session_receipt(&bundle)?;
    }
    for answer in &late {
        ensure!(is_proved_or_gone(&gateway, &root, answer).await?, "neither proved nor gone");
    }
    drop(up);
    Ok(())
}

async fn is_proved_or_gone(gateway: &Gateway, root: &Root, answer: &DirectAnswer) -> Result<bool> {
    match gateway.leaf(answer).await {
        Ok(proof) => {
            root.check_session_receipt(&answer.proved(proof).encode())?;
            Ok(true)
        }
        Err(ClientError::Gateway { status: 404, .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_turn_of_epochs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &["--epoch", "10"]);
    let _up = network.up("error")?;
    let app = deploy(&network, folder.path())?;
    let root = root(folder.path())?;
    let gateway = Gateway::new(&network.gateway())?;
    let mut session = gateway.direct(&root, &app, PATIENCE, &mut OsRng).await?;
    let until = Instant::now() + PATIENCE;
    let mut turns = 0;
    while turns < 2 {
        ensure!(Instant::now() < until, "{turns} turns in {PATIENCE:?}");
        match session.call("you").await {
            Ok(answer) => assert_eq!(answer.outcome.as_deref(), Ok(&b"hello, you"[..])),
            Err(ClientError::Session(SessionRefused::OtherEpoch { now })) => {
                assert!(now > session.session().seat().epoch);
                turns += 1;
                session = gateway.direct(&root, &app, PATIENCE, &mut OsRng).await?;
            }
            Err(error) => bail!(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
