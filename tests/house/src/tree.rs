//! Rules of the tree: what every room says first, what no file holds.

/// A file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// What is in it; empty for a file that is not text.
    pub text: String,
}

/// Folders of files that others wrote and we carry unchanged.
const CARRIED: [&str; 2] = ["wit/deps/", "LICENSE-"];
/// The words with which a room says what it leaves to others.
const ABSENCE: &str = "not here";

/// Every room says at its door what it is and what is not here, and has its line on the map.
#[must_use]
pub fn rooms_are_introduced(rooms: &[&str], files: &[File]) -> Vec<String> {
    let map = text(files, "ARCHITECTURE.md");
    let mut wrong = Vec::new();
    for room in rooms {
        let door = ["src/lib.rs", "src/main.rs"]
            .iter()
            .map(|file| text(files, &format!("{room}/{file}")))
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let said = introduction(door);
        if !said.to_lowercase().contains(ABSENCE) {
            wrong.push(format!(
                "{room} must begin with `//!`, what the room is and what is {ABSENCE}; it begins {:?}",
                said.chars().take(60).collect::<String>()
            ));
        }
        if !map.lines().any(|line| line.contains(&format!("`{room}`"))) {
            wrong.push(format!(
                "{room} has no line in ARCHITECTURE.md: say there what it is and what is absent from it"
            ));
        }
    }
    wrong
}

/// The pure floor and the client forbid unsafe code, in the first lines a reader sees.
#[must_use]
pub fn unsafe_is_forbidden(rooms: &[&str], files: &[File]) -> Vec<String> {
    rooms
        .iter()
        .filter(|room| room.starts_with("pure/") || **room == "sdk/client")
        .map(|room| format!("{room}/src/lib.rs"))
        .filter(|path| {
            !text(files, path).lines().any(|line| line.trim() == "#![forbid(unsafe_code)]")
        })
        .map(|path| {
            format!(
                "{path} must say #![forbid(unsafe_code)]: unsafe code belongs in io/, with a reason"
            )
        })
        .collect()
}

/// A module `x` is `x.rs` beside its folder `x/`.
#[must_use]
pub fn no_mod_rs(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter_map(|file| file.path.strip_suffix("/mod.rs"))
        .map(|folder| {
            format!("{folder}/mod.rs must be {folder}.rs: a file bears the name of its module")
        })
        .collect()
}

/// No file names a folder of somebody's machine.
#[must_use]
pub fn no_machine_paths(files: &[File]) -> Vec<String> {
    // In pieces, since this file is checked too.
    let roots = ["root", "home", "work", "tmp", "Users"].map(|name| format!("/{name}/"));
    find(
        files,
        |line| roots.iter().find(|root| stands_alone(line, root)).map(String::from),
        |place, found| {
            format!(
                "{place} names {found}, a folder of one machine: use a relative path, or ask the system"
            )
        },
    )
}

/// Work left for later is an issue with a number.
#[must_use]
pub fn no_todo_without_number(files: &[File]) -> Vec<String> {
    let words = [["TO", "DO"], ["FIX", "ME"]].map(|pieces| pieces.concat());
    find(
        files,
        |line| words.iter().find(|word| is_unnumbered(line, word)).cloned(),
        |place, found| {
            format!("{place} says {found} without a number: write {found}(#12), or do it")
        },
    )
}

/// A golden file that no test names is checked by nobody.
#[must_use]
pub fn vectors_are_read(files: &[File]) -> Vec<String> {
    const READERS: [&str; 5] = [".rs", ".mjs", ".js", ".ts", ".sol"];
    let vectors = files.iter().filter(|file| file.path.starts_with("tests/vectors/"));
    vectors
        .filter(|file| !file.path.ends_with(".md"))
        .filter_map(|file| {
            let name = file.path.rsplit('/').next()?;
            let read = files.iter().any(|other| {
                READERS.iter().any(|end| other.path.ends_with(end)) && other.text.contains(name)
            });
            (!read)
                .then(|| format!("{} is named by no test: read it in one, or remove it", file.path))
        })
        .collect()
}

/// What a document points at is there: links of every page, and files named on the map.
#[must_use]
pub fn documents_point_at_files(files: &[File]) -> Vec<String> {
    let pages = files.iter().filter(|file| file.path.ends_with(".md") && !is_carried(file));
    pages
        .flat_map(|page| {
            let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let links = links(&page.text).into_iter().map(|link| joined(folder, link));
            let named = if page.path == "ARCHITECTURE.md" { named(&page.text) } else { Vec::new() };
            let named = named.into_iter().map(str::to_owned);
            links.chain(named).map(|path| (page, path)).collect::<Vec<_>>()
        })
        .filter(|(_, path)| !exists(files, path))
        .map(|(page, path)| format!("{} points at {path}, which is not there", page.path))
        .collect()
}

/// Targets of links that are neither addresses nor places on the same page.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with(['#', ' ']))
        .map(|target| target.split('#').next().unwrap_or(target))
        .collect()
}

/// Paths of source files between backticks; `<x>` stands for a name to come.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_source = |word: &str| [".rs", ".sol", ".md"].iter().any(|end| word.ends_with(end));
    quoted.filter(|word| word.contains('/') && is_source(word) && !word.contains('<')).collect()
}

fn joined(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn exists(files: &[File], path: &str) -> bool {
    let below = format!("{path}/");
    files.iter().any(|file| file.path == path || file.path.starts_with(&below))
}

fn is_carried(file: &File) -> bool {
    CARRIED.iter().any(|carried| file.path.starts_with(carried))
}

fn text<'a>(files: &'a [File], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str())
}

/// The first documentation of a file, down to its first heading or example.
fn introduction(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let prose = lines.take_while(|line| !line.starts_with('#') && !line.starts_with("```"));
    prose.collect::<Vec<_>>().join(" ")
}

/// Every line of ours in which `look` finds something.
fn find(
    files: &[File],
    look: impl Fn(&str) -> Option<String>,
    say: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let ours = files.iter().filter(|file| !is_carried(file));
    ours.flat_map(|file| file.text.lines().enumerate().map(move |(at, line)| (file, at, line)))
        .filter_map(|(file, at, line)| {
            let place = format!("{}:{}", file.path, at + 1);
            look(line).map(|found| say(&place, &found))
        })
        .collect()
}

/// Whether a path begins here, instead of being the tail of a longer one or of an address.
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-~*/}>$".contains(c))
    })
}

fn is_unnumbered(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + word.len()..).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let whole = !before.is_some_and(is_word) && !after.starts_with(is_word);
        let number = after.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
        whole
            && !number.is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests;
