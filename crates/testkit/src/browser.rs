//! A real browser: Chromium without a window, driven through `WebDriver`.

mod driver;

use std::{fs, ops::Deref, process::Child};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools;
use crate::watcher::Watcher;

/// How the person looks at the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Viewport in CSS pixels.
    pub width: u32,
    /// Viewport in CSS pixels.
    pub height: u32,
    /// What `prefers-color-scheme` says.
    pub dark: bool,
    /// Whether scripts of the page run.
    pub javascript: bool,
    /// `Accept-Language`, such as `ru,en`.
    pub languages: &'static str,
}

impl Look {
    /// 360 px wide, light, Russian, with JavaScript.
    pub const PHONE: Self = Self {
        width: 360,
        height: 780,
        dark: false,
        javascript: true,
        languages: "ru,en",
    };
    /// 1280 px wide, otherwise the same.
    pub const DESK: Self = Self {
        width: 1280,
        height: 900,
        ..Self::PHONE
    };

    /// The same in the dark.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The same without JavaScript.
    #[must_use]
    pub const fn without_javascript(self) -> Self {
        Self {
            javascript: false,
            ..self
        }
    }

    /// The same for a reader of other languages.
    #[must_use]
    pub const fn languages(self, languages: &'static str) -> Self {
        Self { languages, ..self }
    }

    /// Phone and desk, light and dark: what every page is looked at in.
    pub const ALL: [Self; 4] = [
        Self::PHONE,
        Self::PHONE.dark(),
        Self::DESK,
        Self::DESK.dark(),
    ];

    /// `360-light`, for file names.
    pub fn name(self) -> String {
        let shade = if self.dark { "dark" } else { "light" };
        format!("{}-{shade}", self.width)
    }
}

/// A key that moves through a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// To the next thing.
    Tab,
    /// Presses it, sends a form.
    Enter,
    /// Ticks it.
    Space,
}

impl Key {
    /// Its name, its number on a keyboard of Windows, what it types.
    const fn parts(self) -> (&'static str, u32, &'static str) {
        match self {
            Self::Tab => ("Tab", 9, ""),
            Self::Enter => ("Enter", 13, "\r"),
            Self::Space => (" ", 32, " "),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Tab => "Tab",
            Self::Enter => "Enter",
            Self::Space => "Space",
        }
    }
}

/// A browser with an empty profile; dereferences to fantoccini's [`Client`].
///
/// Everything of it ends and is removed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    look: Look,
    // Dropped in this order: the watcher ends all processes that name the profile's folder.
    _watcher: Watcher,
    driver: Child,
}

/// One rule of axe that a page breaks.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Violation {
    /// The rule, such as `color-contrast`.
    pub id: String,
    /// How bad: `minor` to `critical`.
    pub impact: Option<String>,
    /// What the rule wants.
    pub help: String,
    /// Where.
    pub nodes: Vec<ViolatingNode>,
}

/// An element that breaks a rule.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ViolatingNode {
    /// Its outer HTML, shortened by axe.
    pub html: String,
    /// What is wrong and how to mend it.
    pub failure_summary: Option<String>,
}

