//! `new`: creates a new project from the files in `templates/`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use statefun_sdk::BoxError;

/// Options of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The project's name and folder: letters, digits, - and _, beginning with a letter
    #[arg(value_parser = name)]
    name: String,
    /// Add the program that AWS Lambda starts, src/bin/bootstrap.rs
    #[arg(long)]
    lambda: bool,
    /// Where the SDK is: a folder with a clone of its repository, or the URL of a git repository [default: the clone that this
    /// program was built from, or the package registry if there is none]
    #[arg(long, value_name = "PATH|GIT")]
    sdk: Option<String>,
}

/// A file of the project: its path and its text with placeholders.
struct Template {
    path: &'static str,
    text: &'static str,
}

macro_rules! template {
    ($path:literal, $file:literal) => {
        Template { path: $path, text: include_str!(concat!("../templates/", $file)) }
    };
}

const TEMPLATES: &[Template] = &[
    template!("Cargo.toml", "Cargo.toml"),
    template!("src/lib.rs", "src/lib.rs"),
    template!("src/main.rs", "src/main.rs"),
    template!("tests/module.rs", "tests/module.rs"),
    template!("module.yaml", "module.yaml"),
    template!("events.jsonl", "events.jsonl"),
    template!("Dockerfile", "Dockerfile"),
    template!(".dockerignore", "dockerignore"),
    template!(".gitignore", "gitignore"),
    template!(".github/workflows/ci.yml", "ci.yml"),
    template!("README.md", "README.md"),
];

const LAMBDA: Template = template!("src/bin/bootstrap.rs", "src/bin/bootstrap.rs");

/// Names of crates that the project uses, of folders that cargo makes, and what YAML takes for something else than text.
const TAKEN: &[&str] = &[
    "alloc",
    "bootstrap",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "n",
    "no",
    "null",
    "off",
    "on",
    "proc-macro",
    "serde",
    "std",
    "test",
    "tests",
    "tokio",
    "tracing",
    "tracing-subscriber",
    "uuid",
    "y",
    "yes",
];

/// Rust's keywords, those that are reserved included.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(plain) || text.len() > 64 {
        return Err("expected 1 to 64 lower-case letters, digits, - and _, beginning with a letter".to_owned());
    }
    // As a crate's name, `-` and `_` are the same.
    let crate_name = text.replace('_', "-");
    if TAKEN.contains(&&*crate_name) || KEYWORDS.contains(&text) || crate_name.starts_with("statefun-") {
        return Err(
            "expected another name: this one is taken by Rust, by YAML or by a crate that the project uses".to_owned()
        );
    }
    Ok(text.to_owned())
}

/// Where the crates of the SDK come from.
enum Sdk {
    Registry,
    Path(PathBuf),
    Git(String),
}

impl Sdk {
    fn parse(text: Option<&str>) -> Result<Self, BoxError> {
        let Some(text) = text else {
            let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            let clone = clone.canonicalize().ok().filter(|clone| clone.join("crates/sdk/Cargo.toml").is_file());
            return Ok(clone.map_or(Self::Registry, Self::Path));
        };
        if text.contains("://") || text.starts_with("git@") {
            return Ok(Self::Git(text.to_owned()));
        }
        let path = fs::canonicalize(text).map_err(|error| format!("--sdk {text}: {error}"))?;
        if !path.join("crates/sdk/Cargo.toml").is_file() {
            return Err(format!(
                "--sdk {text}: there is no crates/sdk/Cargo.toml; expected a clone of the SDK's repository"
            )
            .into());
        }
        Ok(Self::Path(path))
    }

    /// The value of a dependency in Cargo.toml.
    fn dependency(&self, crate_name: &str, features: &str) -> String {
        let source = match self {
            Self::Registry => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
            Self::Path(path) => {
                let folder = crate_name.trim_start_matches("statefun-");
                format!("path = {:?}", path.join("crates").join(folder).display().to_string())
            }
            Self::Git(url) => format!("git = {url:?}"),
        };
        format!("{{ {source}{features} }}")
    }
}

/// Writes the project.
///
/// # Errors
/// When the folder is there and not empty, cannot be written, or the SDK is not where `--sdk` says.
pub fn run(args: &NewArgs) -> Result<(), BoxError> {
    let sdk = Sdk::parse(args.sdk.as_deref())?;
    let folder = Path::new(&args.name);
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{}: the folder is there already, and not empty", args.name).into());
    }
    let templates = TEMPLATES.iter().chain(args.lambda.then_some(&LAMBDA));
    for Template { path, text } in templates {
        let file = folder.join(path);
        let written = write(&file, &fill(text, args, &sdk));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    format_sources(folder, args.lambda);
    // A reader that closed its end has the project all the same.
    let _ = writeln!(io::stdout(), "{0}: written. Next: cd {0} && cargo test && cargo run", args.name);
    Ok(())
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

fn fill(text: &str, args: &NewArgs, sdk: &Sdk) -> String {
    let (mut build_context, mut copy_sdk, mut ci_note) = (String::new(), String::new(), String::new());
    if let Sdk::Path(path) = sdk {
        let path = path.display();
        build_context = format!("--build-context sdk='{path}' ");
        // Not all of the clone, whose folder `target` may be large; cargo reads the manifests of the whole workspace.
        copy_sdk = format!(
            "# The SDK is a folder of the machine that builds.\nCOPY --from=sdk Cargo.toml Cargo.lock {path}/\n"
        );
        for folder in ["benches", "crates", "examples", "lambda", "src", "tests"] {
            copy_sdk += &format!("COPY --from=sdk {folder} {path}/{folder}\n");
        }
        ci_note =
            format!("      # The SDK has to be at {path} here, too: check it out, or depend on a release of it.\n");
    }
    let lambda_dependency = match args.lambda {
        true => format!("statefun-lambda = {}\n", sdk.dependency("statefun-lambda", "")),
        false => String::new(),
    };
    let lambda_row = match args.lambda {
        true => {
            "| `src/bin/bootstrap.rs` | serves them on AWS Lambda; `cargo lambda build --release --disable-optimizations --output-format zip --bin \
             bootstrap` makes its zip |\n"
        }
        false => "",
    };
    [
        ("{{name}}", args.name.as_str()),
        ("{{crate}}", &args.name.replace('-', "_")),
        ("{{statefun-sdk}}", &sdk.dependency("statefun-sdk", "")),
        ("{{statefun-sdk-local}}", &sdk.dependency("statefun-sdk", ", features = [\"local\"]")),
        ("{{statefun-http}}", &sdk.dependency("statefun-http", "")),
        ("{{statefun-module}}", &sdk.dependency("statefun-module", "")),
        ("{{lambda-dependency}}", &lambda_dependency),
        ("{{lambda-row}}", lambda_row),
        ("{{build-context}}", &build_context),
        ("{{copy-sdk}}", &copy_sdk),
        ("{{ci-note}}", &ci_note),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
}

/// How lines are broken depends on the name's length. A machine without rustfmt has sources that compile all the same.
fn format_sources(folder: &Path, lambda: bool) {
    let sources = ["src/lib.rs", "src/main.rs", "tests/module.rs"].into_iter().chain(lambda.then_some(LAMBDA.path));
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--quiet", "--edition", "2024"]).args(sources.map(|source| folder.join(source)));
    let _ = rustfmt.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
