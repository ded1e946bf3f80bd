//! The one tokenizer: text in, tokens with byte spans out; the chain grammar and the pipeline parser stand on it.
//!
//! | token | text |
//! | --- | --- |
//! | word | a run of anything but white space, quotes and `= ! , .` |
//! | quoted | `"..."` or `'...'`; `\\ \" \' \n \r \t` are the escapes, everything else stands for itself |
//! | `=` `!` `,` `.` | themselves |
//!
//! White space separates. A `#` at the start of the text or after white space begins a comment that ends with the line;
//! anywhere else it is part of a word (`take#3`, `color=#ff8800`).
//!
//! A value such as `1.5ms`, `../a=b.raw` or `1,2,3` is several tokens that touch: whoever parses a value joins
//! them again (see [`Cursor::value`](super::Cursor::value)), and whoever parses caps or a pad (`t.src_1`) sees the parts.
//! Time and memory are linear in the text, which is at most [`MAX_TEXT_BYTES`] long.

use std::borrow::Cow;
use std::fmt;

use winnow::Parser;
use winnow::combinator::{dispatch, opt, peek};
use winnow::error::ParserError;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, take_while};

use super::point::point;
use crate::{Error, Result};

/// The longest text that is parsed; a longer one is [`ErrorKind::Limit`](crate::ErrorKind::Limit).
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Where a piece of text stands: half-open byte offsets, both on character borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// Bare text: a name, a number, part of a path.
    Word,
    /// Text in quotes, which stand in [`Token::text`] but not in [`Token::value`].
    Quoted,
    /// `=`, between a key and its value.
    Equals,
    /// `!`, a link.
    Bang,
    /// `,`, which separates the fields of caps.
    Comma,
    /// `.`, which makes a pad reference: `t.` or `t.src_1`.
    Dot,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "a word",
            Self::Quoted => "a quoted text",
            Self::Equals => "`=`",
            Self::Bang => "`!`",
            Self::Comma => "`,`",
            Self::Dot => "`.`",
        })
    }
}

/// A piece of the text, with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// The text as written, quotes and escapes included.
    pub text: &'a str,
    /// Where it stands in the whole text.
    pub span: Span,
}

impl<'a> Token<'a> {
    /// The text that is meant: without quotes and escapes.
    ///
    /// ```
    /// let tokens = parallax_events::chain::tokenize(r#" "a \"b\"" "#)?;
    /// assert_eq!(tokens[0].value(), "a \"b\"");
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn value(&self) -> Cow<'a, str> {
        if self.kind != TokenKind::Quoted {
            return Cow::Borrowed(self.text);
        }
        let inner = self
            .text
            .get(1..self.text.len().saturating_sub(1))
            .unwrap_or_default();
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut value = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            match character {
                // The tokenizer let only known escapes pass.
                '\\' => value.extend(characters.next().map(|escape| unescape(escape).unwrap_or(escape))),
                _ => value.push(character),
            }
        }
        Cow::Owned(value)
    }
}

/// Splits `text` into tokens.
///
/// ```
/// use parallax_events::chain::{TokenKind, tokenize};
///
/// let tokens = tokenize("refractory period=1ms # the dead time\n ! t.src_1")?;
/// let kinds: Vec<_> = tokens.iter().map(|token| token.kind).collect();
/// use TokenKind::{Bang, Dot, Equals, Word};
/// assert_eq!(kinds, [Word, Word, Equals, Word, Bang, Word, Dot, Word]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Param`](crate::ErrorKind::Param) for a quote without an end and for an unknown escape,
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit) for a text of more than [`MAX_TEXT_BYTES`].
pub fn tokenize(text: &str) -> Result<Vec<Token<'_>>> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::limit(format!(
            "the text is {} bytes long; at most {MAX_TEXT_BYTES} are read",
            text.len()
        )));
    }
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        skip_blank(&mut input).map_err(|fault| fault.into_error(text))?;
        if input.is_empty() {
            return Ok(tokens);
        }
        let ((kind, text), range) = token
            .with_taken()
            .with_span()
            .parse_next(&mut input)
            .map_err(|fault| fault.into_error(text))?;
        tokens.push(Token {
            kind,
            text,
            span: Span {
                start: range.start,
                end: range.end,
            },
        });
    }
}

type Input<'a> = LocatingSlice<&'a str>;

fn token(input: &mut Input<'_>) -> Result<TokenKind, Fault> {
    dispatch! { peek(any);
        '=' => any.value(TokenKind::Equals),
        '!' => any.value(TokenKind::Bang),
        ',' => any.value(TokenKind::Comma),
        '.' => any.value(TokenKind::Dot),
        '"' | '\'' => quoted,
        _ => take_while(1.., is_word).value(TokenKind::Word),
    }
    .parse_next(input)
}

fn is_word(character: char) -> bool {
    !character.is_whitespace() && !matches!(character, '=' | '!' | ',' | '.' | '"' | '\'')
}

fn quoted(input: &mut Input<'_>) -> Result<TokenKind, Fault> {
    let start = input.current_token_start();
    let quote = any.parse_next(input)?;
    loop {
        take_while(0.., |character| character != quote && character != '\\')
            .void()
            .parse_next(input)?;
        let at = input.current_token_start();
        let end = Fault {
            at: start,
            message: "this quote has no end",
            hint: "close it, or quote the whole value",
        };
        match opt(any).parse_next(input)? {
            None => return Err(end),
            Some('\\') => match opt(any).parse_next(input)? {
                None => return Err(end),
                Some(escape) if unescape(escape).is_some() => {}
                Some(_) => {
                    let hint = r#"known are \\ \" \' \n \r \t; a backslash itself is \\"#;
                    return Err(Fault {
                        at,
                        message: "this escape is not known",
                        hint,
                    });
                }
            },
            Some(_) => return Ok(TokenKind::Quoted),
        }
    }
}

fn unescape(escape: char) -> Option<char> {
    match escape {
        '\\' | '"' | '\'' => Some(escape),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

/// White space and comments. A `#` that touches the token before it belongs to a word, so it stays.
fn skip_blank(input: &mut Input<'_>) -> Result<(), Fault> {
    loop {
        let start = input.current_token_start();
        let space = take_while(0.., char::is_whitespace).parse_next(input)?;
        if !input.starts_with('#') || (space.is_empty() && start != 0) {
            return Ok(());
        }
        take_while(0.., |character| character != '\n')
            .void()
            .parse_next(input)?;
    }
}

/// What the parsers of this file fail with: a place and fixed texts, made into an [`Error`] once.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: &'static str,
    hint: &'static str,
}

impl Fault {
    fn into_error(self, text: &str) -> Error {
        point(text, self.at, Error::param(self.message).with_hint(self.hint))
    }
}

impl ParserError<Input<'_>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self {
            at: input.current_token_start(),
            message: "this character was not expected",
            hint: "here",
        }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Writes `value` as one value of the grammar: bare where that reads back as itself, else in double quotes.
///
/// ```
/// use parallax_events::chain::quote;
///
/// assert_eq!(quote("../a=1,2.raw"), "../a=1,2.raw");
/// assert_eq!(quote("my take.raw"), r#""my take.raw""#);
/// ```
pub fn quote(value: &str) -> Cow<'_, str> {
    let special = |character: char| character.is_whitespace() || matches!(character, '!' | '"' | '\'');
    if !value.is_empty() && !value.contains(special) {
        return Cow::Borrowed(value);
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}
