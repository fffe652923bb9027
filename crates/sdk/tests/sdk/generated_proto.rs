//! `src/proto/` is what `proto/statefun/` compiles to, so that whoever depends on the SDK compiles no protobuf compiler.
//!
//! `REGENERATE=1 cargo test -p statefun-sdk --test sdk generated` writes it anew.

use std::path::Path;

use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;

const FILES: [&str; 3] = ["request-reply.proto", "egress.proto", "types.proto"];
const OUTPUTS: [&str; 3] = ["io.statefun.sdk.reqreply.rs", "io.statefun.sdk.egress.rs", "io.statefun.sdk.types.rs"];

/// What is read is a slice of the request's buffer. The value of a record is only written, from a buffer.
const BYTES: [&str; 7] = [
    ".io.statefun.sdk.reqreply",
    ".io.statefun.sdk.egress.KafkaProducerRecord.key",
    ".io.statefun.sdk.egress.KafkaProducerRecord.topic",
    ".io.statefun.sdk.egress.KinesisEgressRecord.partition_key",
    ".io.statefun.sdk.egress.KinesisEgressRecord.stream",
    ".io.statefun.sdk.egress.KinesisEgressRecord.explicit_hash_key",
    ".io.statefun.sdk.types",
];

/// `string` and `bytes` are the same on the wire. Read as `Bytes`, a name is a slice of the request's buffer instead of
/// an allocation; the SDK checks UTF-8 where a name leaves it. The wrapper of a string keeps its type.
fn strings_as_bytes(files: &mut FileDescriptorSet) {
    fn visit(message: &mut prost_types::DescriptorProto) {
        for field in &mut message.field {
            if field.r#type() == Type::String {
                field.set_type(Type::Bytes);
            }
        }
        message.nested_type.iter_mut().for_each(visit);
    }
    for file in &mut files.file {
        if file.package() != "io.statefun.sdk.types" {
            file.message_type.iter_mut().for_each(visit);
        }
    }
}

#[test]
fn generated_code_is_what_the_protos_say() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = protox::compile(FILES, [sdk.join("../../proto/statefun")]).expect("the protos compile");
    strings_as_bytes(&mut files);
    let out = tempfile::tempdir().expect("a temporary folder");
    prost_build::Config::new().bytes(BYTES).out_dir(out.path()).compile_fds(files).expect("code is generated");
    for name in OUTPUTS {
        let fresh = std::fs::read_to_string(out.path().join(name)).expect("generated file");
        let kept = sdk.join("src/proto").join(name);
        if std::env::var_os("REGENERATE").is_some() {
            std::fs::write(&kept, &fresh).expect("written");
        }
        let committed = std::fs::read_to_string(&kept).unwrap_or_default();
        assert!(
            committed == fresh,
            "{} is not what proto/statefun says; run this test with REGENERATE=1",
            kept.display()
        );
    }
}
