//! Whatever an app does, its caller gets a typed error and the calls beside it go on.

use std::time::{Duration, Instant};

use super::written::{RUN, answering, app, component, importing};
use super::{RUNTIME, built, function, limits, saying};
use crate::{CallError, Limits, LoadError, MAX_COMPONENT, TrapKind, World};

/// Runs the app on a single thread, a good call beside it over and over until it ends: on that
/// thread an app that never lets go would starve them.
fn beside_a_good_call(component: &[u8], limits: &Limits) -> CallError {
    let bad = function(component);
    let good = function(&built::HELLO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (call, usual) = (saying(b"world"), super::limits());
        let mut bad = std::pin::pin!(bad.call(&call, limits, None));
        let mut served = 0;
        let error = loop {
            let good = good.call(&call, &usual, None);
            tokio::select! {
                biased;
                ended = &mut bad => break ended.unwrap_err(),
                answer = good => {
                    assert_eq!(answer.unwrap().output, b"hello, world");
                    served += 1;
                    tokio::task::yield_now().await;
                }
            }
        };
        // Some end before anyone else has a turn; after them the next call is served too.
        let after = good.call(&call, &usual, None).await.unwrap();
        assert_eq!(after.output, b"hello, world");
        if matches!(error, CallError::OutOfTime { .. }) {
            assert!(served > 10, "{served} served");
        }
        error
    })
}

#[test]
fn a_trap_is_named() {
    for (body, kind) in [
        ("unreachable", TrapKind::Unreachable),
        ("(i32.div_u (i32.const 1) (i32.const 0))", TrapKind::DivisionByZero),
        ("(i32.div_s (i32.const 0x80000000) (i32.const -1))", TrapKind::IntegerOverflow),
        ("(i32.load (i32.const -8))", TrapKind::MemoryOutOfBounds),
        ("(i32.trunc_f32_s (f32.const nan))", TrapKind::BadConversion),
    ] {
        let error = beside_a_good_call(&app(1, "", body), &limits());
        assert_eq!(error, CallError::Trap(kind), "{body}");
    }
    let table = "(type $none (func)) (table 1 funcref)";
    let body = "(call_indirect (type $none) (i32.const 0)) i32.const 0";
    let error = beside_a_good_call(&app(1, table, body), &limits());
    assert_eq!(error, CallError::Trap(TrapKind::IndirectCall));
}

const FOREVER: &str = "(loop $again (br $again)) i32.const 0";

#[test]
fn an_endless_loop_ends_with_its_fuel() {
    let error = beside_a_good_call(&app(1, "", FOREVER), &limits());
    assert_eq!(error, CallError::OutOfFuel { limit: 100_000_000 });
}

#[test]
fn an_endless_loop_with_fuel_for_ever_ends_with_its_time() {
    let time = Duration::from_millis(300);
    let endless = Limits { fuel: u64::MAX / 2, time, ..limits() };
    let start = Instant::now();
    let error = beside_a_good_call(&app(1, "", FOREVER), &endless);
    assert_eq!(error, CallError::OutOfTime { limit: time });
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn an_app_that_never_finishes_starting_ends_too() {
    let start = "(func $forever (loop $again (br $again))) (start $forever)";
    let error = beside_a_good_call(&app(1, start, "i32.const 0"), &limits());
    assert_eq!(error, CallError::OutOfFuel { limit: 100_000_000 });
}

#[test]
fn work_in_bulk_is_paid_by_the_byte() {
    // 16 MiB at a time: at one unit an instruction this would run for hours.
    let body = "(loop $again
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $again)) i32.const 0";
    let start = Instant::now();
    let error = beside_a_good_call(&app(256, "", body), &limits());
    assert_eq!(error, CallError::OutOfFuel { limit: 100_000_000 });
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn endless_allocation_traps_at_the_limit() {
    let body = "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) i32.const 0";
    let error = beside_a_good_call(&app(1, "", body), &limits());
    assert_eq!(error, CallError::OutOfMemory { limit: 32 << 20 });
    // The slot of the pool is a limit too, whatever the caller allows.
    let generous = Limits { memory_bytes: u64::MAX, ..limits() };
    let error = beside_a_good_call(&app(1, "", body), &generous);
    assert_eq!(error, CallError::OutOfMemory { limit: 256 << 20 });
}

