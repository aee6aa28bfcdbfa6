//! What is run on each connection before it is first used.
//!
//! A loan counts the setups that its connection has had, so one that was added later is made up for when the connection is
//! next taken.

use std::sync::{Arc, PoisonError, RwLock};

use super::Connection;
use crate::error::Result;

type Setup = dyn Fn(&mut Connection) -> Result<()> + Send + Sync;

#[derive(Default)]
pub(super) struct Setups(RwLock<Vec<Arc<Setup>>>);

impl Setups {
    pub(super) fn add(&self, setup: impl Fn(&mut Connection) -> Result<()> + Send + Sync + 'static) {
        let mut setups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        setups.push(Arc::new(setup));
    }

    /// Runs those that the connection has not had.
    pub(super) fn run(&self, connection: &mut Connection) -> Result<()> {
        while let Some(setup) = self.get(connection.setups_had()) {
            setup(connection)?;
            connection.count_setup();
        }
        Ok(())
    }

    fn get(&self, index: usize) -> Option<Arc<Setup>> {
        let setups = self.0.read().unwrap_or_else(PoisonError::into_inner);
        setups.get(index).cloned()
    }
}
