//! What the claimant tells of themselves (RE-3). It is kept sealed and compared with nothing while the claimant looks
//! on: no step says how close a guess was (RE-10), and knowledge alone never lets anybody in (A36).

use serde::{Deserialize, Serialize};

/// One operation that the claimant remembers.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its day, `2026-11-22`; empty when it was not told.
    pub day: String,
    /// Its amount in kopecks.
    pub minor: Option<i64>,
}

/// Everything that can be told. An empty text was not told.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given: String,
    /// Patronymic, where there is one.
    pub patronymic: String,
    /// Birth date, `1990-05-12`.
    pub birth_date: String,
    /// Series and number of the passport, ten digits.
    pub passport: String,
    /// The month the account was opened, `2024-03`.
    pub opened: String,
    /// The code word, in its one form.
    pub code_word: String,
    /// The last two operations, the latest first.
    pub operations: [Operation; 2],
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What a person tells of themselves reaches no log by way of Debug.
        f.write_str("Facts(…)")
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operation(…)")
    }
}

impl Facts {
    /// Whether the claimant has said who they are.
    pub fn has_person(&self) -> bool {
        [&self.surname, &self.given, &self.birth_date]
            .iter()
            .all(|told| !told.is_empty())
    }

    /// Whether anything was told of what only the owner knows.
    pub fn has_knowledge(&self) -> bool {
        let told = [&self.opened, &self.code_word];
        told.iter().any(|told| !told.is_empty())
            || self
                .operations
                .iter()
                .any(|operation| *operation != Operation::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Facts {
        Facts {
            surname: "Образцова".to_owned(),
            given: "Анна".to_owned(),
            birth_date: "1990-05-12".to_owned(),
            ..Facts::default()
        }
    }

    /// RE-3: a person is a surname, a given name and a birth date; not everybody has a patronymic.
    #[test]
    fn a_person_is_three_things() {
        assert!(person().has_person() && !Facts::default().has_person());
        for gone in 0..3 {
            let mut facts = person();
            match gone {
                0 => facts.surname.clear(),
                1 => facts.given.clear(),
                _ => facts.birth_date.clear(),
            }
            assert!(!facts.has_person());
        }
    }

    #[test]
    fn knowledge_is_any_of_it() {
        assert!(!person().has_knowledge());
        let minor = Some(1);
        let known = Operation {
            minor,
            ..Operation::default()
        };
        let facts = Facts {
            operations: [Operation::default(), known],
            ..person()
        };
        assert!(facts.has_knowledge());
        let opened = "2024-03".to_owned();
        assert!(Facts { opened, ..person() }.has_knowledge());
        assert!(!format!("{facts:?}").contains("Анна"));
    }
}
