//! A map that holds at most so many keys, and adds up what exceeds under one entry.
//!
//! It keeps the keys that sort first. A key that had to go had `limit` smaller ones beside it, so it
//! is not among the first `limit` of any larger set either; and one that is among the first of the
//! whole was never sent away from a part. So what is kept, and every count, is the same for every
//! order and every partition. Rows sort as Locust sorts them: what it would show first stays exact.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use hashbrown::{Equivalent, HashMap};

/// Two of these can become one, in any order.
pub trait Merge: Default {
    /// Adds what the other one counted.
    fn merge(&mut self, other: &Self);
}

/// A key of `K` texts, compared one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key<const K: usize>([Box<str>; K]);

impl<const K: usize> Key<K> {
    fn texts(&self) -> [&str; K] {
        self.0.each_ref().map(AsRef::as_ref)
    }
}

/// Lets a map be asked without allocating a key.
impl<const K: usize> Equivalent<Key<K>> for [&str; K] {
    fn equivalent(&self, key: &Key<K>) -> bool {
        self.iter().zip(&key.0).all(|(text, own)| **text == **own)
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct SmallestKeys<const K: usize, V> {
    limit: usize,
    index: HashMap<Key<K>, usize>,
    /// The keys by size, once there are as many as there may be.
    full: BinaryHeap<Key<K>>,
    /// What exceeds the limit, then what `index` points to.
    slots: Vec<V>,
    exceeded: bool,
    evictions: u64,
}

impl<const K: usize, V: Merge> SmallestKeys<K, V> {
    /// The slot of what exceeds the limit.
    const OTHERS: usize = 0;

    /// An empty map for at most `limit` keys.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            index: HashMap::new(),
            full: BinaryHeap::new(),
            slots: vec![V::default()],
            exceeded: false,
            evictions: 0,
        }
    }

    /// The number of a key's slot, which is made when it is missing. A number holds until
    /// [`SmallestKeys::evictions`] changes.
    pub fn slot(&mut self, texts: [&str; K]) -> usize {
        match self.index.get(&texts) {
            Some(&slot) => slot,
            None => self.insert(texts),
        }
    }

    fn insert(&mut self, texts: [&str; K]) -> usize {
        let slot = if self.index.len() < self.limit {
            self.slots.push(V::default());
            self.slots.len() - 1
        } else {
            self.exceeded = true;
            match self.evict_for(texts) {
                Some(slot) => slot,
                None => return Self::OTHERS,
            }
        };
        let key = Key(texts.map(Into::into));
        self.index.insert(key.clone(), slot);
        if self.index.len() == self.limit {
            if self.full.is_empty() {
                self.full = self.index.keys().cloned().collect();
            } else {
                self.full.push(key);
            }
        }
        slot
    }

    /// The slot of the last key, if the new one comes before it.
    fn evict_for(&mut self, texts: [&str; K]) -> Option<usize> {
        let last = self.full.peek_mut().filter(|last| texts < last.texts())?;
        let slot = self.index.remove(&PeekMut::pop(last));
        let slot = slot.expect("the heap has the index's keys");
        let evicted = std::mem::take(&mut self.slots[slot]);
        self.slots[Self::OTHERS].merge(&evicted);
        self.evictions += 1;
        Some(slot)
    }

    /// Adds what was counted elsewhere for a key.
    pub(crate) fn add(&mut self, texts: [&str; K], value: &V) {
        let slot = self.slot(texts);
        self.get_mut(slot).merge(value);
    }

    /// What a slot holds.
    pub fn get_mut(&mut self, slot: usize) -> &mut V {
        &mut self.slots[slot]
    }

    /// What is counted for a key.
    pub fn get(&self, texts: [&str; K]) -> Option<&V> {
        self.index.get(&texts).map(|&slot| &self.slots[slot])
    }

    /// Goes up when slots change hands.
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = ([&str; K], &V)> {
        let mut entries: Vec<_> = self.index.iter().collect();
        entries.sort_unstable_by_key(|&(key, _)| key);
        entries
            .into_iter()
            .map(|(key, &slot)| (key.texts(), &self.slots[slot]))
    }

    /// What exceeded the limit, if anything did.
    pub fn others(&self) -> Option<&V> {
        self.exceeded.then(|| &self.slots[Self::OTHERS])
    }

    /// All values: the entries' and what exceeded the limit.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter()
    }

    /// The values, those of what exceeds the limit included, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut()
    }

    /// Adds to what exceeds the limit.
    pub fn add_others(&mut self, others: &V) {
        self.exceeded = true;
        self.slots[Self::OTHERS].merge(others);
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        for (key, &slot) in &other.index {
            let own = self.slot(key.texts());
            self.slots[own].merge(&other.slots[slot]);
        }
        if let Some(others) = other.others() {
            self.add_others(others);
        }
    }

    /// Keeps the keys and forgets what was counted.
    pub fn zero(&mut self) {
        self.slots.fill_with(V::default);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self {
            evictions: self.evictions + 1,
            ..Self::new(self.limit)
        };
    }
}
