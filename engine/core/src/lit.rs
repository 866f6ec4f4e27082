//! From what a document says to a typed value, and back.

use crate::doors::Sandbox;
use crate::node::NodeError;
use crate::schema::Kind;
use crate::words;
use kiln_document::Lit;
use kiln_types::{Color, FileRef, Value};
use std::path::Path;

/// No folder of more files is taken as one thing.
const MOST_FILES: usize = 10_000;
/// How deep folders may lie in each other.
const MOST_FOLDERS: usize = 64;

/// Finds files and their hashes for literals that name files.
pub(crate) struct FileFinder<'a> {
    pub sandbox: &'a Sandbox,
    pub files: &'a kiln_store::FileHashes,
    pub now: kiln_store::Millis,
}

impl FileFinder<'_> {
    /// The file a path of the graph names, with its hash.
    pub fn file(&self, path: &str) -> Result<Value, NodeError> {
        let place = self.sandbox.resolve(path)?;
        if !place.is_file() {
            return Err(NodeError::new(format!("{path:?} is not a file")).hint("name a file, not a folder"));
        }
        self.hashed(&place)
    }

    /// The model a graph names, with its hash; a folder's is made of its files'.
    pub fn model(&self, kind: &str, name: &str) -> Result<FileRef, NodeError> {
        let place = self.sandbox.model(kind, name)?;
        let hash = if place.is_dir() { self.folder(&place)? } else { self.files.hash(&place, self.now)? };
        Ok(FileRef { path: place.into(), hash })
    }

    fn folder(&self, root: &Path) -> Result<kiln_types::Key, NodeError> {
        Ok(self.files_below(root)?.1)
    }

    /// The files in and below a folder, by their names relative to it, and the hash over all of them.
    pub fn files_below(&self, root: &Path) -> Result<(Vec<(String, FileRef)>, kiln_types::Key), NodeError> {
        let mut files = Vec::new();
        let mut todo = vec![(root.to_path_buf(), 0)];
        while let Some((folder, depth)) = todo.pop() {
            if depth > MOST_FOLDERS {
                return Err(NodeError::new(format!("{} lies too deep", folder.display()))
                    .hint("is there a link in it that leads back?"));
            }
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
                if hidden {
                } else if path.is_dir() {
                    todo.push((path, depth + 1));
                } else {
                    files.push(path);
                }
            }
            if files.len() > MOST_FILES {
                return Err(NodeError::new(format!(
                    "{} has more than {MOST_FILES} files in and below it",
                    root.display()
                )));
            }
        }
        files.sort();
        let mut maker = crate::keys::KeyMaker::new("folder");
        let mut found = Vec::with_capacity(files.len());
        let hashes = self.files.hash_many(&files, self.now);
        for (path, hash) in files.into_iter().zip(hashes) {
            let (name, hash) =
                (path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned(), hash?);
            maker.str(&name);
            maker.key(&hash);
            found.push((name, FileRef { path: path.into(), hash }));
        }
        Ok((found, maker.done()))
    }

    /// What a parameter's value stands for besides itself: the embeddings and LoRAs that a prompt names. They belong to the key.
    pub fn beside(&self, kind: Option<&Kind>, value: &Value, maker: &mut crate::keys::KeyMaker) {
        let Some(Kind::Prompt) = kind else { return };
        let texts: &[Value] = match value {
            Value::List(items) => items,
            one => std::slice::from_ref(one),
        };
        for text in texts {
            let Value::Text(text) = text else { continue };
            for (kind, name) in crate::models::named_in(text) {
                maker.str(&name);
                match self.model(kind, &name) {
                    Ok(file) => maker.key(&file.hash),
                    Err(_) => maker.str("none"),
                }
            }
        }
    }

    fn hashed(&self, place: &Path) -> Result<Value, NodeError> {
        let hash = self.files.hash(place, self.now)?;
        Ok(Value::File(FileRef { path: place.into(), hash }))
    }

    fn glob(&self, pattern: &str) -> Result<Value, NodeError> {
        let found = self.sandbox.glob(pattern)?;
        found.iter().map(|p| self.hashed(p)).collect::<Result<Vec<_>, _>>().map(Value::list)
    }
}

/// A seed that stays the same over items: `Fixed(7)`.
#[must_use]
pub fn is_fixed_seed(lit: &Lit) -> bool {
    matches!(lit, Lit::Tuple(Some(name), items) if name == "Fixed" && items.len() == 1)
}

fn number(lit: &Lit) -> Option<f64> {
    match lit {
        Lit::Int(v) => Some(*v as f64),
        Lit::Float(v) => Some(*v),
        _ => None,
    }
}

