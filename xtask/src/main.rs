//! `cargo xtask <verb>`: the project's own commands.
//!
//! In: a verb and its arguments. Out: what the verb prints, and an exit code of 0, 1 (it failed) or 2 (a wrong
//! call). Every verb works from any folder inside the checkout and finds the root by itself.
//! A verb is one function and one row of [`VERBS`]; the list that `cargo xtask` prints comes from there.
#![forbid(unsafe_code)]

mod bench;
mod checks;
mod demo;
mod docs;
mod floors;
mod gallery;
mod new_row;
mod python;
mod recordings;
mod tally;
mod venv;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// What a verb answers: whether all went well. Its own report is printed by then.
type Outcome = anyhow::Result<bool>;

/// One project command.
struct Verb {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Outcome,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "demo",
        arguments: "[FILE]",
        about: "set everything up, then inspect, convert and render a recording into demo-out/",
        run: demo::run,
    },
    Verb {
        name: "test",
        arguments: "[CHECK..] [--torch]",
        about: "every check, or only those named; closes with `N passed, N failed, N skipped`",
        run: checks::run,
    },
    Verb {
        name: "floors",
        arguments: "",
        about: "crates use only crates on lower floors; unsafe code and file names are where they may be",
        run: floors::run,
    },
    Verb {
        name: "recordings",
        arguments: "[faery|evlib]",
        about: "fetch and verify the public recordings that the tests use, into recordings/",
        run: recordings::run,
    },
    Verb {
        name: "venv",
        arguments: "",
        about: "make the Python environment that the interchange tests use; prints its interpreter",
        run: venv::run,
    },
    Verb {
        name: "python",
        arguments: "wheel|stubs|matrix|evlib|site",
        about: "the Python package's wheel, its stubs; tried with old and new NumPy and Polars and each extra alone; the documentation's site",
        run: python::run,
    },
    Verb {
        name: "docs",
        arguments: "[--check]",
        about: "write the generated tables into the documents; --check fails where they are stale",
        run: docs::run,
    },
    Verb {
        name: "gallery",
        arguments: "RECORDING",
        about: "make the pictures of docs/gallery.md from a recording",
        run: gallery::run,
    },
    Verb {
        name: "new",
        arguments: "format|op|element ID",
        about: "add a plug-in: one new file from a template and one line in its list",
        run: new_row::run,
    },
    Verb {
        name: "bench",
        arguments: "[NAME] [ARGS..]",
        about: "run one benchmark in release mode; without a name, list them",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        print!("{}", overview());
        return ExitCode::SUCCESS;
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", overview());
        return ExitCode::SUCCESS;
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprintln!("error: there is no verb `{name}`\n\n{}", overview());
        return ExitCode::from(2);
    };
    let rest: Vec<String> = arguments.collect();
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        println!("cargo xtask {} {}\n    {}", verb.name, verb.arguments, verb.about);
        return ExitCode::SUCCESS;
    }
    match Workspace::find().and_then(|workspace| (verb.run)(&workspace, &rest)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The list that `cargo xtask` alone prints.
fn overview() -> String {
    let mut text = String::from("usage: cargo xtask <verb> [arguments]\n\n");
    for verb in VERBS {
        let call = format!("{} {}", verb.name, verb.arguments);
        text.push_str(&format!("  {call:<27} {}\n", verb.about));
    }
    text
}

/// The same list as a Markdown table, for CONTRIBUTING.md.
fn verbs_markdown() -> String {
    let mut text = String::from("| command | what it does |\n| --- | --- |\n");
    for verb in VERBS {
        let call = format!("cargo xtask {} {}", verb.name, verb.arguments);
        text.push_str(&format!(
            "| `{}` | {} |\n",
            call.trim_end().replace('|', "\\|"),
            verb.about
        ));
    }
    text
}
