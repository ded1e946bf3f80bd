//! `parallax formats [ID]`: what can be read and written, from the rows that the decoders declare.

use std::process::ExitCode;

use clap::Args;
use parallax::events::Declaration;
use parallax::formats::{FORMATS, Format, Open, TriggerSupport, format};
use serde::Serialize;

use crate::listing::Table;
use crate::streams;

/// List the formats, or show one of them with its parameters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax formats
  parallax formats csv
  parallax formats --json | jq '.[] | select(.write).id'")]
pub(crate) struct Arguments {
    /// The format to show
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
    extensions: &'static [&'static str],
    read: bool,
    write: bool,
    access: Option<&'static str>,
    triggers: Option<&'static str>,
}

impl Row {
    fn new(format: &'static Format) -> Self {
        let access = match format.open {
            Open::Stream(_) => Some("stream"),
            Open::Seekable(_) => Some("seek"),
            Open::Never => None,
        };
        Self {
            declaration: format.declaration,
            extensions: format.extensions,
            read: access.is_some(),
            write: format.create.is_some(),
            access,
            triggers: match format.triggers {
                TriggerSupport::No => None,
                TriggerSupport::Read => Some("read"),
                TriggerSupport::ReadWrite => Some("read, write"),
            },
        }
    }

    fn extensions(&self) -> String {
        self.extensions
            .iter()
            .map(|extension| format!(".{extension}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn cells(&self) -> [String; 7] {
        let yes = |is: bool| if is { "yes" } else { "-" }.to_owned();
        [
            self.declaration.id().to_owned(),
            self.declaration.title().to_owned(),
            self.extensions(),
            yes(self.read),
            yes(self.write),
            self.access.unwrap_or("-").to_owned(),
            self.triggers.unwrap_or("-").to_owned(),
        ]
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.id {
        Some(id) => one(&Row::new(format(id)?), arguments)?,
        None => all(
            &FORMATS.iter().copied().map(Row::new).collect::<Vec<_>>(),
            arguments,
        )?,
    };
    streams::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn all(rows: &[Row], arguments: &Arguments) -> anyhow::Result<String> {
    let table = Table {
        titles: ["id", "title", "extensions", "read", "write", "access", "triggers"],
        rows: rows.iter().map(Row::cells).collect(),
    };
    Ok(if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(rows)?)
    } else if arguments.markdown {
        table.markdown()
    } else {
        format!(
            "{}\n`parallax formats ID` shows a format's parameters.\n",
            table.text()
        )
    })
}

fn one(row: &Row, arguments: &Arguments) -> anyhow::Result<String> {
    Ok(if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(row)?)
    } else if arguments.markdown {
        format!(
            "{}{}",
            Declaration::MARKDOWN_HEADER,
            row.declaration.markdown_rows()
        )
    } else {
        let does = match (row.read, row.write) {
            (true, true) => "read and written",
            (true, false) => "read",
            _ => "written",
        };
        let how = row
            .access
            .map(|access| format!(" ({access})"))
            .unwrap_or_default();
        let triggers = match row.triggers {
            Some(_) if row.triggers == Some("read") && row.write => "; external triggers are read",
            Some(_) => "; with external triggers",
            None => "",
        };
        format!(
            "{}\n  {does}{how}{triggers}; extensions: {}\n",
            row.declaration.help(),
            row.extensions()
        )
    })
}
