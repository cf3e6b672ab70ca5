//! Which passwords people may choose.
//!
//! Length instead of composition: at least 15 code points, no demand for digits or signs, no expiry
//! and nothing cut off (NIST SP 800-63B-4, section 3.1.1.2; OWASP ASVS 5.0, 6.2). What is long and
//! still among the first guesses is refused by a list, and so is what is mostly the name of the
//! product, the workspace or the person.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// Fewest code points of a password.
pub const FEWEST_CODE_POINTS: usize = 15;
/// Most code points of a password.
pub const MOST_CODE_POINTS: usize = 128;
/// Most bytes of a password in UTF-8.
pub const MOST_BYTES: usize = 1024;

/// The product's own name is a context word everywhere.
const PRODUCT: &str = "regimen";

/// Shorter context words are inside too many others.
const SHORTEST_CONTEXT_WORD: usize = 4;

/// Letters that must remain when context words, digits and signs are taken away.
const FEWEST_OTHER_LETTERS: usize = 8;

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer than [`FEWEST_CODE_POINTS`].
    TooShort,
    /// More than [`MOST_CODE_POINTS`] or [`MOST_BYTES`].
    TooLong,
    /// Among the passwords that are guessed first.
    Common,
    /// Mostly the name of the product, the workspace or the person.
    Context,
}

impl fmt::Display for PasswordFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(out, "must have at least {FEWEST_CODE_POINTS} characters"),
            Self::TooLong => {
                write!(out, "must have at most {MOST_CODE_POINTS} characters and {MOST_BYTES} bytes")
            }
            Self::Common => write!(out, "is one of the passwords that are guessed first"),
            Self::Context => write!(out, "is mostly the name of the product, the workspace or the person"),
        }
    }
}

/// The rules for new passwords. Passwords already in use are not measured again.
#[derive(Clone, Copy, Debug)]
pub struct PasswordRules;

impl PasswordRules {
    /// Everything that is wrong with a password; empty when it may be used. `context` holds what an
    /// attacker who knows the account tries first: the workspace's name, the e-mail's local part,
    /// the person's name. Costs microseconds, whatever is sent.
    pub fn check(password: &str, context: &[&str]) -> Vec<PasswordFault> {
        if password.len() > MOST_BYTES {
            return vec![PasswordFault::TooLong]; // not worth reading
        }
        let mut faults = Vec::new();
        match password.chars().count() {
            ..FEWEST_CODE_POINTS => faults.push(PasswordFault::TooShort),
            FEWEST_CODE_POINTS..=MOST_CODE_POINTS => {}
            _ => faults.push(PasswordFault::TooLong),
        }
        let folded = password.to_lowercase();
        if is_common(&folded) {
            faults.push(PasswordFault::Common);
        }
        if is_mostly(&folded, context) {
            faults.push(PasswordFault::Context);
        }
        faults
    }
}

/// Listed as it is, or without its spaces and signs, or with a space for each of them; or nothing but
/// one to four characters repeated.
fn is_common(folded: &str) -> bool {
    let spaced = folded.replace(|character: char| !character.is_alphanumeric(), " ");
    let bare: String = folded.chars().filter(|character| character.is_alphanumeric()).collect();
    COMMON.contains(folded) || COMMON.contains(&bare) || COMMON.contains(&spaced) || repeats(folded)
}

fn repeats(text: &str) -> bool {
    let all: Vec<char> = text.chars().collect();
    (1..=4).any(|unit| {
        all.len() > 2 * unit && all.iter().zip(all.iter().skip(unit)).all(|(one, next)| one == next)
    })
}

/// Whether a folded password holds context words and little else: with every occurrence of them,
/// all digits and all signs taken away, fewer than eight letters remain. A context word is a whole
/// context text without spaces and signs, or one of its parts; texts of fewer than four letters
/// do not count.
fn is_mostly(folded: &str, context: &[&str]) -> bool {
    let alphanumeric =
        |text: &str| text.chars().filter(|character| character.is_alphanumeric()).collect::<String>();
    let mut words: Vec<String> = Vec::new();
    for text in context.iter().chain([&PRODUCT]) {
        // Names longer than any password cannot be inside one.
        let text: String = text.to_lowercase().chars().take(MOST_CODE_POINTS).collect();
        words.push(alphanumeric(&text));
        words.extend(text.split(|character: char| !character.is_alphanumeric()).map(str::to_owned));
    }
    words.retain(|word| word.chars().count() >= SHORTEST_CONTEXT_WORD);
    // The longest first, or a part would spoil the whole.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let bare = alphanumeric(folded);
    // A sign stays where a word was, so that what stood around it does not make a new word.
    let rest = words.iter().fold(bare.clone(), |rest, word| rest.replace(word.as_str(), "\n"));
    rest != bare && rest.chars().filter(|character| character.is_alphabetic()).count() < FEWEST_OTHER_LETTERS
}

/// The common passwords that are long enough to be chosen, folded to lower case.
///
/// Lists of leaked passwords hold few of this length, and those are made of shorter ones. So they
/// are made here from the words of `common_passwords.txt` as people make them:
/// a word repeated; a word once or twice with a run of digits or a year at its end; a word between
/// digits; of the hundred most common words any two, with or without a space between, and any with
/// such an end, twice.
/// Lines that begin with `=` are taken as they are.
#[cfg(test)]
pub fn common_passwords() -> impl Iterator<Item = &'static str> {
    COMMON.iter().map(String::as_str)
}

