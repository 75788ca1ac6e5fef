//! Page shell, session and CSRF extractors, errors, languages.

pub mod assets;
pub mod components;
pub mod format;
pub mod i18n;
pub mod page;
