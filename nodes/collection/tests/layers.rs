//! Folders of layers become plans.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_collection::assign::assign;
use kiln_collection::check::check;
use kiln_collection::layers::{LayerError, LayerOptions, plan_of};
use kiln_collection::plan::Share;

const PATHS: [&str; 14] = [
    "10 Hat/none#60.png",
    "10 Hat/Crowns#5/Gold#1.png",
    "10 Hat/Crowns#5/Silver#4.png",
    "10 Hat/Sea_Caps/Captain's Cap#10.png",
    "10 Hat/Beanie#25.PNG",
    "2_Eyes/Big.webp",
    "2_Eyes/Small#0.5.webp",
    "01. Background/Dusk#40.png",
    "01. Background\\Noon#60.png",
    "01. Background/.hidden.png",
    "__MACOSX/Background/Dusk#40.png",
    ".DS_Store",
    "10 Hat/notes.txt",
    "10 Hat/Thumbs.db",
];

fn options(order: &[&str]) -> LayerOptions {
    LayerOptions { size: 10, seed: 1, order: order.iter().map(|s| (*s).to_owned()).collect() }
}

fn wrong(paths: &[&str]) -> String {
    plan_of(paths, &options(&[])).unwrap_err().to_string()
}

#[test]
fn a_folder_becomes_a_plan() {
    let plan = plan_of(&PATHS, &options(&[])).unwrap();
    let names: Vec<&str> = plan.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["Background", "Eyes", "Hat"]);
    let hat = &plan.groups[2];
    let values: Vec<(&str, Share)> = hat.values.iter().map(|v| (v.name.as_str(), v.share())).collect();
    assert_eq!(
        values,
        [
            ("Beanie", Share::Weight(25.0)),
            ("Crowns Gold", Share::Weight(1.0)),
            ("Crowns Silver", Share::Weight(4.0)),
            ("Sea Caps Captain's Cap", Share::Weight(10.0)),
        ]
    );
    assert_eq!(hat.nothing(), Some(Share::Weight(60.0)));
    assert_eq!(hat.values[1].layer.as_deref(), Some("10 Hat/Crowns#5/Gold#1.png"));
    assert_eq!(plan.groups[0].values[1].layer.as_deref(), Some("01. Background\\Noon#60.png"));
    assert_eq!(plan.groups[1].values[1].share(), Share::Weight(0.5));
    assert_eq!(check(&plan, &assign(&plan).unwrap(), 5), []);
    // The order of the listing does not matter.
    let mut turned = PATHS;
    turned.reverse();
    assert_eq!(plan_of(&turned, &options(&[])).unwrap(), plan);
    // The caller's order comes first.
    let plan = plan_of(&PATHS, &options(&["Hat", "Background"])).unwrap();
    assert_eq!(
        plan.groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(),
        ["Hat", "Background", "Eyes"]
    );
    let error = plan_of(&PATHS, &options(&["Hta"])).unwrap_err().to_string();
    assert_eq!(error, "the order names `Hta`, and there is no such folder; did you mean `Hat`?");
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(wrong(&["Crown.png"]), "Crown.png: a layer lies in the folder of its group; move it into one");
    assert_eq!(
        wrong(&["Hat/Crown#many.png"]),
        "Hat/Crown#many.png: `#many` is no weight; write a number of at least 0 behind the `#`"
    );
    for weight in ["NaN", "inf", "-1", ""] {
        assert!(wrong(&[&format!("Hat/Crown#{weight}.png")]).contains("is no weight"), "{weight}");
    }
    assert_eq!(
        wrong(&["Hat/Crown#1.png", "Hat/crown#2.webp"]),
        "Hat/crown#2.webp: Hat/Crown#1.png has the same name; one of them has to go"
    );
    assert_eq!(plan_of(&["a/b.txt", ".x"], &options(&[])).unwrap_err(), LayerError::Nothing);
    assert!(matches!(plan_of(&["01 Hat/a.png", "02 hat/b.png"], &options(&[])), Err(LayerError::Plan(_))));
    assert!(wrong(&[&format!("{}b.png", "a/".repeat(100_000))]).contains("more than 16 folders"));
    // Names that rules could not name are made so that they can.
    let plan = plan_of(&["Hat: big/a|b.png"], &LayerOptions { size: 1, ..options(&[]) }).unwrap();
    assert_eq!((plan.groups[0].name.as_str(), plan.groups[0].values[0].name.as_str()), ("Hat big", "a b"));
}
