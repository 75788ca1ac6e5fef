//! Where a sign-in may lead afterwards: a path of our own and nothing else (A35).

/// A path of this site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPath(String);

/// Longest path taken, in bytes.
const LENGTH_MAX: usize = 512;

impl NextPath {
    /// Takes a path that begins with exactly one slash and consists of plain path and query characters.
    /// Everything a browser might read as another host (`//`, `/\`, tabs, control characters, encoded
    /// slashes at the start, user info) is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/?=&%+,:".contains(&b);
        let path = text.split('?').next().unwrap_or_default();
        let refused = text.len() > LENGTH_MAX
            || rest.starts_with(['/', '\\', '%'])
            || !text.bytes().all(plain)
            || path.contains("//")
            || path.contains(':')
            || path.split('/').any(|part| part == ".." || part == ".");
        (!refused).then(|| Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NextPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A35: the corpus of redirects that lead away; none passes.
    #[test]
    fn nothing_leads_away() {
        let corpus = [
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\\/evil.example",
            "/\t/evil.example",
            "/%09/evil.example",
            "/%2f/evil.example",
            "/%2F%2Fevil.example",
            "/%5cevil.example",
            "/%5C%5Cevil.example",
            "https://evil.example",
            "http://evil.example",
            "HTTPS://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "mailto:a@b.example",
            "blob:x",
            "evil.example",
            "@evil.example",
            ".evil.example",
            " //evil.example",
            "\t//evil.example",
            "\n//evil.example",
            "\u{0}//evil.example",
            "/\u{0}/evil.example",
            "/\r\nLocation: //evil.example",
            "/\n/evil.example",
            "/ /evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/../evil",
            "/./evil",
            "/a/../../evil",
            "//evil.example/%2f..",
            "/%00//evil.example",
            "/a//evil.example",
            "//user@evil.example",
            "//evil%E3%80%82example",
            "//evil。example",
            "/／evil.example",
            "／／evil.example",
            "/⁄evil.example",
            "//[::1]/",
            "//127.0.0.1",
            "//2130706433",
            "/x:y",
            "/https://evil.example",
            "?next=//evil",
            "#//evil",
            "/#//evil.example",
            "",
            "/<script>",
            "/\"onload=x",
            "/'x",
            "/;//evil.example",
        ];
        assert!(corpus.len() >= 60);
        for text in corpus {
            assert_eq!(NextPath::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn own_paths_pass() {
        for text in [
            "/",
            "/profile/security",
            "/profile/devices?page=2",
            "/help/no-code",
            "/a?next=%2Fx",
        ] {
            assert_eq!(NextPath::parse(text).unwrap().as_str(), text);
        }
    }

    proptest! {
        /// A35: what passes, joined to the site's origin, stays on the site.
        #[test]
        fn what_passes_stays(text in "[/\\\\a-z.:@%?#\t ]{0,12}") {
            if let Some(next) = NextPath::parse(&text) {
                prop_assert!(next.as_str().starts_with('/'));
                prop_assert!(!next.as_str()[1..].starts_with(['/', '\\']));
            }
        }
    }
}
