//! `graph-run`: see the library of the same name.

fn main() -> std::process::ExitCode {
    graph_run::main(std::env::args_os())
}
