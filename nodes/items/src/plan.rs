//! Trait plans from files: a `.ron` plan, a table, or a folder of layers.

use crate::values::{Layer, PlanValue, names as own};
use kiln_collection::layers::{LayerOptions, plan_of};
use kiln_collection::plan::{BLENDS, Nothing, Plan, PlanError};
use kiln_core::{Cx, Kind, Node, NodeError, Param, words};
use kiln_types::{FileRef, Value, names};
use std::collections::BTreeMap;

/// No plan is longer.
const MOST_TEXT: u64 = 256 << 20;
/// No feed is longer.
const MOST_FEED: usize = 4 << 20;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![trait_plan()]
}

/// Where layers are looked for by the names a plan gives them.
type Files = BTreeMap<String, FileRef>;

fn trait_plan() -> Node {
    Node::pure("TraitPlan", 1, |cx| {
        let file = if cx.has("file") { Some(cx.file("file")?) } else { None };
        let own_files = match &file {
            Some(folder) if folder.path.is_dir() => Some(files(cx, folder)?),
            _ => None,
        };
        let (mut plan, sized) = match (&own_files, &file) {
            (Some(files), _) => (of_folder(cx, files)?, false),
            (None, Some(file)) => of_text(cx, file)?,
            (None, None) => written_here(cx)?,
        };
        look(cx, &mut plan)?;
        let feed = if cx.has("feed") { Some(cx.text("feed")?) } else { None };
        if let Some(feed) = &feed {
            weigh(&mut plan, feed).map_err(|e| e.at("feed"))?;
        }
        plan.check().map_err(|e| match &file {
            Some(file) => refused(file, &e),
            None => NodeError::new(e).at("text"),
        })?;
        let layer_files = match own_files {
            Some(files) => files,
            None if cx.has("layers") => files_of_layers(cx)?,
            None => Files::new(),
        };
        let layers = find_layers(&plan, &layer_files)?;
        let count = plan.groups.iter().map(|g| g.values.len()).sum::<usize>();
        let feed = feed.map(|f| blake3::hash(f.as_bytes()).to_hex().to_string());
        cx.set("feed_hash", feed.as_deref().unwrap_or_default());
        cx.set("groups", Value::list(plan.groups.iter().map(|g| Value::from(g.name.as_str())).collect::<Vec<_>>()));
        cx.set("values", i64::try_from(count).unwrap_or(i64::MAX));
        cx.set("plan", PlanValue { plan, sized, layers, feed });
        Ok(())
    })
    .title("Trait plan")
    .category("collection/traits")
    .doc(
        "What a collection is made of: groups of values with their shares, rules of what goes together, words for \
         prompts, LoRAs, parameters and layers. From a .ron plan, a table (.csv, a row for each value), or a folder of \
         layers as layering programs know them: a folder for each group, a picture for each value, its weight behind a \
         # (Hat/Crown#5.png). A plan that contradicts itself is refused with its line.",
    )
    .param(
        Param::model("file", "plans")
            .default(Value::None)
            .doc("The plan's file (.ron or .csv) or the folder of layers, relative to the graph."),
    )
    .param(
        Param::multiline("text", "")
            .doc("The plan itself as a .ron text, where no file is named: (size: 20, groups: [(name: \"Sky\", values: [(name: \"Dusk\", weight: 3), (name: \"Noon\")])])."),
    )
    .param(
        Param::model("layers", "layers")
            .default(Value::None)
            .doc("The folder in which the layers lie that a .ron plan or a table names."),
    )
    .param(
        Param::list("order", Kind::Text { multiline: false })
            .doc("Of a folder: its groups from the bottom up; those not named follow by the numbers before their names."),
    )
    .param(Param::list("look", Kind::Text { multiline: false }).doc(
        "How groups of layers act on what lies below, \"Group: way opacity\": \"Shadow: multiply 60%\". What the plan \
         says itself is replaced.",
    ))
    .optional(
        "feed",
        names::TEXT,
        "Weights as JSON, {\"Hat\": {\"Crown\": 3}}: they replace the plan's. From ReadText or FetchJson.",
    )
    .output("plan", own::TRAIT_PLAN, "The plan.")
    .output_list("groups", names::TEXT, "The names of its groups.")
    .output("values", names::INT, "How many values all groups have together.")
    .output("feed_hash", names::TEXT, "The blake3 hash of the feed; empty without one.")
    .reads_paths()
}

