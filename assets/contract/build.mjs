// Compiles the contracts and writes (or compares) their artifacts. Called by ./build, which fetches what it needs.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = process.argv[2];
const check = process.argv.includes("--check");
const solc = createRequire(join(modules, "x.js"))("solc");

// What these are set to decides the bytecode: change them and the artifact changes.
const settings = {
    optimizer: { enabled: true, runs: 2000 },
    // All networks that Kiln names have transient storage, and none needs more.
    evmVersion: "cancun",
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};
const targets = [
    { file: "KilnCollection.sol", from: "src", name: "KilnCollection", to: "KilnCollection.json" },
    { file: "Receiver.sol", from: "test", name: "Receiver", to: "test/Receiver.json" },
];

let differs = false;
for (const target of targets) {
    const read = { [target.file]: readFileSync(join(here, target.from, target.file), "utf8") };
    const input = {
        language: "Solidity",
        sources: { [target.file]: { content: read[target.file] } },
        settings,
    };
    const find = (path) => {
        const place = join(modules, path);
        if (!existsSync(place)) return { error: `${path} is not among the packages` };
        read[path] = readFileSync(place, "utf8");
        return { contents: read[path] };
    };
    const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
    const said = (output.errors ?? []).filter((e) => e.severity !== "info");
    // A library's warning is not ours to mend; a warning of our own file stops the build.
    const ours = said.filter((e) => e.severity === "error" || e.sourceLocation?.file === target.file);
    if (ours.length > 0) {
        for (const e of ours) console.error(e.formattedMessage);
        process.exit(1);
    }
    const built = output.contracts[target.file][target.name];
    const size = built.evm.deployedBytecode.object.length / 2;
    if (size > 24576) {
        console.error(`${target.name} has ${size} bytes, more than the 24576 a chain takes`);
        process.exit(1);
    }
    const sources = {};
    for (const path of Object.keys(read).sort()) {
        sources[path] = createHash("sha256").update(read[path]).digest("hex");
    }
    const artifact = {
        contractName: target.name,
        sourceName: target.file,
        compiler: solc.version(),
        settings: { optimizer: settings.optimizer, evmVersion: settings.evmVersion },
        sources,
        abi: built.abi,
        bytecode: "0x" + built.evm.bytecode.object,
        deployedBytecode: "0x" + built.evm.deployedBytecode.object,
    };
    const text = JSON.stringify(artifact, null, 1) + "\n";
    const place = join(here, target.to);
    if (check) {
        const there = existsSync(place) ? readFileSync(place, "utf8") : "";
        const same = there === text;
        differs ||= !same;
        console.log(`${target.to}: ${same ? `the same, ${size} bytes deployed` : "differs from its source"}`);
    } else {
        writeFileSync(place, text);
        console.log(`${target.to}: ${size} bytes deployed`);
    }
}
process.exit(differs ? 1 : 0);
