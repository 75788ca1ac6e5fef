//! What every page must keep to, checked on its text by tests before a browser
//! looks at it: no inline style or script (the CSP would drop them), one
//! heading, unique ids, labels, no missing text, no dead link.

use super::Shell;

/// A sample shown.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Name of the page.
    pub page: &'static str,
    /// Name of the sample.
    pub sample: &'static str,
    /// Whether the form of the sample has something wrong.
    pub has_errors: bool,
    /// The page.
    pub html: String,
}

/// A page that has a shell.
pub trait Shelled {
    /// Its shell.
    fn shell(&self) -> &Shell;
}

/// Declares `render_samples`, which shows every sample of the listed pages.
#[macro_export]
macro_rules! sample_pages {
    ($(#[$doc:meta])* $($name:literal => $page:ty),* $(,)?) => {
        $(impl $crate::page::check::Shelled for $page {
            fn shell(&self) -> &$crate::page::Shell {
                &self.p
            }
        })*

        $(#[$doc])*
        pub fn render_samples(
            p: &$crate::page::Shell,
        ) -> Result<Vec<$crate::page::check::Rendered>, askama::Error> {
            let mut all = Vec::new();
            $(for (sample, page) in <$page as $crate::page::Sample>::samples(p) {
                all.push($crate::page::check::Rendered {
                    page: $name,
                    sample,
                    has_errors: $crate::page::check::Shelled::shell(&page).has_errors(),
                    html: askama::Template::render(&page)?,
                });
            })*
            Ok(all)
        }
    };
}

/// What is wrong with a page; empty when nothing is. `routes` are the paths
/// that exist, `{}` standing for one segment.
pub fn faults(page: &Rendered, routes: &[&str]) -> Vec<String> {
    let html = page.html.as_str();
    let mut found = Vec::new();
    for (bad, why) in [
        (" style=", "inline style"),
        ("<style", "inline style"),
        (" onclick=", "inline script"),
        ("javascript:", "inline script"),
        ("[—]", "missing text"),
        ("\"/assets/\"", "missing asset"),
        ("http://", "foreign address"),
        ("https://", "foreign address"),
        ("{{", "unrendered template"),
        ("{$", "unrendered variable"),
        ("{ $", "unrendered variable"),
    ] {
        if html.contains(bad) {
            found.push(format!("{why}: {bad}"));
        }
    }
    for tag in tags(html, "<script") {
        if attribute(tag, "src").is_none() {
            found.push("inline script".to_owned());
        }
    }
    if tags(html, "<h1").count() != 1 {
        found.push("not exactly one h1".to_owned());
    }
    ids(html, &mut found);
    for tag in tags(html, "<form") {
        if attribute(tag, "method") != Some("post") {
            found.push(format!("form without method=post: {tag}"));
        }
    }
    let seals = html.matches("name=\"csrf\"").count();
    if seals != tags(html, "<form").count() {
        found.push("a form without csrf".to_owned());
    }
    let title = html
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or("", |(title, _)| title);
    let says_error = title.starts_with("Ошибка: ") || title.starts_with("Error: ");
    if says_error != page.has_errors {
        found.push(format!("title and errors disagree: {title}"));
    }
    for name in ["href", "action"] {
        links(html, name, routes, &mut found);
    }
    found
}

fn tags<'a>(html: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    html.match_indices(start).filter_map(move |(at, _)| {
        let rest = html.get(at..)?;
        let after = rest.get(start.len()..)?.chars().next()?;
        if !(after.is_whitespace() || after == '>') {
            return None;
        }
        rest.get(..=rest.find('>')?)
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn ids(html: &str, found: &mut Vec<String>) {
    let mut seen = std::collections::HashSet::new();
    for rest in html.split(" id=\"").skip(1) {
        let id = rest.split('"').next().unwrap_or_default();
        if !seen.insert(id) {
            found.push(format!("id twice: {id}"));
        }
    }
    for attribute in [
        " for=\"",
        " aria-labelledby=\"",
        " aria-describedby=\"",
        "href=\"#",
    ] {
        for rest in html.split(attribute).skip(1) {
            for id in rest.split('"').next().unwrap_or_default().split(' ') {
                if !seen.contains(id) {
                    found.push(format!("nothing has the id {id}"));
                }
            }
        }
    }
}

fn links(html: &str, name: &str, routes: &[&str], found: &mut Vec<String>) {
    for rest in html.split(&format!(" {name}=\"")).skip(1) {
        let value = rest.split('"').next().unwrap_or_default();
        let path = value.split(['?', '#']).next().unwrap_or_default();
        if path.is_empty() || path.starts_with(crate::assets::PREFIX) {
            continue;
        }
        if crate::assets::PLAIN.iter().any(|(plain, _)| *plain == path) {
            continue;
        }
        if !routes.iter().any(|route| fits(route, path)) {
            found.push(format!("leads nowhere: {value}"));
        }
    }
}

fn fits(route: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for expected in route.split('/') {
        match parts.next() {
            Some(part) if part == expected || (expected == "{}" && !part.is_empty()) => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Rendered {
        Rendered {
            page: "p",
            sample: "s",
            has_errors: false,
            html: html.to_owned(),
        }
    }

    #[test]
    fn sees_each_fault() {
        let good = "<title>T</title><h1>H</h1><a href=\"/a/7?b#c\">x</a>";
        assert_eq!(faults(&page(good), &["/a/{}"]), Vec::<String>::new());
        for bad in [
            "<p style=\"x\">",
            "<script>x</script>",
            "<h1>second</h1>",
            "<i id=\"x\"></i><i id=\"x\"></i>",
            "<label for=\"none\">",
            "<a href=\"/b\">",
            "<a href=\"https://x\">",
            "<form method=\"post\" action=\"/a/1\"></form>",
            "[—]",
        ] {
            let html = format!("{good}{bad}");
            assert!(!faults(&page(&html), &["/a/{}"]).is_empty(), "{bad}");
        }
        let errors = Rendered {
            has_errors: true,
            ..page(good)
        };
        assert!(!faults(&errors, &["/a/{}"]).is_empty());
    }
}
