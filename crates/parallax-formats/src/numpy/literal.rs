//! Python literals, as far as the header of an NPY file is one: text, integers, booleans, tuples, lists, a dictionary.
//!
//! In: text of bounded length. Out: a tree of at most [`DEPTH`] levels. Nothing is evaluated.

use parallax_events::{Error, Result};

/// How deep lists and tuples may be nested: a structured type inside another takes three levels.
const DEPTH: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Int(u64),
    Bool(bool),
    None,
    /// A list, a tuple.
    Items(Vec<Literal>),
    Dict(Vec<(String, Literal)>),
}

impl Literal {
    /// Reads the one literal that `text` is; `offset` is where it stands in the file.
    pub(super) fn parse(text: &str, offset: u64) -> Result<Self> {
        let mut cursor = Cursor { text, at: 0 };
        let literal = cursor.literal(0);
        cursor.blanks();
        match literal {
            Some(literal) if cursor.rest().is_empty() => Ok(literal),
            _ => {
                let found: String = cursor.rest().chars().take(20).collect();
                Err(Error::malformed(format!(
                    "the NPY header does not parse before \"{}\"",
                    found.escape_debug()
                ))
                .at_byte(offset + cursor.at as u64))
            }
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list or a tuple.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Items(items) => Some(items),
            _ => None,
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Steps over `word` if it is next.
    fn eat(&mut self, word: &str) -> bool {
        let is_next = self.rest().starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        if depth > DEPTH {
            return None;
        }
        self.blanks();
        for (word, literal) in [
            ("True", Literal::Bool(true)),
            ("False", Literal::Bool(false)),
            ("None", Literal::None),
        ] {
            if self.eat(word) {
                return Some(literal);
            }
        }
        match self.rest().bytes().next()? {
            b'(' => self.items(")", depth),
            b'[' => self.items("]", depth),
            b'{' => self.dict(depth),
            b'0'..=b'9' => self.int(),
            _ => self.string().map(Literal::Text),
        }
    }

    /// After the opening bracket that is next, literals up to the closing one; a comma may stand after the last.
    fn items(&mut self, close: &str, depth: usize) -> Option<Literal> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.eat(close) {
                return Some(Literal::Items(items));
            }
            items.push(self.literal(depth + 1)?);
            self.blanks();
            if !self.eat(",") && !self.rest().starts_with(close) {
                return None;
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Literal> {
        self.at += 1;
        let mut pairs = Vec::new();
        loop {
            self.blanks();
            if self.eat("}") {
                return Some(Literal::Dict(pairs));
            }
            let key = self.string()?;
            self.blanks();
            if !self.eat(":") {
                return None;
            }
            pairs.push((key, self.literal(depth + 1)?));
            self.blanks();
            if !self.eat(",") && !self.rest().starts_with('}') {
                return None;
            }
        }
    }

    fn int(&mut self) -> Option<Literal> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let value = self.rest().get(..digits)?.parse().ok()?;
        self.at += digits;
        // How Python 2 wrote long integers.
        self.eat("L");
        Some(Literal::Int(value))
    }

    fn string(&mut self) -> Option<String> {
        // Python 2 and byte strings.
        let _ = self.eat("u") || self.eat("b");
        let quote = ['\'', '"']
            .into_iter()
            .find(|&quote| self.rest().starts_with(quote))?;
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.rest().chars().next()?;
            self.at += next.len_utf8();
            match next {
                _ if next == quote => return Some(text),
                '\\' => text.push(self.escape()?),
                '\n' => return None,
                _ => text.push(next),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.rest().chars().next()?;
        self.at += kind.len_utf8();
        let digits = match kind {
            '\\' | '\'' | '"' => return Some(kind),
            'n' => return Some('\n'),
            't' => return Some('\t'),
            'r' => return Some('\r'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code = self.rest().get(..digits)?;
        let code = u32::from_str_radix(code, 16).ok()?;
        self.at += digits;
        char::from_u32(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let text =
            "{'descr': [('t', '<i8'), (u'x', \"<u2\", (2L,))], 'fortran_order': False, 'shape': (3,), }  \n";
        let Literal::Dict(pairs) = Literal::parse(text, 0).unwrap() else {
            panic!("no dictionary")
        };
        assert_eq!(pairs[1], ("fortran_order".to_owned(), Literal::Bool(false)));
        assert_eq!(pairs[2].1, Literal::Items(vec![Literal::Int(3)]));
        let fields = pairs[0].1.items().unwrap();
        assert_eq!(
            fields[1].items().unwrap()[2],
            Literal::Items(vec![Literal::Int(2)])
        );
        assert_eq!(
            Literal::parse("'a\\'\\u00e4'", 0).unwrap().text(),
            Some("a'\u{e4}")
        );
    }

    #[test]
    fn what_is_none_is_refused_where_it_goes_wrong() {
        for text in [
            "",
            "(1",
            "{'a': }",
            "{'a' 1}",
            "'open",
            "1 2",
            "__import__('os')",
            "-1",
            "[1 2]",
            "'\\q'",
        ] {
            assert!(Literal::parse(text, 0).is_err(), "{text}");
        }
        assert_eq!(Literal::parse("(1, !)", 10).unwrap_err().offset(), Some(14));
        let deep = "(".repeat(100_000);
        assert!(Literal::parse(&deep, 0).is_err());
    }
}
