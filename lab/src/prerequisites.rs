//! Are Java 17 and Maven here? Says how to install what is missing; never installs anything.

use std::process::Command;

use crate::LabError;

const HINT: &str = "hint: Debian, Ubuntu: sudo apt-get install openjdk-17-jdk-headless maven\n      macOS:          brew install openjdk@17 maven   (and add openjdk@17's bin to PATH)";

/// The oldest Java that the lab is tried with.
const OLDEST_JAVA: u32 = 17;

/// Checks for `java` (17 or newer), `jar` and `mvn`.
pub(crate) fn check() -> Result<(), LabError> {
    let mut missing = Vec::new();
    match output("java", &["-version"]) {
        None => missing.push("`java` is not there".to_owned()),
        Some(text) => match java_major(&text) {
            Some(major) if major >= OLDEST_JAVA => {}
            Some(major) => missing.push(format!("`java` is version {major}, which is too old")),
            None => missing.push("`java -version` does not tell its version".to_owned()),
        },
    }
    if output("jar", &["--version"]).is_none() {
        missing.push("`jar` is not there (a JRE is not enough: it comes with the JDK)".to_owned());
    }
    if output("mvn", &["-v"]).is_none() {
        missing.push("`mvn` is not there".to_owned());
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(LabError::Prerequisite(format!(
        "the lab runs the real UAA and needs a JDK, {OLDEST_JAVA} or newer, and Maven: {}\n{HINT}",
        missing.join("; ")
    )))
}

/// What a program says, on whichever stream; nothing when it does not run or fails.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let both = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&both).into_owned())
}

/// The major version in `java -version`; `1.8.0` is 8.
fn java_major(text: &str) -> Option<u32> {
    let quoted = text.split('"').nth(1)?;
    let mut parts = quoted.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match parts.next()?.ok()? {
        1 => parts.next()?.ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::java_major;

    #[test]
    fn the_major_version_of_java_is_read_from_its_first_line() {
        assert_eq!(java_major("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(java_major("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(java_major("openjdk version \"25-ea\" 2025-09-16"), Some(25));
        assert_eq!(java_major("java version \"1.8.0_402\""), Some(8));
        assert_eq!(java_major("The operation could not be completed"), None);
    }
}
