//! End-to-end stories with real processes.
