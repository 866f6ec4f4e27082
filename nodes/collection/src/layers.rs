//! A folder of layer pictures becomes a plan.
//!
//! The layout is the one that layering programs share: a folder for each group, in it a picture for each value, with its
//! weight behind a `#`.
//!
//! ```text
//! 01 Background/Dusk#40.png
//! 01 Background/Noon.png           weight 1
//! 02 Hat/none#60.png               60 parts have no hat
//! 02 Hat/Crowns#5/Gold#1.png       a sub-folder: 5 parts, shared out among its pictures
//! 02 Hat/Crowns#5/Silver#4.png
//! ```
//!
//! Groups lie on each other in the order of the numbers before their names, then of their names, unless the caller says
//! otherwise. The caller lists the folder; nothing is opened here.

use crate::plan::{Group, Nothing, Plan, PlanError, TraitValue};
use indexmap::IndexMap;

/// Pictures that are layers; other files are passed over.
const PICTURES: [&str; 9] = ["png", "webp", "gif", "jpg", "jpeg", "avif", "svg", "tiff", "bmp"];

/// How many folders may lie in each other.
const MOST_FOLDERS: usize = 16;

/// Why a folder is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A picture that lies in no group's folder.
    #[error("{path}: a layer lies in the folder of its group; move it into one")]
    NoGroup {
        /// Which file.
        path: String,
    },
    /// Folders within folders without end.
    #[error("{path}: more than {MOST_FOLDERS} folders lie in each other")]
    Deep {
        /// Which file.
        path: String,
    },
    /// A weight that is no number.
    #[error("{path}: `#{weight}` is no weight; write a number of at least 0 behind the `#`")]
    Weight {
        /// Which file or folder.
        path: String,
        /// What stands there.
        weight: String,
    },
    /// Two pictures of one name.
    #[error("{path}: {other} has the same name; one of them has to go")]
    Twice {
        /// The later file.
        path: String,
        /// The earlier one.
        other: String,
    },
    /// No picture at all.
    #[error("there are no pictures in folders; layers are files such as `Hat/Crown#5.png`")]
    Nothing,
    /// A group that the caller orders and the folder has not.
    #[error("the order names `{group}`, and there is no such folder{hint}")]
    Order {
        /// Which one.
        group: String,
        /// What could be meant.
        hint: String,
    },
    /// What came of it is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// What a plan from a folder begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerOptions {
    /// How many items.
    pub size: u64,
    /// Where chance begins.
    pub seed: u64,
    /// The groups from the bottom up; those that are not named follow in their own order. Empty: all in their own order.
    pub order: Vec<String>,
}

/// Makes a plan of a folder: `paths` are its files, relative to it.
///
/// # Errors
/// A picture without a group, a weight that is none, or names that are there twice.
pub fn plan_of<S: AsRef<str>>(paths: &[S], options: &LayerOptions) -> Result<Plan, LayerError> {
    let mut sorted: Vec<(String, &str)> =
        paths.iter().map(|path| (path.as_ref().replace('\\', "/"), path.as_ref())).collect();
    sorted.sort_by(|a, b| natural(&a.0).cmp(&natural(&b.0)).then(a.0.cmp(&b.0)));
    sorted.dedup_by(|a, b| a.0 == b.0);
    // Folders by name, each a tree of pictures.
    let mut groups: IndexMap<String, Folder> = IndexMap::new();
    for (path, given) in &sorted {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let Some((file, folders)) = parts.split_last() else { continue };
        let hidden = parts.iter().any(|part| part.starts_with('.') || part.starts_with("__"));
        let Some((stem, extension)) = file.rsplit_once('.') else { continue };
        if hidden || !PICTURES.contains(&extension.to_lowercase().as_str()) {
            continue;
        }
        let Some((group, below)) = folders.split_first() else {
            return Err(LayerError::NoGroup { path: (*given).to_owned() });
        };
        if folders.len() > MOST_FOLDERS {
            return Err(LayerError::Deep { path: (*given).chars().take(120).collect() });
        }
        let mut folder = groups.entry((*group).to_owned()).or_default();
        for name in below {
            folder = folder.folders.entry((*name).to_owned()).or_default();
        }
        folder.files.push((stem.to_owned(), (*given).to_owned()));
    }
    if groups.is_empty() {
        return Err(LayerError::Nothing);
    }
    let mut made: Vec<Group> = Vec::new();
    for (name, folder) in &groups {
        let (name, _) = weight_of(name, name)?;
        made.push(group_of(&group_name(&name), folder)?);
    }
    order(&mut made, &options.order)?;
    let plan = Plan::new(options.size, options.seed, made);
    plan.check()?;
    Ok(plan)
}

