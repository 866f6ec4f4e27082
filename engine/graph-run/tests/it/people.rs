//! Gates that a person decides, limits against a wrong threshold, and sheets of what was rejected.

use crate::place::{Place, finish};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Noise that a person looks at; a rejection draws it again.
const LOOKED_AT: &str = r#"Graph(
    kiln: 1,
    title: "Looked at",
    expose: { "size": "paper.size" },
    nodes: {
        "paper": (type: "NoiseImage", with: { "seed": 7, "size": (48, 32), "color": true }),
        "look": (
            type: "ReviewGate",
            from: { "image": "paper.image", "note": "label.text" },
            with: { "retry": "paper.seed", "attempts": 3, "question": "Is it pretty?" },
        ),
        "label": (type: "TextTemplate", with: { "template": "=noise number {item}" }),
        "save": (type: "SaveImage", from: { "images": "look.image" }, with: { "name": "{item:03}" }),
    },
)
"#;

const CSV: &str = "out/review/look/decisions.csv";

fn place() -> Place {
    let place = Place::new();
    place.write("look.ron", LOOKED_AT);
    place
}

/// Fills the list in: what is said of which picture, by item and attempt.
fn fill(place: &Place, say: impl Fn(u64, u32) -> &'static str) -> usize {
    let text = place.text(CSV);
    let mut filled = 0;
    let mut out = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells.get(at).and_then(|c| c.parse::<u64>().ok());
        match (number(0), number(1)) {
            (Some(item), Some(attempt)) if line.contains(",,,") => {
                filled += 1;
                out.push(line.replace(",,,", &format!(",{},,", say(item, attempt as u32))));
            }
            _ => out.push(line.to_owned()),
        }
    }
    place.write(CSV, out.join("\n") + "\n");
    filled
}

fn pictures(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let names = place.files("out").into_iter().filter(|n| n.ends_with(".png"));
    names.map(|n| (n.clone(), pixels(&place.path("out").join(&n)))).collect()
}

/// A picture's samples, without the words that ride along.
fn pixels(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let image = kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap();
    image.image.data().iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// What a person likes: every other one at once, some later, some never.
fn taste(item: u64, attempt: u32) -> &'static str {
    match (item % 4, attempt) {
        (0 | 2, _) | (1, 2) => "accept",
        (3, 1) => "Redo",
        _ => "no",
    }
}

const RUN: [&str; 3] = ["look.ron", "--items", "8"];

#[test]
fn what_waits_is_shown_filled_in_and_gone_on_with() {
    let place = place();
    let said = place.run(&RUN).ends(3).says("waiting for a person").says("8 items");
    let said = said.complains("look: 8 pictures wait").complains("sheet-001.png").complains("decisions.csv");
    said.complains("--resume").complains("graph-run review").complains("accept, reject or redo");
    assert_eq!(pictures(&place).len(), 0);
    let shown = place.files("out/review/look");
    assert_eq!(shown.len(), 10, "{shown:?}");
    assert!(shown.contains(&"00007-1.png".to_owned()) && shown.contains(&"sheet-001.png".to_owned()));
    let text = place.text(CSV);
    assert!(text.starts_with("item,attempt,picture,note,decision,reason,shown\n0,1,00000-1.png,"), "{text}");
    assert!(!text.contains(",=noise"), "a spreadsheet would take it for a formula: {text}");
    let sheet =
        kiln_codec::decode(&place.bytes("out/review/look/sheet-001.png"), &kiln_codec::Limits::default());
    assert!(sheet.unwrap().image.width() > 1000);
    // Nothing decided: the same again, quickly, and the list is not touched.
    place.run(&[&RUN[..], &["--resume"]].concat()).ends(3);
    assert_eq!(place.text(CSV), text);
    place.run(&["review"]).ends(0).says("look: Is it pretty?  (8 wait)").says("3  attempt 1");
    assert_eq!(fill(&place, taste), 8);
    let json = place.run(&[&RUN[..], &["--resume", "--json"]].concat()).ends(3).json();
    assert_eq!(json["items"]["done"], 4, "{json}");
    assert_eq!(json["waiting"].as_array().unwrap().len(), 4);
    let text = place.text(CSV);
    assert!(
        text.contains("\n1,2,00001-2.png,") && text.contains(",Redo,") && text.contains(",no,"),
        "{text}"
    );
    for _ in 0..2 {
        fill(&place, taste);
        let _ = place.run(&[&RUN[..], &["--resume"]].concat());
    }
    let json = place.run(&[&RUN[..], &["--resume", "--json"]].concat()).ends(0).json();
    assert_eq!((&json["items"]["done"], &json["items"]["skipped"]), (&6.into(), &2.into()), "{json}");
    let saved = pictures(&place);
    assert_eq!(saved.len(), 6);
    // Item 1 is its second picture, another one than its first.
    assert_eq!(saved["001.png"], pixels(&place.path("out/review/look/00001-2.png")));
    assert_ne!(saved["001.png"], pixels(&place.path("out/review/look/00001-1.png")));
    assert_eq!(saved["000.png"], pixels(&place.path("out/review/look/00000-1.png")));
    // From nothing, with the decisions that are there: the same, in one go.
    for jobs in ["1", "4"] {
        for file in saved.keys() {
            std::fs::remove_file(place.path("out").join(file)).unwrap();
        }
        place.run(&[&RUN[..], &["--jobs", jobs]].concat()).ends(0);
        assert_eq!(pictures(&place), saved);
    }
    let runs = place.run(&["runs", "--json"]).ends(0).json();
    let id = runs[0]["id"].as_str().unwrap().to_owned();
    let record = place.run(&["runs", &id, "--json"]).ends(0).json();
    assert_eq!(record["gates"][0]["gate"], "look");
    assert_eq!(record["gates"][0]["passed"], 6, "{record}");
    let item = place.run(&["runs", &id, "--item", "1", "--json"]).ends(0).json();
    let verdicts = item["verdicts"].as_array().unwrap();
    assert_eq!(
        (verdicts.len(), &verdicts[1]["outcome"], &verdicts[1]["attempt"]),
        (2, &"passed".into(), &1.into())
    );
    place
        .run(&["runs", &id, "--item", "1"])
        .ends(0)
        .says("rejected by a person")
        .says("accepted by a person");
}

