//! Lines of bounded length.

use std::io::{self, BufRead, ErrorKind};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line; it lies in the buffer, without its end.
    Whole,
    /// A line longer than allowed; it was passed over.
    TooLong,
    /// There is nothing more.
    End,
}

/// Reads the next line into `buffer`, which never grows beyond `limit`.
pub(crate) fn read_line(from: &mut impl BufRead, buffer: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
    buffer.clear();
    let (mut any, mut long) = (false, false);
    loop {
        let piece = match from.fill_buf() {
            Ok(piece) => piece,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if piece.is_empty() {
            return Ok(match (any, long) {
                (false, _) => Line::End,
                (_, true) => Line::TooLong,
                _ => Line::Whole,
            });
        }
        any = true;
        let end = piece.iter().position(|b| *b == b'\n');
        let part = &piece[..end.unwrap_or(piece.len())];
        long |= buffer.len() + part.len() > limit;
        if long {
            *buffer = Vec::new();
        } else {
            buffer.extend_from_slice(part);
        }
        let used = end.map_or(piece.len(), |e| e + 1);
        from.consume(used);
        if end.is_some() {
            if buffer.last() == Some(&b'\r') {
                buffer.pop();
            }
            return Ok(if long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_passed_over_and_the_next_is_read() {
        let text = format!("one\r\n{}\n\nlast", "x".repeat(50));
        let mut from = io::BufReader::with_capacity(7, text.as_bytes());
        let mut buffer = Vec::new();
        let mut next =
            || (read_line(&mut from, &mut buffer, 10).unwrap(), String::from_utf8(buffer.clone()).unwrap());
        assert_eq!(next(), (Line::Whole, "one".into()));
        assert_eq!(next().0, Line::TooLong);
        assert_eq!(next(), (Line::Whole, String::new()));
        assert_eq!(next(), (Line::Whole, "last".into()));
        assert_eq!(next().0, Line::End);
    }
}
