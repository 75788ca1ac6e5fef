//! What stands around every page and every answer of the API.
//!
//! | to find | look in |
//! |---|---|
//! | who asks, cookies, the guard of every request, safety headers | `visit` |
//! | forms and their token | `form` |
//! | commands that happen once | `once` |
//! | pages, redirects, error pages | `respond`, `page` |
//! | problems of the JSON API | `problem` |
//! | languages, times, drawn components, static files | `i18n`, `format`, `components`, `assets` |

pub mod assets;
pub mod components;
pub mod form;
pub mod format;
pub mod i18n;
pub mod once;
pub mod page;
pub mod problem;
pub mod respond;
pub mod site;
pub mod visit;

pub use site::Site;
