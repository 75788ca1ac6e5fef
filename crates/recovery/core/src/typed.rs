//! What people type of a month and of an amount.

/// Most kopecks an operation may have: a hundred billion roubles.
const MINOR_MAX: i64 = 10_000_000_000_000;
/// Longest text that is looked at, characters.
const TYPED_MAX: usize = 32;

/// Why a month or an amount was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// Not written like one.
    #[error("not written like one")]
    Form,
    /// It has not come yet.
    #[error("a month that has not come")]
    Future,
}

/// A month, `03.2024`, `3/2024` or `2024-03`, as `2024-03`. `now` is the present year and month.
pub fn month(typed: &str, now: (i16, i8)) -> Result<String, TypedError> {
    let typed = typed.trim();
    if typed.chars().count() > TYPED_MAX {
        return Err(TypedError::Form);
    }
    let (one, two) = typed
        .split_once(['.', '/', '-', ' '])
        .ok_or(TypedError::Form)?;
    let (year, month) = if one.len() == 4 {
        (one, two)
    } else {
        (two, one)
    };
    let is_number = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(year, 4, 4) || !is_number(month, 1, 2) {
        return Err(TypedError::Form);
    }
    let (year, month): (i16, i8) = match (year.parse(), month.parse()) {
        (Ok(year), Ok(month)) if (1_990..=9_999).contains(&year) && (1..=12).contains(&month) => {
            (year, month)
        }
        _ => return Err(TypedError::Form),
    };
    if (year, month) > now {
        return Err(TypedError::Future);
    }
    Ok(format!("{year:04}-{month:02}"))
}

/// An amount in roubles, `1 234,56` or `1234.5`, as kopecks.
pub fn amount(typed: &str) -> Result<i64, TypedError> {
    if typed.chars().count() > TYPED_MAX {
        return Err(TypedError::Form);
    }
    let plain: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '₽')
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_amount = !whole.is_empty() && part.len() <= 2 && digits(whole) && digits(part);
    if !is_amount || plain.ends_with('.') {
        return Err(TypedError::Form);
    }
    let minor: i64 = format!("{whole}{part:0<2}")
        .parse()
        .map_err(|_| TypedError::Form)?;
    if (1..=MINOR_MAX).contains(&minor) {
        Ok(minor)
    } else {
        Err(TypedError::Form)
    }
}

/// Kopecks as they are typed: `1234,56`.
pub fn amount_text(minor: i64) -> String {
    let (whole, part) = (minor.div_euclid(100), minor.rem_euclid(100));
    format!("{whole},{part:02}")
}

/// `2024-03` as it is typed: `03.2024`.
pub fn month_text(month: &str) -> String {
    match month.split_once('-') {
        Some((year, month)) => format!("{month}.{year}"),
        None => month.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn months() {
        let now = (2026, 11);
        for typed in ["03.2024", "3.2024", " 2024-03 ", "3/2024", "03 2024"] {
            assert_eq!(month(typed, now).as_deref(), Ok("2024-03"), "{typed}");
        }
        assert_eq!(month("11.2026", now).as_deref(), Ok("2026-11"));
        assert_eq!(month("12.2026", now), Err(TypedError::Future));
        for typed in [
            "",
            "2024",
            "13.2024",
            "0.2024",
            "03.24",
            "март 2024",
            "-3.2024",
            "03.1024",
            "1.2.2024",
        ] {
            assert_eq!(month(typed, now), Err(TypedError::Form), "{typed}");
        }
    }

    #[test]
    fn amounts() {
        for (typed, minor) in [
            ("1 234,56", 123_456),
            ("1234.5", 123_450),
            ("100 ₽", 10_000),
            ("0,01", 1),
        ] {
            assert_eq!(amount(typed), Ok(minor), "{typed}");
        }
        for typed in [
            "",
            "0",
            "1,234",
            "-5",
            "1.2.3",
            "5.",
            "сто",
            "1e9",
            "99999999999999999999",
        ] {
            assert_eq!(amount(typed), Err(TypedError::Form), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn shown_and_typed(minor in 1_i64..MINOR_MAX, year in 1_990_i16..2_026, m in 1_i8..13) {
            prop_assert_eq!(amount(&amount_text(minor)), Ok(minor));
            let kept = format!("{year:04}-{m:02}");
            let typed = month_text(&kept);
            prop_assert_eq!(month(&typed, (2026, 12)), Ok(kept));
        }

        #[test]
        fn nothing_panics(typed in "\\PC{0,40}") {
            let _ = (month(&typed, (2026, 11)), amount(&typed));
        }
    }
}