#[test]
fn a_person_may_decide_while_it_waits() {
    let place = place();
    let mut child = place.start(&[&RUN[..], &["--wait-for-review"]].concat());
    let begun = Instant::now();
    loop {
        if place.path(CSV).exists() {
            fill(&place, taste);
        }
        if child.try_wait().unwrap().is_some() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{}", place.text(CSV));
        std::thread::sleep(Duration::from_millis(300));
    }
    finish(child).ends(0).says("done");
    assert_eq!(pictures(&place).len(), 6);
    // One that nobody answers is left with Ctrl-C, and loses nothing.
    #[cfg(unix)]
    {
        let child = place.start(&["look.ron", "--items", "8..10", "--wait-for-review"]);
        let begun = Instant::now();
        while !place.text(CSV).contains("\n9,1,") {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(50));
        }
        let pid = child.id().to_string();
        std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
        finish(child).ends(130);
        place.run(&["review", "--accept", "8-9"]).ends(0).says("2 pictures decided");
        place.run(&["look.ron", "--items", "8..10", "--resume"]).ends(0);
        assert_eq!(pictures(&place).len(), 8);
    }
}

#[test]
fn the_command_line_decides_as_well() {
    let place = place();
    place.run(&["review"]).ends(2).complains("nothing was run into");
    place.run(&RUN).ends(3);
    place
        .run(&["review", "--accept", "0,3-4", "--reject", "5:\"too dark\"", "--redo", "6"])
        .ends(0)
        .says("5 pictures decided");
    let text = place.text(CSV);
    assert!(text.contains(",reject,too dark,") && text.matches(",accept,").count() == 3, "{text}");
    place.run(&["review", "--accept", "0"]).ends(2).complains("nothing waits for a decision on 0");
    place.run(&["review", "--accept", "1,99", "--reject", "2"]).ends(2).complains("99");
    place.run(&["review", "--accept", "1", "--reject", "1"]).ends(2).complains("decided twice");
    place.run(&["review", "--accept", "x"]).ends(2).complains("is no item");
    let json = place.run(&["review", "--json"]).ends(0).json();
    assert_eq!(json["waiting"]["look"].as_array().unwrap().len(), 3, "{json}");
    let json = place.run(&[&RUN[..], &["--resume", "--json"]].concat()).ends(3).json();
    assert_eq!(json["items"]["done"], 3);
    let rejected = place.run(&["runs", json["run"].as_str().unwrap()]).ends(0);
    rejected.says("too dark").says("gates, over all runs");
    // What a person says last counts, by whichever way.
    place.write(CSV, place.text(CSV).replace(",reject,too dark,", ",accept,after all,"));
    let json = place.run(&[&RUN[..], &["--resume", "--json"]].concat()).ends(3).json();
    assert_eq!(json["items"]["done"], 4, "{json}");
}

