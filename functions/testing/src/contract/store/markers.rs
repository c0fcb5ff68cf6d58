//! The contract's part on in-flight markers: who is busy, until when, and said by whom.

use std::future::Future;
use std::time::Duration;

use super::values::{created_at, ok, run_id};
use traffic::ports::{Marker, Store};
use traffic::record::{BLOCK_USERS, Block, BlockSize};

pub(super) async fn all<S, F>(open: &impl Fn() -> F)
where
    S: Store,
    F: Future<Output = S>,
{
    a_marker_is_seen_in_its_block_only(&open().await).await;
    a_marker_replaces_the_one_its_user_has(&open().await).await;
    a_marker_is_taken_back_by_its_writer(&open().await).await;
    a_marker_of_somebody_else_stays(&open().await).await;
}

/// Users of one block, class and run do not hold up those of another.
pub async fn a_marker_is_seen_in_its_block_only(store: &impl Store) {
    let mut marker = marker(BLOCK_USERS - 1, 1);
    ok(store.put_marker(&marker).await);
    let (run, class) = (run_id(1), "ModelAUser");
    let found = ok(store.markers(&run, class, Block(0)).await);
    assert_eq!(found, std::slice::from_ref(&marker));
    assert_eq!(ok(store.markers(&run, class, Block(1)).await), []);
    assert_eq!(ok(store.markers(&run, "ModelBUser", Block(0)).await), []);
    assert_eq!(ok(store.markers(&run_id(2), class, Block(0)).await), []);
    marker.user = BLOCK_USERS;
    marker.block = Block(1);
    ok(store.put_marker(&marker).await);
    assert_eq!(ok(store.markers(&run, class, Block(1)).await), [marker]);
    assert_eq!(ok(store.markers(&run, class, Block(0)).await).len(), 1);
}

/// A user has one marker: the last one written, also when the writer prolongs its own.
pub async fn a_marker_replaces_the_one_its_user_has(store: &impl Store) {
    let first = marker(3, 1);
    let mut longer = first.clone();
    longer.until = first.until + Duration::from_secs(60);
    let second = marker(3, 2);
    for marker in [&first, &longer, &second] {
        ok(store.put_marker(marker).await);
        let found = ok(store.markers(&run_id(1), "ModelAUser", Block(0)).await);
        assert_eq!(found, std::slice::from_ref(marker));
    }
}

/// What was taken back is not found, and taking it back again is no error.
pub async fn a_marker_is_taken_back_by_its_writer(store: &impl Store) {
    let (going, staying) = (marker(3, 1), marker(4, 1));
    ok(store.clear_marker(&going).await);
    ok(store.put_marker(&going).await);
    ok(store.put_marker(&staying).await);
    ok(store.clear_marker(&going).await);
    ok(store.clear_marker(&going).await);
    let found = ok(store.markers(&run_id(1), "ModelAUser", Block(0)).await);
    assert_eq!(found, [staying]);
}

/// A writer that comes late does not take back what another has said since.
pub async fn a_marker_of_somebody_else_stays(store: &impl Store) {
    let (mine, theirs) = (marker(3, 1), marker(3, 2));
    ok(store.put_marker(&mine).await);
    ok(store.put_marker(&theirs).await);
    ok(store.clear_marker(&mine).await);
    let found = ok(store.markers(&run_id(1), "ModelAUser", Block(0)).await);
    assert_eq!(found, [theirs]);
}

fn marker(user: u32, writer: u64) -> Marker {
    Marker {
        run: run_id(1),
        class: "ModelAUser".into(),
        block: BlockSize::default().block_of(user),
        user,
        writer,
        // far in the future: an adapter may forget those whose deadline has passed
        until: created_at(0) + Duration::from_secs(50 * 365 * 86_400),
    }
}
