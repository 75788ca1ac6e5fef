//! How people use the pages, in a real browser: by keyboard alone, with codes pasted and filled in by the
//! phone, without a network, without scripts, in their own colours, without motion (EV-1, ID-2).

use std::time::Duration;

use db::Engine;
use fantoccini::Locator;
use kernel::Locale;
use serde_json::Value;
use testkit::browser::{Browser, Key, Look};
use whole_product::demo::{Demo, code_in};
use whole_product::samples::{WAITING, site};

/// A number of nobody.
const PHONE: &str = "+79120000031";
const DELIVERED: &str = r#"{"state":"delivered","text":"Доставлено в 14:02:12","final":true}"#;

/// What the cursor of the keyboard is on, and whether a person sees it.
const FOCUS: &str = "(() => {
  const at = document.activeElement;
  if (!at || at === document.body) return JSON.stringify({ what: '', seen: true, ring: true });
  const box = at.getBoundingClientRect();
  const above = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const seen = box.width > 0 && box.bottom <= innerHeight && box.top >= 0
    && !!above && (at.contains(above) || above.contains(at) || !!above.closest('label')?.contains(at));
  const style = getComputedStyle(at);
  const ring = at.tabIndex < 0 || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
  return JSON.stringify({ what: at.name || at.id || at.getAttribute('href') || at.textContent.trim(), seen, ring });
})()";

