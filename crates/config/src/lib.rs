//! Settings: one file, the environment, and checked defaults.
