//! From text to a flat program, by precedence climbing.
//!
//! Deepest binding first: `**`, then signs, `* / // %`, `+ -`, comparisons (which may be chained, `0 < a < 1`),
//! `not`, `and`, `or`, and `x if c else y`.

use super::functions::{self, Call};
use super::number::{Number, Outcome};
use super::token::{Token, tokens};
use super::{MAX_DEPTH, MAX_LENGTH, MathError};
use kiln_core::words;
use std::cmp::Ordering;

/// How two numbers are compared.
pub(crate) type Compare = fn(Option<Ordering>) -> bool;

/// What makes one number of two.
pub(crate) type Two = fn(Number, Number) -> Outcome;

/// One step; jumps are relative to the step after it, and only ever lead forward.
#[derive(Clone)]
pub(crate) enum Op {
    /// Puts a number on the pile.
    Push(Number),
    /// Puts an input on the pile.
    Name(String),
    /// Puts all inputs on the pile; how many is told to the next call.
    Values,
    /// Takes one number, gives one.
    One(fn(Number) -> Outcome),
    /// Takes two numbers, gives one.
    Two(Two),
    /// Takes two, gives yes or no.
    Compare(Compare),
    /// Takes two; when they compare, leaves the second and goes on, else leaves no and jumps.
    Chain(Compare, usize),
    /// Yes becomes no.
    Not,
    /// Jumps and leaves the number when it is 0, else takes it away.
    And(usize),
    /// Jumps and leaves the number when it is not 0, else takes it away.
    Or(usize),
    /// Takes a number away, and jumps when it was 0.
    Unless(usize),
    /// Jumps.
    Skip(usize),
    /// Takes so many numbers, and as many as `values` gave.
    Call(fn(&[Number]) -> Outcome, usize),
}

/// Steps, each with the column to blame.
pub(crate) type Program = Vec<(usize, Op)>;

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    end: usize,
}

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Program, MathError> {
    if text.len() > MAX_LENGTH {
        return Err(MathError::new(
            0,
            format!("the expression has {} bytes, more than {MAX_LENGTH}", text.len()),
        ));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: text.chars().count() + 1 };
    if parser.tokens.is_empty() {
        return Err(MathError::new(0, "the expression is empty").hint("write one, such as a + b"));
    }
    let program = parser.ternary()?;
    match parser.tokens.get(parser.at) {
        None => Ok(program),
        Some((column, Token::Sign("="))) => {
            Err(MathError::new(*column, "= means nothing here").hint("to compare, write =="))
        }
        Some((column, Token::Sign(")"))) => Err(MathError::new(*column, "this bracket was never opened")),
        Some((column, token)) => {
            let error = MathError::new(*column, format!("{} does not belong here", spell(token)));
            Err(error.hint("an operator is missing, such as * or +"))
        }
    }
}

fn spell(token: &Token) -> String {
    match token {
        Token::Int(v) => v.to_string(),
        Token::Float(v) => v.to_string(),
        Token::Name(n) => format!("{n:?}"),
        Token::Sign(s) => format!("{s:?}"),
    }
}

