//! The grammar against texts made by hand and by chance, and what hostile text costs.

use proptest::prelude::*;

use super::*;

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    tokenize(text)
        .unwrap()
        .into_iter()
        .map(|token| (token.kind, token.text))
        .collect()
}

#[test]
fn tokens_are_what_the_table_says() {
    use TokenKind::{Bang, Comma, Dot, Equals, Quoted, Word};
    assert_eq!(
        kinds("t. ! dvs,width=640 !q a='x \\' y'\"z\""),
        [
            (Word, "t"),
            (Dot, "."),
            (Bang, "!"),
            (Word, "dvs"),
            (Comma, ","),
            (Word, "width"),
            (Equals, "="),
            (Word, "640"),
            (Bang, "!"),
            (Word, "q"),
            (Word, "a"),
            (Equals, "="),
            (Quoted, "'x \\' y'"),
            (Quoted, "\"z\""),
        ]
    );
    assert_eq!(
        kinds("# one\n a#b=#c #d ! e"),
        [(Word, "a#b"), (Equals, "="), (Word, "#c")]
    );
    assert_eq!(kinds(""), []);
    assert_eq!(kinds(" \t\r\n\u{a0} #"), []);
    assert_eq!(tokenize(r#""\\\"\'\n\r\tä""#).unwrap()[0].value(), "\\\"'\n\r\tä");
}

#[test]
fn values_run_to_white_space() {
    let chain = Chain::parse("a path=../x=1,2.raw t=1.5ms empty=\"\" c=#ff8800!b").unwrap();
    let values: Vec<_> = chain.links[0]
        .args
        .iter()
        .map(|arg| arg.value.text.as_str())
        .collect();
    assert_eq!(values, ["../x=1,2.raw", "1.5ms", "", "#ff8800"]);
    assert!(chain.links[0].args[2].value.quoted && !chain.links[0].args[0].value.quoted);
    assert_eq!(chain.links[1].id, "b");
    let arg = &chain.links[0].args[1];
    assert_eq!(
        (arg.key_span, arg.value_span),
        (Span { start: 20, end: 21 }, Span { start: 22, end: 27 })
    );
}

#[test]
fn errors_stand_at_the_character() {
    let known = [
        ("", 1, "the text ends here"),
        ("a !", 4, "the text ends here"),
        ("a ! ! b", 5, "`!` stands here"),
        ("! a", 1, "`!` stands here"),
        ("a b", 3, "`b` has no value"),
        ("a t. ! b", 3, "`t` has no value"),
        ("a =1", 3, "`=` stands here"),
        ("a b =1", 5, "a space stands before `=`"),
        ("a b= c=1", 5, "`b=` has no value"),
        ("a b=!c", 5, "`b=` has no value"),
        ("a b=\"x\"y", 8, "a quote stands inside a value"),
        ("a b=x\"y\"", 6, "a quote stands inside a value"),
        ("a b=it's", 7, "this quote has no end"),
        ("a b='x\\", 5, "this quote has no end"),
        ("a b='x\\d'", 7, "this escape is not known"),
        ("ä", 1, "`ä` cannot stand in a name"),
        ("1a", 1, "`1` cannot stand in a name"),
        ("a b/c=1", 4, "`/` cannot stand in a name"),
        ("a b=1,", 0, ""),
        ("a,b", 2, "`,` stands here"),
    ];
    for (text, column, message) in known {
        let result = Chain::parse(text);
        if column == 0 {
            assert!(result.is_ok(), "{text}");
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Param, "{text}");
        let at = error
            .context()
            .find(|(key, _)| *key == "column")
            .unwrap()
            .1
            .to_owned();
        assert_eq!((error.message(), at), (message, column.to_string()), "{text}");
        let picture = error.to_string();
        let caret = picture.lines().last().unwrap();
        assert_eq!(caret.chars().count(), 2 + column, "{picture}");
    }
}

#[test]
fn the_picture_shows_one_line_and_no_control_characters() {
    let error = Chain::parse("a\n\tb=1 \u{1b}[2J c\nd").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("(line: 2, column: 6)"), "{text}");
    assert!(text.ends_with("\n   b=1  [2J c\n       ^"), "{text:?}");
    assert!(!text.contains('\u{1b}'));

    let long = format!("{} b", "a".repeat(100_000));
    let text = Chain::parse(&long).unwrap_err().to_string();
    assert!(text.len() < 400, "{}", text.len());
    let (line, caret) = text.rsplit_once('\n').unwrap();
    assert_eq!(line.lines().last().unwrap().as_bytes()[caret.len() - 1], b'b');
}

#[test]
fn an_unknown_id_lists_the_known() {
    let chain = Chain::parse("region ! voxle").unwrap();
    let rows = ["region", "voxel"];
    assert_eq!(
        chain.links[0].resolve("operator", &rows, |row| row).unwrap(),
        &"region"
    );
    let error = chain.links[1].resolve("operator", &rows, |row| row).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "no operator is called `voxle` (line: 1, column: 10); did you mean `voxel`? known: region, voxel\n  \
         region ! voxle\n           ^"
    );
}