const CLEAN_UP: &str = r#"
kill -KILL -"$1" 2>/dev/null
for file in /proc/[0-9]*/cmdline; do
  pid=${file#/proc/}; pid=${pid%/cmdline}
  if [ "$pid" != "$$" ] && grep -q -- "--user-data-dir=$2" "$file" 2>/dev/null; then kill -KILL "$pid" 2>/dev/null; fi
done
rm -rf "$2"; rm -rf "$2"
"#;

impl Browser {
    /// Starts chromedriver and Chromium, and sets the look.
    ///
    /// # Panics
    /// When either is not installed or does not start.
    pub async fn open(look: Look) -> Self {
        let chromium = tools::needed(&["chromium", "chromium-browser", "google-chrome"]);
        let folder = TempDir::with_prefix("kabinet-browser-")
            .expect("the temporary folder is writable")
            .keep();
        let (driver, port) = driver::start();
        let profile = folder.to_str().expect("UTF-8 path");
        let watcher = Watcher::guard(CLEAN_UP, &[&driver.id().to_string(), profile]);
        let profile_flag = format!("--user-data-dir={profile}");
        let mut flags = FLAGS.to_vec();
        flags.push(&profile_flag);
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": flags,
                "prefs": { "intl.accept_languages": look.languages },
            },
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("json! of braces is an object")
        };
        // On a busy machine Chromium may miss chromedriver's patience; it is asked again.
        let mut tries = 0;
        let client = loop {
            let connected = ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await;
            match connected {
                Ok(client) => break client,
                Err(why) if tries == 2 => panic!("chromium did not start: {why}"),
                Err(_) => tries += 1,
            }
        };
        let mut browser = Self {
            client,
            look,
            _watcher: watcher,
            driver,
        };
        // A page without a window believes that nobody looks at it, and shows no ring around what is focused.
        browser
            .cdp(
                "Emulation.setFocusEmulationEnabled",
                json!({ "enabled": true }),
            )
            .await;
        browser.wear(look).await;
        browser
    }

    /// Changes size, colours and scripting of the open page; the profile with its cookies stays.
    pub async fn wear(&mut self, look: Look) {
        self.look = look;
        // A window cannot be narrower than 500 px, a viewport can.
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
        // Without motion a picture or a contrast check cannot catch a page half-way.
        self.prefers(&[STILL]).await;
        self.cdp(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !look.javascript }),
        )
        .await;
    }

    /// What the person asks of pages besides colours, such as `("forced-colors", "active")`; what is not named
    /// is as in any browser.
    pub async fn prefers(&self, wishes: &[(&str, &str)]) {
        let scheme = if self.look.dark { "dark" } else { "light" };
        let features: Vec<Value> = [("prefers-color-scheme", scheme)]
            .iter()
            .chain(wishes)
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    /// Presses and lets go of a key, wherever the cursor is.
    pub async fn press_key(&self, key: Key) {
        let (name, number, text) = key.parts();
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({
                "type": kind, "key": name, "code": key.code(), "windowsVirtualKeyCode": number,
            });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.cdp("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Types where the cursor is.
    pub async fn type_here(&self, text: &str) {
        self.cdp("Input.insertText", json!({ "text": text })).await;
    }

    /// What the page is looked at in.
    pub fn look(&self) -> Look {
        self.look
    }

    /// One command of the Chrome `DevTools` protocol.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.extension(
            "goog/cdp/execute",
            json!({ "cmd": command, "params": parameters }),
        )
        .await
    }

    /// Runs axe-core on the open page by the rules of WCAG 2.0 to 2.2 A and AA and the best
    /// practices. Works with any content security policy, and with the page's scripts off.
    pub async fn axe(&self) -> Vec<Violation> {
        let kinds = [
            "wcag2a",
            "wcag2aa",
            "wcag21a",
            "wcag21aa",
            "wcag22a",
            "wcag22aa",
            "best-practice",
        ];
        self.axe_by(&json!({ "type": "tag", "values": kinds }))
            .await
    }

    /// As [`Self::axe`], by those of its rules that look at colours: for a page that was seen by all of them in
    /// another shade, since nothing else changes with it.
    pub async fn axe_of_colours(&self) -> Vec<Violation> {
        let rules = ["color-contrast", "link-in-text-block"];
        self.axe_by(&json!({ "type": "rule", "values": rules }))
            .await
    }

    async fn axe_by(&self, rules: &Value) -> Vec<Violation> {
        if !self.look.javascript {
            self.scripting(true).await;
        }
        if self.evaluate("typeof axe").await == "undefined" {
            self.evaluate(&axe_source()).await;
        }
        let run = format!(
            "axe.run(document, {{ resultTypes: ['violations'], runOnly: {rules} }})\
             .then(result => JSON.stringify(result.violations))"
        );
        let found = self.evaluate(&run).await;
        if !self.look.javascript {
            self.scripting(false).await;
        }
        let text = found.as_str().expect("axe answers a text");
        serde_json::from_str(text).expect("axe answers violations")
    }

    /// Every page from now on comes with axe: for a browser that looks at hundreds of them, with scripts on.
    pub async fn bring_axe(&self) {
        // Frames are pages of their own, looked at where they are pages.
        let source = format!("if (window === top) {{ {}\n}}", axe_source());
        self.cdp(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": source }),
        )
        .await;
    }

    /// # Panics
    /// With a readable list, when axe finds anything.
    pub async fn assert_accessible(&self, what: &str) {
        let violations = self.axe().await;
        assert!(
            violations.is_empty(),
            "{what} at {}: {}",
            self.look.name(),
            describe(&violations)
        );
    }

    /// Evaluates an expression in the page, waits for its promise, answers its value.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let mut answer = self
            .cdp(
                "Runtime.evaluate",
                json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
            )
            .await;
        assert!(
            answer.get("exceptionDetails").is_none(),
            "the page refused: {}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].take()
    }

    /// Keeps a picture of the whole page as `tests/output/<path>-<look>.png`.
    pub async fn picture(&self, path: &str) {
        let file = tools::output(&format!("{path}-{}.png", self.look.name()));
        let size = self
            .evaluate("JSON.stringify([document.documentElement.scrollWidth, document.documentElement.scrollHeight])")
            .await;
        let (width, height): (u32, u32) =
            serde_json::from_str(size.as_str().unwrap_or("[0,0]")).expect("two numbers");
        let (width, height) = (width.max(self.look.width), height.max(self.look.height));
        // Growing the viewport, not capturing beyond it: fixed bars would be drawn in the middle.
        let grown = (width, height) != (self.look.width, self.look.height);
        let metrics = |width, height| json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        if grown {
            self.cdp("Emulation.setDeviceMetricsOverride", metrics(width, height))
                .await;
        }
        let how = json!({ "format": "png", "optimizeForSpeed": true });
        let picture = self.cdp("Page.captureScreenshot", how).await;
        if grown {
            let look = metrics(self.look.width, self.look.height);
            self.cdp("Emulation.setDeviceMetricsOverride", look).await;
        }
        let png = STANDARD.decode(picture["data"].as_str().expect("a picture"));
        fs::write(file, png.expect("base64")).expect("tests/output is writable");
    }

    /// Lines of the page's console at level warning or above since the last call: errors of
    /// scripts, refusals of the content security policy, resources that did not load. What pages of Chromium's
    /// own say is left out: it opens one before ours and stops it when scripts are taken away.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.extension("se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")))
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .filter(|line| !line.starts_with("chrome://"))
            .collect()
    }

    /// Whether the page is wider than its viewport (reflow, WCAG 1.4.10).
    pub async fn scrolls_sideways(&self) -> bool {
        self.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            .await
            .as_bool()
            .unwrap_or_default()
    }

    async fn scripting(&self, on: bool) {
        self.cdp(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !on }),
        )
        .await;
    }

    async fn extension(&self, path: &'static str, body: Value) -> Value {
        self.client
            .issue_cmd(Extension { path, body })
            .await
            .unwrap_or_else(|why| panic!("chromedriver {path}: {why}"))
    }
}

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A list for people.
pub fn describe(violations: &[Violation]) -> String {
    let mut text = format!("{} rules broken", violations.len());
    for violation in violations {
        let impact = violation.impact.as_deref().unwrap_or("unknown");
        text.push_str(&format!(
            "\n{} ({impact}): {}",
            violation.id, violation.help
        ));
        for node in &violation.nodes {
            let summary = node.failure_summary.as_deref().unwrap_or_default();
            text.push_str(&format!(
                "\n  {}\n    {}",
                node.html,
                summary.replace('\n', "\n    ")
            ));
        }
    }
    text
}

