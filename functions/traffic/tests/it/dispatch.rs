//! Class counts are those of Locust's own dispatcher, asked in Python.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use traffic::plan::mix::Mix;
use traffic::random::Draws;
use traffic::run::Share;

struct Case {
    users: u64,
    shares: Vec<Share>,
}

impl Case {
    fn random(number: u64) -> Self {
        let mut draws = Draws::new(20, "dispatch", 0, number);
        let classes = 1 + draws.below(8);
        let most_weight = [2, 5, 20, 200][draws.below(4) as usize];
        let shares = (0..classes)
            .map(|class| Share {
                class: format!("User{}{class}", ["Z", "a", "B"][draws.below(3) as usize]),
                weight: 1 + draws.below(most_weight) as u32,
                fixed_count: if draws.chance(0.25) {
                    1 + draws.below(15) as u32
                } else {
                    0
                },
            })
            .collect();
        let most_users = [10, 100, 500, 2_000][draws.below(4) as usize];
        let users = draws.below(most_users);
        Self { users, shares }
    }

    fn json(&self) -> Value {
        let class = |share: &Share| json!([share.class, share.weight, share.fixed_count]);
        json!({ "users": self.users, "classes": self.shares.iter().map(class).collect::<Vec<_>>() })
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        let number = |name: &str| self.shares.iter().position(|share| share.class == name);
        let mix = Mix::new(&self.shares, number);
        let users = self.users.min(mix.capacity());
        let count = |class| u64::from(mix.class_count(class, users));
        self.shares
            .iter()
            .enumerate()
            .map(|(class, share)| (share.class.clone(), count(class)))
            .collect()
    }
}

fn ask_locust(cases: &[Case]) -> Vec<BTreeMap<String, u64>> {
    let questions = Value::from(cases.iter().map(Case::json).collect::<Vec<_>>());
    testing::tools::ask("dispatch.py", &questions)
}

#[test]
fn class_counts_equal_those_of_locusts_dispatcher() {
    let mut cases: Vec<Case> = (0..300).map(Case::random).collect();
    let default = [
        "ChatModelAUser",
        "ChatModelBUser",
        "ModelAUser",
        "ModelBUser",
        "PassiveLoadUser",
        "TargetAppUser",
    ];
    cases.extend((0..=60).map(|users| Case {
        users,
        shares: default.map(|class| Share::new(class, 1, 0)).into(),
    }));
    let answers = ask_locust(&cases);
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(answers) {
        assert_eq!(case.counts(), answer, "{}", case.json());
    }
}
