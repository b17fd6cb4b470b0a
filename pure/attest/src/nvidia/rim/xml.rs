//! As much XML as NVIDIA's manifests have, and its canonical form.
//!
//! Elements, attributes, namespaces and ASCII text; everything that has two spellings of one
//! meaning (entities, CDATA, comments, declarations, carriage returns, single quotes) is refused.
//! For what is left, Canonical XML 1.1 is short: namespaces and attributes in order, no empty
//! tags, `>` escaped in text. Not here: what the elements mean.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write as _};

/// Bytes of a document, at most. Genuine manifests have about 25 KiB.
const DOCUMENT_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 16;
const ELEMENTS_MAX: usize = 4096;
const ATTRIBUTES_MAX: usize = 128;
const NAMESPACES_MAX: usize = 16;

/// Namespaces in scope: prefix to URI, the default one's prefix is empty.
pub(super) type Scope = BTreeMap<String, String>;

/// A name and the namespace it stands in; none for an attribute without prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The namespace's URI.
    pub(super) space: String,
    /// The name without prefix.
    pub(super) local: String,
}

/// An element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: Name,
    written: String,
    scope: Scope,
    /// Attributes but declarations: the name as written, and the value.
    attributes: BTreeMap<Name, (String, String)>,
    pub(super) children: Vec<Node>,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

/// The root element of a document, alone in it but for white space.
pub(super) fn parse(document: &[u8]) -> Option<Element> {
    let plain = |b: &u8| matches!(b, b'\n' | b'\t' | 0x20..=0x7e) && *b != b'&';
    if document.len() > DOCUMENT_MAX || !document.iter().all(plain) {
        return None;
    }
    let mut reader = Reader { left: core::str::from_utf8(document).ok()?, elements: 0 };
    reader.left = reader.left.trim_start();
    let root = reader.element(&Scope::new(), 0)?;
    reader.left.trim_start().is_empty().then_some(root)
}

impl Element {
    /// Whether it has this name.
    pub(super) fn is(&self, space: &str, local: &str) -> bool {
        self.name.space == space && self.name.local == local
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, space: &str, local: &str) -> Option<&str> {
        let name = Name { space: space.into(), local: local.into() };
        self.attributes.get(&name).map(|(_, value)| value.as_str())
    }

    /// The elements in it; `None` if there is text beside them.
    pub(super) fn elements(&self) -> Option<Vec<&Self>> {
        let blank = |node: &Node| matches!(node, Node::Text(text) if text.trim().is_empty());
        let inner = self.children.iter().filter(|node| !blank(node));
        inner.map(|node| if let Node::Element(e) = node { Some(e) } else { None }).collect()
    }

    /// The text in it, without white space; `None` if there are elements.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        for node in &self.children {
            let Node::Text(part) = node else { return None };
            text.extend(part.chars().filter(|c| !c.is_ascii_whitespace()));
        }
        Some(text)
    }

    /// Canonical XML 1.1 of this element as the topmost one, without the element `without` in it.
    pub(super) fn canonical(&self, without: Option<&Self>) -> String {
        let mut out = String::new();
        self.write(&Scope::new(), without, &mut out);
        out
    }

    fn write(&self, above: &Scope, without: Option<&Self>, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "<{}", self.written);
        for (prefix, uri) in self.scope.iter().filter(|(p, uri)| above.get(*p) != Some(uri)) {
            let colon = if prefix.is_empty() { "" } else { ":" };
            let _ = write!(out, " xmlns{colon}{prefix}=\"{uri}\"");
        }
        for (written, value) in self.attributes.values() {
            let _ = write!(out, " {written}=\"{value}\"");
        }
        out.push('>');
        for node in &self.children {
            match node {
                Node::Text(text) => out.push_str(&text.replace('>', "&gt;")),
                // That very element: one like it elsewhere is signed as everything is.
                Node::Element(element) if without.is_some_and(|it| core::ptr::eq(it, element)) => {}
                Node::Element(element) => element.write(&self.scope, without, out),
            }
        }
        let _ = write!(out, "</{}>", self.written);
    }
}

