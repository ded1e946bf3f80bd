//! `parallax inspect [ELEMENT]`: the elements of pipelines, from the rows that they declare.

use std::process::ExitCode;

use clap::Args;
use parallax::elements::registry;
use parallax::events::Declaration;
use parallax::pipeline::ElementRow;
use serde::Serialize;

use crate::listing::Table;
use crate::streams;

/// List the elements of pipelines, or show one of them with its pads and parameters
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax inspect
  parallax inspect queue
  parallax inspect --json")]
pub(crate) struct Arguments {
    /// The element to show
    #[arg(value_name = "ELEMENT")]
    id: Option<String>,
    /// As JSON: a list, or one object
    #[arg(long)]
    json: bool,
    /// As a Markdown table
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    declaration: &'static Declaration,
    kind: &'static str,
    aliases: &'static [&'static str],
    pads: Vec<String>,
}

impl Row {
    fn new(row: &'static ElementRow) -> Self {
        let pads = |most: usize, name: &dyn Fn(usize) -> String| match most {
            0 => None,
            1 => Some(name(0)),
            most => Some(format!("{} to {}", name(0), name(most - 1))),
        };
        let input = pads(row.ports.inputs, &|pad| row.ports.input_name(pad));
        let outputs = pads(row.ports.outputs, &|pad| row.ports.output_name(pad));
        Self {
            declaration: row.declaration,
            kind: row.kind(),
            aliases: row.aliases,
            pads: input.into_iter().chain(outputs).collect(),
        }
    }

    fn cells(&self) -> [String; 3] {
        let mut title = self.declaration.title().to_owned();
        if !self.aliases.is_empty() {
            title.push_str(&format!(" (also {})", self.aliases.join(", ")));
        }
        [self.declaration.id().to_owned(), self.kind.to_owned(), title]
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let rows: Vec<Row> = match &arguments.id {
        Some(id) => vec![Row::new(registry().element(id)?)],
        None => registry().rows().iter().copied().map(Row::new).collect(),
    };
    let text = match (rows.as_slice(), &arguments.id) {
        ([row], Some(_)) if arguments.json => format!("{}\n", serde_json::to_string_pretty(row)?),
        (rows, _) if arguments.json => format!("{}\n", serde_json::to_string_pretty(rows)?),
        ([row], Some(_)) if arguments.markdown => {
            format!(
                "{}{}",
                Declaration::MARKDOWN_HEADER,
                row.declaration.markdown_rows()
            )
        }
        ([row], Some(_)) => {
            let also = match row.aliases {
                [] => String::new(),
                aliases => format!(", also called {}", aliases.join(", ")),
            };
            format!(
                "{}\n{}{also}; pads: {}\n",
                row.declaration.help(),
                row.kind,
                row.pads.join(", ")
            )
        }
        (rows, _) => {
            let table = Table {
                titles: ["id", "kind", "title"],
                rows: rows.iter().map(Row::cells).collect(),
            };
            if arguments.markdown {
                table.markdown()
            } else {
                format!(
                    "{}\n`parallax inspect ELEMENT` shows its pads and parameters.\n",
                    table.text()
                )
            }
        }
    };
    streams::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
