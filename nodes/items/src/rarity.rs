//! How rare items are, counted from the traits they were made from.

use crate::values::{AssignmentValue, ItemRarity, RarityValue, Traits, names as own, take, taken};
use kiln_collection::rarity::{Census, Measure, Options};
use kiln_core::{Cx, Kind, Node, NodeError, Param};
use kiln_types::{Value, names};

/// Above so many items no table is written.
const MOST_ROWS: usize = 200_000;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![rarity(), rarity_of()]
}

const MEASURES: [(&str, Measure); 4] = [
    ("OpenRarity", Measure::Open),
    ("rarity score", Measure::Score),
    ("statistical", Measure::StatisticalBits),
    ("average", Measure::Average),
];

/// A tier: its name, and how many of the items it reaches down to.
fn tiers(cx: &Cx<'_>, size: usize) -> Result<Vec<(String, u64)>, NodeError> {
    let mut made: Vec<(String, u64)> = Vec::new();
    for line in cx.list("tiers")?.iter() {
        let Value::Text(line) = line else { continue };
        let bad = |what: &str| NodeError::new(format!("the tier {line:?}: {what}")).at("tiers");
        let (name, reach) = match line.rsplit_once(':') {
            Some((name, reach)) => (name.trim(), reach.trim()),
            None => (line.trim(), "100%"),
        };
        if name.is_empty() {
            return Err(bad("it has no name; write it like \"Legendary: 1%\""));
        }
        let size = size as u64;
        let up_to = match reach.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 =
                    percent.trim().parse().map_err(|_| bad("write it like \"Legendary: 1%\""))?;
                if !(0.0..=100.0).contains(&percent) {
                    return Err(bad("a share lies between 0 and 100%"));
                }
                // At least one item, where there is a share at all.
                let exact = percent / 100.0 * size as f64;
                if percent > 0.0 { (exact.round_ties_even() as u64).max(1) } else { 0 }
            }
            None => reach.parse().map_err(|_| bad("write it like \"Legendary: 1%\" or \"Legendary: 10\""))?,
        };
        if made.last().is_some_and(|(_, before)| *before > up_to) {
            return Err(bad(
                "it ends before the one above it; the rarest comes first, and each reaches further down",
            ));
        }
        if made.iter().any(|(known, _)| known == name) {
            return Err(bad("it stands there twice"));
        }
        made.push((name.to_owned(), up_to));
    }
    Ok(made)
}

/// The tier of a rank. Items that share a rank share a tier.
fn tier_of(tiers: &[(String, u64)], rank: u64) -> String {
    tiers.iter().find(|(_, up_to)| rank <= *up_to).map(|(name, _)| name.clone()).unwrap_or_default()
}

fn counted(numbers: &[u64], census: &Census, by: Measure, tiers: Vec<(String, u64)>) -> RarityValue {
    let ranked = census.open_rarity();
    let mut open = vec![(0, 0.0); census.len()];
    for one in &ranked {
        open[one.item] = (one.rank, one.score);
    }
    let (scores, bits) = (census.scores(Measure::Score), census.scores(Measure::StatisticalBits));
    let (average, ranks) = (census.scores(Measure::Average), census.ranks(by));
    let mut items: Vec<ItemRarity> = numbers
        .iter()
        .enumerate()
        .map(|(at, item)| ItemRarity {
            item: *item,
            rank: ranks[at],
            open_rank: open[at].0,
            open: open[at].1,
            score: scores[at],
            statistical_bits: bits[at],
            average: average[at],
            unique: census.unique(at),
            tier: tier_of(&tiers, ranks[at]),
        })
        .collect();
    items.sort_by_key(|i| i.item);
    RarityValue { items, tiers }
}

fn rarity() -> Node {
    Node::pure("Rarity", 1, |cx| {
        let options = Options { trait_count: cx.bool("trait_count")? };
        let word = cx.text("rank_by")?;
        let by = MEASURES.iter().find(|(name, _)| **name == *word).map_or(Measure::Open, |m| m.1);
        let (numbers, census) = if cx.has("traits") {
            let gathered = cx.items("traits")?;
            let mut numbers = Vec::with_capacity(gathered.len());
            let mut all: Vec<Vec<(String, String)>> = Vec::with_capacity(gathered.len());
            for at in 0..gathered.len() {
                cx.pause()?;
                let Value::Object(object) = gathered.get(at)? else {
                    return Err(NodeError::new("it collects Traits").at("traits"));
                };
                let traits = taken::<Traits>(object, "traits")?;
                all.push(traits.shown().map(|(g, v)| (g.to_owned(), v.to_owned())).collect());
                numbers.push(gathered.item(at).unwrap_or(at as u64));
            }
            let pairs = all.iter().map(|item| item.iter().map(|(g, v)| (g.as_str(), v.as_str())));
            let census = Census::new(pairs, options);
            (numbers, census)
        } else if cx.has("assignment") {
            let value = take::<AssignmentValue>(cx, "assignment")?;
            let (plan, made) = (&value.plan.plan, &value.assignment);
            let item = |item: usize| {
                let values = made.item(item).into_iter();
                plan.groups
                    .iter()
                    .zip(values)
                    .filter(|(group, _)| !group.hidden)
                    .filter_map(|(group, value)| Some((group.shown(), group.values.get(value?)?.shown())))
            };
            let census = Census::new((0..made.len()).map(item), options);
            ((0..made.len() as u64).collect(), census)
        } else {
            return Err(NodeError::new("there is nothing to count")
                .at("assignment")
                .hint("link AssignTraits.assignment, or the traits of all items"));
        };
        if census.is_empty() {
            return Err(NodeError::new("there are no items to count").at("traits"));
        }
        let made = counted(&numbers, &census, by, tiers(cx, census.len())?);
        cx.set("table", table(&made).as_str());
        cx.set("count", i64::try_from(made.items.len()).unwrap_or(i64::MAX));
        cx.set("entropy", census.entropy());
        cx.set("rarity", made);
        Ok(())
    })
    .title("Rarity")
    .category("collection/rarity")
    .doc(
        "How rare every item is, from the traits it was made from: OpenRarity's score and rank, rarity score, \
         statistical and average rarity, and tiers by rank. From AssignTraits it is known before anything is made; \
         from the traits of all items it counts what was made in the end, after gates left some out.",
    )
    .optional("assignment", own::TRAIT_ASSIGNMENT, "Who has what, as it was assigned.")
    .optional_gather("traits", own::TRAITS, "The traits of each item that was made; they count where both are linked.")
    .param(Param::choice("rank_by", &MEASURES.map(|m| m.0)).doc("By which measure items are ranked."))
    .param(Param::bool("trait_count", true).doc("The number of traits is a trait itself, as OpenRarity has it."))
    .param(
        Param::list("tiers", Kind::Text { multiline: false })
            .default(Value::list(
                ["Legendary: 1%", "Epic: 5%", "Rare: 15%", "Uncommon: 40%", "Common"].map(Value::from).to_vec(),
            ))
            .doc(
                "Names for ranks, the rarest first, and how far down each reaches: \"Legendary: 1%\" of all items, or \
                 \"Legendary: 10\" items. Items of one rank share a tier.",
            ),
    )
    .output("rarity", own::RARITY, "How rare each item is, for RarityOf and metadata.")
    .output("table", names::TEXT, "The same as a CSV table.")
    .output("entropy", names::FLOAT, "What an item's traits tell on average, in bits.")
    .output("count", names::INT, "How many items were counted.")
}

