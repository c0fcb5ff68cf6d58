//! Iterations whose instants the plan has set: under every wait but `constant`.

use std::pin::pin;
use std::sync::Arc;

use super::parts::Parts;
use crate::in_flight::Busy;
use crate::iteration::Sender;
use crate::plan::Due;
use crate::ports::TickStore;
use crate::transport::Transport;

/// Takes the user of what is due now, unless it is busy here or elsewhere.
pub(super) async fn take<S: TickStore, T: Transport>(
    parts: &Parts<S, T>,
    item: &Due,
) -> Option<Busy> {
    let markers = &parts.markers;
    if markers.has_gone_on(item) || markers.is_busy_elsewhere(item).await {
        None
    } else {
        parts.users.start(item.user)
    }
}

/// One iteration; false if its turn came too late to send anything, and it is missing.
pub(super) async fn iteration<S: TickStore, T: Transport>(
    parts: Arc<Parts<S, T>>,
    item: Due,
    busy: Busy,
    sender: Arc<Sender>,
) -> bool {
    if parts.tick.is_too_late() {
        return false;
    }
    let at = Some(item.at);
    let sending = pin!((parts.sending).iteration(&sender, item.user, item.iteration, at));
    let (fate, said) = parts.markers.planned_and_marked(&item, sending).await;
    // noted before the user is free again, so that no later entry can come first
    if let Some(fate) = fate {
        (parts.tick.journal).iteration(item.user, item.ordinal, fate);
    }
    if let Some(said) = said {
        parts.markers.unsay(&said).await;
    }
    drop(busy);
    fate.is_some()
}
