use jiff::civil::date;
use proptest::prelude::*;

use super::chart::day;
use super::layout::{TEXT, TITLE, fitted, flowed, width_of, wrapped};
use super::pen::number;
use super::scale::{Scale, around, ticks};
use super::*;
use crate::maths::{Band, Target};

/// A piece of text in a picture: what it says and the box that it needs.
#[derive(Debug)]
struct Words {
    #[allow(dead_code, reason = "told where a test fails")]
    says: String,
    left: f64,
    right: f64,
    baseline: f64,
}

fn attribute(element: &str, name: &str) -> String {
    let (_, rest) = element.split_once(&format!(" {name}=\"")).expect("the attribute");
    rest.split_once('"').expect("its end").0.to_owned()
}

/// All texts of a picture, read from the picture itself.
fn words(picture: &str) -> Vec<Words> {
    picture
        .split("<text ")
        .skip(1)
        .map(|part| {
            let (element, rest) = part.split_once('>').expect("the element");
            let element = format!(" {element}");
            let says = rest.split_once("</text>").expect("its end").0.to_owned();
            let size = if attribute(&element, "class") == "title" { TITLE } else { TEXT };
            let shown =
                says.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'");
            let (x, wide): (f64, f64) = (attribute(&element, "x").parse().unwrap(), width_of(&shown, size));
            let left = match attribute(&element, "text-anchor").as_str() {
                "start" => x,
                "middle" => x - wide / 2.0,
                _ => x - wide,
            };
            let baseline = attribute(&element, "y").parse().unwrap();
            Words { says, left, right: left + wide, baseline }
        })
        .collect()
}

/// Every element ends, in order, and everything between marks is text.
fn is_well_formed(document: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = document;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|known| entity.starts_with(known)),
                "{text}"
            );
        }
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
}

/// A chart with everything in it, of so many months.
fn busy(title: &str, months: i8, remark: &str) -> impl Fn(u32) -> Picture {
    let (title, remark) = (title.to_owned(), remark.to_owned());
    move |width| {
        let month = |number: i8| date(2024 + i16::from(number / 12), number % 12 + 1, 1);
        let points: Vec<Point> = (0..months)
            .map(|number| Point {
                x: day(month(number)) + 15.0,
                name: format!("{:04}-{:02}", month(number).year(), month(number).month()),
                value: (number % 7 != 3).then(|| 1_000.0 * f64::from(number % 5) - 2_500.0),
                health: [Health::Healthy, Health::AtRisk, Health::Unhealthy, Health::Unknown]
                    [number as usize % 4],
                says: if number % 6 == 0 { Says::Signal } else { Says::Noise },
            })
            .collect();
        let (from, until) = (day(month(0)), day(month(months)));
        let target = Target {
            band: Band { min: Some(-500.0), max: Some(900.0) },
            tolerance: Band { min: Some(-1_500.0), max: None },
        };
        let limits =
            crate::maths::NaturalLimits { centre: -500.0, lower: -4_000.0, upper: 3_000.0, upper_range: 1.0 };
        let remedies: Vec<Stretch<String>> = (0..7)
            .map(|number| Stretch {
                from: until - 40.0 * f64::from(number),
                until,
                what: format!("{remark} {number}"),
            })
            .collect();
        let annotations: Vec<(jiff::civil::Date, String)> =
            (0..months).step_by(2).map(|number| (month(number), remark.clone())).collect();
        let ahead: Vec<Ahead> = (0..6)
            .map(|step| Ahead {
                x: until + 15.0 + 30.0 * f64::from(step),
                value: 100.0,
                low: -900.0,
                high: 5_000.0,
            })
            .collect();
        let facts = [
            "-1500 customers in 2026-03 so far",
            "unhealthy",
            "target -500 to 900 customers",
            "deteriorating",
        ];
        Chart {
            title: &title,
            description: "What it shows.",
            facts: &facts.map(str::to_owned),
            health: Health::Unhealthy,
            points: &points,
            targets: &[Stretch { from, until, what: target }],
            segments: &[Stretch { from, until, what: limits }],
            ahead: &ahead,
            remedies: &remedies,
            annotations: &annotations,
            number: &|value| format!("{value}"),
        }
        .picture(width, Theme::Auto)
    }
}

#[test]
fn no_words_meet_and_none_stick_out() {
    let long =
        "Share of customers who order a second time within ninety days of the first delivery, by value";
    for (title, months, remark) in [
        ("Churn", 3, "Keep"),
        (long, 24, long),
        ("指標の名前がとても長い場合", 60, "日本語の注釈"),
        (long, 100, "x"),
    ] {
        let draw = busy(title, months, remark);
        for width in [280, 320, 480, 640, 1000, 1600] {
            let picture = draw(width).text;
            is_well_formed(&picture);
            let words = words(&picture);
            assert!(words.len() > 15, "{} words", words.len());
            for (place, one) in words.iter().enumerate() {
                assert!(one.left >= 0.0 && one.right <= f64::from(width), "at {width}: {one:?} sticks out");
                for other in &words[place + 1..] {
                    let apart = (one.baseline - other.baseline).abs() >= 13.0
                        || one.right <= other.left
                        || other.right <= one.left;
                    assert!(apart, "at {width}: {one:?} meets {other:?}");
                }
            }
        }
    }
}

