//! Reading and judging settings: each refusal once.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use config::{ConfigError, DatabaseTarget, EmailSettings, Settings, Severity, SmsSettings};
use secrecy::ExposeSecret;

const FILE: &str = "kabinet.toml";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let variables = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Settings::from_parts(Some((Path::new(FILE), text)), variables)
}

/// A whole installation on disk that has nothing wrong with it.
struct Installation {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Installation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("kabinet.toml");
        let key = folder.path().join("master.key");
        std::fs::write(&key, "key").unwrap();
        mode(&key, 0o600);
        let text = format!(
            r#"
            [server]
            public_origin = "https://id.company.example"
            trusted_proxies = ["127.0.0.1/32"]
            [database]
            url = "postgresql://kabinet:Vq81mZx0@db.company.example/kabinet"
            [data]
            dir = "{folder}"
            [keys]
            master = "{key}"
            [sms]
            kind = "smpp"
            host = "smpp.operator.example"
            tls = true
            system_id = "company"
            password = "Vq81mZx0"
            source = "Company"
            [call]
            kind = "http"
            url = "https://calls.operator.example/call?to={{to_digits}}"
            headers = {{ authorization = "Bearer Vq81mZx0" }}
            body = '{{"code": "{{code}}"}}'
            report_secret = "0123456789abcdef0123456789abcdef"
            [email]
            kind = "smtp"
            host = "smtp.company.example"
            username = "kabinet"
            password = "Vq81mZx0"
            from = "Company <no-reply@company.example>"
            [privacy]
            company_name = "Company"
            support_phone = "8 800 000-00-00"
            "#,
            folder = folder.path().display(),
            key = key.display(),
        );
        std::fs::write(&config, text).unwrap();
        mode(&config, 0o640);
        let settings = Settings::load(Some(&config)).unwrap();
        Self { folder, settings }
    }

    /// The same with a change.
    fn with(&self, change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = self.settings.clone();
        change(&mut settings);
        settings
    }
}

fn mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn refused(settings: &Settings) -> Vec<String> {
    let problems = settings.validate();
    problems
        .into_iter()
        .filter(|p| p.severity == Severity::Refusal)
        .map(|p| p.setting)
        .collect()
}

#[test]
fn a_good_installation_has_nothing_wrong() {
    assert_eq!(Installation::new().settings.validate(), []);
}