/// Waits until an expression of the page is true.
async fn until(browser: &Browser, what: &str, expression: &str) {
    for _ in 0..200 {
        if browser.evaluate(expression).await == Value::Bool(true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: never came");
}

async fn text(browser: &Browser, expression: &str) -> String {
    let value = browser.evaluate(expression).await;
    value.as_str().unwrap_or_default().to_owned()
}

/// Where the cursor is; it can be seen, its ring too (WCAG 2.4.7, 2.4.11).
async fn focus(browser: &Browser) -> String {
    let found: Value = serde_json::from_str(&text(browser, FOCUS).await).unwrap();
    assert_eq!(found["seen"], true, "covered or outside: {found}");
    assert_eq!(found["ring"], true, "no ring: {found}");
    found["what"].as_str().unwrap().to_owned()
}

/// Presses Tab until the cursor is on `goal`, and answers the way there.
async fn tab_to(browser: &Browser, goal: &str) -> Vec<String> {
    let mut way = Vec::new();
    while way.len() < 40 {
        browser.press_key(Key::Tab).await;
        let here = focus(browser).await;
        let arrived = here == goal;
        way.push(here);
        if arrived {
            return way;
        }
    }
    panic!("{goal} is not on the way: {way:?}");
}

async fn arrives(browser: &Browser, path: &str) {
    let there = format!("location.pathname === '{path}' && document.readyState === 'complete'");
    until(browser, path, &there).await;
}

/// EV-1: number, code, consent and the start page by keyboard alone; the cursor waits in the field, everything
/// comes in the order it is read, and the bar at the bottom covers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough() {
    let demo = Demo::start_with(Engine::Sqlite, &["--empty"]);
    let browser = Browser::open(Look::PHONE).await;
    browser.goto(&demo.url("/")).await.unwrap();
    arrives(&browser, "/sign-in").await;
    assert_eq!(focus(&browser).await, "phone");
    browser.type_here("89120000031").await;
    let shown = text(&browser, "document.getElementById('phone').value").await;
    assert_eq!(shown, "+7 912 000-00-31", "the number is set in groups");
    browser.press_key(Key::Enter).await;
    arrives(&browser, "/sign-in/code").await;
    assert_eq!(focus(&browser).await, "code");
    let message = demo.next_message(PHONE, &[]).await;
    browser.type_here(code_in(&message.text, 6).unwrap()).await;
    browser.press_key(Key::Enter).await;
    arrives(&browser, "/sign-in/consent").await;
    let way = tab_to(&browser, "consent").await;
    assert_eq!(way.first().map(String::as_str), Some("#main"), "{way:?}");
    browser.press_key(Key::Space).await;
    let way = tab_to(&browser, "Открыть кабинет").await;
    let order = [
        "/legal/consent",
        "marketing_sms",
        "marketing_email",
        "marketing_messenger",
        "marketing_push",
        "Открыть кабинет",
    ];
    assert_eq!(way, order);
    browser.press_key(Key::Enter).await;
    arrives(&browser, "/").await;
    let way = tab_to(&browser, "/freeze").await;
    let place = |what: &str| way.iter().position(|here| here == what);
    let read = ["#main", "/profile/security", "/help", "/profile/data/name"].map(place);
    assert!(
        read.is_sorted() && read.iter().all(Option::is_some),
        "{way:?}"
    );
}

/// ID-2: one field that the phone fills in and that takes a whole message; the line about delivery changes by
/// itself; the time left runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_pasted_and_its_delivery_is_told() {
    let (site, _) = site(Locale::Ru, DELIVERED);
    let browser = Browser::open(Look::PHONE).await;
    let page = site.url("/sign_in_code.waiting.html");
    browser.goto(&page).await.unwrap();
    let field = "document.getElementById('code')";
    for (attribute, value) in [
        ("autocomplete", "one-time-code"),
        ("inputmode", "numeric"),
        ("type", "text"),
        ("maxlength", "64"),
    ] {
        let given = text(&browser, &format!("{field}.getAttribute('{attribute}')")).await;
        assert_eq!(given, value, "{attribute}");
    }
    assert_eq!(
        browser
            .evaluate(&format!("{field}.hasAttribute('pattern')"))
            .await,
        false
    );

    browser.evaluate("window.same = true").await;
    let before = text(
        &browser,
        "document.querySelector('#code-life time').textContent",
    )
    .await;
    let line = "document.querySelector('.delivery-text').textContent === 'Доставлено в 14:02:12'";
    until(&browser, "news of the delivery", line).await;
    let now = text(
        &browser,
        "document.querySelector('#code-life time').textContent",
    )
    .await;
    assert!(now < before, "the countdown stands still: {before}, {now}");
    assert_eq!(browser.evaluate("window.same").await, true, "no reload");

    for (pasted, kept) in [
        ("123 456", "123456"),
        ("Код № 3: 123-456", "123456"),
        (
            "Код № 1: 770134\nВход в кабинет.\n@localhost #770134",
            "770134",
        ),
        ("12345", "12345"),
    ] {
        let paste = format!(
            "(() => {{ const data = new DataTransfer(); data.setData('text', {pasted:?});
            {field}.value = '';
            {field}.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}));
            return {field}.value; }})()"
        );
        assert_eq!(text(&browser, &paste).await, kept, "{pasted:?}");
    }
}

