use super::*;

/// `index:state:started-ended:needs`, times in tenths of a second.
fn run(tasks: &str) -> Run {
    let task = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        let (started, ended) = parts[2].split_once('-').unwrap();
        let ms = |text: &str| text.parse::<u64>().ok().map(|tenths| tenths * 100);
        Task {
            id: format!("task-{}", parts[0]),
            index: parts[0].parse().unwrap(),
            agent: "script".to_owned(),
            workspace: Some("ws_1".to_owned()),
            optional: false,
            why: None,
            state: parts[1].to_owned(),
            needs: parts[3]
                .split_terminator(',')
                .map(|need| need.parse().unwrap())
                .collect(),
            parent: None,
            attempt: 1,
            started_at_ms: ms(started),
            ended_at_ms: ms(ended),
        }
    };
    Run {
        id: "run_1".to_owned(),
        state: "running".to_owned(),
        created_at_ms: 0,
        ended_at_ms: None,
        tasks: tasks.split_whitespace().map(task).collect(),
    }
}

#[test]
fn who_made_a_task_is_drawn_apart_from_what_it_needs() {
    let mut run = run("0:done:0-1: 1:done:1-2: 2:done:2-3:1");
    run.tasks[1].parent = Some(0);
    run.tasks[2].parent = Some(9);
    let text = mermaid(&run);
    assert!(text.contains("t0 -.-> t1\n  t1 ==> t2\n"), "{text}");
    let text = dot(&run);
    assert!(text.contains("t0 -> t1 [style=dashed]\n"), "{text}");
}

#[test]
fn a_run_is_drawn_with_states_times_and_its_critical_path() {
    let mut run = run("0:done:0-12: 1:leased:12-: 2:pending:-:0,1,0,9");
    run.tasks[1].attempt = 2;
    assert_eq!(
        mermaid(&run),
        "flowchart LR
  t0[\"task-0<br>script · ws_1<br>done · 1.2 s\"]
  t1[\"task-1<br>script · ws_1<br>leased · attempt 2\"]
  t2[\"task-2<br>script · ws_1<br>pending\"]
  t0 ==> t2
  t1 --> t2
  classDef pending fill:#f1f3f5,stroke:#868e96,color:#000
  class t2 pending
  classDef leased fill:#a5d8ff,stroke:#1864ab,color:#000
  class t1 leased
  classDef done fill:#d3f9d8,stroke:#2b8a3e,color:#000
  class t0 done
  classDef critical stroke-width:4px
  class t0,t2 critical
"
    );
    assert_eq!(
        dot(&run),
        "digraph run {
  graph [rankdir=LR, label=\"run_1 running\"]
  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\"]
  t0 [label=\"task-0\\nscript · ws_1\\ndone · 1.2 s\", fillcolor=\"#d3f9d8\", color=\"#2b8a3e\", penwidth=4]
  t1 [label=\"task-1\\nscript · ws_1\\nleased · attempt 2\", fillcolor=\"#a5d8ff\", color=\"#1864ab\"]
  t2 [label=\"task-2\\nscript · ws_1\\npending\", fillcolor=\"#f1f3f5\", color=\"#868e96\", penwidth=4]
  t0 -> t2 [penwidth=4]
  t1 -> t2
}
"
    );
}

#[test]
fn what_is_named_is_never_syntax() {
    for (id, in_mermaid, in_dot) in [
        ("end", "\"end<br>", "\"end\\n"),
        ("a\"]", "\"a#34;#93;<br>", "\"a\\\"]\\n"),
        ("a\nb", "\"a b<br>", "\"a b\\n"),
        (
            "%%{init}%%",
            "\"#37;#37;#123;init#125;#37;#37;<br>",
            "\"%%{init}%%\\n",
        ),
        (
            "style x:#1;",
            "\"style x#58;#35;1#59;<br>",
            "\"style x:#1;\\n",
        ),
        ("\\N\\", "\"#92;N#92;<br>", "\"\\\\N\\\\\\n"),
        ("<b>&lt;", "\"#60;b#62;#38;lt#59;<br>", "\"<b>&amp;lt;\\n"),
        ("`größe`", "\"#96;größe#96;<br>", "\"`größe`\\n"),
    ] {
        let mut run = run("0:done:0-1:");
        run.tasks[0].id = id.to_owned();
        assert!(mermaid(&run).contains(in_mermaid), "{}", mermaid(&run));
        assert!(dot(&run).contains(in_dot), "{}", dot(&run));
    }
    let mut long = run("0:unheard:0-1:");
    long.tasks[0].id = "ö".repeat(61);
    assert!(mermaid(&long).contains(&format!("\"{}…<br>", "ö".repeat(60))));
    assert!(mermaid(&long).contains("class t0 other"));
}

#[test]
fn the_critical_path_is_the_chain_that_took_longest() {
    for (tasks, expected) in [
        ("", vec![]),
        ("0:done:0-5:", vec![0]),
        ("0:done:0-5: 1:done:0-9: 2:done:9-10:0,1", vec![1, 2]),
        // The short chain of long tasks, not the long chain of short ones.
        ("0:done:0-1: 1:done:1-2:0 2:done:2-3:1 3:done:0-9:", vec![3]),
        // What is at work counts until the latest moment that is known.
        ("0:leased:0-: 1:done:0-9: 2:done:9-10:1", vec![1, 2]),
        ("0:leased:0-: 1:done:0-5: 2:leased:9-:1", vec![0]),
        // The winner of a race, not who was cancelled then.
        ("0:cancelled:0-9: 1:done:0-9:", vec![1]),
        // Nothing has begun: the longest chain.
        ("0:ready:-: 1:ready:-: 2:pending:-:1", vec![1, 2]),
        // Places, not indices.
        ("7:done:0-5: 9:done:5-6:7", vec![0, 1]),
        // No server says so, and nothing hangs.
        ("0:done:0-5:1 1:done:0-5:0 2:done:0-1:", vec![2]),
        ("0:done:9-5:", vec![0]),
    ] {
        assert_eq!(critical_path(&run(tasks)), expected, "{tasks}");
    }
}

#[test]
fn a_graph_that_a_page_would_not_draw_is_said_to_be_one() {
    let small = run("0:done:0-1: 1:done:1-2:0");
    assert_eq!(too_large_for_mermaid(&small, &mermaid(&small)), None);
    let needs: Vec<String> = (0..501).map(|index| index.to_string()).collect();
    let mut tasks: Vec<String> = (0..501).map(|index| format!("{index}:done:0-1:")).collect();
    tasks.push(format!("501:done:1-2:{}", needs.join(",")));
    let large = run(&tasks.join(" "));
    let said = too_large_for_mermaid(&large, &mermaid(&large)).unwrap();
    assert!(said.contains("501 edges") && said.contains("dot"), "{said}");
    let said = too_large_for_mermaid(&small, &"x".repeat(50_001)).unwrap();
    assert!(
        said.contains("50001 characters") && !said.contains("edges"),
        "{said}"
    );
}
