//! Shows what it was given: arguments, environment, current directory, standard input.

use std::io::{self, Read};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    println!("arguments {arguments:?}");
    let mut variables: Vec<(String, String)> = std::env::vars().collect();
    variables.sort();
    println!("environment {variables:?}");
    let mut input = String::new();
    match io::stdin().read_to_string(&mut input) {
        Ok(_) => println!("stdin {input:?}"),
        Err(error) => println!("stdin failed: {error}"),
    }
    eprintln!("to stderr");
}
