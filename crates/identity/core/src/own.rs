//! What a stranger could know of a person and try first: a secret must not be made of it.

use crate::profile::Profile;

/// Words shorter than this are looked for only as words of their own.
const LONG_WORD: usize = 5;
const SHORT_WORD: usize = 3;
/// Digits of a phone that are taken for it.
const PHONE_TAIL: usize = 7;

/// Names, numbers and dates of one person. Not printed.
#[derive(Clone, Default)]
pub struct Own {
    words: Vec<String>,
    digits: Vec<String>,
    /// Day and month, month and day, year of birth.
    dates: Vec<String>,
    phone_end: Option<String>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own(…)")
    }
}

impl Own {
    /// Of a profile.
    pub fn of(profile: &Profile) -> Self {
        let mut own = Self::default();
        if let Some(name) = &profile.name {
            let parts = [
                Some(&name.surname),
                Some(&name.given),
                name.patronymic.as_ref(),
            ];
            for part in parts.into_iter().flatten() {
                own = own.word(part);
            }
        }
        let date = profile.birth_date.as_deref().unwrap_or_default();
        let mut parts = date.split('-');
        if let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) {
            let short = year.get(2..).unwrap_or_default();
            own.digits.extend([
                format!("{day}{month}{year}"),
                format!("{year}{month}{day}"),
                format!("{day}{month}{short}"),
            ]);
            own.dates.extend([
                format!("{day}{month}"),
                format!("{month}{day}"),
                year.to_owned(),
            ]);
        }
        own
    }

    /// The same with one more word: a name, the front of an e-mail address.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        for part in word.split(|c: char| !c.is_alphanumeric()) {
            let part = fold(part);
            if part.chars().count() >= SHORT_WORD {
                // Both ways that the soft sign is written: Solovyeva, Soloveva.
                for soft in ["", "y"] {
                    let latin = transliterated(&part, soft);
                    if latin != part && !self.words.contains(&latin) {
                        self.words.push(latin);
                    }
                }
                self.words.push(part);
            }
        }
        self
    }

    /// The same with a phone, in any writing.
    #[must_use]
    pub fn phone(mut self, phone: &str) -> Self {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let tail = |count: usize| {
            let start = digits.len().checked_sub(count)?;
            digits.get(start..).map(str::to_owned)
        };
        self.digits.extend(tail(PHONE_TAIL));
        self.phone_end = tail(4);
        self
    }

    /// Whether a text holds something of the person's own.
    pub fn is_in(&self, text: &str) -> bool {
        let text = fold(text);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let mut tokens = text.split(|c: char| !c.is_alphabetic());
        self.digits.iter().any(|own| digits.contains(own.as_str()))
            || self
                .words
                .iter()
                .any(|own| own.chars().count() >= LONG_WORD && text.contains(own.as_str()))
            || tokens.any(|token| self.words.iter().any(|own| own == token))
    }

    /// Whether four digits are the end of the phone or a date of the person.
    pub fn is_four(&self, digits: &str) -> bool {
        self.phone_end.as_deref() == Some(digits) || self.dates.iter().any(|own| own == digits)
    }
}

/// Small letters, and ё as е.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase().replace('ё', "е")
}

/// Cyrillic in Latin letters, as people write their names in addresses.
fn transliterated(text: &str, soft: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    for letter in text.chars() {
        let written = match letter {
            'а' => "a",
            'б' => "b",
            'в' => "v",
            'г' => "g",
            'д' => "d",
            'е' | 'э' => "e",
            'ж' => "zh",
            'з' => "z",
            'и' => "i",
            'й' | 'ы' => "y",
            'к' => "k",
            'л' => "l",
            'м' => "m",
            'н' => "n",
            'о' => "o",
            'п' => "p",
            'р' => "r",
            'с' => "s",
            'т' => "t",
            'у' => "u",
            'ф' => "f",
            'х' => "kh",
            'ц' => "ts",
            'ч' => "ch",
            'ш' => "sh",
            'щ' => "shch",
            'ю' => "yu",
            'я' => "ya",
            'ъ' | 'ь' => soft,
            other => {
                latin.push(other);
                continue;
            }
        };
        latin.push_str(written);
    }
    latin
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::profile::Name;

    pub(crate) fn anna() -> Own {
        let profile = Profile {
            name: Some(Name {
                surname: "Соловьёва".to_owned(),
                given: "Анна".to_owned(),
                patronymic: Some("Петровна".to_owned()),
            }),
            birth_date: Some("1987-04-23".to_owned()),
            ..Profile::default()
        };
        Own::of(&profile).phone("+79120004417").word("ann.solo87")
    }

    #[test]
    fn what_is_known_of_a_person_is_found() {
        let own = anna();
        for text in [
            "соловьеваивсёлето",
            "СОЛОВЬЁВА и лес",
            "my-solovyeva-pass",
            "анна и 3 кота",
            "ann и 3 кота",
            "двадцать 23.04.1987 третье",
            "8 (912) 000-44-17 !",
            "петровна-всегда-права",
        ] {
            assert!(own.is_in(text), "{text}");
        }
        for text in [
            "манная каша по утрам",
            "каннадский язык",
            "просто длинный текст 1987",
            "",
        ] {
            assert!(!own.is_in(text), "{text}");
        }
        for digits in ["4417", "2304", "0423", "1987"] {
            assert!(own.is_four(digits), "{digits}");
        }
        assert!(!own.is_four("8312"));
        assert!(!Own::default().is_in("что угодно"));
    }
}
