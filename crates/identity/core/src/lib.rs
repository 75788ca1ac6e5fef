//! Identity decided: sign-in, codes, limits, sessions, profile, consents.
