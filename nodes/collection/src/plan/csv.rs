//! Plans as tables: a row for each value.

use super::valid::{self, Lines, MOST_TEXT, Part};
use super::{Group, Lora, Nothing, Plan, PlanError, Rule, Setting, TraitValue};
use crate::words;
use ::csv::{ReaderBuilder, StringRecord, Trim};
use indexmap::IndexMap;

const COLUMNS: [&str; 19] = [
    "group", "value", "weight", "exactly", "percent", "chance", "show", "prompt", "negative", "lora",
    "strength", "layer", "never", "requires", "implies", "is", "blend", "opacity", "display",
];

/// A column `set:sampler.cfg` sets a parameter.
const SET: &str = "set:";

pub(super) fn read(text: &str, size: u64, seed: u64) -> Result<Plan, PlanError> {
    if text.len() > MOST_TEXT {
        return Err(PlanError::TooMany {
            what: "bytes of text",
            found: text.len() as u64,
            most: MOST_TEXT as u64,
        });
    }
    let mut reader =
        ReaderBuilder::new().trim(Trim::All).comment(Some(b'#')).flexible(false).from_reader(text.as_bytes());
    let bad = |error: &::csv::Error| PlanError::Table {
        line: error.position().map_or(1, ::csv::Position::line),
        what: match error.kind() {
            ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the row has {len} cells, and the first line has {expected_len}")
            }
            _ => error.to_string(),
        },
    };
    let header = reader.headers().map_err(|e| bad(&e))?.clone();
    let columns = Columns::new(&header)?;
    let mut plan = Plan::new(size, seed, Vec::new());
    let mut groups: IndexMap<String, Group> = IndexMap::new();
    let mut places = Rows::default();
    for row in reader.records() {
        let row = row.map_err(|e| bad(&e))?;
        let line = line_of(text, &row);
        let cells = Cells { row: &row, columns: &columns, line };
        let Some(name) = cells.get("group") else {
            return Err(cells.wrong("group", "every row names its group"));
        };
        if !groups.contains_key(name) {
            groups.insert(name.to_owned(), Group::new(name, Vec::new()));
        }
        let at = groups.get_index_of(name).unwrap_or(0);
        let Some(group) = groups.get_mut(name) else { continue };
        places.begin(at, line);
        take_row(&cells, group, &mut plan.rules, at, &mut places)?;
        places.rules.resize(plan.rules.len(), line);
    }
    plan.groups = groups.into_values().collect();
    valid::check(&plan, &places)?;
    Ok(plan)
}

/// The line a row stands on: where it was looked for, past comments and empty lines.
fn line_of(text: &str, row: &StringRecord) -> u64 {
    let Some(position) = row.position() else { return 1 };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let skipped = text.get(from..).unwrap_or("").lines();
    position.line() + skipped.take_while(|line| line.is_empty() || line.starts_with('#')).count() as u64
}

