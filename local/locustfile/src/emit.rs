//! The text of the workload: TOML with a comment for each class and task that says where it comes from.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::codes::references;
use crate::conversion::MARK;
use crate::problem::{Problem, Problems};
use crate::ratio::{Ratio, gcd};
use crate::request_text::{DrawNames, request_text};
use crate::shape::ShapeText;
use crate::toml_text::{key, one_line, seconds, string};
use crate::value::Variable;
use crate::variant::Variant;

/// A class of users.
pub(crate) struct UserText<'a> {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) host: Rc<Variable>,
    pub(crate) insecure: bool,
    pub(crate) wait: Rc<str>,
    pub(crate) weight: i64,
    pub(crate) fixed_count: i64,
    pub(crate) timeout: Option<f64>,
    pub(crate) tasks: Vec<TaskText<'a>>,
    /// The requests with which a user's session begins.
    pub(crate) start: Option<TaskText<'a>>,
    /// Those with which it ends.
    pub(crate) stop: Option<TaskText<'a>>,
}

/// A task of a class, as the variants that an iteration of it may be.
pub(crate) struct TaskText<'a> {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) count: Ratio,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) variants: Vec<Variant<'a>>,
}

/// The largest weight of a workload.
pub(crate) const MAX_WEIGHT: i128 = 10_000;

/// Lines of the text, and where in the files they come from.
type Marks = Vec<(usize, String, usize)>;

/// Parts of the text, each with its place in the files.
type Texts = Vec<(String, usize, String)>;

pub(crate) struct Emitter {
    pub(crate) files: Vec<String>,
    pub(crate) mains: Vec<String>,
    pub(crate) text: String,
    pub(crate) lines: usize,
    pub(crate) marks: Marks,
    pub(crate) pools: Vec<(String, String)>,
    pub(crate) hosts: Vec<HostText>,
    pub(crate) problems: Vec<Problem>,
}

#[derive(PartialEq)]
pub(crate) struct HostText {
    name: String,
    url: String,
    variable: Option<String>,
    insecure: bool,
}

impl Emitter {
    pub(crate) fn new(files: Vec<String>, mains: Vec<String>) -> Self {
        Self {
            files,
            mains,
            text: String::new(),
            lines: 0,
            marks: Vec::new(),
            pools: Vec::new(),
            hosts: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn write(
        mut self,
        users: &[UserText<'_>],
        shapes: &[ShapeText],
        notes: &BTreeSet<(String, usize, String)>,
    ) -> Result<(String, Marks), Problems> {
        let users_text = self.users(users);
        let shapes_text = shapes
            .iter()
            .map(|shape| (shape.file.clone(), shape.line, shape.write()));
        let from = self.mains.join(", ");
        self.push(&format!("{}{}.\n", MARK, one_line(&from)));
        self.push("# A request without a response is a failure here, whatever the file says of responses. A request without a timeout of\n");
        self.push("# its own has 60 s. Cookies are kept by users whose on_start sends requests; if one of these fails, the user sends them\n");
        self.push("# again before its next iteration.\n");
        for (file, line, note) in notes {
            self.push(&format!(
                "# {}, line {line}: {}\n",
                one_line(file),
                one_line(note)
            ));
        }
        let hosts = std::mem::take(&mut self.hosts);
        for host in &hosts {
            self.push(&format!(
                "\n[hosts.{}]\nurl = {}\n",
                key(&host.name),
                string(&host.url)
            ));
            if let Some(variable) = &host.variable {
                self.push(&format!("env = {}\n", string(variable)));
            }
            if host.insecure {
                self.push("insecure = true\n");
            }
        }
        let pools = std::mem::take(&mut self.pools);
        if !pools.is_empty() {
            self.push("\n[pools]\n");
        }
        for (name, values) in &pools {
            self.push(&format!("{} = {values}\n", key(name)));
        }
        for (file, line, text) in users_text.into_iter().chain(shapes_text) {
            self.marks.push((self.lines + 1, file, line));
            self.push(&text);
        }
        if self.problems.is_empty() {
            return Ok((self.text, self.marks));
        }
        Err(Problems::new(self.problems))
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.lines += text.matches('\n').count();
        self.text.push_str(text);
    }

    pub(crate) fn tell(&mut self, file: &str, line: usize, message: impl Into<String>) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line,
            column: None,
            message: message.into(),
        });
    }

