//! Sums typed into number fields: `512*2`, `(3 + 4) / 2`.

/// What a sum comes to; none if it is none.
#[must_use]
pub fn work_out(text: &str) -> Option<f64> {
    let mut rest = Reader { text: text.as_bytes(), at: 0, depth: 0 };
    let value = rest.sum()?;
    rest.space();
    (rest.at == rest.text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn takes(&mut self, wanted: u8) -> bool {
        self.space();
        let is = self.text.get(self.at) == Some(&wanted);
        self.at += usize::from(is);
        is
    }

    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product()?;
        loop {
            if self.takes(b'+') {
                value += self.product()?;
            } else if self.takes(b'-') {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.factor()?;
        loop {
            if self.takes(b'*') {
                value *= self.factor()?;
            } else if self.takes(b'/') {
                value /= self.factor()?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        self.depth += 1;
        if self.depth > 64 {
            return None;
        }
        let value = if self.takes(b'-') {
            self.factor().map(|v| -v)
        } else if self.takes(b'+') {
            self.factor()
        } else if self.takes(b'(') {
            let value = self.sum();
            if self.takes(b')') { value } else { None }
        } else {
            self.number()
        };
        self.depth -= 1;
        value
    }

    fn number(&mut self) -> Option<f64> {
        self.space();
        let from = self.at;
        while let Some(b) = self.text.get(self.at) {
            let exponent = self.at > from && matches!(self.text[self.at - 1], b'e' | b'E');
            let fits = b.is_ascii_digit() || matches!(b, b'.' | b',' | b'e' | b'E');
            let sign = exponent && matches!(b, b'+' | b'-');
            if !(fits || sign) {
                break;
            }
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.text[from..self.at]).ok()?;
        // A comma is what half the world writes for the point.
        text.replace(',', ".").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        for (text, value) in [
            ("512*2", Some(1024.0)),
            ("(3 + 4) / 2", Some(3.5)),
            ("-1e-3", Some(-0.001)),
            ("0,5", Some(0.5)),
            ("", None),
            ("3 4", None),
            ("2**3", None),
            ("(1", None),
            ("1.2.3", None),
        ] {
            assert_eq!(work_out(text), value, "{text}");
        }
        assert_eq!(work_out(&"(".repeat(100_000)), None);
    }
}
