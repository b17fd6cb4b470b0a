//! What strangers hand in to be run, and what an app is given: components, and Solidity's words. A
//! component is refused, or each call of it ends the same way twice and leaves the next app be.

use crate::Reached;
use sotto_guest::Word;
use sotto_runtime::{
    Answer, App, Call, CallError, Config, Limits, LoadError, PoolSizes, Runtime, World,
};
use std::sync::LazyLock;
use std::time::Duration;

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let pool = PoolSizes { instances: 4, memory_bytes: 32 << 20, apps: 4 };
    let runtime = Runtime::new(Config { pool, cache: None }).unwrap();
    let good = runtime.load(&app("", &answering(0, 16, 4)), World::Function).unwrap();
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    Stage { runtime, good, clock: std::sync::Mutex::new(clock) }
});

struct Stage {
    runtime: Runtime,
    /// An app that answers four bytes.
    good: App,
    clock: std::sync::Mutex<tokio::runtime::Runtime>,
}

impl Stage {
    fn call(&self, app: &App) -> Result<Answer, CallError> {
        let limits = Limits {
            fuel: 200_000,
            memory_bytes: 16 << 20,
            // Fuel ends before: time differs between machines.
            time: Duration::from_secs(20),
            output_bytes: 4096,
        };
        let call = Call { payload: b"payload".to_vec(), time: 7, ..Call::default() };
        let clock = self.clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        clock.block_on(app.call(&call, &limits, None))
    }
}

/// A component that somebody publishes.
pub fn component(bytes: &[u8]) -> Reached {
    let stage = &*STAGE;
    let app = match stage.runtime.load(bytes, World::Function) {
        Ok(app) => app,
        Err(why) => {
            assert!(!matches!(why, LoadError::Host(_)), "the machine's fault: {why}");
            assert!(why.to_string().len() <= 2048, "a long refusal");
            return Reached::Refused;
        }
    };
    let first = stage.call(&app);
    assert!(!matches!(first, Err(CallError::Host(_))), "the machine's fault: {first:?}");
    assert_eq!(stage.call(&app), first, "two runs differ");
    if let Ok(answer) = &first {
        assert!(answer.output.len() <= 4096 && answer.fuel_used <= 200_000);
    }
    let next = stage.call(&stage.good).map(|answer| answer.output);
    assert_eq!(next, Ok(b"pong".to_vec()), "the next app feels it");
    Reached::Taken
}

/// The types every app imports, and `$call` among them.
const TYPES: &str = r#"
  (import "sotto:app/types@0.1.0" (instance $types
    (type $s (record (field "submitter" (list u8)) (field "content" (option (list u8)))))
    (export "submission" (type $submission (eq $s)))
    (type $c (record (field "chain" (list u8)) (field "caller" (list u8))
      (field "context" (list u8)) (field "time" u64) (field "payload" (list u8))
      (field "submissions" (list $submission))))
    (export "call" (type (eq $c)))))
  (alias export $types "call" (type $call))
"#;

/// An app whose `run` has this body: it has a call's eleven flat parameters and gives the address
/// of its answer. `more` are further fields of the module.
fn app(more: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {TYPES}
          (core module $m
            (memory (export "memory") 1)
            (data (i32.const 16) "pong")
            (global $free (mut i32) (i32.const 4096))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
              global.get $free
              (global.set $free (i32.and (i32.const -8)
                (i32.add (i32.const 7) (i32.add (global.get $free) (local.get 3))))))
            {more}
            (func $run (export "run")
              (param i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) {body}))
          (core instance $i (instantiate $m))
          (func (export "run") (param "call" $call) (result (result (list u8) (error string)))
            (canon lift (core func $i "run") (memory (core memory $i "memory"))
              (realloc (core func $i "realloc")))))"#
    );
    wat::parse_str(text).unwrap()
}

/// The body of a `run` that answers `ok`, or its error if `discriminant` is 1, with `length` bytes
/// at `address`.
fn answering(discriminant: u32, address: u32, length: u32) -> String {
    format!(
        "(i32.store8 (i32.const 0) (i32.const {discriminant}))
         (i32.store (i32.const 4) (i32.const {address}))
         (i32.store (i32.const 8) (i32.const {length}))
         i32.const 0"
    )
}

pub(crate) fn component_seeds() -> Vec<Vec<u8>> {
    let echo = "(i32.store8 (i32.const 0) (i32.const 0))
        (i32.store (i32.const 4) (local.get 7)) (i32.store (i32.const 8) (local.get 8)) i32.const 0";
    vec![
        app("", &answering(0, 16, 4)),
        app("", echo),
        app("", &answering(1, 16, 4)),
        app("", &answering(0, 60_000, 60_000)),
        app("", &answering(7, 16, 4)),
        app("", "(loop $again (br $again)) unreachable"),
        app("", "unreachable"),
        app("", "(drop (memory.grow (i32.const 10000))) i32.const 0"),
        app("(func $deep (call $deep))", "call $deep i32.const 0"),
        app(
            "(table 4 funcref) (elem (i32.const 1) $f) (func $f (result i32) i32.const 0)",
            "(call_indirect (result i32) (i32.const 1))",
        ),
        app(
            "",
            "(drop (f32x4.add (f32x4.splat (f32.const nan)) (f32x4.splat (f32.const 1)))) i32.const 0",
        ),
        wat::parse_str("(component)").unwrap(),
        wat::parse_str("(module (func (export \"run\")))").unwrap(),
    ]
}

/// The bytes of an answer or a payload as Solidity's words.
pub fn words(bytes: &[u8]) -> Reached {
    let whole = bytes.len().is_multiple_of(32);
    let read = [
        Word::exactly::<0>(bytes).map(|words| words.to_vec()),
        Word::exactly::<1>(bytes).map(|words| words.to_vec()),
        Word::exactly::<2>(bytes).map(|words| words.to_vec()),
        Word::exactly::<5>(bytes).map(|words| words.to_vec()),
    ];
    for (count, words) in [0, 1, 2, 5].into_iter().zip(read) {
        assert_eq!(words.is_ok(), bytes.len() == 32 * count, "{words:?}");
        match words {
            Ok(words) => assert_eq!(Word::concat(&words), bytes),
            Err(why) => drop(why.to_string()),
        }
    }
    assert_eq!(Word::new(bytes).is_some(), bytes.len() == 32);
    for word in bytes.as_chunks::<32>().0.iter().map(|word| Word(*word)) {
        if let Some(number) = word.to_u128() {
            assert_eq!(Word::from(number), word);
        }
        if let Some(address) = word.to_address() {
            assert_eq!(Word::address(address), word);
        }
        assert_eq!(word.to_u128().is_some(), word <= Word::from(u128::MAX));
    }
    if whole && !bytes.is_empty() { Reached::Taken } else { Reached::Refused }
}

pub(crate) fn word_seeds() -> Vec<Vec<u8>> {
    let words = [
        Word::from(7_u64),
        Word::from(u128::MAX),
        Word::address([0xab; 20]),
        Word([0xff; 32]),
        Word::ZERO,
    ];
    (0..=words.len()).map(|count| Word::concat(&words[..count])).collect()
}