fn table(rarity: &RarityValue) -> String {
    let mut text =
        "item,rank,tier,open_rarity,open_rank,rarity_score,statistical_bits,average,unique_traits\n"
            .to_owned();
    for i in rarity.items.iter().take(MOST_ROWS) {
        let tier = if i.tier.contains([',', '"', '\n']) {
            format!("\"{}\"", i.tier.replace('"', "\"\""))
        } else {
            i.tier.clone()
        };
        text.push_str(&format!(
            "{},{},{tier},{:.6},{},{:.4},{:.4},{:.6},{}\n",
            i.item, i.rank, i.open, i.open_rank, i.score, i.statistical_bits, i.average, i.unique
        ));
    }
    text
}

fn rarity_of() -> Node {
    Node::pure("RarityOf", 1, |cx| {
        let rarity = take::<RarityValue>(cx, "rarity")?;
        let item = match cx.item() {
            Some(info) => info.item,
            None => cx.count("without")? as u64,
        };
        let own = rarity.item(item).ok_or_else(|| {
            NodeError::new(format!("item {item} was not counted"))
                .at("rarity")
                .hint("count all items that are made")
        })?;
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        cx.set("rank", whole(own.rank));
        cx.set("tier", own.tier.as_str());
        cx.set("percent", own.rank as f64 / rarity.items.len().max(1) as f64 * 100.0);
        cx.set("open_rarity", own.open);
        cx.set("open_rank", whole(own.open_rank));
        cx.set("rarity_score", own.score);
        cx.set("statistical_bits", own.statistical_bits);
        cx.set("average", own.average);
        cx.set("unique", whole(own.unique));
        Ok(())
    })
    .title("Rarity of the item")
    .category("collection/rarity")
    .doc("How rare the item is that is being made.")
    .input("rarity", own::RARITY, "How rare all items are, from Rarity.")
    .param(Param::int("without", 0, 0..=i64::MAX).doc("Which item it is when the graph runs without items."))
    .output("rank", names::INT, "Its rank, 1 for the rarest.")
    .output("tier", names::TEXT, "Its tier.")
    .output("percent", names::FLOAT, "Its rank in percent of all items.")
    .output("open_rarity", names::FLOAT, "OpenRarity's score: 1 is as much as items tell on average.")
    .output("open_rank", names::INT, "OpenRarity's rank.")
    .output("rarity_score", names::FLOAT, "The sum of 1/frequency over its traits.")
    .output(
        "statistical_bits",
        names::FLOAT,
        "The product of its traits' frequencies, in bits: one more is half as likely.",
    )
    .output("average", names::FLOAT, "The mean frequency of its traits.")
    .output("unique", names::INT, "How many of its traits nobody else has.")
    .uses_item(|_| true)
    .by_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_tiers() {
        let items: Vec<Vec<(&str, &str)>> = (0..100)
            .map(|n| {
                vec![(
                    "Hat",
                    if n == 42 {
                        "Crown"
                    } else if n % 3 == 0 {
                        "Cap"
                    } else {
                        "Hood"
                    },
                )]
            })
            .collect();
        let census = Census::new(items, Options::default());
        let numbers: Vec<u64> = (0..100).collect();
        let tiers = vec![("Legendary".to_owned(), 1), ("Rare".to_owned(), 40), ("Common".to_owned(), 100)];
        let made = counted(&numbers, &census, Measure::Open, tiers);
        let of = |item: u64| made.item(item).unwrap();
        assert_eq!((of(42).rank, of(42).tier.as_str(), of(42).unique), (1, "Legendary", 1));
        assert_eq!((of(0).rank, of(0).tier.as_str()), (2, "Rare"));
        assert_eq!((of(1).rank, of(1).tier.as_str()), (35, "Rare"));
        assert!(made.item(100).is_none());
        assert_eq!(table(&made).lines().count(), 101);
    }
}
