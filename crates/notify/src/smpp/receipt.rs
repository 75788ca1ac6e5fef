//! Delivery receipts inside `deliver_sm`.
//!
//! SMPP 3.4 Appendix B: `id:… sub:… dlvrd:… submit date:… done date:… stat:…
//! err:… text:…`, vendor by vendor a little different; the parameters
//! `receipted_message_id` and `message_state` say the same without ambiguity
//! and win where they are present.

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::MessageState;

use crate::carrier::{FailureReason, ReportState};
use crate::settings::ReceiptIds;

/// A message's fate as the centre tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) id: String,
    pub(super) state: ReportState,
}

/// Reads a receipt; `None` if this is no receipt or cannot be understood.
pub(super) fn read(deliver: &DeliverSm) -> Option<Receipt> {
    // Bits 5 to 2 of esm_class: 0001 is a receipt, 1000 an intermediate
    // notice. Some centres set neither and send only the text.
    let class = u8::from(deliver.esm_class) & 0b0011_1100;
    let mut text = deliver.short_message().as_ref();
    let mut id = None;
    let mut state = None;
    for tlv in deliver.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(value)) => id = Some(value.as_str().to_owned()),
            Some(TlvValue::MessageState(value)) => state = Some(from_state(*value)),
            Some(TlvValue::MessagePayload(value)) if text.is_empty() => {
                text = value.value.as_ref();
            }
            _ => {}
        }
    }
    if class != 0b0000_0100 && class != 0b0010_0000 && id.is_none() {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let id = id.or_else(|| field(&text, "id:").map(str::to_owned))?;
    let state = state.or_else(|| field(&text, "stat:").map(from_word))?;
    if id.is_empty() {
        return None;
    }
    Some(Receipt { id, state })
}

/// The word after `name`, whatever the case of the name.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_ascii_whitespace().find_map(|word| {
        let (head, tail) = word.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some(tail)
    })
}

fn from_word(word: &str) -> ReportState {
    // Seven letters by the standard, but some write the words out.
    let word = word.to_ascii_uppercase();
    match word.get(..5).unwrap_or(&word) {
        "DELIV" => ReportState::Delivered,
        "EXPIR" => ReportState::Failed(FailureReason::Expired),
        "UNDEL" => ReportState::Failed(FailureReason::Undeliverable),
        "REJEC" => ReportState::Failed(FailureReason::Rejected),
        "ENROU" | "ACCEP" | "BUFFE" | "SCHED" => ReportState::Underway,
        _ => ReportState::Failed(FailureReason::Other),
    }
}

fn from_state(state: MessageState) -> ReportState {
    match state {
        MessageState::Delivered => ReportState::Delivered,
        MessageState::Expired => ReportState::Failed(FailureReason::Expired),
        MessageState::Undeliverable => ReportState::Failed(FailureReason::Undeliverable),
        MessageState::Rejected => ReportState::Failed(FailureReason::Rejected),
        MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted => {
            ReportState::Underway
        }
        _ => ReportState::Failed(FailureReason::Other),
    }
}

/// One name for a message, whichever way the centre writes it.
///
/// `answer` is true for the id in the answer to `submit_sm`. Everything is
/// brought to the form that receipts use; what is no number stays as it is.
pub(super) fn canonical(id: &str, form: ReceiptIds, answer: bool) -> String {
    let from_hex = |id: &str| u128::from_str_radix(id, 16).ok();
    let from_decimal = |id: &str| id.parse::<u128>().ok();
    let number = match (form, answer) {
        (ReceiptIds::Same, _) => None,
        (ReceiptIds::Decimal, true) | (ReceiptIds::Hexadecimal, false) => from_hex(id),
        (ReceiptIds::Decimal, false) | (ReceiptIds::Hexadecimal, true) => from_decimal(id),
    };
    match (number, form) {
        (Some(number), ReceiptIds::Decimal) => number.to_string(),
        (Some(number), ReceiptIds::Hexadecimal) => format!("{number:x}"),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::types::OctetString;
    use rusmpp::values::EsmClass;

    fn deliver(class: u8, text: &str) -> DeliverSm {
        DeliverSm::builder()
            .esm_class(EsmClass::from(class))
            .short_message(OctetString::from_slice(text.as_bytes()).unwrap())
            .build()
    }

    #[test]
    fn reads_what_centres_write() {
        use FailureReason::{Expired, Other, Rejected, Undeliverable};
        use ReportState::{Delivered, Failed, Underway};
        let text = |stat: &str| {
            format!(
                "id:7f3a sub:001 dlvrd:001 submit date:2611220418 done date:2611220419 stat:{stat} err:000 text:"
            )
        };
        for (stat, state) in [
            ("DELIVRD", Delivered),
            ("DELIVERED", Delivered),
            ("delivrd", Delivered),
            ("EXPIRED", Failed(Expired)),
            ("UNDELIV", Failed(Undeliverable)),
            ("REJECTD", Failed(Rejected)),
            ("DELETED", Failed(Other)),
            ("UNKNOWN", Failed(Other)),
            ("ENROUTE", Underway),
            ("ACCEPTD", Underway),
        ] {
            let receipt = read(&deliver(4, &text(stat))).unwrap();
            assert_eq!(
                (receipt.id.as_str(), receipt.state),
                ("7f3a", state),
                "{stat}"
            );
        }
        assert_eq!(
            read(&deliver(0, "id:1 stat:DELIVRD")),
            None,
            "a text from a person"
        );
        assert_eq!(read(&deliver(4, "stat:DELIVRD")), None);
        assert_eq!(read(&deliver(4, "ID:x Stat:DELIVRD")).unwrap().id, "x");
    }

    #[test]
    fn one_name_for_one_message() {
        use ReceiptIds::{Decimal, Hexadecimal, Same};
        assert_eq!(canonical("00FF", Same, true), "00FF");
        assert_eq!(
            canonical("00FF", Decimal, true),
            canonical("255", Decimal, false)
        );
        assert_eq!(
            canonical("0255", Hexadecimal, true),
            canonical("FF", Hexadecimal, false)
        );
        assert_eq!(canonical("a-b", Decimal, true), "a-b");
    }
}
