//! The graphs to begin with: each one runs as it is.

use crate::place::Place;

/// Every template's name.
fn names() -> Vec<String> {
    let place = Place::new();
    let all = place.run(&["templates", "--json"]).ends(0).json();
    all.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_graphs_of_the_folder_travel_with_the_program() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../graphs");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|e| Some(e.unwrap().path().file_name()?.to_str()?.strip_suffix(".ron")?.to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, names());
}

#[test]
fn every_template_runs_as_it_is() {
    let place = Place::new();
    for name in names() {
        let file = format!("{name}.ron");
        let said = place.run(&["new", &name]).ends(0);

        place.run(&["fmt", "--check", &file]).ends(0);
        place.run(&["check", &file]).ends(0);
        let mut args = vec![file.as_str(), "--out", name.as_str()];
        if said.out.contains("--items") {
            args.extend(["--items", "12"]);
        }
        place.run(&args).ends(0).says("done");
        assert!(!place.files(&name).is_empty(), "{name}");
        let text = place.text(&file);
        assert!(text.contains("title:") && text.contains("about:") && text.contains("expose:"), "{name}");
        // Again: nothing is left to do.
        let again = place.run(&[&args[..], &["--json"]].concat()).ends(0).json();
        assert_eq!(again["effects"]["done"], 0, "{name}: {again}");
    }
}