#[test]
fn no_list_is_so_odd_that_something_is_lost() {
    let place = place();
    place.run(&RUN).ends(3);
    let clean = place.text(CSV);
    let rows = |text: &str| format!("item,attempt,picture,note,decision,reason,shown\n{text}");
    // Mistakes are named by their lines, the rest counts.
    place.write(CSV, rows("0,1,,,accept,,\nx,1,,,accept,,\n1,1,,,perhaps,,\n99,1,,,accept,,\n2,1,,,yes,,\n2,1,,,no,,\n3,1,,,accept,,000000000000\n4,1,,,accept,\"open,\n"));
    let said = place.run(&[&RUN[..], &["--resume"]].concat()).ends(3);
    let said = said.complains("line 3: item is \"x\"").complains("line 4: \"perhaps\" is no decision");
    said.complains("line 5: nobody asks about item 99")
        .complains("otherwise than line 6")
        .complains("another one now");
    let text = place.text(CSV);
    for kept in ["x,1,,,accept,,", ",perhaps,", "99,1,,,accept,,", "3,1,,,accept,,000000000000"] {
        assert!(text.contains(kept), "{kept:?} is lost:\n{text}");
    }
    let waiting = place.run(&["review", "--json"]).ends(0).json();
    let left = waiting["waiting"]["look"].as_array().unwrap();
    assert!(left.iter().any(|w| w["item"] == 3 && w["attempt"] == "1"), "its key was another one: {waiting}");
    // What is no list is put aside, and a new one is there.
    let huge = "x".repeat(40 << 20);
    for (n, odd) in
        [&b"\x89PNG\r\n\x1a\n\0\0"[..], b"name,age\nx,3\n", huge.as_bytes(), &[0xff; 5000]].iter().enumerate()
    {
        place.write(CSV, odd);
        place.run(&[&RUN[..], &["--resume"]].concat()).ends(3).complains("is no list");
        let aside = format!("out/review/look/decisions.unread-{}.csv", n + 1);
        assert_eq!(place.bytes(&aside), *odd);
        assert!(place.text(CSV).lines().count() >= 8, "{}", place.text(CSV));
    }
    assert!(clean.lines().count() <= place.text(CSV).lines().count());
    // One that is open in an office program is read, and left as it is.
    place.write("out/review/look/.~lock.decisions.csv#", "me");
    let text = place.text(CSV) + "\n";
    place.write(CSV, &text);
    place.run(&["review", "--accept", "5"]).ends(0).complains("open in another program");
    assert_eq!(place.text(CSV), text);
    std::fs::remove_file(place.path("out/review/look/.~lock.decisions.csv#")).unwrap();
    // Neither a folder nor a link in its place breaks anything.
    std::fs::remove_file(place.path(CSV)).unwrap();
    std::fs::create_dir(place.path(CSV)).unwrap();
    place.run(&[&RUN[..], &["--resume"]].concat()).ends(3).complains("cannot be written");
}

#[test]
fn a_changed_picture_is_asked_about_again() {
    let place = place();
    place.run(&RUN).ends(3);
    fill(&place, |_, _| "accept");
    let json = place.run(&[&RUN[..], &["--resume", "--json"]].concat()).ends(0).json();
    assert_eq!(json["items"]["done"], 8);
    let said = place.run(&[&RUN[..], &["--set", "size=40x32"]].concat()).ends(3);
    said.complains("look: 8 pictures wait");
    let text = place.text(CSV);
    assert_eq!(text.matches("asked again").count(), 8, "{text}");
    place.run(&["review"]).ends(0).says("asked again");
    // The pictures of before are as decided as they were.
    place.run(&RUN).ends(0);
}

#[test]
fn a_single_run_waits_as_well() {
    let place = place();
    place.write("one.ron", LOOKED_AT.replace("{item:03}", "one").replace(" number {item}", ""));
    place.run(&["one.ron"]).ends(3).complains("look: 1 picture waits");
    assert!(place.text(CSV).contains("\nrun,1,run-1.png,"), "{}", place.text(CSV));
    place.run(&["review", "--redo", "run:once more"]).ends(0);
    place.run(&["one.ron"]).ends(3);
    place.run(&["review", "--accept", "run"]).ends(0);
    place.run(&["one.ron"]).ends(0);
    assert_eq!(pictures(&place)["one.png"], pixels(&place.path("out/review/look/run-2.png")));
}

/// Gates of three kinds over random pictures; about four in ten are rejected.
const STRICT: &str = r#"Graph(
    kiln: 1,
    title: "Strict",
    expose: { "limit": "even.range", "stop": "even.give_up_after" },
    nodes: {
        "draw": (type: "RandomNumber", with: { "seed": 3, "range": (4, 40) }),
        "even": (
            type: "NumberGate",
            from: { "input": "draw.float", "value": "draw.float" },
            with: { "range": (4, 28), "retry": "draw.seed", "attempts": 3, "then": "skip" },
        ),
        "paper": (type: "NoiseImage", from: { "scale": "even.output" }, with: { "seed": 7, "size": (24, 16) }),
        "good": (
            type: "QualityGate",
            from: { "image": "paper.image" },
            with: { "contrast": (0.07, 1.0), "retry": "paper.seed", "attempts": 4, "then": "skip", "give_up_after": 0 },
        ),
        "other": (
            type: "UniqueGate",
            from: { "image": "good.image" },
            with: { "distance": 22, "retry": "paper.seed", "attempts": 4, "then": "skip", "give_up_after": 0 },
        ),
        "save": (type: "SaveImage", from: { "images": "other.image" }, with: { "name": "{item:03}" }),
    },
)
"#;

