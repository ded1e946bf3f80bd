//! What the declarations of a registry rely on: every kind, every error, and that printing and parsing are inverse.

use proptest::prelude::*;

use super::*;
use crate::{Chain, ErrorKind, Micros, Nanos};

static SAMPLE: Declaration = Declaration::new(
    "sample-op",
    "Has a parameter of every kind",
    &[
        ParamSpec::bool("exact").default(false).doc("Whether it is exact"),
        ParamSpec::int("width")
            .unit("px")
            .range(1, 65_536)
            .optional()
            .doc("Width of the sensor"),
        ParamSpec::float("rate")
            .range(-1.0, 1.0)
            .default(0.5)
            .doc("Share of the events"),
        ParamSpec::text("location")
            .default("a b.raw")
            .doc("Path of the file"),
        ParamSpec::time("period")
            .min(Nanos(1))
            .default(Nanos(1_500_000))
            .doc("Dead time"),
        ParamSpec::size("block")
            .max(1 << 30)
            .default(4 << 20)
            .doc("Size of a block"),
        ParamSpec::rate("frames")
            .min(0.0)
            .default(30.0)
            .doc("Pictures for each second"),
        ParamSpec::choice("mode", &["count", "binary", "time"])
            .default("count")
            .doc("What a cell | holds"),
    ],
);

static NEEDY: Declaration = Declaration::new(
    "needy",
    "Needs a value",
    &[ParamSpec::int("bins").min(1).doc("Time bins")],
);

fn check(declaration: &'static Declaration, text: &str) -> crate::Result<Params> {
    declaration.check(&Chain::parse(text)?.links[0])
}

#[test]
fn every_kind_is_read() {
    let text = "sample-op exact=on width=640px rate=-1e-1 location='x y' period=50us block=64KiB frames=1kHz mode=time";
    let params = check(&SAMPLE, text).unwrap();
    assert_eq!(params.id(), "sample-op");
    assert!(params.bool("exact").unwrap());
    assert_eq!(params.int("width").unwrap(), 640);
    assert_eq!(params.float("rate").unwrap(), -0.1);
    assert_eq!(params.text("location").unwrap(), "x y");
    assert_eq!(params.time("period").unwrap(), Nanos(50_000));
    assert_eq!(params.size("block").unwrap(), 65_536);
    assert_eq!(params.rate("frames").unwrap(), 1_000.0);
    assert_eq!(params.choice("mode").unwrap(), "time");
    assert_eq!(
        params.to_string(),
        "sample-op exact=true width=640 rate=-0.1 location=\"x y\" period=50us block=64KiB frames=1000Hz mode=time"
    );
}

#[test]
fn a_program_sets_what_a_text_sets() {
    let built = Params::of(&SAMPLE)
        .set("width", 640_u16)
        .and_then(|builder| builder.set("period", Micros(50)))
        .and_then(|builder| builder.set("rate", 1))
        .and_then(|builder| builder.set("block", "64KiB"))
        .and_then(|builder| builder.set("mode", "binary"))
        .and_then(ParamsBuilder::build)
        .unwrap();
    assert_eq!(
        built,
        check(
            &SAMPLE,
            "sample-op width=640 period=50us rate=1 block=65536 mode=binary"
        )
        .unwrap()
    );
    assert_eq!(format!("{:#}", SAMPLE.defaults().unwrap()), "sample-op");
    for (name, value) in [
        ("period", Value::Int(5)),
        ("rate", Value::Float(f64::NAN)),
        ("frames", Value::Float(30.0)),
        ("frames", Value::Rate(f64::INFINITY)),
        ("exact", Value::Int(1)),
        ("width", Value::Float(5.0)),
        ("mode", Value::Bool(true)),
        ("location", Value::Bool(true)),
    ] {
        let error = Params::of(&SAMPLE).set(name, value.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Param, "{name} {value:?}");
    }
}

