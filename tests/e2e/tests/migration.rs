//! Old files: an older document version, and parameters and inputs under names they had before.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

const OLD: &str = include_str!("../../fixtures/migration/draft.ron");
const NEW: &str = include_str!("../../fixtures/migration/present.ron");

#[test]
fn an_old_file_is_rewritten_and_makes_the_same_picture() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("old.ron"), OLD).unwrap();
    let (code, text, err) = support::run(support::command(dir.path()).args(["fmt", "--stdout", "old.ron"]));
    assert_eq!(code, 0, "{err}");
    if std::env::var_os("KILN_BLESS").is_some() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/migration/present.ron");
        std::fs::write(place, &text).unwrap();
    }
    assert_eq!(text.trim_end(), NEW.trim_end());
    std::fs::write(dir.path().join("new.ron"), NEW).unwrap();
    for name in ["old", "new"] {
        let (code, _, err) = support::run(support::command(dir.path()).args([
            &format!("{name}.ron"),
            "--set",
            "save.embed=false",
            "--out",
            name,
        ]));
        assert_eq!(code, 0, "{err}");
    }
    let (old, new) = (support::files(&dir.path().join("old")), support::files(&dir.path().join("new")));
    assert!(old.contains_key("old.png") && old == new);
}
