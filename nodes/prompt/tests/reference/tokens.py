"""Makes tests/fixtures/clip_ids.json: ids of varied texts by other people's CLIP tokenizers.

Two references, both with the vocabulary that the package open_clip_torch carries:

* `hf`: CLIPTokenizer of transformers 5 (as ComfyUI loads it: vocab.json, merges.txt and the marks
  as normalised special tokens), without start and end.
* `open_clip`: SimpleTokenizer of open_clip with its cleaning replaced by lower-casing and collapsed
  whitespace: no ftfy, no HTML.

    pip install open_clip_torch==3.3.0 transformers tokenizers regex
    python tokens.py ../fixtures/clip_ids.json
"""
import gzip
import importlib.util
import json
import os
import random
import sys
import tempfile

import regex as re
from transformers import CLIPTokenizer

PACKAGE = importlib.util.find_spec("open_clip").submodule_search_locations[0]
VOCABULARY = os.path.join(PACKAGE, "bpe_simple_vocab_16e6.txt.gz")


def byte_letters():
    """The letter that stands for each byte, in the vocabulary's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    letters.update({byte: chr(256 + at) for at, byte in enumerate(rest)})
    return letters


LETTERS = byte_letters()
MERGES = [tuple(line.split()) for line in gzip.open(VOCABULARY).read().decode().split("\n")[1:48895]]
WORDS = [*LETTERS.values(), *(letter + "</w>" for letter in LETTERS.values())]
WORDS += ["".join(pair) for pair in MERGES] + ["<|startoftext|>", "<|endoftext|>"]
IDS = {word: at for at, word in enumerate(WORDS)}
assert len(IDS) == 49408


def transformers_tokenizer():
    mark = lambda text: {"__type": "AddedToken", "content": text, "lstrip": False,
                         "normalized": True, "rstrip": False, "single_word": False}
    config = {"tokenizer_class": "CLIPTokenizer", "add_prefix_space": False, "do_lower_case": True,
              "errors": "replace", "model_max_length": 8192, "bos_token": mark("<|startoftext|>"),
              "eos_token": mark("<|endoftext|>"), "unk_token": mark("<|endoftext|>"),
              "pad_token": "<|endoftext|>"}
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/vocab.json", "w") as out:
            json.dump(IDS, out)
        with open(f"{folder}/merges.txt", "w") as out:
            out.write("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in MERGES) + "\n")
        with open(f"{folder}/tokenizer_config.json", "w") as out:
            json.dump(config, out)
        return CLIPTokenizer.from_pretrained(folder)


def open_clip_tokenizer():
    """open_clip's class without importing the package's torch code, its cleaning replaced."""
    path = os.path.join(PACKAGE, "tokenizer.py")
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        tokenizer = module.SimpleTokenizer(bpe_path=VOCABULARY)
    except ImportError as error:
        raise SystemExit(f"open_clip's tokenizer does not load: {error}")
    tokenizer.clean_fn = lambda text: re.sub(r"\s+", " ", text).strip().lower()
    return tokenizer


def texts():
    rng = random.Random(33)
    fixed = [
        "", " ", "a", "a photo of a cat", "Hello  WORLD!!", "masterpiece, best quality",
        "Café ☕ naïve — 猫", "猫犬", "日本語のテキスト", "한국어 텍스트", "Привет, мир!", "γειά σου Κόσμε",
        "ΟΔΟΣ ΣΑΣ", "İstanbul ISPARTA ı", "STRASSE straße ẞ", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก",
        "e\u0301te\u0301 cafe\u0301", "A\u030angstro\u0308m", "ﬁne ﬂow", "Ⅷ ⅷ ½ ² ①", "１２３ ABC", "٣٤٥",
        "don't DON'T can't I'm we're they've she'll he'd it's", "'s 't 're' 'm''ll", "’s “quoted” ‘x’",
        "rock 'n' roll", "o'clock", "x'sy", "123456", "3.14159", "1st 2nd", "a1b2c3", "1.5:2", "2024-01-31",
        "!!!", "...", "?!?!", "-----", "=== === ===", "@user #tag $5 100% ^ & * ( ) _ + [ ] { } | \\ / < > ~ `",
        "<html>&amp;&lt;b&gt;", "http://example.com/a?b=c&d=e", "😀", "😀😀😀😂🔥❤️", "👨‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "👍🏽",
        "a\u200bb", "a\u00a0b", "a\u3000b", "a\u2028b", "a\u0085b", "a\tb\nc\r\nd", "\ta ", "a\x07b", "a\x00b",
        "a\x1cb\x1db", "a\x7fb", "a\u00adb", "\ufeffa", "a\ufffdb", "\ufffd\ufffd", "\U0001f9ff\U000e0041",
        "<|endoftext|>", "a <|startoftext|> b", "<|ENDOFTEXT|> x", "<start_of_text>", "<|endoftext", "a<|endoftext|>b",
        "supercalifragilisticexpialidocious", "x" * 300, "ab" * 150, "!" * 200, "é" * 100, "猫" * 60, "🔥" * 50,
        "donaudampfschifffahrtsgesellschaftskapitänsmütze", "snake_case camelCase kebab-case", "C++ C# .NET",
        "(((deep))) [b] {c}", "a  ,  b", "ǅ ǆ Ǆ", "K Å Ω", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "\u1e9e\u0130\u03a3", "ß", "﷽", "ᏣᎳᎩ ꭰ",
        "ไทยข้อความ", "দুঃখ", "Việt Nam", "Zażółć gęślą jaźń", "ő ű", "\u0345\u03b1\u0345", "ａｂｃ", "㍿ ㌔",
    ]
    alphabets = [
        "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZabc   ", "0123456789 .,:-", "äöüßéèêçñåøæœ ÄÖÜÉ",
        "'\"’“”-—…!?,.;: ast", "абвгдежзийклмнопрстуфхцчшщъыьэюя АБВ", "的一是不了人我在有他这为之大来以个中上们 ，。",
        "あいうえおかきくけこアイウエオ漢字 ー。", "가나다라마바사아자차카타파하 한글", "😀😁😂🤣😃😄😅😆😉😊🔥❤️✨👍🏽 ",
        "\x00\x01\x02\x08\x0b\x0c\x0e\x1f\x7f\x80\x9f ab", "αβγδεζηθικλμνξοπρστυφχψωςΣ Α", "אבגדהוזחטיכלמנסעפצקרשת ",
        "\u0301\u0308\u030a\u0327aeouc ", "½²³①Ⅳ٣५ 12", "\u200b\u200d\u00a0\u3000\u2009\u00ad ab", "()[]{}<>|\\/@#$%^&*_+=~`",
    ]
    while len(fixed) < 300:
        letters = rng.choice(alphabets) + (rng.choice(alphabets) if rng.random() < 0.3 else "")
        fixed.append("".join(rng.choice(letters) for _ in range(rng.randrange(1, 60))))
    return fixed


def main():
    hf, oc = transformers_tokenizer(), open_clip_tokenizer()
    rows = []
    for text in texts():
        row = {"text": text, "hf": hf(text)["input_ids"][1:-1]}
        other = oc.encode(text)
        if other != row["hf"]:
            row["open_clip"] = other
        rows.append(row)
    with open(sys.argv[1], "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    print(len(rows), "texts,", sum("open_clip" in row for row in rows), "where the two references differ")


main()
