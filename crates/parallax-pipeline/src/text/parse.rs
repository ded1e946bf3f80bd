//! From text to graph.

use parallax_events::chain::{Arg, ChainLink, Cursor, Span, Token, TokenKind, point};
use parallax_events::{Error, Result};
use parallax_memory::MemoryKind;

use crate::pipeline::{ElementId, Origin, Pipeline, PipelineConfig};
use crate::{Built, Caps, CapsFilter, Media, Ports, Registry};

impl Pipeline {
    /// The pipeline that `text` writes, of elements in `registry`. The grammar is in `docs/pipelines.md`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) or `NotFound`, pointing at the character: a text that does not
    /// parse, an unknown id, parameter, name or pad, a wrong value, a circle. What an element says when it is made.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self> {
        Self::parse_with(text, registry, PipelineConfig::default())
    }

    /// As [`parse`](Self::parse), with other memory.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with(text: &str, registry: &Registry, config: PipelineConfig) -> Result<Self> {
        Self::parse_with_variables(text, registry, config, &|_| None)
    }

    /// As [`parse_with`](Self::parse_with); `${NAME}` in a value stands for what `variables` says, such as that of the
    /// environment. A text from outside should not see that.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if there is no such variable.
    pub fn parse_with_variables(
        text: &str,
        registry: &Registry,
        config: PipelineConfig,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        Self::with_config(config).with_text_and_variables(text, registry, variables)
    }

    /// The pipeline with what `text` writes added to it. The text may name elements that are there already: those that a
    /// program made, at its ends, such as `in. ! decode ! out.`
    ///
    /// ```
    /// # use parallax_events::Result;
    /// # use parallax_pipeline::{Built, Packet, Pipeline, Produced, Registry, Sink, Source};
    /// # #[derive(Debug)]
    /// # struct Nothing;
    /// # impl Source for Nothing {
    /// #     fn produce(&mut self) -> Result<Produced> { Ok(Produced::End) }
    /// # }
    /// # impl Sink for Nothing {
    /// #     fn consume(&mut self, _: Packet) -> Result<()> { Ok(()) }
    /// # }
    /// let mut pipeline = Pipeline::new();
    /// pipeline.add("in", Built::source(Nothing))?;
    /// pipeline.add("out", Built::sink(Nothing))?;
    /// let mut pipeline = pipeline.with_text("in. ! bytes ! out.", &Registry::new([]))?;
    /// pipeline.run()?;
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn with_text(self, text: &str, registry: &Registry) -> Result<Self> {
        self.with_text_and_variables(text, registry, &|_| None)
    }

    fn with_text_and_variables(
        self,
        text: &str,
        registry: &Registry,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut parser = Parser {
            variables,
            cursor: Cursor::new(text)?,
            text,
            registry,
            pipeline: self,
            links: Vec::new(),
        };
        parser.pipeline.know_converters(registry);
        loop {
            parser.chain()?;
            match parser.cursor.peek() {
                None => break,
                Some(token) if token.text == CLOSE => {
                    return Err(parser
                        .cursor
                        .error("`)` without `(`", "leave it out, or open a bin before"));
                }
                Some(_) => {}
            }
        }
        parser.connect()
    }
}

/// Begins and ends a bin; a word of its own, so that a path may have parentheses in it.
const OPEN: &str = "(";
const CLOSE: &str = ")";

struct Parser<'a> {
    cursor: Cursor<'a>,
    text: &'a str,
    registry: &'a Registry,
    variables: &'a dyn Fn(&str) -> Option<String>,
    pipeline: Pipeline,
    /// Made when every element is known, since a name may stand before its element.
    links: Vec<(End, End, Span)>,
}

/// One end of a link.
#[derive(Clone)]
enum End {
    Element(ElementId),
    /// By name, with the place of the name; perhaps a pad.
    Name(String, Span, Option<(String, Span)>),
}

