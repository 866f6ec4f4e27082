//! Columns that line up.

/// Rows of cells as lines; the last column is not padded. `right` names the columns that hold numbers.
pub fn lines(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let width = |s: &str| s.chars().count();
    let mut widths: Vec<usize> = head.iter().map(|h| width(h)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if let Some(w) = widths.get_mut(at) {
                *w = (*w).max(width(cell));
            }
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (at, cell) in cells.enumerate() {
            let pad = " ".repeat(widths.get(at).copied().unwrap_or(0).saturating_sub(width(cell)));
            if at > 0 {
                text.push_str("  ");
            }
            if right.contains(&at) {
                text.push_str(&pad);
                text.push_str(cell);
            } else {
                text.push_str(cell);
                text.push_str(&pad);
            }
        }
        text.trim_end().to_owned()
    };
    let mut all = vec![line(&mut head.iter().copied())];
    all.extend(rows.iter().map(|r| line(&mut r.iter().map(String::as_str))));
    all.join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "100".to_owned()]];
        assert_eq!(super::lines(&["node", "ran"], &rows, &[1]), "node  ran\na       1\nlong  100");
    }
}
