//! The project's own files, as git knows them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files by their path from the workspace; binary ones with an empty text.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

impl Tree {
    /// Everything tracked, or new and not ignored.
    pub fn read() -> Result<Self, String> {
        let root = workspace();
        let output = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(&root)
            .output()
            .map_err(|why| format!("git: {why}"))?;
        if !output.status.success() {
            return Err("git ls-files failed: the checks look at what git tracks".into());
        }
        let names = String::from_utf8_lossy(&output.stdout);
        let files = names.split('\0').filter(|name| !name.is_empty());
        Ok(Self {
            files: files
                .filter_map(|name| {
                    // A file deleted but not yet committed is gone for us.
                    let bytes = std::fs::read(root.join(name)).ok()?;
                    Some((
                        name.to_owned(),
                        String::from_utf8(bytes).unwrap_or_default(),
                    ))
                })
                .collect(),
        })
    }

    /// A made-up tree for the tests of the checks.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(own).collect(),
        }
    }

    /// All files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Files whose name ends with `.` and `ending`.
    pub fn with_ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files().filter(move |(path, _)| {
            path.rsplit_once('.')
                .is_some_and(|(_, found)| found == ending)
        })
    }

    /// The text of one file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether `path` is a file or a folder.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }
}
