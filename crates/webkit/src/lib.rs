//! Page shell, session and CSRF extractors, errors, languages.
