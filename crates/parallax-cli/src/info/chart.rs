//! A small chart of block characters; of ASCII where the terminal does not speak UTF-8.

use std::env;

use terminal_size::{Width, terminal_size};

/// How the chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// How many characters wide the chart is.
    pub(super) columns: usize,
    /// Whether block characters may be used.
    pub(super) is_unicode: bool,
}

/// How many lines the chart is high.
const ROWS: usize = 3;
const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 4] = [" ", ".", ":", "#"];

impl Style {
    /// What suits the terminal, leaving a margin of `MARGIN`; 60 columns where there is none.
    pub(super) fn of_terminal() -> Self {
        let width = terminal_size().map_or(80, |(Width(width), _)| usize::from(width));
        Self {
            columns: width.saturating_sub(20).clamp(20, 100),
            is_unicode: speaks_utf8(|name| env::var(name).ok()),
        }
    }
}

/// As the locale says: the first of the three variables that is set decides.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(set)
        .unwrap_or_default()
        .to_ascii_lowercase();
    variable("TERM").as_deref() != Some("dumb") && (locale.contains("utf-8") || locale.contains("utf8"))
}

/// The chart's lines, highest first: each value as a column that is as high as its part of the largest. What is not
/// zero is not blank.
pub(super) fn draw(values: &[f64], style: Style) -> Vec<String> {
    let characters: &[&str] = if style.is_unicode { &BLOCKS } else { &ASCII };
    let steps = characters.len() - 1;
    let most = values.iter().copied().fold(0.0, f64::max);
    let heights: Vec<usize> = values
        .iter()
        .map(|&value| {
            if most > 0.0 {
                (value / most * (ROWS * steps) as f64).ceil() as usize
            } else {
                0
            }
        })
        .collect();
    let line = |row: usize| -> String {
        let filled = |height: usize| height.saturating_sub(row * steps).min(steps);
        let text: String = heights
            .iter()
            .filter_map(|&height| characters.get(filled(height)).copied())
            .collect();
        text.trim_end().to_owned()
    };
    (0..ROWS).rev().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_high_as_their_share() {
        let style = |is_unicode| Style {
            columns: 4,
            is_unicode,
        };
        let values = [24.0, 0.0, 0.001, 12.0, 8.0];
        assert_eq!(draw(&values, style(true)), ["█", "█  ▄", "█ ▁██"]);
        assert_eq!(draw(&values, style(false)), ["#", "#  :", "# .##"]);
        assert_eq!(draw(&[], style(true)), ["", "", ""]);
        assert_eq!(draw(&[0.0], style(true)), ["", "", ""]);
    }

    #[test]
    fn the_locale_decides_about_block_characters() {
        let with = |pairs: &'static [(&str, &str)]| {
            speaks_utf8(|name| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(with(&[("LANG", "en_GB.UTF-8")]));
        assert!(with(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        assert!(!with(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]));
        assert!(!with(&[("LANG", "en_GB.UTF-8"), ("TERM", "dumb")]));
        assert!(!with(&[]));
    }
}
