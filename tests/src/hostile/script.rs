//! Scripts in files of JSON lines: `{"id": 1, "sql": "..", "hex": false}`.

use std::path::Path;

use serde::Deserialize;

/// A script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where it is from: file and number.
    pub name: String,
    /// Its text.
    pub sql: String,
}

#[derive(Deserialize)]
struct Line {
    id: serde_json::Value,
    #[serde(default)]
    sql: String,
    #[serde(default)]
    hex: serde_json::Value,
}

/// The scripts of a file, or of all `.jsonl` files of a folder.
///
/// # Errors
/// What cannot be read.
pub fn read_scripts(place: &Path) -> Result<Vec<Script>, String> {
    let mut files = vec![place.to_owned()];
    if place.is_dir() {
        let entries = std::fs::read_dir(place).map_err(|error| error.to_string())?;
        files = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
    }
    let mut scripts = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|error| format!("{name}: {error}"))?;
            scripts.push(Script {
                name: format!("{name}:{}", line.id),
                sql: sql_of(&line),
            });
        }
    }
    Ok(scripts)
}

/// Scripts that are not UTF-8 come as hexadecimal digits.
fn sql_of(line: &Line) -> String {
    let digits = match &line.hex {
        serde_json::Value::String(digits) => digits.as_str(),
        serde_json::Value::Bool(true) => line.sql.as_str(),
        _ => return line.sql.clone(),
    };
    let pairs = digits.as_bytes().chunks(2);
    let bytes: Vec<u8> = pairs
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
