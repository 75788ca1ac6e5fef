//! Slow hashes of chosen secrets: Argon2id (RFC 9106) with the server's pepper as its secret input, kept as PHC
//! strings, so that a hash says at what cost it was made.

use std::fmt;

use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{Pepper, same};

const SALT: usize = 16;
const TAG: usize = 32;

/// What one hash costs. The default is the least OWASP's Password Storage Cheat Sheet names for Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

/// A cost that Argon2 does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a slow hash takes 8 to 4194304 KiB and 1 to 100 passes")]
pub struct CostError;

impl Cost {
    /// Memory in KiB, 8 to 4 GiB; passes over it, 1 to 100; always one lane, for many hashes run side by side.
    pub const fn new(memory_kib: u32, passes: u32) -> Result<Self, CostError> {
        if memory_kib < 8 || memory_kib > 4_194_304 || passes < 1 || passes > 100 {
            return Err(CostError);
        }
        Ok(Self { memory_kib, passes })
    }

    /// Whether this is more than a hash of `other` cost.
    const fn has_grown_over(self, other: Self) -> bool {
        self.memory_kib > other.memory_kib || self.passes > other.passes
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
        }
    }
}

/// A hash with its salt and cost: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Useless for guessing without the
/// key file, and not printed all the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phc(String);

impl Phc {
    /// From the text of the database. Whether it is sound shows when it is compared.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for the database, where it is sealed once more.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Phc {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phc(…)")
    }
}

/// A hash taken apart.
struct Parts {
    cost: Cost,
    salt: Vec<u8>,
    tag: [u8; TAG],
}

fn take_apart(phc: &Phc) -> Option<Parts> {
    let rest = phc.0.strip_prefix("$argon2id$v=19$m=")?;
    let (memory, rest) = rest.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=1$")?;
    let (salt, tag) = rest.split_once('$')?;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?;
    let tag = STANDARD_NO_PAD.decode(tag).ok()?.try_into().ok()?;
    let cost = Cost::new(memory.parse().ok()?, passes.parse().ok()?).ok()?;
    (salt.len() == SALT).then_some(Parts { cost, salt, tag })
}

/// The memory of one worker: used for one hash after the other, and wiped in between.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

/// Everything Argon2id hashes together.
struct Input<'a> {
    secret: &'a [u8],
    data: &'a [u8],
    salt: &'a [u8],
    lanes: u32,
    cost: Cost,
}

fn argon2id(
    memory: &mut Memory,
    pepper: &[u8],
    input: &Input<'_>,
) -> Result<[u8; TAG], argon2::Error> {
    let params = ParamsBuilder::new()
        .m_cost(input.cost.memory_kib)
        .t_cost(input.cost.passes)
        .p_cost(input.lanes)
        .data(AssociatedData::new(input.data)?)
        .build()?;
    let blocks = params.block_count();
    if memory.0.len() < blocks {
        memory.0.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params)?;
    let mut tag = [0; TAG];
    let done = argon2.hash_password_into_with_memory(
        input.secret,
        input.salt,
        &mut tag,
        memory.0.as_mut_slice(),
    );
    for block in &mut memory.0 {
        block.zeroize();
    }
    done.map(|()| tag)
}

fn tag(memory: &mut Memory, pepper: &Pepper, secret: &[u8], salt: &[u8], cost: Cost) -> [u8; TAG] {
    let input = Input {
        secret,
        data: &[],
        salt,
        lanes: 1,
        cost,
    };
    match argon2id(memory, pepper.expose(), &input) {
        Ok(tag) => tag,
        Err(_) => unreachable!("a Cost is one that Argon2 knows, and a salt is long enough"),
    }
}

/// Hashes a secret.
pub(crate) fn hash(
    memory: &mut Memory,
    pepper: &Pepper,
    secret: &[u8],
    salt: &[u8; SALT],
    cost: Cost,
) -> Phc {
    let tag = tag(memory, pepper, secret, salt, cost);
    let Cost { memory_kib, passes } = cost;
    let (salt, tag) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag));
    Phc(format!(
        "$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${tag}"
    ))
}

/// What comparing found.
pub(crate) struct Compared {
    pub(crate) is_right: bool,
    /// The hash was made at less than today's cost.
    pub(crate) is_cheap: bool,
}

