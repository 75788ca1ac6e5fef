//! QR codes, drawn on the server as one SVG path: no picture is fetched and nothing of it leaves the page.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// A QR code as the template draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// Width and height in modules, with the quiet zone around it.
    pub size: usize,
    /// The dark modules.
    pub path: String,
}

/// Modules of the quiet zone (ISO/IEC 18004 asks for four).
const QUIET: usize = 4;

impl Qr {
    /// The code of a text; `None` when it is too long for one.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, line) in code.to_colors().chunks(width).enumerate() {
            let top = row.saturating_add(QUIET);
            let mut at = 0_usize;
            for run in line.chunk_by(|a, b| a == b) {
                if run.first() == Some(&Color::Dark) {
                    let (left, long) = (at.saturating_add(QUIET), run.len());
                    // Writing to a String does not fail.
                    let _ = write!(path, "M{left} {top}h{long}v1h-{long}z");
                }
                at = at.saturating_add(run.len());
            }
        }
        Some(Self {
            size: width.saturating_add(QUIET.saturating_mul(2)),
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every dark module is drawn and no light one: the path is drawn again and compared.
    #[test]
    fn the_path_is_the_code() {
        let text = "https://kabinet.example/let-in/AAAAAAAAAAAAAAAAAAAAAA";
        let qr = Qr::of(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let mut drawn = vec![Color::Light; qr.size * qr.size];
        for part in qr.path.split('M').skip(1) {
            let (left, rest) = part.split_once(' ').unwrap();
            let (top, rest) = rest.split_once('h').unwrap();
            let (long, _) = rest.split_once('v').unwrap();
            let (left, top): (usize, usize) = (left.parse().unwrap(), top.parse().unwrap());
            for x in left..left + long.parse::<usize>().unwrap() {
                drawn[top * qr.size + x] = Color::Dark;
            }
        }
        for y in 0..code.width() {
            for x in 0..code.width() {
                assert_eq!(
                    drawn[(y + QUIET) * qr.size + x + QUIET],
                    code[(x, y)],
                    "{x} {y}"
                );
            }
        }
        assert!(Qr::of(&"x".repeat(10_000)).is_none());
    }
}
