//! Whose address counts behind proxies.

use config::Settings;

/// A34 and the limits by address: only our own proxies are believed.
#[test]
fn client_address() {
    let mut settings = Settings::default();
    settings.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    for (peer, headers, expected) in [
        ("203.0.113.9", &[][..], "203.0.113.9"),
        ("203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        (
            "10.0.0.1",
            &["1.1.1.1", "203.0.113.9, 10.0.0.2"],
            "203.0.113.9",
        ),
        ("10.0.0.1", &["1.1.1.1, garbage"], "10.0.0.1"),
        ("10.0.0.1", &["1.1.1.1, garbage, 10.0.0.2"], "10.0.0.2"),
        ("::1", &["2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
    ] {
        let seen = settings
            .server
            .client_address(peer.parse().unwrap(), headers.iter().copied());
        assert_eq!(seen.to_string(), expected, "{peer} {headers:?}");
    }
}
