//! The program as tests kill it at named points (F1); built only with the feature `failpoints`.

fn main() -> std::process::ExitCode {
    kabinet::main()
}
