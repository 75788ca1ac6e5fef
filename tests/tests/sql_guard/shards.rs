//! `docs/shards.toml`: by which column each table is split between machines.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The page, read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shards {
    /// The shard column of each split table.
    pub split: BTreeMap<String, String>,
    /// Tables kept whole on every machine: small and rarely written.
    pub whole: BTreeSet<String>,
    /// Statements that may go over all shards, by name, each with its reason.
    pub sweeps: BTreeMap<String, String>,
    /// Statements that may read a growing table from end to end; for the test of the plans.
    #[serde(default, rename = "scans")]
    _scans: BTreeMap<String, String>,
}

impl Shards {
    /// From the text of the page.
    pub fn parse(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|why| panic!("docs/shards.toml: {why}"))
    }
}