static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let lines = || {
        include_str!("common_passwords.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let words: Vec<&str> = lines().filter(|line| !line.starts_with('=')).collect();
    let mut made: HashSet<String> =
        lines().filter_map(|line| line.strip_prefix('=')).map(str::to_owned).collect();
    let runs = [
        "1",
        "12",
        "123",
        "1234",
        "12345",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "!",
        "123!",
    ];
    let years: Vec<String> = (1980..=2030).map(|year: u16| year.to_string()).collect();
    let endings: Vec<&str> = runs.into_iter().chain(years.iter().map(String::as_str)).collect();
    let mut add = |text: String| {
        if (FEWEST_CODE_POINTS..=MOST_CODE_POINTS).contains(&text.chars().count()) {
            made.insert(text);
        }
    };
    for word in &words {
        let times = FEWEST_CODE_POINTS.div_ceil(word.chars().count());
        add(word.repeat(times));
        add(word.repeat(times + 1));
        for ending in &endings {
            add(format!("{word}{ending}"));
            add(format!("{word}{word}{ending}"));
        }
        for run in runs {
            add(format!("{run}{word}"));
            add(format!("{run}{word}{run}"));
        }
    }
    for one in words.iter().take(100) {
        for ending in &endings {
            add(format!("{one}{ending}{one}{ending}"));
        }
        for other in words.iter().take(100) {
            add(format!("{one}{other}"));
            add(format!("{one} {other}"));
        }
    }
    made
});

#[cfg(test)]
mod tests {
    use super::*;
    use PasswordFault::{Common, Context, TooLong, TooShort};

    fn check(password: &str) -> Vec<PasswordFault> {
        PasswordRules::check(password, &["Acme Rockets Ltd.", "ann.archer", "bob"])
    }

    #[test]
    fn length_is_counted_in_code_points_and_bounded_in_bytes() {
        let of = |length: usize| "kjwq-vmzt-ohux-pydb ".repeat(10)[..length].to_owned();
        for (length, faults) in
            [(14, vec![TooShort]), (15, vec![]), (64, vec![]), (128, vec![]), (129, vec![TooLong])]
        {
            assert_eq!(check(&of(length)), faults, "{length}");
        }
        assert_eq!(check("пароль из слов!"), []);
        assert_eq!(check("пароль из слов"), [TooShort]);
        assert_eq!(check(&"🦀🐙🦑🐠🐟🦞".repeat(5)), []);
        assert_eq!(check(&"é".repeat(513)), [TooLong]);
        assert_eq!(check(&"x".repeat(1 << 20)), [TooLong]);
        assert_eq!(check(""), [TooShort]);
    }

    #[test]
    fn every_listed_password_is_refused_in_any_case() {
        let listed: Vec<_> = common_passwords().collect();
        assert!(listed.len() >= 3_000, "{}", listed.len());
        for password in listed {
            assert!(password.chars().count() >= FEWEST_CODE_POINTS, "{password}");
            assert_eq!(password, password.to_lowercase());
            assert!(check(password).contains(&Common), "{password}");
            assert!(check(&password.to_uppercase()).contains(&Common), "{password}");
        }
    }

    #[test]
    fn what_is_guessed_first_is_refused_and_what_is_not_is_taken() {
        for common in [
            "passwordpassword",
            "PasswordPassword",
            "Password-Password",
            "password2024password2024",
            "qwertyuiopasdfghjkl",
            "123456789012345",
            "iloveyou iloveyou",
            "shadow_superman",
            "correct horse battery staple",
            "aaaaaaaaaaaaaaa",
            "abababababababab",
            "abcdabcdabcdabc",
            "...............",
            "               ",
            "michaeljennifer",
            "liverpoolliverpool1990",
            "trustno1trustno1!",
        ] {
            assert!(check(common).contains(&Common), "{common}");
        }
        for fine in [
            "dragon monkey violin tax",
            "quiet lamp under snow",
            "aB3$kk92lqpzv!m",
            "abcdeabcdeabcde fgh",
            "passwordpasswordx!q",
        ] {
            assert_eq!(check(fine), [], "{fine}");
        }
    }

    #[test]
    fn what_is_mostly_a_known_name_is_refused() {
        for named in [
            "regimenregimen1",
            "Regimen-2026-Regimen",
            "AcmeRockets2026!",
            "acme.rockets.ltd.",
            "ann.archer.12345",
            "annarcherannarcher",
            "ARCHER archer 99",
            "acme-regimen-ann",
            "rockets1234567890",
            "acme11elephant",
        ] {
            assert!(check(named).contains(&Context) == (named != "acme11elephant"), "{named}");
        }
        for fine in ["acme correct battery horse", "bob rides a slow camel", "regimental parrots"] {
            assert_eq!(check(fine), [], "{fine}");
        }
        assert!(
            !PasswordRules::check("a sober long phrase", &["", "a", "   ", &"x".repeat(1 << 16)])
                .contains(&Context)
        );
    }

    #[test]
    fn a_thousand_random_passphrases_are_taken() {
        let words: Vec<&str> = include_str!("common_passwords.txt")
            .lines()
            .filter(|word| word.chars().all(char::is_alphabetic) && word.len() > 4)
            .collect();
        // A linear congruential generator (Knuth, MMIX): the same phrases at every run.
        let mut state: u64 = 42;
        let mut word = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            words[(state >> 33) as usize % words.len()]
        };
        for _ in 0..1_000 {
            let phrase = [word(), word(), word(), word()].join(" ");
            assert_eq!(check(&phrase), [], "{phrase}");
        }
    }
}
