//! Runs of tasks with side effects that are counted outside, while the app, a runner, or both are killed at random instants:
//! nothing may be lost, nothing done twice, every run ends, and every run can be replayed.

use crate::artefact;
use crate::runner::{Runner, join};
use crate::server::{Server, free_port};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How much is done, and how often something is killed meanwhile.
#[derive(Clone, Copy)]
pub struct Plan {
    pub runs: usize,
    pub tasks: usize,
    pub kills: usize,
    pub seed: u64,
}

/// What came of it. All but the first three should be 0.
#[derive(Debug, Default)]
pub struct Survived {
    pub kills: usize,
    pub tasks: usize,
    /// Leases that were lost and made again.
    pub again: u64,
    pub lost: usize,
    pub repeated: usize,
    pub not_done: usize,
    pub diverged: u64,
    pub took: Duration,
}

/// A server that counts what is posted to it, each `Idempotency-Key` once.
struct Counter {
    port: u16,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    keys: HashSet<String>,
    by_path: BTreeMap<String, usize>,
}

impl Counter {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::<Mutex<Counts>>::default();
        let shared = counts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                // Who was killed in the middle of a request does not end the counter.
                std::thread::spawn(move || stream.and_then(|stream| count(stream, &shared)));
            }
        });
        Self { port, counts }
    }
}

