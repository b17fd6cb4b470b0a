//! What an app imports: the types of a call, the macro that makes a function an app, Solidity
//! words, and (feature `http`) HTTPS to the hosts of the app's manifest.
//!
//! What is not here: a clock, chance, files, an environment. An app is given its [`Call`] and
//! nothing else, which is why two honest machines give the same answer.
//!
//! # A whole app
//! ```
//! use sotto_guest::Call;
//!
//! fn run(call: Call) -> Result<Vec<u8>, String> {
//!     Ok([b"hello, ", call.payload.as_slice()].concat())
//! }
//! sotto_guest::function!(run);
//!
//! // It is plain Rust, so it is tested like plain Rust:
//! let call = Call { payload: b"world".to_vec(), ..Call::default() };
//! assert_eq!(run(call), Ok(b"hello, world".to_vec()));
//! ```
//! In `Cargo.toml` the package is a `cdylib`; beside it stands a `sotto.toml`, the manifest:
//! ```toml
//! name = "hello"
//! kind = "function"
//! ```
//! `sotto build` makes it a component, `sotto deploy` puts it on the network.
//!
//! # An answer a contract can read
//! ```
//! use sotto_guest::{Call, Word};
//!
//! fn run(call: Call) -> Result<Vec<u8>, String> {
//!     let [amount, fee] = Word::exactly(&call.payload).map_err(|e| e.to_string())?;
//!     // abi.encode(address, uint256): words behind one another
//!     Ok(Word::concat(&[Word(call.caller), Word::from(amount.to_u128().unwrap_or(0))]))
//! }
//! # let payload = Word::concat(&[Word::from(5_u64), Word::from(1_u64)]);
//! # assert_eq!(run(Call { payload, ..Call::default() }).unwrap()[63], 5);
//! ```
#![deny(unsafe_code)]
#![warn(missing_docs)]
#![deny(clippy::unwrap_used, clippy::expect_used)]

// The bindings name this crate as an app does.
extern crate self as sotto_guest;

mod call;
#[cfg(feature = "http")]
mod http;
mod word;

pub use call::{Call, Submission};
#[cfg(feature = "http")]
pub use http::{FetchError, MAX_RESPONSE, Method, Response, fetch, fetch_at_most};
pub use word::{Word, WordsError};

/// Makes a function the app: `fn run(call: Call) -> Result<Vec<u8>, String>`.
///
/// An `Err` is the app's own sentence and reaches the requester; a panic is a trap and reaches it
/// only as such. Outside WebAssembly the macro only checks the function's type, so the same crate's
/// tests run natively.
#[macro_export]
macro_rules! function {
    ($run:path) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn(
            $crate::Call,
        ) -> ::core::result::Result<::std::vec::Vec<u8>, ::std::string::String> = $run;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct App;
            impl $crate::bindings::Guest for App {
                fn run(
                    call: $crate::bindings::sotto::app::types::Call,
                ) -> ::core::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                    let run: fn(
                        $crate::Call,
                    ) -> ::core::result::Result<
                        ::std::vec::Vec<u8>,
                        ::std::string::String,
                    > = $run;
                    run($crate::Call::from(call))
                }
            }
    $crate::bindings::export!(App with_types_in $crate::bindings);
        };
    };
}

/// The bindings of `wit/`, made by wit-bindgen. For [`function!`] alone.
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, clippy::all, reason = "written by wit-bindgen")]
pub mod bindings {
    #[cfg(not(feature = "http"))]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "function",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "sotto_guest::bindings",
        runtime_path: "sotto_guest::wit_bindgen::rt",
        generate_all,
    });
    #[cfg(feature = "http")]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "function-http",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "sotto_guest::bindings",
        runtime_path: "sotto_guest::wit_bindgen::rt",
        generate_all,
    });
}

#[doc(hidden)]
pub use wit_bindgen;
