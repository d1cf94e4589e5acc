//! The texts that are checked: which files, read how, and where a line starts in them.
//!
//! Decides what `-f PATH` means (files, directories, standard input) and the digest. Never looks at what a text says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::problem::{Draft, Drafts, Mark, Spot, quote};
use super::{MAX_ALL_BYTES, MAX_FILE_BYTES, MAX_FILES, store};

/// What a text is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A manifest: its lines are shown in errors, secrets masked.
    Manifest,
    /// An ops file: shown as a manifest is.
    Ops,
    /// A policy: shown as a manifest is, and no part of it.
    Policy,
    /// A file of variables: nothing of it is ever shown.
    Variables,
    /// The file of `--vars-store`: nothing of it is ever shown either.
    Store,
}

/// One file's text.
#[derive(Debug)]
pub(super) struct Text {
    /// As named to the user.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
    /// What it is read for.
    pub(super) kind: Kind,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
    /// Byte ranges that are never shown, sorted and apart once the file is closed.
    pub(super) masks: Vec<(usize, usize)>,
    /// From where on the text could not be understood, so that secrets are guessed line by line.
    pub(super) opaque_from: Option<usize>,
    /// Whether it is not worth parsing.
    pub(super) spoiled: bool,
}

impl Text {
    /// Returns the hidden ranges that touch a line.
    pub(super) fn masks_in(&self, line: &std::ops::Range<usize>) -> Vec<(usize, usize)> {
        let first = self.masks.partition_point(|(_, end)| *end <= line.start);
        self.masks[first..].iter().copied().take_while(|(start, _)| *start < line.end).collect()
    }
}

/// All texts, by number.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<Text>);

impl Texts {
    /// Adds a text and returns its number.
    pub(super) fn add(&mut self, name: String, text: String, kind: Kind) -> u32 {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.0.push(Text { name, text, kind, lines, masks: Vec::new(), opaque_from: None, spoiled: false });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// Makes the texts of one value that stands in no file.
    pub(super) fn single(text: &str) -> Self {
        let mut texts = Self::default();
        texts.add(String::new(), text.to_owned(), Kind::Variables);
        texts
    }

    /// Returns one text.
    pub(super) fn get(&self, file: u32) -> &Text {
        &self.0[file as usize]
    }

    /// Returns a file's name.
    pub(super) fn name(&self, file: u32) -> &str {
        &self.get(file).name
    }

    /// Lists the texts of one kind.
    pub(super) fn of_kind(&self, kind: Kind) -> Vec<u32> {
        (0..).zip(&self.0).filter(|(_, text)| text.kind == kind).map(|(file, _)| file).collect()
    }

    /// Returns the line, from 0, of a byte.
    pub(super) fn line(&self, spot: Spot) -> usize {
        let text = self.get(spot.file);
        text.lines.partition_point(|&start| start <= spot.start as usize).saturating_sub(1)
    }

    /// Returns the byte range of a line, without its line break.
    pub(super) fn line_range(&self, file: u32, line: usize) -> std::ops::Range<usize> {
        let text = self.get(file);
        let start = text.lines.get(line).copied().unwrap_or(text.text.len());
        let end = text.lines.get(line + 1).map_or(text.text.len(), |next| next - 1);
        let end = if text.text[start..end].ends_with('\r') { end - 1 } else { end };
        start..end
    }

    /// Takes over what must not be shown of a file that has been walked.
    pub(super) fn close(&mut self, file: u32, drafts: &mut Drafts) {
        for spot in drafts.take_to_line_end(file) {
            let line = self.line(Spot::new(file, spot.end as usize, spot.end as usize));
            drafts.mask(file, spot.start as usize, self.line_range(file, line).end.max(spot.end as usize));
        }
        let text = &mut self.0[file as usize];
        text.masks = drafts.take_masks(file);
        text.opaque_from = drafts.take_opaque(file);
    }

    /// Returns SHA-256 over the manifests' bytes, one after the other in the order of their names, and behind them the
    /// ops files' in the order given.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for text in self.0.iter().filter(|text| matches!(text.kind, Kind::Manifest | Kind::Ops)) {
            hash.update(text.text.as_bytes());
        }
        let mut out = String::from("sha256:");
        for byte in hash.finalize() {
            let _ = write!(out, "{byte:02x}");
        }
        out
    }
}

