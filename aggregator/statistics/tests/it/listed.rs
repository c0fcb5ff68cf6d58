//! Lists of runs: totals are the same from a checkpoint as from records, and cost next to nothing.

use statistics::reader::{Aggregation, ListedRun};
use testing::{Calls, FaultyStore};
use traffic::clock::Slot;
use traffic::ports::{Checkpoint, CheckpointStore as _, RunStore as _};

use super::scene::{Class, START, Scene, run, workload};

const TEN: &[Class<'static>] = &[("Ten", "constant_pacing(1)", 10, 10)];

async fn listed(reader: &Aggregation<FaultyStore>) -> Vec<ListedRun> {
    reader.runs(None, 100).await.unwrap().runs
}

/// Eight runs of ten seconds, one after the other, in the second half of the scene's first hour.
async fn eight_runs() -> Scene {
    let scene = Scene::new(TEN, 10).await;
    scene.at(10.0).await;
    scene.write_all_done(10).await;
    let workload = workload(TEN);
    for number in 2..=8_u64 {
        let from = Slot(START.0 + 1_800 + number * 100);
        let later = run(&format!("r{number}"), &workload, TEN, from, 10);
        scene.store.put_run(&later).await.unwrap();
    }
    scene
}

/// Makes the checkpoint of the scene's own run one that cannot be read.
async fn damage(scene: &Scene) {
    let id = &scene.run.plan.run().id;
    let written = scene.store.checkpoint(id).await.unwrap().unwrap();
    let damaged = Checkpoint {
        revision: written.revision + 1,
        body: written.body.slice(..written.body.len() / 2),
    };
    scene.store.put_checkpoint(id, &damaged).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn totals_are_those_of_the_statistics() {
    let scene = Scene::new(TEN, 60).await;
    let reader = scene.reader();
    for second in [1.0, 30.0, 59.0, 61.0, 200.0, 400.0] {
        scene.at(second).await;
        scene.write_all_done((second as u64).min(60)).await;
        // what was just shown may be shown again
        scene.at(second + 0.5).await;
        let one = listed(&scene.reader()).await.remove(0);
        let other = listed(&reader).await.remove(0);
        assert_eq!(one.totals, other.totals, "at {second}");
        let totals = one.totals.expect("they are known");
        let report = reader.snapshot().await.unwrap();
        let report = report.stats.report(scene.clock.now());
        assert_eq!(totals.num_requests, report.total.num_requests);
        assert_eq!(totals.num_failures, report.total.num_failures);
        assert!((totals.fail_ratio() - report.total.fail_ratio).abs() < 1e-12);
        let average = report.total.avg_response_time;
        assert!((totals.avg_response_time() - average).abs() < 1e-9);
        if second >= 60.0 {
            reader.fold_sealed().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_folded_are_listed_without_reading_a_record() {
    let scene = eight_runs().await;
    scene.at(3_600.0).await;
    scene.reader().fold_sealed().await.unwrap();
    let reader = scene.reader();
    scene.store.forget_counts();
    let runs = listed(&reader).await;
    assert_eq!(runs.len(), 8);
    let requests = runs.iter().map(|run| run.totals.unwrap().num_requests);
    assert_eq!(requests.collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 100]);
    assert_eq!(scene.store.count("records"), 0);
    // once read it is remembered
    damage(&scene).await;
    assert_eq!(listed(&reader).await[7].totals, runs[7].totals);
}

#[tokio::test(start_paused = true)]
async fn of_runs_that_nobody_has_folded_only_the_newest_are_read() {
    let scene = eight_runs().await;
    scene.at(3_600.0).await;
    let runs = listed(&scene.reader()).await;
    let known: Vec<bool> = runs.iter().map(|run| run.totals.is_some()).collect();
    assert_eq!(known, [true, true, true, false, false, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_reset_when_it_is_over_counts_from_then() {
    let scene = Scene::new(TEN, 10).await;
    scene.at(10.0).await;
    scene.write_all_done(10).await;
    scene.at(300.0).await;
    let reader = scene.reader();
    reader.fold_sealed().await.unwrap();
    assert_eq!(listed(&reader).await[0].totals.unwrap().num_requests, 100);
    let mut reset = scene.run.plan.run().clone();
    reset.reset_at = Some(scene.clock.now());
    reset.revision += 1;
    scene.store.put_run(&reset).await.unwrap();
    scene.at(302.0).await;
    for reader in [reader, scene.reader()] {
        assert_eq!(listed(&reader).await[0].totals.unwrap().num_requests, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_cannot_be_read_hides_its_runs_totals_and_no_more() {
    let scene = eight_runs().await;
    scene.at(3_600.0).await;
    scene.reader().fold_sealed().await.unwrap();
    damage(&scene).await;
    let runs = listed(&scene.reader()).await;
    let known: Vec<bool> = runs.iter().map(|run| run.totals.is_some()).collect();
    assert_eq!(known, [true, true, true, true, true, true, true, false]);
    scene.store.fail(Calls::All);
    assert!(scene.reader().runs(None, 10).await.is_err());
}
