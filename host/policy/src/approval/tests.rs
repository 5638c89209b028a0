use super::*;

fn asks(line: &str, command: &str) -> bool {
    let words = command.split(' ').map(str::to_owned).collect();
    let lines = CompiledApprovals::new(&[line.to_owned()]).unwrap();
    !lines.asking(ToolCall::Exec(&[words])).is_empty()
}

#[test]
fn a_line_asks_for_the_commands_that_begin_like_it() {
    for (line, command, expected) in [
        ("exec", "ls", true),
        ("exec *", "ls -l", true),
        ("exec git push", "git push", true),
        ("exec git push *", "git push", true),
        ("exec git push *", "git push origin main", true),
        ("exec git push *", "/usr/bin/git push", true),
        ("exec git push *", "./git push", true),
        ("exec git push *", "git status", false),
        ("exec git push *", "git pushes", false),
        ("exec git push *", "git -C a push", false),
        ("exec git * push", "git -C a push b", true),
        ("exec git * push", "git push", true),
        ("exec git * push", "git status", false),
        ("exec rm -*r*", "rm -fr a", true),
        ("exec rm -*r*", "rm a", false),
        ("exec python*", "python3 a.py", true),
        ("exec git", "digit", false),
        ("exec git", "GIT push", false),
        ("write-file", "ls", false),
    ] {
        assert_eq!(asks(line, command), expected, "{line}: {command}");
    }
}

#[test]
fn a_line_asks_for_the_paths_that_it_has() {
    for (line, path, expected) in [
        ("write-file", "a/b", true),
        ("write-file **", "a", true),
        ("write-file *", "a", true),
        ("write-file *", "a/b", false),
        ("write-file a.txt", "a.txt", true),
        ("write-file a.txt", "./a.txt", true),
        ("write-file a.txt", "a//b", false),
        ("write-file a.txt", "b/a.txt", false),
        ("write-file /workspace/a.txt", "a.txt", true),
        ("write-file .github/", ".github/workflows/ci.yml", true),
        ("write-file .github/", "a/.github/b", false),
        ("write-file **/*.toml", "Cargo.toml", true),
        ("write-file **/*.toml", "a/b/Cargo.toml", true),
        ("write-file **/*.toml", "Cargo.toml.orig", false),
        ("write-file a/**/b", "a/b", true),
        ("write-file my file.txt", "my file.txt", true),
        ("exec", "a", false),
    ] {
        let lines = CompiledApprovals::new(&[line.to_owned()]).unwrap();
        let asking = lines.asking(ToolCall::WriteFile(&[path.to_owned()]));
        assert_eq!(!asking.is_empty(), expected, "{line}: {path}");
    }
}

#[test]
fn each_way_to_write_a_command_is_looked_at() {
    let lines = ["exec git push", "exec sh", "exec rm"].map(str::to_owned);
    let lines = CompiledApprovals::new(&lines).unwrap();
    let written = [["./deploy", "x"], ["sh", "./deploy"]];
    let written = written.map(|words| words.map(str::to_owned).to_vec());
    assert_eq!(lines.asking(ToolCall::Exec(&written)), ["exec sh"]);
    assert!(lines.asking(ToolCall::Exec(&[Vec::new()])).is_empty());
}

#[test]
fn every_line_that_asks_has_to_be_approved() {
    let all = ["exec git", "exec git push", "exec rm"].map(str::to_owned);
    let lines = CompiledApprovals::new(&all).unwrap();
    let decide = |command: &str, approved: &[&str]| {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let approved: Vec<String> = approved.iter().map(|&line| line.to_owned()).collect();
        lines.decide(ToolCall::Exec(&[words]), &approved)
    };
    assert!(decide("ls", &[]).is_allow());
    assert_eq!(
        decide("git log", &["exec git"]).to_string(),
        "allowed by an approval of \"exec git\""
    );
    let denied = decide("git push", &["exec git"]);
    assert_eq!(
        denied.to_string(),
        "`exec git push` needs an approval; remove \"exec git push\" from approvals"
    );
    assert!(decide("git push", &["exec git", "exec git push"]).is_allow());
    let Decision::Deny { grants, .. } = denied else {
        panic!("it is denied")
    };
    let mut policy = crate::Preset::Standard.policy();
    policy.approvals = all.to_vec();
    grants.iter().for_each(|grant| policy.grant(grant));
    assert_eq!(policy.approvals, ["exec git", "exec rm"]);
}

#[test]
fn a_call_is_shown_exactly_and_moves_no_cursor() {
    let words = ["sh", "", "-c", "rm \u{1b}[2J \"a\"\u{202e}"].map(str::to_owned);
    let command = [words.to_vec()];
    let call = ToolCall::Exec(&command);
    assert_eq!(
        call.exact(),
        r#"exec sh "" -c "rm \u{1b}[2J \"a\"\u{202e}""#
    );
    let long = [vec!["a".repeat(1_000)]];
    assert_eq!(ToolCall::Exec(&long).to_string().chars().count(), 257);
    let said = CompiledApprovals::answered(call, &["exec".to_owned()], false, Some("a\nb"));
    assert!(!said.to_string().contains(char::is_control), "{said}");
}

#[test]
fn a_line_that_is_none_is_refused_with_what_would_be_one() {
    for (line, hint) in [
        ("", "is empty"),
        (" ", "is empty"),
        ("run git", "there are `exec` and `write-file`"),
        ("write_file a", "did you mean `write-file`?"),
        ("Exec git", "did you mean `exec`?"),
        ("exec /bin/git push", "write `exec git`"),
        ("write-file /etc/passwd", "is not below `/workspace`"),
        ("write-file a/../b", "without them"),
        ("write-file a//b", "without them"),
        ("exec a\nb", "a control character"),
    ] {
        let lines = ["exec".to_owned(), line.to_owned()];
        let invalid = CompiledApprovals::new(&lines).unwrap_err();
        assert_eq!(invalid.field, "approvals[1]");
        assert!(invalid.message.contains(hint), "{line}: {invalid}");
    }
    let many = vec!["exec".to_owned(); PATTERNS_MAX + 1];
    assert_eq!(CompiledApprovals::problems(&many).len(), 1);
    assert_eq!(
        CompiledApprovals::problems(&[format!("exec {}", "a".repeat(1_024))]).len(),
        1
    );
}
