//! How wide texts are, without a font: estimates that rather give room away than let texts overlap.

/// The size of ordinary text, in pixels.
pub const TEXT: f64 = 12.0;
/// The size of a title, in pixels.
pub const TITLE: f64 = 15.0;

/// About how wide a text is in a sans-serif font of a size; fonts as wide as DejaVu Sans fit.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars().map(width_of_character).sum::<f64>() * size
}

fn width_of_character(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '·' | 'f' | 't' | 'r' => {
            0.42
        }
        '(' | ')' | '[' | ']' | '/' | '-' => 0.45,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' | '→' => 1.02,
        'a'..='z' | '0'..='9' => 0.64,
        'A'..='Z' => 0.76,
        '+' | '=' | '<' | '>' | '≥' | '≤' | '±' | '−' | '~' => 0.86,
        '\u{300}'..='\u{36f}' => 0.0,
        '\0'..='\u{7f}' => 0.7,
        '\u{80}'..='\u{10ff}' => 0.8,
        // Hangul, Chinese, Japanese and pictures fill a square.
        _ => 1.1,
    }
}

/// A text in at most so many pixels; where something is cut off, `…` says so.
pub fn fitted(text: &str, width: f64, size: f64) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let room = width - width_of("…", size);
    let mut used = 0.0;
    let kept: String = text
        .chars()
        .take_while(|character| {
            used += width_of_character(*character) * size;
            used <= room
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// Parts in lines of at most so many pixels, with something between those that share a line; a part that is wider than a
/// line is cut.
pub fn flowed(parts: &[String], between: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let part = fitted(part, width, size);
        match lines.last_mut() {
            Some(line) if width_of(line, size) + width_of(between, size) + width_of(&part, size) <= width => {
                line.push_str(between);
                line.push_str(&part);
            }
            Some(_) | None => lines.push(part),
        }
    }
    lines
}

/// A text by its words in at most so many lines; where it is longer, the last line ends with `…`.
pub fn wrapped(text: &str, width: f64, size: f64, most: usize) -> Vec<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let mut lines = flowed(&words, " ", width, size);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(fitted(&rest, width, size));
    }
    lines
}