/// Reads everything that `-f` names, sorted by name; a file named twice is read once.
pub(super) fn read_manifests(paths: &[PathBuf], texts: &mut Texts, drafts: &mut Drafts) {
    if paths.is_empty() {
        drafts.add(
            Draft::error("no-manifest", "no manifest is given")
                .help("name a file or a directory with -f PATH, or - for standard input"),
        );
    }
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut stdin = 0;
    for path in paths {
        if path.as_os_str() == "-" {
            stdin += 1;
            continue;
        }
        for file in expand(path, drafts) {
            files.entry(file.display().to_string()).or_insert(file);
        }
    }
    if files.len() > MAX_FILES {
        let draft =
            Draft::error("too-many-files", format!("-f names {} files: more than {MAX_FILES}", files.len()))
                .help("name fewer directories, or join files");
        drafts.add(draft);
        return;
    }
    if stdin > 1 {
        drafts.add(
            Draft::error("stdin-twice", "standard input is given more than once").help("give `-f -` once"),
        );
    }
    if stdin > 0 {
        read("-", std::io::stdin().lock(), Kind::Manifest, texts, drafts);
    }
    // The same file under two names is one file; the name that sorts first is the one shown.
    let mut seen = Vec::new();
    for (name, path) in files {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        open(&name, &path, Kind::Manifest, texts, drafts);
    }
}

/// Reads the files of one option, in the order given.
pub(super) fn read_files(paths: &[PathBuf], kind: Kind, texts: &mut Texts, drafts: &mut Drafts) {
    for path in paths {
        open(&path.display().to_string(), path, kind, texts, drafts);
    }
}

/// Reads the file of `--vars-store`, if there is one and it says something; `false`: it cannot be read, which is then
/// among the problems.
pub(super) fn read_store(path: &Path, texts: &mut Texts, drafts: &mut Drafts) -> bool {
    if path.try_exists().is_ok_and(|there| !there) {
        return true;
    }
    let before = texts.0.len();
    let name = path.display().to_string();
    open(&name, path, Kind::Store, texts, drafts);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if path.metadata().is_ok_and(|about| about.permissions().mode() & 0o077 != 0) {
            drafts.add(
                Draft::warning(
                    "store-readable",
                    format!("others can read {} and the secrets in it", quote(&name)),
                )
                .help(format!("chmod 600 {}", crate::visible::shell(&name))),
            );
        }
    }
    let read = texts.0.len() > before;
    if texts.0.last().is_some_and(|text| read && store::says_nothing(&text.text)) {
        texts.0.pop();
    }
    read
}

/// Reads a file of `--var-file`, which holds one secret; `None`: it cannot be read, which is then among the problems.
///
/// One line end is taken off: an editor or `echo` put it there, and no secret field could hold it.
pub(super) fn read_secret(variable: &str, path: &Path, drafts: &mut Drafts) -> Option<SecretString> {
    let mut bytes = Vec::new();
    let read = is_in_place(path)
        .and_then(|()| File::open(path))
        .and_then(|file| file.take(LONGEST_SECRET + 1).read_to_end(&mut bytes));
    let why = match read {
        Err(error) => error.to_string(),
        Ok(_) if bytes.len() as u64 > LONGEST_SECRET => "it is longer than any secret".to_owned(),
        Ok(_) => match String::from_utf8(bytes) {
            Err(_) => "it is not UTF-8 text".to_owned(),
            Ok(text) => {
                let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                return Some(SecretString::from(line.unwrap_or(&text)));
            }
        },
    };
    drafts.add(
        Draft::error("unreadable", format!("cannot read {}: {why}", quote(&path.display().to_string())))
            .help(format!("check the path given to --var-file {variable}")),
    );
    None
}

/// The longest secret that is read, in bytes; a larger file is another file.
const LONGEST_SECRET: u64 = 64 << 10;

