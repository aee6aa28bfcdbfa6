//! scratch
use aludel_sql::*;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let connection = Connection::open(&path).unwrap();
    let mut input = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut input).unwrap();
    for sql in input.split(";\n") {
        if sql.trim().is_empty() {
            continue;
        }
        println!("> {sql}");
        let mut statement = match connection.prepare(sql) {
            Ok(s) => s,
            Err(e) => {
                println!("error: {e} {}", e.extended_code());
                continue;
            }
        };
        loop {
            match statement.step() {
                Ok(true) => println!(
                    "{:?}",
                    (0..statement.column_count())
                        .map(|c| statement.value(c))
                        .map(value::Value::from)
                        .collect::<Vec<_>>()
                ),
                Ok(false) => break,
                Err(e) => {
                    println!("error: {e} {}", e.extended_code());
                    break;
                }
            }
        }
    }
}
