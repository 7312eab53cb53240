use super::*;

const SCHEMA: &str = r#"
[image]
type = "string"
doc = "The image"
example = "ubuntu"
used_by = ["phase-08"]

[node_count]
type = "integer"
doc = "How many"
default = 2

[within]
type = "duration"
doc = "How long"
default = "20min"

[memory]
type = "size"
doc = "How much"
default = "1GiB"

[cidr]
type = "cidr"
doc = "The network"
optional = true
example = "10.20.16.0/24"
used_by = ["phase-08"]

[servers]
type = "list<ip>"
doc = "Name servers"
default = ["8.8.8.8"]

[labels]
type = "map<string>"
doc = "Labels"
default = {}

[driver]
type = "string"
doc = "The CNI"
default = "calico"
choices = ["calico", "cilium"]

[id]
type = "uuid"
doc = "An id"
optional = true
example = "d5bc125c7c1841d389b76cd0a7b0a915"

[address]
type = "url"
doc = "A URL"
optional = true
example = "https://example.org/"

[tls]
type = "boolean"
doc = "Whether"
default = true
"#;

fn schema() -> Arc<Schema> {
    Arc::new(Schema::parse("values.toml", SCHEMA).unwrap())
}

fn resolve(site: &str, sets: &[&str]) -> Result<Values> {
    let node = Node::from_toml("site.toml", site).unwrap();
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    Values::resolve(schema(), Some(&node), &sets)
}

fn shown(values: &Values, name: &str) -> String {
    let setting = values.get(name).unwrap().unwrap();
    format!("{} from {}", setting.value, setting.origin)
}

#[test]
fn each_value_knows_where_it_came_from() {
    let site = "image = \"ubuntu\"\nnode_count = { value = 3, from = \"phase-08\" }\n";
    let values = resolve(site, &["driver=cilium"]).unwrap();
    assert_eq!(shown(&values, "image"), "ubuntu from site.toml:1");
    assert_eq!(shown(&values, "node_count"), "3 from site.toml:2 (phase-08)");
    assert_eq!(shown(&values, "within"), "20m from shipped default (values.toml:13)");
    assert_eq!(shown(&values, "driver"), "cilium from --set");
    assert!(values.get("cidr").unwrap().is_none());
}

#[test]
fn a_missing_value_is_named_with_its_meaning_and_an_example() {
    let values = resolve("", &[]).unwrap();
    let missing: Vec<&str> = values.missing("phase-08").iter().map(|d| &*d.name).collect();
    assert_eq!(missing, ["image"]);
    assert!(values.missing("restart").is_empty());
    let error = values.get("image").unwrap_err();
    assert_eq!(error.to_string(), "the site does not set `image`: The image");
    assert_eq!(
        error.detail().help.as_deref(),
        Some("add it to [values] in site.toml, such as: image = \"ubuntu\"")
    );
    assert_eq!(values.get("imgae").unwrap_err().detail().help.as_deref(), Some("did you mean `image`?"));
}

#[test]
fn the_command_line_is_read_by_the_type() {
    for (set, value) in [
        ("node_count=7", Value::Integer(7)),
        ("node_count =-7", Value::Integer(-7)),
        ("tls=false", Value::Boolean(false)),
        ("image=a=b, c", Value::Text("a=b, c".into())),
        ("image=", Value::Text(String::new())),
        ("within=1h 5m", Value::Duration(std::time::Duration::from_secs(3900))),
        ("memory=512MiB", Value::Size(512 << 20)),
        ("cidr=fd00::/64", Value::Text("fd00::/64".into())),
        ("servers=1.1.1.1, ::1", Value::List(vec![Value::Text("1.1.1.1".into()), Value::Text("::1".into())])),
        ("servers=", Value::List(vec![])),
        (
            "labels=a=1,b=x=y",
            Value::Map(
                [("a".into(), Value::Text("1".into())), ("b".into(), Value::Text("x=y".into()))].into(),
            ),
        ),
    ] {
        let (name, _) = set.split_once('=').unwrap();
        let values = resolve("", &[set]).unwrap();
        assert_eq!(values.get(name.trim()).unwrap().unwrap().value, value, "{set}");
    }
}

#[test]
fn a_value_reads_back_as_it_is_shown() {
    for (name, text) in [
        ("within", "1500ms"),
        ("within", "90s"),
        ("within", "0s"),
        ("within", "36h"),
        ("within", "61min"),
        ("memory", "8193MiB"),
        ("memory", "1500B"),
        ("servers", "1.1.1.1,::1"),
        ("labels", "a=1,b=2"),
    ] {
        let values = resolve("", &[&format!("{name}={text}")]).unwrap();
        let value = values.get(name).unwrap().unwrap().value.clone();
        let again = resolve("", &[&format!("{name}={value}")]).unwrap();
        assert_eq!(again.get(name).unwrap().unwrap().value, value, "{value}");
    }
}

