//! Command-line types and help text only.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::plan::only::Wanted;

/// Users, scopes, clients and LDAP/SAML mappings of a Cloud Foundry UAA, from a YAML manifest
#[derive(Debug, Parser)]
#[command(
    name = "uaapply",
    version,
    propagate_version = true,
    styles = STYLES,
    max_term_width = 110,
    after_help = FIRST_STEPS
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to talk.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How help and usage errors are coloured.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const FIRST_STEPS: &str = "\
First steps:
  export UAA_TARGET=https://api.pks.example.com:8443 UAA_CA_CERT=/path/to/ca.pem
  uaapply validate -f pks.yml       check the manifest, offline
  uaapply plan -f pks.yml           show what would change; never writes
  uaapply apply -f pks.yml          show it, ask, change it, look again

Exit codes:
  0  done, or nothing to do
  1  an error; nothing was written
  2  changes are pending (only plan --detailed-exitcode)
  3  refused by a safety rule; nothing was written
  4  the saved plan, or the report to undo, is stale; nothing was written
  5  partly applied: run the same command again
  6  applied, but a second look still finds changes";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change; never writes
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Show what would change, ask, and change it
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Take back what a report says was done: show how, ask, do it
    #[command(after_help = UNDO_EXAMPLES)]
    Undo(UndoArgs),
    /// Check manifests, offline: no server, and secrets need no value
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(ValidateArgs),
    /// Write what the server has, as data without secrets, to plan from offline: `plan --snapshot`
    #[command(after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(SnapshotArgs),
    /// Write a manifest of what the server has; no secrets, and nothing at the server changes
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Make a manifest of what other tools were told: uaac scripts, uaa.yml or BOSH manifests, CSV lists; offline
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Show who can reach what, and why: members, nested groups, LDAP/SAML mappings, clients; nothing at the server changes
    #[command(after_help = ACCESS_EXAMPLES)]
    Access(AccessArgs),
    /// Give a client a new secret while the old one still works, then drop the old
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(RotateArgs),
    /// Set a user's password
    #[command(after_help = PASSWORD_EXAMPLES)]
    Password(PasswordArgs),
    /// Let a user in again whom too many wrong passwords have locked out
    #[command(after_help = "Example:\n  uaapply unlock alana")]
    Unlock(UnlockArgs),
    /// Prove that somebody gets in: log in as they do, have UAA confirm the token, list their clusters
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Show as whom a run comes, what it may do, and what it lacks for a manifest
    #[command(after_help = WHOAMI_EXAMPLES)]
    Whoami(WhoamiArgs),
    /// Print the JSON Schema of a manifest or a policy, for editors
    #[command(after_help = SCHEMA_EXAMPLE)]
    Schema {
        /// That of a policy instead
        #[arg(long)]
        policy: bool,
    },
    /// Print a shell's completion script
    #[command(after_help = "Example:\n  uaapply completions bash > /etc/bash_completion.d/uaapply")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a directory
    #[command(after_help = "Examples:\n  uaapply man | man -l -\n  uaapply man /usr/local/share/man/man1")]
    Man {
        /// The directory; without it the main page goes to standard output
        #[arg(value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}

const PLAN_EXAMPLES: &str = "\
Examples:
  uaapply plan -f pks.yml -t https://api.pks.example.com:8443 --ca-cert ca.pem
  uaapply plan -f manifests/ --vars-env PKS --detailed-exitcode    2 when something would change
  uaapply plan -f pks.yml --format json | jq .changes
  uaapply plan -f pks.yml --format markdown > comment.md           for a pull request
  uaapply plan -f pks.yml --out pks.plan      for review; then: uaapply apply pks.plan

The admin client's secret comes from UAA_CLIENT_SECRET, --client-secret-file, --client-secret-stdin,
--client-secret-command, or a prompt; never from the command line itself. Without a secret, a login
of uaac or uaa-cli at the same address is used as long as it lasts.";

const APPLY_EXAMPLES: &str = "\
Examples:
  uaapply apply -f pks.yml                                          shows the plan and asks
  uaapply apply -f pks.yml --yes --report report.json               in a pipeline
  uaapply apply -f pks.yml --allow 'removals:pks.clusters.manage'   one danger, by its key
  uaapply apply -f pks.yml --only user/alana                        one user, and its groups
  uaapply apply pks.plan --vars-env PKS --expect-plan sha256:4f…    a saved plan, and no other

Killed or interrupted at any point, the same command again finishes the work.";

const UNDO_EXAMPLES: &str = "\
Examples:
  uaapply undo report.json --dry-run                    shows what would take it back; never writes
  uaapply undo report.json --report undone.json         shows it, asks, does it
  uaapply undo report.json --only user/alana --yes      of one user only

The report is what `uaapply apply --report FILE` wrote. The same safety rules judge the way back. What was changed
since is listed, and then nothing is written (exit code 4).";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  uaapply validate -f pks.yml -l vars.yml
  uaapply validate -f manifests/ --vars-env PKS

Every mistake is reported at once, each with its file and line. Exit code 1 when there is one.";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  uaapply snapshot -O foundation.json                     everything
  uaapply snapshot -f pks.yml --vars-env PKS -O pks.json  only what a plan of this manifest needs
  uaapply plan -f pks.yml --snapshot foundation.json      without server and credential";

const EXPORT_EXAMPLES: &str = "\
Examples:
  uaapply export -O foundation.yml                            everything, for the record or for a restore
  uaapply export --groups 'pks.clusters.*' > clusters.yml     who is in these groups
  uaapply export --users alana 'ops-*' --clients 'ci-*'       only what these patterns mean

A plan of the result has no changes. What a manifest cannot say is a comment in it. Passwords and client secrets are variables:
a plan takes a value for each, and any does; before an apply those of clients must be right.";

const ACCESS_EXAMPLES: &str = "\
Examples:
  uaapply access                                               who can reach the clusters
  uaapply access -f pks.yml --unknown                          who can that the manifest does not know of
  uaapply access --scopes 'uaa.admin' 'scim.*' --format csv > privileged.csv
  uaapply access --scopes '*' --users alana                    all that alana can reach
  uaapply access --format html > access.html
  uaapply access --format json > q3.json
  uaapply access --compare q2.json --format markdown           what to review, and what changed since";

const IMPORT_EXAMPLES: &str = "\
Examples:
  uaapply import grant-access.sh > people.yml
  uaapply import --from uaa-yml cf.yml -O cf-people.yml
  uaapply import users.csv | uaapply validate -f - --vars-env PKS

Secrets in the source become variables; their values are written nowhere. What cannot be carried over is a comment in the
manifest, and a line on standard error with its place in the source.";

const ROTATE_EXAMPLES: &str = "\
Examples:
  uaapply rotate cluster-ci --out-file new-secret               generated; both work, then the new one alone
  uaapply rotate cluster-ci --new-secret-file new-secret --wait 600
  uaapply rotate --self --out-file new-secret                   the client that this run logs in as

Interrupted at any point, the same new secret given by --new-secret-file goes on from there.";

const PASSWORD_EXAMPLES: &str = "\
Examples:
  uaapply password alana                                        asks for it
  uaapply password alana --generate --out-file alana.txt --must-change

The client's token needs the authority password.write; uaa.admin does not stand for it.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  uaapply verify alana                                          asks for the password
  uaapply verify alana --password-file alana.txt --expect 'alana: clusters>=1'
  uaapply verify -f pks.yml --vars-env PKS alana client/cluster-ci   with the manifest's own passwords
  uaapply verify user/saml/cody --passcode                      single sign-on, by a one-time passcode
  uaapply verify dana --password-stdin --expect 'dana: denied' < dana.txt

Expectations, several to a --expect with commas: clusters>=N (=, !=, <, <=, >), cluster NAME, no cluster NAME,
scope NAME, no scope NAME, denied. Exit code 0 when everything is as it should be, else 1.
A password is tried once; after a wrong one no other is tried in this run.";

const WHOAMI_EXAMPLES: &str = "\
Examples:
  uaapply whoami
  uaapply whoami -f pks.yml      what this manifest needs, held and missing; 1 when something is missing
  uaapply whoami --format json | jq .scopes";

const SCHEMA_EXAMPLE: &str = "\
Example:
  uaapply schema > manifest.schema.json

An editor that knows YAML schemas uses it when a manifest begins with
  # yaml-language-server: $schema=manifest.schema.json

That of the safety rules' policy file: uaapply schema --policy";

/// `uaapply plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The desired state.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The form of the plan on standard output; markdown for a comment, json is a versioned format
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|markdown|json",
        hide_possible_values = true,
        help_heading = "Plan"
    )]
    pub format: PlanFormat,
    /// The most characters that Markdown may have: GitHub's comments take 65536, GitLab's 1000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = crate::render::markdown::GITHUB,
        value_parser = clap::value_parser!(u32).range(i64::from(crate::render::markdown::SHORTEST)..),
        help_heading = "Plan"
    )]
    pub max_length: u32,
    /// Exit with 2 when there are changes
    #[arg(long, help_heading = "Plan")]
    pub detailed_exitcode: bool,
    /// Changes are an error, for a schedule: exit with 1, or with 2 by --detailed-exitcode
    #[arg(long, help_heading = "Plan")]
    pub fail_on_drift: bool,
    /// Write counts and times for Prometheus' text file collector to a file (replaced atomically)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Plan")]
    pub metrics_file: Option<PathBuf>,
    /// What is refused.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Try the clients' secrets of the manifest, and plan to set those that do not work
    #[arg(long, help_heading = "Plan")]
    pub probe_secrets: bool,
    /// What a code host shows.
    #[command(flatten)]
    pub annotations: AnnotationArgs,
    /// Only what this names, and what that needs: user/NAME, group/NAME, client/ID, member/GROUP/NAME (repeatable)
    #[arg(long, value_name = "KIND/NAME", conflicts_with = "out", help_heading = "Plan")]
    pub only: Vec<Wanted>,
    /// Save the plan to a file that only you may read, for `apply FILE` (replaced atomically)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Plan")]
    pub out: Option<PathBuf>,
    /// Plan from what `uaapply snapshot` took down, without server and credential
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "probe_secrets", help_heading = "Plan")]
    pub snapshot: Option<PathBuf>,
}