#[test]
fn the_same_chart_is_the_same_bytes_and_holds_its_names_as_text() {
    let draw = busy("</title><script>alert(1)</script>", 12, "a & b \u{0}\u{202e}");
    let picture = draw(640);
    assert_eq!(picture, draw(640));
    assert!(
        !picture.text.contains("<script>") && picture.text.contains("&lt;script&gt;"),
        "{}",
        picture.text
    );
    assert!(!picture.text.contains('\0') && !picture.text.contains('\u{202e}'));
    assert!(picture.text.contains(&format!("<style>{}</style>", picture.style)));
}

#[test]
fn a_chart_without_values_says_so() {
    let chart = Chart {
        title: "Empty",
        description: "There is no value.",
        facts: &[],
        health: Health::Unknown,
        points: &[],
        targets: &[],
        segments: &[],
        ahead: &[],
        remedies: &[],
        annotations: &[],
        number: &|value| format!("{value}"),
    };
    let picture = chart.picture(320, Theme::Dark).text;
    is_well_formed(&picture);
    assert!(picture.contains("There is no value yet") && !picture.contains("NaN"), "{picture}");
}

#[test]
fn badges_and_sparklines_are_whole_for_any_health() {
    for health in [Health::Healthy, Health::AtRisk, Health::Unhealthy, Health::Unknown] {
        let badge = Badge { name: "Churn <rate>", value: Some("4.2 %"), health, description: "4.2 %." };
        let picture = badge.picture(Theme::Light).text;
        is_well_formed(&picture);
        assert!(picture.contains(spoken(health)) && picture.contains("Churn &lt;rate&gt;"), "{picture}");
        let [name, value] = words(&picture).try_into().expect("two texts");
        assert!(name.right < value.left, "{name:?} {value:?}");
        let values = [Some(1.0), None, Some(f64::MAX), Some(-3.0)];
        let line = Sparkline {
            title: "Churn",
            description: "Four values.",
            values: &values,
            band: Some(Band { min: None, max: Some(2.0) }),
            health,
        };
        for drawn in [line.picture((120.0, 30.0), Theme::Auto).text, line.inline((120.0, 30.0))] {
            is_well_formed(&drawn);
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }
    let empty = Sparkline { title: "", description: "", values: &[], band: None, health: Health::Unknown };
    is_well_formed(&empty.inline((1.0, 1.0)));
}

#[test]
fn axes_have_round_numbers() {
    assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    assert_eq!(ticks(-3.0, 4.0, 4), [-2.0, 0.0, 2.0, 4.0]);
    assert_eq!(ticks(0.93, 1.04, 4), [0.95, 1.0]);
    assert_eq!(ticks(5.0, 5.0, 4), [5.0]);
    // A twentieth of room on each side; something around a single number.
    assert_eq!(around([0.0, 100.0].into_iter()), (-6.0, 106.0));
    assert_eq!(around([20.0].into_iter()), (18.0, 22.0));
    assert_eq!(around([0.0].into_iter()), (-0.5, 0.5));
    assert_eq!(around(std::iter::empty()), (0.0, 1.0));
    let scale = Scale { low: 0.0, high: 10.0, from: 100.0, to: 0.0 };
    assert_eq!((scale.at(0.0), scale.at(2.5), scale.at(10.0)), (100.0, 75.0, 0.0));
    assert_eq!(Scale { low: 3.0, high: 3.0, from: 0.0, to: 8.0 }.at(3.0), 4.0);
}

#[test]
fn text_is_cut_and_wrapped_by_its_width() {
    let wide = width_of("wwww", 10.0);
    assert!(wide > width_of("llll", 10.0) * 2.0 && wide < 50.0);
    assert_eq!(fitted("short", 100.0, 12.0), "short");
    let cut = fitted("a rather long text", 60.0, 12.0);
    assert!(cut.ends_with('…') && width_of(&cut, 12.0) <= 60.0, "{cut}");
    assert_eq!(wrapped("one two three four", 60.0, 12.0, 2).len(), 2);
    assert_eq!(flowed(&["a".into(), "b".into()], ", ", 100.0, 12.0), ["a, b"]);
    assert_eq!((number(-0.001), number(1.5), number(f64::NAN)), ("0".into(), "1.5".into(), "0".into()));
}

proptest! {
    /// Whatever stands in a text, what is written is text, and no reader of XML stumbles.
    #[test]
    fn any_text_is_text(text in any::<String>()) {
        let written = escaped(&text);
        let marks = ['<', '>', '"', '\'', '\0', '\u{fffe}', '\u{ffff}'];
        prop_assert!(!written.contains(marks));
        is_well_formed(&format!("<a b=\"{written}\">{written}</a>"));
    }

    /// Lines of the grid lie within, ascend, and are not too many.
    #[test]
    fn ticks_lie_within(low in -1e15..1e15_f64, span in 1e-9..1e15_f64, about in 1..12_usize) {
        let high = low + span;
        let ticks = ticks(low, high, about);
        prop_assert!(!ticks.is_empty() && ticks.len() <= 2 * about + 2, "{ticks:?}");
        prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
        let room = span * 1e-6 + low.abs() * 1e-12;
        prop_assert!(ticks.len() == 1 || ticks.iter().all(|tick| *tick >= low - room && *tick <= high + room));
    }

    /// Every place on an axis is a number.
    #[test]
    fn places_are_finite(low in any::<f64>(), high in any::<f64>(), number in any::<f64>()) {
        let scale = Scale { low, high, from: 0.0, to: 100.0 };
        prop_assert!(scale.at(number).is_finite());
    }
}
