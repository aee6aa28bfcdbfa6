//! Commit, rollback, and savepoints.

use super::Session;
use super::event::Moment;
use super::undo::Undo;
use crate::error::{Error, Result};

impl Session {
    /// Writes all changes and makes them permanent. The connection goes back to the pool; entities stay as they are.
    ///
    /// # Errors
    /// As [`flush`](Session::flush), and what a commit runs into. The transaction is then still open, if the database
    /// left it open: mend what is wrong and commit again, or roll back.
    pub fn commit(&mut self) -> Result<()> {
        self.refuse_in_flush("commit")?;
        self.listen_now();
        self.tell_session(Moment::BeforeCommit, &[])?;
        self.flush()?;
        if self.in_transaction {
            let link = self.open_link()?;
            if !link.in_transaction() {
                return Err(Error::Flush(
                    "the database ended the transaction when a statement failed: roll the session back"
                        .into(),
                ));
            }
            link.commit()?;
        }
        for entry in std::mem::take(&mut self.undo) {
            if let Undo::Delete { arena, slot } = entry
                && let Some(any) = self.store.any_mut(arena)
            {
                any.free(slot);
            }
        }
        self.end_transaction();
        if self.expire_on_commit {
            self.expire_all();
        }
        self.tell_session(Moment::AfterCommit, &[])
    }

    /// Takes everything back since the last commit, in the database and in memory: changed entities have their former
    /// values, deleted ones are back, new ones are gone from the session and their handles dead. Reads nothing.
    ///
    /// # Errors
    /// Where the connection is broken; memory is restored all the same.
    pub fn rollback(&mut self) -> Result<()> {
        self.refuse_in_flush("roll back")?;
        self.restore(0);
        let bypassed = self.bypassed;
        let result = match self.link.as_mut() {
            Some(link) if self.in_transaction && link.in_transaction() => link.rollback(),
            _ => Ok(()),
        };
        self.end_transaction();
        if bypassed {
            // Statements past the identity map may have been seen by entities loaded since.
            self.expire_all();
        }
        self.listen_now();
        let told = self.tell_session(Moment::AfterRollback, &[]);
        result.and(told)
    }

    /// Runs something within a savepoint: kept if it succeeds; if it fails, database and memory are as they were before it,
    /// and the session goes on.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Note {
    ///     #[column(primary_key)]
    ///     id: Id<Note>,
    ///     text: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![Note])?;
    /// let mut session = engine.session()?;
    /// let note = session.add(Note::new("draft"));
    /// let failed: aludel::Result<()> = session.nested(|session| {
    ///     session[note].text = "final".into();
    ///     session.flush()?;
    ///     session.get::<Note>(99)?; // there is none
    ///     Ok(())
    /// });
    /// assert!(failed.is_err());
    /// assert_eq!(session[note].text, "draft");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// That of `work`, or of the flush at the end of it.
    pub fn nested<T>(&mut self, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        self.flush()?;
        self.begin(true)?;
        self.savepoints += 1;
        let name = format!("aludel_{}", self.savepoints);
        let length = self.undo.len();
        let begun = self
            .open_link()
            .and_then(|link| link.execute(&format!("SAVEPOINT {name}"), &[]));
        if let Err(error) = begun {
            self.savepoints -= 1;
            return Err(error);
        }
        let worked = work(self).and_then(|value| self.flush().map(|()| value));
        self.savepoints -= 1;
        match worked {
            Ok(value) => {
                self.open_link()?
                    .execute(&format!("RELEASE SAVEPOINT {name}"), &[])?;
                Ok(value)
            }
            Err(error) => {
                self.restore(length);
                if self.bypassed {
                    self.expire_all();
                }
                // The work's own error is the one to report.
                if let Ok(link) = self.open_link() {
                    let _ = link
                        .execute_batch(&format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"));
                }
                Err(error)
            }
        }
    }

    /// Commits nothing and lets the session go: the same as dropping it, with the rollback's error if it has one.
    ///
    /// # Errors
    /// Where the connection is broken.
    pub fn close(mut self) -> Result<()> {
        self.rollback()
    }

    /// Is a transaction open? The first statement opens one.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    fn end_transaction(&mut self) {
        self.in_transaction = false;
        self.undo_cuts += 1;
        self.told = 0;
        self.followed = 0;
        self.bypassed = false;
        // Dropping the connection gives it back to the pool.
        self.link = None;
        self.relations.reset_counts();
    }
}