#[test]
fn a_memory_too_large_from_the_start_is_refused() {
    let error = beside_a_good_call(&app(1024, "", "i32.const 0"), &limits());
    assert_eq!(error, CallError::OutOfMemory { limit: 32 << 20 });
}

#[test]
fn all_memories_of_an_app_count_together() {
    // Two instances of one module, each below the limit alone.
    let two = component(
        "",
        &format!(
            r#"(core module $other (memory 300))
            (core instance (instantiate $other))
            (core module $m
              (memory (export "memory") 300)
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
              (func (export "run")
                (param i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            {RUN}"#
        ),
    );
    let error = beside_a_good_call(&two, &limits());
    assert_eq!(error, CallError::OutOfMemory { limit: 32 << 20 });
}

#[test]
fn a_hundred_megabytes_are_refused_before_they_are_copied() {
    let roomy = Limits { memory_bytes: 256 << 20, ..limits() };
    let before = peak_memory();
    for bytes in [100_000_000, 260_000_000] {
        let huge = app(4000, "", &answering(0, 0, bytes));
        let error = beside_a_good_call(&huge, &roomy);
        assert_eq!(error, CallError::OutputTooLarge { limit: 4096 });
    }
    // The other tests of this process have their memory too; a copy alone would be more.
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 200 << 20, "{grown} bytes more at the peak");
}

/// The most memory this process ever had resident, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok());
    kib.unwrap_or(0_u64) << 10
}

#[test]
fn an_answer_one_byte_too_long_is_refused_and_the_longest_is_not() {
    let long = function(&app(1, "", &answering(0, 0, 4096)));
    let error = beside_a_good_call(&app(1, "", &answering(0, 0, 4097)), &limits());
    assert_eq!(error, CallError::OutputTooLarge { limit: 4096 });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let answer = runtime.block_on(long.call(&saying(b""), &limits(), None)).unwrap();
    assert_eq!(answer.output.len(), 4096);
}

#[test]
fn the_apps_own_error_comes_through_and_is_bounded() {
    let data = r#"(data (i32.const 64) "no bids")"#;
    let error = beside_a_good_call(&app(1, data, &answering(1, 64, 7)), &limits());
    assert_eq!(error, CallError::App("no bids".to_owned()));
    let error = beside_a_good_call(&app(1, "", &answering(1, 32768, 3000)), &limits());
    assert_eq!(error, CallError::App("\0".repeat(1024)));
}

#[test]
fn a_broken_interface_is_the_apps_fault() {
    for (what, body) in [
        ("a list outside its memory", answering(0, 65_000, 2000)),
        ("a string that is no utf-8", {
            format!("(i32.store8 (i32.const 64) (i32.const 255)) {}", answering(1, 64, 1))
        }),
        ("neither ok nor error", answering(7, 0, 0)),
        ("an answer outside its memory", "i32.const 70000".to_owned()),
    ] {
        let error = beside_a_good_call(&app(1, "", &body), &limits());
        let fault = matches!(error, CallError::Interface(_) | CallError::Trap(_));
        assert!(fault, "{what}: {error:?}");
    }
}

#[test]
fn a_stack_overflow_is_a_trap() {
    let deep = "(func $deep (param i32) (result i32)
        (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))";
    let body = "(call $deep (i32.const 0))";
    let error = beside_a_good_call(&app(1, deep, body), &limits());
    assert_eq!(error, CallError::Trap(TrapKind::StackOverflow));
}