/// One row of the table becomes a value, or what is said of the whole group.
fn take_row(
    cells: &Cells<'_>,
    group: &mut Group,
    rules: &mut Vec<Rule>,
    at: usize,
    places: &mut Rows,
) -> Result<(), PlanError> {
    if let Some(chance) = cells.number("chance")? {
        if group.chance.is_some_and(|known| known.to_bits() != chance.to_bits()) {
            return Err(cells.wrong("chance", "another row of this group says something else"));
        }
        group.chance = Some(chance);
    }
    if let Some(opacity) = cells.number("opacity")? {
        group.opacity = Some(opacity);
    }
    if let Some(blend) = cells.text("blend") {
        group.blend = Some(blend);
    }
    if let Some(display) = cells.get("display") {
        let read = serde_json::from_value(serde_json::Value::String(display.to_owned()));
        let ways = "number, boost_number, boost_percentage or date";
        let wrong = |_| cells.wrong("display", &format!("`{display}` is none of {ways}"));
        group.display = Some(read.map_err(wrong)?);
    }
    let Some(name) = cells.get("value") else {
        return Err(cells.wrong("value", "every row names a value; `none` is for items without this group"));
    };
    let (weight, exactly, percent) =
        (cells.number("weight")?, cells.whole("exactly")?, cells.number("percent")?);
    if name == super::refer::NONE {
        if group.none.replace(Nothing { weight, exactly, percent }).is_some() {
            return Err(cells.wrong("value", "this group has a row for `none` already"));
        }
        return Ok(());
    }
    let mut value = TraitValue {
        name: name.to_owned(),
        weight,
        exactly,
        percent,
        show: cells.text("show"),
        prompt: cells.text("prompt"),
        negative: cells.text("negative"),
        layer: cells.text("layer"),
        is: cells.get("is").map(setting),
        ..TraitValue::default()
    };
    let strength = cells.number("strength")?;
    match (cells.text("lora"), strength) {
        (Some(file), strength) => value.loras.push(Lora { file, strength: strength.unwrap_or(1.0) }),
        (None, Some(_)) => return Err(cells.wrong("strength", "there is no `lora` in this row")),
        (None, None) => {}
    }
    for (key, column) in &cells.columns.set {
        if let Some(text) = cells.row.get(*column).filter(|text| !text.is_empty()) {
            value.set.insert(key.clone(), setting(text));
        }
    }
    let r#trait = format!("{}: {name}", group.name);
    let others =
        |column| cells.text(column).map(|text| text.split(';').map(|t| t.trim().to_owned()).collect());
    if let Some(with) = others("never") {
        rules.push(Rule::Never { r#trait: r#trait.clone(), with });
    }
    if let Some(any_of) = others("requires") {
        rules.push(Rule::Requires { r#trait: r#trait.clone(), any_of });
    }
    if let Some(then) = others("implies") {
        rules.push(Rule::Implies { r#trait, then });
    }
    places.values[at].push(cells.line);
    group.values.push(value);
    Ok(())
}

/// A cell's text as what it looks like.
fn setting(text: &str) -> Setting {
    if let Ok(n) = text.parse::<i64>() {
        Setting::Int(n)
    } else if let Some(n) = text.parse::<f64>().ok().filter(|n| n.is_finite()) {
        Setting::Float(n)
    } else if let Ok(yes) = text.parse::<bool>() {
        Setting::Bool(yes)
    } else {
        Setting::Text(text.to_owned())
    }
}

/// Which column is where.
struct Columns {
    known: IndexMap<&'static str, usize>,
    set: Vec<(String, usize)>,
}

impl Columns {
    fn new(header: &StringRecord) -> Result<Self, PlanError> {
        let mut columns = Self { known: IndexMap::new(), set: Vec::new() };
        for (at, name) in header.iter().enumerate() {
            let wrong = |what: String| PlanError::Table { line: 1, what };
            let name = name.trim_start_matches('\u{feff}');
            if let Some(key) = name.strip_prefix(SET) {
                columns.set.push((key.to_owned(), at));
            } else if let Some(known) = COLUMNS.iter().find(|known| **known == name) {
                if columns.known.insert(known, at).is_some() {
                    return Err(wrong(format!("the column `{name}` stands there twice")));
                }
            } else {
                let near = words::did_you_mean(name, COLUMNS);
                let near = if near.is_empty() {
                    format!("; the columns are {} and `set:node.parameter`", COLUMNS.join(", "))
                } else {
                    near
                };
                return Err(wrong(format!("there is no column `{name}`{near}")));
            }
        }
        for needed in ["group", "value"] {
            if !columns.known.contains_key(needed) {
                let what = format!("the first line names the columns, and `{needed}` is not among them");
                return Err(PlanError::Table { line: 1, what });
            }
        }
        Ok(columns)
    }
}

/// The cells of one row, by column.
struct Cells<'a> {
    row: &'a StringRecord,
    columns: &'a Columns,
    line: u64,
}

impl Cells<'_> {
    fn get(&self, column: &str) -> Option<&str> {
        self.row.get(*self.columns.known.get(column)?).filter(|text| !text.is_empty())
    }

    fn text(&self, column: &str) -> Option<String> {
        self.get(column).map(str::to_owned)
    }

    fn number(&self, column: &str) -> Result<Option<f64>, PlanError> {
        let Some(text) = self.get(column) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Some(n)),
            _ => Err(self.wrong(column, &format!("`{text}` is not a number"))),
        }
    }

    fn whole(&self, column: &str) -> Result<Option<u64>, PlanError> {
        let Some(text) = self.get(column) else { return Ok(None) };
        let wrong = |_| self.wrong(column, &format!("`{text}` is not a whole number"));
        text.parse().map(Some).map_err(wrong)
    }

    fn wrong(&self, column: &str, what: &str) -> PlanError {
        PlanError::Table { line: self.line, what: format!("{column}: {what}") }
    }
}

/// On which lines of the table everything stood.
#[derive(Default)]
struct Rows {
    groups: Vec<u64>,
    values: Vec<Vec<u64>>,
    rules: Vec<u64>,
}

impl Rows {
    fn begin(&mut self, group: usize, line: u64) {
        if group >= self.groups.len() {
            self.groups.push(line);
            self.values.push(Vec::new());
        }
    }
}

impl Lines for Rows {
    fn line(&self, _: &Plan, part: Part, _: &str) -> Option<usize> {
        let line = match part {
            Part::Group(group) => self.groups.get(group),
            Part::Value(group, value) => self.values.get(group)?.get(value),
            Part::Rule(rule) => self.rules.get(rule),
            Part::Tier => None,
        };
        usize::try_from(*line?).ok()
    }
}
