//! The text of a pipeline: [`Pipeline::parse`] and [`Pipeline::to_text`], inverse to each other.
//!
//! ```text
//! pipeline := chain+
//! chain    := start ("!" part)*          start := part | name "." [pad]
//! part     := element | caps | bin       element := id (key "=" value)*
//! bin      := ["bin."] "(" ["name=" name] chain+ ")"
//! the last part of a chain may be: name "." [pad]
//! ```
//!
//! `name=t` calls an element `t`; `t.` goes on from its next free pad, `t.src_1` from that one, `! t.` ends a chain at
//! its next free input, `! m.sink_1` at that one. A part such as `events,width=640` is a caps filter: nothing else may pass. `#` behind white space begins
//! a comment. What comes before a bin goes to the first element in it, what comes behind from the last. `pool=` says what its pools are made of. `core=` and `priority=` place the thread that an element begins; `${NAME}` in a value is a variable. One tokenizer serves this and the chains of operators.

mod parse;
mod print;