#[test]
fn an_optional_value_is_left_unset_by_a_set_without_one() {
    let site = "cidr = \"10.20.16.0/24\"\naddress = \"https://example.org/\"\n";
    let values = resolve(site, &["cidr=", "id="]).unwrap();
    assert!(values.get("cidr").unwrap().is_none() && values.get("id").unwrap().is_none());
    assert!(values.get("address").unwrap().is_some());
    // one with a default is never without a value
    assert!(resolve(site, &["memory="]).is_err());
}

#[test]
fn what_the_type_does_not_allow_is_refused() {
    for (set, what) in [
        ("node_count=two", "--set node_count: `two` is not an integer"),
        ("node_count=9223372036854775808", "--set node_count: `9223372036854775808` is not an integer"),
        ("tls=yes", "--set tls: `yes` is not true or false"),
        ("within=30", "--set within: `30` is not a duration"),
        ("memory=lots", "--set memory: `lots` is not a size"),
        ("cidr=10.20.16.1/24", "--set cidr: `10.20.16.1/24` is an address in a network, not a network"),
        ("cidr=10.20.16.0/33", "--set cidr: `10.20.16.0/33` is not a network"),
        ("cidr=10.20.16.0", "--set cidr: `10.20.16.0` is not a network"),
        ("cidr=10.20.16.0/+8", "--set cidr: `10.20.16.0/+8` is not a network"),
        ("servers=1.1.1.1,dns", "--set servers: `dns` is not an IP address"),
        ("labels=a", "--set labels: `a` is not a pair"),
        ("driver=flannel", "--set driver: `driver` cannot be \"flannel\""),
        ("id=d5bc125c", "--set id: `d5bc125c` is not a UUID"),
        ("address=ftp://x", "--set address: `ftp://x` is not a URL"),
        ("nodes=1", "--set nodes: there is no value of this name"),
        ("image", "--set image: there is no `=`"),
    ] {
        let error = resolve("", &[set]).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), (what, ErrorKind::Usage));
    }
}

#[test]
fn networks_of_every_length_are_told_from_addresses() {
    for text in ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/32", "::/0", "fd00::/8", "fd00::1/128"] {
        resolve("", &[&format!("cidr={text}")]).unwrap();
    }
    for (text, meant) in
        [("10.0.0.1/0", "0.0.0.0/0"), ("10.20.16.9/28", "10.20.16.0/28"), ("fd00::1/64", "fd00::/64")]
    {
        let error = resolve("", &[&format!("cidr={text}")]).unwrap_err();
        assert_eq!(error.detail().help, Some(format!("did you mean {meant}?")));
    }
}

#[test]
fn a_schema_with_a_mistake_is_refused_at_its_place() {
    for (text, what) in [
        ("[x]\ntype = \"strng\"\ndoc = \"d\"\nexample = \"e\"", "values.toml:2:8 there is no type `strng`"),
        (
            "[x]\ntype = \"list<list<ip>>\"\ndoc = \"d\"\nexample = []",
            "values.toml:2:8 there is no type `list<ip>`",
        ),
        ("[x]\ntype = \"string\"\ndoc = \"d\"", "values.toml:1:1 `x` has neither a default nor an example"),
        (
            "[x]\ntype = \"integer\"\ndoc = \"d\"\ndefault = \"2\"",
            "values.toml:4:11 `x.default` must be an integer, not a text",
        ),
        ("[X]\ntype = \"integer\"\ndoc = \"d\"\ndefault = 2", "values.toml:1:2 `X` cannot name a value"),
        ("[x]\ntype = \"string\"\ndefault = \"2\"", "values.toml:1:1 `x` has no `doc`"),
    ] {
        let error = Schema::parse("values.toml", text).unwrap_err();
        assert_eq!(format!("{} {error}", error.detail().place.as_ref().unwrap()), what);
    }
}

/// Words that a script cannot read as `site.WORD`: Rhai's own, and the fields that `site` has anyway.
const TAKEN: &[&str] = &[
    "name",
    "description",
    "scope",
    "kube",
    "host",
    "tool",
    "endpoint",
    "value",
    "values",
    "extra",
    "until",
    "do",
    "try",
    "in",
    "for",
    "private",
    "const",
    "import",
    "export",
    "as",
    "throw",
    "let",
    "fn",
    "if",
    "else",
    "while",
    "loop",
    "break",
    "continue",
    "return",
    "switch",
    "true",
    "false",
    "this",
    "global",
];

#[test]
fn the_shipped_schema_is_whole() {
    let schema =
        Schema::parse("runbooks/values.toml", include_str!("../../../runbooks/values.toml")).unwrap();
    assert!(schema.iter().count() > 40);
    for decl in schema.iter() {
        assert!(!TAKEN.contains(&&*decl.name), "{} is taken", decl.name);
        assert!(!decl.used_by.is_empty(), "{} is used by no runbook", decl.name);
        assert!(!decl.doc.ends_with('.'), "{}: a doc is a sentence without its full stop", decl.name);
        // what an operator copies from an error must be right
        let line = format!("{} = {}", decl.name, decl.example);
        let node = Node::from_toml("site.toml", &line).unwrap();
        let back = decl.read(&node.entries().unwrap()[0].node);
        assert!(back.is_ok(), "{line}: {}", back.unwrap_err());
    }
}
