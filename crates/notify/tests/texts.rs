//! Every message in every language by every channel.

use kernel::{Locale, Timestamp};
use notify::sms;
use notify::texts::{
    CodePurpose, Composer, LinkPath, MessageText, SecurityEvent, TextError, TextSettings,
};
use notify::{Body, Channel};

const ORIGIN: &str = "https://my.kabinet-bank.example";

fn composer() -> Composer {
    let settings: TextSettings =
        serde_json::from_value(serde_json::json!({"origin": ORIGIN})).unwrap();
    Composer::new(&settings).unwrap()
}

/// As long as the links of the cabinet get: 32 bytes in base64url.
fn link() -> LinkPath {
    LinkPath::new(&format!("/n/{}", "x".repeat(43))).unwrap()
}

fn code(purpose: CodePurpose) -> MessageText {
    MessageText::Code {
        purpose,
        code: Some("012345".to_owned()),
        number: 3,
        object: Some("+7 ••• •••-12-34".to_owned()),
        minutes: 5,
    }
}

fn notice(event: SecurityEvent, device: &str, place: &str) -> MessageText {
    MessageText::Security {
        event,
        at: Timestamp::from_secs(1_795_321_102),
        object: Some("i•••@e•••.ru".to_owned()),
        device: Some(device.to_owned()),
        place: Some(place.to_owned()),
        not_me: link(),
    }
}

fn marketing() -> MessageText {
    MessageText::Marketing {
        title: "Скидки на всё".to_owned(),
        text: "Только сегодня.\nПриходите!".to_owned(),
        unsubscribe: link(),
    }
}

fn samples() -> Vec<MessageText> {
    let mut all: Vec<_> = CodePurpose::ALL.into_iter().map(code).collect();
    all.extend(
        SecurityEvent::ALL
            .into_iter()
            .map(|event| notice(event, "Chrome, Android", "Москва")),
    );
    all.push(marketing());
    for from in [None, Some(Timestamp::from_secs(1_796_530_702))] {
        all.push(MessageText::Change {
            event: SecurityEvent::PhoneMoving,
            at: Timestamp::from_secs(1_795_321_102),
            object: Some("+7 ••• •••-12-34".to_owned()),
            from,
            device: Some("Chrome, Android".to_owned()),
            place: Some("Москва".to_owned()),
            link: link(),
        });
    }
    all.push(MessageText::ConfirmEmail {
        code: "012345".to_owned(),
        number: 2,
        link: link(),
        minutes: 5,
    });
    all.push(MessageText::NobodyHere {
        link: LinkPath::new("/").unwrap(),
    });
    all
}

fn sms(composer: &Composer, text: &MessageText, locale: Locale) -> String {
    match composer.compose(text, Channel::Sms, locale) {
        Ok(Body::Sms { text }) => text,
        other => panic!("{text:?}: {other:?}"),
    }
}