#[test]
fn every_refusal() {
    type Change = fn(&mut Settings);
    fn smpp(s: &mut Settings) -> &mut config::SmppSettings {
        match &mut s.sms {
            SmsSettings::Smpp(smpp) => smpp,
            _ => panic!("smpp"),
        }
    }
    fn call(s: &mut Settings) -> &mut config::HttpGateway {
        match &mut s.call {
            config::CallSettings::Http(gateway) => gateway,
            config::CallSettings::None => panic!("call"),
        }
    }
    fn smtp(s: &mut Settings) -> &mut config::SmtpSettings {
        match &mut s.email {
            EmailSettings::Smtp(smtp) => smtp,
            EmailSettings::None => panic!("smtp"),
        }
    }
    fn origin(s: &mut Settings, origin: &str) {
        s.server.public_origin = origin.to_owned();
    }
    let changes: &[(&str, Change)] = &[
        ("server.public_origin", |s| {
            origin(s, "http://id.company.example")
        }),
        ("server.public_origin", |s| {
            origin(s, "http://192.0.2.1:8080")
        }),
        ("server.public_origin", |s| {
            origin(s, "http://localhost.evil.example")
        }),
        ("server.public_origin", |s| {
            origin(s, "https://id.company.example/path")
        }),
        ("server.public_origin", |s| {
            origin(s, "https://id.company.example/")
        }),
        ("server.public_origin", |s| {
            origin(s, "https://user@id.company.example")
        }),
        ("server.public_origin", |s| {
            origin(s, "https://id.company.example:99999")
        }),
        ("server.public_origin", |s| {
            origin(s, "https://ID.company.example")
        }),
        ("server.public_origin", |s| origin(s, "id.company.example")),
        ("server.public_origin", |s| origin(s, "")),
        ("server.operations_listen", |s| {
            s.server.operations_listen = s.server.listen
        }),
        ("server.trusted_proxies", |s| {
            s.server.trusted_proxies = vec!["0.0.0.0/0".parse().unwrap()]
        }),
        ("server.max_connections_per_ip", |s| {
            s.server.max_connections_per_ip = 0
        }),
        ("server.header_timeout", |s| {
            s.server.header_timeout = std::time::Duration::ZERO
        }),
        ("server.body_timeout", |s| {
            s.server.body_timeout = std::time::Duration::from_secs(3600)
        }),
        ("server.graceful_timeout", |s| {
            s.server.graceful_timeout = std::time::Duration::from_secs(3600)
        }),
        ("database.url", |s| {
            s.database.url = Some("mysql://localhost".into())
        }),
        ("database.url", |s| s.database.url = Some("sqlite:".into())),
        ("database.url", |s| {
            s.database.url = Some("postgresql://kabinet:postgres@db/kabinet".into())
        }),
        ("database.url", |s| {
            s.database.url = Some("postgresql://kabinet:@db/kabinet".into())
        }),
        ("database.readers", |s| s.database.readers = 0),
        ("database.connections", |s| s.database.connections = 0),
        ("data.dir", |s| s.data.dir = s.keys.master.clone().unwrap()),
        ("keys.master", |s| {
            s.keys.master = Some("/nowhere/master.key".into())
        }),
        ("keys.master", |s| s.keys.master = Some("/".into())),
        ("place.mmdb", |s| {
            s.place.mmdb = Some("/nowhere/city.mmdb".into())
        }),
        ("privacy.company_name", |s| s.privacy.company_name.clear()),
        ("privacy.support_phone", |s| {
            s.privacy.support_phone = " ".to_owned()
        }),
        ("privacy.consent_version", |s| {
            s.privacy.consent_version.clear()
        }),
        ("brand.ru", |s| s.brand.ru = "К".repeat(17)),
        ("brand.en", |s| s.brand.en.clear()),
        ("sms.kind", |s| {
            (s.sms, s.call) = (SmsSettings::None, config::CallSettings::None)
        }),
        ("sms.host", |s| smpp(s).host = "smpp://operator".to_owned()),
        ("sms.host", |s| smpp(s).host.clear()),
        ("sms.system_id", |s| smpp(s).system_id = "a".repeat(16)),
        ("sms.system_id", |s| smpp(s).system_id.clear()),
        ("sms.system_type", |s| smpp(s).system_type = "a".repeat(13)),
        ("sms.password", |s| smpp(s).password = "".into()),
        ("sms.password", |s| smpp(s).password = "password".into()),
        ("sms.password", |s| smpp(s).password = "Vq81mZx01".into()),
        ("sms.source", |s| smpp(s).source = "Компания".to_owned()),
        ("sms.source", |s| {
            smpp(s).source = "CompanyTooLong".to_owned()
        }),
        ("sms.messages_per_second", |s| {
            smpp(s).messages_per_second = 0
        }),
        ("sms.enquire_link", |s| {
            smpp(s).enquire_link = std::time::Duration::ZERO
        }),
        ("sms.response_timeout", |s| {
            smpp(s).response_timeout = std::time::Duration::ZERO
        }),
        ("call.url", |s| {
            call(s).url = "http://calls.operator.example/{to}".into()
        }),
        ("call.url", |s| {
            call(s).url = "ftp://calls.operator.example/{to}".into()
        }),
        ("call.url", |s| call(s).url = "https:///{to}".into()),
        ("call.body", |s| {
            call(s).url = "https://calls.operator.example/".into()
        }),
        ("call.body", |s| call(s).body = "{}".to_owned()),
        ("call.body", |s| call(s).method = config::Method::Get),
        ("call.content_type", |s| {
            call(s).content_type = "text/plain".to_owned()
        }),
        ("call.headers", |s| {
            drop(call(s).headers.insert("x y".to_owned(), "Vq81mZx0".into()))
        }),
        ("call.headers", |s| {
            drop(call(s).headers.insert("x".to_owned(), "a\r\nb: c".into()))
        }),
        ("call.headers", |s| {
            drop(
                call(s)
                    .headers
                    .insert("x".to_owned(), "Bearer change-me".into()),
            )
        }),
        ("call.success.status", |s| {
            call(s).success.status = (299, 200)
        }),
        ("call.success.pointer", |s| {
            call(s).success.pointer = "status".to_owned()
        }),
        ("call.success.caller_pointer", |s| {
            call(s).success.caller_pointer = "/from".to_owned()
        }),
        ("call.report_secret", |s| {
            call(s).report_secret = Some("short".into())
        }),
        ("call.timeout", |s| {
            call(s).timeout = std::time::Duration::from_secs(600)
        }),
        ("email.host", |s| smtp(s).host = "https://smtp".to_owned()),
        ("email.from", |s| smtp(s).from = "Company".to_owned()),
        ("email.from", |s| {
            smtp(s).from = "A\r\nBcc: x <a@b.example>".to_owned()
        }),
        ("email.password", |s| smtp(s).password = None),
        ("email.password", |s| {
            smtp(s).password = Some("changeme".into())
        }),
        ("email.username", |s| smtp(s).username.clear()),
        ("email.tls", |s| smtp(s).tls = config::Tls::None),
        ("email.timeout", |s| {
            smtp(s).timeout = std::time::Duration::ZERO
        }),
        ("limits.code_lifetime", |s| {
            s.limits.code_lifetime = std::time::Duration::from_secs(3600)
        }),
        ("limits.code_tries", |s| s.limits.code_tries = 6),
        ("limits.code_tries", |s| s.limits.code_tries = 0),
        ("limits.known_browser_call_tries", |s| {
            s.limits.known_browser_call_tries = 3
        }),
        ("limits.sends_known_browser_more", |s| {
            s.limits.sends_known_browser_more = 0
        }),
        ("limits.resend_waits", |s| s.limits.resend_waits.clear()),
        ("limits.resend_waits", |s| s.limits.resend_waits.reverse()),
        ("limits.resend_waits", |s| {
            s.limits.resend_waits[0] = std::time::Duration::from_secs(1)
        }),
        ("limits.rest_longest", |s| {
            s.limits.rest_longest = std::time::Duration::from_secs(86_400)
        }),
        ("limits.rest_first", |s| {
            let minutes = |n: u64| std::time::Duration::from_secs(n * 60);
            (s.limits.rest_first, s.limits.rest_longest) = (minutes(30), minutes(20));
        }),
        ("limits.wrong_codes_per_address", |s| {
            s.limits.wrong_codes_per_address = 101
        }),
        ("limits.sends_per_number_hour", |s| {
            s.limits.sends_per_number_hour = 11
        }),
        ("limits.countries", |s| s.limits.countries.clear()),
        ("limits.shop_session_idle", |s| {
            s.limits.shop_session_idle *= 2
        }),
        ("limits.bank_lock_idle", |s| s.limits.bank_lock_idle *= 4),
        ("limits.bank_session_longest", |s| {
            s.limits.bank_session_longest *= 3
        }),
        ("limits.change_hold", |s| s.limits.change_hold /= 14),
        ("limits.change_undo", |s| s.limits.change_undo *= 14),
        ("limits.sessions_per_account", |s| {
            s.limits.sessions_per_account = 0
        }),
        ("limits.spend_per_day_kopecks", |s| {
            s.limits.spend_per_day_kopecks = 0
        }),
        ("hashing.memory_mib", |s| s.hashing.memory_mib = 18),
        ("hashing.passes", |s| s.hashing.passes = 1),
        ("hashing.at_once", |s| s.hashing.at_once = 257),
        ("hashing.waiting", |s| s.hashing.waiting = 65),
    ];
    let good = Installation::new();
    for (number, (setting, change)) in changes.iter().enumerate() {
        let problems = refused(&good.with(change));
        assert!(
            problems.contains(&(*setting).to_owned()),
            "change {number}: {setting} not in {problems:?}"
        );
        let others = problems.iter().filter(|p| p != setting).count();
        assert!(
            others == 0,
            "change {number} of {setting} also hit {problems:?}"
        );
    }
}

