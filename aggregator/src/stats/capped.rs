//! A map that holds at most so many keys, and adds up what exceeds under one entry.
//!
//! It keeps the keys that sort first. A key that had to go had `limit` smaller ones beside it, so it
//! is not among the first `limit` of any larger set either; and one that is among the first of the
//! whole was never sent away from a part. So what is kept, and every count, is the same for every
//! order and every partition. Rows sort as Locust sorts them: what it would show first stays exact.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Two of these can become one, in any order.
pub(crate) trait Merge: Default {
    /// Adds what the other one counted.
    fn merge(&mut self, other: &Self);
}

/// A key of `K` texts, each compared in turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<const K: usize>([Box<str>; K]);

/// Borrowed or owned texts of a key; lets a map be asked without allocating.
trait Texts<const K: usize> {
    fn texts(&self) -> [&str; K];
}

impl<const K: usize> Texts<K> for Key<K> {
    fn texts(&self) -> [&str; K] {
        self.0.each_ref().map(AsRef::as_ref)
    }
}

impl<const K: usize> Texts<K> for [&str; K] {
    fn texts(&self) -> [&str; K] {
        *self
    }
}

impl<'a, const K: usize> Borrow<dyn Texts<K> + 'a> for Key<K> {
    fn borrow(&self) -> &(dyn Texts<K> + 'a) {
        self
    }
}

impl<const K: usize> PartialEq for dyn Texts<K> + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.texts() == other.texts()
    }
}

impl<const K: usize> Eq for dyn Texts<K> + '_ {}

impl<const K: usize> PartialOrd for dyn Texts<K> + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const K: usize> Ord for dyn Texts<K> + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.texts().cmp(&other.texts())
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Capped<const K: usize, V> {
    limit: usize,
    order: BTreeMap<Key<K>, usize>,
    /// What exceeds the limit, then what `order` points to.
    slots: Vec<V>,
    exceeded: bool,
    evictions: u64,
}

impl<const K: usize, V: Merge> Capped<K, V> {
    /// The slot of what exceeds the limit.
    const OTHERS: usize = 0;

    /// An empty map for at most `limit` keys.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            order: BTreeMap::new(),
            slots: vec![V::default()],
            exceeded: false,
            evictions: 0,
        }
    }

    /// The number of a key's slot, which is made when it is missing. A number holds until
    /// [`Capped::evictions`] changes.
    pub(crate) fn slot(&mut self, texts: [&str; K]) -> usize {
        if let Some(&slot) = self.order.get(&texts as &dyn Texts<K>) {
            return slot;
        }
        if self.order.len() < self.limit {
            self.slots.push(V::default());
            return self.insert(texts, self.slots.len() - 1);
        }
        self.exceeded = true;
        match self.order.last_entry() {
            Some(last) if texts < last.key().texts() => {
                let slot = last.remove();
                let evicted = std::mem::take(&mut self.slots[slot]);
                self.slots[Self::OTHERS].merge(&evicted);
                self.evictions += 1;
                self.insert(texts, slot)
            }
            _ => Self::OTHERS,
        }
    }

    fn insert(&mut self, texts: [&str; K], slot: usize) -> usize {
        self.order.insert(Key(texts.map(Into::into)), slot);
        slot
    }

    /// What a slot holds.
    pub(crate) fn get_mut(&mut self, slot: usize) -> &mut V {
        &mut self.slots[slot]
    }

    /// Goes up when slots change hands.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// The entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ([&str; K], &V)> {
        let entries = self.order.iter();
        entries.map(|(key, &slot)| (key.texts(), &self.slots[slot]))
    }

    /// What exceeded the limit, if anything did.
    pub(crate) fn others(&self) -> Option<&V> {
        self.exceeded.then(|| &self.slots[Self::OTHERS])
    }

    /// All values: the entries' and what exceeded the limit.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter()
    }

    /// Adds to what exceeds the limit.
    pub(crate) fn add_others(&mut self, others: &V) {
        self.exceeded = true;
        self.slots[Self::OTHERS].merge(others);
    }

    /// Adds what the other one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (texts, value) in other.iter() {
            let slot = self.slot(texts);
            self.slots[slot].merge(value);
        }
        if let Some(others) = other.others() {
            self.add_others(others);
        }
    }

    /// Keeps the keys and forgets what was counted.
    pub(crate) fn zero(&mut self) {
        self.slots.fill_with(V::default);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.slots.truncate(1);
        self.slots[Self::OTHERS] = V::default();
        self.exceeded = false;
        self.evictions += 1;
    }
}
