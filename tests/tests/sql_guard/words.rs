//! What can be seen without grammar: words and parameters.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// Words that mean something else on one engine, or nothing, and why each is not needed.
const FORBIDDEN: [(&str, &str); 43] = [
    ("NOW", TIME),
    ("CURRENT_TIMESTAMP", TIME),
    ("CURRENT_DATE", TIME),
    ("CURRENT_TIME", TIME),
    ("LOCALTIME", TIME),
    ("LOCALTIMESTAMP", TIME),
    ("CLOCK_TIMESTAMP", TIME),
    ("STATEMENT_TIMESTAMP", TIME),
    ("TRANSACTION_TIMESTAMP", TIME),
    ("STRFTIME", TIME),
    ("DATETIME", TIME),
    ("UNIXEPOCH", TIME),
    ("JULIANDAY", TIME),
    ("TO_TIMESTAMP", TIME),
    ("RANDOM", CHANCE),
    ("RANDOMBLOB", CHANCE),
    ("SETSEED", CHANCE),
    ("GEN_RANDOM_UUID", CHANCE),
    ("UUID_GENERATE_V4", CHANCE),
    ("TABLESAMPLE", CHANCE),
    ("NEXTVAL", NUMBERS),
    ("CURRVAL", NUMBERS),
    ("SETVAL", NUMBERS),
    ("LASTVAL", NUMBERS),
    ("LAST_INSERT_ROWID", NUMBERS),
    ("IDENTITY", NUMBERS),
    ("AUTOINCREMENT", NUMBERS),
    ("SEQUENCE", NUMBERS),
    ("ROWID", NUMBERS),
    ("CTID", NUMBERS),
    ("TRIGGER", "triggers are refused on split tables"),
    ("PROCEDURE", "rules live in code"),
    ("LISTEN", "poll the outbox"),
    ("NOTIFY", "poll the outbox"),
    ("PG_NOTIFY", "poll the outbox"),
    ("CONSTRAINT", "names of constraints change on a cluster"),
    ("DEFERRABLE", "not on every engine"),
    ("GENERATED", "not on every engine"),
    ("INHERITS", "not on every engine"),
    ("ARRAY", "not on every engine"),
    ("UNNEST", "not on every engine"),
    ("RECURSIVE", "refused without a shard"),
    ("LATERAL", "not on every engine"),
];
const TIME: &str = "time is a parameter: tx.now()";
const CHANCE: &str = "chance is a parameter";
const NUMBERS: &str = "ids are made by kernel";
const ADVISORY: &str = "PG_ADVISORY";

/// Forbidden words, and parameters that are not `$1` to `$params` in order and once each.
pub fn check(text: &str, params: Option<usize>) -> Vec<String> {
    let tokens = match Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() {
        Ok(tokens) => tokens,
        Err(why) => return vec![why.to_string()],
    };
    let mut findings = Vec::new();
    let mut seen = 0;
    for token in &tokens {
        match token {
            Token::Word(word) if word.quote_style.is_none() => {
                findings.extend(forbidden(&word.value))
            }
            Token::Placeholder(name) => {
                seen += 1;
                if *name != format!("${seen}") {
                    findings.push(format!(
                        "{name} stands where ${seen} should: number in order, each once"
                    ));
                }
            }
            _ => {}
        }
    }
    if params.is_some_and(|params| params != seen) {
        findings.push(format!(
            "{seen} parameters in the text, {} declared",
            params.unwrap_or_default()
        ));
    }
    findings
}

/// How many SELECTs the text has, to notice one that the walk over the grammar missed.
pub fn selects(text: &str) -> usize {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize()
        .unwrap_or_default();
    let is_select = |token: &&Token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("select"));
    tokens.iter().filter(is_select).count()
}

fn forbidden(word: &str) -> Option<String> {
    let word = word.to_uppercase();
    if word.starts_with(ADVISORY) {
        return Some(format!(
            "{word}: advisory locks are per machine; lock a row"
        ));
    }
    let (_, why) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == word)?;
    Some(format!("{word}: {why}"))
}