fn refused(component: &[u8], world: World) -> LoadError {
    RUNTIME.load(component, world).unwrap_err()
}

#[test]
fn an_import_outside_its_world_is_named() {
    let foreign = |name: &str| LoadError::Import { name: name.to_owned() };
    let random = r#"(import "wasi:random/random@0.2.12" (instance
        (export "get-random-u64" (func (result u64)))))"#;
    for world in [World::Function, World::FunctionHttp] {
        assert_eq!(refused(&importing(random), world), foreign("wasi:random/random@0.2.12"));
    }
    let clock = r#"(import "wasi:clocks/monotonic-clock@0.2.12" (instance
        (export "now" (func (result u64)))))"#;
    let name = "wasi:clocks/monotonic-clock@0.2.12/now";
    assert_eq!(refused(&importing(clock), World::FunctionHttp), foreign(name));
    let loose = r#"(import "print" (func (param "text" string)))"#;
    assert_eq!(refused(&importing(loose), World::Function), foreign("print"));
}

#[test]
fn a_function_without_hosts_finds_no_http() {
    let error = refused(&built::ORACLE, World::Function);
    let LoadError::Import { name } = error else { panic!("{error:?}") };
    assert!(name.starts_with("wasi:"), "{name}");
    assert!(RUNTIME.load(&built::ORACLE, World::FunctionHttp).is_ok());
}

#[test]
fn a_run_of_another_type_is_refused() {
    let wrong = wat::parse_str(
        r#"(component (core module $m (func (export "run") (param i32) (result i32) local.get 0))
           (core instance $i (instantiate $m))
           (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))"#,
    )
    .unwrap();
    let error = refused(&wrong, World::Function);
    assert!(matches!(&error, LoadError::WrongType(why) if why.starts_with("run:")), "{error:?}");
    let none = wat::parse_str("(component)").unwrap();
    assert_eq!(refused(&none, World::Function), LoadError::NoRun);
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    for bytes in [b"".as_slice(), b"hello", &module, &built::HELLO[..1000], b"(component)"] {
        let error = refused(bytes, World::Function);
        assert!(matches!(error, LoadError::Invalid(_)), "{error:?}");
    }
    let size = MAX_COMPONENT + 1;
    let error = refused(&vec![0; size], World::Function);
    assert_eq!(error, LoadError::TooLarge { size, limit: MAX_COMPONENT });
}

#[test]
fn features_where_honest_runs_could_part_are_refused() {
    for (feature, more) in [
        ("shared memory", "(memory $shared 1 1 shared)"),
        ("a second memory", "(memory $second 1)"),
        ("64-bit memory", "(table i64 1 funcref)"),
        ("garbage collection", "(type $s (struct (field i32)))"),
        ("exceptions", "(tag $e)"),
        ("tail calls", "(func $t (return_call $t))"),
    ] {
        let error = refused(&app(1, more, "i32.const 0"), World::Function);
        assert!(matches!(error, LoadError::Invalid(_)), "{feature}: {error:?}");
    }
}

#[test]
fn more_calls_than_slots_wait_for_their_turn() {
    let app = function(&built::HELLO);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let calls: Vec<_> = (0..200_u32)
            .map(|n| {
                let app = app.clone();
                tokio::spawn(async move {
                    let call = saying(n.to_string().as_bytes());
                    let answer = app.call(&call, &limits(), None).await.unwrap();
                    assert_eq!(answer.output, format!("hello, {n}").as_bytes());
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    });
}

#[test]
fn an_instance_remembers_nothing() {
    // Counts its runs in its memory: each is the first.
    let body = format!(
        "(i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (i32.const 1))) {}",
        answering(0, 64, 1)
    );
    let app = function(&app(1, "", &body));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..20 {
        let answer = runtime.block_on(app.call(&saying(b""), &limits(), None)).unwrap();
        assert_eq!(answer.output, [1]);
    }
}
