//! What authenticators are called: the default name of a new passkey. A model tells nothing that may be relied
//! on; it only helps the owner to recognise the key in the list. The numbers are public (FIDO metadata and the
//! list of the passkey developers' community); a model that is not here has no name.

const NAMES: [(u128, &str); 24] = [
    (
        0xea9b8d66_4d01_1d21_3ce4_b6b48cb575d4,
        "Google Password Manager",
    ),
    (
        0xad59dadf_5dae_406a_a19e_953835f19062,
        "Google Password Manager",
    ),
    (0xb93fd961_f2e6_462f_b122_82002247de78, "Android"),
    (0xadce0002_35bc_c60a_648b_0b25f1f05503, "Chrome, macOS"),
    (0x771b48fd_d3d4_4f74_9232_fc157ab0507a, "Edge, macOS"),
    (0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd, "iCloud Keychain"),
    (0xdd4ec289_e01d_41c9_bb89_70fa845d4bf2, "iCloud Keychain"),
    (0x08987058_cadc_4b81_b6e1_30de50dcbe96, "Windows Hello"),
    (0x9ddd1817_af5a_4672_a2b9_3e3dd95000a9, "Windows Hello"),
    (0x6028b017_b1d4_4c02_b4b3_afcdafc96bb2, "Windows Hello"),
    (
        0xd3452668_01fd_4c12_926c_83a4204853aa,
        "Microsoft Password Manager",
    ),
    (0x53414d53_554e_4700_0000_000000000000, "Samsung Pass"),
    (0xbada5566_a7aa_401f_bd96_45619a55120d, "1Password"),
    (0xd548826e_79b4_db40_a3d8_11116f7e8349, "Bitwarden"),
    (0x531126d6_e717_415c_9320_3d9aa6981239, "Dashlane"),
    (0xb84e4048_15dc_4dd0_8640_f4f60813c8af, "NordPass"),
    (0x0ea242b4_43c4_4a1b_8b17_dd6d0b6baec6, "Keeper"),
    (0xf3809540_7f14_49c1_a8b3_8f813b225541, "Enpass"),
    (0x50726f74_6f6e_5061_7373_50726f746f6e, "Proton Pass"),
    (0xd384db22_4d50_ebde_2eac_5765cf1e2a44, "Firefox"),
    (0x2fc0579f_8113_47ea_b116_bb5a8db9202a, "YubiKey 5 NFC"),
    (0x73bb0cd4_e502_49b8_9c6f_b59445bf720b, "YubiKey 5C NFC"),
    (0xc5ef55ff_ad9a_4b9f_b580_adebafe026d0, "YubiKey 5Ci"),
    (0xee041bce_25e5_4cdb_8f86_897fd6418464, "Feitian ePass"),
];

/// The name of a model of authenticator, when it is known.
pub fn model(aaguid: [u8; 16]) -> Option<&'static str> {
    let number = u128::from_be_bytes(aaguid);
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_one_name() {
        assert_eq!(model([0; 16]), None);
        let google = [
            0xea, 0x9b, 0x8d, 0x66, 0x4d, 0x01, 0x1d, 0x21, 0x3c, 0xe4, 0xb6, 0xb4, 0x8c, 0xb5,
            0x75, 0xd4,
        ];
        assert_eq!(model(google), Some("Google Password Manager"));
        for (n, (number, _)) in NAMES.iter().enumerate() {
            assert!(NAMES[n + 1..].iter().all(|(other, _)| other != number));
        }
    }
}
