//! SMS, calls and e-mail: channels, texts, delivery.