#[test]
fn errors_name_everything_and_point() {
    let known = [
        (
            "region ! sample-op widht=3",
            1,
            "`sample-op` has no parameter `widht` (line: 1, column: 20); did you mean `width`? known: exact, width, \
             rate, location, period, block, frames, mode\n  region ! sample-op widht=3\n                     ^",
        ),
        (
            "sample-op width=0",
            0,
            "`width` of `sample-op` cannot be `0`: it lies outside the range (allowed: 1 to 65536 px, line: 1, \
             column: 17); `width` is: Width of the sensor\n  sample-op width=0\n                  ^",
        ),
        (
            "sample-op\n  period=5",
            0,
            "`period` of `sample-op` cannot be `5`: a time needs a unit, such as `5ms` (allowed: at least 1ns, line: 2, \
             column: 10); `period` is: Dead time\n    period=5\n           ^",
        ),
        (
            "sample-op mode=cuont",
            0,
            "`mode` of `sample-op` cannot be `cuont`: it is none of the words (allowed: count, binary, time, line: 1, \
             column: 16); did you mean `count`?\n  sample-op mode=cuont\n                 ^",
        ),
        (
            "sample-op rate=0 rate=1",
            0,
            "`rate` is given twice (line: 1, column: 18); keep one\n  sample-op rate=0 rate=1\n                   ^",
        ),
    ];
    for (text, index, message) in known {
        let error = SAMPLE
            .check(&Chain::parse(text).unwrap().links[index])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Param);
        assert_eq!(error.to_string(), message);
    }
    let error = check(&NEEDY, "needy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`needy` needs `bins=` (type: int, line: 1, column: 1); `bins` is: Time bins\n  needy\n  ^"
    );
    assert_eq!(NEEDY.defaults().unwrap_err().kind(), ErrorKind::Param);
    assert_eq!(check(&NEEDY, "sample-op").unwrap_err().kind(), ErrorKind::Param);
}

#[test]
fn reading_what_is_not_declared_is_our_defect() {
    let params = SAMPLE.defaults().unwrap();
    assert_eq!(params.int("nothing").unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(params.int("rate").unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(params.get("nothing").unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(params.optional_int("width").unwrap(), None);
    let error = params.int("width").unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Param, "`sample-op` needs `width=`")
    );
}

#[test]
fn a_declaration_documents_itself() {
    let json = serde_json::to_value(&SAMPLE).unwrap();
    assert_eq!(json["id"], "sample-op");
    assert_eq!(
        json["params"][4],
        serde_json::json!({
            "name": "period", "type": "time", "unit": "ns", "required": false, "default": 1_500_000,
            "min": 1, "max": null, "choices": null, "doc": "Dead time",
        })
    );
    assert_eq!(
        json["params"][7]["choices"],
        serde_json::json!(["count", "binary", "time"])
    );
    let rows = SAMPLE.markdown_rows();
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    assert_eq!(rows.lines().count(), 8);
    assert!(
        Declaration::MARKDOWN_HEADER
            .lines()
            .chain(rows.lines())
            .all(|line| columns(line) == 6),
        "{rows}"
    );
    assert!(rows.contains("| `width` | int | optional | 1 to 65536 px | Width of the sensor |"));
    assert!(
        NEEDY
            .help()
            .contains("bins=<int>  Time bins [required; allowed: at least 1]")
    );

    let params = serde_json::to_value(check(&SAMPLE, "sample-op block=1KiB").unwrap()).unwrap();
    assert_eq!(
        (&params["block"], &params["width"]),
        (&serde_json::json!(1024), &serde_json::Value::Null)
    );
}

#[test]
#[should_panic(expected = "two parameters share a name")]
fn a_name_is_declared_once() {
    static SPECS: [ParamSpec; 2] = [ParamSpec::bool("x").doc("c"), ParamSpec::int("x").doc("d")];
    let _ = Declaration::new("a", "b", &SPECS);
}

#[test]
#[should_panic(expected = "the default is none of the words")]
fn a_default_is_one_of_the_words() {
    let _ = ParamSpec::choice("x", &["a"]).default("b");
}

proptest! {
    #[test]
    fn parsing_undoes_printing(
        exact: bool,
        width in proptest::option::of(1_i64..=65_536),
        rate in -1.0..=1.0,
        location in "\\PC{0,12}|[ \"'\\\\!=,.#\n\r\ta-z]{0,12}",
        period in 1_i64..,
        block in 0_u64..=1 << 30,
        frames in 0.0..1e300,
        mode in 0_usize..3,
    ) {
        let mode = ["count", "binary", "time"][mode];
        let mut builder = Params::of(&SAMPLE)
            .set("exact", exact)?.set("rate", rate)?.set("location", location)?.set("period", Nanos(period))?
            .set("block", Value::Size(block))?.set("frames", Value::Rate(frames))?.set("mode", mode)?;
        if let Some(width) = width {
            builder = builder.set("width", width)?;
        }
        let params = builder.build()?;
        prop_assert_eq!(&check(&SAMPLE, &params.to_string())?, &params);
        prop_assert_eq!(&check(&SAMPLE, &format!("{params:#}"))?, &params);
    }

    #[test]
    fn no_value_panics(value in "[-+0-9.eExKMGiBHzmsu]{0,16}|\\PC{0,16}") {
        for spec in SAMPLE.params() {
            let _ = Params::of(&SAMPLE).set(spec.name(), value.as_str());
        }
    }
}