/// `uaapply apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan that `plan --out` saved; instead of manifests
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath, conflicts_with_all = ["files", "ops_files", "probe_secrets"])]
    pub plan: Option<PathBuf>,
    /// Only if the saved plan's `plan_digest` is this: what was approved
    #[arg(long, value_name = "SHA", requires = "plan", help_heading = "Apply")]
    pub expect_plan: Option<String>,
    /// The desired state.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Do not ask
    #[arg(short, long, help_heading = "Apply")]
    pub yes: bool,
    /// What is refused.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Try the clients' secrets of the manifest, and plan to set those that do not work
    #[arg(long, help_heading = "Apply")]
    pub probe_secrets: bool,
    /// Only what this names, and what that needs: user/NAME, group/NAME, client/ID, member/GROUP/NAME (repeatable)
    #[arg(long, value_name = "KIND/NAME", help_heading = "Apply")]
    pub only: Vec<Wanted>,
    /// What is kept of it.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// Write the report as JSON to a file: replaced atomically, and kept current while the run goes on
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Apply")]
    pub report: Option<PathBuf>,
    /// The form of the report on standard output; with markdown and json the plan goes to standard error
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|markdown|json",
        hide_possible_values = true,
        help_heading = "Apply"
    )]
    pub format: PlanFormat,
    /// The most characters that Markdown may have: GitHub's comments take 65536, GitLab's 1000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = crate::render::markdown::GITHUB,
        value_parser = clap::value_parser!(u32).range(i64::from(crate::render::markdown::SHORTEST)..),
        help_heading = "Apply"
    )]
    pub max_length: u32,
}