/// Compares a secret with its hash; with none, or a broken one, the same work is done for nothing, so that the
/// time does not tell.
pub(crate) fn compare(
    memory: &mut Memory,
    pepper: &Pepper,
    secret: &[u8],
    phc: Option<&Phc>,
    cost: Cost,
) -> Compared {
    let Some(parts) = phc.and_then(take_apart) else {
        let _ = tag(memory, pepper, secret, &[0; SALT], cost);
        return Compared {
            is_right: false,
            is_cheap: false,
        };
    };
    let tag = tag(memory, pepper, secret, &parts.salt, parts.cost);
    Compared {
        is_right: same(&tag, &parts.tag),
        is_cheap: cost.has_grown_over(parts.cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn pepper(byte: u8) -> Pepper {
        Pepper(Zeroizing::new([byte; 32]))
    }

    fn small() -> Cost {
        Cost::new(64, 1).unwrap()
    }

    #[test]
    fn argon2id_gives_the_answer_of_rfc_9106() {
        // Section 5.3.
        let input = Input {
            secret: &[1; 32],
            data: &[4; 12],
            salt: &[2; 16],
            lanes: 4,
            cost: Cost::new(32, 3).unwrap(),
        };
        let tag = argon2id(&mut Memory::default(), &[3; 8], &input).unwrap();
        assert_eq!(
            hex::encode(tag),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }

    /// The same work in memory that was used before gives the same answer, and nothing stays in it.
    #[test]
    fn memory_is_wiped_and_used_again() {
        let mut memory = Memory::default();
        let first = hash(&mut memory, &pepper(7), b"a secret", &[5; 16], small());
        assert_eq!(memory.0.len(), 64);
        let is_blank = |memory: &Memory| {
            let words = memory.0.iter().flat_map(|block| block.as_ref().iter());
            words.fold(0, |all, word| all | word) == 0
        };
        assert!(is_blank(&memory));
        let again = hash(&mut memory, &pepper(7), b"a secret", &[5; 16], small());
        assert_eq!(first, again);
        assert!(is_blank(&memory));
    }

    #[test]
    fn a_hash_says_what_it_is() {
        let phc = hash(
            &mut Memory::default(),
            &pepper(7),
            b"x",
            &[5; 16],
            Cost::default(),
        );
        assert!(
            phc.expose()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$BQUFBQUFBQUFBQUFBQUFBQ$")
        );
        assert_eq!(format!("{phc:?}"), "Phc(…)");
    }

    /// A copy of the database without the key file does not allow guessing.
    #[test]
    fn another_pepper_is_another_hash() {
        let mut memory = Memory::default();
        let phc = hash(&mut memory, &pepper(7), b"right", &[5; 16], small());
        let mut try_with = |by: &Pepper, secret: &[u8]| {
            compare(&mut memory, by, secret, Some(&phc), small()).is_right
        };
        assert!(try_with(&pepper(7), b"right"));
        assert!(!try_with(&pepper(8), b"right"));
        assert!(!try_with(&pepper(7), b"wrong"));
    }

    #[test]
    fn costs_that_grew_are_noticed() {
        let mut memory = Memory::default();
        let phc = hash(&mut memory, &pepper(7), b"x", &[5; 16], small());
        for (memory_kib, passes, cheap) in
            [(64, 1, false), (65, 1, true), (64, 2, true), (32, 1, false)]
        {
            let cost = Cost::new(memory_kib, passes).unwrap();
            let compared = compare(&mut memory, &pepper(7), b"x", Some(&phc), cost);
            assert!(compared.is_right);
            assert_eq!(compared.is_cheap, cheap, "{memory_kib} {passes}");
        }
    }

    #[test]
    fn broken_hashes_are_never_right() {
        let mut memory = Memory::default();
        let phc = hash(&mut memory, &pepper(7), b"x", &[5; 16], small());
        let text = phc.expose();
        for broken in [
            "",
            "$argon2i$v=19$m=64,t=1,p=1$BQUFBQUFBQUFBQUFBQUFBQ$AAAA",
            &text.replace("$v=19", "$v=16"),
            &text.replace("m=64", "m=0"),
            &text.replace("m=64", "m=99999999"),
            &text.replace("t=1", "t=2"),
            &text.replace("BQU", "BQ!"),
            &text[..text.len() - 2],
        ] {
            let broken = Phc::from_text(broken);
            assert!(!compare(&mut memory, &pepper(7), b"x", Some(&broken), small()).is_right);
        }
        assert!(!compare(&mut memory, &pepper(7), b"x", None, small()).is_right);
    }

    #[test]
    fn costs_have_bounds() {
        for (memory_kib, passes) in [(7, 1), (64, 0), (4_194_305, 1), (64, 101)] {
            assert_eq!(Cost::new(memory_kib, passes), Err(CostError));
        }
    }
}
