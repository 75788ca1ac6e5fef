//! What a browser says it is, in words for a list of devices (ID-9).

use crate::Locale;

/// The longest `User-Agent` looked at, in bytes; real ones stay under 300.
const MAX_BYTES: usize = 512;

/// What runs on what. Each list is tried from the top, because browsers name
/// those they imitate: Yandex says Chrome, Chrome says Safari.
const BROWSERS: &[(&str, &str)] = &[
    ("YaBrowser/", "Yandex Browser"),
    ("YaApp_", "Yandex"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera", "Opera"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("MiuiBrowser/", "Mi Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("UCBrowser/", "UC Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("GSA/", "Google"),
    ("Chromium/", "Chromium"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Trident/", "Internet Explorer"),
    ("MSIE ", "Internet Explorer"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Aurora", "Aurora"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];

/// A short name of a device: «Chrome на Android», "Safari on iPhone",
/// «Неизвестное устройство».
///
/// Made only of words from this file: nothing that a stranger sends comes
/// through to the page, the letter or the log.
pub fn device_name(user_agent: &str, locale: Locale) -> String {
    let (browser, system) = recognise(user_agent);
    match (browser, system, locale) {
        (Some(browser), Some(system), Locale::Ru) => format!("{browser} на {system}"),
        (Some(browser), Some(system), Locale::En) => format!("{browser} on {system}"),
        (Some(one), None, _) | (None, Some(one), _) => one.to_owned(),
        (None, None, Locale::Ru) => "Неизвестное устройство".to_owned(),
        (None, None, Locale::En) => "Unknown device".to_owned(),
    }
}

/// Whether it is a phone or a tablet: for the icon beside the name.
pub fn is_handheld(user_agent: &str) -> bool {
    matches!(
        recognise(user_agent).1,
        Some("iPhone" | "iPad" | "Android" | "HarmonyOS" | "Aurora")
    )
}

fn recognise(user_agent: &str) -> (Option<&'static str>, Option<&'static str>) {
    let end = user_agent.floor_char_boundary(MAX_BYTES);
    let seen = user_agent.get(..end).unwrap_or("");
    let find = |list: &[(&str, &'static str)]| {
        list.iter()
            .find(|(mark, _)| seen.contains(mark))
            .map(|(_, name)| *name)
    };
    (find(BROWSERS), find(SYSTEMS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn id_9_names_devices() {
        for (agent, ru, en) in [
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome на Android",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari на iPhone",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
                "Chrome на iPhone",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
                "Firefox на Windows",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 YaBrowser/25.8.0.0 Safari/537.36",
                "Yandex Browser на Windows",
                "Yandex Browser on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge на Windows",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari на Mac",
                "Safari on Mac",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
                "Chrome на Linux",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome на ChromeOS",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet на Android",
                "Samsung Internet on Android",
            ),
            ("curl/8.5.0", "curl", "curl"),
            ("Android", "Android", "Android"),
            ("", "Неизвестное устройство", "Unknown device"),
            (
                "<script>alert(1)</script>",
                "Неизвестное устройство",
                "Unknown device",
            ),
        ] {
            assert_eq!(device_name(agent, Locale::Ru), ru, "{agent}");
            assert_eq!(device_name(agent, Locale::En), en, "{agent}");
        }
        assert!(is_handheld("Mozilla/5.0 (iPad; …)"));
        assert!(!is_handheld("Mozilla/5.0 (Windows NT 10.0)"));
    }

    proptest! {
        /// A33: whatever is sent, the name is made of our own words.
        #[test]
        fn a33_nothing_sent_comes_through(agent in ".{0,600}") {
            let name = device_name(&agent, Locale::En);
            let ours = |part: &str| BROWSERS.iter().chain(SYSTEMS).any(|(_, known)| *known == part);
            prop_assert!(name == "Unknown device" || name.split(" on ").all(ours), "{}", name);
        }
    }
}