impl Parser {
    fn column(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(c, _)| *c)
    }

    fn sign(&self) -> &'static str {
        match self.tokens.get(self.at) {
            Some((_, Token::Sign(s))) => s,
            _ => "",
        }
    }

    fn word(&self) -> &str {
        match self.tokens.get(self.at) {
            Some((_, Token::Name(n))) => n,
            _ => "",
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.word() == word;
        self.at += usize::from(is);
        is
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, MathError>) -> Result<T, MathError> {
        if self.depth >= MAX_DEPTH {
            return Err(MathError::new(
                self.column(),
                format!("the expression is nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.depth += 1;
        let made = read(self);
        self.depth -= 1;
        made
    }

    fn ternary(&mut self) -> Result<Program, MathError> {
        let mut then = self.either()?;
        let column = self.column();
        if !self.take_word("if") {
            return Ok(then);
        }
        let mut program = self.either()?;
        if !self.take_word("else") {
            return Err(MathError::new(self.column(), "an else is missing").hint("write x if c else y"));
        }
        let otherwise = self.deeper(Self::ternary)?;
        then.push((column, Op::Skip(otherwise.len())));
        program.push((column, Op::Unless(then.len())));
        program.extend(then);
        program.extend(otherwise);
        Ok(program)
    }

    fn either(&mut self) -> Result<Program, MathError> {
        self.joined("or", Self::both, Op::Or)
    }

    fn both(&mut self) -> Result<Program, MathError> {
        self.joined("and", Self::negated, Op::And)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Program, MathError>,
        op: fn(usize) -> Op,
    ) -> Result<Program, MathError> {
        let mut parts = vec![(self.column(), part(self)?)];
        while self.word() == word {
            let column = self.column();
            self.at += 1;
            parts.push((column, part(self)?));
        }
        // Each jump leads behind the last part, so the program is built from its end.
        let mut length: usize = parts.iter().map(|(_, p)| p.len()).sum::<usize>() + parts.len() - 1;
        let mut program = Vec::with_capacity(length);
        let last = parts.len() - 1;
        for (at, (column, steps)) in parts.into_iter().enumerate() {
            length -= steps.len();
            program.extend(steps);
            if at < last {
                length -= 1;
                program.push((column, op(length)));
            }
        }
        Ok(program)
    }

    fn negated(&mut self) -> Result<Program, MathError> {
        let column = self.column();
        if self.take_word("not") {
            let mut program = self.deeper(Self::negated)?;
            program.push((column, Op::Not));
            return Ok(program);
        }
        self.compared()
    }

    fn comparison(&self) -> Option<Compare> {
        Some(match self.sign() {
            "<" => |o| o == Some(Ordering::Less),
            "<=" => |o| matches!(o, Some(Ordering::Less | Ordering::Equal)),
            ">" => |o| o == Some(Ordering::Greater),
            ">=" => |o| matches!(o, Some(Ordering::Greater | Ordering::Equal)),
            "==" => |o| o == Some(Ordering::Equal),
            "!=" => |o| o != Some(Ordering::Equal),
            _ => return None,
        })
    }

    fn compared(&mut self) -> Result<Program, MathError> {
        let mut program = self.sum()?;
        let mut parts: Vec<(usize, Compare, Program)> = Vec::new();
        while let Some(compare) = self.comparison() {
            let column = self.column();
            self.at += 1;
            parts.push((column, compare, self.sum()?));
        }
        let mut length: usize = parts.iter().map(|(_, _, p)| p.len() + 1).sum();
        let last = parts.len().saturating_sub(1);
        for (at, (column, compare, steps)) in parts.into_iter().enumerate() {
            length -= steps.len() + 1;
            program.extend(steps);
            program.push((column, if at < last { Op::Chain(compare, length) } else { Op::Compare(compare) }));
        }
        Ok(program)
    }

    fn sum(&mut self) -> Result<Program, MathError> {
        self.binary(Self::product, |sign| match sign {
            "+" => Some(Number::add),
            "-" => Some(Number::sub),
            _ => None,
        })
    }

    fn product(&mut self) -> Result<Program, MathError> {
        self.binary(Self::signed, |sign| match sign {
            "*" => Some(Number::mul),
            "/" => Some(Number::div),
            "//" => Some(Number::floor_div),
            "%" => Some(Number::rem),
            _ => None,
        })
    }

    fn binary(
        &mut self,
        part: fn(&mut Self) -> Result<Program, MathError>,
        find: fn(&str) -> Option<Two>,
    ) -> Result<Program, MathError> {
        let mut program = part(self)?;
        while let Some(op) = find(self.sign()) {
            let column = self.column();
            self.at += 1;
            program.extend(part(self)?);
            program.push((column, Op::Two(op)));
        }
        Ok(program)
    }

    fn signed(&mut self) -> Result<Program, MathError> {
        let column = self.column();
        let op: fn(Number) -> Outcome = match self.sign() {
            "-" => Number::neg,
            "+" => |n| Ok(n.plain()),
            _ => return self.power(),
        };
        self.at += 1;
        let mut program = self.deeper(Self::signed)?;
        program.push((column, Op::One(op)));
        Ok(program)
    }

    fn power(&mut self) -> Result<Program, MathError> {
        let mut program = self.atom()?;
        let column = self.column();
        if self.sign() == "**" {
            self.at += 1;
            // To the right first, and a sign may stand there: 2 ** -1.
            program.extend(self.deeper(Self::signed)?);
            program.push((column, Op::Two(Number::pow)));
        }
        Ok(program)
    }

    fn atom(&mut self) -> Result<Program, MathError> {
        let Some((column, token)) = self.tokens.get(self.at).cloned() else {
            return Err(MathError::new(self.end, "the expression ends too early"));
        };
        self.at += 1;
        let one = |op| Ok(vec![(column, op)]);
        match token {
            Token::Int(v) => one(Op::Push(Number::Int(v))),
            Token::Float(v) => one(Op::Push(Number::Float(v))),
            Token::Sign("(") => {
                let inner = self.deeper(Self::ternary)?;
                self.close(column)?;
                Ok(inner)
            }
            Token::Name(name) if self.sign() == "(" => self.call(&name, column),
            Token::Name(name) => match name.as_str() {
                "pi" => one(Op::Push(Number::Float(std::f64::consts::PI))),
                "True" | "true" => one(Op::Push(Number::Bool(true))),
                "False" | "false" => one(Op::Push(Number::Bool(false))),
                "if" | "else" | "and" | "or" | "not" => {
                    Err(MathError::new(column, format!("{name:?} does not belong here")))
                }
                "values" => Err(MathError::new(column, "\"values\" stands for several numbers")
                    .hint("write sum(values), min(values) or max(values)")),
                _ => one(Op::Name(name)),
            },
            Token::Sign(sign) => Err(MathError::new(column, format!("{sign:?} does not belong here"))),
        }
    }

    fn close(&mut self, opened: usize) -> Result<(), MathError> {
        if self.sign() == ")" {
            self.at += 1;
            return Ok(());
        }
        match self.tokens.get(self.at) {
            None => Err(MathError::new(opened, "this bracket is never closed")),
            Some((column, token)) => {
                let error = MathError::new(*column, format!("{} does not belong here", spell(token)));
                Err(error.hint("an operator, a comma or a closing bracket is missing"))
            }
        }
    }

    fn call(&mut self, name: &str, column: usize) -> Result<Program, MathError> {
        let Some(call) = functions::find(name) else {
            let near = words::nearest(name, functions::NAMES).map(|n| format!(", did you mean {n}?"));
            return Err(MathError::new(
                column,
                format!("there is no function {name}{}", near.unwrap_or_default()),
            ));
        };
        let opened = self.column();
        self.at += 1;
        let mut program = Vec::new();
        let mut count = 0;
        if self.word() == "values" && matches!(call, Call::Many(_)) {
            program.push((self.column(), Op::Values));
            self.at += 1;
        } else {
            while self.sign() != ")" {
                program.extend(self.deeper(Self::ternary)?);
                count += 1;
                if self.sign() != "," {
                    break;
                }
                self.at += 1;
            }
            check_count(name, call, count, column)?;
        }
        self.close(opened)?;
        let (Call::Fixed(_, f) | Call::Some(_, _, f) | Call::Many(f)) = call;
        program.push((column, Op::Call(f, count)));
        Ok(program)
    }
}

fn check_count(name: &str, call: Call, count: usize, column: usize) -> Result<(), MathError> {
    let (least, most) = match call {
        Call::Fixed(n, _) => (n, n),
        Call::Some(a, b, _) => (a, b),
        Call::Many(_) => (1, usize::MAX),
    };
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let wanted = match most {
        usize::MAX => "at least 1 number".to_owned(),
        1 => "1 number".to_owned(),
        _ if least == most => format!("{least} numbers"),
        _ => format!("{least} to {most} numbers"),
    };
    Err(MathError::new(column, format!("{name} takes {wanted}, but got {count}")))
}
