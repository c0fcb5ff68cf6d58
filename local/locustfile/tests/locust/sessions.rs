//! Users that log in: what `on_start` says becomes the beginning of a session, as a workload writes it.

use locustfile::SourceFile;

/// The workload of a class with this body.
fn converted(body: &str) -> String {
    let head = "import random\nfrom locust import *\nclass A(HttpUser):\n    host = 'http://a'\n";
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let file = SourceFile {
        name: "locustfile.py".to_owned(),
        text: format!("{head}{body}"),
    };
    let reading = locustfile::read(vec![file], |_, _| None, |_| None, None).unwrap();
    let conversion = reading.conversion;
    conversion
        .unwrap_or_else(|problems| panic!("{problems}"))
        .toml
}

fn has(toml: &str, lines: &[&str]) {
    for line in lines {
        assert!(toml.lines().any(|one| one == *line), "{line}\n{toml}");
    }
}

const LOGIN: &str = "def on_start(self):\n    r = self.client.post('/login', json={'user': 'a'})\n    \
                     if r.status_code == 200:\n        self.token = r.json()['token']\n";

#[test]
fn a_login_that_is_asked_for_by_its_status_has_failed_with_any_other() {
    let toml = converted(&format!(
        "{LOGIN}@task\ndef t(self):\n    self.client.get('/', headers={{'Authorization': f'Bearer {{self.token}}'}})"
    ));
    has(
        &toml,
        &[
            "cookies = true",
            "[class.A.start]",
            "status = 200",
            "capture = { token = \"json.token\" }",
            "headers = { Authorization = \"Bearer {{ token }}\" }",
        ],
    );
    assert!(
        toml.contains("line 7: a response is a failure here if `status == 200` is not true of it"),
        "{toml}"
    );
}

#[test]
fn whatever_ends_on_start_is_a_failure_of_its_request() {
    let ends = [
        "if r.status_code != 200:\n        raise StopUser()",
        "assert r.status_code == 200",
        "self.token = r.json()['token'] if r.status_code == 200 else None",
        "if r.status_code == 200:\n        self.token = r.json()['token']\n    self.client.get('/me', headers={'X-T': self.token})",
    ];
    for end in ends {
        let toml = converted(&format!(
            "def on_start(self):\n    r = self.client.post('/login', name='in')\n    {end}\n@task\ndef t(self):\n    \
             self.client.get('/')"
        ));
        has(&toml, &["status = 200"]);
    }
    let toml = converted(
        "def on_start(self):\n    self.client.post('/login').raise_for_status()\n@task\ndef t(self):\n    self.client.get('/')",
    );
    assert!(!toml.contains("status ="), "{toml}");
}

#[test]
fn what_is_sent_only_with_a_token_asks_for_it() {
    let toml = converted(&format!(
        "{LOGIN}@task\ndef t(self):\n    self.client.get('/')\n    if self.token:\n        self.client.get('/mine')\n    \
         self.client.get('/end')"
    ));
    assert_eq!(toml.matches("path = \"/end\"").count(), 1, "{toml}");
    assert_eq!(toml.matches("when = \"token\"").count(), 1, "{toml}");
}

#[test]
fn what_a_user_has_drawn_decides_what_it_sends() {
    let toml = converted(
        "def on_start(self):\n    self.role = random.choice(['admin', 'guest'])\n    \
         self.client.post('/login', json={'role': self.role})\n@task\ndef t(self):\n    \
         if self.role == 'admin':\n        self.client.get('/admin')\n    else:\n        self.client.get('/')",
    );
    has(
        &toml,
        &[
            "draw = { role = \"role\" }",
            "json = { role = \"{{ role }}\" }",
            "when = \"role == 'admin'\"",
            "when = \"not (role == 'admin')\"",
        ],
    );
}

#[test]
fn nothing_is_kept_of_a_response_that_no_request_needs() {
    let toml = converted(
        "def on_start(self):\n    self.login = self.client.post('/login').json()\n@task\ndef t(self):\n    \
         self.client.post('/', json={'id': self.login['user']['id']})",
    );
    has(&toml, &["capture = { id = \"json.user.id\" }"]);
    assert_eq!(toml.matches("capture").count(), 1, "{toml}");
}

#[test]
fn a_class_without_requests_in_on_start_has_no_session() {
    let toml = converted(
        "def on_start(self):\n    self.client.headers['X-A'] = 'b'\n@task\ndef t(self):\n    self.client.get('/')",
    );
    assert!(
        !toml.contains(".start]") && !toml.contains("cookies = true"),
        "{toml}"
    );
    has(&toml, &["headers = { X-A = \"b\" }"]);
}

#[test]
fn a_wait_that_begins_at_nothing_begins_at_a_millisecond_and_says_so() {
    let toml =
        converted("wait_time = between(0, 2)\n@task\ndef t(self):\n    self.client.get('/')");
    has(&toml, &["wait = \"between(0.001, 2)\""]);
    assert!(
        toml.contains("line 5: `between(0, 2)` begins at 0.001 s here"),
        "{toml}"
    );
}
