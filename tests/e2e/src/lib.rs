//! End-to-end stories with real processes and real servers.
//!
//! Each file of `stories/` is one story, its name a sentence. They drive the built program `sotto`
//! and, where it is there, a real anvil. Not here: anything a stranger imports.
