//! A temporary PostgreSQL for a whole test run: prints its address, ends with its standard input.

use std::io::Read as _;

use testkit::postgres::{Cluster, Durability};

fn main() {
    let cluster = Cluster::start(Durability::None);
    println!("{}", cluster.databases().base());
    // Blocks until whoever started us closes the pipe, which the kernel does for the dead.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
