//! Which call fails, and how.
//!
//! A fault has the calls that it can strike ([`Fault::strikes`]); a plan counts those and strikes the one whose turn it is, once or from
//! then on.

use std::path::Path;

/// Something that a call asks of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Opening a file.
    Open,
    /// Opening a file that is created by it.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Changing the length.
    SetLen,
    /// Asking for the length.
    Len,
    /// Syncing a file.
    Sync,
    /// Syncing a folder.
    SyncDir,
    /// Deleting a name.
    Unlink,
    /// Giving a file another name.
    Rename,
    /// Asking whether a file exists, or where it is.
    Exists,
    /// Mapping a file.
    Map,
    /// Taking a file lock.
    Lock,
    /// Giving back a file lock.
    Unlock,
    /// Asking whether RESERVED is held.
    CheckReserved,
    /// Mapping a region of the wal-index.
    ShmMap,
    /// Taking a wal-index lock.
    ShmLock,
    /// Giving back a wal-index lock, or leaving the wal-index.
    ShmUnlock,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An input/output error; nothing was done.
    Io,
    /// No space is left; nothing was done.
    Full,
    /// A read returns half of what is there.
    ShortRead,
    /// Half of the bytes are written, then space runs out.
    ShortWrite,
    /// A sync fails, and what it should have made durable stays visible and is lost.
    SyncDrops,
    /// A sync says that all is well and does nothing.
    SyncLies,
    /// A call is interrupted by a signal; nothing was done.
    Interrupted,
    /// A lock is held by somebody else.
    Busy,
    /// A file cannot be mapped.
    MapFails,
    /// The process dies before the call.
    Death,
}

impl Fault {
    /// Every fault that comes back as an answer: all but the death of the process.
    pub const ANSWERS: [Fault; 9] = [
        Fault::Io,
        Fault::Full,
        Fault::ShortRead,
        Fault::ShortWrite,
        Fault::SyncDrops,
        Fault::SyncLies,
        Fault::Interrupted,
        Fault::Busy,
        Fault::MapFails,
    ];

    /// True if this call can fail in this way.
    pub fn strikes(self, call: Call) -> bool {
        match self {
            Fault::Io => call != Call::Map,
            Fault::Full => matches!(
                call,
                Call::Create | Call::Write | Call::SetLen | Call::ShmMap | Call::Sync | Call::Rename
            ),
            Fault::ShortRead => call == Call::Read,
            Fault::ShortWrite => call == Call::Write,
            Fault::SyncDrops => call == Call::Sync,
            Fault::SyncLies => matches!(call, Call::Sync | Call::SyncDir),
            Fault::Interrupted => matches!(
                call,
                Call::Read | Call::Write | Call::SetLen | Call::Sync | Call::Lock | Call::Unlock
            ),
            Fault::Busy => matches!(call, Call::Lock | Call::ShmLock),
            Fault::MapFails => call == Call::Map,
            Fault::Death => true,
        }
    }
}

/// One fault at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlan {
    /// What happens.
    pub fault: Fault,
    /// How many calls that it can strike go well before.
    pub after: u64,
    /// All later calls fail as well.
    pub for_good: bool,
    /// Only files whose name ends like this.
    pub suffix: Option<&'static str>,
}

impl FaultPlan {
    /// The fault at the call number `after`, once.
    pub fn once(fault: Fault, after: u64) -> FaultPlan {
        FaultPlan {
            fault,
            after,
            for_good: false,
            suffix: None,
        }
    }
}

/// A plan in action.
#[derive(Debug, Default)]
pub(super) struct Watch {
    plan: Option<FaultPlan>,
    calls: u64,
    struck: u64,
}

impl Watch {
    pub(super) fn set(&mut self, plan: Option<FaultPlan>) {
        *self = Watch {
            plan,
            ..Watch::default()
        };
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// The fault that this call meets.
    pub(super) fn meet(&mut self, call: Call, path: &Path) -> Option<Fault> {
        let plan = self.plan.as_ref()?;
        let named = |suffix: &str| path.as_os_str().as_encoded_bytes().ends_with(suffix.as_bytes());
        if !plan.fault.strikes(call) || !plan.suffix.is_none_or(named) {
            return None;
        }
        let turn = self.calls;
        self.calls += 1;
        let now = turn == plan.after || (plan.for_good && turn > plan.after);
        self.struck += u64::from(now);
        now.then_some(plan.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_whose_turn_it_is_fails() {
        let mut watch = Watch::default();
        let calls = |watch: &mut Watch| -> Vec<bool> {
            [Call::Read, Call::Sync, Call::Write, Call::Sync, Call::Sync]
                .iter()
                .map(|call| watch.meet(*call, Path::new("x-wal")).is_some())
                .collect()
        };
        watch.set(Some(FaultPlan::once(Fault::SyncDrops, 1)));
        assert_eq!(calls(&mut watch), [false, false, false, true, false]);
        watch.set(Some(FaultPlan {
            for_good: true,
            ..FaultPlan::once(Fault::SyncDrops, 1)
        }));
        assert_eq!(calls(&mut watch), [false, false, false, true, true]);
        assert_eq!(watch.struck(), 2);
        watch.set(Some(FaultPlan {
            suffix: Some("-journal"),
            ..FaultPlan::once(Fault::Io, 0)
        }));
        assert_eq!(calls(&mut watch), [false; 5]);
    }
}