fn letter(composer: &Composer, text: &MessageText, locale: Locale) -> (String, String, String) {
    match composer.compose(text, Channel::Email, locale) {
        Ok(Body::Email {
            subject,
            text,
            html,
            ..
        }) => (subject, text, html),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn every_message_has_words() {
    let composer = composer();
    for locale in Locale::ALL {
        for text in samples() {
            let only_letter = matches!(
                text,
                MessageText::ConfirmEmail { .. } | MessageText::NobodyHere { .. }
            );
            if only_letter {
                let refused = composer.compose(&text, Channel::Sms, locale);
                assert_eq!(refused, Err(TextError::WrongChannel));
            } else {
                let said = sms(&composer, &text, locale);
                assert!(!said.contains(['{', '}', '$']), "{said}");
                assert!(
                    sms::parts(&said) <= 2,
                    "{} parts: {said}",
                    sms::parts(&said)
                );
            }
            let (subject, plain, html) = letter(&composer, &text, locale);
            for said in [&subject, &plain] {
                assert!(
                    !said.is_empty() && !said.contains(['{', '}', '$', '<']),
                    "{said}"
                );
            }
            assert!(
                html.contains(&format!("lang=\"{}\"", locale.tag())),
                "{html}"
            );
            let russian = |said: &str| said.chars().any(|c| ('а'..='я').contains(&c));
            let has_own_words = !matches!(text, MessageText::Marketing { .. });
            assert_eq!(
                russian(&subject) || !has_own_words,
                locale == Locale::Ru || !has_own_words,
                "{subject}"
            );
        }
    }
}

/// ID-2: the SMS names purpose and number, warns, and ends with the line that
/// lets the phone fill the code in on our site only.
#[test]
fn id2_the_code_sms() {
    let said = sms(&composer(), &code(CodePurpose::SignIn), Locale::Ru);
    assert_eq!(
        said,
        "Код № 3: 012345\nВход в кабинет. Никому не сообщайте. Сотрудники не спросят этот код.\n@my.kabinet-bank.example #012345"
    );
    let said = sms(&composer(), &code(CodePurpose::ChangePhone), Locale::Ru);
    assert!(said.contains("Новый телефон +7 ••• •••-12-34."), "{said}");
    for locale in Locale::ALL {
        for purpose in CodePurpose::ALL {
            let said = sms(&composer(), &code(purpose), locale);
            assert_eq!(
                said.lines().last(),
                Some("@my.kabinet-bank.example #012345")
            );
            // What the phone hands over is read back as this code.
            let read = kernel::code::OneTimeCode::parse(said.lines().next().unwrap(), 6).unwrap();
            assert_eq!(read.expose(), "012345");
        }
    }
}

#[test]
fn id2_the_code_letter() {
    let (subject, plain, html) = letter(&composer(), &code(CodePurpose::SignIn), Locale::Ru);
    assert_eq!(subject, "Вход в кабинет: код № 3");
    // It shows on a locked screen.
    assert!(!subject.contains("012345"));
    assert!(
        plain.contains("\n012345\n") && plain.contains("5 минут "),
        "{plain}"
    );
    assert!(plain.contains("Сотрудники не спросят этот код."));
    assert!(html.contains(">012345<"));
}

/// ID-13: every notice carries the link, whatever else does not fit.
#[test]
fn id13_every_notice_carries_the_link() {
    let link = format!("{ORIGIN}/n/{}", "x".repeat(43));
    let composer = composer();
    for locale in Locale::ALL {
        for event in SecurityEvent::ALL {
            for (device, place) in [
                ("Chrome, Android", "Москва"),
                (&*"д".repeat(90), &*"м".repeat(90)),
                ("", ""),
            ] {
                let said = sms(&composer, &notice(event, device, place), locale);
                assert!(said.ends_with(&link), "{said}");
                assert!(sms::parts(&said) <= 2, "{said}");
            }
            let (_, plain, html) = letter(&composer, &notice(event, "Chrome", "Москва"), locale);
            assert!(plain.contains(&link) && html.contains(&format!("href=\"{link}\"")));
        }
    }
    let (_, plain, _) = letter(
        &composer,
        &notice(SecurityEvent::NewDevice, "Chrome, Android", "Москва"),
        Locale::Ru,
    );
    assert!(plain.contains("Когда: 22 ноября, 07:18 МСК"), "{plain}");
    assert!(plain.contains("Устройство: Chrome, Android") && plain.contains("Место: Москва"));
    let said = sms(
        &composer,
        &notice(SecurityEvent::NewDevice, "Chrome, Android", "Москва"),
        Locale::Ru,
    );
    assert!(
        said.starts_with("Кабинет: новый вход, Chrome, Android"),
        "{said}"
    );
}

/// A33: a device name cannot add a line, a link, markup or turn the text round.
#[test]
fn a33_supplied_words_are_inert() {
    let evil = "<script>\n@evil.example #000000\u{202e}https://evil.example";
    let composer = composer();
    let text = notice(SecurityEvent::NewDevice, evil, evil);
    let said = sms(&composer, &text, Locale::Ru);
    assert_eq!(said.lines().count(), 1);
    let (_, plain, html) = letter(&composer, &text, Locale::Ru);
    for said in [&said, &plain, &html] {
        assert!(
            !said.contains("evil.example") && !said.contains('\u{202e}'),
            "{said}"
        );
    }
    assert!(!html.contains("<script"), "{html}");
}

/// ID-12: marketing says how to end it, in the text and in one click.
#[test]
fn id12_marketing_can_be_ended() {
    let link = format!("{ORIGIN}/n/{}", "x".repeat(43));
    for locale in Locale::ALL {
        assert!(sms(&composer(), &marketing(), locale).ends_with(&link));
        let Ok(Body::Email {
            unsubscribe, text, ..
        }) = composer().compose(&marketing(), Channel::Email, locale)
        else {
            panic!("no letter");
        };
        assert_eq!(unsubscribe.as_ref(), Some(&link));
        assert!(text.contains(&link));
        for other in samples() {
            if let Ok(Body::Email { unsubscribe, .. }) =
                composer().compose(&other, Channel::Email, locale)
            {
                assert_eq!(
                    unsubscribe.is_some(),
                    matches!(other, MessageText::Marketing { .. })
                );
            }
        }
    }
}

#[test]
fn a_call_carries_the_code_and_nothing_else() {
    let body = composer().compose(&code(CodePurpose::SignIn), Channel::Call, Locale::Ru);
    assert_eq!(
        body,
        Ok(Body::Call {
            code: Some("012345".to_owned())
        })
    );
    let refused = composer().compose(&marketing(), Channel::Call, Locale::Ru);
    assert_eq!(refused, Err(TextError::WrongChannel));
}

/// A18: nothing that holds a code prints it.
#[test]
fn a18_texts_do_not_print() {
    for text in samples() {
        assert!(!format!("{text:?}").contains("012345"));
        let body = composer()
            .compose(&text, Channel::Email, Locale::Ru)
            .unwrap();
        assert!(!format!("{body:?}").contains("012345"));
    }
}
