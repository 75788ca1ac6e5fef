//! How many tries a password stands, guessed the way guessers guess: words of the list, runs, keys in a row,
//! years, repetitions, and single characters between them, put together in the cheapest way.
//!
//! The list is `data/common_passwords.txt`: the 20 000 most frequent passwords of published leaks, as counted by
//! the npm package `@zxcvbn-ts/language-common` 4.1 (MIT licence), sorted here; counts are facts. Words of Russian
//! leaks are added below. The way of counting follows the idea of `zxcvbn` (Wheeler, USENIX Security 2016).

use crate::own::fold;

static LIST: &str = include_str!("../../data/common_passwords.txt");

/// Russian words that leaks of Russian sites show most; the list above has them as typed in the other layout.
const RUSSIAN: &[&str] = &[
    "пароль",
    "любовь",
    "привет",
    "наташа",
    "марина",
    "максим",
    "андрей",
    "сергей",
    "солнышко",
    "солнце",
    "кристина",
    "светлана",
    "александр",
    "анастасия",
    "екатерина",
    "виктория",
    "дмитрий",
    "николай",
    "татьяна",
    "ангелина",
    "володя",
    "россия",
    "москва",
    "спартак",
    "динамо",
    "зенит",
    "собака",
    "котенок",
    "зайчик",
    "мамочка",
    "люблю",
    "люблютебя",
    "ятебялюблю",
    "секрет",
    "доступ",
    "вход",
    "админ",
    "кабинет",
    "магазин",
    "банк",
    "деньги",
    "счастье",
    "здравствуй",
    "никита",
    "данил",
    "артем",
    "алена",
    "настя",
    "катя",
    "саша",
    "дима",
    "юлия",
    "ирина",
    "елена",
    "ольга",
    "оксана",
    "полина",
    "ксюша",
    "лапочка",
    "красотка",
    "семья",
    "удача",
    "победа",
    "ангел",
    "жизнь",
    "мир",
    "весна",
    "лето",
    "зима",
    "осень",
    "двадцать",
    "один",
    "день",
    "parol",
    "lubov",
    "kabinet",
    "rossiya",
    "moskva",
];

/// Rows and columns of the keyboard.
const KEYS: [&str; 14] = [
    "`1234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "0p;/",
];
const CYRILLIC: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";

// Costs in tenths of bits.
const WORD: u32 = 143;
const LEET: u32 = 20;
const CAPITALS: u32 = 15;
const KEYS_COST: u32 = 50;
const RUN: u32 = 45;
const YEAR: u32 = 70;
const AGAIN: u32 = 20;

const WORD_LONGEST: usize = 32;
const WORD_SHORTEST: usize = 4;
const RUN_SHORTEST: usize = 3;

/// Whether a word is on the list. Small letters.
pub fn is_common(word: &str) -> bool {
    let bytes = LIST.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low.midpoint(high);
        let before = bytes.get(..middle).unwrap_or_default();
        let start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at.saturating_add(1));
        let rest = bytes.get(start..).unwrap_or_default();
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        match line.cmp(word.as_bytes()) {
            std::cmp::Ordering::Equal => return !word.is_empty(),
            std::cmp::Ordering::Less => low = start.saturating_add(line.len()).saturating_add(1),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    RUSSIAN.contains(&word)
}

/// How hard a password is to guess, in tenths of bits.
pub(super) fn tenths_of_bits(password: &str) -> u32 {
    let typed: Vec<char> = password.chars().collect();
    let small: Vec<char> = typed
        .iter()
        .map(|c| fold(&c.to_string()).chars().next().unwrap_or(*c))
        .collect();
    let keys: Vec<char> = small.iter().map(|c| key_of(*c)).collect();
    // The cheapest way to put together the first characters, for every count of them.
    let mut cheapest = vec![0_u32];
    for end in 1..=small.len() {
        let last = end.saturating_sub(1);
        let one = typed.get(last).map_or(0, |c| single(*c));
        let mut least = cheapest.get(last).copied().unwrap_or(0).saturating_add(one);
        let longest = end.saturating_sub(WORD_LONGEST.max(end.midpoint(0)));
        for start in longest..last {
            let Some(before) = cheapest.get(start).filter(|before| **before < least) else {
                continue;
            };
            let cost = piece(&typed, &small, &keys, start, end);
            least = least.min(before.saturating_add(cost));
        }
        cheapest.push(least);
    }
    cheapest.last().copied().unwrap_or(0)
}

