//! `parallax formats`, `parallax ops` and the help: generated from the rows, complete, with examples.

use parallax::formats::FORMATS;
use parallax::ops::OPERATORS;
use serde_json::Value;

use crate::program::run;

#[test]
fn every_format_is_listed_in_every_form() {
    let (table, markdown) = (run(["formats"]).ok(), run(["formats", "--markdown"]).ok());
    let json: Value = serde_json::from_str(&run(["formats", "--json"]).ok()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), FORMATS.len());
    for (format, row) in FORMATS.iter().zip(json.as_array().unwrap()) {
        assert!(table.contains(format.title()), "{}", format.id());
        assert!(
            markdown.contains(&format!("| `{}` | {} |", format.id(), format.title())),
            "{markdown}"
        );
        assert_eq!(row["id"], format.id());
        assert_eq!(row["write"], format.create.is_some());
        assert_eq!(row["extensions"][0], format.extensions[0]);
        let page = run(["formats", format.id()]).ok();
        for parameter in format.declaration.params() {
            assert!(page.contains(&format!("{}=", parameter.name())), "{page}");
            assert!(
                row["params"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|param| param["name"] == parameter.name())
            );
        }
    }
    assert!(run(["formats", "evt33"]).fails(7).contains("evt3"));
}

#[test]
fn every_operator_is_listed_in_every_form() {
    let (table, markdown) = (run(["ops"]).ok(), run(["ops", "--markdown"]).ok());
    let json: Value = serde_json::from_str(&run(["ops", "--json"]).ok()).unwrap();
    for (operator, row) in OPERATORS.iter().zip(json.as_array().unwrap()) {
        assert!(table.contains(operator.title()) && markdown.contains(operator.title()));
        assert_eq!(row["id"], operator.id());
        assert!(run(["ops", operator.id()]).ok().contains(operator.title()));
    }
}

#[test]
fn every_command_has_examples_and_the_help_the_exit_codes() {
    for command in [
        "info",
        "convert",
        "apply",
        "render",
        "cat",
        "digest",
        "bench",
        "formats",
        "ops",
        "synth",
        "completions",
        "man",
    ] {
        let help = run([command, "--help"]).ok();
        assert!(
            help.contains("Examples:") && help.contains(&format!("  parallax {command} ")),
            "{help}"
        );
    }
    let help = run(["--help"]).ok();
    assert!(help.contains("Exit codes:") && help.contains("130"), "{help}");
}

#[test]
fn wrong_arguments_are_code_2() {
    for arguments in [
        &["info"][..],
        &["frobnicate"],
        &["info", "--time", "1..2", "x"],
        &["convert", "--chunk", "0", "a", "b"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}