fn count(mut stream: TcpStream, counts: &Mutex<Counts>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut key, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    {
        let mut counts = counts.lock().unwrap();
        // Without a key every request counts.
        if key.is_none_or(|key| counts.keys.insert(key)) {
            *counts.by_path.entry(path).or_default() += 1;
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
}

/// The processes that are killed.
struct Cluster<'a> {
    server: Option<Server>,
    second: Option<Runner>,
    states: [&'a Path; 2],
    /// Of the server and of the second runner.
    ports: [u16; 2],
    runner_token: String,
}

impl Cluster<'_> {
    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn start_server(&mut self) {
        let hosts = format!("http://127.0.0.1:{}", self.ports[1]);
        let listen = format!("127.0.0.1:{}", self.ports[0]);
        let variables = [("SPIN_VARIABLE_RUNNER_HOSTS", hosts.as_str())];
        self.server = Some(Server::start_given(
            self.states[0],
            &variables,
            &["--listen", &listen],
        ));
    }

    fn start_second(&mut self) {
        let url = format!("http://127.0.0.1:{}", self.ports[0]);
        let joined = join(&url, self.states[1], self.ports[1], &self.runner_token, &[]);
        self.second = Some(joined);
    }

    fn kill(&mut self, victim: u64) {
        if victim != 1 {
            self.server.take().unwrap().kill();
        }
        if victim != 0 {
            drop(self.second.take());
        }
        if victim != 1 {
            self.start_server();
        }
        if victim != 0 {
            self.start_second();
        }
    }
}

/// The same numbers for the same seed: xorshift, as there is nothing to hide.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

const PATIENCE: Duration = Duration::from_secs(300);

pub fn survive(plan: Plan) -> Survived {
    let started = Instant::now();
    let states = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let counter = Counter::start();
    let mut cluster = Cluster {
        server: None,
        second: None,
        states: [states[0].path(), states[1].path()],
        ports: [free_port(), free_port()],
        runner_token: String::new(),
    };
    cluster.start_server();
    let token = std::fs::read_to_string(states[0].path().join("runner-token")).unwrap();
    token.trim().clone_into(&mut cluster.runner_token);
    cluster.start_second();
    let workspaces = workspaces(cluster.server());
    let counting = counting(cluster.server(), &workspaces, plan);
    let swarm = swarm(cluster.server(), &workspaces, "script");
    let mut dice = Dice(plan.seed.max(1));
    let mut runs = Vec::new();
    for kill in 0..plan.kills {
        // There is something to do at all times.
        while runs.len() * plan.kills <= kill * plan.runs {
            runs.push(submit(
                cluster.server(),
                &swarm,
                plan,
                runs.len(),
                counter.port,
            ));
        }
        std::thread::sleep(Duration::from_millis(150 + dice.below(500)));
        cluster.kill(dice.below(3));
    }
    let deadline = Instant::now() + PATIENCE;
    let ended: Vec<Value> = runs
        .iter()
        .map(|run| ended(cluster.server(), run, deadline))
        .collect();
    let counted = ended_and_counted(cluster.server(), &counting, deadline);
    let mut survived = Survived {
        kills: plan.kills,
        tasks: plan.runs * plan.tasks,
        took: started.elapsed(),
        ..Survived::default()
    };
    let expected = plan.tasks * COUNTS;
    survived.lost += expected.saturating_sub(counted);
    survived.repeated += counted.saturating_sub(expected);
    let lines = lines(cluster.server(), &workspaces);
    let counts = counter.counts.lock().unwrap();
    for (index, run) in ended.iter().enumerate() {
        survived.not_done += usize::from(run["state"] != "done");
        for task in run["tasks"].as_array().unwrap() {
            if task["state"] != "done" {
                println!("{}: {task}", run["id"]);
            }
        }
        for (number, task) in run["tasks"].as_array().unwrap().iter().enumerate() {
            survived.again += task["attempt"].as_u64().unwrap().saturating_sub(1);
            let name = format!("{index}-{number}");
            let appended = [format!("{name} first"), format!("{name} last")];
            let mut times = appended
                .map(|line| lines.get(&line).copied().unwrap_or(0))
                .to_vec();
            times.push(
                counts
                    .by_path
                    .get(&format!("/{name}"))
                    .copied()
                    .unwrap_or(0),
            );
            survived.lost += times.iter().filter(|times| **times == 0).count();
            survived.repeated += times.iter().filter(|times| **times > 1).count();
        }
    }
    for run in &runs {
        let (status, replay) = cluster
            .server()
            .post(&format!("/runs/{run}/replay"), &json!({}));
        assert_eq!(status, 200, "{replay}");
        let diverged = replay["diverged"].as_u64().unwrap();
        if diverged > 0 {
            println!("{run}: {replay}");
        }
        survived.diverged += diverged;
    }
    survived
}

/// Two on each runner.
fn workspaces(server: &Server) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, runners) = server.get("/runners");
        let alive = |runner: &&Value| runner["alive"] == true;
        if runners["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(alive)
            .count()
            == 2
        {
            break;
        }
        assert!(Instant::now() < deadline, "{runners}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let policy = json!({"preset": "standard", "network": "localhost"});
    let make = |_| {
        let body = json!({"name": "survive", "environment": "base", "policy": policy});
        let (status, made) = server.post("/workspaces", &body);
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    (0..4).map(make).collect()
}

fn swarm(server: &Server, workspaces: &[String], kind: &str) -> String {
    let body = json!({
        "name": "survive", "agents": [{"kind": kind, "count": 6}], "workspaces": workspaces,
    });
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// How often a task counts in the memory of its swarm.
const COUNTS: usize = 3;

/// A run of tasks that count in what their swarm knows, and do something in between: its swarm and itself.
fn counting(server: &Server, workspaces: &[String], plan: Plan) -> (String, String) {
    let component = std::fs::read(artefact::guest("counter")).unwrap();
    let added = server
        .request(reqwest::Method::POST, "/agents?name=counter")
        .header("content-type", "application/wasm")
        .body(component)
        .send()
        .unwrap();
    assert!(added.status().is_success(), "{}", added.text().unwrap());
    let swarm = swarm(server, workspaces, "counter");
    let context = json!({"times": COUNTS, "command": ["sh", "-c", "sleep 0.1"]});
    let tasks: Vec<Value> = (0..plan.tasks)
        .map(|_| json!({"context": context}))
        .collect();
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), &json!({"tasks": tasks}));
    assert_eq!(status, 202, "{run}");
    (swarm, run["id"].as_str().unwrap().to_owned())
}

fn ended_and_counted(server: &Server, (swarm, run): &(String, String), deadline: Instant) -> usize {
    let run = ended(server, run, deadline);
    assert_eq!(run["state"], "done", "{run}");
    let (_, memory) = server.get(&format!("/swarms/{swarm}/memory"));
    let items = memory["items"].as_array().unwrap();
    let count = items.iter().find(|entry| entry["key"] == "count").unwrap();
    count["value"].as_str().unwrap().parse().unwrap()
}

/// Every other run is a graph in which each task needs one before it, the rest are tasks that need nothing.
fn submit(server: &Server, swarm: &str, plan: Plan, index: usize, port: u16) -> String {
    let task = |number: usize| {
        let name = format!("{index}-{number}");
        let script = format!(
            "echo {name} first >> log.txt; sleep 0.1; \
                 curl -sS -X POST http://127.0.0.1:{port}/{name} && echo {name} last >> log.txt"
        );
        let needs = if index.is_multiple_of(2) && number > 0 {
            vec![format!("t{}", number / 2)]
        } else {
            Vec::new()
        };
        let needs: Vec<_> = needs
            .into_iter()
            .filter(|need| *need != format!("t{number}"))
            .collect();
        json!({
            "id": format!("t{number}"), "needs": needs,
            "context": {"command": ["sh", "-c", script]},
        })
    };
    let tasks: Vec<Value> = (0..plan.tasks).map(task).collect();
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), &json!({"tasks": tasks}));
    assert_eq!(status, 202, "{run}");
    run["id"].as_str().unwrap().to_owned()
}

fn ended(server: &Server, run: &str, deadline: Instant) -> Value {
    loop {
        let (_, shown) = server.get(&format!("/runs/{run}"));
        if shown["state"] != "running" || Instant::now() > deadline {
            return shown;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How often each line is in the logs of all workspaces together.
fn lines(server: &Server, workspaces: &[String]) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for workspace in workspaces {
        let (_, bytes) = server.read(workspace, "log.txt");
        for line in String::from_utf8_lossy(&bytes).lines() {
            *lines.entry(line.to_owned()).or_default() += 1;
        }
    }
    lines
}