/// EV-1: without scripts the wait and the delivery are seen by a link; the message ends with the line that a
/// phone reads (A11 is elsewhere), and a pasted «123 456» is understood by the server.
#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_page_is_refreshed_by_a_link() {
    let demo = Demo::start_with(Engine::Sqlite, &["--empty"]);
    let browser = Browser::open(Look::PHONE.without_javascript()).await;
    browser.goto(&demo.url("/sign-in")).await.unwrap();
    let phone = browser.find(Locator::Id("phone")).await.unwrap();
    phone.send_keys("+7 912 000-00-31\n").await.unwrap();
    let message = demo.next_message(PHONE, &[]).await;
    let code = code_in(&message.text, 6).unwrap();
    let last = message.text.lines().last().unwrap();
    assert_eq!(last, format!("@localhost #{code}"), "the origin-bound line");
    for _ in 0..50 {
        let refresh = browser.find(Locator::Css(".resend-reload")).await.unwrap();
        refresh.click().await.unwrap();
        let line = browser.find(Locator::Css(".delivery-text")).await.unwrap();
        if line.text().await.unwrap().starts_with("Доставлено в ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let line = browser.find(Locator::Css(".delivery-text")).await.unwrap();
    assert!(line.text().await.unwrap().starts_with("Доставлено в "));
    let field = browser.find(Locator::Id("code")).await.unwrap();
    let spaced = format!("{} {}\n", &code[..3], &code[3..]);
    field.send_keys(&spaced).await.unwrap();
    browser
        .wait()
        .for_element(Locator::Id("consent"))
        .await
        .unwrap();
}

/// The browser would install the cabinet; when the server is gone it says so in its own words; and nothing of
/// a person is kept on the device.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_installed_and_opens_without_a_network() {
    let mut demo = Demo::start_with(Engine::Sqlite, &["--empty"]);
    let browser = Browser::open(Look::PHONE).await;
    browser.goto(&demo.url("/sign-in")).await.unwrap();
    let active = "navigator.serviceWorker.ready.then((all) => all.active.state === 'activated' && !!navigator.serviceWorker.controller)";
    until(&browser, "the service worker", active).await;

    let manifest = browser
        .cdp("Page.getAppManifest", serde_json::json!({}))
        .await;
    assert_eq!(manifest["errors"], serde_json::json!([]));
    let missing = browser
        .cdp("Page.getInstallabilityErrors", serde_json::json!({}))
        .await;
    assert_eq!(missing["installabilityErrors"], serde_json::json!([]));
    let icons = "fetch('/manifest.webmanifest').then((answer) => answer.json()).then((manifest) =>
      Promise.all(manifest.icons.filter((icon) => icon.type === 'image/png').map(async (icon) => {
        const picture = new Image();
        picture.src = icon.src;
        await picture.decode();
        return `${picture.naturalWidth}x${picture.naturalHeight}` === icon.sizes ? icon.sizes : icon.src;
      }))).then((sizes) => sizes.join())";
    assert_eq!(text(&browser, icons).await, "192x192,512x512,512x512");

    enter(&demo, &browser).await;
    for path in ["/profile/data", "/profile/history", "/profile/security"] {
        browser.goto(&demo.url(path)).await.unwrap();
    }
    let kept = "caches.keys().then((names) => Promise.all(names.map(async (name) =>
      (await (await caches.open(name)).keys()).map((request) => new URL(request.url).pathname))))
      .then((all) => all.flat().filter((path) => !path.startsWith('/assets/')).join())";
    assert_eq!(text(&browser, kept).await, "/offline");
    let secret = "caches.match('/offline').then((page) => page.text()).then((page) =>
      String(page.includes('/sign-out') || page.includes('person-mark')))";
    assert_eq!(
        text(&browser, secret).await,
        "false",
        "the kept page is nobody's"
    );

    demo.server().kill();
    browser.goto(&demo.url("/profile/security")).await.unwrap();
    assert!(browser.title().await.unwrap().starts_with("Нет интернета"));
    let dressed =
        "getComputedStyle(document.querySelector('.button')).backgroundColor !== 'rgba(0, 0, 0, 0)'
      && document.querySelector('main img').naturalWidth > 0";
    until(&browser, "styles and picture without a network", dressed).await;
    browser.picture("hands/offline").await;
    demo.kill_and_restart();
    let again = browser.find(Locator::Css("main .button")).await.unwrap();
    again.click().await.unwrap();
    arrives(&browser, "/").await;
}

async fn enter(demo: &Demo, browser: &Browser) {
    let phone = browser.find(Locator::Id("phone")).await.unwrap();
    phone.send_keys(PHONE).await.unwrap();
    browser.press_key(Key::Enter).await;
    arrives(browser, "/sign-in/code").await;
    let message = demo.next_message(PHONE, &[]).await;
    browser.type_here(code_in(&message.text, 6).unwrap()).await;
    browser.press_key(Key::Enter).await;
    arrives(browser, "/sign-in/consent").await;
    let consent = browser.find(Locator::Id("consent")).await.unwrap();
    consent.click().await.unwrap();
    browser.press_key(Key::Enter).await;
    arrives(browser, "/").await;
}