fn name_of(file: &FileRef) -> String {
    file.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A plan's fault as the node's error, with the file it is in.
fn refused(file: &FileRef, error: &PlanError) -> NodeError {
    NodeError::new(format!("{}: {error}", name_of(file))).at("file")
}

/// The files of a folder, by the names a plan uses.
fn files(cx: &Cx<'_>, folder: &FileRef) -> Result<Files, NodeError> {
    Ok(cx.folder(folder)?.into_iter().map(|(name, file)| (name.replace('\\', "/"), file)).collect())
}

fn files_of_layers(cx: &Cx<'_>) -> Result<Files, NodeError> {
    let folder = cx.file("layers")?;
    if !folder.path.is_dir() {
        return Err(NodeError::new(format!("{} is not a folder", name_of(&folder)))
            .at("layers")
            .hint("name the folder in which the layers lie"));
    }
    files(cx, &folder)
}

fn texts(cx: &Cx<'_>, name: &str) -> Result<Vec<String>, NodeError> {
    let text = |v: &Value| match v {
        Value::Text(t) => Ok(t.to_string()),
        other => {
            Err(NodeError::new(format!("{name:?} takes texts, but got {}", other.ty())).at(name.to_owned()))
        }
    };
    cx.list(name)?.iter().map(text).collect()
}

fn of_folder(cx: &Cx<'_>, files: &Files) -> Result<Plan, NodeError> {
    let paths: Vec<&String> = files.keys().collect();
    // How many there are is said where traits are assigned.
    let options = LayerOptions { size: 1, seed: 0, order: texts(cx, "order")? };
    plan_of(&paths, &options).map_err(|e| NodeError::new(e).at("file"))
}

fn written_here(cx: &Cx<'_>) -> Result<(Plan, bool), NodeError> {
    let text = cx.text("text")?;
    if text.trim().is_empty() {
        return Err(NodeError::new("there is no plan")
            .at("file")
            .hint("name its file, or write it into text"));
    }
    Ok((Plan::from_ron(&text).map_err(|e| NodeError::new(e).at("text"))?, true))
}

fn of_text(cx: &Cx<'_>, file: &FileRef) -> Result<(Plan, bool), NodeError> {
    let size = std::fs::metadata(&file.path).map(|m| m.len()).unwrap_or(0);
    if size > MOST_TEXT {
        return Err(
            NodeError::new(format!("{} has {size} bytes: no plan is so long", name_of(file))).at("file")
        );
    }
    let bytes = cx.read(file)?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
        NodeError::new(format!("{}, line {line}: it is not UTF-8 text", name_of(file)))
            .at("file")
            .hint("save it as UTF-8")
    })?;
    let ending = file.path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "csv" => Ok((Plan::from_csv(text, 1, 0).map_err(|e| refused(file, &e))?, false)),
        "ron" => Ok((Plan::from_ron(text).map_err(|e| refused(file, &e))?, true)),
        _ => Err(NodeError::new(format!("{} is no plan", name_of(file)))
            .at("file")
            .hint("a plan ends in .ron or .csv, or is a folder of layers")),
    }
}

/// `Shadow: multiply 60%`.
fn look(cx: &Cx<'_>, plan: &mut Plan) -> Result<(), NodeError> {
    for line in texts(cx, "look")? {
        let bad = |what: String| NodeError::new(format!("{line:?}: {what}")).at("look");
        let (group, words) =
            line.split_once(':').ok_or_else(|| bad("write it like \"Shadow: multiply 60%\"".to_owned()))?;
        let names: Vec<String> = plan.groups.iter().map(|g| g.name.clone()).collect();
        let Some(found) = plan.groups.iter_mut().find(|g| g.name == group.trim()) else {
            let near = words::nearest(group.trim(), names.iter()).map(|n| format!("; did you mean {n:?}?"));
            return Err(bad(format!("there is no group {:?}{}", group.trim(), near.unwrap_or_default())));
        };
        for word in words.split_whitespace() {
            let way = word.replace('_', "-").to_lowercase();
            if BLENDS.contains(&way.as_str()) {
                found.blend = Some(way);
            } else if let Some(opacity) = opacity(word) {
                found.opacity = Some(opacity);
            } else {
                return Err(bad(format!("{word:?} is neither an opacity nor one of {}", BLENDS.join(", "))));
            }
        }
    }
    Ok(())
}

