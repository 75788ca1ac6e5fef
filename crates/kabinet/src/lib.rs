//! The binary: command line, wiring, demo.