    /// The texts of the classes, with their places.
    pub(crate) fn users(&mut self, users: &[UserText<'_>]) -> Texts {
        let mut texts = Vec::new();
        for user in users {
            let host = self.host(user);
            let mut text = format!(
                "\n# {}, line {}\n[class.{}]\n",
                one_line(&user.file),
                user.line,
                key(&user.name)
            );
            let _ = writeln!(text, "host = {}", string(&host));
            let _ = writeln!(text, "wait = {}", string(&user.wait));
            if user.weight != 1 {
                let _ = writeln!(text, "weight = {}", user.weight);
            }
            if user.fixed_count != 0 {
                let _ = writeln!(text, "fixed_count = {}", user.fixed_count);
            }
            if let Some(timeout) = user.timeout {
                let _ = writeln!(text, "timeout = {}", seconds(timeout));
            }
            if user.start.is_some() {
                text.push_str("cookies = true\n");
            }
            texts.push((user.file.clone(), user.line, text));
            self.tasks(user, &mut texts);
        }
        texts
    }

    /// The name of a class's host among the workload's.
    pub(crate) fn host(&mut self, user: &UserText<'_>) -> String {
        let variable = &user.host;
        let url = variable
            .default
            .clone()
            .or_else(|| variable.set.clone())
            .unwrap_or_default();
        let is_https = url.starts_with("https://")
            || variable
                .set
                .as_deref()
                .is_some_and(|set| set.starts_with("https://"));
        let insecure = user.insecure && is_https;
        let named = Some(variable.name.clone()).filter(|name| !name.is_empty());
        let known = self
            .hosts
            .iter()
            .find(|host| host.url == url && host.variable == named && host.insecure == insecure);
        if let Some(known) = known {
            return known.name.clone();
        }
        let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let authority = authority.split(['/', ':', '?']).next().unwrap_or_default();
        let mut name = match &named {
            Some(variable) => variable
                .to_lowercase()
                .trim_end_matches("_url")
                .trim_end_matches("_host")
                .replace('_', "-"),
            None => authority.to_owned(),
        };
        name.retain(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let name = unique(if name.is_empty() { "host" } else { &name }, |name| {
            self.hosts.iter().any(|host| host.name == name)
        });
        self.hosts.push(HostText {
            name: name.clone(),
            url,
            variable: named,
            insecure,
        });
        name
    }

    pub(crate) fn tasks(&mut self, user: &UserText<'_>, texts: &mut Texts) {
        let Some(weights) = weights(&user.tasks) else {
            self.tell(
                &user.file,
                user.line,
                format!(
                    "the weights of `{}` have no common measure up to 10000",
                    user.name
                ),
            );
            return;
        };
        let class = format!("class.{}", key(&user.name));
        let session = self.start(user, &class, texts);
        let mut names: Vec<String> = Vec::new();
        let mut weights = weights.into_iter();
        for task in &user.tasks {
            for variant in &task.variants {
                let name = unique(&task.name, |name| names.iter().any(|known| known == name));
                let weight = weights.next().unwrap_or(1);
                let mut rules = String::new();
                if weight != 1 {
                    let _ = writeln!(rules, "weight = {weight}");
                }
                if !task.tags.is_empty() {
                    let tags: Vec<String> = task.tags.iter().map(|tag| string(tag)).collect();
                    let _ = writeln!(rules, "tags = [{}]", tags.join(", "));
                }
                let own = DrawNames::within(&session);
                let own = self.draws(task, variant, own, &BTreeSet::new());
                let head = format!("{class}.task.{}", key(&name));
                self.requests(&head, &rules, (task, variant), &own, texts);
                names.push(name);
            }
        }
        if let Some(stop) = &user.stop {
            for variant in &stop.variants {
                let own = DrawNames::within(&session);
                let own = self.draws(stop, variant, own, &BTreeSet::new());
                self.requests(&format!("{class}.stop"), "", (stop, variant), &own, texts);
            }
        }
    }

    /// Writes the requests with which a user begins; the names of the values that it keeps.
    fn start(&mut self, user: &UserText<'_>, class: &str, texts: &mut Texts) -> DrawNames {
        let Some(start) = &user.start else {
            return DrawNames::default();
        };
        let later = user.tasks.iter().chain(&user.stop);
        let later = later.flat_map(|task| &task.variants);
        let shared = later
            .flat_map(|variant| references(&variant.requests))
            .collect();
        let mut names = DrawNames::default();
        for variant in &start.variants {
            let requests = variant.requests.iter();
            let captured = requests.flat_map(|request| &request.captures);
            names.kept.extend(captured.map(|(name, _)| name.clone()));
            names = self.draws(start, variant, names, &shared);
            self.requests(
                &format!("{class}.start"),
                "",
                (start, variant),
                &names,
                texts,
            );
        }
        names
    }

    /// Writes a table of requests, with `rules` and what is drawn for all of them before.
    fn requests(
        &self,
        head: &str,
        rules: &str,
        (task, variant): (&TaskText<'_>, &Variant<'_>),
        names: &DrawNames,
        texts: &mut Texts,
    ) {
        let mut text = format!(
            "\n# {}, line {}\n[{head}]\n{rules}",
            one_line(&task.file),
            task.line
        );
        if !names.drawn.is_empty() {
            let drawn = names.drawn.iter();
            let drawn: Vec<String> = drawn
                .map(|(name, pool)| format!("{} = {}", key(name), string(pool)))
                .collect();
            let _ = writeln!(text, "draw = {{ {} }}", drawn.join(", "));
        }
        texts.push((task.file.clone(), task.line, text));
        for request in &variant.requests {
            let mut text = format!("\n[[{head}.request]]\n");
            request_text(&mut text, request, names);
            texts.push((self.files[request.file].clone(), request.line, text));
        }
    }
}

/// The weights of all variants: whole numbers in proportion, as small as need be.
fn weights(tasks: &[TaskText<'_>]) -> Option<Vec<i128>> {
    let shares = tasks.iter().flat_map(|task| {
        task.variants
            .iter()
            .map(|variant| task.count.times(variant.share))
    });
    let shares: Vec<Ratio> = shares.collect::<Option<_>>()?;
    let mut scale = 1_i128;
    for share in &shares {
        scale = scale.checked_mul(share.bottom / gcd(scale, share.bottom))?;
    }
    let mut weights: Vec<i128> = shares
        .iter()
        .map(|share| Some(share.top.checked_mul(scale)? / share.bottom))
        .collect::<Option<_>>()?;
    let shared = weights
        .iter()
        .fold(0, |shared, weight| gcd(shared, *weight))
        .max(1);
    if scale > 1 || weights.iter().any(|weight| *weight > MAX_WEIGHT) {
        weights.iter_mut().for_each(|weight| *weight /= shared);
    }
    weights
        .iter()
        .all(|weight| (1..=MAX_WEIGHT).contains(weight))
        .then_some(weights)
}

/// A name that is not taken: itself, or with a number.
pub(crate) fn unique(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = format!("{wanted}.{number}");
    }
    name
}
