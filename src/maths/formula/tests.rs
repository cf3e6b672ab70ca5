use proptest::prelude::*;

use super::*;

/// Spend, customers and refunds in three periods; the last is the one that is computed.
fn reading(read: Read<&str>) -> Reading {
    let series: [Option<f64>; 3] = match read.input {
        "spend" => [Some(900.0), Some(1_000.0), Some(1_200.0)],
        "new-customers" => [Some(45.0), Some(50.0), Some(40.0)],
        "refunds_eu.v2" => [None, Some(0.0), Some(0.0)],
        "huge" => [Some(1e308); 3],
        "broken" => return Reading::Undefined,
        _ => [None; 3],
    };
    let index = 2usize.checked_sub(read.periods_before as usize);
    index.and_then(|index| series[index]).map_or(Reading::Missing, Reading::Value)
}

fn computed(text: &'static str) -> Result<f64, NoValue<&'static str>> {
    let mentions = super::read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    let named = mentions.renamed(&mut |mention: Mention| -> Result<&'static str, ()> {
        Ok(&text[mention.position - 1..mention.position - 1 + mention.name.len()])
    });
    evaluate(&named.expect("every name stands"), &reading)
}

#[test]
fn formulas_worked_by_hand() {
    let table = [
        ("spend / new-customers", 30.0),                               // 1,200 / 40
        ("spend / new-customers - prev(spend / new-customers)", 10.0), // 30 - 1,000 / 50
        ("prev(prev(spend))", 900.0),
        ("2 + 3 * 4", 14.0),
        ("(2 + 3) * 4", 20.0),
        ("10 - 3 - 2", 5.0),
        ("10 - (3 - 2)", 9.0),
        ("100 / 10 / 5", 2.0),
        ("-2 * -3", 6.0),
        ("- -2", 2.0),
        ("--2", 2.0),
        ("2--3", 5.0), // a minus twice is no part of a word
        ("spend -200", 1_000.0),
        ("spend - 200", 1_000.0),
        ("min(spend, new-customers, 7)", 7.0),
        ("max(spend,new-customers)", 1_200.0),
        ("max(-spend, -new-customers)", -40.0),
        ("100 * (1 - refunds_eu.v2 / spend)", 100.0),
        ("1e3 + 1e-3 + 0.5", 1_000.501),
        ("\t2\n+ 3", 5.0),
        ("-refunds_eu.v2", 0.0),
    ];
    for (text, expected) in table {
        assert_eq!(computed(text), Ok(expected), "{text}");
    }
    assert!(computed("-refunds_eu.v2").is_ok_and(f64::is_sign_positive), "0 has no sign");
}

#[test]
fn what_has_no_value_says_why() {
    let read = |input, periods_before| Read { input, periods_before };
    let table = [
        ("spend / refunds_eu.v2", NoValue::DivisionByZero),
        ("0 / 0 * spend", NoValue::DivisionByZero),
        ("spend / (new-customers - 40)", NoValue::DivisionByZero),
        ("huge * huge", NoValue::Overflow),
        ("huge + huge", NoValue::Overflow),
        ("spend / unheard", NoValue::Missing(vec![read("unheard", 0)])),
        // What is missing goes before what cannot be computed, wherever it stands.
        ("spend / 0 + unheard", NoValue::Missing(vec![read("unheard", 0)])),
        ("max(spend / 0, unheard, huge * huge)", NoValue::Missing(vec![read("unheard", 0)])),
        (
            "prev(prev(refunds_eu.v2)) + spend + other",
            NoValue::Missing(vec![read("refunds_eu.v2", 2), read("other", 0)]),
        ),
        ("prev(prev(prev(spend)))", NoValue::Missing(vec![read("spend", 3)])),
        ("broken + spend", NoValue::Undefined(vec![read("broken", 0)])),
        ("broken / 0 + unheard", NoValue::Missing(vec![read("unheard", 0)])),
        ("min(1, unheard)", NoValue::Missing(vec![read("unheard", 0)])),
    ];
    for (text, expected) in table {
        assert_eq!(computed(text), Err(expected), "{text}");
    }
}

