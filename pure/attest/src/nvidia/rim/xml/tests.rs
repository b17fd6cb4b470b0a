#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Element, parse};

fn canonical(text: &str) -> Option<String> {
    Some(parse(text.as_bytes())?.canonical(None))
}

#[test]
fn the_canonical_form_is_that_of_the_standard() {
    // Canonical XML 1.1 §3.3, start and end tags, as far as this subset has them.
    let cases = [
        ("<a/>", "<a></a>"),
        ("<a   />", "<a></a>"),
        (" <a\n b=\"2\"\n a=\"1\" ></a >\n", "<a a=\"1\" b=\"2\"></a>"),
        ("<a>1 > 0</a>", "<a>1 &gt; 0</a>"),
        ("<a b=\">\"/>", "<a b=\">\"></a>"),
        // Namespaces before attributes, by prefix; attributes by namespace, then name.
        (
            "<e xmlns:b=\"http://b\" b:z=\"1\" xmlns:a=\"http://z\" a:y=\"2\" q=\"3\" \
             xmlns=\"http://d\"/>",
            "<e xmlns=\"http://d\" xmlns:a=\"http://z\" xmlns:b=\"http://b\" q=\"3\" b:z=\"1\" \
             a:y=\"2\"></e>",
        ),
        // What an ancestor declared alike is not declared again; another value is.
        (
            "<e xmlns=\"u\"><f xmlns=\"u\"><g xmlns=\"v\"><h xmlns=\"v\"/></g></f></e>",
            "<e xmlns=\"u\"><f><g xmlns=\"v\"><h></h></g></f></e>",
        ),
        ("<a>\n <b/>\t</a>", "<a>\n <b></b>\t</a>"),
    ];
    for (text, want) in cases {
        assert_eq!(canonical(text).as_deref(), Some(want), "{text}");
    }
}

#[test]
fn the_topmost_element_declares_all_that_is_in_scope() {
    let root = parse(b"<e xmlns=\"u\" xmlns:p=\"v\"><p:f><g/></p:f></e>").unwrap();
    let [inner]: [&Element; 1] = root.elements().unwrap().try_into().unwrap();
    let want = "<p:f xmlns=\"u\" xmlns:p=\"v\"><g></g></p:f>";
    assert_eq!(inner.canonical(None), want);
    let without = root.canonical(Some(inner));
    assert_eq!(without, "<e xmlns=\"u\" xmlns:p=\"v\"></e>");
}

#[test]
fn what_has_two_spellings_is_not_read() {
    let refused = [
        "",
        "a",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>x",
        "<a b=1/>",
        "<a b='1'/>",
        "<a b=\"1\"c=\"2\"/>",
        "<a b=\"1\" b=\"1\"/>",
        "<a b=\"<\"/>",
        "<a b=\"\n\"/>",
        "<a>&amp;</a>",
        "<a>\r</a>",
        "<a>\u{e9}</a>",
        "<a><![CDATA[x]]></a>",
        "<a><!-- --></a>",
        "<?xml version=\"1.0\"?><a/>",
        "<!DOCTYPE a><a/>",
        "<p:a/>",
        "<a p:b=\"\"/>",
        "<a:b:c xmlns:a=\"u\"/>",
        "<a xmlns:p=\"\"/>",
        "<a xmlns=\"\"/>",
        "<a xmlns:xml=\"u\"/>",
        "<a xmlns:p=\"u\" xmlns:p=\"v\"/>",
        "<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"\" q:b=\"\"/>",
        "<1/>",
        "<a 1=\"\"/>",
    ];
    for text in refused {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn limits_hold() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(nested(16).as_bytes()).is_some());
    assert!(parse(nested(17).as_bytes()).is_none());
    let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert!(parse(many(4095).as_bytes()).is_some());
    assert!(parse(many(4096).as_bytes()).is_none());
    let attributes = |count: usize| {
        let all: String = (0..count).map(|at| format!(" a{at}=\"\"")).collect();
        format!("<a{all}/>")
    };
    assert!(parse(attributes(128).as_bytes()).is_some());
    assert!(parse(attributes(129).as_bytes()).is_none());
    let spaces =
        |count: usize| attributes(count).replace(" a", " xmlns:a").replace("\"\"", "\"u\"");
    assert!(parse(spaces(16).as_bytes()).is_some());
    assert!(parse(spaces(17).as_bytes()).is_none());
    assert!(parse(&vec![b' '; (256 << 10) + 1]).is_none());
}
