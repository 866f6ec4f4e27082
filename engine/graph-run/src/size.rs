//! Sizes as people write them: `512M`, `10G`, `1.5GiB`.

/// Bytes of a written size. `K`, `M`, `G` and `T` count by 1024, with or without `B` or `iB` after them.
///
/// # Errors
/// When it is no size.
pub fn parse(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(format!("{text:?} is no size: write it like 512M or 10G")),
    };
    let number: f64 =
        number.parse().map_err(|_| format!("{text:?} is no size: write it like 512M or 10G"))?;
    let bytes = number * f64::from(1024_u32).powi(power);
    // 2^63 is the end: what is more is a slip.
    if bytes.is_finite() && bytes < 9.2e18 { Ok(bytes as u64) } else { Err(format!("{text:?} is too large")) }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("1000"), Ok(1000));
        assert_eq!(parse("512M"), Ok(512 << 20));
        assert_eq!(parse("1.5 GiB"), Ok(3 << 29));
        assert_eq!(parse("10gb"), Ok(10 << 30));
        for bad in ["", "G", "-1", "1x", "1.2.3M", "nan", "1e400", "99999999999T"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
