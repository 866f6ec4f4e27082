//! The protobuf wire format: fields one after the other, each with its number and one of four kinds of value.

use std::ops::Range;

use super::Fault;

/// One message: a stretch of the file that is walked field by field.
#[derive(Clone)]
pub(super) struct Message<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

/// What a field holds.
pub(super) enum Value<'a> {
    /// A whole number.
    Number(u64),
    /// Four bytes.
    Four([u8; 4]),
    /// Eight bytes.
    Eight([u8; 8]),
    /// A message, a text, or numbers in a row.
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    /// The whole file as one message.
    pub(super) fn whole(file: &'a [u8]) -> Self {
        Self { file, at: 0, end: file.len() }
    }

    /// Where in the file the rest of it lies.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.end
    }

    /// The bytes that are left.
    pub(super) fn bytes(&self) -> &'a [u8] {
        // Both ends were checked when the message was made.
        self.file.get(self.range()).unwrap_or_default()
    }

    /// The bytes as a text.
    pub(super) fn text(&self) -> Result<String, Fault> {
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => Ok(text.to_owned()),
            Err(why) => Err(self.damaged(why.valid_up_to(), "a name is no text")),
        }
    }

    fn damaged(&self, more: usize, what: &str) -> Fault {
        Fault::Damaged(format!("{what} (byte {})", self.at + more))
    }

    /// The next field and its number; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Fault> {
        if self.at >= self.end {
            return Ok(None);
        }
        let key = self.number()?;
        let field = key >> 3;
        if field == 0 || field >= 1 << 29 {
            return Err(self.damaged(0, &format!("{field} is no field's number")));
        }
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Eight(self.fixed()?),
            2 => {
                let length = self.number()?;
                let start = self.at;
                self.skip(length)?;
                Value::Bytes(Self { file: self.file, at: start, end: self.at })
            }
            5 => Value::Four(self.fixed()?),
            kind => {
                return Err(self.damaged(0, &format!("a field of kind {kind}, which ONNX files do not have")));
            }
        };
        Ok(Some((field, value)))
    }

    /// A number of one to ten bytes, seven bits in each.
    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.fixed::<1>()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged(0, "a number does not fit 64 bits"))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let start = self.at;
        self.skip(N as u64)?;
        let bytes = self.file.get(start..self.at).and_then(|b| b.first_chunk());
        bytes.copied().ok_or_else(|| self.damaged(0, "a number has no end"))
    }

    fn skip(&mut self, length: u64) -> Result<(), Fault> {
        let left = self.end - self.at;
        match usize::try_from(length).ok().filter(|length| *length <= left) {
            Some(length) => {
                self.at += length;
                Ok(())
            }
            // The file ends here, or only the message around it does.
            None if self.end == self.file.len() => Err(Fault::CutShort(format!(
                "{length} bytes should follow byte {}, but it has {} bytes",
                self.at,
                self.file.len()
            ))),
            None => Err(self.damaged(0, &format!("{length} bytes are to follow where {left} are left"))),
        }
    }
}
