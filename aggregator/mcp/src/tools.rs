//! The tools: what an agent may ask for, and the request to the API that each of them is.

use axum::http::Method;
use serde_json::{Map, Value, json};

/// A tool: one request to the API.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) method: Method,
    /// The path, with the names of arguments in braces.
    pub(crate) path: &'static str,
    /// The query that every call has.
    pub(crate) query: &'static str,
    pub(crate) arguments: Vec<Argument>,
}

/// An argument of a tool.
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    /// Its type in JSON Schema.
    kind: Kind,
    description: &'static str,
    is_required: bool,
    pub(crate) place: Place,
}

/// The type of an argument.
enum Kind {
    Text,
    Count,
    Number,
    Texts,
    Counts,
}

/// The part of a request that an argument stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    /// A field of the JSON in the body.
    Field,
    /// The whole body, as text.
    Body,
    /// The version that is to be replaced.
    IfMatch,
}

impl Argument {
    fn new(name: &'static str, kind: Kind, place: Place, description: &'static str) -> Self {
        Self {
            name,
            kind,
            description,
            is_required: false,
            place,
        }
    }

    fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Count => json!({"type": "integer", "minimum": 0}),
            Kind::Number => json!({"type": "number", "exclusiveMinimum": 0}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Counts => {
                json!({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}})
            }
        };
        schema["description"] = self.description.into();
        schema
    }
}

impl Tool {
    fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        arguments: Vec<Argument>,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            description,
            method,
            path,
            query: "",
            arguments,
        }
    }

    /// True if it changes nothing.
    pub(crate) fn only_reads(&self) -> bool {
        self.method == Method::GET && self.name != "stop" || !self.query.is_empty()
    }

    /// The JSON Schema of its arguments.
    pub(crate) fn schema(&self) -> Map<String, Value> {
        let properties = self.arguments.iter();
        let properties = properties.map(|argument| (argument.name.to_owned(), argument.schema()));
        let required = self
            .arguments
            .iter()
            .filter(|argument| argument.is_required);
        let required: Vec<_> = required.map(|argument| argument.name).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), Value::Object(properties.collect()));
        schema.insert("required".to_owned(), required.into());
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }
}

/// All tools, in the order in which agents see them.
pub(crate) fn all() -> Vec<Tool> {
    let mut tools = runs();
    tools.extend(figures());
    tools.extend(workloads());
    tools.extend(schedules());
    tools
}

fn swarm_arguments() -> Vec<Argument> {
    use Kind::{Counts, Number, Text, Texts};
    let field = |name, kind, description| Argument::new(name, kind, Place::Field, description);
    vec![
        field("spawn_rate", Number, "Users started or stopped a second."),
        field(
            "run_time",
            Text,
            "The time from now to the end of the run, such as 90s, 3m or 1h20m; without it the run has no end.",
        ),
        field(
            "host",
            Text,
            "The host of every class, such as http://shop:8000; without it each class has its own, or that of the last start.",
        ),
        field(
            "user_classes",
            Texts,
            "The user classes to run; without them the same as before, or all.",
        ),
        field(
            "user_classes_count",
            Counts,
            "Exact users of each class, in place of user_count and user_classes.",
        ),
        field(
            "shape_class",
            Text,
            "A load shape of the workload, in place of user_count and spawn_rate.",
        ),
    ]
}

fn runs() -> Vec<Tool> {
    let users = |description| Argument::new("user_count", Kind::Count, Place::Field, description);
    let mut start = vec![users("Users at the end of the ramp.")];
    start.extend(swarm_arguments());
    let mut resize = vec![users("Users at the end of the change.").required()];
    resize.extend(swarm_arguments().into_iter().take(2));
    vec![
        Tool::new(
            "start",
            Method::POST,
            "/swarm",
            start,
            "Starts a run: simulated users begin to send requests to the target. Where a run is on, it is changed to this.",
        ),
        Tool::new(
            "resize",
            Method::POST,
            "/swarm",
            resize,
            "Changes the number of users of the run that is on; its classes and hosts stay. Give run_time again where the run is to end.",
        ),
        Tool::new(
            "stop",
            Method::GET,
            "/stop",
            Vec::new(),
            "Stops the run that is on. Its figures stay.",
        ),
    ]
}

