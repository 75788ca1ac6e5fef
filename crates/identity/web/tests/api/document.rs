//! Every code of a problem is explained. What the whole document says is tested where all areas meet, in `kabinet`.

use std::collections::BTreeSet;
use std::fs;

use identity_web::api::{self, problems::Code};
use testkit::tools::workspace;

/// Every code of a problem is explained in `docs/ERRORS.md`, and nothing else is.
#[test]
fn every_code_is_explained() {
    let text = fs::read_to_string(workspace().join("docs/ERRORS.md")).unwrap();
    let section = text
        .split("## Codes of the API")
        .nth(1)
        .expect("a section of codes");
    let explained: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(explained, codes);
    for code in Code::ALL {
        let row = format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
        assert!(section.contains(&row), "{row}");
    }
    let field_codes = section
        .split("Codes of one field")
        .nth(1)
        .expect("the codes of fields");
    for code in api::problems::FIELD_CODES {
        assert!(field_codes.contains(&format!("`{code}`")), "{code}");
    }
}
