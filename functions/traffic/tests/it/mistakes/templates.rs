//! Mistakes in templates and expressions: names, arguments, and what only shows when they run.

use super::*;

/// A request whose body is this template has this problem.
fn wrong_body(template: &str, problem: &str) {
    wrong_request(
        &format!("path='/'\nbody=\"{template}\" #!"),
        &format!("class `A`, task `t`, request `GET /`, `body`: {problem}"),
    );
}

#[test]
fn unknown_names_are_found_wherever_templates_stand() {
    let place = "class `A`, task `t`, request `GET /`";
    wrong_request(
        "path='/'\nheaders={ x='{{ usre }}' } #!",
        &format!("{place}, `headers` `x`: unknown name `usre`: did you mean `user`?"),
    );
    wrong_request(
        "path='/'\njson={ a=[{ b='{{ iteratoin }}' }] } #!",
        &format!("{place}, `json` `a`[0] `b`: unknown name `iteratoin`: did you mean `iteration`?"),
    );
    wrong_request(
        "path='/'\nbody='{% if usr %}x{% endif %}' #!",
        &format!("{place}, `body`: unknown name `usr`: did you mean `user`?"),
    );
    wrong_request(
        "path='/'\nexpect='stats == 200' #!",
        &format!("{place}, `expect`: unknown name `stats`: did you mean `status`?"),
    );
    wrong_request(
        "path='/'\nfailure='{{ jsn }}' #!",
        &format!("{place}, `failure`: unknown name `jsn`: did you mean `json`?"),
    );
    wrong_request(
        "path='/'\ncapture={ id='jsno.id' } #!",
        &format!("{place}, `capture` `id`: unknown name `jsno`: did you mean `json`?"),
    );
    wrong_request(
        "path='/{{ status }}' #!",
        "class `A`, task `t`, request `GET /{{ status }}`, `path`: unknown name `status`: write one of `host`, \
         `iteration`, `user`, `user_class`",
    );
}

#[test]
fn functions_filters_and_tests_are_known_ones() {
    wrong_body(
        "{{ randnt(1, 2) }}",
        "unknown function `randnt`: did you mean `randint`?",
    );
    wrong_body(
        "{{ user | uper }}",
        "unknown filter `uper`: did you mean `upper`?",
    );
    wrong_body(
        "{{ user is evn }}",
        "unknown test `evn`: did you mean `even`?",
    );
    wrong_body(
        "{{ user() }}",
        "`user` is a value and not a function: leave out the parentheses",
    );
    wrong_body(
        "{{ randint }}",
        "`randint` is a function: write `randint(...)`",
    );
    wrong_body(
        "{{ 'a'.upper() }}",
        "there is no method `upper`: write a filter, `value | upper`",
    );
    wrong_body(
        "{{ debug() }}",
        "unknown function `debug`: write one of `choice`, `dict`, `env`, `now`, `pick`, `randint`, `range`, `secret`, \
         `uniform`, `uuid`",
    );
    wrong_body(
        "{{ __iteration }}",
        "unknown name `__iteration`: did you mean `iteration`?",
    );
    wrong_body("{% include 'x' %}", "unknown statement include");
    wrong_body(
        "{{ user",
        "unexpected end of input, expected end of variable block",
    );
}

#[test]
fn the_filter_metric_takes_a_name_and_labels() {
    let expect = |filter: &str, problem: &str| {
        wrong_request(
            &format!("path='/'\nexpect=\"body | {filter} > 1\" #!"),
            &format!(
                "class `A`, task `t`, request `GET /`, `expect`: `metric` {problem}: write body | \
                 metric(\"requests_total\", kind=\"repair\")"
            ),
        );
    };
    expect("metric", "lacks the name of a metric");
    expect("metric(kind='repair')", "lacks the name of a metric");
    expect("metric(7)", "takes the name of a metric, in quotes");
    expect(
        "metric('x', 'repair')",
        "takes labels by their names, after the name of the metric",
    );
}

