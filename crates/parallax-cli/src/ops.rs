//! `parallax ops [ID]`: the operators, from the rows that they declare.

use std::process::ExitCode;

use clap::Args;
use parallax::events::Declaration;
use parallax::ops::{Build, OPERATORS, Operator, operator};
use serde::Serialize;

use crate::listing::Table;
use crate::streams;

/// List the operators, or show one of them with its parameters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax ops
  parallax ops refractory
  parallax ops --json")]
pub(crate) struct Arguments {
    /// The operator to show
    #[arg(value_name = "ID")]
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
    yields: &'static str,
}

impl Row {
    fn new(operator: &'static Operator) -> Self {
        let yields = match operator.build {
            Build::Events(_) => "events",
            Build::Tensor(_) => "a tensor",
        };
        Self {
            declaration: operator.declaration,
            yields,
        }
    }

    fn cells(&self) -> [String; 4] {
        let aliases: Vec<&str> = self.declaration.aliases().iter().map(|(name, _)| *name).collect();
        let [id, title, yields] =
            [self.declaration.id(), self.declaration.title(), self.yields].map(str::to_owned);
        [id, title, yields, aliases.join(", ")]
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let rows: Vec<Row> = match &arguments.id {
        Some(id) => vec![Row::new(operator(id)?)],
        None => OPERATORS.iter().copied().map(Row::new).collect(),
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
        ([row], Some(_)) => format!("{}\n  yields {}\n", row.declaration.help(), row.yields),
        (rows, _) => {
            let table = Table {
                titles: ["id", "title", "yields", "other names"],
                rows: rows.iter().map(Row::cells).collect(),
            };
            if arguments.markdown {
                table.markdown()
            } else {
                format!(
                    "{}\n`parallax ops ID` shows an operator's parameters.\n",
                    table.text()
                )
            }
        }
    };
    streams::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
