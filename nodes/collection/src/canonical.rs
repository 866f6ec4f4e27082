//! One way to write a JSON value: RFC 8785 (JCS). Equal values have equal bytes, whoever writes them, so hashes over
//! them can be checked by any program.

use serde_json::{Number, Value};

/// The canonical text of a value: no spaces, keys in order, numbers as JavaScript writes them.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number_text(number)),
        Value::String(string) => quote(string, text),
        Value::Array(list) => {
            text.push('[');
            for (at, one) in list.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(one, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            text.push('{');
            for (at, (key, one)) in entries.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                quote(key, text);
                text.push(':');
                write(one, text);
            }
            text.push('}');
        }
    }
}

/// A string as `JSON.stringify` writes it.
fn quote(string: &str, text: &mut String) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if (control as u32) < 0x20 => text.push_str(&format!("\\u{:04x}", control as u32)),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// A number as JavaScript writes it. Whole numbers are kept whole, beyond what a float holds as well: a seed of 64 bits
/// must not lose its end.
fn number_text(number: &Number) -> String {
    if let Some(n) = number.as_u64() {
        return n.to_string();
    }
    if let Some(n) = number.as_i64() {
        return n.to_string();
    }
    let n = number.as_f64().unwrap_or(0.0);
    if n.abs() < f64::MIN_POSITIVE && n.to_bits() << 1 == 0 {
        return "0".to_owned();
    }
    // The shortest digits that give the number back (of two equally near ones the even), and where the point is.
    let shortest = number.to_string();
    let (sign, shortest) = shortest.strip_prefix('-').map_or(("", shortest.as_str()), |rest| ("-", rest));
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let zeros = all.len() - all.trim_start_matches('0').len();
    let digits = all[zeros..].trim_end_matches('0');
    let length = |text: usize| i32::try_from(text).unwrap_or(i32::MAX);
    // ECMA-262, Number::toString: the point lies behind digit `point`.
    let point = exponent.parse().unwrap_or(0) + length(whole.len()) - length(zeros);
    let exponent = point - 1;
    let count = length(digits.len());
    let body = if count <= point && point <= 21 {
        format!("{digits}{}", "0".repeat(usize::try_from(point - count).unwrap_or(0)))
    } else if 0 < point && point <= 21 {
        let (whole, part) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{part}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if exponent > 0 { "+" } else { "" };
        format!("{first}{point}{rest}e{plus}{exponent}")
    };
    format!("{sign}{body}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 8785, 3.2.2 and 3.2.3.
        let text = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&serde_json::from_str(text).unwrap()), expected);
        let keys = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let sorted = canonical(&serde_json::from_str(keys).unwrap());
        let order = ["Carriage Return", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let places: Vec<usize> = order.iter().map(|word| sorted.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{sorted}");
    }

    #[test]
    fn numbers_as_javascript_writes_them() {
        // RFC 8785, appendix B.
        let samples: [(u64, &str); 17] = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ];
        for (bits, expected) in samples {
            assert_eq!(canonical(&serde_json::json!(f64::from_bits(bits))), expected);
        }
        assert_eq!(canonical(&serde_json::json!(u64::MAX)), "18446744073709551615");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(n in proptest::num::f64::NORMAL, text in ".*") {
            let value = serde_json::json!({ text: n });
            let back: Value = serde_json::from_str(&canonical(&value)).unwrap();
            prop_assert_eq!(canonical(&back), canonical(&value));
        }
    }
}