#[derive(Default)]
struct Folder {
    folders: IndexMap<String, Folder>,
    files: Vec<(String, String)>,
}

/// A picture on its way to becoming a value.
struct Leaf {
    words: Vec<String>,
    weight: f64,
    path: String,
}

fn group_of(name: &str, folder: &Folder) -> Result<Group, LayerError> {
    let mut group = Group::new(name, Vec::new());
    let mut paths: IndexMap<String, String> = IndexMap::new();
    for leaf in leaves(folder, &[])? {
        let value = leaf.words.join(" ");
        if let Some(other) = paths.insert(value.to_lowercase(), leaf.path.clone()) {
            return Err(LayerError::Twice { path: leaf.path, other });
        }
        if value.eq_ignore_ascii_case("none") {
            group.none = Some(Nothing { weight: Some(leaf.weight), ..Nothing::default() });
            continue;
        }
        group
            .values
            .push(TraitValue { layer: Some(leaf.path), ..TraitValue::new(value).weighing(leaf.weight) });
    }
    Ok(group)
}

/// All pictures in a folder. A sub-folder with a weight shares it out among its pictures; without one they stand for
/// themselves.
fn leaves(folder: &Folder, words: &[String]) -> Result<Vec<Leaf>, LayerError> {
    let mut found: Vec<Leaf> = Vec::new();
    let named = |name: &str| words.iter().cloned().chain([value_name(name)]).collect::<Vec<_>>();
    for (stem, path) in &folder.files {
        let (name, weight) = weight_of(stem, path)?;
        found.push(Leaf { words: named(&name), weight: weight.unwrap_or(1.0), path: path.clone() });
    }
    for (name, folder) in &folder.folders {
        let (plain, weight) = weight_of(name, name)?;
        let mut below = leaves(folder, &named(&plain))?;
        let total: f64 = below.iter().map(|leaf| leaf.weight).sum();
        if let Some(weight) = weight {
            for leaf in &mut below {
                leaf.weight = if total > 0.0 { leaf.weight / total * weight } else { 0.0 };
            }
        }
        found.append(&mut below);
    }
    Ok(found)
}

/// `Crown#5` is `Crown` and 5.
fn weight_of(text: &str, path: &str) -> Result<(String, Option<f64>), LayerError> {
    let Some((name, weight)) = text.rsplit_once('#') else { return Ok((text.to_owned(), None)) };
    match weight.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok((name.to_owned(), Some(number))),
        _ => Err(LayerError::Weight { path: path.to_owned(), weight: weight.to_owned() }),
    }
}

/// A folder's name without the number that orders it: `01_Background` and `1. Background` are `Background`.
fn group_name(text: &str) -> String {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = if rest.len() < text.len() && rest.starts_with([' ', '_', '-', '.']) {
        rest.trim_start_matches([' ', '_', '-', '.'])
    } else {
        text
    };
    let name = if name.is_empty() { text } else { name };
    tidy(name, ':')
}

fn value_name(text: &str) -> String {
    tidy(text, '|')
}

/// Underscores are spaces, and what rules use to take names apart has no place in them.
fn tidy(text: &str, forbidden: char) -> String {
    text.replace(['_', forbidden], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Numbers in names are in order of their size: `2` before `10`.
fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (word, next) = after.split_at(letters);
        // Where there is no number, after all numbers.
        parts.push((number.parse().unwrap_or(u64::MAX), word.to_lowercase()));
        rest = next;
    }
    parts
}

fn order(groups: &mut Vec<Group>, wanted: &[String]) -> Result<(), LayerError> {
    let mut ordered = Vec::with_capacity(groups.len());
    for name in wanted {
        let Some(at) = groups.iter().position(|group| group.name == *name) else {
            let hint = crate::words::did_you_mean(name, groups.iter().map(|group| group.name.as_str()));
            return Err(LayerError::Order { group: name.clone(), hint });
        };
        ordered.push(groups.remove(at));
    }
    ordered.append(groups);
    *groups = ordered;
    Ok(())
}