#[test]
fn arguments_of_random_functions_are_checked() {
    wrong_body(
        "{{ pick('name') }}",
        "unknown pool `name`: did you mean `names`?",
    );
    wrong_body(
        "{{ pick(user) }}",
        "`pick` takes the name of a pool, in quotes: write pick(\"pool\")",
    );
    wrong_body(
        "{{ randint(5, 1) }}",
        "randint(5, 1) has its bounds the wrong way round: swap them",
    );
    wrong_body(
        "{{ randint(1) }}",
        "`randint` has too few or too many arguments: write randint(1, 5)",
    );
    wrong_body(
        "{{ randint(1, 2.5) }}",
        "`randint` takes whole numbers: write randint(1, 5)",
    );
    wrong_body(
        "{{ randint(low=1, high=2) }}",
        "`randint` takes no named arguments: write randint(1, 5)",
    );
    wrong_body(
        "{{ uniform(2, 1) }}",
        "uniform(2, 1) has its bounds the wrong way round: swap them",
    );
    wrong_body(
        "{{ uniform(1, 2, 10) }}",
        "uniform has at most 9 digits after the point",
    );
    wrong_body(
        "{{ uniform('a', 2) }}",
        "`uniform` takes numbers: write uniform(0.5, 1.5) or uniform(10, 500, 2)",
    );
    wrong_body(
        "{{ choice([]) }}",
        "`choice` takes a list with at least one value: write choice([\"a\", \"b\"])",
    );
    let expect = "path='/'\nexpect='randint(1, 2) == 1' #!";
    let problem = "`randint` cannot be used here: draw in the task, with `draw`";
    wrong_request(
        expect,
        &format!("class `A`, task `t`, request `GET /`, `expect`: {problem}"),
    );
}

#[test]
fn what_only_shows_when_it_runs_is_found_by_rehearsal() {
    let place = "class `A`, task `t`, request `GET /`";
    wrong_request(
        "path='/'\nbody=\"{{ 'a' - 1 }}\" #!",
        &format!(
            "{place}, `body`: invalid operation: tried to use - operator on unsupported types string and number"
        ),
    );
    wrong_request(
        "path='/'\nheaders={ x=\"{{ 'a\\\\nb' }}\" } #!",
        &format!("{place}, `headers` `x`: header x would be \"a\\nb\": it cannot hold that"),
    );
    wrong_request(
        "path=\"{{ pick('names') }}\" #!",
        "class `A`, task `t`, request `GET {{ pick('names') }}`, `path`: \"a\" makes no URL: a path begins with `/`",
    );
    let source = "hosts.h='http://h'\npools.p=[{ value={ id=1 } }, { value={ di=2 } }]\n[class.A]\nwait='constant(0)'\n\
         [class.A.task.t]\ndraw={ item='p' }\nrequest='/{{ item.id }}' #!\n";
    wrong(
        source,
        "class `A`, task `t`, request `GET /{{ item.id }}`: undefined value: `item.id` is undefined",
    );
}

#[test]
fn captured_values_are_for_later_requests_only() {
    let file = |requests: &str| {
        format!("hosts.h='http://h'\n[class.A]\nwait='constant(0)'\n[class.A.task.t]\ndraw={{ d='p' }}\nrequest=[\n{requests}\n]\npools.p=['x']\n")
            .replace("\npools.p=['x']\n", "\n[pools]\np=['x']\n")
    };
    wrong(
        &file("'/{{ id }}', #!\n{ path='/', capture={ id='json.id' } }"),
        "class `A`, task `t`, request `GET /{{ id }}`: `id` is not captured yet: only requests after the one that captures it have it",
    );
    wrong(
        &file("{ path='/', capture={ status='json.id' } } #!"),
        "`status` has a meaning of its own: choose another name",
    );
    wrong(
        &file("{ path='/', capture={ d='json.id' } } #!"),
        "`d` is drawn by the task: choose another name",
    );
    wrong(
        &file("{ path='/', capture={ 'a b'='json.id' } } #!"),
        "\"a b\" is no name for a value: write a letter, then letters, digits and `_`",
    );
}

#[test]
fn a_mistake_in_a_long_text_is_on_its_own_line() {
    let request = "path='/'\nbody='''\nfirst\nsecond\n{{ usr }} #!\n'''";
    wrong_request(
        request,
        "class `A`, task `t`, request `GET /`, `body`: unknown name `usr`: did you mean `user`?",
    );
}