fn opacity(word: &str) -> Option<f64> {
    let number = match word.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => word.parse().ok()?,
    };
    (0.0..=1.0).contains(&number).then_some(number)
}

/// Puts the weights of a feed into a plan.
fn weigh(plan: &mut Plan, feed: &str) -> Result<(), NodeError> {
    if feed.len() > MOST_FEED {
        return Err(NodeError::new(format!("the feed has {} bytes, more than 4 MiB", feed.len())));
    }
    let feed: serde_json::Value =
        serde_json::from_str(feed).map_err(|e| NodeError::new(format!("the feed is not JSON: {e}")))?;
    let shape = "write it like {\"Hat\": {\"Crown\": 3}}";
    let groups =
        feed.as_object().ok_or_else(|| NodeError::new("the feed is no object of groups").hint(shape))?;
    for (name, values) in groups {
        let known: Vec<String> = plan.groups.iter().map(|g| g.name.clone()).collect();
        let Some(group) = plan.groups.iter_mut().find(|g| g.name == *name) else {
            return Err(unknown(&format!("the feed names the group {name:?}"), name, &known));
        };
        let values = values.as_object().ok_or_else(|| {
            NodeError::new(format!("the feed's {name:?} is no object of weights")).hint(shape)
        })?;
        for (value, weight) in values {
            let weight = weight.as_f64().filter(|w| w.is_finite() && *w >= 0.0).ok_or_else(|| {
                NodeError::new(format!("the feed's weight of \"{name}: {value}\" is {weight}"))
                    .hint("a weight is a number of at least 0")
            })?;
            if value == "none" {
                if group.none.as_ref().is_some_and(|n| n.exactly.is_some() || n.percent.is_some())
                    || group.chance.is_some()
                {
                    return Err(fixed(name, value));
                }
                group.none = Some(Nothing { weight: Some(weight), ..Nothing::default() });
                continue;
            }
            let known: Vec<String> = group.values.iter().map(|v| v.name.clone()).collect();
            let Some(found) = group.values.iter_mut().find(|v| v.name == *value) else {
                return Err(unknown(&format!("the feed names \"{name}: {value}\""), value, &known));
            };
            if found.exactly.is_some() || found.percent.is_some() {
                return Err(fixed(name, value));
            }
            found.weight = Some(weight);
        }
    }
    Ok(())
}

fn unknown(what: &str, name: &str, known: &[String]) -> NodeError {
    let error = NodeError::new(format!("{what}, and the plan has none of that name"));
    match words::nearest(name, known.iter()) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint(format!("it has {}", words::list(&known.iter().take(12).collect::<Vec<_>>()))),
    }
}

fn fixed(group: &str, value: &str) -> NodeError {
    NodeError::new(format!("the feed weighs \"{group}: {value}\", whose number the plan fixes"))
        .hint("give it a `weight` in the plan, or leave it out of the feed")
}

/// The files of a plan's layers.
fn find_layers(plan: &Plan, files: &Files) -> Result<Vec<Vec<Option<Layer>>>, NodeError> {
    let find = |name: &String| -> Result<Layer, NodeError> {
        let plain = name.replace('\\', "/");
        let plain = plain.strip_prefix("./").unwrap_or(&plain);
        let Some(file) = files.get(plain) else {
            let error = NodeError::new(format!("there is no layer {name:?}")).at("layers");
            return Err(match words::nearest(plain, files.keys()) {
                _ if files.is_empty() => {
                    error.hint("name the folder of the layers with the parameter layers")
                }
                Some(near) => error.hint(format!("did you mean {near:?}?")),
                None => error.hint("layers are named by their path within the folder of layers"),
            });
        };
        let path = file.path.to_str().ok_or_else(|| {
            NodeError::new(format!("the path of the layer {name:?} is not UTF-8")).at("layers")
        })?;
        Ok(Layer { name: name.clone(), hash: file.hash.0, path: path.to_owned() })
    };
    let group = |group: &kiln_collection::plan::Group| {
        group.values.iter().map(|v| v.layer.as_ref().map(find).transpose()).collect::<Result<Vec<_>, _>>()
    };
    plan.groups.iter().map(group).collect()
}