#[test]
fn faults_say_where_they_are() {
    let deep = format!("{}1{}", "(".repeat(17), ")".repeat(17));
    let signs = format!("{}1", "-".repeat(17));
    let table = [
        (
            "",
            "malformed: it ends at character 1, where a number, a KPI, a function or an opening parenthesis is expected",
        ),
        (
            "   ",
            "malformed: it ends at character 4, where a number, a KPI, a function or an opening parenthesis is expected",
        ),
        (
            "a +",
            "malformed: it ends at character 4, where a number, a KPI, a function or an opening parenthesis is expected",
        ),
        ("a % b", "malformed: character 3, `%`, has no meaning in a formula"),
        ("Spend", "malformed: character 1, `S`, has no meaning in a formula"),
        ("é", "malformed: character 1, `é`, has no meaning in a formula"),
        ("a\u{0}", "malformed: character 2, `\\0`, has no meaning in a formula"),
        ("a b", "malformed: at character 3 stands `b`, where an operator or the end is expected"),
        ("(a", "malformed: it ends at character 3, where an operator or a closing parenthesis is expected"),
        ("a)", "malformed: at character 2 stands `)`, where an operator or the end is expected"),
        (
            "a * / b",
            "malformed: at character 5 stands `/`, where a number, a KPI, a function or an opening parenthesis is expected",
        ),
        ("min(a)", "malformed: at character 6 min or max closes with fewer than two operands"),
        (
            "max()",
            "malformed: at character 5 stands `)`, where a number, a KPI, a function or an opening parenthesis is expected",
        ),
        (
            "prev(a, b)",
            "malformed: at character 7 stands `,`, where an operator or a closing parenthesis is expected",
        ),
        ("avg(a, b)", "unknown_function: at character 1 stands `avg(`; the functions are min, max and prev"),
        ("2e15 * a", "out_of_bounds: the number at character 1 is above 1e15"),
        ("1 + 9e999", "out_of_bounds: the number at character 5 is above 1e15"),
        (&deep, "too_deep: at character 18 more than 16 parentheses, functions and signs are nested"),
        (&signs, "too_deep: at character 18 more than 16 parentheses, functions and signs are nested"),
        (".5", "malformed: character 1, `.`, has no meaning in a formula"),
    ];
    for (text, expected) in table {
        let fault = super::read(text).expect_err(text);
        assert_eq!(format!("{}: {fault}", fault.kind.code()), expected, "{text}");
    }
    // Long rows of operations are no nesting.
    assert!(super::read(&vec!["a"; 500].join("+")).is_ok());
}

#[test]
fn words_are_keys_ids_and_numbers() {
    let names = |text: &str| -> Vec<String> {
        let mut names = Vec::new();
        let collected = super::read(text).expect(text).renamed(&mut |mention: Mention| -> Result<(), ()> {
            names.push(format!("{}@{}", mention.name, mention.position));
            Ok(())
        });
        collected.expect("every name is collected");
        names
    };
    assert_eq!(names("a-b - a -b"), ["a-b@1", "a@7", "b@10"]);
    assert_eq!(names("3-2 + 2fa-rate"), ["3-2@1", "2fa-rate@7"], "a minus wants a space");
    assert_eq!(names("min - max + prev"), ["min@1", "max@7", "prev@13"], "words alone are keys");
    assert_eq!(names("kpi_01h455vb4pex5vsknk084sn02q / x"), ["kpi_01h455vb4pex5vsknk084sn02q@1", "x@34"]);
    assert_eq!(names("1 + 1.5 + 1e3 + e3"), ["e3@17"]);
}

#[test]
fn a_ratio_is_one_input_over_another() {
    let ratio = |text: &str| {
        let named = super::read(text)
            .expect(text)
            .renamed(&mut |mention: Mention| -> Result<usize, ()> { Ok(mention.name.len()) });
        named.expect("lengths").as_ratio().map(|Ratio { scale, over, under }| (scale, over, under))
    };
    assert_eq!(ratio("a / bb"), Some((1.0, 1, 2)));
    for percent in ["100 * a / bb", "a * 100 / bb", "100 * (a / bb)", "a / bb * 100", "(100 * a) / bb"] {
        assert_eq!(ratio(percent), Some((100.0, 1, 2)), "{percent}");
    }
    for other in
        ["a", "a * bb", "2 * 3", "a / 2", "a / prev(bb)", "2 * 3 * a / bb", "a / bb / 2", "1 - a / bb"]
    {
        assert_eq!(ratio(other), None, "{other}");
    }
}

/// Random expressions over four inputs, the last of which is missing at times.
fn expressions() -> impl Strategy<Value = Expression<usize>> {
    let leaf = prop_oneof![
        (0u32..2_000).prop_map(|number| Expression::Number(f64::from(number) / 8.0)),
        (0usize..4).prop_map(Expression::Input),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let operator = prop_oneof![
            Just(Operator::Plus), Just(Operator::Minus), Just(Operator::Times), Just(Operator::Over)
        ];
        prop_oneof![
            4 => (operator, inner.clone(), inner.clone())
                .prop_map(|(operator, left, right)| Expression::Pair(operator, Box::new(left), Box::new(right))),
            1 => inner.clone().prop_map(|inner| Expression::Negated(Box::new(inner))),
            1 => inner.clone().prop_map(|inner| Expression::Previous(Box::new(inner))),
            1 => (prop_oneof![Just(Extreme::Min), Just(Extreme::Max)], proptest::collection::vec(inner, 2..4))
                .prop_map(|(extreme, operands)| Expression::Extreme(extreme, operands)),
        ]
    })
}

