//! A place in a list of tokens, and the two rules that every parser of the grammar shares: how a key's value is
//! read, and how an error points.

use std::sync::Arc;

use super::point::{point, shown};
use super::token::{Span, Token, TokenKind, tokenize};
use super::{Arg, ChainLink, RawValue};
use crate::{Error, Result};

/// Walks over the tokens of one text.
///
/// [`Chain::parse`](super::Chain::parse) is a loop over [`link`](Self::link); a parser of a richer grammar looks at
/// [`peek`](Self::peek) between the links.
///
/// ```
/// use parallax_events::chain::{Cursor, TokenKind};
///
/// let mut cursor = Cursor::new("tee name=t ! queue t. ! fakesink")?;
/// assert_eq!(cursor.link()?.id, "tee");
/// assert!(cursor.take(TokenKind::Bang).is_some());
/// assert_eq!(cursor.link()?.id, "queue");
/// // A link ends where no `key=value` follows: here stands a pad reference.
/// assert_eq!(cursor.peek().map(|token| token.text), Some("t"));
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    owned: Arc<str>,
    tokens: Vec<Token<'a>>,
    next: usize,
}

impl<'a> Cursor<'a> {
    /// Tokenizes `text` and stands before its first token.
    ///
    /// # Errors
    /// Those of [`tokenize`].
    pub fn new(text: &'a str) -> Result<Self> {
        Ok(Self {
            tokens: tokenize(text)?,
            owned: Arc::from(text),
            text,
            next: 0,
        })
    }

    /// The next token, left where it is.
    pub fn peek(&self) -> Option<Token<'a>> {
        self.peek_at(0)
    }

    /// The token `ahead` places after the next one.
    pub fn peek_at(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.next.checked_add(ahead)?).copied()
    }

    /// The next token if it is of `kind`, taken.
    pub fn take(&mut self, kind: TokenKind) -> Option<Token<'a>> {
        let token = self.peek().filter(|token| token.kind == kind)?;
        self.next += 1;
        Some(token)
    }

    /// The byte offset of the next token, or the end of the text.
    pub fn offset(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.span.start)
    }

    /// Whether the next token touches the one before it: nothing stands between them.
    pub fn touches(&self) -> bool {
        let before = self.next.checked_sub(1).and_then(|index| self.tokens.get(index));
        matches!((before, self.peek()), (Some(before), Some(next)) if before.span.end == next.span.start)
    }

    /// A parameter error at the next token, with what was expected as its hint.
    pub fn error(&self, message: impl Into<String>, expected: impl Into<String>) -> Error {
        point(
            self.text,
            self.offset(),
            Error::param(message).with_hint(expected),
        )
    }

    /// One link: an id and every `key=value` that follows it.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) where an id or a value is missing or is not well formed.
    pub fn link(&mut self) -> Result<ChainLink> {
        let (id, id_span) = self.name("an id, such as `refractory`")?;
        let mut args = Vec::new();
        while let (Some(key), Some(equals)) = (self.peek(), self.peek_at(1)) {
            if key.kind != TokenKind::Word || equals.kind != TokenKind::Equals {
                break;
            }
            let (key, key_span) = self.name("a parameter's name")?;
            if !self.touches() {
                return Err(self.error("a space stands before `=`", format!("write `{}=..`", shown(&key))));
            }
            self.next += 1;
            let (value, value_span) = self.value(&key)?;
            args.push(Arg {
                key,
                key_span,
                value,
                value_span,
            });
        }
        Ok(ChainLink {
            id,
            id_span,
            args,
            text: Arc::clone(&self.owned),
        })
    }

    /// The value that touches the `=` just taken: one quoted text, or every token up to white space or `!`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) where there is none, or where a quote stands inside it. `key` is
    /// for the message.
    pub fn value(&mut self, key: &str) -> Result<(RawValue, Span)> {
        let start = self.offset();
        let mut end = start;
        let mut value = None;
        while let Some(token) = self
            .peek()
            .filter(|token| self.touches() && token.kind != TokenKind::Bang)
        {
            let quoted = token.kind == TokenKind::Quoted;
            if value.is_some() && (quoted || value != Some(TokenKind::Word)) {
                return Err(self.error(
                    "a quote stands inside a value",
                    "put the quotes around the whole value",
                ));
            }
            value = Some(if quoted {
                TokenKind::Quoted
            } else {
                TokenKind::Word
            });
            end = token.span.end;
            self.next += 1;
        }
        let span = Span { start, end };
        match (
            value,
            self.next.checked_sub(1).and_then(|index| self.tokens.get(index)),
        ) {
            (Some(TokenKind::Quoted), Some(token)) => Ok((
                RawValue {
                    text: token.value().into_owned(),
                    quoted: true,
                },
                span,
            )),
            (Some(_), _) => {
                let text = self.text.get(start..end).unwrap_or_default().to_owned();
                Ok((RawValue { text, quoted: false }, span))
            }
            (None, before) => {
                let at = before.map_or(start, |token| token.span.end);
                let message = format!("`{}=` has no value", shown(key));
                let hint = "write it right behind the `=`; an empty text is \"\"";
                Err(point(self.text, at, Error::param(message).with_hint(hint)))
            }
        }
    }

    /// A word that names something: an ASCII letter or `_`, then letters, digits, `_` and `-`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) at the first character that does not fit; `expected` says what
    /// should stand there.
    pub fn name(&mut self, expected: &str) -> Result<(String, Span)> {
        let Some(token) = self.peek() else {
            return Err(self.error("the text ends here", format!("expected {expected}")));
        };
        if token.kind != TokenKind::Word {
            let message = format!("{} stands here", token.kind);
            return Err(self.error(message, format!("expected {expected}")));
        }
        let fits = |(index, character): (usize, char)| match character {
            'a'..='z' | 'A'..='Z' | '_' => true,
            '0'..='9' | '-' => index > 0,
            _ => false,
        };
        if let Some((index, character)) = token.text.char_indices().find(|&place| !fits(place)) {
            let message = format!("`{}` cannot stand in a name", shown(&character.to_string()));
            let error = Error::param(message).with_hint(format!("expected {expected}"));
            return Err(point(self.text, token.span.start + index, error));
        }
        self.next += 1;
        Ok((token.text.to_owned(), token.span))
    }
}
