//! Starts programs, itself above all: `family MODE …`.

use std::io::{Read, Write};
use swarm_flow_process as process;
use swarm_flow_process::bindings::types::Outcome;
use swarm_flow_process::{Command, End, SpawnError};

type Failure = Box<dyn std::error::Error>;

fn main() {
    process::start();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mode, rest) = arguments
        .split_first()
        .map_or(("", &[][..]), |(mode, rest)| (mode.as_str(), rest));
    let code = match run(mode, rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    process::exit(code);
}

fn run(mode: &str, rest: &[String]) -> Result<i32, Failure> {
    match mode {
        "run" => return Ok(told(Command::new(rest).run())),
        "exit" => return Ok(rest.first().map_or(Ok(0), |code| code.parse())?),
        "copy" => {
            std::io::copy(&mut std::io::stdin(), &mut std::io::stdout())?;
        }
        "say" => println!("{}", rest.join(" ")),
        "where" => {
            let cwd = std::env::current_dir()?;
            let variables: Vec<String> = std::env::vars()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            println!("{} {}", cwd.display(), variables.join(" "));
        }
        "started" => {
            let env = vec![("ONLY".to_owned(), "this".to_owned())];
            let cwd = rest.first().cloned().unwrap_or_default();
            return Ok(told(
                Command::new(["family", "where"]).env(env).cwd(cwd).run(),
            ));
        }
        "pipe" => pipe(rest)?,
        "cut" => cut()?,
        "append" => append()?,
        "both" => {
            let stdout = process::stdout();
            for word in ["one", "two", "three"] {
                let command = Command::new(["family", "say", word]);
                told(command.stdout(Some(&stdout)).run());
            }
        }
        "many" => many(rest)?,
        "eat" => eat(rest)?,
        "spin" => loop {
            std::hint::black_box(0);
        },
        "late" => {
            std::thread::sleep(std::time::Duration::from_millis(300));
            std::fs::write("late", "it lived on")?;
        }
        "leave" => {
            Command::new(["family", "late"]).spawn().map_err(text)?;
        }
        "kill" => {
            let child = Command::new(["family", "spin"]).spawn().map_err(text)?;
            child.kill();
            println!("{} {:?}", child.id(), child.wait());
        }
        "names" => println!("{}", process::programs().join(" ")),
        other => return Err(format!("no such mode: {other:?}").into()),
    }
    Ok(0)
}

fn text(error: SpawnError) -> Failure {
    format!("{error:?}").into()
}

fn told(ended: Result<End, SpawnError>) -> i32 {
    match ended {
        Ok(End {
            exit_code,
            outcome: Outcome::Exited,
        }) => exit_code.into(),
        Ok(end) => {
            println!("{end:?}");
            end.exit_code.into()
        }
        Err(error) => {
            println!("{error:?}");
            127
        }
    }
}

/// Writes so many bytes through so many programs, and says how many came out.
fn pipe(rest: &[String]) -> Result<(), Failure> {
    let bytes: usize = rest.first().ok_or("how many bytes?")?.parse()?;
    let (mut reader, writer) = process::pipe();
    let mut children = Vec::new();
    for _ in 0..3 {
        let (next, out) = process::pipe();
        let copy = Command::new(["family", "copy"])
            .stdin(Some(&reader))
            .stdout(Some(&out));
        children.push(copy.spawn().map_err(text)?);
        reader = next;
    }
    let piece: Vec<u8> = (0..=255).collect();
    let feed = |left: usize| -> Result<(), Failure> {
        let mut to = process::write(&writer);
        let mut left = left;
        while left > 0 {
            let length = left.min(piece.len());
            to.write_all(&piece[..length])?;
            left -= length;
        }
        Ok(())
    };
    // What the pipes and the programs hold in between is more than this.
    feed(bytes)?;
    drop(writer);
    let mut all = Vec::new();
    process::read(&reader).read_to_end(&mut all)?;
    let right = all
        .iter()
        .enumerate()
        .all(|(index, byte)| index % 256 == usize::from(*byte));
    let codes: Vec<u8> = children
        .iter()
        .map(|child| child.wait().exit_code)
        .collect();
    println!("{} {right} {codes:?}", all.len());
    Ok(())
}

/// Somebody writes for ever, and nobody reads any more.
fn cut() -> Result<(), Failure> {
    let (reader, writer) = process::pipe();
    let child = Command::new(["noise", "flood"])
        .stdout(Some(&writer))
        .spawn()
        .map_err(text)?;
    drop(writer);
    let mut some = [0; 10];
    process::read(&reader).read_exact(&mut some)?;
    drop(reader);
    println!(
        "{} {}",
        String::from_utf8_lossy(&some),
        child.wait().exit_code
    );
    Ok(())
}

/// A file that two programs write to, one behind the other.
fn append() -> Result<(), Failure> {
    use process::Writer;
    use process::bindings::wasi::filesystem::preopens::get_directories;
    use process::bindings::wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
    let directories = get_directories();
    let (directory, _) = directories
        .iter()
        .find(|(_, path)| path == ".")
        .ok_or("no directory")?;
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = directory.open_at(PathFlags::empty(), "out", flags, DescriptorFlags::WRITE)?;
    let writer = Writer::from_stream(file.append_via_stream()?);
    let copy = writer.copy();
    for (word, writer) in [("one", &writer), ("two", &copy)] {
        told(
            Command::new(["family", "say", word])
                .stdout(Some(writer))
                .run(),
        );
    }
    drop((writer, copy));
    print!("{}", std::fs::read_to_string("out")?);
    Ok(())
}

/// Starts so many at once as there may be, and says why there are no more. Then one after another.
fn many(rest: &[String]) -> Result<(), Failure> {
    let most: usize = rest.first().ok_or("how many?")?.parse()?;
    let (reader, writer) = process::pipe();
    let mut children = Vec::new();
    for _ in 0..most {
        match Command::new(["family", "copy"])
            .stdin(Some(&reader))
            .spawn()
        {
            Ok(child) => children.push(child),
            Err(error) => {
                println!("{} {error:?}", children.len());
                break;
            }
        }
    }
    drop(writer);
    let all = children.iter().all(|child| child.wait().exit_code == 0);
    let mut after = 0;
    for _ in 0..most {
        after += i32::from(told(Command::new(["family", "exit"]).run()) == 0);
    }
    println!("{all} {after}");
    Ok(())
}

/// Holds so much memory, and has others do the same.
fn eat(rest: &[String]) -> Result<(), Failure> {
    let mebibytes: usize = rest.first().ok_or("how much?")?.parse()?;
    let more: u32 = rest.get(1).map_or(Ok(0), |more| more.parse())?;
    let held = vec![1_u8; mebibytes << 20];
    let mut code = 0;
    if more > 0 {
        let less = (more - 1).to_string();
        code = told(Command::new(["family", "eat", &rest[0], &less]).run());
    }
    std::hint::black_box(&held);
    println!("{more} {code}");
    Ok(())
}
