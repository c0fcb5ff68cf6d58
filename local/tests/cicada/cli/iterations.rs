//! `--iterations`: the first so many of the plan are sent, then the run and the program end.

use testing::Recorder;

use super::{WORKLOAD, all_recorded, folder, headless, ledger, stderr};
use crate::harness::Cicada;

/// Users whose iterations have two requests, the second one long after the first.
const TWO: &str = "\n[class.Two]\nwait = 'constant_pacing(4)'\ntask.t.request = [{ path = '/one' }, { path = '/two', \
    pause = 'constant(1.5)' }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn so_many_iterations_are_sent_and_the_program_ends() {
    let (folder, workload) = folder();
    std::fs::write(&workload, format!("{WORKLOAD}{TWO}")).unwrap();
    std::fs::write(folder.path().join("locust.conf"), "iterations = 5\n").unwrap();
    let run = async |arguments: &str, iterations: u64, each: usize| {
        let recorder = Recorder::start().await;
        let cicada = headless(&workload, &recorder).args("-u 4 -r 4");
        let output = cicada.args(arguments).run().await;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!(ledger(&output), all_recorded(iterations), "{text}");
        assert_eq!(recorder.seen().len(), each * iterations as usize);
        let said = format!("Iteration limit set to {iterations}");
        assert!(text.contains(&said), "{said} is not in\n{text}");
    };
    tokio::join!(
        run("-i 13 Paced Other", 13, 1),
        run("--iterations=1 Paced", 1, 1),
        // the last one sends its second request after the end of the run
        run("-i 4 Two", 4, 2),
        // a time that comes later ends nothing
        run("-i 5 -t 60 Paced", 5, 1),
        async {
            let recorder = Recorder::start().await;
            let cicada = headless(&workload, &recorder).env("LOCUST_ITERATIONS", "7");
            let output = cicada.args("Paced").run().await;
            assert_eq!(ledger(&output), all_recorded(7), "{}", stderr(&output));
        },
        async {
            let recorder = Recorder::start().await;
            let conf = folder.path().join("locust.conf");
            let cicada = headless(&workload, &recorder)
                .args("Paced --config")
                .arg(&conf);
            let output = cicada.run().await;
            assert_eq!(ledger(&output), all_recorded(5), "{}", stderr(&output));
        },
        // one that comes first does
        async {
            let recorder = Recorder::start().await;
            let output = headless(&workload, &recorder)
                .args("-i 4000 -t 1 Paced")
                .run()
                .await;
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            assert!(recorder.seen().len() < 10);
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_means_nothing_is_refused_in_one_line() {
    let (_folder, workload) = folder();
    let endless = "\n[class.Endless]\nwait = 'constant(1)'\ntask.t.request = '/'\n";
    std::fs::write(&workload, format!("{WORKLOAD}{endless}")).unwrap();
    for (arguments, said) in [
        (
            "-i 5",
            "--iterations is for a run that starts with the program: add --headless or --autostart",
        ),
        ("--headless -i 0", "-i"),
        ("--headless -i -3", "-i"),
        (
            "--headless -i 5 Paced Endless",
            "iterations cannot be counted ahead of Endless, which waits constant(1",
        ),
    ] {
        let output = Cicada::bare().file(&workload).args(arguments).run().await;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(text.contains(said), "{arguments}: {text}");
    }
}