fn words_of(lit: &Lit) -> String {
    let text = lit.to_string();
    if text.chars().count() > 60 { text.chars().take(57).chain("...".chars()).collect() } else { text }
}

fn wants(what: &str, example: &str, got: &Lit) -> NodeError {
    NodeError::new(format!("takes {what}, but is {}", words_of(got))).hint(format!("write it like {example}"))
}

fn pair(lit: &Lit) -> Option<(f64, f64)> {
    match lit {
        Lit::Tuple(None, v) | Lit::List(v) if v.len() == 2 => Some((number(&v[0])?, number(&v[1])?)),
        _ => None,
    }
}

/// Reads a literal as a parameter of a kind, without files: those kinds give [`Value::Text`].
pub(crate) fn read(kind: &Kind, lit: &Lit) -> Result<Value, NodeError> {
    match kind {
        Kind::Bool => match lit {
            Lit::Bool(v) => Ok(Value::Bool(*v)),
            _ => Err(wants("true or false", "true", lit)),
        },
        Kind::Int { min, max, .. } => match lit {
            Lit::Int(v) => match i64::try_from(*v) {
                Ok(v) if v >= *min && v <= *max => Ok(Value::Int(v)),
                _ => Err(outside(&v.to_string(), &min.to_string(), &max.to_string())),
            },
            Lit::Float(v) if v.fract() == 0.0 && v.abs() < 9e15 => read(kind, &Lit::Int(*v as i128)),
            _ => Err(wants("a whole number", "32", lit)),
        },
        Kind::Float { min, max, .. } => match number(lit) {
            Some(v) if v >= *min && v <= *max => Ok(Value::Float(v)),
            Some(v) => Err(outside(&v.to_string(), &min.to_string(), &max.to_string())),
            None => Err(wants("a number", "0.5", lit)),
        },
        Kind::Text { .. } | Kind::ParamRef => match lit {
            Lit::Text(t) => Ok(Value::text(t.as_str())),
            _ => Err(wants("text", "\"words\"", lit)),
        },
        Kind::Choice(choices) => match lit {
            Lit::Text(t) if choices.iter().any(|c| c == t) => Ok(Value::text(t.as_str())),
            Lit::Text(t) => {
                let near = words::nearest(t, choices.iter());
                let all: Vec<String> = choices.iter().map(|c| format!("{c:?}")).collect();
                let err = NodeError::new(format!("{t:?} is not one of {}", words::list(&all)));
                Err(match near {
                    Some(near) => err.hint(format!("did you mean {near:?}?")),
                    None => err,
                })
            }
            _ => Err(wants("one of some words", &format!("{:?}", choices.first().map_or("", |c| c)), lit)),
        },
        Kind::Color => match lit {
            Lit::Text(t) => Ok(Value::Color(Color::parse(t)?)),
            _ => Err(wants("a colour", "\"#102030\"", lit)),
        },
        Kind::Seed => match lit {
            Lit::Int(v) => u64::try_from(*v)
                .map(Value::Seed)
                .map_err(|_| outside(&v.to_string(), "0", &u64::MAX.to_string())),
            Lit::Tuple(Some(name), items) if name == "Fixed" && items.len() == 1 => read(kind, &items[0]),
            _ => Err(wants("a seed", "7 (each item draws its own) or Fixed(7)", lit)),
        },
        Kind::Size { min, max } => {
            let (w, h) = pair(lit).ok_or_else(|| wants("a width and a height", "(512, 768)", lit))?;
            let ok = |v: f64| v.fract() == 0.0 && v >= f64::from(*min) && v <= f64::from(*max);
            if ok(w) && ok(h) {
                Ok(Value::Size(w as u32, h as u32))
            } else {
                Err(outside(&format!("({w}, {h})"), &min.to_string(), &max.to_string()))
            }
        }
        Kind::Range { min, max } => {
            let (a, b) =
                pair(lit).ok_or_else(|| wants("a lowest and a highest number", "(0.2, 1.0)", lit))?;
            if a < *min || b > *max || a > b {
                return Err(outside(&format!("({a}, {b})"), &min.to_string(), &max.to_string())
                    .hint("the lower number comes first"));
            }
            Ok(Value::Range(a, b))
        }
        Kind::Curve => {
            let err = || wants("points with x ascending", "[(0, 0), (0.5, 0.6), (1, 1)]", lit);
            let Lit::List(points) = lit else { return Err(err()) };
            let points: Vec<(f64, f64)> = points.iter().map(pair).collect::<Option<_>>().ok_or_else(err)?;
            let ascending = points.windows(2).all(|p| p[0].0 < p[1].0);
            if points.len() < 2
                || points.len() > 256
                || !ascending
                || points.iter().any(|p| !p.0.is_finite() || !p.1.is_finite())
            {
                return Err(err());
            }
            Ok(Value::Curve(points.into()))
        }
        Kind::Prompt => match lit {
            Lit::Text(t) => Ok(Value::text(t.as_str())),
            _ => Err(wants("text", "\"a red fox in snow\"", lit)),
        },
        Kind::Model(_) => match lit {
            Lit::Text(t) => Ok(Value::text(t.as_str())),
            _ => Err(wants("a model's name", "\"sd15.safetensors\"", lit)),
        },
        Kind::File | Kind::Files => match lit {
            Lit::Text(t) => Ok(Value::text(t.as_str())),
            _ => Err(wants("a path, relative to the graph", "\"pictures/cat.png\"", lit)),
        },
        Kind::List(of) => match lit {
            Lit::List(items) | Lit::Tuple(None, items) => {
                items.iter().map(|i| read(of, i)).collect::<Result<Vec<_>, _>>().map(Value::list)
            }
            _ => Err(wants("a list", "[a, b]", lit)),
        },
    }
}

