//! Which pictures of a collection are alike.

use super::compare::unlike;
use super::short;
use crate::values::{maybe, misfit, names};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_kernels as kernels;
use kiln_types::{Embedding, Value, names as base};
use serde_json::json;

/// Rows of the table of similarities that exist at a time.
const ROWS: usize = 128;
/// No collection has more pictures.
const MOST: usize = 200_000;
/// No more neighbours are told in all.
const MOST_PAIRS: usize = 4_000_000;

pub(super) fn nodes() -> Vec<Node> {
    vec![nearest_pictures()]
}

/// A collection's vectors, and whose they are.
struct Collection {
    all: Embedding,
    /// The item of each vector, and its value's place among those collected.
    of: Vec<(u64, usize)>,
}

/// One neighbour: its place in the collection, and how alike it is.
type Near = (usize, f32);

/// What comparing found.
#[derive(Default)]
struct Found {
    /// The nearest of each query.
    nearest: Vec<Vec<Near>>,
    /// Every pair that is nearly the same.
    alike: Vec<(usize, Near)>,
}

impl Collection {
    fn gathered(cx: &Cx<'_>) -> Result<Self, NodeError> {
        let items = cx.items("embeddings")?;
        let mut all: Option<Embedding> = None;
        let (mut vectors, mut of) = (Vec::new(), Vec::new());
        for at in 0..items.len() {
            cx.pause()?;
            let value = items.get(at)?;
            let object = match &value {
                Value::Object(object) => object,
                other => return Err(misfit("embeddings", &other.ty().to_string())),
            };
            let Some(one) = object.as_any().downcast_ref::<Embedding>() else {
                return Err(misfit("embeddings", object.type_name()));
            };
            match &all {
                Some(first) => first.comparable(one).map_err(|e| unlike(&e, "embeddings"))?,
                None => all = Some(one.clone()),
            }
            vectors.extend_from_slice(one.data());
            of.extend(std::iter::repeat_n((items.item(at).unwrap_or(at as u64), at), one.batch()));
            if of.len() > MOST {
                return Err(NodeError::new(format!("a collection of more than {MOST} pictures"))
                    .at("embeddings")
                    .hint("collect in windows"));
            }
        }
        let Some(first) = all else {
            return Err(NodeError::new("there are no embeddings to compare").at("embeddings"));
        };
        let all = Embedding::new(first.model().clone(), first.width(), vectors)
            .map_err(|e| NodeError::new(e).at("embeddings"))?;
        Ok(Self { all, of })
    }

    /// The `k` most alike of each of `queries`, and every pair as alike as `limit`; with `own` the queries are the
    /// collection itself, and no vector is its own neighbour.
    fn nearest(
        &self,
        cx: &Cx<'_>,
        queries: &Embedding,
        own: bool,
        k: usize,
        limit: f32,
    ) -> Result<Found, NodeError> {
        let (width, n, count) = (self.all.width(), self.all.batch(), queries.batch());
        let mut found = Found::default();
        for (part, rows) in queries.data().chunks(ROWS * width).enumerate() {
            cx.pause()?;
            let m = rows.len() / width;
            let l = kernels::Linear { batch: 1, rows: m, k: width, n, ..kernels::Linear::default() };
            let mut scores = vec![0.0; m * n];
            kernels::linear(
                &l,
                rows,
                kernels::Stored::f32(self.all.data()),
                kernels::Then::default(),
                &mut scores,
            );
            for (r, row) in scores.chunks_exact(n).enumerate() {
                let me = part * ROWS + r;
                let others = row.iter().copied().enumerate().filter(|(i, _)| !(own && *i == me));
                let others: Vec<Near> = others.map(|(i, s)| (i, s.clamp(-1.0, 1.0))).collect();
                // Of the collection itself each pair is told once.
                found.alike.extend(
                    others.iter().filter(|(i, s)| *s >= limit && (!own || *i > me)).map(|near| (me, *near)),
                );
                if found.alike.len() > MOST_PAIRS {
                    return Err(NodeError::new("nearly all pictures are alike: too many pairs to tell")
                        .at("duplicate")
                        .hint("raise it"));
                }
                found.nearest.push(most_alike(others, k));
            }
            cx.progress((part * ROWS + m) as u64, count as u64);
        }
        Ok(found)
    }
}

/// The `k` most alike, the most alike first, of equals the earlier one.
fn most_alike(mut all: Vec<Near>, k: usize) -> Vec<Near> {
    let order = |a: &Near, b: &Near| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if k < all.len() && k > 0 {
        all.select_nth_unstable_by(k - 1, order);
    }
    all.truncate(k);
    all.sort_by(order);
    all
}

