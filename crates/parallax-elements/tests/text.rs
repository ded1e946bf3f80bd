//! The text of pipelines: what parses, what the errors point at, and that printing and parsing are inverse.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests fail by panicking, in their helpers too"
)]

use parallax_elements::{parse, registry};
use parallax_pipeline::{Pipeline, State};
use proptest::prelude::*;

/// What a pipeline is, whatever its text: elements with their parameters, and links.
fn essence(pipeline: &Pipeline) -> (Vec<String>, Vec<String>) {
    let mut names: Vec<String> = pipeline.names().map(str::to_owned).collect();
    names.sort_unstable();
    (names, pipeline.links())
}

#[test]
fn names_branches_pads_caps_comments_and_aliases() {
    let pipeline = parse(
        "fakesrc num_buffers=3 name=s   # the source
         ! tee name=t ! queue ! identity ! sink name=a   # the first branch
         t.src_2 ! bytes ! queue leaky=downstream max_time=5ms ! nullsink
         t. ! sink",
    )
    .unwrap();
    assert_eq!(
        pipeline.links(),
        [
            "capsfilter0.src ! queue1",
            "passthrough0.src ! a",
            "queue0.src ! passthrough0",
            "queue1.src ! nullsink0",
            "s.src ! t",
            "t.src_0 ! queue0",
            "t.src_1 ! fakesink0",
            "t.src_2 ! capsfilter0",
        ]
    );
    assert_eq!(
        pipeline.to_text(),
        "fakesrc num_buffers=3 name=s ! tee name=t ! queue ! passthrough ! fakesink name=a \
         t.src_1 ! fakesink t.src_2 ! bytes ! queue max_time=5ms leaky=downstream ! nullsink"
    );
}

#[test]
fn a_name_may_stand_before_its_element_and_end_a_chain() {
    let pipeline = parse("fakesrc ! later. queue name=later ! fakesink").unwrap();
    assert_eq!(
        pipeline.links(),
        ["fakesrc0.src ! later", "later.src ! fakesink0"]
    );
    assert_eq!(essence(&parse(&pipeline.to_text()).unwrap()), essence(&pipeline));
}

#[test]
fn bins_are_written_in_parentheses_and_stand_in_each_other() {
    let pipeline = parse(
        "fakesrc num_buffers=7 ! bin.( name=work queue ! ( identity ! valve skip=2 ) ) ! tee name=t ! fakesink
         t. ! ( name=late nullsink ) fakesrc num_buffers=1 ! also. ( name=also queue ! fakesink )",
    )
    .unwrap();
    assert_eq!(
        pipeline.links(),
        [
            "fakesrc0.src ! queue0",
            "fakesrc1.src ! queue1",
            "passthrough0.src ! valve0",
            "queue0.src ! passthrough0",
            "queue1.src ! fakesink1",
            "t.src_0 ! fakesink0",
            "t.src_1 ! nullsink0",
            "valve0.src ! t",
        ]
    );
    let printed = pipeline.to_text();
    assert!(
        printed.contains("( name=work queue") && printed.contains("( name=late nullsink"),
        "{printed}"
    );
    let again = parse(&printed).unwrap();
    assert_eq!(essence(&again), essence(&pipeline), "{printed}");
    assert_eq!(again.to_text(), printed);
    // A frame for each, one of them inside another.
    assert_eq!(again.to_dot().matches("subgraph cluster_").count(), 4);
    let mut pipeline = again;
    pipeline.run().unwrap();
    let packets = |name: &str| {
        pipeline
            .stats()
            .elements
            .iter()
            .find(|element| element.name == name)
            .unwrap()
            .packets
    };
    assert_eq!(
        (packets("nullsink0"), packets("fakesink0"), packets("fakesink1")),
        (5, 5, 1)
    );
}

