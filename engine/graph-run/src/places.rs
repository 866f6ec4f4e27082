//! Where everything is, in a few lines at a run's end: what lies in the output folder, and how to look at it.

use std::fs;
use std::path::Path;

/// More entries of a folder are not told one by one.
const SHOWN: usize = 12;
/// Folders are counted so far.
const COUNTED: usize = 200_000;

/// What is known of a name: what it is, or how to look at it.
fn about(name: &str) -> &'static str {
    match name {
        "metadata" => "the tokens' documents",
        "collection.json" => "the collection's document",
        "provenance" => "hashes, seal and audit log: graph-run audit",
        "ipfs" => "what is pinned: graph-run pin list",
        "rejected" => "what gates rejected, and why",
        "review" => "what waits for a person: graph-run review",
        _ => "",
    }
}

/// Lines about what lies in an output folder; none when it holds hardly anything.
pub fn lines(root: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().take(COUNTED).filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|n| !n.starts_with('.'));
    names.sort();
    let (folders, files): (Vec<_>, Vec<_>) = names.into_iter().partition(|n| root.join(n).is_dir());
    if folders.is_empty() {
        return Vec::new();
    }
    for name in &folders {
        let page = root.join(name).join("index.html");
        if page.is_file() {
            rows.push((page.display().to_string(), "a page to open in a browser".to_owned()));
            continue;
        }
        let count = fs::read_dir(root.join(name)).map_or(0, |all| all.take(COUNTED).count());
        let many = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        let told = if about(name).is_empty() { many } else { format!("{many}: {}", about(name)) };
        rows.push((format!("{}/", root.join(name).display()), told));
    }
    for name in files.iter().take(SHOWN) {
        rows.push((root.join(name).display().to_string(), about(name).to_owned()));
    }
    let width = rows.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> =
        rows.iter().map(|(path, told)| format!("  {path:width$}  {told}").trim_end().to_owned()).collect();
    if files.len() > SHOWN {
        lines.push(format!("  … and {} more files in {}", files.len() - SHOWN, root.display()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_pages_and_files_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("sheet.png"), "x").unwrap();
        assert!(lines(root).is_empty(), "one picture needs no map");
        for folder in ["images", "report", ".kiln/chain"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("images/0.png"), "x").unwrap();
        fs::write(root.join("report/index.html"), "x").unwrap();
        let all = lines(root).join("\n");
        for part in ["images/", "1 entry", "index.html", "browser", "sheet.png"] {
            assert!(all.contains(part), "{all}");
        }
        assert!(!all.contains(".kiln"), "{all}");
    }
}
