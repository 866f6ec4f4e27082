//! The words of an expression.

use super::MathError;

/// One word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A whole number.
    Int(i128),
    /// A number with decimals.
    Float(f64),
    /// A name or a keyword.
    Name(String),
    /// An operator, a bracket or a comma.
    Sign(&'static str),
}

/// Longer signs first, so that `**` is not read as two `*`.
const SIGNS: [&str; 17] =
    ["**", "//", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "<", ">", "(", ")", ",", "="];

/// Cuts a text into words, each with the column it begins at.
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, MathError> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        let column = at + 1;
        if c.is_whitespace() {
            at += 1;
        } else if c.is_ascii_digit() || (*c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
            let end = number_end(&chars, at);
            let word: String = chars[at..end].iter().collect();
            found.push((column, number(&word, column)?));
            at = end;
        } else if c.is_alphabetic() || *c == '_' {
            let end = (at..chars.len()).find(|i| !(chars[*i].is_alphanumeric() || chars[*i] == '_'));
            let end = end.unwrap_or(chars.len());
            found.push((column, Token::Name(chars[at..end].iter().collect())));
            at = end;
        } else {
            let sign =
                SIGNS.iter().find(|s| s.chars().enumerate().all(|(i, s)| chars.get(at + i) == Some(&s)));
            let Some(sign) = sign else { return Err(stray(*c, column)) };
            found.push((column, Token::Sign(sign)));
            at += sign.len();
        }
    }
    Ok(found)
}

fn stray(c: char, column: usize) -> MathError {
    let error = MathError::new(column, format!("{c:?} means nothing here"));
    match c {
        '^' => error.hint("a power is written **"),
        '"' | '\'' => error.hint("an expression is about numbers; texts have nodes of their own"),
        '×' => error.hint("times is written *"),
        '÷' => error.hint("divided by is written /"),
        '&' | '|' | '!' => error.hint("write and, or, not"),
        '[' | '{' => error.hint("only round brackets are understood"),
        _ => error,
    }
}

/// Where a number that begins at `at` ends.
fn number_end(chars: &[char], at: usize) -> usize {
    let based = chars[at] == '0' && chars.get(at + 1).is_some_and(|c| "xXoObB".contains(*c));
    let mut end = at;
    while let Some(c) = chars.get(end) {
        let exponent = !based && end > at && "eE".contains(chars[end - 1]);
        let signed = "+-".contains(*c) && exponent && chars.get(end + 1).is_some_and(char::is_ascii_digit);
        if !(c.is_ascii_alphanumeric() || *c == '_' || *c == '.' || signed) {
            break;
        }
        end += 1;
    }
    end
}

fn number(word: &str, column: usize) -> Result<Token, MathError> {
    let bad = || MathError::new(column, format!("{word:?} is not a number"));
    let tidy = !word.starts_with('_') && !word.ends_with('_') && !word.contains("__");
    let plain: String = word.chars().filter(|c| *c != '_').collect();
    if !tidy {
        return Err(bad());
    }
    let lower = plain.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i128::from_str_radix(digits, radix).map(Token::Int).map_err(|_| bad());
        }
    }
    if plain.bytes().all(|b| b.is_ascii_digit()) {
        return plain.parse().map(Token::Int).map_err(|_| MathError::new(column, "the number is too long"));
    }
    if !plain.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
        return Err(bad());
    }
    match plain.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(Token::Float(v)),
        Ok(_) => Err(MathError::new(column, format!("{word:?} is larger than any number"))),
        Err(_) => Err(bad()),
    }
}
