//! Every variable of the aggregator, each mistake in it, and the exact line.

use std::collections::HashMap;
use std::sync::Arc;

use aggregator_cloud::settings::{AggregatorSettings, Web};
use aggregator_cloud::{function, server};
use aws::environment::{Executor, Variables};
use traffic::error_chain::one_line;
use web::api::{BasePath, TraceUrl};
use web::serve::WebHost;

const PASSWORD: (&str, &str) = ("LOCUST_BASIC_AUTH", "demo:password");

/// A stage's variables without a password, with some changed.
fn variables(changed: &[(&str, &str)]) -> Variables {
    let stage = [
        ("CICADA_TABLE", "cicada-demo"),
        (
            "CICADA_QUEUE_URL",
            "https://sqs.eu-central-1.amazonaws.com/1/cicada-demo-wake-ups",
        ),
        ("CICADA_SCHEDULE_GROUP", "cicada-demo"),
    ];
    let values: HashMap<String, String> = stage
        .iter()
        .chain(changed)
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Variables::new(Arc::new(move |name: &str| values.get(name).cloned()))
}

fn line(error: &(dyn std::error::Error + 'static)) -> String {
    let line = one_line(error);
    assert!(!line.contains('\n'), "{line}");
    line
}

fn url(text: &str) -> reqwest::Url {
    text.parse().unwrap()
}

#[test]
fn what_is_not_set_has_its_default() {
    let settings = AggregatorSettings::read(&variables(&[])).unwrap();
    assert_eq!(settings.control.tick_functions, None);
    assert_eq!(settings.control.rules.limits.max_users, 1_000_000);
    assert_eq!(settings.control.block_size.users(), 100);
    assert!(
        settings
            .control
            .rules
            .allowed_hosts
            .allows(&url("http://anywhere.example"))
    );
    assert!(!settings.door.asks_for_password());
    assert_eq!(
        Web::read(&variables(&[])).unwrap(),
        Web {
            host: WebHost::All,
            port: 8089,
            base_path: BasePath::default(),
            trace_url: TraceUrl::default(),
            tls: None,
        }
    );
}

#[test]
fn a_function_knows_how_many_ticks_may_run_at_once() {
    let variables = variables(&[
        ("CICADA_MAX_CONCURRENCY", "7"),
        ("CICADA_TICKS_PER_MESSAGE", "5"),
    ]);
    let settings = AggregatorSettings::read(&variables).unwrap();
    let functions = settings.control.tick_functions.unwrap();
    assert_eq!((functions.at_once, functions.ticks_per_message), (7, 5));
}

#[test]
fn what_is_set_is_used() {
    let variables = variables(&[
        PASSWORD,
        ("CICADA_MAX_USERS", "50"),
        ("CICADA_MAX_SPAWN_RATE", "2.5"),
        ("CICADA_ALLOWED_HOSTS", "shop.example.com, *.internal"),
        ("CICADA_BLOCK_SIZE", "10"),
        ("CICADA_WEB_HOST", "::1"),
        ("CICADA_WEB_PORT", "80"),
        ("CICADA_WEB_BASE_PATH", "/cicada/"),
        ("CICADA_TLS_CERT", "cert.pem"),
        ("CICADA_TLS_KEY", "key.pem"),
        ("TARGET_APP_URL", "https://shop.example.com/"),
    ]);
    let (settings, web) = server::settings(&variables).unwrap();
    assert_eq!(settings.control.rules.limits.max_users, 50);
    assert_eq!(settings.control.rules.limits.max_spawn_rate, 2.5);
    assert_eq!(settings.control.block_size.users(), 10);
    let allowed = &settings.control.rules.allowed_hosts;
    assert!(
        allowed.allows(&url("https://shop.example.com"))
            && allowed.allows(&url("http://a.internal"))
    );
    assert!(!allowed.allows(&url("http://anywhere.example")));
    assert!(settings.door.asks_for_password());
    assert_eq!((web.host.to_string().as_str(), web.port), ("[::1]", 80));
    assert_eq!(web.health(), "https://[::1]:80/health");
    assert_eq!(web.base_path.to_string(), "/cicada");
    let tls = web.tls.unwrap();
    assert_eq!(
        (tls.certificate, tls.key),
        ("cert.pem".into(), "key.pem".into())
    );
    let mut hosts = settings.control.workload.hosts().iter();
    assert!(hosts.any(|host| host.url().as_str() == "https://shop.example.com/"));
}

#[test]
fn every_mistake_is_one_line_that_names_the_variable_and_what_to_write() {
    let users = "write a number from 1 to 1000000, or leave it out for no limit";
    let rate = "write how many users a second at most, such as 10, or leave it out for no limit";
    let block = "write a number of users from 1 to 100, or leave it out for 100";
    let hosts = "which is no host: write hosts or origins separated by commas, such as \
                 shop.example.com, localhost:8000, *.example.com or https://example.com";
    let password =
        "LOCUST_BASIC_AUTH is not of the form user:password: give both, separated by a colon";
    let table = [
        (
            "CICADA_MAX_USERS",
            "0",
            format!("CICADA_MAX_USERS is \"0\": {users}"),
        ),
        (
            "CICADA_MAX_USERS",
            "1e3",
            format!("CICADA_MAX_USERS is \"1e3\": {users}"),
        ),
        (
            "CICADA_MAX_SPAWN_RATE",
            "-1",
            format!("CICADA_MAX_SPAWN_RATE is \"-1\": {rate}"),
        ),
        (
            "CICADA_MAX_SPAWN_RATE",
            "nan",
            format!("CICADA_MAX_SPAWN_RATE is \"nan\": {rate}"),
        ),
        (
            "CICADA_BLOCK_SIZE",
            "0",
            format!("CICADA_BLOCK_SIZE is \"0\": {block}"),
        ),
        (
            "CICADA_BLOCK_SIZE",
            "101",
            format!("CICADA_BLOCK_SIZE is \"101\": {block}"),
        ),
        (
            "CICADA_ALLOWED_HOSTS",
            "a b",
            format!("CICADA_ALLOWED_HOSTS names \"a b\", {hosts}"),
        ),
        ("LOCUST_BASIC_AUTH", "secret", password.to_owned()),
        ("LOCUST_BASIC_AUTH", ":secret", password.to_owned()),
    ];
    for (variable, value, expected) in table {
        let error = server::settings(&variables(&[PASSWORD, (variable, value)])).unwrap_err();
        assert_eq!(line(&error), expected);
    }
}

#[test]
fn every_mistake_in_where_and_how_it_serves_is_such_a_line() {
    let host = "write an IP address such as 127.0.0.1, or leave it out for all of the machine's";
    let port = "write a port such as 8089, or leave it out for that one";
    let path = "write a path that begins with a slash, such as /cicada, or leave it out for none";
    let names = "which is no name: write names without port, separated by commas, such as \
                 cicada.example.com";
    let table = [
        (
            "CICADA_WEB_HOST",
            "here",
            format!("CICADA_WEB_HOST is \"here\": {host}"),
        ),
        (
            "CICADA_WEB_PORT",
            "65536",
            format!("CICADA_WEB_PORT is \"65536\": {port}"),
        ),
        (
            "CICADA_WEB_BASE_PATH",
            "cicada",
            format!("CICADA_WEB_BASE_PATH is \"cicada\": {path}"),
        ),
        (
            "CICADA_WEB_NAMES",
            "cicada.example.com:8089",
            format!("CICADA_WEB_NAMES has \"cicada.example.com:8089\", {names}"),
        ),
        (
            "CICADA_TLS_CERT",
            "cert.pem",
            "CICADA_TLS_KEY is not set: set it to the file with the private key of CICADA_TLS_CERT"
                .to_owned(),
        ),
        (
            "CICADA_TLS_KEY",
            "key.pem",
            "CICADA_TLS_CERT is not set: set it to the file with the certificate of CICADA_TLS_KEY"
                .to_owned(),
        ),
    ];
    for (variable, value, expected) in table {
        let error = server::settings(&variables(&[PASSWORD, (variable, value)])).unwrap_err();
        assert_eq!(line(&error), expected);
    }
}

#[test]
fn a_host_of_the_workload_that_is_no_url_is_named() {
    let error = AggregatorSettings::read(&variables(&[("TARGET_APP_URL", "shop")])).unwrap_err();
    let line = line(&error);
    let expected = "the environment variable TARGET_APP_URL, which sets the URL of host";
    assert!(
        line.contains(expected) && line.contains("\"shop\""),
        "{line}"
    );
}

#[test]
fn a_function_without_a_password_refuses_to_start() {
    let error = function::settings(&variables(&[("LOCUST_BASIC_AUTH", "")])).unwrap_err();
    assert_eq!(
        line(&error),
        "LOCUST_BASIC_AUTH is not set: set it to user:password, since everybody can reach the \
         Function URL; infra/deploy takes it from its own environment"
    );
    assert!(function::settings(&variables(&[PASSWORD])).is_ok());
}

#[test]
fn a_server_that_others_can_reach_refuses_to_start_without_a_password() {
    for host in ["", "0.0.0.0", "*", "::", "[::]", "192.0.2.1"] {
        let error = server::settings(&variables(&[("CICADA_WEB_HOST", host)])).unwrap_err();
        assert_eq!(
            line(&error),
            "LOCUST_BASIC_AUTH is not set: set it to user:password (only a server on \
             CICADA_WEB_HOST=127.0.0.1 needs none)"
        );
    }
    for host in ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"] {
        assert!(server::settings(&variables(&[("CICADA_WEB_HOST", host)])).is_ok());
    }
}

