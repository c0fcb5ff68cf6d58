//! The text of the workload: TOML with a comment for each class and task that says where it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;

use toml::Value as Toml;

use crate::judgement::{BELOW_400, Good, exact_status};
use crate::problem::{Problem, Problems};
use crate::ratio::{Ratio, gcd};
use crate::reader::is_name;
use crate::run::{Body, Json, Request};
use crate::shape::ShapeText;
use crate::value::{Draw, DrawKind, MARKS, Piece, Value, Variable};
use crate::variants::{Variant, each_code, each_failure, keys};

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
const MAX_WEIGHT: i128 = 10_000;

/// The most values of a pool that is made of whole numbers.
const MOST_NUMBERS: i64 = 10_000;

/// Lines of the text, and where in the files they come from.
type Marks = Vec<(usize, String, usize)>;

pub(crate) struct Emitter {
    files: Vec<String>,
    mains: Vec<String>,
    text: String,
    lines: usize,
    marks: Marks,
    pools: Vec<(String, String)>,
    hosts: Vec<HostText>,
    problems: Vec<Problem>,
}

#[derive(PartialEq)]
struct HostText {
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
        self.push(&format!("{}{}.\n", crate::MARK, one_line(&from)));
        self.push("# A request without a response is a failure here, whatever the file says of responses; cookies are not kept;\n");
        self.push("# a request without a timeout of its own has 60 s.\n");
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

    fn push(&mut self, text: &str) {
        self.lines += text.matches('\n').count();
        self.text.push_str(text);
    }

