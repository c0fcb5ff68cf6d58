//! Blocks: the users of a class in groups of up to 100, each executed by one tick a slot; and the shards that
//! spread their records over the store's partitions.

use serde::{Deserialize, Serialize};

/// Users in a block at most.
pub const BLOCK_USERS: u32 = 100;

/// Blocks of one class that share a [`Shard`].
const SHARD_BLOCKS: u32 = 50;

/// Up to [`BLOCK_USERS`] users of one class, by index: block 0 holds users 0 to 99. How many it is,
/// the run's [`BlockSize`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Block(pub u32);

/// The number of users in a block of a run: 1 to [`BLOCK_USERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BlockSize(u32);

impl BlockSize {
    /// So many users, if a block may have them.
    pub const fn new(users: u32) -> Option<Self> {
        if users == 0 || users > BLOCK_USERS {
            None
        } else {
            Some(Self(users))
        }
    }

    /// The number of users.
    pub const fn users(self) -> u32 {
        self.0
    }

    /// The block that holds a user.
    pub const fn block_of(self, user: u32) -> Block {
        Block(user / self.0)
    }

    /// The index of a block's first user.
    pub const fn first_user(self, block: Block) -> u32 {
        block.0.saturating_mul(self.0)
    }

    /// The number of blocks that `users` users are in.
    pub const fn blocks(self, users: u32) -> u32 {
        users.div_ceil(self.0)
    }
}

impl Default for BlockSize {
    fn default() -> Self {
        Self(BLOCK_USERS)
    }
}

impl From<BlockSize> for u32 {
    fn from(size: BlockSize) -> Self {
        size.0
    }
}

impl TryFrom<u32> for BlockSize {
    type Error = &'static str;

    fn try_from(users: u32) -> Result<Self, Self::Error> {
        Self::new(users).ok_or("a block has 1 to 100 users")
    }
}

/// The part of a bucket that some blocks write to, so that no partition of the store has to take
/// more than a few hundred writes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u32);

impl Shard {
    /// The shard of a block.
    pub const fn of(block: Block) -> Self {
        Self(block.0 / SHARD_BLOCKS)
    }

    /// The number of shards that `blocks` blocks of each class are in; at least one.
    pub const fn count(blocks: u32) -> u32 {
        let count = blocks.div_ceil(SHARD_BLOCKS);
        if count == 0 { 1 } else { count }
    }
}