/// Text, what the error says, and the text behind the place that it points at.
#[test]
fn errors_point_at_the_character() {
    for (text, says, place) in [
        ("", "the text ends here", ""),
        ("fakesrc ! ", "the text ends here", ""),
        ("fakesrc ! ( queue ! fakesink", "the text ends inside a bin", ""),
        (
            "fakesrc ! ( ) ! fakesink",
            "a bin without elements",
            ") ! fakesink",
        ),
        (
            &format!("fakesrc ! {} queue", "( ".repeat(17)),
            "bins more than 16 deep",
            "queue",
        ),
        (
            "fakesrc pool=gold ! fakesink",
            "known: heap, huge, shared",
            "gold ! fakesink",
        ),
        ("fakesrc ! fakesink )", "`)` without `(`", ")"),
        (
            "fakesrc ! ( queue ! ) ! fakesink",
            "`)` cannot stand in a name",
            ") ! fakesink",
        ),
        (
            "fakesrc ! ( name=a queue ) ! fakesink name=a",
            "two elements are called `a`",
            "a",
        ),
        ("fakesrc ! fakesnk", "did you mean `fakesink`?", "fakesnk"),
        (
            "fakesrc nmu_buffers=3 ! fakesink",
            "did you mean `num_buffers`?",
            "nmu_buffers=3",
        ),
        ("fakesrc num_buffers=-3 ! fakesink", "at least 0", "-3 ! fakesink"),
        (
            "fakesrc name=a ! fakesink name=a",
            "two elements are called `a`",
            "a",
        ),
        (
            "fakesrc name=1 ! fakesink",
            "cannot be an element's name",
            "1 ! fakesink",
        ),
        (
            "fakesrc ! queue name=q ! fakesink w. ! fakesink",
            "no element is called `w`",
            "w. !",
        ),
        (
            "fakesrc ! tee name=tea ! fakesink te. ! fakesink",
            "did you mean `tea`?",
            "te. !",
        ),
        (
            "fakesrc ! tee name=t ! fakesink t.src_999 ! fakesink",
            "no such output pad",
            "src_999",
        ),
        (
            "fakesrc ! queue name=q ! fakesink q. ! fakesink",
            "its output is linked already",
            "! fakesink",
        ),
        ("fakesrc ! fakesrc ! fakesink", "begins a stream", "! fakesrc"),
        ("fakesrc ! fakesink ! fakesink", "ends the stream", "! fakesink"),
        (
            "fakesrc ! events,width=x..3 ! fakesink",
            "does not parse",
            "events,width",
        ),
        (
            "fakesrc ! events,wdth=3 ! fakesink",
            "have no such field",
            "events,wdth",
        ),
        ("fakesrc ! a. ! fakesink name=a", "ends a chain", "! fakesink"),
        ("fakesrc = fakesink", "`=` stands here", "= fakesink"),
        (
            "fakesrc ! \"fakesink\"",
            "a quoted text stands here",
            "\"fakesink\"",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
        let lines: Vec<&str> = error.lines().collect();
        let [.., shown, caret] = lines[..] else {
            unreachable!("{error}")
        };
        let column = caret.chars().take_while(|&c| c != '^').count();
        let pointed: String = shown.chars().skip(column).collect();
        assert!(
            pointed.starts_with(place),
            "{text}: points at {pointed:?}, not {place:?}"
        );
    }
}

#[test]
fn too_many_elements_are_refused_and_the_most_run() {
    let chain = |count: usize| format!("fakesrc num_buffers=2 ! {} fakesink", "identity ! ".repeat(count));
    let error = parse(&chain(1000)).unwrap_err().to_string();
    assert!(error.contains("more than 1000 elements"), "{error}");
    parse(&chain(998)).unwrap().run().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_a_pool_is_the_pipelines_or_the_elements() {
    let text = "fakesrc num_buffers=1 pool=shared ! fakesink";
    assert_eq!(parse(text).unwrap().to_text(), text);
    for (text, is_shared) in [(text, true), ("fakesrc num_buffers=1 ! fakesink", false)] {
        let (sink, receiver) = parallax_elements::app_sink(1);
        let mut pipeline = Pipeline::new();
        pipeline.add("out", sink).unwrap();
        let text = text.replace("fakesink", "out.");
        let mut pipeline = pipeline.with_text(&text, registry()).unwrap();
        pipeline.set_state(State::Playing).unwrap();
        let packet = receiver.receive().unwrap();
        let parallax_pipeline::Payload::Bytes(bytes) = &packet.payload else {
            panic!("no bytes")
        };
        // A mapping of a memfd is called so where the process lists its memory.
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let address = bytes.as_ptr() as u64;
        let line = maps.lines().find(|line| {
            let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            (u64::from_str_radix(from, 16).unwrap()..u64::from_str_radix(to, 16).unwrap()).contains(&address)
        });
        assert_eq!(line.unwrap().contains("memfd:"), is_shared, "{line:?}");
    }
}

/// A random tree of elements, as text with every name given.
fn trees() -> impl Strategy<Value = String> {
    let middle = prop::sample::select(vec![
        "queue",
        "identity",
        "passthrough",
        "queue leaky=upstream max_buffers=3",
        "valve skip=2",
        "bytes",
        "queue max_time=1500us",
    ]);
    let chain = prop::collection::vec(middle, 0..4);
    (
        chain.clone(),
        prop::collection::vec((chain, 0..4_usize, any::<bool>()), 0..6),
    )
        .prop_map(|(first, branches)| {
            // Every second piece of a chain that has one stands in a bin, the longer ones in two.
            let part = |chain: &[&str]| match chain {
                [first, rest @ ..] if chain.len().is_multiple_of(2) => {
                    format!("( ( {first} ) ! {} ) ! ", rest.join(" ! "))
                }
                chain => chain.iter().map(|part| format!("{part} ! ")).collect::<String>(),
            };
            let mut text = format!("fakesrc num_buffers=5 ! {}tee name=t0 ! fakesink", part(&first));
            for (index, (chain, from, tee)) in branches.iter().enumerate() {
                let from = from % (index + 1);
                let end = if *tee {
                    format!("tee name=t{} ! nullsink", index + 1)
                } else {
                    format!("tee name=t{} ! fakesink name=s{index}", index + 1)
                };
                text.push_str(&format!(" t{from}. ! {}{end}", part(chain)));
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

    #[test]
    fn printing_and_parsing_are_inverse(text in trees()) {
        let first = parse(&text).unwrap();
        let printed = first.to_text();
        let second = parse(&printed).unwrap();
        prop_assert_eq!(essence(&first), essence(&second), "{} became {}", &text, &printed);
        prop_assert_eq!(&printed, &second.to_text());
    }

    /// Every sink gets exactly what its path lets through.
    #[test]
    fn every_sink_receives_what_its_path_implies(text in trees()) {
        // Queues that leak depend on time.
        let mut pipeline = parse(&text.replace("leaky=upstream", "")).unwrap();
        pipeline.run().unwrap();
        let links = pipeline.links();
        let stats = pipeline.stats();
        for element in stats.elements.iter().filter(|e| e.name.contains("sink") || e.name.starts_with('s')) {
            let mut at = element.name.clone();
            let mut valves = 0;
            while let Some(before) = links.iter().find_map(|link| link.strip_suffix(&format!(" ! {at}"))) {
                at = before.split('.').next().unwrap().to_owned();
                valves += u64::from(at.starts_with("valve"));
            }
            // Each valve drops the first two that reach it.
            prop_assert_eq!(element.packets, 5_u64.saturating_sub(2 * valves), "{} of {}", &element.name, &text);
        }
        prop_assert!(stats.pools.iter().all(|(_, pool)| pool.in_use == 0));
    }

    /// No text panics, and one that parses prints as one that parses.
    #[test]
    fn any_text_is_a_pipeline_or_an_error(text in "[a-z!.,=#\"' 0-9\n_-]{0,60}|(fakesrc|tee name=t|t\\.|queue|!|fakesink|\\( |bin.\\( name=b |\\) |events,width=3| ){0,14}") {
        if let Ok(pipeline) = Pipeline::parse(&text, registry()) {
            let printed = pipeline.to_text();
            prop_assert_eq!(essence(&parse(&printed).unwrap()), essence(&pipeline), "{}", printed);
            prop_assert_eq!(pipeline.state(), State::Null);
        }
    }
}

#[test]
fn graphviz_gets_every_element_and_link() {
    let mut pipeline = parse("fakesrc num_buffers=2 ! tee name=t ! queue ! fakesink t. ! nullsink").unwrap();
    pipeline.run().unwrap();
    let dot = pipeline.to_dot();
    assert_eq!(
        (dot.matches(" -> ").count(), dot.matches("label=").count()),
        (4, 9),
        "{dot}"
    );
    assert!(
        dot.contains("label=\"bytes\"") && dot.contains("2 packets"),
        "{dot}"
    );
}

#[test]
fn a_name_alone_is_no_pipeline() {
    for text in ["t.", "fakesrc ! fakesink name=t t."] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("`t.` alone links nothing"), "{error}");
    }
}