#[cfg(unix)]
#[test]
fn strict_gates_accept_the_same_pictures_whoever_works_and_dies() {
    let items = if std::env::var_os("KILN_FULL").is_some() { "200" } else { "60" };
    let args = ["strict.ron", "--items", items];
    let make = |jobs: &str| {
        let place = Place::new();
        place.write("strict.ron", STRICT);
        place.run(&[&args[..], &["--jobs", jobs, "--json"]].concat()).ends(0);
        pictures(&place)
    };
    let one = make("1");
    let all: usize = items.parse().unwrap();
    assert!(one.len() > all / 3 && one.len() < all, "{} of {all}", one.len());
    assert_eq!(make("4"), one);
    // Killed again and again.
    let place = Place::new();
    place.write("strict.ron", STRICT);
    for round in 1..=4 {
        let mut child = place.start(&[&args[..], &["--jobs", "3", "--resume"]].concat());
        let begun = Instant::now();
        while place.files("out").len() < round * all / 12
            && child.try_wait().unwrap().is_none()
            && begun.elapsed() < Duration::from_secs(60)
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let json = place.run(&[&args[..], &["--jobs", "4", "--resume", "--json"]].concat()).ends(0).json();
    assert_eq!(json["items"]["done"].as_u64(), Some(one.len() as u64));
    assert_eq!(pictures(&place), one);
    // What was rejected is to be looked at, and is not there twice.
    let sheets = place.files("out/rejected/good");
    assert!(sheets.contains(&"sheet-001.png".to_owned()), "{sheets:?}");
    let before = place.bytes("out/rejected/good/sheet-001.png");
    let folders = place.files("out/rejected");
    let json = place.run(&[&args[..], &["--jobs", "2", "--json"]].concat()).ends(0).json();
    assert_eq!(place.bytes("out/rejected/good/sheet-001.png"), before);
    assert_eq!(place.files("out/rejected"), folders);
    assert_eq!(pictures(&place), one);
    assert_eq!(json["sheets"].as_array().unwrap().len(), folders.len(), "{json}");
}

#[test]
fn a_wrong_limit_stops_the_run_and_the_mended_one_goes_on() {
    let place = Place::new();
    place.write("strict.ron", STRICT);
    let args = ["strict.ron", "--items", "90"];
    let wrong = [&args[..], &["--set", "limit=(39.99,40)", "--set", "stop=20"]].concat();
    let said =
        place.run(&wrong).ends(1).complains("20 values in a row were rejected").complains("give_up_after");
    said.complains("20 times like").complains("Scores from");
    assert_eq!(pictures(&place).len(), 0);
    let json = place.run(&[&wrong[..], &["--json"]].concat()).ends(1).json();
    assert_eq!((&json["gave_up"]["gate"], &json["gave_up"]["rejected"]), (&"even".into(), &20.into()));
    assert!(json["items"]["ready"].as_u64().unwrap() > 70, "{json}");
    place.run(&[&args[..], &["--resume"]].concat()).ends(0);
    let never = Place::new();
    never.write("strict.ron", STRICT);
    never.run(&[&args[..], &["--no-sheets"]].concat()).ends(0);
    assert_eq!(pictures(&place), pictures(&never));
    assert!(!never.path("out/rejected").exists());
    assert_eq!(std::fs::read_dir(never.path("out/.kiln/shelf")).map_or(0, Iterator::count), 0);
}

#[cfg(unix)]
#[test]
fn decisions_outlive_the_program() {
    let wanted = {
        let place = place();
        place.run(&RUN).ends(3);
        for _ in 0..4 {
            fill(&place, taste);
            let _ = place.run(&[&RUN[..], &["--resume", "--jobs", "1"]].concat());
        }
        pictures(&place)
    };
    let place = place();
    place.run(&RUN).ends(3);
    for round in 0..9 {
        fill(&place, taste);
        let mut child = place.start(&[&RUN[..], &["--resume", "--jobs", "4"]].concat());
        std::thread::sleep(Duration::from_millis(20 + 60 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for _ in 0..4 {
        let said = place.run(&[&RUN[..], &["--resume"]].concat());
        assert!([0, 3].contains(&said.code), "{said:?}");
        fill(&place, taste);
    }
    place.run(&[&RUN[..], &["--resume"]].concat()).ends(0);
    assert_eq!(pictures(&place), wanted);
}
