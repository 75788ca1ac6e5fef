//! Tables of real shapes. The check digits come from outside: INN from
//! python-stdnum 2.2 (`stdnum.ru.inn`), SNILS from mimesis 11
//! (`RussiaSpecProvider.snils`) and the Pension Fund's own example.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

const INN_ENTITY: &[&str] = &[
    "5435100384",
    "5045176613",
    "7852503208",
    "1625121850",
    "5090304602",
    "6656958013",
    "7894362799",
    "5448686021",
    "7707083893",
];

const INN_PERSON: &[&str] = &[
    "664943502803",
    "160213030427",
    "162849988917",
    "169145458546",
    "781865750644",
    "505651326157",
    "773775193019",
    "661631574300",
    "162457676360",
    "163804807993",
    "786264086139",
    "663192225044",
    "485280841438",
    "952538885382",
    "436338750004",
];

const SNILS: &[&str] = &[
    "11223344595",
    "52601815961",
    "08301661336",
    "18609139090",
    "99603082440",
    "62819482120",
    "99351819060",
    "93786579796",
    "54323194871",
    "75749118648",
    "25276018971",
    "55597971167",
    "47104974689",
    "50752917086",
    "34236671269",
    "76842684661",
    "56321223353",
    "07924402676",
    "85995289001",
    "78666617680",
    "03137215913",
    "01092815925",
    "01396245951",
    "57117777414",
    "12154728031",
    // Sums of 100, 101, 201 and 202, where the check wraps to 00.
    "05034220800",
    "40500171300",
    "63834333200",
    "20788365700",
    "08765430300",
];

#[test]
fn id_10_inn_of_real_shape() {
    for number in INN_ENTITY {
        let inn = Inn::parse(number).unwrap();
        assert_eq!((inn.as_str(), inn.holder()), (*number, InnHolder::Entity));
        assert_eq!(
            Inn::parse_person(number),
            Err(DocumentError::Length {
                expected: &[12],
                got: 10
            })
        );
    }
    for number in INN_PERSON {
        let inn = Inn::parse_person(number).unwrap();
        assert_eq!((inn.as_str(), inn.holder()), (*number, InnHolder::Person));
    }
    assert_eq!(
        Inn::parse("6649 4350 2803").unwrap().masked(),
        "••••••••2803"
    );
    assert_eq!(
        format!("{:?}", Inn::parse("7707083893").unwrap()),
        "Inn(••••••3893)"
    );
}

#[test]
fn id_10_snils_of_real_shape() {
    for number in SNILS {
        assert_eq!(
            Snils::parse(number).map(String::from).as_deref(),
            Ok(*number)
        );
    }
    let snils = Snils::parse("112-233-445 95").unwrap();
    assert_eq!(snils.pretty(), "112-233-445 95");
    assert_eq!(snils.masked(), "•••-•••-•45 95");
    // Issued before there was a rule: any check digits.
    assert!(Snils::parse("001-001-998 17").is_ok());
    assert_eq!(Snils::parse("001-001-999 17"), Err(DocumentError::Checksum));
    assert_eq!(
        Snils::parse("000-000-000 17"),
        Err(DocumentError::NotIssued)
    );
}

