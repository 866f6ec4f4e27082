//! The language beside what CPython 3 says of the same expression.

use super::{Names, Number, evaluate};
use proptest::prelude::*;

fn names() -> Names {
    let single = vec![
        ("a", Number::Int(3)),
        ("b", Number::Int(-4)),
        ("c", Number::Float(2.5)),
        ("d", Number::Bool(true)),
    ];
    Names { values: single.iter().map(|(_, n)| *n).collect(), single }
}

fn says(text: &str) -> Result<Number, String> {
    evaluate(text, &names()).map_err(|e| format!("{}:{}", e.column, e.what))
}

#[test]
fn it_says_what_python_says() {
    use Number::{Bool, Float, Int};
    for (text, wanted) in [
        ("a + b * 2", Int(-5)),
        ("(a + b) * 2", Int(-2)),
        ("7 / 2", Float(3.5)),
        ("4 / 2", Float(2.0)),
        ("7 // 2", Int(3)),
        ("-7 // 2", Int(-4)),
        ("7 // -2", Int(-4)),
        ("-7 % 3", Int(2)),
        ("7 % -3", Int(-2)),
        ("-7.5 % 2", Float(0.5)),
        ("-7.5 // 2", Float(-4.0)),
        ("2 ** 10", Int(1024)),
        ("2 ** 3 ** 2", Int(512)),
        ("-2 ** 2", Int(-4)),
        ("2 ** -1", Float(0.5)),
        ("2 ** 0.5", Float(std::f64::consts::SQRT_2)),
        ("(-8) ** 3", Int(-512)),
        ("2 ** 100 // 2 ** 98", Int(4)),
        ("1 < 2 < 3", Bool(true)),
        ("1 < 3 < 2", Bool(false)),
        ("3 > 2 > 1 > 0 > -1", Bool(true)),
        ("1 == 1.0", Bool(true)),
        ("a != b", Bool(true)),
        ("not a", Bool(false)),
        ("not a == 3", Bool(false)),
        ("0 or 5", Int(5)),
        ("3 and 5", Int(5)),
        ("0 and 1/0", Int(0)),
        ("2 or 1/0", Int(2)),
        ("0 or 0.0 or 7", Int(7)),
        ("1 and 2 and 0 and 4", Int(0)),
        ("1 or 2 and 1/0", Int(1)),
        ("1 if 0 else 2", Int(2)),
        ("1 if 1 else 1/0", Int(1)),
        ("1/0 if 0 else 2", Int(2)),
        ("1 if 0 else 2 if 0 else 3", Int(3)),
        ("(1 if 1 else 2) + 1", Int(2)),
        ("min(a,b) if a > b else max(a,b)", Int(-4)),
        ("min(1, 1.0)", Int(1)),
        ("max(1, 2.5, 2)", Float(2.5)),
        ("min(values)", Int(-4)),
        ("sum(values) + 1", Float(3.5)),
        ("sum(1, 2, 3)", Int(6)),
        ("max(sum(values), 10)", Int(10)),
        ("d + d", Int(2)),
        ("True + 1", Int(2)),
        ("round(0.5)", Int(0)),
        ("round(1.5)", Int(2)),
        ("round(2.675, 2)", Float(2.67)),
        ("round(2.5, 0)", Float(2.0)),
        ("round(1250, -2)", Int(1200)),
        ("round(1350, -2)", Int(1400)),
        ("round(-1250, -2)", Int(-1200)),
        ("floor(-2.5)", Int(-3)),
        ("ceil(2.1)", Int(3)),
        ("int(-2.9)", Int(-2)),
        ("float(2)", Float(2.0)),
        ("abs(b)", Int(4)),
        ("sqrt(9)", Float(3.0)),
        ("pow(2, 8)", Int(256)),
        ("log(8, 2)", Float(3.0)),
        ("log2(8)", Float(3.0)),
        ("log10(1000)", Float(3.0)),
        ("exp(0)", Float(1.0)),
        ("sin(0) + cos(0)", Float(1.0)),
        ("atan2(0, 1)", Float(0.0)),
        ("hypot(3, 4)", Float(5.0)),
        ("clamp(7, 0, 5)", Int(5)),
        ("clamp(-7, 0, 5)", Int(0)),
        ("lerp(10, 20, 0.25)", Float(12.5)),
        ("pi", Float(std::f64::consts::PI)),
        ("e", Float(std::f64::consts::E)),
        ("0x1F + 0b11 + 0o7", Int(41)),
        ("1_000", Int(1000)),
        (".5 + 1e3 + 1.e-1 + 2E+1", Float(1020.6)),
        ("- - 3", Int(3)),
        ("1e3 - 1", Float(999.0)),
        ("a\n+\nb", Int(-1)),
        ("min(1, 2,)", Int(1)),
    ] {
        assert_eq!(says(text), Ok(wanted), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, wanted) in [
        ("", "0:the expression is empty"),
        ("  ", "0:the expression is empty"),
        ("a +", "4:the expression ends too early"),
        ("a / 0", "3:division by zero"),
        ("1 + a % (b + 4)", "7:division by zero"),
        ("a // 0.0", "3:division by zero"),
        ("0 ** -1", "3:division by zero (0 to a negative power)"),
        ("(-8) ** 0.5", "6:a negative number has no real power with decimals"),
        ("2 ** 5000", "3:the exponent is beyond 4000"),
        ("9 ** 9 ** 9", "3:the exponent is beyond 4000"),
        ("10 ** 100", "4:the number becomes too large"),
        ("10.0 ** 400", "6:the number becomes too large"),
        ("exp(1000)", "1:the number becomes too large"),
        ("sqrt(-1)", "1:sqrt takes a number 0 or more, but got -1"),
        ("log(0)", "1:log takes a number above 0, but got 0"),
        ("clamp(1, 5, 0)", "1:clamp takes a number, the lowest, and the highest, in this order"),
        ("a ^ 2", "3:'^' means nothing here"),
        ("a = 2", "3:= means nothing here"),
        ("(a", "1:this bracket is never closed"),
        ("min(a", "4:this bracket is never closed"),
        ("a)", "2:this bracket was never opened"),
        ("2 a", "3:\"a\" does not belong here"),
        ("2a", "1:\"2a\" is not a number"),
        ("1.2.3", "1:\"1.2.3\" is not a number"),
        ("1__0", "1:\"1__0\" is not a number"),
        ("1e999", "1:\"1e999\" is larger than any number"),
        ("a if b", "7:an else is missing"),
        ("if", "1:\"if\" does not belong here"),
        ("min()", "1:min takes at least 1 number, but got 0"),
        ("sqrt(1, 2)", "1:sqrt takes 1 number, but got 2"),
        ("round(1, 2, 3)", "1:round takes 1 to 2 numbers, but got 3"),
        ("sqr(4)", "1:there is no function sqr, did you mean sqrt?"),
        ("h + 1", "1:h is not linked"),
        ("zebra", "1:there is no number \"zebra\" (linked are a, b, c and d)"),
        ("values", "1:\"values\" stands for several numbers"),
        ("'a'", "1:'\\'' means nothing here"),
        ("a.b", "2:'.' means nothing here"),
        ("__import__('os')", "12:'\\'' means nothing here"),
        ("170141183460469231731687303715884105728", "1:the number is too long"),
    ] {
        assert_eq!(says(text), Err(wanted.to_owned()), "{text}");
    }
}

#[test]
fn hostile_expressions_end_soon() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    for text in [
        deep("(", ")", 2000),
        deep("-", "", 4000),
        deep("not ", "", 1000),
        deep("abs(", ")", 800),
        deep("2**", "", 1000),
    ] {
        assert!(says(&text).unwrap_err().contains("nested deeper than 64"), "{}", &text[..20]);
    }
    assert!(says(&"1 if 0 else ".repeat(300)).unwrap_err().contains("nested deeper"));
    assert!(says(&"1+".repeat(3000)).unwrap_err().contains("more than 4096"));
    // What is long but flat is fine.
    assert_eq!(says(&format!("{}1", "1+".repeat(2000))), Ok(Number::Int(2001)));
    assert_eq!(says(&format!("{}1", "1 and ".repeat(600))), Ok(Number::Int(1)));
    assert_eq!(says(&format!("max({}1)", "1,".repeat(1000))), Ok(Number::Int(1)));
    assert_eq!(says(&deep("(", ")", 64)), Ok(Number::Int(1)));
}

#[test]
fn nan_and_infinity_do_not_spread_silently() {
    let single = vec![("a", Number::Float(f64::NAN)), ("b", Number::Float(f64::INFINITY))];
    let names = Names { values: Vec::new(), single };
    let says = |text: &str| evaluate(text, &names);
    assert!(says("int(a)").is_err() && says("floor(b)").is_err());
    assert_eq!(says("a == a"), Ok(Number::Bool(false)));
    assert_eq!(says("1 if a < 1 else 2"), Ok(Number::Int(2)));
    assert!(says("min(values)").is_err(), "nothing to choose from");
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "[-a-h0-9+*/%()<>=!., eifnotdrlsum]{0,60}") {
        let _ = says(&text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = says(&text);
    }

    #[test]
    fn floor_and_rest_make_the_whole(a in -10_000i64..10_000, b in -100i64..100) {
        prop_assume!(b != 0);
        let text = format!("({a}) // ({b}) * ({b}) + ({a}) % ({b})");
        prop_assert_eq!(says(&text), Ok(Number::Int(i128::from(a))));
    }
}
