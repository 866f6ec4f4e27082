//! The files of a root, by their paths.

use kiln_cid::{Cid, CidError, Codec, Source, What, list, look};

/// No folder has more names.
const MOST_NAMES: usize = 10_000_000;
/// No folder lies deeper.
const DEEPEST: usize = 64;

/// Tells every file below a root by its path, `""` if the root is a file.
///
/// # Errors
/// When a block is missing or wrong, or `each` fails.
pub fn files_below(
    source: &dyn Source,
    root: &Cid,
    each: &mut dyn FnMut(&str, &Cid) -> Result<(), CidError>,
) -> Result<(), CidError> {
    let mut todo = vec![(String::new(), *root, 0usize)];
    let mut names = 0usize;
    while let Some((path, cid, depth)) = todo.pop() {
        if cid.codec == Codec::Raw || look(source, &cid)?.what == What::File {
            each(&path, &cid)?;
            continue;
        }
        if depth > DEEPEST {
            return Err(CidError::TooMuch { what: format!("folders lie deeper than {DEEPEST}") });
        }
        let mut below = Vec::new();
        let left = MOST_NAMES.saturating_sub(names);
        names += list(source, &cid, left, &mut |name, cid| {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            below.push((path, *cid, depth + 1));
            Ok(())
        })?;
        todo.extend(below.into_iter().rev());
    }
    Ok(())
}
