//! The line protocol: one JSON request a line in, one JSON answer a line out, so that any driver can judge an engine.

use std::io::{self, BufRead, Write};

use serde_json::{Value as Json, json};

use super::compact::{parse, to_tagged};
use crate::subject::{Answer, Datum, EngineName, Failure, OpenMode, Subject};

/// Serves until the input ends.
///
/// # Errors
/// I/O errors of either stream. A request that is not understood gets an answer with an error.
pub fn serve(engine: EngineName, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut subject = engine.subject();
    for line in input.lines() {
        let answer = match serde_json::from_str::<Json>(&line?) {
            Ok(request) => respond(subject.as_mut(), &request),
            Err(error) => json!({ "error": format!("not a request: {error}") }),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn respond(subject: &mut dyn Subject, request: &Json) -> Json {
    let text = |name: &str| request.get(name).and_then(Json::as_str).unwrap_or_default();
    let flag = |name: &str, default| request.get(name).and_then(Json::as_bool).unwrap_or(default);
    match text("op") {
        "open" => {
            let mode = OpenMode {
                read_only: flag("readonly", false),
                create: flag("create", true),
                uri: flag("uri", false),
            };
            status(subject.open(text("conn"), text("file"), mode))
        }
        "close" => {
            subject.close(text("conn"));
            status(Ok(()))
        }
        "reset" => {
            subject.reset();
            status(Ok(()))
        }
        "delete" => status(Ok(())),
        "sql" => answer_json(&subject.run(text("conn"), text("sql"), &parameters(request))),
        other => json!({ "error": format!("unknown op {other:?}") }),
    }
}

fn parameters(request: &Json) -> Vec<(String, Datum)> {
    let fields = request.get("params").and_then(Json::as_object);
    let pairs = fields.into_iter().flatten();
    pairs
        .map(|(name, value)| (name.clone(), parse(value).unwrap_or(Datum::Null)))
        .collect()
}

fn status(result: Result<(), Failure>) -> Json {
    match result {
        Ok(()) => json!({ "error": null }),
        Err(failure) => json!({ "error": failure.message, "code": failure.code }),
    }
}

fn answer_json(answer: &Answer) -> Json {
    match &answer.error {
        Some(failure) => json!({ "cols": [], "rows": [], "error": failure.message, "code": failure.code }),
        None => {
            let rows: Vec<Vec<Json>> = answer
                .rows
                .iter()
                .map(|row| row.iter().map(to_tagged).collect())
                .collect();
            json!({ "cols": answer.columns, "rows": rows, "error": null })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_over_the_protocol() {
        let requests = concat!(
            r#"{"op":"open","conn":"db","file":":memory:"}"#,
            "\n",
            r#"{"op":"sql","conn":"db","sql":"SELECT $x AS a","params":{"$x":{"t":"i","v":7}}}"#,
            "\n",
            r#"{"op":"sql","conn":"db","sql":"SELECT"}"#,
            "\nnonsense\n",
        );
        let mut output = Vec::new();
        serve(EngineName::Sqlite, requests.as_bytes(), &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        let lines: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0], json!({ "error": null }));
        assert_eq!(
            lines[1],
            json!({ "cols": ["a"], "rows": [[{ "t": "i", "v": 7 }]], "error": null })
        );
        assert_eq!(lines[2]["error"], json!("incomplete input"));
        assert_eq!(lines.len(), 4);
    }
}
