//! Whether two outcomes can be told apart: by time, by what is answered («=» of the abuse cases).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::wire::Answer;

/// Chance of calling two samples of one source different (abuse cases, «=»: p > 0.01). Who calls is to take a fresh
/// sample before they believe it.
const ALPHA: f64 = 0.01;
/// Medians may lie this far apart (abuse cases, «=»).
const MEDIANS: Duration = Duration::from_millis(5);

/// Two samples of times.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    /// Of one outcome.
    pub one: Vec<Duration>,
    /// Of the other.
    pub other: Vec<Duration>,
}

impl Pairs {
    /// The Kolmogorov-Smirnov statistic: the greatest distance between the two empirical distributions.
    pub fn distance(&self) -> f64 {
        let (mut one, mut other) = (self.one.clone(), self.other.clone());
        one.sort_unstable();
        other.sort_unstable();
        let (mut i, mut j, mut most) = (0, 0, 0.0_f64);
        while i < one.len() && j < other.len() {
            let at = one[i].min(other[j]);
            while one.get(i).is_some_and(|time| *time <= at) {
                i += 1;
            }
            while other.get(j).is_some_and(|time| *time <= at) {
                j += 1;
            }
            let apart = i as f64 / one.len() as f64 - j as f64 / other.len() as f64;
            most = most.max(apart.abs());
        }
        most
    }

    /// The distance that samples of one source exceed with the chance [`ALPHA`] (Smirnov's asymptotic formula).
    pub fn critical(&self) -> f64 {
        let (n, m) = (self.one.len() as f64, self.other.len() as f64);
        (-(ALPHA / 2.0).ln() / 2.0).sqrt() * ((n + m) / (n * m)).sqrt()
    }

    /// Whether the distributions can be told apart.
    pub fn are_apart(&self) -> bool {
        self.distance() > self.critical()
    }

    /// Whether they can be told apart, by their distributions or by their medians alone.
    pub fn differ(&self) -> bool {
        let (one, other) = self.medians();
        self.are_apart() || one.abs_diff(other) > MEDIANS
    }

    /// The same with one side slower.
    #[must_use]
    pub fn planted(&self, more: Duration) -> Self {
        Self {
            one: self.one.iter().map(|time| *time + more).collect(),
            other: self.other.clone(),
        }
    }

    /// Medians of both, for the report.
    pub fn medians(&self) -> (Duration, Duration) {
        (median(&self.one), median(&self.other))
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// What an answer looks like to somebody who compares: status, headers with the sizes of their values, the
/// body; what is random (tokens, numbers, times) is masked and keeps its length.
pub fn shape(answer: &Answer) -> String {
    let mut shape = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        shape.push_str(&format!("{name}: {}\n", masked(value)));
    }
    shape + &masked(&answer.body)
}

/// Digits become `0`. A run of 16 and more letters and digits that holds a digit is a token.
fn masked(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c| is_token(c) != is_token(first))
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        // A long run with digits, capitals and small letters is drawn by chance; words of ours are not.
        let kinds: [fn(&char) -> bool; 2] = [char::is_ascii_uppercase, char::is_ascii_lowercase];
        if run.len() >= 20 && kinds.iter().all(|kind| run.chars().any(|c| kind(&c))) {
            masked.extend(std::iter::repeat_n('*', run.len()));
        } else {
            masked.extend(
                run.chars()
                    .map(|c| if c.is_ascii_digit() { '0' } else { c }),
            );
        }
    }
    masked
}

/// How often each shape was answered to one outcome and to the other.
#[derive(Debug, Clone, Default)]
pub struct Shapes(BTreeMap<String, [usize; 2]>);

impl Shapes {
    /// Notes an answer; `side` 0 or 1.
    pub fn add(&mut self, side: usize, answer: &Answer) {
        self.0.entry(shape(answer)).or_default()[side] += 1;
    }

