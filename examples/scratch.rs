//! scratch
#![allow(clippy::unwrap_used)]
fn main() {
    let mut e = rhumb::script::engine::bare();
    e.set_optimization_level(rhai::OptimizationLevel::None);
    e.set_strict_variables(false);
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 2 {
        let t = std::fs::read_to_string(&args[1]).unwrap();
        match e.compile(&t) {
            Ok(_) => println!("ok"),
            Err(x) => println!("{x}"),
        }
        return;
    }
    let text = std::fs::read_to_string(&args[1]).unwrap();
    match e.compile(&text) {
        Ok(ast) => {
            println!("doc {:?}", ast.doc());
            for s in ast.statements() {
                println!("{s:#?}");
            }
            for f in ast.iter_fn_def() {
                println!("FN {} {:?} {:?} {:?} {:#?}", f.name, f.params, f.access, f.comments, f.body);
            }
        }
        Err(x) => println!("{x:?}"),
    }
}
