//! Reading a file from front to end before it is walked in the order of its trees.
//!
//! A walk follows pointers, and a tree that grew over years lies in its file in any order: on a disk that has to be asked for each page
//! that takes many times as long as reading the file through. So the file is read through once, in large pieces, and the walk finds its pages in
//! the system's cache. Nothing is kept here.
//!
//! - A1 It is done only where the system has room for the whole file twice: a piece that pushes another out is read for nothing.
//! - A2 What cannot be read is passed over. The walk meets it again and says which page it is.

use std::fs;

use super::Image;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Smaller files are read as quickly in any order.
const FILE_MIN: u64 = 8 << 20;

/// What a system is believed to have room for when it does not say.
const MEMORY_UNKNOWN: u64 = 1 << 30;

impl Image {
    /// Brings the file into the system's cache in the order in which it lies on the disk, which makes a walk of a file that is not there yet take
    /// as long as reading it through. `progress` is told how many bytes are done.
    ///
    /// Does nothing for small files, and for files for which there is not room enough in memory.
    pub fn read_ahead(&self, progress: &mut dyn FnMut(u64)) {
        if self.file_len < FILE_MIN || self.file_len > memory_available() / 2 {
            return;
        }
        let mut piece = vec![0; PIECE];
        for offset in (0..self.file_len).step_by(PIECE) {
            progress(offset);
            // A fault of the disk is told by the walk, with the page that has it.
            let _ = self.read_file(&mut piece, offset);
        }
    }
}

/// Bytes that the system could give without giving up anything that is in use.
fn memory_available() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    available_of(&text).unwrap_or(MEMORY_UNKNOWN)
}

fn available_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_how_much_room_there_is() {
        let text = "MemTotal:       24689764 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(available_of(text), Some(20_000_000 * 1024));
        assert_eq!(available_of("MemTotal: 5 kB"), None);
        assert_eq!(available_of("MemAvailable: 5 MB"), None);
        #[cfg(target_os = "linux")]
        assert!(memory_available() > 1 << 20);
    }

    #[test]
    fn every_byte_of_a_large_file_is_passed_and_small_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let passed = |len: u64| {
            let path = folder.path().join(len.to_string());
            fs::File::create(&path).unwrap().set_len(len).unwrap();
            let image = Image::open(&path, &super::super::ImageOptions::default()).unwrap();
            let mut told = Vec::new();
            image.read_ahead(&mut |offset| told.push(offset));
            told
        };
        assert_eq!(passed(FILE_MIN - 1), Vec::<u64>::new());
        let told = passed(FILE_MIN + 1);
        assert_eq!(told.len() as u64, FILE_MIN / PIECE as u64 + 1);
        assert_eq!(told.last(), Some(&FILE_MIN));
    }
}