#[test]
fn no_password_is_ever_shown() {
    let settings =
        AggregatorSettings::read(&variables(&[("LOCUST_BASIC_AUTH", "demo:hush-hush")])).unwrap();
    let shown = format!("{settings:?} {settings:#?}");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!shown.contains("ZGVtbzpodXNoLWh1c2g"), "{shown}");
    for wrong in ["hush-hush", "hush-hush:", ":hush-hush"] {
        let error =
            AggregatorSettings::read(&variables(&[("LOCUST_BASIC_AUTH", wrong)])).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[test]
fn where_processes_execute_the_ticks_a_table_is_enough() {
    let of = |changed: &[(&str, &str)]| {
        let table = [("CICADA_QUEUE_URL", ""), ("CICADA_SCHEDULE_GROUP", "")];
        let changed: Vec<_> = table.iter().chain(changed).copied().collect();
        variables(&changed)
    };
    let settings = AggregatorSettings::of_processes(&of(&[])).unwrap();
    assert_eq!(settings.stage.store.table, "cicada-demo");
    assert!(!settings.stage.is_made);
    let settings =
        AggregatorSettings::of_processes(&of(&[("CICADA_CREATE_TABLE", "true")])).unwrap();
    assert!(settings.stage.is_made);
    let wrong =
        AggregatorSettings::of_processes(&of(&[("CICADA_CREATE_TABLE", "yes")])).unwrap_err();
    assert_eq!(
        line(&wrong),
        "CICADA_CREATE_TABLE is \"yes\": write true to have the table made, or leave it out"
    );
}

#[test]
fn who_executes_the_ticks_is_functions_unless_it_is_said() {
    let executor = |value: &str| Executor::read(&variables(&[("CICADA_TRAFFIC", value)]));
    assert_eq!(executor(""), Ok(Executor::Functions));
    assert_eq!(executor("functions"), Ok(Executor::Functions));
    assert_eq!(executor("processes"), Ok(Executor::Processes));
    assert_eq!(
        line(&executor("threads").unwrap_err()),
        "CICADA_TRAFFIC is \"threads\": write functions, or processes where tick-server runs"
    );
}