/// `uaapply undo`.
#[derive(Clone, Debug, Args)]
pub struct UndoArgs {
    /// The report of what was done, as `apply --report` wrote it
    #[arg(value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub undone: PathBuf,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Do not ask
    #[arg(short, long, help_heading = "Undo")]
    pub yes: bool,
    /// Only show it, and write nothing
    #[arg(long, conflicts_with_all = ["yes", "report"], help_heading = "Undo")]
    pub dry_run: bool,
    /// Exit with 2 when there are changes
    #[arg(long, requires = "dry_run", help_heading = "Undo")]
    pub detailed_exitcode: bool,
    /// What is refused.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Only what this names, and what that needs: user/NAME, group/NAME, client/ID, member/GROUP/NAME (repeatable)
    #[arg(long, value_name = "KIND/NAME", help_heading = "Undo")]
    pub only: Vec<Wanted>,
    /// What is kept of it.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// Write the report of the way back as JSON to a file: replaced atomically, and kept current while the run goes on
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Undo")]
    pub report: Option<PathBuf>,
    /// The form of the report on standard output, with --dry-run of the plan; the plan goes to standard error else
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|markdown|json",
        hide_possible_values = true,
        help_heading = "Undo"
    )]
    pub format: PlanFormat,
    /// The most characters that Markdown may have: GitHub's comments take 65536, GitLab's 1000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = crate::render::markdown::GITHUB,
        value_parser = clap::value_parser!(u32).range(i64::from(crate::render::markdown::SHORTEST)..),
        help_heading = "Undo"
    )]
    pub max_length: u32,
}

