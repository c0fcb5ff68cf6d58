//! The size and the nesting of a template, counted along its tokens before it is parsed.
//!
//! Parsing, compiling and dropping a syntax tree recurse as deep as the tree is. Its depth is at most the
//! operators that are chained or nested between two commas, so these are counted, without recursion.

use minijinja::machinery::{Token, tokenize};

use super::findings::Problem;
use crate::workload::engine::syntax;

/// The tokens of a template, at most.
const MAX_TOKENS: usize = 20_000;

/// The operators, filters, subscripts and brackets that may be chained or nested in one expression.
const MAX_CHAIN: usize = 200;

/// The deepest nesting of blocks; an `elif` counts as a block in the one before it.
const MAX_BLOCKS: usize = 50;

/// Checks a template, or with `expression` an expression, and returns how many tokens it has.
///
/// A text that cannot be split into tokens passes: the parser says why.
pub(super) fn check(source: &str, expression: bool) -> Result<usize, Problem> {
    let mut chain = Chain::default();
    let mut blocks = Blocks::default();
    let mut count = 0;
    for token in tokenize(source, expression, syntax()) {
        let Ok((token, span)) = token else { break };
        let line = usize::from(span.start_line).saturating_sub(1);
        count += 1;
        if count > MAX_TOKENS {
            let message = format!("a template of more than {MAX_TOKENS} words and signs");
            return Err((line, format!("{message}: make it shorter")));
        }
        if !chain.take(&token) {
            let message =
                format!("more than {MAX_CHAIN} operators chained or nested in one expression");
            return Err((line, format!("{message}: split it with `set`")));
        }
        if !blocks.take(&token) {
            let message = format!("blocks nested more than {MAX_BLOCKS} deep, or as many `elif`");
            return Err((line, format!("{message}: write fewer")));
        }
    }
    Ok(count)
}

/// The operators since the last comma, for each bracket that is open.
#[derive(Default)]
struct Chain {
    open: Vec<Frame>,
    current: Frame,
    /// The sum of `operators` over all frames.
    total: usize,
}

#[derive(Clone, Copy, Default)]
struct Frame {
    operators: usize,
    /// The most that any part between commas had.
    most: usize,
}

impl Chain {
    fn take(&mut self, token: &Token<'_>) -> bool {
        match token {
            Token::VariableStart | Token::BlockStart => *self = Self::default(),
            Token::Comma => {
                self.total -= self.current.operators;
                self.current.most = self.current.most.max(self.current.operators);
                self.current.operators = 0;
            }
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => {
                self.add(1);
                self.open.push(std::mem::take(&mut self.current));
            }
            Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                let closed = std::mem::take(&mut self.current);
                self.total -= closed.operators;
                self.current = self.open.pop().unwrap_or_default();
                self.add(closed.most.max(closed.operators));
            }
            Token::Ident("not" | "and" | "or" | "if" | "else" | "in" | "is") => self.add(1),
            Token::TemplateData(_)
            | Token::VariableEnd
            | Token::BlockEnd
            | Token::Ident(_)
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Int128(_)
            | Token::Float(_)
            | Token::Colon
            | Token::Assign => {}
            _ => self.add(1),
        }
        self.total <= MAX_CHAIN
    }

    fn add(&mut self, operators: usize) {
        self.current.operators += operators;
        self.total += operators;
    }
}

/// The blocks that are open, each with what its `elif`s add to it.
#[derive(Default)]
struct Blocks {
    open: Vec<usize>,
    depth: usize,
    /// The next token is the name of a block.
    begins: bool,
    /// The block that is being read is a `set`, and no `=` has come yet.
    set: bool,
}

impl Blocks {
    fn take(&mut self, token: &Token<'_>) -> bool {
        let begins = std::mem::replace(&mut self.begins, matches!(token, Token::BlockStart));
        match token {
            Token::Ident(name) if begins => self.keyword(name),
            Token::Assign => self.set = false,
            Token::BlockEnd if std::mem::take(&mut self.set) => self.push(),
            _ => {}
        }
        self.depth <= MAX_BLOCKS
    }

    fn keyword(&mut self, name: &str) {
        match name {
            "for" | "if" | "with" | "filter" | "autoescape" => self.push(),
            "elif" => {
                if let Some(block) = self.open.last_mut() {
                    *block += 1;
                    self.depth += 1;
                }
            }
            "set" => self.set = true,
            _ if name.starts_with("end") => {
                self.depth -= self.open.pop().unwrap_or_default();
            }
            _ => {}
        }
    }

    fn push(&mut self) {
        self.open.push(1);
        self.depth += 1;
    }
}
