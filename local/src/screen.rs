//! Standard error. On a terminal a block of lines stands at the bottom and is drawn anew in place, and the log goes on
//! above it; elsewhere lines follow each other.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// Standard error; clones write to the same.
#[derive(Clone, Debug)]
pub struct Screen {
    block: ProgressBar,
    /// True while the block is there.
    shows_block: Arc<AtomicBool>,
    terminal: Option<Term>,
}

/// The rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
}

impl Screen {
    /// Standard error as it is now.
    pub fn stderr() -> Self {
        let terminal = Term::stderr();
        // a dumb one has no cursor to move
        let is_dumb = std::env::var("TERM").is_ok_and(|name| name == "dumb");
        let is_terminal = terminal.is_term() && !is_dumb;
        let target = if is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let block = ProgressBar::with_draw_target(None, target);
        Self {
            block: block.with_style(style()),
            shows_block: Arc::default(),
            terminal: Some(terminal).filter(|_| is_terminal),
        }
    }

    /// The size of the terminal; `None` where there is none.
    pub fn size(&self) -> Option<Size> {
        let (rows, columns) = self.terminal.as_ref()?.size();
        Some(Size {
            rows: rows.into(),
            columns: columns.into(),
        })
    }

    /// Draws the block at the bottom of the terminal anew.
    pub fn show(&self, lines: &[String]) {
        self.shows_block.store(true, Ordering::Relaxed);
        self.block.set_message(lines.join("\n"));
        self.block.tick();
    }

    /// Takes the block away.
    pub fn clear(&self) {
        if self.shows_block.swap(false, Ordering::Relaxed) {
            self.block.finish_and_clear();
        }
    }

    /// Prints lines and an empty one, above the block.
    pub fn print(&self, lines: &[String]) -> io::Result<()> {
        self.above(|| {
            let mut out = io::stderr().lock();
            for line in lines {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
            out.flush()
        })
    }

    fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        if self.shows_block.load(Ordering::Relaxed) {
            self.block.suspend(write)
        } else {
            write()
        }
    }
}

/// The log is written line by line.
impl Write for Screen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.above(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Nothing but the block's own lines.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}