/// `uaapply validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// The desired state.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// What a code host shows.
    #[command(flatten)]
    pub annotations: AnnotationArgs,
}

/// `uaapply snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// A manifest, to take down only what its plan needs.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Write the snapshot to a file instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Snapshot")]
    pub output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long, requires = "output", help_heading = "Snapshot")]
    pub force: bool,
}

/// `uaapply export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Only users of these names; `*` is any text, ORIGIN/NAME names one of an identity provider
    #[arg(long, value_name = "PATTERN", num_args = 1.., help_heading = "Export")]
    pub users: Vec<String>,
    /// Only groups of these names
    #[arg(long, value_name = "PATTERN", num_args = 1.., help_heading = "Export")]
    pub groups: Vec<String>,
    /// Only clients of these ids
    #[arg(long, value_name = "PATTERN", num_args = 1.., help_heading = "Export")]
    pub clients: Vec<String>,
    /// Groups and clients that UAA and the platform bring along, too
    #[arg(long, help_heading = "Export")]
    pub built_ins: bool,
    /// Write the manifest to a file instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Export")]
    pub output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long, requires = "output", help_heading = "Export")]
    pub force: bool,
}

/// `uaapply access`.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// Only scopes (groups, authorities) of these names; `*` is any text [default: the three that give access to clusters]
    #[arg(long, value_name = "PATTERN", num_args = 1.., help_heading = "Access")]
    pub scopes: Vec<String>,
    /// Only users of these names; ORIGIN/NAME names one of an identity provider
    #[arg(long, value_name = "PATTERN", num_args = 1.., help_heading = "Access")]
    pub users: Vec<String>,
    /// Only users and external groups of these identity providers
    #[arg(long, value_name = "ORIGIN", num_args = 1.., help_heading = "Access")]
    pub origins: Vec<String>,
    /// Only users who are not active
    #[arg(long, help_heading = "Access")]
    pub inactive: bool,
    /// Only who has a way in that the manifest (-f) does not speak of
    #[arg(long, requires = "files", help_heading = "Access")]
    pub unknown: bool,
    /// So many days without a logon are a finding
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36_500), help_heading = "Access")]
    pub stale_days: u32,
    /// The form on standard output; json is a versioned format, markdown to be signed off, csv a line for each way in, html
    /// one page without network
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|csv|json|markdown|html",
        hide_possible_values = true,
        help_heading = "Access"
    )]
    pub format: AccessFormat,
    /// Show what changed since an earlier report in JSON that asked for the same
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Access")]
    pub compare: Option<PathBuf>,
    /// Review what `uaapply snapshot` took down, without server and credential
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Access")]
    pub snapshot: Option<PathBuf>,
    /// A manifest, to tell what it knows of.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Output formats of a review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AccessFormat {
    /// For people.
    #[default]
    Text,
    /// For a spreadsheet.
    Csv,
    /// For programs, and for a later comparison: a versioned format.
    Json,
    /// To be signed off.
    Markdown,
    /// For a browser: one file that needs no network.
    Html,
}