impl Parser<'_> {
    fn chain(&mut self) -> Result<()> {
        let (_, mut before) = self.part()?;
        while let Some(bang) = self.cursor.take(TokenKind::Bang) {
            if let End::Name(name, span, _) = &before
                && self.is_target(span)
            {
                let message = format!("`{name}.` ends a chain, and `!` follows");
                return Err(point(
                    self.text,
                    bang.span.start,
                    Error::param(message)
                        .with_hint(format!("begin a new chain with `{name}.` to go on from it")),
                ));
            }
            let (takes, gives) = self.part()?;
            self.links.push((before, takes, bang.span));
            before = gives;
        }
        if let End::Name(name, span, _) = &before
            && !self.is_target(span)
        {
            let error =
                Error::param(format!("`{name}.` alone links nothing")).with_hint("expected `!` behind it");
            return Err(point(self.text, span.start, error));
        }
        match self.cursor.peek().map(|token| token.kind) {
            None | Some(TokenKind::Word) => Ok(()),
            Some(kind) => {
                let error = format!("{kind} stands here");
                Err(self
                    .cursor
                    .error(error, "expected `!` before the next element, or a new chain"))
            }
        }
    }

    /// Whether the name that stands there is the end of a link already made.
    fn is_target(&self, place: &Span) -> bool {
        self.links
            .iter()
            .any(|(_, to, _)| matches!(to, End::Name(_, span, _) if span == place))
    }

    /// What takes and what gives: the same, unless it is a bin.
    fn part(&mut self) -> Result<(End, End)> {
        if self.opens_bin() {
            return self.bin();
        }
        if self.next_touching(TokenKind::Dot) {
            let name = self.reference()?;
            return Ok((name.clone(), name));
        }
        let is_caps = self.next_touching(TokenKind::Comma)
            || self
                .cursor
                .peek()
                .is_some_and(|token| Media::from_name(token.text).is_some() || token.text == "any");
        let element = End::Element(if is_caps { self.caps()? } else { self.element()? });
        Ok((element.clone(), element))
    }

    /// Whether `(` or `bin.(` comes, which is then taken.
    fn opens_bin(&mut self) -> bool {
        let is =
            |ahead: usize, text: &str| self.cursor.peek_at(ahead).is_some_and(|token| token.text == text);
        let words = match (is(0, OPEN), is(0, "bin") && is(1, ".") && is(2, OPEN)) {
            (true, _) => 1,
            (_, true) => 3,
            _ => return false,
        };
        for _ in 0..words {
            if let Some(token) = self.cursor.peek() {
                self.cursor.take(token.kind);
            }
        }
        true
    }

    /// `name=b` if it has one, and chains up to `)`.
    fn bin(&mut self) -> Result<(End, End)> {
        let start = self.cursor.offset();
        let is_named = self.cursor.peek().is_some_and(|token| token.text == "name")
            && self.next_touching(TokenKind::Equals);
        let name = if is_named {
            self.cursor.take(TokenKind::Word);
            self.cursor.take(TokenKind::Equals);
            Some(self.cursor.value("name")?.0.text)
        } else {
            None
        };
        let pointed = |error| point(self.text, start, error);
        self.pipeline.open_bin(name).map_err(pointed)?;
        loop {
            match self.cursor.peek() {
                None => return Err(self.cursor.error("the text ends inside a bin", "expected `)`")),
                Some(token) if token.text == CLOSE => break,
                Some(_) => self.chain()?,
            }
        }
        let Some((first, last)) = self.pipeline.close_bin() else {
            return Err(self.cursor.error("a bin without elements", "expected an element"));
        };
        self.cursor.take(TokenKind::Word);
        Ok((End::Element(first), End::Element(last)))
    }

    /// Whether a word stands next and a token of this kind right behind it.
    fn next_touching(&self, kind: TokenKind) -> bool {
        matches!((self.cursor.peek(), self.cursor.peek_at(1)), (Some(word), Some(next))
            if word.kind == TokenKind::Word && next.kind == kind && word.span.end == next.span.start)
    }

    fn reference(&mut self) -> Result<End> {
        let (name, span) = self.cursor.name("an element's name")?;
        self.cursor.take(TokenKind::Dot);
        let touches = self.cursor.touches()
            && self
                .cursor
                .peek()
                .is_some_and(|token| token.kind == TokenKind::Word);
        let pad = if touches {
            Some(self.cursor.name("a pad, such as `src_1`")?)
        } else {
            None
        };
        Ok(End::Name(name, span, pad))
    }

    fn caps(&mut self) -> Result<ElementId> {
        let start = self.cursor.offset();
        let mut end = start;
        // Everything that touches: caps hold no white space and no quotes.
        while let Some(token) = self.cursor.peek().filter(|token: &Token<'_>| {
            (end == start || token.span.start == end)
                && !matches!(token.kind, TokenKind::Bang | TokenKind::Quoted)
        }) {
            end = token.span.end;
            self.cursor.take(token.kind);
        }
        let pointed = |error| point(self.text, start, error);
        let caps = Caps::parse(self.text.get(start..end).unwrap_or_default()).map_err(pointed)?;
        let filter = Built::element(CapsFilter::new(caps.clone()));
        self.pipeline
            .insert(None, filter, Ports::FILTER, Origin::Caps(caps))
            .map_err(pointed)
    }

    fn element(&mut self) -> Result<ElementId> {
        let mut link = self.cursor.link()?;
        self.fill_in(&mut link)?;
        let name = taken(&mut link, "name")?;
        let core = self.number(taken(&mut link, "core")?)?;
        let priority = self.number(taken(&mut link, "priority")?)?;
        let memory = self.memory(taken(&mut link, "pool")?)?;
        let (row, params) = self.registry.check(&link)?;
        let at = name.as_ref().map_or(link.id_span, |name| name.value_span);
        let name = name.map(|name| name.value.text);
        let pointed = |error| point(self.text, at.start, error);
        let element = self
            .pipeline
            .add_row(name.as_deref(), row, params)
            .map_err(pointed)?;
        if core.is_some() || priority.is_some() {
            let core = core.map(usize::from);
            self.pipeline.place(element, core, priority).map_err(pointed)?;
        }
        if let Some(memory) = memory {
            self.pipeline.set_memory(element, memory)?;
        }
        Ok(element)
    }

    fn memory(&self, arg: Option<Arg>) -> Result<Option<MemoryKind>> {
        let Some(arg) = arg else { return Ok(None) };
        let kinds = [MemoryKind::Heap, MemoryKind::Huge, MemoryKind::Shared];
        let known = kinds.into_iter().find(|kind| kind.name() == arg.value.text);
        known.map(Some).ok_or_else(|| {
            let error = Error::param("unknown memory of a pool").with_hint("known: heap, huge, shared");
            point(self.text, arg.value_span.start, error)
        })
    }

    fn number(&self, arg: Option<Arg>) -> Result<Option<u8>> {
        let Some(arg) = arg else { return Ok(None) };
        let number = arg.value.text.parse().map(Some);
        number.map_err(|_| {
            let error = Error::param(format!("`{}` is a whole number", arg.key)).with_hint("0 to 255");
            point(self.text, arg.value_span.start, error)
        })
    }

    /// Puts the variables into the values: `${NAME}`, and `$${` for a `${` that is none.
    fn fill_in(&self, link: &mut ChainLink) -> Result<()> {
        for arg in &mut link.args {
            let mut filled = String::new();
            let mut rest = arg.value.text.as_str();
            while let Some((before, behind)) = rest.split_once("${") {
                if let Some(before) = before.strip_suffix('$') {
                    filled.push_str(before);
                    filled.push_str("${");
                    rest = behind;
                    continue;
                }
                let wrong = |error| point(self.text, arg.value_span.start, error);
                let (name, behind) = behind.split_once('}').ok_or_else(|| {
                    wrong(Error::param("`${` without `}`").with_hint("a `${` that is meant is written `$${`"))
                })?;
                let value = (self.variables)(name).ok_or_else(|| {
                    wrong(
                        Error::not_found(format!("there is no variable `{name}`"))
                            .with_hint("set it, or write the value"),
                    )
                })?;
                filled.push_str(before);
                filled.push_str(&value);
                rest = behind;
            }
            filled.push_str(rest);
            arg.value.text = filled;
        }
        Ok(())
    }

    fn connect(mut self) -> Result<Pipeline> {
        for (from, to, bang) in std::mem::take(&mut self.links) {
            let (from, pad) = match from {
                End::Element(id) => (id, None),
                End::Name(name, span, pad) => (self.find(&name, span, false)?, pad),
            };
            let (to, input) = match to {
                End::Element(id) => (id, None),
                End::Name(name, span, pad) => (self.find(&name, span, true)?, pad),
            };
            let at = pad.as_ref().or(input.as_ref()).map_or(bang, |(_, span)| *span);
            let name = |pad: Option<(String, Span)>| pad.map(|(pad, _)| pad);
            let (output, input) = (name(pad), name(input));
            self.pipeline
                .link_pads(from, output.as_deref(), to, input.as_deref())
                .map_err(|error| point(self.text, at.start, error))?;
        }
        Ok(self.pipeline)
    }

    /// The element called so, or that which takes or gives for the bin called so.
    fn find(&self, name: &str, span: Span, takes: bool) -> Result<ElementId> {
        let bin = |(first, last)| if takes { first } else { last };
        let found = self
            .pipeline
            .element(name)
            .or_else(|| self.pipeline.bin(name).map(bin));
        found.ok_or_else(|| {
            let near = parallax_events::nearest(name, self.pipeline.names().take(100));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("give an element name={name}"),
            };
            point(
                self.text,
                span.start,
                Error::not_found(format!("no element is called `{name}`")).with_hint(hint),
            )
        })
    }
}

/// Takes a value that every element may have out of a link's values.
fn taken(link: &mut ChainLink, key: &str) -> Result<Option<Arg>> {
    let mut found: Option<Arg> = None;
    for arg in link.args.iter().filter(|arg| arg.key == key) {
        if found.is_some() {
            let error = Error::param(format!("`{key}` is given twice")).with_hint("keep one");
            return Err(link.point(arg.key_span, error));
        }
        found = Some(arg.clone());
    }
    link.args.retain(|arg| arg.key != key);
    Ok(found)
}
