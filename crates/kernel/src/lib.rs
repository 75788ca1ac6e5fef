//! Typed ids, clock, chance, phone, e-mail and document numbers: pure, no input or output.