    fn tell(&mut self, file: &str, line: usize, message: impl Into<String>) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line,
            column: None,
            message: message.into(),
        });
    }

    /// The texts of the classes, with their places.
    fn users(&mut self, users: &[UserText<'_>]) -> Vec<(String, usize, String)> {
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
            texts.push((user.file.clone(), user.line, text));
            self.tasks(user, &mut texts);
        }
        texts
    }

    /// The name of a class's host among the workload's.
    fn host(&mut self, user: &UserText<'_>) -> String {
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

    fn tasks(&mut self, user: &UserText<'_>, texts: &mut Vec<(String, usize, String)>) {
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
        let mut names: Vec<String> = Vec::new();
        let mut weights = weights.into_iter();
        for task in &user.tasks {
            for variant in &task.variants {
                let name = unique(&task.name, |name| names.iter().any(|known| known == name));
                let weight = weights.next().unwrap_or(1);
                let head = format!("[class.{}.task.{}]", key(&user.name), key(&name));
                let mut text =
                    format!("\n# {}, line {}\n{head}\n", one_line(&task.file), task.line);
                if weight != 1 {
                    let _ = writeln!(text, "weight = {weight}");
                }
                if !task.tags.is_empty() {
                    let tags: Vec<String> = task.tags.iter().map(|tag| string(tag)).collect();
                    let _ = writeln!(text, "tags = [{}]", tags.join(", "));
                }
                let names_of_draws = self.draws(task, variant);
                if !names_of_draws.drawn.is_empty() {
                    let drawn = names_of_draws.drawn.iter();
                    let drawn: Vec<String> = drawn
                        .map(|(name, pool)| format!("{} = {}", key(name), string(pool)))
                        .collect();
                    let _ = writeln!(text, "draw = {{ {} }}", drawn.join(", "));
                }
                texts.push((task.file.clone(), task.line, text));
                for request in &variant.requests {
                    let mut text = format!(
                        "\n[[class.{}.task.{}.request]]\n",
                        key(&user.name),
                        key(&name)
                    );
                    request_text(&mut text, request, &names_of_draws);
                    texts.push((self.files[request.file].clone(), request.line, text));
                }
                names.push(name);
            }
        }
    }

    /// How the draws of a variant are written: where they are used once, there; else once for the iteration.
    fn draws(&mut self, task: &TaskText<'_>, variant: &Variant<'_>) -> DrawNames {
        let mut uses: BTreeMap<String, usize> = BTreeMap::new();
        let mut judged: BTreeSet<String> = BTreeSet::new();
        for request in &variant.requests {
            each_code(
                request,
                &mut |code| {
                    keys(code)
                        .into_iter()
                        .for_each(|key| *uses.entry(key).or_default() += 1)
                },
                false,
            );
            each_failure(request, &mut |code| judged.extend(keys(code)));
        }
        let mut names = DrawNames::default();
        for draw in &variant.draws {
            let count = uses.get(&draw.key).copied().unwrap_or(0);
            let is_judged = judged.contains(&draw.key);
            if count == 0 && !is_judged {
                continue;
            }
            let inline = count == 1 && !is_judged;
            let code = match &draw.kind {
                DrawKind::Whole(low, high) if inline => format!("randint({low}, {high})"),
                DrawKind::Real(low, high, digits) if inline => match digits {
                    Some(digits) => format!("uniform({}, {}, {digits})", float(*low), float(*high)),
                    None => format!("uniform({}, {})", float(*low), float(*high)),
                },
                DrawKind::Unit(low, high) if inline => {
                    format!("uniform({}, {})", float(low.value()), float(high.value()))
                }
                DrawKind::Whole(low, high) if high.saturating_sub(*low) < MOST_NUMBERS => {
                    let values = (*low..=*high)
                        .map(|number| (Value::Int(number), 1))
                        .collect::<Vec<_>>();
                    self.drawn(draw, &values, task, &mut names)
                }
                DrawKind::Outcomes(outcomes) if inline => match self.pool(draw, outcomes, task) {
                    Some(pool) => format!("pick({})", crate::reader::quoted(&pool)),
                    None => String::new(),
                },
                DrawKind::Outcomes(outcomes) => self.drawn(draw, outcomes, task, &mut names),
                _ => {
                    let message = "a number that is drawn is used twice: a workload draws only values of lists for more than one use";
                    self.tell(&task.file, task.line, message);
                    String::new()
                }
            };
            names.codes.insert(draw.key.clone(), code);
        }
        names
    }

    fn drawn(
        &mut self,
        draw: &Draw<'_>,
        outcomes: &[(Value<'_>, i64)],
        task: &TaskText<'_>,
        names: &mut DrawNames,
    ) -> String {
        const TAKEN: [&str; 26] = [
            "user_class",
            "user",
            "iteration",
            "host",
            "status",
            "body",
            "json",
            "headers",
            "response_time_ms",
            "true",
            "false",
            "none",
            "loop",
            "self",
            "not",
            "and",
            "or",
            "in",
            "is",
            "if",
            "else",
            "range",
            "dict",
            "pick",
            "choice",
            "uniform",
        ];
        let Some(pool) = self.pool(draw, outcomes, task) else {
            return String::new();
        };
        let wanted = draw
            .name
            .as_deref()
            .filter(|name| is_name(name) && name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let wanted = wanted.unwrap_or("drawn");
        let wanted = match TAKEN.contains(&wanted.to_lowercase().as_str()) || wanted == "randint" {
            true => format!("drawn_{wanted}"),
            false => wanted.to_owned(),
        };
        let mut name = wanted.clone();
        let mut number = 1;
        while names.drawn.iter().any(|(known, _)| *known == name) {
            number += 1;
            name = format!("{wanted}_{number}");
        }
        names.drawn.push((name.clone(), pool));
        name
    }

    /// The name of a pool with these values.
    fn pool(
        &mut self,
        draw: &Draw<'_>,
        outcomes: &[(Value<'_>, i64)],
        task: &TaskText<'_>,
    ) -> Option<String> {
        let shared = outcomes
            .iter()
            .fold(0, |shared, (_, weight)| gcd(shared, i128::from(*weight)))
            .max(1);
        let mut values = Vec::new();
        for (value, weight) in outcomes {
            let weight = i128::from(*weight) / shared;
            let Some(plain) = plain(value).filter(|_| weight <= MAX_WEIGHT) else {
                self.tell(
                    &task.file,
                    task.line,
                    "a list that is drawn from has a value or a weight that no workload can say",
                );
                return None;
            };
            values.push(pool_entry(plain, weight));
        }
        let text = match values.iter().map(String::len).sum::<usize>() < 90 {
            true => format!("[{}]", values.join(", ")),
            false => format!("[\n  {},\n]", values.join(",\n  ")),
        };
        if let Some((name, _)) = self.pools.iter().find(|(_, known)| *known == text) {
            return Some(name.clone());
        }
        let wanted = draw
            .pool
            .clone()
            .or_else(|| draw.name.clone())
            .unwrap_or_else(|| "values".to_owned());
        let wanted: String = wanted
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(60)
            .collect();
        let wanted = if wanted.is_empty() {
            "values".to_owned()
        } else {
            wanted
        };
        let name = unique(&wanted, |name| {
            self.pools.iter().any(|(known, _)| known == name)
        });
        self.pools.push((name.clone(), text));
        Some(name)
    }
}

/// How draws are written: by their keys; and what a task draws once, with the pools.
#[derive(Default)]
struct DrawNames {
    codes: BTreeMap<String, String>,
    drawn: Vec<(String, String)>,
}

impl DrawNames {
    /// An expression with its draws as they are written.
    fn code(&self, code: &str) -> String {
        let [open, close] = MARKS;
        let mut written = String::new();
        let mut rest = code;
        while let Some((before, after)) = rest.split_once(open) {
            let (key, after) = after.split_once(close).unwrap_or((after, ""));
            written.push_str(before);
            written.push_str(self.codes.get(key).map_or("", String::as_str));
            rest = after;
        }
        written + rest
    }

    /// Pieces as a template.
    fn template(&self, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => {
                    let follows = matches!(pieces.get(index + 1), Some(Piece::Code(_)));
                    text.push_str(&escaped(literal, follows));
                }
                Piece::Code(code) | Piece::Answer(_, code) => {
                    let _ = write!(text, "{{{{ {} }}}}", self.code(code));
                }
            }
        }
        text
    }
}

/// A text in a template that stands for itself.
fn escaped(literal: &str, code_follows: bool) -> String {
    let mut text = String::new();
    let mut characters = literal.chars().peekable();
    while let Some(c) = characters.next() {
        let special = match characters.peek() {
            Some(next) => matches!(next, '{' | '%' | '#'),
            None => code_follows,
        };
        match c {
            '{' if special => text.push_str("{{ '{' }}"),
            c => text.push(c),
        }
    }
    text
}

fn request_text(text: &mut String, request: &Request, names: &DrawNames) {
    let _ = writeln!(text, "name = {}", string(&request.name));
    if request.method != "GET" {
        let _ = writeln!(text, "method = {}", string(&request.method));
    }
    let _ = writeln!(text, "path = {}", string(&names.template(&request.path)));
    if !request.headers.is_empty() {
        let headers = request.headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{} = {}", key(name), string(&names.template(value))))
            .collect();
        let _ = writeln!(text, "headers = {{ {} }}", headers.join(", "));
    }
    match &request.body {
        Some(Body::Json(json)) => {
            let _ = writeln!(text, "json = {}", json_text(json, names));
        }
        Some(Body::Text(pieces)) => {
            let _ = writeln!(text, "body = {}", string(&names.template(pieces)));
        }
        None => {}
    }
    if request.probability != Ratio::ONE {
        let _ = writeln!(text, "probability = {}", float(request.probability.value()));
    }
    if let Some(timeout) = request.timeout {
        let _ = writeln!(text, "timeout = {}", seconds(timeout));
    }
    if !request.follows {
        let _ = writeln!(text, "redirects = 0");
    }
    judgement_text(text, request, names);
    if !request.captures.is_empty() {
        let captures = request.captures.iter();
        let captures: Vec<String> = captures
            .map(|(name, code)| format!("{} = {}", key(name), string(code)))
            .collect();
        let _ = writeln!(text, "capture = {{ {} }}", captures.join(", "));
    }
}

/// What is expected of the response: by its status where that is all.
fn judgement_text(text: &mut String, request: &Request, names: &DrawNames) {
    match request.judgement.good(None) {
        Good::When(condition) if condition == BELOW_400 => {}
        Good::Always => {
            let _ = writeln!(text, "status = \"any\"");
        }
        Good::Never => {
            let _ = writeln!(text, "status = \"any\"\nexpect = \"false\"");
        }
        Good::When(condition) => {
            match (exact_status(&condition), condition.strip_prefix("status ")) {
                (Some(status), _) if (100..=999).contains(&status) => {
                    let _ = writeln!(text, "status = {status}");
                }
                (_, Some(rule)) if is_rule(rule) => {
                    let _ = writeln!(text, "status = {}", string(&rule.replace(' ', "")));
                }
                _ => {
                    let _ = writeln!(
                        text,
                        "status = \"any\"\nexpect = {}",
                        string(&names.code(&condition))
                    );
                }
            }
        }
    }
    if let Some(failure) = request.judgement.failure(&|pieces| names.template(pieces)) {
        let _ = writeln!(text, "failure = {}", string(&names.code(&failure)));
    }
}

/// True for `< 400`, `!= 404` and the like.
fn is_rule(rule: &str) -> bool {
    rule.split_once(' ').is_some_and(|(op, bound)| {
        ["<", "<=", ">", ">=", "!="].contains(&op)
            && bound
                .parse::<u16>()
                .is_ok_and(|bound| (100..=999).contains(&bound))
    })
}

fn json_text(json: &Json, names: &DrawNames) -> String {
    match json {
        Json::Raw(value) => value.to_string(),
        Json::Null => string("{{ none }}"),
        Json::Code(code) => string(&format!("{{{{ {} }}}}", names.code(code))),
        Json::Text(pieces) => match pieces.as_slice() {
            // a string that is one expression would have the expression's type
            [Piece::Code(code)] => string(&format!("{{{{ {} ~ '' }}}}", names.code(code))),
            pieces => string(&names.template(pieces)),
        },
        Json::List(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| json_text(element, names))
                .collect();
            format!("[{}]", elements.join(", "))
        }
        Json::Table(items) if items.is_empty() => "{}".to_owned(),
        Json::Table(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), json_text(value, names)))
                .collect();
            format!("{{ {} }}", items.join(", "))
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

/// A constant in TOML; none for what TOML has no value for.
pub(crate) fn plain(value: &Value<'_>) -> Option<Toml> {
    Some(match value {
        Value::Bool(yes) => Toml::Boolean(*yes),
        Value::Int(number) => Toml::Integer(*number),
        Value::Float(number) if number.is_finite() => Toml::Float(*number),
        Value::Str(text) => Toml::String(text.to_string()),
        Value::List(_) | Value::Tuple(_) => {
            let elements = value.elements()?;
            Toml::Array(elements.iter().map(plain).collect::<Option<_>>()?)
        }
        Value::Dict(dict) => {
            let items = dict.items.borrow();
            let items = items.iter().map(|(key, value)| match key {
                Value::Str(key) => Some((key.to_string(), plain(value)?)),
                _ => None,
            });
            Toml::Table(items.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn pool_entry(value: Toml, weight: i128) -> String {
    let weighted = |text: String| match weight {
        1 => text,
        weight => format!("{{ {text}, weight = {weight} }}"),
    };
    if let Toml::String(text) = &value
        && text.len() > 100
        && let Some(first) = text.chars().next()
        && text.chars().all(|c| c == first)
    {
        let fields = format!(
            "repeat = {}, times = {}",
            string(&first.to_string()),
            text.chars().count()
        );
        return match weight {
            1 => format!("{{ {fields} }}"),
            _ => weighted(fields),
        };
    }
    match (&value, weight) {
        (Toml::Table(_), 1) => format!("{{ value = {value} }}"),
        (_, 1) => value_text(&value),
        _ => weighted(format!("value = {}", value_text(&value))),
    }
}

fn value_text(value: &Toml) -> String {
    match value {
        Toml::String(text) => string(text),
        value => value.to_string(),
    }
}

fn seconds(time: f64) -> String {
    string(&format!("{}s", (time * 1e6).round() / 1e6))
}

fn float(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{}", number as i64);
    }
    format!("{number}")
}

/// A name that is not taken: itself, or with a number.
fn unique(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = wanted.to_owned();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = format!("{wanted}.{number}");
    }
    name
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A string in TOML, in one line.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { string(name) }
}
