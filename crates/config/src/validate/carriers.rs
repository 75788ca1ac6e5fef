//! Carriers: that there is one, and that what it was told can work.

use std::net::IpAddr;

use secrecy::ExposeSecret;

use super::{Findings, limits};
use crate::{
    CallSettings, EmailSettings, HttpGateway, Method, Settings, SmppSettings, SmsSettings,
    SmtpSettings, Tls,
};

impl Settings {
    pub(super) fn check_carriers(&self, found: &mut Findings) {
        let no_sms = matches!(self.sms, SmsSettings::None);
        if no_sms && matches!(self.call, CallSettings::None) {
            found.refuse(
                "sms.kind",
                "there is no carrier of SMS or calls, so nobody can sign in",
                "Set [sms] or [call]; docs/kabinet.example.toml shows how. To look around without one, run `kabinet demo`",
            );
        } else if no_sms {
            found.warn(
                "sms.kind",
                "there is no carrier of SMS",
                "People whom calls do not reach cannot sign in; set [sms]",
            );
        }
        match &self.sms {
            SmsSettings::None => {}
            SmsSettings::Smpp(smpp) => check_smpp(smpp, found),
            SmsSettings::Http(gateway) => check_gateway("sms", gateway, &["{text}"], found),
        }
        if let CallSettings::Http(gateway) = &self.call {
            let needed: &[&str] = if gateway.success.caller_pointer.is_empty() {
                &["{code}"]
            } else {
                &[]
            };
            check_gateway("call", gateway, needed, found);
            check_caller(gateway, found);
        }
        match &self.email {
            EmailSettings::None => found.warn(
                "email.kind",
                "there is no carrier of e-mail, so accounts stay limited and notices go by SMS alone",
                "Set [email]",
            ),
            EmailSettings::Smtp(smtp) => check_smtp(smtp, found),
        }
    }
}

/// One of two chooses the code: we, and the gateway takes it, or the gateway, and we learn it.
fn check_caller(gateway: &HttpGateway, found: &mut Findings) {
    if gateway.success.caller_pointer.is_empty() {
        return;
    }
    let places = [gateway.url.expose_secret(), gateway.body.as_str()];
    let headers = gateway.headers.values().map(ExposeSecret::expose_secret);
    if places
        .into_iter()
        .chain(headers)
        .any(|text| text.contains("{code}"))
    {
        found.refuse(
            "call.success.caller_pointer",
            "the gateway chooses the code and is sent one too",
            "Remove the key, or {code} from url, headers and body",
        );
    }
}

fn check_smpp(smpp: &SmppSettings, found: &mut Findings) {
    host("sms.host", &smpp.host, found);
    for (name, value, most) in [
        ("system_id", &smpp.system_id, 15),
        ("system_type", &smpp.system_type, 12),
    ] {
        if value.len() > most || !value.is_ascii() {
            found.refuse(
                &format!("sms.{name}"),
                format!("it is not 0 to {most} ASCII characters"),
                "Take it from the contract",
            );
        }
    }
    if smpp.system_id.is_empty() {
        found.refuse("sms.system_id", "it is empty", "Take it from the contract");
    }
    found.secret("sms.password", &smpp.password, 0);
    if smpp.password.expose_secret().len() > 8 {
        found.refuse(
            "sms.password",
            "it is longer than the 8 characters of SMPP 3.4",
            "Take it from the contract",
        );
    }
    let source = smpp.source.as_str();
    let digits = source.strip_prefix('+').unwrap_or(source);
    let number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let name = (1..=11).contains(&source.len())
        && source
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" .-_".contains(&b));
    if !number && !name {
        found.refuse(
            "sms.source",
            "it is neither a number nor a sender's name",
            "Write at most 11 Latin letters and digits, or 3 to 15 digits",
        );
    }
    if !smpp.tls && !is_local(&smpp.host) {
        found.warn(
            "sms.tls",
            "codes go to the message centre unprotected",
            "Set tls = true, or lead the connection through a VPN",
        );
    }
    limits::number(
        found,
        "sms.messages_per_second",
        u64::from(smpp.messages_per_second),
        1,
        10_000,
    );
    limits::time(found, "sms.enquire_link", smpp.enquire_link, 1, 600);
    limits::time(found, "sms.response_timeout", smpp.response_timeout, 1, 60);
}

