//! `completions`: scripts with which shells complete the command line.

use std::io;
use std::process::Command;

fn completions(shell: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statefun"));
    command.args(["completions", shell]);
    command
}

#[test]
fn each_shell_has_a_script_that_knows_commands_and_options() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = completions(shell).output().expect("the program starts");
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).expect("text");
        for part in ["statefun", "receive", "from-beginning"] {
            assert!(script.contains(part), "{part} is not in the script for {shell}");
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    // What bash does for a function of `complete -F`: the words, the command, the last word and the one before it.
    let script = r#"
        source <("$0" completions bash)
        completed() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _statefun statefun "${@: -1}" "${@: -2:1}"
            echo "${COMPREPLY[@]}"
        }
        completed statefun rec
        completed statefun receive --from
        completed statefun send --no-key e"#;
    let output = Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_statefun")]).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "receive\n--from-beginning\nerror empty\n");
}

#[test]
fn a_reader_that_goes_away_has_enough() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = completions("bash").stdout(writer).output().expect("the program starts");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
