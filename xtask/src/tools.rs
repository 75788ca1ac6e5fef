//! What the tests need and Rust does not bring: found, installed, or named in one line.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run;
use crate::tree::workspace;

/// What is needed: what it is called in `PATH` (any of them), and Debian's package for it.
const NEEDS: [(&[&str], &str); 6] = [
    (
        &["chromium", "chromium-browser", "google-chrome"],
        "chromium",
    ),
    (&["chromedriver"], "chromium-driver"),
    (&["node"], "nodejs"),
    (&["npm"], "npm"),
    (&["python3"], "python3"),
    (&["setpriv"], "util-linux"),
];

/// Installs everything that is missing.
pub fn install() -> Result<(), String> {
    programs()?;
    node_modules()?;
    python()
}

/// `target/tools`, honouring `CARGO_TARGET_DIR`.
pub fn folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target).join("tools")
}

fn programs() -> Result<(), String> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        return Err(format!(
            "install with your system's package manager, by Debian's names: {list}"
        ));
    }
    println!("installing {list}");
    let apt = |arguments: &[&str]| {
        run::show(run::command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-q"])?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(missing);
    apt(&arguments)
}

fn missing() -> Vec<&'static str> {
    let mut missing: Vec<&str> = NEEDS
        .iter()
        .filter(|(names, _)| !names.iter().any(|name| in_path(name)))
        .map(|(_, package)| *package)
        .collect();
    if !has_postgres() {
        missing.push("postgresql");
    }
    if in_path("python3") && !has_venv() || missing.contains(&"python3") {
        missing.push("python3-venv");
    }
    missing
}

fn in_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The server's own programs are not in `PATH` on Debian.
fn has_postgres() -> bool {
    let folders = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let found = folders
        .map(|folder| folder.path())
        .any(|folder| folder.join("bin/initdb").is_file());
    found || in_path("initdb")
}

fn has_venv() -> bool {
    let output = run::command("python3", &["-c", "import ensurepip, venv"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    let output = run::command("id", &["-u"]).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn node_modules() -> Result<(), String> {
    let tools = folder();
    let mut changed = false;
    for name in ["package.json", "package-lock.json"] {
        changed |= copy_if_changed(name, &tools)?;
    }
    if !changed && tools.join("node_modules/axe-core").is_dir() {
        return Ok(());
    }
    println!("installing npm packages into {}", tools.display());
    let done = run::show(
        run::command("npm", &["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&tools),
    );
    done.inspect_err(|_| forget("package.json", &tools))
}

fn python() -> Result<(), String> {
    let tools = folder();
    let changed = copy_if_changed("requirements.txt", &tools)?;
    if !changed && tools.join("venv/bin/schemathesis").is_file() {
        return Ok(());
    }
    println!("installing Python packages into {}", tools.display());
    let venv = tools.join("venv").display().to_string();
    let list = tools.join("requirements.txt").display().to_string();
    let done = run::show(&mut run::command(
        "python3",
        &["-m", "venv", "--clear", &venv],
    ))
    .and_then(|()| {
        let pip = format!("{venv}/bin/pip");
        run::show(&mut run::command(
            &pip,
            &[
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
                &list,
            ],
        ))
    });
    done.inspect_err(|_| forget("requirements.txt", &tools))
}

/// Keeps a copy of the list beside what was installed from it, to notice when the list changes.
fn copy_if_changed(name: &str, tools: &Path) -> Result<bool, String> {
    let wanted = workspace().join("tests/tools").join(name);
    let wanted = fs::read(&wanted).map_err(|why| format!("{}: {why}", wanted.display()))?;
    let copy = tools.join(name);
    if fs::read(&copy).is_ok_and(|present| present == wanted) {
        return Ok(false);
    }
    fs::create_dir_all(tools)
        .and_then(|()| fs::write(&copy, wanted))
        .map_err(|why| format!("{}: {why}", copy.display()))?;
    Ok(true)
}

/// A list whose installation failed must be tried again.
fn forget(name: &str, tools: &Path) {
    let _ = fs::remove_file(tools.join(name));
}
