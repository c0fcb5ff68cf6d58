//! The planned iterations of a slot, from one question to the plan.

use traffic::clock::Slot;
use traffic::plan::Plan;
use traffic::record::Block;

use super::iteration_bits::DueSet;

/// By class number, the blocks with iterations due, in order.
#[derive(Clone, Debug)]
pub(crate) struct SlotPlan(pub(super) Vec<Vec<(Block, DueSet)>>);

impl SlotPlan {
    /// The answer of the plan for `slot`.
    pub(crate) fn new(plan: &Plan, slot: Slot) -> Self {
        let mut planned = vec![Vec::new(); plan.classes().len()];
        for (class, block, due) in plan.slot(slot) {
            let first_user = plan.run().block_size.first_user(block);
            planned[class].push((block, DueSet::new(first_user, &due)));
        }
        Self(planned)
    }

    /// The iterations due for a block, if any.
    pub(crate) fn due(&self, class: usize, block: Block) -> Option<&DueSet> {
        let ticks = self.0.get(class)?;
        let number = ticks.binary_search_by_key(&block, |(block, _)| *block);
        Some(&ticks[number.ok()?].1)
    }
}
