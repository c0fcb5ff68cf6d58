//! The bounds of what may be asked.

use super::*;

#[test]
fn the_documents_bounds_are_those_that_hold() {
    let parameters = serde_json::to_value(<Question as utoipa::IntoParams>::into_params(|| None));
    let parameters = parameters.unwrap();
    let workload = Arc::new(Workload::built_in(&|_| None).unwrap());
    let mut bounds = 0;
    for parameter in parameters.as_array().unwrap() {
        let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
        for (bound, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
            let Some(bound) = schema[bound].as_f64() else {
                continue;
            };
            bounds += 1;
            let estimate = |value: f64| {
                let value = (name.into(), value.to_string().into());
                let users = ("users".into(), "3".into());
                let question = Question::of_parameters([value, users].into_iter())?;
                let estimate = question.estimate(&workload, &Prices::built_in(), 10_000);
                estimate.map_err(|error| error.to_string())
            };
            if name == "spawn_rate" || (name == "users" && bound > 1.0) {
                continue;
            }
            assert!(estimate(bound).is_ok(), "{name} {bound}");
            assert!(estimate(bound + beyond).is_err(), "{name} {bound}");
        }
    }
    assert!(bounds >= 12, "{parameters}");
}
