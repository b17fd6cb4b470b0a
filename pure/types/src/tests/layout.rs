//! Byte layouts and hashes against values worked out apart from this code.

use super::samples;
use crate::*;

fn unhex(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

const NUMBER: u64 = 0x0102_0304_0506_0708;

#[test]
fn ids_read_what_they_show() {
    let hash = Hash::of(b"");
    let text = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse(), Ok(hash));
    assert_eq!(text[2..].parse(), Ok(hash));
    assert_eq!(text[2..].to_uppercase().parse(), Ok(hash));
    assert_eq!(format!("{hash:?}"), "Hash(e3b0c44298fc)");
    assert_eq!(text.parse::<AppId>().unwrap().bytes(), hash.bytes());
    let wrong = [
        "",
        "0x",
        "e3b0",
        &text[..65],
        &format!("{text}00"),
        &format!("0x{text}"),
        &text.replace('e', "g"),
        &format!(" {text}"),
        &format!("{text}\n"),
        &format!("0X{}", &text[2..]),
        &"€".repeat(32),
    ];
    for wrong in wrong {
        let shown: String = wrong.chars().take(80).collect();
        let refused = wrong.parse::<Hash>().unwrap_err();
        assert_eq!(refused.to_string(), format!("not 32 bytes of hexadecimal: {shown}"));
    }
}

#[test]
fn accounts_are_addresses_or_not() {
    let account = Account::from_address([0xab; 20]);
    assert_eq!(account.0[..12], [0; 12]);
    assert_eq!(account.address(), Some([0xab; 20]));
    assert_eq!(Account::default().address(), Some([0; 20]));
    for byte in 0..12 {
        let mut other = account;
        other.0[byte] = 1;
        assert_eq!(other.address(), None, "byte {byte}");
    }
}

#[test]
fn names_made_of_hashes() {
    let chain = ChainId::from_caip2("eip155:31337");
    let known = "45a5ca732e3d5032109433011882d5c2b500c482a1e92340413cb305f8468761";
    assert_eq!(chain.0, unhex(known));
    let contract = Account::from_address([0x77; 20]);
    let known = "e9836a8fea796dee428b43c542be08695435bac630861de2a979084c37d2bb0d";
    assert_eq!(RequestId::new(&chain, &contract, NUMBER).0, unhex(known));
    let mut key = [0x88; 33];
    key[0] = 2;
    let known = "3a41592c90ae44e50af69fd38331409586b7e091ae9be306aa2230d214035963";
    assert_eq!(NodeId::of_key(&key).0, unhex(known));
}

#[test]
fn identities_and_contexts() {
    assert_eq!(hex::encode(Identity::Epoch(Epoch(NUMBER)).bytes()), "010102030405060708");
    let chain = ChainId::from_caip2("eip155:31337");
    let (contract, consumer) =
        (Account::from_address([0x77; 20]), Account::from_address([0x44; 20]));
    let context = ContextId::new(&chain, &contract, &consumer, &Context([0x66; 32]));
    let known = "76a51ca4aa155f611a88350057177a6e30ccb5b3894bd1116d4f59780fb767ad";
    assert_eq!(hex::encode(context.0), known);
    assert_eq!(hex::encode(Identity::Context(context).bytes()), format!("02{known}"));
    // Two accounts are not taken for each other.
    let swapped = ContextId::new(&chain, &consumer, &contract, &Context([0x66; 32]));
    assert_ne!(swapped, context);
    assert_eq!(KeyPath::Request.bytes(), b"request");
    assert_eq!(KeyPath::Result.bytes(), b"result");
}

#[test]
fn associated_data_is_212_bytes() {
    let aad = Aad {
        network: NetworkId([0x11; 32]),
        app: AppId([0x22; 32]),
        generation: Generation(NUMBER),
        chain: ChainId([0x33; 32]),
        consumer: Account::from_address([0x44; 20]),
        submitter: Account::from_address([0x55; 20]),
        context: Context([0x66; 32]),
    };
    let zeros = "00".repeat(12);
    let known = [
        "736f74746f2f6161642f7631",
        &"11".repeat(32),
        &"22".repeat(32),
        "0102030405060708",
        &"33".repeat(32),
        &zeros,
        &"44".repeat(20),
        &zeros,
        &"55".repeat(20),
        &"66".repeat(32),
    ];
    assert_eq!(hex::encode(aad.bytes()), known.concat());
    assert_eq!(aad.bytes().len(), 212);
}