/// Motion off.
const STILL: (&str, &str) = ("prefers-reduced-motion", "reduce");

fn axe_source() -> String {
    let path = tools::node_module("axe-core/axe.min.js");
    fs::read_to_string(path).expect("axe-core is readable")
}

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fantoccini::Locator;

    const PAGE: &str = "data:text/html,<!doctype html><html lang=ru><title>Page</title><main><h1>Title</h1>\
        <p id=who>no script</p><noscript><p id=none>none</p></noscript>\
        <script>document.getElementById('who').textContent = 'script';</script></main>";

    #[tokio::test(flavor = "multi_thread")]
    async fn looks_as_told_with_and_without_scripts() {
        let mut browser = Browser::open(Look::PHONE.dark()).await;
        browser.goto(PAGE).await.unwrap();
        let inside = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, navigator.language].join()";
        assert_eq!(browser.evaluate(inside).await, "360,true,ru");
        let who = browser.find(Locator::Id("who")).await.unwrap();
        assert_eq!(who.text().await.unwrap(), "script");

        browser.wear(Look::DESK.without_javascript()).await;
        browser.goto(PAGE).await.unwrap();
        let who = browser.find(Locator::Id("who")).await.unwrap();
        assert_eq!(who.text().await.unwrap(), "no script");
        let none = browser.find(Locator::Id("none")).await.unwrap();
        assert!(none.is_displayed().await.unwrap());
        assert!(!browser.scrolls_sideways().await);
        browser.picture("testkit/page").await;
        assert!(
            tools::output("testkit/page-1280-light.png")
                .metadata()
                .unwrap()
                .len()
                > 1000
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn axe_passes_a_good_page_and_names_what_a_bad_one_breaks() {
        let browser = Browser::open(Look::DESK.without_javascript()).await;
        browser.goto(PAGE).await.unwrap();
        browser.assert_accessible("a good page").await;
        browser
            .goto("data:text/html,<!doctype html><html><title>x</title><main><h1>t</h1><img src='data:,'><p style='color:%23eee'>pale</p></main>")
            .await
            .unwrap();
        let ids: Vec<String> = browser
            .axe()
            .await
            .into_iter()
            .map(|found| found.id)
            .collect();
        assert_eq!(ids, ["color-contrast", "html-has-lang", "image-alt"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn complaints_of_the_page_are_heard() {
        let browser = Browser::open(Look::DESK).await;
        browser
            .goto("data:text/html,<script>console.error('broken')</script>")
            .await
            .unwrap();
        assert!(browser.complaints().await.concat().contains("broken"));
        assert!(browser.complaints().await.is_empty());
    }
}
