//! A person in a browser of their own, against the running demo.

use std::time::Duration;

use fantoccini::{Locator, elements::Element};
use testkit::browser::Browser;

use crate::demo::{Demo, Message, code_in};

/// The Enter key of `WebDriver`.
const ENTER: &str = "\u{E007}";
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: usize = 500;

/// Asserts that the pages of these browsers had nothing to complain of. A browser tells of answers like 404 and 422
/// too; those are part of a walk.
pub async fn nobody_complained(browsers: &[&Browser]) {
    for browser in browsers {
        let mut complaints = browser.complaints().await;
        complaints.retain(|line| !line.contains("Failed to load resource"));
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

/// Somebody who goes from page to page by keyboard.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// The program.
    pub demo: &'a Demo,
    /// Their browser.
    pub browser: &'a Browser,
    /// Where pictures are kept, and what messages of failure call them: `lost/js`.
    pub name: &'a str,
}

impl Walk<'_> {
    /// The address of a page as the demo names itself: passkeys and the links of QR codes want a name.
    pub fn url(&self, path: &str) -> String {
        self.demo.url(path).replace("127.0.0.1", "localhost")
    }

    /// Opens a page.
    pub async fn go(&self, path: &str) {
        self.browser.goto(&self.url(path)).await.unwrap();
    }

    /// Where they are.
    pub async fn path(&self) -> String {
        self.browser.current_url().await.unwrap().path().to_owned()
    }

    async fn find(&self, css: &str) -> Element {
        match self.browser.find(Locator::Css(css)).await {
            Ok(found) => found,
            Err(why) => panic!("{}: {css} on {}: {why}", self.name, self.path().await),
        }
    }

    /// What a part of the page says.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// The same of every such part.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for found in self.browser.find_all(Locator::Css(css)).await.unwrap() {
            texts.push(found.text().await.unwrap());
        }
        texts
    }

    /// Whether the page has it.
    pub async fn has(&self, css: &str) -> bool {
        self.browser.find(Locator::Css(css)).await.is_ok()
    }

    /// Types into a field.
    pub async fn fill(&self, field: &str, text: &str) {
        let field = self.find(&format!("#{field}")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a button and waits until its page is gone.
    pub async fn press(&self, button: &str) {
        let found = self.find(button).await;
        found.send_keys(ENTER).await.unwrap();
        for _ in 0..PATIENCE {
            if found.is_displayed().await.is_err() {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!("{}: nothing happened after {button}", self.name);
    }

    /// Sends a form.
    pub async fn submit(&self, action: &str) {
        self.press(&format!("form[action='{action}'] button[type=submit]"))
            .await;
    }

    /// Waits until they are there.
    pub async fn arrives(&self, path: &str) {
        for _ in 0..PATIENCE {
            if self.path().await == path {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!("{}: at {} instead of {path}", self.name, self.path().await);
    }

    /// Waits until the page says it.
    pub async fn sees(&self, words: &str) {
        let mut said = String::new();
        for _ in 0..PATIENCE {
            // The page may be on its way.
            if let Ok(main) = self.browser.find(Locator::Css("main")).await {
                said = main.text().await.unwrap_or_default();
            }
            if said.contains(words) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
        panic!(
            "{}: {words} is not on {}: {said}",
            self.name,
            self.path().await
        );
    }

    /// The page is where it should be, says what it should, has no fault that axe can see, and fits the screen.
    pub async fn at(&self, path: &str, words: &str, page: &str) {
        self.arrives(path).await;
        self.sees(words).await;
        self.browser.assert_accessible(page).await;
        let is_wide = self.browser.scrolls_sideways().await;
        assert!(!is_wide, "{page} scrolls sideways");
        let picture = format!("{}-{page}", self.name);
        self.browser.picture(&picture).await;
    }

    /// The next code to somebody, not of a notice.
    pub async fn code(&self, to: &str, known: &[Message]) -> String {
        loop {
            let message = self.demo.next_message(to, known).await;
            if message.text.contains("/not-me/") || message.text.contains("/change/") {
                tokio::time::sleep(POLL).await;
                continue;
            }
            if let Some(code) = code_in(&message.text, 6) {
                return code.to_owned();
            }
        }
    }

    /// Asks for a code with a form, types it, and sends the form it is for.
    pub async fn by_code(&self, to: &str, ask: &str, form: &str) {
        let known = self.demo.messages().await;
        self.submit(ask).await;
        let code = self.code(to, &known).await;
        self.fill("code", &code).await;
        self.submit(form).await;
    }

    /// Number and code, up to what comes next.
    pub async fn first_code(&self, phone: &str) {
        self.go("/sign-in").await;
        self.fill("phone", phone).await;
        self.by_code(phone, "/sign-in", "/sign-in/code").await;
    }

    /// Registers with a number that is new.
    pub async fn registers(&self, phone: &str) {
        self.first_code(phone).await;
        self.find("#consent").await.click().await.unwrap();
        self.submit("/sign-in/consent").await;
        assert_eq!(self.path().await, "/", "{}", self.name);
    }
}
