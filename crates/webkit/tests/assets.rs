//! Static files: fingerprints, variants, weights.

use http::HeaderMap;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use webkit::assets::{PLAIN, all, asset_url, find, serve};

fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect()
}

fn packed(name: &str) -> usize {
    let (_, asset) = all().find(|(found, _)| *found == name).unwrap();
    asset.gzip.as_ref().unwrap_or(&asset.bytes).len()
}

#[test]
fn fingerprinted_files_are_kept_for_ever_and_plain_ones_asked_about() {
    let url = asset_url("kabinet.css");
    assert!(
        url.starts_with("/assets/kabinet.") && url.len() == "/assets/kabinet.0123456789.css".len()
    );
    let answer = serve(url, &HeaderMap::new());
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()[CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(!answer.headers().contains_key(CONTENT_ENCODING));
    for (plain, _) in PLAIN {
        let answer = serve(plain, &HeaderMap::new());
        assert_eq!(answer.status(), 200, "{plain}");
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-cache");
    }
    assert_eq!(
        serve("/assets/kabinet.css", &HeaderMap::new()).status(),
        404
    );
    assert_eq!(
        serve("/assets/../Cargo.toml", &HeaderMap::new()).status(),
        404
    );
    assert_eq!(serve("/assets/", &HeaderMap::new()).status(), 404);
}

#[test]
fn gzip_where_it_is_taken() {
    let url = asset_url("kabinet.css");
    let with = |value| serve(url, &headers(&[(ACCEPT_ENCODING, value)]));
    assert_eq!(
        with("gzip, deflate, br").headers()[CONTENT_ENCODING],
        "gzip"
    );
    assert!(
        !with("br, gzip;q=0")
            .headers()
            .contains_key(CONTENT_ENCODING)
    );
    let font = serve(
        asset_url("onest-latin.woff2"),
        &headers(&[(ACCEPT_ENCODING, "gzip")]),
    );
    assert!(!font.headers().contains_key(CONTENT_ENCODING));
}

#[test]
fn not_sent_again_when_the_browser_has_it() {
    let etag = serve("/sw.js", &HeaderMap::new()).headers()[ETAG].clone();
    let again = serve(
        "/sw.js",
        &headers(&[(IF_NONE_MATCH, etag.to_str().unwrap())]),
    );
    assert_eq!(again.status(), 304);
}

/// References between files lead to fingerprinted addresses that exist.
#[test]
fn references_between_files_hold() {
    for (name, asset) in all() {
        if !["css", "webmanifest", "js", "json"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            continue;
        }
        let text = String::from_utf8(asset.bytes.to_vec()).unwrap();
        for rest in text.split("/assets/").skip(1) {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c)));
            let target = &rest[..end.unwrap_or(rest.len())];
            if !target.is_empty() {
                assert!(
                    find(&format!("/assets/{target}")).is_some(),
                    "{name} → {target}"
                );
            }
        }
    }
}

/// The bars of weight: CSS 12 KB, scripts 15 KB, sprite 6 KB, fonts 34 KB; a
/// first visit 90 KB with its page.
#[test]
fn weights() {
    let css = packed("kabinet.css");
    let sprite = packed("icons.svg");
    let fonts =
        packed("onest-latin.woff2") + packed("onest-cyrillic.woff2") + packed("onest-ruble.woff2");
    let scripts: usize = all()
        .filter(|(name, _)| name.ends_with(".js"))
        .map(|(name, _)| packed(name))
        .sum();
    assert!(css <= 12 * 1024, "{css}");
    assert!(sprite <= 6 * 1024, "{sprite}");
    assert!(fonts <= 34 * 1024, "{fonts}");
    assert!(scripts <= 15 * 1024, "{scripts}");
    assert!(css + sprite + fonts + scripts + packed("door.svg") + packed("logo.svg") <= 80 * 1024);
    let icons = all().find(|(name, _)| *name == "icons.svg").unwrap().1;
    assert!(
        String::from_utf8_lossy(&icons.bytes)
            .matches("<symbol")
            .count()
            <= 40
    );
}
