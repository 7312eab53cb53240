use super::*;

fn error(result: Result<Node>) -> String {
    let error = result.unwrap_err();
    format!("{} {error}", error.detail().place.as_ref().unwrap())
}

#[test]
fn every_node_knows_its_place_and_path() {
    let toml = "# é\n[scopes.\"a b\"]\nx = [1, { y = 'é' }]\n";
    let yaml = "scopes:\n  \"a b\":\n    x:\n    - 1\n    - {y: é}\n";
    let places = |root: Node| {
        let mut found = Vec::new();
        fn walk(node: &Node, found: &mut Vec<String>) {
            found.push(format!("{node:?}"));
            match &node.shape {
                Shape::List(items) => items.iter().for_each(|item| walk(item, found)),
                Shape::Table(entries) => entries.iter().for_each(|e| walk(&e.node, found)),
                _ => {}
            }
        }
        walk(&root, &mut found);
        found
    };
    let toml = places(Node::from_toml("f", toml).unwrap());
    assert_eq!(
        toml[2..],
        [
            "a table `scopes.\"a b\"` at f:2:1",
            "a list `scopes.\"a b\".x` at f:3:5",
            "an integer `scopes.\"a b\".x[0]` at f:3:6",
            "a table `scopes.\"a b\".x[1]` at f:3:9",
            "a text `scopes.\"a b\".x[1].y` at f:3:15",
        ]
    );
    let yaml = places(Node::from_yaml("f", yaml).unwrap());
    assert_eq!(
        yaml[3..],
        [
            "a list `scopes.\"a b\".x` at f:4:7",
            "an integer `scopes.\"a b\".x[0]` at f:4:7",
            "a table `scopes.\"a b\".x[1]` at f:5:7",
            "a text `scopes.\"a b\".x[1].y` at f:5:11",
        ]
    );
}

#[test]
fn a_table_keeps_the_order_of_the_file() {
    let root = Node::from_toml("f", "z = 1\na = 2\n[m]\n[b]\n").unwrap();
    let keys: Vec<&str> = root.entries().unwrap().iter().map(|e| &*e.key).collect();
    assert_eq!(keys, ["z", "a", "m", "b"]);
}

#[test]
fn text_that_is_no_toml_or_yaml_is_refused_at_its_place() {
    assert_eq!(error(Node::from_toml("f", "a = 1\na = 2\n")), "f:2:1 f is not valid TOML: duplicate key");
    assert_eq!(
        error(Node::from_toml("f", "a = 99999999999999999999\n")),
        "f:1:5 this integer does not fit into 64 bits"
    );
    assert_eq!(error(Node::from_yaml("f", "a: 1\na: 2\n")), "f:2:1 f is not valid YAML here");
}

#[test]
fn an_error_in_yaml_never_quotes_it() {
    for text in [
        "password: *hunter2\n",
        "password: 'hunter2\n",
        "password: hunter2: x\n",
        "hunter2: 1\nhunter2: 2\n",
        "p: &hunter2 [\n",
    ] {
        let error = Node::from_yaml("clouds.yaml", text).unwrap_err();
        assert!(!format!("{error} {:?}", error.detail()).contains("hunter2"), "{error}");
    }
}

#[test]
fn a_bomb_of_aliases_or_depth_is_refused() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (upper, lower) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        bomb.push_str(&format!("{upper}: &{upper} [{}]\n", vec![format!("*{lower}"); 10].join(",")));
    }
    assert!(Node::from_yaml("f", &bomb).is_err());
    assert!(Node::from_yaml("f", &"[".repeat(10_000)).is_err());
    assert!(Node::from_toml("f", &format!("a = {}", "[".repeat(10_000))).is_err());
}

#[test]
fn an_empty_text_is_told_from_a_missing_one() {
    let root = Node::from_toml("f", "a = \"\"\nb = 5\n").unwrap();
    let fields = root.fields(&["a", "b", "c"]).unwrap();
    assert_eq!(fields.text("a").unwrap_err().to_string(), "`a` is empty");
    let error = fields.text("b").unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.detail().help.as_deref()),
        ("`b` must be a text, not an integer", Some("put it in quotes"))
    );
    assert_eq!(fields.text("c").unwrap(), None);
}
