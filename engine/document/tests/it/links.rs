//! The grammar of links.

use kiln_document::{Link, LinkError, ParamRef};
use proptest::prelude::*;

use crate::{arbitrary::name, fixtures::turns};

#[test]
fn as_people_write_them() {
    let cases = [
        ("paper.image", "paper", "image", 0),
        ("57:8.MODEL", "57:8", "MODEL", 0),
        ("v1.5 model.image", "v1.5 model", "image", 0),
        (r"v1\.5 model.image", "v1.5 model", "image", 0),
        (r"node.a\.b", "node", "a.b", 0),
        ("node.IMAGE#2", "node", "IMAGE", 1),
        ("node.IMAGE#1", "node", "IMAGE", 0),
        (r"node.IMAGE\#2", "node", "IMAGE#2", 0),
        ("KSampler #2.image", "KSampler #2", "image", 0),
        ("$.image", "$", "image", 0),
        (r"\$x.image", "$x", "image", 0),
        (r"a\\.b", r"a\", "b", 0),
        ("a/b c.日本", "a/b c", "日本", 0),
    ];
    for (text, node, port, nth) in cases {
        let link: Link = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((link.node.as_str(), link.port.as_str(), link.nth), (node, port, nth), "{text}");
        assert_eq!(link.to_string().parse::<Link>().unwrap(), link, "{text}");
    }
}

#[test]
fn refused() {
    type Refusal = fn(String) -> LinkError;
    let cases: [(&str, Refusal); 13] = [
        ("", LinkError::NoDot),
        ("paper", LinkError::NoDot),
        (r"paper\.image", LinkError::NoDot),
        (".image", LinkError::NoNode),
        ("paper.", LinkError::NoPort),
        ("paper.#2", LinkError::NoPort),
        ("paper.image#", LinkError::Number),
        ("paper.image#0", LinkError::Number),
        ("paper.image#+2", LinkError::Number),
        ("paper.image#9999999999", LinkError::Number),
        (r"pa\per.image", LinkError::Escape),
        ("paper.image\\", LinkError::Escape),
        (r"\$.image", LinkError::Reserved),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<Link>(), Err(error(text.to_owned())), "{text}");
    }
    assert_eq!("$.size".parse::<ParamRef>(), Err(LinkError::NoParams("$.size".into())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: turns(1024, 100_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn round_trip(node in name(), port in name(), nth in prop_oneof![Just(0), any::<u32>()]) {
        let link = Link { node: node.clone(), port: port.clone(), nth };
        prop_assert_eq!(link.to_string().parse::<Link>(), Ok(link));
        if node != "$" {
            let param = ParamRef { node, param: port };
            prop_assert_eq!(param.to_string().parse::<ParamRef>(), Ok(param));
        }
    }

    #[test]
    fn what_is_read_is_written_so_that_it_reads_the_same(text in r"[a.\\#$0-9]{0,8}") {
        if let Ok(link) = text.parse::<Link>() {
            prop_assert_eq!(link.to_string().parse::<Link>(), Ok(link));
        }
    }
}
