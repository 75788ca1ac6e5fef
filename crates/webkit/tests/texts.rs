//! The two languages say the same things, and nothing is said that nobody
//! reads: same keys, same variables, every key used, every used key there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{
    CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement,
};
use fluent_syntax::parser::parse;

type Texts = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every key with its variables.
fn texts(language: &str) -> Texts {
    let mut all = Texts::new();
    let mut found = Vec::new();
    files(&root().join("locales").join(language), &mut found);
    for path in found {
        let source = fs::read_to_string(&path).unwrap();
        let resource = parse(source.as_str())
            .unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", path.display()));
        for entry in resource.body {
            if let Entry::Message(message) = entry {
                let mut variables = BTreeSet::new();
                let value = message.value.as_ref().unwrap();
                pattern(value, &mut variables);
                let id = message.id.name.to_owned();
                let before = all.insert(id.clone(), variables);
                assert!(before.is_none(), "{id} stands twice in {language}");
            }
        }
    }
    all
}

fn pattern(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            placed(expression, found);
        }
    }
}

fn placed(expression: &Expression<&str>, found: &mut BTreeSet<String>) {
    match expression {
        Expression::Select { selector, variants } => {
            inline(selector, found);
            for variant in variants {
                pattern(&variant.value, found);
            }
        }
        Expression::Inline(inner) => inline(inner, found),
    }
}

fn inline(expression: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
    match expression {
        InlineExpression::VariableReference { id } => {
            found.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference { arguments, .. } => {
            let CallArguments { positional, .. } = arguments;
            for argument in positional {
                inline(argument, found);
            }
        }
        InlineExpression::Placeable { expression } => placed(expression, found),
        _ => {}
    }
}

/// Everything that stands in quotes and could be a key, in code and templates.
fn quoted() -> BTreeSet<String> {
    let mut found = Vec::new();
    files(&root().join("crates"), &mut found);
    let mut words = BTreeSet::new();
    for path in found {
        let is_source = path
            .extension()
            .is_some_and(|end| end == "rs" || end == "html");
        if !is_source || path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for word in source.split('"') {
            if !word.is_empty()
                && word.len() < 80
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            {
                words.insert(word.to_owned());
            }
        }
    }
    words
}

/// Keys named by templates and messages: `.t("…")`, `.t1("…"`, `with_error(_, "…")`.
fn named() -> BTreeSet<String> {
    let mut found = Vec::new();
    files(&root().join("crates"), &mut found);
    let mut keys = BTreeSet::new();
    for path in found {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let Ok(source) = fs::read_to_string(&path) else {
            continue;
        };
        for call in ["p.t(\"", "p.t1(\"", "p.t2(\"", "Message::new(\""] {
            for rest in source.split(call).skip(1) {
                keys.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    keys
}

#[test]
fn both_languages_have_the_same_keys_and_variables() {
    let (ru, en) = (texts("ru"), texts("en"));
    let mut wrong = Vec::new();
    for key in ru.keys().chain(en.keys()).collect::<BTreeSet<_>>() {
        match (ru.get(key), en.get(key)) {
            (Some(ru), Some(en)) if ru == en => {}
            (ru, en) => wrong.push(format!("{key}: ru {ru:?}, en {en:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_named_key_is_there() {
    let texts = texts("ru");
    let missing: Vec<_> = named()
        .into_iter()
        .filter(|key| !texts.contains_key(key))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_key_is_unused() {
    let words = quoted();
    let unused: Vec<_> = texts("ru")
        .into_keys()
        // Texts of messages are chosen by the kind of message (crate `notify`, which checks them).
        .filter(|key| !key.starts_with("msg-") && !words.contains(key))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// Russian counts in three forms; a text that chooses by number has them all.
#[test]
fn russian_plurals_are_whole() {
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    files(&root().join("locales/ru"), &mut found);
    for path in found {
        let source = fs::read_to_string(&path).unwrap();
        for (place, _) in source.match_indices("[one]") {
            let rest = &source[place..];
            let text = &rest[..rest.find("\n}").unwrap_or(rest.len())];
            if !(text.contains("[few]") && text.contains("*[many]")) {
                wrong.push(format!("{}: {text}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
