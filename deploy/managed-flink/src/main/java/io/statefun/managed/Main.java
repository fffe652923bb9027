package io.statefun.managed;

import java.util.stream.Stream;
import org.apache.flink.statefun.flink.core.StatefulFunctionsJob;

/**
 * Starts the job of the module.yaml in this JAR.
 *
 * <p>StateFun's own main class wants its packages to be loaded from Flink's lib folder, and refuses to start where
 * {@code classloader.parent-first-patterns.additional} does not say so, which Managed Flink cannot be told. Here all of
 * StateFun is in one JAR, hence in one class loader: what it calls embedded.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    StatefulFunctionsJob.main(
        Stream.concat(Stream.of("--statefun.embedded", "true"), Stream.of(args)).toArray(String[]::new));
  }
}
