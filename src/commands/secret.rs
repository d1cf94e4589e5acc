//! Where the client's secret comes from, and how others are read: a file, standard input, a command, the environment, a prompt. Never an argument.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;

use super::console::Console;
use crate::cli::ConnectionArgs;
use crate::error::Error;

/// The longest secret that is read; a larger file is another file.
const LONGEST: u64 = 64 << 10;
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells whether some source but the prompt is given.
pub(super) fn is_given(args: &ConnectionArgs) -> bool {
    args.client_secret_file.is_some()
        || args.client_secret_stdin
        || args.client_secret_command.is_some()
        || std::env::var_os("UAA_CLIENT_SECRET").is_some()
}

/// Gets the secret from the first source that is given.
pub(super) async fn client_secret(args: &ConnectionArgs, console: &Console) -> Result<SecretString, Error> {
    if let Some(path) = &args.client_secret_file {
        return from_file(path, "--client-secret-file");
    }
    if args.client_secret_stdin {
        return from_reader(std::io::stdin().lock(), "standard input (--client-secret-stdin)");
    }
    if let Some(command) = &args.client_secret_command {
        return from_command(command, console).await;
    }
    match std::env::var("UAA_CLIENT_SECRET") {
        Ok(secret) if secret.is_empty() => Err(Error::new("UAA_CLIENT_SECRET is set, and empty")
            .hint("does the pipeline know the secret under this name? unset it to use another source")),
        Ok(secret) => Ok(secret.into()),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::new("UAA_CLIENT_SECRET is not UTF-8 text")),
        Err(std::env::VarError::NotPresent) => from_prompt(args),
    }
}

/// Reads one from the file that `option` names.
pub(super) fn from_file(path: &Path, option: &str) -> Result<SecretString, Error> {
    let name = format!("{} ({option})", path.display());
    let file = std::fs::File::open(path)
        .map_err(|error| Error::new(format!("cannot read {name}")).cause(error.to_string()))?;
    from_reader(file, &name)
}

/// Reads one to the end.
pub(super) fn from_reader(reader: impl std::io::Read, name: &str) -> Result<SecretString, Error> {
    let mut bytes = Vec::new();
    reader
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(format!("cannot read {name}")).cause(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Error::new(format!("{name} is longer than any secret")));
    }
    from_bytes(bytes, name)
}

/// Runs without a shell, so that nothing in the environment changes what is run; its errors go to our standard error.
async fn from_command(command: &str, console: &Console) -> Result<SecretString, Error> {
    let name = "the command of --client-secret-command";
    let words = shell_words::split(command)
        .map_err(|error| Error::new(format!("cannot read {name}")).cause(error.to_string()))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::new(format!("{name} is empty")));
    };
    let shell = program.ends_with("sh");
    let sign = if shell { None } else { for_a_shell(&words) };
    if let Some(sign) = sign {
        console.warn(&format!("{name} runs without a shell, so `{sign}` means nothing in it; {SHELL}"));
    }
    let failed = |error: Error| {
        // With a sign it is said already.
        if shell || sign.is_some() { error } else { error.hint(format!("it runs without a shell; {SHELL}")) }
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            failed(Error::new(format!("cannot run {name}")).cause(format!("{program}: {error}")))
        })?;
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output =
        output.map_err(|_| Error::new(format!("{name} did not end within {} s", PATIENCE.as_secs())))?;
    let output = output.map_err(|error| Error::new(format!("cannot run {name}")).cause(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(
            Error::new(format!("{name} failed")).cause(format!("{program}: {}", output.status)),
        ));
    }
    from_bytes(output.stdout, name)
}

/// What to type where a shell is wanted.
const SHELL: &str = "for pipes, variables and the like, write sh -c '…' around it";

/// Returns a sign that only a shell would understand.
fn for_a_shell(words: &[String]) -> Option<&'static str> {
    const WHOLE: [&str; 6] = ["|", "||", "&&", ";", "&", "<"];
    const FIRST: [&str; 5] = ["$(", "$", "`", "~/", ">"];
    words.iter().find_map(|word| {
        let redirected = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let whole = WHOLE.into_iter().find(|sign| redirected == *sign);
        let quoted = word.contains(char::is_whitespace);
        whole.or_else(|| FIRST.into_iter().find(|sign| !quoted && redirected.starts_with(sign)))
    })
}

fn from_prompt(args: &ConnectionArgs) -> Result<SecretString, Error> {
    if !Console::can_ask() {
        return Err(Error::new(format!("the secret of client `{}` is missing", args.client_id))
            .hint("set UAA_CLIENT_SECRET, or give --client-secret-file PATH, --client-secret-stdin or --client-secret-command 'om credentials …'"));
    }
    let secret =
        dialoguer::Password::new().with_prompt(format!("Secret of client {}", args.client_id)).interact();
    secret
        .map(SecretString::from)
        .map_err(|error| Error::new("cannot ask for the secret").cause(error.to_string()))
}

/// Asks for one that exists, once; `options` are the other ways to give it.
pub(super) fn ask(what: &str, options: &str) -> Result<SecretString, Error> {
    if !Console::can_ask() {
        return Err(Error::new(format!("nobody can be asked here: {what}"))
            .hint(format!("give it by {options}, or by the manifest (-f) and its variables")));
    }
    let secret = dialoguer::Password::new().with_prompt(what).interact();
    secret
        .map(SecretString::from)
        .map_err(|error| Error::new(format!("cannot ask: {what}")).cause(error.to_string()))
}

/// Asks for a new one, twice.
pub(super) fn ask_twice(what: &str) -> Result<SecretString, Error> {
    if !Console::can_ask() {
        return Err(Error::new("nobody can be asked here")
            .hint("give it by a file or by standard input, or let it be generated: see --help"));
    }
    let asked = dialoguer::Password::new()
        .with_prompt(crate::visible::visible(what))
        .with_confirmation("Once more", "the two differ")
        .interact();
    let secret = asked.map_err(|error| Error::new("cannot ask").cause(error.to_string()))?;
    from_bytes(secret.into_bytes(), "what was typed")
}

/// Takes off one line end; an empty secret is a mistake of whoever wrote the source.
fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<SecretString, Error> {
    let text =
        String::from_utf8(bytes).map_err(|_| Error::new(format!("{name}: the secret is not UTF-8 text")))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(Error::new(format!("{name}: the secret is empty")));
    }
    Ok(text.into())
}