/// The Latin character on the same key.
fn key_of(letter: char) -> char {
    let place = CYRILLIC.chars().position(|c| c == letter);
    place.and_then(|at| LATIN.chars().nth(at)).unwrap_or(letter)
}

fn single(c: char) -> u32 {
    match c {
        '0'..='9' => 33,
        ' ' => 10,
        'a'..='z' | 'а'..='я' | 'ё' => 35,
        'A'..='Z' | 'А'..='Я' | 'Ё' => 42,
        '!'..='~' => 50,
        _ => 55,
    }
}

fn piece(typed: &[char], small: &[char], keys: &[char], start: usize, end: usize) -> u32 {
    let length = end.saturating_sub(start);
    let of = |all: &[char]| -> String { all.get(start..end).unwrap_or_default().iter().collect() };
    let mut least = u32::MAX;
    if is_repeated(small, start, end) {
        least = least.min(AGAIN);
    }
    if length < RUN_SHORTEST {
        return least;
    }
    let (small, keys) = (of(small), of(keys));
    let growth = u32::try_from(length)
        .unwrap_or(u32::MAX)
        .ilog2()
        .saturating_mul(10);
    if is_run(&small) {
        least = least.min(RUN.saturating_add(growth));
    }
    if is_row(&keys) {
        least = least.min(KEYS_COST.saturating_add(growth));
    }
    if is_year(&small) {
        least = least.min(YEAR);
    }
    if (WORD_SHORTEST..=WORD_LONGEST).contains(&length) {
        let capitals = match typed.get(start..end).unwrap_or_default() {
            word if word.iter().any(|c| c.is_uppercase()) => CAPITALS,
            _ => 0,
        };
        let plain = is_common(&small) || (keys != small && is_common(&keys));
        if plain {
            least = least.min(WORD.saturating_add(capitals));
        } else if is_common(&unleet(&small)) {
            least = least.min(WORD.saturating_add(capitals).saturating_add(LEET));
        }
    }
    least
}

/// The same as what stands right before it.
fn is_repeated(all: &[char], start: usize, end: usize) -> bool {
    let length = end.saturating_sub(start);
    start
        .checked_sub(length)
        .is_some_and(|before| all.get(before..start) == all.get(start..end))
}

/// Each character the next, the one before, or the same.
fn is_run(piece: &str) -> bool {
    let codes: Vec<i64> = piece.chars().map(|c| i64::from(u32::from(c))).collect();
    let mut steps = codes.windows(2).map(|pair| match pair {
        [a, b] => b.saturating_sub(*a),
        _ => 0,
    });
    let first = steps.next().unwrap_or(9);
    (-1..=1).contains(&first) && steps.all(|step| step == first)
}

fn is_row(piece: &str) -> bool {
    let back: String = piece.chars().rev().collect();
    KEYS.iter()
        .any(|row| row.contains(piece) || row.contains(&back))
}

fn is_year(piece: &str) -> bool {
    piece.len() == 4
        && piece.bytes().all(|b| b.is_ascii_digit())
        && (piece.starts_with("19") || piece.starts_with("20"))
}

fn unleet(piece: &str) -> String {
    piece
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ID-3: ten thousand at least, sorted, each found.
    #[test]
    fn the_list_is_found_word_for_word() {
        let words: Vec<&str> = LIST.lines().collect();
        assert!(words.len() >= 20_000, "{}", words.len());
        assert!(words.is_sorted());
        assert!(words.iter().all(|word| is_common(word)));
        for word in [
            "123456",
            "password",
            "qwerty",
            "gfhjkm",
            "ghbdtn",
            "dragon",
            "пароль",
        ] {
            assert!(is_common(word), "{word}");
        }
        for word in [
            "",
            "\n",
            "vkbdtmqwxhfs",
            "passwor\n",
            "0",
            "zzzzzzzzzzzzzzz~",
        ] {
            assert!(!is_common(word), "{word:?}");
        }
    }

    #[test]
    fn the_layouts_match() {
        assert_eq!(CYRILLIC.chars().count(), LATIN.chars().count());
        let typed: String = "пароль".chars().map(key_of).collect();
        assert_eq!(typed, "gfhjkm");
    }

    #[test]
    fn patterns_are_seen() {
        for run in ["abc", "cba", "aaaa", "4567", "zyx", "абв"] {
            assert!(is_run(run), "{run}");
        }
        assert!(!is_run("ace") && !is_run("aab"));
        assert!(is_row("qwer") && is_row("rewq") && is_row("2wsx") && !is_row("qaz2"));
        assert!(is_year("1987") && is_year("2031") && !is_year("1812") && !is_year("19a7"));
    }
}
