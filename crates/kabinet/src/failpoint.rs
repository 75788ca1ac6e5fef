//! Where a test lets the process die (F1). Only in a build with the feature `failpoints`.

use crate::cli::FailpointArgs;
use crate::failure::Failure;

/// Arms the point that was named, if any: `transaction/place`, `transaction/place:N`, or `@FILE` for a file
/// that names it while the process runs.
pub(crate) fn arm(args: &FailpointArgs) -> Result<(), Failure> {
    let Some(text) = &args.failpoint else {
        return Ok(());
    };
    if let Some(file) = text.strip_prefix('@') {
        db::fail::arm_by_file(file.into());
        return Ok(());
    }
    let (name, pass) = match text.rsplit_once(':') {
        None => (text.as_str(), 1),
        Some((name, pass)) => (
            name,
            pass.parse()
                .map_err(|_| Failure::refused("the failpoint is transaction/place:N"))?,
        ),
    };
    if !name.contains('/') {
        return Err(Failure::refused("the failpoint is transaction/place:N"));
    }
    db::fail::arm(name, pass);
    Ok(())
}