/// `uaapply import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What to import; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// What the files are; without it, what their names and first lines look like
    #[arg(
        long,
        value_enum,
        value_name = "uaac|uaa-yml|csv",
        hide_possible_values = true,
        help_heading = "Import"
    )]
    pub from: Option<From>,
    /// Write the manifest to a file instead of standard output
    #[arg(short = 'O', long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Import")]
    pub output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long, requires = "output", help_heading = "Import")]
    pub force: bool,
}

/// Forms that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// A shell script of uaac commands
    Uaac,
    /// A uaa.yml or a BOSH manifest
    UaaYml,
    /// A CSV list of users with a header
    Csv,
}

/// `uaapply rotate`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    /// The client whose secret it is
    pub client: Option<String>,
    /// Rotate the secret of the client that this run logs in as
    #[arg(long = "self", help_heading = "New secret")]
    pub own: bool,
    /// Read the new secret from a file [else it is generated]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, group = "new_source", help_heading = "New secret")]
    pub new_secret_file: Option<PathBuf>,
    /// Read the new secret from standard input
    #[arg(long, group = "new_source", help_heading = "New secret")]
    pub new_secret_stdin: bool,
    /// Ask for the new secret
    #[arg(long, group = "new_source", help_heading = "New secret")]
    pub new_secret_prompt: bool,
    /// Letters and digits of a generated one: 12 to 72, as many as UAA takes
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u8).range(12..=72), help_heading = "New secret")]
    pub length: u8,
    /// Write a generated one to a new file that only you may read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "new_source", help_heading = "New secret")]
    pub out_file: Option<PathBuf>,
    /// Print a generated one to standard output
    #[arg(long, conflicts_with_all = ["new_source", "out_file"], help_heading = "New secret")]
    pub print: bool,
    /// Seconds that both secrets work before the old one is dropped
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "New secret")]
    pub wait: u32,
    /// What is kept of it.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `uaapply password`.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// The user, of UAA's own store (origin uaa)
    pub user: String,
    /// Read the password from a file [else a prompt]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, group = "new_source", help_heading = "Password")]
    pub password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long, group = "new_source", help_heading = "Password")]
    pub password_stdin: bool,
    /// Generate the password
    #[arg(long, group = "new_source", help_heading = "Password")]
    pub generate: bool,
    /// Letters and digits of a generated one: 12 to 72, as many as UAA takes
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(12..=72), help_heading = "Password")]
    pub length: u8,
    /// Write a generated one to a new file that only you may read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "generate", help_heading = "Password")]
    pub out_file: Option<PathBuf>,
    /// Print a generated one to standard output
    #[arg(long, requires = "generate", conflicts_with = "out_file", help_heading = "Password")]
    pub print: bool,
    /// The user has to choose another at the next log-in
    #[arg(long, help_heading = "Password")]
    pub must_change: bool,
    /// What is kept of it.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `uaapply unlock`.
