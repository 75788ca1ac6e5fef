//! What the claimant tells (RE-3). Shown to the browser that tells it, and never printed.

use askama::Template;
use webkit::page::{Sample, Shell};

/// Who the claimant is, as typed.
#[derive(Clone, Default)]
pub struct PersonForm {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given: String,
    /// Patronymic.
    pub patronymic: String,
    /// Birth date.
    pub birth_date: String,
    /// Series and number of the passport.
    pub passport: String,
}

impl std::fmt::Debug for PersonForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonForm(…)")
    }
}

/// `GET|POST /recovery/person`.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/person.html")]
pub struct CasePerson {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub form: PersonForm,
}

impl Sample for CasePerson {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let form = || PersonForm {
            surname: "Образцова".to_owned(),
            given: "Анна".to_owned(),
            patronymic: "Петровна".to_owned(),
            birth_date: "12.05.1990".to_owned(),
            passport: "92 10 123434".to_owned(),
        };
        vec![
            (
                "empty",
                Self {
                    p: p.clone(),
                    form: PersonForm::default(),
                },
            ),
            (
                "told",
                Self {
                    p: p.clone(),
                    form: form(),
                },
            ),
            (
                "error",
                Self {
                    p: p.clone().with_error("birth_date", "date-error-format"),
                    form: PersonForm {
                        birth_date: "май 1990".to_owned(),
                        ..form()
                    },
                },
            ),
        ]
    }
}

/// What only the owner knows, as typed.
#[derive(Clone, Default)]
pub struct KnowledgeForm {
    /// The month the account was opened.
    pub opened: String,
    /// The code word.
    pub code_word: String,
    /// Day of the last operation.
    pub day_1: String,
    /// Its amount.
    pub amount_1: String,
    /// Day of the one before.
    pub day_2: String,
    /// Its amount.
    pub amount_2: String,
}

impl std::fmt::Debug for KnowledgeForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnowledgeForm(…)")
    }
}

/// `GET|POST /recovery/knowledge`.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/knowledge.html")]
pub struct CaseKnowledge {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub form: KnowledgeForm,
}

impl Sample for CaseKnowledge {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let form = || KnowledgeForm {
            opened: "03.2024".to_owned(),
            code_word: "подснежник".to_owned(),
            day_1: "20.11.2026".to_owned(),
            amount_1: "1234,56".to_owned(),
            day_2: "18.11.2026".to_owned(),
            amount_2: "99,00".to_owned(),
        };
        vec![
            (
                "empty",
                Self {
                    p: p.clone(),
                    form: KnowledgeForm::default(),
                },
            ),
            (
                "told",
                Self {
                    p: p.clone(),
                    form: form(),
                },
            ),
            (
                "error",
                Self {
                    p: p.clone().with_error("amount_1", "amount-error-form"),
                    form: KnowledgeForm {
                        amount_1: "много".to_owned(),
                        ..form()
                    },
                },
            ),
        ]
    }
}
