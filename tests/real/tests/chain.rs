//! The whole way, as a person goes it: a graph, pictures beside it, models in a folder that links to where they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod support;

use kiln_real::fetched;
use kiln_types::Image;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::{apart, fixture};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A link where there are links, else a copy.
fn link(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(from.canonicalize().unwrap(), to).unwrap();
    #[cfg(not(unix))]
    std::fs::copy(from, to).unwrap();
}

/// One channel of every pixel.
fn channel(image: &Image, n: usize) -> impl ExactSizeIterator<Item = f32> {
    image.data().chunks_exact(image.channels()).map(move |p| p[n])
}

#[test]
fn a_graph_cuts_out_and_enlarges() {
    let (Some(finder), Some(enlarger)) = (fetched("u2netp.onnx"), fetched("realesrgan-x2plus.onnx")) else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = |path: &str| room.path().join(path);
    std::fs::copy(here("graphs/cut-and-enlarge.ron"), at("graph.ron")).unwrap();
    for picture in ["scene_61x47.png", "portrait_97x131.png"] {
        std::fs::copy(here("fixtures").join(picture), at(picture)).unwrap();
    }
    link(&finder, &at("models/background_removal/u2netp.onnx"));
    link(&enlarger, &at("models/upscale_models/realesrgan-x2plus.onnx"));
    let (graph, out) = (at("graph.ron"), at("out"));
    let args = [
        "graph-run",
        graph.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--device",
        "cpu",
        "--no-cache",
        "-q",
    ];
    let code = graph_run::main(args.iter().map(Into::into));
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));

    let read = |name: &str| {
        let bytes = std::fs::read(out.join(name)).unwrap();
        kiln_codec::decode(&bytes, &kiln_codec::Limits::default()).unwrap().image
    };
    let (large, theirs) = (read("large.png"), fixture("realesrgan-x2plus.scene_61x47"));
    assert_eq!((large.width(), large.height(), large.channels()), (122, 94, 3));
    let (most, _) = apart(large.data().iter().copied(), theirs.data().iter().copied());
    assert!(most <= 1.5e-4, "{most}");

    // The colours stay; what was found is the alpha.
    let (alone, someone) = (read("alone.png"), fixture("portrait_97x131"));
    assert_eq!((alone.width(), alone.height(), alone.channels()), (97, 131, 4));
    for n in 0..3 {
        assert_eq!(apart(channel(&alone, n), channel(&someone, n)), (0.0, 0.0));
    }
    let (most, mean) = apart(channel(&alone, 3), channel(&fixture("u2netp.portrait_97x131"), 0));
    assert!(most * 255.0 < 1.01 && mean <= 1.5e-5, "{most}, {mean}");

    // Enlarged, its alpha is beside it: the middle of the pullover is there, the corner above is not.
    let both = read("large-alone.png");
    assert_eq!((both.width(), both.height(), both.channels()), (194, 262, 4));
    let alpha = |x, y| both.pixel(0, y, x)[3];
    assert!(alpha(91, 225) > 0.95 && alpha(5, 5) < 0.05, "{} and {}", alpha(91, 225), alpha(5, 5));
}
