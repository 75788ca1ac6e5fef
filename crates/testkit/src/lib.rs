//! Test harness: clocks, chance, databases on both engines.
