package bench;

import bench.Documents.Event;
import bench.Documents.Profile;
import bench.Documents.Receipt;
import bench.Documents.Update;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.undertow.Undertow;
import io.undertow.server.HttpServerExchange;
import io.undertow.util.Headers;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.statefun.sdk.java.AddressScopedStorage;
import org.apache.flink.statefun.sdk.java.Context;
import org.apache.flink.statefun.sdk.java.StatefulFunctionSpec;
import org.apache.flink.statefun.sdk.java.StatefulFunctions;
import org.apache.flink.statefun.sdk.java.TypeName;
import org.apache.flink.statefun.sdk.java.ValueSpec;
import org.apache.flink.statefun.sdk.java.handler.RequestReplyHandler;
import org.apache.flink.statefun.sdk.java.io.KafkaEgressMessage;
import org.apache.flink.statefun.sdk.java.message.Message;
import org.apache.flink.statefun.sdk.java.message.MessageBuilder;
import org.apache.flink.statefun.sdk.java.slice.Slices;
import org.apache.flink.statefun.sdk.java.types.SimpleType;
import org.apache.flink.statefun.sdk.java.types.Type;

/**
 * The workload on the official Java SDK and Undertow.
 *
 * <p>State types are immutable ones, as in that project's own examples: the SDK then decodes a value
 * once per batch and encodes it once at the end. Mutable ones would be decoded and encoded on every
 * call, which is what the other SDKs do.
 */
public final class Server {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final TypeName SINK = TypeName.typeNameFromString("bench.fns/sink");
  private static final TypeName EGRESS = TypeName.typeNameFromString("bench.io/out");

  private static final Type<Event> EVENT = json("bench.types/event", Event.class);
  private static final Type<Update> UPDATE = json("bench.types/update", Update.class);
  private static final Type<Receipt> RECEIPT = json("bench.types/receipt", Receipt.class);

  private static final ValueSpec<Integer> SEEN = ValueSpec.named("seen").withIntType();
  private static final ValueSpec<Profile> PROFILE =
      ValueSpec.named("profile").withCustomType(json("bench.types/profile", Profile.class));

  private static <T> Type<T> json(String name, Class<T> clazz) {
    TypeName typeName = TypeName.typeNameFromString(name);
    SimpleType.Fn<T, byte[]> write = JSON::writeValueAsBytes;
    SimpleType.Fn<byte[], T> read = bytes -> JSON.readValue(bytes, clazz);
    return SimpleType.simpleImmutableTypeFrom(typeName, write, read);
  }

  private static CompletableFuture<Void> counter(Context context, Message message) {
    Event event = message.as(EVENT);
    AddressScopedStorage storage = context.storage();

    int seen = storage.get(SEEN).orElse(0) + 1;
    storage.set(SEEN, seen);

    Profile profile = storage.get(PROFILE).orElseGet(Profile::new);
    storage.set(PROFILE, profile.withLastEvent(event.eventId));

    context.send(
        MessageBuilder.forAddress(SINK, event.item)
            .withCustomType(UPDATE, new Update(event, seen))
            .build());
    context.send(
        KafkaEgressMessage.forEgress(EGRESS)
            .withTopic("bench-out")
            .withUtf8Key(event.userId)
            .withValue(RECEIPT, new Receipt(event, seen))
            .build());
    return context.done();
  }

  private static CompletableFuture<Void> echo(Context context, Message message) {
    context.send(
        KafkaEgressMessage.forEgress(EGRESS)
            .withTopic("bench-echo")
            .withUtf8Key(context.self().id())
            .withValue(message.rawValue())
            .build());
    return context.done();
  }

  private static void serve(RequestReplyHandler handler, HttpServerExchange exchange) {
    exchange
        .getRequestReceiver()
        .receiveFullBytes(
            (self, body) -> {
              self.dispatch();
              handler
                  .handle(Slices.wrap(body))
                  .whenComplete(
                      (response, failure) -> {
                        if (failure != null) {
                          failure.printStackTrace();
                          self.setStatusCode(500).endExchange();
                          return;
                        }
                        self.getResponseHeaders()
                            .put(Headers.CONTENT_TYPE, "application/octet-stream");
                        self.getResponseSender().send(response.asReadOnlyByteBuffer());
                      });
            });
  }

  public static void main(String[] args) {
    StatefulFunctions functions = new StatefulFunctions();
    functions.withStatefulFunction(
        StatefulFunctionSpec.builder(TypeName.typeNameFromString("bench.fns/counter"))
            .withValueSpecs(SEEN, PROFILE)
            .withSupplier(() -> Server::counter)
            .build());
    functions.withStatefulFunction(
        StatefulFunctionSpec.builder(TypeName.typeNameFromString("bench.fns/echo"))
            .withSupplier(() -> Server::echo)
            .build());
    RequestReplyHandler handler = functions.requestReplyHandler();
    Undertow.builder()
        .addHttpListener(Integer.parseInt(System.getenv("PORT")), "127.0.0.1")
        .setHandler(exchange -> serve(handler, exchange))
        .build()
        .start();
  }
}
