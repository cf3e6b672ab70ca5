//! Mutants of a sound token and of a sound API token: none is accepted. The same ones in every run;
//! `REGIMEN_MUTANTS=10000000` makes that many.

use super::super::*;
use crate::access::api_token::ApiToken;

const ISSUED: i64 = 1_800_000_000;
const USUALLY: u64 = 100_000;

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

fn mutants() -> u64 {
    std::env::var("REGIMEN_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(USUALLY)
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0";

/// Changes a text in one to four places, each in one of several ways.
fn mutate(dice: &mut Dice, text: &str, donor: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(4) {
        let place = dice.below(bytes.len());
        match dice.below(8) {
            0 if !bytes.is_empty() => bytes[place] = LETTERS[dice.below(64)],
            1 if !bytes.is_empty() => bytes[place] ^= 1 << dice.below(7),
            2 => bytes.insert(place, LETTERS[dice.below(LETTERS.len())]),
            3 if !bytes.is_empty() => drop(bytes.remove(place)),
            4 => bytes.truncate(place),
            5 if !bytes.is_empty() => {
                let other = dice.below(bytes.len());
                bytes.swap(place, other);
            }
            6 => {
                let from = dice.below(donor.len());
                let to = from + dice.below(donor.len() - from);
                let end = (place + to - from).min(bytes.len());
                bytes.splice(place..end, donor.as_bytes()[from..to].iter().copied());
            }
            _ => {
                let end = place + dice.below(bytes.len() - place + 1);
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Changes what a part of a token says, and leaves the signature as it was.
fn rephrase(dice: &mut Dice, token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let which = dice.below(2);
    let said = URL_SAFE_NO_PAD.decode(&parts[which]).unwrap();
    let donor = r#""alg":"none","kid":"*","exp":1900000000,"sub":"acc_2",null,[]{}"#;
    parts[which] = URL_SAFE_NO_PAD.encode(mutate(dice, &String::from_utf8(said).unwrap(), donor));
    parts.join(".")
}

#[test]
fn no_mutant_of_an_access_token_is_accepted() {
    let at = Timestamp::from_second(ISSUED).unwrap();
    let folder = std::env::temp_dir().join(format!("regimen-mutants-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ring = KeyRing::load_or_create(&folder.join("keys.json"), at).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let tokens = AccessTokens::new("https://regimen.example", "regimen");
    let token = sign(&ring, &tokens.claims("acc_1", "ses_1", at)).unwrap();
    let donor = sign(&ring, &tokens.claims("acc_2", "ses_2", at)).unwrap();
    assert!(tokens.verify(&ring, &token, at).is_ok());
    let (half, seeds) = (mutants() / 2, [1_u64, 2]);
    std::thread::scope(|scope| {
        for seed in seeds {
            let (ring, tokens, token, donor) = (&ring, &tokens, &token, &donor);
            scope.spawn(move || {
                let mut dice = Dice(seed);
                for number in 0..half {
                    let mutant = match number % 3 {
                        0 => rephrase(&mut dice, token),
                        _ => mutate(&mut dice, token, donor),
                    };
                    // A splice of the whole donor is that token, and sound.
                    if mutant != *token && mutant != *donor {
                        assert!(tokens.verify(ring, &mutant, at).is_err(), "seed {seed}, {number}: {mutant}");
                    }
                }
            });
        }
    });
}

/// What the fuzzers begin with (`fuzz/seeds`) is what its names say.
#[test]
fn the_seeds_of_the_fuzzers_are_as_named() {
    let at = Timestamp::from_second(ISSUED).unwrap();
    let path = std::env::temp_dir().join(format!("regimen-seeds-{}.keys", std::process::id()));
    let file = r#"{"keys": [{"kid": "fuzz", "created_at": "2026-01-01T00:00:00Z",
        "private": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}],
        "server_secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
    std::fs::write(&path, file).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let ring = KeyRing::load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let tokens = AccessTokens::new("https://regimen.example", "regimen");
    let claims = Claims { jti: "A".repeat(22), ..tokens.claims("acc_1", "ses_1", at) };
    let sound = sign(&ring, &claims).unwrap();
    let seeds = |of: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(of);
        std::fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
    };
    let mut seen = 0;
    for (name, text) in seeds("access_token") {
        assert_eq!(tokens.verify(&ring, &text, at).is_ok(), name == "sound", "{name}");
        assert_eq!(text == sound, name == "sound", "{name}");
        seen += 1;
    }
    for (name, text) in seeds("api_token") {
        assert_eq!(ApiToken::parse(&text).is_some(), name == "sound", "{name}");
        seen += 1;
    }
    assert!(seen >= 25, "{seen} seeds");
}

#[test]
fn no_mutant_of_an_api_token_is_accepted() {
    let (token, donor) = (format!("rgm_{}0o67Ht", "0".repeat(30)), ApiToken::generate().reveal().to_owned());
    assert!(ApiToken::parse(&token).is_some());
    let mut dice = Dice(3);
    for number in 0..mutants() {
        let mutant = match number % 2 {
            // Of the right shape, so that the checksum alone can tell.
            0 => (0..36).fold("rgm_".to_owned(), |mut text, _| {
                text.push(char::from(LETTERS[dice.below(62)]));
                text
            }),
            _ => mutate(&mut dice, &token, &donor),
        };
        if mutant != token && mutant != donor {
            assert!(ApiToken::parse(&mutant).is_none(), "{number}: {mutant}");
        }
    }
}
