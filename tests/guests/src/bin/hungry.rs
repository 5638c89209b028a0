//! Uses more than it should, in the way that its argument names.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        // Computes for ever.
        "spin" => {
            let mut number = 0_u64;
            loop {
                number = std::hint::black_box(number.wrapping_add(1));
            }
        }
        // Waits for a long time.
        "sleep" => std::thread::sleep(Duration::from_secs(3_600)),
        // Waits for a time that a CPU limit must not count.
        "nap" => {
            std::thread::sleep(Duration::from_millis(300));
            println!("rested");
        }
        // Takes memory until it is refused.
        "grow" => {
            let mut blocks: Vec<Vec<u8>> = Vec::new();
            loop {
                let mut block = Vec::new();
                if block.try_reserve_exact(1 << 20).is_err() {
                    println!("refused after {} MiB", blocks.len());
                    return ExitCode::SUCCESS;
                }
                block.resize(1 << 20, 1);
                blocks.push(block);
            }
        }
        // Takes memory and cannot bear a refusal.
        "abort" => {
            let mut blocks: Vec<Vec<u8>> = Vec::new();
            loop {
                blocks.push(vec![1; 1 << 20]);
            }
        }
        // Writes for ever.
        "flood" => {
            let line = [b'x'; 4_096];
            let mut stdout = std::io::stdout().lock();
            for _ in 0..1_000 {
                if stdout.write_all(&line).is_err() {
                    return ExitCode::FAILURE;
                }
            }
        }
        // Opens files until it is refused.
        "open" => {
            let mut files = Vec::new();
            loop {
                match std::fs::File::create(format!("/workspace/{}", files.len())) {
                    Ok(file) => files.push(file),
                    Err(error) => {
                        println!("refused after {}: {error}", files.len());
                        return ExitCode::SUCCESS;
                    }
                }
            }
        }
        "recurse" => println!("{}", recurse(1)),
        other => {
            eprintln!("no such mode: {other:?}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[expect(unconditional_recursion, reason = "running out of stack is the point")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(recurse(std::hint::black_box(depth + 1))) + depth
}