    /// A shape that only one side gets, more often than a second's turn between two answers explains.
    pub fn telling(&self) -> Option<&str> {
        let all: usize = self.0.values().flatten().sum();
        let of_one =
            |counts: &[usize; 2]| counts[0].abs_diff(counts[1]) * 50 > all && counts.contains(&0);
        let found = self.0.iter().find(|(_, counts)| of_one(counts));
        found.map(|(shape, _)| shape.as_str())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times like those of a busy machine: 3 ms and a long tail, the same for both sides but for chance.
    fn noisy() -> Pairs {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            Duration::from_secs_f64(0.003 - 0.001_5 * (1.0 - uniform).ln())
        };
        let mut pairs = Pairs::default();
        for _ in 0..400 {
            pairs.one.push(next());
            pairs.other.push(next());
        }
        pairs
    }

    #[test]
    fn two_milliseconds_are_seen_and_noise_is_not() {
        let pairs = noisy();
        assert!(
            !pairs.differ(),
            "{} of {}",
            pairs.distance(),
            pairs.critical()
        );
        let planted = pairs.planted(Duration::from_millis(2));
        assert!(
            planted.are_apart(),
            "{} of {}",
            planted.distance(),
            planted.critical()
        );
        assert!((pairs.critical() - 0.115).abs() < 0.001);
    }

    /// Medians that lie apart are told, however few the samples.
    #[test]
    fn medians_count_by_themselves() {
        let ms = Duration::from_millis;
        let pairs = Pairs {
            one: vec![ms(1), ms(10), ms(11)],
            other: vec![ms(1), ms(4), ms(11)],
        };
        assert!(!pairs.are_apart() && pairs.differ());
    }

    #[test]
    fn the_distance_is_the_greatest_gap() {
        let ms = |list: &[u64]| list.iter().map(|n| Duration::from_millis(*n)).collect();
        let pairs = |one, other| Pairs {
            one: ms(one),
            other: ms(other),
        };
        assert!(pairs(&[1, 2, 3, 4], &[1, 2, 3, 4]).distance() < 1e-9);
        assert!((pairs(&[1, 2, 3, 4], &[5, 6, 7, 8]).distance() - 1.0).abs() < 1e-9);
        assert!((pairs(&[1, 2, 5, 6], &[3, 4, 5, 6]).distance() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn shapes_hide_chance_and_nothing_else() {
        let answer = |status, header: &str, body: &str| Answer {
            status,
            headers: vec![("set-cookie".to_owned(), header.to_owned())],
            body: body.to_owned(),
            took: Duration::ZERO,
        };
        let one = answer(
            200,
            "v=Aa3_xK9-aaaaaaaaaaaaaaaaaaaaaa; Path=/",
            "until 1790000000 in 59",
        );
        let same = answer(
            200,
            "v=Zz7_pQ2-bbbbbbbbbbbbbbbbbbbbbb; Path=/",
            "until 1790000011 in 58",
        );
        assert_eq!(shape(&one), shape(&same));
        for other in [
            answer(
                303,
                "v=Aa3_xK9-aaaaaaaaaaaaaaaaaaaaaa; Path=/",
                "until 1790000000 in 59",
            ),
            answer(
                200,
                "v=Aa3_xK9-aaaaaaaaaaaaaaaaaaaaa; Path=/",
                "until 1790000000 in 59",
            ),
            answer(
                200,
                "v=Aa3_xK9-aaaaaaaaaaaaaaaaaaaaaa; Path=/",
                "until 1790000000 in 9",
            ),
            answer(
                200,
                "v=Aa3_xK9-aaaaaaaaaaaaaaaaaaaaaa; Path=/",
                "after 1790000000 in 59",
            ),
        ] {
            assert_ne!(shape(&one), shape(&other));
        }
        let mut shapes = Shapes::default();
        for _ in 0..40 {
            shapes.add(0, &one);
            shapes.add(1, &same);
        }
        assert!(shapes.telling().is_none());
        for _ in 0..4 {
            shapes.add(1, &answer(429, "", ""));
        }
        assert!(shapes.telling().is_some());
    }
}
