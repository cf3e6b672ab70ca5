//! The brief for terminals and chat: four questions and their answers, at most 80 columns wide.

use super::Brief;
use crate::kpis::display::{Style, cut};

const WIDTH: usize = 80;

/// The whole brief.
pub fn page(workspace: &str, brief: &Brief) -> String {
    let kpi = &brief.kpi;
    let value = kpi.current.as_ref().and_then(|current| {
        let value = Style::shown(&kpi.display).within(current.value?, 24);
        Some(format!("{value} in {}", current.period))
    });
    let value = value.unwrap_or_else(|| "no value".into());
    let mut lines = vec![
        format!("{} of {} on {}", cut(&kpi.name, 40), cut(workspace, 20), brief.as_of),
        format!("{value}, {}", kpi.health.as_str()),
    ];
    let questions = [
        ("Is it changing?", vec![brief.changing.sentence.as_str(), &brief.changing.forecast]),
        ("Why?", vec![brief.why.sentence.as_str()]),
        ("What should follow?", vec![brief.next.sentence.as_str()]),
        ("Does it help anyone decide?", vec![brief.helps.reason.as_str()]),
    ];
    for (question, answers) in questions {
        lines.push(String::new());
        lines.push(question.into());
        for answer in answers {
            lines.extend(wrapped(answer));
        }
    }
    if !kpi.advice.is_empty() {
        lines.push(String::new());
        lines.push("Advice".into());
        for advice in &kpi.advice {
            lines.extend(wrapped(&format!("{} {}", advice.detail, advice.fix)));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A text in indented lines; a word that is wider than a line is cut.
fn wrapped(text: &str) -> Vec<String> {
    let room = WIDTH - 2;
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().map(|word| cut(word, room)) {
        let would_be = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && would_be > room {
            lines.push(format!("  {line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(format!("  {line}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_between_words() {
        let text = "a ".repeat(60);
        let lines = wrapped(&text);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].chars().count(), 79);
        assert_eq!(wrapped(""), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_a_terminal(text in "[a-zü ]{0,400}") {
            let lines = wrapped(&text);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
            let said: Vec<String> = lines.iter().flat_map(|line| line.split_whitespace().map(str::to_owned)).collect();
            let words: Vec<String> = text.split_whitespace().map(|word| cut(word, WIDTH - 2)).collect();
            prop_assert_eq!(said, words);
        }
    }
}
