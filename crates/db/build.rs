//! A migration that is added or changed is compiled in, though no source file of this crate changed.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