#[derive(Debug, Args)]
pub struct UnlockArgs {
    /// The user
    pub user: String,
    /// The user's origin; UAA locks only users of its own
    #[arg(long, value_name = "ORIGIN", default_value = "uaa")]
    pub origin: String,
    /// What is kept of it.
    #[command(flatten)]
    pub audit: AuditArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `uaapply verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Users and clients: NAME, user/ORIGIN/NAME, client/ID [else those of --expect]
    #[arg(value_name = "WHO")]
    pub who: Vec<String>,
    /// What must be so, as 'alana: clusters>=1' (repeatable)
    #[arg(long, value_name = "WHO: CONDITION", help_heading = "Proof")]
    pub expect: Vec<String>,
    /// Read the password, passcode or client's secret from a file [else the manifest's, else a prompt]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, group = "password_source", help_heading = "Proof")]
    pub password_file: Option<PathBuf>,
    /// Read it from standard input
    #[arg(long, group = "password_source", help_heading = "Proof")]
    pub password_stdin: bool,
    /// Log in by a one-time passcode of UAA's page /passcode: for single sign-on
    #[arg(long, help_heading = "Proof")]
    pub passcode: bool,
    /// The public client through which users log in (CF: cf)
    #[arg(long, value_name = "ID", default_value = "pks_cli", help_heading = "Proof")]
    pub through: String,
    /// The PKS API's address [default: port 9021 of the target's host]
    #[arg(long, value_name = "URL", env = "UAAPPLY_PKS_API", hide_env_values = true, value_hint = ValueHint::Url, help_heading = "Proof")]
    pub pks_api: Option<String>,
    /// A manifest to compare the token's scopes with.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server. A secret is not needed; with one, the causes of a refusal are looked for.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The form on standard output; json is a versioned format
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub format: Format,
}

/// `uaapply whoami`.
#[derive(Debug, Args)]
pub struct WhoamiArgs {
    /// A manifest to tell what is missing for it.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The form on standard output; json is a versioned format
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub format: Format,
}

/// Output formats of plans and reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    #[default]
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// For programs: a versioned format.
    Json,
}

/// What a code host shows at the lines of a manifest.
#[derive(Debug, Args)]
#[command(next_help_heading = "Annotations")]
pub struct AnnotationArgs {
    /// Say what is wrong or refused also as the code host shows it at the line: GitHub's workflow commands, GitLab's
    /// code quality report
    #[arg(long, value_enum, value_name = "github|gitlab", hide_possible_values = true)]
    pub annotations: Option<CodeHost>,
    /// Write that to a file (replaced atomically); gitlab needs one, github's goes to standard error otherwise
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "annotations",
        required_if_eq("annotations", "gitlab")
    )]
    pub annotations_file: Option<PathBuf>,
}

/// Code hosts that show annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CodeHost {
    /// Workflow commands of GitHub Actions.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
}

/// Output formats of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: a versioned format.
    Json,
}

/// The desired state and its variables.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Manifest")]
pub struct ManifestArgs {
    /// A manifest, a directory of them, or `-` for standard input (repeatable)
    #[arg(short, long = "file", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// Change the manifests by the operations of a YAML file, before variables are put in (repeatable)
    #[arg(short = 'o', long = "ops-file", value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub ops_files: Vec<PathBuf>,
    /// Set a variable: ((NAME)) becomes VALUE (repeatable; not for secrets: others can see a process's arguments)
    #[arg(short = 'v', long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Set a secret variable to what a file holds (repeatable)
    #[arg(long, value_name = "NAME=PATH")]
    pub var_file: Vec<String>,
    /// Read variables from a YAML file (repeatable; later ones win)
    #[arg(short = 'l', long = "vars-file", value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub vars_files: Vec<PathBuf>,
    /// Take secret variables from the environment: ((name)) from PREFIX_name (repeatable)
    #[arg(long, value_name = "PREFIX", env = "UAAPPLY_VARS_ENV", hide_env_values = true)]
    pub vars_env: Vec<String>,
    /// Take secret variables from a YAML file; apply generates into it what `variables` in a manifest declares and
    /// nothing gives
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub vars_store: Option<PathBuf>,
}

/// What the safety rules judge by, and what is allowed all the same.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Safety rules")]
pub struct RulesArgs {
    /// Judge by a policy file: thresholds, privileged and protected names, members, owners, prune (uaapply schema --policy)
    #[arg(long, value_name = "FILE", env = "UAAPPLY_POLICY", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,
    /// Allow what the safety rule of this key refuses; repeat the option for several keys
    #[arg(long, value_name = "KEY")]
    pub allow: Vec<String>,
}

/// What is kept of what was written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Record")]
pub struct AuditArgs {
    /// Append what is written to UAA to a file, one JSON line before each request and one with its outcome
    #[arg(long, value_name = "FILE", env = "UAAPPLY_AUDIT_LOG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub audit_log: Option<PathBuf>,
}

/// How to reach UAA and log in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// UAA's address, such as api.pks.example.com:8443 (https unless it says http)
    #[arg(short, long, value_name = "URL", env = "UAA_TARGET", hide_env_values = true, value_hint = ValueHint::Url)]
    pub target: Option<String>,
    /// The client to log in as
    #[arg(long, value_name = "ID", env = "UAA_CLIENT_ID", hide_env_values = true, default_value = "admin")]
    pub client_id: String,
    /// Read the client's secret from a file [else env: UAA_CLIENT_SECRET, else a login of uaac or uaa-cli, else a prompt]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, group = "secret_source")]
    pub client_secret_file: Option<PathBuf>,
    /// Read the client's secret from standard input
    #[arg(long, group = "secret_source")]
    pub client_secret_stdin: bool,
    /// Run a command that prints the client's secret (no shell)
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString, group = "secret_source")]
    pub client_secret_command: Option<String>,
    /// Do not use a login of uaac (~/.uaac.yml) or uaa-cli (~/.uaa/config.json) when no secret is given
    #[arg(long)]
    pub no_saved_login: bool,
    /// Trust this CA: a PEM file's path, or PEM text
    #[arg(long, value_name = "PATH|PEM", env = "UAA_CA_CERT", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub ca_cert: Option<String>,
    /// Do not check certificates (warns each time)
    #[arg(short = 'k', long, env = "UAA_SKIP_SSL_VALIDATION", hide_env_values = true, action = ArgAction::SetTrue, value_parser = yes_or_no)]
    pub skip_ssl_validation: bool,
    /// Allow plain http to other hosts than this machine
    #[arg(long)]
    pub allow_http: bool,
    /// The identity zone's id or subdomain
    #[arg(short, long, value_name = "ZONE", env = "UAA_ZONE", hide_env_values = true)]
    pub zone: Option<String>,
    /// Requests under way at once
    #[arg(long, value_name = "N", env = "UAAPPLY_CONCURRENCY", hide_env_values = true, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub concurrency: u8,
    /// Seconds to wait for one answer
    #[arg(long, value_name = "S", env = "UAAPPLY_TIMEOUT", hide_env_values = true, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: u16,
    /// How to read users; the plan is the same either way
    #[arg(long, value_enum, default_value_t, value_name = "fewest|list|lookup", hide_possible_values = true)]
    pub read: Read,
}

/// How users are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Read {
    /// Whichever takes fewer requests
    #[default]
    Fewest,
    /// List all users
    List,
    /// Look up those that the manifest names
    Lookup,
}

/// How to talk.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// When to use colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "auto|always|never",
        hide_possible_values = true,
        env = "UAAPPLY_COLOR",
        hide_env_values = true,
        global = true
    )]
    pub color: Color,
    /// No progress and no notes, only results, warnings and errors
    #[arg(short, long, env = "UAAPPLY_QUIET", hide_env_values = true, action = ArgAction::SetTrue, value_parser = yes_or_no, global = true)]
    pub quiet: bool,
    /// How much to log to standard error: off, error, warn, info, debug, trace; secrets at no level
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "LEVEL",
        hide_possible_values = true,
        env = "UAAPPLY_LOG_LEVEL",
        hide_env_values = true,
        global = true
    )]
    pub log_level: LogLevel,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How much to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing
    Off,
    /// What went wrong
    Error,
    /// What is worth a look
    #[default]
    Warn,
    /// Each step
    Info,
    /// Each request
    Debug,
    /// Everything
    Trace,
}

/// Reads a yes or no as pipelines write it; an empty value is no. Anything else is an error: whoever misspells `false`
/// must not switch checks off.
fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Ok(true),
        "" | "false" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_secret() {
        for command in Cli::command().get_subcommands() {
            for arg in command.get_arguments().filter(|arg| arg.get_id().as_str().contains("secret")) {
                let id = arg.get_id().as_str();
                assert!(
                    [
                        "client_secret_file",
                        "client_secret_stdin",
                        "client_secret_command",
                        "new_secret_file",
                        "new_secret_stdin",
                        "new_secret_prompt",
                        "probe_secrets",
                    ]
                    .contains(&id),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn a_yes_is_what_says_yes_and_a_misspelt_no_is_neither() {
        for yes in ["true", "True", "1", "yes", "on"] {
            assert_eq!(yes_or_no(yes), Ok(true), "{yes}");
        }
        for no in ["", "false", "FALSE", "0", "no", "off"] {
            assert_eq!(yes_or_no(no), Ok(false), "{no}");
        }
        assert!(yes_or_no("flase").is_err());
    }
}