fn figures() -> Vec<Tool> {
    let run = || {
        let description = "The id of a run, as list_runs gives it; without it the newest one.";
        Argument::new("run", Kind::Text, Place::Path, description)
    };
    vec![
        Tool::new(
            "statistics",
            Method::GET,
            "/stats/requests",
            vec![run()],
            "The statistics of a run as Locust has them: state, users, and a row for each request with counts, rates, and response times in milliseconds; errors with their counts.",
        ),
        Tool::new(
            "compare_models",
            Method::GET,
            "/ab",
            vec![run()],
            "The A/B comparison of a run: each pair of classes with their response times and failures, and whether they differ.",
        ),
        Tool::new(
            "ledger",
            Method::GET,
            "/ledger",
            vec![run()],
            "What was planned of a run and what became of it: recorded, skipped, missing, pending, by class.",
        ),
        Tool::new(
            "thresholds",
            Method::GET,
            "/thresholds",
            vec![run()],
            "The thresholds of a run, and whether each of them holds.",
        ),
        Tool::new(
            "list_runs",
            Method::GET,
            "/runs",
            vec![Argument::new(
                "limit",
                Kind::Count,
                Place::Query,
                "At most so many, newest first.",
            )],
            "The runs that are kept, newest first, with their ids, times and totals.",
        ),
    ]
}

fn workloads() -> Vec<Tool> {
    let text = || {
        let description = "The whole text of the workload file, in TOML.";
        Argument::new("workload", Kind::Text, Place::Body, description).required()
    };
    let version = Argument::new(
        "version",
        Kind::Text,
        Place::IfMatch,
        "The version that is to be replaced, as check_workload or replace_workload gave it: refused if there is another one now.",
    );
    vec![
        Tool::new(
            "read_workload",
            Method::GET,
            "/workload",
            Vec::new(),
            "The workload that the next run has: hosts, user classes, tasks and requests, in TOML.",
        ),
        Tool {
            query: "check=true",
            ..Tool::new(
                "check_workload",
                Method::PUT,
                "/workload",
                vec![text()],
                "Checks a workload and changes nothing: its classes, or its mistakes with their lines.",
            )
        },
        Tool::new(
            "replace_workload",
            Method::PUT,
            "/workload",
            vec![text(), version],
            "Replaces the workload. The run that is on keeps its own; the next one has this.",
        ),
    ]
}

fn schedules() -> Vec<Tool> {
    let field = |name, description| Argument::new(name, Kind::Text, Place::Field, description);
    let mut put = vec![
        field("name", "The schedule's name; one of this name is replaced.").required(),
        field(
            "start",
            "When a run starts: five fields of cron, such as 0 8 * * 1-5.",
        ),
        field("stop", "When it is stopped: five fields of cron."),
        field(
            "time_zone",
            "The zone of both, such as Europe/Berlin; UTC without it.",
        ),
        Argument::new(
            "user_count",
            Kind::Count,
            Place::Field,
            "Users at the end of the ramp.",
        ),
    ];
    put.extend(swarm_arguments());
    vec![
        Tool::new(
            "list_schedules",
            Method::GET,
            "/schedules",
            Vec::new(),
            "The schedules that start and stop runs, and when each of them does so next.",
        ),
        Tool::new(
            "put_schedule",
            Method::POST,
            "/schedules",
            put,
            "Adds a schedule that starts and stops runs by the time of day, or replaces the one of its name.",
        ),
        Tool::new(
            "delete_schedule",
            Method::DELETE,
            "/schedules/{name}",
            vec![Argument::new("name", Kind::Text, Place::Path, "Which one.").required()],
            "Deletes a schedule. A run that it has started goes on.",
        ),
    ]
}
