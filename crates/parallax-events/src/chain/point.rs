//! Errors that point at a character: the line of the text with a caret under it.

use crate::Error;

/// Characters of the line that are shown before and after the place.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 40;

/// Adds the line, the column (both from 1, in characters) and a picture of the place to `error`.
///
/// `at` is a byte offset in `text`. The picture goes behind the hint, so it comes last in the error's text:
///
/// ```
/// use parallax_events::{Error, chain::point};
///
/// let error = Error::param("`region` has no parameter `widht`").with_hint("did you mean `width`?");
/// assert_eq!(
///     point("region widht=640", 7, error).to_string(),
///     "`region` has no parameter `widht` (line: 1, column: 8); did you mean `width`?\n  \
///        region widht=640\n  \
///        .......^".replace('.', " ")
/// );
/// ```
#[must_use]
pub fn point(text: &str, at: usize, error: Error) -> Error {
    let at = text.floor_char_boundary(at);
    let (before, after) = text.split_at(at);
    let line = before.matches('\n').count() + 1;
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    let column = before.chars().count() + 1;

    let mut left: Vec<char> = before.chars().rev().take(SHOWN_BEFORE).map(printable).collect();
    left.reverse();
    let mut right: String = after.chars().take(SHOWN_AFTER).map(printable).collect();
    if after.chars().nth(SHOWN_AFTER).is_some() {
        right.push_str("..");
    }
    let cut = if column > left.len() + 1 { ".." } else { "" };
    let hint = error.hint().unwrap_or("here:");
    let hint = format!(
        "{hint}\n  {cut}{left}{right}\n  {blank}^",
        left = left.iter().collect::<String>(),
        right = right.trim_end(),
        blank = " ".repeat(cut.len() + left.len()),
    );
    error
        .with_context("line", line)
        .with_context("column", column)
        .with_hint(hint)
}

/// A word from outside, made fit for a message: short, and without control characters.
pub(crate) fn shown(word: &str) -> String {
    const MOST: usize = 48;
    let mut text: String = word.chars().take(MOST).map(printable).collect();
    if word.chars().nth(MOST).is_some() {
        text.push_str("..");
    }
    text
}

// A terminal would act on control characters, and a tab would shift the caret.
fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}