#[test]
fn what_is_signed() {
    let known = "81ddc8c589c5b485456e9d117ac1b4d48b711988dd2bc824ae6819e0f5ea56a7";
    assert_eq!(samples::certificate().digest(), unhex(known));
    let mut sender = [0x88; 33];
    sender[0] = 3;
    let action = Action::AdmitRelease(Measurement([0x55; 32]));
    let known = "85333e55da2249740511169a9c7a7c1c030d592477aaee5c5fcd0d5a9d3199e2";
    let digest = SignedAction::digest(&NetworkId([0x11; 32]), &sender, 5, &action);
    assert_eq!(digest, unhex(known));
    use crate::wire::Wire as _;
    let receipt = samples::receipt();
    assert_eq!(receipt.digest(), sha256(&[b"sotto/receipt/v1", &receipt.encode()]));
}

#[test]
fn networks_and_apps_are_their_hashes() {
    let mut key = [0x88; 33];
    key[0] = 2;
    let genesis = Genesis {
        kind: NetworkKind::Development,
        name: "dev".into(),
        time: Time(1000),
        members: vec![key],
        vault: [0x99; 96],
        epoch_blocks: 30,
        block_seconds: 1,
        releases: vec![Measurement([0xaa; 32])],
    };
    let known = "38295d3ce08347f456f2c4b8d87ec8f76a6ba075fdcd0ad41f8015c0073561a4";
    assert_eq!(genesis.id().0, unhex(known));
    // The kind is in the id: a network cannot change it and stay the same.
    let value = Genesis { kind: NetworkKind::Value, ..genesis };
    assert_ne!(value.id().0, unhex(known));
    let manifest = Manifest {
        owner: key,
        name: "hello".into(),
        kind: AppKind::Function,
        code: Hash([0x12; 32]),
        hosts: vec!["example.com".into()],
        fuel: Fuel(1_000_000),
        memory_mib: 64,
        seconds: 10,
        holders: 3,
        upgrade: Upgrade::Immutable,
    };
    let known = "3ae088bda5242550770730e8598f97ec9efc49311db73ff94340506288985c97";
    assert_eq!(manifest.id().0, unhex(known));
}

#[test]
fn what_a_request_needs_held() {
    let ask = samples::ask();
    let envelopes = vec![samples::hash(0x25), samples::hash(0x27)];
    assert_eq!(ask.needs(), envelopes);
    let off_chain = Ask { payload: vec![], ..ask.clone() };
    assert_eq!(off_chain.needs(), [envelopes, vec![Hash::of(b"reserve")]].concat());
    let none = Ask { payload: vec![], payload_hash: Hash::of(b""), submissions: vec![], ..ask };
    assert_eq!(none.needs(), vec![]);
    assert_eq!(Assurance::SINGLE.0.to_be_bytes(), [1, 1, 1, 0]);
}

#[test]
fn numbers_do_not_wrap() {
    assert_eq!(Height(u64::MAX).next(), Height(u64::MAX));
    assert_eq!(Height(0).prev(), Height(0));
    assert_eq!(Epoch(4).next().prev(), Epoch(4));
    assert_eq!(Time(u64::MAX - 1).plus(5), Time(u64::MAX));
    assert_eq!(Amount(u128::MAX).checked_add(Amount(1)), None);
    assert_eq!(Amount(1).checked_sub(Amount(2)), None);
    assert_eq!(Amount(3).checked_sub(Amount(2)), Some(Amount(1)));
    assert_eq!([29, 30, 59, 60].map(|h| Height(h).epoch(30).0), [0, 1, 1, 2]);
    assert_eq!(Height(7).epoch(0), Epoch(7));
}
