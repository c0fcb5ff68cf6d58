//! The tables of the schema, each with workloads that end in it.

/// What surrounds the tables below.
pub(super) const FRAME: &str = "\
[hosts.h]
url = 'http://h'
[pools]
colours = ['red']
[models.a]
name = 'm'
";

/// The class that a workload has.
const CLASS: &str = "\
[class.A]
host = 'h'
wait = 'constant(1)'
[class.A.task.t]
request = ['GET /', 'GET /b']
";

/// A class whose one request is in a table.
pub(super) const REQUEST: &str = "\
[class.A]
host = 'h'
wait = 'constant(1)'
[class.A.task.t.request]
path = '/'
";

/// A definition, and workloads in pieces that end in its table.
type Place = (&'static str, &'static [&'static [&'static str]]);

/// Each table of the schema by its definition, with workloads that end in that table. One that says different keys
/// in different cases has several.
pub(super) const PLACES: &[Place] = &[
    ("", &[&[""]]),
    (
        "host_table",
        &[&[FRAME, CLASS, "[hosts.x]\nurl = 'http://x'\n"]],
    ),
    (
        "pem",
        &[&[FRAME, CLASS, "[hosts.x]\nurl = 'http://x'\n[hosts.x.ca]\n"]],
    ),
    ("model", &[&[FRAME, CLASS, "[models.x]\n"]]),
    (
        "pool_value",
        &[&[
            "[hosts.h]\nurl = 'http://h'\n[pools]\np = [{ PLACE }]\n",
            CLASS,
        ]],
    ),
    ("pool_file", &[&[FRAME, CLASS, "[pools.x]\n"]]),
    ("defaults", &[&[FRAME, CLASS, "[defaults]\n"]]),
    (
        "class",
        &[&[
            FRAME,
            CLASS,
            "[class.B]\nhost = 'h'\nwait = 'constant(1)'\ntask.t.request = 'GET /'\n",
        ]],
    ),
    (
        "session",
        &[
            &[FRAME, CLASS, "[class.A.start]\nrequest = 'GET /'\n"],
            &[FRAME, CLASS, "[class.A.stop]\nrequest = 'GET /'\n"],
        ],
    ),
    (
        "task",
        &[
            &[FRAME, CLASS, "[class.A.task.x]\nrequest = 'GET /'\n"],
            &[
                FRAME,
                "[class.A]\nhost = 'h'\nwait = 'constant(1)'\n[[class.A.task]]\nname = 't'\nrequest = 'GET /'\n",
            ],
        ],
    ),
    ("request", &[&[FRAME, REQUEST]]),
    (
        "group",
        &[&[
            FRAME,
            "[class.A]\nhost = 'h'\nwait = 'constant(1)'\n[class.A.task.t.request]\nrequest = 'GET /'\nrepeat.at_most = 2\n",
        ]],
    ),
    (
        "metric",
        &[&[
            FRAME,
            REQUEST,
            "[class.A.task.t.request.metric]\nname = 'Orders'\nvalue = 1\n",
        ]],
    ),
    (
        "repeat",
        &[&[
            FRAME,
            REQUEST,
            "[class.A.task.t.request.repeat]\nat_most = 2\n",
        ]],
    ),
    (
        "tokens",
        &[&[
            FRAME,
            REQUEST,
            "stream = 'sse'\n[class.A.task.t.request.tokens]\n",
        ]],
    ),
    (
        "file",
        &[&[
            FRAME,
            REQUEST,
            "[[class.A.task.t.request.files]]\nfield = 'f'\npool = 'colours'\n",
        ]],
    ),
    (
        "pair",
        &[&[FRAME, CLASS, "[pairs.x]\na = 'GET /'\nb = 'GET /b'\n"]],
    ),
    ("user", &[&[FRAME, CLASS, "[user.A]\n"]]),
    (
        "shape",
        &[
            &[FRAME, CLASS, "[shape.x]\ndaily = { '04:00' = 1 }\n"],
            &[
                FRAME,
                CLASS,
                "[shape.x]\nstages = [{ duration = 1, users = 1, spawn_rate = 1 }]\n",
            ],
        ],
    ),
    (
        "adaptive",
        &[&[
            FRAME,
            CLASS,
            "[shape.x.adaptive]\nstart = 1\nstep = 1\nevery = 10\nuntil = 'p95 < 800'\nat_most = 3\n",
        ]],
    ),
    (
        "stage",
        &[&[
            FRAME,
            CLASS,
            "[[shape.x.stages]]\nduration = '1s'\nusers = 1\nspawn_rate = 1\n",
        ]],
    ),
    (
        "threshold",
        &[&[FRAME, CLASS, "[[threshold]]\nmetric = 'p95'\nbelow = 1\n"]],
    ),
];