/// Pages with every kind of control and drawing.
const VARIED: [&str; 6] = [
    "sign_in_phone.error",
    "sign_in_code.wrong",
    "sign_in_consent.empty",
    "home.normal",
    "security.frozen",
    "notifications.normal",
];

/// In the colours of the person's own system: what is pressed has an edge, drawings differ from what they
/// stand on, a switch shows whether it is on, the cursor shows.
#[tokio::test(flavor = "multi_thread")]
async fn forced_colours_hide_nothing() {
    let (site, _) = site(Locale::Ru, WAITING);
    let browser = Browser::open(Look::PHONE).await;
    browser
        .prefers(&[
            ("forced-colors", "active"),
            ("prefers-reduced-motion", "reduce"),
        ])
        .await;
    let lost = "(() => {
      const lost = [];
      const ground = (at) => {
        for (; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if (!/, 0\\)$/.test(colour)) return colour;
        }
        return getComputedStyle(document.documentElement).backgroundColor;
      };
      for (const button of document.querySelectorAll('main .button, main .input, main .switch, main .card, main .door-card')) {
        const style = getComputedStyle(button);
        if (style.borderTopStyle === 'none' || parseFloat(style.borderTopWidth) < 1) lost.push('edge of ' + button.className);
      }
      for (const icon of document.querySelectorAll('.icon')) {
        const style = getComputedStyle(icon);
        if (icon.getClientRects().length && style.color === ground(icon)) lost.push('icon ' + icon.firstElementChild.getAttribute('href'));
      }
      for (const dot of document.querySelectorAll('.steps li')) {
        if (getComputedStyle(dot, '::before').borderTopStyle === 'none') lost.push('step ' + dot.className);
      }
      for (const thing of document.querySelectorAll('main a, main button, main input:not([type=hidden])')) {
        thing.focus({ focusVisible: true });
        const style = getComputedStyle(thing);
        if (document.activeElement === thing && (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)) lost.push('ring of ' + thing.outerHTML.slice(0, 80));
      }
      const [on, off] = [true, false].map((on) => {
        const one = document.querySelector('.switch');
        if (one) one.checked = on;
        return one && getComputedStyle(one).backgroundColor + getComputedStyle(one, '::before').transform;
      });
      if (on && on === off) lost.push('switch on and off');
      return lost.join('\\n');
    })()";
    for name in VARIED {
        let page = site.url(&format!("/{name}.html"));
        browser.goto(&page).await.unwrap();
        assert_eq!(
            browser
                .evaluate("matchMedia('(forced-colors: active)').matches")
                .await,
            true
        );
        assert_eq!(text(&browser, lost).await, "", "{name}");
        browser.picture(&format!("hands/forced-{name}")).await;
    }
}

/// Motion is short, and none for those who ask for none.
#[tokio::test(flavor = "multi_thread")]
async fn motion_is_short_or_absent() {
    let (site, _) = site(Locale::Ru, WAITING);
    let browser = Browser::open(Look::PHONE).await;
    let longest = "Math.max(...[...document.querySelectorAll('*')].flatMap((at) => {
      const style = getComputedStyle(at);
      return [style.transitionDuration, style.animationDuration].flatMap((all) => all.split(',').map(parseFloat));
    }))";
    let mut moved = 0.0_f64;
    for name in VARIED {
        let page = site.url(&format!("/{name}.html"));
        // Before the page: a change of pages is motion too.
        browser
            .prefers(&[("prefers-reduced-motion", "reduce")])
            .await;
        browser.goto(&page).await.unwrap();
        assert_eq!(
            browser.evaluate(longest).await.as_f64(),
            Some(0.0),
            "{name}"
        );
        browser
            .prefers(&[("prefers-reduced-motion", "no-preference")])
            .await;
        let seconds = browser.evaluate(longest).await.as_f64().unwrap();
        assert!(seconds <= 0.2, "{name}: {seconds} s");
        moved = moved.max(seconds);
    }
    assert!(moved > 0.0, "the check sees motion where there is some");
}
