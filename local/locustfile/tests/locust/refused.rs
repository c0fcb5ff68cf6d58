//! What a workload cannot say is told with its line, all of it at once; and what is no locustfile ends soon.

use locustfile::{Problems, SourceFile};

fn problems(text: &str) -> Problems {
    let file = SourceFile {
        name: "locustfile.py".to_owned(),
        text: text.to_owned(),
    };
    let read = locustfile::read(
        vec![file],
        |_, _| None,
        |name| (name == "API_TOKEN").then(|| "hidden".to_owned()),
        None,
    );
    match read {
        Ok(reading) => reading.conversion.expect_err("it converts"),
        Err(problems) => problems,
    }
}

/// A class with this body, and what is told of it, with the line in the body.
fn told(body: &str, expected: &[(usize, &str)]) {
    let head = "import os, random, time\nfrom locust import *\nclass A(HttpUser):\n    host = 'http://a'\n";
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let told = problems(&format!("{head}{body}"));
    let lines: Vec<(usize, &str)> = told
        .problems()
        .iter()
        .map(|problem| (problem.line.saturating_sub(4), problem.message.as_str()))
        .collect();
    assert_eq!(lines.len(), expected.len(), "{body}{lines:?}");
    for ((line, message), (expected_line, part)) in lines.iter().zip(expected) {
        assert!(
            line == expected_line && message.contains(part),
            "{body}{lines:?}"
        );
    }
}

#[test]
fn what_a_workload_cannot_say_is_told_with_its_line() {
    told(
        "@task\ndef t(self):\n    time.sleep(1)\n    self.client.get('/')",
        &[(3, "no pause within a task")],
    );
    told(
        "def on_start(self):\n    self.client.post('/login', files={})\n@task\ndef t(self):\n    self.client.get('/')",
        &[(2, "no `files`")],
    );
    told(
        "def on_start(self):\n    self.client.get(random.choice(['/a', '/b']))\n@task\ndef t(self):\n    self.client.get('/')",
        &[(1, "sends other requests from user to user")],
    );
    told(
        "def on_start(self):\n    self.n = random.randint(1, 99999)\n    self.client.post('/login', json={'n': self.n})\n@task\n\
         def t(self):\n    self.client.post('/', json={'n': self.n})",
        &[(1, "draws from lists")],
    );
    told(
        "@task\ndef t(self):\n    self.count = self.count + 1\n    self.client.get('/')\ncount = 0",
        &[(3, "lasts from one iteration to the next")],
    );
    told(
        "@task\ndef t(self):\n    r = self.client.get('/')\n    if r.status_code == 200:\n        self.client.get('/next')",
        &[(4, "what follows is sent only if `status == 200`")],
    );
    told(
        "@task\ndef t(self):\n    self.client.get(f'/{random.randint(1, 1000)}')",
        &[(3, "a fixed `name`")],
    );
    told(
        "@task\ndef t(self):\n    self.client.get('http://b/x')",
        &[(3, "another host")],
    );
    told(
        "@task\ndef t(self):\n    self.client.get('/', headers={'A': os.getenv('API_TOKEN')})",
        &[(3, "looks like a secret")],
    );
    told("@task\ndef t(self):\n    pass", &[(2, "sends nothing")]);
    told(
        "@task\ndef t(self):\n    with self.client.get('/') as r:\n        r.success()",
        &[(3, "catch_response=True")],
    );
}

#[test]
fn a_request_is_not_left_out_because_nobody_looks_at_its_response() {
    told(
        "@task\ndef t(self):\n    r = self.client.get('/', params={'t': time.time()})\n    self.client.get('/x')",
        &[(3, "the time of the request")],
    );
}

#[test]
fn everything_is_told_at_once() {
    told(
        "@task\ndef t(self):\n    time.sleep(1)\n    self.client.get('/', files={})\n@task\ndef u(self):\n    self.client.get('/', cert='a')",
        &[(3, "no pause"), (4, "no `files`"), (7, "no `cert`")],
    );
}