fn captions(cx: &Cx<'_>) -> Result<Vec<String>, NodeError> {
    cx.list("names")?
        .iter()
        .map(|value| match value {
            Value::Text(text) => Ok(text.to_string()),
            Value::Int(v) => Ok(v.to_string()),
            Value::File(file) => Ok(file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            other => Err(misfit("names", &other.ty().to_string())),
        })
        .collect()
}

/// A field of a table of comma-separated values.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn compare(cx: &mut Cx<'_>) -> Result<(), NodeError> {
    let collection = Collection::gathered(cx)?;
    let query: Option<Embedding> = maybe(cx, "query")?;
    let own = query.is_none();
    let queries = match &query {
        Some(query) => {
            collection.all.comparable(query).map_err(|e| unlike(&e, "query"))?;
            query
        }
        None => &collection.all,
    };
    let (k, limit) = (cx.count("count")?, cx.float32("duplicate")?);
    if queries.batch().saturating_mul(k.min(collection.all.batch())) > MOST_PAIRS {
        return Err(NodeError::new(format!(
            "{} pictures with {k} neighbours each are too many",
            queries.batch()
        ))
        .at("count")
        .hint("ask for fewer neighbours, or collect in windows"));
    }
    let Found { nearest, alike } = collection.nearest(cx, queries, own, k, limit)?;
    let captions = captions(cx)?;
    let of = |at: usize| collection.of.get(at).copied().unwrap_or_default();
    let called = |at: usize| captions.get(of(at).1).cloned().unwrap_or_else(|| of(at).0.to_string());
    let asked = |at: usize| if own { called(at) } else { format!("query {at}") };

    let mut table = String::from("picture,rank,nearest,similarity,duplicate\n");
    let mut rows = Vec::with_capacity(nearest.len());
    let (mut places, mut similarities) = (Vec::new(), Vec::new());
    for (at, near) in nearest.iter().enumerate() {
        let picture = asked(at);
        let told = near.iter().enumerate().map(|(rank, (other, s))| {
            let (other_name, s) = (called(*other), f64::from(*s));
            let duplicate = s >= f64::from(limit);
            table.push_str(&format!(
                "{},{},{},{},{duplicate}\n",
                field(&picture),
                rank + 1,
                field(&other_name),
                short(s)
            ));
            let item = of(*other).0;
            places.push(Value::Int(i64::try_from(item).unwrap_or(i64::MAX)));
            similarities.push(Value::Float(s));
            json!({ "picture": other_name, "item": item, "similarity": s, "duplicate": duplicate })
        });
        let told: Vec<serde_json::Value> = told.collect();
        rows.push(json!({ "picture": picture, "nearest": told }));
    }
    let duplicates = alike.iter().map(|(a, (b, s))| {
        Value::from(format!("{} and {} ({})", asked(*a), called(*b), short(f64::from(*s))).as_str())
    });
    cx.set("duplicates", Value::list(duplicates.collect::<Vec<_>>()));
    cx.set("duplicate_count", i64::try_from(alike.len()).unwrap_or(i64::MAX));
    cx.set("json", serde_json::Value::Array(rows).to_string().as_str());
    cx.set("table", table.as_str());
    cx.set("items", Value::list(places));
    cx.set("similarities", Value::list(similarities));
    Ok(())
}

/// NearestPictures.
fn nearest_pictures() -> Node {
    Node::pure("NearestPictures", 1, compare)
        .title("Nearest pictures")
        .category("clip")
        .doc(
            "Which pictures of a collection are alike, collected over items: for each one, or for the one that is asked \
             for, its nearest others, and every pair that is nearly the same. A table for people and programs, and lists \
             to go on with.",
        )
        .gather("embeddings", names::EMBEDDING, "The pictures' embeddings, collected over items.")
        .optional("query", names::EMBEDDING, "The one whose neighbours are wanted; when not linked, each of the collection is asked for.")
        .optional_gather("names", base::ANY, "What each picture is called: a text, a number or a file; else it is its item's number.")
        .param(Param::int("window", 0, 0..=1_000_000).doc("Compare so many items at a time with each other; 0: all."))
        .param(Param::int("count", 5, 0..=1000).doc("How many neighbours are told of each."))
        .param(
            Param::float("duplicate", 0.95, -1.0..=1.0)
                .doc("From this similarity on two pictures count as nearly the same: 0.95 are variations, 0.99 copies."),
        )
        .output("table", base::TEXT, "The neighbours as comma-separated values: picture, rank, nearest, similarity, duplicate.")
        .output("json", base::TEXT, "The same as JSON.")
        .output_list("items", base::INT, "The neighbours' item numbers, those of the first picture first.")
        .output_list("similarities", base::FLOAT, "How alike they are, in the same order.")
        .output_list("duplicates", base::TEXT, "Every pair that is nearly the same, in words.")
        .output("duplicate_count", base::INT, "How many such pairs there are.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_come_first_and_of_equals_the_earlier() {
        let all = vec![(0, 0.5), (1, 0.9), (2, 0.5), (3, -0.2), (4, 0.9)];
        assert_eq!(most_alike(all.clone(), 3), [(1, 0.9), (4, 0.9), (0, 0.5)]);
        assert_eq!(most_alike(all.clone(), 0), []);
        assert_eq!(most_alike(all.clone(), 9).len(), 5);
    }

    #[test]
    fn names_are_fields() {
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field("plain"), "plain");
    }
}
