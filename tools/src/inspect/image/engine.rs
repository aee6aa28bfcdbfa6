//! An image as a file that the engine can open, so that its planner answers over the recovered rows.
//!
//! ```text
//!   Connection ──▶ Pager ──▶ ImageVfs.open ──▶ ImageFile.read_at ──▶ Image
//!                                      ╲──▶ open_temporary: the temp folder, for sorts that spill
//! ```
//!
//! - E1 Every file but temporary ones is an image: also one that SQL attaches. What would write, create, delete or rename is an error.
//! - E2 The engine sees no journal, log or wal-index: what they hold is in the image. The header's two version bytes say "rollback", so that it
//!   does not look for a log.
//! - E3 Locks are the image's; the engine's own always succeed.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use aludel_sql::{Connection, OpenOptions};
use aludel_storage::error::{IoOperation, ReadOnlyReason};
use aludel_storage::vfs::{
    File, LayerVfs, LockLevel, OpenOptions as FileOptions, OsVfs, ShmLock, ShmRegion, SyncKind, Vfs,
};
use aludel_storage::{Error, Result};

use super::{Image, ImageError, ImageOptions};

/// Opens a connection of the engine on an image. It reads, and refuses all else.
///
/// # Errors
/// Those of opening; a file that is no database shows at the first statement.
pub fn connect(image: &Arc<Image>) -> aludel_sql::Result<Connection> {
    let vfs: Arc<dyn Vfs> = Arc::new(ImageVfs::of(Arc::clone(image)));
    let options = OpenOptions::new().create(false).read_only(true).vfs(vfs);
    Connection::open_with(image.path(), &options)
}

/// A world in which files are images.
#[derive(Debug)]
pub struct ImageVfs {
    first: Arc<Image>,
    options: ImageOptions,
    world: OsVfs,
}

impl ImageVfs {
    /// One in which `image` is open already; others are opened when they are asked for.
    pub fn of(image: Arc<Image>) -> ImageVfs {
        ImageVfs {
            first: image,
            options: ImageOptions::default(),
            world: OsVfs::new(),
        }
    }
}

const READ_ONLY: Error = Error::ReadOnly(ReadOnlyReason::Plain);

impl LayerVfs for ImageVfs {
    fn world(&self) -> &dyn Vfs {
        &self.world
    }

    fn open(&self, path: &Path, options: &FileOptions<'_>) -> Result<Box<dyn File>> {
        if path == self.first.path() {
            return Ok(Box::new(ImageFile {
                image: Arc::clone(&self.first),
                level: LockLevel::None,
            }));
        }
        if options.create && !path.exists() {
            return Err(READ_ONLY);
        }
        let image = Image::open(path, &self.options).map_err(|error| match error {
            ImageError::Busy { .. } => Error::Busy,
            ImageError::CannotOpen { source, .. } => cannot_open(path, source),
            other => cannot_open(path, io::Error::other(other.to_string())),
        })?;
        Ok(Box::new(ImageFile {
            image: Arc::new(image),
            level: LockLevel::None,
        }))
    }

    fn unlink(&self, _: &Path) -> Result<bool> {
        Err(READ_ONLY)
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        Err(READ_ONLY)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        // Journals and logs are in the image (E2).
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_beside = ["-journal", "-wal", "-shm"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
        Ok(!is_beside && self.world.exists(path)?)
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }
}

/// A world with one image in it, at its path, and the disk for everything else: what is read from the one may be written to the other.
#[derive(Debug)]
pub struct ImageAndDisk {
    images: ImageVfs,
    disk: OsVfs,
}

impl ImageAndDisk {
    /// One with this image.
    pub fn of(image: Arc<Image>) -> ImageAndDisk {
        ImageAndDisk {
            images: ImageVfs::of(image),
            disk: OsVfs::new(),
        }
    }
}

impl LayerVfs for ImageAndDisk {
    fn world(&self) -> &dyn Vfs {
        &self.disk
    }

    /// Files beside the image are in it (E2).
    fn world_of(&self, path: &Path) -> &dyn Vfs {
        let image = self.images.first.path();
        let is_beside = ["-journal", "-wal", "-shm"]
            .iter()
            .any(|suffix| path == aludel_storage::vfs::sibling(image, suffix));
        if path == image || is_beside {
            &self.images
        } else {
            &self.disk
        }
    }
}

fn cannot_open(path: &Path, source: io::Error) -> Error {
    Error::CantOpen {
        path: path.into(),
        source: Some(Arc::new(source)),
    }
}

/// An image in the shape of a file.
struct ImageFile {
    image: Arc<Image>,
    level: LockLevel,
}

impl fmt::Debug for ImageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImageFile").field(&self.image.path()).finish()
    }
}

/// The two bytes of the header that say how the file is written and read: 1 rollback journal, 2 log.
const VERSIONS_AT: u64 = 18;
const ROLLBACK: u8 = 1;
const LOG: u8 = 2;

impl File for ImageFile {
    fn path(&self) -> &Path {
        self.image.path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let count = self
            .image
            .read_at(bytes, offset)
            .map_err(|error| Error::io(IoOperation::Read, self.path(), error))?;
        for at in VERSIONS_AT..VERSIONS_AT + 2 {
            let place = at
                .checked_sub(offset)
                .and_then(|place| usize::try_from(place).ok());
            if let Some(byte) = place.and_then(|place| bytes[..count].get_mut(place))
                && *byte == LOG
            {
                *byte = ROLLBACK;
            }
        }
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> Result<()> {
        Err(READ_ONLY)
    }

    fn set_len(&self, _: u64) -> Result<()> {
        Err(READ_ONLY)
    }

    fn len(&self) -> Result<u64> {
        if self.image.is_plain() {
            return Ok(self.image.file_len());
        }
        Ok(u64::from(self.image.page_count()) * self.image.page_size() as u64)
    }

    fn sync(&self, _: SyncKind) -> Result<()> {
        Ok(())
    }

    fn map(&self, _: u64) -> Result<Option<bytes::Bytes>> {
        Ok(None)
    }

    fn is_read_only(&self) -> bool {
        true
    }

    fn has_moved(&self) -> Result<bool> {
        Ok(false)
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        if level > LockLevel::Shared {
            return Err(READ_ONLY);
        }
        self.level = self.level.max(level);
        Ok(())
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.level = self.level.min(level);
        Ok(())
    }

    fn lock_level(&self) -> LockLevel {
        self.level
    }

    fn check_reserved(&self) -> Result<bool> {
        Ok(false)
    }

    fn shm_map(&mut self, _: usize, _: bool) -> Result<Option<ShmRegion>> {
        Err(Error::ReadOnly(ReadOnlyReason::CantInit))
    }

    fn shm_lock(&mut self, _: usize, _: usize, _: ShmLock) -> Result<()> {
        Ok(())
    }

    fn shm_unlock(&mut self, _: usize, _: usize) -> Result<()> {
        Ok(())
    }

    fn shm_barrier(&self) {}

    fn shm_unmap(&mut self, _: bool) -> Result<()> {
        Ok(())
    }
}
