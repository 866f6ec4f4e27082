"""Reference numbers for rarity, from OpenRarity's own implementation.

    pip install open-rarity==0.7.5
    python tests/reference/collection/rarity.py > nodes/collection/tests/fixtures/rarity.json

Small collections of every sort: ties, missing traits, capitals and spaces, the words "none" and "", one item, all
alike. For each item: score, rank, how many of its traits are unique, and the scores of OpenRarity's other formulas
without normalisation.
"""

import json
import random

from open_rarity.models.collection import Collection
from open_rarity.models.token import Token
from open_rarity.models.token_identifier import EVMContractTokenIdentifier
from open_rarity.models.token_metadata import TokenMetadata
from open_rarity.models.token_standard import TokenStandard
from open_rarity.rarity_ranker import RarityRanker
from open_rarity.scoring.handlers.arithmetic_mean_scoring_handler import ArithmeticMeanScoringHandler
from open_rarity.scoring.handlers.geometric_mean_scoring_handler import GeometricMeanScoringHandler
from open_rarity.scoring.handlers.harmonic_mean_scoring_handler import HarmonicMeanScoringHandler
from open_rarity.scoring.handlers.sum_scoring_handler import SumScoringHandler


def token(number, traits):
    return Token(
        token_identifier=EVMContractTokenIdentifier(contract_address="0x0", token_id=number),
        token_standard=TokenStandard.ERC721,
        metadata=TokenMetadata.from_attributes(dict(traits)),
    )


def reference(items):
    collection = Collection(tokens=[token(at, traits) for at, traits in enumerate(items)])
    ranked = RarityRanker.rank_collection(collection)
    by_id = {r.token.token_identifier.token_id: r for r in ranked}
    other = {
        "sum": SumScoringHandler(normalized=False),
        "arithmetic": ArithmeticMeanScoringHandler(normalized=False),
        "geometric": GeometricMeanScoringHandler(normalized=False),
        "harmonic": HarmonicMeanScoringHandler(normalized=False),
    }
    scores = {name: handler.score_tokens(collection, collection.tokens) for name, handler in other.items()}
    return [
        {
            "score": float(by_id[at].score),
            "rank": by_id[at].rank,
            "unique": by_id[at].token_features.unique_attribute_count,
            **{name: float(values[at]) for name, values in scores.items()},
        }
        for at in range(len(items))
    ]


def random_items(rng, count, groups, missing, words):
    items = []
    for _ in range(count):
        traits = {}
        for group in range(groups):
            if rng.random() >= missing:
                traits[f"group {group}"] = words[min(int(rng.expovariate(0.6)), len(words) - 1)]
        items.append(traits)
    return items


def cases():
    rng = random.Random(7)
    plain = ["a", "b", "c", "d", "e", "f"]
    yield "one item", [{"hat": "cap", "eye": "red"}]
    yield "one item without traits", [{}]
    yield "all alike", [{"hat": "cap"}] * 5
    yield "all different", [{"hat": str(n)} for n in range(6)]
    yield "capitals and spaces", [{"Hat": "Cap"}, {"hat ": " cap "}, {"HAT": "Crown"}, {"hat": "CAP", "Eye": "Red"}]
    yield "words for nothing", [{"hat": "None"}, {"hat": "none"}, {"hat": ""}, {"hat": "cap"}, {}]
    yield "ties", [{"a": x, "b": y} for x in "xyz" for y in "xyz"] + [{"a": "x"}, {"b": "x"}]
    # Different counts with the same product: scores that are equal but for rounding.
    yield "equal products", [
        {"a": a, "b": b} for a, b in zip("x" * 2 + "y" * 6 + "z" * 4, "p" * 1 + "q" * 3 + "r" * 6 + "s" * 2)
    ]
    yield "many", random_items(rng, 60, 5, 0.0, plain)
    yield "many with missing", random_items(rng, 60, 6, 0.3, plain)
    yield "sparse", random_items(rng, 40, 8, 0.8, plain + ["None"])


def main():
    made = [{"name": name, "items": items, "reference": reference(items)} for name, items in cases()]
    print("[\n" + ",\n".join(json.dumps(case) for case in made) + "\n]")


main()
