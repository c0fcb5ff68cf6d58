//! Locustfiles as workloads: a locustfile is read as Python, nothing of it is executed, and what a workload can
//! say of it is written as one.
//!
//! [`read`] goes through every way that a task can take and makes requests, draws and judgements of it. It
//! never guesses: what a workload cannot say is a [`Problem`] with its line, and then nothing is converted.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

mod arithmetic;
mod bodies;
mod builtins;
mod calls;
mod captures;
mod class;
mod classes;
mod client;
mod codes;
mod comparisons;
mod conversion;
mod convert;
mod draws;
mod emit;
mod eval;
mod exec;
mod fields;
mod form;
mod imports;
mod judgement;
mod keeping;
mod members;
mod methods;
mod names;
mod nesting;
mod objects;
mod outcomes;
mod passages;
mod pools;
mod problem;
mod ratio;
mod reader;
mod request_text;
mod run;
mod session;
mod session_branch;
mod shape;
mod source;
mod starts;
mod texts;
mod toml_text;
mod users;
mod value;
mod variant;
mod variants;

pub use conversion::{Conversion, Reading, is_converted};
pub use problem::{Problem, Problems};
pub use source::SourceFile;

use conversion::Options;
use source::Parsing;

/// The longest that reading may take. Unoptimized code has more time, as tests share their machine.
const DEADLINE: Duration = Duration::from_millis(if cfg!(debug_assertions) {
    60_000
} else {
    1_800
});

/// The stack: lists in lists may be as deep as there are steps to make them.
const STACK: usize = 256 * 1024 * 1024;

/// Reads locustfiles together with the modules beside them, which `module` finds by their names.
///
/// `variables` are the environment's, and `host` is the base URL of classes that have none. A file that takes
/// too long is given up.
///
/// # Errors
///
/// If a file is no Python, or is given up.
pub fn read(
    files: Vec<SourceFile>,
    module: impl Fn(&SourceFile, &str) -> Option<SourceFile> + Send + 'static,
    variables: impl Fn(&str) -> Option<String> + Send + 'static,
    host: Option<String>,
) -> Result<Reading, Problems> {
    let name = files
        .first()
        .map_or_else(String::new, |file| file.name.clone());
    let (tell, told) = mpsc::channel();
    let reading = move || {
        let done = read_here(files, &module, &variables, host.as_deref());
        // nobody listens any more when this thread was given up
        let _ = tell.send(done);
    };
    let thread = std::thread::Builder::new()
        .name("locustfile".to_owned())
        .stack_size(STACK);
    if thread.spawn(reading).is_err() {
        return Err(Problems::of(
            &name,
            1,
            "the file cannot be read: there is no memory for it",
        ));
    }
    match told.recv_timeout(DEADLINE) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Problems::of(
            &name,
            1,
            "reading the file takes too long: make it simpler",
        )),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Problems::of(
            &name,
            1,
            "the file cannot be read: its reader has failed",
        )),
    }
}

fn read_here(
    files: Vec<SourceFile>,
    module: &dyn Fn(&SourceFile, &str) -> Option<SourceFile>,
    environment: &dyn Fn(&str) -> Option<String>,
    host: Option<&str>,
) -> Result<Reading, Problems> {
    let mains = files.len();
    let mut parsed: Vec<Parsing> = Vec::new();
    let mut problems = Vec::new();
    let mut waiting = files;
    let mut next = 0;
    while let Some(file) = waiting.get(next).cloned() {
        next += 1;
        match Parsing::read(&file) {
            Ok(parsing) => {
                for name in parsing.imports() {
                    let is_known = |file: &SourceFile| {
                        Path::new(&file.name)
                            .file_stem()
                            .is_some_and(|stem| *stem == *name)
                    };
                    if !waiting.iter().any(is_known) {
                        waiting.extend(module(&file, &name));
                    }
                }
                parsed.push(parsing);
            }
            Err(found) => problems.extend(found.problems().to_vec()),
        }
    }
    if !problems.is_empty() {
        return Err(Problems::new(problems));
    }
    Ok(convert::read(
        &parsed,
        mains,
        &Options { environment, host },
    ))
}