/// Turns a directory into the manifests directly in it.
fn expand(path: &Path, drafts: &mut Drafts) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let shown = quote(&path.display().to_string());
    let entries = match path.read_dir() {
        Ok(entries) => entries,
        Err(error) => {
            drafts.add(Draft::error("unreadable", format!("cannot read the directory {shown}: {error}")));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => {
                let file = entry.path();
                let hidden = entry.file_name().to_string_lossy().starts_with('.');
                let yaml = file.extension().is_some_and(|ext| ext == "yml" || ext == "yaml");
                if yaml && !hidden && !file.is_dir() {
                    files.push(file);
                }
            }
            Err(error) => {
                drafts.add(Draft::error("unreadable", format!("cannot read the directory {shown}: {error}")))
            }
        }
    }
    if files.is_empty() {
        drafts.add(Draft::error("no-manifest", format!("the directory {shown} holds no manifest")).help(
            "a directory gives the files *.yml and *.yaml directly in it; name deeper ones with -f each",
        ));
    }
    files.sort();
    files
}

/// Opens and reads one file.
fn open(name: &str, path: &Path, kind: Kind, texts: &mut Texts, drafts: &mut Drafts) {
    let opened = is_in_place(path).and_then(|()| File::open(path));
    match opened {
        Ok(file) => read(name, file, kind, texts, drafts),
        Err(error) => {
            let option = match kind {
                Kind::Manifest => "-f",
                Kind::Ops => "-o",
                Kind::Policy => "--policy",
                Kind::Variables => "-l",
                Kind::Store => "--vars-store",
            };
            drafts.add(
                Draft::error("unreadable", format!("cannot read {}: {error}", quote(name)))
                    .help(format!("check the path given to {option}")),
            );
        }
    }
}

/// Refuses what is no file in the folder that its name says; a descriptor of this very process, as `<(command)` gives
/// one, is.
///
/// A pull request can bring a symbolic link: to `/proc/self/environ`, to a token of the runner, to a terminal that
/// never ends. Links are followed inside the folder only, as a Kubernetes volume has them.
fn is_in_place(path: &Path) -> std::io::Result<()> {
    let refused = |why: &str| Err(std::io::Error::other(why.to_owned()));
    if path.starts_with("/dev/fd") {
        return Ok(());
    }
    let real = path.canonicalize()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !real.starts_with(folder.canonicalize()?) {
        return refused("it is a symbolic link that leads out of its folder");
    }
    if real.metadata()?.is_file() { Ok(()) } else { refused("it is no regular file") }
}

/// Reads one text, within the limit.
fn read(name: &str, reader: impl Read, kind: Kind, texts: &mut Texts, drafts: &mut Drafts) {
    let mut bytes = Vec::new();
    if let Err(error) = reader.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes) {
        drafts.add(Draft::error("unreadable", format!("cannot read {}: {error}", quote(name))));
        return;
    }
    take(name, bytes, kind, texts, drafts);
}

/// Takes the bytes of one text.
pub(super) fn take(name: &str, bytes: Vec<u8>, kind: Kind, texts: &mut Texts, drafts: &mut Drafts) {
    if bytes.len() > MAX_FILE_BYTES {
        drafts.add(
            Draft::error(
                "too-large",
                format!("{} is larger than {} MiB", quote(name), MAX_FILE_BYTES / 1024 / 1024),
            )
            .help("split it: -f takes several files, and directories"),
        );
        return;
    }
    let before: usize = texts.0.iter().map(|text| text.text.len()).sum();
    if before + bytes.len() > MAX_ALL_BYTES {
        drafts.add(
            Draft::error(
                "too-large",
                format!(
                    "with {} all files together are larger than {} MiB",
                    quote(name),
                    MAX_ALL_BYTES / 1024 / 1024
                ),
            )
            .help("manage parts of the server in runs of their own"),
        );
        return;
    }
    let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    match String::from_utf8(bytes) {
        Ok(text) => {
            texts.add(name.to_owned(), text, kind);
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            // The bytes before the first bad one are the same in the lossy text, so the position holds there too.
            let file = texts.add(name.to_owned(), text, kind);
            texts.0[file as usize].spoiled = true;
            drafts.opaque(file, 0);
            let encoding = if wide { "; it looks like UTF-16" } else { "" };
            drafts.add(
                Draft::error("not-utf8", format!("{} is not UTF-8 text{encoding}", quote(name)))
                    .at(Mark::at(Spot::new(file, at, at + 3)))
                    .label("the first byte that is not UTF-8")
                    .help("save the file as UTF-8"),
            );
        }
    }
}
