//! Slugs made from names.

/// The longest slug, in characters.
const LONGEST: usize = 64;

/// A slug for a name: its letters and digits with single `-` between; `None` where it has no letter
/// or digit of the Latin alphabet.
pub fn of_name(name: &str) -> Option<String> {
    let mut slug = String::new();
    for letter in name.trim().to_lowercase().chars() {
        match plain(letter) {
            Some(plain) => slug.push_str(plain),
            None if letter.is_ascii_alphanumeric() => slug.push(letter),
            // An apostrophe stands inside a word.
            None if letter == '\'' || letter == '’' => {}
            None if slug.is_empty() || slug.ends_with('-') => {}
            None => slug.push('-'),
        }
    }
    slug.truncate(LONGEST);
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// Letters with marks, as people write them where there are none.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ğ' => "g",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ø' | 'ő' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::of_name;

    #[test]
    fn names_become_slugs() {
        for (name, slug) in [
            ("Acme", Some("acme")),
            ("  Harbour Street -- Shop & Co. ", Some("harbour-street-shop-co")),
            ("Bäckerei Müller", Some("baeckerei-mueller")),
            ("O'Neill’s", Some("oneills")),
            ("東京", None),
            ("!!!", None),
            ("東京 2", Some("2")),
        ] {
            assert_eq!(of_name(name).as_deref(), slug, "{name}");
        }
        let long = of_name(&"ab ".repeat(60)).unwrap();
        assert!(long.len() <= 64 && !long.ends_with('-'), "{long}");
    }
}
