//! Rows of a registry as a table for people, as Markdown for the docs, and as JSON for programs.

use std::fmt::Write as _;

/// A table: the column titles and the rows below them.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    pub(crate) titles: [&'static str; COLUMNS],
    pub(crate) rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// In columns, for a terminal.
    pub(crate) fn text(&self) -> String {
        let titles = self.titles.map(str::to_owned);
        let lines: Vec<&[String; COLUMNS]> = std::iter::once(&titles).chain(&self.rows).collect();
        let mut text = String::new();
        for line in &lines {
            let mut row = String::new();
            for (column, cell) in line.iter().enumerate() {
                let width = lines
                    .iter()
                    .filter_map(|line| line.get(column))
                    .map(|cell| cell.chars().count())
                    .max();
                // Writing to a String cannot fail.
                let _ = write!(row, "{cell:width$}  ", width = width.unwrap_or(0));
            }
            text.push_str(row.trim_end());
            text.push('\n');
        }
        text
    }

    /// As a Markdown table. The first column holds ids, which are set as code.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("| {} |\n|{}\n", self.titles.join(" | "), " --- |".repeat(COLUMNS));
        for row in &self.rows {
            let cell = |(column, cell): (usize, &String)| {
                let cell = cell.replace('|', "\\|");
                if column == 0 { format!("`{cell}`") } else { cell }
            };
            let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_escape_bars() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let table = Table {
            titles: ["id", "title"],
            rows: vec![row(["evt3", "a|b"]), row(["x", "y"])],
        };
        assert_eq!(table.text(), "id    title\nevt3  a|b\nx     y\n");
        assert_eq!(
            table.markdown(),
            "| id | title |\n| --- | --- |\n| `evt3` | a\\|b |\n| `x` | y |\n"
        );
    }
}
