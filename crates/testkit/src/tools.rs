//! Where the tools of the tests are: `target/tools`, filled by `cargo xtask test`.

use std::env;
use std::path::{Path, PathBuf};

const HINT: &str = "run `cargo xtask test` once: it installs what the tests need";

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/testkit lies two folders below the workspace")
        .to_path_buf()
}

/// Cargo's target folder, honouring `CARGO_TARGET_DIR`.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}

/// `target/tools`.
pub fn folder() -> PathBuf {
    target().join("tools")
}

/// A file of an npm package, such as `axe-core/axe.min.js`.
pub fn node_module(path: &str) -> PathBuf {
    existing(folder().join("node_modules").join(path))
}

/// An executable of the Python environment, such as `schemathesis` or `python`.
pub fn python(name: &str) -> PathBuf {
    existing(folder().join("venv").join("bin").join(name))
}

/// The first of `names` found in `PATH`.
pub fn in_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names.iter().find_map(|name| {
        env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    })
}

/// The same, or a panic that says what to do.
pub fn needed(names: &[&str]) -> PathBuf {
    in_path(names).unwrap_or_else(|| panic!("{} is not installed; {HINT}", names.join(" or ")))
}

/// Where a test leaves something to look at: `tests/output/<path>`; the folder is made.
pub fn output(path: &str) -> PathBuf {
    let file = workspace().join("tests").join("output").join(path);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).expect("tests/output is writable");
    }
    file
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing; {HINT}", path.display());
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_where_the_root_manifest_is() {
        assert!(workspace().join("clippy.toml").is_file());
        assert!(in_path(&["sh"]).is_some());
        assert!(in_path(&["no-such-tool-anywhere"]).is_none());
    }

    #[test]
    #[should_panic(expected = "cargo xtask test")]
    fn a_missing_tool_says_what_to_do() {
        needed(&["no-such-tool-anywhere"]);
    }
}
