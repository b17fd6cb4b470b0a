//! Components written by hand, for what no compiler writes.

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
/// of its answer. `more` are further fields of the module, `pages` its memory.
pub(super) fn app(pages: u32, more: &str, body: &str) -> Vec<u8> {
    component(
        "",
        &format!(
            r#"(core module $m
              (memory (export "memory") {pages})
              (global $free (mut i32) (i32.const 4096))
              (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                global.get $free
                (global.set $free (i32.and (i32.const -8)
                  (i32.add (i32.const 7) (i32.add (global.get $free) (local.get 3))))))
              {more}
              (func $run (export "run")
                (param i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) {body}))
            (core instance $i (instantiate $m))
            {RUN}"#
        ),
    )
}

/// `run`, lifted from the core instance `$i`.
pub(super) const RUN: &str = r#"(func (export "run") (param "call" $call)
  (result (result (list u8) (error string)))
  (canon lift (core func $i "run") (memory (core memory $i "memory"))
    (realloc (core func $i "realloc"))))"#;

/// A component with these imports and this inside.
pub(super) fn component(imports: &str, inside: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {TYPES} {imports} {inside})")).unwrap()
}

/// An app like [`app`] that imports something and never uses it.
pub(super) fn importing(import: &str) -> Vec<u8> {
    component(
        import,
        &format!(
            r#"(core module $m
              (memory (export "memory") 1)
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
              (func (export "run")
                (param i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            {RUN}"#
        ),
    )
}

/// The body of a `run` that answers `ok`, or its error if `discriminant` is 1, with `length`
/// bytes at `address`.
pub(super) fn answering(discriminant: u32, address: u32, length: u32) -> String {
    format!(
        "(i32.store8 (i32.const 0) (i32.const {discriminant}))
         (i32.store (i32.const 4) (i32.const {address}))
         (i32.store (i32.const 8) (i32.const {length}))
         i32.const 0"
    )
}