#[test]
fn file_modes() {
    let good = Installation::new();
    for (file, bits, setting) in [
        ("master.key", 0o640, "keys.master"),
        ("master.key", 0o604, "keys.master"),
        ("kabinet.toml", 0o644, "configuration file"),
        ("kabinet.toml", 0o660, "configuration file"),
    ] {
        let path = good.folder.path().join(file);
        let before = std::fs::metadata(&path).unwrap().permissions().mode();
        mode(&path, bits);
        let problems = good.settings.validate();
        assert_eq!(problems.len(), 1, "{file} {bits:o}: {problems:?}");
        assert_eq!(problems[0].setting, setting);
        assert!(
            problems[0].remedy.starts_with("Run: chmod 06"),
            "{}",
            problems[0]
        );
        mode(&path, before & 0o777);
    }
    assert_eq!(good.settings.validate(), []);
}

#[test]
fn warnings() {
    let good = Installation::new();
    type Change = fn(&mut Settings);
    let changes: &[(&str, Change)] = &[
        ("server.operations_listen", |s| {
            s.server.operations_listen = "0.0.0.0:9090".parse().unwrap()
        }),
        ("server.trusted_proxies", |s| {
            s.server.trusted_proxies.clear()
        }),
        ("sms.kind", |s| s.sms = SmsSettings::None),
        ("email.kind", |s| s.email = EmailSettings::None),
    ];
    for (setting, change) in changes {
        let problems = good.with(change).validate();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(
            (problems[0].severity, problems[0].setting.as_str()),
            (Severity::Warning, *setting)
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_without_the_value() {
    let table: &[(&str, &[(&str, &str)], &str)] = &[
        (
            "[server]\nlisen = \"127.0.0.1:1\"",
            &[],
            "there is no setting `server.lisen`, did you mean `listen`?",
        ),
        (
            "[sever]\nlisten = \"127.0.0.1:1\"",
            &[],
            "there is no setting `sever`, did you mean `server`?",
        ),
        (
            "",
            &[("SERVER__LISEN", "127.0.0.1:1")],
            "there is no setting `server.lisen`, did you mean `listen`?",
        ),
        (
            "",
            &[("SERVER_LISTEN", "127.0.0.1:1")],
            "there is no setting `server_listen`",
        ),
        (
            "[sms]\nkind = \"none\"\nhost = \"x\"",
            &[],
            "there is no setting `sms.host`",
        ),
        (
            "[sms]\nkind = \"pigeon\"",
            &[],
            "the setting `sms.kind` must be one of: none, smpp, http",
        ),
        (
            "[sms]\nhost = \"x\"",
            &[],
            "the setting `sms.kind` is missing",
        ),
        (
            "[limits]\ncode_lifetime = 5",
            &[],
            "a span is a whole number and a unit",
        ),
        (
            "[limits]\ncode_lifetime = \"hunter2\"",
            &[],
            "the setting `limits.code_lifetime` is wrong: a span is",
        ),
        (
            "[limits]\ncode_tries = \"hunter2\"",
            &[],
            "the setting `limits.code_tries` must be u32",
        ),
        (
            "[server]\ntrusted_proxies = [\"hunter2\"]",
            &[],
            "is wrong: not a network",
        ),
        (
            "[server]\nlisten = \"hunter2\"",
            &[],
            "the setting `server.listen`",
        ),
        (
            "[database]\nurl = [\"hunter2\"]",
            &[],
            "the setting `database.url` must be a string",
        ),
        (
            "[database]\nurl = \"hunter2",
            &[],
            "kabinet.toml is not TOML: TOML parse error at line 2, column",
        ),
        (
            "[sms]\nkind = \"smpp\"\npassword = 5",
            &[],
            "the setting `sms",
        ),
        (
            "[sms]\nkind = \"smpp\"\nhunter2 = hunter2",
            &[],
            "kabinet.toml is not TOML",
        ),
        (
            "[email]\nkind = \"smtp\"\nhost = \"a\"",
            &[],
            "the setting `email.from` is missing",
        ),
        (
            "[email]\nkind = \"smtp\"\nhost = \"a\"\nfrom = \"b\"\nports = 1",
            &[],
            "there is no setting `email.ports`, did you mean `port`?",
        ),
    ];
    for (text, variables, expected) in table {
        let error = read(text, variables).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
    let missing = Settings::load(Some(Path::new("/nowhere/kabinet.toml"))).unwrap_err();
    assert!(matches!(missing, ConfigError::File { .. }), "{missing}");
}

#[test]
fn variables_win_and_text_stays_text() {
    let settings = read(
        "[sms]\nkind = \"smpp\"\nhost = \"a\"\nsystem_id = \"b\"\npassword = \"c\"\nsource = \"d\"\n[limits]\ncode_tries = 4",
        &[
            ("SMS__PASSWORD", "007"),
            ("SMS__PORT", "2776"),
            ("sms__source", "0900"),
            ("LIMITS__COUNTRIES", "[7,375]"),
            ("LIMITS__CODE_LIFETIME", "3m"),
            ("LIMITS__RESEND_WAITS", "[30s, 2m]"),
            ("SERVER__TRUSTED_PROXIES", "[10.0.0.0/8, ::1]"),
            ("SERVER__LISTEN", "[::]:80"),
            ("CALL__KIND", "http"),
            ("CALL__URL", "{url}"),
            ("CALL__BODY", "{\"to\": \"{to}\"}"),
            ("CALL__HEADERS__AUTHORIZATION", "12345"),
            ("CONFIG", "elsewhere.toml"),
            ("LOG", "debug"),
        ],
    )
    .unwrap();
    let SmsSettings::Smpp(smpp) = &settings.sms else {
        panic!("smpp")
    };
    assert_eq!(
        (
            smpp.password.expose_secret(),
            smpp.port,
            smpp.source.as_str()
        ),
        ("007", 2776, "0900")
    );
    assert_eq!(settings.limits.countries, [7, 375]);
    assert_eq!(
        (
            settings.limits.code_lifetime.as_secs(),
            settings.limits.code_tries
        ),
        (180, 4)
    );
    assert_eq!(settings.limits.resend_waits.len(), 2);
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.server.listen.to_string(), "[::]:80");
    let config::CallSettings::Http(call) = &settings.call else {
        panic!("http")
    };
    assert_eq!(
        (call.url.expose_secret(), call.body.as_str()),
        ("{url}", "{\"to\": \"{to}\"}")
    );
    assert_eq!(call.headers["authorization"].expose_secret(), "12345");
}

/// A18 and STYLE: nothing secret in what is printed.
#[test]
fn secrets_do_not_print() {
    let good = Installation::new();
    let printed = format!("{:?} {:#?}", good.settings, good.settings);
    for secret in ["Vq81mZx0", "0123456789abcdef"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn which_database() {
    let target = |url: Option<&str>| {
        let mut settings = Settings::default();
        settings.database.url = url.map(Into::into);
        match settings.database_target() {
            Some(DatabaseTarget::Sqlite(path)) => path.display().to_string(),
            Some(DatabaseTarget::Postgres(url)) => url.expose_secret().to_owned(),
            None => "none".to_owned(),
        }
    };
    assert_eq!(target(None), "data/kabinet.sqlite");
    assert_eq!(target(Some("sqlite:/var/lib/k.db")), "/var/lib/k.db");
    assert_eq!(target(Some("sqlite:///var/lib/k.db")), "/var/lib/k.db");
    assert_eq!(target(Some("sqlite:k.db")), "k.db");
    assert_eq!(target(Some("postgres://h/d")), "postgres://h/d");
    assert_eq!(target(Some("mysql://h/d")), "none");
    assert_eq!(
        Settings::default().master_key_file(),
        PathBuf::from("data/keys/master.key")
    );
}