fn outside(v: &str, min: &str, max: &str) -> NodeError {
    NodeError::new(format!("{v} is outside {min} to {max}"))
}

/// Turns paths into files with their hashes.
pub(crate) fn find_files(kind: &Kind, value: Value, finder: &FileFinder<'_>) -> Result<Value, NodeError> {
    match (kind, value) {
        (Kind::File, Value::Text(path)) => finder.file(&path),
        (Kind::Files, Value::Text(pattern)) => finder.glob(&pattern),
        (Kind::Model(kind), Value::Text(name)) => finder.model(kind, &name).map(Value::File),
        (Kind::List(of), Value::List(items)) if **of == Kind::File => items
            .iter()
            .map(|i| find_files(of, i.clone(), finder))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::list),
        (_, value) => Ok(value),
    }
}

/// Reads a word from a command line or a table as a literal for a kind: text needs no quotes there.
///
/// # Errors
/// When it is neither a literal of that kind nor text where text is wanted.
pub fn from_word(kind: &Kind, word: &str) -> Result<Lit, NodeError> {
    let takes_text = matches!(
        kind,
        Kind::Text { .. }
            | Kind::Choice(_)
            | Kind::Color
            | Kind::File
            | Kind::Files
            | Kind::ParamRef
            | Kind::Model(_)
            | Kind::Prompt
    );
    if takes_text {
        let quoted = word.len() >= 2 && word.starts_with('"') && word.ends_with('"');
        let lit = match Lit::parse(word) {
            Ok(Lit::Text(t)) if quoted => Lit::Text(t),
            _ => Lit::Text(word.to_owned()),
        };
        return read(kind, &lit).map(|_| lit);
    }
    if let (Kind::Size { .. }, Some((w, h))) = (kind, word.split_once(['x', 'X']))
        && let (Ok(w), Ok(h)) = (w.trim().parse::<u32>(), h.trim().parse::<u32>())
    {
        let lit = Lit::Tuple(None, vec![Lit::Int(w.into()), Lit::Int(h.into())]);
        return read(kind, &lit).map(|_| lit);
    }
    let lit = Lit::parse(word.trim())
        .map_err(|p| NodeError::new(format!("{word:?} cannot be read: {}", p.what)))?;
    read(kind, &lit).map(|_| lit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_are_named() {
        let kind = Kind::Int { min: 0, max: 10, step: 1 };
        assert_eq!(read(&kind, &Lit::Int(11)).unwrap_err().what, "11 is outside 0 to 10");
        assert!(read(&kind, &Lit::Int(i128::MAX)).is_err());
        assert!(read(&Kind::Seed, &Lit::Int(-1)).is_err());
        assert!(matches!(read(&Kind::Seed, &Lit::Int(u64::MAX.into())), Ok(Value::Seed(u64::MAX))));
        let choice = Kind::Choice(vec!["lanczos".into(), "area".into()]);
        assert_eq!(
            read(&choice, &Lit::Text("lanzcos".into())).unwrap_err().hint.as_deref(),
            Some("did you mean \"lanczos\"?")
        );
    }

    #[test]
    fn words_of_a_command_line() {
        let size = Kind::Size { min: 1, max: 9999 };
        assert!(matches!(
            from_word(&size, "512x768").and_then(|l| read(&size, &l)),
            Ok(Value::Size(512, 768))
        ));
        assert!(matches!(
            from_word(&Kind::Color, "#fff").and_then(|l| read(&Kind::Color, &l)),
            Ok(Value::Color(_))
        ));
        assert!(from_word(&Kind::Bool, "yes please").is_err());
    }
}