#[test]
fn hostile_text_is_bounded() {
    assert_eq!(
        tokenize(&"a".repeat(MAX_TEXT_BYTES + 1)).unwrap_err().kind(),
        ErrorKind::Limit
    );
    // Each of these is one step a byte; a quadratic parser would need minutes.
    for unit in [
        "a ! ",
        "a=",
        "\"",
        "'\\\\' ",
        ".",
        "# \n",
        "a b=\"\" ",
        " ",
        "ä",
        "a b=1 ",
    ] {
        let text = unit.repeat(MAX_TEXT_BYTES / unit.len());
        let _ = Chain::parse(&text);
    }
    let chain = Chain::parse(&format!("a {}", "b=1 ".repeat(200_000))).unwrap();
    assert_eq!(chain.links[0].args.len(), 200_000);
    let long = "x".repeat(MAX_TEXT_BYTES);
    let error = resolve("operator", &long, &["region"], |row| row).unwrap_err();
    assert!(error.to_string().len() < 200);
}

/// A link with its values, as chance makes it.
type Made = (String, Vec<(String, String)>);

fn made_chain() -> impl Strategy<Value = Vec<Made>> {
    let value = "[-a-z0-9.,=/#\\\\]{1,8}|\\PC{0,8}|[ \"'\\\\!=,.#\n\r\ta]{0,8}";
    let link = (
        "[a-zA-Z_][a-zA-Z0-9_-]{0,6}",
        prop::collection::vec(("[a-z_][a-z0-9_-]{0,4}", value), 0..4),
    );
    prop::collection::vec(link, 1..5)
}

proptest! {
    #[test]
    fn what_is_written_is_read(made in made_chain(), spaces in "[ \t\n]{1,3}", tight: bool) {
        // Written by this test alone: every value quoted, with white space and comments between.
        let bang = if tight { "!".to_owned() } else { format!("{spaces}# x ! y\n!{spaces}") };
        let links: Vec<String> = made.iter().map(|(id, args)| {
            let args = args.iter().map(|(key, value)| {
                format!("{spaces}{key}='{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
            });
            format!("{id}{}", args.collect::<String>())
        }).collect();
        let chain = Chain::parse(&links.join(&bang))?;
        let read: Vec<Made> = chain.links.iter().map(|link| {
            let args = link.args.iter().map(|arg| (arg.key.clone(), arg.value.text.clone()));
            (link.id.clone(), args.collect())
        }).collect();
        prop_assert_eq!(&read, &made);
        // And printing is the inverse of parsing.
        let printed = chain.to_string();
        prop_assert_eq!(&Chain::parse(&printed)?, &chain);
        prop_assert_eq!(Chain::parse(&printed)?.to_string(), printed);
    }

    #[test]
    fn tokens_cover_the_text(text in "[-a.=!,#\"'\\\\ \nä]{0,40}|\\PC{0,40}") {
        if let Ok(tokens) = tokenize(&text) {
            let mut end = 0;
            for token in &tokens {
                prop_assert!(token.span.start >= end && token.span.end > token.span.start);
                prop_assert_eq!(&text[token.span.start..token.span.end], token.text);
                end = token.span.end;
            }
        }
        let _ = Chain::parse(&text);
    }
}