/// Another way to the same: a stack of postfix steps, with NaN for what is not there, told apart afterwards.
fn naive(expression: &Expression<usize>, series: &[Vec<f64>], period: i64) -> f64 {
    enum Step<'a> {
        Visit(&'a Expression<usize>, i64),
        Pair(Operator),
        Negate,
        Fold(Extreme, usize),
    }
    let (mut todo, mut stack) = (vec![Step::Visit(expression, period)], Vec::<f64>::new());
    while let Some(step) = todo.pop() {
        match step {
            Step::Visit(Expression::Number(number), _) => stack.push(*number),
            Step::Visit(Expression::Input(input), at) => {
                stack.push(
                    usize::try_from(at)
                        .ok()
                        .and_then(|at| series[*input].get(at).copied())
                        .unwrap_or(f64::NAN),
                );
            }
            Step::Visit(Expression::Negated(inner), at) => {
                todo.extend([Step::Negate, Step::Visit(inner, at)])
            }
            Step::Visit(Expression::Previous(inner), at) => todo.push(Step::Visit(inner, at - 1)),
            Step::Visit(Expression::Pair(operator, left, right), at) => {
                todo.extend([Step::Pair(*operator), Step::Visit(right, at), Step::Visit(left, at)]);
            }
            Step::Visit(Expression::Extreme(extreme, operands), at) => {
                todo.push(Step::Fold(*extreme, operands.len()));
                todo.extend(operands.iter().rev().map(|operand| Step::Visit(operand, at)));
            }
            Step::Negate => {
                let last = stack.pop().unwrap();
                stack.push(-last);
            }
            Step::Pair(operator) => {
                let (right, left) = (stack.pop().unwrap(), stack.pop().unwrap());
                let result = match operator {
                    Operator::Plus => left + right,
                    Operator::Minus => left - right,
                    Operator::Times => left * right,
                    Operator::Over => {
                        if right == 0.0 {
                            f64::NAN
                        } else {
                            left / right
                        }
                    }
                };
                stack.push(if result.is_finite() { result } else { f64::NAN });
            }
            Step::Fold(extreme, count) => {
                let operands = stack.split_off(stack.len() - count);
                let mut sorted = operands.clone();
                sorted.sort_by(|left, right| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal));
                let found = match extreme {
                    Extreme::Min => sorted[0],
                    Extreme::Max => sorted[count - 1],
                };
                stack.push(if operands.iter().any(|operand| operand.is_nan()) { f64::NAN } else { found });
            }
        }
    }
    stack.pop().unwrap()
}

proptest! {
    #[test]
    fn random_formulas_come_to_what_a_naive_machine_says(
        expression in expressions(),
        series in proptest::collection::vec(proptest::collection::vec(-64i32..64, 3..6), 4),
    ) {
        let series: Vec<Vec<f64>> =
            series.into_iter().map(|values| values.into_iter().map(|value| f64::from(value) / 4.0).collect()).collect();
        let read = |read: Read<usize>| {
            let at = 4usize.checked_sub(read.periods_before as usize);
            at.and_then(|at| series[read.input].get(at)).map_or(Reading::Missing, |value| Reading::Value(*value))
        };
        let expected = naive(&expression, &series, 4);
        match evaluate(&expression, &read) {
            Ok(value) => {
                prop_assert!(value.is_finite() && !(value == 0.0 && value.is_sign_negative()));
                prop_assert!(value == expected, "{} came to {} instead of {}", expression, value, expected);
            }
            Err(NoValue::Missing(missing)) => {
                prop_assert!(expected.is_nan() && !missing.is_empty());
                prop_assert!(missing.iter().all(|one| read(*one) == Reading::Missing));
            }
            Err(_) => prop_assert!(expected.is_nan(), "{} came to {}", expression, expected),
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same(expression in expressions()) {
        let named = expression.clone().renamed(&mut |input| -> Result<String, ()> {
            Ok(["spend", "new-customers", "2fa.rate_eu", "x"][input].to_owned())
        }).unwrap();
        let text = named.to_string();
        // Deeper than a formula may be, at times.
        if let Ok(again) = super::read(&text) {
            let again = again.renamed(&mut |mention: Mention| -> Result<String, ()> { Ok(mention.name) }).unwrap();
            prop_assert_eq!(&again, &named, "{}", text);
            prop_assert_eq!(again.to_string(), text);
        } else {
            prop_assert!(text.matches(['(', '-']).count() > DEEPEST, "{}", text);
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[a-c0-9+*/(), .e_-]{0,40}|\\PC{0,40}") {
        if let Err(fault) = super::read(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&fault.position), "{}", fault);
        }
    }
}
