//! An output folder on disk, as a seal sees it: listed whole, links never followed.

use kiln_collection::seal::{Entry, Files, Sort};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Folders in folders beyond this are not gone into: no collection has them.
const DEEPEST: usize = 64;
/// No collection has more files.
const MOST: usize = 20_000_000;

/// A folder on disk.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    root: PathBuf,
}

impl DiskFiles {
    /// The files below a folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path of the folder lies on disk, if it is one: relative, without `..`.
    #[must_use]
    pub fn place(&self, path: &str) -> Option<PathBuf> {
        let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        path.split('/').all(part).then(|| self.root.join(path))
    }

    fn walk(&self, folder: &Path, prefix: &str, depth: usize, all: &mut Vec<Entry>) -> io::Result<()> {
        if depth > DEEPEST {
            all.push(Entry { path: prefix.trim_end_matches('/').to_owned(), sort: Sort::Odd });
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            // A name that is no text, or would be another path when it is read back, stands there as what it is.
            let text = name.to_str().filter(|name| !name.contains(['\\', '/']));
            let path = format!("{prefix}{}", text.map_or_else(|| name.to_string_lossy(), Into::into));
            if prefix.is_empty() && path == kiln_collection::seal::OWN {
                continue;
            }
            let sort = entry.file_type()?;
            let sort = match (text, sort.is_symlink(), sort.is_dir(), sort.is_file()) {
                (Some(_), true, _, _) => Sort::Link,
                (Some(_), _, true, _) => {
                    self.walk(&entry.path(), &format!("{path}/"), depth + 1, all)?;
                    continue;
                }
                (Some(_), _, _, true) => Sort::File,
                _ => Sort::Odd,
            };
            all.push(Entry { path, sort });
            if all.len() > MOST {
                return Err(io::Error::other(format!("it has more than {MOST} files")));
            }
        }
        Ok(())
    }
}

impl Files for DiskFiles {
    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut all = Vec::new();
        self.walk(&self.root, "", 0, &mut all)?;
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let place = self
            .place(path)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it is no path of the folder"))?;
        // Links inside the path, too: a folder of the collection may have been swapped for one.
        let mut part = self.root.clone();
        for name in path.split('/') {
            part.push(name);
            if fs::symlink_metadata(&part)?.is_symlink() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is reached through a link"));
            }
        }
        let file = File::open(&place)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        Ok(Box::new(file))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn everything_is_listed_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join(".kiln")).unwrap();
        fs::write(root.join(".kiln/kiln.db"), "x").unwrap();
        fs::write(root.join("a/b/c.txt"), "c").unwrap();
        fs::write(root.join("a.txt"), "a").unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        let files = DiskFiles::new(&root);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
            std::os::unix::fs::symlink("..", root.join("up")).unwrap();
            std::os::unix::fs::symlink("a", root.join("same")).unwrap();
            assert!(files.open("link").is_err());
            assert!(files.open("up/secret").is_err());
            assert!(files.open("same/b/c.txt").is_err());
        }
        let listed: Vec<(String, Sort)> =
            files.list().unwrap().into_iter().map(|e| (e.path, e.sort)).collect();
        let names: Vec<&str> = listed.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(names, ["a.txt", "a/b/c.txt", "link", "same", "up"]);
        assert_eq!(listed.iter().filter(|(_, s)| *s == Sort::Link).count(), 3);
        for odd in ["../secret", "/etc/passwd", "a//b", "", "./a.txt", "a", "nothing"] {
            assert!(files.open(odd).is_err(), "{odd}");
        }
        assert!(files.open("a.txt").is_ok());
    }
}
