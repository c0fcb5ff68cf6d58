//! What people rely on in the workload: the built-in classes, the format, and its mistakes.

use traffic::random::Draws;
use traffic::workload::{Scope, Workload};

fn no_variables(_: &str) -> Option<String> {
    None
}

#[test]
fn smoke() {
    let workload = match Workload::built_in(&no_variables) {
        Ok(w) => w,
        Err(e) => panic!("{e}"),
    };
    for class in workload.classes() {
        println!("{} {} {}", class.name(), class.wait(), class.host().url());
        for n in 0..12 {
            let mut draws = Draws::new(1, class.name(), 0, n);
            let task = class.choose_task(&mut draws);
            let mut scope = Scope::new(class, task, 0, n, draws);
            for step in task.steps() {
                if !scope.begin(step) {
                    println!("   - {} not sent", step.name);
                    continue;
                }
                let path = step.path.render(&mut scope).unwrap().into_owned();
                let headers: Vec<_> = step
                    .headers
                    .iter()
                    .map(|(n, t)| format!("{n}: {}", t.render(&mut scope).unwrap()))
                    .collect();
                let body = step.body.as_ref().map(|b| {
                    b.render(&mut scope)
                        .unwrap()
                        .chars()
                        .take(100)
                        .collect::<String>()
                });
                println!(
                    "   {} {} {path} {headers:?} {body:?}",
                    step.name, step.method
                );
            }
        }
    }
}