/// ID-10: one mistyped digit is seen, but for what the published rules miss.
#[test]
fn id_10_one_wrong_digit_is_seen() {
    fn changes(number: &str) -> impl Iterator<Item = String> {
        (0..number.len()).flat_map(move |place| {
            (b'0'..=b'9').filter_map(move |digit| {
                let mut bytes = number.as_bytes().to_vec();
                (bytes[place] != digit).then(|| {
                    bytes[place] = digit;
                    String::from_utf8(bytes).unwrap()
                })
            })
        })
    }
    let (mut missed, mut tried) = (0, 0);
    for number in INN_ENTITY.iter().chain(INN_PERSON) {
        for changed in changes(number) {
            tried += 1;
            missed += u32::from(Inn::parse(&changed).is_ok());
        }
    }
    // Remainder 10 is written as 0, so that modulo 11 misses a few.
    assert!(missed * 50 < tried, "{missed} of {tried}");
    for number in SNILS {
        for changed in changes(number) {
            // Remainders 0 and 100 are both written 00; all others differ.
            let blind = number.ends_with("00") || changed.as_str() < "00100199900";
            assert!(
                blind || Snils::parse(&changed) == Err(DocumentError::Checksum),
                "{changed}"
            );
        }
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    for (typed, why) in [
        ("", DocumentError::Empty),
        (" № ", DocumentError::Empty),
        (
            "77070838",
            DocumentError::Length {
                expected: &[10, 12],
                got: 8,
            },
        ),
        (
            "77070838931",
            DocumentError::Length {
                expected: &[10, 12],
                got: 11,
            },
        ),
        ("7707083894", DocumentError::Checksum),
        ("664943502804", DocumentError::Checksum),
        ("664943502813", DocumentError::Checksum),
        // The second check digit fits the first, which is wrong itself.
        ("664943502810", DocumentError::Checksum),
        ("0000000000", DocumentError::NotIssued),
        ("77O7083893", DocumentError::NotDigits),
        ("٧٧٠٧٠٨٣٨٩٣", DocumentError::NotDigits),
        ("7707083893\0", DocumentError::NotDigits),
    ] {
        assert_eq!(Inn::parse(typed), Err(why), "{typed:?}");
    }
    assert_eq!(
        Inn::parse(&"7".repeat(1_000_000)),
        Err(DocumentError::TooLong)
    );
    assert_eq!(
        Inn::parse("1").unwrap_err().to_string(),
        "the number has 1 digits, it needs 10 or 12"
    );
}

#[test]
fn id_10_passport() {
    for typed in [
        "4508123456",
        "45 08 123456",
        "4508 № 123456",
        "45\u{a0}08\u{2009}123-456",
        "４５０８１２３４５６",
    ] {
        let passport = PassportNumber::parse(typed).unwrap();
        assert_eq!((passport.series(), passport.number()), ("4508", "123456"));
        assert_eq!(passport.pretty(), "45 08 123456");
        assert_eq!(passport.masked(), "•• •• •••456");
    }
    assert_eq!(
        PassportNumber::from_parts("45 08", "123456"),
        PassportNumber::parse("4508123456")
    );
    for (series, number, why) in [
        (
            "450",
            "8123456",
            DocumentError::Length {
                expected: &[4],
                got: 3,
            },
        ),
        (
            "4508",
            "12345",
            DocumentError::Length {
                expected: &[6],
                got: 5,
            },
        ),
        ("4508", "", DocumentError::Empty),
        ("4508", "000000", DocumentError::NotIssued),
        ("0000", "123456", DocumentError::NotIssued),
        ("0008", "123456", DocumentError::NotIssued),
        ("XIАИ", "123456", DocumentError::NotDigits),
    ] {
        assert_eq!(
            PassportNumber::from_parts(series, number),
            Err(why),
            "{series} {number}"
        );
    }
    assert!(PassportNumber::from_parts("4500", "000123").is_ok());

    let office = DepartmentCode::parse("770-001").unwrap();
    assert_eq!(
        (
            office.as_str(),
            office.pretty().as_str(),
            office.masked().as_str()
        ),
        ("770001", "770-001", "77•-•••")
    );
    assert_eq!(DepartmentCode::parse("770—001"), Ok(office));
    assert_eq!(
        DepartmentCode::parse("77-01"),
        Err(DocumentError::Length {
            expected: &[6],
            got: 4
        })
    );
    assert_eq!(
        DepartmentCode::parse("000-001"),
        Err(DocumentError::NotIssued)
    );
}

const TODAY: Date = date(2026, 11, 22);

#[test]
fn id_10_birth_date() {
    let born = BirthDate::parse("17.05.1990", TODAY).unwrap();
    assert_eq!(BirthDate::parse(" 1990-05-17 ", TODAY), Ok(born));
    assert_eq!(BirthDate::parse("17.5.1990", TODAY), Ok(born));
    assert_eq!(
        (
            born.age_on(TODAY),
            born.age_on(date(2026, 5, 16)),
            born.age_on(date(2026, 5, 17))
        ),
        (36, 35, 36)
    );
    assert_eq!(format!("{born:?}"), "BirthDate(1990-••-••)");
    for (typed, why) in [
        ("", DateError::Empty),
        ("вчера", DateError::Format),
        ("17/05/1990", DateError::Format),
        ("17.05.90", DateError::Format),
        ("+7.05.1990", DateError::Format),
        ("31.02.1990", DateError::Format),
        ("29.02.1991", DateError::Format),
        ("17.05.1990.1", DateError::Format),
        ("1990-05-17T00:00:00", DateError::Format),
        ("23.11.2026", DateError::Future),
        ("23.11.2012", DateError::TooYoung),
        ("22.11.1905", DateError::TooOld),
    ] {
        assert_eq!(BirthDate::parse(typed, TODAY), Err(why), "{typed}");
    }
    assert!(BirthDate::parse("22.11.2012", TODAY).is_ok(), "14 today");
    assert!(
        BirthDate::parse("23.11.1905", TODAY).is_ok(),
        "120, not yet 121"
    );
    let leap = BirthDate::parse("29.02.2008", TODAY).unwrap();
    assert_eq!(
        (
            leap.age_on(date(2022, 2, 28)),
            leap.age_on(date(2022, 3, 1))
        ),
        (13, 14)
    );
}

#[test]
fn id_10_issue_date_and_renewal() {
    let born = BirthDate::parse("29.02.1984", TODAY).unwrap();
    let issue = |typed: &str| PassportIssueDate::parse(typed, born, TODAY);
    assert_eq!(issue("28.02.1998"), Err(DateError::BeforeFourteen));
    assert_eq!(issue("23.11.2026"), Err(DateError::Future));
    let renewal = |typed: &str, today| passport_renewal(issue(typed).unwrap(), born, today);
    assert_eq!(
        renewal("01.03.1998", date(2004, 2, 28)),
        Renewal::From(date(2004, 2, 29))
    );
    assert_eq!(
        renewal("01.03.1998", date(2004, 2, 29)),
        Renewal::DueUntil(date(2004, 5, 29))
    );
    assert_eq!(
        renewal("01.03.1998", date(2004, 5, 29)),
        Renewal::DueUntil(date(2004, 5, 29))
    );
    assert_eq!(
        renewal("01.03.1998", date(2004, 5, 30)),
        Renewal::OverdueSince(date(2004, 5, 29))
    );
    assert_eq!(
        renewal("29.02.2004", TODAY),
        Renewal::From(date(2029, 3, 1))
    );
    let old = BirthDate::parse("01.01.1970", TODAY).unwrap();
    let issued = PassportIssueDate::parse("01.01.2015", old, TODAY).unwrap();
    assert_eq!(passport_renewal(issued, old, TODAY), Renewal::Never);
}

proptest! {
    #[test]
    fn never_panics(typed: String, digits in "[0-9 -]{0,14}") {
        for text in [typed, digits] {
            let _ = (Inn::parse(&text), Snils::parse(&text), PassportNumber::parse(&text));
            let _ = (DepartmentCode::parse(&text), BirthDate::parse(&text, TODAY));
        }
    }

    #[test]
    fn canonical_stays(passport in "[1-9][0-9]{8}[1-9]", office in "[1-9][0-9]{5}", snils in prop::sample::select(SNILS)) {
        let passport = PassportNumber::parse(&passport).unwrap();
        prop_assert_eq!(PassportNumber::parse(&passport.pretty()), Ok(passport.clone()));
        prop_assert_eq!(PassportNumber::from_parts(passport.series(), passport.number()), Ok(passport));
        let office = DepartmentCode::parse(&office).unwrap();
        prop_assert_eq!(DepartmentCode::parse(&office.pretty()), Ok(office));
        let snils = Snils::parse(snils).unwrap();
        prop_assert_eq!(Snils::parse(&snils.pretty()), Ok(snils));
    }

    #[test]
    fn dates_go_round(days in 0i32..39_000) {
        let day = date(2012, 11, 22).checked_sub(jiff::Span::new().days(days)).unwrap();
        let born = BirthDate::new(day, TODAY).unwrap();
        let written = format!("{:02}.{:02}.{:04}", day.day(), day.month(), day.year());
        prop_assert_eq!(BirthDate::parse(&written, TODAY), Ok(born));
        prop_assert_eq!(BirthDate::parse(&day.to_string(), TODAY), Ok(born));
    }
}
