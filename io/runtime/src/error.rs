//! What goes wrong, told apart by whose fault it is.

use std::time::Duration;

/// Why a component is not taken. Its author's fault, except [`LoadError::Host`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Larger than a component may be, in bytes.
    #[error("the component has {size} bytes, {limit} are taken")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Not a WebAssembly component this engine takes; in the compiler's words.
    #[error("not a component this network runs: {0}")]
    Invalid(String),
    /// Imports what its world does not offer.
    #[error("imports {name}, which its world does not offer")]
    Import {
        /// The import's name.
        name: String,
    },
    /// Exports no function `run`.
    #[error("exports no function `run`")]
    NoRun,
    /// `run`, or something it imports, has another type than its world says.
    #[error("not of its world: {0}")]
    WrongType(String),
    /// This machine could not, whoever's component it is.
    #[error("this machine could not load the component: {0}")]
    Host(String),
}

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The app answered with its own error; at most 1 KiB of it is kept.
    #[error("the app refused: {0}")]
    App(String),
    /// The app crashed.
    #[error("the app trapped: {0}")]
    Trap(TrapKind),
    /// The app broke the component interface: an answer outside its memory, a string that is no
    /// UTF-8, too many open handles.
    #[error("the app broke its interface: {0}")]
    Interface(String),
    /// The app used up its fuel.
    #[error("the app used up its {limit} units of fuel")]
    OutOfFuel {
        /// The fuel it was given.
        limit: u64,
    },
    /// The app asked for more memory than it may have.
    #[error("the app asked for more than its {limit} bytes of memory")]
    OutOfMemory {
        /// The limit in force, in bytes.
        limit: u64,
    },
    /// The app took longer than it may.
    #[error("the app took longer than its {limit:?}")]
    OutOfTime {
        /// The limit.
        limit: Duration,
    },
    /// The answer is larger than it may be. It was refused before it was copied out of the app.
    #[error("the answer is larger than {limit} bytes")]
    OutputTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The app asked for a host that is not on its manifest's list, and failed for it.
    #[error("{host} is not on the manifest's list of hosts; the app said: {said}")]
    EgressRefused {
        /// The first `host[:port]` refused in this call; with its scheme if that is not https.
        host: String,
        /// How the app failed.
        said: String,
    },
    /// This machine could not run the app, whoever's app it is.
    #[error("this machine could not run the app: {0}")]
    Host(String),
}

/// How an app crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrapKind {
    /// It reached an `unreachable` instruction; a panic in Rust ends there.
    #[error("unreachable code reached (a panic)")]
    Unreachable,
    /// Its calls went deeper than the stack.
    #[error("call stack exhausted")]
    StackOverflow,
    /// It read or wrote outside its memory.
    #[error("memory access out of bounds")]
    MemoryOutOfBounds,
    /// It read or wrote outside a table.
    #[error("table access out of bounds")]
    TableOutOfBounds,
    /// It called through a pointer to no function, or to one of another type.
    #[error("indirect call to no such function")]
    IndirectCall,
    /// An integer did not hold its result.
    #[error("integer overflow")]
    IntegerOverflow,
    /// It divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// It made an integer of a float that is none.
    #[error("float is no integer")]
    BadConversion,
    /// Another trap, by the engine's own name.
    #[error("{0}")]
    Other(&'static str),
}

/// Why there is no runtime: configuration, or a machine that cannot hold the pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// The engine would not start with this configuration.
    #[error("the engine did not start: {0}")]
    Engine(String),
    /// The engine's table of operators is not the one this version's fuel was pinned for.
    #[error("the engine's operators are {found}, the cost table was pinned for {expected}")]
    CostTable {
        /// The fingerprint pinned with the table's version.
        expected: String,
        /// The fingerprint found.
        found: String,
    },
    /// The cache's folder cannot be used.
    #[error("the cache of compiled code cannot be used: {0}")]
    Cache(String),
}

impl From<wasmtime::Trap> for TrapKind {
    fn from(trap: wasmtime::Trap) -> TrapKind {
        use wasmtime::Trap;
        match trap {
            Trap::UnreachableCodeReached => TrapKind::Unreachable,
            Trap::StackOverflow => TrapKind::StackOverflow,
            Trap::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
            Trap::TableOutOfBounds => TrapKind::TableOutOfBounds,
            Trap::IndirectCallToNull | Trap::BadSignature => TrapKind::IndirectCall,
            Trap::IntegerOverflow => TrapKind::IntegerOverflow,
            Trap::IntegerDivisionByZero => TrapKind::DivisionByZero,
            Trap::BadConversionToInteger => TrapKind::BadConversion,
            Trap::CannotEnterComponent => TrapKind::Other("re-entered its own component"),
            Trap::CannotLeaveComponent => TrapKind::Other("left its component when it must not"),
            Trap::StringOutOfBounds => TrapKind::Other("string out of bounds"),
            Trap::ListOutOfBounds => TrapKind::Other("list out of bounds"),
            Trap::InvalidDiscriminant => TrapKind::Other("no such variant"),
            Trap::UnalignedPointer => TrapKind::Other("unaligned pointer"),
            Trap::InvalidChar => TrapKind::Other("no such character"),
            _ => TrapKind::Other("a trap of the engine"),
        }
    }
}

/// The longest sentence of an app, or of the engine about an app, that is passed on, in bytes.
pub(crate) const MAX_SENTENCE: usize = 1024;

/// A sentence from outside, cut to [`MAX_SENTENCE`] at a character's end.
pub(crate) fn sentence(mut text: String) -> String {
    if text.len() > MAX_SENTENCE {
        let end = (0..=MAX_SENTENCE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
