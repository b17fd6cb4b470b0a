//! The same call gives the same bytes and burns the same fuel.

use super::written::{answering, app};
use super::{RUNTIME, built, function, limits, runtime, saying};
use crate::{Answer, App, Call, CallError, Limits, Submission, World};

async fn run(app: &App, call: &Call) -> Answer {
    app.call(call, &limits(), None).await.unwrap()
}

#[tokio::test]
async fn a_known_guest_burns_exactly_this_much() {
    // Pinned with the cost table's version: a figure that moves is a new version of the table.
    // Entering a function is one. The empty answer: three stores of three operators and a
    // constant, 11; and `realloc`, nine operators, for each of the call's five lists, 50.
    // Filling 16 bytes: three operands, the operator, a unit a byte. A thousand turns of seven
    // operators, of which the branch's own loop costs nothing. A page: 255; two operators.
    let plain = function(&app(1, "", &answering(0, 0, 0)));
    let empty = run(&plain, &saying(b"")).await.fuel_used;
    let filled =
        format!("(memory.fill (i32.const 64) (i32.const 1) (i32.const 16)) {}", answering(0, 0, 0));
    let filled = run(&function(&app(1, "", &filled)), &saying(b"")).await.fuel_used;
    let counted = format!(
        "(local $n i32)
         (loop $again
           (br_if $again (i32.lt_u
             (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
         {}",
        answering(0, 0, 0)
    );
    let counted = run(&function(&app(1, "", &counted)), &saying(b"")).await.fuel_used;
    let grown = format!("(drop (memory.grow (i32.const 4))) {}", answering(0, 0, 0));
    let grown = run(&function(&app(1, "", &grown)), &saying(b"")).await.fuel_used;
    assert_eq!((empty, filled - empty, counted - empty, grown - empty), (61, 20, 7000, 1022));
}

#[tokio::test]
async fn the_same_call_twice_and_on_another_runtime() {
    let bid = |n: u8, amount: u8| {
        let mut content = vec![0; 32];
        content[31] = amount;
        Submission { submitter: [n; 32], content: Some(content) }
    };
    let mut payload = vec![0; 64];
    (payload[31], payload[63]) = (1, 200);
    let submissions = vec![bid(1, 30), bid(2, 70), bid(3, 50)];
    let call = Call { payload, submissions, ..Call::default() };
    let here = function(&built::AUCTION);
    let there = runtime(None).load(&built::AUCTION, World::Function).unwrap();
    let first = run(&here, &call).await;
    assert!(first.fuel_used > 100, "{first:?}");
    for app in [&here, &there] {
        for _ in 0..3 {
            let again = run(app, &call).await;
            assert_eq!((again.fuel_used, &again.output), (first.fuel_used, &first.output));
        }
    }
}

#[tokio::test]
async fn fuel_is_exact_at_its_edge() {
    let app = function(&built::HELLO);
    let needed = run(&app, &saying(b"world")).await.fuel_used;
    let just = Limits { fuel: needed, ..limits() };
    let answer = app.call(&saying(b"world"), &just, None).await.unwrap();
    assert_eq!(answer.fuel_used, needed);
    let short = Limits { fuel: needed - 1, ..limits() };
    let error = app.call(&saying(b"world"), &short, None).await.unwrap_err();
    assert_eq!(error, CallError::OutOfFuel { limit: needed - 1 });
}

#[tokio::test]
async fn there_is_one_nan() {
    // A signalling NaN with a payload, added to one: the processor would keep the payload.
    let body = format!(
        "(f64.store (i32.const 64) (f64.add (f64.load (i32.const 128)) (f64.const 1))) {}",
        answering(0, 64, 8)
    );
    let nan = r#"(data (i32.const 128) "\23\01\00\00\00\00\f4\7f")"#;
    let answer = run(&function(&app(1, nan, &body)), &saying(b"")).await;
    assert_eq!(answer.output, 0x7ff8_0000_0000_0000_u64.to_le_bytes());
}

#[test]
fn the_engine_is_the_one_it_says() {
    let lock = include_str!("../../../../Cargo.lock");
    let (name, version) = crate::ENGINE_VERSION.split_once(' ').unwrap();
    assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")));
}

#[test]
fn apps_ready_are_found_and_the_oldest_gives_way() {
    let pool = crate::PoolSizes { instances: 1, apps: 2, ..crate::PoolSizes::default() };
    let runtime = crate::Runtime::new(crate::Config { pool, cache: None }).unwrap();
    let load = |n: u32| runtime.load(&app(1, "", &format!("i32.const {n}")), World::Function);
    let codes: Vec<_> = (0..3).map(|n| load(n).unwrap().code()).collect();
    assert!(runtime.app(&codes[0], World::Function).is_none());
    assert!(runtime.app(&codes[1], World::Function).is_some());
    assert!(runtime.app(&codes[1], World::FunctionHttp).is_none());
    assert!(RUNTIME.app(&codes[1], World::Function).is_none());
    // The one asked for last stays.
    load(0).unwrap();
    assert!(runtime.app(&codes[2], World::Function).is_none());
    assert!(runtime.app(&codes[1], World::Function).is_some());
}