fn check_gateway(section: &str, gateway: &HttpGateway, needed: &[&str], found: &mut Findings) {
    let at = |key: &str| format!("{section}.{key}");
    let url = gateway.url.expose_secret();
    let authority = url.split_once("://").map_or("", |(_, rest)| {
        rest.split(['/', '?', '#']).next().unwrap_or("")
    });
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if host.is_empty() || !(url.starts_with("https://") || url.starts_with("http://")) {
        found.refuse(
            &at("url"),
            "it is not a web address",
            "Write one that begins with https://",
        );
    } else if url.starts_with("http://") && !is_local(host) {
        found.refuse(&at("url"), "codes would go over plain HTTP", "Use https://");
    }
    let whole = format!("{url} {}", gateway.body);
    if !whole.contains("{to}") && !whole.contains("{to_digits}") {
        found.refuse(
            &at("body"),
            "neither the body nor the URL says {to} or {to_digits}",
            "Put the word where the number goes",
        );
    }
    for word in needed {
        if !whole.contains(word) {
            found.refuse(
                &at("body"),
                format!("neither the body nor the URL says {word}"),
                "Put the word where it goes",
            );
        }
    }
    if gateway.method == Method::Get && !gateway.body.is_empty() {
        found.refuse(
            &at("body"),
            "a GET request has no body",
            "Empty it or set method = \"POST\"",
        );
    }
    if !["application/json", "application/x-www-form-urlencoded"]
        .contains(&gateway.content_type.as_str())
    {
        found.refuse(
            &at("content_type"),
            "it is not a known kind of body",
            "Use application/json or application/x-www-form-urlencoded",
        );
    }
    for (name, value) in &gateway.headers {
        let token = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !token || value.expose_secret().chars().any(char::is_control) {
            found.refuse(
                &at("headers"),
                "a header has a name or a value that HTTP does not allow",
                "Correct it",
            );
        } else {
            found.secret(&at("headers"), value, 0);
        }
    }
    let (low, high) = gateway.success.status;
    if !(100..=599).contains(&low) || !(low..=599).contains(&high) {
        found.refuse(
            &at("success.status"),
            "it is not a range of statuses",
            "Write a lowest and a highest, like [200, 299]",
        );
    }
    for (key, pointer) in [
        ("success.pointer", &gateway.success.pointer),
        ("success.id_pointer", &gateway.success.id_pointer),
        ("success.caller_pointer", &gateway.success.caller_pointer),
    ] {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            found.refuse(
                &at(key),
                "it is not a JSON pointer",
                "Begin it with a slash, like /messages/0/id",
            );
        }
    }
    match &gateway.report_secret {
        Some(secret) => found.secret(&at("report_secret"), secret, 32),
        None => found.warn(
            &at("report_secret"),
            "delivery reports are not taken",
            "Set one, and set it at the gateway",
        ),
    }
    limits::time(found, &at("timeout"), gateway.timeout, 1, 60);
}

fn check_smtp(smtp: &SmtpSettings, found: &mut Findings) {
    host("email.host", &smtp.host, found);
    let address = smtp
        .from
        .rsplit_once('<')
        .map_or(smtp.from.as_str(), |(_, rest)| rest.trim_end_matches('>'));
    let breaks = smtp.from.chars().any(char::is_control);
    if breaks || kernel::Email::parse(address).is_err() {
        found.refuse(
            "email.from",
            "it is not a sender",
            "Write Company <no-reply@company.example>",
        );
    }
    match (&smtp.password, smtp.username.is_empty()) {
        (Some(password), false) => found.secret("email.password", password, 0),
        (None, false) => found.refuse(
            "email.password",
            "there is a username and no password",
            "Set it, best as the variable KABINET_EMAIL__PASSWORD",
        ),
        (Some(_), true) => found.refuse(
            "email.username",
            "there is a password and no username",
            "Set it",
        ),
        (None, true) => {}
    }
    if smtp.tls == Tls::None && !is_local(&smtp.host) {
        found.refuse(
            "email.tls",
            "letters and the password would go unprotected",
            "Use starttls or implicit",
        );
    }
    limits::time(found, "email.timeout", smtp.timeout, 1, 60);
}

fn host(setting: &str, host: &str, found: &mut Findings) {
    let fits = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    if !fits {
        found.refuse(
            setting,
            "it is not the name or address of a host",
            "Write it without a scheme, a port or a path",
        );
    }
}

/// Whether a host, with or without a port, is this machine.
fn is_local(host: &str) -> bool {
    if let Ok(address) = host.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => {
            name
        }
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
