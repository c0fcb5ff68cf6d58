//! How deeply a file is nested, known before it is parsed.
//!
//! The parser bounds its own recursion. A chain such as `a + a + ...` or `a.b.c` needs none to be read, but makes a
//! tree as deep as the chain is long, which whoever goes through it, or drops it, goes down.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// The deepest tree that is made.
const DEEPEST: usize = 2_000;

/// True if the tree of this text could be too deep.
pub(crate) fn is_too_deep(text: &str) -> bool {
    let mut lexer = lex(text, Mode::Module);
    // for each bracket that is open: the depth at which the element in it begins, and the depth there now
    let mut open = vec![(0, 0)];
    loop {
        let kind = lexer.next_token();
        let is_within = open.len() > 1;
        let Some(innermost) = open.last_mut() else {
            return true;
        };
        match kind {
            TokenKind::EndOfFile => return false,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                innermost.1 += 1;
                let depth = innermost.1;
                open.push((depth, depth));
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if is_within => {
                open.pop();
            }
            // what follows begins a tree of its own beside the one before
            TokenKind::Comma | TokenKind::Newline | TokenKind::Semi => innermost.1 = innermost.0,
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::Indent
            | TokenKind::Dedent => {}
            _ => innermost.1 += 1,
        }
        if open.last().is_some_and(|(_, depth)| *depth > DEEPEST) {
            return true;
        }
    }
}
