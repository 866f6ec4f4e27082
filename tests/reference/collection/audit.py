"""The first two lines of an audit log, written by other hands than ours.

    python tests/reference/collection/audit.py > nodes/collection/tests/fixtures/audit.jsonl
"""

import hashlib
import json
import sys


def text(entry):
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


prev = "0" * 64
records = [("Ada", []), ('Bëla "B"', [hashlib.sha256(bytes([1, 0])).hexdigest()])]
for seq, (actor, subjects) in enumerate(records):
    entry = {
        "action": "approve",
        "actor": actor,
        "prev": prev,
        "seq": seq,
        "subjects": subjects,
        "time": 1_700_000_000_000 + seq,
    }
    prev = hashlib.sha256(text(entry).encode()).hexdigest()
    sys.stdout.buffer.write((text({**entry, "hash": prev}) + "\n").encode())