/// What is left to read.
struct Reader<'a> {
    left: &'a str,
    elements: usize,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.left = self.left.strip_prefix(token)?;
        Some(())
    }

    /// The characters up to the first that `ends`; at least one.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> Option<&'a str> {
        let (head, tail) = self.left.split_at_checked(self.left.find(ends)?)?;
        self.left = tail;
        (!head.is_empty()).then_some(head)
    }

    fn name(&mut self) -> Option<&'a str> {
        let name = self.until(|c| !(c.is_ascii_alphanumeric() || "_-.:".contains(c)))?;
        let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let mut parts = name.split(':');
        (parts.clone().count() <= 2 && parts.all(starts)).then_some(name)
    }

    fn element(&mut self, above: &Scope, depth: usize) -> Option<Element> {
        self.elements += 1;
        if depth >= DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return None;
        }
        self.eat("<")?;
        let written = self.name()?;
        let (scope, attributes, empty) = self.tag(above)?;
        let name = resolve(written, &scope, true)?;
        let mut children = Vec::new();
        while !empty && !self.left.starts_with("</") {
            children.push(if self.left.starts_with('<') {
                Node::Element(self.element(&scope, depth + 1)?)
            } else {
                Node::Text(self.until(|c| c == '<')?.to_owned())
            });
        }
        if !empty {
            self.eat("</")?;
            self.eat(written)?;
            self.left = self.left.trim_start();
            self.eat(">")?;
        }
        Some(Element { name, written: written.into(), scope, attributes, children })
    }

    /// The rest of a start tag: scope, attributes, and whether it is an empty element's.
    #[expect(clippy::type_complexity, reason = "three results of one private step")]
    fn tag(&mut self, above: &Scope) -> Option<(Scope, BTreeMap<Name, (String, String)>, bool)> {
        let (mut scope, mut written, mut declared) = (above.clone(), BTreeMap::new(), Vec::new());
        let empty = loop {
            let before = self.left.len();
            self.left = self.left.trim_start();
            if self.eat("/>").is_some() {
                break true;
            }
            if self.eat(">").is_some() {
                break false;
            }
            if before == self.left.len() || written.len() + declared.len() >= ATTRIBUTES_MAX {
                return None;
            }
            let (name, value) = self.attribute()?;
            if name == "xmlns" || name.starts_with("xmlns:") {
                let prefix = name.strip_prefix("xmlns:").unwrap_or_default();
                if value.is_empty()
                    || matches!(prefix, "xml" | "xmlns")
                    || declared.contains(&prefix)
                {
                    return None;
                }
                declared.push(prefix);
                scope.insert(prefix.into(), value.into());
            } else if written.insert(name, value).is_some() {
                return None;
            }
        };
        let mut attributes = BTreeMap::new();
        for (name, value) in written {
            let key = resolve(name, &scope, false)?;
            if attributes.insert(key, (name.to_owned(), value.to_owned())).is_some() {
                return None;
            }
        }
        (scope.len() <= NAMESPACES_MAX).then_some((scope, attributes, empty))
    }

    fn attribute(&mut self) -> Option<(&'a str, &'a str)> {
        let name = self.name()?;
        self.eat("=\"")?;
        let value = if self.left.starts_with('"') { "" } else { self.until(|c| c == '"')? };
        self.eat("\"")?;
        // A line break in a value would be read as a space.
        (!value.contains(['<', '\n', '\t'])).then_some((name, value))
    }
}

/// A written name's meaning; only elements without prefix stand in the default namespace.
fn resolve(written: &str, scope: &Scope, element: bool) -> Option<Name> {
    let (prefix, local) = written.split_once(':').unwrap_or(("", written));
    let space = match (prefix, element) {
        ("", false) => String::new(),
        ("", true) => scope.get("").cloned().unwrap_or_default(),
        _ => scope.get(prefix)?.clone(),
    };
    Some(Name { space, local: local.into() })
}
