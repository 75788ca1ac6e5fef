//! A22: who asked not to be written to is not, from the operator's command on.

use db::Engine;

use crate::installation::Installation;

both_engines! {
    who_asked_is_not_written_to
}

fn who_asked_is_not_written_to(engine: Engine) {
    let installation = Installation::ready_on(engine);
    let kept =
        || installation.sql("SELECT channel || ' ' || reason FROM suppression ORDER BY channel");
    let list = "+7 912 000-00-07\n\nolga@example.org\n";
    let said = installation.does_with(&["messages", "stop"], list);
    assert!(
        said.contains("gets no messages") && !said.contains("000-00-07") && !said.contains("olga@"),
        "{said}"
    );
    assert_eq!(kept(), ["call asked", "email asked", "sms asked"]);
    // Again changes nothing.
    installation.does_with(&["messages", "stop"], list);
    assert_eq!(kept().len(), 3);
    // One line that is nobody changes nothing, and is not repeated.
    let refused = installation.fails_with(
        &["messages", "allow"],
        "olga@example.org\n+7 912 secret\n",
        3,
    );
    assert!(
        refused.contains("line 2") && !refused.contains("secret"),
        "{refused}"
    );
    let refused = installation.fails_with(&["messages", "allow"], "\n", 3);
    assert!(refused.contains("standard input"), "{refused}");
    assert_eq!(kept().len(), 3);
    installation.does_with(&["messages", "allow"], "+7 (912) 000-00-07");
    assert_eq!(kept(), ["email asked"]);
    installation.does(&["audit", "verify"]);
    assert_eq!(
        installation.sql("SELECT count(*) FROM audit_entry WHERE action = 'messages.suppressed'"),
        ["5"]
    );
}
