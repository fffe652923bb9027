//! Names that are checked when the program is compiled.
use statefun_sdk::{Egress, TypeName, Typed, ValueSpec};

#[derive(Typed)]
#[typed("no-namespace")]
struct NoNamespace;

#[derive(Typed)]
#[typed("two/slashes/here")]
struct TwoSlashes;

#[derive(Typed)]
struct NoName;

#[derive(Typed)]
#[typed("shop/order", xml)]
struct UnknownEncoding;

const NAME: TypeName = TypeName::new("greeter");
const EGRESS: Egress = Egress::new("out");
const STATE: ValueSpec<i32> = ValueSpec::new("no-dashes");

fn main() {
    let _ = (NAME, EGRESS, STATE);
}