/// Files of public kinds, in which a comment says what is told of its line.
#[test]
fn what_strangers_files_hold_beyond_a_workload_is_told_line_by_line() {
    let folder = super::folder().join("refused");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let marked = text.lines().zip(1..).filter_map(|(line, number)| {
            let (_, part) = line.split_once("# refused: ")?;
            Some((number, part))
        });
        let told = super::read(&path).conversion.expect_err("it converts");
        let lines: Vec<usize> = told.problems().iter().map(|problem| problem.line).collect();
        assert_eq!(
            lines,
            marked.clone().map(|(number, _)| number).collect::<Vec<_>>(),
            "{told}"
        );
        for (problem, (_, part)) in told.problems().iter().zip(marked) {
            assert!(problem.message.contains(part), "{problem}");
        }
        count += 1;
    }
    assert!(count >= 6);
}

#[test]
fn no_secret_stands_in_a_message() {
    let text = "import os\nfrom locust import *\nclass A(HttpUser):\n    host = 'http://a'\n    @task\n    def t(self):\n        \
                self.client.get('/', headers={'A': os.environ['API_TOKEN']})\n";
    assert!(!problems(text).to_string().contains("hidden"));
}

#[test]
fn a_sequence_with_waits_between_its_tasks_is_no_task() {
    let text = "from locust import *\nclass S(SequentialTaskSet):\n    @task\n    def a(self):\n        self.client.get('/a')\n    \
                @task\n    def b(self):\n        self.client.get('/b')\nclass A(HttpUser):\n    host = 'http://a'\n    \
                wait_time = constant(1)\n    tasks = [S]\n";
    assert!(
        problems(text)
            .to_string()
            .contains("locustfile.py:2: `S` waits between its tasks"),
        "{}",
        problems(text)
    );
}

#[test]
fn what_is_no_python_is_told_with_its_column() {
    let told = problems("class A(:\n    pass\n").to_string();
    assert!(
        told.starts_with("locustfile.py:1:9: this is no Python: "),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1);
}

#[test]
fn a_hostile_file_ends_with_an_error() {
    for text in [
        "(".repeat(100_000),
        "x = ".to_owned() + &"-".repeat(500_000) + "1",
        "x = ".to_owned() + &"a.".repeat(200_000) + "a",
        "x = 1".to_owned() + &" + 1".repeat(100_000),
        "x = [".to_owned() + &"[".repeat(50_000),
        "a = 1\n".repeat(1_000_000),
        "x = 1".to_owned() + &"()".repeat(500_000),
        "x = 1".to_owned() + &"+1".repeat(500_000),
        "x = ".to_owned() + &"not ".repeat(250_000) + "1",
        "x = ".to_owned() + &"lambda:".repeat(100_000) + "1",
        "x = ".to_owned() + &"1 if 1 else ".repeat(80_000) + "1",
        "x = 'a'\n".to_owned() + &"x = x + x\n".repeat(60),
        "x = 'a'\n".to_owned() + &"x = f'{x}{x}'\n".repeat(60),
        "x = [1]\n".to_owned() + &"x = x + x\n".repeat(60),
        "x = [1]\n".to_owned() + &"x = [x, x]\n".repeat(60) + "y = f'{x}'\n",
        "x = 1\nfor i in range(9999):\n  for j in range(9999):\n    x = [x]\n".to_owned(),
        "x = ".to_owned() + &"9".repeat(900_000),
        "x = 2 ** 9999999999\n".to_owned(),
        "\u{feff}\0\0\0".to_owned(),
        " ".repeat(5 * 1024 * 1024),
        (0..5_000)
            .map(|depth| format!("{}if x:\n", " ".repeat(depth % 200)))
            .collect(),
    ] {
        assert!(!problems(&text).problems().is_empty());
    }
}
